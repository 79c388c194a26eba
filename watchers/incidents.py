"""The life of an incident: what is known now becomes a Decision with its reason.

Knows neither clock, nor store, nor Slack. `decide` is what the machine does with evidence,
`advance` what people do. Machines raise, only people lower and close.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from watchers.model import (
    Alert,
    AlertKind,
    Change,
    Client,
    CrisisType,
    Decision,
    Echo,
    Event,
    Figures,
    HotEntry,
    Incident,
    PlayStep,
    Proof,
    Quote,
    Reason,
    RuleChange,
    Severity,
    Signal,
    SourceNote,
    Stage,
    State,
    Step,
    Stream,
    Trend,
)

# between two thread updates about counts, by severity (product rule "one incident, one root")
UPDATE_EVERY = {
    Severity.S1: timedelta(minutes=10),
    Severity.S2: timedelta(minutes=30),
    Severity.S3: timedelta(hours=2),
    Severity.S4: timedelta(days=1),
}
STILL_POSTS, STILL_SHARE = 5, 0.1  # with fewer new posts there is nothing to say
CALM_RATIO = 2.0  # below twice the usual is calm
CALM_POSTS = 5  # in an hour: half of what could alarm is calm however little is usual
CALM_FOR = timedelta(hours=24)  # calm this long is fading
REOPEN_WITHIN = timedelta(hours=72)  # a resolved story that flares up again keeps its number
QUIET_AFTER_FALSE_ALARM = timedelta(hours=24)
WORRY_NEGATIVE_SHARE = 0.3  # a burst with less bad mood and no risk word is for the digest,
WORRY_NEW_SHARE = 0.4  # in a client's first two weeks: how it is spoken of is not known yet
WORRY_NEGATIVES, WORRY_LEAST_SHARE = 8, 1 / 7  # unless its bad posts alone would be a burst
LOUD_RATIO = 10.0
STAGE_SEVERITY = {
    Stage.AMPLIFY: Severity.S2,
    Stage.PORTAL: Severity.S2,
    Stage.PRESS: Severity.S2,
    Stage.OFFICIAL: Severity.S1,
}
ECHOES_TOLD = 3  # publishers that are told one by one
ECHOES_KEPT = 50  # articles of a story that are kept
HOT_LISTS = "hotlist"  # the source whose entries are titles with a rank
STAGE_WORDS = {
    Stage.SEED: "first post",
    Stage.FERMENT: "spreading",
    Stage.AMPLIFY: "large or verified account",
    Stage.PORTAL: "news portal",
    Stage.PRESS: "newspaper, TV or state media",
    Stage.OFFICIAL: "an authority speaks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the stages know about one client at one source, counted at one moment."""

    source: str
    signals: tuple[Signal, ...]  # those of this moment; empty in a calm one
    figures: Figures
    type: CrisisType | None
    type_terms: tuple[str, ...]
    lead: Quote | None
    top: tuple[Quote, ...]
    proofs: tuple[Proof, ...]  # oldest first
    state_media: bool  # one of the proofs is by a state medium
    sources: tuple[SourceNote, ...]
    first_post_at: datetime | None
    steps: tuple[PlayStep, ...]
    young: bool = False  # less than two weeks of posts are known
    hot: tuple[HotEntry, ...] = ()  # of the story, oldest first
    echoes: tuple[Echo, ...] = ()  # articles that tell the story, oldest first


# ------------------------------------------------------------------------------------- machine
def decide(current: Incident | None, evidence: Evidence, client: Client, now: datetime) -> Decision:
    """Return what to do about CLIENT's story; CURRENT is its open or lately closed incident."""
    if current is None or (current.state.closed and not _flares_up(current, evidence, now)):
        return _first(evidence, client, now, after=current)
    if current.state.closed:
        return _reopen(current, evidence, now)
    return _go_on(current, evidence, now)


def stage_words(proof: Proof) -> str:
    """Return what PROOF shows, in words."""
    if proof.source == HOT_LISTS:
        return "hot list"
    return STAGE_WORDS[proof.stage]


