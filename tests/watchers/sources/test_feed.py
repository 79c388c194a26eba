"""News feeds: formats, dates, validators, and what is no feed at all."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo import platforms as server
from bot.demo.platforms import FEED_PATH, Platforms
from tests.watchers.sources.conftest import T0, Clock, a_post
from watchers.errors import BadSetting
from watchers.http import Http
from watchers.model import Author, Gap, Kind, Outcome, Page, Post, Watermark
from watchers.sitetext import canonical
from watchers.sources import feed as module
from watchers.sources.feed import Feed, hostile, read_address, read_json, read_xml

NOW = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
HERE = read_address("https://portal.example/rss.xml")
RSS = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>示例社</title>
<ttl>10</ttl>{items}</channel></rss>"""
ITEM = """<item><title>奥岚回应 - 晨报</title><link>https://portal.example/a/1?utm_source=x</link>
<guid isPermaLink="false">a1</guid><pubDate>{date}</pubDate>
<description>&lt;p&gt;奥岚&lt;b&gt;回应&lt;/b&gt;&lt;/p&gt;</description>
<source url="https://portal.example">晨报</source></item>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom社</title><entry><id>urn:x:1</id>
<title>奥岚</title><link href="https://portal.example/b"/><updated>2026-11-23T14:10:00Z</updated>
<summary>摘要</summary></entry></feed>"""
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "JSON社",
    "items": [
        {
            "id": "https://portal.example/c/",
            "url": "https://portal.example/c/",
            "title": "奥岚",
            "content_html": "<p>门店<script>x</script>关门</p>",
            "date_published": "2026-11-23T22:10:00",
        },
        {"id": None, "title": "no id and no link"},
        "nonsense",
    ],
}


class Reader:
    """The source against one feed; `ask` keeps the watermark."""

    def __init__(self, platforms: Platforms, http: Http, clock: Clock) -> None:
        self.platform, self.clock = platforms.feed, clock
        self.query = platforms.base + FEED_PATH
        self.source = Feed(http, platforms.settings())
        self.mark = Watermark()

    async def ask(self) -> Page:
        page = await self.source.search(self.query, self.mark, now=self.clock())
        self.mark = page.watermark
        return page

    def publish(self, *numbers: int) -> None:
        at = self.clock()
        self.platform.add([a_post("feed", n, at - timedelta(minutes=n)) for n in numbers])


@pytest.fixture
def reader(platforms: Platforms, http: Http, clock: Clock) -> Reader:
    return Reader(platforms, http, clock)


async def test_a_feed_is_read_whole_and_its_articles_are_articles(reader: Reader) -> None:
    reader.publish(3, 2, 1)
    page = await reader.ask()
    assert page.outcome is Outcome.OK
    assert [p.text[:8] for p in page.posts] == [
        "奥岚取暖器第1台",
        "奥岚取暖器第2台",
        "奥岚取暖器第3台",
    ]
    first = page.posts[0]
    assert (first.kind, first.terms_class, first.publisher) == (
        Kind.ARTICLE,
        "public-feed",
        "用户1",
    )
    assert first.created_at == T0 - timedelta(minutes=1)
    assert page.watermark.at == first.created_at
    assert page.watermark.covered_to == T0 - reader.source.lag


async def test_a_feed_that_did_not_change_is_not_sent_again(reader: Reader) -> None:
    reader.publish(2, 1)
    await reader.ask()
    assert dict(reader.mark.validators).keys() == {"etag", "last-modified"}
    reader.clock.forward(minutes=10)
    page = await reader.ask()
    assert (page.outcome, page.posts) == (Outcome.OK_EMPTY, ())
    assert page.watermark.covered_to == reader.clock() - reader.source.lag
    reader.publish(1001)
    assert len((await reader.ask()).posts) == 3


async def test_a_feed_that_forgot_articles_since_the_last_look_leaves_a_gap(
    reader: Reader,
) -> None:
    reader.publish(*range(1, 60))
    first = await reader.ask()
    assert len(first.posts) == server.FEED_MOST
    reader.clock.forward(hours=30)
    reader.publish(*range(101, 161))
    page = await reader.ask()
    assert page.outcome is Outcome.PARTIAL
    assert page.watermark.gaps == (Gap(start=reader_at(first), end=page.posts[-1].at),)
    assert "look more often" in page.detail


def reader_at(page: Page) -> datetime:
    assert page.watermark.at is not None
    return page.watermark.at


async def test_a_feed_of_old_articles_is_stale_and_brings_nothing(reader: Reader) -> None:
    reader.publish(2, 1)
    reader.clock.forward(days=3)
    page = await reader.ask()
    assert (page.outcome, page.posts, page.watermark) == (Outcome.STALE, (), Watermark())
    assert "02 Mar 2026" in page.detail


async def test_a_feed_that_never_changes_becomes_stale(reader: Reader) -> None:
    reader.publish(2, 1)
    await reader.ask()
    reader.clock.forward(days=3)
    page = await reader.ask()
    assert page.outcome is Outcome.STALE
    reader.query += "#stale=7"
    assert (await reader.ask()).outcome is Outcome.OK_EMPTY


