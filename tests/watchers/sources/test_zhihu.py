"""Zhihu's open platform: its codes, its clock, one page, and the portals by host filter."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo import platforms as server
from tests.watchers.sources.conftest import T0, World, a_post
from watchers.model import Kind, Outcome, Post, Watermark
from watchers.sources.zhihuweb import PORTALS, host_filter

NEXT_DAY_IN_CHINA = T0.replace(hour=16)  # 2 March 16:00 UTC is 3 March 00:00 there


@pytest.mark.parametrize("name", ["zhihu", "zhihuweb"])
@pytest.mark.parametrize(
    ("code", "outcome", "until"),
    [
        (10001, Outcome.SCHEMA_CHANGED, None),
        (20001, Outcome.AUTH_REQUIRED, None),
        (30001, Outcome.RATE_LIMITED, T0 + timedelta(minutes=1)),
        (30002, Outcome.QUOTA_EXHAUSTED, NEXT_DAY_IN_CHINA),
        (30003, Outcome.BLOCKED, T0 + timedelta(hours=6)),
        (90001, Outcome.DOWN, None),
        (77, Outcome.SCHEMA_CHANGED, None),
    ],
)
async def test_the_codes_of_the_platform_are_outcomes(
    name: str, code: int, outcome: Outcome, until: object, world: World
) -> None:
    for status in (200, 400):
        world.platform(name).fail(server.status(status, {"Code": code, "Data": None}))
        page = await world.ask(name)
        assert (page.outcome, page.until) == (outcome, until)
        assert str(code) in page.detail


async def test_a_refused_secret_names_a_clock_that_is_off(world: World) -> None:
    date = "Mon, 02 Mar 2026 08:25:00 GMT"
    fault = server.status(401, {"Code": 20001}, Date=date)
    world.platform("zhihu").fail(fault)
    page = await world.ask("zhihu")
    assert page.outcome is Outcome.AUTH_REQUIRED
    assert "clock is 25 min off" in page.detail


async def test_an_edited_link_is_the_same_text_and_emphasis_is_no_word(world: World) -> None:
    item = {
        "Title": "<em>奥岚</em>回应",
        "ContentText": "……<em>奥岚</em>今天说……",
        "Url": "https://zhuanlan.zhihu.com/p/1?utm_x=1",
        "AuthorName": "示例",
        "EditTime": 1772430000,
        "VoteUpCount": 8,
    }
    again = item | {"Url": "https://zhuanlan.zhihu.com/p/1/?utm_x=2#a"}
    platform = world.platform("zhihu")
    posts: list[Post] = []
    for raw in (item, again):
        platform.fail(server.says({"Code": 0, "Data": {"Items": [raw]}}))
        posts += (await world.ask("zhihu")).posts
    assert posts[0].id == posts[1].id
    assert posts[0].url == "https://zhuanlan.zhihu.com/p/1"
    assert posts[0].text == "奥岚回应\n……奥岚今天说……"
    assert (posts[0].likes, posts[0].comments) == (8, None)
    assert posts[0].created_precision == timedelta(days=1)  # edited then, published before


@pytest.mark.parametrize("item", [{}, {"Url": 3}, {"Url": "javascript:alert(1)"}, "x", None])
async def test_items_without_a_link_are_no_items(item: object, world: World) -> None:
    world.platform("zhihu").fail(server.says({"Code": 0, "Data": {"Items": [item]}}))
    assert (await world.ask("zhihu")).outcome is Outcome.SCHEMA_CHANGED


async def test_a_word_that_is_too_short_is_not_asked_for(world: World) -> None:
    page = await world.ask("zhihu", "奥")
    assert (page.outcome, page.requests) == (Outcome.SCHEMA_CHANGED, 0)
    assert "2 to 100 characters" in page.detail
    assert world.platform("zhihu").asked == []


async def test_the_quota_that_is_left_is_told_and_kept_to(world: World) -> None:
    source = world.source("zhihu", ZHIHU_SEARCHES_PER_DAY="1")
    assert await source.check(world.clock()) == (Outcome.OK, "works; zhihu_search: 4990 left")
    page = await source.search("奥岚", Watermark(), now=world.clock())
    assert page.outcome is Outcome.QUOTA_EXHAUSTED
    assert "our own limit of 1 searches a day" in page.detail


async def test_one_search_asks_for_all_portals_and_names_them(world: World) -> None:
    web = world.platform("zhihuweb")
    at = world.clock() - timedelta(hours=1)
    web.add(
        replace(a_post("zhihuweb", n, at), publisher=host)
        for n, host in enumerate(
            ("news.sina.com.cn", "www.sohu.com", "www.163.com", "new.qq.com", "www.people.com.cn")
        )
    )
    page = await world.ask("zhihuweb")
    assert page.requests == 1
    assert {p.publisher for p in page.posts} == {"新浪", "搜狐", "网易", "腾讯网", "人民网"}
    assert {p.kind for p in page.posts} == {Kind.ARTICLE}


async def test_where_one_page_does_not_hold_all_each_portal_is_asked_for(world: World) -> None:
    source = world.source("zhihuweb")
    first = await source.search("奥岚", Watermark(), now=world.clock())
    web = world.platform("zhihuweb")
    world.clock.forward(hours=1)
    at = world.clock() - timedelta(minutes=5)
    web.add(replace(a_post("zhihuweb", n, at), publisher="www.163.com") for n in range(22))
    web.add(
        replace(a_post("zhihuweb", n, at - timedelta(minutes=9)), publisher="www.sohu.com")
        for n in range(50, 55)
    )
    page = await source.search("奥岚", first.watermark, now=world.clock())
    assert page.requests == 1 + len(PORTALS)
    assert sum(p.publisher == "搜狐" for p in page.posts) == 5
    assert page.outcome is Outcome.PARTIAL  # NetEase alone fills a page
    web.fail(server.status(429), after=2)
    world.clock.forward(hours=1)
    page = await source.search("奥岚", first.watermark, now=world.clock())
    assert page.outcome is Outcome.PARTIAL
    assert "not every portal was asked" in page.detail
    assert page.posts


def test_the_filter_is_written_as_the_platform_reads_it() -> None:
    assert host_filter(["a.cn"], None) == 'host=="a.cn"'
    both = host_filter(["a.cn", "b.cn"], T0)
    assert both == f'(host=="a.cn" OR host=="b.cn") AND publish_time>={int(T0.timestamp())}'
