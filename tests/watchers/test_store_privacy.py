"""What is taken back, objected to, too old or exported: words and names leave all tables."""

from dataclasses import replace
from datetime import timedelta

import msgspec

from tests.watchers.conftest import NOW
from tests.watchers.test_store import CLIENT, FIRE, HOUR, MINUTE, first, incident, kept, scored
from watchers.model import (
    Alert,
    AlertKind,
    Author,
    Decision,
    Echo,
    Event,
    Kind,
    Proof,
    Quote,
    Reason,
    Scored,
    Stage,
    State,
    Tone,
)
from watchers.store import RowState, Store

LATER = NOW + MINUTE


def quote(id_: str, **changes: object) -> Quote:
    base = Quote(
        source="weibo",
        post_id=id_,
        url=f"https://weibo.example/{id_}",
        text=f"words of {id_}",
        who=f"h{id_}",
        followers=10,
        verified=False,
        at=NOW - MINUTE,
        reposts=1,
        negative=0.9,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def proof(id_: str, stage: Stage = Stage.SEED) -> Proof:
    url = f"https://weibo.example/{id_}"
    return Proof(stage=stage, at=NOW, source="weibo", post_id=id_, url=url, who=f"h{id_}")


def echo(id_: str) -> Echo:
    return Echo(
        source="weibo",
        post_id=id_,
        publisher=f"h{id_}",
        title=f"words of {id_}",
        url=f"https://weibo.example/{id_}",
        at=NOW,
    )


def told(*ids: str) -> Decision:
    """An incident that shows the posts IDS wherever one can be shown; the first leads."""
    lead = quote(ids[0])
    proofs = tuple(map(proof, ids))
    echoes = tuple(map(echo, ids))
    said = "; ".join(f"{e.publisher}: “{e.title}” {e.url}" for e in echoes)
    return Decision(
        reason=Reason.FIRST,
        incident=incident(lead=lead, proofs=proofs, echoes=echoes),
        alerts=(
            Alert(key="root", kind=AlertKind.ROOT, channel="C1"),
            Alert(
                key="evidence:1",
                kind=AlertKind.EVIDENCE,
                channel="C1",
                quotes=tuple(map(quote, ids)),
            ),
            Alert(key="stage:1", kind=AlertKind.UPDATE, channel="C1", text=said),
        ),
        events=(Event(at=NOW, kind=Reason.STAGE, who=None, text=said),),
    )


async def everything(store: Store) -> str:
    """All that is kept of incident 1, as text."""
    parts = (await store.incident(1), await store.timeline(1), await store.outbox(incident=1))
    return msgspec.json.encode(parts).decode()


async def test_a_deleted_post_leaves_incident_thread_and_timeline(store: Store) -> None:
    await store.record([scored("1"), scored("2")], now=NOW)
    await kept(store, told("1", "2"))
    await store.record([], now=LATER, deleted=[("weibo", "1"), ("weibo", "404")])
    shown = await everything(store)
    assert "words of 1" not in shown
    assert "h1" not in shown
    assert "weibo.example/1" not in shown
    assert "words of 2" in shown
    after = await store.incident(1)
    assert (after.lead, after.rev) == (None, 2)


async def test_the_root_that_showed_a_deleted_post_is_edited(store: Store) -> None:
    await store.record([scored("1")], now=NOW)
    await kept(store, told("1"))
    (root,) = await store.claim(NOW)
    await store.sent(root.id, "1.1", rev=1, now=NOW)
    await store.record([], now=LATER, deleted=[("weibo", "1")])
    (row,) = [row for row in await store.outbox() if row.kind is AlertKind.ROOT]
    assert (row.state, row.want_rev, row.next_at) == (RowState.NEW, 2, LATER)


async def test_what_shows_other_posts_is_left_alone(store: Store) -> None:
    await store.record([scored("1"), scored("2")], now=NOW)
    before = await kept(store, told("1"))
    shown = await everything(store)
    await store.record([], now=LATER, deleted=[("weibo", "2")])
    await store.record([scored("3", source="bluesky"), scored("1", source="bluesky")], now=NOW)
    await store.record([], now=LATER, deleted=[("bluesky", "1")])  # the same id elsewhere
    assert await everything(store) == shown
    assert await store.incident(1) == before


async def test_a_deleted_post_keeps_counting_and_is_never_shown_again(store: Store) -> None:
    await store.record([scored("1", author="x"), scored("2", author="x")], now=NOW)
    await store.record([], now=NOW, deleted=[("weibo", "1")])
    assert await store.record([scored("1", author="x")], now=LATER) == 0
    window = await store.window("aulane", NOW - HOUR, NOW)
    assert (window.posts, window.authors) == (2, 2)  # who wrote it is not known any more
    assert [q.post_id for q in await store.quotes("aulane", NOW - HOUR, NOW)] == ["2"]
    rows = [row async for table, row in store.export() if table in ("posts", "mentions")]
    assert not any(row.get("excerpt") or row.get("url") for row in rows if row.get("deleted_at"))


async def test_an_author_may_object_by_handle_and_leaves_alerts_too(store: Store) -> None:
    await store.record([scored("1"), scored("2")], now=NOW)
    await kept(store, told("1", "2"))
    assert await store.object_author("weibo", "h1", by="U1", now=NOW) == 1
    shown = await everything(store)
    assert "words of 1" not in shown
    assert "words of 2" in shown
    assert await store.record([scored("1"), scored("3")], now=NOW) == 1
    assert await store.object_author("weibo", "h1", by="U1", now=NOW) == 0
    assert [row.what for row in await store.audit_log(2)] == ["author objected"] * 2


async def test_the_same_name_at_another_source_has_not_objected(store: Store) -> None:
    await store.object_author("weibo", "a1", by="U1", now=NOW)
    assert await store.record([scored("1"), scored("1", source="bluesky")], now=NOW) == 1


# ------------------------------------------------------------------------------ retention
async def test_an_old_closed_incident_keeps_its_story_and_loses_its_quotes(store: Store) -> None:
    opened = await kept(store, told("1"))
    await kept(store, first(type="food_safety"))
    closed = replace(opened, rev=2, state=State.RESOLVED, closed_at=NOW, closed_by="U1")
    await kept(store, Decision(reason=Reason.RESOLVED, incident=closed))
    notice = Alert(key="notice", kind=AlertKind.NOTICE, channel="C1", text="x")
    await store.commit(Decision(reason=Reason.SOURCE, alerts=(notice,)), now=NOW)
    for row in await store.claim(NOW):
        await store.sent(row.id, "1.1", rev=1, now=NOW)
    while rows := await store.claim(NOW):
        for row in rows:
            await store.sent(row.id, "1.1", rev=1, now=NOW)
    assert (await store.purge(before=NOW))["outbox"] == 0
    gone = await store.purge(before=LATER)
    assert gone["outbox"] == 4  # three of the closed incident, and the notice
    after = await store.incident(1)
    assert (after.lead, after.close_reason, after.figures) == (None, None, opened.figures)
    assert "h1" not in await everything(store)
    assert len(await store.outbox()) == 2  # the open incident's
    assert (await store.purge(before=LATER))["outbox"] == 0


async def test_counts_outlive_the_posts_by_a_year(store: Store) -> None:
    day = timedelta(days=1)
    await store.record([scored("1", minutes=100 * 1440), scored("2", minutes=500 * 1440)], now=NOW)
    gone = await store.purge(before=NOW - 90 * day)
    assert (gone["posts"], gone["minutes"]) == (2, 1)
    assert len(await store.minutes("aulane", "weibo", NOW - 999 * day, NOW)) == 1


async def test_what_came_in_is_forgotten_with_the_posts(store: Store) -> None:
    await store.first_time("press-1", now=NOW)
    assert (await store.purge(before=NOW))["inbox"] == 0
    assert (await store.purge(before=LATER))["inbox"] == 1
    assert await store.first_time("press-1", now=LATER)


# -------------------------------------------------------------------- people's word on tone
async def test_a_person_s_word_outlives_the_post_and_its_reading_again(store: Store) -> None:
    await store.record([scored("1")], now=NOW)
    await store.correct("weibo", "1", Tone.NEUTRAL, by="U1", now=NOW)
    await store.correct("weibo", "1", Tone.POSITIVE, by="U2", now=LATER)
    await store.purge(before=LATER)
    assert await store.record([scored("1"), scored("1", source="bluesky")], now=LATER) == 2
    (row,) = [row async for table, row in store.export() if table == "corrections"]
    assert (row["tone"], row["model_tone"], row["who"]) == ("positive", "negative", "U2")
    assert {
        (q.source, q.negative) for q in await store.quotes("aulane", NOW - HOUR, NOW)
    } == {("weibo", 0.0), ("bluesky", 0.9)}  # fmt: skip


async def test_a_correction_counts_in_every_client_s_minutes(store: Store) -> None:
    await store.record([scored("1", negative=0.1, clients=("aulane", "qiyun"))], now=NOW)
    for _ in range(2):
        await store.correct("weibo", "1", Tone.NEGATIVE, by="U1", now=NOW)
    for client in ("aulane", "qiyun"):
        (minute,) = await store.minutes(client, "weibo", NOW - HOUR, NOW)
        assert (minute.posts, minute.negatives) == (1, 1)
        assert (await store.window(client, NOW - HOUR, NOW)).negatives == 1


async def test_corrections_can_be_learnt_from_while_their_text_is_kept(store: Store) -> None:
    await store.record([scored("1"), scored("2"), scored("3")], now=NOW)
    await store.correct("weibo", "2", Tone.NEUTRAL, by="U1", now=NOW)
    await store.correct("weibo", "1", Tone.POSITIVE, by="U1", now=LATER)
    kept = await store.corrected()
    assert [tone for tone, _ in kept] == [Tone.NEUTRAL, Tone.POSITIVE]
    assert all(text for _, text in kept)
    await store.purge(before=LATER)
    assert await store.corrected() == ()


# --------------------------------------------------------------------------------- export
async def test_an_export_is_json_with_links_between_its_rows(store: Store) -> None:
    await store.save_clients([CLIENT], by="U1", now=NOW)
    await store.record([scored(str(n), types=(FIRE,)) for n in range(3)], now=NOW)
    await kept(store, told("1"))
    rows = [row async for row in store.export()]
    assert msgspec.json.decode(msgspec.json.encode(rows)) == [list(row) for row in rows]
    by_table = {table: [r for t, r in rows if t == table] for table, _ in rows}
    assert by_table["hits"][0]["terms"] == ["自燃"]
    assert by_table["clients"][0]["body"]["names"] == ["奥岚"]  # type: ignore[index]
    authors = {f"weibo:{p['author_id']}": p["id"] for p in by_table["posts"]}
    assert len(authors) == 3
    assert {f"weibo:{m['author']}" for m in by_table["mentions"]} == authors.keys()


async def test_an_export_names_public_voices_and_hides_private_ones(store: Store) -> None:
    paper = Author(id="9", handle="示例日报", display="示例日报", verified=True)
    private = Author(id="77001", handle="小岚的猫", followers=3, verified=False)
    loud = Author(id="88001", handle="大嗓门", followers=2_000_000, verified=False)
    posts = [
        _by(private, "1", url="https://weibo.example/77001/1", text="冒烟 @奥岚官方 @我妹"),
        _by(private, "2", url="https://weibo.example/p/2"),
        _by(paper, "3", kind=Kind.ARTICLE, publisher="示例日报"),
        _by(loud, "4"),
    ]
    await store.record(posts, now=NOW)
    lead = quote("1", who="小岚的猫", text="冒烟 @我妹", url="https://weibo.example/77001/1")
    proofs = (
        replace(proof("1"), who="小岚的猫", url=lead.url),
        replace(proof("3", Stage.PRESS), who="示例日报"),
    )
    said = f"first post: 小岚的猫 {lead.url}; 示例日报 {proofs[1].url}"
    shown = quote("3", who="示例日报", verified=True)
    decision = replace(
        first(AlertKind.ROOT, lead=lead, proofs=proofs),
        alerts=(
            Alert(key="e", kind=AlertKind.EVIDENCE, channel="C1", quotes=(lead, shown), text=said),
        ),
        events=(Event(at=NOW, kind=Reason.STAGE, who=None, text=said),),
    )
    await kept(store, decision)
    text = str([row async for row in store.export("aulane")])
    for hidden in ("小岚的猫", "77001", "我妹", "大嗓门", "88001"):
        assert hidden not in text
    for public in ("示例日报", "https://weibo.example/p/2", "https://weibo.example/3"):
        assert public in text
    (name,) = {
        str(row["handle"])
        async for table, row in store.export()
        if table == "posts" and row["post_id"] in ("1", "2")
    }
    assert name in text
    assert text.count(name) >= 4  # post, lead, proof, timeline: the same person


def _by(author: Author, id_: str, **fields: object) -> Scored:
    found = scored(id_, **fields)  # type: ignore[arg-type]
    return replace(found, post=replace(found.post, author=author))


async def test_two_databases_give_one_person_two_names(store: Store) -> None:
    other = await Store.open("sqlite://", now=NOW)
    names = set()
    for one in (store, other):
        await one.record([scored("1")], now=NOW)
        names |= {str(r["handle"]) async for t, r in one.export() if t == "posts"}
    await other.close()
    assert len(names) == 2


async def test_an_export_pages_through_all_rows_while_others_write(store: Store) -> None:
    await store.record([scored(str(n), minutes=n / 10) for n in range(2500)], now=NOW)
    ids = []
    async for table, row in store.export("aulane"):
        if table == "posts":
            ids.append(row["post_id"])
            if len(ids) % 1000 == 0:
                await store.record([scored(f"new{len(ids)}")], now=NOW)
    assert len(ids) == len(set(ids)) >= 2500


async def test_what_was_pushed_and_never_read_goes_with_its_time(store: Store) -> None:
    assert await store.deliver("webhook:1", '{"items":[]}', now=NOW)
    assert not await store.deliver("webhook:1", '{"items":[]}', now=NOW)
    assert [d.body for d in await store.delivered(0)] == ['{"items":[]}']
    gone = await store.purge(before=NOW + MINUTE)
    assert gone["deliveries"] == 1
    assert await store.delivered(0) == ()
