"""Times as sites write them: relative words, Chinese dates, RFC 2822, ISO 8601, Unix numbers.

Knows no source and no clock. The cases stand in sources.md 3.6.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNKNOWN = (None, timedelta())

Read = tuple[datetime | None, timedelta]  # the time in UTC and how exact it is; None and zero

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
_AGO = re.compile(r"(\d{1,4}) ?个?(秒|分钟|小时|天)(?:钟)?前")
_STEPS = {"秒": SECOND, "分钟": MINUTE, "小时": HOUR, "天": DAY}
_DAY_WORD = re.compile(rf"(今天|昨天|前天) ?{_CLOCK}")
_DAYS_BACK = {"今天": 0, "昨天": 1, "前天": 2}
_DATE = re.compile(
    r"(?:(?P<year>\d{4})[年/.-])?(?P<month>\d{1,2})[月/.-](?P<day>\d{1,2})日?"
    rf"(?:[ T]?{_CLOCK})?(?!\d)"
)
_UNIX = re.compile(r"\d{9,16}")
_ENGLISH = re.compile(r"[A-Za-z]{3}.*\d{4}|\d{1,2} [A-Za-z]{3}")
_GMT_PLUS = re.compile(r"\b(?:GMT|UTC)([+-])(\d{1,2})(?::?(\d{2}))?$")


def read_time(value: object, now: datetime, zone: tzinfo = CHINA) -> Read:
    """Return the time that VALUE means in UTC and its precision, or None and zero.

    ZONE is where a time without a zone was written. Never the fetch time for want of better.
    """
    if isinstance(value, bool):
        return UNKNOWN
    try:
        if isinstance(value, int | float):
            return _unix(value)
        if isinstance(value, str):
            return _text(unicodedata.normalize("NFKC", value[:80]).strip(), now, zone)
    except (ValueError, OverflowError, OSError):
        pass  # 今天 25:00, 2月30日, the year 0: not a time
    return UNKNOWN


def _unix(value: float) -> Read:
    """Read seconds, milliseconds or microseconds since 1970; from September 2001 on."""
    for unit in (1, 1_000, 1_000_000):
        if 1e9 <= value / unit < 1e10:
            return datetime.fromtimestamp(value / unit, UTC), SECOND
    return UNKNOWN


def _text(text: str, now: datetime, zone: tzinfo) -> Read:
    local = now.astimezone(zone)
    if text.startswith("刚刚"):
        return now.astimezone(UTC), MINUTE
    if text.startswith("半小时前"):
        return (now - HOUR / 2).astimezone(UTC), HOUR / 2
    if match := _AGO.match(text):
        step = _STEPS[match[2]]
        return (now - int(match[1]) * step).astimezone(UTC), step
    if match := _DAY_WORD.match(text):
        day = local - _DAYS_BACK[match[1]] * DAY
        return _at(match, day.year, day.month, day.day, zone)
    if _UNIX.fullmatch(text):
        return _unix(int(text))
    return _zoned(text, zone) or _dated(text, local, zone)


def _zoned(text: str, zone: tzinfo) -> Read | None:
    """Read the formats of machines; None: it is none of them."""
    at: datetime | None = None
    if _ENGLISH.match(text):
        try:
            at = datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y")  # Weibo's own
        except ValueError:
            at = _mail_date(text, zone)
    elif re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:|\d{8}T\d{4}", text):
        at = datetime.fromisoformat(text)
    if at is None:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC), SECOND


def _mail_date(text: str, zone: tzinfo) -> datetime:
    """Read RFC 2822. CST means China where ZONE does, though the standard says Chicago."""
    text = _GMT_PLUS.sub(lambda m: f"{m[1]}{int(m[2]):02}{m[3] or '00'}", text)
    if text.endswith((" CST", " BJT")) and zone is CHINA:
        text = f"{text[:-3]}+0800"
    return parsedate_to_datetime(text)


def _dated(text: str, local: datetime, zone: tzinfo) -> Read:
    match = _DATE.match(text)
    if match is None:
        return UNKNOWN
    month, day = int(match["month"]), int(match["day"])
    if match["year"]:
        return _at(match, int(match["year"]), month, day, zone)
    at, precision = _at(match, local.year, month, day, zone)
    if at is not None and at > local + DAY:  # up to a day ahead is a clock that goes wrong
        return _at(match, local.year - 1, month, day, zone)
    return at, precision


def _at(match: re.Match[str], year: int, month: int, day: int, zone: tzinfo) -> Read:
    hour, minute, second = match["hour"], match["minute"], match["second"]
    precision = DAY if hour is None else MINUTE if second is None else SECOND
    at = datetime(year, month, day, int(hour or 0), int(minute or 0), int(second or 0), tzinfo=zone)
    return at.astimezone(UTC), precision
