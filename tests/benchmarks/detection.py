"""How soon a crisis of known onset is seen, at a fixed number of notifications.

All figures, on the count series in the folder of recordings (a minute or two):

    uv run python -m tests.benchmarks.detection

One protocol alone, with the tools beside the recordings:

    python ../shared/tools/inject_onsets.py --detector tests.benchmarks.detection:make [--negatives]
"""

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watchers.detect import BIN, Detector, threshold

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT.parent / "shared" / "tools"
DETECTOR = ["--detector", "tests.benchmarks.detection:make"]


class Adapter:
    """Feeds five-minute counts to the detector; with negatives the larger score of both streams."""

    def __init__(self, start: datetime) -> None:
        self._detector = Detector("UTC")
        self._at = start.replace(tzinfo=UTC)

    def update(self, count: int, negatives: int | None = None) -> float:
        """Return the score of the next bin."""
        reading = self._detector.update(self._at, count, negatives or 0)
        self._at += BIN
        return reading.volume if negatives is None else reading.score

    def confirm(self) -> None:
        """A person says that the incident is real."""
        self._detector.confirm(self._at)


def make(start: datetime, step: float) -> Adapter:
    """Return a fresh detector; STEP is minutes a bin and must be five."""
    if timedelta(minutes=step) != BIN:
        raise ValueError(f"bins of {step} minutes, not five")
    return Adapter(start)


def _tool(title: str, name: str, *arguments: str) -> None:
    print(f"\n== {title}", flush=True)
    subprocess.run([sys.executable, str(TOOLS / name), *arguments], cwd=ROOT, check=True)  # noqa: S603 -- our own


def _speed() -> None:
    detector, start, bins = Detector("UTC"), datetime(2026, 1, 1, tzinfo=UTC), 20_000
    began = time.perf_counter()
    for i in range(bins):
        detector.update(start + i * BIN, 10 + i % 7, i % 3)
    each = (time.perf_counter() - began) / bins
    size = len(detector.to_bytes())
    print(f"\n== cost\n{each * 1e6:.0f} us a bin, both streams; {size} bytes of state")


def main() -> None:
    """Print every figure that a change of the detector is judged by."""
    if not TOOLS.is_dir():
        sys.exit("the recordings (../shared) are not on this machine")
    with tempfile.TemporaryDirectory() as scores:
        _tool(
            "volume alone; crises alone and one after the other",
            "inject_onsets.py",
            *DETECTOR,
            "--repeat-days",
            "5",
            "--scores",
            scores,
        )
        for seed in ("1", "2"):
            _tool(f"volume alone, seed {seed}", "inject_onsets.py", *DETECTOR, "--seed", seed)
        _tool("with simulated tone", "inject_onsets.py", *DETECTOR, "--negatives")
        _tool("a fiftieth of the volume", "inject_onsets.py", *DETECTOR, "--thin", "0.02")
        _tool("labelled events", "nab_score.py", scores)
        for budget in (0.1, 0.25, 0.5, 1.0):
            limit = f"{threshold(budget):.3f}"
            _tool(
                f"labelled events, threshold shipped for budget {budget:g}",
                "nab_score.py",
                scores,
                "--threshold",
                limit,
            )
    _speed()


if __name__ == "__main__":
    main()
