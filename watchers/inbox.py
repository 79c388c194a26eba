"""Takes what a provider pushes: checks it, keeps it, answers. Reading it is the source's work."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog
from aiohttp import web

from watchers.http import BODY_CAP
from watchers.sources.webhook import PATH, SIGNATURE, Webhook

log = structlog.get_logger(__name__)


class Keeper(Protocol):
    """Where deliveries are kept."""

    async def deliver(self, event_id: str, body: str, *, now: datetime) -> bool:
        """Keep BODY; return whether EVENT_ID is new."""


class Inbox:
    """A loopback server for your own proxy. What it answered 200 for is kept."""

    def __init__(self, source: Webhook, keeper: Keeper, now: Callable[[], datetime]) -> None:
        self._source, self._keeper, self._now = source, keeper, now
        self._runner: web.AppRunner | None = None
        self.port = source.port

    async def start(self) -> None:
        """Listen on loopback; port 0 picks a free one. Raises OSError."""
        app = web.Application(client_max_size=BODY_CAP)
        app.router.add_post(PATH, self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._source.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening; deliveries under way are finished."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        now = self._now()
        body = await request.read()  # answers 413 above the cap
        if fault := self._source.refuses(request.headers, body, now):
            log.warning("delivery refused", reason=fault)
            return web.json_response({"ok": False, "error": fault}, status=401)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return web.json_response({"ok": False, "error": "the body is not UTF-8"}, status=400)
        mark = hashlib.sha256(request.headers[SIGNATURE].encode()).hexdigest()
        new = await self._keeper.deliver(f"webhook:{mark}", text, now=now)
        return web.json_response({"ok": True, "new": new})
