"""One stream of counts, bin by bin: usual level -> two charts -> tails -> score. Pure.

The quick chart averages about three bins of square-root residuals: a large burst passes it at once.
The lasting chart takes the lower half of the last ten bins on a scale that is logarithmic for large
counts: a rise must have stayed for half an hour, however high, and what most bursts without a
crisis lack is just that. Each chart is measured against its own tail.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Self

from watchers.detect.level import Level
from watchers.detect.tail import Tail

SHIFT = 3 / 8  # Anscombe's: the square root of a Poisson count has about the same variance anywhere
QUICK = 0.3  # weight of the newest bin
QUICK_NORM = math.sqrt(QUICK / (2 - QUICK))
QUICK_HANDICAP = 0.15  # the lasting chart gets more of the budget; -0.1 to -0.4 measure alike
WINDOW, LOWER = 10, 5  # bins of the lasting chart, and how many of them, the lowest, count
SAME = (
    37  # bins at or below both bars part two excursions: 13 close one, 24 (2 h) still belong to it
)
SCALE_RATE = 0.001
MAD = 0.6745  # median of |x| of a standard normal


@dataclass(frozen=True, slots=True)
class Look:
    """What a count says before anything is learnt from it."""

    expected: float
    root: float  # residual on the square-root scale
    log: float  # residual on the scale of the dispersion: logarithmic for large counts
    average: float
    recent: tuple[float, ...]
    quick: float
    lasting: float


@dataclass(slots=True)
class Chain:
    """The state of one stream: some 130 numbers."""

    level: Level = field(default_factory=Level)
    root_scale: float = 1.0
    log_scale: float = 1.0
    average: float = 0.0
    recent: tuple[float, ...] = (0.0,) * WINDOW  # newest last
    quick: Tail = field(default_factory=Tail)
    lasting: Tail = field(default_factory=Tail)
    excursion: int = 0  # number of the last one
    calm: int = SAME  # bins in a row at or below both bars

    def copy(self) -> Self:
        """Return the same, sharing nothing."""
        return replace(
            self, level=self.level.copy(), quick=replace(self.quick), lasting=replace(self.lasting)
        )

    def look(self, count: float, slot: int, share: float = 1.0) -> Look:
        """Judge the COUNT of a bin of SLOT of which SHARE is gone; changes nothing."""
        mean = self.level.expected(slot) * share
        x, m = math.sqrt(count + SHIFT), math.sqrt(mean + SHIFT)
        k = math.sqrt(self.level.spread)
        root, log = 2 * (x - m), 2 / k * (math.asinh(k * x) - math.asinh(k * m))
        average = (1 - QUICK) * self.average + QUICK * root / self.root_scale
        recent = (*self.recent[1:], log / self.log_scale)
        return Look(
            expected=mean,
            root=root,
            log=log,
            average=average,
            recent=recent,
            quick=max(0.0, average / QUICK_NORM),
            lasting=max(0.0, sum(sorted(recent)[:LOWER]) / math.sqrt(LOWER)),
        )

    def score(self, look: Look) -> float:
        """Return q: a rise this rare comes once in about 10 ** q bins for this keyword."""
        quick = self.quick.score(look.quick) - QUICK_HANDICAP
        return max(quick, self.lasting.score(look.lasting), 0.0)

    def above(self, look: Look) -> bool:
        """Whether LOOK belongs to an excursion."""
        return self.quick.above(look.quick) or self.lasting.above(look.lasting)

    def excursion_of(self, look: Look) -> int | None:
        """Return the number of the excursion that LOOK belongs to; None outside of all."""
        if not self.above(look):
            return None
        return self.excursion + (self.calm >= SAME)

    def follow(self, look: Look) -> None:
        """Move the charts on by a closed bin; the usual course is not touched."""
        number = self.excursion_of(look)
        if number is None:
            self.calm += 1
        else:
            self.excursion, self.calm = number, 0
        self.average, self.recent = look.average, look.recent

    def learn(self, look: Look, count: float, slot: int) -> None:
        """Take LOOK, at COUNT, as part of the usual course."""
        self.quick.learn(look.quick)
        self.lasting.learn(look.lasting)
        if self.quick.lasts or self.lasting.lasts:
            return  # after two hours a rise teaches nothing but its peak, for a day
        self.level.learn(count, slot)
        self.root_scale = _scale(self.root_scale, look.root)
        self.log_scale = _scale(self.log_scale, look.log)

    def undo(self, before: Self) -> None:
        """Forget what was learnt since BEFORE; the charts stay where they are."""
        copy = before.copy()
        self.level, self.quick, self.lasting = copy.level, copy.quick, copy.lasting
        self.root_scale, self.log_scale = copy.root_scale, copy.log_scale


def _scale(scale: float, residual: float) -> float:
    """Follow the size of residuals; one bin can move little."""
    return max(scale + SCALE_RATE * (min(abs(residual) / MAD, 4 * scale) - scale), 0.5)
