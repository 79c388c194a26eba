"""What people read: the root and its replies, as they are for each state and for any text."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import messages
from bot.messages import Message, problems
from bot.messages.text import width
from tests.bot.told import (
    CLIENT,
    NAMES,
    NOW,
    PLAN,
    QUOTES,
    STEPS,
    article,
    incident,
    proof,
    quote,
    sample_b,
    sample_c,
)
from watchers.coordination import Signs
from watchers.model import (
    Alert,
    AlertKind,
    Client,
    Figures,
    Gist,
    Health,
    Incident,
    Outcome,
    Quote,
    Severity,
    SourceNote,
    Stage,
    State,
)


def root(story: Incident, client: Client = CLIENT) -> Message:
    return messages.root(story, client, names=NAMES, now=NOW, plan=PLAN)


def texts(part: object) -> Iterator[str]:
    """Yield all that is shown of PART."""
    if isinstance(part, Message):
        yield from texts(part.blocks)
    elif isinstance(part, dict):
        if isinstance(part.get("text"), str):
            yield part["text"]
        for value in part.values():
            yield from texts(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from texts(value)


def shown(message: Message) -> str:
    """Return the words of MESSAGE as a reader in China sees them, one line a block."""
    lines = ["".join(texts(b)) for b in message.blocks]
    return re.sub(r"<!date[^|]+\|([^>]+)>|<https?[^|]+\|([^>]+)>", r"\1\2", "\n".join(lines))


def buttons(message: Message) -> list[tuple[str, str, bool]]:
    return [
        (e["text"]["text"], e["action_id"], e.get("style") == "primary")
        for b in message.blocks
        if b["type"] == "actions"
        for e in b["elements"]
    ]


# --------------------------------------------------------------------------------------------- root
def test_the_first_alert_reads_like_the_sample() -> None:
    assert shown(root(incident())).splitlines() == [
        '🟠 S2 · Aulane: heater "caught fire" posts, 6x usual · INC-204',
        (
            "*25 distinct posts* by 23 authors in 60 min on Weibo (usual 4) · "
            "+37 reposts or copies · 71% negative (machine estimate) · *Stage:* "
            "first post Nov 24, 19:42 China → spreading Nov 24, 20:20 China · no portal yet"
        ),
        "Lead: “刚买三天的奥岚取暖器半夜自燃，窗帘烧了一半”",
        "@示例甲 (8,214 followers)Nov 24, 19:42 China (19:42 China) · 1.9k reposts · Open post ↗",
        "Why S2: Product safety or quality: starts at S2 · words: 自燃, 冒烟了",
        (
            "*Next:* Acknowledge in Slack; read the three most-shared posts (duty officer) · "
            "⏱ ack Nov 24, 20:35 China · draft Nov 24, 21:20 China · "
            "first word Nov 25, 00:20 China (00:20 China)"
        ),
        (
            "Owner: *nobody yet* · Counted Nov 24, 20:20 China · "
            "Sources: Feed ✓ 6 min ago · Weibo ✓ 2 min ago"
        ),
        "AcknowledgeOpen playbookNot a crisis",
    ]


@pytest.mark.parametrize("story", [incident(), sample_b(), sample_c()], ids=["A", "B", "C"])
def test_a_root_has_eight_lines_at_most(story: Incident) -> None:
    assert len(shown(root(story)).splitlines()) <= 8
    told = messages.root(story, CLIENT, names=NAMES, now=NOW, plan=PLAN, gist=GIST)
    assert len(shown(told).splitlines()) <= 8


GIST = Gist(text="just bought 3 days Aulane heater at night spontaneously caught fire")


def test_a_root_tells_its_lead_post_in_english_under_the_quote() -> None:
    story = incident()
    made = messages.root(story, CLIENT, names=NAMES, now=NOW, plan=PLAN, gist=GIST)
    lines = shown(made).splitlines()
    assert story.lead is not None
    place = next(n for n, text in enumerate(lines) if text.startswith("Lead: “"))
    assert "Open post" in lines[place]
    assert lines[place + 1] == f"gist (machine): {GIST.text}"
    assert problems(made) == []


def test_a_service_s_translation_is_marked_with_its_name() -> None:
    gist = Gist(text="<!channel> *all*", by="DeepL")
    made = messages.root(incident(), CLIENT, names=NAMES, now=NOW, plan=PLAN, gist=gist)
    assert "machine translation (DeepL): <!channel> *all*" in shown(made)
    told = next(b for b in made.blocks if b.get("block_id", "").endswith(":gist"))
    assert told["elements"][0]["type"] == "plain_text"  # which knows no markup


def test_a_lead_beside_a_gist_stays_text() -> None:
    story = incident()
    assert story.lead is not None
    lead = replace(story.lead, text="<!channel> *奥岚* :fire: <https://x.example|y>", who="*_a_*")
    made = messages.root(
        replace(story, lead=lead), CLIENT, names=NAMES, now=NOW, plan=PLAN, gist=GIST
    )
    told = next(b for b in made.blocks if b.get("block_id", "").endswith(":lead"))["text"]["text"]
    assert "<!channel>" not in told
    assert "*" not in told
    assert ":fire:" not in told


def test_the_evidence_tells_each_post_in_english() -> None:
    made = messages.evidence(incident(), QUOTES, gists={QUOTES[0].key: GIST})
    assert shown(made).count("gist (machine): ") == 1
    assert problems(made) == []


def test_the_phone_shows_severity_client_what_and_how_much() -> None:
    assert root(incident()).text == 'S2 Aulane: heater "caught fire" posts, 6x usual'


@pytest.mark.parametrize("story", [incident(), sample_b()], ids=["open", "acknowledged"])
def test_an_open_root_has_counts_lead_clock_and_a_step_with_its_owner(story: Incident) -> None:
    read = shown(root(story))
    assert f"{story.figures.count} distinct posts" in read
    assert "(usual " in read
    assert story.lead is not None
    assert story.lead.text[:20] in read
    assert "⏱ " in read
    assert "draft Nov 24, 21:20 China" in read
    assert re.search(r"\*Next:\* .+ \((duty officer|scribe)\)", read)


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param(
            incident(),
            [
                ("Acknowledge", "ack", True),
                ("Open playbook", "playbook", False),
                ("Not a crisis", "false_alarm", False),
            ],
            id="open",
        ),
        pytest.param(
            sample_b(),
            [
                ("Resolve", "resolve", True),
                ("Open playbook", "playbook", False),
                ("Not a crisis", "false_alarm", False),
            ],
            id="acknowledged",
        ),
        pytest.param(sample_c(), [("Reopen", "reopen", False)], id="resolved"),
        pytest.param(
            replace(sample_c(), state=State.FALSE_ALARM),
            [("Reopen", "reopen", False)],
            id="false alarm",
        ),
    ],
)
def test_the_buttons_follow_the_state(
    story: Incident, expected: list[tuple[str, str, bool]]
) -> None:
    assert buttons(root(story)) == expected


def test_a_button_carries_ids_only_and_every_block_is_new_on_each_edit() -> None:
    made = root(incident(rev=7))
    act = made.blocks[-1]
    assert act["block_id"] == "inc-204:r7:act"
    assert {e["value"] for e in act["elements"]} == {'{"v":1,"inc":204,"rev":7}'}
    ids = {b["block_id"] for b in made.blocks}
    assert len(ids) == len(made.blocks)
    assert not ids & {b["block_id"] for b in root(incident(rev=8)).blocks}


@pytest.mark.parametrize(("severity", "dot"), list(zip(Severity, "🔴🟠🟡⚪", strict=True)), ids=str)
def test_the_header_begins_with_the_severity_s_dot(severity: Severity, dot: str) -> None:
    header = root(incident(severity=severity)).blocks[0]["text"]["text"]
    assert header.startswith(f"{dot} {severity} · Aulane: ")


def test_the_root_says_who_took_it_and_that_a_source_is_blind() -> None:
    read = shown(root(sample_b()))
    assert "Owner: Li Na, took it Nov 24, 20:23 China (after 3 min)" in read
    assert "Feed *unknown since Nov 24, 14:20 China* (blocked)" in read
    assert "Weibo ✓ 1 min ago" in read
    assert "ack Nov" not in read  # that clock has stopped
    assert "*Next:* Save evidence" in read  # and its step is done


def test_a_source_that_never_answered_is_unknown_not_fine() -> None:
    notes = (SourceNote(source="weibo", outcome=Outcome.AUTH_REQUIRED, ok_at=None),)
    assert "Sources: Weibo *unknown* (auth required)" in shown(root(incident(sources=notes)))


def test_a_closed_root_looks_back() -> None:
    assert shown(root(sample_c())).splitlines()[:2] == [
        '🟢 Closed · Aulane: "transfers stopped" rumour, answered · INC-198',
        (
            "Peak *310 posts/h* Nov 24, 21:20 China → 6/h (usual 5) · 1,204 distinct posts in all · "
            "*Stage:* first post Nov 24, 20:11 China → news portal Nov 24, 21:20 China"
        ),
    ]
    read = shown(root(sample_c()))
    assert "Found in 38 min · ack 4 min" in read
    assert "draft 2 h 01, *too late* (limit 60 min)" in read
    assert "first word 2 h 01 ✅ (limit 4 h)" in read
    assert "Closed by Chen Wei Nov 25, 22:20 China (22:20 China)“answered and calm" in read
    assert root(sample_c()).text == 'Closed · Aulane: "transfers stopped" rumour, answered'


def test_a_false_alarm_is_said_to_be_none() -> None:
    story = replace(sample_c(), state=State.FALSE_ALARM)
    assert root(story).text.startswith("Not a crisis · Aulane: ")
    assert root(story).blocks[0]["text"]["text"].startswith("⚪ Not a crisis · Aulane: ")


def test_without_history_the_root_says_that_fixed_floors_hold() -> None:
    story = incident(figures=replace(incident().figures, usual=None))
    assert "(no usual yet, fixed floors)" in shown(root(story))
    assert root(story).text.endswith(", 25 posts (no usual yet)")


def test_a_small_count_is_given_as_it_is_and_not_as_a_ratio() -> None:
    figures = replace(incident().figures, count=2, authors=1, usual=4.0)
    assert root(incident(figures=figures)).text.endswith(", 2 posts (usual 4)")


def test_a_busy_brand_s_root_says_what_has_risen() -> None:
    figures = replace(
        incident().figures, count=60, usual=40.0, negative_share=0.4, usual_negatives=4.0
    )
    message = root(incident(figures=figures))
    assert message.text.endswith(", 6x the usual bad posts")
    assert "*24 negative* (usual 4, machine estimate)" in json.dumps(message.blocks)


def test_zero_posts_and_nothing_stored_still_give_a_root() -> None:
    empty = Figures(
        at=NOW, count=0, with_reposts=0, authors=0, usual=0.0, negative_share=None, total=0
    )
    story = incident(
        figures=empty, lead=None, proofs=(), sources=(), steps=(), reasons=(), type_terms=()
    )
    made = messages.root(story, CLIENT, names={}, now=NOW)
    assert problems(made) == []
    read = shown(made)
    assert "*0 distinct posts* by 0 authors" in read
    assert "Lead post: none stored yet" in read
    assert "*Stage:* spreading" in read
    assert "Sources: none has reported yet" in read
    assert "*Next:* read the posts; is it real, unclear or a false alarm? (duty officer)" in read
    assert "⏱ no clock is running" in read


def test_when_every_step_is_done_the_next_one_is_to_close() -> None:
    done = tuple(replace(s, done_at=NOW, done_by="U0LINA") for s in STEPS)
    read = shown(root(replace(sample_b(), steps=done)))
    assert "*Next:* close it when every promise is kept" in read


def test_a_publisher_is_no_account() -> None:
    made = messages.evidence(incident(), [article()])
    assert "示例新闻网 · Feed" in shown(made)
    assert "@" not in shown(made)


def test_overdue_clocks_and_steps_are_said() -> None:
    late = messages.root(sample_b(), CLIENT, names=NAMES, now=NOW + timedelta(hours=5), plan=PLAN)
    read = shown(late)
    assert "*first word overdue since Nov 25, 00:20 China*" in read
    assert "*5 steps overdue*" in read


def test_a_clock_is_met_when_the_step_that_does_its_work_is_done() -> None:
    done = tuple(replace(s, done_at=NOW, done_by="U0LINA") if s.id == "p4" else s for s in STEPS)
    assert "first word ✓" in shown(root(incident(steps=done)))


def test_the_root_mentions_nobody() -> None:
    stories = (incident(), sample_b(), sample_c())
    assert not any("<@" in t or "<!subteam" in t for s in stories for t in texts(root(s)))


def test_every_mrkdwn_is_verbatim() -> None:
    for made in (root(incident()), messages.playbook(sample_b(), names=NAMES, plan=PLAN)):
        marked = [o for o in objects(made.blocks) if o.get("type") == "mrkdwn"]
        assert marked
        assert all(o["verbatim"] is True for o in marked)


def objects(part: object) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
    for value in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
    ):
        yield from objects(value)


def test_a_name_of_300_characters_leaves_room_for_the_rest() -> None:
    long = replace(CLIENT, name="奥岚取暖器" * 60)
    made = root(incident(headline="起火" * 150), long)
    assert problems(made) == []
    assert len(made.text) <= 120
    assert made.text.endswith("6x usual")
    head = made.blocks[0]["text"]["text"]
    assert head.endswith("6x usual · INC-204")
    assert width(head) <= 135  # four lines of a phone; a Chinese character takes two places


def test_very_long_addresses_cost_the_links_but_not_the_minutes() -> None:
    long = "https://a.example/" + "x" * 900
    proofs = tuple(replace(proof(s, 5), url=long) for s in Stage)
    made = root(incident(stage=Stage.OFFICIAL, proofs=proofs))
    assert problems(made) == []
    assert "an authority speaks Nov 24, 20:15 China" in shown(made)


# ----------------------------------------------------------------------------------------- evidence
def test_the_evidence_quotes_who_when_how_far_and_where() -> None:
    made = messages.evidence(incident(), QUOTES)
    assert problems(made) == []
    assert made.text.startswith("INC-204 Evidence: 3 posts, most seen first: “刚买三天")
    read = shown(made)
    assert "+38 reposts or copies of the most repeated post count once with it" in read
    seen = "1.9k reposts · +38 reposts or copies seen"
    assert f"@示例甲 (8,214 followers) · Weibo ·  · {seen}" in read
    assert "@示例丙消费观察 (V, 1.1M followers)" in read
    links = [o["url"] for o in objects(made.blocks) if o.get("type") == "link"]
    assert links == [q.url for q in QUOTES]
    dates = [o["timestamp"] for o in objects(made.blocks) if o.get("type") == "date"]
    assert dates == [int(q.at.timestamp()) for q in QUOTES]


def test_signs_of_coordination_are_told_as_an_estimate_and_only_where_there_are_any() -> None:
    def told(copied: float) -> str:
        found = Signs(posts=58, copied=copied, largest=36, accounts=34)
        made = messages.evidence(incident(), QUOTES, signs=found)
        assert problems(made) == []
        return shown(made)

    assert (
        "Possible coordination (machine estimate): 62% of 58 posts carry a text that other "
        "accounts posted too (the most copied: 36 posts from 34 accounts). News reprints and "
        "campaigns look alike; counts and severity do not depend on this."
    ) in told(0.62)
    assert told(0.3) == shown(messages.evidence(incident(), QUOTES))


def test_evidence_without_posts_says_so() -> None:
    assert "no post is stored yet" in messages.evidence(incident(), ()).text


# -------------------------------------------------------------------------------------------- facts
def alert(text: str, key: str = "inc-204:stage:9", **changes: Any) -> Alert:
    made = Alert(key=key, kind=AlertKind.UPDATE, channel="C0AULANE", incident=204, text=text)
    return replace(made, **changes)


def test_a_stage_up_links_its_proof() -> None:
    story = sample_b()
    fact = f"Stage up: news portal (示例新闻网): {story.proofs[0].url}"
    made = messages.update(alert(fact), names=NAMES, incident=story)
    assert made.text == f"INC-204: {fact}"
    assert shown(made) == "⬆️ Stage up: news portal (示例新闻网): open the proof ↗"


def test_an_address_in_a_fact_is_shown_as_it_is() -> None:
    made = messages.update(alert("see https://a.example/x"), names={})
    found = [o for o in objects(made.blocks) if o.get("type") == "link"]
    assert found == [{"type": "link", "url": "https://a.example/x", "text": "https://a.example/x"}]


def test_an_update_names_the_one_who_pressed_and_pings_those_it_pages() -> None:
    took = messages.update(
        alert("took it 11 min after the alert", "inc-204:acknowledged:2", who="U0LINA"), names=NAMES
    )
    assert shown(took) == "👤 Li Na took it 11 min after the alert"
    assert not [o for o in objects(took.blocks) if o.get("type") == "user"]
    page = messages.update(
        alert("S2: please take it.", "inc-204:page:1", mentions=("U0LINA", "S0TEAM", "<!here>")),
        names=NAMES,
    )
    assert [o["user_id"] for o in objects(page.blocks) if o.get("type") == "user"] == ["U0LINA"]
    groups = [o for o in objects(page.blocks) if o.get("type") == "usergroup"]
    assert [g["usergroup_id"] for g in groups] == ["S0TEAM"]
    assert problems(page) == []


# ----------------------------------------------------------------------------------------- playbook
def test_the_playbook_shows_steps_owners_times_and_what_not_to_do() -> None:
    made = messages.playbook(sample_b(), names=NAMES, plan=PLAN)
    assert problems(made) == []
    read = shown(made)
    assert "Playbook: Product safety or quality 产品质量安全 · 1 of 6 steps done" in read
    assert "☑ *duty officer* · done Nov 24, 20:23 China by Li Na" in read
    assert "☐ *product QA* ·" in read
    assert "☐ *scribe* · by Nov 24, 20:40 China" in read
    assert "☐ *client comms* · 🔒 needs an approval · by Nov 25, 00:20 China" in read
    assert "Don’t" in read
    assert "Leading with a lawsuit" in read
    assert "Possible duties by law: ask counsel" in read
    assert "[place or product]" in read
    assert "writer → account lead → legal → client comms" in read


def test_each_open_step_has_a_button_and_a_ticked_one_can_be_taken_back() -> None:
    ticked = replace(STEPS[1], done_at=NOW, done_by="U0LINA")
    story = replace(sample_b(), steps=(STEPS[0], ticked, *STEPS[2:]))
    made = messages.playbook(story, names=NAMES, plan=PLAN)
    found = [
        (json.loads(b["accessory"]["value"])["step"], b["accessory"]["text"]["text"])
        for b in made.blocks
        if "accessory" in b
    ]
    assert found == [
        ("c2", "Undo"),
        ("c7", "Done"),
        ("p1", "Done"),
        ("p3", "Done"),
        ("p4", "Done"),
    ]


def test_a_closed_incident_s_playbook_has_no_live_buttons() -> None:
    made = messages.playbook(sample_c(), names=NAMES, plan=PLAN)
    assert not [b for b in made.blocks if "accessory" in b]


def test_ticking_a_step_changes_no_block_s_kind() -> None:
    before = messages.playbook(sample_b(), names=NAMES, plan=PLAN)
    ticked = tuple(replace(s, done_at=NOW, done_by="U0LINA") for s in STEPS)
    after = messages.playbook(replace(sample_b(), steps=ticked), names=NAMES, plan=PLAN)
    assert [b["type"] for b in before.blocks] == [b["type"] for b in after.blocks]


def test_a_hundred_steps_are_cut_and_it_is_said() -> None:
    steps = tuple(replace(STEPS[1], id=f"s{n}", do="做" * 300) for n in range(100))
    made = messages.playbook(replace(sample_b(), steps=steps), names=NAMES, plan=PLAN)
    assert problems(made) == []
    assert re.search(r"… \d+ (more|later steps)", shown(made))


# ------------------------------------------------------------------------------------------ answers
@dataclass(frozen=True, kw_only=True)
class Count:
    source: str = "weibo"
    posts: int = 25
    authors: int = 23
    negatives: int = 18
    usual: float | None = 4.0
    outcome: Outcome = Outcome.OK
    known: bool = True
    unknown_since: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    counts: tuple[Count, ...]
    subject: str = "Aulane"
    span: timedelta = timedelta(hours=24)
    at: datetime = NOW
    top: tuple[Quote, ...] = ()
    incident: Incident | None = None


@dataclass(frozen=True, kw_only=True)
class Terms:
    terms: str = "Public pages, asked as a browser does"


def source_view(
    title: str, health: Health | None, terms: str | None = None, *, more: str = ""
) -> messages.SourceView:
    """Return a source as it is shown; MORE stands in for a client's name and a limit."""
    return messages.SourceView(
        title=title,
        health=health,
        terms=Terms() if terms is None else Terms(terms=terms),
        delays=((more, timedelta(minutes=4)),) if more else (),
        left=(more,) if more else (),
    )


