"""A licensed provider: any paid suite with an HTTP search, described in a file (sources.md 4.13).

The legal basis is your contract with that provider. The file says how it is asked, where things
stand in its answers, what a call costs and what its errors mean.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

import msgspec

from watchers.budget import Budget
from watchers.connector import (
    Description,
    Setting,
    SourceRow,
    canary_settings,
    interval,
    read_canary,
)
from watchers.http import (
    FIRST_WAIT,
    Call,
    Http,
    Reply,
    Secret,
    SourceTrouble,
    address_fault,
    reset_time,
)
from watchers.model import Gap, Outcome, Page, Reach, Watermark
from watchers.paging import Batch, Memory, Position, failed, one_page, read_round
from watchers.shapes.template import Shape, at, read_config, read_items, refuse
from watchers.sitetext import line, name

NAME = "provider"
MICRO = 1_000_000  # of a unit of money: prices lie far below a cent
REFERENCE = "secret:"
_HOLE = re.compile(r"\{(\w*)\}")
HOLES = frozenset({"q", "since", "since_iso", "cursor", "limit"})

SETTINGS = (
    Setting(
        name="PROVIDER_CONFIG",
        meaning="file that describes the provider, or its JSON itself; the README shows one",
        required=True,
    ),
    Setting(name="PROVIDER_KEY", meaning="its key: secret:provider_key in the file", secret=True),
    Setting(name="PROVIDER_EVERY", meaning="seconds between two rounds of a query", default="600"),
    *canary_settings("PROVIDER", hours=6),
)
TERMS = (
    "What you may do with these posts stands in your contract with the provider; it alone is the "
    "legal basis."
)


class Error(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an answer means that has this status, or this value at this path."""

    outcome: Literal[
        "rate_limited", "quota_exhausted", "auth_required", "blocked", "plan_required", "down"
    ]
    status: int | None = None
    path: str = ""
    value: str | int | bool | None = None


