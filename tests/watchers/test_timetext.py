"""Times as sites write them. The first table is that of sources.md 3.6, with its two mends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchers.timetext import CHINA, read_time

NOW = datetime(2026, 1, 2, 8, 30, tzinfo=CHINA)
DAY, HOUR, MINUTE, SECOND = (timedelta(seconds=s) for s in (86400, 3600, 60, 1))


def here(*at: int) -> datetime:
    return datetime(*at, tzinfo=CHINA)  # type: ignore[arg-type, misc]  # year, month, day, ...


@pytest.mark.parametrize(
    ("written", "at", "precision"),
    [
        ("刚刚", NOW, MINUTE),
        ("5分钟前", here(2026, 1, 2, 8, 25), MINUTE),
        ("30秒前", here(2026, 1, 2, 8, 29, 30), SECOND),
        ("1个小时前", here(2026, 1, 2, 7, 30), HOUR),
        ("6小时前", here(2026, 1, 2, 2, 30), HOUR),
        ("半小时前", here(2026, 1, 2, 8, 0), HOUR / 2),
        ("2天前", here(2025, 12, 31, 8, 30), DAY),
        ("今天 07:05", here(2026, 1, 2, 7, 5), MINUTE),
        ("今天07:05 来自iPhone", here(2026, 1, 2, 7, 5), MINUTE),
        ("今天 07：05", here(2026, 1, 2, 7, 5), MINUTE),
        ("昨天 23:59", here(2026, 1, 1, 23, 59), MINUTE),
        ("前天 23:59", here(2025, 12, 31, 23, 59), MINUTE),
        ("12月31日 19:30", here(2025, 12, 31, 19, 30), MINUTE),
        ("1月3日 08:00", here(2026, 1, 3, 8, 0), MINUTE),
        ("1月5日 08:00", here(2025, 1, 5, 8, 0), MINUTE),
        ("11-20", here(2025, 11, 20), DAY),
        ("11-20 19:30", here(2025, 11, 20, 19, 30), MINUTE),
        ("2025年5月1日 08:00", here(2025, 5, 1, 8, 0), MINUTE),
        ("2025-5-1 08:00:09", here(2025, 5, 1, 8, 0, 9), SECOND),
        ("2025-05-01", here(2025, 5, 1), DAY),
        ("Tue May 21 10:00:00 +0800 2024", here(2024, 5, 21, 10), SECOND),
        ("Fri, 07 Aug 2026 06:30:00 GMT", datetime(2026, 8, 7, 6, 30, tzinfo=UTC), SECOND),
        ("Mon, 23 Nov 2026 22:10:00 +0800", here(2026, 11, 23, 22, 10), SECOND),
        ("Mon, 23 Nov 2026 22:10:00 CST", here(2026, 11, 23, 22, 10), SECOND),
        ("Mon, 23 Nov 2026 22:10:00 GMT+8", here(2026, 11, 23, 22, 10), SECOND),
        ("Mon, 23 Nov 2026 22:10:00", here(2026, 11, 23, 22, 10), SECOND),
        (
            "2026-08-07T06:30:00.123Z",
            datetime(2026, 8, 7, 6, 30, 0, 123000, tzinfo=UTC),
            SECOND,
        ),
        ("2026-08-07T06:30:00", here(2026, 8, 7, 6, 30), SECOND),
        ("20260807T063000Z", datetime(2026, 8, 7, 6, 30, tzinfo=UTC), SECOND),
        ("1754548200", here(2025, 8, 7, 14, 30), SECOND),
        (1754548200000, here(2025, 8, 7, 14, 30), SECOND),
        (1754548200, here(2025, 8, 7, 14, 30), SECOND),
    ],
)
def test_a_time_is_read_in_utc_with_its_precision(
    written: object, at: datetime, precision: timedelta
) -> None:
    read, exact = read_time(written, NOW)
    assert (read, exact) == (at, precision)
    assert read is not None
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    ["不久前", "2月30日 10:00", "昨天", "今天 25:00", "", "2026", "99999-1-1", None, True, [], 12],
)
def test_what_names_no_time_is_unknown_and_never_now(written: object) -> None:
    assert read_time(written, NOW) == (None, timedelta())


def test_a_time_without_zone_belongs_to_the_zone_of_its_feed() -> None:
    paris = ZoneInfo("Europe/Paris")
    at = datetime(2026, 8, 7, 6, 30, tzinfo=paris)
    assert read_time("Fri, 07 Aug 2026 06:30:00", NOW, paris)[0] == at
    assert read_time("2026-08-07 06:30", NOW, paris)[0] == at


@given(st.text() | st.integers() | st.floats() | st.from_regex(r"\d{1,4}[年-]\d{1,2}[月-]\d{1,2}"))
def test_no_text_or_number_makes_it_raise(written: object) -> None:
    at, precision = read_time(written, NOW)
    assert (at is None) == (precision == timedelta())
