"""The verbs of /crisis: one row each, from which the help and the README table come."""

import difflib
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackApiError

from bot import messages
from bot.desk import Member
from bot.messages import Message
from bot.office import Office, span
from watchers.coordination import Signs, signs
from watchers.look import Report
from watchers.model import Client
from watchers.sources import Source
from watchers.systems import SYSTEMS, closed_words

log = structlog.get_logger(__name__)
Json = Mapping[str, Any]
DEFAULT_SPAN = timedelta(hours=24)
LISTED = 15  # incidents in one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command as it was typed, with the curly quotes and entities of Slack undone."""

    words: tuple[str, ...]
    channel: str
    member: Member
    clients: tuple[Client, ...]  # those this person may hear of here


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb: how it is typed, what it does, who answers. `slow` ones answer twice."""

    name: str
    usage: str
    help: str
    answer: Callable[[Office, Asked], Awaitable[Message]]
    slow: str = ""  # said at once, while the answer is made


async def check(office: Office, asked: Asked) -> Message:
    """Count a client's posts, or those with free words, against the usual."""
    words = list(asked.words)
    length = DEFAULT_SPAN
    if words and (given := span(words[-1])) is not None:
        length = given
        words.pop()
    client = _client(asked.clients, " ".join(words))
    now = office.now()
    if client is not None:
        report = await office.looker.client(client, length, now)
        gists = await office.gists.of(report.top, client) if client.gist else {}
        found = await _signs(office, client, report)
        return messages.check_report(report, client, gists=gists, signs=found)
    if not words:
        return messages.plain("Which client? " + _names(asked.clients, "/crisis check"))
    report = await office.looker.words(" ".join(words), length, now)
    asker = Client(id="", name=report.subject, names=tuple(words))
    gists = await office.gists.of(report.top, asker)
    return messages.check_report(report, None, gists=gists)


async def _signs(office: Office, client: Client, report: Report) -> Signs | None:
    """Look for signs of coordination where most was said."""
    loudest = max(report.counts, key=lambda c: c.posts, default=None)
    if loudest is None:
        return None
    start = report.at - report.span
    return signs(await office.store.voices(client.id, start, report.at, source=loudest.source))


async def incidents(office: Office, asked: Asked) -> Message:
    """List what is open, then what was closed last."""
    ids = [c.id for c in asked.clients]
    found = await office.store.incidents(clients=ids, limit=LISTED)
    people = [p for i in found for p in (i.owner,) if p]
    names = await office.directory.names(people, office.now())
    return messages.incident_list(found, {c.id: c for c in asked.clients}, names, office.now())


async def clients(office: Office, asked: Asked) -> Message:
    """List the clients of this channel, or those one works for."""
    now = office.now()
    keeping = {c.id: office.looker.keeping(c, now) for c in asked.clients}
    return messages.client_list(asked.clients, keeping)


async def sources(office: Office, asked: Asked) -> Message:
    """Show each source's health: since when, and what to do."""
    health = await office.store.health()
    now = office.now()
    rows = [
        messages.SourceView(
            title=source.title,
            health=health.get(name),
            terms=source.describe(),
            delays=_delays(office, name, source, asked.clients),
            left=source.left(now),
        )
        for name, source in office.looker.sources.items()
        if not asked.clients or any(not c.sources or name in c.sources for c in asked.clients)
    ]
    closed = [
        closed_words(system, watched=not office.looker.sources.keys().isdisjoint(system.sources))
        for system in SYSTEMS
        if system.closed
    ]
    return messages.source_list(rows, now, closed)


def _delays(
    office: Office, name: str, source: Source, clients: Sequence[Client]
) -> tuple[tuple[str, timedelta], ...]:
    """Return how long a post of each of CLIENTS waits, on average, until SOURCE shows it to us."""
    found = []
    for client in clients:
        waits = [office.interval(name, query) for query in office.looker.queries(client, name)]
        known = [wait for wait in waits if wait is not None]
        if known and (not client.sources or name in client.sources):
            found.append((client.name, max(known) / 2 + source.lag))
    return tuple(found)


