"""Answers to commands, seen by the one who asked. What was not seen is unknown, never none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.messages.blocks import (
    Block,
    Message,
    actions,
    bullets,
    button,
    context,
    header,
    line,
    marked,
    message,
    plain_text,
    rich_text,
    section,
    value,
    words,
)
from bot.messages.root import DOTS, NAME, author, usual_words
from bot.messages.text import (
    as_is,
    china,
    clean,
    cut,
    escaped,
    fallback_time,
    level,
    literal,
    plural,
    source_title,
    span,
    when,
)
from bot.messages.thread import COORDINATION, DOUBT, NO_GISTS, quote_lines
from watchers.coordination import Signs
from watchers.incidents import STAGE_WORDS
from watchers.model import Client, Gist, Health, Incident, Outcome, Quote, State

LISTED = 40  # rows of a list, of Slack's fifty blocks
OUTCOMES = {
    Outcome.OK: "fine",
    Outcome.OK_EMPTY: "fine, nothing new",
    Outcome.PARTIAL: "read in part only",
    Outcome.STALE: "silent for far too long",
    Outcome.RATE_LIMITED: "asked too often, so it waits",
    Outcome.QUOTA_EXHAUSTED: "quota used up",
    Outcome.AUTH_REQUIRED: "credentials refused",
    Outcome.BLOCKED: "blocked us",
    Outcome.PLAN_REQUIRED: "needs another plan there",
    Outcome.SCHEMA_CHANGED: "answers in a form we do not know",
    Outcome.DOWN: "does not answer",
}
TO_DO = {  # where the source itself says nothing
    Outcome.PARTIAL: "Nothing to do: the rest is read in the next rounds.",
    Outcome.STALE: "Look at the source in a browser: is it really this quiet?",
    Outcome.RATE_LIMITED: "Nothing to do: it is asked again by itself.",
    Outcome.QUOTA_EXHAUSTED: "Wait for the new quota, or ask for fewer words.",
    Outcome.AUTH_REQUIRED: "Renew its credentials in the settings and start again.",
    Outcome.BLOCKED: "Look at the account in a browser; solve what it asks there.",
    Outcome.PLAN_REQUIRED: "Book the plan, or take the source out of the settings.",
    Outcome.SCHEMA_CHANGED: "Look for a newer version of Fenghuo.",
    Outcome.DOWN: "Nothing to do but to check the network; it is asked again by itself.",
}
STATES = {
    State.OPEN: "open",
    State.ACKNOWLEDGED: "taken",
    State.RESOLVED: "closed",
    State.FALSE_ALARM: "not a crisis",
}


class Count(Protocol):
    """One source's part of a check (watchers.look.SourceCount)."""

    @property
    def source(self) -> str: ...
    @property
    def posts(self) -> int: ...
    @property
    def authors(self) -> int: ...
    @property
    def negatives(self) -> int: ...
    @property
    def usual(self) -> float | None: ...  # posts in such a span as a rule
    @property
    def outcome(self) -> Outcome: ...
    @property
    def known(self) -> bool: ...
    @property
    def unknown_since(self) -> datetime | None: ...
    @property
    def detail(self) -> str: ...


class Report(Protocol):
    """What a check found (watchers.look.Report)."""

    @property
    def subject(self) -> str: ...
    @property
    def span(self) -> timedelta: ...
    @property
    def at(self) -> datetime: ...
    @property
    def counts(self) -> Sequence[Count]: ...
    @property
    def top(self) -> Sequence[Quote]: ...
    @property
    def incident(self) -> Incident | None: ...


class Terms(Protocol):
    """What is to be known before a source is used (watchers.connector.Description)."""

    @property
    def terms(self) -> str: ...


MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """What is shown of a source; health None: it was never asked."""

    title: str
    health: Health | None
    terms: Terms
    delays: tuple[tuple[str, timedelta], ...] = ()  # client, until a post of it is seen
    left: tuple[str, ...] = ()  # of the account's limits, in words


# ------------------------------------------------------------------------------------------- check
def check_report(
    report: Report,
    client: Client | None,
    *,
    gists: Mapping[tuple[str, str], Gist] = NO_GISTS,
    signs: Signs | None = None,
) -> Message:
    """Return what was found, source by source: platforms are never added up in one ratio.

    GISTS tell the quotes in English; SIGNS of coordination are told where there are any.
    """
    title = _title(report)
    blocks = [header(title), section(marked("\n".join(_counts(report))))]
    verdict = _verdict(report)
    if verdict:
        blocks.append(section(plain_text(verdict)))
    if report.incident is not None:
        blocks.append(section(marked(_row(report.incident, client, {}, report.at))))
    if report.top:
        blocks.append(rich_text([line([words(_top(report), bold=True)])]))
        blocks += [rich_text(quote_lines(quote, gists.get(quote.key))) for quote in report.top]
    if signs is not None and signs.sentence:
        blocks.append(context([plain_text(f"{COORDINATION}: {signs.sentence}. {DOUBT}")]))
    return message(escaped(f"{title}. {verdict}".strip(), 300), blocks)


