"""The registry: what an operator sees of the sources, and what is refused at the start."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.demo import platforms as server
from bot.demo.platforms import Platforms
from watchers.errors import BadSetting
from watchers.http import NO_WAIT, Http, Timeouts
from watchers.model import Outcome, Watermark
from watchers.sources import SOURCES, registry, set_up

SECRET = ("TOKEN", "PASSWORD", "KEY", "SECRET")  # how the names of settings that are secrets end
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_a_name_or_a_setting_given_twice_stops_the_start() -> None:
    with pytest.raises(ValueError, match="weibo"):
        registry(*SOURCES.values(), SOURCES["weibo"])


@pytest.mark.parametrize("name", SOURCES)
async def test_every_row_says_what_an_operator_must_know(
    name: str, http: Http, platforms: Platforms
) -> None:
    row = SOURCES[name]
    source = row.make(http, platforms.settings())
    assert (source.name, source.title, row.name) == (name, row.title, name)
    told = source.describe()
    assert told.terms
    assert told.attribution
    assert told.terms_class in {"official", "contract", "public-feed", "public-web", "provider"}
    assert timedelta(0) < source.every <= timedelta(hours=1)
    assert all(s.meaning and s.name.startswith(name.upper()) for s in row.settings)
    hushed = {s.name for s in row.settings if s.secret}
    assert hushed == {s.name for s in row.settings if s.name.endswith(SECRET)}


async def test_a_source_is_set_up_once_its_required_settings_are_given(http: Http) -> None:
    given = {"BLUESKY_HANDLE": "a.test", "WEIBO_TOKEN": "x", "MASTODON_BASE_URL": "  "}
    assert set(set_up(http, given)) == {"weibo"}
    assert SOURCES["bluesky"].missing(given) == ("BLUESKY_APP_PASSWORD",)
    assert SOURCES["feed"].missing(given) == ("FEED_URLS",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEIBO_CREDITS_PER_MONTH", "many"),
        ("WEIBO_CREDITS_PER_MONTH", "-1"),
        ("WEIBO_CALLS_PER_HOUR", "0"),
        ("WEIBO_EVERY", "5 minutes"),
        ("WEIBO_BASE_URL", "http://example.org"),
    ],
)
async def test_a_setting_that_makes_no_sense_is_named(http: Http, name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        SOURCES["weibo"].make(http, {"WEIBO_TOKEN": "x", name: value})


async def test_an_answer_that_drips_in_for_ever_is_given_up(platforms: Platforms) -> None:
    short = Timeouts(connect=1, read=0.2, total=0.3)
    async with Http(contact="ops@example.org", timeouts=short, wait=NO_WAIT) as http:
        source = SOURCES["weibo"].make(http, platforms.settings())
        platforms.weibo.fail(server.drip(5), times=3)
        page = await source.search("奥岚", Watermark(), now=NOW)
    assert (page.outcome, page.requests) == (Outcome.DOWN, 3)
    assert "too long" in page.detail