async def test_an_empty_feed_is_empty(reader: Reader) -> None:
    page = await reader.ask()
    assert (page.outcome, page.posts) == (Outcome.OK_EMPTY, ())


async def test_a_feed_that_is_gone_twice_has_changed(reader: Reader) -> None:
    reader.platform.fail(server.status(404), times=2)
    outcomes = [(await reader.ask()).outcome for _ in range(3)]
    assert outcomes == [Outcome.DOWN, Outcome.SCHEMA_CHANGED, Outcome.OK_EMPTY]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        pytest.param(server.page(), Outcome.SCHEMA_CHANGED, id="a web page"),
        pytest.param(server.login_wall(), Outcome.AUTH_REQUIRED, id="a login wall"),
        pytest.param(server.says({"items": []}), Outcome.SCHEMA_CHANGED, id="some other JSON"),
        pytest.param(server.status(401), Outcome.AUTH_REQUIRED, id="401"),
        pytest.param(server.status(418), Outcome.BLOCKED, id="418"),
        pytest.param(server.too_many(60), Outcome.RATE_LIMITED, id="429"),
        pytest.param(server.huge(5_000_000), Outcome.SCHEMA_CHANGED, id="above the cap"),
        pytest.param(
            server.redirect("https://moved.example/rss"), Outcome.SCHEMA_CHANGED, id="moved"
        ),
        pytest.param(
            server.status(503, "Error: Cookies expired"),
            Outcome.AUTH_REQUIRED,
            id="cookies expired",
        ),
    ],
)
async def test_what_is_no_feed_is_an_outcome_and_never_empty(
    reader: Reader, fault: server.Fault, outcome: Outcome
) -> None:
    reader.publish(1)
    reader.platform.fail(fault, times=1 if outcome is not Outcome.AUTH_REQUIRED else 3)
    page = await reader.ask()
    assert (page.outcome, page.posts, page.watermark) == (outcome, (), Watermark())
    assert page.detail


async def test_a_body_that_reads_like_a_path_opens_no_file(reader: Reader) -> None:
    reader.platform.fail(server.page("/etc/hostname"))
    assert (await reader.ask()).outcome is Outcome.SCHEMA_CHANGED
    assert read_xml(b"/etc/hostname", "text/plain", HERE, NOW) is None


async def test_the_connection_test_reads_every_feed(reader: Reader) -> None:
    reader.publish(1)
    assert await reader.source.check(T0) == (Outcome.OK, "works: 1 feeds")
    reader.platform.fail(server.page())
    outcome, words = await reader.source.check(T0)
    assert outcome is Outcome.SCHEMA_CHANGED
    assert "portal.xml" in words


# ---------------------------------------------------------------------------------------- parser
def one(text: str, address: module.Address = HERE) -> Post:
    articles = read_xml(text.encode(), "application/rss+xml", address, NOW)
    assert articles is not None
    (post,) = articles.posts
    return post


def test_an_rss_item_is_read_to_the_last_field() -> None:
    assert one(RSS.format(items=ITEM.format(date="Mon, 23 Nov 2026 22:10:00 +0800"))) == Post(
        source="feed",
        id="portal.example:a1",
        url="https://portal.example/a/1?utm_source=x",
        text="奥岚回应 - 晨报\n奥岚回应",
        author=Author(id="晨报", handle="晨报", display="晨报"),
        created_at=datetime(2026, 11, 23, 14, 10, tzinfo=UTC),
        retrieved_at=NOW,
        kind=Kind.ARTICLE,
        publisher="晨报",
        partial_text=True,
        terms_class="public-feed",
    )


