"""One round of one watch: poll, parse, score, record, judge. Calls in order; decides nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from watchers import trouble
from watchers.connector import OR
from watchers.model import (
    Alert,
    AlertKind,
    Client,
    Decision,
    Event,
    Gap,
    Health,
    Kind,
    Page,
    Reach,
    Reason,
    Watch,
    Watermark,
)
from watchers.paging import merge
from watchers.polling import grouped
from watchers.sources import Source
from watchers.stages import Coverage, Stages
from watchers.store import Store

FIRST_PAGES, PAGES = 20, 5  # a new query reads further back, to learn what is usual
GAP_PAGES = 2  # to find where a gap begins takes one more at times
PROVE_AGAIN = timedelta(minutes=10)  # after a canary that found nothing
RATE_OVER = timedelta(days=7)  # what a query's usual number of posts is taken from


class Rounds:
    """Runs rounds for all clients; holds the watches, which the store keeps as well."""

    def __init__(
        self,
        store: Store,
        stages: Stages,
        sources: Mapping[str, Source],
        *,
        operators: str | None = None,
    ) -> None:
        self._store = store
        self._stages = stages
        self.sources = dict(sources)
        self._operators = operators
        self.watches: dict[tuple[str, str], Watch] = {}
        self._proved: dict[str, datetime] = {}  # when a canary was sent last
        self._doubted: dict[str, datetime] = {}  # source -> since when its answers are in doubt
        self._asked_in: dict[tuple[str, str], str] = {}  # source, word -> the query that holds it
        self.rates: dict[tuple[str, str], float] = {}  # posts a minute as a rule, by history

    def take_sources(self, sources: Mapping[str, Source]) -> None:
        """Ask SOURCES from the next plan on, and no others."""
        self.sources = dict(sources)

    async def plan(self, clients: Iterable[Client], now: datetime) -> None:
        """Make the watches fit CLIENTS: new queries are due at once, forgotten ones are dropped."""
        clients = tuple(clients)
        self._stages.take_clients(clients)
        if not self.watches:
            await self._take_up_health()
        kept = {(w.source, w.query): w for w in await self._store.watches()}
        wanted = {
            (name, query): source.every
            for name, source in self.sources.items()
            for query in await self._grouped(source, clients, now)
        }
        self.watches = {
            key: kept.get(key) or _taken_over(key, every, kept.values(), now)
            for key, every in wanted.items()
        }
        self._asked_in = {(name, word): query for name, query in wanted for word in query.split(OR)}
        await self._store.drop_watches(kept.keys() - wanted.keys())
        await self._store.save_watches(self.watches.values())
        for key, watch in self.watches.items():
            if key not in self.rates:
                self.rates[key] = await self._usual_rate(watch, now)

    async def _take_up_health(self) -> None:
        """A restart gives no credits back, and makes nobody believe what was in doubt."""
        for name, health in (await self._store.health()).items():
            if name in self.sources:
                if health.proven_at is not None:
                    self._proved[name] = health.proven_at
                if health.unproven:
                    self._doubted[name] = health.proven_at or health.since
                spent = dict(health.spent)
                for budget in self.sources[name].budgets:
                    budget.restore(spent.get(budget.unit, 0), health.asked_at)

    async def _usual_rate(self, watch: Watch, now: datetime) -> float:
        return sum([await self._rate(c, watch.source, now) for c in self.served(watch)])

    async def _rate(self, client: Client, source: str, now: datetime) -> float:
        """Return the posts a minute of CLIENT at SOURCE, reposts and copies among them."""
        window = await self._store.window(client.id, now - RATE_OVER, now, source=source)
        return window.raw / (RATE_OVER / timedelta(minutes=1))

    async def open_queries(self, source: str) -> frozenset[str]:
        """Return the queries at SOURCE that serve a client with an open incident."""
        clients = {incident.client for incident in await self._store.open_incidents()}
        return frozenset(
            watch.query
            for watch in self.watches.values()
            if watch.source == source and any(c.id in clients for c in self.served(watch))
        )

    async def _grouped(
        self, source: Source, clients: Sequence[Client], now: datetime
    ) -> tuple[str, ...]:
        """Return the queries for CLIENTS at SOURCE; quiet words share one where it knows OR."""
        words = self._words(source, clients)
        if source.feeds or source.together < 2:
            return words
        rates = dict.fromkeys(words, 0.0)
        for client in clients:
            mine = [w for w in client.asked if w in rates]
            if mine and (not client.sources or source.name in client.sources):
                rate = await self._rate(client, source.name, now)
                rates |= {w: rates[w] + rate / len(mine) for w in mine}
        return tuple(OR.join(group) for group in grouped(rates, source.together))

    @staticmethod
    def _words(source: Source, clients: Iterable[Client]) -> tuple[str, ...]:
        if source.feeds:
            return source.feeds  # a feed is read whole and matched here
        asked = [
            query
            for client in clients
            if not client.sources or source.name in client.sources
            for query in client.asked
        ]
        return tuple(dict.fromkeys(asked))

    def served(self, watch: Watch) -> tuple[Client, ...]:
        """The clients whose posts WATCH may bring."""
        feed = bool(self.sources[watch.source].feeds)
        return tuple(
            c
            for c in self._stages.clients.values()
            if (not c.sources or watch.source in c.sources)
            and (feed or not set(watch.query.split(OR)).isdisjoint(c.asked))
        )

    def watched(self, client: Client, source: str) -> tuple[Watch, ...]:
        """The watches at SOURCE that may bring posts of CLIENT."""
        if client.sources and source not in client.sources:
            return ()
        words = self.sources[source].feeds or client.asked
        queries = dict.fromkeys(self._asked_in.get((source, word), word) for word in words)
        found = (self.watches.get((source, query)) for query in queries)
        return tuple(watch for watch in found if watch is not None)

    def coverage(self, client: Client, source: str, now: datetime) -> Coverage | None:
        """What is known of CLIENT at SOURCE; None while a query of it was never read."""
        marks = [watch.watermark for watch in self.watched(client, source)]
        reached = [m.covered_to for m in marks if m.covered_to is not None]
        if not marks or len(reached) < len(marks):
            return None
        gaps = merge(g for m in marks for g in m.gaps)
        return Coverage(to=min(*reached, now, self._doubted.get(source, now)), gaps=gaps)

    def proof_due(self, source: str, now: datetime) -> bool:
        """Whether the canary of SOURCE is to be sent; one that found nothing is sent again soon."""
        canary = self.sources[source].canary
        if canary is None:
            return False
        every = min(canary.every, PROVE_AGAIN) if source in self._doubted else canary.every
        last = self._proved.get(source)
        return last is None or now - last >= every

    async def prove(self, name: str, now: datetime) -> None:
        """Send the canary of source NAME: what it was asked for since the last good one is in doubt
        where it finds nothing (sources.md 3.5). Its posts are not kept.
        """
        source = self.sources[name]
        before = (await self._store.health()).get(name)
        if source.canary is None or (before and before.until is not None and before.until > now):
            return
        self._proved[name] = now
        if source.canary.word:
            page = await source.search(
                source.canary.word, Watermark(), now=now, max_pages=1, reach=Reach.LOOK
            )
            health = trouble.after_canary(before, name, page, source.freshness, now)
        else:
            health = trouble.after_test(before, name, *await source.check(now), now)
        if health.unproven:
            self._doubted.setdefault(name, (before and before.proven_at) or now - PROVE_AGAIN)
        elif health.outcome.healthy and name in self._doubted:
            await self._doubt(name, self._doubted.pop(name), now)
        health, told = trouble.tell(health, 0, source.title, now)
        await self._store.save_health(replace(health, spent=_spent(source, now)))
        if told is not None:
            await self._tell(name, told, now)

    async def _doubt(self, name: str, start: datetime, now: datetime) -> None:
        """What source NAME answered since START is not to be believed: it is read again.

        Where older pages cannot be asked for, what was said then stays unknown.
        """
        for key, watch in self.watches.items():
            mark = watch.watermark
            if watch.source != name or mark.covered_to is None:
                continue
            if self.sources[name].deep:
                back = replace(mark, id=None, ahead=None, covered_to=min(mark.covered_to, start))
                mark = replace(back, at=min(mark.at or start, start))
            else:
                mark = replace(mark, gaps=merge((*mark.gaps, Gap(start=start, end=now))))
            self.watches[key] = replace(watch, watermark=mark)
        await self._store.save_watches(w for w in self.watches.values() if w.source == name)

    async def run(self, watch: Watch, now: datetime, reach: Reach = Reach.ROUND) -> Page | None:
        """Ask the source of WATCH once, keep all it brings, and judge the clients it serves.

        None: the source is not to be asked before a certain time, and the watch waits until then.
        """
        source = self.sources[watch.source]
        before = (await self._store.health()).get(watch.source)
        if before is not None and before.until is not None and before.until > now:
            self.watches[watch.source, watch.query] = replace(watch, next_at=before.until)
            return None
        first = watch.watermark.covered_to is None
        if first:
            reach = Reach.ROUND
        pages = FIRST_PAGES if first else GAP_PAGES if reach is Reach.GAP else PAGES
        page = await source.search(
            watch.query, watch.watermark, now=now, max_pages=pages, reach=reach
        )
        known = await self._store.known(watch.source, [p.id for p in page.posts])
        fresh = [p for p in page.posts if p.id not in known]
        scored = await self._stages.score(fresh)
        again = self._stages.score_all([p for p in page.posts if p.id in known])
        health = trouble.after_round(before, watch.source, page, now)
        caught_up = len(scored) + await self._read_meanwhile(before, watch.source, now)
        health, told = trouble.tell(health, caught_up, source.title, now)
        health = replace(health, spent=_spent(source, now))
        due = max(now + watch.every, page.until or now, health.until or now)
        after = replace(watch, watermark=page.watermark, next_at=due)
        self.watches[watch.source, watch.query] = after
        await self._store.record(
            [*scored, *again],  # of those seen before, the counts are renewed
            now=now,
            watch=after,
            health=health,
            deleted=[(watch.source, id_) for id_ in page.deleted],
        )
        if page.posts and page.posts[0].kind is Kind.HOT and page.outcome.healthy:
            list_ = page.posts[0].publisher or watch.query
            await self._store.rank(list_, [*scored, *again], now=now)
        if told is not None:
            await self._tell(watch.source, told, now)
        for client in self.served(watch):
            await self.judge(client, watch.source, now)
        return page

    async def _read_meanwhile(self, before: Health | None, source: str, now: datetime) -> int:
        """Count what partial rounds brought while SOURCE was in trouble that people were told of."""
        if before is None or not before.told or before.ok_at is None:
            return 0
        clients = [c for c in self._stages.clients.values() if not c.sources or source in c.sources]
        windows = [
            await self._store.window(c.id, before.ok_at, now, source=source) for c in clients
        ]
        return sum(w.raw for w in windows)

    def postpone(self, watch: Watch, now: datetime) -> None:
        """Look at WATCH again after its usual interval; nothing of the failed round is kept."""
        key = (watch.source, watch.query)
        self.watches[key] = replace(self.watches[key], next_at=now + watch.every)

    async def judge(self, client: Client, source: str, now: datetime) -> Decision:
        """Judge CLIENT at SOURCE by what is known now."""
        coverage = self.coverage(client, source, now)
        if coverage is None:
            return Decision(reason=Reason.NOTHING)
        return await self._stages.watch_over(client, source, now, coverage)

    async def keep_watch(self, now: datetime) -> None:
        """Judge every client with an open incident: clocks and calm go on without new posts."""
        for incident in await self._store.open_incidents():
            client = self._stages.clients.get(incident.client)
            if client is not None and incident.source in self.sources:
                await self.judge(client, incident.source, now)

    async def _tell(self, source: str, text: str, now: datetime) -> None:
        """Say once, to the operators and in every open thread, that SOURCE is blind or back."""
        if self._operators is not None:
            notice = Alert(
                key=f"source:{source}:{now:%Y%m%dT%H%M%S}",
                kind=AlertKind.NOTICE,
                channel=self._operators,
                text=text,
            )
            await self._store.commit(Decision(reason=Reason.SOURCE, alerts=(notice,)), now=now)
        for incident in await self._store.open_incidents():
            client = self._stages.clients.get(incident.client)
            if client is None or (client.sources and source not in client.sources):
                continue
            after = replace(incident, rev=incident.rev + 1, updated_at=now)
            update = Alert(
                key=f"source:{source}:{after.rev}",
                kind=AlertKind.UPDATE,
                channel=incident.channel or "",
                text=text,
            )
            root = Alert(key="root", kind=AlertKind.ROOT, channel=incident.channel or "")
            await self._store.commit(
                Decision(
                    reason=Reason.SOURCE,
                    incident=after,
                    alerts=(root, update),
                    events=(Event(at=now, kind=Reason.SOURCE, who=None, text=text),),
                ),
                now=now,
                expect=incident.rev,
            )


def _spent(source: Source, now: datetime) -> tuple[tuple[str, int], ...]:
    return tuple((b.unit, b.spent(now)) for b in source.budgets if b.cap is not None)


def _taken_over(
    key: tuple[str, str], every: timedelta, kept: Iterable[Watch], now: datetime
) -> Watch:
    """Return the new watch KEY. Where its words were watched in other company, it goes on there.

    It begins where the one that is furthest behind stood. A word that is new beside known ones has
    no history of its own: the group is not read from the beginning for its sake.
    """
    source, query = key
    words = set(query.split(OR))
    marks = [
        w.watermark
        for w in kept
        if w.source == source
        and w.watermark.covered_to is not None
        and not words.isdisjoint(w.query.split(OR))
    ]
    mark = Watermark()
    if marks:
        oldest = min(marks, key=lambda m: m.covered_to or now)
        gaps = merge(g for m in marks for g in m.gaps)
        mark = replace(oldest, gaps=gaps, validators=())
    return Watch(source=source, query=query, every=every, next_at=now, watermark=mark)
