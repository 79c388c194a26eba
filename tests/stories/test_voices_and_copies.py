"""Many who say the same few words are many voices; many who post the same text are one.

That one is told of all the same where it is bad news: it spreads.
"""

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import messages, playbooks
from bot.messages import Message
from bot.render import Renderer
from tests import shipped
from watchers.coordination import signs
from watchers.gist import Gists, Glosser
from watchers.model import AlertKind, Author, Client, Kind, Post
from watchers.replay import Outcomes, Replay
from watchers.store import Store

START = datetime(2026, 3, 3, 2, tzinfo=UTC)
NOON = START + timedelta(days=3)
CLIENT = Client(id="aulane", name="Aulane", names=("奥岚",), channel="C1")
STATEMENT = (
    "奥岚的用户请注意，昨天晚上开始很多人的空调在手机上都打不开，客服电话一直占线，官方到现在没有任何说法，"
    "大家先把电源拔掉再说，等他们出公告，看到的朋友请转给家里有老人和孩子的亲戚，谢谢大家"
)


def post(id_: str, text: str, at: datetime, **more: object) -> Post:
    fields: dict[str, object] = {
        "source": "weibo",
        "id": id_,
        "url": f"https://weibo.example/{id_}",
        "text": text,
        "author": Author(id=f"a{id_}", handle=f"h{id_}"),
        "created_at": at,
        "retrieved_at": at,
    }
    return Post(**(fields | more))  # type: ignore[arg-type]


def before() -> list[Post]:
    """Return three days with a word now and then."""
    said = ("今天去看了奥岚的新店", "奥岚空调好安静", "奥岚这个遥控器怎么配对", "奥岚包装挺好看")
    return [
        post(f"b{n}", f"{said[n % 4]}，第{n}次路过", START + n * timedelta(hours=5))
        for n in range(14)
    ]


async def played(crowd: Callable[[int], Post]) -> tuple[Outcomes, Store]:
    """Play forty posts of the CROWD within ten minutes after a quiet time."""
    return await played_back([*before(), *(crowd(n) for n in range(40))])


async def played_back(posts: list[Post], client: Client = CLIENT) -> tuple[Outcomes, Store]:
    """Play POSTS, oldest first, before a CLIENT."""
    store = await Store.open("sqlite://", now=posts[0].at)
    return await Replay(store, shipped.stages(store, client), client, posts).run(), store


def second(n: int) -> datetime:
    return NOON + n * timedelta(seconds=14)


async def test_forty_people_who_write_four_characters_are_seen() -> None:
    found, store = await played(lambda n: post(str(n), "奥岚崩了", second(n)))
    window = await store.window(CLIENT.id, NOON, NOON + timedelta(minutes=10))
    await store.close()
    assert (window.posts, window.authors, window.raw) == (40, 40, 40)
    assert [i.opened_at < NOON + timedelta(minutes=10) for i in found.incidents] == [True]


async def test_a_long_text_that_forty_accounts_copy_is_one_post_with_its_reach() -> None:
    found, store = await played(lambda n: post(str(n), STATEMENT, second(n)))
    window = await store.window(CLIENT.id, NOON, NOON + timedelta(minutes=10))
    (quote,) = await store.quotes(CLIENT.id, NOON, NOON + timedelta(minutes=10))
    await store.close()
    assert len(STATEMENT) > 90
    assert (window.posts, window.authors, window.raw) == (1, 1, 40)
    assert quote.cluster_size == 40
    (incident,) = found.incidents
    assert incident.why.startswith("One post spreads: repeated by 30 people within 60 min")
    assert incident.opened_at <= NOON + timedelta(minutes=8)
    assert (incident.figures.peak, incident.figures.total) == (1, 1)


def reposts_of(text: str, comment: str = "转发微博") -> Callable[[int], Post]:
    """Return a crowd that passes on what the first of it said."""

    def crowd(n: int) -> Post:
        if n == 0:
            return post("0", text, second(0))
        return post(str(n), comment, second(n), kind=Kind.REPOST, quoted=text, parent_id="0")

    return crowd


async def test_reposts_of_four_characters_are_no_voices_but_they_spread() -> None:
    found, store = await played(reposts_of("奥岚崩了"))
    window = await store.window(CLIENT.id, NOON, NOON + timedelta(minutes=10))
    await store.close()
    assert (window.posts, window.authors, window.raw) == (1, 1, 40)
    (incident,) = found.incidents
    assert incident.why.startswith("One post spreads: repeated by 30 people within 60 min")
    assert incident.type == "outage"


async def test_a_harmless_post_becomes_bad_news_by_what_those_say_who_repeat_it() -> None:
    text = "奥岚宣布，下月起门店营业到晚上九点"
    quiet, store = await played(reposts_of(text))
    await store.close()
    assert not quiet.incidents
    angry, store = await played(reposts_of(text, "无耻！质量这么差还好意思开到九点，退钱！"))
    await store.close()
    (incident,) = angry.incidents
    assert re.search(r"[1-9]\d* of their posts negative", incident.why)


