"""What one account at a source may still ask. Knows neither the network nor the source."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from aiolimiter import AsyncLimiter

from watchers.model import Outcome


class Period(StrEnum):
    """How long a cap lasts; it begins anew with the next full one, in UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    def start(self, at: datetime) -> datetime:
        """Return when the period that holds AT began."""
        day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self is Period.HOUR:
            return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return day if self is Period.DAY else day.replace(day=1)

    def end(self, at: datetime) -> datetime:
        """Return when the period that holds AT ends."""
        longest = {Period.HOUR: 1, Period.DAY: 24, Period.MONTH: 31 * 24}[self]
        return self.start(self.start(at) + timedelta(hours=longest, minutes=1))


def least(*rates: float | None) -> float | None:
    """Return the smallest of RATES that are limits; None: none is."""
    return min((r for r in rates if r is not None), default=None)


class Budget:
    """The account's own limits: a short window that is waited for, a cap that is a hard stop.

    CAP counts requests, credits or money, whatever the caller spends; None means that nothing is
    counted against. Whole numbers alone: money is counted in thousandths, and PER=1000 of them are
    one UNIT where people read of it. PACE is (requests, seconds). The count lives in memory: `restore` brings back
    what was spent before a restart. Budgets of one source differ in their UNIT.
    """

    def __init__(
        self,
        *,
        cap: int | None = None,
        period: Period = Period.MONTH,
        unit: str = "requests",
        per: int = 1,
        pace: tuple[int, float] | None = None,
    ) -> None:
        self.cap, self.period, self.unit = cap, period, unit
        self._per = per
        self._pace = AsyncLimiter(*pace) if pace else None
        self._since: datetime | None = None
        self._spent = 0
        self._until: tuple[datetime, Outcome] | None = None

    def spent(self, now: datetime) -> int:
        """Return what was spent in the period that holds NOW."""
        start = self.period.start(now)
        if self._since != start:
            self._since, self._spent = start, 0
        return self._spent

    def restore(self, spent: int, now: datetime) -> None:
        """Take over what was SPENT in this period before a restart."""
        self._spent = max(self.spent(now), spent)

    def refuses(self, now: datetime, cost: int = 1) -> tuple[Outcome, datetime, str] | None:
        """Say why nothing may be asked that costs COST, and until when; None: go ahead."""
        if self._until is not None and now < self._until[0]:
            return self._until[1], self._until[0], "the source asked us to wait"
        if self.cap is not None and self.spent(now) + cost > self.cap:
            outcome = Outcome.QUOTA_EXHAUSTED
            if self.period is Period.HOUR:
                outcome = Outcome.RATE_LIMITED
            detail = (
                f"our own limit of {self._shown(self.cap)} {self.unit} a {self.period} is reached"
            )
            return outcome, self.period.end(now), detail
        return None

    def rate(self, now: datetime, cost: int = 1) -> float | None:
        """Return how many requests of COST a minute may be sent from NOW on; None: any number.

        What is left of the cap is spread over what is left of its period.
        """
        rates = []
        if self.cap is not None and cost > 0:
            minutes = (self.period.end(now) - now) / timedelta(minutes=1)
            rates.append(max(self.cap - self.spent(now), 0) / cost / max(minutes, 1.0))
        if self._pace is not None:
            rates.append(self._pace.max_rate / self._pace.time_period * 60)
        return min(rates, default=None)

    def left(self, now: datetime) -> str:
        """Say what is left in this period; empty where nothing is counted against."""
        if self.cap is None:
            return ""
        free = max(self.cap - self.spent(now), 0)
        return f"{self._shown(free)} of {self._shown(self.cap)} {self.unit} left this {self.period}"

    def _shown(self, amount: int) -> str:
        return f"{amount:,}" if self._per == 1 else f"{amount / self._per:,.2f}"

    def spend(self, now: datetime, cost: int = 1) -> None:
        """Count COST as spent; a negative cost gives back what was reserved."""
        self._spent = max(self.spent(now) + cost, 0)

    def hold(self, until: datetime, outcome: Outcome = Outcome.RATE_LIMITED) -> None:
        """Ask nothing before UNTIL."""
        self._until = (until, outcome)

    async def turn(self) -> None:
        """Wait for the short window."""
        if self._pace is not None:
            await self._pace.acquire()
