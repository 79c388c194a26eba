"""Feeds of news sites: RSS, Atom and JSON Feed (sources.md 4.8).

A query is the address of a feed. After its # may stand what we should know of it:
`https://example.cn/rss.xml#zone=Asia/Shanghai&name=Example&stale=7`. A feed is read whole; which
articles name a client is decided elsewhere.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from io import BytesIO
from urllib.parse import parse_qs, parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import feedparser

from watchers.budget import Budget
from watchers.connector import Description, Limited, Setting, SourceRow, interval
from watchers.errors import BadSetting
from watchers.http import Call, Http, Reply, Secret, SourceTrouble, address_fault, wall
from watchers.model import Author, Gap, Kind, Outcome, Page, Post, Reach, Watermark
from watchers.paging import REMEMBERED_FOR, failed, merge
from watchers.sitetext import NotJson, address, canonical, fields, line, name, plain
from watchers.sitetext import read_json as read_json_text
from watchers.timetext import CHINA, read_time

NAME = "feed"
EXCERPT = 1000  # characters of an article that are kept: title, excerpt and link only
STALE = timedelta(days=2)
FULL = 10  # articles, at least, before a feed of new ones alone is taken to have lost some
LONGEST_TTL = timedelta(hours=1)
DEEPEST = 100  # elements inside one another
PARSING = 20.0  # seconds
ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, "
    "application/xml;q=0.9, application/json;q=0.8, */*;q=0.1"
)

_SKIPPED = ((b"<![CDATA[", b"]]>"), (b"<!--", b"-->"), (b"<?", b"?>"))
_TAG = re.compile(rb"<(/?)(?!br\b|img\b|hr\b)[A-Za-z_][^<>]*?(/?)>")

SETTINGS = (
    Setting(
        name="FEED_URLS",
        meaning="addresses of feeds, separated by blanks; #zone=...&name=...&stale=DAYS may follow",
        required=True,
    ),
    Setting(
        name="FEED_ZONE",
        meaning="zone of times that name none",
        default="Asia/Shanghai",
    ),
    Setting(name="FEED_EVERY", meaning="seconds between two looks at a feed", default="300"),
)
TERMS = (
    "A feed is offered to be read; title, excerpt and link may be shown, the article may not be "
    "kept. A site's own terms come first."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A feed as an operator wrote it down."""

    url: str  # without the part behind #
    zone: tzinfo
    name: str = ""
    stale: timedelta = STALE

    @property
    def label(self) -> str:
        """The feed's name for people: a query may hold a key, so it is left out."""
        parts = urlsplit(self.url)
        return self.name or f"{parts.hostname}{parts.path}"


def read_address(query: str, zone: tzinfo = CHINA) -> Address:
    """Read QUERY, the address of a feed with its remarks; raises ValueError with what is wrong."""
    url, _, remarks = query.partition("#")
    if (fault := address_fault(url)) is not None:
        raise ValueError(fault)
    said = {key: values[-1] for key, values in parse_qs(remarks).items()}
    days = said.get("stale", "")
    if days and not (days.isascii() and days.isdigit() and 0 < int(days[:5]) <= 3650):
        wrong = f"stale={days[:20]}: give a number of days"
        raise ValueError(wrong)
    return Address(
        url=url,
        zone=read_zone(said["zone"]) if "zone" in said else zone,
        name=line(said.get("name"))[:100],
        stale=timedelta(days=int(days)) if days else STALE,
    )


def read_zone(text: str) -> ZoneInfo:
    """Return the zone named TEXT; raises ValueError with what is wrong."""
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):  # its own error is a KeyError
        wrong = f"zone {text[:40]}: give a name such as Asia/Shanghai"
        raise ValueError(wrong) from None


