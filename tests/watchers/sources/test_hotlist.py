"""Hot lists: every shape read, ranks in order, and no silence where a list is cut off or walled."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from tests.watchers.sources.conftest import Clock
from watchers.errors import BadSetting
from watchers.http import Http
from watchers.model import Kind, Outcome, Page, Watermark
from watchers.sources.hotlist import BUILT_IN, Hotlist, List, read_list

TITLES = ("奥岚取暖器自燃", "周末去哪里看花", "今晚的月亮真圆")

# shapes by the public readers of these lists, not recordings; all values are invented
ANSWERS: dict[str, Any] = {
    "tencent": {
        "idlist": [
            {
                "newslist": [
                    {"id": "TOP", "title": "置顶"},
                    *(
                        {"id": f"2026A{n}", "title": t, "hotEvent": {"hotScore": 1000 - n}}
                        for n, t in enumerate(TITLES)
                    ),
                ]
            }
        ]
    },
    "netease": {"data": {"list": [{"docid": f"D{n}", "title": t} for n, t in enumerate(TITLES)]}},
    "sina": {
        "data": {
            "hotList": [
                {
                    "base": {"base": {"uniqueId": f"S{n}", "url": "https://news.example.cn/a"}},
                    "info": {"title": t, "hotValue": "123万"},
                }
                for n, t in enumerate(TITLES)
            ]
        }
    },
    "thepaper": {"data": {"hotNews": [{"contId": n, "name": t} for n, t in enumerate(TITLES, 1)]}},
    "baidu": {
        "cards": [
            {
                "content": [
                    {"word": t, "hotScore": "4987654", "index": n} for n, t in enumerate(TITLES)
                ]
            }
        ]
    },
}


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1") as made:
        yield made


def served(server: HTTPServer, http: Http, listed: List | None = None) -> tuple[Hotlist, str]:
    """Return the source with one list, which SERVER answers for."""
    query = server.url_for("/list?id=weibo#name=Weibo_hot_search")
    source = Hotlist(http, {"HOTLISTS": query})
    if listed is not None:
        source._lists[query] = replace(listed, url=server.url_for("/list"))
    return source, query


def newsnow(*titles: str) -> dict[str, Any]:
    return {
        "status": "success",
        "items": [{"id": t, "title": t, "url": "https://s.example/"} for t in titles],
    }


async def look(source: Hotlist, query: str, clock: Clock) -> Page:
    return await source.search(query, Watermark(), now=clock())


@pytest.mark.parametrize("name", BUILT_IN)
async def test_each_built_in_list_is_read_in_its_own_shape(
    name: str, server: HTTPServer, http: Http, clock: Clock
) -> None:
    server.expect_request("/robots.txt").respond_with_data("User-agent: *\nAllow: /")
    if BUILT_IN[name].shape.inside:
        body = json.dumps(ANSWERS[name])
        page_ = f"<html><!--s-data:{body}--><body></body></html>"
        server.expect_request("/list").respond_with_data(page_, content_type="text/html")
    else:
        server.expect_request("/list").respond_with_json(ANSWERS[name])
    source, query = served(server, http, BUILT_IN[name])
    page = await look(source, query, clock)
    assert page.outcome is Outcome.OK, page.detail
    assert [(p.rank, p.text) for p in page.posts] == list(enumerate(TITLES, 1))
    first = page.posts[0]
    assert (first.kind, first.publisher) == (Kind.HOT, BUILT_IN[name].name)
    assert first.url.startswith("https://")
    assert first.terms_class == "public-web"
    if BUILT_IN[name].shape.heat and name != "thepaper":
        assert first.heat is not None


async def test_a_list_of_one_s_own_server_is_read_and_an_entry_keeps_its_id_while_it_stands(
    server: HTTPServer, http: Http, clock: Clock
) -> None:
    source, query = served(server, http)
    server.expect_ordered_request("/list").respond_with_json(newsnow(*TITLES))
    server.expect_ordered_request("/list").respond_with_json(newsnow(*TITLES[::-1]))
    server.expect_ordered_request("/list").respond_with_json(newsnow(*TITLES[1:]))
    server.expect_ordered_request("/list").respond_with_json(newsnow(*TITLES))
    first = await look(source, query, clock)
    clock.forward(days=1)
    second = await look(source, query, clock)
    assert {p.text: p.id for p in first.posts} == {p.text: p.id for p in second.posts}
    assert [p.rank for p in second.posts] == [1, 2, 3]
    assert second.posts[0].text == TITLES[-1]
    await look(source, query, clock)
    again = await look(source, query, clock)  # it had left: a new entry
    assert again.posts[0].id not in {p.id for p in first.posts}
    assert again.posts[0].publisher == "Weibo hot search"


async def test_an_empty_or_shrunken_list_is_a_change_and_never_nothing(
    server: HTTPServer, http: Http, clock: Clock
) -> None:
    source, query = served(server, http)
    server.expect_ordered_request("/list").respond_with_json(newsnow(*map(str, range(20))))
    server.expect_ordered_request("/list").respond_with_json(newsnow(*map(str, range(9))))
    server.expect_ordered_request("/list").respond_with_json({"items": []})
    assert (await look(source, query, clock)).outcome is Outcome.OK
    shrunken = await look(source, query, clock)
    assert shrunken.outcome is Outcome.SCHEMA_CHANGED
    assert "9 entries where 20 are usual" in shrunken.detail
    assert (await look(source, query, clock)).outcome is Outcome.SCHEMA_CHANGED


async def test_a_list_that_stands_still_is_stale(
    server: HTTPServer, http: Http, clock: Clock
) -> None:
    source, query = served(server, http)
    server.expect_request("/list").respond_with_json(newsnow(*TITLES))
    assert (await look(source, query, clock)).outcome is Outcome.OK
    clock.forward(hours=6)
    stale = await look(source, query, clock)
    assert stale.outcome is Outcome.STALE
    assert "has not changed since 02 Mar 08:00 UTC" in stale.detail


async def test_robots_txt_is_asked_once_a_day_and_obeyed(
    server: HTTPServer, http: Http, clock: Clock
) -> None:
    server.expect_request("/robots.txt").respond_with_data("User-agent: *\nDisallow: /list")
    server.expect_request("/list").respond_with_json(ANSWERS["netease"])
    source, query = served(server, http, BUILT_IN["netease"])
    for _ in range(3):
        page = await look(source, query, clock)
        assert page.outcome is Outcome.BLOCKED
        assert "robots.txt" in page.detail
    assert [r.path for r, _ in server.log] == ["/robots.txt"]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("douyin", "give one of zhihu, weibo, tencent"),
        ("http://hot.example.org/x", "https"),
        ("https://hot.example.org/x#rows=a", "rows= is unknown"),
        ("https://hot.example.org/x#items=a..b", "items=a..b"),
    ],
)
def test_a_list_that_cannot_be_read_is_named_at_the_start(
    said: str, wrong: str, http: Http
) -> None:
    with pytest.raises(BadSetting, match="HOTLISTS") as error:
        Hotlist(http, {"HOTLISTS": said})
    assert wrong in str(error.value)


def test_another_shape_may_be_described_behind_the_address() -> None:
    listed = read_list(
        "https://h.example.org/l?id=x#items=data.rows&title=word&url=https://e.cn/{id}"
    )
    assert (listed.shape.items, listed.shape.title, listed.name) == (
        "data.rows", "word", "x at h.example.org",
    )  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["items", "id", "title", "url", "content", "0"]), inner)
    ),
    max_leaves=20,
)


@given(body=JSON)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_answer_has_an_outcome(
    body: object, server: HTTPServer, http: Http, clock: Clock
) -> None:
    server.clear()
    server.expect_request("/list").respond_with_json({"items": body})
    source, query = served(server, http)
    page = await look(source, query, clock)
    assert page.outcome in (Outcome.OK, Outcome.SCHEMA_CHANGED)
    assert all(p.text and p.rank for p in page.posts)
    assert timedelta(0) <= source.every


# ---------------------------------------------------------------------------------- official ones
ZHIHU = {
    "Code": 0,
    "Data": {
        "Items": [
            {"Title": t, "Url": f"https://www.zhihu.com/question/{n}"} for n, t in enumerate(TITLES)
        ]
    },
}
WEIBO = {
    "data": [
        {"id": 0, "word": "置顶", "num": 1},
        *(
            {
                "id": n,
                "word": t,
                "num": 900 - n,
                "flag": 4,
                "h5_query_link": f"https://s.example/{n}",
            }
            for n, t in enumerate(TITLES, 1)
        ),
    ]
}


def official(server: HTTPServer, http: Http, name: str) -> Hotlist:
    base = server.url_for("").rstrip("/")
    given = {
        "HOTLISTS": name,
        "HOTLIST_ZHIHU_SECRET": "demo-secret",
        "HOTLIST_ZHIHU_BASE_URL": base,
        "HOTLIST_WEIBO_TOKEN": "demo-secret",
        "HOTLIST_WEIBO_BASE_URL": base,
    }
    return Hotlist(http, given)


@pytest.mark.parametrize("name", ["zhihu", "weibo"])
async def test_the_official_lists_are_read_with_their_token_every_quarter_of_an_hour(
    name: str, server: HTTPServer, http: Http, clock: Clock
) -> None:
    server.expect_request(
        "/api/v1/content/hot_list", headers={"Authorization": "Bearer demo-secret"}
    ).respond_with_json(ZHIHU)
    server.expect_request(
        "/2/search/hot_word/biz.json", query_string={"access_token": "demo-secret", "count": "50"}
    ).respond_with_json(WEIBO)
    source = official(server, http, name)
    page = await look(source, name, clock)
    assert page.outcome is Outcome.OK, page.detail
    assert [(p.rank, p.text) for p in page.posts] == list(enumerate(TITLES, 1))
    assert {p.terms_class for p in page.posts} == {"official"}
    assert all(p.url.startswith("https://") for p in page.posts)
    assert (page.posts[0].heat is not None) == (name == "weibo")
    clock.forward(minutes=10)
    page = await look(source, name, clock)
    assert (page.outcome, page.requests, page.posts) == (Outcome.OK_EMPTY, 0, ())
    clock.forward(minutes=5)
    assert (await look(source, name, clock)).requests == 1


@pytest.mark.parametrize(
    ("name", "body", "outcome"),
    [
        ("zhihu", {"Code": 30002, "Data": None}, Outcome.QUOTA_EXHAUSTED),
        ("zhihu", {"Code": 0, "Data": {"Items": []}}, Outcome.SCHEMA_CHANGED),
        ("weibo", {"error_code": 21301, "error": "auth by Null spi!"}, Outcome.AUTH_REQUIRED),
        ("weibo", {"error_code": 10014, "error": "permission"}, Outcome.PLAN_REQUIRED),
        ("weibo", {"data": {}}, Outcome.SCHEMA_CHANGED),
    ],
)
async def test_their_codes_are_outcomes(
    name: str, body: object, outcome: Outcome, server: HTTPServer, http: Http
) -> None:
    clock = Clock()
    server.expect_request("/api/v1/content/hot_list").respond_with_json(body)
    server.expect_request("/2/search/hot_word/biz.json").respond_with_json(body)
    assert (await look(official(server, http, name), name, clock)).outcome is outcome


@pytest.mark.parametrize(
    ("name", "setting"), [("zhihu", "HOTLIST_ZHIHU_SECRET"), ("weibo", "HOTLIST_WEIBO_TOKEN")]
)
def test_an_official_list_without_its_token_stops_the_start(
    name: str, setting: str, http: Http
) -> None:
    with pytest.raises(BadSetting, match=setting):
        Hotlist(http, {"HOTLISTS": name})
