"""A town to tell stories in: real watchers, store, Bolt app; only the network's far ends are ours.

The platforms are a local server in their own answer shapes, Slack is the stand-in, and time moves
when the story says so.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from tenacity import wait_none

from bot import messages
from bot.demo.platforms import Platforms
from bot.preview import Channel, Preview, User
from bot.service import Parts, Service, read_parts
from bot.settings import Settings
from watchers.http import Http
from watchers.model import Client, Incident, Post
from watchers.store import Store

TICK = timedelta(milliseconds=10)
PATIENCE = 30.0  # seconds of real time that a story may wait for the town to come to rest
OPERATORS = "C0WATCHERS"
SECRET = "signed-in-the-story"
DUTY, LEAD, VIEWER, STRANGER = "U0DUTY", "U0LEAD", "U0VIEWER", "U0STRANGER"
PEOPLE = (
    User(id=DUTY, name="Lin"),
    User(id=LEAD, name="Marie"),
    User(id=VIEWER, name="Vera"),
    User(id=STRANGER, name="Sam"),
)


class Town:
    """The running bot and what surrounds it."""

    def __init__(
        self,
        now: datetime,
        clients: Iterable[Client],
        posts: Iterable[Post],
        *,
        http_port: int | None = None,
    ) -> None:
        self._now = now
        self._http_port = http_port  # None: Socket Mode
        self.clients = tuple(clients)
        self.platforms = Platforms(posts, self.now)
        channels = [Channel(id=c.channel, name=c.id) for c in self.clients if c.channel]
        self.slack = Preview(
            channels=[*channels, Channel(id=OPERATORS, name="watchers")],
            users=PEOPLE,
            now=self.now,
            problems=messages.problems,
            request_url=f"http://127.0.0.1:{http_port}/slack/events" if http_port else None,
            signing_secret=SECRET if http_port else "",
            signed_at=lambda: datetime.now(UTC),
        )
        self.service: Service

    def now(self) -> datetime:
        return self._now

    async def start(
        self, url: str = "sqlite://", environment: Mapping[str, str] | None = None
    ) -> None:
        await self.platforms.start()
        await self.slack.start()
        await self.build(url, environment)

    async def build(
        self, url: str = "sqlite://", environment: Mapping[str, str] | None = None
    ) -> None:
        """Start the bot itself; again after a crash."""
        given = self.platforms.settings() | dict(environment or {})
        settings = Settings(
            operators=OPERATORS,
            environment=given,
            signing_secret=SECRET if self._http_port else None,
            http_port=self._http_port or 3000,
        )
        store = await Store.open(url, now=self._now)
        await store.save_clients(self.clients, by="story", now=self._now)
        self.service = Service(
            settings,
            _parts(),
            store,
            Http(contact="story on loopback", wait=wait_none()),
            now=self.now,
            preview=self.slack,
            tick=TICK,
            keep_watch=20 * TICK,
            sleep=_no_time_passes,
        )
        await self.service.start()

    async def stop(self) -> None:
        await self.service.stop()
        await self.slack.stop()
        await self.platforms.stop()

    # ------------------------------------------------------------------------------ verbs
    async def pass_time(self, span: timedelta, step: timedelta = timedelta(minutes=5)) -> None:
        """Let SPAN pass, STEP by STEP, and wait each time until everybody has done their work."""
        end = self._now + span
        while self._now < end:
            self._now = min(self._now + step, end)
            await self.rest()

    async def rest(self) -> None:
        """Wait until no round is due or under way and nothing waits to be sent."""
        async with asyncio.timeout(PATIENCE):
            calm = 0
            while calm < 3:
                await asyncio.sleep(TICK.total_seconds())
                waiting = await self.service.store.outbox(states=("new", "sending", "unknown"))
                due = [row for row in waiting if row.next_at <= self._now]
                calm = calm + 1 if self.service.schedule.idle and not due else 0

    async def until_alert(self, within: timedelta) -> Incident:
        """Let time pass until an incident is open, WITHIN at most."""
        end = self._now + within
        while self._now < end:
            await self.pass_time(timedelta(minutes=5))
            found = await self.service.store.open_incidents()
            if found:
                return found[0]
        raise AssertionError(f"no incident within {within}")

    async def press(self, user: str, action: str, *, step: str | None = None) -> None:
        """Press the first live button ACTION in the client's channel."""
        channel = self.clients[0].channel
        assert channel is not None
        for thread in self.slack.channel(channel):
            for message in (thread.root, *thread.replies):
                for element in elements(message.blocks):
                    if element.get("action_id") == action and _about(element, step):
                        await self.slack.press(
                            user, channel, message.ts, action, element.get("value")
                        )
                        await self.rest()
                        return
        raise AssertionError(f"nothing to press: {action}")

    def thread(self, index: int = 0) -> list[str]:
        """Return the texts of a thread, its root first."""
        channel = self.clients[0].channel
        assert channel is not None
        thread = self.slack.channel(channel)[index]
        return [said(m.text, m.blocks) for m in (thread.root, *thread.replies)]

    def private(self, user: str) -> list[str]:
        return [said(e.text, e.blocks) for e in self.slack.ephemerals(user)]


@cache
def _parts() -> Parts:
    """Playbooks and tone model, read once for all stories."""
    return read_parts(Settings())


async def _no_time_passes(_: float) -> None:
    """Between two messages no time passes here: it moves when the story says so."""
    await asyncio.sleep(0)


@asynccontextmanager
async def town(
    now: datetime,
    clients: Iterable[Client],
    posts: Iterable[Post],
    *,
    url: str = "sqlite://",
    http_port: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Town]:
    """Build a town at NOW, with ENVIRONMENT beside its own, and take it down again."""
    built = Town(now, clients, posts, http_port=http_port)
    await built.start(url, environment)
    try:
        yield built
    finally:
        await built.stop()


def elements(blocks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return everything in BLOCKS that can be pressed."""
    found: list[Mapping[str, Any]] = []
    for block in blocks:
        if block.get("type") == "actions":
            found += block.get("elements", ())
        elif "accessory" in block:
            found.append(block["accessory"])
    return found


def said(text: str, blocks: Iterable[Mapping[str, Any]]) -> str:
    """Return all the words that a message shows."""
    return "\n".join([text, *_words(list(blocks))])


def _words(value: object) -> list[str]:
    if isinstance(value, Mapping):
        own = [
            v for k, v in value.items() if k in ("text", "alt_text", "url") and isinstance(v, str)
        ]
        return own + [w for v in value.values() if not isinstance(v, str) for w in _words(v)]
    if isinstance(value, list | tuple):
        return [w for v in value for w in _words(v)]
    return []


def _about(element: Mapping[str, Any], step: str | None) -> bool:
    return step is None or f'"{step}"' in str(element.get("value", ""))
