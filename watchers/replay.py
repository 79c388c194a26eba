"""Recorded posts through the very stages of the service, with a simulated clock.

The backtest and the dry run use it. Nobody sits in front of a replay, so one thing is played for
them: an incident that has faded (calm for 24 h) is closed, as its owner would, so that a later
crisis can open its own.
"""

import heapq
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watchers.incidents import Action, advance
from watchers.model import (
    Alert,
    Client,
    Decision,
    Gap,
    Incident,
    Outcome,
    Page,
    Post,
    Reason,
    Watch,
    Watermark,
)
from watchers.round import PAGES
from watchers.stages import Coverage, Stages
from watchers.store import Store

BIN = timedelta(minutes=5)
HOUSEKEEPING = timedelta(hours=1)  # how often an open incident is looked at without new posts
CLOSER = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert of the replay, and when it was decided."""

    at: datetime
    alert: Alert
    incident: Incident | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What a replay gave."""

    posts: int
    seen: int
    matched: int
    requests: int
    start: datetime | None
    end: datetime | None
    incidents: tuple[Incident, ...]  # oldest first
    told: tuple[Told, ...]


class Replay:
    """Plays POSTS of one client at one source. Without BUDGET each is seen when published."""

    def __init__(
        self,
        store: Store,
        stages: Stages,
        client: Client,
        posts: Sequence[Post],
        *,
        budget: float | None = None,
        page: int = 20,
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> None:
        self._store = store
        self._stages = stages
        self._client = client
        # a recording's counts are those of the day it was made: nobody knew them at publish time
        dated = [
            replace(p, reposts=None, comments=None, likes=None)
            for p in posts
            if p.created_at is not None
        ]
        self._posts = sorted(dated, key=lambda p: (p.at, p.id))
        self._budget = budget  # requests a minute
        self._page = page
        self._progress = progress
        self._told: list[Told] = []
        self._matched = self._seen = self._requests = 0
        self._ids: set[str] = set()
        self._stirring = False  # something came lately, or an incident is open

    async def run(self) -> Outcomes:
        """Play everything, oldest first, and return what came of it."""
        if self._posts:
            if self._budget is None:
                await self._at_once()
            else:
                await self._polled(self._budget)
        incidents = await self._store.incidents(clients=[self._client.id], limit=100_000)
        return Outcomes(
            posts=len(self._posts),
            seen=self._seen,
            matched=self._matched,
            requests=self._requests,
            start=self._posts[0].at if self._posts else None,
            end=self._posts[-1].at if self._posts else None,
            incidents=tuple(reversed(incidents)),
            told=tuple(self._told),
        )

    # --------------------------------------------------------------------- two ways to see
    async def _at_once(self) -> None:
        """Step from minute to minute in which something was published, and to each bin's end."""
        done = 0
        for now in self._moments():
            batch = []
            while done < len(self._posts) and self._posts[done].at < now:
                batch.append(replace(self._posts[done], retrieved_at=now))
                done += 1
            await self._take(batch, now, Coverage(to=now))
            self._progress(done, len(self._posts))

    def _moments(self) -> list[datetime]:
        """Return the ends of minutes with posts, the ends of bins after them, and idle hours."""
        moments: set[datetime] = set()
        for post, following in zip(self._posts, [*self._posts[1:], None], strict=True):
            minute = post.at.replace(second=0, microsecond=0) + timedelta(minutes=1)
            bin_end = minute - timedelta(minutes=minute.minute % 5) + BIN
            moments |= {minute, bin_end}
            idle = bin_end + HOUSEKEEPING
            last = following.at if following else bin_end + timedelta(hours=26)
            while idle < min(last, bin_end + timedelta(hours=26)):
                moments.add(idle)
                idle += HOUSEKEEPING
        return sorted(moments)

    async def _polled(self, budget: float) -> None:
        """Ask as often as BUDGET requests a minute allow; a page shows the newest posts only."""
        sources = sorted({p.source for p in self._posts})
        recorded = {
            s: Recorded([p for p in self._posts if p.source == s], self._page) for s in sources
        }
        start = self._posts[0].at
        due = [(start, s) for s in sources]
        heapq.heapify(due)
        watches = {
            s: Watch(source=s, query="recording", every=timedelta(minutes=1), next_at=start)
            for s in sources
        }
        end = self._posts[-1].at + HOUSEKEEPING
        while due and due[0][0] <= end:
            now, source = heapq.heappop(due)
            page = recorded[source].search(watches[source].watermark, now, PAGES)
            self._requests += page.requests
            watches[source] = replace(watches[source], watermark=page.watermark)
            fresh = [p for p in page.posts if p.id not in self._ids]
            mark = page.watermark
            await self._take(fresh, now, Coverage(to=mark.covered_to or now, gaps=mark.gaps))
            wait = timedelta(minutes=page.requests * len(sources) / budget)
            heapq.heappush(due, (now + wait, source))
            self._progress(self._seen, len(self._posts))

    # ------------------------------------------------------------------------- the stages
    async def _take(self, posts: Sequence[Post], now: datetime, coverage: Coverage) -> None:
        if not posts and not self._stirring:
            return  # a silent minute of a calm client changes nothing
        self._seen += len(posts)
        self._ids.update(p.id for p in posts)
        scored = await self._stages.score(posts)
        if scored:
            self._matched += await self._store.record(scored, now=now)
        for source in sorted({p.source for p in posts} or {p.source for p in self._posts[:1]}):
            decision = await self._stages.watch_over(self._client, source, now, coverage)
            self._note(decision, now)
            if decision.reason is Reason.FADING and decision.incident is not None:
                await self._close(decision.incident, now)
        self._stirring = bool(posts or await self._store.open_incidents(self._client.id))

    async def _close(self, incident: Incident, now: datetime) -> None:
        decision = advance(incident, Action.RESOLVE, CLOSER, now, note="faded")
        await self._store.commit(decision, now=now, expect=incident.rev)

    def _note(self, decision: Decision, now: datetime) -> None:
        for alert in decision.alerts:
            if decision.reason is not Reason.COUNTS:
                self._told.append(Told(at=now, alert=alert, incident=decision.incident))


class Recorded:
    """A recording that answers like a newest-first search with pages of PAGE posts."""

    def __init__(self, posts: Sequence[Post], page: int) -> None:
        self._posts = sorted(posts, key=lambda p: (p.at, p.id))
        self._times = [p.at for p in self._posts]
        self._page = page

    def search(self, since: Watermark, now: datetime, max_pages: int) -> Page:
        """Return what up to MAX_PAGES pages show at NOW; what lies deeper is a gap."""
        end = bisect_right(self._times, now)
        start = bisect_right(self._times, since.covered_to) if since.covered_to else 0
        shown = max(start, end - max_pages * self._page)
        requests = max(1, math.ceil((end - shown + 1) / self._page))
        posts = tuple(replace(p, retrieved_at=now) for p in reversed(self._posts[shown:end]))
        gaps = since.gaps
        if shown > start and since.covered_to is not None:
            gaps = (*gaps[-20:], Gap(start=since.covered_to, end=self._times[shown]))
        return Page(
            posts=posts,
            watermark=Watermark(at=now, covered_to=now, gaps=gaps),
            outcome=Outcome.OK if posts else Outcome.OK_EMPTY,
            requests=min(requests, max_pages),
        )
