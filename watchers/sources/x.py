"""X (Twitter) by its API v2: posts of the last seven days by keyword (sources.md 4.4).

Every post that is read costs money, so a round asks for nothing twice: it goes on from the newest id
seen, not from a while before it. The budget is a hard stop. Where a burst goes beyond two pages, the
counts say first what the rest would cost.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from watchers.budget import Budget, Period
from watchers.connector import OR, Canary, Description, Setting, SourceRow, interval, whole_number
from watchers.errors import BadSetting
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
from watchers.model import Author, Gap, Kind, Outcome, Page, Post, Reach, Watermark
from watchers.paging import Batch, Memory, Position, read_round
from watchers.sitetext import count, fields, name, tidy
from watchers.timetext import read_time

NAME = "x"
BASE = "https://api.x.com"
PAGE, LEAST = 100, 10
POST_COST, COUNT_COST = 5, 5  # thousandths of a US dollar: a post read, a request for counts
USD = 1000
PER_WINDOW = (450, 900.0)  # searches, seconds
SEARCHED_FOR = timedelta(days=7) - timedelta(minutes=1)
LATEST = timedelta(seconds=30)  # the newest that may be asked for
LOOK_FIRST = 2  # pages before the counts are asked
SHARE = 0.1  # of what is left of the budget that the rest of a burst may cost
QUERY = 512  # characters, on pay per use
TOGETHER = 10
_USUAL = 5 * POST_COST  # what a search costs until it is known better
_SMOOTH = 0.1
_BAD = re.compile(r"[\"\\]")

STYLES: Mapping[str, str] = {
    "tweet": "created_at,public_metrics,lang,author_id,referenced_tweets,note_tweet",
    "post": "created_at,public_metrics,lang,author_id,referenced_posts,note_post",
}
SETTINGS = (
    Setting(name="X_TOKEN", meaning="bearer token of your app at X", required=True, secret=True),
    Setting(name="X_BASE_URL", meaning="address of the API", default=BASE),
    Setting(
        name="X_USD_PER_MONTH",
        meaning="US dollars that may be spent in a month: a hard stop",
        default="20",
    ),
    Setting(
        name="X_FIELD_STYLE",
        meaning="tweet or post: what the API calls the fields of a post",
        default="tweet",
    ),
    Setting(name="X_LANG", meaning="language of the posts, as in zh; empty: all", default="zh"),
    Setting(
        name="X_FIRST_PAGES",
        meaning="pages of a hundred posts that are read of a new query, for its history",
        default="1",
    ),
    Setting(name="X_EVERY", meaning="seconds between two rounds of a query", default="300"),
    Setting(
        name="X_CANARY_EVERY",
        meaning="seconds between two tests that search still works; each costs 0.005 US dollars",
        default="3600",
    ),
)
TERMS = (
    "X bills each post that is read (0.005 US dollars; a search without hits should cost nothing). "
    "Its policy forbids to derive health, politics, faith, origin, sex life or alleged crimes of "
    "users, and to match them to people elsewhere; what is deleted there must go here within 24 h "
    "of a request."
)
MENDS = {
    Outcome.AUTH_REQUIRED: "the bearer token was refused: make a new one and set X_TOKEN",
    Outcome.PLAN_REQUIRED: "the app may not search: attach it to a project with API access",
    Outcome.QUOTA_EXHAUSTED: "credits or cap of the account are used up: add credits at X",
}


class X:
    """Recent search, for one app."""

    name = NAME
    title = "X (Twitter)"
    overlap = timedelta(0)
    lag = timedelta(minutes=1)
    freshness = timedelta(hours=1)
    page_size = PAGE
    deep = True
    together = TOGETHER
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        self._base = base_address(settings, "X_BASE_URL", BASE)
        self._token = Secret(settings.get("X_TOKEN", ""))
        http.keep_secret(self._token)
        self.every = interval(settings, "X_EVERY", timedelta(minutes=5))
        dollars = whole_number(settings, "X_USD_PER_MONTH", 20) or 0
        self.money = Budget(cap=dollars * USD, unit="US dollars", per=USD, pace=PER_WINDOW)
        self.style = settings.get("X_FIELD_STYLE", "").strip() or "tweet"
        if self.style not in STYLES:
            where = f"X_FIELD_STYLE={self.style[:20]}: give tweet or post"
            raise BadSetting(where)
        self._lang = settings.get("X_LANG", "zh").strip()
        if not re.fullmatch(r"[A-Za-z-]{0,10}", self._lang):
            where = f"X_LANG={self._lang[:20]}: give a language as in zh, or nothing"
            raise BadSetting(where)
        every = interval(settings, "X_CANARY_EVERY", timedelta(hours=1))
        self.canary = Canary(word="", every=every)  # counts alone: no post is read
        self._first_pages = whole_number(settings, "X_FIRST_PAGES", 1, least=1) or 1
        self._memory = Memory()
        self._cost = float(_USUAL)  # of a search, of late

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What is counted against the account's limits."""
        return (self.money,)

    def allowance(self, now: datetime) -> float | None:
        """Requests a minute: what is left of the money, at what a search cost of late."""
        return self.money.rate(now, max(round(self._cost), 1))

    def left(self, now: datetime) -> tuple[str, ...]:
        """Say what is left of the money, and what a search costs."""
        return (self.money.left(now), f"a search costs about {self._cost / USD:.3f} US dollars")

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read one round of QUERY from the newest post back to SINCE; of a new one, few pages."""
        reader = _Query(self, query, since, now)
        pages = max_pages if since.at is not None else min(max_pages, self._first_pages)
        return await read_round(
            reader, since, now=now, max_pages=pages, memory=self._memory, reach=reach
        )

    def words(self, query: str) -> str:
        """Return QUERY as X reads it; raises SourceTrouble where it is too long."""
        said = [
            " ".join(f'"{word}"' for word in _BAD.sub(" ", part).split())
            for part in query.split(OR)
        ]
        said = [part for part in said if part]
        text = said[0] if len(said) == 1 else "(" + OR.join(f"({p})" for p in said) + ")"
        text += f" lang:{self._lang}" if self._lang else ""
        text += " -is:retweet"
        if len(text) > QUERY:
            detail = f"X takes queries of {QUERY} characters: shorten {query[:40]!r}"
            raise SourceTrouble(Outcome.SCHEMA_CHANGED, None, detail)
        return text

    async def ask(self, params: Mapping[str, str | int], now: datetime) -> tuple[object, Reply]:
        """Return the JSON of one page of posts; raises SourceTrouble. Pays for what comes."""
        free = (self.money.cap or 0) - self.money.spent(now)
        size = max(min(PAGE, free // POST_COST), LEAST)
        asked = {"max_results": size, "sort_order": "recency", **params}
        asked[f"{self.style}.fields"] = STYLES[self.style]
        most = size * POST_COST
        call = self._call("/2/tweets/search/recent", asked)
        try:
            reply = await self._http.send(call, now=now, budget=self.money, cost=most)
        except SourceTrouble as trouble:
            self.money.spend(now, -most * trouble.requests)
            raise
        found = fields(reply.loose).get("data")
        paid = POST_COST * len(found) if isinstance(found, list) else 0
        self.money.spend(now, paid - most * reply.requests)
        body = self._judge(reply, now)
        self._cost += _SMOOTH * (paid - self._cost)
        return body, reply

    async def count(
        self, query: str, start: datetime, now: datetime
    ) -> tuple[tuple[tuple[datetime, int], ...], int]:
        """Return (hour, posts) of QUERY since START, oldest first, and the requests it took."""
        params = {
            "query": self.words(query),
            "granularity": "hour",
            "start_time": _stamp(max(start, now - SEARCHED_FOR)),
        }
        reply = await self._http.send(
            self._call("/2/tweets/counts/recent", params),
            now=now,
            budget=self.money,
            cost=COUNT_COST,
        )
        return read_counts(self._judge(reply, now), now), reply.requests

    def _call(self, path: str, params: Mapping[str, str | int]) -> Call:
        return Call(
            url=self._base + path,
            params=params,
            headers={"Authorization": f"Bearer {self._token.reveal()}"},
        )

    def _judge(self, reply: Reply, now: datetime) -> object:
        """Return the JSON of REPLY; raises SourceTrouble with what its status and problem mean."""
        if reply.status < 300:
            return self._http.json(reply, now)
        kind = name(fields(reply.loose).get("type")).rpartition("/")[2]
        outcome = None
        until = None
        if reply.status == 402 or kind == "usage-capped":
            outcome, until = Outcome.QUOTA_EXHAUSTED, Period.MONTH.end(now)
        elif reply.status == 429:
            outcome = Outcome.RATE_LIMITED
            until = reset_time(reply.headers, now) or now + FIRST_WAIT
        elif reply.status == 403 and kind == "client-forbidden":
            outcome = Outcome.PLAN_REQUIRED
        elif reply.status == 401:
            outcome = Outcome.AUTH_REQUIRED
        if outcome is None:
            self._http.require(reply, now)
            raise self.trouble(reply, f"{reply.host} answered {reply.status}")
        said = f"{reply.host} answered {reply.status} {kind}".strip()
        detail = f"{said}: {MENDS[outcome]}" if outcome in MENDS else said
        raise self._http.trouble(reply, outcome, until, detail)

    def trouble(self, reply: Reply, detail: str) -> SourceTrouble:
        """Build the trouble of an answer that does not fit."""
        return self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Ask how often people spoke of the weather in the last hours; reads no post."""
        try:
            hours, _ = await self.count("天气", now - timedelta(hours=3), now)
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        total = sum(posts for _, posts in hours)
        if not total:
            return Outcome.SCHEMA_CHANGED, "nobody spoke of the weather for three hours: broken"
        return Outcome.OK, f"works; {self.money.left(now)}"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="X",
            cost_unit="0.005 US dollars a post",
            min_interval=timedelta(minutes=5),
            terms_class="official",
        )


