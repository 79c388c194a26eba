"""Counts become signals: what is unusual, what is not, and what people's words change."""

import csv
import math
import random
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchers import detect
from watchers.detect import (
    BIN,
    Day,
    Days,
    Detector,
    Reading,
    Usual,
    chinese_days,
    plain_days,
    scan,
    threshold,
    usual_level,
)
from watchers.model import Signal, Stream

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAY, HOUR, WEEK = timedelta(days=1), timedelta(hours=1), timedelta(days=7)
DAY_BINS = DAY // BIN


@dataclass(frozen=True)
class Counts:
    posts: int
    authors: int
    negatives: int = 0
    negative_authors: int = 0


@dataclass(frozen=True)
class Row:
    type: str = "food_safety"
    posts: int = 3
    strong_authors: int = 3
    strong_professionals: int = 0
    terms: tuple[str, ...] = ("吃坏肚子", "蟑螂")


def poisson(mean: float, rng: random.Random) -> int:
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


class Keyword:
    """A client's posts at a source, bin after bin, with a daily cycle and noise."""

    def __init__(self, mean: float = 6.0, *, zone: str = "UTC", seed: int = 1) -> None:
        self.detector = Detector(zone)
        self.rng = random.Random(seed)
        self.mean = mean
        self.at = START

    def normal(self) -> float:
        return self.mean * (1 + 0.6 * math.sin(2 * math.pi * (self.at.hour - 9) / 24))

    def feed(self, times: float = 1.0) -> Reading:
        """One closed bin at TIMES the normal level; an eighth is negative, in a rise more than half."""
        usual = poisson(self.normal(), self.rng)
        extra = poisson(self.normal() * (times - 1), self.rng) if times > 1 else 0
        negatives = poisson(usual / 8, self.rng) + round(extra * 0.55)
        reading = self.detector.update(self.at, usual + extra, min(negatives, usual + extra))
        self.at += BIN
        return reading

    def live(self, days: float) -> list[Reading]:
        return [self.feed() for _ in range(round(days * DAY_BINS))]

    def crisis(self, times: float = 20, hours: float = 3) -> list[Reading]:
        """A ramp of half an hour to TIMES the normal level, and as long as HOURS there."""
        ramp = [1 + (times - 1) * k / 6 for k in range(1, 7)]
        return [self.feed(t) for t in (*ramp, *[times] * round(hours * 12 - 6))]

    def blind(self, hours: float) -> None:
        for _ in range(round(hours * 12)):
            self.detector.update(self.at, None, None)
            self.at += BIN


@cache
def _grown(weeks: float, mean: float, seed: int) -> Keyword:
    keyword = Keyword(mean, seed=seed)
    keyword.live(7 * weeks)
    return keyword


def grown(weeks: float = 3, mean: float = 6.0, seed: int = 1) -> Keyword:
    """A keyword of some age; every test gets its own."""
    return deepcopy(_grown(weeks, mean, seed))


def minutes_to(readings: Iterable[Reading], budget: float = 0.25) -> int | None:
    limit = threshold(budget)
    return next((5 * (i + 1) for i, r in enumerate(readings) if r.volume >= limit), None)


# ---------------------------------------------------------------------------- what is unusual
@pytest.mark.parametrize("mean", [0.2, 2.0, 40.0])
def test_a_twenty_fold_rise_is_seen_within_the_hour_at_any_volume(mean: float) -> None:
    found = minutes_to(grown(mean=mean).crisis(20))
    assert found is not None
    assert found <= 60


def test_ordinary_weeks_pass_the_threshold_hardly_ever() -> None:
    keyword = grown(weeks=2)
    loud = [r for r in keyword.live(28) if r.volume >= threshold(0.25)]
    assert len({r.volume_excursion for r in loud}) <= 3


def test_a_rise_that_lasts_scores_more_than_one_bin_of_the_same_height() -> None:
    lasting, single = grown(seed=4), grown(seed=4)
    stays = max(lasting.feed(8).volume for _ in range(9))
    spike = max(single.feed(8 if i == 0 else 1).volume for i in range(9))
    assert stays > spike + 1


@pytest.mark.parametrize("posts", [1, 2])
def test_one_or_two_posts_on_a_silent_keyword_are_no_news(posts: int) -> None:
    keyword = Keyword(mean=0.01)
    keyword.live(14)
    reading = keyword.detector.update(keyword.at, posts, 0)
    assert reading.volume < threshold(0.25)


