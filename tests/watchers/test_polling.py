"""Which query gets the next request: never over the budget, soon where it pays, in the end everywhere."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from watchers.polling import PLENTY, STARVED, Ask, Policy, Seen, grouped

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def seen(count: int, newest: datetime, span: timedelta) -> list[Seen]:
    """Return COUNT posts evenly over SPAN, newest first."""
    return [Seen(str(n), newest - span * n / max(count, 1)) for n in range(count)]


def policy_of(count: int, rate: float, **more: float) -> Policy:
    policy = Policy(rate, 20, **more)
    for n in range(count):
        policy.add(f"q{n}", 0.01, NOW, wait=10.0)
    return policy


def run(policy: Policy, minutes: int, start: datetime = NOW) -> list[tuple[datetime, Ask]]:
    """Look for MINUTES, second by second; nothing is ever found."""
    asked = []
    for n in range(minutes * 60):
        now = start + n * SECOND
        while (ask := policy.choose(now)) is not None:
            asked.append((now, ask))
            policy.observe(ask, now, [], full=False)
    return asked


@given(
    st.floats(0.02, 30),
    st.integers(1, 60),
    st.lists(st.tuples(st.integers(0, 25), st.booleans(), st.booleans()), max_size=60),
)
@settings(max_examples=100, deadline=None)
def test_whatever_comes_no_request_is_over_the_budget(
    rate: float, queries: int, answers: Sequence[tuple[int, bool, bool]]
) -> None:
    policy = policy_of(queries, rate, kept=3)
    times = []
    for n in range(400):
        now = NOW + n * 5 * SECOND
        count, full, fails = answers[n % len(answers)] if answers else (0, False, False)
        while (ask := policy.choose(now)) is not None:
            times.append(now)
            if fails:
                policy.failed(ask, now)
            else:
                policy.observe(ask, now, seen(count, now, 3 * MINUTE), full=full and count > 0)
    for i, begin in enumerate(times):
        within = [t for t in times[i:] if t - begin < 10 * MINUTE]
        assert len(within) <= 10 * rate + 3 + 1


def test_what_took_more_requests_is_paid_back() -> None:
    policy = policy_of(2, 1.0)
    ask = policy.choose(NOW)
    assert ask is not None
    policy.observe(ask, NOW, [], full=False, requests=5)
    assert run(policy, 4) == []
    assert len(run(policy, 2, NOW + 4 * MINUTE)) == 1


def test_every_query_is_looked_at_in_turn() -> None:
    asked = run(policy_of(30, 3.0), 30)
    counts = [sum(ask.query == f"q{n}" for _, ask in asked) for n in range(30)]
    assert min(counts) >= 2
    assert max(counts) <= 4


def test_busy_queries_are_looked_at_more_often_than_silent_ones() -> None:
    policy = Policy(2.0, 20)
    for name, rate in (("busy", 5.0), ("silent", 0.001)):
        policy.add(name, rate, NOW)
    for n in range(19):
        policy.add(f"other{n}", 0.001, NOW)
    run(policy, 3)
    assert policy.interval("busy") < policy.interval("silent") / 2


def test_two_posts_where_none_are_usual_bring_a_second_look_at_once() -> None:
    policy = policy_of(40, 2.0)
    first = NOW + 25 * MINUTE  # all were looked at once
    run(policy, 25)
    ask = policy.choose(first)
    assert ask is not None
    policy.observe(ask, first, seen(3, first, MINUTE), full=False)
    after = run(policy, 25, first + SECOND)
    waits = [now - first for now, other in after if other.query == ask.query]
    usual = timedelta(minutes=40 / 2)
    assert waits[0] < usual / 2.5


def interval_after(posts: Sequence[Seen], *, usual: float) -> float:
    """Minutes to the next look at a query where USUAL posts a minute are, once POSTS were seen."""
    policy = Policy(2.0, 20)
    for n in range(40):
        policy.add(f"q{n}", usual, NOW, wait=20.0)
    ask = policy.choose(NOW)
    assert ask is not None
    policy.observe(ask, NOW, posts, full=False)
    return policy.interval(ask.query)


def test_a_post_is_followed_the_sooner_the_less_is_usual() -> None:
    post = seen(1, NOW - SECOND, SECOND)
    silent, quiet = (interval_after(post, usual=usual) for usual in (0.001, 0.05))
    nothing = interval_after([], usual=0.001)
    assert silent < quiet
    assert silent < nothing / 2


def test_a_post_is_no_suspicion_once_a_crisis_would_have_shown() -> None:
    now, earlier = (
        interval_after(seen(2, NOW - age, SECOND), usual=0.001) for age in (SECOND, 18 * MINUTE)
    )
    assert now < earlier / 2


def test_an_evident_crisis_gets_what_its_posts_are_worth_and_is_suspect_anew_after_calm() -> None:
    policy = policy_of(40, 2.0)
    now = NOW
    ask = policy.choose(now)
    assert ask is not None
    intervals = []
    for _ in range(6):  # ten posts a minute
        policy.observe(ask, now, seen(10, now, MINUTE), full=False)
        intervals.append(policy.interval(ask.query))
        now += MINUTE
    assert intervals[0] < intervals[-1]  # doubt is worth more than the posts of a crisis
    calm = now + timedelta(hours=12)
    policy.observe(ask, calm, [], full=False)
    policy.observe(ask, calm + MINUTE, [], full=False)
    quiet = policy.interval(ask.query)
    policy.observe(ask, calm + 2 * MINUTE, seen(2, calm + 2 * MINUTE, SECOND), full=False)
    assert policy.interval(ask.query) < quiet / 2


def test_unread_pages_of_a_burst_go_before_looks_and_come_to_an_end() -> None:
    policy = policy_of(20, 2.0)
    run(policy, 12)
    now = NOW + 13 * MINUTE
    ask = policy.choose(now)
    assert ask is not None
    policy.observe(ask, now, seen(20, now, MINUTE), full=True)
    gaps = 0
    for n in range(240):
        later = now + n * SECOND
        while (next_ := policy.choose(later)) is not None:
            if next_.before is not None:
                assert next_.query == ask.query
                gaps += 1
                oldest = later - MINUTE * gaps
                policy.observe(next_, later, seen(20, oldest, MINUTE), full=gaps < 3)
            else:
                policy.observe(next_, later, [], full=False)
    assert gaps == 3


def test_what_an_outage_left_is_read_although_it_is_old() -> None:
    policy = policy_of(10, 1.0)
    policy.unread("q3", NOW - timedelta(hours=8), NOW - timedelta(hours=5))
    asked = run(policy, 30)
    assert [ask.query for _, ask in asked if ask.before is not None] == ["q3"]


def test_the_reserve_serves_bursts_and_nothing_else() -> None:
    calm = policy_of(2, 0.1, reserve=0.1)
    assert len(run(calm, 60)) <= 0.1 * 60 + 1
    busy = policy_of(2, 0.1, reserve=0.1)
    ask = busy.choose(NOW)
    assert ask is not None
    busy.observe(ask, NOW, seen(20, NOW, MINUTE), full=True)
    at_once = busy.choose(NOW)
    assert at_once is not None
    assert at_once.before is not None


def test_a_query_without_an_answer_waits_its_turn() -> None:
    policy = policy_of(3, 1.0)
    asked = []
    for n in range(3600):
        now = NOW + n * SECOND
        while (ask := policy.choose(now)) is not None:
            asked.append(ask.query)
            if ask.query == "q0":
                policy.failed(ask, now)
            else:
                policy.observe(ask, now, [], full=False)
    assert asked.count("q0") <= len(asked) / 2


def test_a_forgotten_query_is_never_asked_again() -> None:
    policy = policy_of(3, 1.0)
    policy.unread("q1", NOW - 60 * MINUTE, NOW)
    policy.remove("q1")
    assert {ask.query for _, ask in run(policy, 20)} == {"q0", "q2"}


def test_an_open_incident_keeps_its_queries_fresh() -> None:
    policy = policy_of(40, 2.0)
    before = policy.interval("q7")
    policy.incident("q7", 1.0)
    assert policy.interval("q7") < before
    policy.incident("q7", 0.0)
    assert policy.interval("q7") == before


def test_without_requests_nothing_is_asked_and_a_starved_account_reads_no_second_pages() -> None:
    policy = policy_of(3, 0.0)
    assert policy.choose(NOW) is None
    assert not policy.ready(NOW)
    policy.pace(0.01, kept=3, reserve=0.0)
    assert policy.manner is STARVED
    policy.pace(1.0, kept=3, reserve=0.0)
    assert policy.manner is PLENTY
    assert policy.ready(NOW)


@given(st.lists(st.floats(0, 3), max_size=40), st.integers(1, 10))
def test_groups_hold_every_keyword_once_and_busy_ones_stand_alone(
    rates: Sequence[float], size: int
) -> None:
    names = {f"k{n}": rate for n, rate in enumerate(rates)}
    groups = grouped(names, size)
    assert sorted(k for group in groups for k in group) == sorted(names)
    assert all(len(group) <= size for group in groups)
    assert all(len(group) == 1 for group in groups for k in group if names[k] >= 0.5)