class Feed(Limited):
    """All feeds of an installation."""

    name = NAME
    title = "News feeds"
    overlap = timedelta(minutes=15)
    lag = timedelta(minutes=1)
    page_size = FULL
    freshness = STALE
    deep = False
    budgets: tuple[Budget, ...] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        try:
            self._zone = read_zone(settings.get("FEED_ZONE", "").strip() or "Asia/Shanghai")
        except ValueError as error:
            wrong = f"FEED_ZONE: {error}"
            raise BadSetting(wrong) from None
        self.feeds = tuple(dict.fromkeys(settings.get("FEED_URLS", "").split()))
        for query in self.feeds:
            self._learn(query)
        self.every = interval(settings, "FEED_EVERY", timedelta(minutes=5))
        self._missing: dict[str, int] = {}  # 404 and 410 in a row, by address
        self._sizes: dict[str, int] = {}  # the most articles a feed was seen to hold

    def _learn(self, query: str) -> None:
        """Check QUERY at the start, and blank the keys in it wherever it might be shown."""
        try:
            url = read_address(query, self._zone).url
        except ValueError as error:
            wrong = f"FEED_URLS: {query.partition('?')[0][:80]}: {error}"
            raise BadSetting(wrong) from None
        parts = urlsplit(url)
        keys = [v for k, v in parse_qsl(parts.query) if k.lower() in ("key", "token", "code")]
        self._http.keep_secret(*map(Secret, filter(None, [*keys, parts.password])))

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read the feed whose address QUERY is, whole: a feed has no further pages."""
        del max_pages, reach
        try:
            feed = read_address(query, self._zone)
        except ValueError as error:
            return failed(since, SourceTrouble(Outcome.SCHEMA_CHANGED, None, str(error)))
        try:
            reply = await self._get(feed, since, now)
            if reply.status == 304:
                return _unchanged(feed, since, now, reply)
            articles = await self._read(feed, reply, now)
        except SourceTrouble as trouble:
            return failed(since, trouble)
        size = max(self._sizes.get(feed.url, FULL), len(articles.posts))
        self._sizes[feed.url] = size
        return _page(feed, since, now, reply, articles, full=len(articles.posts) == size)

    async def _get(self, feed: Address, since: Watermark, now: datetime) -> Reply:
        held = dict(since.validators)
        asked = {"If-None-Match": held.get("etag"), "If-Modified-Since": held.get("last-modified")}
        headers = {"Accept": ACCEPT} | {k: v for k, v in asked.items() if v}
        reply = await self._http.send(Call(url=feed.url, headers=headers), now=now)
        if reply.status in (404, 410):
            self._missing[feed.url] = self._missing.get(feed.url, 0) + 1
            again = self._missing[feed.url] > 1
            outcome = Outcome.SCHEMA_CHANGED if again else Outcome.DOWN
            detail = f"{feed.label} is not there ({reply.status})"
            raise SourceTrouble(outcome, None, detail, requests=reply.requests)
        self._missing.pop(feed.url, None)
        return self._http.require(reply, now)

    async def _read(self, feed: Address, reply: Reply, now: datetime) -> "Articles":
        """Return what REPLY holds; raises SourceTrouble where it is no feed."""
        body = reply.body.lstrip(b"\xef\xbb\xbf \t\r\n")
        if body[:1] == b"{":
            articles = read_json(body, feed, now)
        elif reply.is_html or hostile(body):
            articles = None
        else:
            articles = await self._parse(feed, reply, now)
        if articles is None:
            outcome, until = wall(reply, now)
            raise self._http.trouble(reply, outcome, until, f"{feed.label} is no feed now")
        return articles

    async def _parse(self, feed: Address, reply: Reply, now: datetime) -> "Articles | None":
        kind = reply.headers.get("content-type", "")
        try:
            async with asyncio.timeout(PARSING):
                return await asyncio.to_thread(read_xml, reply.body, kind, feed, now)
        except TimeoutError:
            return None

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Read every feed once."""
        for query in self.feeds:
            page = await self.search(query, Watermark(), now=now)
            if not page.outcome.healthy:
                return page.outcome, page.detail
        return Outcome.OK, f"works: {len(self.feeds)} feeds"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="the publisher's name and a link",
            cost_unit="requests",
            min_interval=timedelta(minutes=5),
            terms_class="public-feed",
        )


