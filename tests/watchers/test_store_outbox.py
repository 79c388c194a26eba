"""The outbox between several senders: order, lanes, edits and what comes too late."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.watchers.conftest import NOW
from tests.watchers.test_store import alerts, first, incident, kept
from watchers.errors import NoSuchRow, StaleIncident
from watchers.model import Alert, AlertKind, Decision, Incident, Reason
from watchers.store import OutboxRow, RowState, Store

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def update(key: str, channel: str = "C1") -> Alert:
    return Alert(key=key, kind=AlertKind.UPDATE, channel=channel, text=key)


async def goes_on(store: Store, before: Incident, reason: Reason, *said: Alert) -> Incident:
    """Commit the next revision of BEFORE, with its root and what is SAID in the thread."""
    after = replace(before, rev=before.rev + 1)
    decision = Decision(reason=reason, incident=after, alerts=(*alerts(AlertKind.ROOT), *said))
    return await kept(store, decision, expect=before.rev)


async def deliver(store: Store, ts: str = "") -> list[str]:
    """Send what can be sent until nothing is due; return the keys in their order."""
    keys: list[str] = []
    while rows := await store.claim(NOW):
        for row in rows:
            await store.sent(row.id, row.ts or ts or f"{len(keys)}.0", rev=row.want_rev, now=NOW)
            keys.append(row.key)
    return keys


async def stands(store: Store, *kinds: AlertKind) -> Incident:
    """Return an incident whose alerts of KINDS are all posted."""
    found = await kept(store, first(AlertKind.ROOT, *kinds))
    await deliver(store)
    return found


async def row_of(store: Store, key: str) -> OutboxRow:
    (row,) = [row for row in await store.outbox() if row.key == key]
    return row


async def test_all_roots_come_before_all_replies_and_replies_in_order(store: Store) -> None:
    for kind in ("fire", "food", "leak"):
        await kept(store, first(AlertKind.EVIDENCE, AlertKind.ROOT, AlertKind.CHART, type=kind))
    assert await deliver(store) == [
        *[f"inc-{n}:root" for n in (1, 2, 3)],
        *[f"inc-{n}:{what}" for n in (1, 2, 3) for what in ("evidence", "chart")],
    ]


async def test_one_post_at_a_time_goes_to_a_channel_and_channels_do_not_wait(store: Store) -> None:
    for n in range(6):
        alert = Alert(key=f"n{n}", kind=AlertKind.NOTICE, channel=f"C{n % 2}", text="x")
        await store.commit(Decision(reason=Reason.SOURCE, alerts=(alert,)), now=NOW)
    assert [row.key for row in await store.claim(NOW)] == ["n0", "n1"]
    assert await store.claim(NOW) == ()
    await store.sent((await row_of(store, "n1")).id, "1.1", rev=0, now=NOW)
    assert [row.key for row in await store.claim(NOW)] == ["n3"]


async def test_a_channel_with_a_long_queue_does_not_hide_the_others(store: Store) -> None:
    many = tuple(Alert(key=f"n{n}", kind=AlertKind.NOTICE, channel="C1") for n in range(500))
    last = Alert(key="last", kind=AlertKind.NOTICE, channel="C2")
    await store.commit(Decision(reason=Reason.SOURCE, alerts=(*many, last)), now=NOW)
    assert [row.key for row in await store.claim(NOW, limit=2)] == ["n0", "last"]


async def test_an_edit_and_a_post_are_claimed_side_by_side(store: Store) -> None:
    found = await stands(store)
    await goes_on(store, found, Reason.STAGE, update("stage"))
    assert [row.key for row in await store.claim(NOW)] == ["inc-1:root", "inc-1:stage"]


async def test_replies_wait_for_one_that_is_unclear_or_put_off_above_them(store: Store) -> None:
    found = await stands(store)
    found = await goes_on(store, found, Reason.STAGE, update("one"))
    one = (await store.claim(NOW))[-1]
    await goes_on(store, found, Reason.STAGE, update("two"))
    await store.unclear(one.id, NOW + MINUTE, "timeout", now=NOW)
    assert "inc-1:two" not in [row.key for row in await store.claim(NOW)]
    await store.resend(one.id, now=NOW)
    assert "inc-1:one" in [row.key for row in await store.claim(NOW)]
    await store.put_off(one.id, NOW + MINUTE, "ratelimited", now=NOW)
    assert "inc-1:two" not in [row.key for row in await store.claim(NOW)]
    await store.give_up(one.id, "too late", now=NOW)  # not in a sender's hands any more
    assert [row.key for row in await store.claim(NOW + MINUTE)] == ["inc-1:one"]


async def test_a_picture_that_is_late_holds_no_words_up(store: Store) -> None:
    found = await stands(store)
    chart = Alert(key="chart:1", kind=AlertKind.CHART, channel="C1")
    await goes_on(store, found, Reason.STILL, chart, update("two"))
    rows = await store.claim(NOW)
    await store.unclear(rows[-1].id, NOW + MINUTE, "timeout", now=NOW)
    assert "inc-1:two" in [row.key for row in await store.claim(NOW)]


async def test_private_messages_and_notices_wait_for_no_root(store: Store) -> None:
    private = Alert(key="page", kind=AlertKind.PRIVATE, channel="D1", text="x")
    decision = replace(first(AlertKind.ROOT), alerts=(private,))
    await kept(store, decision)
    (row,) = await store.claim(NOW)
    assert (row.key, row.incident, row.parent_ts) == ("inc-1:page", 1, None)


async def test_figures_wait_behind_the_last_edit_and_a_state_does_not(store: Store) -> None:
    found = await stands(store)
    found = await goes_on(store, found, Reason.COUNTS)
    assert (await row_of(store, "inc-1:root")).next_at == NOW + 30 * SECOND
    await goes_on(store, found, Reason.ACKNOWLEDGED)
    root = await row_of(store, "inc-1:root")
    assert (root.next_at, root.want_rev, root.sent_rev) == (NOW, 3, 1)


async def test_figures_do_not_put_off_a_state_that_waits_to_be_shown(store: Store) -> None:
    found = await stands(store)
    found = await goes_on(store, found, Reason.ACKNOWLEDGED)
    await goes_on(store, found, Reason.COUNTS)
    assert (await row_of(store, "inc-1:root")).next_at == NOW


async def test_an_edit_does_not_hurry_what_slack_asked_to_put_off(store: Store) -> None:
    found = await kept(store, first(AlertKind.ROOT))
    (root,) = await store.claim(NOW)
    await store.put_off(root.id, NOW + MINUTE, "ratelimited", now=NOW)
    await goes_on(store, found, Reason.ACKNOWLEDGED)
    assert (await row_of(store, "inc-1:root")).next_at == NOW + MINUTE


async def test_a_root_that_was_given_up_comes_back_with_a_state_not_with_figures(
    store: Store,
) -> None:
    found = await kept(store, first(AlertKind.ROOT))
    (root,) = await store.claim(NOW)
    await store.give_up(root.id, "is_archived", now=NOW)
    found = await goes_on(store, found, Reason.COUNTS)
    assert (await row_of(store, "inc-1:root")).state is RowState.FAILED
    await goes_on(store, found, Reason.ACKNOWLEDGED)
    (again,) = await store.claim(NOW)
    assert (again.key, again.want_rev) == ("inc-1:root", 3)


async def test_what_changes_while_the_root_is_unclear_is_shown_once_it_is_found(
    store: Store,
) -> None:
    found = await kept(store, first(AlertKind.ROOT))
    (root,) = await store.claim(NOW)
    await store.unclear(root.id, NOW, "timeout", now=NOW)
    await goes_on(store, found, Reason.ACKNOWLEDGED)
    assert await store.claim(NOW) == ()
    await store.sent(root.id, "9.1", rev=1, now=NOW)
    (edit,) = await store.claim(NOW)
    assert (edit.ts, edit.want_rev, edit.attempts, edit.first_try_at) == ("9.1", 2, 1, NOW)


async def test_a_sender_that_was_called_dead_changes_nothing_but_may_tell_it_was_sent(
    store: Store,
) -> None:
    await kept(store, first(AlertKind.ROOT))
    (root,) = await store.claim(NOW)
    await store.recover(older_than=NOW, now=NOW)
    await store.resend(root.id, now=NOW)
    await store.put_off(root.id, NOW + MINUTE, "late", now=NOW)
    await store.unclear(root.id, NOW + MINUTE, "late", now=NOW)
    await store.give_up(root.id, "late", now=NOW)
    assert (await row_of(store, "inc-1:root")).error != "late"
    await store.sent(root.id, "9.1", rev=1, now=NOW)
    assert (await row_of(store, "inc-1:root")).state is RowState.SENT
    await store.resend(root.id, now=NOW)
    assert await store.claim(NOW) == ()


async def test_a_lost_root_goes_back_to_where_it_belongs(store: Store) -> None:
    await stands(store)
    await store.adopt_root(1, "C9", "9.9", now=NOW)
    assert await store.root_ts(1) == ("C9", "9.9")
    await store.lose_root(1, now=NOW)
    (root,) = await store.claim(NOW)
    assert (root.channel, root.ts, root.first_try_at) == ("C1", None, NOW)
    await store.lose_root(404, now=NOW)  # of no incident: nothing to lose


async def test_an_alert_of_an_incident_outside_of_its_decisions_keeps_key_and_incident(
    store: Store,
) -> None:
    await stands(store)
    alert = Alert(key="remind:1", kind=AlertKind.PRIVATE, channel="D1", incident=1, text="x")
    await store.commit(Decision(reason=Reason.NOTHING, alerts=(alert,)), now=NOW)
    (row,) = await store.claim(NOW)
    assert (row.key, row.incident, row.alert) == ("remind:1", 1, alert)
    assert [r.key for r in await store.outbox(incident=1)] == ["inc-1:root", "remind:1"]


async def test_the_alert_in_the_outbox_carries_its_full_key(store: Store) -> None:
    await kept(store, first(AlertKind.ROOT))
    (row,) = await store.claim(NOW)
    assert (row.alert.key, row.alert.incident) == ("inc-1:root", 1)


async def test_without_a_revision_to_expect_the_one_before_is_expected(store: Store) -> None:
    found = await kept(store, first())
    after = Decision(reason=Reason.STILL, incident=replace(found, rev=2))
    await kept(store, after)
    with pytest.raises(StaleIncident):
        await kept(store, after)
    with pytest.raises(NoSuchRow):
        await kept(store, Decision(reason=Reason.STILL, incident=incident(number=404)))


# -------------------------------------------------------------------- several processes
async def test_two_processes_share_an_outbox(store: Store, address: str) -> None:
    if address == "sqlite://":
        pytest.skip("what is in memory has one process")
    for n in range(12):
        alert = Alert(key=f"n{n:02}", kind=AlertKind.NOTICE, channel=f"C{n % 3}", text="x")
        await store.commit(Decision(reason=Reason.SOURCE, alerts=(alert,)), now=NOW)
    other = await Store.open(address, now=NOW)
    told: list[OutboxRow] = []
    for _ in range(4):
        both = await asyncio.gather(*(s.claim(NOW) for s in (store, other, store, other)))
        rows = [row for rows in both for row in rows]
        assert sorted(row.channel for row in rows) == ["C0", "C1", "C2"]
        for row in rows:
            await store.sent(row.id, "1.1", rev=0, now=NOW)
        told += rows
    await other.close()
    assert [r.key for r in told if r.channel == "C0"] == ["n00", "n03", "n06", "n09"]


async def test_of_two_processes_that_open_one_story_one_wins(store: Store, address: str) -> None:
    if address == "sqlite://":
        pytest.skip("what is in memory has one process")
    other = await Store.open(address, now=NOW)
    results = await asyncio.gather(
        *(s.commit(first(), now=NOW) for s in (store, other, store, other)), return_exceptions=True
    )
    await other.close()
    assert sorted(type(r).__name__ for r in results) == ["Incident"] + ["StaleIncident"] * 3
    assert len(await store.outbox()) == 2


async def test_a_notice_told_by_two_processes_at_once_is_told_once(
    store: Store, address: str
) -> None:
    if address == "sqlite://":
        pytest.skip("what is in memory has one process")
    other = await Store.open(address, now=NOW)
    alert = Alert(key="source:weibo", kind=AlertKind.NOTICE, channel="C1", text="x")
    decision = Decision(reason=Reason.SOURCE, alerts=(alert,))
    await asyncio.gather(*(s.commit(decision, now=NOW) for s in (store, other) * 4))
    await other.close()
    assert len(await store.outbox()) == 1
