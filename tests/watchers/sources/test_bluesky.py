"""Bluesky: one session kept and renewed, and posts as its servers were recorded to give them."""

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
from watchers.sources.bluesky import Bluesky, read_view

RAW = Path("data/microblogs/raw/bluesky")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def source(platforms: Platforms, http: Http) -> Bluesky:
    platforms.bluesky.add([a_post("bluesky", n, T0 - timedelta(minutes=n)) for n in (1, 2, 3)])
    return Bluesky(http, platforms.settings())


async def ask(source: Bluesky, clock: Clock) -> Page:
    return await source.search("奥岚", Watermark(), now=clock())


def called(platforms: Platforms) -> list[str]:
    """Return the methods that were called, in order."""
    return [a.path.rsplit(".", 1)[-1] for a in platforms.bluesky.asked]


async def test_it_logs_in_once_and_not_for_every_round(
    source: Bluesky, platforms: Platforms, clock: Clock
) -> None:
    pages = [await ask(source, clock) for _ in range(3)]
    assert called(platforms) == ["createSession", *["searchPosts"] * 3]
    assert [p.requests for p in pages] == [2, 1, 1]


async def test_a_worn_session_is_refreshed_and_the_question_asked_again(
    source: Bluesky, platforms: Platforms, clock: Clock
) -> None:
    await ask(source, clock)
    platforms.expire_session()
    page = await ask(source, clock)
    assert (page.outcome, page.requests, len(page.posts)) == (Outcome.OK, 3, 3)
    assert called(platforms)[2:] == ["searchPosts", "refreshSession", "searchPosts"]


async def test_a_refresh_that_is_refused_leads_to_one_login(
    source: Bluesky, platforms: Platforms, clock: Clock
) -> None:
    await ask(source, clock)
    platforms.expire_session()
    worn = server.status(400, {"error": "ExpiredToken"})
    platforms.bluesky.fail(worn, after=1)
    page = await ask(source, clock)
    assert page.outcome is Outcome.OK
    assert called(platforms)[3:] == ["refreshSession", "createSession", "searchPosts"]


async def test_a_session_that_does_not_help_wants_a_login(
    source: Bluesky, platforms: Platforms, clock: Clock
) -> None:
    worn = server.status(400, {"error": "ExpiredToken"})
    platforms.bluesky.fail(worn, after=1)
    platforms.bluesky.fail(worn, after=1)
    page = await ask(source, clock)
    assert page.outcome is Outcome.AUTH_REQUIRED
    assert called(platforms) == ["createSession", "searchPosts", "refreshSession", "searchPosts"]


async def test_a_wrong_password_is_not_tried_again_and_again(
    platforms: Platforms, http: Http, clock: Clock
) -> None:
    source = Bluesky(http, platforms.settings() | {"BLUESKY_APP_PASSWORD": "wrong"})
    first = await ask(source, clock)
    assert first.outcome is Outcome.AUTH_REQUIRED
    assert "BLUESKY_APP_PASSWORD" in first.detail
    second = await ask(source, clock)
    assert (second.outcome, second.requests) == (Outcome.AUTH_REQUIRED, 0)
    clock.forward(hours=1)
    await ask(source, clock)
    assert called(platforms) == ["createSession"] * 2


async def test_logins_are_few_a_day(platforms: Platforms, http: Http, clock: Clock) -> None:
    source = Bluesky(http, platforms.settings())
    platforms.bluesky.fail(server.status(200, {"no": "tokens"}), times=30)
    pages = [await ask(source, clock) for _ in range(21)]
    assert {p.outcome for p in pages[:20]} == {Outcome.SCHEMA_CHANGED}
    assert (pages[20].outcome, pages[20].requests) == (Outcome.QUOTA_EXHAUSTED, 0)


async def test_a_cursor_that_is_refused_is_a_partial_round(
    source: Bluesky, platforms: Platforms, clock: Clock
) -> None:
    posts = [a_post("bluesky", n, T0 - timedelta(seconds=n)) for n in range(4, 200)]
    platforms.bluesky.add(posts)
    refusal = server.page("Request forbidden by administrative rules.", kind="text/plain")
    platforms.bluesky.fail(refusal, after=2)
    page = await ask(source, clock)
    assert (page.outcome, len(page.posts)) == (Outcome.PARTIAL, 100)


