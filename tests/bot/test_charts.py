"""The picture is drawn for any posts and marks, and its words say the finding."""

import struct
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot import charts
from watchers.model import Gap

NOW = datetime(2026, 11, 24, 12, 24, 30, tzinfo=UTC)  # 20:24 in China
FLAT = dict.fromkeys(charts.starts(NOW), 0.7)


@dataclass(frozen=True)
class Minute:
    at: datetime
    posts: int
    negatives: int


BURST = [Minute(NOW - timedelta(minutes=n), 2, 1) for n in range(40)]
MARKS = [
    charts.Mark(NOW - timedelta(minutes=38), "first post"),
    charts.Mark(NOW - timedelta(minutes=4), "spreading"),
]


def test_every_ten_minutes_of_six_hours_has_a_bar_and_none_is_left_out() -> None:
    shown = charts.bars(BURST, NOW, FLAT)
    assert len(shown) == 36
    assert all(b.at - a.at == timedelta(minutes=10) for a, b in pairwise(shown))
    assert shown[-1].at == datetime(2026, 11, 24, 12, 20, tzinfo=UTC)
    assert [(b.posts, b.negatives) for b in shown[-5:]] == [
        (10, 5),
        (20, 10),
        (20, 10),
        (20, 10),
        (10, 5),
    ]
    assert sum(b.posts for b in shown) == 80
    assert {b.usual for b in shown} == {0.7}


def test_posts_older_than_six_hours_are_not_counted() -> None:
    old = [Minute(NOW - timedelta(hours=7), 9, 9)]
    assert not any(b.posts for b in charts.bars(old, NOW))


@pytest.mark.parametrize(
    ("usual", "low", "high"), [(0.0, 0.0, 0.0), (1.0, 0.0, 3.0), (9.0, 3.0, 15.0)]
)
def test_the_usual_range_is_two_deviations_and_never_below_zero(
    usual: float, low: float, high: float
) -> None:
    assert charts.band(usual) == (low, high)


def test_the_words_say_peak_usual_last_value_mood_and_marks() -> None:
    assert charts.alt(BURST, NOW, FLAT, MARKS) == (
        "Posts per 10 minutes over the last 6 hours: peak 20 (usual 0.7) at 19:50 China, "
        "20 from 20:10; 50% negative. first post 19:46, spreading 20:20."
    )


def test_the_words_name_the_zone_and_what_was_not_seen() -> None:
    gap = Gap(start=NOW - timedelta(hours=3), end=NOW - timedelta(hours=2))
    words = charts.alt(BURST, NOW, zone="Europe/Paris", gaps=[gap])
    assert "peak 20 at 12:50 Paris" in words
    assert words.endswith("Not seen: 10:24 to 11:24.")
    old = Gap(start=NOW - timedelta(hours=9), end=NOW - timedelta(hours=8))
    assert charts.alt([], NOW, gaps=[old, gap]).endswith("none. Not seen: 17:24 to 18:24.")


def test_without_posts_the_words_say_none() -> None:
    assert charts.alt([], NOW) == "Posts per 10 minutes over the last 6 hours: none."


GAPS = [Gap(start=NOW - timedelta(hours=9), end=NOW - timedelta(hours=5))]
MANY = [charts.Mark(NOW - timedelta(minutes=n), f"mark {n} " + "x" * 300) for n in range(12)]
ODD = [charts.Mark(NOW, "官媒 $x^{"), charts.Mark(NOW, ""), charts.Mark(NOW, "\\frac{$$")]


@pytest.mark.parametrize(
    ("minutes", "usual", "marks", "title", "gaps"),
    [
        pytest.param(BURST, FLAT, MARKS, "Aulane: 20 posts in 10 min, usual 0.7", (), id="burst"),
        pytest.param([], None, [], "Norbridge Bank: no posts", (), id="no posts, no usual"),
        pytest.param(BURST, {}, MANY, "x" * 300, GAPS, id="many marks, long names, a gap"),
        pytest.param(BURST, FLAT, ODD, "奥岚 $1$ <b>", (), id="formulas and Chinese"),
        pytest.param(
            [Minute(NOW, 100_000, 0)], dict.fromkeys(FLAT, 0.0), [], "", (), id="a usual of nothing"
        ),
    ],
)
def test_a_picture_is_drawn_whatever_happened(
    minutes: list[Minute],
    usual: dict[datetime, float] | None,
    marks: list[charts.Mark],
    title: str,
    gaps: list[Gap],
) -> None:
    png = charts.chart(minutes, usual, marks, title=title, zone="Asia/Shanghai", now=NOW, gaps=gaps)
    assert png.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", png[16:24]) == (1200, 750)


def test_the_picture_changes_with_what_it_shows() -> None:
    def draw(minutes: list[Minute], marks: list[charts.Mark]) -> bytes:
        return charts.chart(minutes, FLAT, marks, title="t", zone="Asia/Shanghai", now=NOW)

    assert len({draw(BURST, MARKS), draw(BURST, []), draw(BURST[:9], MARKS)}) == 3


def test_starting_the_service_does_not_wait_for_the_drawing_library() -> None:
    code = "import sys, bot.charts; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own words


def test_reliability_is_drawn_for_any_table() -> None:
    for table in ((), ((0.5, 1.0, 3),), tuple((n / 10 + 0.05, n / 10, n) for n in range(10))):
        drawn = charts.reliability(table, title="模型 a$b")
        assert struct.unpack(">II", drawn[16:24]) == (1200, 1050)