async def help_(_: Office, __: Asked) -> Message:
    """Show all verbs."""
    return messages.help_list([(v.usage, v.help) for v in COMMANDS.values()])


COMMANDS = {
    v.name: v
    for v in (
        Verb(
            name="check",
            usage="/crisis check [client or words] [6h]",
            help="count posts against the usual, with the top five and each source's health",
            answer=check,
            slow="Asking the sources… the answer comes within a minute, to you alone.",
        ),
        Verb(
            name="incidents",
            usage="/crisis incidents",
            help="what is open, and what was closed last",
            answer=incidents,
        ),
        Verb(
            name="clients",
            usage="/crisis clients",
            help="the clients watched for this channel, and their words",
            answer=clients,
        ),
        Verb(
            name="sources",
            usage="/crisis sources",
            help="what each source can see just now, since when, and what to do",
            answer=sources,
        ),
        Verb(name="help", usage="/crisis help", help="this list", answer=help_),
    )
}


USAGE = " | ".join(v.usage.removeprefix("/crisis ") for v in COMMANDS.values())


class Commands:
    """The listener of /crisis."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def crisis(self, ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
        """Answer within three seconds; what takes longer is said now and answered later."""
        words = parse(body.get("text", ""))
        verb = COMMANDS.get(words[0].lower() if words else "help")
        if verb is None:
            await ack(**_private(_unknown(words[0])))
            return
        asked = await self._asked(body, words[1:])
        if not verb.slow:
            await ack(**_private(await verb.answer(self._office, asked)))
            return
        await ack(text=verb.slow, response_type="ephemeral")
        with self._office.working():
            await self._later(verb, asked, respond)

    async def _asked(self, body: Json, words: tuple[str, ...]) -> Asked:
        member = await self._office.directory.member(body["user_id"], self._office.now())
        channel = body["channel_id"]
        return Asked(
            words=words,
            channel=channel,
            member=member,
            clients=await self._office.clients_in(channel, member),
        )

    async def _later(self, verb: Verb, asked: Asked, respond: AsyncRespond) -> None:
        try:
            message = await verb.answer(self._office, asked)
        except Exception:  # the acknowledgement is out: whatever happens, the person is told
            log.exception("command failed", verb=verb.name)
            message = messages.plain("The check failed on our side. Please try again.")
        try:
            await respond(**_private(message))
        except (SlackApiError, OSError) as error:
            log.warning("answer not delivered", verb=verb.name, error=type(error).__name__)


def parse(text: str) -> tuple[str, ...]:
    """Split TEXT as typed in Slack: entities and curly quotes undone, quoted words kept whole."""
    for old, new in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("“", '"'), ("”", '"')):
        text = text.replace(old, new)
    try:
        return tuple(shlex.split(text))
    except ValueError:  # an odd quote: take the words as they stand
        return tuple(text.split())


def _client(clients: tuple[Client, ...], words: str) -> Client | None:
    """Return the one client of the channel, or the one that WORDS name."""
    if not words:
        return clients[0] if len(clients) == 1 else None
    wanted = words.casefold()
    for client in clients:
        if wanted in {client.id, client.name.casefold(), *(n.casefold() for n in client.names)}:
            return client
    return None


def _names(clients: tuple[Client, ...], before: str) -> str:
    if not clients:
        return "None is watched here: fenghuo clients import FILE.toml adds some."
    return " · ".join(f"{before} {c.id}" for c in clients[:10])


def _unknown(word: str) -> Message:
    near = difflib.get_close_matches(word.lower(), COMMANDS, n=1, cutoff=0.5)
    hint = f"Did you mean /crisis {near[0]}?" if near else "This is what I can do:"
    rows = [(v.usage, v.help) for v in COMMANDS.values()]
    return messages.help_list(rows, first=f"I don't know “{word}”. {hint}")


def _private(message: Message) -> dict[str, Any]:
    return {
        "text": message.text,
        "blocks": list(message.blocks),
        "response_type": "ephemeral",
    }


def register(app: AsyncApp, office: Office) -> None:
    """Let APP hear /crisis."""
    app.command("/crisis")(Commands(office).crisis)