BLIND = Count(
    source="feed",
    posts=0,
    authors=0,
    negatives=0,
    usual=None,
    outcome=Outcome.BLOCKED,
    known=False,
    unknown_since=NOW - timedelta(hours=6),
)


def test_a_check_counts_each_source_against_its_usual_and_shows_the_top_posts() -> None:
    report = Report(counts=(Count(), BLIND), top=QUOTES, incident=sample_b())
    made = messages.check_report(report, CLIENT)
    assert problems(made) == []
    read = shown(made)
    assert "Aulane, last 24 h: 25 distinct posts" in read
    assert "✓ *Weibo*: 25 posts by 23 authors (usual 4), 72% negative" in read
    assert "✗ *Feed*: *unknown since Nov 24, 14:20 China (blocked us)*" in read
    assert "Not seen for the whole span: Feed." in read
    assert "🔴 *INC-207* S1 · Aulane: country list on site" in read
    assert "stage: news portal" in read
    links = [o["url"] for o in objects(made.blocks) if o.get("type") == "link"]
    assert links == [q.url for q in QUOTES]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        pytest.param((Count(posts=0, authors=0),), True, id="every source was seen"),
        pytest.param((Count(posts=0, authors=0), BLIND), False, id="one was not"),
        pytest.param((), False, id="there is none"),
        pytest.param((Count(),), False, id="there are posts"),
    ],
)
def test_nothing_found_is_said_only_if_every_source_was_seen(
    counts: tuple[Count, ...], said: bool
) -> None:
    report = Report(counts=counts)
    assert ("Nothing found" in shown(messages.check_report(report, None))) is said
    assert ("Nothing found" in messages.check_text(report)) is said
    assert ("Nothing found" in messages.check_report(report, None).text) is said


