"""How many posts a bin of a keyword holds as a rule, learnt bin by bin. Pure."""

import math
from dataclasses import dataclass, field, replace
from typing import Self

from watchers.detect.days import Day

HOURS = 24
SLOTS = len(Day) * HOURS  # hour of the day: working days, then days off, then holidays
LEAST = 0.02  # posts a bin: one in four hours
LEAST_FACTOR = 0.1
WEEK_BINS = 2016

LEVEL_RATE = 1 - 2 ** (-1 / WEEK_BINS)  # half-life of a week
FACTOR_RATE = 1 - 2 ** (-1 / 200)  # 200 bins of an hour: about 17 days
SPREAD_RATE = 1 - 2 ** (-1 / 1000)
FACTOR_START, SPREAD_START = 12, 20  # bins that the starting values weigh
OTHER_DAYS = 4  # the same hour of the other kind of day is worth so many bins of its own
HOLIDAY_START = 24  # two holidays are worth as much as what is known of days off


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
        return max(self.rate * self.factor(slot), LEAST)

    def factor(self, slot: int) -> float:
        """Return the factor of SLOT: a holiday is a day off until enough of them were seen."""
        known = self._known(slot)
        own = self.factors[slot]
        return own if known == 1 else known * own + (1 - known) * self.factors[slot - HOURS]

    def _known(self, slot: int) -> float:
        """Return how much of what is believed of SLOT is its own, from 0 to 1."""
        if slot < Day.HOLIDAY * HOURS:
            return 1.0
        return self.seen[slot] / (self.seen[slot] + HOLIDAY_START)

    def enter(self, slot: int) -> None:
        """Time has come to SLOT: keep the mean factor of a week at 1."""
        if slot == self.slot:
            return
        work, off = self.factors[:HOURS], self.factors[HOURS : 2 * HOURS]
        mean = (5 * sum(work) + 2 * sum(off)) / (7 * HOURS)
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
        step = max(LEVEL_RATE * self._known(slot), 1 / self.bins)
        self.rate = max(self.rate + step * (clipped / self.factor(slot) - self.rate), LEAST)
        self._learn_factor(clipped / self.rate, slot)
        over = min(((clipped - mean) ** 2 - mean) / (mean * mean), 25.0)
        step = max(SPREAD_RATE, 1 / (self.bins + SPREAD_START))
        self.spread = max(self.spread + step * (over - self.spread), 0.02)

    def _learn_factor(self, factor: float, slot: int) -> None:
        """An hour teaches its namesake on the other kind of day, until that has its own bins.

        A holiday teaches no other day.
        """
        step = max(FACTOR_RATE, 1 / (self.seen[slot] + FACTOR_START))
        if slot >= Day.HOLIDAY * HOURS:
            self.factors[slot] = max(
                self.factors[slot] + step * (factor - self.factors[slot]), LEAST_FACTOR
            )
            return
        other = (slot + HOURS) % (2 * HOURS)
        share = OTHER_DAYS / (self.seen[other] + OTHER_DAYS)
        for which, weight in ((slot, step), (other, step * share)):
            old = self.factors[which]
            self.factors[which] = max(old + weight * (factor - old), LEAST_FACTOR)