class _Query:
    """One query of a round. A position is the token of a page, "" at first; "gap:TOKEN" in a gap."""

    start: Position = ""
    overlap = X.overlap
    lag = X.lag

    def __init__(self, source: X, query: str, since: Watermark, now: datetime) -> None:
        self.query = query
        self._source, self._since, self._now = source, since, now
        self._gap: Gap | None = None
        self._pages = 0

    def jump(self, gap: Gap, depth: Position | None, pages: int) -> Position:
        """Return the gap's own end: it is asked for by its times."""
        del depth, pages
        self._gap = gap
        return "gap:"

    async def fetch(self, position: Position) -> Batch:
        text = str(position)
        inside = text.startswith("gap:")
        token = text.removeprefix("gap:")
        await self._afford(inside)
        params = {"query": self._source.words(self.query)} | self._span(inside)
        if token:
            params["next_token"] = token
        body, reply = await self._ask(params)
        self._pages += 1
        batch = read_posts(body, self._now)
        if batch is None:
            raise self._source.trouble(
                reply, f"{reply.host} answered without posts and without meta"
            )
        posts, following, lacks = batch
        return Batch(
            posts=posts,
            next=f"gap:{following}" if inside and following else following or None,
            requests=reply.requests,
            lacks=lacks,
        )

    def _span(self, inside: bool) -> dict[str, str]:
        """Return from when on, in X's words: the newest id known, if it is young enough."""
        oldest = self._now - SEARCHED_FOR
        if inside and self._gap is not None:
            begin = max(self._gap.start, oldest)
            return {"start_time": _stamp(begin), "end_time": _stamp(self._gap.end, up=True)}
        newest = self._since.ahead or self._since.at
        if self._since.id and newest and newest > oldest and self._since.ahead is None:
            return {"since_id": self._since.id}
        return {} if newest is None else {"start_time": _stamp(max(newest, oldest))}

    async def _ask(self, params: Mapping[str, str]) -> tuple[object, Reply]:
        """Ask; an id that X finds too old is replaced by its time."""
        try:
            return await self._source.ask(params, self._now)
        except SourceTrouble as trouble:
            newest = self._since.at
            if "since_id" not in params or "answered 400" not in trouble.detail or newest is None:
                raise
            rest = {k: v for k, v in params.items() if k != "since_id"}
            begin = _stamp(max(newest, self._now - SEARCHED_FOR))
            return await self._source.ask(rest | {"start_time": begin}, self._now)

    async def _afford(self, inside: bool) -> None:
        """Before a third page: raise SourceTrouble where the rest would cost too much."""
        begin = self._gap.start if inside and self._gap else self._since.at
        if self._pages != LOOK_FIRST or begin is None:
            return
        hours, _ = await self._source.count(self.query, begin, self._now)
        rest = max(sum(n for _, n in hours) - self._pages * PAGE, 0)
        money = self._source.money
        free = (money.cap or 0) - money.spent(self._now)
        if rest * POST_COST > SHARE * free:
            detail = (
                f"about {rest:,} more posts would cost {rest * POST_COST / USD:.2f} US dollars, "
                "more than a tenth of what is left this month: the newest alone were read"
            )
            raise SourceTrouble(Outcome.PARTIAL, None, detail)


