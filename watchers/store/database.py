"""The connection: opening, one transaction a call, and errors that name place and mend."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from time import sleep
from typing import Any, Self, TypeVar, TypeVarTuple, overload

import aiosqlite
from sqlalchemy import URL, Connection, CursorResult, Executable, Table, event, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool
from sqlalchemy.sql.selectable import TypedReturnsRows

from watchers.errors import StoreError
from watchers.store.migrations import bring_up

T = TypeVar("T")
V = TypeVar("V")
Ts = TypeVarTuple("Ts")

WAL_TRIES, WAL_PAUSE = 100, 0.1  # s; others that open the same new file take moments
POOL = 8  # connections; who comes later waits in line
TRIES = 4  # of a transaction that PostgreSQL calls off (deadlock, serialization)
CALLED_OFF = frozenset({"40P01", "40001"})
CHUNK = 5_000  # values in one IN list: SQLite takes 32,766, PostgreSQL 65,535
PRAGMAS = (
    "PRAGMA busy_timeout = 30000",  # ms; another process may be writing
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -32000",  # KiB
)
MENDS = (
    ("not a database", "the file is damaged or no database: put a backup in its place"),
    ("malformed", "the file is damaged: put a backup in its place"),
    ("unable to open", "the folder must exist and be writable"),
    ("readonly", "make the file and its folder writable"),
    ("disk", "free some space on the disk"),
    ("locked", "another program holds it: stop that one"),
    ("already exists", "it holds tables of another program: give Fenghuo its own database"),
    ("permission denied", "the database user must be allowed to create tables"),
    ("authentication", "check user and password in FENGHUO_DATABASE_URL"),
    ("does not exist", "create the database, or check its name in FENGHUO_DATABASE_URL"),
    ("connect", "check that the server runs, and the address in FENGHUO_DATABASE_URL"),
)
FORMS = "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"


class Database:
    """An open database. Several tasks may share it, and on PostgreSQL several processes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self.place = _place(engine.url)
        self.is_sqlite = engine.dialect.name == "sqlite"
        shared = isinstance(engine.pool, StaticPool)  # all tasks on the one connection
        self._slots = asyncio.Semaphore(1 if shared else POOL)
        self._turn = asyncio.Semaphore(1 if self.is_sqlite else POOL)  # SQLite: one writes

    @classmethod
    async def open(cls, url: str, *, now: datetime) -> Self:
        """Open the database at URL and bring its tables up to date.

        "sqlite://" is in memory, "sqlite:///PATH" a file, "postgresql://…" a server. Raises
        DatabaseTooNew, and StoreError where it cannot be used.
        """
        database = cls(_engine(url))
        try:
            with database.trouble_told():
                if database.is_sqlite:
                    await asyncio.to_thread(_try_out, database._engine.url)
                async with database._writing.begin() as conn:
                    await conn.run_sync(bring_up, now)
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Let go of all connections. What was committed is kept."""
        await self._engine.dispose()

    # ------------------------------------------------------------------ for the query files
    @asynccontextmanager
    async def reading(self) -> AsyncIterator["Reader"]:
        """Give something to read from; on SQLite all of it sees one state."""
        with self.trouble_told():
            async with self._slots:
                conn = self._engine.connect()
                try:
                    await finish(conn.start())
                    yield Reader(conn)
                finally:
                    await finish(conn.close())

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do WORK in one transaction and return what it returns; an error leaves no trace.

        WORK may be called again where PostgreSQL calls the transaction off. Who is cancelled
        meanwhile still waits for the end of it.
        """
        with self.trouble_told():
            async with self._turn, self._slots:
                return await finish(self._transact(work))

    async def _transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        attempt = 1
        while True:
            try:
                async with self._writing.begin() as conn:
                    return await work(conn)
            except DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                if state not in CALLED_OFF or attempt == TRIES:
                    raise
                attempt += 1

    def insert(self, table: Table) -> SqliteInsert | postgresql.Insert:
        """Return an insert that knows `on conflict` in the dialect spoken here."""
        return sqlite_insert(table) if self.is_sqlite else postgresql.insert(table)

    @contextmanager
    def trouble_told(self) -> Iterator[None]:
        """Turn the driver's errors into StoreError; neither password nor data are in it."""
        try:
            yield
        except DBAPIError as error:
            raise StoreError(_told(self.place, str(error.orig), self._engine.url)) from None
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise StoreError(_told(self.place, str(error), self._engine.url)) from None


