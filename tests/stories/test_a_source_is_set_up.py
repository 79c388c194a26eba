"""A manager sets a source up in Slack: terms, a secret by reference, a test, and it is watched."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.demo.platforms import WEIBO_TOKEN
from tests.stories.town import DUTY, LEAD, STRANGER, Town, elements, said
from watchers.errors import StoreError
from watchers.model import Author, Client, Person, Post, Role

MORNING = datetime(2026, 3, 3, 2, tzinfo=UTC)
CHANNEL = "C0AULANE"
CLIENT = Client(
    id="aulane",
    name="Aulane",
    names=("奥岚",),
    channel=CHANNEL,
    people=(
        Person(slack=DUTY, role=Role.DUTY_OFFICER),
        Person(slack=LEAD, role=Role.MANAGER),
    ),
)
WITHOUT_WEIBO = {"WEIBO_TOKEN": "", "WEIBO_TOKEN_OF_OURS": WEIBO_TOKEN, "WEIBO_OLD": "wb_old"}


@pytest.fixture
async def calm() -> AsyncIterator[Town]:
    built = Town(MORNING, [CLIENT], [])
    await built.start("sqlite://", WITHOUT_WEIBO)
    try:
        await built.rest()
        yield built
    finally:
        await built.stop()


async def press_set_up(town: Town, user: str) -> None:
    await town.slack.command(user, CHANNEL, "/crisis", "sources")
    shown = town.slack.ephemerals(user)[-1]
    (button,) = [e for e in elements(shown.blocks) if e.get("action_id") == "source_add"]
    await town.slack.press(user, CHANNEL, shown.ts, "source_add", button["value"])


def window(town: Town, user: str) -> Any:
    return town.slack.modals(user)[-1]


def words(town: Town, user: str) -> str:
    return said("", window(town, user).view["blocks"])


async def choose_weibo(town: Town) -> None:
    await press_set_up(town, LEAD)
    await town.slack.until(lambda: bool(town.slack.modals(LEAD)), timeout=30)
    await town.slack.submit(LEAD, window(town, LEAD).id, {"source": "weibo"})


async def fill(town: Town, token: str) -> None:
    values = {"set:WEIBO_TOKEN": token, "why": "our own brand", "agreed": ["yes"]}
    await town.slack.submit(LEAD, window(town, LEAD).id, values)


async def test_a_manager_sets_weibo_up_and_it_is_watched_at_once(calm: Town) -> None:
    assert "weibo" not in calm.service.rounds.sources
    await choose_weibo(calm)
    listed = calm.private(LEAD)[-1]
    assert "Tencent microblog 腾讯微博: closed 28 September 2020 → Tencent's open web" in listed
    assert "(watched)" in listed  # the hot list is set up
    shown = words(calm, LEAD)
    assert "developer agreement" in shown
    assert "Cost: Credits of the plan" in shown
    await fill(calm, "env:WEIBO_TOKEN_OF_OURS")
    await calm.slack.until(lambda: "is watched from now on" in words(calm, LEAD), timeout=30)
    assert "weibo" in calm.service.rounds.sources
    log = await calm.service.store.audit_log()
    (row,) = [r for r in log if r.what == "source set up"]
    assert (row.who, row.detail) == (LEAD, "weibo: our own brand")
    assert await calm.service.store.source_settings() == {"WEIBO_TOKEN": "env:WEIBO_TOKEN_OF_OURS"}
    at = calm.now() - timedelta(minutes=2)
    post = Post(
        source="weibo",
        id="5340000000000001",
        url="",
        text="奥岚的新店开了",
        author=Author(id="1", handle="路人"),
        created_at=at,
        retrieved_at=at,
    )
    calm.platforms.add([post])
    await calm.pass_time(timedelta(minutes=10))
    assert await calm.service.store.known("weibo", [post.id]) == {post.id}
    assert calm.service.schedule.interval("weibo", "奥岚") is not None


async def test_a_secret_as_it_stands_is_refused_under_its_field(calm: Town) -> None:
    await choose_weibo(calm)
    await fill(calm, WEIBO_TOKEN)
    assert "Not the secret itself" in window(calm, LEAD).errors["set:WEIBO_TOKEN"]
    assert await calm.service.store.source_settings() == {}


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("env:WEIBO_OLD", "the token was refused"),
        ("env:WEIBO_ABSENT", "WEIBO_ABSENT is not in the environment"),
        ("env:SLACK_BOT_TOKEN", "must begin with WEIBO_"),
        ("file:/etc/passwd", "must lie in"),
    ],
)
async def test_what_does_not_work_comes_back_with_the_reason_and_what_was_typed(
    reference: str, why: str, calm: Town
) -> None:
    await choose_weibo(calm)
    await fill(calm, reference)
    await calm.slack.until(lambda: "It does not work yet" in words(calm, LEAD), timeout=30)
    assert why in words(calm, LEAD)
    typed = {
        b["block_id"]: b["element"].get("initial_value")
        for b in window(calm, LEAD).view["blocks"]
        if b["type"] == "input"
    }
    assert (typed["set:WEIBO_TOKEN"], typed["why"]) == (reference, "our own brand")
    assert await calm.service.store.source_settings() == {}
    await fill(calm, "env:WEIBO_TOKEN_OF_OURS")
    await calm.slack.until(lambda: "is watched from now on" in words(calm, LEAD), timeout=30)


async def test_a_window_that_slack_does_not_open_is_told_and_opens_at_the_next_press(
    calm: Town,
) -> None:
    calm.slack.fault("views.open", "error:internal_error")
    await press_set_up(calm, LEAD)
    told = "The window did not open. Please press again."
    await calm.slack.until(lambda: told in calm.private(LEAD)[-1], timeout=30)
    await choose_weibo(calm)
    assert "developer agreement" in words(calm, LEAD)


async def test_what_works_and_cannot_be_kept_comes_back_as_it_was_typed(
    calm: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    await choose_weibo(calm)
    with monkeypatch.context() as broken:
        broken.setattr(calm.service.store, "set_source", full)
        await fill(calm, "env:WEIBO_TOKEN_OF_OURS")
        await calm.slack.until(lambda: "It was not kept" in words(calm, LEAD), timeout=30)
    assert "the disk is full" in words(calm, LEAD)
    assert await calm.service.store.source_settings() == {}
    await fill(calm, "env:WEIBO_TOKEN_OF_OURS")
    await calm.slack.until(lambda: "is watched from now on" in words(calm, LEAD), timeout=30)


@pytest.mark.parametrize("user", [DUTY, STRANGER])
async def test_others_are_told_who_may(user: str, calm: Town) -> None:
    await press_set_up(calm, user)
    told = f"Sources are set up by a manager: <@{LEAD}>."
    await calm.slack.until(lambda: told in calm.private(user)[-1], timeout=30)
    assert calm.slack.modals(user) == []


async def test_a_source_that_is_removed_is_asked_no_more(
    calm: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await choose_weibo(calm)
    await fill(calm, "env:WEIBO_TOKEN_OF_OURS")
    await calm.slack.until(lambda: "is watched from now on" in words(calm, LEAD), timeout=30)
    await calm.pass_time(timedelta(minutes=10))
    asked = len(calm.platforms.weibo.asked)
    assert asked
    ticks, plan = [], calm.service.rounds.plan

    async def slowly(*clients: Any) -> None:
        await calm.service.schedule.tick()
        ticks.append("weibo" in calm.service.rounds.sources)
        await plan(*clients)

    monkeypatch.setattr(calm.service.rounds, "plan", slowly)
    await calm.service.store.set_source("weibo", {}, by=LEAD, why="", now=calm.now())
    await calm.slack.until(lambda: "weibo" not in calm.service.rounds.sources, timeout=30)
    await calm.slack.until(lambda: ticks == [False], timeout=30)  # a tick came between
    await calm.pass_time(timedelta(minutes=20))
    assert len(calm.platforms.weibo.asked) == asked
