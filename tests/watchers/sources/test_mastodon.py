"""Mastodon: tags, words where a server can search them, and timelines that only look empty."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo import platforms as server
from bot.demo.platforms import Platforms
from tests.watchers.sources.conftest import T0, Clock, a_post
from watchers.http import Http
from watchers.model import Author, Kind, Outcome, Page, Post, Watermark
from watchers.shapes.mastodon import clocked, read_status
from watchers.sources.mastodon import NO_SEARCH, Mastodon

RAW = Path("data/microblogs/raw/mastodon")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def posts(platforms: Platforms) -> None:
    platforms.mastodon.add([a_post("mastodon", n, T0 - timedelta(minutes=n)) for n in (1, 2, 3)])


def source(platforms: Platforms, http: Http, *, token: bool = True) -> Mastodon:
    settings = platforms.settings()
    return Mastodon(http, settings if token else settings | {"MASTODON_TOKEN": ""})


async def ask(source: Mastodon, query: str, since: Watermark | None = None) -> Page:
    return await source.search(query, since or Watermark(), now=T0)


def paths(platforms: Platforms) -> list[str]:
    return [a.path for a in platforms.mastodon.asked]


async def test_a_query_with_a_hash_reads_the_tag(platforms: Platforms, http: Http) -> None:
    page = await ask(source(platforms, http, token=False), "#奥岚")
    assert (page.outcome, len(page.posts), page.detail) == (Outcome.OK, 3, "")
    assert paths(platforms) == ["/api/v2/instance", *["/api/v1/timelines/tag/奥岚"] * 2]


async def test_words_without_a_token_read_the_tag_and_say_so(
    platforms: Platforms, http: Http
) -> None:
    page = await ask(source(platforms, http, token=False), "奥岚")
    assert len(page.posts) == 3
    assert page.detail == "only the tag #奥岚 is read"


async def test_a_server_that_cannot_search_is_found_out_and_its_tags_read(
    platforms: Platforms, http: Http
) -> None:
    platforms.full_text = False
    mastodon = source(platforms, http)
    page = await ask(mastodon, "奥岚")
    assert (page.outcome, len(page.posts)) == (Outcome.OK, 3)
    assert "only the tag" in page.detail
    assert page.requests == len(platforms.mastodon.asked)
    assert await mastodon.check(T0) == (Outcome.PLAN_REQUIRED, NO_SEARCH)
    platforms.full_text = True
    assert (await mastodon.check(T0))[0] is Outcome.OK
    assert (await ask(mastodon, "奥岚")).detail == ""


async def test_nothing_found_is_nothing_where_common_words_are_found(
    platforms: Platforms, http: Http
) -> None:
    page = await ask(source(platforms, http), "没有人说过")
    assert (page.outcome, page.detail) == (Outcome.OK_EMPTY, "")


@pytest.mark.parametrize("token", [True, False], ids=["with a token", "without"])
async def test_a_closed_timeline_looks_empty_and_is_not(
    platforms: Platforms, http: Http, *, token: bool
) -> None:
    platforms.open_timelines = False
    page = await ask(source(platforms, http, token=token), "#奥岚")
    if token:
        assert (page.outcome, len(page.posts)) == (Outcome.OK, 3)
    else:
        assert (page.outcome, page.posts) == (Outcome.AUTH_REQUIRED, ())
        assert "MASTODON_TOKEN" in page.detail


@pytest.mark.parametrize(
    ("access", "outcome", "local"),
    [
        ({"local": "public", "remote": "authenticated"}, Outcome.OK, "true"),
        ({"local": "public", "remote": "public"}, Outcome.OK, None),
        ({"local": "disabled", "remote": "disabled"}, Outcome.AUTH_REQUIRED, None),
        (None, Outcome.OK, None),
    ],
    ids=["remote posts are closed", "all is open", "all is closed", "an older server"],
)
async def test_the_server_says_which_timelines_are_open(
    platforms: Platforms,
    http: Http,
    access: dict[str, str] | None,
    outcome: Outcome,
    local: str | None,
) -> None:
    feeds = {"hashtag_feeds": access} if access else None
    rules = {"configuration": {"timelines_access": feeds}}
    platforms.mastodon.fail(server.says(rules), path="instance")
    page = await ask(source(platforms, http, token=False), "#奥岚")
    assert page.outcome is outcome
    assert platforms.mastodon.asked[-1].query.get("local") == local


async def test_a_tag_nobody_used_is_nothing(platforms: Platforms, http: Http) -> None:
    mastodon = source(platforms, http, token=False)
    await ask(mastodon, "#奥岚")
    platforms.mastodon.fail(server.status(404, {"error": "Record not found"}))
    assert (await ask(mastodon, "#无人")).outcome is Outcome.OK_EMPTY


async def test_a_method_for_users_only_wants_a_login(platforms: Platforms, http: Http) -> None:
    refusal = {"error": "This method requires an authenticated user"}
    platforms.mastodon.fail(server.status(422, refusal))
    assert (await ask(source(platforms, http), "奥岚")).outcome is Outcome.AUTH_REQUIRED


async def test_a_tag_is_read_page_by_page_and_its_gap_filled(
    platforms: Platforms, http: Http, clock: Clock
) -> None:
    mastodon = source(platforms, http, token=False)
    since = (await ask(mastodon, "#奥岚")).watermark
    now = clock.forward(hours=2)
    platforms.mastodon.add(
        [a_post("mastodon", n, now - timedelta(seconds=n)) for n in range(1000, 1160)]
    )
    first = await mastodon.search("#奥岚", since, now=now, max_pages=2)
    assert (first.outcome, len(first.posts)) == (Outcome.PARTIAL, 80)
    second = await mastodon.search("#奥岚", first.watermark, now=now, max_pages=5)
    assert (second.outcome, second.watermark.gaps) == (Outcome.OK, ())
    assert len({p.id for p in [*first.posts, *second.posts]}) == 163


# ---------------------------------------------------------------------------------------- parser
def recorded(shared: Path, name: str) -> Any:
    told = json.loads((shared / RAW / name).read_text())
    return (told[0] if isinstance(told, list) else told)["response"]["body"]


@pytest.mark.parametrize(
    ("name", "count", "hidden"),
    [("timeline_tag_mastodon_social.json", 5, 0), ("timeline_public_mastodon_social.json", 20, 1)],
)
def test_recorded_timelines_are_read_whole(
    shared: Path, name: str, count: int, hidden: int
) -> None:
    body = recorded(shared, name)
    read = [p for raw in body if (p := read_status(raw, NOW)) is not None]
    assert len(body) == count
    assert len(read) == count - hidden
    assert all(p.created_at and p.url and p.text and "<" not in p.text for p in read)
    assert all(clocked(p) for p in read)


def test_a_recorded_post_is_read_to_the_last_field(shared: Path) -> None:
    raw = recorded(shared, "timeline_tag_mastodon_social.json")[0]
    post = read_status(raw, NOW)
    assert post is not None
    assert len(post.text) > 100
    assert "<" not in post.text
    assert post == Post(
        source="mastodon",
        id="114870142396314555",
        url=raw["url"],
        text=post.text,
        author=Author(
            id="113239269031500996",
            handle="user_962e16fe@rstats.me",
            display="user_d993ce7b",
            followers=656,
            since=datetime(2025, 4, 20, tzinfo=UTC),
        ),
        created_at=datetime(2025, 7, 17, 19, 7, 48, tzinfo=UTC),
        retrieved_at=NOW,
        quoted=post.quoted,
        reposts=0,
        comments=0,
        likes=0,
        lang="en",
    )


def test_a_recorded_empty_search_is_a_list(shared: Path) -> None:
    assert recorded(shared, "test_search.json")["statuses"] == []


TOOT: dict[str, Any] = {
    "id": "114870142396314555",
    "created_at": "2025-07-17T19:07:48.000Z",
    "url": "https://m.example/@a/1",
    "content": "<p>奥岚</p>",
    "account": {"id": "1", "acct": "a@m.example"},
}


@pytest.mark.parametrize(
    ("more", "field", "value"),
    [
        ({"spoiler_text": "警告"}, "text", "警告\n奥岚"),
        ({"in_reply_to_id": "7"}, "kind", Kind.REPLY),
        ({"in_reply_to_id": "7"}, "parent_id", "7"),
        ({"reblog": {"id": "8", "content": "<p>原文</p>"}}, "quoted", "原文"),
        ({"reblog": {"id": "8", "content": "<p>原文</p>"}}, "text", ""),
        ({"reblog": {"id": "8", "content": "<p>原文</p>"}}, "kind", Kind.REPOST),
        ({"quote": {"quoted_status": {"id": "9", "content": "引"}}}, "quoted", "引"),
        ({"quote": {"quoted_status": {"id": "9", "content": "引"}}}, "text", "奥岚"),
        ({"card": {"title": "门店关门"}}, "quoted", "门店关门"),
        ({"url": "javascript:alert(1)"}, "url", ""),
        ({"reblogs_count": None}, "reposts", None),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value)[:60],
)
def test_fields_are_read_as_they_come(more: dict[str, Any], field: str, value: object) -> None:
    post = read_status(TOOT | more, NOW)
    assert getattr(post, field) == value


def test_who_asks_not_to_be_indexed_is_left_out() -> None:
    account = TOOT["account"] | {"noindex": True}
    assert read_status(TOOT | {"account": account}, NOW) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "account", "content", "reblog", "quote", "quoted_status", "card", "url"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=20,
    )
)
def test_the_parser_survives_any_json(raw: object) -> None:
    post = read_status(raw, NOW)
    assert post is None or post.id
    for key in ("reblog", "quote", "card", "created_at", "language", "replies_count"):
        assert read_status(TOOT | {key: raw}, NOW) is not None