def test_an_hour_is_judged_by_its_own_usual_level() -> None:
    keyword = Keyword(mean=30)
    keyword.live(14)
    expected = {r.at.hour: r.expected for r in keyword.live(1)}
    assert expected[16] > 2 * expected[4]


def test_days_off_have_their_own_hours() -> None:
    detector, at, rng = Detector("Asia/Shanghai"), START, random.Random(3)
    expected: dict[int, float] = {}
    for _ in range(5 * 7 * DAY_BINS):
        weekday = at.astimezone(ZoneInfo("Asia/Shanghai")).weekday()
        count = poisson(4 if weekday >= 5 else 20, rng)
        expected[weekday] = detector.update(at, count, 1).expected
        at += BIN
    assert expected[2] == pytest.approx(20, rel=0.15)
    assert expected[6] == pytest.approx(4, rel=0.5)


def with_holidays(*dates: date) -> Days:
    return lambda day: Day.HOLIDAY if day in dates else plain_days(day)


def usual_on(days: Days, last: date, counts: dict[Day, int]) -> dict[date, float]:
    """Posts expected as each day up to LAST begins, where each kind of day has its COUNTS."""
    detector, at, rng = Detector("UTC", days=days), START, random.Random(3)
    morning: dict[date, float] = {}
    truth = with_holidays(*[START.date() + timedelta(n) for n in (14, 35, 36, 42)])
    while at.date() <= last:
        expected = detector.update(at, poisson(counts[truth(at.date())], rng), 1).expected
        morning.setdefault(at.date(), expected)
        at += BIN
    return morning


def test_the_first_holiday_counts_as_a_day_off() -> None:
    first = START.date() + timedelta(14)  # a Monday
    counts = {Day.WORK: 20, Day.OFF: 4, Day.HOLIDAY: 4}
    known, not_known = (
        usual_on(days, first, counts)[first] for days in (with_holidays(first), plain_days)
    )
    assert known < 0.7 * not_known


def test_holidays_come_to_have_their_own_hours_and_teach_no_other_day() -> None:
    holidays = [START.date() + timedelta(n) for n in (14, 35, 36, 42)]
    counts = {Day.WORK: 20, Day.OFF: 20, Day.HOLIDAY: 2}
    usual = usual_on(with_holidays(*holidays), START.date() + timedelta(47), counts)
    assert usual[holidays[0]] == pytest.approx(20, rel=0.1)
    assert usual[holidays[3]] < 0.6 * usual[holidays[0]]
    assert usual[START.date() + timedelta(47)] == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        pytest.param(date(2026, 2, 18), Day.HOLIDAY, id="Spring Festival, a Wednesday"),
        pytest.param(date(2026, 2, 22), Day.HOLIDAY, id="a Sunday within it"),
        pytest.param(date(2026, 2, 14), Day.WORK, id="a Saturday that makes up for it"),
        pytest.param(date(2026, 10, 10), Day.WORK, id="one that makes up for National Day"),
        pytest.param(date(2026, 10, 7), Day.HOLIDAY, id="a day off in its stead"),
        pytest.param(date(2026, 3, 14), Day.OFF, id="an ordinary Saturday"),
        pytest.param(date(2026, 3, 11), Day.WORK, id="an ordinary Wednesday"),
        pytest.param(date(2040, 10, 1), Day.HOLIDAY, id="statutory, years ahead of any list"),
    ],
)
def test_days_in_china(day: date, kind: Day) -> None:
    assert chinese_days(day) is kind


def test_a_jump_of_one_bin_hardly_moves_the_usual_level() -> None:
    keyword = grown()
    before = keyword.detector.peek(keyword.at, 1.0, 5, 0).expected
    keyword.detector.update(keyword.at, 100_000, 0)
    assert keyword.detector.peek(keyword.at, 1.0, 5, 0).expected < 1.3 * before


def test_negative_posts_alone_can_stand_out() -> None:
    keyword = grown(mean=20)
    readings = []
    for _ in range(9):
        readings.append(keyword.detector.update(keyword.at, 22, 20))
        keyword.at += BIN
    last = readings[-1]
    assert last.negative > last.volume
    assert last.score == last.negative
    assert last.weeks > 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.integers(0, 10**6), st.floats(0, 50)), min_size=1, max_size=120
    )
)
def test_whatever_the_counts_all_figures_stay_finite(counts: list[float | None]) -> None:
    detector, at = Detector("Asia/Shanghai"), START
    for count in counts:
        reading = detector.update(at, count, None if count is None else count / 2)
        at += BIN
        for figure in (reading.volume, reading.negative, reading.expected):
            assert math.isfinite(figure)
            assert figure >= 0


