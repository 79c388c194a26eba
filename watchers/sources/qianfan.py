"""Baidu's web search by Qianfan: Sohu, NetEase and the portals' own pages (sources.md 4.12).

Business errors come with status 200. An answer tells the day of an article alone, and has no cursor:
one answer is a round.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from watchers.answer import OneAnswer
from watchers.budget import Budget, Period
from watchers.connector import (
    Description,
    Setting,
    SourceRow,
    canary_settings,
    interval,
    read_canary,
    whole_number,
)
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
from watchers.sitetext import fields, line, name
from watchers.timetext import read_time

NAME = "qianfan"
BASE = "https://qianfan.baidubce.com"
PAGE = 50
SITES = "sohu.com 163.com sina.com.cn qq.com people.com.cn chinadaily.com.cn thepaper.cn"
_QUOTA = ("quota", "额度", "余额", "次数", "insufficient", "arrears")
_RATE = ("rate", "qps", "频率", "too many")
_AUTH = ("token", "auth", "api key", "apikey", "鉴权", "permission")

SETTINGS = (
    Setting(
        name="QIANFAN_API_KEY",
        meaning="API key of Baidu's Qianfan platform",
        required=True,
        secret=True,
    ),
    Setting(name="QIANFAN_BASE_URL", meaning="address of the API", default=BASE),
    Setting(
        name="QIANFAN_SITES",
        meaning="sites to search in, separated by blanks; empty: these",
        default=SITES,
    ),
    Setting(
        name="QIANFAN_CALLS_PER_DAY",
        meaning="searches a day: a hard stop (about 50 are free)",
        default="40",
    ),
    Setting(name="QIANFAN_EVERY", meaning="seconds between two rounds of a query", default="3600"),
    *canary_settings("QIANFAN", hours=6),
)
TERMS = (
    "Some 50 searches a day are free, more are paid for. We have not read what Baidu's terms say of "
    "showing and keeping results; titles, excerpts and links are kept, nothing else."
)


class Qianfan(OneAnswer):
    """The web search, for one API key."""

    name = NAME
    title = "Baidu web search (Qianfan)"
    overlap = timedelta(hours=24)
    lag = timedelta(minutes=30)
    freshness = timedelta(days=2)
    page_size = PAGE

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        super().__init__(http)
        self._base = base_address(settings, "QIANFAN_BASE_URL", BASE)
        self._key = Secret(settings.get("QIANFAN_API_KEY", ""))
        http.keep_secret(self._key)
        self._sites = settings.get("QIANFAN_SITES", "").split() or SITES.split()
        self.every = interval(settings, "QIANFAN_EVERY", timedelta(hours=1))
        self.canary = read_canary(settings, "QIANFAN", hours=6)
        calls = whole_number(settings, "QIANFAN_CALLS_PER_DAY", 40)
        self.budgets = (Budget(cap=calls, period=Period.DAY, unit="searches"),)

    async def _ask(self, query: str, since: Watermark, now: datetime) -> tuple[list[object], Reply]:
        del since  # a week is the shortest span there is
        body = {
            "messages": [{"role": "user", "content": query}],
            "search_source": "baidu_search_v2",
            "edition": "standard",
            "resource_type_filter": [{"type": "web", "top_k": PAGE}],
            "search_filter": {"match": {"site": self._sites}},
            "search_recency_filter": "week",
        }
        call = Call(
            method="POST",
            url=f"{self._base}/v2/ai_search/web_search",
            headers={"Authorization": f"Bearer {self._key.reveal()}"},
            json=body,
        )
        reply = await self._http.send(call, now=now, budget=self.budgets[0])
        found = fields(self._judge(reply, now)).get("references")
        if not isinstance(found, list):
            raise self._changed(reply, f"{reply.host} answered without references")
        return found, reply

    def _judge(self, reply: Reply, now: datetime) -> object:
        """Return the JSON of REPLY unless it is an error, which may come with status 200."""
        top = fields(reply.loose)
        code = name(top.get("code")) or name(fields(top.get("error")).get("code"))
        if not code or code == "0":
            return self._http.json(reply, now)
        told = f"{code} {top.get('message', '')}".casefold()
        until: datetime | None = None
        if any(word in told for word in _QUOTA):
            outcome, until = Outcome.QUOTA_EXHAUSTED, Period.DAY.end(now)
        elif reply.status == 429 or any(word in told for word in _RATE):
            outcome = Outcome.RATE_LIMITED
            until = reset_time(reply.headers, now) or now + FIRST_WAIT
        elif reply.status in (401, 403) or any(word in told for word in _AUTH):
            outcome = Outcome.AUTH_REQUIRED
        else:
            self._http.require(reply, now)
            outcome = Outcome.SCHEMA_CHANGED
        detail = f"{reply.host} answered {line(code)[:60]}"
        if outcome is Outcome.AUTH_REQUIRED:
            detail += ": the API key was refused: set QIANFAN_API_KEY anew"
        raise self._http.trouble(reply, outcome, until, detail)

    def _post(self, raw: object, now: datetime) -> Post | None:
        """Return the article that RAW is; None where it has no title or no link."""
        item = fields(raw)
        return article(
            NAME,
            url=item.get("url"),
            title=item.get("title"),
            text=item.get("content"),
            publisher=item.get("website") or item.get("web_anchor"),
            published=read_time(item.get("date"), now),
            now=now,
            terms_class="official",
        )

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="the site's name and the article's link, found by Baidu",
            cost_unit="searches",
            min_interval=timedelta(minutes=30),
            terms_class="official",
        )


COST = "About 50 searches a day are free: 24 a day for each word by default, 40 a day at most."
ROW = SourceRow(
    name=NAME,
    title=Qianfan.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Qianfan,
)