def test_a_check_tells_signs_of_coordination_and_quotes_in_english() -> None:
    report = Report(counts=(Count(),), top=QUOTES)
    quote = report.top[0]
    gist = Gist(text="the heater smoked")
    signs = Signs(posts=40, known=40, followerless=1.0)
    made = messages.check_report(report, CLIENT, gists={quote.key: gist}, signs=signs)
    told = shown(made)
    assert "gist (machine): the heater smoked" in told
    assert "Possible coordination (machine estimate): 100% of 40 accounts" in told
    assert "counts and severity do not depend on this" in told
    assert "Possible coordination" not in shown(messages.check_report(report, CLIENT))


def test_the_check_in_a_terminal_says_the_same() -> None:
    report = Report(counts=(Count(), BLIND), top=QUOTES[:1], incident=sample_b())
    assert messages.check_text(report).splitlines() == [
        "Aulane, last 24 h: 25 distinct posts",
        "  Weibo: 25 posts by 23 authors (usual 4), 72% negative",
        "  Feed: 0 posts; unknown since Nov 24, 14:20 China (blocked us)",
        "Not seen for the whole span: Feed. There may be more than is counted here.",
        'INC-207 S1 taken: country list on site "港澳台列为国家" · stage: news portal',
        "  “刚买三天的奥岚取暖器半夜自燃，窗帘烧了一半” @示例甲 (8,214 followers) Nov 24, 19:42 China",
        "    https://weibo.com/1234567/PabcD1",
    ]