def check_text(report: Report) -> str:
    """Return the same for a terminal, one fact a line."""
    lines = [_title(report)]
    for count in report.counts:
        known = "" if count.known else f"; {_unknown(count, fallback_time)}"
        lines.append(f"  {clean(source_title(count.source))}: {_numbers(count)}{known}")
    verdict = _verdict(report)
    lines += [verdict] if verdict else []
    if report.incident is not None:
        running = report.incident
        lines.append(
            f"INC-{running.number} {running.severity} {STATES[running.state]}: "
            f"{clean(running.headline)} · stage: {STAGE_WORDS[running.stage]}"
        )
    for quote in report.top:
        lines.append(f"  “{as_is(quote.text, 120)}” {author(quote)} {fallback_time(quote.at)}")
        lines.append(f"    {clean(quote.url)}")
    return "\n".join(lines)


def _title(report: Report) -> str:
    posts = sum(count.posts for count in report.counts)
    subject = as_is(report.subject, 60)
    return f"{subject}, last {span(report.span)}: {plural(posts, 'distinct post')}"


def _top(report: Report) -> str:
    return f"Top {len(report.top)}, most seen first" if len(report.top) > 1 else "The post"


def _counts(report: Report) -> Iterator[str]:
    if not report.counts:
        yield "No source is set up, so nothing can be known."
    for count in report.counts[:LISTED]:
        title = literal(source_title(count.source), NAME)
        if count.known:
            yield f"✓ *{title}*: {_numbers(count)}"
            continue
        seen = f"{_numbers(count)} seen; " if count.posts else ""
        yield f"✗ *{title}*: {seen}*{_unknown(count, lambda at: when(at, report.at))}*"
        detail = count.detail or TO_DO.get(count.outcome, "")
        if detail:
            yield f"      {literal(detail, 150)}"


def _numbers(count: Count) -> str:
    """Return a count beside the usual: "25 posts by 23 authors (usual 4), 71% negative"."""
    by = f" by {plural(count.authors, 'author')}" if count.posts else ""
    text = f"{plural(count.posts, 'post')}{by}"
    if count.usual is not None:
        text += f" (usual {level(count.usual)})"
    if count.posts:
        text += f", {count.negatives / count.posts:.0%} negative"
    return text


def _unknown(count: Count, tell: "Telling") -> str:
    """Return since when a source's count is unknown, and why."""
    why = "" if count.outcome.healthy else f" ({OUTCOMES[count.outcome]})"
    if count.unknown_since is None:
        return f"not seen for the whole span{why}"
    return f"unknown since {tell(count.unknown_since)}{why}"


class Telling(Protocol):
    def __call__(self, at: datetime, /) -> str: ...


def _verdict(report: Report) -> str:
    """Return what none means here; empty where there are posts and every source was seen."""
    if report.counts and all(count.known for count in report.counts):
        found = any(count.posts for count in report.counts)
        return "" if found else "Nothing found. Every source was seen for the whole span."
    blind = [source_title(c.source) for c in report.counts if not c.known]
    who = ", ".join(as_is(name, NAME) for name in blind[:8]) or "any source"
    return f"Not seen for the whole span: {who}. There may be more than is counted here."


# ------------------------------------------------------------------------------------------- lists
def incident_list(
    incidents: Sequence[Incident],
    clients: Mapping[str, Client],
    names: Mapping[str, str],
    now: datetime,
) -> Message:
    """Return INCIDENTS as they come, newest first; CLIENTS by id."""
    running = sum(not i.state.closed for i in incidents)
    title = f"{plural(running, 'open incident')}, {len(incidents) - running} closed"
    if not incidents:
        return message("No incident so far.", [section(plain_text("No incident so far."))])
    rows = [section(marked(_row(i, clients.get(i.client), names, now))) for i in incidents[:LISTED]]
    return message(title, [header(title), *rows])


def _row(incident: Incident, client: Client | None, names: Mapping[str, str], now: datetime) -> str:
    """Return an incident in two lines: what it is; state, owner, stage, age."""
    dot = "🟢" if incident.state.closed else DOTS[incident.severity]
    name = literal(client.name if client else incident.client, NAME)
    what = literal(incident.headline or "posts above the usual", 80)
    facts = [STATES[incident.state]]
    if incident.owner is not None and incident.owner in names:
        facts.append(f"owner {literal(names[incident.owner], NAME)}")
    elif incident.owner is None and not incident.state.closed:
        facts.append("owner: nobody yet")
    facts += [f"stage: {STAGE_WORDS[incident.stage]}", f"opened {when(incident.opened_at, now)}"]
    if not incident.state.closed:
        usual = usual_words(incident.figures.usual)
        facts.append(f"{plural(incident.figures.count, 'post')}/h ({usual})")
    first = f"{dot} *INC-{incident.number}* {incident.severity} · {name}: {what}"
    return f"{first}\n{' · '.join(facts)}"


