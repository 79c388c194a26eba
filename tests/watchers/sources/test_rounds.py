"""One round, and what outlives a restart."""

from datetime import UTC, datetime, timedelta

from bot.demo import platforms as server
from bot.demo.platforms import Platforms
from tests import shipped
from tests.watchers.sources.conftest import Clock, a_post
from watchers.http import Http
from watchers.model import Client
from watchers.round import Rounds
from watchers.sources import SOURCES
from watchers.store import Store

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
CLIENT = Client(id="aulane", name="Aulane", names=("奥岚", "奥岚取暖器"))
OTHER = Client(id="qiyun", name="Qiyun", names=("骑云",))


async def rounds(
    store: Store,
    http: Http,
    platforms: Platforms,
    *clients: Client,
    name: str = "weibo",
    operators: str | None = None,
) -> Rounds:
    clients = clients or (CLIENT,)
    source = SOURCES[name].make(http, platforms.settings())
    made = Rounds(store, shipped.stages(store, *clients), {name: source}, operators=operators)
    await made.plan(clients, NOW)
    return made


async def test_a_restart_gives_no_credits_back(
    store: Store, http: Http, platforms: Platforms
) -> None:
    before = await rounds(store, http, platforms)
    for watch in list(before.watches.values()):
        await before.run(watch, NOW)
    after = await rounds(store, http, platforms)
    left = before.sources["weibo"].left(NOW)
    assert left == ("999,998 of 1,000,000 credits left this month",)
    assert after.sources["weibo"].left(NOW) == left


async def test_quiet_words_share_one_query_where_the_source_knows_or(
    store: Store, http: Http, platforms: Platforms, clock: Clock
) -> None:
    clock.now = NOW
    made = await rounds(store, http, platforms, CLIENT, OTHER, name="x")
    (watch,) = made.watches.values()
    assert watch.query == "奥岚 OR 奥岚取暖器 OR 骑云"
    assert made.served(watch) == (CLIENT, OTHER)
    assert made.watched(OTHER, "x") == (watch,)
    at = NOW - timedelta(minutes=2)
    texts = ("奥岚取暖器冒烟", "骑云崩了", "天气很好")
    platforms.others["x"].platform.add(a_post("x", n, at, text=t) for n, t in enumerate(texts))
    await made.run(watch, NOW)
    for client, count in ((CLIENT, 1), (OTHER, 1)):
        window = await store.window(client.id, at, NOW, source="x")
        assert window.posts == count
        coverage = made.coverage(client, "x", NOW)
        assert coverage is not None
        assert coverage.to == NOW - made.sources["x"].lag


async def test_a_group_that_changes_goes_on_where_its_words_stood(
    store: Store, http: Http, platforms: Platforms, clock: Clock
) -> None:
    clock.now = NOW
    made = await rounds(store, http, platforms, CLIENT, name="x")
    (before,) = made.watches.values()
    await made.run(before, NOW)
    mark = made.watches["x", before.query].watermark
    await made.plan([CLIENT, OTHER], NOW)
    (after,) = made.watches.values()
    assert after.query == "奥岚 OR 奥岚取暖器 OR 骑云"
    assert after.watermark == mark
    await made.plan([OTHER], NOW)
    (alone,) = made.watches.values()
    assert (alone.query, alone.watermark) == ("骑云", mark)


async def test_a_busy_word_is_asked_for_alone(
    store: Store, http: Http, platforms: Platforms, clock: Clock
) -> None:
    clock.now = NOW
    made = await rounds(store, http, platforms, OTHER, name="x")
    many = 6000  # of a week: more than one in two minutes
    step = timedelta(days=6) / many
    platforms.others["x"].platform.add(
        a_post("x", n, NOW - n * step, text=f"骑云 {n} {n * 7919 % 6007}") for n in range(1, many)
    )
    (watch,) = made.watches.values()
    posts = platforms.others["x"].platform.visible("骑云")
    scored = await made._stages.score(posts)
    await store.record(scored, now=NOW)
    await made.plan([CLIENT, OTHER], NOW)
    assert set(made.watches) == {("x", "奥岚 OR 奥岚取暖器"), ("x", "骑云")}
    assert watch.query == "骑云"


async def test_recovery_says_how_many_posts_were_caught_up(
    store: Store, http: Http, platforms: Platforms, clock: Clock
) -> None:
    clock.now = NOW
    made = await rounds(store, http, platforms, OTHER, operators="C0WATCHERS")

    async def go() -> None:
        for watch in list(made.watches.values()):
            await made.run(watch, clock.forward(minutes=5))

    await go()
    for n in range(3):
        platforms.weibo.add([a_post("weibo", n, clock() + timedelta(minutes=1), text=f"骑云 {n}")])
        platforms.weibo.fail(server.status(401), times=1)
        await go()
    clock.forward(minutes=60)  # the breaker opens again
    await go()
    told = [row.alert.text for row in await store.outbox()]
    assert told[0].startswith("Sina Weibo: it wants a valid login")
    assert told[-1] == "Sina Weibo answers again; 3 posts caught up."
