"""A source that gives one answer to a query: no pages, no cursor. Knows no source.

A source says how it asks and how it reads an item; what makes a round of that is the same for all.
"""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import ClassVar

from watchers.connector import Limited
from watchers.http import Http, Reply, SourceTrouble
from watchers.model import Outcome, Page, Post, Reach, Watermark
from watchers.paging import Memory, failed, one_page

WEATHER = "天气"  # a word of which something is written every day


class OneAnswer(Limited, ABC):
    """The search and the test of such a source."""

    lag: timedelta
    page_size: int
    deep = False
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http) -> None:
        self._http = http
        self._memory = Memory()

    @abstractmethod
    async def _ask(self, query: str, since: Watermark, now: datetime) -> tuple[list[object], Reply]:
        """Return the items that QUERY finds, and the reply they stood in; raises SourceTrouble."""

    @abstractmethod
    def _post(self, raw: object, now: datetime) -> Post | None:
        """Return the post that RAW, an item, is; None: it cannot be read."""

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read the one answer there is; most of it unread means that its form was changed."""
        del max_pages, reach
        try:
            found, reply = await self._ask(query, since, now)
        except SourceTrouble as trouble:
            return failed(since, trouble)
        posts = [post for raw in found if (post := self._post(raw, now)) is not None]
        bad = len(found) - len(posts)
        if bad * 2 > len(found):
            detail = f"{reply.host}: {bad} of {len(found)} results unread"
            return failed(since, self._changed(reply, detail))
        return one_page(
            query,
            since,
            {post.id: post for post in posts}.values(),
            now=now,
            full=len(found) >= self.page_size,
            lag=self.lag,
            memory=self._memory,
            requests=reply.requests,
            detail=f"{bad} results could not be read" if bad else "",
        )

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Search for a common word once; it counts as any search does."""
        try:
            found, _ = await self._ask(WEATHER, Watermark(at=now), now)
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        if not found:
            return Outcome.SCHEMA_CHANGED, "nothing was found of the weather: broken"
        return Outcome.OK, "works"

    def _changed(self, reply: Reply, detail: str) -> SourceTrouble:
        """Return the trouble that REPLY is not of the form it had, and why: DETAIL."""
        return self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)
