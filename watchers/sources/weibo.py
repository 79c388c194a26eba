"""Sina Weibo through the gateway of its open platform: keyword search, newest first.

The shapes and limits stand in sources.md 4.1.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from watchers.budget import Budget, Period, least
from watchers.connector import (
    Description,
    Setting,
    SourceRow,
    canary_settings,
    interval,
    read_canary,
    whole_number,
)
from watchers.http import Call, Http, Reply, Secret, SourceTrouble, base_address, reset_time
from watchers.model import Gap, Outcome, Page, Reach, Watermark
from watchers.paging import Batch, Memory, Position, read_round
from watchers.shapes.weibo import CODES, error_code, read_statuses, statuses, total_of
from watchers.sitetext import fields, line

NAME = "weibo"
PAGE = 20  # the server refused 50 and accepted 20 (measured 2026-08-28)
RATE_WAIT = timedelta(seconds=60)  # after the first 429

MENDS = {
    Outcome.PLAN_REQUIRED: "the plan does not include search: renew or extend it",
    Outcome.AUTH_REQUIRED: "the token was refused: log in again and set WEIBO_TOKEN",
    Outcome.QUOTA_EXHAUSTED: "the credits of the plan are used up",
}

SETTINGS = (
    Setting(
        name="WEIBO_TOKEN",
        meaning="token of the Weibo open platform (wb_...)",
        required=True,
        secret=True,
    ),
    Setting(
        name="WEIBO_BASE_URL",
        meaning="address of the gateway",
        default="https://open.weibo.com",
    ),
    Setting(
        name="WEIBO_CREDITS_PER_MONTH",
        meaning="credits that may be spent in a month: a hard stop",
        default="3000",
    ),
    Setting(name="WEIBO_CREDITS_PER_CALL", meaning="credits that one search costs", default="1"),
    Setting(
        name="WEIBO_CREDITS_PER_RECORD",
        meaning="credits that each post of an answer costs besides",
        default="0",
    ),
    Setting(
        name="WEIBO_CALLS_PER_HOUR",
        meaning="searches an hour, where the plan limits them (the trial: 5)",
    ),
    Setting(
        name="WEIBO_TERMS",
        meaning="own-brand or counsel: why this use is allowed; asked for until it is set",
    ),
    Setting(name="WEIBO_EVERY", meaning="seconds between two rounds of a query", default="300"),
    *canary_settings("WEIBO", hours=6),
)
TERMS = (
    "Weibo's developer agreement (2.7.8) lets a business that collects or analyses data for third "
    "parties use the commercial API under contract only; other clauses forbid handing data on "
    "(2.5.6, 2.5.9) and ask for deletion at the end (2.5.15). Use this for your own brand, or "
    "once counsel has confirmed."
)


class Weibo:
    """The gateway, for one account."""

    name = NAME
    title = "Sina Weibo"
    overlap = timedelta(minutes=30)
    lag = timedelta(minutes=1)
    freshness = timedelta(hours=1)
    deep = True
    together = 1
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        self._base = base_address(settings, "WEIBO_BASE_URL", "https://open.weibo.com")
        self._token = Secret(settings.get("WEIBO_TOKEN", ""))
        http.keep_secret(self._token)
        self.every = interval(settings, "WEIBO_EVERY", timedelta(minutes=5))
        self.canary = read_canary(settings, "WEIBO", hours=6)
        self._per_call = whole_number(settings, "WEIBO_CREDITS_PER_CALL", 1) or 0
        self._per_record = whole_number(settings, "WEIBO_CREDITS_PER_RECORD", 0) or 0
        self.credits = Budget(
            cap=whole_number(settings, "WEIBO_CREDITS_PER_MONTH", 3000), unit="credits"
        )
        self.calls = Budget(
            cap=whole_number(settings, "WEIBO_CALLS_PER_HOUR", None, least=1),
            period=Period.HOUR,
            unit="searches",
        )
        self._terms = settings.get("WEIBO_TERMS", "").strip()
        self._memory = Memory()
        self.page_size = PAGE
        self.limited = False  # was the last answer a 429?

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
        reader = _Query(self, query, since, now, max_pages)
        return await read_round(
            reader, since, now=now, max_pages=max_pages, memory=self._memory, reach=reach
        )

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What is counted against the account's limits."""
        return (self.credits, self.calls)

    def allowance(self, now: datetime) -> float | None:
        """Requests a minute: what is left of the credits, spread over the rest of the month."""
        most = self._per_call + self._per_record * self.page_size
        return least(self.credits.rate(now, most), self.calls.rate(now))

    def left(self, now: datetime) -> tuple[str, ...]:
        """Say what is left of the limits."""
        return tuple(filter(None, [self.credits.left(now), self.calls.left(now)]))

    async def ask(self, query: str, page: int, now: datetime) -> tuple[object, Reply]:
        """Return the JSON of one page; raises SourceTrouble. The page size is halved once."""
        first = await self._invoke(query, page, now)
        if error_code(first.loose) != "COUNT_EXCEEDS_MAX" or self.page_size < PAGE:
            return self._judge(first, now), first
        self.page_size = PAGE // 2
        second = await self._invoke(query, page, now)
        reply = replace(second, requests=first.requests + second.requests)
        return self._judge(reply, now), reply

    async def _invoke(self, query: str, page: int, now: datetime) -> Reply:
        if (no := self.calls.refuses(now)) is not None:
            raise SourceTrouble(*no)
        args = {"q": query, "type": 1, "sort": "time", "count": self.page_size, "page": page}
        json = {"group": "search", "action": "statuses/limited", "args": args}
        most = self._per_call + self._per_record * self.page_size
        reply = await self._http.send(
            self._call("/cli/api/cli/invoke", json), now=now, budget=self.credits, cost=most
        )
        self.calls.spend(now, reply.requests)
        if self._per_record:
            records = len(statuses(reply.loose) or ())
            self.credits.spend(now, -self._per_record * max(self.page_size - records, 0))
        return reply

    def _call(self, path: str, json: object = None) -> Call:
        return Call(
            method="GET" if json is None else "POST",
            url=self._base + path,
            headers={"Authorization": f"Bearer {self._token.reveal()}"},
            json=json,
        )

    def _judge(self, reply: Reply, now: datetime) -> object:
        """Return the JSON of REPLY unless it is an error, whatever its status says."""
        code = error_code(reply.loose)
        outcome = CODES.get(code.upper()) if code else None
        if reply.status == 429 or outcome is Outcome.RATE_LIMITED:
            raise self._too_many(reply, now)
        if code is None:
            body = self._http.json(reply, now)
            self.limited = False
            return body
        if outcome is None:
            self._http.require(reply, now)
            outcome = Outcome.SCHEMA_CHANGED
        until = Period.MONTH.end(now) if outcome is Outcome.QUOTA_EXHAUSTED else None
        detail = f"{reply.host} answered {line(code)[:60]}"
        if outcome in MENDS:
            detail = f"{detail}: {MENDS[outcome]}"
        raise self._http.trouble(reply, outcome, until, detail)

    def _too_many(self, reply: Reply, now: datetime) -> SourceTrouble:
        """Wait a minute once; a second refusal in a row means that the hour is used up."""
        again, self.limited = self.limited, True
        until = reset_time(reply.headers, now)
        if again:
            detail = "the gateway refused twice in a row: the plan's calls for this hour are gone"
            ends = until or Period.HOUR.end(now)
            return self._http.trouble(reply, Outcome.QUOTA_EXHAUSTED, ends, detail)
        return self._http.trouble(reply, Outcome.RATE_LIMITED, until or now + RATE_WAIT)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Ask who we are and whether search is in the plan; costs no credits."""
        try:
            who = await self._get("/cli/api/cli/whoami", now)
            mine = await self._get("/cli/api/cli/commands?group=search&access=available", now)
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        commands = fields(mine).get("commands", fields(fields(mine).get("result")).get("commands"))
        actions = (
            [fields(c).get("action") for c in commands] if isinstance(commands, list) else None
        )
        if actions is None:
            return Outcome.SCHEMA_CHANGED, "the gateway's list of commands looks different"
        if "statuses/limited" not in actions:
            return Outcome.PLAN_REQUIRED, MENDS[Outcome.PLAN_REQUIRED]
        if fields(who).get("developer_verified") is False:
            return Outcome.PLAN_REQUIRED, "the developer account is not verified yet"
        if self._terms not in ("own-brand", "counsel"):
            return Outcome.OK, "works; set WEIBO_TERMS to own-brand or counsel. " + TERMS
        return Outcome.OK, "works"

    async def _get(self, path: str, now: datetime) -> object:
        return self._judge(await self._http.send(self._call(path), now=now), now)

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="Sina Weibo",
            cost_unit="credits of the plan",
            min_interval=timedelta(minutes=5),
            terms_class="official",
        )

    def trouble(self, reply: Reply, detail: str) -> SourceTrouble:
        """Build the trouble of an answer that does not fit."""
        return self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)


class _Query:
    """One query of a round: pages by number."""

    start: Position = 1
    overlap = Weibo.overlap
    lag = Weibo.lag

    def __init__(
        self, source: Weibo, query: str, since: Watermark, now: datetime, max_pages: int
    ) -> None:
        self.query = query
        self._source, self._now = source, now
        self._new = since.at is None
        self._depth = max_pages
        self._empty = 0  # pages in a row

    def jump(self, gap: Gap, depth: Position | None, pages: int) -> Position:
        """Return the page GAP began on, or as deep as a round goes, and the pages above it."""
        del gap
        return max(int(depth or self._depth) + pages - 1, 1)

    async def fetch(self, position: Position) -> Batch:
        page = int(position)
        body, reply = await self._source.ask(self.query, page, self._now)
        found = statuses(body)
        if found is None:
            raise self._source.trouble(reply, f"{reply.host} answered without a list of posts")
        posts, deleted, bad = read_statuses(found, self._now)
        if bad * 2 > len(found):
            raise self._source.trouble(reply, f"{reply.host}: {bad} of {len(found)} posts unread")
        total = total_of(body)
        return Batch(
            posts=posts,
            deleted=deleted,
            next=self._next(page, len(found), total, reply),
            requests=reply.requests,
            total=total,
            note=f"{bad} posts could not be read" if bad else "",
        )

    def _next(self, page: int, found: int, total: int | None, reply: Reply) -> Position | None:
        """Return the number of the next page. A single empty page proves nothing: pages drift."""
        self._empty = 0 if found else self._empty + 1
        if total is not None and page * self._source.page_size < total:
            if self._empty < 2:
                return page + 1
            if page == 2:
                raise self._source.trouble(reply, f"{total} posts announced, none given")
            if not self._new:
                detail = f"no more pages are given, though {total} posts are announced"
                raise SourceTrouble(Outcome.PARTIAL, None, detail, requests=reply.requests)
            return None
        return page + 1 if found and total is None else None


COST = (
    "Credits of the plan, one a search; 3,000 a month by default (CNY 29, seen in 2026), spread "
    "evenly: a look every 15 minutes at one word."
)
ROW = SourceRow(
    name=NAME,
    title=Weibo.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Weibo,
)
