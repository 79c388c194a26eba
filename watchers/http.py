"""The one door to the network: timeouts, retries, politeness and caps exist once, here.

No error of httpx or aiohttp gets past it; what goes wrong becomes `SourceTrouble` with an
`Outcome`. Knows no source.
"""

import asyncio
import logging
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from ipaddress import ip_address
from types import MappingProxyType
from typing import Literal, Self
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiolimiter import AsyncLimiter
from httpx_aiohttp import AiohttpTransport
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
    wait_none,
)
from tenacity.wait import wait_base

from watchers.budget import Budget
from watchers.errors import BadSetting, FenghuoError
from watchers.model import Outcome
from watchers.sitetext import NotJson, json_or_none, read_json

BODY_CAP = 4 * 1024 * 1024  # bytes, after decompression
ATTEMPTS = 3
PASSING = frozenset({500, 502, 503, 504})  # may well be gone at the next attempt
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 3
FIRST_WAIT = timedelta(seconds=60)  # after a 429 that does not say how long
BLOCKED_FOR = timedelta(hours=6)
SAMPLE = 2048  # characters of an answer kept to show what changed
NO_WAIT: wait_base = wait_none()  # for tests: as many attempts, no waiting

_LOGIN = re.compile(
    r"sina visitor system|passport\.weibo|login\.sina|cookies? (?:has |have )?expired|请先登录"
    r"|<title>[^<]{0,80}(?:\blog ?in\b|\bsign ?in\b|登录)",
    re.IGNORECASE,
)
_LOGIN_ADDRESS = re.compile(r"\bpassport\.|/(?:signin|login|sso)\b|\blogin\.", re.IGNORECASE)
_REFUSAL = re.compile(
    r"administrative rules|captcha|请输入验证码|访问过于频繁|操作过于频繁|access denied|cf-chl",
    re.IGNORECASE,
)
_TOKENS = re.compile(
    r"(?i)(bearer\s+)[\w.~+/=-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|\bwb_[\w-]+"
    r"|((?:access_?token|refresh_?token|accessJwt|refreshJwt|password|secret|api_?key|key|token)"
    r"[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,}<]+"
)


class SourceTrouble(FenghuoError):
    """The source gave no usable answer."""

    def __init__(
        self,
        outcome: Outcome,
        until: datetime | None = None,
        detail: str = "",
        *,
        requests: int = 0,
    ) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.until = until
        self.detail = detail
        self.requests = requests  # sent before it went wrong
        self.permanent = outcome in (Outcome.AUTH_REQUIRED, Outcome.PLAN_REQUIRED)