def client_list(
    clients: Sequence[Client], keeping: Mapping[str, Mapping[str, str]] | None = None
) -> Message:
    """Return the CLIENTS that the asker may hear of, with the words that mean them.

    KEEPING says by client and source how well alerts keep to what the client accepts.
    """
    if not clients:
        none = "No client is watched for this channel."
        return message(none, [section(plain_text(none))])
    title = f"{plural(len(clients), 'client')} watched"
    return message(
        title,
        [header(title), *(_client(c, (keeping or {}).get(c.id, {})) for c in clients[:LISTED])],
    )


def _client(client: Client, keeping: Mapping[str, str]) -> Block:
    facts = [words(f"{as_is(client.name, 80)} ", bold=True), words(client.id, 80, code=True)]
    lists = (
        ("names", client.names),
        ("with a companion", client.ambiguous + client.initials),
        ("companions", client.companions),
        ("rules", tuple(rule.name for rule in client.rules)),
        ("excluded", client.exclude),
        ("own accounts", client.own_accounts),
        ("sources", client.sources or ("all that are set up",)),
    )
    items = [[words(f"{label}: "), words(", ".join(terms), 300)] for label, terms in lists if terms]
    items += [
        [
            words(
                f"campaign: {c.start:%d %b %H:%M} to {c.end:%d %b %H:%M} ({c.start:%Z}): {c.reason}",
                200,
            )
        ]
        for c in client.campaigns
    ]
    items += [[words(f"{source}: {why}", 300)] for source, why in keeping.items()]
    people = plural(len(client.people), "person", "people")
    items.append([words(f"{people} · list version {client.version}")])
    return rich_text([line(facts), bullets(items)])


def source_list(rows: Sequence[SourceView], now: datetime, systems: Sequence[str] = ()) -> Message:
    """Return what each source can see, how soon, and what is left to ask.

    SYSTEMS are lines about those that closed and what took over.
    """
    if not rows:
        none = "No source is set up yet."
        add = actions([button("Set up a source", "source_add", value(0, 0), primary=True)])
        return message(none, [section(plain_text(none)), add])
    blind = [r.title for r in rows if r.health is None or not r.health.outcome.healthy]
    title = f"{plural(len(rows), 'source')}, {len(blind) or 'none'} in trouble"
    blocks = [header(title)]
    for row in rows[: LISTED // 2]:
        blocks.append(section(marked(_source(row.title, row.health, now))))
        small = [_delays(row.delays), *row.left, f"Terms: {row.terms.terms}"]
        said = [plain_text(text, 200) for text in small if text not in ("", "Terms: ")]
        if said:
            blocks.append(context(said))
    if systems:
        blocks.append(context([plain_text(line_, 300) for line_ in systems[:10]]))
    blocks.append(actions([button("Set up a source", "source_add", value(0, 0))]))
    return message(escaped(title, 200), blocks)


def _delays(delays: Sequence[tuple[str, timedelta]]) -> str:
    """Return how long a post waits until it is seen, the slowest client first."""
    slowest = sorted(delays, key=lambda pair: pair[1], reverse=True)
    told = [f"{name} {max(round(wait / MINUTE), 1)} min" for name, wait in slowest[:5]]
    more = f", {len(slowest) - 5} more sooner" if len(slowest) > 5 else ""
    return f"Posts are seen after about: {', '.join(told)}{more}" if told else ""


def _source(title: str, health: Health | None, now: datetime) -> str:
    name = literal(title, NAME)
    if health is None:
        return f"✗ *{name}*: never asked yet"
    word = OUTCOMES[health.outcome]
    if health.outcome.healthy:
        facts = [f"{word}, asked {when(health.asked_at, now)}"]
    else:
        facts = [f"*{word} since {when(health.since, now)}*"]
        good = f"last seen {when(health.ok_at, now)}" if health.ok_at else "never seen"
        facts.append(f"{good}, counts since then are unknown")
    if health.until is not None and health.until > now:
        facts.append(f"not asked before {when(health.until, now)} ({china(health.until)})")
    facts.append(f"{plural(health.requests, 'request')} today")
    todo = "" if health.outcome.healthy else health.detail or TO_DO[health.outcome]
    sign = "✓" if health.outcome.healthy else "✗"
    tail = f"\n{literal(todo, 300)}" if todo else ""
    return f"{sign} *{name}*: {' · '.join(facts)}{tail}"


def help_list(rows: Sequence[tuple[str, str]], first: str = "") -> Message:
    """Return the verbs, one (usage, meaning) a row; FIRST is said before them."""
    opening = first or "Fenghuo watches, tells, and keeps the case. You can ask:"
    items = [[words(usage, 120, code=True), words(f" {meaning}")] for usage, meaning in rows]
    parts = [line([words(opening)]), *([bullets(items)] if items else [])]
    return message(escaped(cut(opening, 200), 300), [rich_text(parts)])
