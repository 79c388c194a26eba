"""The database underneath: migrations, many at once, odd texts, damage, and rollups by law."""

import asyncio
import sqlite3
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, inspect, make_url, text

from tests.watchers.conftest import NOW
from tests.watchers.test_store import CLIENT, HOUR, first, kept, scored
from watchers.errors import DatabaseTooNew, StoreError
from watchers.model import Author, Scored
from watchers.store import Hour, Minute, Store
from watchers.store.schema import metadata

SECOND = timedelta(seconds=1)
MANY = 1_000


# ----------------------------------------------------------------------------- migrations
async def test_the_scripts_give_the_tables_that_the_code_speaks_of(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite3"
    await (await Store.open(f"sqlite:///{path}", now=NOW)).close()
    _same_tables(f"sqlite:///{path}")


@pytest.mark.heavy
async def test_the_scripts_give_the_same_tables_on_postgresql(store: Store, address: str) -> None:
    if address.startswith("sqlite"):
        pytest.skip("the test above looks at SQLite")
    await store.close()
    _same_tables(make_url(address).set(drivername="postgresql+psycopg").render_as_string(False))


def _same_tables(url: str) -> None:
    def look(conn: Connection) -> None:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        made = inspect(conn)
        for table in metadata.sorted_tables:
            found = {
                str(index["name"]): bool(index["unique"]) for index in made.get_indexes(table.name)
            }
            assert found == {str(i.name): bool(i.unique) for i in table.indexes}, table.name

    engine = create_engine(url)
    with engine.connect() as conn:
        look(conn)
    engine.dispose()


async def test_opening_again_changes_nothing(store: Store, address: str) -> None:
    if address == "sqlite://":
        pytest.skip("what is in memory is opened once")
    await store.save_clients([CLIENT], by="U1", now=NOW)
    log = await store.audit_log()
    for _ in range(2):
        again = await Store.open(address, now=NOW + HOUR)
        assert await again.audit_log() == log
        assert len(await again.clients()) == 1
        await again.close()


async def test_two_that_open_an_empty_database_at_once_both_can(address: str) -> None:
    if address == "sqlite://":
        pytest.skip("what is in memory is opened once")
    both = await asyncio.gather(*(Store.open(address, now=NOW) for _ in range(3)))
    assert [row.what for row in await both[0].audit_log()] == ["database migrated"]
    for store in both:
        await store.close()


async def test_a_newer_database_is_refused_with_both_versions_and_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite3"
    await (await Store.open(f"sqlite:///{path}", now=NOW)).close()
    _sql(path, "update alembic_version set version_num = 'v0099'")
    with pytest.raises(DatabaseTooNew, match=r"v0099.*v0005.*To mend it"):
        await Store.open(f"sqlite:///{path}", now=NOW)


def _sql(path: Path, *statements: str) -> None:
    conn = sqlite3.connect(path)
    with conn:
        for statement in statements:
            conn.execute(statement)
    conn.close()


# -------------------------------------------------------------------------- many at once
async def test_a_thousand_tasks_read_and_write_without_a_lock_error(store: Store) -> None:
    async def work(n: int) -> None:
        if n % 4 == 0:
            await store.record([scored(f"{n}", minutes=n % 50)], now=NOW)
        elif n % 4 == 1:
            await store.window("aulane", NOW - HOUR, NOW)
        elif n % 4 == 2:
            await store.first_time(f"press-{n % 100}", now=NOW)
        else:
            await store.claim(NOW)

    await asyncio.gather(*(work(n) for n in range(MANY)))
    assert (await store.window("aulane", NOW - HOUR, NOW + HOUR)).posts == MANY // 4


async def test_two_processes_record_the_same_posts_and_each_counts_once(
    store: Store, address: str
) -> None:
    if address == "sqlite://":
        pytest.skip("what is in memory has one process")
    other = await Store.open(address, now=NOW)
    batch = [scored(str(n), minutes=n % 5) for n in range(60)]
    new = await asyncio.gather(
        *(s.record(batch[k : k + 30], now=NOW) for k in (0, 10, 20, 30) for s in (store, other))
    )
    await other.close()
    assert sum(new) == 60
    rows = await store.minutes("aulane", "weibo", NOW - HOUR, NOW + HOUR)
    assert sum(r.posts for r in rows) == sum(r.raw for r in rows) == 60


async def test_a_cancelled_task_leaves_no_half_of_its_work(store: Store) -> None:
    batch = [scored(str(n)) for n in range(300)]
    for wait in (0.0, 0.001, 0.005, 0.02):
        task = asyncio.create_task(store.record(batch, now=NOW))
        await asyncio.sleep(wait)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        known = len(await store.known("weibo", [str(n) for n in range(300)]))
        counted = sum(r.raw for r in await store.minutes("aulane", "weibo", NOW - HOUR, NOW))
        assert known == counted
        assert known in (0, 300)
    await store.record(batch, now=NOW)
    assert (await store.window("aulane", NOW - HOUR, NOW)).posts == 300


async def test_thousands_of_ids_are_looked_up_at_once(store: Store) -> None:
    await store.record([scored(str(n)) for n in range(0, 12_000, 7)], now=NOW)
    found = await store.known("weibo", (str(n) for n in range(12_000)))
    assert found == {str(n) for n in range(0, 12_000, 7)}
    assert await store.known("bluesky", ["0", "7"]) == set()
    assert await store.known("weibo", []) == set()


# ------------------------------------------------------------------- the law of the rollups
@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Scored], list[list[int]]]:
    """Posts, and the order in which they are recorded: any, any number of times, each once."""
    count = draw(st.integers(1, 12))
    posts = [
        scored(
            str(n),
            minutes=draw(st.integers(0, 4)),
            negative=draw(st.sampled_from([0.1, 0.9])),
            cluster=draw(st.sampled_from([None, "weibo:0"])) if n else None,
            quoted=draw(st.booleans()),
            clients=draw(st.sampled_from([("aulane",), ("aulane", "qiyun")])),
        )
        for n in range(count)
    ]
    order = draw(st.lists(st.lists(st.integers(0, count - 1), max_size=6), max_size=8))
    missing = sorted(set(range(count)) - {n for batch in order for n in batch})
    return posts, [*order, draw(st.permutations(missing))]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches())
