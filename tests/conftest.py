"""What every test may ask for."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

_begun: list[subprocess.Popen[bytes]] = []  # kept: it runs beside the tests
SHARED = Path(__file__).resolve().parents[2] / "shared"


def missing(reason: str) -> None:
    """Skip with REASON, or fail where everything is required (FENGHUO_REQUIRE_ALL=1)."""
    if os.environ.get("FENGHUO_REQUIRE_ALL") == "1":
        pytest.fail(f"required, but {reason}")
    pytest.skip(reason)


def pytest_xdist_auto_num_workers() -> int:
    """Each worker has a PostgreSQL server and models of its own: four are enough anywhere."""
    return min(os.cpu_count() or 1, 4)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Live servers come last, and in one worker: what they run is installed meanwhile."""
    items.sort(key=_live)
    for item in filter(_live, items):
        item.add_marker(pytest.mark.xdist_group("live"))
    live = any(map(_live, items))
    first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    if live and first and len(items) > 500 and os.environ.get("FENGHUO_REQUIRE_ALL") == "1":
        command = [sys.executable, "-m", "tests.live.setup"]
        root = Path(__file__).resolve().parents[1]
        _begun.append(
            subprocess.Popen(  # noqa: S603 -- our own module; the fixture takes turns with it
                command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )


def _live(item: pytest.Item) -> bool:
    return "tests/live" in item.path.as_posix()


def pytest_sessionfinish() -> None:
    """What was begun here ends here."""
    for process in _begun:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings beside the repository; tests that read it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the recordings (../shared) are not on this machine")
    return SHARED


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """What a verb sets up for its own log ends with the test: its standard error is closed then."""
    yield
    structlog.reset_defaults()