# ---------------------------------------------------------------------------------------- parser
def read_posts(body: object, now: datetime) -> tuple[tuple[Post, ...], str, str] | None:
    """Return the posts of BODY, the token of the next page, and what it lacks; None: no answer."""
    top = fields(body)
    meta, found, errors = fields(top.get("meta")), top.get("data"), top.get("errors")
    if found is None and ("result_count" in meta or errors):
        found = []
    if not isinstance(found, list):
        return None
    posts = [post for raw in found if (post := read_post(fields(raw), now)) is not None]
    if len(posts) * 2 < len(found):
        return None
    lacks = ""
    if isinstance(errors, list) and errors:
        said = tidy(fields(errors[0]).get("detail") or fields(errors[0]).get("title"))
        lacks = f"X left out {len(errors)} things: {said[:120]}"
    return tuple(posts), name(meta.get("next_token")), lacks


def read_post(raw: Mapping[str, object], now: datetime) -> Post | None:
    """Return the post that RAW is, in either naming; None where it has no id or text."""
    id_, author = name(raw.get("id")), name(raw.get("author_id"))
    long = fields(raw.get("note_tweet") or raw.get("note_post")).get("text")
    text = tidy(long or raw.get("text"))
    if not id_.isdigit() or not text:
        return None
    created, precision = read_time(raw.get("created_at"), now)
    metrics = fields(raw.get("public_metrics"))
    kind, parent = _kind(raw.get("referenced_tweets") or raw.get("referenced_posts"))
    return Post(
        source=NAME,
        id=id_,
        url=f"https://x.com/i/web/status/{id_}",
        text=text,
        author=Author(id=author, handle=author, display=author),
        created_at=created,
        created_precision=precision,
        retrieved_at=now,
        reposts=count(metrics.get("retweet_count", metrics.get("repost_count"))),
        comments=count(metrics.get("reply_count")),
        likes=count(metrics.get("like_count")),
        parent_id=parent or None,
        kind=kind,
        lang=name(raw.get("lang"))[:10] or None,
        terms_class="official",
    )


