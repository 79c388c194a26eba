"""Sina's roll of news: all that the portal publishes, newest first (sources.md 4.10).

A query is the number of a channel. The interface is not documented: it is read only where an
operator named the channels and wrote down why, as robots.txt allows, and never by `callback`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from watchers.budget import Budget
from watchers.connector import Description, Limited, Setting, SourceRow, interval
from watchers.errors import BadSetting
from watchers.http import Call, Http, Reply, SourceTrouble, base_address
from watchers.model import Gap, Outcome, Page, Post, Reach, Watermark
from watchers.paging import Batch, Memory, Position, failed, read_round
from watchers.robots import Robots
from watchers.shapes.articles import UNKNOWN, article
from watchers.sitetext import fields, line
from watchers.timetext import read_time

NAME = "sinaroll"
BASE = "https://feed.mix.sina.com.cn"
PAGE = 50
CHANNELS: Mapping[str, str] = MappingProxyType(
    {
        "2509": "all",
        "2510": "domestic",
        "2511": "world",
        "2669": "society",
        "2512": "sport",
        "2513": "entertainment",
        "2514": "military",
        "2515": "tech",
        "2516": "finance",
        "2517": "stocks",
        "2518": "US stocks",
    }
)

SETTINGS = (
    Setting(
        name="SINAROLL_CHANNELS",
        meaning="channels, separated by blanks: "
        + ", ".join(f"{number} {title}" for number, title in CHANNELS.items()),
        required=True,
    ),
    Setting(
        name="SINAROLL_REASON",
        meaning="why you may read this undocumented page, in a sentence: kept and shown",
        required=True,
    ),
    Setting(name="SINAROLL_BASE_URL", meaning="address of the roll", default=BASE),
    Setting(
        name="SINAROLL_EVERY", meaning="seconds between two rounds of a channel", default="120"
    ),
)
TERMS = (
    "The roll is what Sina's own pages read, not a documented interface: nothing grants its use. "
    "Titles, excerpts and links of news; no people. Read at most once a minute, as robots.txt "
    "allows, once you have written down why you may."
)


class SinaRoll(Limited):
    """The channels of an installation."""

    name = NAME
    title = "Sina News roll"
    overlap = timedelta(minutes=15)
    lag = timedelta(minutes=2)
    freshness = timedelta(days=2)
    page_size = PAGE
    deep = True
    budgets: tuple[Budget, ...] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        self._base = base_address(settings, "SINAROLL_BASE_URL", BASE)
        self.feeds = tuple(dict.fromkeys(settings.get("SINAROLL_CHANNELS", "").split()))
        if unknown := sorted(set(self.feeds) - CHANNELS.keys()):
            known = ", ".join(CHANNELS)
            where = f"SINAROLL_CHANNELS: {unknown[0][:20]} is no channel; there are {known}"
            raise BadSetting(where)
        self.every = interval(settings, "SINAROLL_EVERY", timedelta(minutes=2))
        if self.every < timedelta(minutes=1):
            where = "SINAROLL_EVERY: the roll is read once a minute at most; give 60 or more"
            raise BadSetting(where)
        self._reason = line(settings.get("SINAROLL_REASON", ""))
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
        """Read the channel QUERY from the newest article back to SINCE."""
        try:
            asked = await self._robots.ask(f"{self._base}/api/roll/get", now)
        except SourceTrouble as trouble:
            return failed(since, trouble)
        page = await read_round(
            _Channel(self, query, now, max_pages),
            since,
            now=now,
            max_pages=max_pages,
            memory=self._memory,
            reach=reach,
        )
        return replace(page, requests=page.requests + asked)

    async def get(self, channel: str, page: int, now: datetime) -> tuple[list[object], Reply]:
        """Return the raw articles of one page; raises SourceTrouble."""
        params: dict[str, str | int] = {
            "pageid": 153, "lid": channel, "k": "", "num": PAGE, "page": page,
        }  # fmt: skip
        call = Call(url=f"{self._base}/api/roll/get", params=params)
        reply = await self._http.send(call, now=now)
        found = fields(fields(self._http.json(reply, now)).get("result")).get("data")
        if not isinstance(found, list):
            raise self.trouble(reply, f"{reply.host} answered without a list of articles")
        return found, reply

    def trouble(
        self, reply: Reply, detail: str, outcome: Outcome = Outcome.SCHEMA_CHANGED
    ) -> SourceTrouble:
        """Build the trouble of an answer that does not fit."""
        return self._http.trouble(reply, outcome, None, detail)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Read one page of each channel."""
        for channel in self.feeds:
            page = await self.search(channel, Watermark(), now=now, max_pages=1)
            if not page.outcome.healthy:
                return page.outcome, page.detail
        return Outcome.OK, f"works: {len(self.feeds)} channels; enabled because: {self._reason}"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="新浪 and the medium's name",
            cost_unit="requests",
            min_interval=timedelta(minutes=1),
            terms_class="public-web",
        )


class _Channel:
    """One channel of a round: pages by number, which drift while they are read."""

    start: Position = 1
    overlap = SinaRoll.overlap
    lag = SinaRoll.lag

    def __init__(self, source: SinaRoll, query: str, now: datetime, max_pages: int) -> None:
        self.query = query
        self._source, self._now, self._depth = source, now, max_pages

    def jump(self, gap: Gap, depth: Position | None, pages: int) -> Position:
        """Return the page GAP began on, or as deep as a round goes, and the pages above it."""
        del gap
        return max(int(depth or self._depth) + pages - 1, 1)

    async def fetch(self, position: Position) -> Batch:
        number = int(position)
        found, reply = await self._source.get(self.query, number, self._now)
        posts = [post for raw in found if (post := _post(raw, self._now)) is not None]
        if len(posts) * 2 < len(found) or (number == 1 and not found):
            read = f"{len(posts)} of {len(found)} articles could be read"
            raise self._source.trouble(reply, f"{reply.host}: {read}")
        batch = Batch(
            posts=tuple(sorted(posts, key=lambda p: p.at, reverse=True)),
            next=number + 1 if len(found) >= PAGE else None,
            requests=reply.requests,
        )
        newest = batch.newest
        if number == 1 and newest is not None and self._now - newest > SinaRoll.freshness:
            detail = f"the newest article is of {newest:%d %b %H:%M} UTC: the roll stands still"
            raise self._source.trouble(reply, detail, Outcome.STALE)
        return batch


def _post(raw: object, now: datetime) -> Post | None:
    """Return the article that RAW is; None where it has no title or no link."""
    item = fields(raw)
    times = (read_time(item.get(key), now) for key in ("ctime", "intime", "mtime"))
    return article(
        NAME,
        url=item.get("url"),
        title=item.get("title"),
        text=item.get("intro"),
        publisher=item.get("media_name") or "新浪",
        published=next((t for t in times if t[0] is not None), UNKNOWN),
        now=now,
        terms_class="public-web",
    )


COST = "Free: 720 looks a day at each channel by default."
ROW = SourceRow(
    name=NAME,
    title=SinaRoll.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=SinaRoll,
)
