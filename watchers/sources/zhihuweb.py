"""News portals by the web search of Zhihu's open platform: the portal echo (sources.md 4.3).

One search holds all portals. Where its one page is full, each portal is asked for by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlsplit

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
from watchers.model import Outcome, Page, Post, Reach, Watermark
from watchers.paging import Memory, failed, one_page
from watchers.shapes.articles import article
from watchers.shapes.zhihu import BASE, TERMS, ZhihuApi
from watchers.timetext import read_time

NAME = "zhihuweb"
PAGE = 20
EDITED = timedelta(days=1)  # the search tells when an article was last edited

# hosts are listed one by one: whether the filter takes the end of a name is not known
PORTALS: Mapping[str, tuple[str, ...]] = {
    "新浪": (
        "news.sina.com.cn", "finance.sina.com.cn", "tech.sina.com.cn", "k.sina.com.cn",
        "cj.sina.com.cn", "news.sina.cn",
    ),
    "搜狐": ("www.sohu.com", "news.sohu.com", "mp.sohu.com", "business.sohu.com"),
    "网易": ("www.163.com", "news.163.com", "money.163.com", "tech.163.com"),
    "腾讯网": ("new.qq.com", "news.qq.com", "finance.qq.com", "view.inews.qq.com"),
    "人民网": (
        "www.people.com.cn", "society.people.com.cn", "finance.people.com.cn",
        "paper.people.com.cn", "opinion.people.com.cn",
    ),
    "中国日报网": ("www.chinadaily.com.cn", "cn.chinadaily.com.cn", "china.chinadaily.com.cn"),
}  # fmt: skip
_PUBLISHER = {host: title for title, hosts in PORTALS.items() for host in hosts}

SETTINGS = (
    Setting(
        name="ZHIHUWEB_SECRET",
        meaning="access secret of Zhihu's open platform; may be that of ZHIHU_SECRET",
        required=True,
        secret=True,
    ),
    Setting(name="ZHIHUWEB_BASE_URL", meaning="address of the platform", default=BASE),
    Setting(
        name="ZHIHUWEB_SEARCHES_PER_DAY", meaning="searches a day: a hard stop", default="5000"
    ),
    Setting(name="ZHIHUWEB_EVERY", meaning="seconds between two rounds of a query", default="900"),
    *canary_settings("ZHIHUWEB"),
)


class ZhihuWeb(Limited):
    """Articles of the portals that the founding article names, for one account."""

    name = NAME
    title = "News portals (Zhihu web search)"
    overlap = timedelta(hours=24)
    lag = timedelta(minutes=15)
    freshness = timedelta(days=2)
    page_size = PAGE
    deep = False
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._api = ZhihuApi(http, settings, "ZHIHUWEB")
        self.every = interval(settings, "ZHIHUWEB_EVERY", timedelta(minutes=15))
        self.canary = read_canary(settings, "ZHIHUWEB")
        self._searches = Budget(
            cap=whole_number(settings, "ZHIHUWEB_SEARCHES_PER_DAY", 5000),
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
        """Ask for all portals at once, and for each alone where that does not hold all."""
        floor = since.at - self.overlap if since.at is not None else None
        everywhere = [host for hosts in PORTALS.values() for host in hosts]
        requests, detail = 0, ""
        try:
            posts, requests = await self._ask(query, everywhere, floor, now)
            full = len(posts) >= PAGE
            if full and since.at is not None and reach is not Reach.LOOK and max_pages > 1:
                full = False
                for hosts in PORTALS.values():
                    more, sent = await self._ask(query, hosts, floor, now)
                    requests += sent
                    posts += more
                    full = full or len(more) >= PAGE
        except SourceTrouble as trouble:
            trouble.requests += requests
            if not requests:
                return failed(since, trouble)
            full, detail = True, f"not every portal was asked: {trouble.detail}"
        return one_page(
            query,
            since,
            {post.id: post for post in posts}.values(),
            now=now,
            full=full,
            lag=self.lag,
            memory=self._memory,
            requests=requests,
            detail=detail,
        )

    async def _ask(
        self, query: str, hosts: Sequence[str], floor: datetime | None, now: datetime
    ) -> tuple[list[Post], int]:
        asked = host_filter(hosts, floor)
        params: dict[str, str | int] = {"Query": query, "Count": PAGE, "Filter": asked}
        data, reply = await self._api.get("content/global_search", params, now, self._searches)
        posts = (_post(item, now) for item in self._api.items(data, reply))
        return [post for post in posts if post is not None], reply.requests

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Ask how much of the quota is left; costs nothing of it."""
        return await self._api.quota("global_search", now, self._searches)

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="the portal's name and the article's link, found by 知乎",
            cost_unit="searches of the day's quota",
            min_interval=timedelta(minutes=10),
            terms_class="official",
        )


def host_filter(hosts: Iterable[str], floor: datetime | None) -> str:
    """Return the filter for HOSTS and what was published since FLOOR, in the platform's words."""
    either = " OR ".join(f'host=="{host}"' for host in hosts)
    return either if floor is None else f"({either}) AND publish_time>={int(floor.timestamp())}"


def _post(item: Mapping[str, object], now: datetime) -> Post | None:
    host = urlsplit(str(item.get("Url"))).hostname or ""
    return article(
        NAME,
        url=item.get("Url"),
        title=item.get("Title"),
        text=item.get("ContentText"),
        publisher=_PUBLISHER.get(host) or item.get("AuthorName"),
        published=(read_time(item.get("EditTime"), now)[0], EDITED),
        now=now,
        terms_class="official",
    )


COST = "Free for a time: 5,000 searches a day, 96 a day for each word by default, more in bursts."
ROW = SourceRow(
    name=NAME,
    title=ZhihuWeb.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=ZhihuWeb,
)
