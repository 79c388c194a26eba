"""What the store knows of a story, gathered for a decision: counts, quotes, proofs, type."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from watchers import detect
from watchers.echo import story_articles, title_of
from watchers.incidents import WORRY_LEAST_SHARE, WORRY_NEGATIVES, Evidence
from watchers.match import fold
from watchers.model import (
    Client,
    CrisisType,
    Echo,
    Figures,
    Gap,
    Incident,
    Kind,
    PlayStep,
    Proof,
    Quote,
    Severity,
    Signal,
    SourceNote,
    Stage,
    State,
)
from watchers.store import Store, TypeTally
from watchers.voices import state_media, voice

HOUR = timedelta(hours=1)
STORY_WINDOW = timedelta(hours=2)  # posts that tell what a new story is about
SEED_WINDOW = timedelta(hours=24)  # how far back its first post is looked for
YOUNG = timedelta(days=14)
YOUNG_ACCOUNT = timedelta(days=30)
STORY_POSTS, EARLIER_POSTS = 100, 300  # texts that are compared with an article's title
SAID = (Kind.POST, Kind.REPOST, Kind.REPLY, Kind.HOT)  # what articles echo
TITLE = 120  # characters
HISTORY = timedelta(days=28)  # what "usual" is taken from
NEGATIVE = 0.55  # clearly above what an unreadable post gets
TYPE_MIN_POSTS, TYPE_MIN_SHARE = 3, 0.2  # with fewer posts a story has no type yet

_PRIZE_DRAW = re.compile(
    r"抽奖|开奖|转发.{0,12}抽|抽.{0,6}[位名人].{0,12}送|\bgiveaway\b", re.IGNORECASE
)

Play = Callable[[str | None, Severity], tuple[PlayStep, ...]]


class Gatherer:
    """Reads the store for decisions; writes nothing."""

    def __init__(self, store: Store, types: Mapping[str, CrisisType], play: Play) -> None:
        self._store = store
        self._types = types
        self._play = play
        self._gaps: dict[tuple[str, str], Sequence[Gap]] = {}
        self._usual: dict[tuple[str, str], tuple[datetime, detect.Usual]] = {}

    def heed_gaps(self, client: Client, source: str, gaps: Sequence[Gap]) -> None:
        """What CLIENT's posts at SOURCE were in GAPS is not known; they do not overlap."""
        self._gaps[client.id, source] = gaps

    async def usual(self, client: Client, source: str, at: datetime) -> detect.Usual:
        """Return what an hour holds as a rule at this hour of the week, incidents left out.

        Nor do hours count that lie in gaps: what nobody saw was not silent. It is looked up once an
        hour for each client and source.
        """
        key = (client.id, source)
        hour = at.replace(minute=0, second=0, microsecond=0)
        known = self._usual.get(key)
        if known is None or known[0] != hour:
            known = self._usual[key] = (hour, await self._look_up_usual(client, source, at))
        return known[1]

    async def _look_up_usual(self, client: Client, source: str, at: datetime) -> detect.Usual:
        first = await self._store.first_at(client.id, source)
        if first is None:
            return detect.Usual()
        gaps = self._gaps.get((client.id, source), ())
        hours = await self._store.hours(client.id, source, at - HISTORY, at - HOUR)
        loud = [
            i
            for i in await self._store.incidents(clients=[client.id], limit=50)
            if i.state is not State.FALSE_ALARM
        ]
        level = partial(
            detect.usual_level,
            at=at,
            history=at - first,
            unseen=_unseen(gaps, first, at),
            zone=client.zone,
            days=detect.chinese_days,
            left_out=lambda hour: (
                any(_inside(hour, i) for i in loud)
                or any(c.start - HOUR < hour < c.end for c in client.campaigns)
                or _unseen(gaps, hour, hour + HOUR) > HOUR / 2
            ),
        )
        return detect.Usual(
            posts=level([(h.at, h.posts) for h in hours]),
            negatives=level([(h.at, h.negatives) for h in hours]),
        )

    async def type(
        self, client: Client, now: datetime, *, spread: Collection[str] = ()
    ) -> tuple[CrisisType | None, tuple[str, ...]]:
        """Return what CLIENT's posts are about, and the words that say so.

        One post suffices for the types in SPREAD, which a post that many repeat speaks of.
        """
        tally = await self._store.tally(client.id, now - STORY_WINDOW, now)
        window = await self._store.window(client.id, now - STORY_WINDOW, now)
        row = story_type(tally, window.posts, self._types, spread=spread)
        return (self._types[row.type], row.terms) if row is not None else (None, ())

    async def gather(
        self,
        client: Client,
        source: str,
        now: datetime,
        *,
        signals: tuple[Signal, ...],
        kind: CrisisType | None,
        terms: tuple[str, ...],
        running: Incident | None,
    ) -> Evidence:
        """Count, quote and prove the story of KIND (that of RUNNING, its open incident, wins)."""
        if running is not None and running.type is not None:
            kind = self._types.get(running.type)
        since = (running.first_post_at if running else None) or now - SEED_WINDOW
        types = (kind.id,) if kind else ()
        first = await self._store.quotes(
            client.id, since, now, limit=1, by="first", types=types, source=source
        )
        start = first[0].at if first and kind else now - STORY_WINDOW
        if running is not None:
            start = min(start, running.first_post_at or running.opened_at - STORY_WINDOW)
        top = await self._store.quotes(
            client.id, max(start, now - STORY_WINDOW), now, limit=5, by="reach", types=types
        )
        if not top:
            top = await self._store.quotes(client.id, now - STORY_WINDOW, now, limit=5)
        if not kind:
            first = await self._first_bad(client, source, start, now)
        articles = await self._articles(client, start, now, kind)
        proofs = await self._proofs(client, start, now, kind, (*(first if kind else ()), *articles))
        severity = kind.severity if kind else Severity.S3
        begun = await self._store.first_at(client.id, source)
        gaps = self._gaps.get((client.id, source), ())
        return Evidence(
            source=source,
            signals=signals,
            figures=await self._figures(client, source, start, now),
            type=kind,
            type_terms=terms,
            lead=top[0] if top else None,
            top=top,
            proofs=tuple(p for p, _ in proofs),
            state_media=any(grave for _, grave in proofs),
            sources=await self._notes(client),
            first_post_at=first[0].at if first else None,
            steps=self._play(kind.id if kind else None, severity),
            young=begun is None or now - begun - _unseen(gaps, begun, now) < YOUNG,
            hot=await self._store.hot(client.id, start, now),
            echoes=tuple(map(_echo_of, articles)),
        )

    async def _first_bad(
        self, client: Client, source: str, start: datetime, now: datetime
    ) -> tuple[Quote, ...]:
        """Return where a story without a type began: its first bad post, else its first post."""
        said = await self._store.quotes(
            client.id, start, now, limit=STORY_POSTS, by="first", source=source
        )
        return (tuple(q for q in said if q.negative >= NEGATIVE) or said)[:1]

    async def _articles(
        self, client: Client, start: datetime, now: datetime, kind: CrisisType | None
    ) -> tuple[Quote, ...]:
        """Return the articles since START that tell the story, oldest first, copies among them."""
        found = await self._store.quotes(
            client.id, start, now, limit=200, by="first", kinds=(Kind.ARTICLE,), copies=True
        )
        if not found:
            return ()
        said = await self._store.quotes(
            client.id,
            start,
            now,
            limit=STORY_POSTS,
            by="first",
            types=(kind.id,) if kind else (),
            kinds=SAID,
        )
        before = await self._store.quotes(
            client.id, start - HISTORY, start, limit=EARLIER_POSTS, by="newest"
        )
        return story_articles(
            found,
            story=[quote.text for quote in said],
            before=[quote.text for quote in before],
            names=[fold(name) for name in client.names],
            joined=[quote for quote in found if _about(quote, kind)],
        )

    async def _figures(
        self, client: Client, source: str, start: datetime, now: datetime
    ) -> Figures:
        hour = await self._store.window(client.id, now - HOUR, now, source=source)
        young = await self._store.young_authors(
            client.id, source, now - HOUR, now, since=now - YOUNG_ACCOUNT
        )
        story = await self._store.window(client.id, start, now, source=source)
        usual = await self.usual(client, source, now)
        return Figures(
            at=now,
            count=hour.posts,
            with_reposts=hour.raw,
            authors=hour.authors,
            usual=usual.posts,
            usual_negatives=usual.negatives,
            negative_share=hour.negatives / hour.posts if hour.posts else None,
            total=story.posts,
            peak=hour.posts,
            peak_at=now,
            young_accounts=young,
        )

    async def _proofs(
        self,
        client: Client,
        start: datetime,
        now: datetime,
        kind: CrisisType | None,
        told: Sequence[Quote],
    ) -> list[tuple[Proof, bool]]:
        """The first proof of each stage since START, oldest first, and whether state media gave it.

        TOLD is known to be of the story; another voice counts when it speaks of it. A brand's
        ordinary news and advertisements prove nothing.
        """
        loud = await self._store.quotes(
            client.id, start, now, limit=200, by="first", professional=True
        )
        lists = await self._store.quotes(
            client.id, start, now, limit=200, by="first", kinds=(Kind.HOT,)
        )
        heard = (q for q in (*loud, *lists) if q.kind is not Kind.ARTICLE and _about(q, kind))
        found: dict[Stage, tuple[Proof, bool]] = {}
        for quote in sorted((*told, *heard), key=lambda q: q.at):
            stage = voice(quote)
            found.setdefault(stage, (_proof_of(quote, stage), state_media(quote)))
        return sorted(found.values(), key=lambda pair: pair[0].at)

    async def _notes(self, client: Client) -> tuple[SourceNote, ...]:
        health = await self._store.health()
        return tuple(
            SourceNote(source=h.source, outcome=h.outcome, ok_at=h.ok_at, detail=h.detail)
            for name, h in sorted(health.items())
            if not client.sources or name in client.sources
        )


