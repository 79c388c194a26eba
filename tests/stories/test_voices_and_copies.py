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
from watchers.coordination import signs
from watchers.gist import Gists, Glosser
from watchers.model import AlertKind, Author, Client, Kind, Post
from watchers.replay import Outcomes, Replay
from watchers.stages import Stages
from watchers.store import Store
from watchers.tone import ToneModel

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
    books = playbooks.load()
    store = await Store.open("sqlite://", now=START)
    stages = Stages(
        store,
        clients=[CLIENT],
        types=books.crisis_types(),
        tone=ToneModel.load(),
        play=books.steps_for,
    )
    posts = [*before(), *(crowd(n) for n in range(40))]
    return await Replay(store, stages, CLIENT, posts).run(), store


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
