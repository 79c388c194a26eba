"""X: money is counted by the post, bursts are weighed first, both namings are read, OR joins words."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo import platforms as server
from tests.watchers.sources.conftest import T0, World, a_post
from watchers.connector import OR
from watchers.errors import BadSetting
from watchers.http import SourceTrouble
from watchers.model import Kind, Outcome, Watermark
from watchers.sources.x import X, read_counts, read_post, read_posts

MONTH_ENDS = T0.replace(month=4, day=1, hour=0)
RAW = {
    "id": "1990000000000000001",
    "text": "示例",
    "created_at": "2026-03-02T06:10:00.000Z",
    "author_id": "42",
    "lang": "zh",
    "public_metrics": {"retweet_count": 1, "reply_count": 0, "like_count": 3, "quote_count": 0},
}


def spent(source: object, world: World) -> float:
    """Return how many US dollars SOURCE counts as spent."""
    assert isinstance(source, X)
    return source.money.spent(world.clock()) / 1000


def publish(world: World, count: int, *, first: int = 1) -> None:
    last = world.clock() - timedelta(minutes=1)
    world.platform("x").add(
        a_post("x", first + n, last - timedelta(seconds=count - 1 - n)) for n in range(count)
    )


async def test_each_post_that_is_read_costs_and_an_empty_search_costs_nothing(
    world: World,
) -> None:
    source = world.source("x")
    publish(world, 7)
    mark = (await source.search("奥岚", Watermark(), now=world.clock())).watermark
    assert spent(source, world) == pytest.approx(7 * 0.005)
    world.clock.forward(minutes=5)
    page = await source.search("奥岚", mark, now=world.clock())
    assert (page.outcome, page.posts) == (Outcome.OK_EMPTY, ())
    assert world.platform("x").asked[-1].query["since_id"] == mark.id
    assert spent(source, world) == pytest.approx(7 * 0.005)
    assert source.left(world.clock())[0] == "999.97 of 1,000.00 US dollars left this month"


async def test_what_went_wrong_costs_nothing(world: World) -> None:
    source = world.source("x")
    for fault, times in ((server.status(503), 3), (server.cut(), 3), (server.too_many(), 1)):
        world.platform("x").fail(fault, times=times)
        await source.search("奥岚", Watermark(), now=world.clock())
    assert spent(source, world) == 0


async def test_the_money_is_a_hard_stop(world: World) -> None:
    source = world.source("x", X_USD_PER_MONTH="1", X_FIRST_PAGES="20")
    publish(world, 400)
    page = await source.search("奥岚", Watermark(), now=world.clock(), max_pages=20)
    assert len(page.posts) <= 200
    assert 0.9 <= spent(source, world) <= 1.0
    page = await source.search("奥岚", Watermark(), now=world.clock())
    assert (page.outcome, page.until) == (Outcome.QUOTA_EXHAUSTED, MONTH_ENDS)
    assert "our own limit of 1.00 US dollars a month" in page.detail
    assert source.allowance(world.clock()) == 0


async def test_before_a_third_page_the_counts_say_what_the_rest_would_cost(world: World) -> None:
    source = world.source("x", X_USD_PER_MONTH="20")
    publish(world, 1)
    mark = (await source.search("奥岚", Watermark(), now=world.clock())).watermark
    world.clock.forward(hours=2)
    publish(world, 900, first=1001)
    page = await source.search("奥岚", mark, now=world.clock())
    assert page.outcome is Outcome.PARTIAL
    assert len(page.posts) == 200
    assert "about 701 more posts would cost 3.50 US dollars" in page.detail
    assert len(page.watermark.gaps) == 1
    assert spent(source, world) == pytest.approx(201 * 0.005 + 0.005)


async def test_a_gap_is_asked_for_by_its_times_alone(world: World) -> None:
    source = world.source("x")
    publish(world, 1)
    mark = (await source.search("奥岚", Watermark(), now=world.clock())).watermark
    world.clock.forward(hours=2)
    publish(world, 350, first=1001)
    first = await source.search("奥岚", mark, now=world.clock(), max_pages=2)
    (gap,) = first.watermark.gaps
    world.clock.forward(minutes=5)
    second = await source.search("奥岚", first.watermark, now=world.clock())
    assert second.outcome is Outcome.OK
    assert len(second.posts) <= 155  # what was read before is not paid for again
    asked = [a.query for a in world.platform("x").asked if "end_time" in a.query]
    assert asked
    assert all(q["start_time"] <= f"{gap.start:%Y-%m-%dT%H:%M:%SZ}" for q in asked)


async def test_an_id_that_is_too_old_for_x_is_replaced_by_its_time(world: World) -> None:
    source = world.source("x")
    publish(world, 2)
    at = world.clock() - timedelta(hours=2)
    mark = Watermark(at=at, id="123", covered_to=at)
    page = await source.search("奥岚", mark, now=world.clock())
    assert (page.outcome, len(page.posts)) == (Outcome.OK, 2)
    queries = [a.query for a in world.platform("x").asked]
    assert ["since_id" in q for q in queries] == [True, False]
    assert queries[1]["start_time"] == f"{at:%Y-%m-%dT%H:%M:%SZ}"


async def test_after_more_than_a_week_only_the_last_seven_days_are_asked_for(world: World) -> None:
    at = world.clock() - timedelta(days=20)
    await world.source("x").search(
        "奥岚", Watermark(at=at, id="123", covered_to=at), now=world.clock()
    )
    (asked,) = world.platform("x").asked
    assert asked.query["start_time"] == "2026-02-23T08:01:00Z"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (402, {"title": "CreditsDepleted"}, Outcome.QUOTA_EXHAUSTED),
        (429, {"type": "https://api.twitter.com/2/problems/usage-capped"}, Outcome.QUOTA_EXHAUSTED),
        (429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, Outcome.RATE_LIMITED),
        (403, {"type": "https://x/problems/client-forbidden"}, Outcome.PLAN_REQUIRED),
        (400, {"type": "https://x/problems/invalid-request"}, Outcome.SCHEMA_CHANGED),
        (200, {"data": [1, 2], "meta": {}}, Outcome.SCHEMA_CHANGED),
        (200, {"meta": {"result_count": 0}}, Outcome.OK_EMPTY),
    ],
)
async def test_the_problems_of_x_are_outcomes(
    status: int, body: object, outcome: Outcome, world: World
) -> None:
    world.platform("x").fail(server.status(status, body))
    page = await world.ask("x")
    assert page.outcome is outcome
    if outcome is Outcome.QUOTA_EXHAUSTED:
        assert page.until == MONTH_ENDS


async def test_an_answer_with_errors_beside_posts_is_partial(world: World) -> None:
    body = {"data": [RAW], "meta": {"result_count": 1}, "errors": [{"detail": "not found: 9"}]}
    at = world.clock() - timedelta(hours=3)
    world.platform("x").fail(server.says(body))
    page = await world.source("x").search(
        "奥岚", Watermark(at=at, covered_to=at), now=world.clock()
    )
    assert (page.outcome, len(page.posts)) == (Outcome.PARTIAL, 1)
    assert "not found: 9" in page.detail
    assert page.watermark.covered_to == at


async def test_the_connection_test_reads_no_post_and_doubts_a_silent_world(world: World) -> None:
    source = world.source("x")
    assert (await source.check(world.clock()))[0] is Outcome.OK
    assert spent(source, world) == pytest.approx(0.005)
    world.platform("x").fail(server.says({"data": [], "meta": {}}))
    assert (await source.check(world.clock()))[0] is Outcome.SCHEMA_CHANGED


def test_words_become_a_query_of_x(world: World) -> None:
    source = world.source("x")
    assert isinstance(source, X)
    assert source.words("奥岚") == '"奥岚" lang:zh -is:retweet'
    assert source.words('奥岚 "冒烟"') == '"奥岚" "冒烟" lang:zh -is:retweet'
    joined = source.words(OR.join(["奥岚", "骑云 单车"]))
    assert joined == '(("奥岚") OR ("骑云" "单车")) lang:zh -is:retweet'
    with pytest.raises(SourceTrouble, match="512 characters"):
        source.words("奥" * 600)


async def test_one_search_serves_many_words(world: World) -> None:
    at = world.clock() - timedelta(minutes=2)
    texts = ("奥岚冒烟", "骑云崩了", "天气很好")
    world.platform("x").add(a_post("x", n, at, text=text) for n, text in enumerate(texts))
    page = await world.ask("x", OR.join(["奥岚", "骑云"]))
    assert {p.text for p in page.posts} == {"奥岚冒烟", "骑云崩了"}


def test_both_namings_of_the_fields_are_read() -> None:
    old = RAW | {
        "referenced_tweets": [{"type": "replied_to", "id": "7"}],
        "note_tweet": {"text": "示例，全文"},
    }
    new = RAW | {
        "referenced_posts": [{"type": "replied_to", "id": "7"}],
        "note_post": {"text": "示例，全文"},
    }
    found = [read_post(raw, T0) for raw in (old, new)]
    assert found[0] == found[1]
    assert found[0] is not None
    assert (found[0].text, found[0].kind, found[0].parent_id) == ("示例，全文", Kind.REPLY, "7")
    assert (found[0].reposts, found[0].comments, found[0].likes) == (1, 0, 3)


def test_a_missing_count_is_unknown() -> None:
    post = read_post({k: v for k, v in RAW.items() if k != "public_metrics"}, T0)
    assert post is not None
    assert (post.reposts, post.comments, post.likes) == (None, None, None)


async def test_the_style_of_fields_is_a_setting(world: World) -> None:
    await world.source("x", X_FIELD_STYLE="post").search("奥岚", Watermark(), now=world.clock())
    (asked,) = world.platform("x").asked
    assert "note_post" in asked.query["post.fields"]
    assert "tweet.fields" not in asked.query
    for name, value in (("X_FIELD_STYLE", "toot"), ("X_LANG", "zh OR"), ("X_USD_PER_MONTH", "-1")):
        with pytest.raises(BadSetting, match=name):
            world.source("x", **{name: value})


def test_recorded_answers_are_read(shared: Path) -> None:
    folder = shared / "data/microblogs/raw/x"
    body = json.loads((folder / "v2_search_tweets_query.json").read_text())
    found = read_posts(body, T0)
    assert found is not None
    assert len(found[0]) == len(body["data"])
    assert all(p.text and p.created_at and p.author.id for p in found[0])
    counts = json.loads((folder / "v2_tweets_counts_recent_resp.json").read_text())
    read = read_counts(counts, T0)
    assert len(read) == len(counts["data"])
    assert sum(n for _, n in read) == sum(r["tweet_count"] for r in counts["data"])
    (taped,) = json.loads((folder / "test_client_search_recent_tweets.json").read_text())[:1]
    bare = read_posts(taped["response"]["body"], T0)
    assert bare is not None
    assert all(p.created_at is None for p in bare[0])  # never the time we read it
