"""`fenghuo sources`: what is asked and what it costs; setting a source up, testing, removing it."""

import argparse
import asyncio
import difflib
import getpass
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import enrol
from bot.cli import DONE, FAILED, Shell, Verb, json_flag
from bot.messages import OUTCOMES
from bot.settings import Settings, data_folder, read
from watchers.connector import OR, Setting, SourceRow
from watchers.errors import BadInput
from watchers.http import Http
from watchers.model import Client, Health, Outcome, Watch
from watchers.sources import SOURCES, Source
from watchers.store import Store
from watchers.systems import SYSTEMS

MINUTE = timedelta(minutes=1)
ASKED_TOO = ("WEIBO_TERMS",)  # not required, and yet nobody should overlook them


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A source as the list shows it."""

    name: str
    title: str
    set_up: bool
    outcome: str = ""  # empty: never asked
    since: datetime | None = None
    asked_at: datetime | None = None
    not_before: datetime | None = None
    requests_today: int = 0
    spent: tuple[tuple[str, int], ...] = ()
    left: tuple[str, ...] = ()
    expected_delay: tuple[tuple[str, int], ...] = ()  # client, minutes until a post is seen
    detail: str = ""
    cost: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSystem:
    """A system of the founding article, and whether anything feeds it."""

    name: str
    closed: str
    successor: str
    sources: tuple[str, ...]  # that can feed it
    fed_by: tuple[str, ...]  # of them, those that are set up


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """What is asked, and for whom."""

    watches: tuple[Watch, ...]
    clients: tuple[Client, ...]


# ------------------------------------------------------------------------------------------ list
async def _list(asked: argparse.Namespace, settings: Settings, store: Store, shell: Shell) -> int:
    given = enrol.effective(settings.environment, await store.source_settings(), settings.data)
    health, now = await store.health(), shell.now()
    watched = _Watched(watches=await store.watches(), clients=await store.clients())
    rows = []
    async with Http(contact=settings.contact) as http:
        for row in SOURCES.values():
            if not row.ready(given):
                rows.append(Shown(name=row.name, title=row.title, set_up=False, cost=row.cost))
                continue
            source = row.make(http, given)
            rows.append(_shown(row, source, health.get(row.name), watched, now))
    ready = {row.name for row in rows if row.set_up}
    systems = [
        ShownSystem(
            name=f"{s.name} {s.name_zh}",
            closed=s.closed,
            successor=s.successor,
            sources=s.sources,
            fed_by=tuple(n for n in s.sources if n in ready),
        )
        for s in SYSTEMS
    ]
    if asked.json:
        shell.out_json({"sources": rows, "systems": systems})
    else:
        for shown in sorted(rows, key=lambda r: not r.set_up):
            shell.out("\n".join(_lines(shown, now)))
        shell.out("\nSystems of the founding article (2011), and what feeds them today:")
        for shown_system, system in zip(systems, SYSTEMS, strict=True):
            shell.out(_system_line(shown_system, system.today))
    return DONE


def _shown(
    row: SourceRow,
    source: Source,
    health: Health | None,
    watched: "_Watched",
    now: datetime,
) -> Shown:
    spent = dict(health.spent) if health else {}
    for budget in source.budgets if health else ():
        budget.restore(spent.get(budget.unit, 0), health.asked_at if health else now)
    mine = [w for w in watched.watches if w.source == row.name]
    return Shown(
        name=row.name,
        title=row.title,
        set_up=True,
        outcome=health.outcome if health else "",
        since=health.since if health else None,
        asked_at=health.asked_at if health else None,
        not_before=health.until if health and health.until and health.until > now else None,
        requests_today=health.requests if health and health.asked_at.date() == now.date() else 0,
        spent=tuple(spent.items()),
        left=source.left(now),
        expected_delay=tuple(
            (client.name, max(round(_delay(source, len(mine), now) / MINUTE), 1))
            for client in watched.clients
            if any(_serves(source, watch, client) for watch in mine)
        ),
        detail=health.detail if health and not health.outcome.healthy else "",
        cost=row.cost,
    )


def _serves(source: Source, watch: Watch, client: Client) -> bool:
    if client.sources and source.name not in client.sources:
        return False
    return bool(source.feeds) or not set(watch.query.split(OR)).isdisjoint(client.asked)


def _delay(source: Source, queries: int, now: datetime) -> timedelta:
    """Return how long a post waits on average until it is seen, as far as the limits let us."""
    rate = queries / (source.every / MINUTE)
    allowed = source.allowance(now)
    if allowed is not None:
        rate = min(rate, allowed)
    if rate <= 0:
        return timedelta(days=31)
    return timedelta(minutes=max(queries, 1) / rate / 2) + source.lag


def _lines(row: Shown, now: datetime) -> list[str]:
    if not row.set_up:
        return [f"  {row.title}: not set up; fenghuo sources add {row.name}", f"      {row.cost}"]
    if not row.outcome or row.asked_at is None:
        return [f"· {row.title}: set up, not asked yet"]
    fine = Outcome(row.outcome).healthy
    word = OUTCOMES[Outcome(row.outcome)]
    facts = [word if fine else f"{word} since {row.since:%d %b %H:%M} UTC"]
    facts.append(f"asked {max(round((now - row.asked_at) / MINUTE), 0)} min ago")
    if row.not_before is not None:
        facts.append(f"not again before {row.not_before:%d %b %H:%M} UTC")
    facts.append(f"{row.requests_today:,} requests today")
    lines = [f"{'✓' if fine else '✗'} {row.title}: {' · '.join([*facts, *row.left])}"]
    if row.expected_delay:
        told = ", ".join(f"{name} {minutes} min" for name, minutes in row.expected_delay[:8])
        lines.append(f"      posts are seen after about: {told}")
    if row.detail:
        lines.append(f"      {row.detail}")
    return lines


def _system_line(system: ShownSystem, today: str) -> str:
    fed = f"through {', '.join(system.fed_by)}" if system.fed_by else "not watched"
    if not system.fed_by:
        fed += f": fenghuo sources add {system.sources[0]}"
    if system.closed:
        return f"  {system.name}: {today} ({fed})"
    return f"  {system.name}{f' → {today}' if today else ''}: {fed}"


# ------------------------------------------------------------------------------------------- add
async def _add(asked: argparse.Namespace, settings: Settings, store: Store, shell: Shell) -> int:
    row = _row(asked.name)
    kept = await store.source_settings()
    known = enrol.effective(settings.environment, kept, settings.data)
    given = _given(asked.set, row)
    shell.say(f"{row.title}\n\n{row.terms}\n\nCost: {row.cost}\n")
    if not asked.yes and not _yes(shell, "May you use it so?"):
        shell.say("Nothing was changed.")
        return FAILED
    _ask_all(row, known, given, asked, shell)
    values = {n: v for n, v in kept.items() if n in {s.name for s in row.settings}} | given
    shell.say("Testing the connection…")
    trial = await enrol.try_out(row, values, settings, shell.now())
    shell.say(f"{row.title}: {trial.outcome}: {trial.detail}")
    if not trial.outcome.healthy and (asked.yes or not _yes(shell, "Keep it all the same?")):
        shell.say("Nothing was changed.")
        return FAILED
    why = asked.reason
    if trial.terms_class == enrol.PUBLIC and not why:
        why = "" if asked.yes else shell.ask("Why may this page be read? One sentence, kept:")
        if not why:
            raise BadInput("give --reason: a page that nobody documented needs a recorded reason")
    kept_as = {n: _hidden(row, n, v, settings) for n, v in values.items() if v}
    await enrol.keep(store, row, kept_as, by=_me(), why=why, now=shell.now())
    shell.say("Kept. A running fenghuo takes it up within half a minute.")
    return DONE


def _ask_all(
    row: SourceRow,
    known: Mapping[str, str],
    given: dict[str, str],
    asked: argparse.Namespace,
    shell: Shell,
) -> None:
    """Ask for what ROW needs and GIVEN lacks; what is KNOWN already only if that is wanted."""
    for setting in row.settings:
        needed = setting.required or (setting.name in ASKED_TOO and not asked.yes)
        old = known.get(setting.name) and not asked.again
        if needed and not old and setting.name not in given:
            given[setting.name] = _ask(setting, shell)
    if not asked.yes and _yes(shell, "Other settings?"):
        for setting in row.settings:
            if setting.name not in given and not setting.required:
                given[setting.name] = _ask(setting, shell)


def _given(pairs: list[str], row: SourceRow) -> dict[str, str]:
    names = {s.name for s in row.settings}
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in names:
            raise BadInput(
                f"--set {pair[:40]}: give NAME=VALUE; names are {', '.join(sorted(names))}"
            )
        found[name] = value
    return found


def _ask(setting: Setting, shell: Shell) -> str:
    hint = f" [{setting.default}]" if setting.default else "" if setting.required else " [none]"
    if setting.secret:
        hint += " (or env:NAME, file:/path)"
    while True:
        said = shell.ask(f"{setting.name}: {setting.meaning}{hint}:", secret=setting.secret)
        if said or not setting.required or setting.default:
            return said
        shell.say("This one is needed.")


def _hidden(row: SourceRow, name: str, value: str, settings: Settings) -> str:
    """Return VALUE, or where it is a secret as it stands, the reference to the file it goes into."""
    secret = any(s.name == name and s.secret for s in row.settings)
    if not secret or value.startswith(enrol.REFERENCES):
        return value
    return enrol.keep_secret(settings.data, name, value)


def _yes(shell: Shell, question: str) -> bool:
    return shell.ask(f"{question} [y/N]").lower().startswith("y")


def _me() -> str:
    try:
        return f"shell:{getpass.getuser()}"
    except (OSError, KeyError):
        return "shell"


# ---------------------------------------------------------------------------------- test, remove
async def _test(asked: argparse.Namespace, settings: Settings, store: Store, shell: Shell) -> int:
    row = _row(asked.name)
    trial = await enrol.try_out(row, await store.source_settings(), settings, shell.now())
    shell.out(f"{row.title}: {trial.outcome}: {trial.detail}")
    return DONE if trial.outcome.healthy else FAILED


async def _remove(asked: argparse.Namespace, settings: Settings, store: Store, shell: Shell) -> int:
    row = _row(asked.name)
    by_hand = {s.name for s in row.settings} & (await store.source_settings()).keys()
    if not by_hand:
        names = [s.name for s in row.settings if settings.environment.get(s.name)]
        told = f"take {', '.join(names)} out of it" if names else "it is not set up"
        raise BadInput(f"{row.name} was not set up by hand: {told}")
    await store.set_source(row.name, {}, by=_me(), why=asked.reason, now=shell.now())
    for name in by_hand:
        (enrol.secrets_folder(settings.data) / name).unlink(missing_ok=True)
    shell.say(f"{row.title} is asked no more. What it brought stays until its retention ends.")
    return DONE


def _row(name: str) -> SourceRow:
    if name in SOURCES:
        return SOURCES[name]
    near = difflib.get_close_matches(name, SOURCES, n=1)
    like = f"; did you mean {near[0]}?" if near else ""
    raise BadInput(f"there is no source {name[:40]!r}{like} There are {', '.join(SOURCES)}")


# -------------------------------------------------------------------------------------- the verb
Act = Callable[[argparse.Namespace, Settings, Store, Shell], Awaitable[int]]
ACTS: Mapping[str, Act] = {"list": _list, "add": _add, "test": _test, "remove": _remove}


def sources(asked: argparse.Namespace, shell: Shell) -> int:
    """Run what was asked of the sources, over the open store."""
    return asyncio.run(_run(asked, shell))


async def _run(asked: argparse.Namespace, shell: Shell) -> int:
    settings = read(shell.environment)
    data_folder(settings)
    store = await Store.open(settings.database_url, now=shell.now())
    try:
        return await ACTS[asked.what](asked, settings, store, shell)
    finally:
        await store.close()


def _arguments(sub: argparse.ArgumentParser) -> None:
    what = sub.add_subparsers(dest="what", metavar="WHAT")
    sub.set_defaults(what="list", json=False)
    json_flag(sub)
    listed = what.add_parser(
        "list", help="what is asked, what it cost, what is left, expected delay"
    )
    json_flag(listed)
    added = what.add_parser("add", help="set one up: terms, cost, settings, a test")
    added.add_argument("name", help=", ".join(SOURCES))
    added.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting; may be repeated",
    )
    added.add_argument("--yes", action="store_true", help="the terms are read; ask nothing")
    added.add_argument("--again", action="store_true", help="ask for what is known already too")
    added.add_argument("--reason", default="", help="why it may be read; kept in the audit log")
    tested = what.add_parser("test", help="ask one whether its settings work")
    tested.add_argument("name")
    gone = what.add_parser("remove", help="forget one that was set up by hand, and its secrets")
    gone.add_argument("name")
    gone.add_argument("--reason", default="", help="kept in the audit log")


VERBS = (
    Verb(
        name="sources",
        help="what each source was asked, its cost, what is left; add, test, remove",
        run=sources,
        arguments=_arguments,
        example="fenghuo sources add weibo",
    ),
)
