"""A row of the outbox becomes a message: facts are fetched here, words are made in `messages`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot import charts, messages
from bot.deliver import Picture, Rendered
from bot.messages import Message
from bot.messages.text import source_title
from bot.office import Directory
from bot.plan import plan_of
from bot.playbooks import Playbooks
from watchers.coordination import signs
from watchers.evidence import STORY_WINDOW
from watchers.gist import Gists
from watchers.incidents import stage_words
from watchers.model import AlertKind, Client, Gist, Incident, Quote
from watchers.store import OutboxRow, Store
from watchers.translator import Translator

READ = 60  # posts, most seen first, that main points are taken from


class Renderer:
    """Renders what the store holds now, so that a late message is never stale."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        playbooks: Playbooks,
        gists: Gists,
        translator: Translator | None = None,
    ) -> None:
        self._store = store
        self._directory = directory
        self._playbooks = playbooks
        self._gists = gists
        self._translator = translator

    async def render(self, row: OutboxRow, now: datetime) -> Rendered | Picture:
        """Return the message of ROW."""
        if row.incident is None:
            return messages.notice(row.alert.text)
        incident = await self._store.incident(row.incident)
        client = await self._client(incident)
        match row.kind:
            case AlertKind.ROOT:
                return await self._root(incident, client, now)
            case AlertKind.EVIDENCE:
                return await self._evidence(incident, client, row.alert.quotes, now)
            case AlertKind.CHART:
                return await self._chart(incident, client, now)
            case AlertKind.PLAYBOOK | AlertKind.RULE:
                return await self._kept_up(row.kind, incident, client, now)
            case _:
                return await self._update(row, incident, now)

    async def _client(self, incident: Incident) -> Client:
        clients = await self._store.clients()
        gone = Client(id=incident.client, name=incident.client)  # removed since: its id stands
        return next((c for c in clients if c.id == incident.client), gone)

    async def _root(self, incident: Incident, client: Client, now: datetime) -> Message:
        people = [p for p in (incident.owner, incident.closed_by) if p]
        names = await self._directory.names(people, now)
        plan = plan_of(self._playbooks, incident.type, incident.severity)
        lead = [incident.lead] if incident.lead else []
        gists = await self._told(incident, client, lead)
        gist = gists.get(lead[0].key) if lead else None
        return messages.root(incident, client, names=names, now=now, plan=plan, gist=gist)

    async def _evidence(
        self, incident: Incident, client: Client, quotes: Sequence[Quote], now: datetime
    ) -> Message:
        gists = await self._told(incident, client, quotes)
        start = incident.first_post_at or incident.opened_at - STORY_WINDOW
        types = (incident.type,) if incident.type else ()
        posts = await self._store.quotes(client.id, start, now, limit=READ, types=types)
        points = [replace(p.quote, text=p.text) for p in await self._gists.points(posts)]
        told = await self._told(incident, client, points)
        pairs = [(point, told.get(point.key)) for point in points]
        voices = await self._store.voices(client.id, start, now, source=incident.source)
        return messages.evidence(
            incident, quotes, gists=gists, points=pairs, of=len(posts), signs=signs(voices)
        )

    async def _told(
        self, incident: Incident, client: Client, quotes: Sequence[Quote]
    ) -> Mapping[tuple[str, str], Gist]:
        """Return the English of those of QUOTES that need it, where CLIENT wants it."""
        if not client.gist:
            return {}
        told = await self._gists.of(quotes, client, incident.type_terms)
        if self._translator is None:
            return told
        if incident.lead is not None and incident.lead.key in told:
            self._translator.want(incident.number, incident.lead, client)
        better = {q.key: gist for q in quotes if (gist := self._translator.known(q))}
        return {**told, **better}

    async def _playbook(self, incident: Incident, now: datetime) -> Message:
        people = [s.done_by for s in incident.steps if s.done_by]
        names = await self._directory.names(people, now)
        plan = plan_of(self._playbooks, incident.type, incident.severity)
        return messages.playbook(incident, names=names, plan=plan)

    async def _kept_up(
        self, kind: AlertKind, incident: Incident, client: Client, now: datetime
    ) -> Message:
        """What is edited in place: the steps, the rule that a false alarm proposes."""
        if kind is AlertKind.PLAYBOOK:
            return await self._playbook(incident, now)
        return await self._rule(incident, client, now)

    async def _rule(self, incident: Incident, client: Client, now: datetime) -> Message:
        who = incident.rule.by if incident.rule else None
        names = await self._directory.names([who] if who else [], now)
        return messages.rule(incident, client, names=names)

    async def _chart(self, incident: Incident, client: Client, now: datetime) -> Picture:
        start = now - charts.SHOWN
        minutes = await self._store.minutes(client.id, incident.source, start, now)
        usual = _usual_by_bin(incident, now)
        marks = _marks(incident)
        gaps = [
            g
            for w in await self._store.watches()
            if w.source == incident.source and w.query in client.asked
            for g in w.watermark.gaps
        ]
        alt = charts.alt(minutes, now, usual, marks, zone=client.zone, gaps=gaps)
        draw = partial(
            charts.chart,
            minutes,
            usual,
            marks,
            title=f"Posts per 10 minutes: {client.name}, {source_title(incident.source)}",
            zone=client.zone,
            now=now,
            gaps=gaps,
        )
        return Picture(text=alt, png=await asyncio.to_thread(draw))

    async def _update(self, row: OutboxRow, incident: Incident, now: datetime) -> Message:
        who = row.alert.who
        names = await self._directory.names([who] if who else [], now)
        return messages.update(row.alert, names=names, incident=incident)


def _usual_by_bin(incident: Incident, now: datetime) -> dict[datetime, float]:
    """The usual of this hour, spread over the ten minutes that a chart shows."""
    usual = incident.figures.usual
    if usual is None:
        return {}
    return dict.fromkeys(charts.starts(now), usual / 6)


def _marks(incident: Incident) -> list[charts.Mark]:
    marks = [charts.Mark(at=p.at, label=stage_words(p)) for p in incident.proofs]
    marks.append(charts.Mark(at=incident.opened_at, label="alert"))
    if incident.acknowledged_at is not None:
        marks.append(charts.Mark(at=incident.acknowledged_at, label="taken"))
    return marks
