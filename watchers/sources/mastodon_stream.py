"""A Mastodon server's stream: every public post it learns of, matched here (sources.md 4.6).

Since version 4.2 a user token is needed. A stream cannot be wound back: what was written while nobody
listened is a gap that this source never fills. Search and tags (the source mastodon) can.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from watchers.budget import Budget
from watchers.connector import Description, Limited, Setting, SourceRow, interval
from watchers.errors import BadSetting
from watchers.http import Http, Secret, SourceTrouble
from watchers.model import Gap, Outcome, Page, Post, Reach, Watermark
from watchers.paging import REMEMBERED_FOR, failed, merge
from watchers.shapes.languages import wanted
from watchers.shapes.mastodon import read_status
from watchers.sitetext import fields, json_or_none, name
from watchers.stream import Stream, stream_fault

NAME = "mastodon_stream"
ALL = "public"  # its one query
SCOPES = ("public", "public:local", "public:remote")
MOST = 10_000  # events of one look

SETTINGS = (
    Setting(
        name="MASTODON_STREAM_URL",
        meaning="address of the server's stream, wss://…/api/v1/streaming",
        required=True,
    ),
    Setting(name="MASTODON_STREAM_TOKEN", meaning="a user token there", required=True, secret=True),
    Setting(
        name="MASTODON_STREAM_SCOPE",
        meaning="public, public:local or public:remote",
        default="public",
    ),
    Setting(
        name="MASTODON_STREAM_LANGUAGES",
        meaning="languages of the posts that are read, as in zh en; * reads all",
        default="zh",
    ),
    Setting(
        name="MASTODON_STREAM_EVERY", meaning="seconds between two looks at the stream", default="5"
    ),
)
TERMS = (
    "Each server has its own rules: read those of yours. Accounts that ask not to be indexed (noindex) "
    "are left out. Posts deleted there are deleted here."
)


class MastodonStream(Limited):
    """The stream of one server."""

    name = NAME
    title = "Mastodon (stream)"
    overlap = timedelta(0)
    lag = timedelta(seconds=10)
    freshness = timedelta(hours=1)
    page_size = MOST
    deep = False
    feeds: ClassVar[tuple[str, ...]] = (ALL,)
    budgets: tuple[Budget, ...] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        url = settings.get("MASTODON_STREAM_URL", "").strip()
        if (fault := stream_fault(url)) is not None:
            where = f"MASTODON_STREAM_URL: {fault}"
            raise BadSetting(where)
        self._scope = settings.get("MASTODON_STREAM_SCOPE", "").strip() or "public"
        if self._scope not in SCOPES:
            where = f"MASTODON_STREAM_SCOPE={self._scope[:20]}: give one of {', '.join(SCOPES)}"
            raise BadSetting(where)
        self._token = Secret(settings.get("MASTODON_STREAM_TOKEN", ""))
        http.keep_secret(self._token)
        languages = settings.get("MASTODON_STREAM_LANGUAGES", "").strip() or "zh"
        self._languages = frozenset(languages.lower().split())
        self.every = interval(settings, "MASTODON_STREAM_EVERY", timedelta(seconds=5))
        self._stream = Stream(http, url)
        self._mark: Watermark | None = None  # what the connection that stands has led to

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read what the stream brought since the last look."""
        del query, max_pages, reach
        posts: dict[str, Post] = {}
        deleted: dict[str, None] = {}
        detail, lost = "", False
        try:
            lost = await self._connect(since, now)
            async for event in self._stream.messages(MOST):
                self._take(event, posts, deleted, now)
        except SourceTrouble as trouble:
            if not posts and not deleted:
                return failed(since, trouble)
            detail = trouble.detail
        gaps = [g for g in since.gaps if g.end > now - REMEMBERED_FOR]
        if lost and since.covered_to is not None:
            gaps.append(Gap(start=since.covered_to, end=now))
            detail = detail or "what was written while nobody listened is not to be had"
        covered = since.covered_to if detail and not lost else now - self.lag
        mark = replace(since, at=now, covered_to=covered, gaps=merge(gaps))
        self._mark = mark
        found = Outcome.OK if posts or deleted else Outcome.OK_EMPTY
        return Page(
            posts=tuple(sorted(posts.values(), key=lambda p: p.at, reverse=True)),
            watermark=mark,
            outcome=Outcome.PARTIAL if detail else found,
            requests=0,
            detail=detail,
            deleted=tuple(deleted),
        )

    async def _connect(self, since: Watermark, now: datetime) -> bool:
        """Listen, if nobody does; return whether something was missed meanwhile."""
        if self._stream.connected and self._mark in (since, None):
            return False
        token = {"Authorization": f"Bearer {self._token.reveal()}"}
        await self._stream.connect({"stream": self._scope}, now, token)
        return since.covered_to is not None

    def _take(
        self, event: object, posts: dict[str, Post], deleted: dict[str, None], now: datetime
    ) -> None:
        kind, payload = fields(event).get("event"), fields(event).get("payload")
        if kind == "delete" and (id_ := name(payload)):
            posts.pop(id_, None)
            deleted[id_] = None
        elif kind in ("update", "status.update") and isinstance(payload, str):
            post = read_status(json_or_none(payload), now)
            if post is not None and wanted(post, self._languages):
                posts[post.id] = replace(post, source=NAME)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Listen for a moment."""
        stream = Stream(self._stream.http, self._stream.url)
        token = {"Authorization": f"Bearer {self._token.reveal()}"}
        try:
            await stream.connect({"stream": self._scope}, now, token)
            count = len([event async for event in stream.messages(100)])
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        finally:
            await stream.close()
        return Outcome.OK, f"works: {count} events came at once"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution=f"Mastodon ({self._stream.host})",
            cost_unit="nothing",
            min_interval=timedelta(seconds=1),
            terms_class="official",
        )


COST = "Free; a user token of the server is needed."
ROW = SourceRow(
    name=NAME,
    title=MastodonStream.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=MastodonStream,
)
