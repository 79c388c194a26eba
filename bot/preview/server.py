"""The HTTP server of the stand-in: Web API, sockets, uploads, answers to response URLs, the page.

Listens on loopback only. A browser may talk to it only from its own page: the Host must be
loopback (no DNS rebinding) and what carries an Origin must carry ours.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.preview.contract import Call, alternatives, reached
from bot.preview.delivery import Sockets
from bot.preview.faults import Fault, Faults
from bot.preview.web_api import METHODS, WebApi, decoded
from bot.preview.workspace import (
    BOT_USER,
    Ephemeral,
    Json,
    Message,
    Refused,
    ResponseUrl,
    Workspace,
    at,
    with_ids,
)

PAGE = Path(__file__).parent / "page"
PARTS = ("app.js", "blocks.js", "icon.svg", "style.css")
POST_GAP = timedelta(milliseconds=950)  # about one message a second and channel (slack.md R1)
KEPT_CALLS = 20_000  # the newest; a preview may run for days
LARGEST_BODY = 64 * 1024 * 1024  # bytes
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Speaks Slack's protocols for one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        api: WebApi,
        sockets: Sockets,
        *,
        tokens: Mapping[str, str],
        scopes: Collection[str],
        contract: Path | None,
        rate_limit: bool,
        new_key: Callable[[], str],
    ) -> None:
        self.workspace = workspace
        self.api = api
        self.sockets = sockets
        self.tokens = tokens  # token to its kind, "bot" or "app"
        self.scopes = scopes
        self.contract = contract
        self.rate_limit = rate_limit
        self.new_key = new_key
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self.faults = Faults()
        self.stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    # ------------------------------------------------------------------------ start and stop
    async def start(self, host: str, port: int, more: Collection[web.RouteDef]) -> str:
        """Listen and return the address, such as http://127.0.0.1:8080."""
        if host != "localhost" and not ip_address(host).is_loopback:
            message = f"the preview listens on loopback only, not on {host}"
            raise ValueError(message)
        app = web.Application(middlewares=[self._guard], client_max_size=LARGEST_BODY)
        app.add_routes([*self._routes(), *more])
        app.on_response_prepare.append(self._add_headers)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        self.workspace.base = f"http://{name}:{bound[1]}"
        return self.workspace.base

    async def stop(self) -> None:
        self.stopping.set()
        await self.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", _static("index.html")),
            *(web.get(f"/{name}", _static(name)) for name in PARTS),
            web.get("/api/{method}", self._api),
            web.post("/api/{method}", self._api),
            web.get("/socket", self.sockets.serve),
            web.post("/upload/{file}", self._upload),
            web.get("/files/{file}", self._file),
            web.post("/response/{key}", self._respond),
            web.get("/archives/{channel}/p{ts}", self._archive),
        ]

    # ---------------------------------------------------------------------------- the guard
    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._is_ours(request):
            return web.Response(status=403, text="This preview answers only its own page.")
        return await handler(request)

    def _is_ours(self, request: web.Request) -> bool:
        port = self.workspace.base.rpartition(":")[2]
        hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        hosts.add(self.workspace.base.removeprefix("http://"))
        if request.host.lower() not in hosts:
            return False
        origin = request.headers.get("Origin")
        if origin is not None:
            return origin.lower() == f"http://{request.host.lower()}"
        if request.path.startswith("/page/") and request.method == "POST":
            return False  # browsers name the origin of every POST
        site = request.headers.get("Sec-Fetch-Site", "none")
        is_visit = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET"
        return site in {"none", "same-origin"} or (is_visit and request.path == "/")

    async def _add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(self.workspace.now(), usegmt=True)
        for name, value in SAFE_HEADERS.items():
            response.headers.setdefault(name, value)

    # --------------------------------------------------------------------------- the Web API
    async def _api(self, request: web.Request) -> web.StreamResponse:
        try:
            raw = await _arguments(request)
        except ValueError:
            return self._reply({"ok": False, "error": "invalid_json"})
        token = _token(request, raw)
        call = Call(method=request.match_info["method"], args=raw, at=self.workspace.now())
        self.calls.append(call)
        fault = self.faults.take(call.method)
        if fault is not None and not fault.executed:
            call.outcome = fault.kind
            return await self._broken(request, fault, {})
        answer = self._answer(call, token)
        if fault is not None:
            call.outcome = fault.kind
            return await self._broken(request, fault, answer)
        return self._reply(answer)

    def _reply(self, answer: Json) -> web.Response:
        headers = {"x-oauth-scopes": ",".join(sorted(self.scopes))}
        if answer.get("error") == "ratelimited":
            return web.json_response(answer, status=429, headers=headers | {"Retry-After": "1"})
        return web.json_response(answer, headers=headers)

    def _answer(self, call: Call, token: str) -> Json:
        try:
            answer: Json = {"ok": True, **self._carried_out(call, token)}
            call.outcome = "ok"
        except Refused as refused:
            call.outcome = refused.code
            answer = {"ok": False, "error": refused.code, **refused.extra}
            if refused.messages:
                answer["response_metadata"] = {"messages": list(refused.messages)}
        return answer

    def _carried_out(self, call: Call, token: str) -> Json:
        kind = self.tokens.get(token)
        if kind is None:
            raise Refused("invalid_auth" if token else "not_authed")
        is_socket = call.method == "apps.connections.open"
        if not is_socket and call.method not in METHODS:
            raise Refused("unknown_method", req_method=call.method)
        if (kind == "app") != is_socket:
            raise Refused("not_allowed_token_type")
        if is_socket:
            return self._new_socket()
        call.args = decoded(call.args)
        named = str(call.args.get("channel") or call.args.get("channel_id") or "")
        call.reached = reached(self.workspace.channels.get(named))
        self._check_scopes(call)
        self._check_rate(call)
        return self.api.answer(call.method, call.args)

    def _new_socket(self) -> Json:
        ticket = self.new_key()
        self.sockets.tickets.add(ticket)
        place = self.workspace.base.replace("http", "ws", 1)
        return {"url": f"{place}/socket?ticket={ticket}"}

    def _check_scopes(self, call: Call) -> None:
        granted = set(self.scopes)
        for any_of in alternatives(call, self.contract) if self.contract else []:
            if not any_of & granted:
                needed, provided = ",".join(sorted(any_of)), ",".join(sorted(granted))
                raise Refused("missing_scope", needed=needed, provided=provided)

    def _check_rate(self, call: Call) -> None:
        channel = self.workspace.channels.get(str(call.args.get("channel")))
        if not self.rate_limit or call.method != "chat.postMessage" or channel is None:
            return
        sent = [m.ts for m in channel.messages.values() if m.by_bot]
        if sent and self.workspace.now() - at(max(sent, key=float)) < POST_GAP:
            raise Refused("ratelimited")

    async def _broken(self, request: web.Request, fault: Fault, answer: Json) -> web.StreamResponse:
        if fault.kind == "slow":
            await self._wait(fault.delay)
            return self._reply(answer)
        if fault.kind == "cut_answer":
            return await _cut(request, json.dumps(answer).encode())
        if fault.kind in {"drop_before", "drop_after"}:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return _broken_answer(fault)

    async def _wait(self, delay: timedelta) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), delay.total_seconds())
        except TimeoutError:
            return

    # -------------------------------------------------------------------------------- files
    async def _upload(self, request: web.Request) -> web.Response:
        file = self.workspace.files.get(request.match_info["file"])
        if file is None:
            return web.Response(status=404, text="no such upload")
        content = await _uploaded_bytes(request)
        if len(content) != file.length:
            return web.Response(status=400, text="length differs from the announced one")
        file.content = content
        return web.Response(text=f"OK - {len(content)}")

    async def _file(self, request: web.Request) -> web.Response:
        file = self.workspace.files.get(request.match_info["file"])
        if file is None or file.content is None:
            return web.Response(status=404, text="no such file")
        if file.picture_type is not None:
            return web.Response(body=file.content, content_type=file.picture_type)
        headers = {"Content-Disposition": "attachment"}
        return web.Response(
            body=file.content, content_type="application/octet-stream", headers=headers
        )

    async def _archive(self, request: web.Request) -> web.Response:
        """Lead a permalink to the page."""
        channel, digits = request.match_info["channel"], request.match_info["ts"]
        if not (channel.isalnum() and digits.isdigit()):
            return web.Response(status=404, text="no such message")
        place = f"/#/{channel}/{digits[:-6]}.{digits[-6:]}"
        return web.Response(status=302, headers={"Location": place})

    # --------------------------------------------------------------------------- response_url
    async def _respond(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            url = self.workspace.use_response_url(request.match_info["key"])
            self.respond(url, body)
        except Refused as refused:
            return web.json_response({"ok": False, "error": refused.code}, status=404)
        return web.Response(text="ok")

    def respond(self, url: ResponseUrl, body: Mapping[str, Any]) -> None:
        """Do what BODY says in the conversation URL leads to; ephemeral unless it says otherwise."""
        if body.get("delete_original") or body.get("replace_original"):
            self._change_original(url, body)
            return
        content: Json = {
            "text": str(body.get("text") or ""),
            "blocks": with_ids(body.get("blocks") or [], self.workspace.fresh),
        }
        if not (content["text"] or content["blocks"]):
            raise Refused("no_text")
        self.api.check(content, "invalid_blocks")
        content |= {
            "ts": self.workspace.next_ts(),
            "channel": url.channel,
            "thread_ts": body.get("thread_ts") or url.thread_ts,
        }
        if body.get("response_type") == "in_channel":
            channel = self.workspace.channels[url.channel]
            self.workspace.post(channel, Message(user=BOT_USER, **content))
        else:
            self.workspace.whisper(Ephemeral(user=url.user, **content))

    def _change_original(self, url: ResponseUrl, body: Mapping[str, Any]) -> None:
        channel = self.workspace.channels[url.channel]
        whispers = [e for e in self.workspace.ephemeral if e.ts == url.message_ts]
        spot = next(iter(whispers), None) or channel.messages.get(url.message_ts or "")
        if spot is None:
            raise Refused("message_not_found")
        if not body.get("delete_original"):
            spot.text = str(body.get("text") or "")
            spot.blocks = with_ids(body.get("blocks") or [], self.workspace.fresh)
            self.workspace.changed()
        elif isinstance(spot, Ephemeral):
            self.workspace.ephemeral.remove(spot)
            self.workspace.changed()
        else:
            self.workspace.delete(channel, spot.ts)


# ------------------------------------------------------------------------------- small pieces
def _static(name: str) -> Handler:
    async def serve(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / name)

    return serve


async def _arguments(request: web.Request) -> Json:
    """Return the arguments of a call: query, form and JSON are all welcome, as at Slack."""
    args: Json = dict(request.query)
    if request.method != "POST":
        return args
    if request.content_type == "application/json":
        body = await request.text()
        sent = json.loads(body) if body else {}
        return args | (sent if isinstance(sent, dict) else {})
    return args | dict(await request.post())


def _token(request: web.Request, args: Json) -> str:
    """Return the token of a call and take it out of ARGS, so that nothing keeps it."""
    in_args = str(args.pop("token", "") or "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else in_args


async def _uploaded_bytes(request: web.Request) -> bytes:
    if request.content_type.startswith("multipart/"):
        for value in (await request.post()).values():
            if isinstance(value, web.FileField):
                return value.file.read()
        return b""
    return await request.read()


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    """Announce the whole BODY, send half of it and break the connection."""
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _broken_answer(fault: Fault) -> web.Response:
    if fault.kind == "http_500":
        return web.json_response({"ok": False, "error": "internal_error"}, status=500)
    if fault.kind == "html_503":
        page = "<html><body>Service Unavailable</body></html>"
        return web.Response(status=503, text=page, content_type="text/html")
    if fault.kind == "broken_json":
        return web.Response(text='{"ok": tr', content_type="application/json")
    if fault.kind == "rate_limited":
        after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=after)
    return web.json_response({"ok": False, "error": fault.kind.removeprefix("error:")})
