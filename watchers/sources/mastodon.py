"""Mastodon: one server's tags, and its search where it has one (sources.md 4.6).

A query with a # reads the tag. Other words are searched, which needs a user token and a server
with full-text search; else the tag of the same word is read.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

from watchers.budget import Budget
from watchers.connector import Canary, Description, Setting, SourceRow, interval
from watchers.http import Call, Http, Reply, Secret, SourceTrouble, base_address
from watchers.model import Gap, Outcome, Page, Reach, Watermark
from watchers.paging import Batch, Memory, Position, read_round
from watchers.shapes.mastodon import clocked, hidden, read_status
from watchers.sitetext import fields, name

NAME = "mastodon"
PAGE = 40
RULES_KEPT = timedelta(hours=24)  # how long what /instance says is believed
NO_SEARCH = "this server has no full-text search: only tags are read"
CLOSED = "this server shows its tags to its own users only: set MASTODON_TOKEN"

SETTINGS = (
    Setting(
        name="MASTODON_BASE_URL",
        meaning="address of the server, for instance https://mastodon.social",
        required=True,
    ),
    Setting(
        name="MASTODON_TOKEN",
        meaning="a user's token with read:search; without it only tags are read",
        secret=True,
    ),
    Setting(
        name="MASTODON_CANARY",
        meaning="words that always have posts there, to see whether search works",
        default="天气 the",
    ),
    Setting(name="MASTODON_EVERY", meaning="seconds between two rounds of a query", default="120"),
)
TERMS = (
    "Each server has its own rules: read those of yours. Accounts that ask not to be indexed "
    "(noindex) are left out. Posts deleted there are to be deleted here."
)


class Mastodon:
    """One server, with or without a user's token."""

    name = NAME
    title = "Mastodon"
    overlap = timedelta(minutes=15)
    lag = timedelta(minutes=1)
    page_size = PAGE
    freshness = timedelta(hours=1)
    deep = True
    together = 1
    canary: Canary | None = None  # tags have no word that is always spoken of
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        self._base = base_address(settings, "MASTODON_BASE_URL", "")
        self._token = Secret(settings.get("MASTODON_TOKEN", ""))
        http.keep_secret(self._token)
        self._canaries = settings.get("MASTODON_CANARY", "").split() or ["天气", "the"]
        self.every = interval(settings, "MASTODON_EVERY", timedelta(minutes=2))
        self.calls = Budget(pace=(300, 300.0))
        self._memory = Memory()
        self._access: dict[str, object] = {}  # who may read tags, by local and remote
        self._access_until: datetime | None = None
        self._searches: bool | None = None  # has the server full-text search? None: not known yet
        self._searches_until: datetime | None = None

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
        return await read_round(
            _Query(self, query, now),
            since,
            now=now,
            max_pages=max_pages,
            memory=self._memory,
            reach=reach,
        )

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What is counted against the account's limits."""
        return (self.calls,)

    def allowance(self, now: datetime) -> float | None:
        """Requests a minute."""
        return self.calls.rate(now)

    def left(self, now: datetime) -> tuple[str, ...]:
        """Say what is left of the limits."""
        return tuple(filter(None, [self.calls.left(now)]))

    def can_search(self, now: datetime) -> bool:
        """Is it worth asking for words? Believed until shown otherwise, and tried anew each day."""
        if self._searches_until is not None and now >= self._searches_until:
            self._searches, self._searches_until = None, None
        return bool(self._token) and self._searches is not False

    async def words(self, query: str, most: str, now: datetime) -> tuple[object, Reply]:
        """Return the statuses that hold QUERY, older than the id MOST."""
        body, reply = await self._find(query, most, PAGE, now)
        if body == [] and self._searches is None:
            sent = await self._try_search(now)
            reply = replace(reply, requests=reply.requests + sent)
        return body, reply

    async def _try_search(self, now: datetime) -> int:
        """Learn whether the server searches words: common ones must be found; count requests."""
        sent = 0
        self._searches, self._searches_until = False, now + RULES_KEPT
        for word in self._canaries:
            body, reply = await self._find(word, "", 1, now)
            sent += reply.requests
            if body != []:
                self._searches = True
                break
        return sent

    async def _find(self, query: str, most: str, limit: int, now: datetime) -> tuple[object, Reply]:
        params: dict[str, str | int] = {
            "q": query,
            "type": "statuses",
            "limit": limit,
            "max_id": most,
        }
        reply = await self._get("/api/v2/search", params, now)
        return fields(self._http.json(reply, now)).get("statuses"), reply

    async def tag(self, tag: str, most: str, now: datetime) -> tuple[object, Reply]:
        """Return the statuses with TAG, older than the id MOST; an unknown tag has none."""
        local, sent = await self._local_only(now)
        params: dict[str, str | int] = {
            "limit": PAGE,
            "max_id": most,
            "local": "true" if local else "",
        }
        reply = await self._get(f"/api/v1/timelines/tag/{quote(tag, safe='')}", params, now)
        reply = replace(reply, requests=reply.requests + sent)
        if reply.status == 404 and not reply.is_html:
            return [], reply
        return self._http.json(reply, now), reply

    async def _local_only(self, now: datetime) -> tuple[bool, int]:
        """May only local posts be read? A closed timeline looks empty: ask first; count requests."""
        sent = 0
        if self._access_until is None or now >= self._access_until:
            reply = await self._get("/api/v2/instance", {}, now)
            sent = reply.requests
            body = {} if reply.status == 404 else fields(self._http.json(reply, now))
            access = fields(fields(body.get("configuration")).get("timelines_access"))
            self._access = fields(access.get("hashtag_feeds"))
            self._access_until = now + RULES_KEPT
        shut = {"disabled"} if self._token else {"disabled", "authenticated"}
        local, remote = (self._access.get(key) in shut for key in ("local", "remote"))
        if local and remote:
            raise SourceTrouble(Outcome.AUTH_REQUIRED, None, CLOSED, requests=sent)
        return remote, sent

    async def _get(self, path: str, params: Mapping[str, str | int], now: datetime) -> Reply:
        token = {"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {}
        call = Call(
            url=self._base + path, params={k: v for k, v in params.items() if v}, headers=token
        )
        reply = await self._http.send(call, now=now, budget=self.calls)
        if reply.status == 422:  # "This method requires an authenticated user"
            raise self._http.trouble(reply, Outcome.AUTH_REQUIRED)
        return reply

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Ask for the server's rules, and with a token whether it can search words."""
        try:
            self._access_until = None
            local, _ = await self._local_only(now)
            if self._token:
                await self._try_search(now)
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        if self._token and not self._searches:
            return Outcome.PLAN_REQUIRED, NO_SEARCH
        scope = "local posts only" if local else "all posts it knows"
        return Outcome.OK, f"works: {'words and tags' if self._token else 'tags'}, {scope}"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution=f"Mastodon ({Call(url=self._base).host})",
            cost_unit="requests (300 in 5 minutes)",
            min_interval=timedelta(minutes=1),
            terms_class="official",
        )

    def trouble(self, reply: Reply, detail: str) -> SourceTrouble:
        """Build the trouble of an answer that does not fit."""
        return self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)