# ------------------------------------------------------------------------- unfinished, unknown
def test_a_look_at_a_whole_bin_says_what_the_bin_will_say_and_learns_nothing() -> None:
    keyword = grown()
    state = keyword.detector.to_bytes()
    looked = keyword.detector.peek(keyword.at, 1.0, 40, 12)
    assert keyword.detector.to_bytes() == state
    fed = keyword.detector.update(keyword.at, 40, 12)
    assert (looked.volume, looked.negative) == (fed.volume, fed.negative)
    assert looked.volume_excursion == fed.volume_excursion


def test_a_fifth_of_a_bin_is_compared_with_a_fifth_of_the_usual() -> None:
    keyword = grown(mean=30)
    whole = keyword.detector.peek(keyword.at, 1.0, 30, 4)
    part = keyword.detector.peek(keyword.at, 0.2, 6, 1)
    assert part.expected == pytest.approx(whole.expected / 5)
    assert part.at == keyword.at + timedelta(minutes=1)
    assert part.volume < threshold(1.0)


def test_an_unknown_bin_moves_time_and_nothing_else() -> None:
    keyword = grown()
    before = keyword.detector.peek(keyword.at, 1.0, 30, 4)
    reading = keyword.detector.update(keyword.at, None, None)
    assert (reading.volume, reading.clean) == (0.0, False)
    assert keyword.detector.upto == keyword.at + BIN
    assert keyword.detector.bins == 3 * 7 * DAY_BINS
    assert keyword.detector.peek(keyword.at, 1.0, 30, 4).volume == before.volume


def test_after_a_gap_nothing_is_believed_for_a_quarter_of_an_hour() -> None:
    keyword = grown()
    keyword.blind(4)
    assert [keyword.feed().clean for _ in range(4)] == [False, False, True, True]


def test_a_crisis_that_runs_through_an_outage_is_found_when_the_source_is_back() -> None:
    keyword = grown()
    keyword.crisis(20, hours=0.5)
    keyword.blind(4)
    found = minutes_to([keyword.feed(20) for _ in range(12)])
    assert found is not None
    assert found <= 30


# --------------------------------------------------------------------------------- people speak
def usual_after(keyword: Keyword) -> float:
    return keyword.detector.peek(keyword.at, 1.0, 0, 0).expected


def test_a_confirmed_crisis_is_not_learnt() -> None:
    """Told apart from a twin to whom nobody spoke, by the score of a later rise."""
    confirmed, ignored = grown(seed=7), grown(seed=7)
    for keyword in (confirmed, ignored):
        for _ in range(3):
            keyword.crisis(20, hours=1)
            if keyword is confirmed:
                keyword.detector.confirm(keyword.at)
            keyword.crisis(20, hours=5)
            keyword.live(2)
    later = [max(r.volume for r in k.crisis(6, hours=1.5)) for k in (confirmed, ignored)]
    assert later[0] > later[1] + 0.3


def test_learning_stops_on_confirmation_and_begins_again_after_two_calm_hours() -> None:
    keyword = grown()
    keyword.crisis(20, hours=1)
    assert not keyword.detector.holding
    keyword.detector.confirm(keyword.at)
    assert keyword.detector.holding
    keyword.crisis(20, hours=2)
    assert keyword.detector.holding
    keyword.live(0.25)
    assert not keyword.detector.holding


def test_a_new_level_is_learnt_after_a_day_even_if_confirmed_every_round() -> None:
    keyword = grown(weeks=2)
    keyword.crisis(6, hours=1)
    before = usual_after(keyword)
    for _ in range(6 * DAY_BINS):
        keyword.detector.confirm(keyword.at)
        keyword.feed(6)
    assert usual_after(keyword) > 1.3 * before


def test_release_lets_it_learn_at_once() -> None:
    keyword = grown()
    keyword.crisis(20, hours=1)
    keyword.detector.confirm(keyword.at)
    keyword.detector.release()
    assert not keyword.detector.holding


def test_confirming_a_quiet_keyword_changes_nothing() -> None:
    keyword = Keyword()
    keyword.live(1)
    keyword.detector.release()
    fresh = Detector("UTC")
    fresh.confirm(START)
    assert not fresh.holding


def test_a_confirmation_two_days_late_undoes_nothing_but_holds() -> None:
    keyword = grown()
    keyword.crisis(20, hours=1)
    learnt = usual_after(keyword)
    keyword.detector.confirm(keyword.at + timedelta(hours=49))
    assert usual_after(keyword) == learnt
    assert keyword.detector.holding


