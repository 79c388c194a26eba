"""The open platform of Zhihu: how it is asked and what it answers (sources.md 4.3)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from watchers.budget import Budget
from watchers.http import (
    FIRST_WAIT,
    Call,
    Http,
    Reply,
    Secret,
    SourceTrouble,
    base_address,
    reset_time,
)
from watchers.model import Outcome
from watchers.sitetext import address, fields
from watchers.timetext import CHINA

BASE = "https://developer.zhihu.com"
RISK_FOR = timedelta(hours=6)
SKEW = timedelta(minutes=5)  # more than ten are refused
DAY = timedelta(days=1)
TERMS = (
    "Zhihu's open platform answers registered developers: 5,000 searches and 100 hot lists a day, "
    "free for a time (seen in September 2026). We have not read its terms: have them read before "
    "you use it for clients."
)
CODES = {
    10001: (Outcome.SCHEMA_CHANGED, "the parameters were refused"),
    20001: (Outcome.AUTH_REQUIRED, "the access secret was refused: make a new one"),
    30001: (Outcome.RATE_LIMITED, "too many requests at once"),
    30002: (Outcome.QUOTA_EXHAUSTED, "the quota of the day is used up"),
    30003: (Outcome.BLOCKED, "refused by risk control"),
    90001: (Outcome.DOWN, "an error inside Zhihu"),
}


class ZhihuApi:
    """Asks the platform for one account; the pace of one request a second is our own."""

    def __init__(self, http: Http, settings: Mapping[str, str], prefix: str) -> None:
        """Read PREFIX_SECRET and PREFIX_BASE_URL; raises BadSetting."""
        self._http = http
        self._base = base_address(settings, f"{prefix}_BASE_URL", BASE)
        self._secret = Secret(settings.get(f"{prefix}_SECRET", ""))
        http.keep_secret(self._secret)

    async def get(
        self, path: str, params: Mapping[str, str | int], now: datetime, budget: Budget
    ) -> tuple[object, Reply]:
        """Return `Data` of the answer to PATH; raises SourceTrouble.

        Blanks are sent as %20: the filter language does not take a plus for one.
        """
        query = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in params.items())
        call = Call(
            url=f"{self._base}/api/v1/{path}?{query}",
            headers={
                "Authorization": f"Bearer {self._secret.reveal()}",
                "X-Request-Timestamp": str(int(now.timestamp())),
            },
        )
        reply = await self._http.send(call, now=now, budget=budget)
        return self._judge(reply, now), reply

    def _judge(self, reply: Reply, now: datetime) -> object:
        code = _code(reply)
        if not code:
            body = fields(self._http.json(reply, now))
            if "Data" not in body:
                raise self.trouble(reply, f"{reply.host} answered without Data")
            return body["Data"]
        outcome, words = CODES.get(code, (Outcome.SCHEMA_CHANGED, "an unknown code"))
        if outcome is Outcome.AUTH_REQUIRED and (off := _clock_off(reply, now)):
            words = f"this machine's clock is {off} off: set it (NTP)"
        until = {
            Outcome.RATE_LIMITED: reset_time(reply.headers, now) or now + FIRST_WAIT,
            Outcome.QUOTA_EXHAUSTED: _next_day(now),
            Outcome.BLOCKED: now + RISK_FOR,
        }.get(outcome)
        detail = f"{reply.host} answered code {code}: {words}"
        raise self._http.trouble(reply, outcome, until, detail)

    def trouble(self, reply: Reply, detail: str) -> SourceTrouble:
        """Build the trouble of an answer that does not fit."""
        return self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)

    def items(self, data: object, reply: Reply) -> list[dict[str, object]]:
        """Return the items of DATA; raises SourceTrouble where there is no list of objects."""
        found = fields(data).get("Items")
        if not isinstance(found, list):
            raise self.trouble(reply, f"{reply.host} answered without a list of items")
        good = [item for item in found if isinstance(item, dict) and address(item.get("Url"))]
        if len(good) * 2 < len(found):
            raise self.trouble(reply, f"{reply.host}: {len(found) - len(good)} items unread")
        return good

    async def quota(self, ids: str, now: datetime, budget: Budget) -> tuple[Outcome, str]:
        """Say how much of the quotas IDS is left; costs nothing of them."""
        try:
            data, _ = await self.get("quota", {"APIIDs": ids}, now, budget)
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        rows = data if isinstance(data, list) else []
        left = [f"{r.get('APIID')}: {r.get('RemainingQuota')} left" for r in map(fields, rows)]
        return Outcome.OK, "works; " + "; ".join(left)[:200] if left else "works"


def _code(reply: Reply) -> int:
    """Return the error code in the body of REPLY, whatever its status; 0: none."""
    code = fields(reply.loose).get("Code")
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _next_day(now: datetime) -> datetime:
    """Return when the next day begins in China, where quotas are counted."""
    tomorrow = now.astimezone(CHINA) + DAY
    return tomorrow.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)


def _clock_off(reply: Reply, now: datetime) -> str:
    """Return by how much the server's clock differs from NOW; empty: little, or unknown."""
    try:
        off = abs(parsedate_to_datetime(reply.headers.get("date", "")) - now)
    except (TypeError, ValueError):
        return ""
    return f"{off // timedelta(minutes=1)} min" if off > SKEW else ""
