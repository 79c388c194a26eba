"""All the SQL there is. The store is where the two houses meet.

database  -> opening, transactions, errors        schema -> the tables
settings  -> clients, watches, health             posts  -> a round's posts, and what was said of them
counting  -> how much, about what, by whom        hot -> ranks on hot lists
incidents -> decisions kept, compare-and-set      deliveries -> what providers pushed
outbox    -> what is to be told, until it is told keeping -> once-only, audit, export, deletion
"""

from datetime import datetime
from typing import Self

from watchers.store.counting import Counting
from watchers.store.database import Database
from watchers.store.deliveries import Deliveries
from watchers.store.hot import Hot
from watchers.store.incidents import Incidents
from watchers.store.keeping import Keeping
from watchers.store.outbox import Outbox
from watchers.store.rows import (
    AuditRow,
    Hour,
    Minute,
    OutboxRow,
    RowState,
    Spread,
    TypeTally,
    Window,
)

__all__ = [
    "AuditRow",
    "Hour",
    "Minute",
    "OutboxRow",
    "RowState",
    "Spread",
    "Store",
    "TypeTally",
    "Window",
]


class Store(Keeping, Counting, Deliveries, Hot, Incidents, Outbox):
    """An open store. Several tasks share one; frozen values go in and come out."""

    @classmethod
    async def open(cls, url: str, *, now: datetime) -> Self:
        """Open and migrate the database at URL; see Database.open for its forms and errors."""
        return cls(await Database.open(url, now=now))

    async def close(self) -> None:
        """Let go of the database."""
        await self._db.close()
