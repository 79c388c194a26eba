"""The root of an incident: one message for its whole life, the same renderer for post and edit.

Eight lines at most, the buttons among them (a narrow screen wraps them further).

An open root has four things: counts beside the usual, the lead post, the running clock, and the
next step with its owner. It mentions nobody: an edit pings no one, and pages are replies.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.messages.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    header,
    marked,
    message,
    plain_text,
    preview,
    section,
    value,
)
from bot.messages.plan import EMPTY, Clock, Plan
from bot.messages.text import (
    address,
    as_is,
    both,
    china,
    clean,
    cut,
    gist_line,
    level,
    link,
    literal,
    number,
    plural,
    source_title,
    span,
    units,
    when,
    width,
)
from watchers.incidents import STAGE_WORDS, stage_words
from watchers.model import (
    Client,
    Figures,
    Gist,
    Incident,
    Kind,
    Proof,
    Quote,
    Severity,
    SourceNote,
    Stage,
    State,
    Step,
    Trend,
)

DOTS = {Severity.S1: "🔴", Severity.S2: "🟠", Severity.S3: "🟡", Severity.S4: "⚪"}
CLOSED = {State.RESOLVED: "🟢 Closed", State.FALSE_ALARM: "⚪ Not a crisis"}
SHORT = frozenset({"ceo", "hq", "hr", "ir", "it", "qa"})  # words of role ids that are letters
QUOTE = 60  # characters of the lead post
NAME = 40  # of a client or an account
LONG_STAGES = 2_000  # units, of a section's 3,000
LOOK = "read the posts; is it real, unclear or a false alarm? (duty officer)"  # no playbook
FINISH = "close it when every promise is kept and no duty is open (account lead)"  # all done
ESTIMATE = "machine estimate"  # what a model read in the posts, no person
SPEAKS = 1.5  # times the usual; below this a ratio says nothing
LOUD = 3.0  # times the usual: below, what has risen is the bad posts if those have

BUTTONS: Mapping[State, tuple[tuple[str, str, bool], ...]] = {
    State.OPEN: (
        ("Acknowledge", "ack", True),
        ("Open playbook", "playbook", False),
        ("Not a crisis", "false_alarm", False),
    ),
    State.ACKNOWLEDGED: (
        ("Resolve", "resolve", True),
        ("Open playbook", "playbook", False),
        ("Not a crisis", "false_alarm", False),
    ),
    State.RESOLVED: (("Reopen", "reopen", False),),
    State.FALSE_ALARM: (("Reopen", "reopen", False),),
}


def root(
    incident: Incident,
    client: Client,
    *,
    names: Mapping[str, str],
    now: datetime,
    plan: Plan | None = None,
    gist: Gist | None = None,
) -> Message:
    """Return INCIDENT's root. NAMES are display names by user id; PLAN its type's playbook.

    GIST is the line that tells the lead post in English.
    """
    plan = plan or EMPTY
    mark = f"inc-{incident.number}:r{incident.rev}"
    blocks = [header(_header(incident, client), f"{mark}:head")]
    if incident.state.closed:
        blocks += [section(marked(_outcome(incident, now)), f"{mark}:count")]
    else:
        blocks += [section(marked(_counts(incident, now)), f"{mark}:count")]
    blocks += _lead(incident.lead, incident.state, mark, now, gist)
    if incident.state.closed:
        blocks += [
            context([marked(_course(incident, plan))], f"{mark}:course"),
            context(_ending(incident, names, now), f"{mark}:owner"),
        ]
    else:
        blocks += [
            context([plain_text(_why(incident), 400)], f"{mark}:why"),
            section(marked(_next(incident, plan, now)), f"{mark}:next"),
            context(_owner(incident, names, now), f"{mark}:owner"),
        ]
    blocks += [
        actions(_buttons(incident), f"{mark}:act"),
    ]
    return message(preview(fallback(incident, client)), blocks)


def fallback(incident: Incident, client: Client) -> str:
    """Return what a phone shows, unescaped: severity, client, what, how many times the usual."""
    state = f"{_closed(incident.state)} · " if incident.state.closed else f"{incident.severity} "
    return f"{state}{_what(incident, client, 40)}"


def _closed(state: State) -> str:
    return CLOSED[state].partition(" ")[2]


def _header(incident: Incident, client: Client) -> str:
    if incident.state.closed:
        start = CLOSED[incident.state]
    else:
        start = f"{DOTS[incident.severity]} {incident.severity}"
    return f"{start} · {_what(incident, client, 60)} · INC-{incident.number}"


def _what(incident: Incident, client: Client, headline: int) -> str:
    name = cut(clean(client.name or client.id), NAME, width) or "–"
    what = cut(clean(incident.headline), headline, width) or "posts above the usual"
    scale = "" if incident.state.closed else f", {_scale(incident.figures)}"
    return f"{name}: {what}{scale}"


def _mood(figures: Figures) -> bool:
    """Whether what has risen is the bad posts, and hardly all of them."""
    ratio, bad = figures.ratio, figures.negative_ratio
    return ratio is not None and bad is not None and ratio < LOUD <= bad


def _scale(figures: Figures) -> str:
    ratio, bad = figures.ratio, figures.negative_ratio
    if bad is not None and _mood(figures):
        return f"{times(bad)} the usual bad posts"
    if ratio is not None and ratio >= SPEAKS:
        return f"{times(ratio)} usual"
    usual = "no usual yet" if figures.usual is None else f"usual {level(figures.usual)}"
    return f"{plural(figures.count, 'post')} ({usual})"


def times(ratio: float) -> str:
    """Return "6x", or "1.6x" where rounding would hide half of it."""
    return f"{ratio:.1f}x".replace(".0x", "x") if ratio < 3 else f"{number(ratio)}x"


# ------------------------------------------------------------------------------------------ counts
def _counts(incident: Incident, now: datetime) -> str:
    figures = incident.figures
    where = f" on {literal(source_title(incident.source), NAME)}" if incident.source else ""
    posts, authors = plural(figures.count, "distinct post"), plural(figures.authors, "author")
    usual = usual_words(figures.usual)
    parts = [f"*{posts}* by {authors} in 60 min{where} ({usual})"]
    if figures.with_reposts > figures.count:
        parts.append(repeats(figures.with_reposts - figures.count))
    if _mood(figures):
        usual = usual_words(figures.usual_negatives)
        parts.append(f"*{figures.negatives} negative* ({usual}, {ESTIMATE})")
    elif figures.negative_share is not None:
        parts.append(f"{figures.negative_share:.0%} negative ({ESTIMATE})")
    if figures.young_accounts:
        parts.append(plural(figures.young_accounts, "young account"))
    return " · ".join(
        [*parts, _stages(incident, now), *_echoes(incident, now), *_hot(incident, now)]
    )


def usual_words(usual: float | None) -> str:
    """Return the usual level in words; without one, fixed floors stand in for it."""
    return "no usual yet, fixed floors" if usual is None else f"usual {level(usual)}"


def _stages(incident: Incident, now: datetime) -> str:
    """Return the stages with minute and proof, and what has not been reached yet."""
    steps = [_stage(proof, now) for proof in incident.proofs]
    if sum(map(units, steps)) > LONG_STAGES:  # very long addresses: the minutes are worth more
        steps = [f"{stage_words(p)} {when(p.at, now)}" for p in incident.proofs]
    if incident.stage not in {proof.stage for proof in incident.proofs}:
        steps.append(STAGE_WORDS[incident.stage])
    if incident.state.closed:
        return f"*Stage:* {' → '.join(steps)}"
    if incident.stage.order < Stage.PORTAL.order:
        steps[-1] += " · no portal yet"
    trend = {Trend.FADE: " · *now fading*", Trend.REBOUND: " · *a second peak*"}
    return f"*Stage:* {' → '.join(steps)}{trend.get(incident.trend, '')}"


def _echoes(incident: Incident, now: datetime) -> list[str]:
    """Return how many articles of how many publishers tell it, and the newest."""
    if len(incident.echoes) < 2:  # the first one is the proof of its stage
        return []
    publishers = {e.publisher for e in incident.echoes}
    newest = max(incident.echoes, key=lambda e: e.at)
    name = link(newest.url, as_is(newest.publisher, NAME))
    carried = plural(len(incident.echoes), "article")
    by = plural(len(publishers), "publisher")
    return [f"{carried} by {by}, last {name} {when(newest.at, now)}"]


def _hot(incident: Incident, now: datetime) -> list[str]:
    """Return where it stands on hot lists, or stood: the two best entries."""
    best = sorted(incident.hot, key=lambda e: (e.left_at is not None, e.best_rank))[:2]
    told = []
    for entry in best:
        name = link(entry.url, f"{entry.list} #{entry.best_rank}")
        if entry.left_at is not None:
            told.append(f"was {name} until {when(entry.left_at, now)}")
        elif entry.rank != entry.best_rank:
            told.append(f"{name}, now #{entry.rank}")
        else:
            told.append(name)
    return told


def _stage(proof: Proof, now: datetime) -> str:
    label = stage_words(proof)
    return f"{link(proof.url, label)} {when(proof.at, now)}"


# -------------------------------------------------------------------------------------------- lead
def _lead(
    lead: Quote | None, state: State, mark: str, now: datetime, gist: Gist | None
) -> list[Block]:
    """Return the lead post in two lines; with a GIST its author stands beside it."""
    if lead is None:
        return [context([plain_text("Lead post: none stored yet")], f"{mark}:lead")]
    first = "First" if state.closed else "Lead"
    quote = plain_text(f"{first}: “{as_is(lead.text, QUOTE)}”")
    facts = [both(lead.at, now)]
    if lead.reposts:
        facts.append(plural_reposts(lead.reposts))
    facts.append(link(lead.url, "Open post ↗") if address(lead.url) else "no link")
    if gist:
        said = literal(as_is(lead.text, QUOTE), 2 * QUOTE)
        who = literal(author(lead), 160)
        told = marked(f"{first}: “{said}” {who} · {' · '.join(facts)}")
        return [
            section(told, f"{mark}:lead"),
            context([plain_text(gist_line(gist))], f"{mark}:gist"),
        ]
    return [
        section(quote, f"{mark}:lead"),
        context([plain_text(author(lead), 160), marked(" · ".join(facts))], f"{mark}:who"),
    ]


def author(quote: Quote) -> str:
    """Return who posted, as plain text: "@name (V, 8,214 followers)"; publishers have no @."""
    facts = []
    if quote.verified:
        facts.append("V")
    if quote.followers is not None:
        facts.append(plural(quote.followers, "follower"))
    name = as_is(quote.who, NAME)
    if quote.kind is not Kind.ARTICLE and not name.startswith("@"):
        name = f"@{name}"
    return f"{name} ({', '.join(facts)})" if facts else name


def repeats(copies: int) -> str:
    """Return how many posts repeat others and are not counted: "+37 reposts or copies"."""
    return f"+{number(copies)} {'repost or copy' if copies == 1 else 'reposts or copies'}"


def plural_reposts(reposts: int) -> str:
    short = f"{reposts / 1000:.1f}k" if 1_000 <= reposts < 10_000 else number(reposts)
    return f"{short} {'repost' if reposts == 1 else 'reposts'}"


# -------------------------------------------------------------------------------------- why, next
def _why(incident: Incident) -> str:
    reasons = " · ".join(incident.reasons) or "no reason stored"
    terms = f" · words: {', '.join(incident.type_terms[:5])}" if incident.type_terms else ""
    return f"Why {incident.severity}: {reasons}{terms}"


def next_step(incident: Incident, plan: Plan) -> Step | None:
    """Return the step to do now: the open one due first."""
    waiting = [s for s in incident.steps if not step_done(s, incident, plan)]
    return min(waiting, key=lambda step: step.due_at, default=None)


def step_done(step: Step, incident: Incident, plan: Plan) -> bool:
    """Return whether STEP needs nothing more; having taken the incident does its first step."""
    taken = step.id == plan.ack_step and incident.acknowledged_at is not None
    return taken or step.done_at is not None or step.skipped is not None


def role(owner: str) -> str:
    """Return a role id as words: "client comms", "product QA"."""
    return " ".join(word.upper() if word in SHORT else word for word in owner.split("_"))


def _next(incident: Incident, plan: Plan, now: datetime) -> str:
    step = next_step(incident, plan)
    if step is None:
        what = FINISH if incident.steps else LOOK
    else:
        what = f"{literal(step.do, 110)} ({literal(role(step.owner), NAME)})"
    clocks = [text for text in _clocks(incident, plan, step, now) if text]
    return f"*Next:* {what} · ⏱ {' · '.join(clocks) or 'no clock is running'}"


def _clocks(incident: Incident, plan: Plan, step: Step | None, now: datetime) -> list[str]:
    found = []
    if plan.ack is not None and incident.acknowledged_at is None:
        found.append(_due("ack", incident.opened_at + plan.ack, now))
    if step is not None and (step.id != plan.ack_step or plan.ack is None):
        found.append(_due("this step", step.due_at, now))
    done = {s.id for s in incident.steps if step_done(s, incident, plan)}
    found += [_clock(clock, incident.opened_at, done, now) for clock in plan.clocks]
    late = [s for s in incident.steps if s.due_at < now and not step_done(s, incident, plan)]
    if len(late) > 1:
        found.append(f"*{len(late)} steps overdue*")
    return found


def _clock(clock: Clock, opened_at: datetime, done: set[str], now: datetime) -> str:
    if clock.step in done:
        return f"{clock.label} ✓"
    at = opened_at + clock.due
    text = _due(clock.label, at, now)
    return f"{text} ({china(at)})" if clock.due >= timedelta(hours=2) else text


def _due(label: str, at: datetime, now: datetime) -> str:
    return f"*{label} overdue since {when(at, now)}*" if at < now else f"{label} {when(at, now)}"


# ----------------------------------------------------------------------------------- owner, health
def _owner(incident: Incident, names: Mapping[str, str], now: datetime) -> list[Block]:
    if incident.owner is None:
        who = "Owner: *nobody yet*"
    else:
        name = literal(names.get(incident.owner, incident.owner), NAME)
        who = f"Owner: {name}"
        if incident.acknowledged_at is not None:
            after = span(incident.acknowledged_at - incident.opened_at)
            who += f", took it {when(incident.acknowledged_at, now)} (after {after})"
    counted = f"Counted {when(incident.figures.at, now)}"
    return [marked(f"{who} · {counted} · Sources: {_health(incident)}")]


def _health(incident: Incident) -> str:
    notes = [source_health(note, incident.figures.at) for note in incident.sources[:8]]
    return " · ".join(notes) or "none has reported yet"


def source_health(note: SourceNote, at: datetime) -> str:
    """Return one source's health at AT: "Weibo ✓ 2 min ago", "Feed *unknown since 14:20*"."""
    title = literal(source_title(note.source), NAME)
    if note.outcome.healthy and note.ok_at is not None:
        return f"{title} ✓ {span(at - note.ok_at)} ago"
    word = literal(note.outcome.value.replace("_", " "), NAME)
    if note.ok_at is None:
        return f"{title} *unknown* ({word})"
    return f"{title} *unknown since {when(note.ok_at, at)}* ({word})"


