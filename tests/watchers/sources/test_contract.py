"""What every connector owes: the same situations, told to each of them."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo import platforms as server
from bot.demo.platforms import Platform, Platforms
from tests.watchers.sources.conftest import T0, Clock, a_post
from watchers.http import Http
from watchers.model import Gap, Outcome, Page, Watermark
from watchers.sources import SOURCES, Source
from watchers.timetext import CHINA

MINUTE = timedelta(minutes=1)
PAGED = {  # posts on a page, where there are more
    "weibo": 20,
    "weibo_business": 50,
    "bluesky": 100,
    "mastodon": 40,
    "x": 100,
    "provider": 50,
}
ONE_PAGE = {  # posts on the one page there is
    "zhihu": 10,
    "zhihuweb": 20,
    "wsa": 10,
    "qianfan": 50,
    "gdelt": 250,
    "weibo_page": 10,
}
READ = {"feed": 50, "sinaroll": 50}  # articles of what is read whole; words are looked for here
SEARCHED = PAGED | ONE_PAGE
PAGE = SEARCHED | READ
WALLED = {"weibo_page": timedelta(hours=6)}  # after a login wall that nobody may climb
PATIENT = {"gdelt": timedelta(hours=1)}  # after a 429 that does not say how long
SECRETS = (
    server.WEIBO_TOKEN,
    server.MASTODON_TOKEN,
    server.BLUESKY_PASSWORD,
    "eyJ",
    "demo-secret",  # in all that the platforms of tests alone ask for
)


TELLS_DELETIONS = {  # who leaves out what was deleted, and whether the id is told
    "weibo": True,
    "weibo_business": True,
    "weibo_page": False,
    "bluesky": False,
    "mastodon": False,
    "feed": False,
}
CLOCKS = {  # the field that tells the time of a post; Bluesky and providers have rules of their own
    "weibo": "created_at",
    "weibo_business": "created_at",
    "weibo_page": "created_at",
    "zhihu": "EditTime",
    "zhihuweb": "EditTime",
    "mastodon": "created_at",
    "x": "created_at",
    "sinaroll": "ctime mtime",
    "wsa": "date",
    "qianfan": "date",
    "gdelt": "seendate",
}
NOW = datetime(2026, 1, 2, 8, 30, tzinfo=CHINA)


def here(*at: int) -> datetime:
    return datetime(*at, tzinfo=CHINA)  # type: ignore[arg-type, misc]  # year, month, day, ...


FORMS: dict[object, datetime | None] = {
    "刚刚": NOW,
    "5分钟前": here(2026, 1, 2, 8, 25),
    "30秒前": here(2026, 1, 2, 8, 29, 30),
    "半小时前": here(2026, 1, 2, 8, 0),
    "1个小时前": here(2026, 1, 2, 7, 30),
    "今天 07:05": here(2026, 1, 2, 7, 5),
    "今天07:05 来自iPhone": here(2026, 1, 2, 7, 5),
    "今天 25:00": None,
    "昨天 23:59": here(2026, 1, 1, 23, 59),
    "12月31日 19:30": here(2025, 12, 31, 19, 30),
    "1月5日 08:00": here(2025, 1, 5, 8, 0),
    "11-20": here(2025, 11, 20),
    "2025年5月1日 08:00": here(2025, 5, 1, 8, 0),
    "2025-5-1 08:00:09": here(2025, 5, 1, 8, 0, 9),
    "Tue May 21 10:00:00 +0800 2024": here(2024, 5, 21, 10),
    "Fri, 07 Nov 2025 06:30:00 GMT": datetime(2025, 11, 7, 6, 30, tzinfo=UTC),
    "2025-08-07T06:30:00.123Z": datetime(2025, 8, 7, 6, 30, 0, 123000, tzinfo=UTC),
    "20250807T063000Z": datetime(2025, 8, 7, 6, 30, tzinfo=UTC),
    "1754548200": here(2025, 8, 7, 14, 30),
    1754548200000: here(2025, 8, 7, 14, 30),
    "不久前": None,
    "2月30日 10:00": None,
}


class Asked:
    """One connector against its platform; `ask` keeps the watermark from round to round."""

    def __init__(self, name: str, platforms: Platforms, http: Http, clock: Clock) -> None:
        self.name, self.clock, self.size = name, clock, PAGE[name]
        self.platform: Platform = (
            platforms.others[name].platform
            if name in platforms.others
            else getattr(platforms, name)
        )
        self.source: Source = SOURCES[name].make(http, platforms.settings())
        self.mark = Watermark()
        self.query = self.source.feeds[0] if self.source.feeds else "奥岚"

    async def ask(self, query: str = "", *, max_pages: int = 5) -> Page:
        query = query or self.query
        page = await self.source.search(query, self.mark, now=self.clock(), max_pages=max_pages)
        self.mark = page.watermark
        return page

    def publish(self, count: int, *, step: timedelta = MINUTE, first: int = 1) -> None:
        """Let COUNT posts appear, STEP apart, the newest a minute ago."""
        last = self.clock() - MINUTE
        posts = [a_post(self.name, first + n, last - (count - 1 - n) * step) for n in range(count)]
        self.platform.add(posts)


@pytest.fixture(params=PAGE)
def asked(request: pytest.FixtureRequest, platforms: Platforms, http: Http, clock: Clock) -> Asked:
    return Asked(request.param, platforms, http, clock)


@pytest.fixture(params=SEARCHED)
def searched(
    request: pytest.FixtureRequest, platforms: Platforms, http: Http, clock: Clock
) -> Asked:
    return Asked(request.param, platforms, http, clock)


@pytest.fixture(params=PAGED)
def paged(request: pytest.FixtureRequest, platforms: Platforms, http: Http, clock: Clock) -> Asked:
    return Asked(request.param, platforms, http, clock)


@pytest.fixture(params=ONE_PAGE)
def one_page(
    request: pytest.FixtureRequest, platforms: Platforms, http: Http, clock: Clock
) -> Asked:
    return Asked(request.param, platforms, http, clock)


def numbers(page: Page) -> list[int]:
    """Return the numbers of the posts, as the page has them."""
    return [int(m[1]) for p in page.posts if (m := re.search(r"第(\d+)台", p.text))]


async def test_the_first_round_brings_all_there_is_newest_first(asked: Asked) -> None:
    asked.publish(7)
    page = await asked.ask()
    assert numbers(page) == [7, 6, 5, 4, 3, 2, 1]
    assert page.outcome is Outcome.OK
    assert page.watermark.at == T0 - MINUTE
    if asked.name != "feed":  # which knows what it read by its validators
        assert page.watermark.id == page.posts[0].id
    assert page.watermark.covered_to == T0 - asked.source.lag
    assert page.watermark.gaps == ()


async def test_posts_carry_what_the_source_says_of_them(asked: Asked) -> None:
    asked.publish(1)
    (post,) = (await asked.ask()).posts
    assert post.source == asked.name
    assert post.created_at == T0 - MINUTE
    assert post.retrieved_at == T0
    assert post.text == "奥岚取暖器第1台 #奥岚"
    assert post.author.handle in {"用户1", "u1", post.publisher}  # some tell an id alone
    assert post.url.startswith("https://")
    assert post.terms_class == asked.source.describe().terms_class


async def test_a_round_follows_the_pages_until_there_is_no_more(paged: Asked) -> None:
    count = 2 * paged.size + 3
    paged.publish(count, step=timedelta(seconds=1))
    page = await paged.ask()
    assert numbers(page) == list(range(count, 0, -1))
    assert page.outcome is Outcome.OK
    assert len({p.id for p in page.posts}) == count


async def test_a_new_query_reads_only_so_many_pages_and_counts_as_complete(paged: Asked) -> None:
    paged.publish(5 * paged.size, step=timedelta(seconds=1))
    page = await paged.ask(max_pages=2)
    assert 2 * paged.size - 1 <= len(page.posts) <= 2 * paged.size  # by time, one comes twice
    assert page.outcome is Outcome.OK
    assert page.watermark.gaps == ()


async def test_the_next_round_stops_once_it_is_back_at_what_is_known(paged: Asked) -> None:
    paged.publish(5 * paged.size, step=paged.source.overlap / 10)
    await paged.ask(max_pages=2)
    paged.clock.forward(minutes=10)
    paged.publish(1, first=9001)
    page = await paged.ask()
    assert numbers(page)[0] == 9001
    assert page.outcome is Outcome.OK
    assert page.requests == 1
    assert page.watermark.at == paged.clock() - MINUTE


async def test_a_post_that_reaches_the_index_late_is_still_found(asked: Asked) -> None:
    asked.publish(3)
    await asked.ask()
    late = asked.source.overlap * 0.8
    asked.platform.add([a_post(asked.name, 77, T0 - late)])
    asked.clock.forward(minutes=2)
    assert 77 in numbers(await asked.ask())


async def test_posts_of_others_are_not_brought(searched: Asked) -> None:
    searched.publish(3)
    searched.platform.add([a_post(searched.name, 9, T0 - MINUTE, text="天气很好")])
    assert numbers(await searched.ask()) == [3, 2, 1]


async def test_the_same_post_has_the_same_id_in_every_round(asked: Asked) -> None:
    asked.publish(3)
    first = await asked.ask()
    asked.mark = Watermark()
    again = await asked.ask()
    assert {p.id for p in again.posts} == {p.id for p in first.posts}
    assert len({p.key for p in first.posts}) == 3


@pytest.mark.parametrize("name", TELLS_DELETIONS)
async def test_what_its_author_deleted_is_not_brought_and_told_where_the_source_tells(
    name: str, platforms: Platforms, http: Http, clock: Clock
) -> None:
    asked = Asked(name, platforms, http, clock)
    asked.publish(2)
    page = await asked.ask()
    gone = next(p for p in page.posts if "第1台" in p.text)
    asked.platform.delete("5340000000000001")
    asked.clock.forward(minutes=1)
    page = await asked.ask()
    assert gone.id not in {p.id for p in page.posts}
    if TELLS_DELETIONS[name]:
        assert page.deleted == (gone.id,)


async def test_a_count_that_is_missing_is_unknown_never_zero(asked: Asked) -> None:
    if asked.name == "feed":
        pytest.skip("a feed counts nothing, and is no JSON")
    asked.publish(1)
    asked.platform.fail(server.changed(without_counts), times=4)
    (post,) = (await asked.ask()).posts
    assert (post.reposts, post.comments, post.likes) == (None, None, None)


def without_counts(body: object) -> object:
    """Return BODY without every number that counts something, JSON inside of strings too."""
    if isinstance(body, list):
        return [without_counts(part) for part in body]
    if not isinstance(body, dict):
        return body
    kept = {k: v for k, v in body.items() if not re.search(r"(_count|Count|_metrics)$", k)}
    return {k: without_counts(v) for k, v in kept.items()}


@pytest.mark.parametrize("name", CLOCKS)
async def test_the_clock_is_read_however_it_is_written(
    name: str, platforms: Platforms, http: Http, clock: Clock
) -> None:
    """All forms of sources.md 3.6, in the field in which this source tells the time."""
    clock.now = NOW.astimezone(UTC)
    asked = Asked(name, platforms, http, clock)
    asked.publish(1)
    for written, at in FORMS.items():
        asked.mark = Watermark()
        asked.platform.fail(server.changed(clocks(CLOCKS[name], written)), times=4)
        page = await asked.ask()
        asked.platform.mend()
        assert page.outcome.healthy or page.outcome is Outcome.STALE, f"{written}: {page.detail}"
        if page.posts:  # a roll that stands still brings nothing
            assert page.posts[0].created_at == at, written


def clocks(fields: str, written: object) -> Callable[[object], object]:
    """Return what writes WRITTEN into FIELDS wherever they stand, JSON inside of strings too."""

    def edit(body: object) -> object:
        if isinstance(body, list):
            return [edit(part) for part in body]
        if isinstance(body, str) and body.startswith("{"):
            return json.dumps(edit(json.loads(body)), ensure_ascii=False)
        if not isinstance(body, dict):
            return body
        return {k: written if k in fields.split() else edit(v) for k, v in body.items()}

    return edit


async def test_nothing_new_moves_the_time_that_is_covered(searched: Asked) -> None:
    page = await searched.ask("没有人说过")
    assert page.outcome is Outcome.OK_EMPTY
    assert page.posts == ()
    assert page.watermark.covered_to == T0 - searched.source.lag
    assert page.watermark.at is not None


async def test_more_than_the_pages_hold_leaves_a_gap_that_later_rounds_fill(paged: Asked) -> None:
    paged.publish(3)
    await paged.ask()
    before = paged.mark
    paged.clock.forward(hours=2)
    burst = 4 * paged.size
    paged.publish(burst, step=timedelta(seconds=10), first=1001)

    first = await paged.ask(max_pages=2)
    assert first.outcome is Outcome.PARTIAL
    assert numbers(first)[:2] == [1000 + burst, 999 + burst]
    assert (first.watermark.at, first.watermark.covered_to) == (before.at, before.covered_to)
    assert before.at is not None
    certain = first.posts[-3].at
    assert first.watermark.gaps == (Gap(start=before.at - paged.source.overlap, end=certain),)
    assert "not read yet" in first.detail

    seen = set(numbers(first))
    for _ in range(3):
        paged.clock.forward(minutes=1)
        page = await paged.ask(max_pages=3)
        seen |= set(numbers(page))
        if page.outcome is Outcome.OK:
            break
    assert page.outcome is Outcome.OK
    assert page.watermark.gaps == ()
    assert page.watermark.ahead is None
    assert seen >= set(range(1001, 1001 + burst))
    assert page.watermark.covered_to == paged.clock() - paged.source.lag


async def test_a_refusal_in_mid_round_keeps_the_posts_and_the_gap(paged: Asked) -> None:
    paged.publish(3)
    await paged.ask()
    before = paged.mark
    paged.clock.forward(hours=2)
    paged.publish(3 * paged.size, step=timedelta(seconds=10), first=1001)
    paged.platform.fail(server.too_many(30), after=1)
    page = await paged.ask()
    assert page.outcome is Outcome.PARTIAL
    assert len(page.posts) == paged.size
    assert page.until == paged.clock() + timedelta(seconds=30)
    assert page.watermark.covered_to == before.covered_to
    assert len(page.watermark.gaps) == 1


async def test_a_full_page_of_new_posts_says_that_some_were_missed(one_page: Asked) -> None:
    one_page.publish(2)
    await one_page.ask()
    one_page.clock.forward(days=3)
    one_page.publish(one_page.size + 5, step=timedelta(minutes=10), first=1001)
    page = await one_page.ask()
    assert page.outcome is Outcome.PARTIAL
    assert len(page.posts) == one_page.size
    assert len(page.watermark.gaps) == 1
    assert page.detail
    one_page.clock.forward(minutes=30)
    one_page.publish(1, first=2001)
    page = await one_page.ask()
    assert page.outcome is Outcome.OK
    assert numbers(page)[0] == 2001


REFUSALS = [
    pytest.param(server.status(401), Outcome.AUTH_REQUIRED, None, id="401 wants a login"),
    pytest.param(server.status(403), Outcome.AUTH_REQUIRED, None, id="403 in JSON wants a login"),
    pytest.param(server.status(418), Outcome.BLOCKED, timedelta(hours=6), id="418 is a refusal"),
    pytest.param(server.status(432), Outcome.BLOCKED, timedelta(hours=6), id="432 is a refusal"),
    pytest.param(server.too_many(), Outcome.RATE_LIMITED, MINUTE, id="429 waits a minute"),
    pytest.param(
        server.too_many(90), Outcome.RATE_LIMITED, 1.5 * MINUTE, id="429 waits as long as it says"
    ),
    pytest.param(
        server.status(429, {}, X_RateLimit_Reset="2026-03-02T08:05:00.019685Z"),
        Outcome.RATE_LIMITED,
        timedelta(minutes=5, microseconds=19685),
        id="429 waits until the reset it names",
    ),
    pytest.param(
        server.status(503, {}, Retry_After="120"),
        Outcome.DOWN,
        2 * MINUTE,
        id="503 that says how long is not tried again",
    ),
    pytest.param(server.page(), Outcome.SCHEMA_CHANGED, None, id="a web page is never empty"),
    pytest.param(server.login_wall(), Outcome.AUTH_REQUIRED, None, id="a visitor wall"),
    pytest.param(
        server.redirect("https://passport.example.cn/signin"),
        Outcome.AUTH_REQUIRED,
        None,
        id="a redirect to a login page",
    ),
    pytest.param(
        server.redirect("https://elsewhere.example/search"),
        Outcome.SCHEMA_CHANGED,
        None,
        id="a redirect off the host is not followed",
    ),
    pytest.param(server.truncated(), Outcome.SCHEMA_CHANGED, None, id="half an answer"),
    pytest.param(server.huge(5_000_000), Outcome.SCHEMA_CHANGED, None, id="above the cap"),
    pytest.param(
        server.huge(5_000_000, packed=True),
        Outcome.SCHEMA_CHANGED,
        None,
        id="a bomb: above the cap once unpacked",
    ),
    pytest.param(server.says([1, 2]), Outcome.SCHEMA_CHANGED, None, id="a list, not an object"),
    pytest.param(server.says({"ok": True}), Outcome.SCHEMA_CHANGED, None, id="no list of posts"),
    pytest.param(
        server.says({"statuses": [1, None, "x"], "posts": [1, None, "x"]}),
        Outcome.SCHEMA_CHANGED,
        None,
        id="posts of the wrong type",
    ),
    pytest.param(
        server.says({"statuses": {"a": 1}, "posts": "none"}),
        Outcome.SCHEMA_CHANGED,
        None,
        id="a list of the wrong type",
    ),
]


@pytest.mark.parametrize(("fault", "outcome", "wait"), REFUSALS)
async def test_a_refusal_is_an_outcome_and_the_watermark_stays(
    asked: Asked, fault: server.Fault, outcome: Outcome, wait: timedelta | None
) -> None:
    asked.publish(3)
    await asked.ask()
    before, count = asked.mark, len(asked.platform.asked)
    asked.platform.fail(fault)
    page = await asked.ask()
    assert page.outcome is outcome
    wait = PATIENT.get(asked.name, wait) if wait is MINUTE else wait
    wait = WALLED.get(asked.name) if outcome is Outcome.AUTH_REQUIRED else wait
    assert page.until == (asked.clock() + wait if wait else None)
    assert page.posts == ()
    assert page.watermark == before
    assert page.detail
    assert len(asked.platform.asked) == count + page.requests
    assert not any(secret in page.detail for secret in SECRETS)
    assert (await asked.ask()).outcome.healthy


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(server.status(500), id="500"),
        pytest.param(server.status(502), id="502"),
        pytest.param(server.cut(), id="the connection breaks"),
        pytest.param(server.slow(0.6), id="too slow"),
    ],
)
async def test_what_passes_is_tried_again_and_three_times_is_enough(
    asked: Asked, fault: server.Fault
) -> None:
    asked.publish(3)
    await asked.ask()
    before = asked.mark
    asked.platform.fail(fault, times=2)
    page = await asked.ask()
    assert (page.outcome.healthy, page.requests) == (True, 3)
    asked.mark = before
    asked.platform.fail(fault, times=3)
    page = await asked.ask()
    assert (page.outcome, page.requests, page.watermark) == (Outcome.DOWN, 3, before)


async def test_a_server_that_is_not_there_is_down(asked: Asked, platforms: Platforms) -> None:
    await platforms.stop()
    page = await asked.ask()
    assert page.outcome is Outcome.DOWN
    assert "127.0.0.1" in page.detail


async def test_the_connection_test_says_how_it_went(asked: Asked) -> None:
    asked.publish(1)
    outcome, words = await asked.source.check(asked.clock())
    assert outcome is Outcome.OK
    assert words
    asked.platform.fail(server.status(401), times=4)
    outcome, words = await asked.source.check(asked.clock())
    assert outcome is Outcome.AUTH_REQUIRED
    assert not any(secret in words for secret in SECRETS)


async def test_no_secret_shows_in_any_repr(asked: Asked, http: Http) -> None:
    await asked.ask()
    shown = f"{asked.source!r} {vars(asked.source)!r} {http!r} {asked.source.describe()!r}"
    assert not any(secret in shown for secret in SECRETS)


async def test_plain_http_to_another_host_is_refused(searched: Asked, http: Http) -> None:
    row = SOURCES[searched.name]
    address = next((s.name for s in row.settings if s.name.endswith("_BASE_URL")), None)
    if address is None:
        pytest.skip("its address stands in its configuration: see the tests of its own")
    required = {s.name: "x" for s in row.settings if s.required}
    with pytest.raises(Exception, match="plain http") as raised:
        row.make(http, required | {address: "http://example.org"})
    assert address in str(raised.value)
