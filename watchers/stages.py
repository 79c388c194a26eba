"""The stages in order, from posts to a committed decision. Calls them; decides nothing itself.

match -> score -> record -> detect -> decide -> commit. The schedule, `/crisis check`, the
backtest and the demo all run these same stages; only where posts and `now` come from differs.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watchers import detect
from watchers.clusters import Clusters
from watchers.errors import StaleIncident
from watchers.evidence import HISTORY, HOUR, NEGATIVE, STORY_WINDOW, Gatherer, Play, spreads_badly
from watchers.incidents import HOT_LISTS, REOPEN_WITHIN, decide, story_of
from watchers.match import Matcher
from watchers.model import (
    Client,
    CrisisType,
    Decision,
    Gap,
    Incident,
    Kind,
    Mention,
    Post,
    Reason,
    Scored,
    Severity,
    Signal,
    State,
    Stream,
)
from watchers.risk import RiskModel
from watchers.store import Minute, Store
from watchers.tone import ToneModel

BIN = timedelta(minutes=5)
LOOK_BACK = timedelta(hours=1)  # how far unread bins are looked at
LATE_WINDOW = timedelta(hours=6)  # an older excursion, found after an outage, is history
SCORE_IN_THREAD = 64  # larger batches leave the event loop
LOOK_AGAIN = timedelta(minutes=5)  # an open incident is counted again, as often as most sources
REMEMBERED, REMEMBERED_POSTS = timedelta(days=7), 20_000  # by the clusters after a restart
WIDELY = 10  # reposts by the source's count, from which it is looked how a post spreads
TRIES = 3  # at a decision, when people change the incident meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What is known of a client's posts at a source: all up to `to`, but for the gaps."""

    to: datetime
    gaps: tuple[Gap, ...] = ()

    def known(self, start: datetime, end: datetime) -> bool:
        return not any(g.start < end and start < g.end for g in self.gaps)


