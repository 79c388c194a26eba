"""The verbs of housekeeping: clients in and out, everything out, retention, and the doctor."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot import messages, playbooks
from bot.cli import BAD_INPUT, DONE, FAILED, Shell, Verb, json_flag, writable
from bot.enrol import effective
from bot.offline import load_clients, trial_kit
from bot.service import translation
from bot.settings import Settings, data_folder, read
from watchers import clients as client_files
from watchers import translator
from watchers.errors import BadInput, BadSetting, FenghuoError
from watchers.gist import fault
from watchers.http import Http
from watchers.model import Client, Post
from watchers.sources import SOURCES
from watchers.store import Store
from watchers.tone import ToneModel
from watchers.trial import Trial, tried

SAMPLE = "今天天气很好，我们去公园吧"  # what the doctor has translated
SCOPES = frozenset(
    {
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "groups:read",
        "users:read",
    }
)
SAMPLES = 20  # posts that a dry run shows
CLOCK_SKEW = timedelta(seconds=60)
Work = Callable[[Store], Awaitable[int]]


def with_store(settings: Settings, shell: Shell, work: Work) -> int:
    """Open the store of SETTINGS, do WORK, close it."""

    async def opened() -> int:
        data_folder(settings)
        store = await Store.open(settings.database_url, now=shell.now())
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


# -------------------------------------------------------------------------------- clients
def clients(asked: argparse.Namespace, shell: Shell) -> int:
    """List, import, export or remove clients."""
    work: dict[str, Callable[[Store], Awaitable[int]]] = {
        "list": lambda store: _list(store, asked, shell),
        "import": lambda store: _import(store, asked, shell),
        "export": lambda store: _export_clients(store, asked, shell),
        "remove": lambda store: _remove(store, asked, shell),
    }
    return with_store(read(shell.environment), shell, work[asked.what])


async def _list(store: Store, asked: argparse.Namespace, shell: Shell) -> int:
    found = await store.clients()
    if asked.json:
        shell.out_json(found)
        return DONE
    for client in found:
        words = " ".join(client.names + client.ambiguous)
        shell.out(f"{client.id:<16} {client.channel or 'no channel':<14} {words}")
    if not found:
        shell.say("No client yet. Add some: fenghuo clients import FILE.toml")
    return DONE


async def _import(store: Store, asked: argparse.Namespace, shell: Shell) -> int:
    found = load_clients(asked.file)
    known = {c.id: c for c in await store.clients()}
    changed = [c for c in found if c.id in known and client_files.changes(known[c.id], c)]
    posts = await store.stored_posts(shell.now() - timedelta(days=asked.days), shell.now())
    if changed and posts and not asked.yes:
        await _try(known, changed, posts, asked.days, shell)
        if asked.dry_run or not _agreed(shell):
            shell.say("Nothing was saved. To save without being asked: --yes")
            return DONE if asked.dry_run else BAD_INPUT
    elif asked.dry_run:
        shell.say("Nothing to try: no watched client changes, or no post is stored yet.")
        return DONE
    kept = await store.save_clients(found, by="command line", now=shell.now())
    for client in kept:
        shell.say(f"{client.id}: version {client.version}, in force from the next round on")
    return DONE


async def _try(
    known: Mapping[str, Client],
    changed: Sequence[Client],
    posts: Sequence[Post],
    days: int,
    shell: Shell,
) -> None:
    """Show what the changed words would have made of POSTS, those of the last DAYS."""
    kit = trial_kit(shell)
    for client in changed:
        with shell.progress(client.id) as move:
            trial = await tried(known[client.id], client, posts, kit, progress=move)
        shell.out(f"{client.id}: {client_files.changes(known[client.id], client)}")
        for line in trial_lines(trial, days):
            shell.out(line)


def _agreed(shell: Shell) -> bool:
    """Ask whether to save; nobody there to ask: no."""
    if not sys.stdin.isatty():
        return False
    shell.say("Save this? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def trial_lines(trial: Trial, days: int) -> Iterator[str]:
    """Yield what a trial found, a line each: posts, alerts gained and lost, samples."""
    yield (
        f"  Tried on {trial.posts} stored posts of the last {days} days: {trial.before} spoke of it "
        f"before, {trial.after} would now. What no rule matched was never stored, so a wider rule "
        "may bring more."
    )
    for what, alerts in (("gained", trial.alerts_gained), ("lost", trial.alerts_lost)):
        yield f"  Alerts {what}: {len(alerts)}"
        for incident in alerts:
            yield f"    {incident.opened_at:%Y-%m-%d %H:%M} {incident.severity} {incident.why}"
    for what, posts in (("gained", trial.gained), ("lost", trial.lost)):
        if posts:
            yield f"  Posts {what}: {len(posts)}, the newest {min(len(posts), SAMPLES)}:"
        for post in posts[-SAMPLES:][::-1]:
            yield f"    {post.at:%Y-%m-%d %H:%M} {' '.join(post.text.split())[:80]} {post.url}"


async def _export_clients(store: Store, asked: argparse.Namespace, shell: Shell) -> int:
    text = client_files.dump(await store.clients())
    if asked.file is None:
        sys.stdout.write(text)
        return DONE
    writable(asked.file).write_text(text, encoding="utf-8")
    shell.say(f"Written to {asked.file}")
    return DONE


async def _remove(store: Store, asked: argparse.Namespace, shell: Shell) -> int:
    await _known_client(store, asked.id)
    await store.remove_client(asked.id, by="command line", now=shell.now())
    shell.say(
        f"{asked.id} is watched no more. Its data stays until: fenghuo purge --client {asked.id}"
    )
    return DONE


# ---------------------------------------------------------------------------- export, purge
def export(asked: argparse.Namespace, shell: Shell) -> int:
    """Print everything as JSON lines: {"table": …, "row": …}."""

    async def work(store: Store) -> int:
        empty = True
        async for table, row in store.export(asked.client):
            shell.out_json({"table": table, "row": row})
            empty = False
        if empty:  # what a removed client left behind is exported too
            await _known_client(store, asked.client)
        return DONE

    return with_store(read(shell.environment), shell, work)


def purge(asked: argparse.Namespace, shell: Shell) -> int:
    """Delete old posts, a client's data, or all of an author who objects."""

    if asked.author is None and asked.client is None and asked.days is None:
        raise BadInput("say what to delete: --days N, --client ID or --author SOURCE:ID")
    if asked.author is not None and (asked.client is not None or asked.days is not None):
        raise BadInput("--author deletes all of the author: leave out --days and --client")

    async def work(store: Store) -> int:
        now = shell.now()
        if asked.author is not None:
            source, author = _author(asked.author)
            count = await store.object_author(source, author, by="command line", now=now)
            gone = {"posts": count}
            told = f"{count} posts deleted; nothing of this author will be stored again."
        else:
            before = now - timedelta(days=asked.days or 0)
            gone = await store.purge(before=before, client=asked.client)
            if not any(gone.values()):
                await _known_client(store, asked.client)
            told = ", ".join(f"{n} {table}" for table, n in gone.items()) + " deleted"
        if asked.json:
            shell.out_json(gone)
        else:
            shell.say(told)
        return DONE

    return with_store(read(shell.environment), shell, work)