def _unseen(gaps: Sequence[Gap], start: datetime, end: datetime) -> timedelta:
    """Return how much of the time from START to END lies in GAPS, which do not overlap."""
    parts = (min(g.end, end) - max(g.start, start) for g in gaps)
    return sum((part for part in parts if part > timedelta()), timedelta())


def story_type(
    tally: Sequence[TypeTally],
    posts: int,
    types: Mapping[str, CrisisType],
    *,
    spread: Collection[str] = (),
) -> TypeTally | None:
    """Return the type that POSTS distinct posts are about; ties go to the more serious one.

    At least three posts and a fifth of them must speak of it, or in strong words a professional
    voice or a post that many repeat (SPREAD): a single odd word must not choose a playbook.
    """
    enough = [
        row
        for row in tally
        if row.type in types
        and row.strong
        and (
            row.posts >= max(TYPE_MIN_POSTS, TYPE_MIN_SHARE * posts)
            or row.strong_professionals > 0
            or row.type in spread
        )
    ]
    return min(enough, key=lambda r: (-r.posts, types[r.type].severity), default=None)


def spreads_badly(lead: Quote, posts: int, negatives: int) -> bool:
    """Whether LEAD, which POSTS repeat, NEGATIVES of them in bad words of their own, is bad news.

    Prize draws never are, however they read.
    """
    if _PRIZE_DRAW.search(lead.text):
        return False
    if lead.types or lead.negative >= NEGATIVE:
        return True
    return negatives >= max(WORRY_NEGATIVES, WORRY_LEAST_SHARE * posts)


def _about(quote: Quote, kind: CrisisType | None) -> bool:
    """Whether QUOTE speaks of a story of KIND, or, where it has no type, in a bad mood."""
    if kind is not None:
        return kind.id in quote.types
    return quote.negative >= NEGATIVE or (quote.kind is Kind.HOT and bool(quote.types))


def _echo_of(quote: Quote) -> Echo:
    return Echo(
        source=quote.source,
        post_id=quote.post_id,
        publisher=quote.who,
        title=title_of(quote.text)[:TITLE],
        url=quote.url,
        at=quote.at,
    )


def _inside(hour: datetime, incident: Incident) -> bool:
    begin = (incident.first_post_at or incident.opened_at) - HOUR
    end = incident.calm_since or incident.closed_at
    return begin <= hour and (end is None or hour < end)


def _proof_of(quote: Quote, stage: Stage) -> Proof:
    return Proof(
        stage=stage,
        at=quote.at,
        source=quote.source,
        post_id=quote.post_id,
        url=quote.url,
        who=quote.who,
    )
