"""A false alarm proposes a rule; the account lead applies it, it is live, and one press undoes it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo import story
from tests.stories.town import DUTY, LEAD, Town, said, town
from watchers.model import Author, Campaign, Post, State

START = datetime(2026, 3, 3, 11, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLIENT = replace(story.CLIENT, names=("云雾", "Yunwu"), ambiguous=(), initials=(), exclude=())
WHERE = ("北门", "停车场", "观景台", "半山腰", "索道口", "东坡", "游客中心", "回程路上")
WHAT = (
    "堵了整整一下午",
    "排队的人推来挤去",
    "孩子哭得嗓子都哑了",
    "厕所臭得进不去",
    "盒饭馊了还卖四十",
)
MOOD = (
    "太差了再也不来",
    "垃圾管理气死我了",
    "让人崩溃",
    "骗子乱收费",
    "恶心透顶",
    "真是受罪",
    "差评",
)


def hills(first: datetime, name: str, count: int) -> Iterator[Post]:
    """Yield bad-tempered posts about a hill that only looks like the client's name."""
    for n in range(count):
        words = [WHERE[n % 8], WHAT[n % 5], MOOD[n % 7]]
        text = f"{'，'.join(words)}，云雾山" if n % 2 else f"云雾山{'，'.join(words[::-1])}"
        yield a_post(f"{name}{n}", first + n * timedelta(minutes=1), text)


def weeks(start: datetime) -> Iterator[Post]:
    """Yield what is usually said of the client, twice a day for twenty days."""
    for n in range(40):
        text = f"云雾的新款第{n}天体验，{WHERE[n % 8]}也能用"
        yield a_post(f"w{n}", start - n * timedelta(hours=12), text)


def a_post(id_: str, at: datetime, text: str) -> Post:
    return Post(
        source="weibo",
        id=f"demo-{id_}",
        url=f"https://weibo.example.cn/detail/{id_}",
        text=text,
        author=Author(id=id_, handle=f"用户{id_}", followers=50, verified=False),
        created_at=at,
        retrieved_at=at,
        reposts=0,
        comments=0,
        likes=0,
    )


@pytest.fixture
async def yunwu() -> AsyncIterator[Town]:
    posts = [*weeks(START), *hills(START + HOUR, "a", 40), *hills(START + 4 * HOUR, "b", 10)]
    async with town(START, [CLIENT], posts) as built:
        yield built


def channel(yunwu: Town) -> list[str]:
    return [said(t.root.text, t.root.blocks) for t in yunwu.slack.channel(story.CHANNEL)]


async def matched(yunwu: Town) -> int:
    now = yunwu.now()
    window = await yunwu.service.store.window(CLIENT.id, now - HOUR, now, source="weibo")
    return window.raw


async def test_a_false_alarm_changes_a_rule_and_one_press_takes_it_back(yunwu: Town) -> None:
    incident = await yunwu.until_alert(within=3 * HOUR)
    await yunwu.pass_time(timedelta(minutes=30))
    await yunwu.press(DUTY, "false_alarm")
    modal = yunwu.slack.modals(DUTY)[-1]
    await yunwu.slack.submit(DUTY, modal.id, {"reason": "other_meaning"})
    await yunwu.slack.until(lambda: "So that this does not come again" in "\n".join(yunwu.thread()))
    await yunwu.rest()
    told = "\n".join(yunwu.thread())
    assert "leave out posts where the name stands in “云雾山" in told
    assert "loses 0 of 0 of confirmed incidents" in told

    await yunwu.press(DUTY, "rule_apply")
    assert "account lead or a manager" in yunwu.private(DUTY)[-1]
    assert (await yunwu.service.store.clients())[0].exclude == ()

    await yunwu.press(LEAD, "rule_apply")
    (client,) = await yunwu.service.store.clients()
    assert client.exclude[0].startswith("云雾山")
    assert "Applied by Marie" in "\n".join(yunwu.thread())
    assert "exclude + 云雾山" in "\n".join(channel(yunwu))
    await yunwu.pass_time(START + 4 * HOUR + timedelta(minutes=30) - yunwu.now())
    assert await matched(yunwu) == 0
    assert sum("INC-" in text for text in channel(yunwu)) == 1

    await yunwu.press(LEAD, "rule_undo")
    (client,) = await yunwu.service.store.clients()
    assert client.exclude == ()
    assert "Taken back by Marie" in "\n".join(yunwu.thread())
    closed = await yunwu.service.store.incident(incident.number)
    assert closed.state is State.FALSE_ALARM
    assert closed.rule is not None
    assert not closed.rule.applied


async def test_a_client_file_imported_by_another_process_is_live_within_one_round(
    yunwu: Town,
) -> None:
    await yunwu.pass_time(timedelta(minutes=30))
    changed = replace(CLIENT, exclude=("云雾山",))
    await yunwu.service.store.save_clients([changed], by="another process", now=yunwu.now())
    await yunwu.slack.until(lambda: "The words of Aulane" in "\n".join(channel(yunwu)))
    await yunwu.pass_time(timedelta(hours=2))
    assert await matched(yunwu) == 0
    assert not any("INC-" in text for text in channel(yunwu))


async def test_a_planned_campaign_is_announced_and_its_burst_is_not_told() -> None:
    campaign = Campaign(start=START, end=START + 3 * HOUR, reason="spring launch")
    client = replace(CLIENT, campaigns=(campaign,))
    posts = [*weeks(START), *hills(START + HOUR, "a", 40)]
    async with town(START, [client], posts) as planned:
        await planned.pass_time(3 * HOUR + timedelta(minutes=30))
        await planned.slack.until(lambda: "is over" in "\n".join(channel(planned)))
        told = channel(planned)
        assert not any("INC-" in text for text in told)
        assert sum("A campaign of Aulane" in text for text in told) == 1
        assert sum("is over (spring launch)" in text for text in told) == 1
