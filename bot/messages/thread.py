"""Replies in an incident's thread: evidence, playbook, facts; and notices outside of threads.

Strangers' words stand in rich text, which knows no markup. A reply is never edited, except the
playbook when a step is ticked: its blocks keep their kinds.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from bot.messages.blocks import (
    TEXT,
    Block,
    Message,
    actions,
    bullets,
    button,
    context,
    line,
    marked,
    message,
    plain_text,
    quotation,
    rich_text,
    section,
    value,
    web_link,
    words,
)
from bot.messages.plan import EMPTY, Duty, Plan
from bot.messages.root import ESTIMATE, NAME, author, plural_reposts, repeats, role, step_done
from bot.messages.text import (
    address,
    as_is,
    escaped,
    fallback_time,
    gist_line,
    literal,
    number,
    plural,
    source_title,
    time_format,
    when,
)
from watchers.coordination import Signs
from watchers.incidents import rule_words
from watchers.model import Alert, Client, Gist, Incident, Quote, Step

NO_GISTS: Mapping[tuple[str, str], Gist] = MappingProxyType({})
QUOTED = 400  # characters of a post in the evidence
LISTED_STEPS = 40  # of Slack's fifty blocks
_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_LAST_ADDRESS = re.compile(r"https?://\S+$")
_BLANK = re.compile(r"(\{\w+\})")

# what a reply tells, by the first word of its key: an eye finds it before the words are read
SIGNS = {
    "stage": "⬆️",
    "worse": "⬆️",
    "still": "📈",
    "fading": "📉",
    "rebound": "🔁",
    "acknowledged": "👤",
    "taken_over": "👤",
    "resolved": "🟢",
    "false_alarm": "⚪",
    "reopened": "🔁",
    "step": "☑️",
    "tone": "✏️",
    "rule": "🧹",
    "source": "⚠️",
    "page": "🔔",
}


# -------------------------------------------------------------------------------------- evidence
def evidence(
    incident: Incident,
    quotes: Sequence[Quote],
    *,
    gists: Mapping[tuple[str, str], Gist] = NO_GISTS,
    points: Sequence[tuple[Quote, Gist | None]] = (),
    of: int = 0,
    signs: Signs | None = None,
) -> Message:
    """Return the posts that show what it is about, as they were stored; GISTS by their keys.

    POINTS are sentences of stored posts, chosen by a machine from OF posts, each as the quote
    of its post cut to it, with its own gist. SIGNS of coordination are told where there are any.
    """
    mark = f"inc-{incident.number}:r{incident.rev}"
    title = f"Evidence: {plural(len(quotes), 'post')}, most seen first" if quotes else NO_POSTS
    blocks = [rich_text([line([words(title, bold=True)])], f"{mark}:title")]
    facts = _spread(incident, quotes)
    if facts:
        blocks.append(context([plain_text(facts)], f"{mark}:spread"))
    if signs is not None and signs.sentence:
        blocks.append(context([plain_text(f"{COORDINATION}: {signs.sentence}. {DOUBT}")]))
    if points:
        blocks.append(rich_text(_points(points, of), f"{mark}:points"))
    blocks += [
        rich_text(quote_lines(quote, gists.get(quote.key)), f"{mark}:post:{n}")
        for n, quote in enumerate(quotes, 1)
    ]
    if quotes:
        carried = value(incident.number, incident.rev)
        blocks.append(actions([button("Correct tones", "tones", carried)], f"{mark}:tones"))
    lead = f": “{as_is(quotes[0].text, 60)}”" if quotes else ""
    return message(escaped(f"INC-{incident.number} {title}{lead}", 240), blocks)


COORDINATION = f"Possible coordination ({ESTIMATE})"
DOUBT = "News reprints and campaigns look alike; counts and severity do not depend on this."
NO_POSTS = "Evidence: no post is stored yet"


def _points(points: Sequence[tuple[Quote, Gist | None]], of: int) -> list[Block]:
    """Return the main points, each with its gist and its post."""
    title = f"Main points, sentences chosen by machine from {plural(of, 'post')}"
    told = []
    for point, gist in points:
        english = [words(f" · {gist_line(gist)}")] if gist else []
        link_ = [words(" · "), web_link(point.url, "its post ↗")] if address(point.url) else []
        told.append([words(f"“{as_is(point.text, 100)}”"), *english, *link_])
    return [line([words(title, bold=True)]), bullets(told)]


def _spread(incident: Incident, quotes: Sequence[Quote]) -> str:
    """Return how posts repeat each other, and young accounts, where either is known."""
    parts = []
    largest = max((q.cluster_size for q in quotes), default=1)
    if largest > 1:
        parts.append(f"{repeats(largest - 1)} of the most repeated post count once with it")
    if incident.figures.young_accounts is not None:
        parts.append(f"young accounts {number(incident.figures.young_accounts)}")
    if incident.why:
        parts.append(f"why it was noticed: {incident.why}")
    return " · ".join(parts)


def quote_lines(quote: Quote, gist: Gist | None = None) -> list[Block]:
    """Return a stored post in rich text: its words, its GIST, then who, when, how far, where."""
    facts = [words(f"{author(quote)} · {source_title(quote.source)} · "), _date(quote.at)]
    if quote.reposts:
        facts.append(words(f" · {plural_reposts(quote.reposts)}"))
    if quote.cluster_size > 1:
        facts.append(words(f" · {repeats(quote.cluster_size - 1)} seen"))
    if address(quote.url):
        facts += [words(" · "), web_link(quote.url, "Open post ↗")]
    told = [line([words(gist_line(gist))])] if gist else []
    return [quotation([words(quote.text, QUOTED)]), *told, line(facts)]


def _date(at: datetime) -> Block:
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": time_format(at, None),
        "fallback": fallback_time(at),
    }


# ------------------------------------------------------------------------------------------ rule
def rule(incident: Incident, client: Client, *, names: Mapping[str, str]) -> Message:
    """Return what a false alarm proposes, what it would cost first, and who did it."""
    mark = f"inc-{incident.number}:rule"
    found = incident.rule
    if found is None:
        return plain("This false alarm proposes no rule any more.")
    title = f"So that this does not come again: {rule_words(found)}"
    tried = (
        f"Tried on the posts of the last 30 days: it removes {found.removes} of {found.false} posts "
        f"of this false alarm and loses {found.loses} of {found.confirmed} of confirmed incidents."
    )
    parts = [[words(f"Would be lost: {url}", 500)] for url in found.lost]
    blocks = [rich_text([line([words(title, bold=True)])], f"{mark}:title")]
    lost = [line([words("It would lose confirmed posts:")]), bullets(parts)] if parts else []
    if lost:
        blocks.append(rich_text(lost, f"{mark}:lost"))
    blocks.append(section(plain_text(tried), f"{mark}:tried"))
    carried = value(incident.number, incident.rev)
    who = names.get(found.by or "", found.by or "somebody")
    if found.applied:
        done = f"✅ Applied by {as_is(who, NAME)} for {as_is(client.name, NAME)}, live in the next round."
        blocks.append(context([plain_text(done)], f"{mark}:done"))
        blocks.append(actions([button("Undo", "rule_undo", carried)], f"{mark}:press"))
    else:
        note = "The account lead or a manager may apply it; one press takes it back."
        if found.by:
            note = f"Taken back by {as_is(who, NAME)}. {note}"
        blocks.append(context([plain_text(note)], f"{mark}:note"))
        blocks.append(actions([button("Apply", "rule_apply", carried)], f"{mark}:press"))
    return message(escaped(f"INC-{incident.number}: {title}", 300), blocks)


# ----------------------------------------------------------------------------------------- facts
def update(alert: Alert, *, names: Mapping[str, str], incident: Incident | None = None) -> Message:
    """Return one fact, with the people it pages; `alert.who` is named, never pinged.

    An address at the end of the fact becomes a link: under our label where it is a proof of
    INCIDENT, else under itself.
    """
    number_ = f"INC-{alert.incident}: " if alert.incident else ""
    who = f"{as_is(names.get(alert.who, alert.who), NAME)} " if alert.who else ""
    fact = f"{who}{alert.text}" if who or alert.text else "There is news."
    sign = SIGNS.get(_subject(alert.key), "•")
    told = rich_text(
        [line([*_mentions(alert.mentions), words(f"{sign} "), *_linked(fact, incident)])]
    )
    return message(escaped(f"{number_}{fact}", 600), [told])


def _subject(key: str) -> str:
    """Return what KEY is about: "stage" of "inc-204:stage:9"."""
    parts = [p for p in key.split(":") if not p.startswith("inc-")]
    return parts[0] if parts else ""


def _mentions(people: Sequence[str]) -> Iterator[Block]:
    for person in people:
        if _USER.fullmatch(person):
            yield {"type": "user", "user_id": person}
        elif _GROUP.fullmatch(person):
            yield {"type": "usergroup", "usergroup_id": person}
        else:
            continue
        yield {"type": "text", "text": " "}


def _linked(fact: str, incident: Incident | None) -> list[Block]:
    found = _LAST_ADDRESS.search(fact)
    if found is None or address(found[0]) is None:
        return [words(fact)]
    proofs = {p.url for p in incident.proofs} if incident else set()
    label = "open the proof ↗" if found[0] in proofs else as_is(found[0], 80)
    before = fact[: found.start()]
    return [*([words(before)] if before.strip() else []), web_link(found[0], label)]


def notice(text: str) -> Message:
    """Return a notice for the operators: a source, a failed message, a start."""
    return message(escaped(text, 1_000), [rich_text([line([words(text)])])])


def plain(text: str) -> Message:
    """Return an answer of a sentence or two."""
    return message(escaped(text, 1_000), [section(plain_text(text, lines=True))])


# -------------------------------------------------------------------------------------- playbook
def playbook(incident: Incident, *, names: Mapping[str, str], plan: Plan | None = None) -> Message:
    """Return what to do: steps with owner, due time and a button each; what not to do; the law.

    The same renderer for the post and for the edit after a step was ticked.
    """
    plan = plan or EMPTY
    mark = f"inc-{incident.number}:r{incident.rev}"
    title = playbook_title(incident, plan)
    blocks = [rich_text([line([words(title, bold=True)])], f"{mark}:title")]
    blocks += [
        step_section(step, incident, names, plan, f"{mark}:step:{n}", ticks=True)
        for n, step in enumerate(incident.steps[:LISTED_STEPS])
    ]
    more = len(incident.steps) - LISTED_STEPS
    if more > 0:
        blocks.append(context([marked(f"… {more} later steps are not shown here.")]))
    blocks += advice(plan, mark)
    return message(escaped(f"INC-{incident.number} {title}", 200), blocks)


def playbook_title(incident: Incident, plan: Plan) -> str:
    name = as_is(plan.name, 80) if plan.name else "all types, until the crisis type is clear"
    zh = f" {as_is(plan.name_zh, 40)}" if plan.name_zh else ""
    done = sum(step_done(s, incident, plan) for s in incident.steps)
    return f"Playbook: {name}{zh} · {done} of {plural(len(incident.steps), 'step')} done"


def step_section(
    step: Step,
    incident: Incident,
    names: Mapping[str, str],
    plan: Plan,
    block_id: str | None = None,
    *,
    ticks: bool = False,
) -> Block:
    """Return STEP in two lines: whose it is and by when; what to do. With TICKS, its button."""
    finished = step_done(step, incident, plan)
    gate = " · 🔒 needs an approval" if step.gate and not finished else ""
    head = f"{'☑' if finished else '☐'} *{literal(role(step.owner), NAME)}*{gate}"
    text = f"{head} · {_state(step, incident, names, plan)}\n{literal(step.do, 400)}"
    return section(marked(text), block_id, accessory=_tick(step, incident, plan) if ticks else None)


def _state(step: Step, incident: Incident, names: Mapping[str, str], plan: Plan) -> str:
    if step.skipped is not None:
        return f"skipped: {literal(step.skipped, 200)}"
    by, at = step.done_by, step.done_at
    if at is None and step_done(step, incident, plan):
        by, at = incident.owner, incident.acknowledged_at
    if at is not None:
        return f"done {when(at)} by {literal(names.get(by or '', by or 'somebody'), NAME)}"
    return f"by {when(step.due_at)}"


def _tick(step: Step, incident: Incident, plan: Plan) -> Block | None:
    """Return the button of STEP; closed incidents and what an acknowledgement does have none."""
    by_ack = step.done_at is None and step_done(step, incident, plan)
    if incident.state.closed or by_ack:
        return None
    label = "Done" if step.done_at is None else "Undo"
    return button(label, "step_done", value(incident.number, incident.rev, step.id[:200]))


def advice(plan: Plan, mark: str) -> list[Block]:
    """Return what not to do, possible duties, and the statement to fill in."""
    blocks = []
    if plan.wrong_moves:
        dont = [[words(move, 300)] for move in plan.wrong_moves[:8]]
        parts = [line([words("Don’t", bold=True)]), bullets(dont)]
        blocks.append(rich_text(parts, f"{mark}:dont"))
    if plan.duties:
        title = line([words("Possible duties by law: ask counsel", bold=True)])
        duties = [_duty(duty) for duty in plan.duties[:8]]
        blocks.append(rich_text([title, bullets(duties)], f"{mark}:law"))
    if plan.statement_zh or plan.statement_en:
        blocks.append(rich_text(_statement(plan), f"{mark}:statement"))
    return blocks


def _duty(duty: Duty) -> list[Block]:
    when = f" · {duty.when}" if duty.when else " · no clock"
    when += f", from: {duty.start}" if duty.when and duty.start else ""
    verify = f" · to verify: {duty.verify}" if duty.verify else ""
    return [words(as_is(duty.duty, 300)), words(f" ({as_is(duty.cite, 150)}{when}{verify})", 500)]


def _statement(plan: Plan) -> list[Block]:
    order = " → ".join(role(r) for r in plan.approval)
    title = "Holding statement, a draft: fill every blank"
    parts = [line([words(title, bold=True)])]
    for language, text in (("中文", plan.statement_zh), ("English", plan.statement_en)):
        if text.strip():
            parts += [line([words(language)]), quotation(_blanks(text))]
    notes = []
    if order:
        notes.append(f"Before it goes out: {order}.")
    if plan.must_not:
        notes.append(f"Never in it: {', '.join(plan.must_not)}.")
    return [*parts, *([line([words(" ".join(notes), 800)])] if notes else [])]


def _blanks(text: str) -> list[Block]:
    """Return TEXT with its {blanks} set apart, so that none goes out unfilled."""
    pieces = [p for p in _BLANK.split(as_is(text, TEXT, lines=True)) if p]
    return [
        words(f"[{p[1:-1].replace('_', ' ')}]", code=True)
        if _BLANK.fullmatch(p)
        else {"type": "text", "text": p}
        for p in pieces
    ]
