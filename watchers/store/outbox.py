"""What is to be told, until it is told: claimed, sent, put off, unclear, given up."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.model import Alert, AlertKind
from watchers.store import schema
from watchers.store.part import Part, load
from watchers.store.rows import OutboxRow, RowState
from watchers.store.schema import outbox

ROOTS = outbox.alias("roots")
CLAIM_LOCK = 7_340_202  # any number: PostgreSQL's name of the lock that one claims under
IN_HAND = (RowState.SENDING, RowState.UNKNOWN)


class Outbox(Part):
    """The outbox; several senders may share it."""

    async def claim(self, now: datetime, *, limit: int = 20) -> tuple[OutboxRow, ...]:
        """Take due rows for sending: roots before replies, else in order.

        One post at a time goes to a channel, and one edit. A reply waits until its root stands,
        and for what is to stand above it. The claim is committed before this returns, so no
        second sender takes the same row.
        """

        async def work(conn: AsyncConnection) -> tuple[OutboxRow, ...]:
            if not self._db.is_sqlite:  # else two senders would each take a row of one channel
                await conn.execute(select(func.pg_advisory_xact_lock(CLAIM_LOCK)))
            first = _first_of_lanes(now, limit).cte("first")
            free = select(outbox.c.id).where(outbox.c.id.in_(select(first.c.id)))
            taken = await conn.execute(
                update(outbox)
                .where(outbox.c.id.in_(free.with_for_update(skip_locked=True).scalar_subquery()))
                .values(
                    state=RowState.SENDING,
                    attempts=outbox.c.attempts + 1,
                    first_try_at=func.coalesce(outbox.c.first_try_at, literal(now, schema.Instant)),
                    claimed_at=now,
                )
                .returning(outbox.c.id)
            )
            ids = list(taken.scalars())
            rows = await conn.execute(
                _rows().where(outbox.c.id.in_(ids)).order_by(outbox.c.threaded, outbox.c.id)
            )
            return tuple(_row(row) for row in rows)

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

    async def sent(self, id: int, ts: str, *, rev: int, now: datetime) -> None:  # noqa: A002 - the contract's word
        """Note that revision REV of row ID stands as TS; more wanted meanwhile is due at once."""
        more = outbox.c.want_rev > rev
        await self._set(
            id,
            RowState,
            state=case((more, RowState.NEW), else_=RowState.SENT),
            ts=ts,
            sent_rev=rev,
            sent_at=now,
            attempts=0,
            first_try_at=None,
            error=None,
            next_at=now,
        )

    async def put_off(self, id: int, until: datetime, error: str, *, now: datetime) -> None:  # noqa: A002 - the contract's word
        """Have row ID sent again, not before UNTIL: it was surely not sent."""
        del now
        await self._set(id, IN_HAND, state=RowState.NEW, next_at=until, error=error)

    async def unclear(self, id: int, until: datetime, error: str, *, now: datetime) -> None:  # noqa: A002 - the contract's word
        """Have row ID looked for at UNTIL: it may have been sent."""
        del now
        await self._set(id, IN_HAND, state=RowState.UNKNOWN, next_at=until, error=error)

    async def give_up(self, id: int, error: str, *, now: datetime) -> None:  # noqa: A002 - the contract's word
        """Leave row ID unsent for good; a root comes back when a person changes its incident."""
        del now
        await self._set(id, IN_HAND, state=RowState.FAILED, error=error)

    async def resend(self, id: int, *, now: datetime) -> None:  # noqa: A002 - the contract's word
        """Have row ID sent again: it was looked for and is not there."""
        await self._set(id, (RowState.UNKNOWN,), state=RowState.NEW, next_at=now)

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

    async def show_root_again(self, incident: int, *, now: datetime) -> bool:
        """Have the root of INCIDENT edited; False where it is being sent this very moment."""

        async def work(conn: AsyncConnection) -> bool:
            root = (outbox.c.incident == incident, outbox.c.kind == AlertKind.ROOT)
            await conn.execute(
                update(outbox)
                .where(*root, outbox.c.state == RowState.SENT)
                .values(state=RowState.NEW, next_at=now)
            )
            state = await conn.scalar(select(outbox.c.state).where(*root))
            return state not in (RowState.SENDING, RowState.UNKNOWN)

        return await self._db.write(work)

    async def lose_root(self, incident: int, *, now: datetime) -> None:
        """Have the root of INCIDENT posted anew, where it first belonged: the old one is gone."""

        async def work(conn: AsyncConnection) -> None:
            here = (outbox.c.incident == incident, outbox.c.kind == AlertKind.ROOT)
            body = await conn.scalar(select(outbox.c.alert).where(*here))
            if body is None:
                return
            await conn.execute(
                update(outbox)
                .where(*here)
                .values(
                    channel=load(body, Alert).channel,
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

    async def _set(self, id_: int, states: Iterable[RowState], **values: object) -> None:
        """Change row ID_ where it is in one of STATES: a sender that is late changes nothing."""

        async def work(conn: AsyncConnection) -> None:
            here = (outbox.c.id == id_, outbox.c.state.in_(list(states)))
            await conn.execute(update(outbox).where(*here).values(values))

        await self._db.write(work)


def _first_of_lanes(now: datetime, limit: int) -> Select[tuple[int]]:
    """The due row that comes first in each lane that is free.

    A lane is what goes to one channel: posts in one, edits of roots in another, for edits are
    paced by themselves and change no order.
    """
    edits = outbox.c.ts.is_not(None)
    busy = outbox.alias("busy")
    above = outbox.alias("above")
    is_busy = (
        select(busy.c.id)
        .where(
            busy.c.state == RowState.SENDING,
            busy.c.channel == outbox.c.channel,
            busy.c.ts.is_not(None) == edits,
        )
        .exists()
    )
    waits = (
        select(above.c.id)
        .where(
            above.c.incident == outbox.c.incident,
            above.c.threaded,
            above.c.id < outbox.c.id,
            above.c.kind != AlertKind.CHART,  # a picture that is late holds no words up
            or_(
                above.c.state == RowState.UNKNOWN,
                and_(above.c.state == RowState.NEW, above.c.next_at > now),
            ),
        )
        .exists()
    )
    stands = (
        select(ROOTS.c.id)
        .where(
            ROOTS.c.incident == outbox.c.incident,
            ROOTS.c.kind == AlertKind.ROOT,
            ROOTS.c.ts.is_not(None),
        )
        .exists()
    )
    place = func.row_number().over(
        partition_by=(outbox.c.channel, edits), order_by=(outbox.c.threaded, outbox.c.id)
    )
    due = (
        select(outbox.c.id, outbox.c.threaded, place.label("place"))
        .where(
            outbox.c.state == RowState.NEW,
            outbox.c.next_at <= now,
            ~is_busy,
            or_(~outbox.c.threaded, and_(stands, ~waits)),
        )
        .subquery()
    )
    return select(due.c.id).where(due.c.place == 1).order_by(due.c.threaded, due.c.id).limit(limit)


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