def test_the_list_of_incidents_says_what_is_open_and_who_has_it() -> None:
    stories = (incident(), sample_b(), sample_c())
    made = messages.incident_list(stories, {"aulane": CLIENT}, NAMES, NOW)
    assert problems(made) == []
    read = shown(made)
    assert made.text == "2 open incidents, 1 closed"
    assert "🟠 *INC-204* S2 · Aulane: heater" in read
    assert "open · owner: nobody yet · stage: spreading" in read
    assert "taken · owner Li Na · stage: news portal" in read
    assert "🟢 *INC-198*" in read
    assert "closed · owner Chen Wei" in read
    assert messages.incident_list((), {}, {}, NOW).text == "No incident so far."


def test_the_list_of_clients_shows_the_words_that_mean_them() -> None:
    made = messages.client_list((CLIENT,))
    assert problems(made) == []
    read = shown(made)
    assert "names: 奥岚, Aulane" in read
    assert "companions: 取暖器" in read
    assert "excluded: 奥兰多" in read
    assert "sources: all that are set up" in read
    assert "1 person · list version 1" in read
    assert "No client is watched" in messages.client_list(()).text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_list_of_sources_says_each_outcome_since_when_and_what_to_do(outcome: Outcome) -> None:
    health = Health(
        source="weibo",
        outcome=outcome,
        since=NOW - timedelta(hours=6),
        asked_at=NOW,
        ok_at=NOW - timedelta(hours=6),
        until=NOW + timedelta(hours=1),
        requests=312,
    )
    made = messages.source_list([source_view("Weibo", health)], NOW)
    assert problems(made) == []
    read = shown(made)
    assert messages.answers.OUTCOMES[outcome] in read
    assert "312 requests today" in read
    assert "not asked before Nov 24, 21:20 China" in read
    assert "Terms: Public pages" in read
    assert ("since Nov 24, 14:20 China" in read) is not outcome.healthy
    assert (messages.answers.TO_DO.get(outcome, "never") in read) is not outcome.healthy


