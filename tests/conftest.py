"""What every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

SHARED = Path(__file__).resolve().parents[2] / "shared"


def missing(reason: str) -> None:
    """Skip with REASON, or fail where everything is required (FENGHUO_REQUIRE_ALL=1)."""
    if os.environ.get("FENGHUO_REQUIRE_ALL") == "1":
        pytest.fail(f"required, but {reason}")
    pytest.skip(reason)


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