def test_a_false_alarm_stays_learnt_and_ends_the_hold() -> None:
    keyword = grown()
    opened = keyword.at + timedelta(minutes=30)
    keyword.crisis(20, hours=1)
    keyword.detector.confirm(keyword.at)
    keyword.detector.false_alarm(keyword.at, opened=opened)
    assert not keyword.detector.holding
    keyword.detector.confirm(keyword.at)  # nothing is left to go back to
    assert not keyword.detector.holding


def test_an_old_false_alarm_said_again_does_not_touch_a_later_crisis() -> None:
    keyword = grown()
    opened = keyword.at
    keyword.crisis(20, hours=1)
    keyword.live(1)
    keyword.crisis(20, hours=1)
    keyword.detector.confirm(keyword.at)
    keyword.detector.false_alarm(keyword.at, opened=opened)
    assert keyword.detector.holding


# ----------------------------------------------------------------------------------- campaigns
def campaign(keyword: Keyword, hours: float) -> None:
    keyword.detector.campaigns = ((keyword.at, keyword.at + timedelta(hours=hours)),)


def test_a_campaign_teaches_nothing() -> None:
    """Told apart from a twin without one, by what is usual later and by a later rise."""
    planned, ignored = grown(seed=7), grown(seed=7)
    for _ in range(4):
        campaign(planned, 6)
        for keyword in (planned, ignored):
            keyword.crisis(20, hours=6)
            keyword.live(1)
    assert usual_after(planned) < usual_after(ignored)
    later = [max(r.volume for r in k.crisis(6, hours=1.5)) for k in (planned, ignored)]
    assert later[0] > later[1] + 0.3


def test_a_campaign_gives_no_signal_but_that_of_grave_words() -> None:
    keyword = grown()
    campaign(keyword, 2)
    readings = keyword.crisis(20, hours=2)
    assert all(r.planned for r in readings)
    assert [judged(keyword, r) for r in readings] == [None] * len(readings)
    grave = keyword.detector.judge_risk(Row(), at=keyword.at, client="aulane", source="weibo")
    assert grave is not None


def test_the_rest_of_a_campaign_s_burst_is_no_news_but_another_rise_is() -> None:
    keyword = grown()
    campaign(keyword, 2)
    keyword.crisis(20, hours=2)
    rest = keyword.feed(10)
    assert not rest.planned
    signal = judged(keyword, rest)
    assert signal is None or signal.stream is Stream.NEGATIVE
    keyword.live(4 / 24)
    again = judged(keyword, keyword.crisis(20, hours=0.5)[-1])
    assert again is not None


def test_campaigns_may_be_replaced_and_are_no_part_of_the_state() -> None:
    keyword = grown()
    campaign(keyword, 2)
    twin = Detector.from_bytes(keyword.detector.to_bytes())
    assert twin.campaigns == ()
    keyword.detector.campaigns = ()
    assert not keyword.feed().planned


# ----------------------------------------------------------------------------- keeping to budget
def test_without_history_the_budget_itself_is_to_be_expected() -> None:
    kept = Detector("UTC").keeping(0.25, START)
    assert (kept.given, kept.confirmed, kept.weeks) == (0, 0, 0)
    assert kept.expected == pytest.approx(0.25)
    assert kept.low < 0.25 < kept.high
    assert kept.kept


def told_every(keyword: Keyword, days: float, times: int) -> None:
    for _ in range(times):
        keyword.live(days)
        keyword.detector.tell([])
        assert judged(keyword, keyword.crisis(30, hours=1)[-1]) is not None


def test_what_was_given_is_held_against_what_is_accepted() -> None:
    loud, calm = grown(weeks=3), grown(weeks=3)
    told_every(loud, 3.5, 6)
    calm.live(21)
    much, little = (k.detector.keeping(0.25, k.at) for k in (loud, calm))
    assert (much.given, little.given) == (6, 0)
    assert much.weeks == pytest.approx(6.0, abs=0.2)
    assert little.expected < 0.25 < much.low < much.expected < much.high
    assert little.kept
    assert not much.kept
    assert "6 unconfirmed signals in 6.0 weeks where 0.25 a week are accepted" in much.why


def test_confirmed_signals_are_not_held_against_the_budget() -> None:
    keyword = grown()
    told_every(keyword, 1, 1)
    keyword.detector.confirm(keyword.at)
    kept = keyword.detector.keeping(0.25, keyword.at)
    assert (kept.given, kept.confirmed) == (0, 1)