def test_a_source_says_how_soon_it_shows_posts_and_what_is_left_of_its_limits() -> None:
    shown_view = messages.SourceView(
        title="Weibo",
        health=None,
        terms=Terms(),
        delays=(("Aulane", timedelta(minutes=3)), ("Norbridge", timedelta(minutes=9))),
        left=("2,345 of 3,000 credits left this month",),
    )
    read = shown(messages.source_list([shown_view], NOW))
    assert "Posts are seen after about: Norbridge 9 min, Aulane 3 min" in read
    assert "2,345 of 3,000 credits left this month" in read


def test_a_source_s_own_advice_wins_and_one_never_asked_is_no_fine_one() -> None:
    health = Health(
        source="weibo",
        outcome=Outcome.AUTH_REQUIRED,
        since=NOW,
        asked_at=NOW,
        detail="The cookie of account 示例 expired: log in again.",
    )
    made = messages.source_list([source_view("Weibo", health), source_view("Feeds", None, "")], NOW)
    assert made.text == "2 sources, 2 in trouble"
    assert "log in again" in shown(made)
    assert "never seen, counts since then are unknown" in shown(made)
    assert "✗ *Feeds*: never asked yet" in shown(made)
    assert "No source is set up" in messages.source_list([], NOW).text


def test_help_comes_from_the_rows_it_is_given() -> None:
    made = messages.help_list([("/crisis check", "count posts")], first="I don’t know “chek”.")
    assert problems(made) == []
    assert shown(made) == "I don’t know “chek”./crisis check count posts"


