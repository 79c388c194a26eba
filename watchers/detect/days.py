"""Kinds of days: people post at other hours when they are off, and otherwise again on holidays. Pure."""

from collections.abc import Callable
from datetime import date, timedelta
from enum import IntEnum
from functools import cache

import holidays


class Day(IntEnum):
    """What a day is like."""

    WORK = 0
    OFF = 1
    HOLIDAY = 2


Days = Callable[[date], Day]
ONE = timedelta(days=1)


def plain_days(day: date) -> Day:
    """Return what DAY is by its place in the week; no holidays are known."""
    return Day.OFF if day.weekday() >= 5 else Day.WORK


@cache
def chinese_days(day: date) -> Day:
    """Return what DAY is in mainland China, with the weekends that are worked to make up.

    A weekend within a holiday, or next to one, belongs to it. The list is that of the package
    `holidays`; from the first year that the State Council has not announced yet (each November for
    the next) it holds the statutory days only, and no weekend is a working day.
    """
    return Day.HOLIDAY if _near_holiday(day) else Day.OFF if _is_off(day) else Day.WORK


_CHINA = holidays.country_holidays("CN")


def _is_off(day: date) -> bool:
    return not _CHINA.is_working_day(day)


def _near_holiday(day: date) -> bool:
    """Whether the days off in a row that DAY is part of hold a holiday."""
    for step in (ONE, -ONE):
        at = day
        while _is_off(at):
            if at in _CHINA:
                return True
            at += step
    return False
