"""Sina's roll: pages that drift, times as text and numbers, no JSONP, robots, a roll that stops."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo import platforms as server
from tests.watchers.sources.conftest import T0, World, a_post
from watchers.errors import BadSetting
from watchers.model import Kind, Outcome, Post, Watermark

ROLL = "sinaroll"
ITEM = {
    "title": "奥岚回应取暖器<b>冒烟</b>",
    "intro": "示例摘要",
    "url": "https://news.sina.com.cn/c/x.shtml?utm_a=1#b",
    "media_name": "示例晚报",
    "intime": "1772430000",
    "mtime": 1772433600,
}


def answer(*items: object) -> dict[str, object]:
    return {"result": {"data": list(items)}}


async def read(world: World, *items: object) -> tuple[Outcome, tuple[Post, ...], str]:
    world.platform(ROLL).fail(server.says(answer(*items)))
    page = await world.ask(ROLL, "2509")
    return page.outcome, page.posts, page.detail


async def test_an_article_keeps_its_medium_and_its_time_as_text_or_number(world: World) -> None:
    for ctime in ("1772438000", 1772438000):
        outcome, (post,), _ = await read(world, ITEM | {"ctime": ctime})
        assert outcome is Outcome.OK
        assert post == replace(
            a_post(ROLL, 0, T0),
            id=post.id,
            url="https://news.sina.com.cn/c/x.shtml",
            text="奥岚回应取暖器冒烟\n示例摘要",
            author=post.author,
            created_at=T0 - timedelta(seconds=400),
            kind=Kind.ARTICLE,
            partial_text=True,
            publisher="示例晚报",
            terms_class="public-web",
        )


async def test_without_ctime_the_next_best_time_is_taken_and_none_is_made_up(world: World) -> None:
    _, (post,), _ = await read(world, ITEM)
    assert post.created_at == T0 - timedelta(seconds=8400)
    _, (post,), _ = await read(world, ITEM | {"intime": "soon", "mtime": None})
    assert post.created_at is None


@pytest.mark.parametrize("items", [[], [1, None], [{"title": "x"}], [{"url": ITEM["url"]}]])
async def test_a_roll_without_articles_is_broken_never_empty(
    items: list[object], world: World
) -> None:
    assert (await read(world, *items))[0] is Outcome.SCHEMA_CHANGED


async def test_a_roll_that_stands_still_is_stale(world: World) -> None:
    outcome, posts, detail = await read(world, ITEM | {"ctime": "1771430000"})
    assert (outcome, posts) == (Outcome.STALE, ())
    assert "stands still" in detail


async def test_jsonp_is_refused_and_never_asked_for(world: World) -> None:
    text = 'callback({"result":{"data":[]}})'
    world.platform(ROLL).fail(server.page(text, kind="application/javascript"))
    assert (await world.ask(ROLL, "2509")).outcome is Outcome.SCHEMA_CHANGED
    assert all("callback" not in asked.query for asked in world.platform(ROLL).asked)


async def test_pages_that_drift_bring_each_article_once(world: World) -> None:
    platform = world.platform(ROLL)
    start = world.clock() - timedelta(hours=2)
    platform.add(a_post(ROLL, n, start + timedelta(minutes=n)) for n in range(70))
    source = world.source(ROLL)
    first = await source.search("2509", Watermark(), now=world.clock())
    assert (len(first.posts), first.requests) == (70, 3)  # robots.txt, two pages
    world.clock.forward(minutes=5)
    platform.add([a_post(ROLL, 900, world.clock() - timedelta(minutes=1))])
    second = await source.search("2509", first.watermark, now=world.clock())
    assert second.outcome is Outcome.OK
    assert len(second.posts) == len({p.id for p in second.posts}) == 50
    assert second.requests == 1


async def test_where_robots_keep_us_out_nothing_is_read(world: World) -> None:
    refusing = server.page("User-agent: *\nDisallow: /", kind="text/plain")
    world.platforms.feed.fail(refusing, path="robots.txt")
    page = await world.ask(ROLL, "2509")
    assert page.outcome is Outcome.BLOCKED
    assert "robots.txt" in page.detail
    assert world.platform(ROLL).asked == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SINAROLL_CHANNELS", "2509 9999", "9999 is no channel"),
        ("SINAROLL_EVERY", "30", "once a minute"),
        ("SINAROLL_BASE_URL", "ftp://x", "https"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(
    name: str, value: str, words: str, world: World
) -> None:
    with pytest.raises(BadSetting, match=words) as raised:
        world.source(ROLL, **{name: value})
    assert name in str(raised.value)


async def test_the_reason_is_asked_for_and_shown(world: World) -> None:
    world.platform(ROLL).add([a_post(ROLL, 1, world.clock() - timedelta(minutes=3))])
    outcome, words = await world.source(ROLL).check(world.clock())
    assert (outcome, words.endswith("enabled because: own brand, asked counsel")) == (
        Outcome.OK,
        True,
    )
