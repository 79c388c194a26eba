"""The life of an incident, as decisions and their reasons."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watchers.incidents import Action, Evidence, advance, decide, severity_of, story_of
from watchers.model import (
    AlertKind,
    Client,
    CrisisType,
    Decision,
    Figures,
    Incident,
    Outcome,
    Person,
    PlayStep,
    Proof,
    Quote,
    Reason,
    Role,
    Severity,
    Signal,
    SourceNote,
    Stage,
    State,
    Stream,
    Trend,
)

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CLIENT = Client(
    id="aulane",
    name="Aulane",
    names=("奥岚",),
    channel="C1",
    people=(
        Person(slack="U1", role=Role.DUTY_OFFICER),
        Person(slack="U2", role=Role.CLIENT_COMMS),
        Person(slack="U3", role=Role.VIEWER),
    ),
)
FIRE = CrisisType(
    id="product_safety",
    name="Product safety",
    name_zh="产品安全",
    severity=Severity.S3,
    strong=("自燃",),
    weak=(),
    evasions=(),
    exclude=(),
)
STEP = PlayStep(id="p1", due=HOUR, owner="product_qa", do="Check the batch")


def quote(**changes: object) -> Quote:
    fields: dict[str, object] = {
        "source": "weibo",
        "post_id": "1",
        "url": "https://weibo.example/1",
        "text": "奥岚取暖器自燃",
        "who": "示例甲",
        "followers": 100,
        "verified": False,
        "at": NOW - 30 * MINUTE,
        "reposts": 3,
        "negative": 0.9,
    }
    return Quote(**(fields | changes))  # type: ignore[arg-type]


def proof(stage: Stage, *, minutes: int = 20, who: str = "示例乙") -> Proof:
    return Proof(
        stage=stage,
        at=NOW - minutes * MINUTE,
        source="weibo",
        post_id=stage,
        url=f"https://weibo.example/{stage}",
        who=who,
    )


def figures(count: int = 25, **changes: object) -> Figures:
    base = Figures(
        at=NOW,
        count=count,
        with_reposts=2 * count,
        authors=count,
        usual=4.0,
        negative_share=0.7,
        total=count,
        peak=count,
        peak_at=NOW,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def signal(stream: Stream = Stream.VOLUME, count: int = 25) -> Signal:
    return Signal(
        client="aulane",
        source="weibo",
        at=NOW,
        stream=stream,
        window=HOUR,
        count=count,
        authors=count,
        usual=4.0,
        negative=18,
        score=4.2,
        threshold=3.3,
        why="25 posts by 23 authors in 60 min, usual 4.",
    )


def evidence(*signals: Signal, **changes: object) -> Evidence:
    base = Evidence(
        source="weibo",
        signals=signals,
        figures=figures(),
        type=FIRE,
        type_terms=("自燃",),
        lead=quote(),
        top=(quote(),),
        proofs=(),
        state_media=False,
        sources=(SourceNote(source="weibo", outcome=Outcome.OK, ok_at=NOW),),
        first_post_at=NOW - HOUR,
        steps=(STEP,),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def opened(**changes: object) -> Incident:
    incident = decide(None, evidence(signal()), CLIENT, NOW).incident
    assert incident is not None
    return replace(incident, number=7, **changes)  # type: ignore[arg-type]


def kinds(decision: Decision) -> list[AlertKind]:
    return [a.kind for a in decision.alerts]


# ------------------------------------------------------------------------------ the machine
def test_a_signal_opens_an_incident_with_root_evidence_chart_and_playbook() -> None:
    decision = decide(None, evidence(signal()), CLIENT, NOW)
    assert decision.reason is Reason.FIRST
    assert kinds(decision) == [
        AlertKind.ROOT,
        AlertKind.UPDATE,
        AlertKind.EVIDENCE,
        AlertKind.CHART,
        AlertKind.PLAYBOOK,
    ]
    incident = decision.incident
    assert incident is not None
    assert (incident.state, incident.severity, incident.stage) == (
        State.OPEN,
        Severity.S3,
        Stage.FERMENT,
    )
    assert incident.opened_at == NOW
    assert incident.steps[0].due_at == NOW + HOUR
    assert incident.reasons == ("Product safety: starts at S3",)


def test_only_those_whom_the_severity_pages_are_mentioned() -> None:
    watch = decide(None, evidence(signal()), CLIENT, NOW)
    assert [a.mentions for a in watch.alerts if a.mentions] == [("U1",)]
    serious = decide(
        None, evidence(signal(), type=replace(FIRE, severity=Severity.S2)), CLIENT, NOW
    )
    assert [a.mentions for a in serious.alerts if a.mentions] == [("U1", "U2")]


def test_no_signal_opens_nothing() -> None:
    assert decide(None, evidence(), CLIENT, NOW) == Decision(reason=Reason.NOTHING)


def test_a_happy_burst_without_a_risk_word_is_not_told() -> None:
    happy = evidence(signal(), type=None, figures=figures(negative_share=0.1))
    assert decide(None, happy, CLIENT, NOW).reason is Reason.NOTHING


@pytest.mark.parametrize(
    ("count", "share", "young", "told"),
    [
        pytest.param(25, 0.3, False, True, id="three in ten are negative"),
        pytest.param(25, 0.25, False, False, id="a quarter of a small burst is not"),
        pytest.param(62, 9 / 62, False, True, id="nine bad ones are a burst of their own"),
        pytest.param(60, 0.25, False, True, id="a quarter of a large one is a burst by itself"),
        pytest.param(600, 0.12, False, False, id="the usual share is not, however large it is"),
        pytest.param(60, 0.35, True, False, id="a new client's mood is not known yet"),
        pytest.param(60, 0.45, True, True, id="nearly half is bad for anybody"),
    ],
)
def test_how_bad_a_mood_must_be(count: int, share: float, young: bool, told: bool) -> None:
    burst = evidence(signal(), type=None, young=young, figures=figures(count, negative_share=share))
    assert (decide(None, burst, CLIENT, NOW).reason is Reason.FIRST) is told


def test_a_burst_in_a_bad_mood_is_told_without_any_type() -> None:
    decision = decide(None, evidence(signal(), type=None), CLIENT, NOW)
    assert decision.reason is Reason.FIRST
    assert decision.incident is not None
    assert decision.incident.type is None


@pytest.mark.parametrize(
    ("stage", "severity"),
    [
        pytest.param(Stage.AMPLIFY, Severity.S2, id="a large account lifts it to S2"),
        pytest.param(Stage.PORTAL, Severity.S2, id="a portal lifts it to S2"),
        pytest.param(Stage.PRESS, Severity.S2, id="a newspaper lifts it to S2"),
        pytest.param(Stage.OFFICIAL, Severity.S1, id="an authority lifts it to S1"),
    ],
)
def test_a_stage_has_a_least_severity(stage: Stage, severity: Severity) -> None:
    found, reasons = severity_of(evidence(signal()), stage)
    assert found is severity
    assert f"Stage {stage}" in reasons[-1]


def test_state_media_make_it_s1() -> None:
    found, _ = severity_of(evidence(signal(), state_media=True), Stage.PRESS)
    assert found is Severity.S1


def test_a_new_stage_is_told_with_its_proof_and_its_delay_and_broadcast() -> None:
    decision = decide(
        opened(), evidence(proofs=(proof(Stage.AMPLIFY, minutes=20),)), CLIENT, NOW + MINUTE
    )
    assert decision.reason is Reason.STAGE
    update = next(a for a in decision.alerts if a.kind is AlertKind.UPDATE)
    assert "40 min after the first post" in update.text
    assert "https://weibo.example/amplify" in update.text
    assert update.broadcast
    assert decision.incident is not None
    assert decision.incident.severity is Severity.S2


def test_stages_never_go_back() -> None:
    at_portal = opened(stage=Stage.PORTAL, proofs=(proof(Stage.PORTAL),))
    decision = decide(at_portal, evidence(proofs=(proof(Stage.AMPLIFY),)), CLIENT, NOW + MINUTE)
    assert decision.incident is not None
    assert decision.incident.stage is Stage.PORTAL


def test_the_machine_never_lowers_a_severity() -> None:
    decision = decide(opened(severity=Severity.S1), evidence(), CLIENT, NOW + MINUTE)
    assert decision.incident is None or decision.incident.severity is Severity.S1


def test_more_posts_edit_the_root_and_stay_silent() -> None:
    decision = decide(opened(), evidence(figures=figures(30)), CLIENT, NOW + 5 * MINUTE)
    assert decision.reason is Reason.COUNTS
    assert kinds(decision) == [AlertKind.ROOT]


def test_after_the_interval_the_thread_hears_that_it_goes_on() -> None:
    decision = decide(
        opened(severity=Severity.S2),
        evidence(figures=figures(60, total=90)),
        CLIENT,
        NOW + 31 * MINUTE,
    )
    assert decision.reason is Reason.STILL
    update = next(a for a in decision.alerts if a.kind is AlertKind.UPDATE)
    assert "60 distinct posts" in update.text
    assert "65 more" in update.text
    assert not update.broadcast


def test_nothing_new_changes_nothing() -> None:
    incident = opened(figures=figures())
    same = replace(evidence(), proofs=incident.proofs)
    assert decide(incident, same, CLIENT, NOW + MINUTE).reason is Reason.NOTHING


def test_a_day_of_calm_is_fading_and_only_proposes_to_close() -> None:
    calm = evidence(figures=figures(3))
    incident = decide(opened(), calm, CLIENT, NOW + HOUR).incident
    assert incident is not None
    assert incident.calm_since == NOW + HOUR
    decision = decide(incident, calm, CLIENT, NOW + 26 * HOUR)
    assert decision.reason is Reason.FADING
    assert decision.incident is not None
    assert decision.incident.state is State.OPEN
    assert decision.incident.trend is Trend.FADE


def test_bad_posts_above_their_usual_are_no_calm_though_volume_is() -> None:
    loud = figures(60, usual=40.0, negative_share=0.3, usual_negatives=4.0)
    for seen, calm in ((loud, None), (replace(loud, usual_negatives=9.0), NOW + HOUR)):
        incident = decide(opened(), evidence(figures=seen), CLIENT, NOW + HOUR).incident
        assert incident is not None
        assert incident.calm_since == calm


def test_what_cannot_be_seen_is_not_calm() -> None:
    blind = evidence(
        figures=figures(0),
        sources=(SourceNote(source="weibo", outcome=Outcome.BLOCKED, ok_at=NOW),),
    )
    incident = decide(opened(calm_since=NOW), blind, CLIENT, NOW + HOUR).incident
    assert incident is not None
    assert incident.calm_since is None


def test_a_resolved_story_that_flares_up_keeps_its_number_and_severity() -> None:
    closed = opened(state=State.RESOLVED, closed_at=NOW, severity=Severity.S2)
    decision = decide(closed, evidence(signal()), CLIENT, NOW + HOUR)
    assert decision.reason is Reason.REBOUND
    assert decision.incident is not None
    assert (decision.incident.number, decision.incident.severity, decision.incident.state) == (
        7,
        Severity.S2,
        State.OPEN,
    )


def test_a_story_that_had_faded_when_it_was_closed_is_not_opened_again() -> None:
    closed = opened(state=State.RESOLVED, closed_at=NOW, trend=Trend.FADE)
    assert decide(closed, evidence(signal()), CLIENT, NOW + HOUR).reason is Reason.FIRST


def test_what_a_person_called_no_crisis_stays_quiet_unless_it_doubles_or_climbs() -> None:
    closed = opened(state=State.FALSE_ALARM, closed_at=NOW)
    assert decide(closed, evidence(signal()), CLIENT, NOW + HOUR).reason is Reason.NOTHING
    doubled = evidence(signal(), figures=figures(50))
    assert decide(closed, doubled, CLIENT, NOW + HOUR).reason is Reason.FIRST
    higher = evidence(signal(), proofs=(proof(Stage.PORTAL),))
    assert decide(closed, higher, CLIENT, NOW + HOUR).reason is Reason.FIRST


def test_evidence_finds_the_incident_of_its_story() -> None:
    fire, untyped = opened(), opened(type=None)
    food = replace(FIRE, id="food_safety")
    assert story_of([fire], FIRE, "weibo") is fire
    assert story_of([fire], food, "weibo") is None
    assert story_of([fire], food, "feed") is fire
    assert story_of([untyped], food, "weibo") is untyped
    assert story_of([fire], None, "weibo") is fire
    assert story_of([untyped, fire], FIRE, "weibo") is fire
    assert story_of([], FIRE, "weibo") is None


# ----------------------------------------------------------------------------------- people
def test_the_first_to_acknowledge_owns_it() -> None:
    decision = advance(opened(), Action.ACKNOWLEDGE, "U1", NOW + 11 * MINUTE)
    assert decision.reason is Reason.ACKNOWLEDGED
    assert decision.incident is not None
    assert (decision.incident.owner, decision.incident.state) == ("U1", State.ACKNOWLEDGED)
    update = decision.alerts[1]
    assert update.text == "took it 11 min after the alert"
    assert update.who == "U1"
    assert update.mentions == ()


def test_the_second_changes_nothing() -> None:
    taken = opened(state=State.ACKNOWLEDGED, owner="U1")
    assert advance(taken, Action.ACKNOWLEDGE, "U2", NOW).reason is Reason.NOTHING


def test_an_acknowledgement_does_not_reopen_what_is_resolved() -> None:
    closed = opened(state=State.RESOLVED)
    assert advance(closed, Action.ACKNOWLEDGE, "U1", NOW).reason is Reason.NOTHING


@pytest.mark.parametrize(
    ("action", "state"),
    [(Action.RESOLVE, State.RESOLVED), (Action.FALSE_ALARM, State.FALSE_ALARM)],
)
def test_two_ends_each_with_its_reason(action: Action, state: State) -> None:
    decision = advance(opened(), action, "U1", NOW, note="a joke")
    assert decision.incident is not None
    assert (decision.incident.state, decision.incident.close_reason) == (state, "a joke")
    assert decision.events[0].who == "U1"
    again = advance(decision.incident, action, "U1", NOW)
    assert again.reason is Reason.NOTHING


def test_opening_again_keeps_the_number_and_names_an_owner() -> None:
    closed = opened(state=State.RESOLVED, closed_at=NOW, closed_by="U1")
    decision = advance(closed, Action.REOPEN, "U2", NOW)
    assert decision.incident is not None
    assert (decision.incident.number, decision.incident.owner) == (7, "U2")
    assert decision.incident.closed_at is None


def test_a_step_is_ticked_and_the_tick_taken_back() -> None:
    ticked = advance(opened(), Action.STEP, "U1", NOW, step="p1")
    assert ticked.incident is not None
    assert ticked.incident.steps[0].done_by == "U1"
    assert AlertKind.PLAYBOOK in kinds(ticked)
    back = advance(ticked.incident, Action.STEP, "U1", NOW, step="p1")
    assert back.incident is not None
    assert back.incident.steps[0].done_at is None
    assert advance(opened(), Action.STEP, "U1", NOW, step="zz").reason is Reason.NOTHING


def test_every_change_raises_the_revision() -> None:
    incident = opened()
    decision = advance(incident, Action.ACKNOWLEDGE, "U1", NOW)
    assert decision.incident is not None
    assert decision.incident.rev == incident.rev + 1