def _buttons(incident: Incident) -> list[Block]:
    carried = value(incident.number, incident.rev)
    return [
        button(label, action, carried, primary=primary)
        for label, action, primary in BUTTONS[incident.state]
    ]


# ---------------------------------------------------------------------------------------- closed
def _outcome(incident: Incident, now: datetime) -> str:
    figures = incident.figures
    peak = f"Peak *{plural(figures.peak, 'post')}/h*"
    if figures.peak_at is not None:
        peak += f" {when(figures.peak_at, now)}"
    parts = [
        f"{peak} → {number(figures.count)}/h ({usual_words(figures.usual)})",
        f"{plural(figures.total, 'distinct post')} in all",
        _stages(incident, now),
        *_echoes(incident, now),
    ]
    return " · ".join(parts)


def _course(incident: Incident, plan: Plan) -> str:
    """Return how fast it went: found, taken, first word."""
    parts = []
    if incident.first_post_at is not None:
        parts.append(f"Found in {span(incident.opened_at - incident.first_post_at)}")
    if incident.acknowledged_at is not None:
        parts.append(f"ack {span(incident.acknowledged_at - incident.opened_at)}")
    done = {s.id: s.done_at for s in incident.steps if s.done_at is not None}
    for clock in plan.clocks:
        at = done.get(clock.step or "")
        if at is not None:
            took = at - incident.opened_at
            mark = " ✅" if took <= clock.due else ", *too late*"
            parts.append(f"{clock.label} {span(took)}{mark} (limit {span(clock.due)})")
    ticked = sum(step_done(s, incident, plan) for s in incident.steps)
    if incident.steps:
        parts.append(f"{ticked} of {plural(len(incident.steps), 'step')} done")
    return " · ".join(parts) or "No clock was met"


def _ending(incident: Incident, names: Mapping[str, str], now: datetime) -> list[Block]:
    who = literal(names.get(incident.closed_by or "", incident.closed_by or "somebody"), NAME)
    at = f" {both(incident.closed_at, now)}" if incident.closed_at is not None else ""
    reason = as_is(incident.close_reason or "no reason given", 200)
    return [marked(f"Closed by {who}{at}"), plain_text(f"“{reason}”")]