def test_only_the_last_eight_weeks_count_and_only_known_bins() -> None:
    keyword = grown()
    told_every(keyword, 1, 1)
    keyword.live(9 * 7)
    keyword.blind(24)
    kept = Detector.from_bytes(keyword.detector.to_bytes()).keeping(1.0, keyword.at)
    assert kept.given == 0
    assert 6.8 <= kept.weeks <= 8.0


# --------------------------------------------------------------------------------------- state
def test_a_restart_neither_skips_nor_repeats_anything() -> None:
    keyword = grown(weeks=2)
    keyword.crisis(20, hours=1)
    judged(keyword, keyword.feed(20))
    keyword.detector.confirm(keyword.at)
    twin = Detector.from_bytes(keyword.detector.to_bytes())
    assert twin.upto == keyword.detector.upto == keyword.at
    assert twin.told == keyword.detector.told
    for count in (50, 3, None, 200, 5):
        negatives = None if count is None else count // 2
        assert twin.update(keyword.at, count, negatives) == keyword.detector.update(
            keyword.at, count, negatives
        )
        keyword.at += BIN
    assert twin.to_bytes() == keyword.detector.to_bytes()


def test_the_state_does_not_grow() -> None:
    keyword = grown(weeks=1)
    early = len(keyword.detector.to_bytes())
    keyword.crisis()
    keyword.live(21)
    assert len(keyword.detector.to_bytes()) < max(2 * early, 8000)


@pytest.mark.parametrize(
    "blob",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"version":1}', id="the JSON of an older version"),
        pytest.param(
            Detector("UTC").to_bytes().replace(b"\xa7version\x03", b"\xa7version\x63"),
            id="a newer version",
        ),
    ],
)
def test_a_foreign_state_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match="detector's state"):
        Detector.from_bytes(blob)


# ----------------------------------------------------------------------------------- threshold
def test_a_smaller_budget_asks_for_a_rarer_burst() -> None:
    for stream in (Stream.VOLUME, Stream.NEGATIVE):
        limits = [threshold(b, stream) for b in (0.01, 0.05, 0.07, 0.1, 0.25, 0.5, 1, 2, 5)]
        assert all(a > b for a, b in pairwise(limits))


def test_the_threshold_is_linear_in_the_logarithm_of_the_budget() -> None:
    middle = threshold(math.sqrt(0.25 * 0.5))
    assert middle == pytest.approx((threshold(0.25) + threshold(0.5)) / 2)


# --------------------------------------------------------------------------------------- judge
LOUD = Counts(posts=40, authors=30, negatives=25)
QUARTER = Counts(posts=18, authors=15, negatives=11)


def judged(
    keyword: Keyword,
    reading: Reading,
    *,
    hour: Counts = LOUD,
    short: Counts = QUARTER,
    usual: float | None = 4.0,
    bad: float | None = 1.0,
    late: bool = False,
    minded: bool = True,
) -> Signal | None:
    """The signal of READING, if any; people are told of it unless nobody MINDED."""
    signal = keyword.detector.judge(
        reading,
        at=reading.at,
        client="aulane",
        source="weibo",
        short=short,
        hour=hour,
        usual=Usual(posts=usual, negatives=bad),
        budget=0.25,
        late=late,
    )
    keyword.detector.tell([signal] if signal is not None and minded else [])
    return signal


@pytest.fixture(scope="module")
def in_crisis() -> tuple[bytes, Reading]:
    """A detector of three weeks, well into a crisis, as bytes, and its last reading."""
    keyword = grown()
    return keyword.detector.to_bytes(), keyword.crisis(20, hours=1)[-1]


@pytest.fixture
def crisis(in_crisis: tuple[bytes, Reading]) -> tuple[Keyword, Reading]:
    keyword = Keyword()
    keyword.detector = Detector.from_bytes(in_crisis[0])
    return keyword, in_crisis[1]


def test_a_signal_says_why_in_one_sentence_with_numbers(crisis: tuple[Keyword, Reading]) -> None:
    keyword, reading = crisis
    signal = judged(keyword, reading, late=True)
    assert signal is not None
    assert (signal.client, signal.source, signal.count, signal.authors) == (
        "aulane",
        "weibo",
        40,
        30,
    )
    assert signal.window == HOUR
    assert signal.ratio == 10.0
    assert signal.score >= signal.threshold
    for part in ("40 distinct posts by 30 authors in 60 min", "10.0 times the usual, which is 4.0"):
        assert part in signal.why
    assert "25 of them negative" in signal.why
    assert "less than once a year here" in signal.why
    assert "the source was down" in signal.why


