"""The demo: a local server answers as the platforms do, at accelerated time; the rest is real.

Watchers poll it, the store keeps what they find, Bolt hears the presses; the bot only sees
another Slack address. Nothing here decides anything.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console

from bot import messages
from bot.cli import Shell
from bot.commands import USAGE
from bot.demo import story
from bot.demo.platforms import Platforms
from bot.preview import Channel, Preview, User
from bot.service import Parts, Service, read_parts
from bot.settings import Settings
from watchers.http import Http
from watchers.model import State
from watchers.store import Store

TICK = timedelta(seconds=0.1)
STEP = 0.1  # seconds between two looks at the story
SETTLE = 20.0  # seconds that the last messages may take
DUTY_WAITS = timedelta(minutes=9)  # story time until the duty officer presses
PEOPLE = (
    User(id=story.DUTY, name="Lin (duty officer)", zone="Asia/Shanghai"),
    User(id=story.LEAD, name="Marie (account lead)", zone="Europe/Paris"),
    User(id=story.GUEST, name="Visitor (may look, not act)"),
)


class Clock:
    """Story time: eight hours in SECONDS, ending at the real moment the demo would end."""

    def __init__(self, began: datetime, seconds: float) -> None:
        self.start = began - story.LENGTH + timedelta(seconds=seconds)
        self._speed = story.LENGTH / timedelta(seconds=seconds)
        self._seconds = seconds
        self._zero: float | None = None

    def run(self) -> None:
        """Let the time go; before, it stands at the first minute of the story."""
        self._zero = time.monotonic()

    def now(self) -> datetime:
        """Return the story's time; after the end it goes on at the usual speed."""
        if self._zero is None:
            return self.start
        passed = time.monotonic() - self._zero
        fast = min(passed, self._seconds)
        return self.start + timedelta(seconds=fast * self._speed + passed - fast)

    def until(self, after: timedelta) -> float:
        """Return the seconds until the story has lasted AFTER; none once it has."""
        return max((self.start + after - self.now()) / self._speed / timedelta(seconds=1), 0.0)

    @property
    def over(self) -> bool:
        return self._zero is not None and time.monotonic() - self._zero >= self._seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What stands in the channel at the end."""

    channel: str
    threads: list[dict[str, Any]]


class Demo:
    """Builds the service around the invented platforms and plays the story."""

    def __init__(self, shell: Shell, *, seconds: float, port: int) -> None:
        self._console: Console = shell.console
        self._say = shell.say
        self._port = port
        self.clock = Clock(shell.now(), seconds)
        self.platforms = Platforms(story.posts(self.clock.start), self.clock.now)
        self.platforms.hot = story.hot_words(self.clock.start)
        self.preview = Preview(
            team="Fenghuo demo",
            channels=[
                Channel(id=story.CHANNEL, name="crisis-aulane"),
                Channel(id=story.OPERATORS, name="watchers"),
            ],
            users=PEOPLE,
            now=self.clock.now,
            problems=messages.problems,
            commands={"/crisis": USAGE},
        )
        self.service: Service | None = None

    async def start(self) -> str:
        """Start server, preview and service; return the address of the page."""
        await self.platforms.start()
        url = await self.preview.start(port=self._port)
        self.preview.banner = "Everything here is invented: the client, the people, the posts."
        settings = Settings(operators=story.OPERATORS, environment=self.platforms.settings())
        parts: Parts = await asyncio.to_thread(read_parts, settings)
        store = await Store.open("sqlite://", now=self.clock.now())
        await store.save_clients([story.CLIENT], by="demo", now=self.clock.now())
        self.service = Service(
            settings,
            parts,
            store,
            Http(contact="demo on loopback"),
            now=self.clock.now,
            preview=self.preview,
            tick=TICK,
            keep_watch=10 * TICK,
        )
        await self.service.start()
        self.clock.run()
        return url

    async def stop(self) -> None:
        """Stop everything that was started."""
        if self.service is not None:
            await self.service.stop()
        await self.preview.stop()
        await self.platforms.stop()

    async def narrate(self, stopped: Awaitable[object]) -> None:
        """Tell each act of the story as it begins, until STOPPED."""
        telling = asyncio.create_task(self._tell())
        try:
            await stopped
        finally:
            telling.cancel()

    async def _tell(self) -> None:
        for act in story.ACTS:
            await asyncio.sleep(self.clock.until(act.after))
            self._say(f"{self.clock.now().astimezone():%H:%M}  {act.text}")
        await asyncio.sleep(self.clock.until(story.LENGTH))
        self._say("The story has ended. Try the buttons, and /crisis check in the box below.")

    async def play_headless(self) -> Ended:
        """Play to the end; the duty officer and the account lead press real buttons."""
        telling = asyncio.create_task(self._tell())
        pressed: set[str] = set()
        while not self.clock.over:
            await self._press(pressed)
            await asyncio.sleep(STEP)
        telling.cancel()
        await self._settle()
        await self._resolve()
        await self._settle()
        return Ended(channel=story.CHANNEL, threads=await self._threads())

    async def _press(self, pressed: set[str]) -> None:
        """Acknowledge a while after the alert; tick the first step a little later."""
        for incident in await self._store().open_incidents():
            root = await self._store().root_ts(incident.number)
            age = self.clock.now() - incident.opened_at
            if root is None:
                continue
            for wait, who, action in (
                (DUTY_WAITS, story.DUTY, "ack"),
                (DUTY_WAITS + timedelta(minutes=1), story.LEAD, "ack"),
                (2 * DUTY_WAITS, story.DUTY, "step_done"),
            ):
                key = f"{incident.number}:{who}:{action}"
                if age >= wait and key not in pressed and await self._click(who, action):
                    pressed.add(key)

    async def _click(self, who: str, action: str) -> bool:
        for thread in self.preview.channel(story.CHANNEL):
            for message in (thread.root, *thread.replies):
                if any(
                    element.get("action_id") == action
                    for block in message.blocks
                    for element in block.get("elements", ())
                ):
                    await self.preview.press(who, story.CHANNEL, message.ts, action)
                    return True
        return False

    async def _resolve(self) -> None:
        if await self._click(story.LEAD, "resolve"):
            await self.preview.until(lambda: bool(self.preview.modals(story.LEAD)))
            modal = self.preview.modals(story.LEAD)[-1]
            note = {
                "reason": "answered",
                "note": "Batch off sale, report published, every caller answered.",
            }
            await self.preview.submit(story.LEAD, modal.id, note)

    async def _settle(self) -> None:
        """Wait until nothing waits to be sent."""
        end = time.monotonic() + SETTLE
        while time.monotonic() < end:
            waiting = await self._store().outbox(states=("new", "sending", "unknown"))
            if not any(row.next_at <= self.clock.now() for row in waiting):
                return
            await asyncio.sleep(STEP)

    async def _threads(self) -> list[dict[str, Any]]:
        threads = []
        roots = {t.root.ts: t for t in self.preview.channel(story.CHANNEL)}
        for incident in reversed(await self._store().incidents()):
            place = await self._store().root_ts(incident.number)
            thread = roots.get(place[1]) if place else None
            if thread is None:
                continue
            root = thread.root
            threads.append(
                {
                    "incident": incident.number,
                    "root": {"ts": root.ts, "text": root.text, "blocks": root.blocks},
                    "replies": [
                        {"ts": r.ts, "text": r.text, "blocks": r.blocks} for r in thread.replies
                    ],
                    "state": State(incident.state),
                }
            )
        return threads

    def _store(self) -> Store:
        if self.service is None:
            raise RuntimeError("the demo has not been started")
        return self.service.store
