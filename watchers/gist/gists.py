"""The gists of quotes as alerts ask for them: off the event loop, never a reason to fail."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

import structlog

from watchers.gist.line import Glosser
from watchers.gist.points import Point, main_points
from watchers.model import Client, Gist, Quote

log = structlog.get_logger(__name__)


class Gists:
    """Tells stored quotes in English; keeps nothing."""

    def __init__(self, glosser: Glosser | None = None) -> None:
        self._glosser = glosser or Glosser()

    async def warm(self) -> None:
        """Read the dictionary now, so that the first alert need not wait for it."""
        await asyncio.to_thread(self._glosser.warm)

    async def of(
        self, quotes: Sequence[Quote], client: Client, terms: Collection[str] = ()
    ) -> Mapping[tuple[str, str], Gist]:
        """Return the gist of each of QUOTES that needs one, by its key."""
        return await asyncio.to_thread(self._now, tuple(quotes), client, tuple(terms))

    async def points(self, quotes: Sequence[Quote]) -> tuple[Point, ...]:
        """Return the main points of a story from its posts; none where that fails."""
        try:
            return await asyncio.to_thread(main_points, tuple(quotes))
        except Exception:  # as above
            log.exception("no main points")
            return ()

    def _now(
        self, quotes: Sequence[Quote], client: Client, terms: Collection[str]
    ) -> Mapping[tuple[str, str], Gist]:
        found = {}
        for quote in quotes:
            try:
                text = self._glosser.gist(quote.text, client, terms)
            except Exception:  # an alert without its gist is better than no alert
                log.exception("no gist", source=quote.source, post=quote.post_id)
                continue
            if text:
                found[quote.key] = Gist(text=text)
        return found