@pytest.mark.parametrize(
    ("hour", "short", "usual", "window"),
    [
        pytest.param(Counts(10, 6), Counts(0, 0), 3.3, HOUR, id="the hour just meets all three"),
        pytest.param(Counts(9, 6), Counts(0, 0), 1.0, None, id="nine posts are too few"),
        pytest.param(Counts(10, 6), Counts(0, 0), 3.4, None, id="less than three times the usual"),
        pytest.param(Counts(10, 5), Counts(0, 0), 1.0, None, id="five authors are too few"),
        pytest.param(
            Counts(8, 7), Counts(6, 6), 4.0, detect.SHORT, id="six posts in a quarter of an hour"
        ),
        pytest.param(Counts(8, 7), Counts(5, 5), 1.0, None, id="five in a quarter are too few"),
        pytest.param(Counts(8, 7), Counts(6, 6), 5.0, None, id="not five times the usual there"),
        pytest.param(Counts(500, 4), Counts(400, 4), 1.0, None, id="four authors, however loud"),
        pytest.param(Counts(10, 6), Counts(0, 0), 0.0, HOUR, id="nothing is usual: one an hour is"),
        pytest.param(Counts(10, 6), Counts(0, 0), None, HOUR, id="the usual is not known yet"),
    ],
)
def test_floors(
    crisis: tuple[Keyword, Reading],
    hour: Counts,
    short: Counts,
    usual: float | None,
    window: timedelta | None,
) -> None:
    keyword, reading = crisis
    signal = judged(keyword, reading, hour=hour, short=short, usual=usual)
    assert (signal.window if signal else None) == window


@pytest.mark.parametrize(
    ("hour", "bad", "speaks"),
    [
        pytest.param(Counts(60, 50, 12, 9), 4.0, True, id="all three, of the bad posts alone"),
        pytest.param(Counts(60, 50, 9, 9), 1.0, False, id="nine bad posts are too few"),
        pytest.param(Counts(60, 50, 12, 9), 4.1, False, id="less than three times the usual"),
        pytest.param(Counts(60, 50, 12, 5), 1.0, False, id="five authors are too few"),
        pytest.param(Counts(60, 50, 12, 9), None, True, id="the usual is not known yet"),
    ],
)
def test_a_busy_brand_is_told_of_bad_posts_that_hardly_show_among_all(
    crisis: tuple[Keyword, Reading], hour: Counts, bad: float | None, speaks: bool
) -> None:
    keyword, reading = crisis
    signal = judged(keyword, reading, hour=hour, short=Counts(0, 0), usual=40.0, bad=bad)
    assert (signal is not None) is speaks
    if signal is not None:
        assert signal.stream is Stream.NEGATIVE
        assert signal.ratio == 1.5
        assert "60 distinct posts by 50 authors in 60 min (1.5 times the usual" in signal.why
        assert "12 of them negative (" in signal.why


def test_bad_posts_alone_do_not_speak_where_only_the_volume_is_rare(
    crisis: tuple[Keyword, Reading],
) -> None:
    keyword, reading = crisis
    calm = replace(reading, negative=0.0)
    quiet = Counts(0, 0)
    assert judged(keyword, calm, hour=Counts(60, 50, 12, 9), short=quiet, usual=40.0) is None


def test_floors_alone_do_not_speak_once_the_keyword_is_known() -> None:
    keyword = grown()
    assert judged(keyword, keyword.feed()) is None


def test_the_first_day_never_speaks() -> None:
    keyword = Keyword()
    keyword.live(0.9)
    assert judged(keyword, keyword.crisis(50, hours=1)[-1]) is None


def test_in_the_first_two_weeks_fixed_floors_decide_and_the_signal_says_so() -> None:
    keyword = Keyword()
    keyword.live(3)
    assert judged(keyword, keyword.feed(), usual=None) is None  # loud by the floors, but no rise
    rise = next(r for r in keyword.crisis(8, hours=1) if r.volume >= 2.3)
    assert rise.volume < threshold(0.25)
    signal = judged(keyword, rise, usual=None)
    assert signal is not None
    assert "less than two weeks of history" in signal.why
    assert "usual not known yet" in signal.why


def test_a_reading_right_after_a_gap_does_not_speak() -> None:
    keyword = grown()
    keyword.crisis(20, hours=1)
    keyword.blind(2)
    readings = [keyword.feed(20) for _ in range(3)]
    assert [judged(keyword, r) is not None for r in readings] == [False, False, True]


