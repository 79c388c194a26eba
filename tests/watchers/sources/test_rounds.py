"""One round, and what outlives a restart."""

from datetime import UTC, datetime

from bot import playbooks
from bot.demo.platforms import Platforms
from watchers.http import Http
from watchers.model import Client
from watchers.round import Rounds
from watchers.sources import SOURCES
from watchers.stages import Stages
from watchers.store import Store
from watchers.tone import ToneModel

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
CLIENT = Client(id="aulane", name="Aulane", names=("奥岚", "奥岚取暖器"))


async def rounds(store: Store, http: Http, platforms: Platforms) -> Rounds:
    source = SOURCES["weibo"].make(http, platforms.settings())
    books = playbooks.load()
    stages = Stages(
        store,
        clients=[CLIENT],
        types=books.crisis_types(),
        tone=ToneModel.load(),
        play=books.steps_for,
    )
    made = Rounds(store, stages, {"weibo": source})
    await made.plan([CLIENT], NOW)
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
