"""Once only, who did what, what leaves the store and what is deleted."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Table,
    and_,
    delete,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.store.mask import Mask
from watchers.store.posts import Posts
from watchers.store.rows import AuditRow, RowState
from watchers.store.schema import (
    audit,
    clients,
    corrections,
    deliveries,
    detectors,
    facts,
    hits,
    hot,
    inbox,
    incidents,
    mentions,
    minutes,
    objections,
    outbox,
    posts,
    timeline,
)
from watchers.store.scrub import scrub, scrub_incident

KEEP_COUNTS = timedelta(days=365)  # counts hold no personal data and outlive the posts
PAGE = 1_000  # rows of an export in one look at the database
EXPORTED = (
    clients, posts, mentions, minutes, hot, incidents, hits, corrections, timeline, outbox, audit,
)  # fmt: skip


class Keeping(Posts):
    """Housekeeping."""

    async def first_time(self, event_id: str, *, now: datetime) -> bool:
        """Note EVENT_ID and return whether it is new: what comes twice is acted on once."""

        async def work(conn: AsyncConnection) -> bool:
            put = (
                self._db.insert(inbox)
                .values(event_id=event_id, at=now)
                .on_conflict_do_nothing(index_elements=["event_id"])
                .returning(inbox.c.event_id)
            )
            return (await conn.execute(put)).first() is not None

        return await self._db.write(work)

    async def audit(
        self,
        *,
        who: str,
        what: str,
        now: datetime,
        client: str | None = None,
        incident: int | None = None,
        detail: str = "",
    ) -> None:
        """Append a line to the log of who did what."""

        async def work(conn: AsyncConnection) -> None:
            row = {"at": now, "who": who, "what": what, "client": client, "incident": incident}
            await conn.execute(insert(audit).values(row | {"detail": detail}))

        await self._db.write(work)

    async def audit_log(self, limit: int = 100) -> tuple[AuditRow, ...]:
        """Return the newest lines of the log, newest first."""
        async with self._db.reading() as conn:
            rows = await conn.execute(select(audit).order_by(audit.c.id.desc()).limit(limit))
            return tuple(
                AuditRow(
                    at=row.at,
                    who=row.who,
                    what=row.what,
                    client=row.client,
                    incident=row.incident,
                    detail=row.detail,
                )
                for row in rows
            )

    async def object_author(self, source: str, author_id: str, *, by: str, now: datetime) -> int:
        """Delete all of an author who objects, and store nothing of theirs again.

        AUTHOR_ID is the source's id or the handle. What incidents and messages quote of them goes
        as well. Returns how many posts were deleted.
        """

        async def work(conn: AsyncConnection) -> int:
            put = self._db.insert(objections).values(
                source=source, author_id=author_id, who=by, at=now
            )
            await conn.execute(put.on_conflict_do_nothing(index_elements=["source", "author_id"]))
            theirs = or_(posts.c.author_id == author_id, posts.c.handle == author_id)
            rows = await conn.execute(
                select(posts.c.id, posts.c.post_id).where(posts.c.source == source, theirs)
            )
            ids = {id_: (source, post_id) for id_, post_id in rows}
            await scrub(conn, ids.values(), now)
            await self.drop_posts(conn, list(ids))
            row = {"at": now, "who": by, "what": "author objected", "detail": source}
            await conn.execute(insert(audit).values(row))
            return len(ids)

        return await self._db.write(work)

    async def purge(self, *, before: datetime, client: str | None = None) -> dict[str, int]:
        """Delete posts older than BEFORE, of one CLIENT or of all; return how many of what.

        A post that another client needs stays. Of all: incidents closed before BEFORE lose their
        quotes and messages, and what came in before is forgotten. Of one client: its counts and
        incidents from before BEFORE go too.
        """

        async def work(conn: AsyncConnection) -> dict[str, int]:
            old = [mentions.c.at < before]
            if client is not None:
                old.append(mentions.c.client == client)
            gone = {"mentions": (await conn.execute(delete(mentions).where(*old))).rowcount}
            needed = select(mentions.c.post).where(mentions.c.post == posts.c.id).exists()
            lonely = select(posts.c.id).where(posts.c.at < before, ~needed)
            ids = [id_ for (id_,) in await conn.execute(lonely)]
            await self.drop_posts(conn, ids)
            gone["posts"] = len(ids)
            if client is None:
                gone |= await self._age(conn, before)
            else:
                gone |= await self._forget(conn, client, before)
            return gone

        return await self._db.write(work)

    async def _age(self, conn: AsyncConnection, before: datetime) -> dict[str, int]:
        """Keep of incidents closed before BEFORE what holds no personal data."""
        told = select(outbox.c.incident).where(outbox.c.incident == incidents.c.number).exists()
        closed = (incidents.c.closed, incidents.c.closed_at < before)
        rows = (await conn.execute(select(incidents).where(*closed, told))).all()
        for row in rows:
            await scrub_incident(conn, row)
        done = (RowState.SENT, RowState.FAILED)
        notices = and_(
            outbox.c.incident.is_(None), outbox.c.state.in_(done), outbox.c.next_at < before
        )
        over = outbox.c.incident.in_(select(incidents.c.number).where(*closed))
        deletions = {
            "outbox": delete(outbox).where(or_(notices, over)),
            "minutes": delete(minutes).where(minutes.c.at < before - KEEP_COUNTS),
            "inbox": delete(inbox).where(inbox.c.at < before),
            "deliveries": delete(deliveries).where(deliveries.c.at < before),
            "hot": delete(hot).where(hot.c.seen_at < before - KEEP_COUNTS),
        }
        return {
            name: (await conn.execute(deletion)).rowcount for name, deletion in deletions.items()
        }

    async def _forget(self, conn: AsyncConnection, client: str, before: datetime) -> dict[str, int]:
        """Delete CLIENT's counts and incidents from before BEFORE."""
        gone = {}
        old = select(incidents.c.number).where(
            incidents.c.client == client, incidents.c.opened_at < before
        )
        for table in (timeline, outbox):
            done = await conn.execute(delete(table).where(table.c.incident.in_(old)))
            gone[table.name] = done.rowcount
        for table, where in (
            (incidents, (incidents.c.client == client, incidents.c.opened_at < before)),
            (minutes, (minutes.c.client == client, minutes.c.at < before)),
            (hot, (hot.c.client == client, hot.c.seen_at < before)),
            (detectors, (detectors.c.client == client, detectors.c.at < before)),
        ):
            gone[table.name] = (await conn.execute(delete(table).where(*where))).rowcount
        return gone

    async def export(
        self, client: str | None = None
    ) -> AsyncIterator[tuple[str, dict[str, object]]]:
        """Yield (table, row) of all that is kept, or of one CLIENT, as JSON knows it.

        Authors who are not verified are pseudonymous: the same one has the same name everywhere
        in this database, and none elsewhere.
        """
        async with self._db.reading() as conn:
            key = await conn.scalar(select(facts.c.value).where(facts.c.name == "pseudonyms"))
        mask = Mask(key or b"")
        for table, where in _exported(client):
            after: tuple[object, ...] | None = None
            while rows := await self._page(table, where, after):
                for row in rows:  # plain texts: SQLAlchemy's names are no JSON
                    found = {str(name): value for name, value in row.items()}
                    yield str(table.name), mask.row(table.name, found)
                after = tuple(rows[-1][c.name] for c in table.primary_key)

    async def _page(
        self, table: Table, where: ColumnElement[bool], after: tuple[object, ...] | None
    ) -> Sequence[RowMapping]:
        """Return the rows behind the key AFTER; no transaction outlives a page."""
        columns = list(table.primary_key)
        query = select(table).where(where).order_by(*columns).limit(PAGE)
        if after is not None:
            here = [literal(value, c.type) for value, c in zip(after, columns, strict=True)]
            query = query.where(tuple_(*columns) > tuple_(*here))
        async with self._db.reading() as conn:
            return (await conn.execute(query)).mappings().all()


def _exported(client: str | None) -> list[tuple[Table, ColumnElement[bool]]]:
    """The tables of an export, and which of their rows belong to CLIENT."""
    if client is None:
        return [(table, true()) for table in EXPORTED]
    own = select(mentions.c.post).where(mentions.c.client == client)
    cases = select(incidents.c.number).where(incidents.c.client == client)
    corrected = select(posts.c.id).where(
        posts.c.source == corrections.c.source,
        posts.c.post_id == corrections.c.post_id,
        posts.c.id.in_(own),
    )
    return [
        (clients, clients.c.id == client),
        (posts, posts.c.id.in_(own)),
        *[(table, table.c.client == client) for table in (mentions, minutes, hot, incidents)],
        (hits, hits.c.post.in_(own)),
        (corrections, corrected.exists()),
        (timeline, timeline.c.incident.in_(cases)),
        (outbox, outbox.c.incident.in_(cases)),
        (audit, audit.c.client == client),
    ]