def test_a_rise_is_told_once_and_again_after_six_hours() -> None:
    keyword = grown()
    keyword.crisis(20, hours=1)
    told = [(n, judged(keyword, reading)) for n, reading in enumerate(keyword.crisis(20, hours=8))]
    volume = [n for n, s in told if s is not None and s.stream is Stream.VOLUME]
    negative = [n for n, s in told if s is not None and s.stream is Stream.NEGATIVE]
    for rows in (volume, negative):
        assert all(later - earlier >= 72 for earlier, later in pairwise(rows))
    assert negative[1] - negative[0] == 72


def test_another_rise_is_told_though_six_hours_have_not_passed() -> None:
    keyword = grown()
    first = judged(keyword, keyword.crisis(20, hours=0.5)[-1])
    keyword.live(5 / 24)
    second = judged(keyword, keyword.crisis(20, hours=0.5)[-1])
    assert first is not None
    assert second is not None
    assert second.at - first.at < timedelta(hours=6)


def test_a_rise_that_nobody_minded_is_still_news(crisis: tuple[Keyword, Reading]) -> None:
    keyword, reading = crisis
    assert judged(keyword, reading, minded=False) is not None
    assert judged(keyword, reading) is not None
    judged(keyword, reading)  # the other stream
    assert judged(keyword, reading) is None


def test_a_rise_within_two_hours_of_the_last_belongs_to_it() -> None:
    keyword = grown()
    before = keyword.crisis(20, hours=0.5)[-1]
    keyword.live(2 / 24)
    after = keyword.crisis(20, hours=0.5)[-1]
    assert before.volume_excursion == after.volume_excursion


@pytest.mark.parametrize(
    ("row", "speaks"),
    [
        pytest.param(Row(strong_authors=3), True, id="three independent authors"),
        pytest.param(Row(strong_authors=2), False, id="two are not enough"),
        pytest.param(
            Row(posts=1, strong_authors=1, strong_professionals=1), True, id="one large account"
        ),
    ],
)
def test_grave_words_below_the_floors(row: Row, *, speaks: bool) -> None:
    detector = Detector()
    signal = detector.judge_risk(row, at=START, client="aulane", source="weibo")
    assert (signal is not None) is speaks
    if signal is not None:
        assert signal.stream is Stream.RISK
        assert "吃坏肚子" in signal.why


def test_grave_words_of_a_type_are_told_every_six_hours_at_most() -> None:
    detector = Detector()

    def said(row: Row, hours: float) -> bool:
        at = START + timedelta(hours=hours)
        signal = detector.judge_risk(row, at=at, client="aulane", source="weibo")
        detector.tell([signal] if signal is not None else [])
        return signal is not None

    assert said(Row(), 0)
    assert not said(Row(), 5.9)
    assert said(Row(type="data_breach"), 5.9)
    assert said(Row(), 6)


def test_grave_words_do_not_silence_a_spike(crisis: tuple[Keyword, Reading]) -> None:
    keyword, reading = crisis
    grave = keyword.detector.judge_risk(Row(), at=reading.at, client="aulane", source="weibo")
    assert grave is not None
    keyword.detector.tell([grave])
    assert judged(keyword, reading) is not None


# --------------------------------------------------------------------------------------- usual
TUESDAY_EIGHT = datetime(2026, 3, 31, 12, 20, tzinfo=UTC)  # 20:20 in Shanghai


def weekly(*posts: int) -> list[tuple[datetime, int]]:
    """POSTS at the same hour one, two, ... weeks before, and noise an hour earlier."""
    top = TUESDAY_EIGHT.replace(minute=0)
    same = [(top - WEEK * (n + 1), count) for n, count in enumerate(posts)]
    return [*same, *((at - HOUR, 99) for at, _ in same)]


def level(
    hours: list[tuple[datetime, int]],
    history: timedelta = 8 * WEEK,
    *,
    unseen: timedelta = timedelta(),
    days: Days = plain_days,
    left_out: Callable[[datetime], bool] = lambda _hour: False,
) -> float | None:
    return usual_level(
        hours,
        TUESDAY_EIGHT,
        history=history,
        unseen=unseen,
        zone="Asia/Shanghai",
        days=days,
        left_out=left_out,
    )


def test_the_usual_is_the_median_of_the_same_hour_of_four_weeks() -> None:
    assert level(weekly(4, 6, 100, 2)) == 5.0


def test_an_hour_without_posts_counts_as_none() -> None:
    assert level(weekly(4, 6, 0)[:2]) == 2.0