def _author(text: str) -> tuple[str, str]:
    source, _, author = text.partition(":")
    if source not in SOURCES or not author:
        known = ", ".join(SOURCES)
        raise BadInput(f"--author {text}: give SOURCE:ID, as in weibo:42; sources are {known}")
    return source, author


async def _known_client(store: Store, id_: str | None) -> None:
    known = [c.id for c in await store.clients()]
    if id_ is not None and id_ not in known:
        raise BadInput(f"there is no client {id_}; known are: {', '.join(known) or 'none'}")


# --------------------------------------------------------------------------------- doctor
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the doctor looked at; `mend` says what to do where it is not well."""

    what: str
    ok: bool
    detail: str
    mend: str = ""


def doctor(asked: argparse.Namespace, shell: Shell) -> int:
    """Check settings, database, playbooks, model, sources, tokens, scopes, channels, clock."""
    findings = asyncio.run(_examine(shell))
    if asked.json:
        shell.out_json(findings)
    else:
        for found in findings:
            mark = "✓" if found.ok else "✗"
            mend = f"\n    → {found.mend}" if found.mend else ""
            shell.out(f"{mark} {found.what}: {found.detail}{mend}")
    return DONE if all(f.ok for f in findings) else FAILED


async def _examine(shell: Shell) -> list[Finding]:
    try:
        settings = read(shell.environment)
    except FenghuoError as error:
        mend = "correct the environment or .env"
        return [Finding(what="settings", ok=False, detail=str(error), mend=mend)]
    findings = [Finding(what="settings", ok=True, detail="read")]
    findings += _files(settings)
    found, known, by_hand = await _database(settings, shell)
    findings.append(found)
    findings += _clients(known)
    findings += await _sources(settings, by_hand, shell)
    findings += await _translation(settings, shell)
    findings += await _slack(settings, known, shell)
    return findings


def _files(settings: Settings) -> list[Finding]:
    findings = []
    try:
        books = playbooks.load(overrides=settings.playbooks)
        findings.append(Finding(what="playbooks", ok=True, detail=f"{len(books.types)} types"))
    except FenghuoError as error:
        mend = "correct the file, or leave FENGHUO_PLAYBOOKS empty for the shipped ones"
        findings.append(Finding(what="playbooks", ok=False, detail=str(error), mend=mend))
    try:
        model = ToneModel.load(settings.model)
        findings.append(Finding(what="tone model", ok=True, detail=f"version {model.version}"))
    except FenghuoError as error:
        mend = "leave FENGHUO_MODEL empty for the shipped model, or train one: fenghuo train"
        findings.append(Finding(what="tone model", ok=False, detail=str(error), mend=mend))
    return findings


async def _database(
    settings: Settings, shell: Shell
) -> tuple[Finding, tuple[Client, ...], Mapping[str, str]]:
    try:
        data_folder(settings)
        store = await Store.open(settings.database_url, now=shell.now())
    except FenghuoError as error:
        mend = "check FENGHUO_DATABASE_URL and FENGHUO_DATA, and what the detail says"
        return Finding(what="database", ok=False, detail=str(error), mend=mend), (), {}
    try:
        known = await store.clients()
        by_hand = await store.source_settings()
        waiting = len(await store.outbox(states=("new", "unknown", "failed")))
    finally:
        await store.close()
    detail = f"opened, {waiting} messages waiting or failed"
    return Finding(what="database", ok=True, detail=detail), known, by_hand


def _clients(known: tuple[Client, ...]) -> list[Finding]:
    if not known:
        mend = "fenghuo clients import FILE.toml; the README shows one"
        return [Finding(what="clients", ok=False, detail="none", mend=mend)]
    findings = []
    for client in known:
        faults = [] if client.channel else ["no channel: alerts have nowhere to go"]
        if not client.people:
            faults.append("no people: any member of the workspace may act, nobody is paged")
        findings.append(
            Finding(
                what=f"client {client.id}",
                ok=bool(client.channel),
                detail="; ".join(faults) or f"channel {client.channel}",
                mend="complete the client file and import it again" if faults else "",
            )
        )
    return findings


async def _sources(settings: Settings, by_hand: Mapping[str, str], shell: Shell) -> list[Finding]:
    findings = []
    try:
        given = effective(settings.environment, by_hand, settings.data)
    except BadSetting as error:
        mend = "put the secret there, or set the source up again: fenghuo sources add NAME"
        findings.append(Finding(what="secrets", ok=False, detail=str(error), mend=mend))
        given = dict(settings.environment)
    async with Http(contact=settings.contact) as http:
        for row in SOURCES.values():
            missing = row.missing(given)
            if missing:
                detail = (
                    f"not set up ({', '.join(missing)} missing): fenghuo sources add {row.name}"
                )
                findings.append(Finding(what=row.title, ok=True, detail=detail))
                continue
            try:
                source = row.make(http, given)
                outcome, detail = await source.check(shell.now())
            except FenghuoError as error:
                names = ", ".join(s.name for s in row.settings)
                mend = f"correct {names}"
                findings.append(Finding(what=row.title, ok=False, detail=str(error), mend=mend))
                continue
            mend = "" if outcome.healthy else messages.TO_DO[outcome]
            told = f"{outcome}: {detail}"
            findings.append(Finding(what=row.title, ok=outcome.healthy, detail=told, mend=mend))
    if not any(row.ready(given) for row in SOURCES.values()):
        mend = "set up at least one source: FEED_URLS needs no account"
        findings.append(Finding(what="sources", ok=False, detail="none is set up", mend=mend))
    return findings


async def _translation(settings: Settings, shell: Shell) -> list[Finding]:
    """Have an invented sentence translated and the answer checked, as an alert would."""
    service = translation(settings)
    if service is None:
        return []
    what = f"translation by {service.name}"
    async with Http(contact=settings.contact) as http:
        http.keep_secret(service.key)
        try:
            said = await translator.ask(http, service, SAMPLE, shell.now())
        except FenghuoError as error:
            mend = "correct FENGHUO_TRANSLATE_URL, _KEY and _MODEL, or empty FENGHUO_TRANSLATE"
            return [Finding(what=what, ok=False, detail=str(error), mend=mend)]
    wrong = fault(said, SAMPLE, None)
    mend = "alerts would carry the offline gist; try another model" if wrong else ""
    detail = f"its answer was refused: {wrong}" if wrong else "answers"
    return [Finding(what=what, ok=wrong is None, detail=detail, mend=mend)]


async def _slack(settings: Settings, known: tuple[Client, ...], shell: Shell) -> list[Finding]:
    if settings.previews:
        detail = "no SLACK_BOT_TOKEN: fenghuo run opens the preview instead"
        return [Finding(what="Slack", ok=True, detail=detail)]
    web = AsyncWebClient(token=settings.bot_token, base_url=settings.api_url, timeout=10)
    try:
        answer = await web.auth_test()
    except SlackApiError as error:
        mend = "copy the bot token again: the app's page, OAuth & Permissions"
        return [Finding(what="Slack", ok=False, detail=f"bot token: {_code(error)}", mend=mend)]
    except (SlackClientError, ClientError, OSError) as error:
        mend = "check the network, the proxy and SLACK_API_URL"
        return [Finding(what="Slack", ok=False, detail=str(error), mend=mend)]
    granted = {s.strip() for s in answer.headers.get("x-oauth-scopes", "").split(",")}
    missing = sorted(SCOPES - granted)
    mend = "reinstall the app with manifest.yml" if missing else ""
    detail = f"missing {', '.join(missing)}" if missing else "all granted"
    return [
        Finding(what="Slack", ok=True, detail=f"connected to {answer.get('team')}"),
        Finding(what="scopes", ok=not missing, detail=detail, mend=mend),
        *await _app_token(web, settings),
        *[await _channel(web, channel, whose) for channel, whose in _channels(settings, known)],
        _clock(answer.headers.get("Date", ""), shell),
    ]


async def _app_token(web: AsyncWebClient, settings: Settings) -> list[Finding]:
    """Ask for a socket, as Socket Mode does, and leave it unopened."""
    if settings.app_token is None:
        return []
    try:
        await web.apps_connections_open(app_token=settings.app_token)
    except SlackApiError as error:
        mend = "make a new one with connections:write: the app's page, Basic Information"
        return [Finding(what="app token", ok=False, detail=_code(error), mend=mend)]
    return [Finding(what="app token", ok=True, detail="Socket Mode answers")]


def _code(error: SlackApiError) -> str:
    """Return Slack's word for ERROR; something else than Slack may have answered."""
    answer = error.response
    known = isinstance(answer, AsyncSlackResponse)
    return str(answer.get("error", "no answer of Slack's")) if known else str(error)


