"""Bluesky's search, asked through the account's own server (sources.md 4.5).

A session is opened once and refreshed; there is no login per round, since logins are few a day.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from watchers.budget import Budget, Period
from watchers.connector import (
    Description,
    Setting,
    SourceRow,
    canary_settings,
    interval,
    read_canary,
)
from watchers.http import Call, Http, Reply, Secret, SourceTrouble, base_address
from watchers.model import Author, Gap, Kind, Outcome, Page, Post, Reach, Watermark
from watchers.paging import Batch, Memory, Position, read_round
from watchers.sitetext import count, fields, name, tidy
from watchers.timetext import read_time

NAME = "bluesky"
PAGE = 100
LOGINS = 20  # a day; the hosted entry refused after 100 (bsky-docs #183)
REFUSED_FOR = timedelta(hours=1)  # after a refused password it is not tried again
BACKDATED = timedelta(days=1)  # createdAt is set by the client; beyond this it is not believed
WORN = frozenset({"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired"})
CANARY = "天气"

SETTINGS = (
    Setting(name="BLUESKY_HANDLE", meaning="handle of the account that searches", required=True),
    Setting(
        name="BLUESKY_APP_PASSWORD",
        meaning="an app password of that account, not its main one",
        required=True,
        secret=True,
    ),
    Setting(
        name="BLUESKY_BASE_URL",
        meaning="address of the account's server",
        default="https://bsky.social",
    ),
    Setting(name="BLUESKY_EVERY", meaning="seconds between two rounds of a query", default="300"),
    *canary_settings("BLUESKY", word="the"),
)
TERMS = (
    "The maintainers want search kept for queries directed by people: few words, slow polling. "
    "Posts deleted there are to be deleted here."
)


class Bluesky:
    """Search, for one account."""

    name = NAME
    title = "Bluesky"
    overlap = timedelta(minutes=15)
    lag = timedelta(minutes=1)
    page_size = PAGE
    freshness = timedelta(hours=1)
    deep = True
    together = 1
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        self._http = http
        self._base = base_address(settings, "BLUESKY_BASE_URL", "https://bsky.social")
        self._handle = settings.get("BLUESKY_HANDLE", "").strip().removeprefix("@")
        self._password = Secret(settings.get("BLUESKY_APP_PASSWORD", ""))
        http.keep_secret(self._password)
        self.every = interval(settings, "BLUESKY_EVERY", timedelta(minutes=5))
        self.canary = read_canary(settings, "BLUESKY", word="the")
        self._access, self._refresh = Secret(""), Secret("")
        self._one_at_a_time = asyncio.Lock()
        self._memory = Memory()
        self.calls = Budget(pace=(3000, 300.0))
        self.logins = Budget(cap=LOGINS, period=Period.DAY, unit="logins")

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
        return (self.calls, self.logins)

    def allowance(self, now: datetime) -> float | None:
        """Requests a minute."""
        return self.calls.rate(now)

    def left(self, now: datetime) -> tuple[str, ...]:
        """Say what is left of the limits."""
        return tuple(filter(None, [self.logins.left(now)]))

    async def ask(self, params: Mapping[str, str | int], now: datetime) -> tuple[object, Reply]:
        """Return the JSON of one page; raises SourceTrouble. A worn session is renewed once."""
        sent = 0
        if not self._access:
            sent += await self._renew(self._access, now)
        worn = self._access
        reply = await self._search(params, now)
        if _error(reply) in WORN and reply.status in (400, 401):
            sent += reply.requests + await self._renew(worn, now)
            reply = await self._search(params, now)
        reply = replace(reply, requests=reply.requests + sent)
        if reply.status == 400 and _error(reply) in WORN:
            raise self._http.trouble(reply, Outcome.AUTH_REQUIRED)
        return self._http.json(reply, now), reply

    async def _search(self, params: Mapping[str, str | int], now: datetime) -> Reply:
        call = Call(
            url=f"{self._base}/xrpc/app.bsky.feed.searchPosts",
            params=params,
            headers={"Authorization": f"Bearer {self._access.reveal()}"},
        )
        return await self._http.send(call, now=now, budget=self.calls)

    async def _renew(self, worn: Secret, now: datetime) -> int:
        """Replace the WORN access token: by the refresh token, else by a login; count requests."""
        async with self._one_at_a_time:
            if self._access is not worn:
                return 0  # somebody else has done it meanwhile
            sent = 0
            if self._refresh:
                reply = await self._session("refreshSession", now, self._refresh)
                sent += reply.requests
                if reply.status not in (400, 401):
                    self._keep(reply, now)
                    return sent
            return sent + await self._log_in(now)

    async def _log_in(self, now: datetime) -> int:
        who = {"identifier": self._handle, "password": self._password.reveal()}
        reply = await self._session("createSession", now, None, who)
        if reply.status in (400, 401, 403):
            self.logins.hold(now + REFUSED_FOR, Outcome.AUTH_REQUIRED)
            detail = f"{reply.host} refused the login: set BLUESKY_HANDLE and BLUESKY_APP_PASSWORD"
            raise self._http.trouble(reply, Outcome.AUTH_REQUIRED, None, detail)
        self._keep(reply, now)
        return reply.requests

    async def _session(
        self, method: str, now: datetime, token: Secret | None, body: object = None
    ) -> Reply:
        call = Call(
            method="POST",
            url=f"{self._base}/xrpc/com.atproto.server.{method}",
            headers={"Authorization": f"Bearer {token.reveal()}"} if token else {},
            json=body,
        )
        return await self._http.send(call, now=now, budget=self.calls if token else self.logins)

    def _keep(self, reply: Reply, now: datetime) -> None:
        tokens = fields(self._http.json(reply, now))
        access, refresh = _text_at(tokens, "accessJwt"), _text_at(tokens, "refreshJwt")
        if not access or not refresh:
            detail = f"{reply.host} opened a session without tokens"
            raise self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)
        self._access, self._refresh = Secret(access), Secret(refresh)
        self._http.keep_secret(self._access, self._refresh)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Log in if need be, and ask for one post of a common word."""
        try:
            body, _ = await self.ask({"q": CANARY, "sort": "latest", "limit": 1}, now)
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        if not isinstance(fields(body).get("posts"), list):
            return Outcome.SCHEMA_CHANGED, "the answer holds no list of posts"
        return Outcome.OK, "works"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="Bluesky",
            cost_unit="requests (3,000 in 5 minutes)",
            min_interval=timedelta(minutes=1),
            terms_class="official",
        )

    def trouble(self, reply: Reply, detail: str) -> SourceTrouble:
        """Build the trouble of an answer that does not fit."""
        return self._http.trouble(reply, Outcome.SCHEMA_CHANGED, None, detail)


