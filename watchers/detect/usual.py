"""The usual level as people are told it: a median of real hours, not the detector's own. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from watchers.detect.days import Days, plain_days

HOUR = timedelta(hours=1)
WEEKS = 4
FULL_HISTORY = timedelta(days=14)
LEAST_HISTORY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What an hour of a client at a source holds as a rule; None: not known yet."""

    posts: float | None = None
    negatives: float | None = None


def _nothing(_hour: datetime) -> bool:
    return False


def usual_level(
    hours: Sequence[tuple[datetime, int]],
    at: datetime,
    *,
    history: timedelta,
    unseen: timedelta = timedelta(),
    zone: str,
    days: Days = plain_days,
    left_out: Callable[[datetime], bool] = _nothing,
) -> float | None:
    """Return posts an hour as a rule: the median of this hour of the week over four weeks.

    HOURS are the non-empty hours before AT, (start, posts); one that is absent counts as none,
    unless it is LEFT_OUT (an incident, a campaign, a gap). DAYS tells what the days of ZONE are like:
    a holiday is compared with holidays only, and a weekend that is worked with working days, where
    there are any. HISTORY is the time since the first post, of which UNSEEN lies in gaps: with less
    than two weeks that were seen it is the mean of all hours, with less than a day not known (None).
    """
    if history - unseen < LEAST_HISTORY:
        return None
    counts = {hour.astimezone(UTC): posts for hour, posts in hours}
    top = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    span = min(history, timedelta(weeks=WEEKS))
    known = [top - HOUR * n for n in range(1, span // HOUR + 1)]
    known = [hour for hour in known if not left_out(hour)]
    full = history - unseen >= FULL_HISTORY
    same = _same_hour(known, top, ZoneInfo(zone), days) if full else []
    if same:
        return float(median(counts.get(hour, 0) for hour in same))
    return sum(counts.get(hour, 0) for hour in known) / len(known) if known else None


def _same_hour(
    hours: Sequence[datetime], top: datetime, zone: ZoneInfo, days: Days
) -> list[datetime]:
    """Return those of HOURS that are the same hour of the week in ZONE, of the same kind of day."""
    here = top.astimezone(zone)
    kind, odd = days(here.date()), days(here.date()) is not plain_days(here.date())
    local = [(hour, hour.astimezone(zone)) for hour in hours]
    same = [(h, t) for h, t in local if t.hour == here.hour]
    week = [(h, t) for h, t in same if t.weekday() == here.weekday()]
    alike = [h for h, t in (same if odd else week) if days(t.date()) is kind]
    return alike or [h for h, _ in week]
