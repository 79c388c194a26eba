"""How rare a rise is for this keyword: streaming peaks over threshold, declustered. Pure.

A keyword's ordinary bursts are its own measure. What passes the bar (98 % of its bins do not) is
an excursion; how often excursions come and how high they go gives the score of a new one. All of
them teach, but a long one does not lift the bar hour after hour: else a crisis that nobody
confirmed would blind the next.
"""

import math
from dataclasses import dataclass

QUANTILE = 0.98
CLOSE_AFTER = 13  # bins in a row at or below the bar end an excursion
MEMORY = 1 - 2 ** (-1 / 60)  # half-life of 60 excursions
HEAVY = 1.5  # heights are averaged with this power: a heavy tail shows; 1 and 2 measure worse
HEAVY_NORM = math.gamma(1 + HEAVY)  # of exponential heights with mean 1
START = 8  # excursions that the starting values weigh
LONG, ENDLESS = 24, 288  # bins above the bar (2 h, 24 h) between which it stays where it is
LN10 = math.log(10)


@dataclass(slots=True)
class Tail:
    """The upper tail of one chart of one keyword."""

    bar: float = 0.0
    width: float = 1.0  # usual distance from the bar; sets the size of its steps
    excess: float = 1.5  # usual height of a peak above the bar
    frequency: float = 0.01  # excursions a bin
    excursions: int = 0
    bins: int = 0
    since: int = 0  # bins since the last excursion closed
    high: int = 0  # bins of the open excursion above the bar
    below: int = 0
    open: bool = False
    peak: float = 0.0

    def above(self, value: float) -> bool:
        """Whether VALUE is more than this keyword's ordinary course."""
        return self.bins > 0 and value > self.bar

    def score(self, value: float) -> float:
        """Return q where a burst of VALUE comes once in about 10 ** q bins; 0 at or below the bar."""
        if not self.above(value):
            return 0.0
        return -math.log10(self.frequency) + (value - self.bar) / (self.excess * LN10)

    @property
    def lasts(self) -> bool:
        """Whether the last bin was above the bar, as part of a long excursion."""
        return self.open and self.below == 0 and LONG < self.high < ENDLESS

    def learn(self, value: float) -> None:
        """Take in one bin. An excursion teaches once, when it is over."""
        if self.bins == 0:
            self.bar = value
        self.bins += 1
        self.since += 1
        if value > self.bar:
            self.peak = max(self.peak, value) if self.open else value
            self.high = self.high + 1 if self.open else 1
            self.open, self.below = True, 0
        elif self.open:
            self.below += 1
            if self.below >= CLOSE_AFTER:
                self._close()
        if not self.lasts:
            self._move_bar(value)

    def _move_bar(self, value: float) -> None:
        """Follow the 98 % quantile."""
        self.width += 0.002 * (min(abs(value - self.bar), 6 * self.width) - self.width)
        step = max(0.01, 2 / (self.bins + 10)) * self.width
        self.bar = max(self.bar + step * (QUANTILE - (value <= self.bar)), 1e-6)

    def _close(self) -> None:
        self.open = False
        self.excursions += 1
        weight = max(MEMORY, 1 / (self.excursions + START))
        height = min(self.peak - self.bar, 12 * self.excess)  # one burst can move little
        power = self.excess**HEAVY
        power += weight * (max(height, 0.0) ** HEAVY / HEAVY_NORM - power)
        self.excess = max(power ** (1 / HEAVY), 0.05)
        if self.excursions > 1:
            often = min(1 / self.since, 0.02)
            self.frequency = max(self.frequency + weight * (often - self.frequency), 1e-4)
        self.since = 0