# ------------------------------------------------------------------------------------------- modals
def submitted(**values: Any) -> dict[str, Any]:
    """Return a view's state as Slack sends it."""
    reason, note = values.get("reason"), values.get("note")
    option = {"text": {"type": "plain_text", "text": "H&amp;M"}, "value": reason}
    return {
        "reason": {
            "reason": {"type": "static_select", "selected_option": option if reason else None}
        },
        "note": {"note": {"type": "plain_text_input", "value": note}},
    }


def test_a_window_asks_for_a_reason_and_carries_ids_only() -> None:
    for view, callback in (
        (messages.resolve_modal(incident()), "resolve_modal"),
        (messages.false_alarm_modal(incident()), "false_alarm_modal"),
    ):
        assert problems(view) == []
        assert view["callback_id"] == callback
        assert view["private_metadata"] == '{"v":1,"inc":204,"rev":1}'


def test_a_false_alarm_is_asked_which_of_seven_kinds_it_is() -> None:
    view = messages.false_alarm_modal(incident())
    options = next(b for b in view["blocks"] if b.get("block_id") == "reason")["element"]["options"]
    assert [o["value"] for o in options] == [
        "other_meaning", "old_news", "joke", "own_campaign", "advertisement", "bots", "not_ours",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "note"),
    [
        pytest.param({"reason": "joke", "note": " ha "}, "A joke: ha", id="both"),
        pytest.param(
            {"reason": "answered", "note": None}, "Answered, and calm since", id="no note"
        ),
        pytest.param({"note": "only words"}, "only words", id="no reason"),
        pytest.param({"reason": "unheard of"}, "", id="a reason that is none of ours"),
    ],
)
def test_a_submitted_window_becomes_a_note(values: dict[str, Any], note: str) -> None:
    assert messages.modal_note(submitted(**values)) == note
    assert messages.modal_note({}) == ""


