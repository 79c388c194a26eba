"""The Weibo gateway: its own rules, and the shapes it and its neighbours were seen to answer."""

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
from watchers.recordings import Recording
from watchers.shapes import weibo
from watchers.sources.weibo import Weibo
from watchers.timetext import CHINA

RAW = Path("data/microblogs/raw/weibo")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def source(platforms: Platforms, http: Http) -> Weibo:
    platforms.weibo.add([a_post("weibo", n, T0 - timedelta(minutes=n)) for n in range(1, 31)])
    return Weibo(http, platforms.settings())


async def ask(source: Weibo, clock: Clock, since: Watermark | None = None) -> Page:
    return await source.search("奥岚", since or Watermark(), now=clock())


async def test_it_asks_for_the_newest_twenty_with_its_token(
    source: Weibo, platforms: Platforms, clock: Clock
) -> None:
    await ask(source, clock)
    assert [a.body for a in platforms.weibo.asked] == [
        {
            "group": "search",
            "action": "statuses/limited",
            "args": {"q": "奥岚", "type": 1, "sort": "time", "count": 20, "page": page},
        }
        for page in (1, 2)
    ]


async def test_a_page_too_large_is_halved_once_and_stays_so(
    source: Weibo, platforms: Platforms, clock: Clock
) -> None:
    refusal = server.status(400, {"error": {"code": "COUNT_EXCEEDS_MAX"}})
    platforms.weibo.fail(refusal)
    page = await ask(source, clock)
    assert (page.outcome, len(page.posts), page.requests) == (Outcome.OK, 30, 4)
    sizes = [a.body["args"]["count"] for a in platforms.weibo.asked]  # type: ignore[index]
    assert sizes == [20, 10, 10, 10]
    platforms.weibo.fail(refusal)
    assert (await ask(source, clock)).outcome is Outcome.SCHEMA_CHANGED


async def test_a_second_429_in_a_row_means_the_hour_is_used_up(
    source: Weibo, platforms: Platforms, clock: Clock
) -> None:
    clock.forward(minutes=10)
    platforms.weibo.fail(server.too_many(), times=2)
    first = await ask(source, clock)
    assert (first.outcome, first.until) == (Outcome.RATE_LIMITED, clock() + timedelta(minutes=1))
    clock.forward(minutes=1)
    second = await ask(source, clock)
    assert (second.outcome, second.until) == (Outcome.QUOTA_EXHAUSTED, T0 + timedelta(hours=1))
    await ask(source, clock)
    platforms.weibo.fail(server.too_many())
    assert (await ask(source, clock)).outcome is Outcome.RATE_LIMITED


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (server.status(402, {"error": {"code": "SERVICE_REQUIRED"}}), Outcome.PLAN_REQUIRED),
        (server.says({"error": {"code": "SERVICE_REQUIRED"}}), Outcome.PLAN_REQUIRED),
        (
            server.says({"error": {"code": "SERVICE_REQUIRED"}, "result": {"statuses": []}}),
            Outcome.PLAN_REQUIRED,
        ),
        (server.status(402, {}), Outcome.PLAN_REQUIRED),
        (server.says({"service": {"state": "trial_expired"}}), Outcome.PLAN_REQUIRED),
        (
            server.status(403, {"error": "auth by Null spi!", "error_code": 21301}),
            Outcome.AUTH_REQUIRED,
        ),
        (server.says({"ok": -100, "url": "https://passport.example"}), Outcome.AUTH_REQUIRED),
        (server.says({"ok": 0, "msg": "操作过于频繁"}), Outcome.RATE_LIMITED),
        (server.says({"error": {"code": "INSUFFICIENT_CREDITS"}}), Outcome.QUOTA_EXHAUSTED),
        (server.says({"error": {"code": "SOMETHING_NEW"}}), Outcome.SCHEMA_CHANGED),
        (server.says({"result": {"total_number": 99, "statuses": []}}), Outcome.OK),
    ],
    ids=[
        "the service is not in the plan",
        "the same with status 200",
        "an error beats a result",
        "402 without a word",
        "the trial is over",
        "no login, in the older way",
        "a login wall in JSON",
        "too often, in Chinese",
        "no credits left",
        "an error nobody knows",
        "an empty page among full ones is passed over",
    ],
)
async def test_an_error_is_told_by_its_code_whatever_the_status(
    source: Weibo, platforms: Platforms, clock: Clock, fault: server.Fault, outcome: Outcome
) -> None:
    platforms.weibo.fail(fault)
    assert (await ask(source, clock)).outcome is outcome


