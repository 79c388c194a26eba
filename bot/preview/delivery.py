"""How payloads reach the bot and how its acknowledgement comes back: a websocket (Socket Mode), or
signed requests to its own address (HTTP mode).

Slack waits 3 s for an acknowledgement (slack.md T1). What was not acknowledged in time comes back
as an Answer with an error, never as an exception.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bot.preview.workspace import APP, Json

TIMED_OUT = "operation_timeout"
UNREACHED = "dispatch_failed"  # no connection, or no answer that means yes
MOST_CONNECTIONS = 10  # slack.md V2
_FORMS = {"slash_commands": "", "interactive": "payload"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bot acknowledged: `body` is the ack's payload, `error` is empty when all went well."""

    body: Json = field(default_factory=dict)
    error: str = ""
    took: timedelta = timedelta()

    @property
    def ok(self) -> bool:
        return not self.error


class Delivery(Protocol):
    """A way to the bot."""

    async def send(self, kind: str, payload: Json) -> Answer:
        """Deliver PAYLOAD (KIND: slash_commands, interactive, events_api), wait for the ack."""
        ...


class Sockets:
    """The Socket Mode connections. Each payload goes to one of them, in turn."""

    def __init__(self, *, patience: timedelta, on_change: Callable[[], None]) -> None:
        self.patience = patience
        self.changed = on_change
        self.open: list[web.WebSocketResponse] = []
        self.tickets: set[str] = set()
        self._waiting: dict[str, tuple[web.WebSocketResponse, asyncio.Future[Json]]] = {}
        self._turn = itertools.count()
        self._envelope = itertools.count(1)
        self._connected = asyncio.Event()

    # ------------------------------------------------------------------------ the bot's side
    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Speak with one connection until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self.tickets:
            return web.Response(status=401, text="unknown ticket")
        self.tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self.open) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        await socket.send_json(self._hello())
        self._join(socket)
        try:
            async for frame in socket:
                if frame.type == aiohttp.WSMsgType.TEXT:
                    self._acknowledged(frame.data)
        finally:
            self._leave(socket)
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.open) + 1,
            "debug_info": {"host": "preview", "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP},
        }

    def _join(self, socket: web.WebSocketResponse) -> None:
        self.open.append(socket)
        self._connected.set()
        self.changed()

    def _leave(self, socket: web.WebSocketResponse) -> None:
        if socket in self.open:
            self.open.remove(socket)
        if not self.open:
            self._connected.clear()
        for owner, future in self._waiting.values():
            if owner is socket and not future.done():
                future.set_exception(ConnectionResetError())
        self.changed()

    def _acknowledged(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            return
        if not isinstance(frame, Mapping):
            return
        _, future = self._waiting.get(str(frame.get("envelope_id")), (None, None))
        if future is not None and not future.done():
            payload = frame.get("payload")
            future.set_result(dict(payload) if isinstance(payload, Mapping) else {})

    # ------------------------------------------------------------------------- Slack's side
    async def connected(self, patience: timedelta) -> bool:
        """Wait until the bot is connected; False when PATIENCE ran out."""
        try:
            await asyncio.wait_for(self._connected.wait(), patience.total_seconds())
        except TimeoutError:
            return False
        return True

    async def send(self, kind: str, payload: Json) -> Answer:
        if not self.open:
            return Answer(error=UNREACHED)
        socket = self.open[next(self._turn) % len(self.open)]
        key = f"envelope-{next(self._envelope)}"
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Json] = loop.create_future()
        self._waiting[key] = (socket, future)
        began = loop.time()
        try:
            await socket.send_json(_envelope(key, kind, payload))
            body = await asyncio.wait_for(future, self.patience.total_seconds())
        except TimeoutError:
            return Answer(error=TIMED_OUT, took=self.patience)
        except ConnectionError:
            return Answer(error=TIMED_OUT, took=timedelta(seconds=loop.time() - began))
        finally:
            del self._waiting[key]
        return Answer(body=body, took=timedelta(seconds=loop.time() - began))

    async def disconnect(self, reason: str) -> int:
        """Tell every connection to go away and send it nothing more; return how many there were."""
        leaving, self.open = self.open, []
        self._connected.clear()
        for socket in leaving:
            with suppress(ConnectionError):  # gone already
                await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
        self.changed()
        return len(leaving)

    async def close(self) -> None:
        for socket in list(self.open):
            await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)


def _envelope(key: str, kind: str, payload: Json) -> Json:
    envelope: Json = {"type": kind, "envelope_id": key, "payload": payload}
    if kind == "events_api":
        return envelope | {
            "accepts_response_payload": False,
            "retry_attempt": 0,
            "retry_reason": "",
        }
    return envelope | {"accepts_response_payload": True}


class SignedRequests:
    """HTTP mode: requests to the bot's own address, signed as Slack signs them (slack.md V1)."""

    def __init__(
        self, url: str, secret: str, *, now: Callable[[], datetime], patience: timedelta
    ) -> None:
        self.url = url
        self.secret = secret
        self.now = now
        self.patience = patience

    async def send(self, kind: str, payload: Json) -> Answer:
        body, content_type = _request_body(kind, payload)
        headers = self.signed(body) | {"Content-Type": content_type}
        loop = asyncio.get_running_loop()
        began = loop.time()
        timeout = aiohttp.ClientTimeout(total=self.patience.total_seconds())
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self.url, data=body, headers=headers) as response,
            ):
                text, status = await response.text(), response.status
        except TimeoutError:
            return Answer(error=TIMED_OUT, took=self.patience)
        except aiohttp.ClientError:
            return Answer(error=UNREACHED)
        took = timedelta(seconds=loop.time() - began)
        if status != 200:
            return Answer(error=UNREACHED, took=took)
        return Answer(body=_body_of(text), took=took)

    def signed(self, body: bytes) -> dict[str, str]:
        """Return the headers that prove BODY comes from Slack."""
        stamp = str(int(self.now().timestamp()))
        base = b"v0:" + stamp.encode() + b":" + body
        digest = hmac.new(self.secret.encode(), base, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def _request_body(kind: str, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    wrapped = {_FORMS[kind]: json.dumps(payload)} if _FORMS[kind] else payload
    return urlencode(wrapped).encode(), "application/x-www-form-urlencoded"


def _body_of(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text}
    return body if isinstance(body, dict) else {"text": text}
