"""How soon a crisis of known onset is seen, at a fixed number of notifications.

All figures, on the count series in the folder of recordings (a minute or two):

    uv run python -m tests.benchmarks.detection

One protocol alone, with the tools beside the recordings:

    python ../shared/tools/inject_onsets.py --detector tests.benchmarks.detection:make [--negatives]
"""

import copy
import importlib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from watchers.detect import BIN, Detector, shared_threshold, threshold
from watchers.model import Stream

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT.parent / "shared" / "tools"
DETECTOR = ["--detector", "tests.benchmarks.detection:make"]
THIN = (1.0, 0.3, 0.1, 0.03)  # shares of the posts that the thresholds are measured at
BUDGETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


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


@dataclass(frozen=True, slots=True)
class Scores:
    """A series, and what both streams say of each of its bins."""

    background: Any  # of the tool
    by: dict[Stream, Any]  # arrays


def _scores(tool: Any) -> list[Scores]:
    """Return both streams' scores on every series, whole and thinned."""
    found = []
    for share in THIN:
        for background in tool.read(tool.DATA, tool.DATA / "labels.json", share, negatives=True):
            detector, at = Detector("UTC"), background.start.replace(tzinfo=UTC)
            rows = []
            for count, negatives in zip(background.counts, background.negatives, strict=True):
                reading = detector.update(at, float(count), float(negatives))
                rows.append((reading.volume, reading.negative))
                at += BIN
            volume, negative = np.array(rows).T
            by = {Stream.VOLUME: volume, Stream.NEGATIVE: negative}
            found.append(Scores(background, by))
    return found


def _limit(tool: Any, scores: list[Scores], stream: Stream, budget: float) -> float:
    """Return the lowest threshold that keeps BUDGET, coming from above."""
    return float(
        tool.threshold_for([s.background for s in scores], [s.by[stream] for s in scores], budget)
    )


def _rate(tool: Any, scores: list[Scores], stream: Stream, limit: float) -> float:
    return float(tool.rate([s.background for s in scores], [s.by[stream] for s in scores], limit))


def _calibration() -> None:
    """Print the thresholds, what they give, and what they would give on a series not measured."""
    tool = _tool_module()
    scores = _scores(tool)
    names = sorted({s.background.name for s in scores})
    print(f"\n== thresholds, whole and thinned to {THIN}; given / asked for")
    for stream in (Stream.VOLUME, Stream.NEGATIVE):
        print(f"{stream:>8}  measured  shipped  shipped gives  of four series, on the fifth")
        for budget in BUDGETS:
            shipped = threshold(budget, stream)
            unseen = []
            for name in names:
                others = [s for s in scores if s.background.name != name]
                own = [s for s in scores if s.background.name == name]
                limit = _limit(tool, others, stream, budget)
                unseen.append(_rate(tool, own, stream, limit) / budget)
            print(
                f"{budget:8g}{_limit(tool, scores, stream, budget):10.2f}{shipped:9.2f}"
                f"{_rate(tool, scores, stream, shipped) / budget:15.2f}"
                f"{np.mean(unseen):10.2f}  ({', '.join(f'{u:.1f}' for u in unseen)})"
            )
    print("both streams at their shares, given / asked for")
    for budget in BUDGETS:
        limits = {stream: shared_threshold(budget, stream) for stream in scores[0].by}
        over = [np.max([s.by[k] / limits[k] for k in limits], axis=0) for s in scores]
        given = tool.rate([s.background for s in scores], over, 1.0)
        print(f"{budget:8g}{given / budget:8.2f}")


class Watched:
    """A detector that looks at the open bin each minute, as the service does, or does not."""

    def __init__(self, start: datetime, *, looks: bool) -> None:
        self.detector = Detector("UTC")
        self._at = start.replace(tzinfo=UTC)
        self._looks = looks
        self._rng = np.random.default_rng(0)  # places the posts of a bin in its minutes

    def update(self, count: int) -> list[float]:
        """Return the scores of the next bin by the minute, the closed bin's last."""
        scores = [0.0] * 4
        if self._looks:
            minutes = self._rng.multinomial(count, [0.2] * 5).cumsum()[:4]
            scores = [
                self.detector.peek(self._at, (k + 1) / 5, float(posts), 0.0).volume
                for k, posts in enumerate(minutes)
            ]
        closed = self.detector.update(self._at, count, 0).volume
        self._at += BIN
        return [*scores, closed]


def _open_bin(budget: float = 0.25) -> None:
    """Print what a look each minute costs in notifications, and what it gains in minutes."""
    tool, limit = _tool_module(), threshold(budget)
    backgrounds = tool.read(tool.DATA, tool.DATA / "labels.json", 1.0, negatives=False)
    print(f"\n== the open bin judged each minute, budget {budget:g}, threshold {limit:.2f}")
    for looks in (False, True):
        scores: list[Any] = []
        minutes: list[float] = []
        for b in backgrounds:
            watched = Watched(b.start, looks=looks)
            said: list[float] = []
            onsets = set(tool.onsets(b, 48, 0))
            for i, count in enumerate(b.counts):
                if i in onsets and max(said[-6:]) < limit:
                    twin, extra = copy.deepcopy(watched), tool.crisis(b, i, 20, 36, 0)[0]
                    found = [s >= limit for c in extra for s in twin.update(int(c))]
                    minutes.append(found.index(True) + 1 if any(found) else np.inf)
                said.append(max(watched.update(int(count))))
            scores.append(np.array(said))
        print(
            f"{'each minute' if looks else 'closed bins':12} "
            f"{tool.rate(backgrounds, scores, limit):.2f} notifications a week, "
            f"x20 after {np.median(minutes):.0f} min"
        )


def _tool_module() -> Any:
    sys.path.insert(0, str(TOOLS))
    return importlib.import_module("inject_onsets")


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
    _calibration()
    _open_bin()
    _speed()


if __name__ == "__main__":
    main()
