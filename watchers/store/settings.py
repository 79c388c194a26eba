"""Clients, watches and the health of sources."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.errors import NoSuchRow
from watchers.model import Client, Health, Watch
from watchers.store.part import Part, dump, load
from watchers.store.schema import audit, clients, health, source_settings, watches


class SettingsKept(Part):
    """What the watchers are to do, and how their sources fare."""

    async def clients(self) -> tuple[Client, ...]:
        """Return all clients by id."""
        async with self._db.reading() as conn:
            rows = await conn.execute(select(clients.c.body).order_by(clients.c.id))
            return tuple(load(body, Client) for (body,) in rows)

    async def save_clients(
        self, wanted: Iterable[Client], *, by: str, now: datetime
    ) -> tuple[Client, ...]:
        """Keep WANTED; the version rises where something changed. Returns them as kept."""
        wanted = tuple(wanted)

        async def work(conn: AsyncConnection) -> tuple[Client, ...]:
            return tuple([await self._save_client(conn, c, by, now) for c in wanted])

        return await self._db.write(work)

    async def _save_client(
        self, conn: AsyncConnection, client: Client, by: str, now: datetime
    ) -> Client:
        found = await conn.scalar(select(clients.c.body).where(clients.c.id == client.id))
        old = load(found, Client) if found else None
        if old is not None and replace(client, version=old.version) == old:
            return old
        kept = replace(client, version=old.version + 1 if old else 1)
        row = {"id": kept.id, "version": kept.version, "body": dump(kept)}
        if old is None:
            await conn.execute(insert(clients).values(row))
        else:
            await conn.execute(update(clients).where(clients.c.id == kept.id).values(row))
        what = "client changed" if old else "client added"
        note = {"what": what, "client": kept.id, "detail": f"version {kept.version}"}
        await conn.execute(insert(audit).values(note | {"at": now, "who": by}))
        return kept

    async def remove_client(self, id: str, *, by: str, now: datetime) -> None:  # noqa: A002
        """Forget the client ID and what it asked for; its data stays. Raises NoSuchRow."""

        async def work(conn: AsyncConnection) -> None:
            gone = await conn.execute(delete(clients).where(clients.c.id == id))
            if gone.rowcount != 1:
                raise NoSuchRow(f"client {id}")
            note = {"what": "client removed", "client": id, "detail": ""}
            await conn.execute(insert(audit).values(note | {"at": now, "who": by}))

        await self._db.write(work)

    # ----------------------------------------------------------------- sources set up by hand
    async def source_settings(self) -> dict[str, str]:
        """Return the settings that were made by hand, by name; secrets are references."""
        async with self._db.reading() as conn:
            rows = await conn.execute(
                select(source_settings.c.name, source_settings.c.value).order_by(
                    source_settings.c.name
                )
            )
            return {row.name: row.value for row in rows}

    async def set_source(
        self, source: str, values: Mapping[str, str], *, by: str, why: str, now: datetime
    ) -> None:
        """Keep VALUES as all settings of SOURCE, none to forget it, and who did so and why."""

        async def work(conn: AsyncConnection) -> None:
            gone = source_settings.c.source == source
            await conn.execute(delete(source_settings).where(gone))
            rows = [{"name": n, "source": source, "value": v} for n, v in values.items()]
            if rows:
                await conn.execute(insert(source_settings), rows)
            what = "source set up" if rows else "source removed"
            note = {"what": what, "detail": f"{source}: {why}" if why else source}
            await conn.execute(insert(audit).values(note | {"at": now, "who": by}))

        await self._db.write(work)

    # ------------------------------------------------------------------ watches and health
    async def watches(self) -> tuple[Watch, ...]:
        """Return all watches."""
        async with self._db.reading() as conn:
            rows = await conn.execute(
                select(watches.c.body).order_by(watches.c.source, watches.c.query)
            )
            return tuple(load(body, Watch) for (body,) in rows)

    async def save_watches(self, wanted: Iterable[Watch]) -> None:
        """Keep WANTED, new or changed."""
        wanted = tuple(wanted)

        async def work(conn: AsyncConnection) -> None:
            await self.put_watches(conn, wanted)

        if wanted:
            await self._db.write(work)

    async def drop_watches(self, keys: Iterable[tuple[str, str]]) -> None:
        """Forget the watches of KEYS, (source, query)."""
        rows = [{"of_source": source, "of_query": query} for source, query in keys]
        one = delete(watches).where(
            watches.c.source == bindparam("of_source"), watches.c.query == bindparam("of_query")
        )

        async def work(conn: AsyncConnection) -> None:
            await conn.execute(one, rows)

        if rows:
            await self._db.write(work)

    async def put_watches(self, conn: AsyncConnection, wanted: Iterable[Watch]) -> None:
        """Keep WANTED, one or more, inside a transaction under way."""
        rows = [{"source": w.source, "query": w.query, "body": dump(w)} for w in wanted]
        put = self._db.insert(watches)
        new = {"body": put.excluded.body}
        await conn.execute(
            put.on_conflict_do_update(index_elements=["source", "query"], set_=new), rows
        )

    async def health(self) -> dict[str, Health]:
        """Return the health of each source that was ever asked."""
        async with self._db.reading() as conn:
            rows = await conn.execute(select(health.c.source, health.c.body))
            return {source: load(body, Health) for source, body in rows}

    async def save_health(self, found: Health) -> None:
        """Keep FOUND."""

        async def work(conn: AsyncConnection) -> None:
            await self.put_health(conn, found)

        await self._db.write(work)

    async def put_health(self, conn: AsyncConnection, found: Health) -> None:
        """Keep FOUND inside a transaction under way."""
        put = self._db.insert(health).values(source=found.source, body=dump(found))
        await conn.execute(
            put.on_conflict_do_update(index_elements=["source"], set_={"body": put.excluded.body})
        )
