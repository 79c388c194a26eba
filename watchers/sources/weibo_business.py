"""Sina Weibo through its commercial data API, under contract (sources.md 4.2).

A query gives a thousand posts in twenty pages at most and its pages drift; a round goes back by the
time of the oldest post seen instead, which has no such wall.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from watchers.budget import Budget, Period
from watchers.connector import (
    Description,
    Limited,
    Setting,
    SourceRow,
    canary_settings,
    interval,
    read_canary,
    whole_number,
)
from watchers.http import Call, Http, Reply, Secret, SourceTrouble, base_address
from watchers.model import Gap, Outcome, Page, Post, Reach, Watermark
from watchers.paging import Batch, Memory, Position, read_round
from watchers.shapes.weibo import judged, read_statuses, statuses, total_of

NAME = "weibo_business"
BASE = "https://c.api.weibo.com"
PAGE, PAGES = 50, 20
CUT = 140  # characters to which the API cuts a text
_REFUSED = re.compile(r"[{}\"]")  # characters that no query may hold

MENDS = {
    Outcome.PLAN_REQUIRED: "the contract does not include this interface: ask Weibo's sales",
    Outcome.AUTH_REQUIRED: "the token or app key was refused: set WEIBO_BUSINESS_TOKEN anew",
}

SETTINGS = (
    Setting(
        name="WEIBO_BUSINESS_TOKEN",
        meaning="access token of Weibo's commercial API (contract needed)",
        required=True,
        secret=True,
    ),
    Setting(name="WEIBO_BUSINESS_BASE_URL", meaning="address of the API", default=BASE),
    Setting(
        name="WEIBO_BUSINESS_CALLS_PER_HOUR",
        meaning="searches an hour: a hard stop",
        default="5000",
    ),
    Setting(
        name="WEIBO_BUSINESS_EVERY", meaning="seconds between two rounds of a query", default="120"
    ),
    *canary_settings("WEIBO_BUSINESS"),
)
TERMS = (
    "Under a signed contract for commercial data services (businessapi@staff.sina.com.cn), which is "
    "how an agency may read Weibo for its clients. The contract says how long posts may be kept: "
    "set FENGHUO_RETENTION_DAYS to it."
)


class WeiboBusiness(Limited):
    """The commercial search, for one contract."""

    name = NAME
    title = "Sina Weibo (commercial API)"
    overlap = timedelta(minutes=30)
    lag = timedelta(minutes=1)
    freshness = timedelta(hours=1)
    page_size = PAGE
    deep = True
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        self._base = base_address(settings, "WEIBO_BUSINESS_BASE_URL", BASE)
        self._token = Secret(settings.get("WEIBO_BUSINESS_TOKEN", ""))
        http.keep_secret(self._token)
        self.every = interval(settings, "WEIBO_BUSINESS_EVERY", timedelta(minutes=2))
        self.canary = read_canary(settings, "WEIBO_BUSINESS")
        self._calls = Budget(
            cap=whole_number(settings, "WEIBO_BUSINESS_CALLS_PER_HOUR", 5000, least=1),
            period=Period.HOUR,
            unit="searches",
        )
        self.budgets = (self._calls,)
        self._memory = Memory()

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read one round of QUERY from the newest post back to SINCE."""
        reader = _Query(self, query, now)
        return await read_round(
            reader, since, now=now, max_pages=max_pages, memory=self._memory, reach=reach
        )

    async def ask(self, query: str, end: int, page: int, now: datetime) -> tuple[object, Reply]:
        """Return the JSON of one page of what was posted up to END, in Unix seconds; 0: now."""
        params: dict[str, str | int] = {
            "access_token": self._token.reveal(),
            "q": _REFUSED.sub(" ", query).strip(),
            "sort": "time",
            "count": PAGE,
            "page": page,
        }
        if end:
            params["endtime"] = end
        call = Call(url=f"{self._base}/2/search/statuses/limited.json", params=params)
        reply = await self._http.send(call, now=now, budget=self._calls)
        return judged(self._http, reply, now, MENDS), reply

    def trouble(self, reply: Reply, detail: str) -> SourceTrouble:
        """Build the trouble of an answer that does not fit."""
        return self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Search for a common word once."""
        try:
            body, reply = await self.ask("天气", 0, 1, now)
            if statuses(body) is None:
                raise self.trouble(reply, f"{reply.host} answered without a list of posts")
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        return Outcome.OK, "works"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="Sina Weibo",
            cost_unit="searches of the contract",
            min_interval=timedelta(minutes=1),
            terms_class="contract",
        )


class _Query:
    """One query of a round. A position is "end:page": up to when, and which page of that."""

    start: Position = "0:1"
    overlap = WeiboBusiness.overlap
    lag = WeiboBusiness.lag

    def __init__(self, source: WeiboBusiness, query: str, now: datetime) -> None:
        self.query = query
        self._source, self._now = source, now
        self._seen: set[str] = set()

    def jump(self, gap: Gap, depth: Position | None, pages: int) -> Position:
        """Return the time GAP ends at: nothing above it is read again."""
        del depth, pages
        return f"{_second(gap.end)}:1"

    async def fetch(self, position: Position) -> Batch:
        end, page = map(int, str(position).split(":"))
        body, reply = await self._source.ask(self.query, end, page, self._now)
        found = statuses(body)
        if found is None:
            raise self._source.trouble(reply, f"{reply.host} answered without a list of posts")
        read, deleted, bad = read_statuses(found, self._now)
        if bad * 2 > len(found):
            raise self._source.trouble(reply, f"{reply.host}: {bad} of {len(found)} posts unread")
        posts = tuple(map(_ours, read))
        new = {p.id for p in posts} - self._seen
        self._seen |= new
        oldest = min((p.created_at for p in posts if p.created_at), default=None)
        return Batch(
            posts=posts,
            deleted=deleted,
            next=_next(end, page, oldest, found=len(found), new=bool(new)),
            requests=reply.requests,
            total=total_of(body),
            note=f"{bad} posts could not be read" if bad else "",
        )


def _ours(post: Post) -> Post:
    cut = post.partial_text or len(post.text) >= CUT
    return replace(post, source=NAME, terms_class="contract", partial_text=cut)


def _next(
    end: int, page: int, oldest: datetime | None, *, found: int, new: bool
) -> Position | None:
    """Return where the page behind begins; a short page proves nothing, one of known posts does."""
    before = _second(oldest) if oldest is not None else end
    if before and (before < end or not end):
        return f"{before}:1" if new else None
    more = new or found >= PAGE  # all of one second
    return f"{end}:{page + 1}" if more and page < PAGES else None


def _second(at: datetime) -> int:
    """Return AT in whole Unix seconds, rounded up: what was posted in that second is in it."""
    return -int(-at.astimezone(UTC).timestamp() // 1)


COST = "By the contract; 5,000 searches an hour at most by default."
ROW = SourceRow(
    name=NAME,
    title=WeiboBusiness.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=WeiboBusiness,
)
