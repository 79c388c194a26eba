"""The command line as a user types it, in this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from bot.cli import Shell, run
from bot.verbs import VERBS

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return msgspec.json.decode(self.out)

    @property
    def rows(self) -> list[Any]:
        """The JSON documents on standard output, one a line."""
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


class Ask:
    """Types a line and keeps what came of it; SETTINGS lie over a data folder of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.settings = {"FENGHUO_DATA": str(folder)}

    def __call__(self, *argv: object, **settings: object) -> Answer:
        environment = self.settings | {name: str(value) for name, value in settings.items()}
        shell = Shell(environment=environment, now=lambda: NOW, console=Console(stderr=True))
        self._capsys.readouterr()
        code = self._run([str(word) for word in argv], shell)
        told = self._capsys.readouterr()
        assert "Traceback" not in told.err
        return Answer(code, told.out, told.err)

    @staticmethod
    def _run(argv: Sequence[str], shell: Shell) -> int:
        try:
            return run(VERBS, argv, shell)
        except SystemExit as left:  # argparse leaves by itself: help, and words it cannot use
            return int(left.code or 0)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Type a line of `fenghuo`; the SDK must not take a proxy from the environment."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    return Ask(capsys, tmp_path / "data")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of this name with this text, or with these bytes."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written
