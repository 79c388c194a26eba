"""How well the calibration keeps to what a client accepts: told so far, and to be expected. Pure."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WEEK = timedelta(weeks=1)
BIN = timedelta(minutes=5)
WEEKS = 8  # looked back
MOST = 200  # notices kept; a client that gets more has another problem
CONFIRMED = timedelta(hours=48)  # a confirmation speaks of the newest notice, up to this old
# How much keywords differ in what the same threshold gives them: the shape of a gamma distribution
# whose mean is the budget. On series that a threshold had not seen, mean ** 2 / variance was 1.5
# to 4 (detection benchmark).
SHAPE = 2.0
Z80 = 1.2816  # of the standard normal: one in ten above, one in ten below


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Signals of one client and source against the number that is accepted."""

    accepted: float  # a week
    given: int  # in `weeks`, but for those that a person confirmed
    confirmed: int
    weeks: float  # of known bins, eight at most
    expected: float  # a week, from both the calibration and what was given
    low: float  # in four of five cases the rate to expect lies from here
    high: float  # to here

    @property
    def kept(self) -> bool:
        """Whether what was given is in keeping with what is accepted."""
        return self.low <= self.accepted

    @property
    def why(self) -> str:
        """Say it in one sentence."""
        times = "signal" if self.given == 1 else "signals"
        real = f" and {self.confirmed} confirmed" if self.confirmed else ""
        return (
            f"{self.given} unconfirmed {times}{real} in {self.weeks:.1f} weeks where "
            f"{self.accepted:g} a week are accepted; {self.expected:.2f} a week are to be expected "
            f"({self.low:.2f} to {self.high:.2f})."
        )


@dataclass(slots=True)
class Notice:
    """A signal that people were told of."""

    at: datetime
    confirmed: bool = False


@dataclass(slots=True)
class Ledger:
    """Known bins and notices of the last weeks."""

    week: int = 0  # number of the newest
    bins: list[int] = field(default_factory=lambda: [0] * WEEKS)  # known ones a week, newest last
    notices: list[Notice] = field(default_factory=list)

    def pass_bin(self, at: datetime) -> None:
        """A known bin begins AT."""
        week = math.floor(at.timestamp() / WEEK.total_seconds())
        ahead = min(max(week - self.week, 0), WEEKS)
        if ahead:
            self.week = week
            self.bins = self.bins[ahead:] + [0] * ahead
        self.bins[-1] += 1

    def tell(self, at: datetime) -> None:
        """People were told of a signal AT."""
        self.notices = [*self._since(at - WEEKS * WEEK), Notice(at=at)][-MOST:]

    def confirm(self, now: datetime) -> None:
        """The newest notice was real."""
        if self.notices and now - self.notices[-1].at <= CONFIRMED:
            self.notices[-1].confirmed = True

    def keeping(self, budget: float, now: datetime) -> Keeping:
        """Return how well BUDGET, signals a week, was kept to up to NOW.

        The rate to expect is a gamma-Poisson estimate: without history it is the budget, with
        history it is what was given. Its quantiles are Wilson and Hilferty's (1931).
        """
        weeks = sum(self.bins) * (BIN / WEEK)
        recent = self._since(now - WEEKS * WEEK)
        given = sum(not n.confirmed for n in recent)
        shape, rate = SHAPE + given, SHAPE / budget + weeks
        low, high = (
            shape * (1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))) ** 3 / rate
            for z in (-Z80, Z80)
        )
        return Keeping(
            accepted=budget,
            given=given,
            confirmed=len(recent) - given,
            weeks=weeks,
            expected=shape / rate,
            low=low,
            high=high,
        )

    def _since(self, start: datetime) -> list[Notice]:
        return [n for n in self.notices if n.at >= start]
