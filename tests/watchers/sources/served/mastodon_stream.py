"""A Mastodon server's stream as a loopback server; all of it invented."""

import asyncio
import json

from aiohttp import web

from bot.demo.platforms import Clock, Platform, Served, toot

TOKEN = "mastodon-demo-secret"


class Streaming(Platform):
    """A platform that tells of its posts, from now on, to whoever listens with a token."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("mastodon_stream", (), clock)
        self.clock = clock
        self.sockets: list[web.WebSocketResponse] = []
        self.extra: list[str] = []  # said as it stands, once

    async def drop(self) -> None:
        """Break every connection."""
        for socket in self.sockets:
            await socket.close()
        self.sockets.clear()

    async def subscribe(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "The access token is invalid"}, status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        told = {p.id for p in self.visible()}
        try:
            while not socket.closed:
                while self.extra:
                    await socket.send_str(self.extra.pop(0))
                for post in reversed(self.visible()):
                    if post.id not in told:
                        told.add(post.id)
                        payload = json.dumps(toot(post), ensure_ascii=False)
                        await socket.send_json({"event": "update", "payload": payload})
                await asyncio.sleep(0.01)
        except ConnectionError:
            pass
        return socket


def mastodon_stream(clock: Clock) -> Served:
    """Serve the stream."""
    platform = Streaming(clock)
    return Served(
        platform=platform,
        prefix="/streaming/",
        routes=[web.get("/streaming/api/v1/streaming", platform.subscribe)],
        settings=lambda base: {
            "MASTODON_STREAM_URL": f"{base.replace('http', 'ws', 1)}/streaming/api/v1/streaming",
            "MASTODON_STREAM_TOKEN": TOKEN,
        },
    )