class _Query:
    """One query of a round. A position is "until|cursor": both may be empty."""

    start: Position = "|"
    overlap = Bluesky.overlap
    lag = Bluesky.lag

    def __init__(self, source: Bluesky, query: str, now: datetime) -> None:
        self.query = query
        self._source, self._now = source, now

    def jump(self, gap: Gap, depth: Position | None, pages: int) -> Position:
        """Begin a second behind the end of GAP: `until` is exclusive."""
        del depth, pages
        until = (gap.end + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
        return f"{until}|"

    async def fetch(self, position: Position) -> Batch:
        until, _, cursor = str(position).partition("|")
        params: dict[str, str | int] = {"q": self.query, "sort": "latest", "limit": PAGE}
        params |= {k: v for k, v in (("until", until), ("cursor", cursor)) if v}
        body, reply = await self._source.ask(params, self._now)
        found = fields(body).get("posts")
        if not isinstance(found, list):
            raise self._source.trouble(reply, f"{reply.host} answered without a list of posts")
        posts = tuple(p for raw in found if (p := read_view(raw, self._now)) is not None)
        bad = len(found) - len(posts)
        if bad * 2 > len(found):
            raise self._source.trouble(reply, f"{reply.host}: {bad} of {len(found)} posts unread")
        following = _text_at(fields(body), "cursor")
        return Batch(
            posts=posts,
            next=f"{until}|{following}" if following and found else None,
            requests=reply.requests,
            total=count(fields(body).get("hitsTotal")),
            note=f"{bad} posts could not be read" if bad else "",
        )


# ---------------------------------------------------------------------------------------- parser
def _error(reply: Reply) -> str:
    """Return the name of the error in REPLY, if it has one."""
    if reply.status < 400:
        return ""
    return _text_at(fields(reply.loose), "error")


def _text_at(raw: Mapping[str, object], key: str) -> str:
    """Return the text at KEY; empty where there is none."""
    value = raw.get(key)
    return value.strip() if isinstance(value, str) else ""


def read_view(raw: object, now: datetime) -> Post | None:
    """Return the post that RAW, a postView, is; None where it has no address or record."""
    view = fields(raw)
    record, who = fields(view.get("record")), fields(view.get("author"))
    uri, did = name(view.get("uri")), name(who.get("did"))
    text = record.get("text")
    if not uri.startswith("at://") or not did or not isinstance(text, str):
        return None
    created, precision = _published(view, record, now)
    quoted, quoted_uri = _quoted(fields(view.get("embed")))
    parent = name(fields(fields(record.get("reply")).get("parent")).get("uri"))
    langs = record.get("langs")
    return Post(
        source=NAME,
        id=uri,
        url=f"https://bsky.app/profile/{did}/post/{uri.rsplit('/', 1)[-1]}",
        text=tidy(text),
        author=_author(who, did, now),
        created_at=created,
        created_precision=precision,
        retrieved_at=now,
        quoted=quoted,
        reposts=count(view.get("repostCount")),
        comments=count(view.get("replyCount")),
        likes=count(view.get("likeCount")),
        parent_id=quoted_uri or parent or None,
        kind=Kind.REPOST if quoted_uri else Kind.REPLY if parent else Kind.POST,
        lang=name(langs[0])[:8] or None if isinstance(langs, list) and langs else None,
        terms_class="official",
    )


def _published(
    view: Mapping[str, object], record: Mapping[str, object], now: datetime
) -> tuple[datetime | None, timedelta]:
    """Return createdAt within what indexedAt makes likely: clients may write what they want."""
    indexed, precision = read_time(view.get("indexedAt"), now)
    created, exact = read_time(record.get("createdAt"), now)
    if indexed is None:
        return created, exact
    if created is None or not indexed - BACKDATED <= created <= indexed:
        return indexed, precision
    return created, exact


def _quoted(embed: Mapping[str, object]) -> tuple[str, str]:
    """Return the text a post carries along, and the address of the post it quotes, if any."""
    card = fields(embed.get("external"))
    if card:
        return "\n".join(filter(None, (tidy(card.get(k)) for k in ("title", "description")))), ""
    record = fields(embed.get("record"))
    record = fields(record.get("record")) or record  # recordWithMedia wraps it once more
    value = fields(record.get("value"))
    if not isinstance(value.get("text"), str):
        return "", ""  # a list, a starter pack, or a post that is gone
    return tidy(value["text"]), name(record.get("uri"))


def _author(who: Mapping[str, object], did: str, now: datetime) -> Author:
    verified = fields(who.get("verification")).get("verifiedStatus")
    return Author(
        id=did,
        handle=name(who.get("handle")),
        display=tidy(who.get("displayName"))[:100],
        verified=verified == "valid" if isinstance(verified, str) else None,
        since=read_time(who.get("createdAt"), now)[0],
    )


COST = "Free; an account is needed. 288 searches a day for each word by default."
ROW = SourceRow(
    name=NAME,
    title=Bluesky.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Bluesky,
)