def severity_of(evidence: Evidence, stage: Stage) -> tuple[Severity, tuple[str, ...]]:
    """Return the severity that the type, the stages reached and S1's own facts ask for, and why."""
    severity, reasons = Severity.S3, ["No crisis type yet: starts at S3"]
    if evidence.type is not None:
        severity = evidence.type.severity
        reasons = [f"{evidence.type.name}: starts at {severity}"]
    least = STAGE_SEVERITY.get(stage)
    if least is not None and least < severity:
        severity = least
        reasons.append(f"Stage {stage}: {STAGE_WORDS[stage]}, at least {least}")
    if evidence.state_media and severity > Severity.S1:
        severity = Severity.S1
        reasons.append("State media carry it: S1")
    ratio = evidence.figures.ratio or 0.0
    share = evidence.figures.negative_share or 0.0
    if severity is Severity.S3 and ratio >= LOUD_RATIO and share >= WORRY_NEGATIVE_SHARE:
        severity = Severity.S2
        reasons.append(f"{ratio:.0f} times the usual, {share:.0%} negative: S2")
    return severity, tuple(reasons)


def worrying(evidence: Evidence) -> bool:
    """Whether a burst is bad news: a risk type, a bad mood, or a signal of the negative stream."""
    if evidence.type is not None:
        return True
    if any(s.stream in (Stream.NEGATIVE, Stream.RISK, Stream.SPREAD) for s in evidence.signals):
        return True
    share = evidence.figures.negative_share or 0.0
    if evidence.young:
        return share >= WORRY_NEW_SHARE
    many = evidence.figures.negatives >= WORRY_NEGATIVES
    return share >= WORRY_NEGATIVE_SHARE or (many and share >= WORRY_LEAST_SHARE)


def _first(evidence: Evidence, client: Client, now: datetime, after: Incident | None) -> Decision:
    if not evidence.signals or not worrying(evidence):
        return Decision(reason=Reason.NOTHING)
    if after is not None and after.state is State.FALSE_ALARM and _same_noise(after, evidence, now):
        return Decision(reason=Reason.NOTHING)
    signal = max(evidence.signals, key=lambda s: s.score)
    proofs = _with_ferment(evidence, signal, now)
    stage = max((p.stage for p in proofs), key=lambda s: s.order, default=Stage.FERMENT)
    severity, reasons = severity_of(evidence, stage)
    incident = Incident(
        number=0,
        client=client.id,
        type=evidence.type.id if evidence.type else None,
        type_terms=evidence.type_terms,
        severity=severity,
        reasons=reasons,
        state=State.OPEN,
        stage=stage,
        trend=Trend.RUNNING,
        opened_at=now,
        first_post_at=evidence.first_post_at,
        updated_at=now,
        rev=1,
        figures=evidence.figures,
        lead=evidence.lead,
        proofs=proofs,
        sources=evidence.sources,
        steps=_steps(evidence.steps, now),
        channel=client.channel,
        headline=_headline(evidence),
        told_at=now,
        told_total=evidence.figures.total,
        why=signal.why,
        source=evidence.source,
        hot=evidence.hot,
        echoes=evidence.echoes[:ECHOES_KEPT],
    )
    channel = client.channel or ""
    alerts = (
        Alert(key="root", kind=AlertKind.ROOT, channel=channel),
        *_page(client, severity, channel),
        Alert(key="evidence:1", kind=AlertKind.EVIDENCE, channel=channel, quotes=evidence.top),
        Alert(key="chart:1", kind=AlertKind.CHART, channel=channel),
        Alert(key="playbook", kind=AlertKind.PLAYBOOK, channel=channel),
    )
    events = (
        Event(at=now, kind=Reason.FIRST, who=None, text=signal.why),
        *(_proof_event(p) for p in proofs),
    )
    return Decision(reason=Reason.FIRST, incident=incident, alerts=alerts, events=events)


