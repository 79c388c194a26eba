"""The store as the stages, the desk and delivery use it; the same on every database."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.watchers.conftest import NOW
from watchers.errors import DatabaseTooNew, NoSuchRow, StaleIncident, StoreError
from watchers.model import (
    Alert,
    AlertKind,
    Author,
    Client,
    Decision,
    Event,
    Figures,
    Health,
    Incident,
    Kind,
    MatchKind,
    Mention,
    Outcome,
    Post,
    Reason,
    Scored,
    Severity,
    Stage,
    State,
    Tone,
    Trend,
    TypeHit,
    Watch,
    Watermark,
)
from watchers.store import RowState, Store

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CLIENT = Client(id="aulane", name="Aulane", names=("奥岚",), channel="C1")


def scored(
    id_: str,
    *,
    minutes: float = 5,
    author: str | None = None,
    negative: float = 0.9,
    types: tuple[TypeHit, ...] = (),
    cluster: str | None = None,
    clients: tuple[str, ...] = ("aulane",),
    quoted: bool = False,
    text: str = "奥岚取暖器自燃",
    **changes: object,
) -> Scored:
    fields: dict[str, object] = {
        "source": "weibo",
        "id": id_,
        "url": f"https://weibo.example/{id_}",
        "text": text,
        "author": Author(id=author or f"a{id_}", handle=f"h{id_}", followers=10, verified=False),
        "created_at": NOW - minutes * MINUTE,
        "retrieved_at": NOW,
        "reposts": 1,
    }
    post = Post(**(fields | changes))  # type: ignore[arg-type]
    key = f"weibo:{id_}"
    return Scored(
        post=post,
        mentions=tuple(
            Mention(client=c, term="奥岚", found="奥岚", kind=MatchKind.NAME, quoted=quoted)
            for c in clients
        ),
        negative=negative,
        tone=Tone.NEGATIVE if negative >= 0.5 else Tone.NEUTRAL,
        types=types,
        cluster=cluster or key,
        leads=cluster is None,
    )


FIRE = TypeHit(type="product_safety", terms=("自燃",), strong=True)


def incident(**changes: object) -> Incident:
    base = Incident(
        number=0,
        client="aulane",
        type="product_safety",
        type_terms=("自燃",),
        severity=Severity.S2,
        reasons=("Product safety: starts at S2",),
        state=State.OPEN,
        stage=Stage.FERMENT,
        trend=Trend.RUNNING,
        opened_at=NOW,
        first_post_at=NOW - HOUR,
        updated_at=NOW,
        rev=1,
        figures=Figures(
            at=NOW, count=25, with_reposts=60, authors=23, usual=4.0, negative_share=0.7, total=25
        ),
        lead=None,
        channel="C1",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def alerts(*kinds: AlertKind) -> tuple[Alert, ...]:
    return tuple(Alert(key=f"{kind}", kind=kind, channel="C1") for kind in kinds)


def first(*kinds: AlertKind, **changes: object) -> Decision:
    return Decision(
        reason=Reason.FIRST,
        incident=incident(**changes),
        alerts=alerts(*(kinds or (AlertKind.ROOT, AlertKind.EVIDENCE))),
        events=(Event(at=NOW, kind=Reason.FIRST, who=None, text="25 posts"),),
    )


async def kept(store: Store, decision: Decision, **how: object) -> Incident:
    found = await store.commit(decision, now=NOW, **how)  # type: ignore[arg-type]
    assert found is not None
    return found


# ------------------------------------------------------------------------------------ posts
async def test_a_round_is_kept_and_counted_by_the_minute(store: Store) -> None:
    batch = [
        scored("1", minutes=5),
        scored("2", minutes=5, negative=0.1),
        scored("3", minutes=3, cluster="weibo:1"),
        scored("4", minutes=3, quoted=True),
    ]
    assert await store.record(batch, now=NOW) == 4
    rows = await store.minutes("aulane", "weibo", NOW - HOUR, NOW)
    assert [(r.posts, r.negatives, r.raw) for r in rows] == [(2, 1, 2), (0, 0, 2)]
    assert await store.known("weibo", ["1", "2", "9"]) == {"1", "2"}


async def test_a_post_seen_again_counts_once_and_renews_its_counts(store: Store) -> None:
    await store.record([scored("1")], now=NOW)
    again = scored("1", reposts=77)
    assert await store.record([again, again], now=NOW) == 0
    (quote,) = await store.quotes("aulane", NOW - HOUR, NOW)
    assert quote.reposts == 77
    assert (await store.window("aulane", NOW - HOUR, NOW)).raw == 1


async def test_any_order_and_any_number_of_times_give_the_same_rollups(store: Store) -> None:
    batch = [scored(str(n), minutes=n % 7, negative=(n % 3) / 2) for n in range(40)]
    rng = random.Random(1)
    for _ in range(3):
        rng.shuffle(batch)
        for start in range(0, 40, 7):
            await store.record(batch[start : start + 11], now=NOW)
    rows = await store.minutes("aulane", "weibo", NOW - HOUR, NOW + HOUR)
    assert sum(r.posts for r in rows) == 40
    assert sum(r.negatives for r in rows) == sum((n % 3) / 2 >= 0.5 for n in range(40))


async def test_one_post_for_two_clients_is_one_post_and_two_counts(store: Store) -> None:
    assert await store.record([scored("1", clients=("aulane", "qiyun"))], now=NOW) == 1
    for client in ("aulane", "qiyun"):
        assert (await store.window(client, NOW - HOUR, NOW)).posts == 1


async def test_a_post_without_publish_time_is_kept_but_not_counted(store: Store) -> None:
    await store.record([scored("1", created_at=None)], now=NOW)
    assert await store.known("weibo", ["1"]) == {"1"}
    assert (await store.window("aulane", NOW - HOUR, NOW + HOUR)).raw == 0


async def test_no_more_than_an_excerpt_is_stored(store: Store) -> None:
    await store.record([scored("1", text="奥" * 5000)], now=NOW)
    (quote,) = await store.quotes("aulane", NOW - HOUR, NOW)
    assert len(quote.text) == 280
    assert quote.text.endswith("…")


async def test_what_is_deleted_at_the_source_loses_its_words_here(store: Store) -> None:
    await store.record([scored("1"), scored("2")], now=NOW)
    await store.record([], now=NOW, deleted=[("weibo", "1")])
    assert [q.post_id for q in await store.quotes("aulane", NOW - HOUR, NOW)] == ["2"]
    assert (await store.window("aulane", NOW - HOUR, NOW)).posts == 2


async def test_windows_count_posts_authors_and_voices(store: Store) -> None:
    big = Author(id="big", handle="big", followers=2_000_000, verified=True)
    batch = [scored(str(n), author=f"a{n % 4}") for n in range(10)]
    await store.record([*batch, scored("b", author="x", source="weibo")], now=NOW)
    await store.record([replace(scored("c"), post=replace(scored("c").post, author=big))], now=NOW)
    window = await store.window("aulane", NOW - HOUR, NOW, source="weibo")
    assert (window.posts, window.authors, window.professionals) == (12, 6, 1)
    assert (await store.window("aulane", NOW - HOUR, NOW, source="feed")).posts == 0
    assert (await store.window("aulane", NOW - HOUR, NOW - 5 * MINUTE)).posts == 0


async def test_a_tally_counts_types_with_their_words(store: Store) -> None:
    weak = TypeHit(type="outage", terms=("打不开",), strong=False)
    batch = [
        scored("1", types=(FIRE,)),
        scored("2", types=(FIRE, weak)),
        scored("3", types=(weak,)),
    ]
    batch.append(scored("4", types=(FIRE,), author="a1"))
    await store.record(batch, now=NOW)
    fire, outage = await store.tally("aulane", NOW - HOUR, NOW)
    assert (fire.type, fire.posts, fire.strong, fire.strong_authors) == ("product_safety", 3, 3, 2)
    assert (outage.posts, outage.strong) == (2, 0)
    assert fire.terms == ("自燃",)


async def test_quotes_come_in_the_order_that_is_asked_for(store: Store) -> None:
    await store.record(
        [
            scored("1", minutes=9, reposts=5, types=(FIRE,)),
            scored("2", minutes=7, reposts=900, negative=0.6),
            scored("3", minutes=1, reposts=1, cluster="weibo:2"),
            scored("5", minutes=3, kind=Kind.ARTICLE, publisher="示例新闻网"),
        ],
        now=NOW,
    )
    ids = {
        by: [q.post_id for q in await store.quotes("aulane", NOW - HOUR, NOW, by=by)]
        for by in ("reach", "first", "newest")
    }
    assert ids == {"reach": ["2", "1", "5"], "first": ["1", "2", "5"], "newest": ["5", "2", "1"]}
    (about,) = await store.quotes("aulane", NOW - HOUR, NOW, types=["product_safety"])
    assert (about.post_id, about.types) == ("1", ("product_safety",))
    (article,) = await store.quotes("aulane", NOW - HOUR, NOW, kinds=[Kind.ARTICLE])
    assert article.who == "示例新闻网"
    assert (await store.quotes("aulane", NOW - HOUR, NOW, limit=1))[0].cluster_size == 2


async def test_a_person_s_word_on_a_post_wins_and_is_counted(store: Store) -> None:
    await store.record([scored("1")], now=NOW)
    await store.correct("weibo", "1", Tone.POSITIVE, by="U1", now=NOW)
    assert (await store.window("aulane", NOW - HOUR, NOW)).negatives == 0
    assert (await store.minutes("aulane", "weibo", NOW - HOUR, NOW))[0].negatives == 0
    with pytest.raises(NoSuchRow):
        await store.correct("weibo", "404", Tone.POSITIVE, by="U1", now=NOW)


async def test_an_author_who_objects_is_gone_for_good(store: Store) -> None:
    await store.record([scored("1", author="x"), scored("2")], now=NOW)
    assert await store.object_author("weibo", "x", by="U1", now=NOW) == 1
    assert await store.record([scored("3", author="x"), scored("4")], now=NOW) == 1
    assert await store.known("weibo", ["1", "2", "3", "4"]) == {"2", "4"}


# ---------------------------------------------------------------------- clients, watches
async def test_a_client_s_version_rises_where_something_changed(store: Store) -> None:
    (one,) = await store.save_clients([CLIENT], by="U1", now=NOW)
    (same,) = await store.save_clients([CLIENT], by="U1", now=NOW)
    (two,) = await store.save_clients([replace(CLIENT, exclude=("奥兰多",))], by="U1", now=NOW)
    assert (one.version, same.version, two.version) == (1, 1, 2)
    assert await store.clients() == (two,)
    await store.remove_client("aulane", by="U1", now=NOW)
    assert await store.clients() == ()
    with pytest.raises(NoSuchRow):
        await store.remove_client("aulane", by="U1", now=NOW)
    assert [row.what for row in await store.audit_log()] == [
        "client removed",
        "client changed",
        "client added",
        "database migrated",
    ]


async def test_watches_and_health_are_kept_with_the_round(store: Store) -> None:
    watch = Watch(source="weibo", query="奥岚", every=5 * MINUTE, next_at=NOW)
    health = Health(source="weibo", outcome=Outcome.OK, since=NOW, asked_at=NOW, ok_at=NOW)
    mark = Watermark(at=NOW, id="1", covered_to=NOW, validators=(("ETag", "x"),))
    await store.save_watches([watch])
    await store.record([scored("1")], now=NOW, watch=replace(watch, watermark=mark), health=health)
    assert (await store.watches())[0].watermark == mark
    assert await store.health() == {"weibo": health}
    await store.drop_watches([("weibo", "奥岚")])
    assert await store.watches() == ()


# -------------------------------------------------------------------- incidents, outbox
async def test_incident_timeline_outbox_and_detector_are_one_transaction(store: Store) -> None:
    found = await kept(store, first(), detector=("aulane", "weibo", b"state"))
    assert found.number == 1
    assert await store.incident(1) == found
    assert [row.key for row in await store.outbox()] == ["inc-1:root", "inc-1:evidence"]
    assert [e.text for e in await store.timeline(1)] == ["25 posts"]
    assert await store.detector("aulane", "weibo") == b"state"
    with pytest.raises(StaleIncident):
        await store.commit(
            replace(first(AlertKind.UPDATE), incident=replace(found, rev=2)),
            now=NOW,
            expect=9,
            detector=("aulane", "weibo", b"newer"),
        )
    assert await store.detector("aulane", "weibo") == b"state"
    assert len(await store.outbox()) == 2


async def test_a_client_has_one_open_incident_a_story(store: Store) -> None:
    await kept(store, first())
    with pytest.raises(StaleIncident):
        await kept(store, first())
    other = await kept(store, first(type="food_safety"))
    assert other.number > 1
    assert [i.number for i in await store.open_incidents("aulane")] == [other.number, 1]


async def test_of_two_who_change_an_incident_at_once_one_wins(store: Store) -> None:
    found = await kept(store, first())

    async def take(who: str) -> bool:
        after = replace(found, state=State.ACKNOWLEDGED, owner=who, rev=2)
        try:
            await store.commit(
                Decision(reason=Reason.ACKNOWLEDGED, incident=after), now=NOW, expect=1
            )
        except StaleIncident:
            return False
        return True

    won = await asyncio.gather(*(take(f"U{n}") for n in range(8)))
    assert sum(won) == 1
    assert (await store.incident(1)).owner == f"U{won.index(True)}"


async def test_replies_wait_until_their_root_stands(store: Store) -> None:
    await kept(store, first(AlertKind.EVIDENCE, AlertKind.ROOT, AlertKind.CHART))
    (root,) = await store.claim(NOW)
    assert root.kind is AlertKind.ROOT
    assert await store.claim(NOW) == ()
    await store.sent(root.id, "10.1", rev=1, now=NOW)
    assert await store.root_ts(1) == ("C1", "10.1")
    (reply,) = await store.claim(NOW)
    assert (reply.kind, reply.parent_ts, reply.state) == (
        AlertKind.EVIDENCE,
        "10.1",
        RowState.SENDING,
    )


async def test_two_senders_never_take_the_same_row(store: Store) -> None:
    for n in range(6):
        alert = Alert(key=f"n{n}", kind=AlertKind.NOTICE, channel=f"C{n}", text="x")
        await store.commit(Decision(reason=Reason.SOURCE, alerts=(alert,)), now=NOW)
    taken = [
        rows
        for _ in range(3)
        for rows in await asyncio.gather(*(store.claim(NOW, limit=2) for _ in range(4)))
    ]
    keys = [row.key for rows in taken for row in rows]
    assert len(keys) == len(set(keys)) == 6


async def test_a_key_is_told_once(store: Store) -> None:
    alert = Alert(key="source:weibo", kind=AlertKind.NOTICE, channel="C1", text="x")
    for _ in range(3):
        await store.commit(Decision(reason=Reason.SOURCE, alerts=(alert,)), now=NOW)
    assert len(await store.outbox()) == 1


async def test_a_root_is_edited_at_once_for_a_state_and_later_for_figures(store: Store) -> None:
    found = await kept(store, first(AlertKind.ROOT))
    (root,) = await store.claim(NOW)
    await store.sent(root.id, "10.1", rev=1, now=NOW)
    assert await store.claim(NOW) == ()
    counts = Decision(
        reason=Reason.COUNTS, incident=replace(found, rev=2), alerts=alerts(AlertKind.ROOT)
    )
    await store.commit(counts, now=NOW, expect=1)
    assert await store.claim(NOW + timedelta(seconds=29)) == ()
    taken = Decision(
        reason=Reason.ACKNOWLEDGED, incident=replace(found, rev=3), alerts=alerts(AlertKind.ROOT)
    )
    await store.commit(taken, now=NOW + timedelta(seconds=5), expect=2)
    (edit,) = await store.claim(NOW + timedelta(seconds=5))
    assert (edit.ts, edit.want_rev, edit.sent_rev) == ("10.1", 3, 1)


async def test_what_changes_while_an_edit_is_under_way_is_sent_next(store: Store) -> None:
    found = await kept(store, first(AlertKind.ROOT))
    (root,) = await store.claim(NOW)
    after = Decision(
        reason=Reason.STAGE, incident=replace(found, rev=2), alerts=alerts(AlertKind.ROOT)
    )
    await store.commit(after, now=NOW, expect=1)
    await store.sent(root.id, "10.1", rev=root.want_rev, now=NOW)
    (again,) = await store.claim(NOW)
    assert again.want_rev == 2


async def test_a_dead_sender_s_rows_become_unclear_and_may_be_sent_again(store: Store) -> None:
    await kept(store, first(AlertKind.ROOT))
    (root,) = await store.claim(NOW)
    assert await store.recover(older_than=NOW - MINUTE, now=NOW) == 0
    assert await store.recover(older_than=NOW, now=NOW + MINUTE) == 1
    (unclear,) = await store.unknown(NOW + MINUTE)
    assert (unclear.id, unclear.first_try_at) == (root.id, NOW)
    await store.resend(root.id, now=NOW + MINUTE)
    assert (await store.claim(NOW + MINUTE))[0].attempts == 2


async def test_rows_are_put_off_and_given_up(store: Store) -> None:
    await kept(store, first(AlertKind.ROOT))
    (root,) = await store.claim(NOW)
    await store.put_off(root.id, NOW + HOUR, "ratelimited", now=NOW)
    assert await store.claim(NOW + MINUTE) == ()
    (root,) = await store.claim(NOW + HOUR)
    await store.give_up(root.id, "is_archived", now=NOW)
    (failed,) = await store.outbox(states=["failed"])
    assert failed.error == "is_archived"


async def test_a_lost_root_is_posted_anew(store: Store) -> None:
    await kept(store, first(AlertKind.ROOT))
    (root,) = await store.claim(NOW)
    await store.sent(root.id, "10.1", rev=1, now=NOW)
    await store.lose_root(1, now=NOW)
    assert await store.root_ts(1) is None
    assert (await store.claim(NOW))[0].ts is None
    await store.adopt_root(1, "C2", "11.1", now=NOW)
    assert await store.root_ts(1) == ("C2", "11.1")


async def test_what_comes_twice_is_acted_on_once(store: Store) -> None:
    answers = await asyncio.gather(*(store.first_time("press-1", now=NOW) for _ in range(5)))
    assert sorted(answers) == [False] * 4 + [True]


# -------------------------------------------------------------------- retention, export
async def test_purge_deletes_by_age_and_spares_what_is_newer(store: Store) -> None:
    await store.record([scored("1", minutes=60 * 24 * 100), scored("2")], now=NOW)
    gone = await store.purge(before=NOW - timedelta(days=90))
    assert gone["posts"] == 1
    assert await store.known("weibo", ["1", "2"]) == {"2"}


async def test_purging_a_client_spares_the_posts_of_another(store: Store) -> None:
    await store.record([scored("1", clients=("aulane", "qiyun")), scored("2")], now=NOW)
    await kept(store, first())
    gone = await store.purge(before=NOW + HOUR, client="aulane")
    assert (gone["posts"], gone["incidents"]) == (1, 1)
    assert await store.known("weibo", ["1", "2"]) == {"1"}
    assert (await store.window("qiyun", NOW - HOUR, NOW)).posts == 1
    assert await store.minutes("aulane", "weibo", NOW - HOUR, NOW) == ()


async def test_an_export_holds_one_client_and_hides_private_authors(store: Store) -> None:
    await store.save_clients([CLIENT], by="U1", now=NOW)
    await store.record([scored("1"), scored("2", clients=("qiyun",))], now=NOW)
    await kept(store, first())
    rows = [row async for row in store.export("aulane")]
    tables = {table for table, _ in rows}
    assert {"clients", "posts", "mentions", "minutes", "incidents", "timeline"} <= tables
    posts = [row for table, row in rows if table == "posts"]
    assert [p["post_id"] for p in posts] == ["1"]
    assert str(posts[0]["handle"]).startswith("author-")
    assert "h1" not in str(rows)


# --------------------------------------------------------------------- opening, restarts
async def test_all_is_there_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'f.sqlite3'}"
    store = await Store.open(url, now=NOW)
    await store.save_clients([CLIENT], by="U1", now=NOW)
    await store.record([scored("1", types=(FIRE,))], now=NOW)
    found = await kept(store, first())
    await store.close()
    again = await Store.open(url, now=NOW)
    assert await again.incident(1) == found
    assert await again.record([scored("1")], now=NOW) == 0
    assert len(await again.outbox()) == 2
    await again.close()


async def test_many_tasks_share_one_store(store: Store) -> None:
    async def work(n: int) -> None:
        await store.record([scored(f"{n}", minutes=n % 50)], now=NOW)
        await store.window("aulane", NOW - HOUR, NOW)

    await asyncio.gather(*(work(n) for n in range(200)))
    assert (await store.window("aulane", NOW - HOUR, NOW + HOUR)).posts == 200


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415

    path = tmp_path / "f.sqlite3"
    await (await Store.open(f"sqlite:///{path}", now=NOW)).close()
    with sqlite3.connect(path) as conn:
        conn.execute("update alembic_version set version_num = '9999'")
    conn.close()
    with pytest.raises(DatabaseTooNew, match="9999"):
        await Store.open(f"sqlite:///{path}", now=NOW)


async def test_a_damaged_or_unwritable_file_names_place_and_mend(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite3"
    path.write_bytes(b"this is no database, but long enough to look at " * 50)
    with pytest.raises(StoreError, match="put a backup in its place"):
        await Store.open(f"sqlite:///{path}", now=NOW)
    with pytest.raises(StoreError, match="folder must exist"):
        await Store.open(f"sqlite:///{tmp_path / 'none' / 'f'}", now=NOW)


async def test_no_password_shows_in_an_error() -> None:
    with pytest.raises(StoreError) as caught:
        await Store.open("postgresql://me:hush@127.0.0.1:1/none", now=NOW)
    assert "hush" not in str(caught.value)


async def test_times_come_back_aware_in_utc(store: Store) -> None:
    await store.record([scored("1")], now=NOW)
    at = await store.first_at("aulane", "weibo")
    assert at == datetime(2026, 3, 3, 11, 55, tzinfo=UTC)
    assert at.tzinfo is UTC
