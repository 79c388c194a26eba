"""A client's words tried on posts that are known, before they count: alerts and posts gained, lost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from watchers.evidence import Play
from watchers.match import Matcher
from watchers.model import Client, CrisisType, Incident, Post
from watchers.replay import Outcomes, Replay
from watchers.stages import Stages
from watchers.store import Store
from watchers.tone import ToneModel

SAME_STORY = timedelta(hours=6)  # incidents of the two replays that open so close are the same
CHANNEL = "C0REPLAY"  # where alerts of a client without a channel would go

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What every replay needs besides words and posts."""

    types: tuple[CrisisType, ...]
    tone: ToneModel
    play: Play


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a change of words would have done."""

    posts: int  # that it was tried on
    before: int  # of them spoke of the client
    after: int
    gained: tuple[Post, ...]  # speak of it now, and did not; oldest first
    lost: tuple[Post, ...]
    alerts_before: tuple[Incident, ...]
    alerts_after: tuple[Incident, ...]

    @property
    def alerts_gained(self) -> tuple[Incident, ...]:
        return _without(self.alerts_after, self.alerts_before)

    @property
    def alerts_lost(self) -> tuple[Incident, ...]:
        return _without(self.alerts_before, self.alerts_after)


async def replayed(
    client: Client,
    posts: Sequence[Post],
    kit: Kit,
    *,
    budget: float | None = None,
    page: int = 20,
    progress: Progress = lambda _done, _all: None,
) -> Outcomes:
    """Play POSTS through the stages of the service for CLIENT alone, in a store of their own.

    BUDGET is requests a minute; None: every post is seen when it is published.
    """
    start = min((p.at for p in posts), default=None)
    if start is None:
        return Outcomes(
            posts=0, seen=0, matched=0, requests=0, start=None, end=None, incidents=(), told=()
        )
    watched = replace(client, channel=client.channel or CHANNEL)
    store = await Store.open("sqlite://", now=start)
    try:
        await store.save_clients([watched], by="replay", now=start)
        stages = Stages(store, clients=[watched], types=kit.types, tone=kit.tone, play=kit.play)
        replay = Replay(store, stages, watched, posts, budget=budget, page=page, progress=progress)
        return await replay.run()
    finally:
        await store.close()


async def tried(
    before: Client | None,
    after: Client,
    posts: Sequence[Post],
    kit: Kit,
    *,
    progress: Progress = lambda _done, _all: None,
) -> Trial:
    """Return what AFTER would have made of POSTS, beside what BEFORE made; None: it is new."""
    companions = sorted({term for kind in kit.types for term in kind.strong})
    now = _spoken_of(after, posts, companions)
    old = _spoken_of(before, posts, companions) if before is not None else set()
    mine = [p for p in posts if p.key in now | old]

    def half(done: int, total: int) -> None:
        progress(done, 2 * total)

    def rest(done: int, total: int) -> None:
        progress(total + done, 2 * total)

    first = await replayed(before, mine, kit, progress=half) if before is not None else None
    second = await replayed(after, mine, kit, progress=rest)
    return Trial(
        posts=len(posts),
        before=len(old),
        after=len(now),
        gained=tuple(p for p in mine if p.key not in old),
        lost=tuple(p for p in mine if p.key not in now),
        alerts_before=first.incidents if first else (),
        alerts_after=second.incidents,
    )


def _spoken_of(
    client: Client, posts: Sequence[Post], companions: Sequence[str]
) -> set[tuple[str, str]]:
    matcher = Matcher((client,), companions)
    return {post.key for post in posts if matcher.find(post)}


def _without(some: Sequence[Incident], others: Sequence[Incident]) -> tuple[Incident, ...]:
    return tuple(
        i for i in some if not any(abs(i.opened_at - o.opened_at) <= SAME_STORY for o in others)
    )