async def test_posts_announced_but_never_given_are_not_nothing(
    source: Weibo, platforms: Platforms, clock: Clock
) -> None:
    empty = server.says({"result": {"total_number": 99, "statuses": []}})
    platforms.weibo.fail(empty, times=2)
    page = await ask(source, clock)
    assert page.outcome is Outcome.PARTIAL
    assert "99 posts announced, none given" in page.detail


async def test_the_month_has_a_hard_stop(platforms: Platforms, http: Http, clock: Clock) -> None:
    settings = platforms.settings() | {
        "WEIBO_CREDITS_PER_MONTH": "100",
        "WEIBO_CREDITS_PER_CALL": "0",
        "WEIBO_CREDITS_PER_RECORD": "3",
    }
    source = Weibo(http, settings)
    platforms.weibo.add([a_post("weibo", n, T0 - timedelta(minutes=n)) for n in range(1, 31)])
    page = await ask(source, clock)
    assert (page.outcome, source.credits.spent(T0)) == (Outcome.PARTIAL, 60)
    assert page.until == datetime(2026, 4, 1, tzinfo=UTC)
    page = await ask(source, clock)
    assert (page.outcome, page.requests) == (Outcome.QUOTA_EXHAUSTED, 0)
    assert "100 credits a month" in page.detail


async def test_a_trial_asks_five_times_an_hour(
    platforms: Platforms, http: Http, clock: Clock
) -> None:
    source = Weibo(http, platforms.settings() | {"WEIBO_CALLS_PER_HOUR": "5"})
    pages = [await ask(source, clock) for _ in range(6)]
    assert [p.outcome for p in pages] == [Outcome.OK_EMPTY] * 5 + [Outcome.RATE_LIMITED]
    assert pages[-1].until == T0 + timedelta(hours=1)


async def test_a_missing_count_is_unknown_and_never_zero(source: Weibo, clock: Clock) -> None:
    post = (await ask(source, clock)).posts[0]
    assert (post.reposts, post.comments, post.likes) == (None, None, None)
    assert (post.author.followers, post.author.verified) == (None, None)


async def test_a_deleted_post_is_named_and_not_brought(
    source: Weibo, platforms: Platforms, clock: Clock
) -> None:
    gone = a_post("weibo", 3, T0).id
    platforms.weibo.delete(gone)
    page = await ask(source, clock)
    assert page.deleted == (gone,)
    assert gone not in {p.id for p in page.posts}


async def test_a_repost_keeps_what_it_quotes_apart(
    source: Weibo, platforms: Platforms, clock: Clock
) -> None:
    post = Post(
        source="weibo",
        id="5340000000009999",
        url="",
        text="真的吗 <奥岚>",
        author=Author(id="u1", handle="甲", display="甲", followers=12, verified=False),
        created_at=T0,
        retrieved_at=T0,
        quoted="奥岚取暖器冒烟 & 起火",
        parent_id="5340000000000001",
        kind=Kind.REPOST,
        reposts=3,
    )
    platforms.weibo.add([post])
    got = (await ask(source, clock)).posts[0]
    assert got.url == "https://weibo.com/detail/5340000000009999"
    assert (got.text, got.quoted, got.kind, got.parent_id) == (
        post.text,
        post.quoted,
        Kind.REPOST,
        post.parent_id,
    )
    assert (got.reposts, got.author) == (3, post.author)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (server.says({"commands": []}), Outcome.PLAN_REQUIRED),
        (server.says({"commands": "all"}), Outcome.SCHEMA_CHANGED),
        (server.says({}), Outcome.SCHEMA_CHANGED),
    ],
    ids=["search is not in the plan", "no list", "nothing"],
)
async def test_the_connection_test_looks_for_search_in_the_plan(
    source: Weibo, platforms: Platforms, answer: server.Fault, outcome: Outcome
) -> None:
    platforms.weibo.fail(answer, path="commands")
    assert (await source.check(NOW))[0] is outcome


