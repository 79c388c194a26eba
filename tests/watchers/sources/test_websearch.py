"""Tencent's, Baidu's and GDELT's searches: signatures, codes within a 200, days for times, refusals."""

import json
from datetime import timedelta

import pytest
from aiohttp import web

from bot.demo import platforms as server
from tests.watchers.sources.conftest import T0, World, a_post
from watchers.errors import BadSetting
from watchers.model import Outcome, Watermark
from watchers.sources.wsa import signature

MINUTE = timedelta(minutes=1)
ITEM = {
    "title": "<em>奥岚</em>回应",
    "url": "https://new.qq.com/rain/a/x?utm_source=1",
    "passage": "奥岚今天说",
    "date": "2026-03-02 15:30:00",
    "site": "",
}


# ----------------------------------------------------------------------------------------- Tencent
def test_the_signature_is_the_official_one() -> None:
    """The vector was made with Tencent's own SDK (sources.md 4.11)."""
    body = '{"Query":"肯德基","Mode":0,"Freshness":"d1"}'.encode()
    made = signature("test-id", "test-key", "wsa.tencentcloudapi.com", body, 1795392000)
    assert made == (
        "TC3-HMAC-SHA256 Credential=test-id/2026-11-23/wsa/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=6ff06e1784ac6557b507d90645ff3b51390574a2e4598a2f61b58004769d269f"
    )


async def test_a_wrong_key_is_refused_by_a_server_that_checks(world: World) -> None:
    source = world.source("wsa", WSA_SECRET_KEY="other")
    page = await source.search("奥岚", Watermark(), now=world.clock())
    assert page.outcome is Outcome.AUTH_REQUIRED
    assert "AuthFailure.SignatureFailure" in page.detail
    assert "WSA_SECRET_KEY" in page.detail


@pytest.mark.parametrize(
    ("code", "outcome", "wait"),
    [
        ("RequestLimitExceeded", Outcome.RATE_LIMITED, MINUTE),
        ("RequestLimitExceeded.UinLimitExceeded", Outcome.RATE_LIMITED, MINUTE),
        ("ResourceNotFound", Outcome.PLAN_REQUIRED, None),
        ("ResourceUnavailable", Outcome.PLAN_REQUIRED, None),
        ("UnauthorizedOperation", Outcome.AUTH_REQUIRED, None),
        ("AuthFailure.SecretIdNotFound", Outcome.AUTH_REQUIRED, None),
        ("InvalidParameter", Outcome.SCHEMA_CHANGED, None),
        ("InternalError", Outcome.DOWN, None),
        ("SomethingNew", Outcome.SCHEMA_CHANGED, None),
    ],
)
async def test_tencents_codes_come_with_200_and_are_outcomes(
    code: str, outcome: Outcome, wait: timedelta | None, world: World
) -> None:
    body = {"Response": {"Error": {"Code": code, "Message": "x"}, "RequestId": "r"}}
    world.platform("wsa").fail(server.says(body))
    page = await world.ask("wsa")
    assert (page.outcome, page.until) == (outcome, T0 + wait if wait else None)


async def test_a_page_that_is_no_json_is_left_out_and_counted(world: World) -> None:
    pages = [json.dumps(ITEM), "{half", json.dumps(ITEM | {"url": "https://a.example/2"})]
    body = {"Response": {"Query": "q", "Pages": pages, "RequestId": "r"}}
    world.platform("wsa").fail(server.says(body))
    page = await world.ask("wsa")
    assert (page.outcome, len(page.posts)) == (Outcome.OK, 2)
    assert page.detail == "1 results could not be read"
    first = next(p for p in page.posts if "qq.com" in p.url)
    assert first.text == "奥岚回应\n奥岚今天说"
    assert (first.publisher, first.url) == ("new.qq.com", "https://new.qq.com/rain/a/x")
    assert first.created_at == T0 - 30 * MINUTE  # a time without a zone is China's


async def test_the_edition_says_what_may_be_sent(world: World) -> None:
    at = world.clock() - timedelta(days=3)
    lite = world.source("wsa")
    await lite.search("奥岚", Watermark(at=at, covered_to=at), now=world.clock())
    best = world.source("wsa", WSA_COUNT="50", WSA_TIME_STYLE="range")
    await best.search("奥岚", Watermark(at=at, covered_to=at), now=world.clock())
    first, second = [a.body for a in world.platform("wsa").asked]
    assert first == {"Query": "奥岚", "Freshness": "d4"}
    floor = int((at - timedelta(days=1)).timestamp())
    assert second == {
        "Query": "奥岚", "Mode": 0, "Cnt": 50, "FromTime": floor, "ToTime": int(T0.timestamp()),
    }  # fmt: skip
    for name, value in (("WSA_COUNT", "25"), ("WSA_TIME_STYLE", "soon")):
        with pytest.raises(BadSetting, match=name):
            world.source("wsa", **{name: value})