@pytest.mark.parametrize(
    ("date", "zone", "at"),
    [
        ("Mon, 23 Nov 2026 22:10:00", "", datetime(2026, 11, 23, 14, 10, tzinfo=UTC)),
        ("2026-11-23 22:10:00", "", datetime(2026, 11, 23, 14, 10, tzinfo=UTC)),
        ("2026-11-23 22:10:00", "#zone=Europe/Paris", datetime(2026, 11, 23, 21, 10, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 22:10:00 GMT", "", datetime(2026, 11, 23, 22, 10, tzinfo=UTC)),
        ("soon", "", None),
        ("", "", None),
    ],
)
def test_a_date_without_zone_is_of_the_zone_of_its_feed_and_none_is_none(
    date: str, zone: str, at: datetime | None
) -> None:
    address = read_address(HERE.url + zone)
    assert one(RSS.format(items=ITEM.format(date=date)), address).created_at == at


def test_atom_and_json_feeds_are_read_as_well() -> None:
    atom = read_xml(ATOM.encode(), "application/atom+xml", HERE, NOW)
    assert atom is not None
    assert [(p.id, p.text, p.publisher) for p in atom.posts] == [
        ("portal.example:urn:x:1", "奥岚\n摘要", "Atom社")
    ]
    told = read_json(json.dumps(JSON_FEED).encode(), HERE, NOW)
    assert told is not None
    assert told.bad == 2
    assert [(p.id, p.text, p.created_at) for p in told.posts] == [
        ("https://portal.example/c", "奥岚\n门店关门", datetime(2026, 11, 23, 14, 10, tzinfo=UTC))
    ]


def test_two_links_to_one_article_are_one() -> None:
    assert (
        canonical("https://Portal.example/a/?utm_source=x&id=1&UTM_Medium=y#top")
        == canonical("https://portal.example/a?id=1")
        == "https://portal.example/a?id=1"
    )


def test_the_source_may_be_named_and_asked_to_be_looked_at_less_often() -> None:
    address = read_address(HERE.url + "#name=晨报网&stale=7")
    assert (address.label, address.stale) == ("晨报网", timedelta(days=7))
    articles = read_xml(RSS.format(items="").encode(), "", HERE, NOW)
    assert articles is not None
    assert articles.ttl == timedelta(minutes=10)


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<rss version='2.0'><channel><title>&b;</title></channel></rss>"
)


@pytest.mark.parametrize(
    ("body", "bad"),
    [
        pytest.param(BOMB.encode(), True, id="entities"),
        pytest.param(BOMB.encode("utf-16"), True, id="entities in UTF-16"),
        pytest.param(b"<a>" * 101, True, id="nested too deep"),
        pytest.param(b"<a>" * 100 + b"</a>" * 100, False, id="nested deep"),
        pytest.param(b"<a></a><b/>" * 500, False, id="side by side"),
        pytest.param(b"<![CDATA[" + b"<p>" * 500 + b"]]>", False, id="markup inside text"),
        pytest.param(RSS.format(items=ITEM).encode(), False, id="a feed"),
    ],
)
def test_bombs_are_told_by_their_shape(body: bytes, *, bad: bool) -> None:
    assert hostile(body) is bad


@pytest.mark.parametrize("piece", [b"<![CDATA[", b"<!--", b"<", b"<a ", b"<a", b"</", b"<?"])
def test_hostile_markup_costs_no_more_than_its_length(piece: bytes) -> None:
    began = time.process_time()
    hostile(piece * (4 * 1024 * 1024 // len(piece)))
    assert time.process_time() - began < 5


async def test_a_bomb_is_never_parsed(reader: Reader) -> None:
    reader.platform.fail(server.page(BOMB, kind="application/rss+xml"))
    page = await reader.ask()
    assert page.outcome is Outcome.SCHEMA_CHANGED


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_the_parser_survives_any_bytes(body: bytes) -> None:
    for articles in (read_xml(body, "", HERE, NOW), read_json(body, HERE, NOW)):
        assert articles is None or all(p.id for p in articles.posts)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["id", "url", "title", "content_html", "date_published", "summary"]),
            st.none() | st.integers() | st.text(max_size=30) | st.lists(st.text(), max_size=2),
        )
    )
)
def test_the_parser_survives_any_item(items: list[dict[str, object]]) -> None:
    articles = read_json(json.dumps(JSON_FEED | {"items": items}).encode(), HERE, NOW)
    assert articles is not None
    assert len(articles.posts) + articles.bad <= len(items)


# -------------------------------------------------------------------------------------- settings
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"FEED_URLS": "http://portal.example/rss"}, "plain http"),
        ({"FEED_URLS": "portal.example/rss"}, "https://"),
        ({"FEED_URLS": "https://p.example/rss#zone=Mars/Base"}, "Mars/Base"),
        ({"FEED_URLS": "https://p.example/rss#zone=../etc"}, "Asia/Shanghai"),
        ({"FEED_URLS": "https://p.example/rss#stale=soon"}, "days"),
        ({"FEED_URLS": "https://p.example/rss", "FEED_ZONE": "x"}, "FEED_ZONE"),
        ({"FEED_URLS": "https://p.example/rss", "FEED_EVERY": "0"}, "FEED_EVERY"),
    ],
    ids=str,
)
async def test_a_wrong_setting_stops_the_start_and_says_why(
    http: Http, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(BadSetting, match=words):
        Feed(http, settings)


async def test_a_key_in_an_address_is_shown_to_nobody(
    reader: Reader, http: Http, platforms: Platforms
) -> None:
    query = f"{reader.query}?key=hush-hush"
    source = Feed(http, platforms.settings() | {"FEED_URLS": query})
    reader.platform.fail(server.page("<html>hush-hush</html>"))
    page = await source.search(query, Watermark(), now=T0)
    assert page.detail
    assert "hush-hush" not in page.detail
    with pytest.raises(BadSetting) as raised:
        Feed(http, {"FEED_URLS": "http://p.example/rss?key=hush-hush"})
    assert "hush-hush" not in str(raised.value)


async def test_an_address_nobody_checked_is_an_outcome_too(reader: Reader) -> None:
    reader.query = "http://portal.example/rss"
    page = await reader.ask()
    assert (page.outcome, page.requests) == (Outcome.SCHEMA_CHANGED, 0)
