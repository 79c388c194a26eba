"""When watches are asked: due ones in time, a lane a source, a slow source delays itself alone."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from watchers.model import Outcome, Page, Reach, Watch, Watermark
from watchers.round import Rounds
from watchers.schedule import Schedule

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TICK = timedelta(milliseconds=10)


class Asked(Rounds):
    """Rounds that note who is asked when; `slow` sources wait until they are let go."""

    def __init__(self, watches: Mapping[tuple[str, str], Watch], slow: str = "") -> None:
        self.watches = dict(watches)
        feed = SimpleNamespace(feeds=("each its own",))
        self.sources = dict.fromkeys((s for s, _ in watches), feed)
        self.log: list[tuple[str, str]] = []
        self.fails = False
        self._slow = slow
        self.let_go = asyncio.Event()

    async def run(self, watch: Watch, now: datetime, reach: Reach = Reach.ROUND) -> Page | None:
        del reach
        self.log.append((watch.source, watch.query))
        if watch.source == self._slow:
            await self.let_go.wait()
        if self.fails:
            raise RuntimeError("a bug")
        self.watches[watch.source, watch.query] = replace(watch, next_at=now + watch.every)
        return Page(posts=(), watermark=Watermark(), outcome=Outcome.OK_EMPTY, requests=1)

    async def keep_watch(self, now: datetime) -> None:
        self.log.append(("keep", f"{now:%H:%M}"))


def watch(source: str, query: str, *, every: int = 5) -> Watch:
    return Watch(source=source, query=query, every=every * MINUTE, next_at=NOW)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def ask(rounds: Asked, clock: Clock, *, moves: int = 0) -> Schedule:
    """Start a schedule, let it work, and move the clock MOVES times by five minutes."""
    schedule = Schedule(rounds, now=clock, tick=TICK, keep_watch=timedelta(hours=1))
    schedule.start()
    await asyncio.sleep(0.1)
    for _ in range(moves):
        clock.now += 5 * MINUTE
        await asyncio.sleep(0.1)
    return schedule


def rounds_of(*watches: Watch, slow: str = "") -> Asked:
    return Asked({(w.source, w.query): w for w in watches}, slow=slow)


async def test_a_watch_is_asked_when_due_and_not_before() -> None:
    rounds, clock = rounds_of(watch("weibo", "a"), watch("weibo", "b", every=10)), Clock()
    schedule = await ask(rounds, clock, moves=2)
    await schedule.stop()
    assert rounds.log.count(("weibo", "a")) == 3
    assert rounds.log.count(("weibo", "b")) == 2


async def test_a_slow_source_delays_itself_alone_and_is_not_queued_twice() -> None:
    rounds, clock = rounds_of(watch("slow", "a"), watch("weibo", "b"), slow="slow"), Clock()
    schedule = await ask(rounds, clock, moves=3)
    assert rounds.log.count(("weibo", "b")) == 4
    assert rounds.log.count(("slow", "a")) == 1
    assert not schedule.idle
    rounds.let_go.set()
    await asyncio.sleep(0.1)
    await schedule.stop()
    assert rounds.log.count(("slow", "a")) == 2  # once for all that it missed


async def test_a_bug_in_one_round_does_not_end_the_lane() -> None:
    rounds, clock = rounds_of(watch("weibo", "a")), Clock()
    rounds.fails = True
    schedule = await ask(rounds, clock, moves=1)
    rounds.fails = False
    clock.now += 5 * MINUTE
    await asyncio.sleep(0.1)
    await schedule.stop()
    assert len(rounds.log) == 3
    assert rounds.watches["weibo", "a"].next_at == clock.now + 5 * MINUTE


async def test_a_dropped_watch_is_asked_no_more() -> None:
    rounds, clock = rounds_of(watch("weibo", "a"), watch("weibo", "b")), Clock()
    schedule = await ask(rounds, clock)
    del rounds.watches["weibo", "a"]
    clock.now += 5 * MINUTE
    await asyncio.sleep(0.1)
    await schedule.stop()
    assert rounds.log.count(("weibo", "a")) == 1
    assert rounds.log.count(("weibo", "b")) == 2


@pytest.mark.parametrize("watches", [0, 500])
async def test_it_is_idle_when_nothing_is_due(watches: int) -> None:
    rounds, clock = rounds_of(*(watch("weibo", str(n)) for n in range(watches))), Clock()
    schedule = await ask(rounds, clock)
    assert schedule.idle
    assert len(rounds.log) == watches
    await schedule.stop()