class Reader:
    """A connection to read from. A statement once begun is finished, whoever is cancelled."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn

    @overload
    async def execute(self, query: TypedReturnsRows[*Ts]) -> CursorResult[*Ts]: ...
    @overload
    async def execute(self, query: Executable) -> CursorResult[*tuple[Any, ...]]: ...
    async def execute(self, query: Executable) -> CursorResult[*tuple[Any, ...]]:
        return await finish(self._conn.execute(query))

    async def scalar(self, query: Executable) -> Any:
        return await finish(self._conn.scalar(query))


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await WORK to its end, also where the caller is cancelled meanwhile.

    A statement that is dropped half-way leaves SQLite's connection locked, and one in memory lost.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at: nobody waits for it any more
        raise cancelled
    return task.result()


def chunks(values: Sequence[V], size: int = CHUNK) -> Iterator[Sequence[V]]:
    """Cut VALUES so that each part fits into one IN list."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _engine(url: str) -> AsyncEngine:
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise StoreError(f"Its address cannot be read: {FORMS}.") from None
    if kind in ("postgresql", "postgres"):
        return create_async_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=POOL,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    if kind != "sqlite":
        raise StoreError(f"{kind} is not supported: {FORMS}.")
    return _sqlite(parsed.set(drivername="sqlite+aiosqlite"))


def _try_out(url: URL) -> None:
    """Open the file once: where that fails, aiosqlite leaves a thread that outlives the loop."""
    if _in_memory(url):
        return
    connection = sqlite3.connect(url.database or "", timeout=30)
    try:
        for turns_left in reversed(range(WAL_TRIES)):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("SELECT count(*) FROM sqlite_schema")
            except sqlite3.OperationalError as error:
                # the change to WAL does not wait for its turn, whatever the time-out says
                if not turns_left or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                sleep(WAL_PAUSE)
            else:
                return
    finally:
        connection.close()


def _in_memory(url: URL) -> bool:
    return url.database in (None, "", ":memory:")


def _sqlite(url: URL) -> AsyncEngine:
    if _in_memory(url):
        engine = create_async_engine(
            url, poolclass=StaticPool, hide_parameters=True, async_creator=_in_this_thread
        )
        begin = _begin_to_write
    else:
        engine = create_async_engine(url, pool_size=POOL, max_overflow=0, hide_parameters=True)
        begin = _begin
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


class _AtOnce(aiosqlite.Connection):
    """Works in the caller's thread: in memory a statement is done sooner than a thread is woken."""

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return fn(*args, **kwargs)


async def _in_this_thread() -> aiosqlite.Connection:
    connect = partial(sqlite3.connect, ":memory:", check_same_thread=False)
    connection = _AtOnce(connect, iter_chunk_size=64)
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does; it opens and closes
    return await connection


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    """Take the write lock at once: two readers that turn writers would block each other."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_to_write(connection: Connection) -> None:
    """In memory who reads has the one connection to themselves: nothing can change meanwhile."""
    if connection.get_execution_options().get("writes"):
        _begin(connection)


def _place(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return url.database or "in memory"
    return f"postgresql://{url.host or 'local socket'}/{url.database or ''}"


def _told(place: str, said: str, url: URL) -> str:
    first = said.strip().splitlines()[0] if said.strip() else "no reason given"
    secrets = [url.password, *[v for k, v in url.query.items() if "pass" in k]]
    for secret in secrets:
        if secret:
            first = first.replace(str(secret), "***")
    mend = next((mend for sign, mend in MENDS if sign in first.lower()), "")
    return f"{place}: {first}." + (f" To mend it: {mend}." if mend else "")
