"""What a provider pushed: kept before it is answered for, given to one round, then deleted."""

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.model import Delivery
from watchers.store.part import Part
from watchers.store.schema import deliveries, inbox

AT_ONCE = 100  # deliveries that one round reads


class Deliveries(Part):
    """The pushes that wait to be read."""

    async def deliver(self, event_id: str, body: str, *, now: datetime) -> bool:
        """Keep BODY; return whether EVENT_ID is new: what comes twice is kept once."""

        async def work(conn: AsyncConnection) -> bool:
            put = (
                self._db.insert(inbox)
                .values(event_id=event_id, at=now)
                .on_conflict_do_nothing(index_elements=["event_id"])
                .returning(inbox.c.event_id)
            )
            if (await conn.execute(put)).first() is None:
                return False
            await conn.execute(insert(deliveries).values(at=now, body=body))
            return True

        return await self._db.write(work)

    async def delivered(self, after: int) -> tuple[Delivery, ...]:
        """Return the deliveries behind AFTER, oldest first; those up to it are read and go."""

        async def work(conn: AsyncConnection) -> tuple[Delivery, ...]:
            await conn.execute(delete(deliveries).where(deliveries.c.id <= after))
            rows = await conn.execute(select(deliveries).order_by(deliveries.c.id).limit(AT_ONCE))
            return tuple(Delivery(id=row.id, at=row.at, body=row.body) for row in rows)

        return await self._db.write(work)