class Secret:
    """A token or password that shows itself nowhere but where it is sent."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value.strip()

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `repr` leaves out what may hold secrets."""

    url: str
    method: Literal["GET", "POST"] = "GET"
    params: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: object = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)  # instead of `json`: signed as it is

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, whatever its status; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str
    requests: int = 1

    @property
    def text(self) -> str:
        """The body as text: UTF-8, else the GB18030 of older Chinese pages."""
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            return self.body.decode("gb18030", "replace")

    @property
    def loose(self) -> object:
        """What the JSON of the body says, whatever the status; None: it is none."""
        return json_or_none(self.body)

    @property
    def is_html(self) -> bool:
        kind = self.headers.get("content-type", "").lower()
        return "html" in kind or self.body[:512].lstrip()[:9].lower().startswith(
            (b"<!doctype", b"<html")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """In seconds; `total` ends an answer that drips in for ever."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 60.0


class _Again(Exception):
    """The attempt failed in a way that may pass."""

    def __init__(self, reply: Reply | None, detail: str) -> None:
        super().__init__(detail)
        self.reply = reply


class Http:
    """Sends requests. One kept client; use as `async with Http(contact=...) as http`.

    CONTACT is the address or URL an operator of a source finds in the User-Agent.
    HOST_PACE is (requests, seconds) for each host. This machine itself is not waited for, neither
    by that nor by the pace of a budget: stories and the demo play hours in seconds.
    """

    def __init__(
        self,
        *,
        contact: str,
        timeouts: Timeouts = Timeouts(),
        wait: wait_base = wait_exponential_jitter(multiplier=2, max=30),  # noqa: B008 -- stateless
        body_cap: int = BODY_CAP,
        host_pace: tuple[int, float] = (10, 5.0),
        proxy: str | None = None,
    ) -> None:
        agent = f"Fenghuo/{version('fenghuo')} (+{re.sub(r'[^!-~]+', ' ', contact).strip()})"
        self._headers = {"User-Agent": agent, "Accept-Encoding": "gzip"}
        self._timeouts, self._wait, self._cap = timeouts, wait, body_cap
        self._pace, self._paces = host_pace, dict[str, AsyncLimiter]()
        self._proxy = httpx.Proxy(proxy) if proxy else None
        self._secrets: set[str] = set()
        self._client: httpx.AsyncClient | None = None
        self._closing: list[Callable[[], Awaitable[None]]] = []
        # its INFO lines print whole addresses, and queries may hold keys
        logging.getLogger("httpx").setLevel(logging.WARNING)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def agent(self) -> Mapping[str, str]:
        """The headers that say who asks."""
        return {"User-Agent": self._headers["User-Agent"]}

    def at_close(self, work: Callable[[], Awaitable[None]]) -> None:
        """Await WORK too when the door closes."""
        self._closing.append(work)

    async def aclose(self) -> None:
        """Close the kept connections."""
        for work in self._closing:
            await work()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def __repr__(self) -> str:
        return f"Http({self._headers['User-Agent']!r})"

    def keep_secret(self, *secrets: Secret) -> None:
        """Blank SECRETS in every sample and detail that leaves the door."""
        self._secrets |= {s.reveal() for s in secrets if s}

    def mask(self, text: str) -> str:
        """Return TEXT with known secrets, and whatever looks like one, blanked."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return _TOKENS.sub(lambda m: f"{m[1] or m[2] or ''}***", text)

    # ------------------------------------------------------------------------------- requests
    async def send(
        self, call: Call, *, now: datetime, budget: Budget | None = None, cost: int = 1
    ) -> Reply:
        """Send CALL and return the answer, whatever its status; `require` judges it.

        Tried up to three times where the connection breaks or a gateway stumbles. Raises
        SourceTrouble for what is no answer at all, and where BUDGET refuses COST.
        """
        check_address(call.url)
        if budget is not None and (no := budget.refuses(now, cost)) is not None:
            raise SourceTrouble(*no)
        tries = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait,
            retry=retry_if_exception_type(_Again),
            reraise=True,
        )
        sent = 0
        try:
            async for attempt in tries:
                with attempt:
                    sent += 1
                    reply = await self._attempt(call, now, budget, cost)
        except _Again as again:
            if again.reply is None:
                raise SourceTrouble(Outcome.DOWN, None, str(again), requests=sent) from None
            reply = again.reply
        except SourceTrouble as trouble:
            trouble.requests = sent
            raise
        return replace(reply, requests=sent)

    async def _attempt(self, call: Call, now: datetime, budget: Budget | None, cost: int) -> Reply:
        if budget is not None:
            if not is_loopback(call.host):
                await budget.turn()
            budget.spend(now, cost)
        reply = await self._once(call)
        for _ in range(HOPS):
            if reply.status not in REDIRECTS:
                break
            call = _follow(call, reply)
            reply = await self._once(call)
        if reply.status in REDIRECTS:
            raise SourceTrouble(Outcome.SCHEMA_CHANGED, None, f"{call.host} redirects in a circle")
        if budget is not None and (until := _used_up(reply.headers, now)) is not None:
            budget.hold(until)
        if reply.status in PASSING and "retry-after" not in reply.headers:
            raise _Again(reply, f"{call.host} answered {reply.status}")
        return reply

    async def _once(self, call: Call) -> Reply:
        """Send CALL once; errors of the libraries end here, with their class name alone."""
        await self._polite(call.host)
        try:
            async with asyncio.timeout(self._timeouts.total):
                return await self._exchange(call)
        except TimeoutError:
            raise _Again(None, f"{call.host} took too long to answer") from None
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
            raise _Again(None, f"{call.host} did not answer ({type(error).__name__})") from None
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            detail = f"the address cannot be asked ({type(error).__name__})"
            raise SourceTrouble(Outcome.SCHEMA_CHANGED, None, detail) from None

    async def _exchange(self, call: Call) -> Reply:
        client = self._open()
        request = client.build_request(
            call.method,
            call.url,
            params=dict(call.params) or None,
            headers=dict(call.headers),
            json=call.json,
            content=call.content,
        )
        response = await client.send(request, stream=True)
        try:
            body = await _read(response, self._cap, call.host)
        finally:
            await response.aclose()
        headers = {k.lower(): v for k, v in response.headers.items()}
        return Reply(
            status=response.status_code,
            headers=MappingProxyType(headers),
            body=body,
            host=call.host,
        )

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            times = self._timeouts
            self._client = httpx.AsyncClient(
                transport=_transport(self._proxy),
                # this machine itself is never asked for through a proxy
                mounts={f"all://{h}": _transport(None) for h in ("localhost", "127.0.0.1", "[::1]")}
                if self._proxy
                else None,
                headers=self._headers,
                timeout=httpx.Timeout(times.total, connect=times.connect, read=times.read),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                follow_redirects=False,
                trust_env=False,
            )
        return self._client

    async def _polite(self, host: str) -> None:
        if not is_loopback(host):
            await self._paces.setdefault(host, AsyncLimiter(*self._pace)).acquire()

    # --------------------------------------------------------------------------------- answers
    def require(self, reply: Reply, now: datetime) -> Reply:
        """Return REPLY if its status is one of success (or 304); else raise what it means."""
        if reply.status < 300 or reply.status == 304:
            return reply
        outcome, until = self._meaning(reply, now)
        raise self.trouble(reply, outcome, until)

    def _meaning(self, reply: Reply, now: datetime) -> tuple[Outcome, datetime | None]:
        status, until = reply.status, reset_time(reply.headers, now, names=("retry-after",))
        if status >= 500:
            login = _LOGIN.search(reply.text[:65536]) is not None
            return (Outcome.AUTH_REQUIRED if login else Outcome.DOWN), until
        if status == 429:
            return Outcome.RATE_LIMITED, reset_time(reply.headers, now) or now + FIRST_WAIT
        if status in (414, 418, 432, 451):
            return Outcome.BLOCKED, until or now + BLOCKED_FOR
        if status == 403:
            wall = reply.is_html or _REFUSAL.search(reply.text[:65536])
            if wall and not _LOGIN.search(reply.text[:65536]):
                return Outcome.BLOCKED, until or now + BLOCKED_FOR
            return Outcome.AUTH_REQUIRED, None
        plain = {401: Outcome.AUTH_REQUIRED, 402: Outcome.PLAN_REQUIRED, 408: Outcome.DOWN}
        return plain.get(status, Outcome.SCHEMA_CHANGED), until

    def json(self, reply: Reply, now: datetime) -> object:
        """Return what the JSON of REPLY says; status first, then the kind of answer, then sense.

        A page of HTML where JSON was due is a login wall, a refusal or a change, never empty.
        """
        self.require(reply, now)
        if reply.is_html:
            raise self.trouble(reply, *wall(reply, now))
        try:
            return read_json(reply.body)
        except NotJson:
            raise self.trouble(reply, Outcome.SCHEMA_CHANGED) from None

    def trouble(
        self,
        reply: Reply,
        outcome: Outcome,
        until: datetime | None = None,
        detail: str = "",
    ) -> SourceTrouble:
        """Build the trouble that REPLY means; a change of shape takes a masked sample along."""
        if not detail:
            detail = f"{reply.host} answered {reply.status}"
            if reply.is_html and reply.status < 300:
                detail += " with a web page instead of data"
        if outcome is Outcome.SCHEMA_CHANGED:
            detail = f"{detail}: {self.sample(reply.text)}"
        return SourceTrouble(outcome, until, self.mask(detail), requests=reply.requests)

    def sample(self, text: str) -> str:
        """Return the beginning of TEXT on one line, secrets blanked."""
        return self.mask(" ".join(text[: SAMPLE * 2].split()))[:SAMPLE]


