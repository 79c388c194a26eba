"""Where entries of hot lists stood, and when: entry, best rank, exit."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.model import HotEntry, Scored
from watchers.store.part import Part
from watchers.store.schema import hot


class Hot(Part):
    """The entries of hot lists that name a client."""

    async def rank(self, list_: str, standing: Sequence[Scored], *, now: datetime) -> None:
        """Keep where those of STANDING that name a client stand on LIST_ now; others have left it."""
        rows = [
            {
                "client": mention.client,
                "entry": found.post.id,
                "list": list_,
                "title": found.post.text,
                "url": found.post.url,
                "entered_at": now,
                "rank": found.post.rank,
                "best_rank": found.post.rank,
                "best_at": now,
                "seen_at": now,
            }
            for found in standing
            for mention in found.mentions
            if found.post.rank is not None
        ]
        unique = {(row["client"], row["entry"]): row for row in rows}
        here = {str(row["entry"]) for row in rows}

        async def work(conn: AsyncConnection) -> None:
            put = self._db.insert(hot)
            new = put.excluded
            better = new.rank < hot.c.best_rank
            again = {
                "rank": new.rank,
                "seen_at": new.seen_at,
                "left_at": None,
                "best_rank": case((better, new.rank), else_=hot.c.best_rank),
                "best_at": case((better, new.seen_at), else_=hot.c.best_at),
            }
            if unique:
                await conn.execute(
                    put.on_conflict_do_update(index_elements=["client", "entry"], set_=again),
                    list(unique.values()),
                )
            await conn.execute(
                update(hot)
                .where(hot.c.list == list_, hot.c.left_at.is_(None), hot.c.entry.not_in(here))
                .values(left_at=now)
            )

        await self._db.write(work)

    async def hot(self, client: str, start: datetime, end: datetime) -> tuple[HotEntry, ...]:
        """Return CLIENT's entries that stood on a list between START and END, oldest first."""
        async with self._db.reading() as conn:
            rows = await conn.execute(
                select(hot)
                .where(
                    hot.c.client == client,
                    hot.c.entered_at < end,
                    or_(hot.c.left_at.is_(None), hot.c.left_at >= start),
                )
                .order_by(hot.c.entered_at, hot.c.entry)
            )
            return tuple(
                HotEntry(
                    list=row.list,
                    post_id=row.entry,
                    title=row.title,
                    url=row.url,
                    entered_at=row.entered_at,
                    rank=row.rank,
                    best_rank=row.best_rank,
                    best_at=row.best_at,
                    left_at=row.left_at,
                )
                for row in rows
            )