def _go_on(current: Incident, evidence: Evidence, now: datetime) -> Decision:
    """Fold EVIDENCE into an open incident; the strongest reason to speak wins."""
    proofs = _merge(current.proofs, evidence.proofs)
    stage = max((p.stage for p in proofs), key=lambda s: s.order, default=current.stage)
    stage = max(stage, current.stage, key=lambda s: s.order)
    asked, reasons = severity_of(evidence, stage)
    kind = current.type or (evidence.type.id if evidence.type else None)
    figures = _peaks(current.figures, evidence.figures)
    calm_since = _calm_since(current, evidence, now)
    trend = _trend(current, evidence, calm_since, now)
    worse = asked < current.severity
    following = replace(
        current,
        type=kind,
        type_terms=current.type_terms or evidence.type_terms,
        severity=current.severity.worst(asked),
        reasons=reasons if worse else current.reasons,
        stage=stage,
        trend=trend,
        proofs=proofs,
        figures=figures,
        lead=current.lead or evidence.lead,
        sources=evidence.sources,
        first_post_at=_earliest(current.first_post_at, evidence.first_post_at),
        calm_since=calm_since,
        steps=current.steps or _steps(evidence.steps, current.opened_at),
        hot=evidence.hot or current.hot,
        echoes=(evidence.echoes or current.echoes)[:ECHOES_KEPT],
        updated_at=now,
        rev=current.rev + 1,
    )
    return _speak(current, following, evidence, now)


def _speak(before: Incident, after: Incident, evidence: Evidence, now: datetime) -> Decision:
    root = Alert(key="root", kind=AlertKind.ROOT, channel=after.channel or "")
    new_proofs = [p for p in after.proofs if p not in before.proofs and p.stage is after.stage]
    if after.stage is not before.stage and new_proofs:
        reason, text = Reason.STAGE, _stage_text(before, after, new_proofs[0])
    elif after.severity < before.severity:
        reason, text = (
            Reason.WORSE,
            f"Severity {before.severity} → {after.severity}. " + " · ".join(after.reasons),
        )
    elif after.trend is not before.trend:
        reason, text = _trend_words(after)
    elif hot := _hot_news(before.hot, after.hot):
        reason, text = Reason.HOT, hot
    elif echo := _echo_news(before, after):
        reason, text = Reason.ECHO, echo
    elif _still(before, after, now):
        reason, text = Reason.STILL, _figures_text(before, after)
    elif _root_changes(before, after):
        return Decision(reason=Reason.COUNTS, incident=after, alerts=(root,))
    else:
        return Decision(reason=Reason.NOTHING)
    loud = reason in (Reason.STAGE, Reason.WORSE) and after.severity <= Severity.S2
    if reason in (Reason.STAGE, Reason.WORSE, Reason.REBOUND, Reason.STILL):
        after = replace(after, told_at=now, told_total=after.figures.total)
    update = Alert(
        key=f"{reason}:{after.rev}",
        kind=AlertKind.UPDATE,
        channel=after.channel or "",
        text=text,
        broadcast=loud,
    )
    evidence_again = (
        (
            Alert(
                key=f"evidence:{after.rev}",
                kind=AlertKind.EVIDENCE,
                channel=after.channel or "",
                quotes=evidence.top,
            ),
        )
        if reason is Reason.STILL and evidence.top
        else ()
    )
    events = (Event(at=now, kind=reason, who=None, text=text), *map(_proof_event, new_proofs))
    return Decision(
        reason=reason, incident=after, alerts=(root, update, *evidence_again), events=events
    )


def _hot_news(before: Sequence[HotEntry], after: Sequence[HotEntry]) -> str:
    """Say what came onto hot lists and what left them; the best rank stands in the root."""
    known = {(e.list, e.post_id): e for e in before}
    said = []
    for entry in after:
        earlier = known.get((entry.list, entry.post_id))
        name = f"{entry.list}: “{entry.title}”"
        if earlier is None:
            said.append(f"on {name} at #{entry.rank}. {entry.url}")
        elif entry.left_at is not None and earlier.left_at is None:
            stood = _span(entry.left_at - entry.entered_at)
            said.append(f"off {name} after {stood}, best #{entry.best_rank}. {entry.url}")
        elif entry.left_at is None and earlier.left_at is not None:
            said.append(f"back on {name} at #{entry.rank}. {entry.url}")
    text = "; ".join(said)
    return text[:1].upper() + text[1:]