def test_a_refusal_in_a_window_shows_whom_to_ask() -> None:
    view = messages.told_modal("You may read this. Ask <@U0LINA>, <!channel>.")
    assert problems(view) == []
    users = [o["user_id"] for o in objects(view) if o.get("type") == "user"]
    assert users == ["U0LINA"]
    assert "".join(texts(view["blocks"])) == "You may read this. Ask , <!channel>."


def test_the_playbook_can_be_read_in_a_window() -> None:
    view = messages.playbook_modal(sample_b(), PLAN)
    assert problems(view) == []
    read = "".join(texts(view["blocks"]))
    assert "Leading with a lawsuit" in read
    assert "Tick steps in the incident’s thread." in read
    assert not [b for b in view["blocks"] if "accessory" in b]
    steps = tuple(replace(STEPS[1], id=f"s{n}") for n in range(100))
    assert problems(messages.playbook_modal(incident(steps=steps))) == []


# --------------------------------------------------------------------------------------- any text
NASTY = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(
            [
                "<!channel>", "<!here|x>", "<@U0LINA>", "<#C1|x>", "<https://evil.example|bank>",
                "<!date^1^{time}|x>", "&lt;!channel&gt;", "&", "<", ">", "|", "*", "_", "~", "`",
                ":fire:", "@channel", "\u202e", "\u200b", "\x00", "\ud800", "😀", "骑云", "\n> ",
                "```", "https://evil.example/?a=<b>|c&d", "x" * 700, "字" * 900, "",
            ]
        ),
        max_size=8,
    ).map("".join),
)  # fmt: skip
TOKEN = re.compile(r"<[^>]*>")
OURS = re.compile(
    r"<!date\^\d+\^(?:\{time\}|\{date_short_pretty\} \{time\})\|[A-Z][a-z]{2} \d+, \d\d:\d\d China>"
    r"|<https?://[^<>|\s]+\|(?:Open post ↗|first post|spreading|large or verified account"
    r"|news portal|newspaper, TV or state media|an authority speaks)>"
)


