"""The demo's invented client and crisis. Every brand, person and word in it is made up.

Quiet days, a first post, a burst, an opinion leader, a portal echo, a statement, a fade: the
path that the founding article describes, in eight hours.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from bot.demo.platforms import HotWord
from watchers.model import Author, Client, Kind, Person, Post, Role

CHANNEL, OPERATORS = "C0AULANE", "C0WATCHERS"
DUTY, LEAD, GUEST = "U0DUTY", "U0LEAD", "U0VIEWER"
LENGTH = timedelta(hours=8)  # from the demo's first minute to its last
HISTORY = timedelta(days=4)  # ordinary days before it
FEED = "/feeds/portal.xml"

CLIENT = Client(
    id="aulane",
    name="Aulane 奥岚",
    names=("奥岚", "Aulane"),
    ambiguous=("小岚",),
    companions=("取暖器", "暖风机", "门店", "客服"),
    exclude=("奥兰多",),
    own_accounts=("weibo:奥岚官方",),
    channel=CHANNEL,
    people=(
        Person(slack=DUTY, role=Role.DUTY_OFFICER, hours=(time(0), time(23, 59))),
        Person(slack=LEAD, role=Role.ACCOUNT_LEAD, zone="Europe/Paris"),
        Person(slack=GUEST, role=Role.VIEWER),
    ),
)

PRAISE = (
    "新买的奥岚取暖器外观很自然，放客厅正好",
    "双十一囤的奥岚暖风机到了，比想象中安静",
    "奥岚这次的联名配色有点好看，想给爸妈也买一台",
    "请问奥岚门店周末几点关门，想去看看样机",
    "奥岚和隔壁牌子的暖风机怎么选，求推荐",
    "搬家第三天，全靠小岚取暖器续命，暖和",
    "奥岚客服回得挺快，滤网寄到了",
    "下雪天窝在沙发上，奥岚开二档刚刚好",
    "Aulane heater arrived today, works fine",
    "终于抽到奥岚的新品试用，明天写体验",
    "今天路过奥岚门店，在做以旧换新",
    "办公室新添了一台奥岚，大家围着烤手",
    "奥岚的遥控器能不能单独买，家里那个找不到了",
    "第一次用奥岚的定时功能，睡前两小时自动关",
)
DAILY = (
    "顺便把阳台的花搬进来了",
    "晚饭吃了火锅，出了一身汗",
    "明天要降温十度，大家多穿",
    "地铁挤得站不稳，回家倒头就睡",
    "孩子作业写到九点，陪着打瞌睡",
    "周末约了朋友爬山，不知道下不下雨",
    "刚追完一部剧，结局有点意外",
    "猫把快递盒当窝，赶都赶不走",
    "同事带了橘子，甜得很",
    "楼下新开一家面馆，排队排到路口",
    "把旧衣服整理出来准备捐掉",
    "年底报表还差三张，喝杯咖啡继续",
    "外婆打电话来问什么时候回家",
    "跑步五公里，膝盖有点酸",
    "电影票抢到了第三排，仰着脖子看",
    "窗外下雪了，拍了几张照片",
    "学了一道新菜，盐放多了",
    "给自行车打了气，明天骑车上班",
    "图书馆占到靠窗的位置，心情不错",
    "把手机壁纸换成了海边的日出",
)
WHERE = ("客厅", "卧室", "宿舍", "书房", "婴儿房", "出租屋", "办公室", "阳台", "老家", "店里")
HARM = (
    "插头都烧黑了，还好人在旁边",
    "半夜闻到糊味起来一看在冒烟",
    "用了不到一周就起火，地板烫出一个洞",
    "外壳直接烤化了，滴在地上",
    "突然自燃，灭火毯救了一命",
    "火苗窜出来，孩子吓得直哭",
    "一开机就冒烟，整屋子焦味",
    "线烧断了，跳闸两次",
    "同款，也冒烟了，原来不止我一家",
    "窗帘被燎了一片，现在手还抖",
)
ANGER = (
    "打客服电话没人接",
    "要求退款还让我等七个工作日",
    "这质量谁还敢用",
    "到底召不召回给个说法",
    "品控太差了",
    "安全隐患这么大还在卖",
    "已经投诉了",
    "大家先别用了",
    "希望有人管管",
    "太吓人了",
)
LATER = (
    "奥岚发声明了，说先停售这一批，等检测结果",
    "看了奥岚的回应，至少没有甩锅，观望",
    "奥岚那边联系我了，上门取走机器还给了收据",
    "奥岚说三天内公布检测报告，先等等看",
    "停售了就好，希望奥岚把退款也说清楚",
    "奥岚官方给了退货入口，刚试了能用",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One moment of the story, told on the screen."""

    after: timedelta
    text: str


ACTS = (
    Act(after=timedelta(0), text="A quiet evening: two or three posts an hour, as always."),
    Act(after=timedelta(minutes=35), text="The first post: a heater caught fire."),
    Act(after=timedelta(minutes=45), text="Others tell the same; the posts multiply."),
    Act(after=timedelta(minutes=95), text="An opinion leader with 1.1 million followers joins."),
    Act(after=timedelta(minutes=150), text="A news portal carries the story."),
    Act(after=timedelta(minutes=215), text="The client publishes its first word."),
    Act(after=timedelta(minutes=300), text="The talk ebbs away."),
)