# ------------------------------------------------------------------------------------- addresses
def is_loopback(host: str) -> bool:
    """Is HOST this machine itself?"""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(url: str) -> None:
    """Raise SourceTrouble unless URL is https, or http to this machine itself."""
    if (fault := address_fault(url)) is not None:
        raise SourceTrouble(Outcome.SCHEMA_CHANGED, None, fault)


def base_address(settings: Mapping[str, str], name: str, default: str) -> str:
    """Return the setting NAME, an address without its last slash; raises BadSetting."""
    url = settings.get(name, "").strip() or default
    if (fault := address_fault(url)) is not None:
        where = f"{name}: {fault}"
        raise BadSetting(where)
    return url.rstrip("/")


def address_fault(url: str) -> str | None:
    """Say what is wrong with URL; None: it is https, or http to this machine itself."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "the address cannot be read"
    if not host or parts.scheme not in ("http", "https"):
        return "the address must begin with https:// and name a host"
    if parts.scheme == "http" and not is_loopback(host):
        return f"plain http to {host} is refused; use https (http is for this machine only)"
    return None


def _follow(call: Call, reply: Reply) -> Call:
    """Return CALL at the address REPLY names, if that is on the same host; else raise."""
    where = reply.headers.get("location", "")
    try:
        target = httpx.URL(call.url).join(where)
    except httpx.InvalidURL:
        raise SourceTrouble(
            Outcome.SCHEMA_CHANGED, None, f"{call.host} redirects to nowhere"
        ) from None
    old = httpx.URL(call.url)
    if _LOGIN_ADDRESS.search(str(target)):
        detail = f"{call.host} sends us to a login page ({target.host})"
        raise SourceTrouble(Outcome.AUTH_REQUIRED, None, detail)
    if (target.scheme, target.host, target.port) != (old.scheme, old.host, old.port):
        detail = f"{call.host} redirects to {target.host}, which is not followed; check the address"
        raise SourceTrouble(Outcome.SCHEMA_CHANGED, None, detail)
    if call.method != "GET":
        raise SourceTrouble(Outcome.SCHEMA_CHANGED, None, f"{call.host} redirects a POST")
    return replace(call, url=str(target), params={})


# --------------------------------------------------------------------------------------- answers
def wall(reply: Reply, now: datetime) -> tuple[Outcome, datetime | None]:
    """Say what a web page means where data was due."""
    text = reply.text[:65536]
    if _LOGIN.search(text):
        return Outcome.AUTH_REQUIRED, None
    if _REFUSAL.search(text):
        return Outcome.BLOCKED, now + BLOCKED_FOR
    return Outcome.SCHEMA_CHANGED, None


RESETS = ("retry-after", "ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")


def _used_up(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when the window ends whose last request this was; None: some are left."""
    left = headers.get("x-ratelimit-remaining") or headers.get("ratelimit-remaining")
    return reset_time(headers, now) if left == "0" else None