def holds(made: Message) -> None:
    """Assert that MADE passes and that every token in it is one of ours."""
    assert problems(made) == []
    assert not TOKEN.search(made.text)
    assert "\x00" not in made.text
    for part in objects(made.blocks):
        if part.get("type") == "mrkdwn":
            rest = OURS.sub("", part["text"])
            assert not re.search(r"[<>`~]|:[\w+'-]*[a-z+][\w+'-]*:", rest), rest
        if part.get("type") in ("user", "usergroup", "broadcast"):
            raise AssertionError(part)
        if part.get("type") == "link":
            assert part["url"].startswith(("https://", "http://"))
    json.dumps(made.blocks, ensure_ascii=False).encode()


@settings(max_examples=150, deadline=None)
@given(text=NASTY, other=NASTY, closed=st.booleans(), stage=st.sampled_from(list(Stage)))
def test_any_text_in_any_field_gives_a_message_that_slack_takes(
    text: str, other: str, closed: bool, stage: Stage
) -> None:
    post = quote(text, who=other, url=text, source=other or "x")
    steps = (replace(STEPS[1], do=text, owner=other, id=text or "s", skipped=None), STEPS[5])
    story = incident(
        headline=text,
        lead=post,
        reasons=(text, other),
        type_terms=(text, other),
        stage=stage,
        proofs=(replace(proof(stage, 1), url=text, who=other),),
        sources=(SourceNote(source=other, outcome=Outcome.DOWN, ok_at=None, detail=text),),
        steps=steps,
        state=State.RESOLVED if closed else State.ACKNOWLEDGED,
        owner=other,
        acknowledged_at=NOW,
        closed_at=NOW if closed else None,
        closed_by=text,
        close_reason=other,
        why=text,
        source=other,
    )
    client = replace(CLIENT, id=other, name=text)
    plan = replace(
        PLAN,
        name=text,
        name_zh=other,
        wrong_moves=(text, other),
        statement_zh=text,
        statement_en=other,
        must_not=(text,),
        approval=(other,),
    )
    names = {other: text, text: other}
    holds(messages.root(story, client, names=names, now=NOW, plan=plan))
    holds(messages.evidence(story, (post, replace(post, cluster_size=1))))
    holds(messages.playbook(story, names=names, plan=plan))
    holds(messages.update(alert(text, key=other, who=other), names=names, incident=story))
    holds(messages.notice(text))
    count = Count(source=other, detail=text, known=closed, outcome=Outcome.BLOCKED)
    report = Report(subject=text, counts=(count,), top=(post,), incident=story)
    holds(messages.check_report(report, client))
    messages.check_text(report).encode()
    holds(messages.incident_list((story,), {other: client}, names, NOW))
    holds(messages.client_list((replace(client, names=(text,), exclude=(other, text)),)))
    health = Health(source=other, outcome=Outcome.DOWN, since=NOW, asked_at=NOW, detail=text)
    holds(messages.source_list([source_view(other, health, text, more=text)], NOW))
    holds(messages.help_list([(text, other)], first=text))
    assert problems(messages.resolve_modal(story)) == []
    assert problems(messages.false_alarm_modal(story)) == []
    assert problems(messages.playbook_modal(story, plan)) == []
    assert problems(messages.told_modal(text)) == []
    holds(messages.plain(text))


@settings(max_examples=100, deadline=None)
@given(text=NASTY, other=NASTY, outcome=st.sampled_from(list(Outcome)))
def test_any_text_in_any_answer_or_window_is_one_that_slack_takes(
    text: str, other: str, outcome: Outcome
) -> None:
    health = Health(source=other, outcome=outcome, since=NOW, asked_at=NOW, detail=text)
    holds(
        messages.source_list(
            [source_view(text, health, other, more=text), source_view(other, None)], NOW
        )
    )
    holds(messages.help_list([(text, other)], first=text))
    holds(messages.plain(text))
    steps = (replace(STEPS[1], do=text, owner=other, id=text or "s"), STEPS[5])
    story = incident(headline=text, steps=steps)
    plan = replace(PLAN, name=text, wrong_moves=(other,), statement_zh=text, must_not=(other,))
    for view in (
        messages.resolve_modal(story),
        messages.false_alarm_modal(story),
        messages.playbook_modal(story, plan),
        messages.told_modal(text),
    ):
        assert problems(view) == []


def test_main_points_stand_before_the_posts_each_with_its_own() -> None:
    points = [(replace(QUOTES[1], text="同款，也冒烟了"), Gist(text="the same model, also smoked"))]
    made = messages.evidence(incident(), QUOTES, points=points, of=21)
    told = shown(made)
    assert "Main points, sentences chosen by machine from 21 posts" in told
    assert "“同款，也冒烟了” · gist (machine): the same model, also smoked" in told
    assert told.index("Main points") < told.index(QUOTES[0].text)
    assert problems(made) == []
