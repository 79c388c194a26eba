"""A source that answers, and answers nothing: the canary finds out, and nothing counts as calm."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.demo import platforms as server
from tests.watchers.sources.conftest import Clock, World, a_post
from tests.watchers.sources.test_rounds import CLIENT, rounds
from watchers.http import Http
from watchers.model import Outcome, Watermark
from watchers.round import Rounds
from watchers.sources import SOURCES
from watchers.store import Store

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SEARCHING = sorted(
    {"weibo", "weibo_business", "zhihu", "zhihuweb", "bluesky", "wsa", "qianfan", "provider"}
)


class Watched:
    """Rounds at one source, hour by hour."""

    def __init__(self, made: Rounds, name: str, world: World, store: Store) -> None:
        self.rounds, self.name, self.world, self.store = made, name, world, store

    async def go(self, **step: float) -> None:
        """Move on, send the canary where it is due, then read every query."""
        now = self.world.clock.forward(**step)
        if self.rounds.proof_due(self.name, now):
            await self.rounds.prove(self.name, now)
        for watch in list(self.rounds.watches.values()):
            await self.rounds.run(watch, now)

    async def outcome(self) -> Outcome:
        return (await self.store.health())[self.name].outcome

    def known(self, ago: timedelta, until: timedelta = timedelta()) -> bool:
        """Whether the time from AGO to UNTIL ago is known."""
        now = self.world.clock()
        coverage = self.rounds.coverage(CLIENT, self.name, now)
        assert coverage is not None
        return coverage.to >= now - until and coverage.known(now - ago, now - until)

    async def told(self) -> list[str]:
        return [row.alert.text for row in await self.store.outbox()]


async def watched(world: World, store: Store, http: Http, name: str = "weibo") -> Watched:
    world.clock.now = NOW
    made = await rounds(store, http, world.platforms, name=name, operators="C0WATCHERS")
    return Watched(made, name, world, store)


async def test_a_source_that_finds_no_weather_is_broken_and_its_zeros_are_unknown(
    world: World, store: Store, http: Http
) -> None:
    town = await watched(world, store, http)
    await town.go(minutes=1)
    assert await town.outcome() is Outcome.OK_EMPTY
    world.platforms.weibo.silent = True  # as a search that lost its index: 200, and nothing
    await town.go(minutes=59)
    assert await town.outcome() is Outcome.OK_EMPTY  # not asked about again yet
    await town.go(minutes=2)
    assert await town.outcome() is Outcome.SCHEMA_CHANGED
    assert not town.known(90 * MINUTE, 5 * MINUTE)
    assert await town.told() == []  # once may be an accident
    await town.go(minutes=11)
    (text,) = await town.told()
    assert text.startswith("Sina Weibo: its answers look different from what they were")
    assert "a word that always has posts found none" in text
    assert await town.outcome() is Outcome.SCHEMA_CHANGED
    world.platforms.weibo.silent = False
    await town.go(minutes=11)
    assert await town.outcome() is Outcome.OK_EMPTY
    assert (await town.told())[-1].startswith("Sina Weibo answers again")


async def test_what_was_in_doubt_is_read_again_once_it_sings(
    world: World, store: Store, http: Http
) -> None:
    town = await watched(world, store, http)
    await town.go(minutes=1)
    world.platforms.weibo.silent = True
    await town.go(minutes=61)
    world.platforms.weibo.silent = False
    late = world.clock() - 30 * MINUTE
    world.platforms.weibo.add([a_post("weibo", 1, late)])  # it was there all the time
    world.clock.forward(minutes=10)
    await town.rounds.prove("weibo", world.clock())
    assert not town.known(2 * HOUR, 5 * MINUTE)
    await town.go(minutes=1)
    assert town.known(2 * HOUR, 5 * MINUTE)
    window = await store.window(CLIENT.id, late, world.clock(), source="weibo")
    assert window.posts == 1


async def test_where_older_pages_cannot_be_read_the_time_in_doubt_stays_unknown(
    world: World, store: Store, http: Http
) -> None:
    town = await watched(world, store, http, "zhihuweb")
    await town.go(minutes=1)
    world.platform("zhihuweb").silent = True
    await town.go(minutes=61)
    world.platform("zhihuweb").silent = False
    await town.go(minutes=11)
    await town.go(minutes=60)
    assert await town.outcome() is Outcome.OK_EMPTY
    assert not town.known(90 * MINUTE, 30 * MINUTE)
    assert town.known(55 * MINUTE, 30 * MINUTE)


async def test_old_news_of_the_weather_is_stale(world: World, store: Store, http: Http) -> None:
    town = await watched(world, store, http)
    await town.go(minutes=1)
    await town.go(minutes=1)
    stuck = Clock()
    stuck.now = NOW - 3 * HOUR
    world.platforms.weibo._clock = stuck
    await town.go(minutes=61)
    assert await town.outcome() is Outcome.STALE


async def test_a_restart_believes_nothing_that_was_in_doubt(
    world: World, store: Store, http: Http
) -> None:
    town = await watched(world, store, http)
    await town.go(minutes=1)
    world.platforms.weibo.silent = True
    await town.go(minutes=61)
    again = await rounds(store, http, world.platforms, name="weibo")
    town.rounds = again
    assert not town.known(30 * MINUTE, 5 * MINUTE)
    assert again.proof_due("weibo", world.clock() + 11 * MINUTE)


async def test_refusals_of_a_canary_are_refusals_not_doubts(
    world: World, store: Store, http: Http
) -> None:
    town = await watched(world, store, http)
    await town.go(minutes=1)
    world.platforms.weibo.fail(server.too_many(120))
    now = world.clock.forward(minutes=61)
    await town.rounds.prove("weibo", now)
    health = (await store.health())["weibo"]
    assert (health.outcome, health.unproven) == (Outcome.RATE_LIMITED, False)
    assert health.until == now + 2 * MINUTE
    await town.go(minutes=3)
    assert await town.outcome() is Outcome.OK_EMPTY


async def test_its_posts_are_not_kept_and_it_counts_against_the_budget(
    world: World, store: Store, http: Http
) -> None:
    town = await watched(world, store, http)
    await town.rounds.prove("weibo", NOW)
    assert town.rounds.sources["weibo"].left(NOW) == (
        "999,999 of 1,000,000 credits left this month",
    )
    assert await store.known("weibo", ["1"]) == set()
    again = await rounds(store, http, world.platforms, name="weibo")
    assert again.sources["weibo"].left(NOW) == ("999,999 of 1,000,000 credits left this month",)


@pytest.mark.parametrize("name", SEARCHING)
async def test_each_searching_source_has_a_canary_that_sings_and_can_be_switched_off(
    name: str, world: World
) -> None:
    source = world.source(name)
    assert source.canary is not None
    page = await source.search(source.canary.word, Watermark(), now=world.clock(), max_pages=1)
    assert page.outcome is Outcome.OK
    assert page.posts
    prefix = name.upper()
    assert world.source(name, **{f"{prefix}_CANARY": "off"}).canary is None
    other = world.source(name, **{f"{prefix}_CANARY": "吃饭", f"{prefix}_CANARY_EVERY": "7200"})
    assert other.canary is not None
    assert (other.canary.word, other.canary.every) == ("吃饭", 2 * HOUR)


async def test_x_proves_itself_by_its_counts_alone(world: World, store: Store, http: Http) -> None:
    town = await watched(world, store, http, "x")
    await town.rounds.prove("x", NOW)
    assert [a.path for a in world.platform("x").asked] == ["/x/2/tweets/counts/recent"]
    assert (await store.health())["x"].proven_at == NOW


def test_what_is_read_whole_needs_no_word(world: World) -> None:
    without = {name for name in SOURCES if world.source(name).canary is None}
    assert without == {
        "feed", "hotlist", "sinaroll", "jetstream", "webhook", "gdelt", "mastodon", "mastodon_stream", "weibo_page",
    }  # fmt: skip
