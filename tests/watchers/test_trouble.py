"""When a source is in trouble, and when people hear of it."""

from datetime import UTC, datetime, timedelta

import pytest

from watchers.model import Gap, Health, Outcome, Page, Watermark
from watchers.trouble import WORDS, after_round, tell

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
STEP = timedelta(minutes=5)


def page(outcome: Outcome, until: datetime | None = None) -> Page:
    return Page(posts=(), watermark=Watermark(), outcome=outcome, requests=2, until=until)


def rounds(*outcomes: Outcome) -> tuple[Health, list[str]]:
    """Run rounds five minutes apart; return the last health and all that was told."""
    health: Health | None = None
    said = []
    for number, outcome in enumerate(outcomes):
        health = after_round(health, "weibo", page(outcome), NOW + number * STEP)
        health, text = tell(health, caught_up=12)
        if text is not None:
            said.append(text)
    assert health is not None
    return health, said


def test_one_bad_round_is_not_told() -> None:
    assert rounds(Outcome.OK, Outcome.DOWN, Outcome.OK)[1] == []


def test_the_third_bad_round_in_a_row_is_told_once() -> None:
    _, said = rounds(Outcome.OK, *[Outcome.AUTH_REQUIRED] * 6)
    assert said == [
        "weibo: it wants a valid login (last good answer 12:00 UTC). Counts since then are unknown."
    ]


def test_recovery_is_told_once_with_what_was_caught_up() -> None:
    health, said = rounds(*[Outcome.DOWN] * 3, Outcome.OK, Outcome.OK)
    assert said[1:] == ["weibo answers again; 12 posts caught up."]
    assert not health.told
    assert health.failures == 0


def test_trouble_that_changes_its_face_is_still_one_trouble() -> None:
    health, said = rounds(Outcome.DOWN, Outcome.BLOCKED, Outcome.SCHEMA_CHANGED, Outcome.DOWN)
    assert len(said) == 1
    assert health.failures == 4


def test_since_is_when_this_outcome_began() -> None:
    health, _ = rounds(Outcome.OK, Outcome.DOWN, Outcome.DOWN)
    assert health.since == NOW + STEP
    assert health.ok_at == NOW


@pytest.mark.parametrize(
    ("times", "pause"),
    [
        pytest.param(2, None, id="two refusals do not pause"),
        pytest.param(3, timedelta(hours=1), id="three pause an hour"),
        pytest.param(6, timedelta(hours=6), id="six pause six hours"),
    ],
)
def test_the_breaker_opens_visibly(times: int, pause: timedelta | None) -> None:
    health, _ = rounds(*[Outcome.BLOCKED] * times)
    last = NOW + (times - 1) * STEP
    assert health.until == (None if pause is None else last + pause)


def test_the_source_s_own_time_wins_over_the_breaker() -> None:
    until = NOW + timedelta(minutes=1)
    health = after_round(None, "weibo", page(Outcome.RATE_LIMITED, until), NOW)
    assert health.until == until


def test_requests_are_counted_by_day() -> None:
    health = after_round(None, "weibo", page(Outcome.OK), NOW)
    health = after_round(health, "weibo", page(Outcome.OK), NOW + STEP)
    assert health.requests == 4
    assert after_round(health, "weibo", page(Outcome.OK), NOW + timedelta(days=1)).requests == 2


def test_every_unhealthy_outcome_has_words() -> None:
    assert set(WORDS) == {o for o in Outcome if not o.healthy}


def test_a_burst_that_is_still_being_read_is_no_trouble_but_one_that_stays_unread_is() -> None:
    def after(minutes: int) -> Health:
        end = NOW - timedelta(minutes=minutes)
        gap = Gap(start=end - timedelta(minutes=40), end=end)
        page = Page(posts=(), watermark=Watermark(gaps=(gap,)), outcome=Outcome.PARTIAL, requests=1)
        return after_round(None, "weibo", page, NOW)

    assert after(10).failures == 0
    assert after(10).outcome is Outcome.PARTIAL
    assert after(40).failures == 1