def test_any_order_and_any_number_of_times_give_the_same_rollups(
    drawn: tuple[list[Scored], list[list[int]]],
) -> None:
    posts, order = drawn

    async def rollups(rounds: list[list[Scored]]) -> list[tuple[Minute, ...]]:
        store = await Store.open("sqlite://", now=NOW)
        for batch in rounds:
            await store.record(batch, now=NOW)
        found = [
            await store.minutes(client, "weibo", NOW - HOUR, NOW + HOUR)
            for client in ("aulane", "qiyun")
        ]
        for client, minutes in zip(("aulane", "qiyun"), found, strict=True):
            window = await store.window(client, NOW - HOUR, NOW + HOUR)
            assert window.posts == sum(m.posts for m in minutes)
            assert window.raw == sum(m.raw for m in minutes)
            assert window.negatives == sum(m.negatives for m in minutes)
        await store.close()
        return found

    async def both() -> None:
        assert await rollups([[posts[n] for n in batch] for batch in order]) == await rollups(
            [posts]
        )

    asyncio.run(both())


async def test_a_client_who_asks_later_counts_the_posts_that_are_known(store: Store) -> None:
    await store.record([scored("1", minutes=3, clients=("aulane",))], now=NOW)
    both = scored("1", minutes=1, negative=0.1, clients=("aulane", "qiyun"))
    assert await store.record([both], now=NOW) == 0
    (minute,) = await store.minutes("qiyun", "weibo", NOW - HOUR, NOW)
    at = NOW - 3 * 60 * SECOND  # as it was first read
    assert minute == Minute(at=at, posts=1, negatives=1, raw=1)
    assert (await store.window("aulane", NOW - HOUR, NOW)).raw == 1


async def test_a_publish_time_of_a_day_is_no_minute(store: Store) -> None:
    vague = scored("1", created_precision=timedelta(days=1))
    exact = scored("2", created_precision=timedelta(minutes=15))
    await store.record([vague, exact], now=NOW)
    assert (await store.window("aulane", NOW - HOUR, NOW + HOUR)).raw == 1
    quotes = await store.quotes("aulane", NOW - HOUR, NOW + HOUR, by="first")
    assert [(q.post_id, q.at) for q in quotes] == [("2", NOW - 5 * 60 * SECOND), ("1", NOW)]


async def test_authors_whom_the_source_does_not_name_are_not_one_person(store: Store) -> None:
    nobody = Author(id="", handle="")
    batch = [scored(str(n)) for n in range(3)]
    await store.record([replace(s, post=replace(s.post, author=nobody)) for s in batch], now=NOW)
    assert (await store.window("aulane", NOW - HOUR, NOW)).authors == 3


async def test_hours_are_summed_and_empty_ones_left_out(store: Store) -> None:
    moods = (0.9, 0.9, 0.1, 0.1)
    batch = [scored(str(n), minutes=n * 40, negative=m) for n, m in enumerate(moods, start=1)]
    batch.append(scored("q", minutes=600, quoted=True))
    await store.record(batch, now=NOW)
    assert await store.hours("aulane", "weibo", NOW - 24 * HOUR, NOW) == (
        Hour(at=NOW - 3 * HOUR, posts=1, negatives=0),
        Hour(at=NOW - 2 * HOUR, posts=2, negatives=1),
        Hour(at=NOW - HOUR, posts=1, negatives=1),
    )


