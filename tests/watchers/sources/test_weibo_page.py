"""The public page: off without a reason, slow, plain, and honest about being refused."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo import platforms as server
from tests.watchers.sources.conftest import T0, World, a_post
from watchers.errors import BadSetting
from watchers.model import Outcome, Watermark
from watchers.sources import SOURCES, set_up

NAME = "weibo_page"
SIX = timedelta(hours=6)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        pytest.param(
            server.says({"ok": 0, "msg": "这里还没有内容", "data": {"cards": []}}),
            Outcome.OK_EMPTY,
            id="nothing there",
        ),
        pytest.param(
            server.says({"ok": -100, "url": "https://passport.example.cn/"}),
            Outcome.AUTH_REQUIRED,
            id="the visitor wall in JSON",
        ),
        pytest.param(server.login_wall(), Outcome.AUTH_REQUIRED, id="the visitor wall"),
        pytest.param(
            server.redirect("https://passport.weibo.com/visitor"),
            Outcome.AUTH_REQUIRED,
            id="sent to the passport",
        ),
        pytest.param(
            server.status(403, {"error": "Forbidden"}), Outcome.AUTH_REQUIRED, id="forbidden"
        ),
        pytest.param(server.status(432), Outcome.BLOCKED, id="432"),
        pytest.param(server.status(418), Outcome.BLOCKED, id="418"),
        pytest.param(server.status(414), Outcome.BLOCKED, id="414"),
        pytest.param(server.says({"data": {"cards": []}}), Outcome.SCHEMA_CHANGED, id="no word"),
        pytest.param(
            server.says({"ok": 0, "msg": "操作过于频繁"}), Outcome.RATE_LIMITED, id="too often"
        ),
    ],
)
async def test_every_answer_that_was_seen_is_an_outcome_and_refusals_end_it_for_six_hours(
    fault: server.Fault, outcome: Outcome, world: World
) -> None:
    world.platform(NAME).fail(fault)
    page = await world.ask(NAME)
    assert page.outcome is outcome, page.detail
    if outcome in (Outcome.AUTH_REQUIRED, Outcome.BLOCKED):
        assert page.until == T0 + SIX
    assert page.posts == ()


async def test_it_asks_as_itself_without_cookies_for_page_1_alone(world: World) -> None:
    platform = world.platform(NAME)
    platform.add(a_post(NAME, n, T0 - timedelta(minutes=n)) for n in range(1, 31))
    source = world.source(NAME)
    first = await source.search("奥岚", Watermark(), now=world.clock())
    assert len(first.posts) == 10
    assert {p.terms_class for p in first.posts} == {"public-web"}
    world.clock.forward(hours=1)
    platform.add(a_post(NAME, n, T0 + timedelta(minutes=n)) for n in range(40, 55))
    second = await source.search("奥岚", first.watermark, now=world.clock())
    assert second.outcome is Outcome.PARTIAL  # there was more than page 1 holds
    assert [a.query["page"] for a in platform.asked] == ["1", "1"]


async def test_robots_come_first(world: World) -> None:
    world.platforms.feed.fail(
        server.page("User-agent: *\nDisallow: /", kind="text/plain"), path="robots.txt"
    )
    page = await world.ask(NAME)
    assert (page.outcome, page.until) == (Outcome.BLOCKED, T0 + timedelta(days=1))
    assert world.platform(NAME).asked == []


async def test_it_is_off_without_a_reason_and_never_fast(world: World) -> None:
    assert NAME not in set_up(world.http, {"WEIBO_PAGE_EVERY": "1800"})
    for name, value in (("WEIBO_PAGE_REASON", "because"), ("WEIBO_PAGE_EVERY", "60")):
        with pytest.raises(BadSetting, match=name):
            world.source(NAME, **{name: value})
    outcome, words = await world.source(NAME).check(world.clock())
    assert outcome is Outcome.OK
    assert words.endswith("enabled because: our own brand; counsel has agreed")
    assert all(not s.secret for s in SOURCES[NAME].settings)  # no login is ever asked for


async def test_recorded_pages_are_read(world: World, shared: Path) -> None:
    folder = shared / "data/microblogs/raw/weibo"
    body = json.loads((folder / "search_container_100103type60.json").read_text())
    world.platform(NAME).fail(server.says(body))
    page = await world.ask(NAME)
    assert page.outcome in (Outcome.OK, Outcome.OK_EMPTY), page.detail
    wall = (folder / "sina_visitor_system_1.html").read_text()
    world.platform(NAME).fail(server.page(wall))
    assert (await world.ask(NAME)).outcome is Outcome.AUTH_REQUIRED
