"""Decisions kept: incident, timeline, outbox and detector state in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.errors import NoSuchRow, StaleIncident
from watchers.model import Alert, AlertKind, Decision, Event, Incident, Reason
from watchers.store.part import Part, dump, load
from watchers.store.rows import RowState
from watchers.store.schema import detectors, incidents, outbox, timeline

EDITED = frozenset(
    {AlertKind.ROOT, AlertKind.PLAYBOOK, AlertKind.RULE}
)  # one message, edited in place
THREADED = frozenset(
    {AlertKind.EVIDENCE, AlertKind.CHART, AlertKind.PLAYBOOK, AlertKind.RULE, AlertKind.UPDATE}
)
COUNTS_EVERY = timedelta(seconds=30)  # between two edits that only change figures


class Incidents(Part):
    """Incidents and their timelines."""

    async def open_incidents(self, client: str | None = None) -> tuple[Incident, ...]:
        """Return the incidents that are not closed, newest first."""
        query = select(incidents).where(~incidents.c.closed).order_by(incidents.c.number.desc())
        if client is not None:
            query = query.where(incidents.c.client == client)
        async with self._db.reading() as conn:
            return tuple(_incident(row) for row in await conn.execute(query))

    async def incident(self, number: int) -> Incident:
        """Return the incident NUMBER. Raises NoSuchRow."""
        async with self._db.reading() as conn:
            query = select(incidents).where(incidents.c.number == number)
            row = (await conn.execute(query)).one_or_none()
        if row is None:
            raise NoSuchRow(f"incident {number}")
        return _incident(row)

    async def incidents(
        self,
        *,
        clients: Sequence[str] | None = None,
        limit: int = 20,
        include_closed: bool = True,
    ) -> tuple[Incident, ...]:
        """Return the newest incidents, of CLIENTS alone where they are given."""
        query = select(incidents).order_by(incidents.c.number.desc()).limit(limit)
        if clients is not None:
            query = query.where(incidents.c.client.in_(clients))
        if not include_closed:
            query = query.where(~incidents.c.closed)
        async with self._db.reading() as conn:
            return tuple(_incident(row) for row in await conn.execute(query))

    async def timeline(self, number: int) -> tuple[Event, ...]:
        """Return what happened, oldest first."""
        async with self._db.reading() as conn:
            rows = await conn.execute(
                select(timeline)
                .where(timeline.c.incident == number)
                .order_by(timeline.c.at, timeline.c.id)
            )
            return tuple(
                Event(at=row.at, kind=Reason(row.kind), who=row.who, text=row.text) for row in rows
            )

    async def commit(
        self,
        decision: Decision,
        *,
        now: datetime,
        expect: int | None = None,
        detector: tuple[str, str, bytes] | None = None,
    ) -> Incident | None:
        """Keep DECISION with its alerts, and the state of a detector (client, source, state).

        An incident without number gets the next one. A known one is changed only where its
        revision is still EXPECT (by default the one before its own): StaleIncident tells that
        somebody else was quicker, as it does where a second incident of the same open story was
        to begin. NoSuchRow: the incident is gone.
        """

        async def work(conn: AsyncConnection) -> Incident | None:
            if detector is not None:
                await self._put_detector(conn, *detector, now)
            incident = decision.incident
            if incident is not None:
                incident = await self._put_incident(conn, incident, expect)
                await self._put_events(conn, incident.number, decision.events)
            for alert in decision.alerts:
                await self._put_alert(conn, alert, incident, decision.reason, now)
            return incident

        return await self._db.write(work)

    async def _put_incident(
        self, conn: AsyncConnection, incident: Incident, expect: int | None
    ) -> Incident:
        row = _row(incident)
        seen = incident.rev - 1 if expect is None else expect
        try:
            if not incident.number:
                put = insert(incidents).values(row).returning(incidents.c.number)
                return replace(incident, number=(await conn.execute(put)).scalar_one())
            changed = await conn.execute(
                update(incidents)
                .where(incidents.c.number == incident.number, incidents.c.rev == seen)
                .values(row)
            )
        except IntegrityError:
            raise StaleIncident("an incident of this story is open already") from None
        if changed.rowcount == 1:
            return incident
        known = select(incidents.c.number).where(incidents.c.number == incident.number)
        if await conn.scalar(known) is None:
            raise NoSuchRow(f"incident {incident.number}")
        raise StaleIncident(f"INC-{incident.number} is not at revision {seen} any more")

    async def _put_events(
        self, conn: AsyncConnection, number: int, events: Iterable[Event]
    ) -> None:
        rows = [
            {"incident": number, "at": e.at, "kind": e.kind, "who": e.who, "text": e.text}
            for e in events
        ]
        if rows:
            await conn.execute(insert(timeline), rows)

    async def _put_alert(
        self,
        conn: AsyncConnection,
        alert: Alert,
        incident: Incident | None,
        reason: Reason,
        now: datetime,
    ) -> None:
        """Put ALERT into the outbox once; what is edited in place becomes due again."""
        key = alert.key if incident is None else f"inc-{incident.number}:{alert.key}"
        number = incident.number if incident else alert.incident
        rev = incident.rev if incident else 0
        put = self._db.insert(outbox).values(
            key=key,
            kind=alert.kind,
            channel=alert.channel,
            incident=number,
            threaded=incident is not None and alert.kind in THREADED,
            alert=dump(replace(alert, key=key, incident=number)),
            want_rev=rev,
            state=RowState.NEW,
            attempts=0,
            next_at=now,
        )
        once = put.on_conflict_do_nothing(index_elements=["key"]).returning(outbox.c.id)
        if await conn.scalar(once) is not None or alert.kind not in EDITED:
            return
        here = outbox.c.key == key
        old = (await conn.execute(select(outbox).where(here).with_for_update())).one()
        if rev > old.want_rev:
            await conn.execute(update(outbox).where(here).values(_edit(old, rev, reason, now)))

    async def _put_detector(
        self, conn: AsyncConnection, client: str, source: str, state: bytes, now: datetime
    ) -> None:
        put = self._db.insert(detectors).values(client=client, source=source, state=state, at=now)
        new = {"state": put.excluded.state, "at": put.excluded.at}
        await conn.execute(put.on_conflict_do_update(index_elements=["client", "source"], set_=new))


def _edit(old: Any, rev: int, reason: Reason, now: datetime) -> dict[str, Any]:
    """Return what an edit changes of the row OLD: figures wait a little, all else goes at once."""
    if old.state in (RowState.SENDING, RowState.UNKNOWN):
        return {"want_rev": rev}  # whoever has it sees that more is wanted
    if reason is Reason.COUNTS and old.state == RowState.FAILED:
        return {"want_rev": rev}  # given up: figures alone are not worth another try
    due = now
    if reason is Reason.COUNTS and old.sent_at is not None:
        due = max(now, old.sent_at + COUNTS_EVERY)
    if old.state == RowState.NEW:
        due = old.next_at if old.error is not None else min(due, old.next_at)
    return {"want_rev": rev, "state": RowState.NEW, "next_at": due}


def _row(incident: Incident) -> dict[str, Any]:
    return {
        "client": incident.client,
        "story": incident.type or "",
        "state": incident.state,
        "closed": incident.state.closed,
        "rev": incident.rev,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "body": dump(incident),
    }


def _incident(row: Any) -> Incident:
    return replace(load(row.body, Incident), number=row.number)