class Stages:
    """Everything between a page of posts and what people are told."""

    def __init__(
        self,
        store: Store,
        *,
        clients: Iterable[Client],
        types: Iterable[CrisisType],
        tone: ToneModel,
        play: Play,
    ) -> None:
        self._store = store
        self._tone = tone
        self._types: Mapping[str, CrisisType] = {t.id: t for t in types}
        self._evidence = Gatherer(store, self._types, play)
        self._risk = RiskModel(tuple(self._types.values()))
        self._clusters = Clusters()
        self._grave = frozenset(t.id for t in self._types.values() if t.severity is Severity.S1)
        self._grave_at: dict[str, datetime] = {}  # client -> newest post with grave words
        self._repeated_at: dict[str, datetime] = {}  # client -> newest copy, or post with reposts
        self._spread_types: dict[str, tuple[datetime, frozenset[str]]] = {}  # what spreads is about
        self._voices: set[str] = set()  # clients of whom large accounts or portals spoke of late
        self._hot_told: set[tuple[str, str]] = set()  # client, entry of a hot list
        self._looked: dict[int, datetime] = {}  # incident -> when it was counted last
        self._saved: dict[tuple[str, str], datetime] = {}  # how far a detector is in the store
        self._detectors: dict[tuple[str, str], detect.Detector] = {}
        self._scoring = asyncio.Lock()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.clients: dict[str, Client] = {}
        self.take_clients(clients)

    def take_clients(self, clients: Iterable[Client]) -> None:
        """Match and judge for CLIENTS from the next post on."""
        self.clients = {c.id: c for c in clients}
        strong = {term for t in self._types.values() for term in t.strong}
        self._matcher = Matcher(tuple(self.clients.values()), companions=sorted(strong))

    async def restore(self, now: datetime) -> None:
        """Take up clusters and detectors where the last run left them."""
        for key, state in (await self._store.detectors()).items():
            if key[0] in self.clients:
                with suppress(ValueError):  # of an older version: learnt anew from the rollups
                    self._detectors[key] = detect.Detector.from_bytes(
                        state, days=detect.chinese_days
                    )
        self._grave_at = dict.fromkeys(self.clients, now)
        self._repeated_at = dict.fromkeys(self.clients, now)
        kept = await self._store.clustered(now - REMEMBERED, limit=REMEMBERED_POSTS)
        self._clusters.restore((p for p, _ in kept), {p.key: cluster for p, cluster in kept})

    # ------------------------------------------------------------------ match, score
    async def score(self, posts: Sequence[Post]) -> list[Scored]:
        """Return those of POSTS that speak of a client, oldest first, with all found in them."""
        async with self._scoring:
            if len(posts) >= SCORE_IN_THREAD:
                return await asyncio.to_thread(self.score_now, posts)
            return self.score_now(posts)

    def score_now(self, posts: Sequence[Post]) -> list[Scored]:
        """The same, at once and in this thread."""
        ordered = sorted(posts, key=lambda p: (p.at, p.id))
        found = [(post, self._matcher.find(post)) for post in ordered]
        return self._judged([(post, mentions) for post, mentions in found if mentions])

    def score_all(self, posts: Sequence[Post]) -> list[Scored]:
        """Score POSTS whether or not they speak of a client; their clusters are not kept."""
        tones = self._tone.score([post.text for post in posts])
        found = [self._matcher.find(post) for post in posts]
        for post, mentions in zip(posts, found, strict=True):
            if (post.reposts or 0) >= WIDELY:
                self._repeated_at |= {m.client: post.retrieved_at for m in mentions}
        return [
            Scored(
                post=post,
                mentions=mentions,
                negative=negative,
                tone=tone,
                types=self._risk.types(post.text, tone),
                cluster=f"{post.source}:{post.id}",
                leads=True,
            )
            for post, mentions, (negative, tone) in zip(posts, found, tones, strict=True)
        ]

    def _judged(self, found: Sequence[tuple[Post, tuple[Mention, ...]]]) -> list[Scored]:
        tones = self._tone.score([post.text for post, _ in found])
        scored = []
        for (post, mentions), (negative, tone) in zip(found, tones, strict=True):
            cluster, leads = self._clusters.assign(post)
            types = self._risk.types(post.text, tone)
            if any(t.type in self._grave for t in types):
                self._grave_at |= {m.client: post.at for m in mentions}
            if not leads or (post.reposts or 0) >= WIDELY:
                self._repeated_at |= {m.client: max(post.at, post.retrieved_at) for m in mentions}
            if post.author.professional or post.kind is Kind.ARTICLE:
                self._voices |= {m.client for m in mentions}
            scored.append(
                Scored(
                    post=post,
                    mentions=mentions,
                    negative=negative,
                    tone=tone,
                    types=types,
                    cluster=cluster,
                    leads=leads,
                )
            )
        return scored

    # --------------------------------------------------------------- detect, decide
    async def watch_over(
        self, client: Client, source: str, now: datetime, coverage: Coverage
    ) -> Decision:
        """Judge what is known of CLIENT at SOURCE and commit what follows from it."""
        async with self._locks[client.id]:
            recent = await self._recent(client, now)
            self._evidence.heed_gaps(client, source, coverage.gaps)
            self._heed(client, source, recent, now)
            signals, moved = await self._detect(client, source, now, coverage)
            for _ in range(TRIES):
                try:
                    return await self._decide(
                        client, source, now, signals=signals, recent=recent, moved=moved
                    )
                except StaleIncident:  # a person was quicker: look at the incident again
                    recent = await self._recent(client, now)
        return Decision(reason=Reason.NOTHING)

    async def _recent(self, client: Client, now: datetime) -> tuple[Incident, ...]:
        incidents = await self._store.incidents(clients=[client.id], limit=20)
        return tuple(
            i for i in incidents if not i.state.closed or now - (i.closed_at or now) < REOPEN_WITHIN
        )

    def _heed(self, client: Client, source: str, recent: Sequence[Incident], now: datetime) -> None:
        """What people said of an incident reaches the detector through the store alone."""
        detector = self._detectors.get((client.id, source))
        if detector is None:
            return
        for incident in recent:
            if incident.source != source:
                continue
            if incident.state is State.ACKNOWLEDGED:
                detector.confirm(now)
            elif incident.state is State.FALSE_ALARM:
                detector.false_alarm(now, opened=incident.opened_at)

    async def _detect(
        self, client: Client, source: str, now: datetime, coverage: Coverage
    ) -> tuple[tuple[Signal, ...], bool]:
        """Feed the bins that became known; return what is unusual and whether the state moved."""
        key = (client.id, source)
        detector = self._detectors.get(key)
        fresh = detector is None or detector.upto is None
        if detector is None:
            detector = self._detectors[key] = detect.Detector(client.zone, days=detect.chinese_days)
        detector.campaigns = tuple((c.start, c.end) for c in client.campaigns)
        start = detector.upto or await self._history_start(client, source, now)
        known_to = min(coverage.to, now)
        minutes = await self._store.minutes(client.id, source, start - HOUR, now)
        counts = _by_bin(minutes)
        readings = []
        at = start
        while at + BIN <= known_to:
            bin_count = counts.get(at, (0, 0)) if coverage.known(at, at + BIN) else (None, None)
            readings.append((at + BIN, detector.update(at, *bin_count)))
            at += BIN
        moved = bool(readings)
        readings += _unfinished(detector, counts, at, known_to, now)
        signals: list[Signal] = []
        for when, reading in readings:
            if now - when > LATE_WINDOW or (fresh and when <= at):
                continue  # history builds the baseline and never pages
            signal = await self._judge(client, source, reading, when=when, minutes=minutes, now=now)
            if signal is not None:
                signals.append(signal)
        signals += await self._risk_signal(client, source, now, detector)
        signals += await self._hot_signal(client, source, now)
        if not fresh:
            signals += await self._spread_signal(client, source, now, detector)
        return tuple(signals), moved or bool(signals)

    async def _history_start(self, client: Client, source: str, now: datetime) -> datetime:
        first = await self._store.first_at(client.id, source)
        start = max(first or now, now - HISTORY)
        return start - (start - datetime.min.replace(tzinfo=start.tzinfo)) % BIN

    async def _judge(
        self,
        client: Client,
        source: str,
        reading: detect.Reading,
        *,
        when: datetime,
        minutes: Sequence[Minute],
        now: datetime,
    ) -> Signal | None:
        detector = self._detectors[client.id, source]
        hour = sum(m.posts for m in minutes if when - HOUR <= m.at < when)
        if hour < detect.LEAST_POSTS:
            return None  # below every floor: not worth a look at the authors
        counts = [
            await self._store.window(client.id, when - window, when, source=source)
            for window in (detect.SHORT, HOUR)
        ]
        return detector.judge(
            reading,
            at=when,
            client=client.id,
            source=source,
            short=counts[0],
            hour=counts[1],
            usual=await self._evidence.usual(client, source, when),
            budget=client.sensitivity,
            late=now - when > 2 * BIN and await self._was_down(source, when),
        )

    async def _was_down(self, source: str, when: datetime) -> bool:
        """Whether SOURCE is healthy only since after WHEN."""
        health = (await self._store.health()).get(source)
        return health is not None and health.since > when

    async def _risk_signal(
        self, client: Client, source: str, now: datetime, detector: detect.Detector
    ) -> tuple[Signal, ...]:
        """The one path below the floors: strong words of a type that starts at S1."""
        if now - self._grave_at.get(client.id, now - 2 * HOUR) > HOUR:
            return ()  # no such words of late
        tally = await self._store.tally(client.id, now - HOUR, now, source=source)
        for row in tally:
            if row.type in self._grave:
                signal = detector.judge_risk(row, at=now, client=client.id, source=source)
                if signal is not None:
                    return (signal,)
        return ()

    async def _spread_signal(
        self, client: Client, source: str, now: datetime, detector: detect.Detector
    ) -> tuple[Signal, ...]:
        """One post that many repeat counts as one, and is a crisis all the same if it is bad news."""
        if now - self._repeated_at.get(client.id, now - 2 * HOUR) > HOUR:
            return ()  # nothing was repeated of late
        usual = (await self._evidence.usual(client, source, now)).posts
        least = detect.least_spread(usual, client.sensitivity)
        found = []
        for row in await self._store.spreads(client.id, source, now, least=least):
            if not spreads_badly(row.lead, row.posts, row.negatives):
                continue
            signal = detector.judge_spread(
                row,
                at=now,
                client=client.id,
                source=source,
                usual=usual,
                budget=client.sensitivity,
                late=await self._was_down(source, now - HOUR) and row.lead.at < now - HOUR,
            )
            if signal is not None:
                found.append(signal)
                self._spread_types[client.id] = (now, frozenset(row.lead.types))
        return tuple(found)

    async def _hot_signal(self, client: Client, source: str, now: datetime) -> tuple[Signal, ...]:
        """Bad news on a hot list is read by millions: the entry alone is worth an alert."""
        if source != HOT_LISTS:
            return ()
        entries = await self._store.quotes(
            client.id, now - HOUR, now, limit=10, by="newest", source=source
        )
        bad = [
            entry
            for entry in entries
            if (entry.types or entry.negative >= NEGATIVE)
            and (client.id, entry.post_id) not in self._hot_told
        ]
        self._hot_told |= {(client.id, entry.post_id) for entry in bad}
        return tuple(
            Signal(
                client=client.id,
                source=source,
                at=now,
                stream=Stream.RISK,
                window=HOUR,
                count=1,
                authors=1,
                usual=None,
                negative=int(entry.negative >= NEGATIVE),
                score=0.0,
                threshold=0.0,
                why=f"“{entry.text}” stands on a hot list: {entry.who}",
            )
            for entry in bad
        )

    def keeping(self, client: Client, now: datetime) -> dict[str, detect.Keeping]:
        """Return for each source how well the signals keep to what CLIENT accepts."""
        return {
            source: detector.keeping(client.sensitivity, now)
            for (id_, source), detector in self._detectors.items()
            if id_ == client.id
        }

    def _unsaved(
        self, key: tuple[str, str], *, moved: bool, loud: bool = False
    ) -> tuple[str, str, bytes] | None:
        """Return a detector's state where it is worth keeping: when it spoke, else once an hour.

        What was learnt since is learnt again from the rollups after a restart.
        """
        detector = self._detectors[key]
        upto = detector.upto
        due = upto is not None and upto - self._saved.get(key, upto - 2 * HOUR) >= HOUR
        if upto is None or not (loud or (moved and due)):
            return None
        self._saved[key] = upto
        return (*key, detector.to_bytes())

    def _worth_a_look(self, client: Client, open_ones: Sequence[Incident], now: datetime) -> bool:
        """Whether open incidents are to be counted again: in turn, or when a voice has spoken."""
        due = any(now - self._looked.get(i.number, i.opened_at) >= LOOK_AGAIN for i in open_ones)
        spoken = bool(open_ones) and client.id in self._voices
        if due or spoken:
            self._voices.discard(client.id)
            recent = {n: at for n, at in self._looked.items() if now - at < HOUR}
            self._looked = recent | {i.number: now for i in open_ones}
        return due or spoken

    async def _decide(
        self,
        client: Client,
        source: str,
        now: datetime,
        *,
        signals: tuple[Signal, ...],
        recent: Sequence[Incident],
        moved: bool,
    ) -> Decision:
        key = (client.id, source)
        open_ones = [i for i in recent if not i.state.closed]
        if not signals and not self._worth_a_look(client, open_ones, now):
            state = self._unsaved(key, moved=moved)
            if state is not None:
                await self._store.commit(Decision(reason=Reason.NOTHING), now=now, detector=state)
            return Decision(reason=Reason.NOTHING)
        spread_at, spread = self._spread_types.get(client.id, (now, frozenset[str]()))
        kind, terms = await self._evidence.type(
            client, now, spread=spread if now - spread_at <= STORY_WINDOW else ()
        )
        current = story_of(recent, kind, source)
        if current is not None and current.source != source and not current.state.closed:
            source = current.source  # figures stay those of one source; others bring proofs
        running = current if current is not None and not current.state.closed else None
        evidence = await self._evidence.gather(
            client, source, now, signals=signals, kind=kind, terms=terms, running=running
        )
        decision = decide(current, evidence, client, now)
        heard = signals if decision.reason is not Reason.NOTHING or running is not None else ()
        self._detectors[key].tell(heard)  # what nobody minded may be minded later
        kept = await self._store.commit(
            decision,
            now=now,
            expect=current.rev if current else None,
            detector=self._unsaved(key, moved=moved, loud=bool(heard)),
        )
        return replace(decision, incident=kept) if kept is not None else decision


