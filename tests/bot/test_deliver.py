"""Delivery as stories: whatever happens on the way, Slack ends up with each message once.

Slack is the project's own stand-in, on a real socket and able to fail in every way; the store is
real; only time is ours. Each story asserts what people see in the channel in the end.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.deliver import (
    DEAD_AFTER,
    POST_EVERY,
    RECHECK_TOKEN,
    Deliver,
    Pacer,
    Picture,
    Render,
    Rendered,
    sending_client,
)
from bot.marks import EVENT_TYPE
from bot.preview import BOT, BOT_USER, Channel, Preview, Thread
from tests.conftest import SHARED
from watchers.errors import StoreError
from watchers.model import (
    Alert,
    AlertKind,
    Decision,
    Figures,
    Incident,
    Reason,
    Severity,
    Stage,
    State,
    Trend,
)
from watchers.store import OutboxRow, Store

START = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
CRISIS, OTHER, OPS = "C0CRISIS", "C0OTHER", "C0OPS"
CONTRACT = SHARED / "data" / "slack-api" / "methods"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c626001000000ffff03000006000557bfabd40000000049454e44ae426082"
)


class Clock:
    """Time as a test wants it; who sleeps moves it."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        until = self.at + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        self.at = max(self.at, until)


class Words:
    """A message as bot.messages makes them, only shorter."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def blocks(self) -> list[dict[str, object]]:
        button = {
            "type": "button",
            "action_id": "ack",
            "value": "{}",
            "text": {"type": "plain_text", "text": "Acknowledge"},
        }
        words = {"type": "mrkdwn", "text": self.text, "verbatim": True}
        return [{"type": "section", "text": words}, {"type": "actions", "elements": [button]}]


async def words(row: OutboxRow, _now: datetime) -> Rendered:
    """Render ROW as its key and revision."""
    if row.kind is AlertKind.CHART:
        return Picture(text=f"chart of {row.key}", png=PNG)
    if row.kind is AlertKind.ROOT:
        return Words(f"{row.key} r{row.want_rev}")
    return Words(row.alert.text or row.key)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[Preview]:
    rooms = [Channel(id=id_, name=id_.lower(), joined=True) for id_ in (CRISIS, OTHER, OPS)]
    contract = CONTRACT if CONTRACT.is_dir() else None
    preview = Preview(channels=rooms, now=clock, contract=contract)
    await preview.start()
    yield preview
    await preview.stop()
    if contract is not None:
        assert preview.problems() == []


@pytest.fixture
async def store(clock: Clock) -> AsyncIterator[Store]:
    opened = await Store.open("sqlite://", now=clock())
    yield opened
    await opened.close()


class Story:
    """One sender, one workspace, one outbox, and the verbs of a story."""

    def __init__(self, slack: Preview, store: Store, clock: Clock) -> None:
        self.slack = slack
        self.store = store
        self.clock = clock
        self.deliver = self.sender()

    def sender(
        self,
        render: Render = words,
        *,
        operators: str | None = OPS,
        client: AsyncWebClient | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> Deliver:
        return Deliver(
            self.store,
            client or sending_client(self.slack.bot_token, self.slack.api_url),
            render,
            operators=operators,
            now=self.clock,
            bot_id=BOT,
            sleep=sleep or self.clock.sleep,
        )

    async def opens(
        self, *replies: str, channel: str = CRISIS, kind: AlertKind = AlertKind.UPDATE
    ) -> Incident:
        """Open an incident with a root and REPLIES to tell."""
        alerts = [Alert(key="root", kind=AlertKind.ROOT, channel=channel)]
        alerts += [
            Alert(key=f"said:{n}", kind=kind, channel=channel, text=text)
            for n, text in enumerate(replies)
        ]
        opened = Decision(reason=Reason.FIRST, incident=an_incident(channel), alerts=tuple(alerts))
        incident = await self.store.commit(opened, now=self.clock())
        assert incident is not None
        return incident

    async def changes(self, number: int, *replies: str, broadcast: bool = False) -> Incident:
        """Change an incident, so that its root is edited, and tell REPLIES."""
        before = await self.store.incident(number)
        after = replace(before, rev=before.rev + 1, updated_at=self.clock())
        channel = before.channel or CRISIS
        alerts = [Alert(key="root", kind=AlertKind.ROOT, channel=channel)]
        alerts += [
            Alert(
                key=f"said:r{after.rev}:{n}",
                kind=AlertKind.UPDATE,
                channel=channel,
                text=text,
                broadcast=broadcast,
            )
            for n, text in enumerate(replies)
        ]
        changed = Decision(reason=Reason.WORSE, incident=after, alerts=tuple(alerts))
        incident = await self.store.commit(changed, now=self.clock(), expect=before.rev)
        assert incident is not None
        return incident

    async def tells(self, key: str, text: str, *, channel: str, kind: AlertKind) -> None:
        """Put one alert outside of incidents into the outbox."""
        alert = Alert(key=key, kind=kind, channel=channel, text=text)
        await self.store.commit(Decision(reason=Reason.NOTHING, alerts=(alert,)), now=self.clock())

    async def goes_on(self, seconds: float = 180, deliver: Deliver | None = None) -> None:
        """Let time pass, a second a round, until all is settled or SECONDS are over."""
        sender = deliver or self.deliver
        end = self.clock() + timedelta(seconds=seconds)
        while self.clock() < end:
            await sender.run_once(self.clock())
            if {row.state for row in await self.store.outbox()} <= {"sent", "failed"}:
                return
            self.clock.at += timedelta(seconds=1)

    async def states(self) -> dict[str, str]:
        return {row.key: row.state for row in await self.store.outbox()}

    def threads(self, channel: str = CRISIS) -> list[Thread]:
        return [thread for thread in self.slack.channel(channel) if not thread.root.deleted]

    def said(self, channel: str = CRISIS) -> list[tuple[str, list[str]]]:
        """Return the roots of CHANNEL and their replies, as texts."""
        return [
            (thread.root.text, [reply.text for reply in thread.replies])
            for thread in self.threads(channel)
        ]


@pytest.fixture
def story(slack: Preview, store: Store, clock: Clock) -> Story:
    return Story(slack, store, clock)


def an_incident(channel: str) -> Incident:
    figures = Figures(
        at=START, count=12, with_reposts=20, authors=9, usual=2.0, negative_share=0.7, total=12
    )
    return Incident(
        number=0,
        client=channel.lower(),
        type=None,
        type_terms=(),
        severity=Severity.S2,
        reasons=("large accounts",),
        state=State.OPEN,
        stage=Stage.FERMENT,
        trend=Trend.RUNNING,
        opened_at=START,
        first_post_at=None,
        updated_at=START,
        rev=1,
        figures=figures,
        lead=None,
        channel=channel,
    )


def called(slack: Preview, method: str) -> list[dict[str, Any]]:
    return [dict(call.args) for call in slack.calls if call.method == method]


# ------------------------------------------------------------------------------ when all goes well
async def test_a_root_and_its_replies_become_one_thread_in_order(story: Story) -> None:
    incident = await story.opens("first", "second", "third")

    await story.goes_on()

    root = f"inc-{incident.number}:root r1"
    assert story.said() == [(root, ["first", "second", "third"])]
    assert set((await story.states()).values()) == {"sent"}


async def test_messages_of_a_channel_are_a_second_apart(story: Story) -> None:
    await story.opens("first", "second")

    await story.goes_on()

    thread = story.threads()[0]
    times = [float(message.ts) for message in (thread.root, *thread.replies)]
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) >= POST_EVERY.total_seconds() - 0.001


async def test_a_message_carries_ids_and_nothing_else(story: Story) -> None:
    incident = await story.opens("first")

    await story.goes_on()

    payload = {"key": f"inc-{incident.number}:root", "incident": incident.number, "rev": 1}
    root = story.threads()[0].root
    assert root.metadata == {"event_type": EVENT_TYPE, "event_payload": payload}
    for call in called(story.slack, "chat.postMessage"):
        assert str(call["unfurl_links"]).lower() in ("false", "0")
        assert str(call["unfurl_media"]).lower() in ("false", "0")


async def test_a_change_edits_the_root_and_posts_no_second_one(story: Story) -> None:
    incident = await story.opens()
    await story.goes_on()

    await story.changes(incident.number, "it is worse")
    await story.goes_on()

    root = f"inc-{incident.number}:root r2"
    assert story.said() == [(root, ["it is worse"])]
    edit = called(story.slack, "chat.update")[0]
    assert edit["parse"] == "none"
    assert {"text", "blocks", "metadata"} <= set(edit)
    assert story.threads()[0].root.blocks


async def test_a_reply_is_shown_in_the_channel_where_the_alert_says_so(story: Story) -> None:
    incident = await story.opens()
    await story.goes_on()

    await story.changes(incident.number, "severity rose", broadcast=True)
    await story.goes_on()

    assert [reply.broadcast for reply in story.threads()[0].replies] == [True]


async def test_a_chart_is_a_picture_in_the_thread(story: Story) -> None:
    await story.opens("", kind=AlertKind.CHART)

    await story.goes_on()

    replies = story.threads()[0].replies
    assert [len(reply.files) for reply in replies] == [1]
    assert set((await story.states()).values()) == {"sent"}


async def test_channels_do_not_wait_for_each_other(story: Story) -> None:
    await story.opens("a", channel=CRISIS)
    await story.opens("b", channel=OTHER)
    story.slack.fault("chat.postMessage", "rate_limited", retry_after=60)

    await story.deliver.run_once(story.clock())

    assert len(story.said(CRISIS)) + len(story.said(OTHER)) == 1


async def test_fifty_alerts_at_once_all_arrive_in_order(story: Story) -> None:
    for n in range(50):
        await story.tells(f"digest:{n}", f"digest {n}", channel=CRISIS, kind=AlertKind.UPDATE)

    await story.goes_on(seconds=120)

    assert [text for text, _ in story.said()] == [f"digest {n}" for n in range(50)]
    took = float(story.threads()[-1].root.ts) - float(story.threads()[0].root.ts)
    assert took >= 49


# ------------------------------------------------------------------------------------- one failure
FAILURES = [
    pytest.param("drop_before", {}, id="the connection breaks before Slack takes it"),
    pytest.param("drop_after", {}, id="the connection breaks after Slack took it"),
    pytest.param("cut_answer", {}, id="the answer is cut"),
    pytest.param("http_500", {}, id="500, not carried out"),
    pytest.param("http_500", {"executed": True}, id="500, carried out"),
    pytest.param("html_503", {}, id="503 with a page of HTML, not carried out"),
    pytest.param("html_503", {"executed": True}, id="503 with a page of HTML, carried out"),
    pytest.param("broken_json", {}, id="broken JSON, not carried out"),
    pytest.param("broken_json", {"executed": True}, id="broken JSON, carried out"),
    pytest.param("error:internal_error", {}, id="Slack failed inside"),
    pytest.param("error:fatal_error", {"executed": True}, id="Slack failed, but carried it out"),
    pytest.param("rate_limited", {"retry_after": 3}, id="429 with a time"),
    pytest.param("rate_limited", {"retry_after": None}, id="429 without a time"),
]


@pytest.mark.parametrize(("kind", "how"), FAILURES)
async def test_a_root_is_there_once_after(story: Story, kind: str, how: dict[str, Any]) -> None:
    incident = await story.opens("and a reply")
    story.slack.fault("chat.postMessage", kind, **how)

    await story.goes_on()

    assert story.said() == [(f"inc-{incident.number}:root r1", ["and a reply"])]
    assert set((await story.states()).values()) == {"sent"}
    assert story.deliver.trouble is None


@pytest.mark.parametrize(("kind", "how"), FAILURES)
async def test_a_reply_is_there_once_after(story: Story, kind: str, how: dict[str, Any]) -> None:
    incident = await story.opens()
    await story.goes_on()
    await story.changes(incident.number, "news")
    story.slack.fault("chat.postMessage", kind, **how)

    await story.goes_on()

    assert story.said() == [(f"inc-{incident.number}:root r2", ["news"])]


@pytest.mark.parametrize(("kind", "how"), FAILURES)
async def test_an_edit_is_made_after(story: Story, kind: str, how: dict[str, Any]) -> None:
    incident = await story.opens()
    await story.goes_on()
    await story.changes(incident.number)
    story.slack.fault("chat.update", kind, **how)

    await story.goes_on()

    assert story.said() == [(f"inc-{incident.number}:root r2", [])]


@pytest.mark.parametrize(("kind", "how"), FAILURES)
async def test_a_picture_is_there_once_after(story: Story, kind: str, how: dict[str, Any]) -> None:
    await story.opens("", kind=AlertKind.CHART)
    story.slack.fault("files.completeUploadExternal", kind, **how)

    await story.goes_on()

    assert [len(reply.files) for reply in story.threads()[0].replies] == [1]


async def test_the_time_that_a_429_names_is_kept(story: Story) -> None:
    await story.opens()
    story.slack.fault("chat.postMessage", "rate_limited", retry_after=20)

    await story.goes_on()

    assert float(story.threads()[0].root.ts) >= (START + timedelta(seconds=20)).timestamp()


async def test_other_messages_of_the_channel_keep_that_time_too_and_their_order(
    story: Story,
) -> None:
    for n in range(3):
        await story.tells(f"note:{n}", f"note {n}", channel=CRISIS, kind=AlertKind.NOTICE)
    story.slack.fault("chat.postMessage", "rate_limited", retry_after=20)

    await story.goes_on()

    assert [text for text, _ in story.said()] == ["note 0", "note 1", "note 2"]
    assert float(story.threads()[0].root.ts) >= (START + timedelta(seconds=20)).timestamp()
    assert len(called(story.slack, "chat.postMessage")) == 4


async def test_nothing_is_lost_while_slack_cannot_be_reached(story: Story, slack: Preview) -> None:
    incident = await story.opens("news")
    client = sending_client(slack.bot_token, "http://127.0.0.1:9/api/")
    cut_off = story.sender(client=client)

    await story.goes_on(seconds=600, deliver=cut_off)
    assert cut_off.trouble is not None
    assert cut_off.trouble.code.startswith("ClientConnector")
    assert story.said() == []

    await story.goes_on(seconds=120)
    assert story.said() == [(f"inc-{incident.number}:root r1", ["news"])]


async def test_a_long_failure_of_slack_loses_and_doubles_nothing(story: Story) -> None:
    incident = await story.opens("news")
    story.slack.fault("chat.postMessage", "html_503", times=6)

    await story.goes_on(seconds=900)

    assert story.said() == [(f"inc-{incident.number}:root r1", ["news"])]


# ------------------------------------------------------------------------------ death of a process
async def test_killed_between_claim_and_call_the_message_is_sent_by_the_next(
    story: Story,
) -> None:
    incident = await story.opens("news")
    assert await story.store.claim(story.clock(), limit=1)

    story.clock.at += DEAD_AFTER
    await story.goes_on(deliver=story.sender())

    assert story.said() == [(f"inc-{incident.number}:root r1", ["news"])]


async def test_killed_between_call_and_commit_the_message_is_found_by_the_next(
    story: Story,
) -> None:
    incident = await story.opens("news")
    story.slack.fault("chat.postMessage", "slow")
    dying = asyncio.create_task(story.deliver.run_once(story.clock()))
    await story.slack.until(lambda: bool(story.said()))
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)

    story.clock.at += DEAD_AFTER
    await story.goes_on(deliver=story.sender())

    assert story.said() == [(f"inc-{incident.number}:root r1", ["news"])]


async def test_two_senders_post_a_message_once(story: Story) -> None:
    incident = await story.opens("news")
    other = story.sender()

    for _ in range(5):
        now = story.clock()
        await asyncio.gather(story.deliver.run_once(now), other.run_once(now))
        story.clock.at += timedelta(seconds=1)

    assert story.said() == [(f"inc-{incident.number}:root r1", ["news"])]


async def test_a_root_changed_while_an_older_edit_is_in_flight_ends_as_the_newest(
    story: Story,
) -> None:
    incident = await story.opens()
    await story.goes_on()
    await story.changes(incident.number)
    story.slack.fault("chat.update", "slow", delay=timedelta(milliseconds=200))
    in_flight = asyncio.create_task(story.deliver.run_once(story.clock()))
    await story.slack.until(lambda: story.said() == [(f"inc-{incident.number}:root r2", [])])
    await story.changes(incident.number)
    await in_flight

    await story.goes_on()

    assert story.said() == [(f"inc-{incident.number}:root r3", [])]


async def test_killed_in_an_edit_the_next_repeats_it(story: Story) -> None:
    incident = await story.opens()
    await story.goes_on()
    await story.changes(incident.number)
    assert await story.store.claim(story.clock(), limit=1)

    story.clock.at += DEAD_AFTER
    await story.goes_on(deliver=story.sender())

    assert story.said() == [(f"inc-{incident.number}:root r2", [])]


async def test_a_reply_in_hand_waits_when_its_root_is_lost(story: Story) -> None:
    incident = await story.opens("news")
    await story.goes_on(seconds=1)

    rows = await story.store.claim(story.clock() + timedelta(seconds=5), limit=1)
    await story.store.lose_root(incident.number, now=story.clock())
    await story.deliver._deliver(rows[0])

    assert (await story.states())[f"inc-{incident.number}:said:0"] == "new"
    await story.goes_on()
    assert story.said()[-1] == (f"inc-{incident.number}:root r1", ["news"])


# ------------------------------------------------------------------------ twins and false friends
async def test_of_twins_the_one_people_answered_to_stays(story: Story) -> None:
    incident = await story.opens()
    (row,) = await story.store.claim(story.clock(), limit=1)
    first, second = [await posted(story, row) for _ in range(2)]
    await story.slack.say("U0DUTY", CRISIS, "I am on it", thread_ts=second)

    story.clock.at += DEAD_AFTER
    await story.goes_on(deliver=story.sender())

    assert [thread.root.ts for thread in story.threads()] == [second]
    assert await story.store.root_ts(incident.number) == (CRISIS, second)
    assert first != second


async def test_of_twins_nobody_answered_to_the_first_stays(story: Story) -> None:
    await story.opens()
    (row,) = await story.store.claim(story.clock(), limit=1)
    first, _second = [await posted(story, row) for _ in range(2)]

    story.clock.at += DEAD_AFTER
    await story.goes_on(deliver=story.sender())

    assert [thread.root.ts for thread in story.threads()] == [first]


async def test_a_twin_that_cannot_be_deleted_stops_nothing(story: Story) -> None:
    incident = await story.opens()
    (row,) = await story.store.claim(story.clock(), limit=1)
    first, _second = [await posted(story, row) for _ in range(2)]
    story.slack.fault("chat.delete", "error:cant_delete_message")

    story.clock.at += DEAD_AFTER
    await story.goes_on(deliver=story.sender())

    assert await story.store.root_ts(incident.number) == (CRISIS, first)


async def test_what_others_posted_with_our_mark_is_not_taken_for_ours(story: Story) -> None:
    incident = await story.opens()
    forged = story.slack.post_as("U0VIEWER", CRISIS, "not Fenghuo")
    payload = {"key": f"inc-{incident.number}:root", "incident": incident.number, "rev": 1}
    forged.metadata = {"event_type": EVENT_TYPE, "event_payload": payload}
    story.slack.fault("chat.postMessage", "drop_before")

    await story.goes_on()

    assert [text for text, _ in story.said()] == [
        "not Fenghuo",
        f"inc-{incident.number}:root r1",
    ]


async def test_a_message_is_found_behind_a_page_of_others(story: Story) -> None:
    await story.opens()
    story.slack.fault("chat.postMessage", "drop_after")
    await story.deliver.run_once(story.clock())
    for n in range(40):
        story.slack.post_as("U0VIEWER", CRISIS, f"chatter {n}")

    await story.goes_on()

    ours = [thread for thread in story.threads() if thread.root.user == BOT_USER]
    assert len(ours) == 1


async def posted(story: Story, row: OutboxRow) -> str:
    """Post ROW as a process would that died at once, and return the ts."""
    client = sending_client(story.slack.bot_token, story.slack.api_url)
    payload = {"key": row.key, "incident": row.incident or 0, "rev": row.want_rev}
    answer = await client.chat_postMessage(
        channel=row.channel,
        text=f"{row.key} r1",
        metadata={"event_type": EVENT_TYPE, "event_payload": payload},
    )
    return str(answer["ts"])


# ---------------------------------------------------------------------------- Slack does not let us
@pytest.mark.parametrize("code", ["missing_scope", "not_in_channel", "channel_not_found"])
async def test_what_cannot_be_looked_for_is_sent_again_after_a_minute(
    story: Story, code: str
) -> None:
    incident = await story.opens()
    story.slack.fault("chat.postMessage", "drop_before")
    story.slack.fault("conversations.history", f"error:{code}", times=None)

    await story.goes_on(seconds=300)

    assert story.said() == [(f"inc-{incident.number}:root r1", [])]
    assert [text for text, _ in story.said(OPS)] == [
        f"Cannot read {CRISIS} ({code}): messages there may come twice."
    ]
    assert float(story.threads()[0].root.ts) >= (START + timedelta(seconds=60)).timestamp()


@pytest.mark.parametrize("kind", ["rate_limited", "drop_before", "html_503"])
async def test_a_look_that_fails_is_repeated(story: Story, kind: str) -> None:
    incident = await story.opens()
    story.slack.fault("chat.postMessage", "drop_after")
    story.slack.fault("conversations.history", kind)

    await story.goes_on(seconds=300)

    assert story.said() == [(f"inc-{incident.number}:root r1", [])]


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "a_code_of_next_year"])
async def test_a_message_that_slack_refuses_is_sent_plainer_with_its_buttons(
    story: Story, code: str
) -> None:
    incident = await story.opens("news")
    story.slack.fault("chat.postMessage", f"error:{code}")

    await story.goes_on()

    root = story.threads()[0].root
    key = f"inc-{incident.number}:root"
    assert [block["type"] for block in root.blocks] == ["section", "actions"]
    assert root.blocks[0]["text"]["text"] == f"{key} r1"
    assert [text for text, _ in story.said(OPS)] == [
        f"Slack refused the form of {key} ({code}); it is sent in a plainer one."
    ]


async def test_a_message_refused_twice_is_sent_as_words(story: Story) -> None:
    incident = await story.opens()
    story.slack.fault("chat.postMessage", "error:invalid_metadata_format", times=2)

    await story.goes_on()

    root = story.threads()[0].root
    assert (root.text, root.blocks, root.metadata) == (f"inc-{incident.number}:root r1", [], None)


async def test_a_message_refused_in_every_form_is_told_to_the_operators(story: Story) -> None:
    await story.tells("digest:1", "seven posts", channel=CRISIS, kind=AlertKind.UPDATE)
    story.slack.fault("chat.postMessage", "error:no_text", times=3)

    await story.goes_on()

    assert story.said() == []
    assert (await story.states())["digest:1"] == "failed"
    assert f"digest:1 could not be posted to {CRISIS} (no_text). seven posts" in [
        text for text, _ in story.said(OPS)
    ]


async def test_trouble_with_the_operators_channel_is_not_told_in_slack(story: Story) -> None:
    await story.tells("source:weibo", "Weibo is blind", channel=OPS, kind=AlertKind.NOTICE)
    story.slack.archive(OPS)

    with capture_logs() as logged:
        await story.goes_on(seconds=60)

    assert await story.states() == {"source:weibo": "failed"}
    assert "given up" in [line["event"] for line in logged]


async def test_without_an_operators_channel_a_failure_is_logged(story: Story) -> None:
    await story.tells("digest:1", "seven posts", channel=CRISIS, kind=AlertKind.UPDATE)
    story.slack.archive(CRISIS)

    with capture_logs() as logged:
        await story.goes_on(seconds=60, deliver=story.sender(operators=None))

    assert await story.states() == {"digest:1": "failed"}
    assert {
        "event": "given up",
        "key": "digest:1",
        "code": "is_archived",
        "log_level": "error",
    } in logged


@pytest.mark.parametrize(
    "code", ["file_uploads_disabled", "missing_scope", "storage_limit_reached"]
)
async def test_where_pictures_are_not_taken_charts_are_words_and_it_is_told_once(
    story: Story, code: str
) -> None:
    incident = await story.opens("", "", kind=AlertKind.CHART)
    story.slack.fault("files.getUploadURLExternal", f"error:{code}", times=None)

    await story.goes_on()

    charts = [f"chart of inc-{incident.number}:said:{n}" for n in range(2)]
    assert story.said() == [(f"inc-{incident.number}:root r1", charts)]
    assert [text for text, _ in story.said(OPS)] == [
        f"Slack takes no pictures from us ({code}); charts are sent as words."
    ]


async def test_a_message_that_cannot_be_built_is_sent_as_plain_words(story: Story) -> None:
    async def broken(row: OutboxRow, now: datetime) -> Rendered:
        if row.kind is AlertKind.UPDATE:
            raise ZeroDivisionError
        return await words(row, now)

    incident = await story.opens("<!channel> & more")

    await story.goes_on(deliver=story.sender(broken))

    root = f"inc-{incident.number}:root r1"
    assert story.said() == [(root, ["&lt;!channel&gt; &amp; more"])]


# ----------------------------------------------------------------------------------- other channels
async def test_a_root_whose_channel_is_archived_opens_its_thread_at_the_operators(
    story: Story,
) -> None:
    incident = await story.opens("news")
    story.slack.archive(CRISIS)

    await story.goes_on()
    await story.changes(incident.number, "more news")
    await story.goes_on()

    ((root, replies),) = story.said(OPS)
    assert root == f"inc-{incident.number}:root r2"
    assert replies == ["news", "more news"]
    assert story.said() == []


async def test_a_channel_archived_in_between_moves_the_thread_to_the_operators(
    story: Story,
) -> None:
    incident = await story.opens("before")
    await story.goes_on()
    story.slack.archive(CRISIS)
    await story.changes(incident.number, "after", "later")

    await story.goes_on()

    assert [replies for _, replies in story.said(CRISIS)] == [["before"]]
    assert [replies for _, replies in story.said(OPS)] == [["after", "later"]]
    assert set((await story.states()).values()) == {"sent"}


async def test_a_moved_root_that_may_have_been_posted_is_found_there(story: Story) -> None:
    await story.opens("news")
    story.slack.fault("chat.postMessage", "error:is_archived")
    story.slack.fault("chat.postMessage", "drop_after")

    await story.goes_on()

    assert [replies for _, replies in story.said(OPS)] == [["news"]]
    assert story.said(CRISIS) == []


async def test_a_private_message_that_fails_is_not_shown_to_others(story: Story) -> None:
    await story.tells("private:1", "a client's secret", channel="U0DUTY", kind=AlertKind.PRIVATE)
    story.slack.fault("chat.postMessage", "error:messages_tab_disabled")

    await story.goes_on()

    assert [text for text, _ in story.said(OPS)] == [
        "private:1 could not be posted to U0DUTY (messages_tab_disabled)."
    ]


async def test_a_root_that_people_deleted_is_posted_anew_once(story: Story) -> None:
    incident = await story.opens()
    await story.goes_on()
    story.slack.delete(CRISIS, story.threads()[0].root.ts)

    await story.changes(incident.number, "news")
    await story.goes_on()

    assert story.said() == [(f"inc-{incident.number}:root r2", ["news"])]


async def test_a_root_that_people_deleted_again_is_left_and_news_go_to_the_operators(
    story: Story,
) -> None:
    incident = await story.opens()
    await story.goes_on()
    for _ in range(2):
        story.slack.delete(CRISIS, story.threads()[0].root.ts)
        await story.changes(incident.number)
        await story.goes_on()

    await story.changes(incident.number, "news")
    await story.goes_on()

    assert story.said(CRISIS) == []
    told = [text for text, _ in story.said(OPS)]
    assert any(text.endswith("news") for text in told)


# -------------------------------------------------------------------------------------- the token
async def test_a_bad_token_stops_the_queue_and_keeps_it(story: Story) -> None:
    incident = await story.opens("news")
    story.slack.fault("*", "error:token_revoked", times=None)

    with capture_logs() as logged:
        await story.goes_on(seconds=120)

    assert len(story.slack.calls) == 1
    assert story.deliver.trouble is not None
    assert story.deliver.trouble.code == "token_revoked"
    assert set((await story.states()).values()) == {"new"}
    assert story.slack.bot_token not in str(logged)

    story.slack.heal()
    await story.goes_on(seconds=RECHECK_TOKEN.total_seconds() + 60)
    assert story.deliver.trouble is None
    assert story.said() == [(f"inc-{incident.number}:root r1", ["news"])]


async def test_a_token_that_stays_bad_is_tried_every_few_minutes(story: Story) -> None:
    await story.opens()
    story.slack.fault("*", "error:account_inactive", times=None)

    await story.goes_on(seconds=3 * RECHECK_TOKEN.total_seconds() + 30)

    assert [call.method for call in story.slack.calls] == ["chat.postMessage", *["auth.test"] * 3]


async def test_a_token_that_goes_bad_before_a_look_stops_the_queue_too(story: Story) -> None:
    await story.opens()
    story.slack.fault("chat.postMessage", "drop_after")
    story.slack.fault("conversations.history", "error:invalid_auth", times=None)

    await story.goes_on(seconds=120)

    assert story.deliver.trouble is not None
    assert len(called(story.slack, "conversations.history")) == 1


# --------------------------------------------------------------------------------------- the loop
async def test_who_runs_delivers_when_woken_and_stops_when_told(story: Story) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(story.deliver.run(stop))
    await asyncio.sleep(0.05)

    await story.opens("news")
    story.deliver.wake()
    await story.slack.until(lambda: [len(replies) for _, replies in story.said()] == [1])
    stop.set()
    await asyncio.wait_for(running, timeout=2)

    assert set((await story.states()).values()) == {"sent"}


async def test_a_slow_channel_does_not_hold_up_another(story: Story) -> None:
    stop = asyncio.Event()
    story.slack.fault("chat.postMessage", "slow", delay=timedelta(milliseconds=700))
    await story.opens(channel=CRISIS)
    running = asyncio.create_task(story.deliver.run(stop))
    await story.slack.until(lambda: bool(story.said(CRISIS)))

    await story.opens(channel=OTHER)
    story.deliver.wake()
    await story.slack.until(lambda: bool(story.said(OTHER)), timeout=0.5)
    stop.set()
    await asyncio.wait_for(running, timeout=2)

    assert set((await story.states()).values()) == {"sent"}  # what was in flight was finished


async def test_an_outbox_that_cannot_be_read_is_read_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.opens()
    claim, broken = story.store.claim, asyncio.Event()

    async def failing(now: datetime, *, limit: int = 20) -> tuple[OutboxRow, ...]:
        if not broken.is_set():
            broken.set()
            raise StoreError
        return await claim(now, limit=limit)

    monkeypatch.setattr(story.store, "claim", failing)
    stop = asyncio.Event()
    running = asyncio.create_task(story.deliver.run(stop))
    await broken.wait()
    story.deliver.wake()
    await story.slack.until(lambda: bool(story.said()))
    stop.set()
    await asyncio.wait_for(running, timeout=2)

    assert set((await story.states()).values()) == {"sent"}


async def test_a_message_whose_sending_could_not_be_noted_is_found_later(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await story.opens()

    async def failing(*_: object, **__: object) -> None:
        raise StoreError

    stop = asyncio.Event()
    with monkeypatch.context() as patched, capture_logs() as logged:
        patched.setattr(story.store, "sent", failing)
        running = asyncio.create_task(story.deliver.run(stop))
        await story.slack.until(lambda: bool(story.said()))
        stop.set()
        await asyncio.wait_for(running, timeout=2)
    assert "delivery failed" in [line["event"] for line in logged]

    story.clock.at += DEAD_AFTER
    await story.goes_on()

    assert story.said() == [(f"inc-{incident.number}:root r1", [])]
    assert set((await story.states()).values()) == {"sent"}


# -------------------------------------------------------------------------------------- the pacer
def test_a_lane_gives_one_slot_every_so_often() -> None:
    pacer = Pacer()
    second = timedelta(seconds=1)

    assert [pacer.take("C1", START, second) for _ in range(3)] == [0 * second, second, 2 * second]
    assert pacer.take("C2", START, second) == timedelta(0)
    assert pacer.take("C1", START + 10 * second, second) == timedelta(0)


def test_a_lane_is_held_until_the_later_of_two_times() -> None:
    pacer = Pacer()
    soon, late = START + timedelta(seconds=5), START + timedelta(seconds=9)

    pacer.hold("C1", late)
    pacer.hold("C1", soon)

    assert pacer.held("C1", START) == late
    assert pacer.held("C1", late) is None
    assert pacer.held("C2", START) is None