def _channels(settings: Settings, known: tuple[Client, ...]) -> list[tuple[str, str]]:
    channels = [(c.channel, c.id) for c in known if c.channel]
    return channels + ([(settings.operators, "operators")] if settings.operators else [])


async def _channel(web: AsyncWebClient, channel: str, whose: str) -> Finding:
    what = f"channel {channel} ({whose})"
    try:
        answer = await web.conversations_info(channel=channel)
    except SlackApiError as error:
        mend = "correct the id, or type /invite @Fenghuo in the private channel"
        return Finding(what=what, ok=False, detail=_code(error), mend=mend)
    found = answer["channel"]
    if found.get("is_archived"):
        return Finding(what=what, ok=False, detail="archived", mend="name another channel")
    if not found.get("is_member"):
        mend = "type /invite @Fenghuo there (fenghuo run joins public channels by itself)"
        return Finding(
            what=what, ok=bool(not found.get("is_private")), detail="not in it", mend=mend
        )
    return Finding(what=what, ok=True, detail=f"in #{found.get('name')}")


def _clock(date: str, shell: Shell) -> Finding:
    try:
        skew = abs(parsedate_to_datetime(date) - shell.now())
    except (TypeError, ValueError):
        return Finding(what="clock", ok=True, detail="Slack told no time")
    ok = skew <= CLOCK_SKEW
    mend = "" if ok else "switch on time synchronisation (NTP) on this machine"
    return Finding(
        what="clock", ok=ok, detail=f"{skew.total_seconds():.0f} s off Slack's", mend=mend
    )