async def test_a_page_of_403_is_a_block(
    source: Bluesky, platforms: Platforms, clock: Clock
) -> None:
    refusal = server.status(403, "Request forbidden by administrative rules.")
    platforms.bluesky.fail(refusal, path="searchPosts", after=0, times=1)
    await source.check(T0)
    platforms.bluesky.fail(refusal)
    page = await ask(source, clock)
    assert (page.outcome, page.until) == (Outcome.BLOCKED, T0 + timedelta(hours=6))


# ---------------------------------------------------------------------------------------- parser
def test_a_recorded_post_is_read_to_the_last_field(shared: Path) -> None:
    (raw,) = json.loads((shared / RAW / "searchPosts_b1263.json").read_text())["posts"]
    uri = "at://did:plc:a8794085f76dd250/app.bsky.feed.post/3lcmymlgxwa2t"
    assert read_view(raw, NOW) == Post(
        source="bluesky",
        id=uri,
        url="https://bsky.app/profile/did:plc:a8794085f76dd250/post/3lcmymlgxwa2t",
        text="Have you heard about the #rstats package {atrrr}? I'm working on it right now to"
        " eliminate some bugs:\nhttps://jbgruber.github.io/atrrr",
        author=Author(
            id="did:plc:a8794085f76dd250",
            handle="836ded1c.example.social",
            display="44606f40.example.social",
            since=datetime(2023, 9, 21, 16, 5, 3, 68000, tzinfo=UTC),
        ),
        created_at=datetime(2024, 12, 6, 10, 40, 32, 629646, tzinfo=UTC),
        retrieved_at=NOW,
        quoted="Wrapper for the AT Protocol Behind Bluesky",
        reposts=5,
        comments=3,
        likes=13,
    )


def test_recorded_answers_are_read_whole(shared: Path) -> None:
    posts = json.loads((shared / RAW / "searchPosts_bb16d.json").read_text())["posts"]
    feed = json.loads((shared / RAW / "getAuthorFeed_925c2.json").read_text())["feed"]
    read = [read_view(raw, NOW) for raw in [*posts, *(item["post"] for item in feed)]]
    assert len(read) == 19
    good = [p for p in read if p is not None]
    assert len(good) == 19
    assert {p.kind for p in good} == {Kind.POST, Kind.REPLY, Kind.REPOST}
    assert all(p.quoted for p in good if p.kind is Kind.REPOST)
    assert all(p.parent_id for p in good if p.kind is not Kind.POST)
    assert all(p.created_at for p in good)


VIEW: dict[str, Any] = {
    "uri": "at://did:plc:x/app.bsky.feed.post/1",
    "author": {"did": "did:plc:x", "handle": "a.test"},
    "record": {"text": "奥岚 <b>", "createdAt": "2026-03-02T07:00:00Z"},
    "indexedAt": "2026-03-02T07:00:01Z",
}


@pytest.mark.parametrize(
    ("created", "at"),
    [
        pytest.param("2026-03-02T06:59:00Z", (6, 59), id="before it was indexed"),
        pytest.param("2026-03-02T09:00:00Z", (7, 0), id="a clock that is ahead"),
        pytest.param("2015-01-01T00:00:00Z", (7, 0), id="backdated"),
        pytest.param("nonsense", (7, 0), id="no time"),
        pytest.param(None, (7, 0), id="nothing"),
    ],
)
def test_the_time_a_client_writes_is_believed_within_reason(
    created: object, at: tuple[int, int]
) -> None:
    post = read_view(VIEW | {"record": {"text": "x", "createdAt": created}}, NOW)
    assert post is not None
    assert post.created_at is not None
    assert (post.created_at.hour, post.created_at.minute) == at


def test_a_quoted_post_is_kept_apart_also_beside_pictures() -> None:
    record = {"uri": "at://did:plc:y/p/2", "value": {"text": "烧起来了"}}
    for embed in ({"record": record}, {"record": {"record": record}, "media": {}}):
        post = read_view(VIEW | {"embed": embed}, NOW)
        assert post is not None
        assert (post.text, post.quoted, post.kind) == ("奥岚 <b>", "烧起来了", Kind.REPOST)
        assert post.parent_id == "at://did:plc:y/p/2"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "uri",
                        "author",
                        "did",
                        "record",
                        "text",
                        "embed",
                        "value",
                        "reply",
                        "parent",
                        "langs",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=20,
    )
)
def test_the_parser_survives_any_json(raw: object) -> None:
    post = read_view(raw, NOW)
    assert post is None or post.id
    mixed = read_view(VIEW | {"embed": raw, "langs": raw, "replyCount": raw}, NOW)
    assert mixed is not None
