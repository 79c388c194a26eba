"""One stream of counts, bin by bin: usual level -> three charts -> tails -> score. Pure.

Each chart asks a rise to last for a while, and is measured against its own tail:

- *jump*, an average of about two bins of square-root residuals: a large burst passes at once;
- *climb*, the lowest three of the last four of them: a rise of a quarter of an hour, where one
  outlier says nothing;
- *stay*, the lower half of the last ten bins on a scale that is logarithmic for large counts, and
  against the course of the last hours: what most bursts without a crisis lack is just that.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Self

from watchers.detect.level import LEAST, Level
from watchers.detect.tail import Tail

SHIFT = 3 / 8  # Anscombe's: the square root of a Poisson count has about the same variance anywhere
JUMP = 0.5  # weight of the newest bin
JUMP_NORM = math.sqrt(JUMP / (2 - JUMP))
CLIMB, CLIMB_LOW = 4, 3  # bins of the chart, and how many of them, the lowest, count
STAY, STAY_LOW = 10, 5
# What the quick charts have ahead of *stay*, in tenfold rarity, at many posts a bin and at few: where
# posts are few, two or three at once say little. It buys speed with recall: without it x20 is found
# 15 min later and x5 more often.
LEAD, FEW_LEAD, MANY = 0.5, -0.3, 2.0
MOOD_RATE = 1 - 2 ** (-1 / 36)  # half-life of three hours; one or six measure alike
MOOD_STEP = 1.5  # one bin counts as four and a half times the usual at most
RISE = 2.3  # a score that comes once in 200 bins (17 h): less belongs to no excursion
SAME = 37  # bins without part two excursions: 13 close one, 24 (2 h) still belong to it
SCALE_RATE = 0.001
MAD = 0.6745  # median of |x| of a standard normal


@dataclass(frozen=True, slots=True)
class Look:
    """What a count says before anything is learnt from it."""

    expected: float
    root: float  # residual on the square-root scale
    log: float  # residual on the scale of the dispersion: logarithmic for large counts
    mood: float
    average: float
    roots: tuple[float, ...]
    logs: tuple[float, ...]
    jump: float
    climb: float
    stay: float


@dataclass(slots=True)
class Chain:
    """The state of one stream: some 200 numbers."""

    level: Level = field(default_factory=Level)
    root_scale: float = 1.0
    log_scale: float = 1.0
    mood: float = 0.0  # log of how far the last hours were from the usual
    average: float = 0.0
    roots: tuple[float, ...] = (0.0,) * CLIMB  # newest last
    logs: tuple[float, ...] = (0.0,) * STAY
    jump: Tail = field(default_factory=Tail)
    climb: Tail = field(default_factory=Tail)
    stay: Tail = field(default_factory=Tail)
    lead: float = LEAD
    excursion: int = 0  # number of the last one
    calm: int = SAME  # bins in a row that are no rise

    def copy(self) -> Self:
        """Return the same, sharing nothing."""
        return replace(
            self,
            level=self.level.copy(),
            jump=replace(self.jump),
            climb=replace(self.climb),
            stay=replace(self.stay),
        )

    def look(self, count: float, slot: int, share: float = 1.0) -> Look:
        """Judge the COUNT of a bin of SLOT of which SHARE is gone; changes nothing."""
        mean = self.level.expected(slot) * share
        x, m = math.sqrt(count + SHIFT), math.sqrt(mean + SHIFT)
        lately = math.sqrt(max(mean * math.exp(self.mood), LEAST * share) + SHIFT)
        k = math.sqrt(self.level.spread)
        root, log = 2 * (x - m), 2 / k * (math.asinh(k * x) - math.asinh(k * lately))
        average = (1 - JUMP) * self.average + JUMP * root / self.root_scale
        roots = (*self.roots[1:], root / self.root_scale)
        logs = (*self.logs[1:], log / self.log_scale)
        step = math.log((count + 1) / (mean + 1))
        return Look(
            expected=mean,
            root=root,
            log=log,
            mood=self.mood + MOOD_RATE * (max(-MOOD_STEP, min(step, MOOD_STEP)) - self.mood),
            average=average,
            roots=roots,
            logs=logs,
            jump=max(0.0, average / JUMP_NORM),
            climb=_lowest(roots, CLIMB_LOW),
            stay=_lowest(logs, STAY_LOW),
        )

    def score(self, look: Look) -> float:
        """Return q: a rise this rare comes once in about 10 ** q bins for this keyword."""
        quick = max(self.jump.score(look.jump), self.climb.score(look.climb))
        many = self.level.rate / (self.level.rate + MANY)
        lead = (1 - many) * FEW_LEAD + many * self.lead
        return max(0.0, quick + min(lead, 0.0), self.stay.score(look.stay) - max(lead, 0.0))

    def excursion_of(self, look: Look) -> int | None:
        """Return the number of the excursion that LOOK belongs to; None outside of all."""
        if self.score(look) < RISE:
            return None
        return self.excursion + (self.calm >= SAME)

    def follow(self, look: Look) -> None:
        """Move the charts on by a closed bin; the usual course is not touched."""
        number = self.excursion_of(look)
        if number is None:
            self.calm += 1
        else:
            self.excursion, self.calm = number, 0
        self.mood, self.average = look.mood, look.average
        self.roots, self.logs = look.roots, look.logs

    def learn(self, look: Look, count: float, slot: int) -> None:
        """Take LOOK, at COUNT, as part of the usual course."""
        for tail, value in self._charts(look):
            tail.learn(value)
        if self.jump.lasts or self.climb.lasts or self.stay.lasts:
            return  # after two hours a rise teaches nothing but its peak, for a day
        self.level.learn(count, slot)
        self.root_scale = _scale(self.root_scale, look.root)
        self.log_scale = _scale(self.log_scale, look.log)

    def undo(self, before: Self) -> None:
        """Forget what was learnt since BEFORE; the charts stay where they are."""
        copy = before.copy()
        self.level, self.jump, self.climb, self.stay = copy.level, copy.jump, copy.climb, copy.stay
        self.root_scale, self.log_scale = copy.root_scale, copy.log_scale

    def _charts(self, look: Look) -> Iterator[tuple[Tail, float]]:
        yield self.jump, look.jump
        yield self.climb, look.climb
        yield self.stay, look.stay


def _lowest(residuals: tuple[float, ...], low: int) -> float:
    """Return the sum of the LOW lowest of RESIDUALS, in standard deviations; 0 below the usual."""
    return max(0.0, sum(sorted(residuals)[:low]) / math.sqrt(low))


def _scale(scale: float, residual: float) -> float:
    """Follow the size of residuals; one bin can move little."""
    return max(scale + SCALE_RATE * (min(abs(residual) / MAD, 4 * scale) - scale), 0.5)