# --------------------------------------------------------------------------------- the table
def _clients_arguments(sub: argparse.ArgumentParser) -> None:
    what = sub.add_subparsers(dest="what", required=True, metavar="WHAT")
    listed = what.add_parser("list", help="show all clients")
    json_flag(listed)
    taken = what.add_parser("import", help="add or change clients by a TOML file")
    taken.add_argument("file", type=Path)
    taken.add_argument(
        "--days", type=_days, default=30, metavar="N", help="try a change on so many days (30)"
    )
    taken.add_argument(
        "--dry-run", action="store_true", help="show what would change, save nothing"
    )
    taken.add_argument("--yes", action="store_true", help="save a change without showing it first")
    given = what.add_parser("export", help="write all clients as TOML")
    given.add_argument("file", type=Path, nargs="?", help="default: standard output")
    gone = what.add_parser("remove", help="watch a client no more")
    gone.add_argument("id")


def _export_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--client", metavar="ID", help="only what belongs to this client")
    json_flag(sub)


def _purge_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--days", type=_days, metavar="N", help="delete posts older than N days")
    sub.add_argument("--client", metavar="ID", help="only this client's; without --days everything")
    sub.add_argument("--author", metavar="SOURCE:ID", help="delete and never store again")
    json_flag(sub)


def _days(text: str) -> int:
    found = int(text) if text.isdecimal() else -1
    if not 0 <= found <= 36500:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to 36500")
    return found


VERBS = (
    Verb(name="doctor", help="check tokens, scopes, channels, sources, database, clock", run=doctor,
         arguments=json_flag, example="fenghuo doctor"),
    Verb(name="clients", help="list, import, export, remove clients", run=clients,
         arguments=_clients_arguments, example="fenghuo clients import clients.toml"),
    Verb(name="export", help="everything that is stored, as JSON lines", run=export,
         arguments=_export_arguments, example="fenghuo export --client aulane > aulane.jsonl"),
    Verb(name="purge", help="delete by age, client or author", run=purge,
         arguments=_purge_arguments, example="fenghuo purge --days 90"),
)  # fmt: skip