# ----------------------------------------------------------------------------------------- round
@dataclass(frozen=True, slots=True, kw_only=True)
class Articles:
    """What a feed holds."""

    posts: tuple[Post, ...]
    bad: int = 0  # entries that could not be read
    ttl: timedelta | None = None


def _unchanged(feed: Address, since: Watermark, now: datetime, reply: Reply) -> Page:
    stale = since.at is not None and since.at < now - feed.stale
    return Page(
        posts=(),
        watermark=since if stale else _moved(since, now),
        outcome=Outcome.STALE if stale else Outcome.OK_EMPTY,
        requests=reply.requests,
        detail=_stale_detail(feed, since.at) if stale else "",
    )


def _moved(since: Watermark, now: datetime) -> Watermark:
    covered = max(filter(None, (now - Feed.lag, since.covered_to)))
    gaps = tuple(g for g in since.gaps if g.end > now - REMEMBERED_FOR)
    return replace(since, covered_to=covered, at=since.at or covered, gaps=gaps)


def _stale_detail(feed: Address, at: datetime | None) -> str:
    newest = f"its newest article is of {at:%d %b %Y}" if at else "it has no newer article"
    return f"{feed.label} answers, but {newest}"


def _page(
    feed: Address,
    since: Watermark,
    now: datetime,
    reply: Reply,
    articles: Articles,
    *,
    full: bool,
) -> Page:
    """Return the round; a full feed of nothing but newer articles than known has lost some."""
    times = sorted(p.created_at for p in articles.posts if p.created_at and p.created_at <= now)
    if times and times[-1] < now - feed.stale:
        return Page(
            posts=(),
            watermark=since,
            outcome=Outcome.STALE,
            requests=reply.requests,
            detail=_stale_detail(feed, times[-1]),
        )
    lost = full and since.at is not None and bool(times) and times[0] > since.at
    mark = _moved(since, now)
    if times:
        mark = replace(mark, at=max(times[-1], since.at or times[-1]))
    if lost and since.at is not None:
        mark = replace(mark, gaps=merge([*mark.gaps, Gap(start=since.at, end=times[0])]))
    kept = ((k, reply.headers.get(k, "")) for k in ("etag", "last-modified"))
    outcome = Outcome.PARTIAL if lost else Outcome.OK if articles.posts else Outcome.OK_EMPTY
    return Page(
        posts=articles.posts,
        watermark=replace(mark, validators=tuple((k, v) for k, v in kept if v)),
        outcome=outcome,
        requests=reply.requests,
        until=now + articles.ttl if articles.ttl else None,
        detail=_detail(feed, articles, lost=lost),
    )


def _detail(feed: Address, articles: Articles, *, lost: bool) -> str:
    if lost:
        return f"{feed.label} holds fewer articles than came since the last look: look more often"
    return f"{feed.label}: {articles.bad} entries could not be read" if articles.bad else ""


# ---------------------------------------------------------------------------------------- parser
def hostile(body: bytes) -> bool:
    """Does BODY declare entities, or nest deeper than any feed does?"""
    if b"\x00" in body[:64]:  # UTF-16, in which the marks below would hide
        body = body.decode("utf-16", "replace").encode()
    if b"<!ENTITY" in body.upper():
        return True
    for opener, closer in _SKIPPED:
        first, *others = body.split(opener)
        body = b"".join([first, *(piece.partition(closer)[2] for piece in others)])
    depth = 0
    for match in _TAG.finditer(body):
        depth += -1 if match[1] else 0 if match[2] else 1
        if depth > DEEPEST:
            return True
    return False