def posts(start: datetime, seed: int = 7) -> list[Post]:
    """Return all posts of the demo, oldest first; START is the demo's first minute."""
    rng = random.Random(seed)  # noqa: S311  # the same story at every run
    told = [*_ordinary(start, rng), *_crisis(start, rng)]
    return sorted(told, key=lambda p: (p.at, p.id))


def _ordinary(start: datetime, rng: random.Random) -> Iterator[Post]:
    at, n = start - HISTORY, 0
    while at < start + LENGTH:
        awake = 8 <= (at.hour + 8) % 24 <= 23  # China time
        at += timedelta(minutes=rng.expovariate(1 / (26 if awake else 150)))
        n += 1
        parts = [rng.choice(PRAISE), rng.choice(DAILY), _tail(rng)]
        rng.shuffle(parts)
        yield _post(f"q{n}", at, "，".join(parts), _someone(rng))


def _tail(rng: random.Random) -> str:
    """A few words that make two ordinary posts differ, as they do."""
    places = ("广州", "武汉", "沈阳", "西安", "长沙", "青岛", "合肥", "昆明")
    moods = ("周末愉快", "打卡", "记录一下", "有用过的吗", "随手拍", "求问", "今日份", "分享")
    return f"#{rng.choice(places)}# {rng.choice(moods)}{rng.randrange(10, 99)}"


def hot_words(start: datetime) -> tuple[HotWord, ...]:
    """Return what of it stands on the hot list: in at 47, up to 12, gone after two hours."""
    minutes = ((100, 47), (110, 31), (130, 12), (170, 26))
    ranks = tuple((start + timedelta(minutes=m), rank) for m, rank in minutes)
    return (HotWord(title="奥岚取暖器自燃", ranks=ranks, until=start + timedelta(minutes=220)),)


def _crisis(start: datetime, rng: random.Random) -> Iterator[Post]:
    first = start + timedelta(minutes=35)
    text = "刚买三天的奥岚取暖器半夜自燃，窗帘烧了一半"
    victim = Author(id="a1", handle="示例甲", display="示例甲", followers=8214, verified=False)
    yield _post("c0", first, text, victim, reposts=26)
    for n, at in enumerate(_moments(first + timedelta(minutes=8), rng)):
        text = f"我家{rng.choice(WHERE)}那台奥岚取暖器{rng.choice(HARM)}，{rng.choice(ANGER)}"
        yield _post(f"c{n + 1}", at, text, _someone(rng))
    for n in range(18):
        at = first + timedelta(minutes=20 + rng.expovariate(1 / 60))
        comment = rng.choice(("转发微博", "太可怕了", "扩散一下", "家里有这台的注意"))
        yield _post(f"r{n}", at, comment, _someone(rng), quoted=victim_text(), parent="c0")
    leader = Author(id="a2", handle="示例乙", display="示例乙", followers=1_100_000, verified=True)
    at = start + timedelta(minutes=95)
    text = "奥岚取暖器起火已经不是一两家了，品牌到现在一句话都没有，建议先停用"
    yield _post("k1", at, text, leader, reposts=28)
    yield _article(start + timedelta(minutes=150))
    own = Author(id="a9", handle="奥岚官方", display="奥岚官方", followers=250_000, verified=True)
    text = (
        "关于奥岚取暖器的情况说明：我们深感关切，涉事批次已停售，正会同第三方检测，三日内公布结果。"
    )
    yield _post("s1", start + timedelta(minutes=215), text, own)
    for n in range(14):
        at = start + timedelta(minutes=225 + rng.expovariate(1 / 50))
        yield _post(f"l{n}", at, f"{LATER[n % len(LATER)]} {_tail(rng)}", _someone(rng))


def victim_text() -> str:
    return "刚买三天的奥岚取暖器半夜自燃，窗帘烧了一半"


def _moments(first: datetime, rng: random.Random) -> Sequence[datetime]:
    """A burst of about 90 posts: it grows for an hour, and is gone after four."""
    rise = [first + timedelta(minutes=80 * rng.betavariate(2.2, 1.6)) for _ in range(52)]
    ebb = [first + timedelta(minutes=75 + rng.expovariate(1 / 55)) for _ in range(38)]
    return sorted(rise + ebb)


def _article(at: datetime) -> Post:
    return Post(
        source="feed",
        id="portal-1",
        url="https://portal.example.cn/news/portal-1",
        text="多名消费者称奥岚取暖器使用中起火 品牌方尚未回应",
        author=Author(id="portal", handle="示例新闻网", display="示例新闻网"),
        created_at=at,
        retrieved_at=at,
        kind=Kind.ARTICLE,
        publisher="示例新闻网",
        terms_class="public-feed",
    )


def _someone(rng: random.Random) -> Author:
    number = rng.randrange(10_000, 99_999)
    followers = int(10 ** rng.uniform(0.5, 4.2))
    return Author(
        id=f"u{number}",
        handle=f"用户{number}",
        display=f"用户{number}",
        followers=followers,
        verified=False,
    )


def _post(
    id_: str,
    at: datetime,
    text: str,
    author: Author,
    *,
    reposts: int | None = 0,
    quoted: str = "",
    parent: str | None = None,
) -> Post:
    return Post(
        source="weibo",
        id=f"demo-{id_}",
        url=f"https://weibo.example.cn/detail/demo-{id_}",
        text=text,
        author=author,
        created_at=at,
        retrieved_at=at,
        quoted=quoted,
        reposts=reposts,
        comments=0,
        likes=0,
        parent_id=f"demo-{parent}" if parent else None,
        kind=Kind.REPOST if parent else Kind.POST,
    )
