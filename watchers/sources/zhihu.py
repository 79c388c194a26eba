"""Zhihu by its open platform: answers and articles by keyword (sources.md 4.3).

A search has no pages and no order by time, and tells when a text was last edited, not when it was
published: what it brings is quoted in stories and never counted into a minute.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
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
from watchers.http import Http, SourceTrouble
from watchers.model import Author, Kind, Outcome, Page, Post, Reach, Watermark
from watchers.paging import Memory, failed, one_page
from watchers.shapes.zhihu import BASE, TERMS, ZhihuApi
from watchers.sitetext import canonical, count, line, link_id, plain
from watchers.timetext import read_time

NAME = "zhihu"
PAGE = 10
SHORTEST, LONGEST = 2, 100  # characters of a query
EDITED = timedelta(days=1)  # how exact a time of editing is as a time of publishing

SETTINGS = (
    Setting(
        name="ZHIHU_SECRET",
        meaning="access secret of Zhihu's open platform (developer.zhihu.com)",
        required=True,
        secret=True,
    ),
    Setting(name="ZHIHU_BASE_URL", meaning="address of the platform", default=BASE),
    Setting(name="ZHIHU_SEARCHES_PER_DAY", meaning="searches a day: a hard stop", default="5000"),
    Setting(name="ZHIHU_EVERY", meaning="seconds between two rounds of a query", default="600"),
    *canary_settings("ZHIHU"),
)


class Zhihu(Limited):
    """Zhihu's own search, for one account."""

    name = NAME
    title = "Zhihu"
    overlap = timedelta(hours=24)
    lag = timedelta(minutes=10)
    freshness = timedelta(days=2)
    page_size = PAGE
    deep = False
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._api = ZhihuApi(http, settings, "ZHIHU")
        self.every = interval(settings, "ZHIHU_EVERY", timedelta(minutes=10))
        self.canary = read_canary(settings, "ZHIHU")
        self._searches = Budget(
            cap=whole_number(settings, "ZHIHU_SEARCHES_PER_DAY", 5000),
            period=Period.DAY,
            unit="searches",
            pace=(1, 1.0),
        )
        self.budgets = (self._searches,)
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
        """Read the one page there is."""
        del max_pages, reach
        if not SHORTEST <= len(query) <= LONGEST:
            detail = f"Zhihu takes words of {SHORTEST} to {LONGEST} characters, not {query[:20]!r}"
            return failed(since, SourceTrouble(Outcome.SCHEMA_CHANGED, None, detail))
        try:
            data, reply = await self._api.get(
                "content/zhihu_search", {"Query": query, "Count": PAGE}, now, self._searches
            )
            items = self._api.items(data, reply)
        except SourceTrouble as trouble:
            return failed(since, trouble)
        return one_page(
            query,
            since,
            [_post(item, now) for item in items],
            now=now,
            full=len(items) >= PAGE,
            lag=self.lag,
            memory=self._memory,
            requests=reply.requests,
        )

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Ask how much of the quota is left; costs nothing of it."""
        return await self._api.quota("zhihu_search", now, self._searches)

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="知乎",
            cost_unit="searches of the day's quota",
            min_interval=timedelta(minutes=10),
            terms_class="official",
        )


def _post(item: Mapping[str, object], now: datetime) -> Post:
    url = canonical(str(item.get("Url")))
    title, text = line(item.get("Title")), plain(item.get("ContentText"))
    author = line(item.get("AuthorName"))[:100]
    edited, _ = read_time(item.get("EditTime"), now)
    return Post(
        source=NAME,
        id=link_id(url),
        url=url,
        text="\n".join(filter(None, [title, text if text != title else ""])),
        author=Author(id=author, handle=author, display=author),
        created_at=edited,
        created_precision=EDITED,
        retrieved_at=now,
        comments=count(item.get("CommentCount")),
        likes=count(item.get("VoteUpCount")),
        kind=Kind.POST,
        lang="zh",
        partial_text=True,
        terms_class="official",
    )


COST = "Free for a time: 5,000 searches a day, 144 a day for each word by default."
ROW = SourceRow(
    name=NAME,
    title=Zhihu.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Zhihu,
)