def _unfinished(
    detector: detect.Detector,
    counts: Mapping[datetime, tuple[int, int]],
    start: datetime,
    known_to: datetime,
    now: datetime,
) -> list[tuple[datetime, detect.Reading]]:
    """Look at the bins from START on that are not closed, without learning from them.

    The bin that KNOWN_TO lies in is compared with its share of the expectation. What was read of
    later ones is a lower bound: enough to speak, never enough to call them calm.
    """
    readings = []
    at = max(start, now - LOOK_BACK)
    at = start + (at - start) // BIN * BIN
    while at < now:
        end = min(at + BIN, now)
        share = (min(known_to, end) - at) / BIN if at < known_to else (end - at) / BIN
        if at in counts or at < known_to:
            readings.append((end, detector.peek(at, share, *counts.get(at, (0, 0)))))
        at += BIN
    return readings


def _by_bin(minutes: Iterable[Minute]) -> dict[datetime, tuple[int, int]]:
    """Sum one-minute rows to (posts, negatives) a five-minute bin, keyed by its start."""
    bins: defaultdict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    for row in minutes:
        at = row.at.replace(minute=row.at.minute - row.at.minute % 5, second=0, microsecond=0)
        bins[at][0] += row.posts
        bins[at][1] += row.negatives
    return {at: (posts, negatives) for at, (posts, negatives) in bins.items()}
