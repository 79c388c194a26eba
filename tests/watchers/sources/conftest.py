"""A local server that answers as the platforms do, a door that does not wait, a clock to move."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.platforms import Platform, Platforms
from tests.watchers.sources.served import SERVED
from watchers.http import NO_WAIT, Http, Timeouts
from watchers.model import Author, Page, Post, Watermark
from watchers.sources import SOURCES, Source

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Clock:
    """The time of the story; the test moves it."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **step: float) -> datetime:
        self.now += timedelta(**step)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def platforms(clock: Clock) -> AsyncIterator[Platforms]:
    server = Platforms([], clock, (make(clock) for make in SERVED))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    quick = Timeouts(connect=1, read=0.3, total=1)
    async with Http(contact="ops@example.org", timeouts=quick, wait=NO_WAIT) as door:
        yield door


@dataclass(frozen=True)
class World:
    """The platforms, the door to them and the clock, and how a test asks."""

    platforms: Platforms
    http: Http
    clock: Clock

    def platform(self, name: str) -> Platform:
        others = self.platforms.others
        return others[name].platform if name in others else getattr(self.platforms, name)

    def source(self, name: str, **settings: str) -> Source:
        return SOURCES[name].make(self.http, self.platforms.settings() | settings)

    async def ask(self, name: str, query: str = "奥岚") -> Page:
        return await self.source(name).search(query, Watermark(), now=self.clock())


@pytest.fixture
def world(platforms: Platforms, http: Http, clock: Clock) -> World:
    return World(platforms, http, clock)


def a_post(source: str, number: int, at: datetime, text: str = "") -> Post:
    """Return an invented post about an invented brand."""
    return Post(
        source=source,
        id=str(5340000000000000 + number),
        url="",
        text=text or f"奥岚取暖器第{number}台 #奥岚",
        author=Author(id=f"u{number}", handle=f"用户{number}", display=f"用户{number}"),
        created_at=at,
        retrieved_at=at,
    )
