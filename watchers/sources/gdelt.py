"""GDELT: news of the world's papers, a quarter of an hour old (sources.md 4.14).

Free, without a key, and often overloaded: it is asked seldom, never tried twice, and nothing should
depend on it alone.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from watchers.answer import WEATHER, OneAnswer
from watchers.budget import Budget
from watchers.connector import OR, Description, Setting, SourceRow, interval
from watchers.http import Call, Http, Reply, SourceTrouble, base_address, reset_time
from watchers.model import Outcome, Post, Watermark
from watchers.shapes.articles import article
from watchers.sitetext import fields
from watchers.timetext import read_time

NAME = "gdelt"
BASE = "https://api.gdeltproject.org"
PAGE = 250
REFUSED_FOR = timedelta(hours=1)
SEEN = timedelta(minutes=15)  # how exact the time is at which it saw an article
SHORTEST = timedelta(hours=1)
LONGEST = timedelta(days=7)

SETTINGS = (
    Setting(
        name="GDELT_LANGUAGE",
        meaning="language of the articles, as in chinese; setting it switches GDELT on",
        required=True,
    ),
    Setting(name="GDELT_BASE_URL", meaning="address of the API", default=BASE),
    Setting(name="GDELT_EVERY", meaning="seconds between two rounds of a query", default="3600"),
)
TERMS = (
    "GDELT is open to all and asks to be named. We have not read its terms in full. Since 2026 it "
    "refuses many requests: opportunistic only."
)


class Gdelt(OneAnswer):
    """The article list of DOC 2.0."""

    name = NAME
    title = "World news (GDELT)"
    overlap = SHORTEST
    lag = timedelta(minutes=30)
    freshness = timedelta(days=2)
    page_size = PAGE

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        super().__init__(http)
        self._base = base_address(settings, "GDELT_BASE_URL", BASE)
        self._language = "".join(filter(str.isalpha, settings.get("GDELT_LANGUAGE", "")))
        self.every = interval(settings, "GDELT_EVERY", timedelta(hours=1))
        self.budgets = (Budget(pace=(1, 5.0)),)

    async def _ask(self, query: str, since: Watermark, now: datetime) -> tuple[list[object], Reply]:
        span = min(max(now - (since.at or now) + self.overlap, SHORTEST), LONGEST)
        words = [f'"{w}"' for w in query.replace('"', " ").split(OR)]
        asked = words[0] if len(words) == 1 else f"({OR.join(words)})"
        params: dict[str, str | int] = {
            "query": f"{asked} sourcelang:{self._language}",
            "mode": "artlist",
            "format": "json",
            "maxrecords": PAGE,
            "sort": "datedesc",
            "timespan": f"{-(-span // timedelta(minutes=1))}min",
        }
        call = Call(url=f"{self._base}/api/v2/doc/doc", params=params)
        reply = await self._http.send(call, now=now, budget=self.budgets[0])
        if reply.status == 429:
            detail = f"{reply.host} is overloaded and refused"
            until = reset_time(reply.headers, now) or now + REFUSED_FOR
            raise self._http.trouble(reply, Outcome.RATE_LIMITED, until, detail)
        body = self._http.json(reply, now)
        found = [] if body == {} else fields(body).get("articles")
        if not isinstance(found, list):
            raise self._changed(reply, f"{reply.host} answered without articles")
        return found, reply

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Ask for articles about the weather of the last day."""
        try:
            found, _ = await self._ask(WEATHER, Watermark(at=now - timedelta(hours=23)), now)
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        return Outcome.OK, f"works: {len(found)} articles about the weather"

    def _post(self, raw: object, now: datetime) -> Post | None:
        """Return the article that RAW is; None where it has no title or no link."""
        item = fields(raw)
        return article(
            NAME,
            url=item.get("url"),
            title=item.get("title"),
            publisher=item.get("domain"),
            published=(read_time(item.get("seendate"), now)[0], SEEN),
            now=now,
            terms_class="official",
        )

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="the GDELT Project",
            cost_unit="requests",
            min_interval=timedelta(minutes=15),
            terms_class="official",
        )


COST = "Free: 24 requests a day for each word by default."
ROW = SourceRow(
    name=NAME,
    title=Gdelt.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Gdelt,
)