class _Query:
    """One query of a round. A position is the id that the page must be older than."""

    start: Position = ""
    overlap = Mastodon.overlap
    lag = Mastodon.lag

    def __init__(self, source: Mastodon, query: str, now: datetime) -> None:
        self.query = query
        self._source, self._now = source, now
        self._by_tag = query.startswith("#")
        self._clocked = False  # do ids hold their time?

    def jump(self, gap: Gap, depth: Position | None, pages: int) -> Position:
        """Make an id out of the time, as the server does; else begin where the gap began."""
        del pages
        if self._clocked:
            return str(int((gap.end.timestamp() + 1) * 1000) << 16)
        return depth or self.start

    async def fetch(self, position: Position) -> Batch:
        found, reply, note = await self._ask(str(position))
        if not isinstance(found, list):
            raise self._source.trouble(reply, f"{reply.host} answered without a list of posts")
        posts = tuple(p for raw in found if (p := read_status(raw, self._now)) is not None)
        unlisted = sum(hidden(raw) for raw in found)
        bad = len(found) - len(posts) - unlisted
        if bad * 2 > len(found):
            raise self._source.trouble(reply, f"{reply.host}: {bad} of {len(found)} posts unread")
        last = name(fields(found[-1]).get("id")) if found else ""
        self._clocked = bool(posts) and clocked(posts[0])
        return Batch(
            posts=posts,
            next=last if last and last != position else None,
            requests=reply.requests,
            note=note or (f"{bad} posts could not be read" if bad else ""),
        )

    async def _ask(self, most: str) -> tuple[object, Reply, str]:
        """Return what the server gives for words, else for the tag; and what to say of it."""
        sent = 0
        if not self._by_tag and self._source.can_search(self._now):
            body, reply = await self._source.words(self.query, most, self._now)
            if self._source.can_search(self._now):
                return body, reply, ""
            sent = reply.requests
        self._by_tag = True
        tag = "".join(self.query.removeprefix("#").split())
        body, reply = await self._source.tag(tag, most, self._now)
        reply = replace(reply, requests=reply.requests + sent)
        return body, reply, "" if self.query.startswith("#") else f"only the tag #{tag} is read"


COST = "Free; a token of the server for full-text search. 720 looks a day for each word by default."
ROW = SourceRow(
    name=NAME,
    title=Mastodon.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Mastodon,
)
