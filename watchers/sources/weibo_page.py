"""Sina Weibo's public search page: page 1, as anybody without an account sees it (sources.md 4.7).

Nothing grants its use, so it is off until an operator has written down why it may be read. It is a
plain request: no account, no visitor value, no borrowed cookie, no disguise. Where that is refused,
as it was everywhere in 2026, the source says so and waits six hours. Use the gateway or the contract.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from watchers.budget import Budget, Period
from watchers.connector import Description, Limited, Setting, SourceRow, interval
from watchers.errors import BadSetting
from watchers.http import BLOCKED_FOR, Call, Http, Reply, SourceTrouble, base_address
from watchers.model import Outcome, Page, Post, Reach, Watermark
from watchers.paging import Memory, failed, one_page
from watchers.robots import Robots
from watchers.shapes.weibo import judged, read_statuses, statuses
from watchers.sitetext import fields, line

NAME = "weibo_page"
BASE = "https://m.weibo.cn"
PAGE = 10
SLOWEST = timedelta(minutes=30)
PATH = "/api/container/getIndex"

SETTINGS = (
    Setting(
        name="WEIBO_PAGE_REASON",
        meaning="why you may read this page, in a sentence: kept and shown; setting it switches it on",
        required=True,
    ),
    Setting(name="WEIBO_PAGE_BASE_URL", meaning="address of the site", default=BASE),
    Setting(
        name="WEIBO_PAGE_EVERY",
        meaning="seconds between two looks at a word; 1800 at least",
        default="1800",
    ),
)
TERMS = (
    "Nothing grants the use of this page: read Weibo's robots.txt and agreement first, and write down "
    "why you may. Page 1 alone, thinned out by Weibo: a sample, never the whole. Since 2025 it refuses "
    "visitors without an account; then this source says so and nothing else is tried."
)


class WeiboPage(Limited):
    """The page, for an installation."""

    name = NAME
    title = "Sina Weibo (public page 1)"
    overlap = timedelta(minutes=30)
    lag = timedelta(minutes=5)
    freshness = timedelta(hours=1)
    page_size = PAGE
    deep = False
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        self._base = base_address(settings, "WEIBO_PAGE_BASE_URL", BASE)
        self._reason = line(settings.get("WEIBO_PAGE_REASON", ""))
        if len(self._reason) < 10:
            where = "WEIBO_PAGE_REASON: give a sentence that says why you may read this page"
            raise BadSetting(where)
        self.every = interval(settings, "WEIBO_PAGE_EVERY", SLOWEST)
        if self.every < SLOWEST:
            where = "WEIBO_PAGE_EVERY: each word is asked for every half hour at most; give 1800"
            raise BadSetting(where)
        self.budgets = (Budget(cap=60, period=Period.HOUR, unit="looks"),)
        self._robots = Robots(http)
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
        """Read page 1."""
        del max_pages, reach
        try:
            asked = await self._robots.ask(self._base + PATH, now)
            posts, reply = await self._ask(query, now)
        except SourceTrouble as trouble:
            if trouble.outcome in (Outcome.AUTH_REQUIRED, Outcome.BLOCKED):
                trouble.until = max(trouble.until or now, now + BLOCKED_FOR)
            return failed(since, trouble)
        page = one_page(
            query,
            since,
            posts,
            now=now,
            full=len(posts) >= PAGE,
            lag=self.lag,
            memory=self._memory,
            requests=reply.requests,
        )
        return replace(page, requests=page.requests + asked)

    async def _ask(self, query: str, now: datetime) -> tuple[list[Post], Reply]:
        params: dict[str, str | int] = {
            "containerid": f"100103type=61&q={query}&t=0",
            "page_type": "searchall",
            "page": 1,
        }
        call = Call(url=self._base + PATH, params=params)
        reply = await self._http.send(call, now=now, budget=self.budgets[0])
        body = judged(self._http, reply, now, {})
        found = statuses(body)
        said = fields(body)
        if found is None or (not found and said.get("ok") not in (0, 1)):
            raise self._trouble(reply, f"{reply.host} answered without cards")
        read, _, bad = read_statuses(found, now)
        if bad * 2 > len(found):
            raise self._trouble(reply, f"{reply.host}: {bad} of {len(found)} posts unread")
        return [replace(p, source=NAME, terms_class="public-web") for p in read], reply

    def _trouble(self, reply: Reply, detail: str) -> SourceTrouble:
        return self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Look once for a common word, as a visitor."""
        page = await self.search("天气", Watermark(), now=now)
        if not page.outcome.healthy:
            return page.outcome, page.detail
        return Outcome.OK, f"works; enabled because: {self._reason}"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="Sina Weibo",
            cost_unit="looks",
            min_interval=SLOWEST,
            terms_class="public-web",
        )


COST = "Free: 48 looks a day at each word."
ROW = SourceRow(
    name=NAME,
    title=WeiboPage.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=WeiboPage,
)