def _echo_news(before: Incident, after: Incident) -> str:
    """Say which publishers carry it now; the third is the last: from then on the root counts."""
    known = {e.publisher for e in before.echoes}
    if len(known) >= ECHOES_TOLD:
        return ""
    said = []
    for echo in after.echoes:
        if echo.publisher not in known and len(known) < ECHOES_TOLD:
            known.add(echo.publisher)
            said.append(f"{echo.publisher}{echo_delay(after, echo)}: “{echo.title}” {echo.url}")
    return "Carried by " + "; ".join(said) if said else ""


def echo_delay(incident: Incident, echo: Echo) -> str:
    """Return how long after the first post ECHO came: ", 1 h 6 min after the first post"."""
    if incident.first_post_at is None or echo.at <= incident.first_post_at:
        return ""
    return f", {_span(echo.at - incident.first_post_at)} after the first post"


def _span(span: timedelta) -> str:
    minutes = span // timedelta(minutes=1)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _reopen(current: Incident, evidence: Evidence, now: datetime) -> Decision:
    """A resolved story flares up again: same number, same thread, at least its old severity."""
    asked, reasons = severity_of(evidence, current.stage)
    after = replace(
        current,
        state=State.OPEN,
        severity=current.severity.worst(asked),
        reasons=reasons,
        trend=Trend.REBOUND,
        figures=_peaks(current.figures, evidence.figures),
        owner=None,
        acknowledged_at=None,
        closed_at=None,
        closed_by=None,
        close_reason=None,
        calm_since=None,
        told_at=now,
        told_total=evidence.figures.total,
        updated_at=now,
        rev=current.rev + 1,
        sources=evidence.sources,
    )
    text = "A second peak: the incident is open again. " + evidence.signals[0].why
    channel = current.channel or ""
    return Decision(
        reason=Reason.REBOUND,
        incident=after,
        alerts=(
            Alert(key="root", kind=AlertKind.ROOT, channel=channel),
            Alert(
                key=f"rebound:{after.rev}",
                kind=AlertKind.UPDATE,
                channel=channel,
                text=text,
                broadcast=after.severity <= Severity.S2,
            ),
            Alert(
                key=f"evidence:{after.rev}",
                kind=AlertKind.EVIDENCE,
                channel=channel,
                quotes=evidence.top,
            ),
        ),
        events=(Event(at=now, kind=Reason.REBOUND, who=None, text=text),),
    )


def story_of(
    incidents: Sequence[Incident], kind: CrisisType | None, source: str
) -> Incident | None:
    """Return the incident that evidence of type KIND at SOURCE belongs to, the newest first.

    Incidents are those of one client: open ones, and ones closed a short while ago. A story
    without a type takes in any, and evidence without a type belongs to what is open. Portals and
    newspapers echo what microblogs began, so the source does not part stories.
    """
    open_ones = [i for i in incidents if not i.state.closed]
    for wanted in (kind.id if kind else None, None):  # its own story before one without a type
        for incident in open_ones:
            if kind is None or incident.type == wanted:
                return incident
    if open_ones and kind is not None and all(i.source != source for i in open_ones):
        return open_ones[0]
    for incident in incidents:
        if incident.state.closed and (kind is None or incident.type in (None, kind.id)):
            return incident
    return None


def _flares_up(current: Incident, evidence: Evidence, now: datetime) -> bool:
    return (
        current.state is State.RESOLVED
        and current.trend is not Trend.FADE  # that story had ended: a new peak is a new incident
        and bool(evidence.signals)
        and worrying(evidence)
        and now - (current.closed_at or now) <= REOPEN_WITHIN
    )


