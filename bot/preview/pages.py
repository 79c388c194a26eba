"""What the page is told and what it may ask for: one snapshot a person, and the acts of people.

The page never sees what the chosen person could not see in Slack: private channels of others,
messages meant for somebody else's eyes only, other people's modals.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import web

from bot.preview.delivery import Answer
from bot.preview.people import NotThere
from bot.preview.workspace import (
    BOT_USER,
    Channel,
    Ephemeral,
    Json,
    Message,
    Modal,
    User,
    Workspace,
)

SHOWN_ROOTS = 200  # of a channel, the newest; a preview may run for days
HEARTBEAT = 20.0  # s between two signs of life on the stream of changes


class Acts(Protocol):
    """What the page can do in a person's name."""

    async def press(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: str | None = None,
        *,
        block_id: str | None = None,
    ) -> Answer: ...

    async def press_in_view(
        self, user: str, view_id: str, action_id: str, value: str | None = None
    ) -> Answer: ...

    async def command(self, user: str, channel: str, verb: str, text: str = "") -> Answer: ...

    async def submit(
        self, user: str, view_id: str, values: Mapping[str, Any] | None = None
    ) -> Answer: ...

    async def close_view(self, user: str, view_id: str) -> Answer: ...

    async def say(
        self, user: str, channel: str, text: str, *, thread_ts: str | None = None
    ) -> Message: ...


