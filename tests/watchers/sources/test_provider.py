"""A provider that a file describes: its faults all at once, its money, its errors, its shapes."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo import platforms as server
from tests.watchers.sources.conftest import T0, World, a_post
from tests.watchers.sources.served.provider import KEY, config
from watchers.errors import BadSetting
from watchers.model import Kind, Outcome, Watermark
from watchers.shapes.template import Paths, Shape, read_item, read_items
from watchers.sources.provider import Provider

NAME = "provider"


def changed(world: World, **more: Any) -> str:
    return json.dumps(config(world.platforms.base) | more)


async def test_the_file_of_the_readme_works_from_a_file_too(world: World, tmp_path: Path) -> None:
    world.platform(NAME).add([a_post(NAME, 1, world.clock() - timedelta(minutes=5))])
    path = tmp_path / "provider.json"
    path.write_text(changed(world, title="示例舆情"), encoding="utf-8")
    source = world.source(NAME, PROVIDER_CONFIG=str(path))
    page = await source.search("奥岚", Watermark(), now=world.clock())
    (post,) = page.posts
    assert (post.author.followers, post.terms_class) == (12_000, "provider")
    assert (source.title, source.describe().attribution) == ("示例舆情", "示例舆情")


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    wrong = changed(
        world,
        base_url="http://provider.example/a?b=1",
        query={"word": "{word}"},
        paths={"items": "a..b", "text": "t", "next_cursor": "n"},
        time_format="soon",
        money_per_call=1,
        monthly_cap=0,
        limit=0,
    )
    with pytest.raises(BadSetting) as raised:
        world.source(NAME, PROVIDER_CONFIG=wrong, PROVIDER_KEY="")
    for words in (
        "plain http", "leave the part from ?", "{word} is unknown", "{q}, the word searched for",
        "{cursor} stands nowhere", "paths.items", "time_format", "monthly_cap is missing", "limit",
        "PROVIDER_KEY is missing",
    ):  # fmt: skip
        assert words in str(raised.value), words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/nowhere/provider.json", "cannot be read"),
        ("{", "PROVIDER_CONFIG"),
        ("{}", "missing required field"),
        ('{"base_url":"https://a.example","paths":{"items":"a","text":"t"},"colour":1}', "colour"),
        ('{"base_url":"https://a.example","paths":{"items":"a"}}', "text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(text: str, words: str, world: World) -> None:
    with pytest.raises(BadSetting, match=words):
        world.source(NAME, PROVIDER_CONFIG=text)


def test_secrets_come_from_settings_of_the_provider_alone(world: World) -> None:
    text = changed(world, headers={"X-Api-Key": "secret:slack_bot_token"})
    with pytest.raises(BadSetting, match="must begin with secret:provider_"):
        world.source(NAME, PROVIDER_CONFIG=text, SLACK_BOT_TOKEN="xoxb-1")


async def test_money_is_counted_by_call_and_by_item_and_stops(world: World) -> None:
    text = changed(world, money_per_call=0.5, money_per_item=0.01, monthly_cap=2, limit=10)
    source = world.source(NAME, PROVIDER_CONFIG=text)
    assert isinstance(source, Provider)
    world.platform(NAME).add([a_post(NAME, n, T0 - timedelta(minutes=n)) for n in (1, 2, 3)])
    page = await source.search("奥岚", Watermark(), now=world.clock())
    assert source.left(world.clock()) == ("1.47 of 2.00 US dollars left this month",)
    mark = page.watermark
    for _ in range(3):
        page = await source.search("奥岚", mark, now=world.clock())
    assert page.outcome is Outcome.QUOTA_EXHAUSTED
    assert "our own limit of 2.00 US dollars" in page.detail


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (402, {}, Outcome.QUOTA_EXHAUSTED),
        (200, {"error": {"code": "PLAN"}}, Outcome.PLAN_REQUIRED),
        (403, {"error": {"code": "PLAN"}}, Outcome.PLAN_REQUIRED),
        (200, {"error": {"code": "OTHER"}}, Outcome.SCHEMA_CHANGED),
        (200, {"data": {"mentions": [{"id": 1}, {"body": "x"}]}}, Outcome.SCHEMA_CHANGED),
        (200, {"data": {"mentions": []}}, Outcome.OK_EMPTY),
    ],
)
async def test_its_errors_mean_what_the_file_says(
    status: int, body: object, outcome: Outcome, world: World
) -> None:
    world.platform(NAME).fail(server.status(status, body))
    assert (await world.ask(NAME)).outcome is outcome


async def test_without_a_cursor_one_answer_is_a_round(world: World) -> None:
    paths = dict(config("")["paths"])  # type: ignore[call-overload]
    paths.pop("next_cursor")
    text = changed(world, paths=paths, query={"q": "{q}", "size": "{limit}"}, limit=10)
    source = world.source(NAME, PROVIDER_CONFIG=text)
    first = await source.search("奥岚", Watermark(), now=world.clock())
    world.clock.forward(hours=2)
    start = world.clock() - timedelta(hours=1)
    world.platform(NAME).add(a_post(NAME, n, start + timedelta(minutes=n)) for n in range(20))
    page = await source.search("奥岚", first.watermark, now=world.clock())
    assert (page.outcome, page.requests, len(page.posts)) == (Outcome.PARTIAL, 1, 10)


async def test_a_post_request_is_filled_in_everywhere(world: World) -> None:
    body = {
        "ask": {"words": ["{q}"], "size": 5, "deep": [{"from": "{since}"}]},
        "cursor": "{cursor}",
    }
    text = changed(world, method="POST", query={}, body=body)
    source = world.source(NAME, PROVIDER_CONFIG=text)
    at = world.clock() - timedelta(hours=1)
    await source.search("奥岚", Watermark(at=at, covered_to=at), now=world.clock())
    since = str(int((at - source.overlap).timestamp()))
    assert world.platform(NAME).asked[-1].body == {
        "ask": {"words": ["奥岚"], "size": 5, "deep": [{"from": since}]},
        "cursor": "",
    }


@pytest.mark.parametrize(
    ("written", "pattern", "minutes"),
    [
        ("2026-03-02T07:30:00", "iso8601", 30),
        ("2026-03-02T15:30:00+08:00", "iso8601", 30),
        (int(T0.timestamp()) - 1800, "unix", 30),
        ((int(T0.timestamp()) - 1800) * 1000, "unix_ms", 30),
        ("30分钟前", "text", 30),
        ("02/03/2026 15:30", "%d/%m/%Y %H:%M", 30),
        ("soon", "%d/%m/%Y", None),
        ("never", "iso8601", None),
    ],
)
def test_times_are_read_as_the_file_says(
    written: object, pattern: str, minutes: int | None
) -> None:
    shape = Shape(paths=Paths(items="x", text="t", id="i", created_at="c"), time_format=pattern)
    post = read_item({"t": "奥岚", "i": 1, "c": written}, shape, NAME, T0)
    assert post is not None
    assert post.created_at == (None if minutes is None else T0 - timedelta(minutes=minutes))


def test_an_article_has_its_publisher_and_a_title_before_its_text() -> None:
    paths = Paths(items="x", text="t", title="h", url="u", author="a")
    shape = Shape(paths=paths, kind="article")
    raw = {"t": "正文", "h": "标题", "u": "https://a.example/1", "a": "示例网"}
    post = read_item(raw, shape, NAME, T0)
    assert post is not None
    assert (post.kind, post.text, post.publisher) == (Kind.ARTICLE, "标题\n正文", "示例网")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(body=json_values)
def test_any_json_is_posts_or_no_list(body: Any) -> None:
    paths = Paths(items="a", text="t", id="i", url="u", created_at="c", followers="f.0")
    shape = Shape(paths=paths)
    read_items({"a": body}, shape, NAME, T0)
    read_items({"a": [{"t": body, "i": body, "u": body, "c": body, "f": body}]}, shape, NAME, T0)


def test_the_key_shows_nowhere(world: World) -> None:
    source = world.source(NAME)
    assert KEY not in f"{source!r} {vars(source)!r}"
