"""Weibo's commercial search: its codes, cut texts, and the wall that a walk by time goes round."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo import platforms as server
from tests.watchers.sources.conftest import T0, World, a_post
from tests.watchers.sources.served.weibo_business import WALL, error
from watchers.model import Outcome, Watermark

NAME = "weibo_business"


async def refused(world: World, status: int, code: int) -> tuple[Outcome, timedelta | None, str]:
    body = {"error_code": code, "error": "words of the server"}
    world.platform(NAME).fail(server.status(status, body))
    page = await world.ask(NAME)
    return page.outcome, page.until - T0 if page.until else None, page.detail


@pytest.mark.parametrize("status", [200, 400, 403])
@pytest.mark.parametrize(
    ("code", "outcome", "wait"),
    [
        (21301, Outcome.AUTH_REQUIRED, None),
        (10006, Outcome.AUTH_REQUIRED, None),
        (10014, Outcome.PLAN_REQUIRED, None),
        (10022, Outcome.RATE_LIMITED, timedelta(minutes=1)),
        (10023, Outcome.RATE_LIMITED, timedelta(minutes=1)),
        (10024, Outcome.RATE_LIMITED, timedelta(minutes=1)),
    ],
)
async def test_the_codes_are_outcomes_whatever_the_status(
    status: int, code: int, outcome: Outcome, wait: timedelta | None, world: World
) -> None:
    found = await refused(world, status, code)
    assert found[:2] == (outcome, wait)
    assert str(code) in found[2]


async def test_an_unknown_code_is_a_change(world: World) -> None:
    assert (await refused(world, 200, 99999))[0] is Outcome.SCHEMA_CHANGED
    assert error(403, 21301, "x").status == 403


async def test_a_text_that_was_cut_says_so(world: World) -> None:
    at = world.clock() - timedelta(minutes=3)
    long, short = "奥岚" + "很" * 138, "奥岚" + "很" * 137
    world.platform(NAME).add([a_post(NAME, 1, at, text=long), a_post(NAME, 2, at, text=short)])
    found = {p.text: p.partial_text for p in (await world.ask(NAME)).posts}
    assert found == {long: True, short: False}


async def test_behind_the_wall_of_a_thousand_the_walk_goes_on_by_time(world: World) -> None:
    start = world.clock() - timedelta(hours=3)
    source = world.source(NAME)
    first = await source.search("奥岚", Watermark(at=start), now=start)
    many = WALL + 200
    world.platform(NAME).add(
        a_post(NAME, n, start + timedelta(minutes=1, seconds=8 * n)) for n in range(many)
    )
    page = await source.search("奥岚", first.watermark, now=world.clock(), max_pages=40)
    assert page.outcome is Outcome.OK
    assert len(page.posts) == many
    assert all(asked.query["page"] == "1" for asked in world.platform(NAME).asked)


async def test_more_posts_of_one_second_than_a_page_holds_are_paged(world: World) -> None:
    at = world.clock() - timedelta(minutes=3)
    world.platform(NAME).add(a_post(NAME, n, at) for n in range(120))
    page = await world.ask(NAME)
    assert len({p.id for p in page.posts}) == 120


async def test_a_gap_is_entered_at_its_end(world: World) -> None:
    platform = world.platform(NAME)
    start = world.clock() - timedelta(hours=5)
    source = world.source(NAME)
    mark = (await source.search("奥岚", Watermark(at=start), now=start)).watermark
    platform.add(a_post(NAME, n, start + timedelta(seconds=30 * n)) for n in range(590))
    first = await source.search("奥岚", mark, now=world.clock(), max_pages=2)
    assert first.outcome is Outcome.PARTIAL
    (gap,) = first.watermark.gaps
    before = len(platform.asked)
    world.clock.forward(minutes=1)
    await source.search("奥岚", first.watermark, now=world.clock(), max_pages=2)
    ends = [asked.query.get("endtime") for asked in platform.asked[before:]]
    assert ends == [None, str(int(gap.end.timestamp()))]


async def test_what_no_query_may_hold_is_left_out(world: World) -> None:
    world.platform(NAME).add([a_post(NAME, 1, world.clock() - timedelta(minutes=2))])
    page = await world.ask(NAME, '{奥岚}"')
    assert len(page.posts) == 1


async def test_what_was_deleted_is_told(world: World) -> None:
    post = replace(a_post(NAME, 1, world.clock() - timedelta(minutes=2)))
    world.platform(NAME).add([post])
    world.platform(NAME).delete(post.id)
    page = await world.ask(NAME)
    assert (page.posts, page.deleted) == ((), (post.id,))