def _same_noise(closed: Incident, evidence: Evidence, now: datetime) -> bool:
    """What a person called no crisis stays quiet for a day, unless it doubles or climbs a stage."""
    if now - (closed.closed_at or now) > QUIET_AFTER_FALSE_ALARM:
        return False
    higher = any(p.stage.order > closed.stage.order for p in evidence.proofs)
    return not higher and evidence.figures.count < 2 * max(closed.figures.peak, 1)


def _steps(plan: tuple[PlayStep, ...], t0: datetime) -> tuple[Step, ...]:
    return tuple(
        Step(id=s.id, do=s.do, owner=s.owner, due_at=t0 + s.due, gate=s.gate) for s in plan
    )


def _page(client: Client, severity: Severity, channel: str) -> tuple[Alert, ...]:
    """One thread reply that mentions the people whom the severity pages."""
    roles = PAGES[severity]
    people = tuple(p.slack for p in client.people if p.role in roles)
    if not people:
        return ()
    text = f"{severity}: please take it."
    return (
        Alert(key="page:1", kind=AlertKind.UPDATE, channel=channel, text=text, mentions=people),
    )


# roles a new incident mentions, by severity; rota, hours and escalation come on top of this
PAGES = {
    Severity.S1: ("duty_officer", "account_lead", "client_comms", "legal"),
    Severity.S2: ("duty_officer", "account_lead", "client_comms"),
    Severity.S3: ("duty_officer",),
    Severity.S4: (),
}


def _headline(evidence: Evidence) -> str:
    if evidence.type is None:
        return "bad mood far above usual"
    words = f' "{evidence.type_terms[0]}"' if evidence.type_terms else ""
    return f"{evidence.type.name.lower()}{words}"


def _with_ferment(evidence: Evidence, signal: Signal, now: datetime) -> tuple[Proof, ...]:
    """The signal itself is the proof that the story ferments; its lead post is the link."""
    proofs = list(evidence.proofs)
    if evidence.lead is not None and signal.stream is not Stream.RISK:
        proofs.append(_proof(Stage.FERMENT, evidence.lead, at=now))
    return tuple(sorted(proofs, key=lambda p: (p.stage.order, p.at)))


def _proof(stage: Stage, quote: Quote, at: datetime) -> Proof:
    return Proof(
        stage=stage, at=at, source=quote.source, post_id=quote.post_id, url=quote.url, who=quote.who
    )


def _merge(old: tuple[Proof, ...], new: tuple[Proof, ...]) -> tuple[Proof, ...]:
    """One proof a stage: the first that was told stays."""
    have = {p.stage for p in old}
    added = [p for p in new if p.stage not in have]
    return tuple(sorted([*old, *added], key=lambda p: (p.stage.order, p.at)))


def _peaks(old: Figures, new: Figures) -> Figures:
    if new.count > old.peak:
        return replace(new, peak=new.count, peak_at=new.at)
    return replace(new, peak=old.peak, peak_at=old.peak_at)


def _earliest(a: datetime | None, b: datetime | None) -> datetime | None:
    known = [t for t in (a, b) if t is not None]
    return min(known, default=None)


def _calm_since(current: Incident, evidence: Evidence, now: datetime) -> datetime | None:
    figures = evidence.figures
    blind = any(not n.outcome.healthy for n in evidence.sources if n.source == current.source)
    if blind:
        return None  # what cannot be seen is not calm
    for count, usual in (
        (figures.count, figures.usual),
        (figures.negatives, figures.usual_negatives),
    ):
        if count > max(CALM_RATIO * (usual or 0.0), CALM_POSTS):
            return None
    return current.calm_since or now


def _trend(
    current: Incident, evidence: Evidence, calm_since: datetime | None, now: datetime
) -> Trend:
    if calm_since is not None and now - calm_since >= CALM_FOR:
        return Trend.FADE
    if current.trend is Trend.FADE and evidence.signals:
        return Trend.REBOUND
    return current.trend