def reset_time(
    headers: Mapping[str, str], now: datetime, names: tuple[str, ...] = RESETS
) -> datetime | None:
    """Return when a source says it may be asked again.

    Retry-After (seconds or an HTTP date) wins over ratelimit-reset and x-ratelimit-reset, which
    are seen as Unix seconds, as seconds from now, and as ISO 8601 (sources.md 4.6).
    """
    for name in names:
        if (text := headers.get(name, "").strip()) and (at := _moment(text, now)) is not None:
            return min(max(at, now), now + timedelta(days=31))
    return None


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        if re.fullmatch(r"\d{1,12}(\.\d+)?", text):
            seconds = float(text)
            if seconds > 1e9:
                return datetime.fromtimestamp(seconds, UTC)
            return now + timedelta(seconds=seconds)
        at = datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def _read(response: httpx.Response, cap: int, host: str) -> bytes:
    """Return the body, unpacked by ourselves so that a bomb is refused before it bursts."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing in ("identity", ""):
        chunks = response.aiter_raw()
    elif packing in ("gzip", "x-gzip", "deflate"):
        chunks = _unpack(response.aiter_raw(), cap)
    else:
        detail = f"{host} packs its answer as {packing[:20]}, which was not asked for"
        raise SourceTrouble(Outcome.SCHEMA_CHANGED, None, detail)
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > cap:
            detail = f"the answer of {host} is larger than {cap // 1024} KiB"
            raise SourceTrouble(Outcome.SCHEMA_CHANGED, None, detail)
    return bytes(body)


async def _unpack(chunks: AsyncIterator[bytes], cap: int) -> AsyncIterator[bytes]:
    """Unpack CHUNKS; one that holds more than CAP is cut just above it, which the caller sees."""
    box = zlib.decompressobj(wbits=47)  # 32 + 15: tells gzip from zlib by itself
    began = False
    try:
        async for chunk in chunks:
            began = True
            yield box.decompress(chunk, cap + 1)
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from None
    if began and not box.eof:
        early = "the packed answer ends early"
        raise httpx.DecodingError(early)


def _transport(proxy: httpx.Proxy | None) -> AiohttpTransport:
    """Build the transport: aiohttp's, without its own cookies and unpacking."""
    context = ssl.create_default_context()

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100, ssl=context, keepalive_timeout=15),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    return AiohttpTransport(client=session, proxy=proxy)