def test_hours_of_an_incident_are_left_out_not_counted_as_none() -> None:
    loud = TUESDAY_EIGHT.replace(minute=0) - WEEK
    assert level(weekly(400, 6, 8, 2), left_out=lambda hour: hour == loud) == 6.0


def test_weeks_before_the_first_post_do_not_count() -> None:
    assert level(weekly(4, 6), history=2 * WEEK + HOUR) == 5.0


def test_a_long_incident_makes_no_client_young_again() -> None:
    lately = TUESDAY_EIGHT - 2 * DAY
    hours, history = weekly(4, 6), 2 * WEEK + HOUR
    assert level(hours, history=history, left_out=lambda hour: hour > lately) == 5.0


def test_what_nobody_saw_is_no_history() -> None:
    whole = level(weekly(4, 6), history=2 * WEEK + HOUR)
    mean = level(weekly(4, 6), history=2 * WEEK + HOUR, unseen=2 * HOUR)
    assert whole == 5.0
    assert mean == pytest.approx((4 + 6 + 99 + 99) / (2 * 168 + 1), rel=0.01)
    assert level(weekly(4, 6), history=2 * WEEK + HOUR, unseen=13 * DAY + 2 * HOUR) is None


def test_a_holiday_is_left_out_of_an_ordinary_day_s_usual() -> None:
    assert level(weekly(90, 6, 8, 2), days=with_holidays(date(2026, 3, 24))) == 6.0


def test_a_holiday_without_another_one_to_compare_with_takes_the_ordinary_weeks() -> None:
    assert level(weekly(4, 6, 100, 2), days=with_holidays(date(2026, 3, 31))) == 5.0


def test_a_holiday_is_compared_with_the_same_hour_of_any_other() -> None:
    days = with_holidays(date(2026, 3, 31), date(2026, 3, 30), date(2026, 3, 29))
    top = TUESDAY_EIGHT.replace(minute=0)
    hours = [*weekly(4, 6, 8, 2), (top - DAY, 50), (top - 2 * DAY, 60)]
    assert level(hours, days=days) == 55.0


def test_before_two_weeks_it_is_the_mean_of_all_hours() -> None:
    hours = [(TUESDAY_EIGHT.replace(minute=0) - HOUR * n, 12) for n in (1, 2, 30)]
    assert level(hours, history=timedelta(days=3)) == pytest.approx(36 / 72)


def test_before_a_day_it_is_not_known() -> None:
    assert level(weekly(4), history=timedelta(hours=23)) is None


def test_where_everything_is_left_out_it_is_not_known() -> None:
    assert level(weekly(4), left_out=lambda _hour: True) is None


# ------------------------------------------------------------------------------- whole series
def series(path: Path) -> list[tuple[datetime, float]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            (datetime.fromisoformat(r["timestamp"]).replace(tzinfo=UTC), float(r["value"]))
            for r in csv.DictReader(lines)
        ]


def test_a_series_gets_a_score_a_row_and_alarms_six_hours_apart() -> None:
    rows = [(START + i * BIN, 5.0 + i % 3) for i in range(15 * DAY_BINS)]
    for i in range(14 * DAY_BINS, 14 * DAY_BINS + 100):
        rows[i] = (rows[i][0], 400.0)
    progress: list[tuple[int, int]] = []
    scores, alarms = scan(rows, 0.25, progress=lambda done, of: progress.append((done, of)))
    assert len(scores) == len(rows)
    assert [a.at for a in alarms][:2] == [rows[14 * DAY_BINS][0], rows[14 * DAY_BINS + 72][0]]
    assert "400 posts where" in alarms[0].why
    assert progress[-1] == (4000, len(rows))


@pytest.mark.parametrize("odd", [math.nan, math.inf, -3.0])
def test_a_value_that_is_no_count_is_unknown(odd: float) -> None:
    rows = [(START + i * BIN, 5.0) for i in range(DAY_BINS)]
    rows[100] = (rows[100][0], odd)
    scores, alarms = scan(rows, 0.25)
    assert scores[100] == 0.0
    assert all(math.isfinite(s) for s in scores)
    assert alarms == []


@pytest.mark.parametrize("name", ["AAPL", "CRM", "FB", "KO", "UPS"])
def test_real_series_are_notified_about_as_often_as_asked(shared: Path, name: str) -> None:
    """Half an alarm a week is accepted; labelled bursts are among those that come."""
    rows = series(shared / "data" / "nab" / f"Twitter_volume_{name}.csv")
    _, alarms = scan(rows, 0.5)
    weeks = (rows[-1][0] - rows[0][0]) / WEEK
    assert 1 <= len(alarms) <= 2.5 * weeks
