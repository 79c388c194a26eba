"""Signs that posts were placed: what is told, from how many posts on, and what stays unknown."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchers.coordination import LEAST, Signs, Voice, burstiness, signs

NOON = datetime(2026, 3, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def voice(n: int, text: str = "", *, at: datetime | None = None, **more: object) -> Voice:
    given: dict[str, object] = {"author": f"a{n}", "text": text or f"weibo:{n}", "followers": 300}
    return Voice(at=at, **(given | more))  # type: ignore[arg-type]


def by_chance(count: int, seed: int = 1) -> list[datetime]:
    rng, at, times = random.Random(seed), NOON, []
    for _ in range(count):
        at += timedelta(seconds=rng.expovariate(1 / 90))
        times.append(at)
    return times


def test_a_crowd_of_its_own_words_shows_nothing() -> None:
    found = signs([voice(n, at=at) for n, at in enumerate(by_chance(40))])
    assert (found.copied, found.followerless, found.known) == (0, 0, 40)
    assert found.rhythm is not None
    assert abs(found.rhythm) < 0.25
    assert found.sentence == ""


def test_copied_texts_of_empty_accounts_in_step_are_told_with_numbers() -> None:
    copies = [voice(n, "weibo:0", at=NOON + n * 2 * MINUTE, followers=3) for n in range(24)]
    others = [voice(n, at=at) for n, at in enumerate(by_chance(6), 100)]
    assert signs([*copies, *others]).sentence == (
        "80% of 30 posts carry a text that other accounts posted too "
        "(the most copied: 24 posts from 24 accounts); "
        "80% of 30 accounts have under 20 followers; "
        "posts come evenly spaced (burstiness -1.00; chance gives 0, crowds more)"
    )


def test_one_person_who_repeats_themselves_is_no_army() -> None:
    same = [voice(n, "weibo:0", author=f"a{n % 2}") for n in range(40)]
    assert signs(same).copied == 0


def test_too_few_posts_show_nothing_whatever_they_look_like() -> None:
    few = [voice(n, "weibo:0", at=NOON + n * MINUTE, followers=0) for n in range(LEAST - 1)]
    assert signs(few) == Signs(posts=LEAST - 1)
    assert signs([*few, voice(99, "weibo:0", at=NOON, followers=0)]).sentence


def test_what_the_source_does_not_say_is_unknown_and_never_zero() -> None:
    found = signs([voice(n, followers=None) for n in range(40)])
    assert (found.followerless, found.known, found.rhythm) == (None, 0, None)
    partly = [voice(n, followers=0 if n < LEAST - 1 else None) for n in range(40)]
    assert signs(partly).followerless is None


def test_accounts_that_were_made_for_it_are_told() -> None:
    found = signs([voice(n, age=timedelta(days=n)) for n in range(40)])
    assert (found.dated, found.young) == (40, 0.75)
    assert found.sentence == "75% of 40 accounts are younger than 30 days"
    partly = [voice(n, age=timedelta() if n < LEAST - 1 else None) for n in range(40)]
    assert signs(partly).young is None


def test_an_account_counts_once_among_the_followers() -> None:
    found = signs([voice(n, author=f"a{n % 20}", followers=n % 20) for n in range(40)])
    assert (found.known, found.followerless) == (20, 1.0)


# ------------------------------------------------------------------------------------------ rhythm
@pytest.mark.parametrize("count", [20, 200])
def test_chance_is_about_zero_however_many_there_are(count: int) -> None:
    found = [burstiness(by_chance(count, seed)) for seed in range(200)]
    known = [value for value in found if value is not None]
    assert abs(sum(known) / len(known)) < 0.05


def test_clockwork_is_minus_one_and_a_burst_nearly_one() -> None:
    assert burstiness([NOON + n * MINUTE for n in range(30)]) == pytest.approx(-1)
    burst = [NOON + n * timedelta(milliseconds=1) for n in range(30)]
    assert burstiness([*burst, NOON + timedelta(days=1)]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("times", [[], [NOON], [NOON, NOON + MINUTE], [NOON] * 30])
def test_without_gaps_there_is_no_rhythm(times: list[datetime]) -> None:
    assert burstiness(times) is None


@given(st.lists(st.integers(0, 10**9), max_size=60))
def test_it_lies_between_the_two(seconds: list[int]) -> None:
    found = burstiness([NOON + timedelta(seconds=s) for s in seconds])
    assert found is None or -1.000001 <= found <= 1.000001
