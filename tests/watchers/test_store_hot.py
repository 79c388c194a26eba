"""Where entries of hot lists stood: entry, best rank, exit, and back again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.watchers.test_store import scored
from watchers.model import Kind, Scored
from watchers.store import Store

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
STEP = timedelta(minutes=10)
LIST = "Weibo hot search"


def entry(id_: str, rank: int, client: str = "aulane") -> Scored:
    found = scored(id_, clients=(client,))
    post = replace(found.post, source="hotlist", kind=Kind.HOT, rank=rank, publisher=LIST)
    return replace(found, post=post)


async def test_entry_best_rank_and_exit_are_kept(store: Store) -> None:
    for n, rank in enumerate((47, 12, 26)):
        await store.rank(LIST, [entry("w1", rank)], now=NOW + n * STEP)
    (stands,) = await store.hot("aulane", NOW, NOW + timedelta(hours=1))
    assert (stands.rank, stands.best_rank, stands.best_at) == (26, 12, NOW + STEP)
    assert (stands.entered_at, stands.left_at) == (NOW, None)
    await store.rank(LIST, [], now=NOW + 3 * STEP)
    await store.rank(LIST, [], now=NOW + 4 * STEP)
    (left,) = await store.hot("aulane", NOW, NOW + timedelta(hours=1))
    assert left.left_at == NOW + 3 * STEP
    await store.rank(LIST, [entry("w1", 40)], now=NOW + 5 * STEP)
    (back,) = await store.hot("aulane", NOW, NOW + timedelta(hours=1))
    assert (back.left_at, back.rank, back.best_rank) == (None, 40, 12)


async def test_lists_and_clients_are_kept_apart(store: Store) -> None:
    await store.rank(LIST, [entry("w1", 3), entry("w2", 4, client="other")], now=NOW)
    await store.rank("Baidu hot search", [], now=NOW + STEP)
    assert [e.post_id for e in await store.hot("aulane", NOW, NOW + STEP)] == ["w1"]
    assert [e.left_at for e in await store.hot("aulane", NOW, NOW + STEP)] == [None]
    assert await store.hot("aulane", NOW - STEP, NOW) == ()


async def test_what_left_before_is_not_shown_and_deletion_takes_it_along(store: Store) -> None:
    await store.rank(LIST, [entry("w1", 3)], now=NOW)
    await store.rank(LIST, [], now=NOW + STEP)
    assert await store.hot("aulane", NOW + 2 * STEP, NOW + 3 * STEP) == ()
    rows = [row async for table, row in store.export("aulane") if table == "hot"]
    assert [row["entry"] for row in rows] == ["w1"]
    await store.purge(before=NOW + timedelta(days=1), client="aulane")
    assert await store.hot("aulane", NOW, NOW + STEP) == ()