# ----------------------------------------------------------------------- texts and times
async def test_odd_texts_are_kept_as_far_as_a_database_takes_them(store: Store) -> None:
    odd = scored(
        "1", text="a\0b \ud83d c😀 奥岚 'x\"; drop table posts", url="https://x.example/\0"
    )
    await store.record([odd, scored("2\0", text="ok"), scored("3")], now=NOW)
    texts = {q.post_id: q.text for q in await store.quotes("aulane", NOW - HOUR, NOW)}
    assert texts["1"] == "ab ? c😀 奥岚 'x\"; drop table posts"
    assert texts["3"] == "奥岚取暖器自燃"


async def test_times_of_any_zone_come_back_in_utc_to_the_microsecond(store: Store) -> None:
    at = datetime(2026, 3, 3, 19, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=8)))
    await store.record([scored("1", created_at=at)], now=NOW)
    (quote,) = await store.quotes("aulane", NOW - HOUR, NOW)
    assert quote.at == at
    assert quote.at.tzinfo is UTC
    (minute,) = await store.minutes("aulane", "weibo", NOW - HOUR, NOW)
    assert minute.at == datetime(2026, 3, 3, 11, 59, tzinfo=UTC)


async def test_a_time_without_zone_is_refused_and_nothing_is_kept(store: Store) -> None:
    naive = scored("2", created_at=datetime(2026, 3, 3, 12))  # noqa: DTZ001 - what is refused
    with pytest.raises((StoreError, ValueError, TypeError)):
        await store.record([scored("1"), naive], now=NOW)
    assert await store.known("weibo", ["1", "2"]) == set()


async def test_windows_are_half_open(store: Store) -> None:
    await store.record([scored("1", minutes=60), scored("2", minutes=0)], now=NOW)
    assert (await store.window("aulane", NOW - HOUR, NOW)).posts == 1
    assert [q.post_id for q in await store.quotes("aulane", NOW - HOUR, NOW)] == ["1"]
    assert len(await store.minutes("aulane", "weibo", NOW - HOUR, NOW)) == 1


# -------------------------------------------------------------------------------- damage
async def test_a_file_that_is_damaged_later_is_told_with_place_and_mend(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite3"
    url = f"sqlite:///{path}"
    store = await Store.open(url, now=NOW)
    await store.record([scored(str(n)) for n in range(500)], now=NOW)
    await kept(store, first())
    await store.close()
    body = bytearray(path.read_bytes())
    body[4096:] = b"\xff" * (len(body) - 4096)
    path.write_bytes(bytes(body))
    with pytest.raises(StoreError, match=r"f\.sqlite3: .*put a backup in its place"):
        await Store.open(url, now=NOW)


async def test_a_folder_and_another_program_s_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="folder must exist and be writable"):
        await Store.open(f"sqlite:///{tmp_path}", now=NOW)
    other = tmp_path / "other.sqlite3"
    _sql(other, "create table posts (id integer)")
    with pytest.raises(StoreError, match="give Fenghuo its own database"):
        await Store.open(f"sqlite:///{other}", now=NOW)
    _sql(other, "insert into posts values (1)")  # still whole, and not locked


async def test_a_file_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite3"
    await (await Store.open(f"sqlite:///{path}", now=NOW)).close()
    store = await Store.open(f"sqlite:///{path}", now=NOW)
    async with store._db.reading() as conn:
        await conn.execute(text("PRAGMA query_only = ON"))  # as on a read-only disk
    with pytest.raises(StoreError, match=r"f\.sqlite3: .*make the file and its folder writable"):
        await store.record([scored("1")], now=NOW)
    await store.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("nonsense", "address cannot be read", id="no address"),
        pytest.param(
            "postgresql://u:hush@h:port/x", "address cannot be read", id="a port in words"
        ),
        pytest.param("mysql://u:hush@h/x", "mysql is not supported", id="another database"),
        pytest.param(
            "postgresql://u:hush@127.0.0.1:1/x", "check that the server runs", id="no server"
        ),
        pytest.param(
            "postgresql://127.0.0.1:1/x?password=hush",
            "check that the server runs",
            id="in the query",
        ),
    ],
)
async def test_an_address_that_does_not_work_is_told_without_its_password(
    url: str, says: str
) -> None:
    with pytest.raises(StoreError) as caught:
        await Store.open(url, now=NOW)
    assert says in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "hush" not in "".join(traceback.format_exception(caught.value))
