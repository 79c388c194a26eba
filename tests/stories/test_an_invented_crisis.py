"""The product's main moments, on the demo's invented crisis."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from bot.demo import story
from tests.stories.town import DUTY, LEAD, STRANGER, VIEWER, Town, elements, said, town
from watchers.model import Severity, Stage, State, Tone

START = datetime(2026, 3, 3, 11, tzinfo=UTC)  # seven in the evening in China
HOUR = timedelta(hours=1)
HOME = Path(__file__).resolve().parents[2]


@pytest.fixture
async def aulane() -> "Town":  # type: ignore[misc]
    async with town(START, [story.CLIENT], story.posts(START)) as built:
        yield built


async def test_a_crisis_is_seen_told_taken_followed_and_resolved(aulane: Town) -> None:
    incident = await aulane.until_alert(within=3 * HOUR)
    assert (incident.client, incident.type) == ("aulane", "product_safety")
    assert incident.opened_at - START <= timedelta(minutes=75)
    root, *thread = aulane.thread()
    assert "Aulane" in root
    assert "自燃" in root
    assert "https://" in root
    assert len(thread) >= 3

    await aulane.press(DUTY, "ack")
    root = aulane.thread()[0]
    assert "Lin" in root
    taken = await aulane.service.store.incident(incident.number)
    assert (taken.state, taken.owner) == (State.ACKNOWLEDGED, DUTY)

    await aulane.pass_time(timedelta(hours=3))
    later = await aulane.service.store.incident(incident.number)
    assert later.stage is Stage.PORTAL
    assert later.severity <= Severity.S2
    told = "\n".join(aulane.thread()[1:])
    assert "示例乙" in told
    assert "示例新闻网" in told
    assert len(aulane.slack.channel(story.CHANNEL)) == 1

    await aulane.press(LEAD, "resolve")
    modal = aulane.slack.modals(LEAD)[-1]
    answer = await aulane.slack.submit(
        LEAD, modal.id, {"reason": "answered", "note": "Batch off sale."}
    )
    assert answer.ok, answer
    await aulane.rest()
    closed = await aulane.service.store.incident(incident.number)
    assert (closed.state, closed.closed_by) == (State.RESOLVED, LEAD)
    final = aulane.slack.channel(story.CHANNEL)[0].root
    assert [e["action_id"] for e in elements(final.blocks)] == ["reopen"]


async def test_the_hot_list_is_joined_with_entry_best_rank_and_exit(aulane: Town) -> None:
    aulane.platforms.hot = story.hot_words(START)
    await aulane.until_alert(within=3 * HOUR)
    await aulane.pass_time(timedelta(hours=1))
    incident = (await aulane.service.store.open_incidents())[0]
    (entry,) = incident.hot
    assert (entry.list, entry.title) == ("Weibo hot search", "奥岚取暖器自燃")
    told = "\n".join(aulane.thread()[1:])
    assert "hot list" in told or "On Weibo hot search" in told
    assert incident.severity <= Severity.S2
    await aulane.pass_time(timedelta(hours=2))
    (entry,) = (await aulane.service.store.open_incidents())[0].hot
    assert entry.best_rank == 12
    assert entry.left_at is not None
    assert "Off Weibo hot search: “奥岚取暖器自燃” after" in "\n".join(aulane.thread()[1:])
    assert re.search(r"was <[^|]+\|Weibo hot search #12> until", aulane.thread()[0])


async def test_bad_news_on_a_hot_list_alone_is_an_alert() -> None:
    async with town(START, [story.CLIENT], ()) as quiet:
        quiet.platforms.hot = story.hot_words(START)
        await quiet.until_alert(within=3 * HOUR)
        (incident,) = await quiet.service.store.open_incidents()
        assert (incident.source, incident.severity) == ("hotlist", Severity.S2)
        assert "stands on a hot list" in incident.why
        await quiet.pass_time(timedelta(hours=1))
        assert len(quiet.slack.channel(story.CHANNEL)) == 1


async def test_two_presses_give_one_owner_and_one_polite_note(aulane: Town) -> None:
    incident = await aulane.until_alert(within=3 * HOUR)
    channel = story.CHANNEL
    root = aulane.slack.channel(channel)[0].root
    press = next(e for e in elements(root.blocks) if e["action_id"] == "ack")
    await aulane.slack.press(DUTY, channel, root.ts, "ack", press["value"])
    await aulane.slack.press_stale(LEAD, channel, root.ts, dict(press))
    await aulane.rest()
    assert (await aulane.service.store.incident(incident.number)).owner == DUTY
    assert aulane.private(DUTY) == []
    assert len(aulane.private(LEAD)) == 1
    assert "Lin took this" in aulane.private(LEAD)[0]
    assert sum("took it" in text for text in aulane.thread()[1:]) == 1


@pytest.mark.parametrize("user", [VIEWER, STRANGER])
async def test_only_people_who_may_press_can(aulane: Town, user: str) -> None:
    incident = await aulane.until_alert(within=3 * HOUR)
    await aulane.press(user, "ack")
    assert (await aulane.service.store.incident(incident.number)).state is State.OPEN
    assert len(aulane.private(user)) == 1


async def test_no_crisis_needs_two_presses_and_a_reason(aulane: Town) -> None:
    incident = await aulane.until_alert(within=3 * HOUR)
    await aulane.press(DUTY, "false_alarm")
    modal = aulane.slack.modals(DUTY)[-1]
    await aulane.slack.submit(DUTY, modal.id, {"reason": "joke"})
    await aulane.rest()
    closed = await aulane.service.store.incident(incident.number)
    assert closed.state is State.FALSE_ALARM
    assert closed.close_reason
    await aulane.pass_time(timedelta(minutes=20))
    assert len(aulane.slack.channel(story.CHANNEL)) == 1


async def test_a_step_is_ticked_in_the_thread(aulane: Town) -> None:
    incident = await aulane.until_alert(within=3 * HOUR)
    await aulane.press(DUTY, "step_done", step="c1")
    steps = (await aulane.service.store.incident(incident.number)).steps
    assert next(s for s in steps if s.id == "c1").done_by == DUTY
    assert "☑" in "\n".join(aulane.thread())


async def test_a_person_s_word_on_the_tone_of_a_post_wins(aulane: Town) -> None:
    incident = await aulane.until_alert(within=3 * HOUR)
    await aulane.press(DUTY, "tones")
    modal = aulane.slack.modals(DUTY)[-1]
    asked = [b for b in modal.view["blocks"] if b["block_id"].startswith("tone:")]
    assert len(asked) >= 5
    before = {b["block_id"]: b["element"]["initial_option"]["value"] for b in asked}
    changed = next(key for key, tone in before.items() if tone == Tone.NEGATIVE)
    answer = await aulane.slack.submit(DUTY, modal.id, {changed: Tone.POSITIVE})
    assert answer.ok, answer
    await aulane.rest()
    assert "Lin corrected the tone of 1 post (negative → positive 1)" in aulane.thread()[-1]

    await aulane.press(DUTY, "tones")  # the word is kept, and nothing is told of no change
    again = aulane.slack.modals(DUTY)[-1]
    now = {
        b["block_id"]: b["element"]["initial_option"]["value"]
        for b in again.view["blocks"]
        if b["block_id"].startswith("tone:")
    }
    assert now.get(changed, Tone.POSITIVE) == Tone.POSITIVE
    seen = len(aulane.thread())
    assert (await aulane.slack.submit(DUTY, again.id, {})).ok
    await aulane.rest()
    assert len(aulane.thread()) == seen

    await aulane.press(VIEWER, "tones")  # who only reads is told whom to ask
    third = aulane.slack.modals(VIEWER)[-1]
    other = next(key for key, tone in now.items() if tone == Tone.NEGATIVE)
    await aulane.slack.submit(VIEWER, third.id, {other: Tone.NEUTRAL})
    await aulane.rest()
    assert len(aulane.thread()) == seen
    assert "You may read" in said("", aulane.slack.modals(VIEWER)[-1].view["blocks"])
    rows = await aulane.service.store.incident(incident.number)
    assert rows.rev > incident.rev


async def test_the_slash_command_answers_in_private(aulane: Town) -> None:
    await aulane.until_alert(within=3 * HOUR)
    for verb, expected in (
        ("check", "Aulane"),
        ("check", "gist (machine)"),
        ("incidents", "INC-1"),
        ("clients", "奥岚"),
        ("sources", "Weibo"),
        ("sources", "Posts are seen after about: Aulane"),
        ("help", "/crisis check"),
        ("chekc", "/crisis check"),
        ("", "/crisis help"),
    ):
        seen = len(aulane.private(DUTY))
        await aulane.slack.command(DUTY, story.CHANNEL, "/crisis", verb)

        def answered(seen: int = seen, expected: str = expected) -> bool:
            return expected in "\n".join(aulane.private(DUTY)[seen:])

        await aulane.slack.until(answered)


async def test_every_call_keeps_slack_s_contract_and_needs_the_manifest_s_scopes(
    aulane: Town, shared: Path
) -> None:
    await aulane.until_alert(within=3 * HOUR)
    await aulane.press(DUTY, "ack")
    await aulane.press(DUTY, "playbook")
    await aulane.slack.command(DUTY, story.CHANNEL, "/crisis", "check")
    await aulane.slack.until(lambda: len(aulane.private(DUTY)) > 1)
    await aulane.rest()
    contract = shared / "data" / "slack-api" / "methods"
    assert aulane.slack.problems(contract) == []
    manifest = yaml.safe_load((HOME / "manifest.yml").read_text("utf-8"))
    asked = set(manifest["oauth_config"]["scopes"]["bot"])
    needed = aulane.slack.scopes_used(contract)
    assert all(alternatives & asked for alternatives in needed)
    used = {"chat:write", "files:write", "users:read", "channels:join"}
    assert used <= {scope for alternatives in needed for scope in alternatives}
