"""Hot-search and hot-news lists (sources.md 4.9): titles with their rank, no posts, no people.

A query is a list: the name of one below, or the address of one in the shape of a newsnow server of
your own, `https://hot.example.org/api/s?id=weibo#name=Weibo hot search`. After its # may stand how
to read another shape: items, id, title, url, heat as paths into the JSON, as in `data.list`.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

from watchers.budget import Budget
from watchers.connector import Description, Limited, Setting, SourceRow, interval
from watchers.errors import BadSetting
from watchers.http import (
    Call,
    Http,
    Reply,
    Secret,
    SourceTrouble,
    address_fault,
    base_address,
    wall,
)
from watchers.model import Author, Kind, Outcome, Page, Post, Reach, Watermark
from watchers.paging import failed
from watchers.robots import Robots
from watchers.shapes.template import at
from watchers.shapes.weibo import judged
from watchers.shapes.zhihu import ZhihuApi
from watchers.sitetext import address, count, fields, json_or_none, line, name
from watchers.timetext import CHINA

NAME = "hotlist"
FROZEN = timedelta(hours=6)  # a list that has not changed for so long is not being made any more
SHRUNK = 0.5  # of its usual length: it is cut off, or read wrongly
SECOND = timedelta(seconds=1)
OFFICIAL_EVERY = timedelta(minutes=15)
ZHIHU, WEIBO = "https://developer.zhihu.com", "https://c.api.weibo.com"
NEEDED = {"zhihu": "HOTLIST_ZHIHU_SECRET", "weibo": "HOTLIST_WEIBO_TOKEN"}
LONGEST = 200  # entries of a list that are read

SETTINGS = (
    Setting(
        name="HOTLISTS",
        meaning="hot lists, separated by blanks: zhihu weibo (with a token, below) tencent netease "
        "sina thepaper baidu, or addresses of your own newsnow server "
        "(…/api/s?id=weibo#name=Weibo_hot_search)",
        required=True,
    ),
    Setting(
        name="HOTLIST_ZHIHU_SECRET",
        meaning="access secret of Zhihu's open platform, for the list zhihu",
        secret=True,
    ),
    Setting(name="HOTLIST_ZHIHU_BASE_URL", meaning="address of that platform", default=ZHIHU),
    Setting(
        name="HOTLIST_WEIBO_TOKEN",
        meaning="access token of Weibo's commercial API, for the list weibo",
        secret=True,
    ),
    Setting(name="HOTLIST_WEIBO_BASE_URL", meaning="address of that API", default=WEIBO),
    Setting(name="HOTLIST_EVERY", meaning="seconds between two looks at a list", default="600"),
)
TERMS = (
    "Titles and ranks of public lists; no posts, no people. The built-in lists are pages for "
    "readers, not documented interfaces: each is read only if you name it, as its robots.txt "
    "allows, at most every ten minutes. A newsnow server of your own reads others for you."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Where things stand in a list's JSON: paths of keys and numbers, joined by dots."""

    items: str
    title: str = "title"
    id: str = "id"
    url: str = "url"  # a path, or an address with {id} or {title} in it
    heat: str = ""
    first: int = 0  # entries to leave out at the top: pinned ones
    inside: str = ""  # a regular expression whose first group is the JSON inside a page


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """One list: where it is, what it is called, how it is read."""

    url: str
    name: str
    shape: Shape
    built_in: bool = False
    official: bool = False  # an interface of the platform, with a token


OFFICIAL = {
    "zhihu": List(
        url="zhihu",
        name="Zhihu hot list",
        shape=Shape(items="Items", title="Title", id="Url", url="Url"),
        official=True,
    ),
    "weibo": List(
        url="weibo",
        name="Weibo hot search",
        shape=Shape(items="data", title="word", id="word", url="h5_query_link", heat="num"),
        official=True,
    ),
}
NEWSNOW = Shape(items="items")
BUILT_IN = {
    "tencent": List(
        url="https://r.inews.qq.com/gw/event/hot_ranking_list?page_size=50",
        name="Tencent News hot list",
        shape=Shape(
            items="idlist.0.newslist",
            url="https://new.qq.com/rain/a/{id}",
            heat="hotEvent.hotScore",
            first=1,
        ),
        built_in=True,
    ),
    "netease": List(
        url="https://m.163.com/fe/api/hot/news/flow",
        name="NetEase hot list",
        shape=Shape(items="data.list", id="docid", url="https://www.163.com/dy/article/{id}.html"),
        built_in=True,
    ),
    "sina": List(
        url="https://newsapp.sina.cn/api/hotlist?newsId=HB-1-snhs%2Ftop_news_list-all",
        name="Sina News hot list",
        shape=Shape(
            items="data.hotList",
            id="base.base.uniqueId",
            title="info.title",
            url="base.base.url",
            heat="info.hotValue",
        ),
        built_in=True,
    ),
    "thepaper": List(
        url="https://cache.thepaper.cn/contentapi/wwwIndex/rightSidebar",
        name="The Paper hot list",
        shape=Shape(
            items="data.hotNews",
            id="contId",
            title="name",
            url="https://www.thepaper.cn/newsDetail_forward_{id}",
            heat="praiseTimes",
        ),
        built_in=True,
    ),
    "baidu": List(
        url="https://top.baidu.com/board?tab=realtime",
        name="Baidu hot search",
        shape=Shape(
            items="cards.0.content",
            id="word",
            title="word",
            url="https://www.baidu.com/s?wd={title}",
            heat="hotScore",
            inside=r"<!--s-data:(\{.*?\})-->",
        ),
        built_in=True,
    ),
}
_PATH = re.compile(r"[\w-]+(?:\.[\w-]+)*")


