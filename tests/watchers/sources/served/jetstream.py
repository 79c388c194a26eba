"""Bluesky's Jetstream, version 1, as a loopback server; all of it invented."""

import asyncio
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.demo.platforms import Clock, Platform, Served
from watchers.model import Post

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEPT = timedelta(hours=36)


class Jetstream(Platform):
    """A platform that tells of its posts, and of what is deleted, to whoever listens."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("jetstream", (), clock)
        self.clock = clock
        self.sockets: list[web.WebSocketResponse] = []
        self.cursors: list[str | None] = []
        self.gone: list[tuple[datetime, str]] = []
        self.extra: list[str] = []  # said once, as it stands, to the next who listens

    def delete(self, post_id: str) -> None:
        """Tell of a deletion, now."""
        self.gone.append((self.clock(), post_id))

    async def drop(self) -> None:
        """Break every connection."""
        for socket in self.sockets:
            await socket.close()
        self.sockets.clear()

    async def subscribe(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.cursors.append(request.query.get("cursor"))
        cursor = int(request.query.get("cursor", "0"))
        oldest = int((self.clock() - KEPT - EPOCH) / timedelta(microseconds=1))
        sent = max(cursor, oldest) - 1 if cursor else micros(self.clock())
        try:
            while not socket.closed:
                while self.extra:
                    await socket.send_str(self.extra.pop(0))
                for at, event in self.events():
                    if at > sent:
                        await socket.send_json(event)
                        sent = at
                await asyncio.sleep(0.01)
        except ConnectionError:
            pass
        return socket

    def events(self) -> list[tuple[int, dict[str, object]]]:
        found = [(micros(p.at), commit("create", p.author.id, p.id, p)) for p in self.visible()]
        for at, post_id in self.gone:
            found.append((micros(at), commit("delete", f"u{int(post_id) % 10**6}", post_id, None)))
        made = [(at, event | {"time_us": at}) for at, event in found]
        return sorted(made, key=lambda pair: pair[0])


def jetstream(clock: Clock) -> Served:
    """Serve the stream."""
    platform = Jetstream(clock)
    return Served(
        platform=platform,
        prefix="/jetstream/",
        routes=[web.get("/jetstream/subscribe", platform.subscribe)],
        settings=lambda base: {
            "JETSTREAM_URL": f"{base.replace('http', 'ws', 1)}/jetstream/subscribe",
            "JETSTREAM_LANGUAGES": "zh",
        },
    )


def micros(at: datetime) -> int:
    return int((at - EPOCH) / timedelta(microseconds=1))


def commit(operation: str, author: str, rkey: str, post: Post | None) -> dict[str, object]:
    record = post and {
        "$type": "app.bsky.feed.post",
        "text": post.text,
        "langs": [post.lang or "zh"],
        "createdAt": post.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    inside = {
        "operation": operation,
        "collection": "app.bsky.feed.post",
        "rkey": rkey,
        "record": record,
    }
    return {"did": f"did:plc:{author}", "kind": "commit", "commit": inside}
