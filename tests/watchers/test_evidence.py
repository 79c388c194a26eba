"""What is gathered before a decision: the usual level, as people are told it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests import shipped
from watchers.evidence import Gatherer
from watchers.model import Author, Client, Gap, Post
from watchers.store import Store

NOW = datetime(2026, 4, 7, 2, 30, tzinfo=UTC)
WEEK = timedelta(weeks=1)
UNSEEN = Gap(start=NOW - 2.5 * WEEK, end=NOW - WEEK / 2)
CLIENT = Client(id="aulane", name="Aulane", names=("奥岚",), channel="C1")
SAID = (
    "奥岚太差劲了，买来三天就不制冷，垃圾",
    "真恶心，奥岚空调滴水把地板泡坏了",
    "早上地铁口看到奥岚的新店，灯光很好看",
    "奥岚送货准时，安装师傅很客气",
    "朋友家里的奥岚热水很快，颜色耐看",
    "周末去商场逛了逛奥岚，孩子也喜欢",
    "骗子奥岚，说好的十年质保变成两年",
    "花八千买奥岚买了个烂货，后悔死了",
    "爸妈很喜欢奥岚，晚上安静舒服",
    "奥岚遥控器好用，推荐给大家",
    "公司楼下开了奥岚体验馆，拍照发给妹妹了",
    "奥岚音乐节太棒了，玩得开心",
)


def posts(week: int) -> list[Post]:
    """Return six posts of this hour WEEK weeks ago, two of them bad."""
    return [
        Post(
            source="weibo",
            id=f"w{week}-{n}",
            url=f"https://weibo.example/w{week}-{n}",
            text=text,
            author=Author(id=f"a{week}-{n}", handle=f"h{n}"),
            created_at=NOW - week * WEEK + n * timedelta(minutes=4),
            retrieved_at=NOW,
        )
        for n, text in enumerate(SAID[week % 2 * 6 :][:6])
    ]


@pytest.mark.parametrize(
    ("source", "gaps", "usual"),
    [
        pytest.param("weibo", [], (3.0, 1.0), id="two of four weeks were silent"),
        pytest.param("weibo", [UNSEEN], (6.0, 2.0), id="nobody saw them"),
        pytest.param("bluesky", [UNSEEN], (3.0, 1.0), id="another source was down"),
    ],
)
async def test_hours_that_nobody_saw_are_not_silent(
    source: str, gaps: Sequence[Gap], usual: tuple[float, float]
) -> None:
    store = await Store.open("sqlite://", now=NOW)
    stages = shipped.stages(store, CLIENT)
    said = [post for week in (4, 3) for post in posts(week)]
    await store.record(await stages.score(said), now=NOW)
    gatherer = Gatherer(store, types={}, play=shipped.kit().play)
    gatherer.heed_gaps(CLIENT, source, gaps)
    found = await gatherer.usual(CLIENT, "weibo", NOW)
    await store.close()
    assert (found.posts, found.negatives) == usual
