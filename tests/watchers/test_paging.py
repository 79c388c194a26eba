"""Rounds: whatever the pages, bursts and refusals, a round called complete has missed nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchers.http import SourceTrouble
from watchers.model import Author, Gap, Outcome, Page, Post, Reach, Watermark
from watchers.paging import Batch, Known, Memory, Position, merge, read_round

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_post(number: int, at: datetime | None) -> Post:
    return Post(
        source="town",
        id=str(number),
        url="",
        text="奥岚",
        author=Author(id="u", handle="u"),
        created_at=at,
        retrieved_at=at or T0,
    )


class Town:
    """A source in memory: posts newest first, by page number or by cursor."""

    query = "奥岚"
    overlap = 15 * MINUTE
    lag = MINUTE

    def __init__(self, *, size: int, numbered: bool) -> None:
        self.posts: list[Post] = []
        self.size, self.numbered = size, numbered
        self.start: Position = 1 if numbered else ""
        self.refusals: list[bool] = []  # of the next pages
        self.asked = 0

    def publish(self, count: int, now: datetime, span: timedelta) -> None:
        first = len(self.posts)
        for n in range(count):
            at = now - span + span * (n + 1) / (count + 1)
            self.posts.append(a_post(first + n, at))

    def jump(self, gap: Gap, depth: Position | None, pages: int) -> Position:
        if self.numbered:
            return max(int(depth or 5) + pages - 1, 1)
        older = [p for p in self.posts if p.at > gap.end]
        return older[0].id if older else self.start

    async def fetch(self, position: Position) -> Batch:
        self.asked += 1
        if self.refusals and self.refusals.pop(0):
            raise SourceTrouble(Outcome.RATE_LIMITED, None, "not now", requests=1)
        newest_first = self.posts[::-1]
        if isinstance(position, int):
            shown = newest_first[(position - 1) * self.size : position * self.size]
            more = position * self.size < len(newest_first)
            return Batch(posts=tuple(shown), next=position + 1 if more else None)
        older = [p for p in newest_first if not position or int(p.id) < int(position)]
        shown = older[: self.size]
        return Batch(posts=tuple(shown), next=shown[-1].id if len(older) > self.size else None)


class Watcher:
    """Reads the town round by round and remembers every post it was given."""

    def __init__(self, town: Town) -> None:
        self.town, self.mark, self.memory = town, Watermark(), Memory()
        self.seen: dict[str, Post] = {}

    async def ask(self, now: datetime, pages: int = 5, reach: Reach = Reach.ROUND) -> Page:
        page = await read_round(
            self.town, self.mark, now=now, max_pages=pages, memory=self.memory, reach=reach
        )
        self.mark = page.watermark
        self.seen |= {p.id: p for p in page.posts}
        return page

    def missed(self, since: datetime) -> list[Post]:
        """Return what the watermark says is known, and is not."""
        to = self.mark.covered_to or T0
        return [
            p
            for p in self.town.posts
            if since <= p.at < to
            and p.id not in self.seen
            and not any(g.start <= p.at <= g.end for g in self.mark.gaps)
        ]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 60),  # posts that appear
        st.integers(1, 90),  # minutes that pass
        st.integers(1, 6),  # pages a round may read
        st.lists(st.booleans(), max_size=6),  # which of the next pages are refused
        st.booleans(),  # is the memory lost, as in a restart?
    ),
    min_size=1,
    max_size=12,
)


@given(STEPS, st.integers(3, 12), st.booleans())
@settings(max_examples=300, deadline=None)
async def test_what_is_called_known_was_seen(
    steps: Sequence[tuple[int, int, int, list[bool], bool]], size: int, numbered: bool
) -> None:
    town = Town(size=size, numbered=numbered)
    town.publish(10, T0, timedelta(hours=1))
    watcher = Watcher(town)
    await watcher.ask(T0, 20)
    now = T0
    for posts, minutes, pages, refusals, forgets in steps:
        step = minutes * MINUTE
        now += step
        town.publish(posts, now, step)
        town.refusals = list(refusals)
        if forgets:
            watcher.memory = Memory()
        before = watcher.mark
        page = await watcher.ask(now, pages)
        assert page.requests <= pages + 1
        assert watcher.missed(T0) == []
        if page.outcome in (Outcome.OK, Outcome.OK_EMPTY):
            assert watcher.mark.covered_to == now - town.lag
        else:
            assert watcher.mark.covered_to == before.covered_to
            assert watcher.mark.at == before.at


@given(STEPS, st.integers(3, 12), st.booleans())
@settings(max_examples=300, deadline=None)
async def test_looks_and_pages_of_gaps_call_nothing_known_that_was_not_seen(
    steps: Sequence[tuple[int, int, int, list[bool], bool]], size: int, numbered: bool
) -> None:
    town = Town(size=size, numbered=numbered)
    town.publish(10, T0, timedelta(hours=1))
    watcher = Watcher(town)
    await watcher.ask(T0, 20)
    now = T0
    for posts, minutes, pages, refusals, forgets in steps:
        now += minutes * MINUTE
        town.publish(posts, now, minutes * MINUTE)
        town.refusals = list(refusals)
        if forgets:
            watcher.memory = Memory()
        await watcher.ask(now, pages, Reach.LOOK)
        assert watcher.missed(T0) == []
        before = watcher.mark
        page = await watcher.ask(now, 2, Reach.GAP)
        assert watcher.missed(T0) == []
        assert page.requests <= 3
        assert len(page.watermark.gaps) <= len(before.gaps)
    town.refusals = []
    await watcher.ask(now, 5, Reach.LOOK)
    for _ in range(len(town.posts)):
        if not watcher.mark.gaps:
            break
        await watcher.ask(now, 2, Reach.GAP)
    assert watcher.mark.gaps == ()
    assert {p.id for p in town.posts} == set(watcher.seen)


async def test_a_look_stops_at_a_page_of_new_posts_and_the_gap_is_read_page_by_page() -> None:
    town = Town(size=10, numbered=False)
    town.publish(5, T0, timedelta(hours=1))
    watcher = Watcher(town)
    await watcher.ask(T0)
    town.publish(45, T0 + 5 * MINUTE, 5 * MINUTE)
    page = await watcher.ask(T0 + 5 * MINUTE, reach=Reach.LOOK)
    assert (page.requests, len(page.posts), page.outcome) == (1, 10, Outcome.PARTIAL)
    left = []
    while watcher.mark.gaps:
        left.append(watcher.mark.gaps[-1].end)
        page = await watcher.ask(T0 + 6 * MINUTE, 1, Reach.GAP)
        assert page.requests == 1
    assert left == sorted(left, reverse=True)
    assert page.outcome is Outcome.OK
    assert {p.id for p in town.posts} == set(watcher.seen)


@given(STEPS, st.integers(3, 12), st.booleans())
@settings(max_examples=100, deadline=None)
async def test_once_it_is_quiet_every_gap_is_filled(
    steps: Sequence[tuple[int, int, int, list[bool], bool]], size: int, numbered: bool
) -> None:
    town = Town(size=size, numbered=numbered)
    watcher = Watcher(town)
    await watcher.ask(T0, 20)
    now = T0
    for posts, minutes, pages, refusals, _ in steps:
        now += minutes * MINUTE
        town.publish(posts, now, minutes * MINUTE)
        town.refusals = list(refusals)
        await watcher.ask(now, pages)
    town.refusals = []
    for _ in range(len(town.posts) + 5):
        now += MINUTE
        if (await watcher.ask(now)).outcome.healthy:
            break
    assert {p.id for p in town.posts} == set(watcher.seen)
    assert watcher.mark.gaps == ()


async def test_a_steady_burst_costs_one_page_more_than_its_posts() -> None:
    town = Town(size=10, numbered=True)
    watcher = Watcher(town)
    town.publish(10, T0, MINUTE)
    await watcher.ask(T0)
    asked = []
    for minute in range(1, 30):
        town.publish(25, T0 + minute * MINUTE, MINUTE)
        before = town.asked
        assert (await watcher.ask(T0 + minute * MINUTE)).outcome is Outcome.OK
        asked.append(town.asked - before)
    assert max(asked) <= 4


async def test_a_round_that_was_lost_before_it_was_stored_is_read_again() -> None:
    town = Town(size=5, numbered=True)
    watcher = Watcher(town)
    town.publish(3, T0, MINUTE)
    await watcher.ask(T0)
    stored = watcher.mark
    town.publish(20, T0 + MINUTE, MINUTE)
    await watcher.ask(T0 + MINUTE)
    watcher.mark, watcher.seen = stored, {}
    await watcher.ask(T0 + 2 * MINUTE)
    assert len(watcher.seen) == 23


async def test_a_backdated_post_at_the_end_of_a_page_does_not_end_the_round() -> None:
    town = Town(size=5, numbered=True)
    watcher = Watcher(town)
    town.publish(3, T0, MINUTE)
    await watcher.ask(T0)
    town.publish(20, T0 + MINUTE, MINUTE)
    town.posts[-5] = a_post(99, T0 - timedelta(days=300))
    page = await watcher.ask(T0 + MINUTE)
    assert page.outcome is Outcome.OK
    assert len(page.posts) == 23


async def test_a_post_from_the_future_does_not_move_the_watermark_there() -> None:
    town = Town(size=5, numbered=True)
    watcher = Watcher(town)
    town.posts = [a_post(1, T0 - MINUTE), a_post(2, T0 + timedelta(days=9)), a_post(3, None)]
    page = await watcher.ask(T0)
    assert len(page.posts) == 3
    assert (page.watermark.at, page.watermark.id) == (T0 - MINUTE, "1")


async def test_a_gap_older_than_a_day_is_kept_unknown_but_no_longer_asked_for() -> None:
    town = Town(size=5, numbered=True)
    old = Gap(start=T0 - timedelta(hours=30), end=T0 - timedelta(hours=26))
    watcher = Watcher(town)
    watcher.mark = Watermark(at=T0 - MINUTE, covered_to=T0 - MINUTE, gaps=(old,))
    page = await watcher.ask(T0)
    assert (page.outcome, page.watermark.gaps) == (Outcome.OK_EMPTY, (old,))
    page = await watcher.ask(T0 + timedelta(days=7))
    assert page.watermark.gaps == ()


@pytest.mark.parametrize(
    ("gaps", "merged"),
    [
        ([], []),
        ([(1, 2), (4, 5)], [(1, 2), (4, 5)]),
        ([(4, 5), (1, 2)], [(1, 2), (4, 5)]),
        ([(1, 3), (2, 5)], [(1, 5)]),
        ([(1, 9), (2, 5)], [(1, 9)]),
        ([(1, 2), (2, 3)], [(1, 3)]),
    ],
    ids=str,
)
def test_gaps_that_touch_are_one(
    gaps: list[tuple[int, int]], merged: list[tuple[int, int]]
) -> None:
    def make(pairs: list[tuple[int, int]]) -> tuple[Gap, ...]:
        return tuple(Gap(start=T0 + a * MINUTE, end=T0 + b * MINUTE) for a, b in pairs)

    assert merge(make(gaps)) == make(merged)


def test_the_memory_has_bounds() -> None:
    memory = Memory(queries=2, ids=3)
    ids = {str(n): T0 + n * MINUTE for n in range(9)}
    for query in "abc":
        memory.keep(query, Watermark(), Known(ids))
    assert memory.known("a", Watermark()).ids == {}
    assert set(memory.known("c", Watermark()).ids) == {"6", "7", "8"}
    assert memory.known("c", Watermark(at=T0)).ids == {}
