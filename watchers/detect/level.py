"""How many posts a bin of a keyword holds as a rule, learnt bin by bin. Pure."""

import math
from dataclasses import dataclass, field, replace
from typing import Self

HOURS = 24
SLOTS = 2 * HOURS  # hour of the day, on working days (0 to 23) and on days off (24 to 47)
LEAST = 0.02  # posts a bin: one in four hours
WEEK_BINS = 2016

LEVEL_RATE = 1 - 2 ** (-1 / WEEK_BINS)  # half-life of a week
FACTOR_RATE = 1 - 2 ** (-1 / 200)  # 200 bins of an hour: about 17 days
SPREAD_RATE = 1 - 2 ** (-1 / 1000)
FACTOR_START, SPREAD_START = 12, 20  # bins that the starting values weigh
OTHER_DAYS = 4  # the same hour of the other kind of day is worth so many bins of its own


@dataclass(slots=True)
class Level:
    """Level, factor of each hour and kind of day, and dispersion beyond Poisson."""

    rate: float = 0.0  # posts a bin, the hour's factor taken out
    spread: float = 0.3  # variance = mean + spread * mean ** 2
    bins: int = 0
    factors: list[float] = field(default_factory=lambda: [1.0] * SLOTS)
    seen: list[int] = field(default_factory=lambda: [0] * SLOTS)  # bins of each slot
    slot: int = -1

    def copy(self) -> Self:
        """Return the same, sharing nothing."""
        return replace(self, factors=self.factors.copy(), seen=self.seen.copy())

    def expected(self, slot: int) -> float:
        """Return the posts to expect in a bin of SLOT."""
        return max(self.rate * self.factors[slot], LEAST)

    def enter(self, slot: int) -> None:
        """Time has come to SLOT: keep the mean factor of a week at 1."""
        if slot == self.slot:
            return
        mean = (5 * sum(self.factors[:HOURS]) + 2 * sum(self.factors[HOURS:])) / (7 * HOURS)
        self.factors = [f / mean for f in self.factors]
        self.rate *= mean
        self.slot = slot

    def begin(self, count: float) -> None:
        """Take the first COUNT ever as a guess."""
        if self.bins == 0:
            self.rate = count + 0.5

    def learn(self, count: float, slot: int) -> None:
        """Take in the COUNT of a bin; one bin can move little."""
        mean = self.expected(slot)
        spread = min(self.spread, 1.0)
        clipped = min(count, mean + 4 * math.sqrt(mean + spread * mean * mean))
        self.bins += 1
        self.seen[slot] += 1
        step = max(LEVEL_RATE, 1 / self.bins)
        self.rate = max(self.rate + step * (clipped / self.factors[slot] - self.rate), LEAST)
        self._learn_factor(clipped / self.rate, slot)
        over = min(((clipped - mean) ** 2 - mean) / (mean * mean), 25.0)
        step = max(SPREAD_RATE, 1 / (self.bins + SPREAD_START))
        self.spread = max(self.spread + step * (over - self.spread), 0.02)

    def _learn_factor(self, factor: float, slot: int) -> None:
        """An hour teaches its namesake on the other kind of day, until that has its own bins."""
        other = (slot + HOURS) % SLOTS
        step = max(FACTOR_RATE, 1 / (self.seen[slot] + FACTOR_START))
        share = OTHER_DAYS / (self.seen[other] + OTHER_DAYS)
        for which, weight in ((slot, step), (other, step * share)):
            old = self.factors[which]
            self.factors[which] = max(old + weight * (factor - old), 0.1)