async def test_the_terms_are_asked_for_until_they_are_settled(
    platforms: Platforms, http: Http
) -> None:
    settings = platforms.settings()
    assert "2.7.8" in (await Weibo(http, settings).check(NOW))[1]
    assert "2.7.8" in Weibo(http, settings).describe().terms
    settled = settings | {"WEIBO_TERMS": "own-brand"}
    assert await Weibo(http, settled).check(NOW) == (Outcome.OK, "works")


async def test_a_recorded_day_of_a_crisis_is_read_without_a_hole(
    shared: Path, http: Http, clock: Clock
) -> None:
    """1,009 posts in a day, 311 in its worst hour, looked at every five minutes."""
    path = shared / "data/microblogs/events/jiangping_alibaba_contest_2024.jsonl.gz"
    day = datetime(2024, 11, 3, tzinfo=CHINA)
    posts = [p for p in Recording(path) if day <= p.at < day + timedelta(days=1)]
    word = "姜萍"
    wanted = {p.id for p in posts if word in p.text}
    clock.now = day.astimezone(UTC)
    platforms = Platforms(posts, clock)
    await platforms.start()
    source = Weibo(http, platforms.settings())
    mark, seen, requests = Watermark(), set[str](), 0
    for _ in range(24 * 12):
        clock.forward(minutes=5)
        page = await source.search(word, mark, now=clock())
        assert page.outcome.healthy
        mark = page.watermark
        seen |= {p.id for p in page.posts}
        requests += page.requests
    await platforms.stop()
    assert len(wanted) > 500
    assert seen == wanted
    assert requests < 2 * 24 * 12


# ---------------------------------------------------------------------------------------- parser
def recorded(shared: Path, name: str) -> Any:
    body = json.loads((shared / RAW / name).read_text())
    return body["response"]["body"] if "response" in body else body


@pytest.mark.parametrize(
    ("name", "posts", "reposts"),
    [
        ("openapi_friends_timeline_1.json", 1, 0),
        ("openapi_friends_timeline_2.json", 1, 0),
        ("openapi_friends_timeline_empty_1.json", 0, 0),
        ("ajax_statuses_mymblog.json", 11, None),
        ("search_container_100103type60.json", 5, None),
        ("statuses_repost_timeline.json", 6, 1),
        ("m_container_uid_timeline_relative_times.json", 10, None),
    ],
)
def test_a_recorded_answer_is_read_whole(
    shared: Path, name: str, posts: int, reposts: int | None
) -> None:
    found = weibo.statuses(recorded(shared, name))
    assert found is not None
    read, deleted, bad = weibo.read_statuses(found, NOW)
    assert (len(read), deleted, bad) == (posts, (), 0)
    for post in read:
        assert post.id.isdigit()
        assert post.created_at is not None
        assert post.author.id
        assert "<" not in post.text + post.quoted
        assert post.reposts is not None
    if reposts is not None:
        assert sum(p.kind is Kind.REPOST for p in read) == reposts


def test_a_recorded_post_is_read_to_the_last_field(shared: Path) -> None:
    found = weibo.statuses(recorded(shared, "openapi_friends_timeline_1.json"))
    assert found is not None
    (post,), _, _ = weibo.read_statuses(found, NOW)
    assert post == Post(
        source="weibo",
        id="3967953176747837",
        url="https://weibo.com/detail/3967953176747837",
        text="如果必须卸掉其中的一个你会选哪一个？",
        author=Author(
            id="2181581352",
            handle="人民网",
            display="人民网",
            followers=31222857,
            verified=True,
            since=datetime(2011, 8, 5, 5, 31, 32, tzinfo=UTC),
        ),
        created_at=datetime(2016, 4, 24, 17, 0, 21, tzinfo=UTC),
        retrieved_at=NOW,
        reposts=100,
        comments=616,
        likes=61,
    )


def test_the_time_inside_an_id_agrees_with_the_time_beside_it(shared: Path) -> None:
    found = weibo.statuses(recorded(shared, "statuses_repost_timeline.json"))
    assert found is not None
    for post in weibo.read_statuses(found, NOW)[0]:
        inside = datetime.fromtimestamp((int(post.id) >> 22) + 515483463, UTC)
        assert abs(inside - post.at) < timedelta(minutes=1)


def test_a_recorded_error_is_told(shared: Path) -> None:
    body = recorded(shared, "openapi_search_topics_error_1.json")
    assert weibo.error_code(body) == "10006"
    assert weibo.CODES["10006"] is Outcome.AUTH_REQUIRED


