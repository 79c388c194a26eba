"""One source account: its requests go, one at a time, to where the policy wants them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from watchers.model import Gap, Outcome, Page, Reach, Watch
from watchers.polling import Ask, Policy, Seen
from watchers.round import Rounds

log = structlog.get_logger(__name__)
MINUTE = timedelta(minutes=1)
IN_RESERVE = 0.5  # of the usual requests: on top of them for bursts, where the limits allow
OPEN_INCIDENT = 1.0  # posts a minute that a look is worth more while an incident is open


class Account:
    """Asks one source for clients' words.

    As a rule it sends as many requests as one look at each query every so often would take
    (`source.every`), and never more than the account's limits allow, evenly over their period.
    """

    def __init__(self, source: str, rounds: Rounds) -> None:
        self._source = source
        self._rounds = rounds
        self._policy = Policy(0.0, rounds.sources[source].page_size)
        self._deep = rounds.sources[source].deep
        self._held: datetime | None = None  # nothing is asked before

    def plan(self, now: datetime) -> None:
        """Look at what is watched now, and at nothing else."""
        watches = {w.query: w for w in self._rounds.watches.values() if w.source == self._source}
        for query in self._policy.queries - watches.keys():
            self._policy.remove(query)
        for query in watches.keys() - self._policy.queries:
            watch = watches[query]
            rate = self._rounds.rates.get((self._source, query), 0.0)
            seen = watch.watermark.covered_to or now - watch.every
            self._policy.add(query, rate, now, wait=max((now - seen) / MINUTE, 0.0))
            for gap in watch.watermark.gaps if self._deep else ():
                self._policy.unread(query, gap.start, gap.end)
        self._pace(now)

    async def heed(self) -> None:
        """Look more often at those of whom an incident is open."""
        loud = await self._rounds.open_queries(self._source)
        for query in self._policy.queries:
            self._policy.incident(query, OPEN_INCIDENT if query in loud else 0.0)

    def ready(self, now: datetime) -> bool:
        """Whether there is something to ask now."""
        due = self._rounds.proof_due(self._source, now)
        return not self._waits(now) and (due or self._policy.ready(now))

    def interval(self, query: str) -> timedelta | None:
        """Return the time between two looks at QUERY, as things stand; None: it is not watched."""
        if query not in self._policy.queries:
            return None
        return self._policy.interval(query) * MINUTE

    async def poll(self, clock: Callable[[], datetime]) -> None:
        """Ask, one thing after the other, until nothing is to be asked."""
        while not self._waits(now := clock()):
            if self._rounds.proof_due(self._source, now):
                await self._prove(now)
            self._pace(now)
            ask = self._policy.choose(now)
            if ask is None:
                return
            await self._ask(ask, now)

    def _waits(self, now: datetime) -> bool:
        return self._held is not None and now < self._held

    def _pace(self, now: datetime) -> None:
        """Spread the requests: as many as wanted, as far as what is left of the limits allows."""
        source = self._rounds.sources[self._source]
        queries = len(self._policy.queries)
        wanted = queries * (MINUTE / source.every)
        allowed = source.allowance(now)
        rate = wanted if allowed is None else min(wanted, allowed)
        spare = wanted if allowed is None else max(allowed - rate, 0.0)
        reserve = min(IN_RESERVE * wanted, spare)
        self._policy.pace(rate, kept=max(queries, 1), reserve=reserve)

    async def _prove(self, now: datetime) -> None:
        try:
            await self._rounds.prove(self._source, now)
        except Exception:  # a bug here must not end the lane
            log.exception("canary failed", source=self._source)

    async def _ask(self, ask: Ask, now: datetime) -> None:
        key = (self._source, ask.query)
        watch = self._rounds.watches.get(key)
        if watch is None:  # dropped since
            self._policy.remove(ask.query)
            return
        reach = Reach.LOOK if ask.before is None else Reach.GAP
        if reach is Reach.GAP and not watch.watermark.gaps:  # read along with a later one
            self._policy.observe(ask, now, [], full=False)
            return
        try:
            page = await self._rounds.run(watch, now, reach)
        except Exception:  # a bug in one round must not end the lane
            log.exception("round failed", source=self._source)
            self._rounds.postpone(watch, now)
            self._policy.failed(ask, now)
            return
        if page is None:
            self._held = self._rounds.watches[key].next_at
            self._policy.failed(ask, now)
            return
        log.debug("round", source=self._source, outcome=page.outcome, posts=len(page.posts))
        self._held = page.until
        if page.requests == 0 or not (page.outcome.healthy or page.outcome is Outcome.PARTIAL):
            self._policy.failed(ask, now)
            return
        self._policy.observe(
            ask,
            now,
            [Seen(p.id, p.created_at) for p in page.posts if p.created_at is not None],
            full=self._deep and _left(watch, page, reach),
            requests=1 if watch.watermark.covered_to is None else page.requests,
        )


def _left(watch: Watch, page: Page, reach: Reach) -> bool:
    """Whether PAGE left new posts unread: behind the last look, or still in the newest gap."""
    newest: Gap | None = max(page.watermark.gaps, key=lambda g: g.end, default=None)
    if newest is None:
        return False
    if reach is Reach.GAP:
        before = max(watch.watermark.gaps, key=lambda g: g.end, default=None)
        return before is not None and newest.start == before.start
    seen = watch.watermark.ahead or watch.watermark.at
    return seen is not None and newest.end > seen
