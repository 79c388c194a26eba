"""A story begins on the microblogs and echoes on the portals: one incident, with the delay."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.messages.root import root
from tests import shipped
from watchers.model import AlertKind, Author, Client, Kind, Post, Reason, Stage
from watchers.replay import Outcomes
from watchers.trial import replayed

START = datetime(2026, 3, 3, 2, tzinfo=UTC)
NOON = START + timedelta(days=3)
CLIENT = Client(id="aulane", name="Aulane", names=("奥岚",), channel="C1")
CALM = ("今天去看了奥岚的新店", "奥岚空调好安静", "奥岚这个遥控器怎么配对", "奥岚包装挺好看")
WHO = ("我家", "邻居", "同事家", "老家那台", "朋友", "出租屋里", "办公室", "父母", "楼上", "表姐")
FELT = (
    "吓得全家没睡",
    "太恶心了",
    "客服不理人",
    "差评",
    "垃圾产品",
    "气死了",
    "要求退货",
    "投诉无门",
    "不敢用了",
)
ASIDE = (
    "昨晚三点多",
    "孩子才两岁",
    "保修刚过一个月",
    "师傅说没坏",
    "电费涨了好多",
    "遥控器在抽屉里",
    "插头都没碰",
)


def post(id_: str, text: str, at: datetime) -> Post:
    return Post(
        source="weibo",
        id=id_,
        url=f"https://weibo.example/{id_}",
        text=text,
        author=Author(id=f"a{id_}", handle=f"h{id_}"),
        created_at=at,
        retrieved_at=at,
    )


def article(id_: str, text: str, minutes: int, publisher: str) -> Post:
    made = post(id_, text, NOON + timedelta(minutes=minutes))
    return replace(
        made,
        source="feed",
        url=f"https://news.example/{id_}",
        author=Author(id=publisher, handle=publisher, display=publisher),
        kind=Kind.ARTICLE,
        publisher=publisher,
    )


async def played(*articles: Post) -> tuple[Outcomes, list[str]]:
    """Play an angry crowd and ARTICLES; return what came of it and the thread's updates."""
    calm = [
        post(f"b{n}", f"{CALM[n % 4]}，第{n}次路过", START + n * timedelta(hours=5))
        for n in range(14)
    ]
    angry = [
        post(
            f"c{n}",
            f"{WHO[n % 10]}的奥岚半夜自己开机，{ASIDE[n % 7]}，{FELT[n % 9]}！",
            NOON + n * timedelta(minutes=2),
        )
        for n in range(90)
    ]
    found = await replayed(CLIENT, [*calm, *angry, *articles], shipped.kit())
    return found, [t.alert.text for t in found.told if t.alert.kind is AlertKind.UPDATE]


async def test_articles_join_by_the_words_of_the_story_whatever_their_tone() -> None:
    title = "多名用户反映空调半夜自己开机 奥岚称正在核实\n本网讯。"
    found, told = await played(
        article("n0", "奥岚冠名城市马拉松 报名今日启动\n本网讯。", 60, "丁网"),
        article("n1", title, 66, "甲网"),
        article("n2", title, 90, "乙网"),
        article("n3", "空调半夜自己开机？奥岚回应来了\n本网讯。", 120, "丙网"),
        article("n4", "奥岚空调半夜自己开机 律师怎么看\n本网讯。", 150, "戊网"),
    )
    (incident,) = found.incidents
    assert [e.publisher for e in incident.echoes] == ["甲网", "乙网", "丙网", "戊网"]
    (portal,) = [p for p in incident.proofs if p.stage is Stage.PORTAL]
    assert portal.who == "甲网"
    assert any(t.startswith("Stage up: news portal (甲网), 1 h 06 min after") for t in told)
    carried = [t for t in told if t.startswith("Carried by")]
    assert [t.partition(",")[0] for t in carried] == ["Carried by 乙网", "Carried by 丙网"]
    assert "90 min after the first post: “多名用户反映空调半夜自己开机" in carried[0]
    assert "https://news.example/n2" in carried[0]
    assert {t.incident.rev for t in found.told if t.incident and Reason.ECHO in t.alert.key}
    running = [t.incident for t in found.told if t.incident and not t.incident.state.closed]
    shown = str(root(running[-1], CLIENT, names={}, now=running[-1].updated_at).blocks)
    assert "4 articles by 4 publishers, last <https://news.example/n4|戊网>" in shown


async def test_ordinary_news_of_the_day_is_no_echo() -> None:
    found, told = await played(
        article("n0", "奥岚冠名城市马拉松 报名今日启动\n本网讯。", 60, "丁网"),
        article("n1", "家电板块午后走强 奥岚涨停\n本网讯。", 70, "甲网"),
    )
    (incident,) = found.incidents
    assert incident.echoes == ()
    assert incident.stage is Stage.FERMENT
    assert not any("Carried" in t for t in told)
