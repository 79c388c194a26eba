"""The plain questions: what is open, who is loud, who did what, how sources fare."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.watchers.conftest import NOW
from tests.watchers.test_store import HOUR, MINUTE, first, kept, scored
from watchers.errors import NoSuchRow, StoreError
from watchers.model import (
    Author,
    Decision,
    Health,
    Kind,
    Outcome,
    Reason,
    Scored,
    State,
    Tone,
    Watch,
)
from watchers.store import AuditRow, Store


async def test_incidents_are_listed_newest_first_by_client_and_state(store: Store) -> None:
    mine = await kept(store, first())
    others = await kept(store, first(client="qiyun"))
    newest = await kept(store, first(type=None))
    closed = replace(mine, rev=2, state=State.FALSE_ALARM, closed_at=NOW)
    await kept(store, Decision(reason=Reason.FALSE_ALARM, incident=closed))
    assert await store.incidents() == (newest, others, closed)
    assert await store.incidents(limit=1) == (newest,)
    assert await store.incidents(clients=["aulane"]) == (newest, closed)
    assert await store.incidents(clients=[]) == ()
    assert await store.incidents(include_closed=False) == (newest, others)
    assert await store.open_incidents() == (newest, others)
    assert await store.open_incidents("qiyun") == (others,)
    with pytest.raises(NoSuchRow, match="404"):
        await store.incident(404)
    assert await store.timeline(404) == ()


async def test_a_closed_story_may_begin_anew_and_be_opened_once(store: Store) -> None:
    one = await kept(store, first())
    closed = replace(one, rev=2, state=State.RESOLVED, closed_at=NOW)
    await kept(store, Decision(reason=Reason.RESOLVED, incident=closed))
    two = await kept(store, first())
    assert two.number > one.number
    again = Decision(reason=Reason.REOPENED, incident=replace(one, rev=3))
    with pytest.raises(StoreError, match="open already"):
        await kept(store, again)
    assert await store.incident(one.number) == closed


async def test_numbers_are_never_given_twice(store: Store) -> None:
    one = await kept(store, first())
    await store.purge(before=NOW + MINUTE, client="aulane")
    two = await kept(store, first())
    assert two.number > one.number
    root, _ = await store.outbox(incident=two.number)
    assert root.key == f"inc-{two.number}:root"


async def test_loud_voices_can_be_asked_for_alone(store: Store) -> None:
    loud = Author(id="v", handle="v", display="示例卫视", followers=5, verified=True)
    voice = scored("2", reposts=0)
    await store.record(
        [scored("1"), replace(voice, post=replace(voice.post, author=loud))], now=NOW
    )
    (quote,) = await store.quotes("aulane", NOW - HOUR, NOW, professional=True)
    assert (quote.post_id, quote.who, quote.professional) == ("2", "示例卫视", True)
    (quote,) = await store.quotes("aulane", NOW - HOUR, NOW, professional=False)
    assert (quote.post_id, quote.who) == ("1", "h1")


async def test_the_angriest_come_first_where_that_is_asked_for(store: Store) -> None:
    await store.record([scored("1", negative=0.6), scored("2", negative=0.95)], now=NOW)
    quotes = await store.quotes("aulane", NOW - HOUR, NOW, by="negative")
    assert [(q.post_id, q.negative) for q in quotes] == [("2", 0.95), ("1", 0.6)]


async def test_a_window_of_all_sources_tells_authors_of_one_name_apart(store: Store) -> None:
    await store.record(
        [scored("1", author="x"), scored("2", author="x", source="bluesky")], now=NOW
    )
    window = await store.window("aulane", NOW - HOUR, NOW)
    assert (window.posts, window.authors, window.professionals) == (2, 2, 0)
    assert (await store.window("aulane", NOW - HOUR, NOW, source="bluesky")).authors == 1
    empty = await store.window("nobody", NOW - HOUR, NOW)
    assert (empty.posts, empty.raw, empty.negatives) == (0, 0, 0)


async def test_detectors_are_kept_by_client_and_source(store: Store) -> None:
    nothing = Decision(reason=Reason.NOTHING)
    for state in (b"old", b"\x00new\xff"):
        assert await store.commit(nothing, now=NOW, detector=("aulane", "weibo", state)) is None
    await store.commit(nothing, now=NOW, detector=("aulane", "bluesky", b"b"))
    assert await store.detectors() == {
        ("aulane", "weibo"): b"\x00new\xff",
        ("aulane", "bluesky"): b"b",
    }
    assert await store.detector("aulane", "weibo") == b"\x00new\xff"
    assert await store.detector("aulane", "mastodon") is None
    assert await store.first_at("aulane", "weibo") is None


async def test_who_did_what_is_logged_newest_first(store: Store) -> None:
    found = await kept(store, first())
    await store.audit(who="U1", what="acknowledge", now=NOW, client="aulane", incident=found.number)
    await store.audit(who="U2", what="refused: resolve", now=NOW, detail="a viewer")
    two, one, *_ = await store.audit_log(limit=2)
    assert one == AuditRow(
        at=NOW, who="U1", what="acknowledge", client="aulane", incident=found.number, detail=""
    )
    assert (two.who, two.client, two.incident, two.detail) == ("U2", None, None, "a viewer")


async def test_the_health_of_a_source_is_its_last_one(store: Store) -> None:
    health = Health(source="weibo", outcome=Outcome.OK, since=NOW, asked_at=NOW)
    await store.save_health(health)
    worse = replace(health, outcome=Outcome.BLOCKED, failures=3, until=NOW + HOUR, told=True)
    await store.save_health(worse)
    await store.save_health(replace(health, source="feed"))
    assert await store.health() == {"weibo": worse, "feed": replace(health, source="feed")}


async def test_thousands_of_watches_are_saved_and_dropped(store: Store) -> None:
    watches = [
        Watch(source="weibo", query=f"词{n:05}", every=MINUTE, next_at=NOW) for n in range(5_000)
    ]
    await store.save_watches(watches)
    await store.save_watches([replace(watches[0], next_at=NOW + HOUR)])
    await store.save_watches([])
    await store.drop_watches([])
    await store.drop_watches((w.source, w.query) for w in watches[2:])
    assert await store.watches() == (replace(watches[0], next_at=NOW + HOUR), watches[1])


async def test_what_postgresql_calls_off_is_done_again_a_few_times(store: Store) -> None:
    class CalledOff(Exception):
        sqlstate = "40P01"

    tries: list[int] = []

    async def work(_: AsyncConnection, good: int) -> int:
        tries.append(1)
        if len(tries) < good:
            raise DBAPIError("select 1", {}, CalledOff("deadlock detected"))
        return len(tries)

    assert await store._db.write(lambda conn: work(conn, 3)) == 3
    tries.clear()
    with pytest.raises(StoreError, match="deadlock detected"):
        await store._db.write(lambda conn: work(conn, 99))
    assert len(tries) == 4


async def test_a_client_s_purge_by_age_spares_what_is_newer(store: Store) -> None:
    await store.record([scored("1", minutes=2 * 1440), scored("2")], now=NOW)
    await kept(store, first())
    gone = await store.purge(before=NOW - timedelta(days=1), client="aulane")
    assert (gone["posts"], gone["minutes"], gone["incidents"]) == (1, 1, 0)
    assert await store.known("weibo", ["1", "2"]) == {"2"}


async def test_the_newest_posts_are_given_back_to_the_clusters_oldest_first(store: Store) -> None:
    await store.record(
        [
            scored("1", minutes=50),
            scored("2", minutes=40),
            scored("3", minutes=30, cluster="weibo:2", kind=Kind.REPOST, parent_id="2"),
            scored("4", minutes=20),
        ],
        now=NOW,
    )
    await store.record([], now=NOW, deleted=[("weibo", "4")])
    kept = await store.clustered(NOW - HOUR, limit=2)
    assert [(p.id, p.parent_id, p.author.id, c) for p, c in kept] == [
        ("2", None, "a2", "weibo:2"),
        ("3", "2", "a3", "weibo:2"),
    ]
    assert await store.clustered(NOW - 10 * MINUTE, limit=2) == ()


async def test_voices_are_posts_in_own_words_with_what_is_known_of_the_account(
    store: Store,
) -> None:
    await store.record(
        [
            scored("1", minutes=50),
            scored("2", minutes=40, cluster="weibo:1"),
            scored("3", minutes=30, cluster="weibo:1", kind=Kind.REPOST, parent_id="1"),
            scored("4", minutes=20, text="转发微博//@某人:奥岚取暖器自燃"),
            scored("5", minutes=10, quoted=True),
            scored("6", minutes=5, clients=("other",)),
            scored("9", minutes=1),
        ],
        now=NOW,
    )
    found = await store.voices("aulane", NOW - HOUR, NOW, source="weibo")
    assert [(v.author, v.text, v.followers) for v in found] == [
        ("weibo:a9", "weibo:9", 10),
        ("weibo:a2", "weibo:1", 10),
        ("weibo:a1", "weibo:1", 10),
    ]
    assert found[1].at == NOW - 40 * MINUTE
    assert await store.voices("aulane", NOW - HOUR, NOW, source="mastodon") == ()


async def test_the_age_of_an_account_is_known_to_the_day_where_the_source_tells(
    store: Store,
) -> None:
    fresh = Author(id="a1", handle="h1", since=NOW - timedelta(days=3))
    await store.record([scored("1", author="a1"), scored("2")], now=NOW)
    made = scored("3", minutes=1)
    await store.record([replace(made, post=replace(made.post, author=fresh))], now=NOW)
    newest, *rest = await store.voices("aulane", NOW - HOUR, NOW, source="weibo")
    assert newest.age is not None
    assert timedelta(days=3) - MINUTE <= newest.age < timedelta(days=4)
    assert [v.age for v in rest] == [None, None]


async def test_a_time_that_is_known_to_the_minute_says_nothing_of_rhythm(store: Store) -> None:
    await store.record([scored("1", created_precision=MINUTE)], now=NOW)
    (found,) = await store.voices("aulane", NOW - HOUR, NOW, source="weibo")
    assert found.at is None


async def test_copies_are_counted_for_the_client_who_asks(store: Store) -> None:
    rows = [
        scored("1"),
        scored("2", cluster="weibo:1"),
        scored("3", cluster="weibo:1", clients=("other",)),
    ]
    await store.record(rows, now=NOW)
    (quote,) = await store.quotes("aulane", NOW - HOUR, NOW)
    assert quote.cluster_size == 2


def repeated(id_: str, of: str, *, minutes: int = 5, negative: bool = False) -> Scored:
    found = scored(id_, minutes=minutes)
    author = replace(found.post.author, id=f"a{id_}")
    post = replace(found.post, author=author, kind=Kind.REPOST)
    tone = Tone.NEGATIVE if negative else Tone.NEUTRAL
    return replace(found, post=post, cluster=f"weibo:{of}", leads=False, tone=tone)


async def test_what_spreads_is_told_with_how_many_repeat_it(store: Store) -> None:
    one = scored("1", minutes=180)  # old itself, repeated now
    copies = [repeated(f"c{n}", "1", negative=n < 3) for n in range(12)]
    few = [scored("2"), *(repeated(f"d{n}", "2") for n in range(4))]
    old = [repeated(f"e{n}", "3", minutes=90) for n in range(20)]
    await store.record([one, *copies, *few, scored("3", minutes=120), *old], now=NOW)
    (spread,) = await store.spreads("aulane", "weibo", NOW, least=10)
    assert (spread.lead.post_id, spread.people, spread.posts) == ("1", 12, 12)
    assert (spread.negatives, spread.lead.cluster_size) == (3, 13)
    assert await store.spreads("aulane", "weibo", NOW, least=13) == ()
    assert await store.spreads("other", "weibo", NOW, least=1) == ()
    assert await store.spreads("aulane", "mastodon", NOW, least=1) == ()


async def test_the_source_s_own_count_tells_of_reposts_that_were_not_seen(store: Store) -> None:
    minutes = {"young": 20, "slow": 240, "aged": 420}
    for id_, age in minutes.items():
        await store.record([scored(id_, minutes=age, reposts=60)], now=NOW)
    (spread,) = await store.spreads("aulane", "weibo", NOW, least=30)
    assert (spread.lead.post_id, spread.people) == ("young", 60)
    both = await store.spreads("aulane", "weibo", NOW, least=15)
    assert [(s.lead.post_id, s.people) for s in both] == [("young", 60), ("slow", 15)]


async def test_authors_of_young_accounts_are_counted_where_their_age_is_known(store: Store) -> None:
    def by(name: str, age: int | None) -> Scored:
        since = None if age is None else NOW - timedelta(days=age)
        made = scored(name)
        return replace(
            made, post=replace(made.post, author=Author(id=name, handle=name, since=since))
        )

    end, month = NOW + MINUTE, NOW - timedelta(days=30)
    await store.record([by("1", None)], now=NOW)
    assert await store.young_authors("aulane", "weibo", NOW - HOUR, end, since=month) is None
    await store.record([by("2", 3), by("3", 29), by("4", 400)], now=NOW)
    assert await store.young_authors("aulane", "weibo", NOW - HOUR, end, since=month) == 2
    assert await store.young_authors("aulane", "weibo", end, end + HOUR, since=month) is None


async def test_copies_are_quoted_only_where_they_are_asked_for(store: Store) -> None:
    original = scored("1")
    copy = replace(scored("2"), cluster=original.cluster, leads=False)
    await store.record([original, copy], now=NOW)
    start, end = NOW - HOUR, NOW + MINUTE
    assert [q.post_id for q in await store.quotes("aulane", start, end, by="first")] == ["1"]
    both = await store.quotes("aulane", start, end, by="first", copies=True)
    assert {q.post_id for q in both} == {"1", "2"}
