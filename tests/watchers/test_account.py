"""One source account: what it asks, within its limits, and what becomes of bursts and refusals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from watchers.account import Account
from watchers.model import Author, Gap, Outcome, Page, Post, Reach, Watch, Watermark
from watchers.round import Rounds

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Asked(Rounds):
    """Rounds that note what is asked; each brings nothing, or leaves or fills a gap as told."""

    def __init__(self, queries: int, allowance: float | None = None) -> None:
        self.watches = {
            ("town", f"q{n}"): Watch(
                source="town", query=f"q{n}", every=5 * MINUTE, next_at=NOW,
                watermark=Watermark(at=NOW, covered_to=NOW),
            )
            for n in range(queries)
        }  # fmt: skip
        source = SimpleNamespace(
            canary=None,
            every=5 * MINUTE,
            page_size=20,
            feeds=(),
            deep=True,
            allowance=lambda _now: allowance,
        )
        self.sources = {"town": source}
        self.rates = {}
        self.log: list[tuple[datetime, str, Reach]] = []
        self.until: datetime | None = None
        self.bursts = 0

    async def run(self, watch: Watch, now: datetime, reach: Reach = Reach.ROUND) -> Page | None:
        if self.until is not None and now < self.until:
            held = replace(watch, next_at=self.until)
            self.watches[watch.source, watch.query] = held
            return None
        self.log.append((now, watch.query, reach))
        mark = Watermark(at=now, covered_to=now)
        outcome, posts = Outcome.OK_EMPTY, tuple[Post, ...]()
        if reach is Reach.LOOK and self.bursts:
            self.bursts -= 1
            gap = Gap(start=now - 30 * MINUTE, end=now)
            mark = Watermark(at=NOW, covered_to=NOW, ahead=now, gaps=(gap,))
            outcome = Outcome.PARTIAL
            posts = (a_post(now),)
        self.watches[watch.source, watch.query] = replace(watch, watermark=mark)
        return Page(posts=posts, watermark=mark, outcome=outcome, requests=1)


def a_post(at: datetime) -> Post:
    return Post(
        source="town",
        id=f"{at:%H%M}",
        url="",
        text="奥岚",
        author=Author(id="u", handle="u"),
        created_at=at,
        retrieved_at=at,
    )


async def pass_time(account: Account, minutes: int) -> None:
    """Poll each minute; as a story goes, nobody polls in between."""
    account.plan(NOW)
    for n in range(minutes):
        await account.poll(lambda n=n: NOW + n * MINUTE)  # type: ignore[misc]


async def test_every_query_is_looked_at_as_often_as_the_source_says() -> None:
    rounds = Asked(4)
    await pass_time(Account("town", rounds), 60)
    counts = [sum(query == f"q{n}" for _, query, _ in rounds.log) for n in range(4)]
    assert all(10 <= count <= 14 for count in counts), counts


async def test_the_limits_of_the_account_come_first() -> None:
    rounds = Asked(4, allowance=0.1)
    await pass_time(Account("town", rounds), 120)
    assert 8 <= len(rounds.log) <= 0.1 * 120 + 4
    none = Asked(4, allowance=0.0)
    await pass_time(Account("town", none), 60)
    assert none.log == []


async def test_nothing_is_asked_before_the_source_wants_to_be() -> None:
    rounds = Asked(2)
    rounds.until = NOW + 30 * MINUTE
    account = Account("town", rounds)
    account.plan(NOW)
    await account.poll(lambda: NOW + 5 * MINUTE)
    assert rounds.log == []
    assert not account.ready(NOW + 29 * MINUTE)
    assert account.ready(NOW + 30 * MINUTE)


async def test_pages_of_a_burst_are_read_and_a_gap_that_is_gone_costs_nothing() -> None:
    rounds = Asked(2)
    rounds.bursts = 1
    await pass_time(Account("town", rounds), 10)
    gaps = [query for _, query, reach in rounds.log if reach is Reach.GAP]
    assert len(gaps) == 1
    again = Asked(2)
    again.bursts = 3  # three looks leave gaps that the store has made one
    account = Account("town", again)
    await pass_time(account, 60)
    assert all(not w.watermark.gaps for w in again.watches.values())
    assert sum(reach is Reach.GAP for _, _, reach in again.log) <= 3
    assert not account._policy._gaps


async def test_a_query_that_is_dropped_or_new_is_heeded() -> None:
    rounds = Asked(2)
    account = Account("town", rounds)
    account.plan(NOW)
    del rounds.watches["town", "q0"]
    new = Watch(source="town", query="q9", every=5 * MINUTE, next_at=NOW)
    rounds.watches["town", "q9"] = new
    account.plan(NOW)
    await account.poll(lambda: NOW + 5 * MINUTE)
    assert {query for _, query, _ in rounds.log} == {"q1", "q9"}
    assert account.interval("q0") is None
    assert account.interval("q9") is not None