def read_list(query: str) -> List:
    """Read QUERY, a name or an address with remarks; raises ValueError with what is wrong."""
    if (known := OFFICIAL.get(query) or BUILT_IN.get(query)) is not None:
        return known
    url, _, remarks = query.partition("#")
    if "://" not in url:
        known_names = ", ".join((*OFFICIAL, *BUILT_IN))
        raise ValueError(f"{url[:40]}: give one of {known_names}, or an address")
    if (fault := address_fault(url)) is not None:
        raise ValueError(fault)
    said = {key: values[-1] for key, values in parse_qs(remarks).items()}
    unknown = sorted(said.keys() - {"name", "items", "id", "title", "url", "heat"})
    if unknown:
        raise ValueError(f"{unknown[0]}= is unknown; use name, items, id, title, url, heat")
    paths = {k: said[k] for k in ("items", "id", "title", "heat") if k in said}
    wrong = next((k for k, path in paths.items() if not _PATH.fullmatch(path)), None)
    if wrong is not None:
        raise ValueError(f"{wrong}={paths[wrong][:40]}: give keys joined by dots, as in data.list")
    parts = urlsplit(url)
    host = parts.hostname or ""
    query_id = parse_qs(parts.query).get("id", [""])[-1]
    return List(
        url=url,
        name=line(said.get("name", "").replace("_", " "))[:60] or f"{query_id or 'list'} at {host}",
        shape=Shape(
            items=paths.get("items", NEWSNOW.items),
            id=paths.get("id", NEWSNOW.id),
            title=paths.get("title", NEWSNOW.title),
            url=said.get("url", NEWSNOW.url),
            heat=paths.get("heat", ""),
        ),
    )