def _trend_words(after: Incident) -> tuple[Reason, str]:
    if after.trend is Trend.FADE:
        return Reason.FADING, (
            "Fading: below twice the usual for 24 h. Close it when every promise is kept and no "
            "duty is open; only a person closes."
        )
    return Reason.REBOUND, "A second peak after fading."


def _still(before: Incident, after: Incident, now: datetime) -> bool:
    """Whether it goes on: the interval has passed and there are clearly more posts than told."""
    if now - (before.told_at or before.opened_at) < UPDATE_EVERY[after.severity]:
        return False
    more = after.figures.total - before.told_total
    return after.calm_since is None and more >= max(STILL_POSTS, STILL_SHARE * before.told_total)


def _root_changes(before: Incident, after: Incident) -> bool:
    """Whether the root would read differently (the time of counting alone is no change)."""
    same = replace(
        after,
        rev=before.rev,
        updated_at=before.updated_at,
        figures=replace(after.figures, at=before.figures.at),
    )
    return same != before


def _figures_text(before: Incident, after: Incident) -> str:
    f = after.figures
    usual = "usual not known yet" if f.usual is None else f"usual {f.usual:.0f}"
    share = "" if f.negative_share is None else f", {f.negative_share:.0%} negative"
    more = f.total - before.told_total
    return (
        f"It goes on: {f.count} distinct posts by {f.authors} authors in 60 min ({usual}){share}; "
        f"{more} more since the last word, {f.total} in all."
    )


def _stage_text(before: Incident, after: Incident, proof: Proof) -> str:
    parts = [f"Stage up: {stage_words(proof)} ({proof.who})"]
    if after.first_post_at is not None and proof.at > after.first_post_at:
        minutes = (proof.at - after.first_post_at) // timedelta(minutes=1)
        parts.append(f"{minutes // 60} h {minutes % 60:02d} min after the first post")
    if after.severity < before.severity:
        parts.append(f"severity {before.severity} → {after.severity}")
    return ", ".join(parts) + f": {proof.url}"


def _proof_event(proof: Proof) -> Event:
    return Event(
        at=proof.at,
        kind=Reason.STAGE,
        who=None,
        text=f"{stage_words(proof)}: {proof.who} {proof.url}",
    )