class Config(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file."""

    base_url: str
    title: str = "Licensed provider"
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    query: dict[str, str] = msgspec.field(default_factory=dict)
    body: dict[str, object] = msgspec.field(default_factory=dict)
    limit: int = 50
    money_per_call: float = 0
    money_per_item: float = 0
    currency: str = "US dollars"
    monthly_cap: float = 0
    errors: tuple[Error, ...] = ()


class Provider:
    """The search of one provider, for one contract."""

    name = NAME
    overlap = timedelta(minutes=15)
    lag = timedelta(minutes=5)
    freshness = timedelta(days=1)
    together = 1
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        self._config = config = _config(settings)
        self.title = line(config.title)[:60]
        self._headers = {k: _resolved(v, settings) for k, v in config.headers.items()}
        http.keep_secret(*self._headers.values())
        self.every = interval(settings, "PROVIDER_EVERY", timedelta(minutes=10))
        self.canary = read_canary(settings, "PROVIDER", hours=6)
        self.page_size = config.limit
        self.deep = bool(config.paths.next_cursor)
        self._call_cost = round(config.money_per_call * MICRO)
        self._item_cost = round(config.money_per_item * MICRO)
        cap = round(config.monthly_cap * MICRO) if config.monthly_cap else None
        self.money = Budget(cap=cap, unit=config.currency, per=MICRO)
        self._memory = Memory()

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What is counted against the contract's limits."""
        return (self.money,)

    @property
    def _most(self) -> int:
        """What one call can cost, in millionths."""
        return self._call_cost + self._item_cost * self._config.limit

    def allowance(self, now: datetime) -> float | None:
        """Calls a minute: what is left of the month's money, if every answer were full."""
        return self.money.rate(now, self._most)

    def left(self, now: datetime) -> tuple[str, ...]:
        """Say what is left of the month's money."""
        return tuple(filter(None, [self.money.left(now)]))

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read one round of QUERY: by cursor where the provider has one, else its one answer."""
        reader = _Query(self, query, since, now)
        if self.deep:
            return await read_round(
                reader, since, now=now, max_pages=max_pages, memory=self._memory, reach=reach
            )
        try:
            batch = await reader.fetch("")
        except SourceTrouble as trouble:
            return failed(since, trouble)
        return one_page(
            query,
            since,
            {post.id: post for post in batch.posts}.values(),
            now=now,
            full=len(batch.posts) >= self.page_size,
            lag=self.lag,
            memory=self._memory,
            requests=batch.requests,
            detail=batch.note,
        )

    async def ask(
        self, query: str, floor: datetime | None, cursor: str, now: datetime
    ) -> tuple[object, Reply]:
        """Return the JSON of one answer; raises SourceTrouble. Pays for what comes."""
        reply = await self._http.send(
            self._call(query, floor, cursor), now=now, budget=self.money, cost=self._most
        )
        found = at(reply.loose, self._config.paths.items)
        items = min(len(found), self._config.limit) if isinstance(found, list) else 0
        self.money.spend(now, -self._item_cost * (self._config.limit - items))
        return self._judge(reply, now), reply

    def _call(self, query: str, floor: datetime | None, cursor: str) -> Call:
        config = self._config
        holes = {
            "q": query,
            "since": str(int(floor.timestamp())) if floor else "",
            "since_iso": floor.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if floor else "",
            "cursor": cursor,
            "limit": str(config.limit),
        }
        filled = {k: _fill(v, holes) for k, v in config.query.items()}
        return Call(
            method=config.method,
            url=config.base_url,
            params={k: v for k, v in filled.items() if v},
            headers={k: v.reveal() for k, v in self._headers.items()},
            json=_fill_all(config.body, holes) if config.method == "POST" else None,
        )

    def _judge(self, reply: Reply, now: datetime) -> object:
        """Return the JSON of REPLY unless one of the configured errors fits it."""
        for error in self._config.errors:
            if not _fits(error, reply):
                continue
            outcome = Outcome(error.outcome)
            until = None
            if outcome is Outcome.RATE_LIMITED:
                until = reset_time(reply.headers, now) or now + FIRST_WAIT
            elif outcome is Outcome.QUOTA_EXHAUSTED:
                until = self.money.period.end(now)
            told = f"{reply.host} answered {reply.status}"
            if error.path:
                told += f", {error.path}={line(str(error.value))[:40]}"
            raise self._http.trouble(reply, outcome, until, told)
        return self._http.json(reply, now)

    def read(self, body: object, reply: Reply, now: datetime) -> Batch:
        """Return the posts of BODY and the cursor of the next page; raises SourceTrouble."""
        read = read_items(body, self._config, NAME, now)
        if read is None:
            raise self._trouble(reply, f"{reply.host}: no list at {self._config.paths.items}")
        posts, bad = read
        if bad > len(posts):
            raise self._trouble(reply, f"{reply.host}: {bad} items unread: check the paths")
        cursor = self._config.paths.next_cursor
        following = name(at(body, cursor)) if cursor else ""
        return Batch(
            posts=tuple(sorted(posts, key=lambda p: p.at, reverse=True)),
            next=following or None,
            requests=reply.requests,
            note=f"{bad} items could not be read" if bad else "",
        )

    def _trouble(self, reply: Reply, detail: str) -> SourceTrouble:
        return self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Search for a common word once; it costs what a call costs."""
        try:
            body, reply = await self.ask("天气", now - timedelta(days=1), "", now)
            found = self.read(body, reply, now)
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        return Outcome.OK, f"works: {len(found.posts)} posts about the weather"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution=self.title,
            cost_unit=f"{self._config.currency}, by the contract",
            min_interval=timedelta(minutes=5),
            terms_class="provider",
        )