async def test_the_recorded_visitor_page_is_a_login_wall(
    shared: Path, source: Weibo, platforms: Platforms, clock: Clock
) -> None:
    page = (shared / RAW / "sina_visitor_system_1.html").read_bytes().decode("gb18030", "replace")
    platforms.weibo.fail(server.page(page))
    assert (await ask(source, clock)).outcome is Outcome.AUTH_REQUIRED


@pytest.mark.parametrize(
    "body",
    [
        {"result": {"statuses": []}},
        {"statuses": []},
        {"items": []},
        {"data": {"statuses": []}},
        {"result": {"data": {"items": []}}},
        {"ok": 0, "msg": "这里还没有内容", "data": {"cards": []}},
    ],
    ids=str,
)
def test_an_empty_list_is_found_wherever_it_is(body: object) -> None:
    assert weibo.statuses(body) == []
    assert weibo.error_code(body) is None


RAW_POST: dict[str, Any] = {"idstr": "5340000000000001", "text": "奥岚"}


@pytest.mark.parametrize(
    ("more", "field", "value"),
    [
        ({"attitudes_count": "100万+"}, "likes", 1_000_000),
        ({"reposts_count": "转发"}, "reposts", 0),
        ({"reposts_count": None}, "reposts", None),
        ({"user": None}, "author", Author(id="", handle="")),
        ({"created_at": "不久前"}, "created_at", None),
        ({"created_at": 5}, "created_at", None),
        ({"text_raw": "全部", "text": "一半"}, "text", "全部"),
        ({"isLongText": True}, "partial_text", True),
        ({"text": '奥岚...<a href="/status/1">全文</a>'}, "partial_text", True),
        ({"text": '奥岚...<a href="/status/1">全文</a>'}, "text", "奥岚..."),
        ({"text": '<span><img alt="[怒]"></span>奥岚'}, "text", "[怒]奥岚"),
        ({"retweeted_status": {"idstr": "7", "deleted": "1", "text": "x"}}, "quoted", ""),
        ({"retweeted_status": {"idstr": "7", "text": "<b>x</b>"}}, "quoted", "x"),
        ({"retweeted_status": {"idstr": "7", "text": "x"}}, "parent_id", "7"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value)[:60],
)
def test_fields_are_read_as_they_come(more: dict[str, Any], field: str, value: object) -> None:
    post = weibo.read_status(RAW_POST | more, NOW)
    assert getattr(post, field) == value


@pytest.mark.parametrize(
    ("ids", "read"),
    [
        ({"idstr": "5001", "id": 5001}, "5001"),
        ({"id": 5001}, "5001"),
        ({"mid": "5001"}, "5001"),
        ({"idstr": "demo-q_1"}, "demo-q_1"),
        ({"idstr": "", "id": 5001}, "5001"),
        ({"id": 1.5}, None),
        ({"id": True}, None),
        ({"idstr": "../../x"}, None),
        ({"idstr": "1|2>"}, None),
    ],
    ids=str,
)
def test_an_id_is_text_that_may_stand_in_an_address(ids: dict[str, Any], read: str | None) -> None:
    post = weibo.read_status({"text": "奥岚"} | ids, NOW)
    assert (post and post.id) == read


@pytest.mark.parametrize(
    "flag", [{"deleted": "1"}, {"is_deleted": True}, {"visible": False}], ids=str
)
def test_a_post_may_be_gone_in_several_ways(flag: dict[str, Any]) -> None:
    assert weibo.read_statuses([RAW_POST | flag], NOW) == ((), ("5340000000000001",), 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "result",
                    "data",
                    "statuses",
                    "items",
                    "cards",
                    "card_group",
                    "mblog",
                    "idstr",
                    "id",
                    "text",
                    "created_at",
                    "user",
                    "retweeted_status",
                    "deleted",
                    "visible",
                    "error",
                    "code",
                    "ok",
                    "msg",
                    "total_number",
                    "service",
                    "state",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_the_parser_survives_any_json(body: object) -> None:
    weibo.error_code(body)
    weibo.total_of(body)
    found = weibo.statuses(body)
    if found is not None:
        posts, deleted, bad = weibo.read_statuses(found, NOW)
        assert len(posts) + bad <= len(found)
        assert all(p.id for p in posts)
        assert all(deleted)
