"""Recordings through the stages: calm ones stay calm, and a crisis is found in time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import shipped
from watchers.model import Client, Post
from watchers.recordings import Recording
from watchers.replay import Outcomes
from watchers.trial import replayed

BURST = datetime(2024, 11, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(days=7)


async def replay(
    posts: Sequence[Post], *names: str, budget: float | None = None, page: int = 20
) -> Outcomes:
    client = Client(id="client", name=names[0], names=names, channel="C1")
    return await replayed(client, posts, shipped.kit(), budget=budget, page=page)


def recorded(shared: Path, name: str) -> list[Post]:
    return list(Recording(shared / "data/microblogs/events" / f"{name}.jsonl.gz", skip_bad=True))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mixue_calm_2025", ("蜜雪冰城", "蜜雪")),
        ("moutai_calm_2018", ("茅台",)),
    ],
)
async def test_a_calm_stream_stays_below_one_incident_a_week(
    shared: Path, name: str, words: tuple[str, ...]
) -> None:
    found = await replay(recorded(shared, name), *words)
    assert found.start is not None
    assert found.end is not None
    assert found.matched > 100
    assert len(found.incidents) < (found.end - found.start) / WEEK


async def crisis(shared: Path, budget: float | None) -> Outcomes:
    posts = recorded(shared, "jiangping_alibaba_contest_2024")
    begin, end = BURST - timedelta(days=20), BURST + timedelta(hours=4)
    near = [p for p in posts if begin <= p.at < end]
    return await replay(near, "姜萍", "数学竞赛", budget=budget)


async def test_a_crisis_with_a_quiet_before_is_found_within_the_hour(shared: Path) -> None:
    found = await crisis(shared, None)
    opened = [i.opened_at for i in found.incidents if i.opened_at >= BURST]
    assert opened
    assert opened[0] - BURST <= timedelta(minutes=60)
    assert found.seen == found.posts


async def test_under_a_budget_it_is_found_as_well_and_no_request_too_many_is_made(
    shared: Path,
) -> None:
    found = await crisis(shared, 0.2)
    opened = [i.opened_at for i in found.incidents if i.opened_at >= BURST]
    assert opened
    assert opened[0] - BURST <= timedelta(minutes=60)
    assert found.start is not None
    assert found.end is not None
    minutes = (found.end - found.start + timedelta(hours=1)) / timedelta(minutes=1)
    assert 0 < found.requests <= 0.2 * minutes + 5


async def test_posts_of_nobody_s_client_change_nothing(shared: Path) -> None:
    posts = recorded(shared, "mixue_calm_2025")[:200]
    found = await replay([replace(p, text="今天天气真好") for p in posts], "奥岚")
    assert (found.matched, found.incidents, found.told) == (0, (), ())