# -------------------------------------------------------------------------------------- people
class Action(StrEnum):
    """What a person may do to an incident."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    FALSE_ALARM = "false_alarm"
    REOPEN = "reopen"
    STEP = "step"
    TONE = "tone"
    APPLY_RULE = "apply_rule"
    UNDO_RULE = "undo_rule"


def advance(
    incident: Incident,
    action: Action,
    who: str,
    now: datetime,
    *,
    note: str = "",
    step: str = "",
) -> Decision:
    """Return what ACTION by WHO changes; reason NOTHING where it makes no sense any more."""
    match action:
        case Action.ACKNOWLEDGE:
            return _acknowledge(incident, who, now)
        case Action.RESOLVE | Action.FALSE_ALARM:
            return _close(incident, action, who, now, note)
        case Action.REOPEN:
            return _open_again(incident, who, now)
        case Action.STEP:
            return _tick(incident, step, who, now)
        case Action.TONE:
            return _done(incident, Reason.TONE, who, now, f"corrected the tone of {note}")
        case Action.APPLY_RULE | Action.UNDO_RULE:
            return _change_rule(incident, action, who, now)


def _acknowledge(incident: Incident, who: str, now: datetime) -> Decision:
    if incident.state is not State.OPEN:
        return Decision(reason=Reason.NOTHING)
    after = replace(incident, state=State.ACKNOWLEDGED, owner=who, acknowledged_at=now)
    text = f"took it {_after(now - incident.opened_at)} the alert"
    return _done(after, Reason.ACKNOWLEDGED, who, now, text)


def _close(incident: Incident, action: Action, who: str, now: datetime, note: str) -> Decision:
    if incident.state.closed:
        return Decision(reason=Reason.NOTHING)
    state, reason = (
        (State.RESOLVED, Reason.RESOLVED)
        if action is Action.RESOLVE
        else (State.FALSE_ALARM, Reason.FALSE_ALARM)
    )
    after = replace(incident, state=state, closed_at=now, closed_by=who, close_reason=note or None)
    words = "resolved it" if action is Action.RESOLVE else "called it no crisis"
    return _done(after, reason, who, now, f"{words}: {note}" if note else words)


def _open_again(incident: Incident, who: str, now: datetime) -> Decision:
    if not incident.state.closed:
        return Decision(reason=Reason.NOTHING)
    after = replace(
        incident,
        state=State.ACKNOWLEDGED,
        owner=who,
        acknowledged_at=incident.acknowledged_at or now,
        closed_at=None,
        closed_by=None,
        close_reason=None,
        calm_since=None,
    )
    return _done(after, Reason.REOPENED, who, now, "opened it again and has it")


def _tick(incident: Incident, step: str, who: str, now: datetime) -> Decision:
    """Tick an open step, or take the tick back; a gated step needs its approval first."""
    found = next((s for s in incident.steps if s.id == step), None)
    if found is None or incident.state.closed:
        return Decision(reason=Reason.NOTHING)
    undo = found.done_at is not None
    ticked = replace(found, done_by=None if undo else who, done_at=None if undo else now)
    after = replace(incident, steps=tuple(ticked if s.id == step else s for s in incident.steps))
    words = "took back" if undo else "finished"
    decision = _done(after, Reason.STEP, who, now, f"{words} step {step}: {found.do}")
    playbook = Alert(key="playbook", kind=AlertKind.PLAYBOOK, channel=incident.channel or "")
    return replace(decision, alerts=(*decision.alerts, playbook))


def proposed(incident: Incident, rule: RuleChange, now: datetime) -> Decision:
    """Return the false alarm INCIDENT with the RULE it teaches, to be told in its thread."""
    after = replace(incident, rule=rule, rev=incident.rev + 1, updated_at=now)
    text = f"proposed: {rule_words(rule)}"
    return Decision(
        reason=Reason.RULE,
        incident=after,
        alerts=(_rule_alert(after),),
        events=(Event(at=now, kind=Reason.RULE, who=None, text=text),),
    )


def rule_words(rule: RuleChange) -> str:
    """Return what RULE does, in words."""
    if rule.change is Change.EXCLUDE:
        return f"leave out posts where the name stands in “{rule.phrase}”"
    return f"count “{rule.phrase}” only beside a companion word"


def _change_rule(incident: Incident, action: Action, who: str, now: datetime) -> Decision:
    rule, apply = incident.rule, action is Action.APPLY_RULE
    if rule is None or rule.applied is apply:
        return Decision(reason=Reason.NOTHING)
    after = replace(incident, rule=replace(rule, applied=apply, by=who, at=now))
    verb = "applied" if apply else "took back"
    decision = _done(after, Reason.RULE, who, now, f"{verb} the rule: {rule_words(rule)}")
    return replace(decision, alerts=(*decision.alerts, _rule_alert(after)))


def _rule_alert(incident: Incident) -> Alert:
    return Alert(key="rule", kind=AlertKind.RULE, channel=incident.channel or "")


def _done(after: Incident, reason: Reason, who: str, now: datetime, text: str) -> Decision:
    after = replace(after, rev=after.rev + 1, updated_at=now)
    channel = after.channel or ""
    return Decision(
        reason=reason,
        incident=after,
        alerts=(
            Alert(key="root", kind=AlertKind.ROOT, channel=channel),
            Alert(
                key=f"{reason}:{after.rev}",
                kind=AlertKind.UPDATE,
                channel=channel,
                text=text,
                who=who,
            ),
        ),
        events=(Event(at=now, kind=reason, who=who, text=text),),
    )


def _after(span: timedelta) -> str:
    minutes = span // timedelta(minutes=1)
    if minutes < 1:
        return f"{span // timedelta(seconds=1)} s after"
    return f"{minutes} min after" if minutes < 120 else f"{minutes // 60} h after"
