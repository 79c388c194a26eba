"""The detector as the onset benchmark wants it: counts in, one comparable score out.

    python inject_onsets.py --detector tests.benchmarks.detection:make [--negatives]
"""

from datetime import UTC, datetime, timedelta

from watchers.detect import BIN, Detector


class Adapter:
    """Feeds five-minute counts to the chain; with negatives the better of both streams."""

    def __init__(self, start: datetime) -> None:
        self._detector = Detector("UTC")
        self._at = start.replace(tzinfo=UTC)

    def update(self, count: int, negatives: int | None = None) -> float:
        reading = self._detector.update(self._at, count, negatives or 0)
        self._at += BIN
        return reading.volume if negatives is None else reading.score

    def confirm(self) -> None:
        self._detector.confirm(self._at)


def make(start: datetime, step: float) -> Adapter:
    """Return a fresh detector; STEP is minutes a bin and must be five."""
    if timedelta(minutes=step) != BIN:
        raise ValueError(step)
    return Adapter(start)
