"""When each watch is looked at: one APScheduler tick, a due-heap, one lane a source account.

A lane asks its source one thing at a time; lanes do not wait for each other. A watch that is
asked already is not queued twice, so a slow source delays itself alone.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from watchers.model import Watch
from watchers.round import Rounds

log = structlog.get_logger(__name__)
TICK = timedelta(seconds=1)
KEEP_WATCH = timedelta(seconds=30)
BACKLOG = 1000  # watches waiting in one lane; more wait in the heap


class Schedule:
    """Runs the rounds of all watches in time. `now` is asked for at every tick."""

    def __init__(
        self,
        rounds: Rounds,
        *,
        now: Callable[[], datetime],
        tick: timedelta = TICK,
        keep_watch: timedelta = KEEP_WATCH,
        daily: Callable[[datetime], Awaitable[None]] | None = None,
    ) -> None:
        self._rounds = rounds
        self._now = now
        self._daily = daily
        self._heap: list[tuple[datetime, str, str]] = []
        self._lanes: dict[str, asyncio.Queue[tuple[str, str]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._asking: set[str] = set()  # sources with a round under way
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        common = {"max_instances": 1, "coalesce": True, "misfire_grace_time": 3600}
        self._scheduler.add_job(
            self.tick, "interval", seconds=tick.total_seconds(), id="tick", **common
        )
        self._scheduler.add_job(
            self._keep_watch, "interval", seconds=keep_watch.total_seconds(), id="keep", **common
        )
        if daily is not None:
            self._scheduler.add_job(self._run_daily, "interval", days=1, id="daily", **common)

    def start(self) -> None:
        """Begin ticking; the watches must be planned."""
        self.replan()
        for source in self._rounds.sources:
            self._lanes[source] = asyncio.Queue(maxsize=BACKLOG)
            self._tasks.append(asyncio.create_task(self._lane(source), name=f"lane {source}"))
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop ticking and let go of the lanes; a round under way is cancelled."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def idle(self) -> bool:
        """Whether no watch is due and no lane is at work."""
        due = bool(self._heap) and self._heap[0][0] <= self._now()
        return not due and not self._asking and all(q.empty() for q in self._lanes.values())

    def replan(self) -> None:
        """Fill the heap anew, after clients changed."""
        self._heap = [(w.next_at, w.source, w.query) for w in self._rounds.watches.values()]
        heapq.heapify(self._heap)

    async def tick(self) -> None:
        """Hand every watch that is due to its lane."""
        now = self._now()
        while self._heap and self._heap[0][0] <= now:
            _, source, query = heapq.heappop(self._heap)
            watch = self._rounds.watches.get((source, query))
            if watch is None or source not in self._lanes:
                continue  # dropped since
            if self._lanes[source].full():
                heapq.heappush(self._heap, (now + TICK, source, query))
                return
            self._lanes[source].put_nowait((source, query))

    async def _lane(self, source: str) -> None:
        while True:
            key = await self._lanes[source].get()
            watch = self._rounds.watches.get(key)
            if watch is None:
                continue  # dropped since
            self._asking.add(source)
            await self._ask(watch)
            after = self._rounds.watches.get(key)
            if after is not None:
                heapq.heappush(self._heap, (after.next_at, *key))
            self._asking.discard(source)

    async def _ask(self, watch: Watch) -> None:
        now = self._now()
        try:
            page = await self._rounds.run(watch, now)
        except Exception:  # a bug in one round must not end the lane
            log.exception("round failed", source=watch.source)
            self._rounds.postpone(watch, now)
        else:
            if page is None:
                return
            log.debug("round", source=watch.source, outcome=page.outcome, posts=len(page.posts))

    async def _keep_watch(self) -> None:
        await self._rounds.keep_watch(self._now())

    async def _run_daily(self) -> None:
        if self._daily is not None:
            await self._daily(self._now())
