"""Tencent Cloud web search (WSA, Sogou's index): Tencent News, 企鹅号 and the web (sources.md 4.11).

Requests are signed (TC3-HMAC-SHA256). Errors come with status 200, and each page of the answer is
JSON inside a string. A search has no cursor: one answer is a round.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from watchers.answer import OneAnswer
from watchers.budget import Budget
from watchers.connector import (
    Description,
    Setting,
    SourceRow,
    canary_settings,
    interval,
    read_canary,
    whole_number,
)
from watchers.errors import BadSetting
from watchers.http import (
    FIRST_WAIT,
    Call,
    Http,
    Reply,
    Secret,
    base_address,
    reset_time,
)
from watchers.model import Outcome, Post, Watermark
from watchers.shapes.articles import article
from watchers.sitetext import fields, json_or_none, line, name
from watchers.timetext import read_time

NAME = "wsa"
BASE = "https://wsa.tencentcloudapi.com"
SERVICE, ACTION, VERSION = "wsa", "SearchPro", "2025-05-08"
LITE, SIZES = 10, (10, 20, 30, 40, 50)
DAY = timedelta(days=1)

CODES = {
    "RequestLimitExceeded": Outcome.RATE_LIMITED,
    "ResourceNotFound": Outcome.PLAN_REQUIRED,
    "ResourceUnavailable": Outcome.PLAN_REQUIRED,
    "ResourceInsufficient": Outcome.QUOTA_EXHAUSTED,
    "UnauthorizedOperation": Outcome.AUTH_REQUIRED,
    "AuthFailure": Outcome.AUTH_REQUIRED,
    "InternalError": Outcome.DOWN,
    "InvalidParameter": Outcome.SCHEMA_CHANGED,
    "InvalidParameterValue": Outcome.SCHEMA_CHANGED,
}
MENDS = {
    Outcome.AUTH_REQUIRED: "check WSA_SECRET_ID, WSA_SECRET_KEY and this machine's clock",
    Outcome.PLAN_REQUIRED: "open the web search (WSA) in Tencent Cloud's console",
    Outcome.QUOTA_EXHAUSTED: "the package of calls is used up: buy another one",
}

SETTINGS = (
    Setting(name="WSA_SECRET_ID", meaning="SecretId of a Tencent Cloud account", required=True),
    Setting(
        name="WSA_SECRET_KEY", meaning="SecretKey that belongs to it", required=True, secret=True
    ),
    Setting(name="WSA_BASE_URL", meaning="address of the API", default=BASE),
    Setting(
        name="WSA_CALLS_PER_MONTH",
        meaning="searches a month, each is paid for: a hard stop",
        default="3000",
    ),
    Setting(
        name="WSA_COUNT",
        meaning="articles an answer: 10 to 50 in the better editions; empty for the lite one",
    ),
    Setting(
        name="WSA_TIME_STYLE",
        meaning="freshness or range: how the edition takes a span of time",
        default="freshness",
    ),
    Setting(name="WSA_EVERY", meaning="seconds between two rounds of a query", default="1800"),
    *canary_settings("WSA", hours=6),
)
TERMS = (
    "A paid service of Tencent Cloud: each call costs by your plan. We have not read what its terms "
    "say of showing and keeping results; titles, excerpts and links are kept, nothing else."
)


class Wsa(OneAnswer):
    """The web search, for one account."""

    name = NAME
    title = "Tencent open web (WSA)"
    overlap = DAY
    lag = timedelta(minutes=15)
    freshness = timedelta(days=2)

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        super().__init__(http)
        self._base = base_address(settings, "WSA_BASE_URL", BASE)
        self._id = settings.get("WSA_SECRET_ID", "").strip()
        self._key = Secret(settings.get("WSA_SECRET_KEY", ""))
        http.keep_secret(self._key)
        self.every = interval(settings, "WSA_EVERY", timedelta(minutes=30))
        self.canary = read_canary(settings, "WSA", hours=6)
        self._count = whole_number(settings, "WSA_COUNT", None)
        if self._count is not None and self._count not in SIZES:
            where = f"WSA_COUNT={self._count}: give one of {', '.join(map(str, SIZES))}, or nothing"
            raise BadSetting(where)
        self._style = settings.get("WSA_TIME_STYLE", "").strip() or "freshness"
        if self._style not in ("freshness", "range"):
            where = f"WSA_TIME_STYLE={self._style[:20]}: give freshness or range"
            raise BadSetting(where)
        self.page_size = self._count or LITE
        calls = whole_number(settings, "WSA_CALLS_PER_MONTH", 3000)
        self.budgets = (Budget(cap=calls, unit="paid searches"),)

    async def _ask(self, query: str, since: Watermark, now: datetime) -> tuple[list[object], Reply]:
        body: dict[str, object] = {"Query": query} | self._span(since, now)
        if self._count is not None:
            body |= {"Mode": 0, "Cnt": self._count}
        reply = await self._http.send(self._call(body, now), now=now, budget=self.budgets[0])
        answer = fields(fields(self._judge(reply, now)).get("Response"))
        found = answer.get("Pages")
        if found is None and "RequestId" in answer and "Query" in answer:
            found = []  # nothing found
        if not isinstance(found, list):
            raise self._changed(reply, f"{reply.host} answered without Pages")
        return found, reply

    def _span(self, since: Watermark, now: datetime) -> dict[str, object]:
        """Return from when on, in the words of the edition: whole days, or seconds."""
        floor = (since.at or now) - self.overlap
        if self._style == "range":
            return {"FromTime": int(floor.timestamp()), "ToTime": int(now.timestamp())}
        return {"Freshness": f"d{min(max(-(-(now - floor) // DAY), 1), 30)}"}

    def _call(self, body: dict[str, object], now: datetime) -> Call:
        """Sign BODY as it is sent."""
        content = msgspec.json.encode(body)
        host = urlsplit(self._base).netloc
        moment = int(now.timestamp())
        return Call(
            method="POST",
            url=f"{self._base}/",
            content=content,
            headers={
                "Authorization": signature(self._id, self._key.reveal(), host, content, moment),
                "Content-Type": "application/json",
                "X-TC-Action": ACTION,
                "X-TC-Version": VERSION,
                "X-TC-Timestamp": str(moment),
            },
        )

    def _judge(self, reply: Reply, now: datetime) -> object:
        """Return the JSON of REPLY unless it is an error, which comes with status 200."""
        error = fields(fields(fields(reply.loose).get("Response")).get("Error"))
        code = name(error.get("Code"))
        if not code:
            return self._http.json(reply, now)
        outcome = CODES.get(code) or CODES.get(code.partition(".")[0], Outcome.SCHEMA_CHANGED)
        until = None
        if outcome is Outcome.RATE_LIMITED:
            until = reset_time(reply.headers, now) or now + FIRST_WAIT
        detail = f"{reply.host} answered {line(code)[:60]}"
        detail = f"{detail}: {MENDS[outcome]}" if outcome in MENDS else detail
        raise self._http.trouble(reply, outcome, until, detail)

    def _post(self, raw: object, now: datetime) -> Post | None:
        """Return the article that RAW, JSON in a string, is; None: it is none."""
        item = fields(json_or_none(raw)) if isinstance(raw, str) else {}
        return article(
            NAME,
            url=item.get("url"),
            title=item.get("title"),
            text=item.get("passage"),
            publisher=item.get("site"),
            published=read_time(item.get("date"), now),
            now=now,
            terms_class="official",
        )

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="the site's name and the article's link, found by Tencent Cloud",
            cost_unit="paid searches",
            min_interval=timedelta(minutes=10),
            terms_class="official",
        )


def signature(id_: str, key: str, host: str, body: bytes, moment: int) -> str:
    """Return the Authorization header of a POST of BODY to HOST at MOMENT, in Unix seconds.

    TC3-HMAC-SHA256 of Tencent Cloud over content type, host and body; checked against the
    official SDK's answer for the vector of sources.md 4.11.
    """
    canonical_request = "\n".join(
        (
            "POST", "/", "", "content-type:application/json", f"host:{host}", "",
            "content-type;host", hashlib.sha256(body).hexdigest(),
        )
    )  # fmt: skip
    day = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{SERVICE}/tc3_request"
    hashed = hashlib.sha256(canonical_request.encode()).hexdigest()
    to_sign = "\n".join(("TC3-HMAC-SHA256", str(moment), scope, hashed))
    secret = f"TC3{key}".encode()
    for part in (day, SERVICE, "tc3_request"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    signed = hmac.new(secret, to_sign.encode(), hashlib.sha256).hexdigest()
    return (
        f"TC3-HMAC-SHA256 Credential={id_}/{scope}, SignedHeaders=content-type;host, "
        f"Signature={signed}"
    )


COST = "Paid by the search: 48 a day for each word by default, 3,000 a month at most."
ROW = SourceRow(
    name=NAME,
    title=Wsa.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Wsa,
)
