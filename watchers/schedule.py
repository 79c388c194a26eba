"""When each watch is looked at: one APScheduler tick, one lane a source account.

A lane asks its source one thing at a time; lanes do not wait for each other. Feeds are read when
they are due. A source that is asked for clients' words has a number of requests, as many as one
look at each query every so often would take; a policy says which query each of them serves.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from watchers.account import Account
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
        before: Callable[[datetime], Awaitable[None]] | None = None,
    ) -> None:
        """BEFORE is awaited with every look at open incidents, DAILY once a day."""
        self._rounds = rounds
        self._now = now
        self._daily = daily
        self._before = before
        self._heap: list[tuple[datetime, str, str]] = []
        self._lanes: dict[str, asyncio.Queue[tuple[str, str]]] = {}
        self._accounts: dict[str, Account] = {}
        self._bells: dict[str, asyncio.Event] = {}  # rung when an account has something to ask
        self._tasks: dict[str, asyncio.Task[None]] = {}
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
        self.take_sources()
        self._scheduler.start()

    def let_go(self, sources: Collection[str]) -> None:
        """Have no lane for SOURCES any more: to be said before the rounds forget them."""
        for name in self._tasks.keys() & set(sources):
            self._tasks.pop(name).cancel()
            for kept in (self._lanes, self._accounts, self._bells):
                kept.pop(name, None)
            self._asking.discard(name)

    def take_sources(self) -> None:
        """Have a lane for every source of the rounds; then plan anew."""
        for name in self._rounds.sources.keys() - self._tasks.keys():
            if self._rounds.sources[name].feeds:
                self._lanes[name] = asyncio.Queue(maxsize=BACKLOG)
                lane = self._lane(name)
            else:
                self._accounts[name] = Account(name, self._rounds)
                self._bells[name] = asyncio.Event()
                lane = self._polling(name)
            self._tasks[name] = asyncio.create_task(lane, name=f"lane {name}")
        self.replan()

    async def stop(self) -> None:
        """Stop ticking and let go of the lanes; a round under way is cancelled."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    @property
    def idle(self) -> bool:
        """Whether no watch is due and no lane is at work."""
        now = self._now()
        due = bool(self._heap) and self._heap[0][0] <= now
        ready = any(account.ready(now) for account in self._accounts.values())
        queued = any(not q.empty() for q in self._lanes.values())
        return not (due or ready or queued or self._asking)

    def interval(self, source: str, query: str) -> timedelta | None:
        """Return the time between two looks at QUERY, as things stand; None: it is not watched."""
        account = self._accounts.get(source)
        if account is not None:
            return account.interval(query)
        watch = self._rounds.watches.get((source, query))
        return watch.every if watch is not None else None

    def replan(self) -> None:
        """Watch what the rounds watch now, after clients changed."""
        watches = self._rounds.watches.values()
        self._heap = [(w.next_at, w.source, w.query) for w in watches if w.source in self._lanes]
        heapq.heapify(self._heap)
        for account in self._accounts.values():
            account.plan(self._now())

    async def tick(self) -> None:
        """Hand every feed that is due to its lane, and wake the accounts."""
        now = self._now()
        for name, account in self._accounts.items():
            if account.ready(now):
                self._bells[name].set()
        while self._heap and self._heap[0][0] <= now:
            _, source, query = heapq.heappop(self._heap)
            watch = self._rounds.watches.get((source, query))
            if watch is None or source not in self._lanes:
                continue  # dropped since
            if self._lanes[source].full():
                heapq.heappush(self._heap, (now + TICK, source, query))
                return
            self._lanes[source].put_nowait((source, query))

    async def _polling(self, source: str) -> None:
        bell, account = self._bells[source], self._accounts[source]
        while True:
            await bell.wait()
            bell.clear()
            self._asking.add(source)
            await account.poll(self._now)
            self._asking.discard(source)

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
        if self._before is not None:
            await self._before(self._now())
        await self._rounds.keep_watch(self._now())
        for account in self._accounts.values():
            await account.heed()

    async def _run_daily(self) -> None:
        if self._daily is not None:
            await self._daily(self._now())