async def test_each_search_is_paid_for_and_the_month_has_an_end(world: World) -> None:
    source = world.source("wsa", WSA_CALLS_PER_MONTH="1")
    await source.search("奥岚", Watermark(), now=world.clock())
    page = await source.search("奥岚", Watermark(), now=world.clock())
    assert page.outcome is Outcome.QUOTA_EXHAUSTED
    assert source.left(world.clock()) == ("0 of 1 paid searches left this month",)


# ------------------------------------------------------------------------------------------- Baidu
@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"code": "invalid_api_key", "message": "auth failed"}, Outcome.AUTH_REQUIRED),
        (401, {"code": "x", "message": "no"}, Outcome.AUTH_REQUIRED),
        (403, {"code": "x", "message": "no"}, Outcome.AUTH_REQUIRED),
        (200, {"code": 18, "message": "Open api qps request limit reached"}, Outcome.RATE_LIMITED),
        (429, {"code": "x", "message": "slow down"}, Outcome.RATE_LIMITED),
        (200, {"code": "q", "message": "daily quota used up"}, Outcome.QUOTA_EXHAUSTED),
        (200, {"code": "q", "message": "今日免费额度已用完"}, Outcome.QUOTA_EXHAUSTED),
        (200, {"code": "odd", "message": "?"}, Outcome.SCHEMA_CHANGED),
        (200, {"references": []}, Outcome.OK_EMPTY),
    ],
)
async def test_baidus_errors_come_with_200_too(
    status: int, body: object, outcome: Outcome, world: World
) -> None:
    world.platform("qianfan").fail(server.status(status, body))
    assert (await world.ask("qianfan")).outcome is outcome


async def test_a_day_is_no_time_and_one_address_is_one_article(world: World) -> None:
    item = {"title": "奥岚回应", "url": "https://www.sohu.com/a/1", "date": "2026-03-02"}
    undated: dict[str, object] = {
        "title": "奥岚回应",
        "url": "https://b.cn",
        "web_anchor": "示例网",
    }
    rows = [item, item | {"url": "https://www.sohu.com/a/1/?utm_a=2"}, undated | {"date": None}]
    world.platform("qianfan").fail(server.says({"references": rows}))
    page = await world.ask("qianfan")
    found = {p.url: p for p in page.posts}
    assert set(found) == {"https://www.sohu.com/a/1", "https://b.cn"}
    assert found["https://www.sohu.com/a/1"].created_precision == timedelta(days=1)
    assert found["https://b.cn"].created_at is None
    assert found["https://b.cn"].publisher == "示例网"


async def test_the_sites_are_a_setting(world: World) -> None:
    source = world.source("qianfan", QIANFAN_SITES="a.cn b.cn")
    await source.search("奥岚", Watermark(), now=world.clock())
    body = world.platform("qianfan").asked[-1].body
    assert isinstance(body, dict)
    assert body["search_filter"] == {"match": {"site": ["a.cn", "b.cn"]}}


# ------------------------------------------------------------------------------------------- GDELT
async def test_gdelt_that_refuses_is_left_alone_for_an_hour(world: World) -> None:
    async def refusal(_request: web.Request, _handler: object) -> web.StreamResponse:
        return web.Response(status=429, text="Your query was too frequent. Please limit requests.")

    world.platform("gdelt").fail(refusal)
    page = await world.ask("gdelt")
    assert (page.outcome, page.requests) == (Outcome.RATE_LIMITED, 1)
    assert page.until == T0 + timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "kind", "outcome"),
    [
        ('{"articles":[{"title":"a\\q"}]}', "application/json", Outcome.SCHEMA_CHANGED),
        ("One of your queries was too short.", "text/html", Outcome.SCHEMA_CHANGED),
        ("{}", "application/json", Outcome.OK_EMPTY),
        ('{"articles":{}}', "application/json", Outcome.SCHEMA_CHANGED),
    ],
)
async def test_what_gdelt_says_instead_of_articles(
    text: str, kind: str, outcome: Outcome, world: World
) -> None:
    world.platform("gdelt").fail(server.page(text, kind=kind))
    assert (await world.ask("gdelt")).outcome is outcome


async def test_gdelt_tells_when_it_saw_an_article_and_is_asked_for_what_is_new(
    world: World,
) -> None:
    world.platform("gdelt").add([a_post("gdelt", 1, T0 - 20 * MINUTE)])
    source = world.source("gdelt")
    first = await source.search("奥岚", Watermark(), now=world.clock())
    (post,) = first.posts
    assert post.created_precision == timedelta(minutes=15)
    world.clock.forward(hours=3)
    await source.search("奥岚", first.watermark, now=world.clock())
    spans = [a.query["timespan"] for a in world.platform("gdelt").asked]
    assert spans == ["60min", "260min"]