async def test_good_news_and_prize_draws_may_spread_in_silence() -> None:
    for text in (
        "奥岚新品太好看了，超级喜欢，推荐给大家",
        "转发抽奖！奥岚取暖器坏了别扔，转发并关注，抽三位送新的",
    ):
        found, store = await played(reposts_of(text))
        await store.close()
        assert not found.incidents, text


PLACES = ("早上地铁口", "公司楼下", "朋友家里", "出差路上", "小区门口", "周末商场", "爸妈那边")
PRAISE = (
    "新店灯光很好看",
    "空调好安静",
    "包装挺好看",
    "遥控器顺手",
    "热水很快",
    "颜色耐看",
    "送货准时",
)
TAILS = ("拍照发给妹妹了", "打算再买一台", "推荐给同事", "晚饭后继续逛", "孩子也喜欢", "明天还来")
BLAME = (
    "奥岚太差劲了，买来三天就不制冷",
    "气死我了，奥岚客服挂我电话",
    "再也不买奥岚，压缩机响得睡不着，垃圾",
    "奥岚坑人，保修期里还要收上门费",
    "真恶心，奥岚空调滴水把地板泡坏了",
    "退货被奥岚拒绝两次，态度恶劣",
    "奥岚的维修师傅迟到五小时还骂人，无语",
    "花八千买奥岚买了个烂货，后悔死了",
    "奥岚遥控失灵，投诉一星期没人理，失望透顶",
    "大热天奥岚罢工，老人差点中暑，太可恨了",
    "骗子奥岚，说好的十年质保变成两年",
)


def two_busy_weeks() -> list[Post]:
    """Return ten good posts an hour, three hours a day, up to the crisis and within its hour."""
    rng = random.Random(0)
    hours = [NOON - timedelta(days=n) + h * timedelta(hours=1) for n in range(16) for h in range(3)]
    return [
        post(
            f"w{hour:%d%H}{k}",
            f"{rng.choice(PLACES)}看到奥岚，{rng.choice(PRAISE)}，{rng.choice(TAILS)}，{rng.random()}",
            hour + timedelta(minutes=6 * k),
        )
        for hour in sorted(hours)
        if hour <= NOON
        for k in range(10)
    ]


async def test_complaints_about_a_busy_brand_are_seen_though_its_posts_do_not_treble() -> None:
    crowd = [post(f"c{n}", text, NOON + n * timedelta(seconds=150)) for n, text in enumerate(BLAME)]
    posts = sorted([*two_busy_weeks(), *crowd], key=lambda p: p.at)
    found, store = await played_back(posts, replace(CLIENT, sensitivity=1.0))
    window = await store.window(CLIENT.id, NOON, NOON + timedelta(hours=1))
    await store.close()
    assert (window.posts, window.negatives, window.negative_authors) == (21, 11, 11)
    (incident,) = found.incidents
    assert incident.opened_at <= NOON + timedelta(minutes=20)
    assert "(3.6 times the usual, which is 2.5), 6 of them negative (usual: under" in incident.why
    assert "; negative posts rise like this once in about" in incident.why


async def test_few_who_repeat_bad_news_are_no_spread() -> None:
    few = reposts_of("奥岚崩了")
    found, store = await played(lambda n: few(n) if n < 25 else few(24))
    await store.close()
    assert not found.incidents


async def test_signs_of_coordination_change_no_decision() -> None:
    """The same crowd with a few hundred followers each, and as accounts that nobody follows."""

    async def told(followers: int) -> tuple[str, list[object]]:
        rng = random.Random(1)

        def crowd(n: int) -> Post:
            at = NOON + timedelta(seconds=rng.randrange(600))
            author = Author(id=f"a{n}", handle=f"h{n}", followers=followers)
            return post(str(n), "奥岚崩了", at, author=author)

        found, store = await played(crowd)
        end = NOON + timedelta(minutes=10)
        voices = await store.voices(CLIENT.id, NOON, end, source="weibo")
        await store.close()
        decided: list[object] = [replace(incident, lead=None) for incident in found.incidents]
        return signs(voices).sentence, decided

    ordinary, empty = await told(400), await told(2)
    assert (ordinary[0], empty[0]) == ("", "100% of 40 accounts have under 20 followers")
    assert len(ordinary[1]) == 1
    assert ordinary[1] == empty[1]


async def test_the_thread_tells_of_empty_accounts_and_names_nobody() -> None:
    def crowd(n: int) -> Post:
        author = Author(id=f"a{n}", handle=f"handle{n}", followers=2)
        return post(str(n), "奥岚崩了", second(n), author=author)

    found, store = await played(crowd)
    people: Any = None  # nobody is looked up for the evidence
    renderer = Renderer(store, people, playbooks.load(), Gists(Glosser()))
    rows = await store.outbox(incident=found.incidents[0].number)
    row = next(row for row in rows if row.kind is AlertKind.EVIDENCE)
    made = await renderer.render(row, NOON + timedelta(minutes=10))
    await store.close()
    assert isinstance(made, Message)
    assert messages.problems(made) == []
    (told,) = re.findall('Possible coordination[^"]*', json.dumps(made.blocks, ensure_ascii=False))
    assert re.match(
        r"Possible coordination \(machine estimate\): 100% of \d\d accounts have under 20 followers",
        told,
    )
    assert "handle" not in told