class Hotlist(Limited):
    """All hot lists of an installation."""

    name = NAME
    title = "Hot lists"
    overlap = timedelta(0)
    lag = timedelta(0)
    page_size = LONGEST
    freshness = FROZEN
    deep = False
    budgets: tuple[Budget, ...] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        self.feeds = tuple(dict.fromkeys(settings.get("HOTLISTS", "").split()))
        self._lists: dict[str, List] = {}
        for query in self.feeds:
            try:
                self._lists[query] = read_list(query)
            except ValueError as error:
                raise BadSetting(f"HOTLISTS: {error}") from None
        self.every = interval(settings, "HOTLIST_EVERY", timedelta(minutes=10))
        self._robots = Robots(http)
        for official, setting in NEEDED.items():
            if official in self.feeds and not settings.get(setting, "").strip():
                where = f"{setting} is missing: the list {official} is read with it"
                raise BadSetting(where)
        self._zhihu = ZhihuApi(http, settings, "HOTLIST_ZHIHU")
        self._weibo = base_address(settings, "HOTLIST_WEIBO_BASE_URL", WEIBO)
        self._weibo_token = Secret(settings.get("HOTLIST_WEIBO_TOKEN", ""))
        http.keep_secret(self._weibo_token)
        self._calls = Budget(pace=(1, 1.0))
        self._asked: dict[str, datetime] = {}  # official lists
        self._usual: dict[str, int] = {}  # entries that a list holds as a rule
        self._entered: dict[str, dict[str, str]] = {}  # list -> key -> id, of what stands on it
        self._changed: dict[str, tuple[int, datetime]] = {}  # list -> hash of its titles, since

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read the list QUERY, whole: its entries in the order of their ranks."""
        del max_pages, reach
        listed = self._lists.get(query)
        if listed is None:
            wrong = SourceTrouble(
                Outcome.SCHEMA_CHANGED, None, f"no list of HOTLISTS: {query[:60]}"
            )
            return failed(since, wrong)
        try:
            if listed.official and not self._due(query, now):
                mark = replace(since, covered_to=now)
                return Page(posts=(), watermark=mark, outcome=Outcome.OK_EMPTY, requests=0)
            asked, body, reply = await self._read(listed, now)
            posts = self._posts(listed, body, now)
            self._judge(listed, reply, posts, now)
        except SourceTrouble as trouble:
            return failed(since, trouble)
        return Page(
            posts=posts,
            watermark=Watermark(at=now, covered_to=now),
            outcome=Outcome.OK,
            requests=asked + reply.requests,
        )

    def _due(self, query: str, now: datetime) -> bool:
        """Whether an official list may be asked for again: a hundred times a day at most."""
        last = self._asked.get(query)
        if last is not None and now - last < OFFICIAL_EVERY:
            return False
        self._asked[query] = now
        return True

    async def _read(self, listed: List, now: datetime) -> tuple[int, object, Reply]:
        """Return the JSON of a list, and how many requests its permission took."""
        if listed is OFFICIAL["zhihu"]:
            body, reply = await self._zhihu.get("content/hot_list", {"Limit": 30}, now, self._calls)
            return 0, body, reply
        if listed is OFFICIAL["weibo"]:
            params: dict[str, str | int] = {
                "access_token": self._weibo_token.reveal(), "count": 50,
            }  # fmt: skip
            call = Call(url=f"{self._weibo}/2/search/hot_word/biz.json", params=params)
            reply = await self._http.send(call, now=now, budget=self._calls)
            found = fields(judged(self._http, reply, now, {})).get("data")
            rows = found if isinstance(found, list) else []
            return 0, {"data": [r for r in rows if fields(r).get("id") != 0]}, reply  # 0: pinned
        asked = await self._robots.ask(listed.url, now) if listed.built_in else 0
        reply = await self._http.send(Call(url=listed.url), now=now)
        return asked, self._decode(listed, reply, now), reply

    def _decode(self, listed: List, reply: Reply, now: datetime) -> object:
        """Return the JSON of REPLY, or the one inside its page; raises SourceTrouble."""
        if not listed.shape.inside:
            return self._http.json(reply, now)
        self._http.require(reply, now)
        found = re.search(listed.shape.inside, reply.text, re.DOTALL)
        return json_or_none(found[1]) if found else None

    def _posts(self, listed: List, body: object, now: datetime) -> tuple[Post, ...]:
        entered = self._entered.setdefault(listed.url, {})
        posts: list[Post] = []
        for entry in _entries(body, listed.shape):
            title = line(at(entry, listed.shape.title))[:200]
            key = name(at(entry, listed.shape.id)) or title
            if not title or any(p.text == title for p in posts):
                continue
            id_ = entered.get(key) or f"{_short(listed.name, key)}-{now.astimezone(CHINA):%Y%m%d}"
            posts.append(
                Post(
                    source=NAME,
                    id=id_,
                    url=_link(entry, listed, key, title),
                    text=title,
                    author=Author(id=listed.name, handle=listed.name, display=listed.name),
                    created_at=now - SECOND,  # it stood there when we looked; no more is known
                    retrieved_at=now,
                    kind=Kind.HOT,
                    publisher=listed.name,
                    rank=len(posts) + 1,
                    heat=count(at(entry, listed.shape.heat)) if listed.shape.heat else None,
                    terms_class=_terms_class(listed),
                )
            )
            entered[key] = id_
        standing = {p.id for p in posts}
        self._entered[listed.url] = {k: v for k, v in entered.items() if v in standing}
        return tuple(posts)

    def _judge(self, listed: List, reply: Reply, posts: tuple[Post, ...], now: datetime) -> None:
        """Raise SourceTrouble where the list is cut off, read wrongly, or stands still."""
        usual = self._usual.get(listed.url, 0)
        if not posts or len(posts) < SHRUNK * usual:
            outcome, until = wall(reply, now) if reply.is_html else (Outcome.SCHEMA_CHANGED, None)
            detail = f"{listed.name}: {len(posts)} entries where {usual or 'some'} are usual"
            raise SourceTrouble(outcome, until, detail, requests=reply.requests)
        self._usual[listed.url] = max(len(posts), round(0.95 * usual))
        mark = hash(tuple(p.text for p in posts))
        before = self._changed.get(listed.url)
        if before is None or before[0] != mark:
            self._changed[listed.url] = (mark, now)
        elif now - before[1] >= FROZEN:
            detail = f"{listed.name} has not changed since {before[1]:%d %b %H:%M} UTC"
            raise SourceTrouble(Outcome.STALE, None, detail, requests=reply.requests)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Read every list once."""
        for query in self.feeds:
            page = await self.search(query, Watermark(), now=now)
            if not page.outcome.healthy:
                return page.outcome, page.detail
        return Outcome.OK, f"works: {len(self.feeds)} lists"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="the list's name and the entry's link",
            cost_unit="requests",
            min_interval=timedelta(minutes=10),
            terms_class="public-web",
        )


def _entries(body: object, shape: Shape) -> Iterator[object]:
    listed = at(body, shape.items)
    if not isinstance(listed, list):
        return
    nested = fields(listed[0]).get("content") if listed else None  # one shape deeper, at times
    if isinstance(nested, list):
        listed = nested
    yield from listed[shape.first : LONGEST]


def _link(entry: object, listed: List, key: str, title: str) -> str:
    template = listed.shape.url
    if "{" in template:
        return template.replace("{id}", quote(key)).replace("{title}", quote(title))
    return address(at(entry, template)) or listed.url


def _terms_class(listed: List) -> str:
    if listed.official:
        return "official"
    return "public-web" if listed.built_in else "provider"


def _short(*parts: str) -> str:
    """Return a short name of what PARTS say together."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


COST = "Free: 144 looks a day at each list by default."
ROW = SourceRow(
    name=NAME,
    title=Hotlist.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Hotlist,
)
