"""What is to be told, until it is told: claimed, sent, put off, unclear, given up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from watchers.model import Alert, AlertKind
from watchers.store.part import Part, load
from watchers.store.rows import OutboxRow, RowState
from watchers.store.schema import outbox

ROOTS = aliased(outbox, name="roots")


class Outbox(Part):
    """The outbox; several senders may share it."""

    async def claim(self, now: datetime, *, limit: int = 20) -> tuple[OutboxRow, ...]:
        """Take due rows for sending: one a channel, roots before replies, else in order.

        A reply waits until its root stands. The claim is committed before this returns, so no
        second sender takes the same row.
        """

        async def work(conn: AsyncConnection) -> tuple[OutboxRow, ...]:
            busy = select(outbox.c.channel).where(outbox.c.state == RowState.SENDING)
            query = (
                _rows()
                .where(
                    outbox.c.state == RowState.NEW,
                    outbox.c.next_at <= now,
                    outbox.c.channel.not_in(busy),
                    or_(~outbox.c.threaded, ROOTS.c.ts.is_not(None)),
                )
                .order_by(outbox.c.threaded, outbox.c.id)
                .limit(limit * 20)
            )
            if not self._db.is_sqlite:
                query = query.with_for_update(of=outbox, skip_locked=True)
            rows = (await conn.execute(query)).all()
            taken = list({row.channel: row for row in reversed(rows)}.values())[::-1][:limit]
            for row in taken:
                await conn.execute(
                    update(outbox)
                    .where(outbox.c.id == row.id)
                    .values(
                        state=RowState.SENDING,
                        attempts=outbox.c.attempts + 1,
                        first_try_at=row.first_try_at or now,
                        claimed_at=now,
                    )
                )
            ids = [row.id for row in taken]
            again = await conn.execute(_rows().where(outbox.c.id.in_(ids)))
            found = {row.id: _row(row) for row in again}
            return tuple(found[id_] for id_ in ids)

        return await self._db.write(work)

    async def outbox(
        self, *, incident: int | None = None, states: Sequence[str] | None = None
    ) -> tuple[OutboxRow, ...]:
        """Return rows in order, of one INCIDENT or in some STATES."""
        query = _rows().order_by(outbox.c.id)
        if incident is not None:
            query = query.where(outbox.c.incident == incident)
        if states is not None:
            query = query.where(outbox.c.state.in_(states))
        async with self._db.reading() as conn:
            return tuple(_row(row) for row in await conn.execute(query))

    async def sent(self, id: int, ts: str, *, rev: int, now: datetime) -> None:  # noqa: A002
        """Note that revision REV of row ID stands as TS; more wanted meanwhile is due at once."""

        async def work(conn: AsyncConnection) -> None:
            row = (await conn.execute(select(outbox).where(outbox.c.id == id))).one()
            more = row.want_rev > rev
            await conn.execute(
                update(outbox)
                .where(outbox.c.id == id)
                .values(
                    state=RowState.NEW if more else RowState.SENT,
                    ts=ts,
                    sent_rev=rev,
                    sent_at=now,
                    attempts=0,
                    first_try_at=None,
                    error=None,
                    next_at=now,
                )
            )

        await self._db.write(work)

    async def put_off(self, id: int, until: datetime, error: str, *, now: datetime) -> None:  # noqa: A002
        """Have row ID sent again, not before UNTIL: it was surely not sent."""
        del now
        await self._set(id, state=RowState.NEW, next_at=until, error=error)

    async def unclear(self, id: int, until: datetime, error: str, *, now: datetime) -> None:  # noqa: A002
        """Have row ID looked for at UNTIL: it may have been sent."""
        del now
        await self._set(id, state=RowState.UNKNOWN, next_at=until, error=error)

    async def give_up(self, id: int, error: str, *, now: datetime) -> None:  # noqa: A002
        """Leave row ID unsent for good."""
        del now
        await self._set(id, state=RowState.FAILED, error=error)

    async def resend(self, id: int, *, now: datetime) -> None:  # noqa: A002
        """Have row ID sent again: it was looked for and is not there."""
        await self._set(id, state=RowState.NEW, next_at=now)

    async def recover(self, *, older_than: datetime, now: datetime) -> int:
        """Call unclear what was claimed before OLDER_THAN: its sender died. Returns how many."""

        async def work(conn: AsyncConnection) -> int:
            changed = await conn.execute(
                update(outbox)
                .where(outbox.c.state == RowState.SENDING, outbox.c.claimed_at <= older_than)
                .values(state=RowState.UNKNOWN, next_at=now, error="the sender died")
            )
            return int(changed.rowcount)

        return await self._db.write(work)

    async def unknown(self, now: datetime) -> tuple[OutboxRow, ...]:
        """Return the rows that are due to be looked for."""
        query = _rows().where(outbox.c.state == RowState.UNKNOWN, outbox.c.next_at <= now)
        async with self._db.reading() as conn:
            return tuple(_row(row) for row in await conn.execute(query.order_by(outbox.c.id)))

    async def root_ts(self, incident: int) -> tuple[str, str] | None:
        """Return (channel, ts) of the root of INCIDENT; None: it does not stand yet."""
        query = select(outbox.c.channel, outbox.c.ts).where(
            outbox.c.incident == incident, outbox.c.kind == AlertKind.ROOT
        )
        async with self._db.reading() as conn:
            row = (await conn.execute(query)).one_or_none()
        return (row.channel, row.ts) if row is not None and row.ts is not None else None

    async def adopt_root(self, incident: int, channel: str, ts: str, *, now: datetime) -> None:
        """Call the message TS in CHANNEL the root of INCIDENT."""
        del now

        async def work(conn: AsyncConnection) -> None:
            await conn.execute(
                update(outbox)
                .where(outbox.c.incident == incident, outbox.c.kind == AlertKind.ROOT)
                .values(channel=channel, ts=ts)
            )

        await self._db.write(work)

    async def lose_root(self, incident: int, *, now: datetime) -> None:
        """Have the root of INCIDENT posted anew: the old one is gone."""

        async def work(conn: AsyncConnection) -> None:
            await conn.execute(
                update(outbox)
                .where(outbox.c.incident == incident, outbox.c.kind == AlertKind.ROOT)
                .values(
                    state=RowState.NEW,
                    ts=None,
                    sent_rev=None,
                    sent_at=None,
                    attempts=0,
                    first_try_at=None,
                    next_at=now,
                )
            )

        await self._db.write(work)

    async def _set(self, id_: int, **values: object) -> None:
        async def work(conn: AsyncConnection) -> None:
            await conn.execute(update(outbox).where(outbox.c.id == id_).values(values))

        await self._db.write(work)


def _rows() -> Select[Any]:
    """The rows, each with the ts of its thread's root beside it."""
    root = and_(
        outbox.c.threaded,
        ROOTS.c.incident == outbox.c.incident,
        ROOTS.c.kind == AlertKind.ROOT,
    )
    return select(outbox, ROOTS.c.ts.label("parent_ts")).outerjoin(ROOTS, root)


def _row(row: Any) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        key=row.key,
        kind=AlertKind(row.kind),
        channel=row.channel,
        incident=row.incident,
        alert=load(row.alert, Alert),
        want_rev=row.want_rev,
        sent_rev=row.sent_rev,
        state=RowState(row.state),
        ts=row.ts,
        parent_ts=row.parent_ts,
        attempts=row.attempts,
        first_try_at=row.first_try_at,
        next_at=row.next_at,
        error=row.error,
    )