def read_xml(body: bytes, kind: str, feed: Address, now: datetime) -> Articles | None:
    """Return what BODY, RSS or Atom of the content type KIND, holds; None: it is neither."""
    try:
        # as a stream: given as text, a body that reads like a path would be opened as one
        parsed = feedparser.parse(
            BytesIO(body), response_headers={"content-type": kind}, resolve_relative_uris=False
        )
    except Exception:  # noqa: BLE001 -- whatever a parser of strangers' markup stumbles over
        return None
    if not parsed.get("version"):
        return None
    publisher = feed.name or line(parsed.feed.get("title"))
    ttl = str(parsed.feed.get("ttl", ""))
    return _articles(
        [_xml_article(dict(entry), publisher, feed, now) for entry in parsed.entries],
        timedelta(minutes=int(ttl)) if re.fullmatch(r"[0-9]{1,5}", ttl) else None,
    )


def _articles(posts: list[Post | None], ttl: timedelta | None = None) -> Articles:
    good: dict[str, Post] = {}
    for post in posts:
        if post is not None:
            good.setdefault(post.id, post)
    newest_first = sorted(good.values(), key=lambda p: p.at, reverse=True)
    wait = min(ttl, LONGEST_TTL) if ttl else None
    return Articles(posts=tuple(newest_first), bad=posts.count(None), ttl=wait)


def _xml_article(
    entry: Mapping[str, object], publisher: str, feed: Address, now: datetime
) -> Post | None:
    source = fields(entry.get("source"))
    return _article(
        id_=name(entry.get("id")),
        link=address(entry.get("link")),
        title=line(entry.get("title")),
        excerpt=plain(entry.get("summary")),
        written=entry.get("published") or entry.get("updated"),
        publisher=line(source.get("title")) or publisher or line(entry.get("author")),
        feed=feed,
        now=now,
    )


def read_json(body: bytes, feed: Address, now: datetime) -> Articles | None:
    """Return what BODY holds; None: it is no JSON Feed."""
    try:
        top = fields(read_json_text(body))
    except NotJson:
        return None
    items = top.get("items")
    if "jsonfeed.org" not in str(top.get("version", "")) or not isinstance(items, list):
        return None
    publisher = feed.name or line(top.get("title"))
    return _articles([_json_article(fields(i), publisher, feed, now) for i in items])


def _json_article(
    item: Mapping[str, object], publisher: str, feed: Address, now: datetime
) -> Post | None:
    content = item.get("summary") or item.get("content_text") or item.get("content_html")
    return _article(
        id_=name(item.get("id")),
        link=address(item.get("url")),
        title=line(item.get("title")),
        excerpt=plain(content),
        written=item.get("date_published") or item.get("date_modified"),
        publisher=publisher,
        feed=feed,
        now=now,
    )


def _article(
    *,
    id_: str,
    link: str,
    title: str,
    excerpt: str,
    written: object,
    publisher: str,
    feed: Address,
    now: datetime,
) -> Post | None:
    """Build the post of an article; None where nothing tells it from others or it says nothing."""
    text = excerpt if excerpt.startswith(title) else f"{title}\n{excerpt}"
    if not (id_ or link) or not text.strip():
        return None
    created, precision = read_time(written, now, feed.zone)
    host = urlsplit(feed.url).hostname or ""
    return Post(
        source=NAME,
        id=canonical(id_ or link) if address(id_ or link) else f"{host}:{id_}",
        url=link,
        text=text.strip()[:EXCERPT],
        author=Author(id=publisher or host, handle=publisher or host, display=publisher),
        created_at=created,
        created_precision=precision,
        retrieved_at=now,
        kind=Kind.ARTICLE,
        publisher=publisher or host,
        partial_text=True,
        terms_class="public-feed",
    )


COST = "Free: 288 looks a day at each feed by default, most of them answered “unchanged”."
ROW = SourceRow(
    name=NAME,
    title=Feed.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Feed,
)