class _Query:
    """One query of a round: pages by the provider's cursor."""

    start: Position = ""
    overlap = Provider.overlap
    lag = Provider.lag

    def __init__(self, source: Provider, query: str, since: Watermark, now: datetime) -> None:
        self.query = query
        self._source, self._now = source, now
        self._floor = since.at - self.overlap if since.at is not None else None

    def jump(self, gap: Gap, depth: Position | None, pages: int) -> Position:
        """Return the cursor of the deepest page that was read: none other leads into the gap."""
        del pages
        self._floor = min(gap.start, self._floor or gap.start)
        return depth or ""

    async def fetch(self, position: Position) -> Batch:
        body, reply = await self._source.ask(self.query, self._floor, str(position), self._now)
        return self._source.read(body, reply, self._now)


# ------------------------------------------------------------------------------------ the file
def _config(settings: Mapping[str, str]) -> Config:
    """Read and check the configuration; raises BadSetting with all that is wrong."""
    config, where = read_config(settings, "PROVIDER_CONFIG", Config)
    faults = [
        *config.faults(),
        *_address_faults(config),
        *_template_faults(config),
        *_money_faults(config),
        *_secret_faults(config, settings),
    ]
    refuse(faults, where)
    return config


def _address_faults(config: Config) -> Iterator[str]:
    if (fault := address_fault(config.base_url)) is not None:
        yield f"base_url: {fault}"
    if "?" in config.base_url:
        yield "base_url: leave the part from ? on to query"


def _template_faults(config: Config) -> Iterator[str]:
    texts = [*config.query.values(), *_texts(config.body)]
    unknown = sorted({hole for text in texts for hole in _HOLE.findall(text)} - HOLES)
    if unknown:
        yield f"{{{unknown[0]}}} is unknown; use {', '.join(sorted(HOLES))}"
    if not any("{q}" in text for text in texts):
        yield "{q}, the word searched for, stands nowhere in query or body"
    if config.paths.next_cursor and not any("{cursor}" in text for text in texts):
        yield "paths.next_cursor is given, but {cursor} stands nowhere in query or body"


def _money_faults(config: Config) -> Iterator[str]:
    if (config.money_per_call or config.money_per_item) and not config.monthly_cap:
        yield "monthly_cap is missing: calls cost money, and the cap is the hard stop"
    if min(config.money_per_call, config.money_per_item, config.monthly_cap) < 0:
        yield "money_per_call, money_per_item, monthly_cap: give numbers from 0 on"
    if not 1 <= config.limit <= 1000:
        yield "limit: give a number from 1 to 1000"


def _secret_faults(config: Config, settings: Mapping[str, str]) -> Iterator[str]:
    for key, value in config.headers.items():
        wanted = value.removeprefix(REFERENCE).upper()
        if value.startswith(REFERENCE) and not wanted.startswith("PROVIDER_"):
            yield f"headers.{key}: {value} must begin with {REFERENCE}provider_"
        elif value.startswith(REFERENCE) and not settings.get(wanted, "").strip():
            yield f"headers.{key}: {wanted} is missing in the environment"


def _resolved(value: str, settings: Mapping[str, str]) -> Secret:
    """Return a header's value; secret:provider_key is PROVIDER_KEY of the environment."""
    if not value.startswith(REFERENCE):
        return Secret(value)
    key = value.removeprefix(REFERENCE).upper()
    return Secret(settings.get(key, "") if key.startswith("PROVIDER_") else "")


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in inside for text in _texts(part)]


def _fill(text: str, holes: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda m: holes.get(m[1], ""), text)


def _fill_all(value: object, holes: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return _fill(value, holes)
    if isinstance(value, dict):
        return {k: _fill_all(v, holes) for k, v in value.items()}
    return [_fill_all(v, holes) for v in value] if isinstance(value, list) else value


def _fits(error: Error, reply: Reply) -> bool:
    if error.status is not None and error.status != reply.status:
        return False
    if not error.path:
        return error.status is not None
    found = at(reply.loose, error.path)
    return found is not None and (error.value is None or found == error.value)


COST = "By the contract: what the file says of a call, an item and the monthly cap."
ROW = SourceRow(
    name=NAME,
    title="Licensed provider",
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Provider,
)
