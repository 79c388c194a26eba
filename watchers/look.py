"""The check on demand: ask the sources now, then count what is known of a client or of words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchers.connector import Source
from watchers.evidence import Gatherer
from watchers.model import (
    Client,
    Health,
    Incident,
    Outcome,
    Post,
    Quote,
    Scored,
    Tone,
    Watermark,
)
from watchers.round import Rounds
from watchers.stages import Stages
from watchers.store import Store

TOP = 5
KEPT_FOR = 1.0  # weeks of known counts before that says anything
FRESH = timedelta(minutes=1)  # a source asked less than this ago is not asked again


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCount:
    """One source's part of a check. `known` is False where the span was not seen whole."""

    source: str
    posts: int
    authors: int
    negatives: int
    usual: float | None  # posts in such a span as a rule
    outcome: Outcome
    known: bool
    unknown_since: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check found."""

    subject: str
    span: timedelta
    at: datetime
    counts: tuple[SourceCount, ...]
    top: tuple[Quote, ...]
    incident: Incident | None = None

    @property
    def posts(self) -> int:
        return sum(c.posts for c in self.counts)

    @property
    def known(self) -> bool:
        """Whether every source was seen for the whole span: only then is none really none."""
        return bool(self.counts) and all(c.known for c in self.counts)


class Looker:
    """Runs the rounds that the schedule runs, now, and reports."""

    def __init__(self, store: Store, stages: Stages, rounds: Rounds, gatherer: Gatherer) -> None:
        self._store = store
        self._stages = stages
        self._rounds = rounds
        self._gatherer = gatherer

    @property
    def sources(self) -> Mapping[str, Source]:
        """The sources that can be asked, by name."""
        return self._rounds.sources

    def queries(self, client: Client, source: str) -> tuple[str, ...]:
        """Return what SOURCE is asked for that may bring posts of CLIENT."""
        return tuple(watch.query for watch in self._rounds.watched(client, source))

    def keeping(self, client: Client, now: datetime) -> Mapping[str, str]:
        """Say for each source how well alerts keep to what CLIENT accepts, a sentence each."""
        found = self._stages.keeping(client, now)
        return {
            self.sources[name].title: kept.why
            for name, kept in sorted(found.items())
            if name in self.sources and kept.weeks >= KEPT_FOR
        }

    async def client(self, client: Client, span: timedelta, now: datetime) -> Report:
        """Ask for CLIENT at all its sources, keep what comes, and count the last SPAN."""
        for watch in list(self._rounds.watches.values()):
            if client in self._rounds.served(watch) and await self._may_ask(watch.source, now):
                await self._rounds.run(watch, now)
        health = await self._store.health()
        counts = [
            await self._count(client, source, health.get(source), span, now)
            for source in self._rounds.sources
            if not client.sources or source in client.sources
        ]
        open_ones = await self._store.open_incidents(client.id)
        return Report(
            subject=client.name,
            span=span,
            at=now,
            counts=tuple(counts),
            top=await self._store.quotes(client.id, now - span, now, limit=TOP),
            incident=open_ones[0] if open_ones else None,
        )

    async def words(self, words: str, span: timedelta, now: datetime) -> Report:
        """Ask every searching source for WORDS once; nothing is kept."""
        counts, quotes = [], []
        health = await self._store.health()
        for name, source in self._rounds.sources.items():
            if source.feeds or not await self._may_ask(name, now):
                if not source.feeds:
                    counts.append(_not_asked(name, health[name]))
                continue
            page = await source.search(words, Watermark(), now=now, max_pages=3)
            recent = [p for p in page.posts if p.at >= now - span]
            scored = self._stages.score_all(recent)
            oldest = min((p.at for p in page.posts), default=None)
            whole = page.outcome.healthy and (oldest is None or oldest <= now - span)
            whole = whole or (page.outcome.healthy and len(recent) < len(page.posts))
            counts.append(
                SourceCount(
                    source=name,
                    posts=len(recent),
                    authors=len({p.author.id for p in recent}),
                    negatives=sum(s.tone is Tone.NEGATIVE for s in scored),
                    usual=None,
                    outcome=page.outcome,
                    known=whole or page.outcome is Outcome.OK_EMPTY,
                    unknown_since=None if page.outcome.healthy else now - span,
                    detail=page.detail,
                )
            )
            quotes += [_quote(s) for s in scored]
        top = sorted(quotes, key=lambda q: -((q.followers or 0) + 100 * (q.reposts or 0)))
        return Report(subject=words, span=span, at=now, counts=tuple(counts), top=tuple(top[:TOP]))

    async def _may_ask(self, source: str, now: datetime) -> bool:
        health = (await self._store.health()).get(source)
        if health is None:
            return True
        return (health.until is None or health.until <= now) and now - health.asked_at >= FRESH

    async def _count(
        self,
        client: Client,
        source: str,
        health: Health | None,
        span: timedelta,
        now: datetime,
    ) -> SourceCount:
        window = await self._store.window(client.id, now - span, now, source=source)
        coverage = self._rounds.coverage(client, source, now)
        self._gatherer.heed_gaps(client, source, coverage.gaps if coverage else ())
        usual = (await self._gatherer.usual(client, source, now)).posts
        outcome = health.outcome if health else Outcome.DOWN
        behind = coverage is None or now - coverage.to > max(
            2 * self._rounds.sources[source].every, timedelta(minutes=15)
        )
        gap = coverage is not None and not coverage.known(now - span, now)
        since = None if not behind else (coverage.to if coverage else now - span)
        if gap and coverage is not None:
            since = min(g.start for g in coverage.gaps if g.end > now - span)
        return SourceCount(
            source=source,
            posts=window.posts,
            authors=window.authors,
            negatives=window.negatives,
            usual=None if usual is None else usual * (span / timedelta(hours=1)),
            outcome=outcome,
            known=not behind and not gap,
            unknown_since=since,
            detail=health.detail if health else "it was never asked",
        )


def _not_asked(name: str, health: Health) -> SourceCount:
    return SourceCount(
        source=name,
        posts=0,
        authors=0,
        negatives=0,
        usual=None,
        outcome=health.outcome,
        known=False,
        unknown_since=health.ok_at,
        detail=health.detail or "asked a moment ago: try again in a minute",
    )


def _quote(scored: Scored) -> Quote:
    post: Post = scored.post
    return Quote(
        source=post.source,
        post_id=post.id,
        url=post.url,
        text=post.text,
        who=post.author.display or post.author.handle,
        followers=post.author.followers,
        verified=post.author.verified,
        at=post.at,
        reposts=post.reposts,
        negative=scored.negative,
        kind=post.kind,
        types=tuple(t.type for t in scored.types),
    )