class Pages:
    """The page's side of the server."""

    def __init__(
        self,
        workspace: Workspace,
        acts: Acts,
        *,
        commands: Mapping[str, str],
        banner: Callable[[], str],
        connections: Callable[[], int],
        watching: set[asyncio.Event],
        stopping: asyncio.Event,
    ) -> None:
        self.workspace = workspace
        self.acts = acts
        self.commands = commands
        self.banner = banner
        self.connections = connections
        self.watching = watching
        self.stopping = stopping

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/page/state", self._state),
            web.get("/page/changes", self._changes),
            *(web.post(f"/page/{name}", self._acting(name)) for name in _ACTS),
        ]

    # ------------------------------------------------------------------------------- reading
    async def _state(self, request: web.Request) -> web.Response:
        user = self.workspace.users.get(request.query.get("user", ""))
        who = user or next(iter(self.workspace.users.values()))
        return web.json_response(self.snapshot(who, request.query.get("ts", "")))

    def snapshot(self, user: User, ts: str = "") -> Json:
        """Return all that USER can see: the newest of each channel, and the thread around TS."""
        rooms = [c for c in self.workspace.channels.values() if c.has(user.id)]
        names = {c.id: c.name for c in self.workspace.channels.values() if not c.private}
        return {
            "team": self.workspace.name,
            "banner": self.banner(),
            "now": self.workspace.now().timestamp(),
            "me": user.id,
            "bot": {"id": BOT_USER, "name": "Fenghuo", "connections": self.connections()},
            "commands": dict(self.commands),
            "users": [_person(u) for u in self.workspace.users.values()],
            "groups": {g.id: g.handle for g in self.workspace.groups.values()},
            "names": names,
            "channels": [self._channel(c, ts) for c in rooms],
            "ephemerals": [_whisper(e) for e in self.workspace.ephemeral if e.user == user.id],
            "modals": [_modal(m) for m in self.workspace.stack(user.id)],
        }

    def _channel(self, channel: Channel, ts: str) -> Json:
        kept = {root.ts for root in channel.roots()[-SHOWN_ROOTS:]}
        if ts in channel.messages:
            kept.add(channel.messages[ts].thread_ts or ts)
        shown = [m for m in channel.messages.values() if (m.thread_ts or m.ts) in kept]
        return {
            "id": channel.id,
            "name": "Fenghuo" if channel.direct else channel.name,  # the person sees the bot
            "private": channel.private,
            "direct": channel.direct,
            "archived": channel.archived,
            "joined": channel.joined,
            "messages": [self._message(m) for m in shown],
        }

    def _message(self, message: Message) -> Json:
        return {
            "ts": message.ts,
            "user": message.user,
            "text": message.text,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "thread_ts": message.thread_ts,
            "broadcast": message.broadcast,
            "edits": message.edits,
            "edited": message.edited_ts is not None,
            "deleted": message.deleted,
            "files": [self._file(key) for key in message.files],
        }

    def _file(self, key: str) -> Json:
        file = self.workspace.files[key]
        return {
            "id": file.id,
            "name": file.name,
            "title": file.title or file.name,
            "alt": file.alt,
            "picture": file.picture_type is not None,
        }

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        """Tell the page whenever something changed; what changed it asks for itself."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        event = asyncio.Event()
        self.watching.add(event)
        try:
            while not self.stopping.is_set():
                event.clear()
                await stream.write(b"data: changed\n\n")
                await self._next(event)
        except ConnectionError:
            pass  # the page was closed
        finally:
            self.watching.discard(event)
        return stream

    async def _next(self, event: asyncio.Event) -> None:
        """Wait for EVENT, the end of the server, or the heartbeat."""
        waits = [asyncio.ensure_future(e.wait()) for e in (event, self.stopping)]
        try:
            await asyncio.wait(waits, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    # -------------------------------------------------------------------------------- acting
    def _acting(self, name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def act(request: web.Request) -> web.Response:
            if request.content_type != "application/json":
                return web.json_response({"error": "send JSON"}, status=415)
            try:
                asked = json.loads(await request.text())
                return web.json_response(await _ACTS[name](self, asked))
            except (NotThere, KeyError, TypeError, ValueError) as fault:
                return web.json_response({"error": str(fault)}, status=400)

        return act

    async def _press(self, asked: Mapping[str, Any]) -> Json:
        return _told(
            await self.acts.press(
                asked["user"],
                asked["channel"],
                asked["ts"],
                asked["action_id"],
                asked.get("value"),
                block_id=asked.get("block_id"),
            )
        )

    async def _press_in_view(self, asked: Mapping[str, Any]) -> Json:
        value = asked.get("value")
        return _told(
            await self.acts.press_in_view(asked["user"], asked["view"], asked["action_id"], value)
        )

    async def _command(self, asked: Mapping[str, Any]) -> Json:
        verb, _, text = str(asked["text"]).strip().partition(" ")
        if verb not in self.commands:
            known = ", ".join(self.commands) or "none"
            return {"error": f"{verb} is not a valid command here. Known: {known}"}
        return _told(await self.acts.command(asked["user"], asked["channel"], verb, text.strip()))

    async def _say(self, asked: Mapping[str, Any]) -> Json:
        thread = asked.get("thread_ts")
        await self.acts.say(asked["user"], asked["channel"], str(asked["text"]), thread_ts=thread)
        return {"error": ""}

    async def _submit(self, asked: Mapping[str, Any]) -> Json:
        return _told(await self.acts.submit(asked["user"], asked["view"], asked["values"]))

    async def _close(self, asked: Mapping[str, Any]) -> Json:
        return _told(await self.acts.close_view(asked["user"], asked["view"]))

    async def _dismiss(self, asked: Mapping[str, Any]) -> Json:
        self.workspace.dismiss(asked["user"], asked["ts"])
        return {"error": ""}


_ACTS: dict[str, Callable[[Pages, Mapping[str, Any]], Awaitable[Json]]] = {
    "close": Pages._close,  # noqa: SLF001 - the table stands beside its class
    "command": Pages._command,  # noqa: SLF001
    "dismiss": Pages._dismiss,  # noqa: SLF001
    "press": Pages._press,  # noqa: SLF001
    "press_in_view": Pages._press_in_view,  # noqa: SLF001
    "say": Pages._say,  # noqa: SLF001
    "submit": Pages._submit,  # noqa: SLF001
}


def _told(answer: Answer) -> Json:
    return {"error": "" if answer.error == "not_sent" else answer.error}


def _person(user: User) -> Json:
    return {"id": user.id, "name": user.name, "title": user.title, "zone": user.zone}


def _whisper(note: Ephemeral) -> Json:
    return {
        "ts": note.ts,
        "channel": note.channel,
        "thread_ts": note.thread_ts,
        "text": note.text,
        "blocks": note.blocks,
        "attachments": note.attachments,
        "user": "USLACKBOT" if note.from_slack else BOT_USER,
    }


def _modal(modal: Modal) -> Json:
    return {"id": modal.id, "hash": modal.hash, "view": modal.view, "errors": modal.errors}
