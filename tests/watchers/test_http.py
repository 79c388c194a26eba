"""The one door: what it sends, what it refuses, what it makes of answers."""

import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from watchers.budget import Budget, Period
from watchers.errors import BadSetting
from watchers.http import (
    NO_WAIT,
    Call,
    Http,
    Reply,
    Secret,
    SourceTrouble,
    Timeouts,
    base_address,
    is_loopback,
    reset_time,
)
from watchers.model import Outcome

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TOKEN = "s3cret-token-of-the-test"


class Server:
    """Answers with what the test lays out, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[web.BaseRequest] = []
        self.answers: list[web.Response] = []
        self.base = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        return self.answers.pop(0) if self.answers else web.json_response({"ok": 1})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    runner = web.ServerRunner(web.Server(server.handle, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    quick = Timeouts(connect=1, read=0.5, total=1)
    async with Http(contact="ops@example.org", timeouts=quick, wait=NO_WAIT) as door:
        door.keep_secret(Secret(TOKEN))
        yield door


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> Reply:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Reply(status=status, headers=named, body=body, host="api.example")


async def test_it_says_honestly_who_asks(http: Http, server: Server) -> None:
    await http.send(Call(url=server.base), now=NOW)
    agent = server.asked[0].headers["User-Agent"]
    assert agent.startswith("Fenghuo/")
    assert agent.endswith("(+ops@example.org)")


async def test_it_keeps_no_cookies(http: Http, server: Server) -> None:
    answer = web.json_response({})
    answer.set_cookie("visitor", "1")
    server.answers = [answer]
    await http.send(Call(url=server.base), now=NOW)
    await http.send(Call(url=server.base), now=NOW)
    assert "Cookie" not in server.asked[1].headers


async def test_a_redirect_on_the_same_host_is_followed(http: Http, server: Server) -> None:
    server.answers = [web.Response(status=301, headers={"Location": "/there?x=1"})]
    got = await http.send(Call(url=f"{server.base}/here"), now=NOW)
    assert got.status == 200
    assert server.asked[1].path_qs == "/there?x=1"


async def test_redirects_in_a_circle_end(http: Http, server: Server) -> None:
    server.answers = [web.Response(status=302, headers={"Location": "/"}) for _ in range(9)]
    with pytest.raises(SourceTrouble, match="circle"):
        await http.send(Call(url=server.base), now=NOW)
    assert len(server.asked) == 4


async def test_a_port_of_the_same_host_is_another_place(http: Http, server: Server) -> None:
    server.answers = [web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})]
    with pytest.raises(SourceTrouble, match="not followed"):
        await http.send(Call(url=server.base), now=NOW)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "ftp://example.org",
        "https://",
        "//x",
        "file:///etc/passwd",
        "http://[",
    ],
)
async def test_an_address_that_is_not_safe_is_never_asked(http: Http, url: str) -> None:
    with pytest.raises(SourceTrouble) as raised:
        await http.send(Call(url=url), now=NOW)
    assert raised.value.outcome is Outcome.SCHEMA_CHANGED
    assert raised.value.requests == 0
    with pytest.raises(BadSetting, match="X_BASE_URL"):
        base_address({"X_BASE_URL": url}, "X_BASE_URL", "https://example.org")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "LOCALHOST."])
def test_this_machine_has_several_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["localhost.example.org", "10.0.0.1", "example.org", "1.1.1.1", ""]
)
def test_other_machines_are_not_this_one(host: str) -> None:
    assert not is_loopback(host)


async def test_an_answer_packed_in_an_unknown_way_is_refused(http: Http, server: Server) -> None:
    server.answers = [web.Response(body=b"??", headers={"Content-Encoding": "br"})]
    with pytest.raises(SourceTrouble, match="packs its answer as br"):
        await http.send(Call(url=server.base), now=NOW)


async def test_a_broken_package_is_tried_again(http: Http, server: Server) -> None:
    server.answers = [web.Response(body=b"??", headers={"Content-Encoding": "gzip"})]
    assert (await http.send(Call(url=server.base), now=NOW)).requests == 2


@pytest.mark.parametrize("status", [401, 402, 403, 404, 418, 429, 432])
async def test_a_refusal_is_asked_once(http: Http, server: Server, status: int) -> None:
    server.answers = [web.Response(status=status)]
    got = await http.send(Call(url=server.base), now=NOW)
    assert (got.status, got.requests, len(server.asked)) == (status, 1, 1)


@pytest.mark.parametrize(
    ("answer", "outcome", "until"),
    [
        (reply(400), Outcome.SCHEMA_CHANGED, None),
        (reply(401), Outcome.AUTH_REQUIRED, None),
        (reply(402), Outcome.PLAN_REQUIRED, None),
        (reply(403), Outcome.AUTH_REQUIRED, None),
        (reply(403, b"<html>no"), Outcome.BLOCKED, timedelta(hours=6)),
        (
            reply(403, b"Request forbidden by administrative rules."),
            Outcome.BLOCKED,
            timedelta(hours=6),
        ),
        (reply(404), Outcome.SCHEMA_CHANGED, None),
        (reply(414), Outcome.BLOCKED, timedelta(hours=6)),
        (reply(418), Outcome.BLOCKED, timedelta(hours=6)),
        (reply(432), Outcome.BLOCKED, timedelta(hours=6)),
        (reply(429), Outcome.RATE_LIMITED, timedelta(minutes=1)),
        (reply(429, retry_after="7"), Outcome.RATE_LIMITED, timedelta(seconds=7)),
        (reply(500), Outcome.DOWN, None),
        (reply(501), Outcome.DOWN, None),
        (reply(503, b"<html>Cookies expired"), Outcome.AUTH_REQUIRED, None),
    ],
    ids=lambda value: (
        f"{value.status} {value.body[:9]!r}{dict(value.headers)}"
        if isinstance(value, Reply)
        else None
    ),
)
async def test_a_status_means_an_outcome(
    http: Http, answer: Reply, outcome: Outcome, until: timedelta | None
) -> None:
    with pytest.raises(SourceTrouble) as raised:
        http.require(answer, NOW)
    assert raised.value.outcome is outcome
    assert raised.value.until == (NOW + until if until else None)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "30"}, timedelta(seconds=30)),
        ({"retry-after": "Mon, 02 Mar 2026 08:02:00 GMT"}, timedelta(minutes=2)),
        ({"retry-after": "30", "x-ratelimit-reset": "9999999999"}, timedelta(seconds=30)),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 90)}, timedelta(seconds=90)),
        ({"ratelimit-reset": "45"}, timedelta(seconds=45)),
        ({"x-ratelimit-reset": "2026-03-02T08:05:00Z"}, timedelta(minutes=5)),
        ({"x-ratelimit-reset": "2026-03-02T07:00:00Z"}, timedelta()),
        ({"retry-after": "99999999"}, timedelta(days=31)),
    ],
    ids=str,
)
def test_a_source_says_in_many_ways_when_to_come_back(
    headers: dict[str, str], wait: timedelta
) -> None:
    assert reset_time(headers, NOW) == NOW + wait


@pytest.mark.parametrize("text", ["soon", "", "-5", "1e9", "9" * 40, "2026-99-99"])
def test_a_wait_that_makes_no_sense_is_none(text: str) -> None:
    assert reset_time({"retry-after": text}, NOW) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[" * 10_000, b'{"a": 1e999}', b'"\\ud800"', b"null\nnull"],
    ids=lambda b: repr(b[:12]),
)
async def test_what_is_no_json_is_a_changed_shape(http: Http, body: bytes) -> None:
    with pytest.raises(SourceTrouble) as raised:
        http.json(reply(body=body, content_type="application/json"), NOW)
    assert raised.value.outcome is Outcome.SCHEMA_CHANGED


async def test_a_page_of_an_older_chinese_site_is_read_as_text(http: Http) -> None:
    page = "<html><title>请先登录</title>".encode("gb18030")
    with pytest.raises(SourceTrouble) as raised:
        http.json(reply(body=page), NOW)
    assert raised.value.outcome is Outcome.AUTH_REQUIRED


async def test_no_secret_leaves_in_an_error(
    http: Http, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    told = f'{{"echo": "{TOKEN}", "access_token": "abc123", "x": "Bearer zzz.yyy"}}'.encode()
    call = Call(url=server.base, params={"key": TOKEN}, headers={"Authorization": TOKEN})
    server.answers = [web.Response(status=404, body=told)]
    got = await http.send(call, now=NOW)
    with pytest.raises(SourceTrouble) as raised:
        http.require(got, NOW)
    error = raised.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(call) + caplog.text
    for secret in (TOKEN, "abc123", "zzz.yyy"):
        assert secret not in shown
    assert "echo" in str(error)


async def test_a_token_that_no_header_can_hold_is_an_outcome(http: Http, server: Server) -> None:
    bad: list[Any] = ["line\nbreak", "令牌"]
    for token in bad:
        with pytest.raises(SourceTrouble) as raised:
            await http.send(Call(url=server.base, headers={"Authorization": token}), now=NOW)
        assert token not in str(raised.value)
    assert server.asked == []


def test_a_secret_shows_itself_nowhere() -> None:
    assert TOKEN not in f"{Secret(TOKEN)} {Secret(TOKEN)!r}"
    assert Secret(TOKEN).reveal() == TOKEN
    assert not Secret("  ")


# ---------------------------------------------------------------------------------------- budget
async def test_a_spent_budget_asks_nothing_more_until_the_next_period(
    http: Http, server: Server
) -> None:
    budget = Budget(cap=2, unit="credits")
    for _ in range(2):
        await http.send(Call(url=server.base), now=NOW, budget=budget)
    with pytest.raises(SourceTrouble, match="limit of 2 credits a month") as raised:
        await http.send(Call(url=server.base), now=NOW, budget=budget)
    assert raised.value.outcome is Outcome.QUOTA_EXHAUSTED
    assert raised.value.until == datetime(2026, 4, 1, tzinfo=UTC)
    assert len(server.asked) == 2
    await http.send(Call(url=server.base), now=raised.value.until, budget=budget)


async def test_every_attempt_costs(http: Http, server: Server) -> None:
    server.answers = [web.Response(status=500), web.Response(status=500)]
    budget = Budget(cap=10)
    await http.send(Call(url=server.base), now=NOW, budget=budget, cost=2)
    assert budget.spent(NOW) == 6


async def test_the_last_answer_of_a_window_stops_the_next_request(
    http: Http, server: Server
) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-03-02T08:03:00Z"}
    server.answers = [web.json_response({}, headers=headers)]
    budget = Budget()
    await http.send(Call(url=server.base), now=NOW, budget=budget)
    with pytest.raises(SourceTrouble) as raised:
        await http.send(Call(url=server.base), now=NOW, budget=budget)
    assert raised.value.outcome is Outcome.RATE_LIMITED
    assert raised.value.until == NOW + timedelta(minutes=3)
    await http.send(Call(url=server.base), now=NOW + timedelta(minutes=3), budget=budget)


@pytest.mark.parametrize(
    ("period", "end"),
    [
        (Period.HOUR, datetime(2026, 12, 31, 24 - 1, tzinfo=UTC) + timedelta(hours=1)),
        (Period.DAY, datetime(2027, 1, 1, tzinfo=UTC)),
        (Period.MONTH, datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_period_ends_where_the_next_begins(period: Period, end: datetime) -> None:
    assert period.end(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)) == end


def test_what_was_spent_before_a_restart_counts() -> None:
    budget = Budget(cap=100)
    budget.restore(100, NOW)
    assert budget.refuses(NOW) is not None
    assert budget.refuses(NOW + timedelta(days=31)) is None


async def test_the_door_can_be_closed_twice_and_opened_again(server: Server) -> None:
    door = Http(contact="x")
    await door.aclose()
    await door.send(Call(url=server.base), now=NOW)
    await door.aclose()
    await door.aclose()
