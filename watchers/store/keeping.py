"""Once only, who did what, what leaves the store and what is deleted."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.store.posts import Posts
from watchers.store.rows import AuditRow
from watchers.store.schema import (
    audit,
    clients,
    corrections,
    detectors,
    facts,
    hits,
    inbox,
    incidents,
    mentions,
    minutes,
    objections,
    outbox,
    posts,
    timeline,
)

BY_CLIENT = (clients, mentions, minutes, incidents)
HIDDEN = frozenset({"author_id", "handle", "author"})  # pseudonymised in an export


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
        """Delete all of an author who objects, and store nothing of theirs again."""

        async def work(conn: AsyncConnection) -> int:
            put = self._db.insert(objections).values(
                source=source, author_id=author_id, who=by, at=now
            )
            await conn.execute(put.on_conflict_do_nothing(index_elements=["source", "author_id"]))
            rows = await conn.execute(
                select(posts.c.id).where(posts.c.source == source, posts.c.author_id == author_id)
            )
            ids = [id_ for (id_,) in rows]
            await self.drop_posts(conn, ids)
            row = {"at": now, "who": by, "what": "author objected", "detail": source}
            await conn.execute(insert(audit).values(row))
            return len(ids)

        return await self._db.write(work)

    async def purge(self, *, before: datetime, client: str | None = None) -> dict[str, int]:
        """Delete posts older than BEFORE, of one CLIENT or of all; return how many of what.

        A post that another client needs stays. Of all: what came in before is forgotten as well.
        With a client and BEFORE of now or later, its counts and incidents go too.
        """

        async def work(conn: AsyncConnection) -> dict[str, int]:
            old = [mentions.c.at < before]
            if client is not None:
                old.append(mentions.c.client == client)
            gone = {"mentions": (await conn.execute(delete(mentions).where(*old))).rowcount}
            lonely = select(posts.c.id).where(
                posts.c.at < before, posts.c.id.not_in(select(mentions.c.post))
            )
            ids = [id_ for (id_,) in await conn.execute(lonely)]
            await self.drop_posts(conn, ids)
            gone["posts"] = len(ids)
            if client is None:
                inbound = delete(inbox).where(inbox.c.at < before)
                gone["inbox"] = (await conn.execute(inbound)).rowcount
            else:
                gone |= await self._forget(conn, client, before)
            return gone

        return await self._db.write(work)

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
            (detectors, (detectors.c.client == client, detectors.c.at < before)),
        ):
            gone[table.name] = (await conn.execute(delete(table).where(*where))).rowcount
        return gone

    async def export(
        self, client: str | None = None
    ) -> AsyncIterator[tuple[str, dict[str, object]]]:
        """Yield (table, row) of all that is kept, or of one CLIENT; private authors pseudonymous."""
        async with self._db.reading() as conn:
            key = await conn.scalar(select(facts.c.value).where(facts.c.name == "pseudonyms"))
            for table, where in _exported(client):
                query = select(table).order_by(*table.primary_key.columns)
                rows = await conn.execute(query if where is None else query.where(where))
                for row in rows.mappings():
                    yield table.name, _shown(dict(row), key or b"")


def _exported(client: str | None) -> list[tuple[Table, Any]]:
    if client is None:
        tables = (*BY_CLIENT, posts, hits, corrections, timeline, audit)
        return [(table, None) for table in tables]
    own = select(mentions.c.post).where(mentions.c.client == client)
    cases = select(incidents.c.number).where(incidents.c.client == client)
    corrected = select(posts.c.post_id).where(posts.c.id.in_(own))
    return [
        (clients, clients.c.id == client),
        *[(table, table.c.client == client) for table in (mentions, minutes, incidents)],
        (posts, posts.c.id.in_(own)),
        (hits, hits.c.post.in_(own)),
        (corrections, corrections.c.post_id.in_(corrected)),
        (timeline, timeline.c.incident.in_(cases)),
        (audit, audit.c.client == client),
    ]


def _shown(row: dict[str, Any], key: bytes) -> dict[str, object]:
    """Return ROW with the names of private authors replaced; professional voices stay named."""
    if row.get("professional"):
        return row
    for name in HIDDEN & row.keys():
        if row[name]:
            digest = hmac.new(key, str(row[name]).encode(), hashlib.sha256).hexdigest()
            row[name] = f"author-{digest[:12]}"
    return row
