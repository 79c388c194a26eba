"""A provider that pushes: signed deliveries, kept before they are answered for (sources.md 4.13).

`inbox.py` takes what comes in, and this source reads what was kept, like a feed. The watermark holds
the last delivery read, so none is lost and none counts twice.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from watchers.budget import Budget
from watchers.connector import (
    Description,
    Limited,
    Setting,
    SourceRow,
    interval,
    whole_number,
)
from watchers.errors import BadSetting
from watchers.http import Http, Secret
from watchers.model import Delivery, Outcome, Page, Post, Reach, Watermark
from watchers.shapes.template import Shape, read_config, read_items, refuse
from watchers.sitetext import json_or_none, line

NAME = "webhook"
INBOX = "pushed"  # its one query
PATH = "/webhook"
TIME, SIGNATURE = "X-Fenghuo-Timestamp", "X-Fenghuo-Signature"
SKEW = timedelta(minutes=5)

SETTINGS = (
    Setting(
        name="WEBHOOK_SECRET",
        meaning="secret that the provider signs its deliveries with; 16 characters or more",
        required=True,
        secret=True,
    ),
    Setting(
        name="WEBHOOK_CONFIG",
        meaning="file that says where things stand in a delivery, or its JSON itself",
        required=True,
    ),
    Setting(
        name="WEBHOOK_PORT",
        meaning="port on loopback, behind your own proxy, for POST /webhook",
        default="8643",
    ),
    Setting(
        name="WEBHOOK_SILENT_HOURS",
        meaning="after so many hours without a delivery it counts as stale",
        default="24",
    ),
    Setting(name="WEBHOOK_EVERY", meaning="seconds between two looks at the inbox", default="10"),
)
TERMS = (
    "What you may do with these posts stands in your contract with the provider who pushes them; it "
    "alone is the legal basis."
)
Pending = Callable[[int], Awaitable[Sequence[Delivery]]]


class Config(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file: where the items stand and how they are read."""

    title: str = "Provider's webhook"


class Webhook(Limited):
    """The deliveries of one provider."""

    name = NAME
    overlap = timedelta(0)
    lag = timedelta(minutes=5)
    page_size = 100
    deep = False
    feeds: ClassVar[tuple[str, ...]] = (INBOX,)
    budgets: tuple[Budget, ...] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._config, where = read_config(settings, "WEBHOOK_CONFIG", Config)
        refuse(list(self._config.faults()), where)
        self.title = line(self._config.title)[:60]
        self._secret = Secret(settings.get("WEBHOOK_SECRET", ""))
        if len(self._secret.reveal()) < 16:
            told = "WEBHOOK_SECRET: give 16 characters or more, as openssl rand -hex 32 makes them"
            raise BadSetting(told)
        http.keep_secret(self._secret)
        self.port = whole_number(settings, "WEBHOOK_PORT", 8643) or 0
        hours = whole_number(settings, "WEBHOOK_SILENT_HOURS", 24, least=1) or 24
        self.freshness = timedelta(hours=hours)
        self.every = interval(settings, "WEBHOOK_EVERY", timedelta(seconds=10))
        self._pending: Pending | None = None

    def connect(self, pending: Pending) -> None:
        """Read from PENDING, which gives the deliveries behind an id, oldest first."""
        self._pending = pending

    def refuses(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """Say why a delivery is not to be believed; empty: its signature and time are right."""
        moment = headers.get(TIME, "")
        if not moment.isascii() or not moment.isdigit() or len(moment) > 12:
            return f"{TIME} is missing: give Unix seconds"
        right = sign(self._secret.reveal(), moment, body)
        if not hmac.compare_digest(right.encode(), headers.get(SIGNATURE, "").encode()):
            return f"{SIGNATURE} does not fit: v1= and the hex HMAC-SHA256 of time, dot and body"
        if abs(int(moment) - now.timestamp()) > SKEW.total_seconds():
            return f"{TIME} is more than 5 minutes off: an old delivery, or a wrong clock"
        return ""

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read the deliveries that came since; those that cannot be read are told of."""
        del query, max_pages, reach
        read = int(since.id) if since.id and since.id.isdecimal() else 0
        waiting = await self._pending(read) if self._pending is not None else ()
        posts: dict[str, Post] = {}
        bad = 0
        for delivery in waiting:
            found = read_items(json_or_none(delivery.body), self._config, NAME, delivery.at)
            bad += found is None or found[1] > len(found[0])
            posts |= {p.id: p for p in found[0]} if found else {}
        last = waiting[-1] if waiting else None
        heard = last.at if last else since.at or now
        outcome, detail = self._judge(len(waiting), bad, heard, now)
        return Page(
            posts=tuple(sorted(posts.values(), key=lambda p: p.at, reverse=True)),
            watermark=Watermark(
                at=heard,
                id=str(last.id) if last else since.id,
                covered_to=heard if outcome is Outcome.STALE else now - self.lag,
            ),
            outcome=outcome if outcome is not None else _found(posts),
            requests=0,
            detail=detail,
        )

    def _judge(
        self, came: int, bad: int, heard: datetime, now: datetime
    ) -> tuple[Outcome | None, str]:
        if bad:
            told = f"{bad} of {came} deliveries could not be read: check the paths"
            return (Outcome.SCHEMA_CHANGED if bad * 2 > came else Outcome.PARTIAL), told
        if now - heard > self.freshness:
            told = f"nothing was delivered since {heard:%d %b %H:%M} UTC: does the provider push?"
            return Outcome.STALE, told
        return None, ""

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Say where deliveries are waited for; only the provider can send one."""
        del now
        where = f"http://127.0.0.1:{self.port}{PATH}"
        return Outcome.OK, f"deliveries are taken at {where} while fenghuo run is at work"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution=self.title,
            cost_unit="by the contract",
            min_interval=timedelta(seconds=1),
            terms_class="provider",
        )


def sign(secret: str, moment: str, body: bytes) -> str:
    """Return the signature of BODY at MOMENT, in Unix seconds: v1= and a hex HMAC-SHA256."""
    message = moment.encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _found(posts: Mapping[str, Post]) -> Outcome:
    return Outcome.OK if posts else Outcome.OK_EMPTY


COST = "By the contract; being pushed to costs nothing here."
ROW = SourceRow(
    name=NAME,
    title="Provider's webhook",
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Webhook,
)
