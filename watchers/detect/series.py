"""A whole count series through the volume chain, as the `detect` command wants it. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchers.detect.detector import Detector
from watchers.detect.judge import MIN_BINS, RENOTIFY, rarity
from watchers.detect.threshold import threshold
from watchers.model import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A bin of a series that passed the threshold, none within six hours before it."""

    at: datetime  # start of the bin
    value: float
    score: float
    usual: float  # posts expected in the bin
    why: str


def scan(
    rows: Sequence[tuple[datetime, float]],
    budget: float,
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[list[float], list[Alarm]]:
    """Return a score for each of ROWS (start of a five-minute bin, posts), and the alarms.

    BUDGET is how many alarms a week are accepted. A value that is no count is an unknown bin.
    """
    detector, limit = Detector("UTC"), threshold(budget)
    scores: list[float] = []
    alarms: list[Alarm] = []
    for done, (at, value) in enumerate(rows, start=1):
        known = value if math.isfinite(value) and value >= 0 else None
        reading = detector.update(at, known, 0.0)
        scores.append(reading.volume)
        standing = alarms and at - alarms[-1].at < RENOTIFY
        if reading.volume >= limit and detector.bins > MIN_BINS and not standing:
            rare = rarity(reading.volume, Stream.VOLUME)
            alarms.append(
                Alarm(
                    at=at,
                    value=value,
                    score=reading.volume,
                    usual=reading.expected,
                    why=f"{value:g} posts where {reading.expected:.1f} are to be expected; {rare}.",
                )
            )
        if done % 1000 == 0:
            progress(done, len(rows))
    return scores, alarms