def _kind(referenced: object) -> tuple[Kind, str]:
    kinds = {"retweeted": Kind.REPOST, "reposted": Kind.REPOST, "replied_to": Kind.REPLY}
    for other in map(fields, referenced if isinstance(referenced, Sequence) else ()):
        if (kind := kinds.get(name(other.get("type")))) is not None:
            return kind, name(other.get("id"))
    return Kind.POST, ""


def read_counts(body: object, now: datetime) -> tuple[tuple[datetime, int], ...]:
    """Return (start of hour, posts) as the counts of BODY tell, oldest first."""
    found = fields(body).get("data")
    rows = []
    for raw in map(fields, found if isinstance(found, list) else ()):
        start, _ = read_time(raw.get("start"), now)
        posts = count(raw.get("tweet_count", raw.get("post_count")))
        if start is not None and posts is not None:
            rows.append((start, posts))
    return tuple(sorted(rows))


def _stamp(at: datetime, *, up: bool = False) -> str:
    """Return AT as X reads times, in whole seconds."""
    at = at.astimezone(UTC)
    if up and at.microsecond:
        at += timedelta(seconds=1)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


COST = (
    "0.005 US dollars a post that is read, and 3.60 a month for the hourly test; 20 a "
    "month at most by default."
)
ROW = SourceRow(
    name=NAME,
    title=X.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=X,
)
