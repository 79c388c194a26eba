"""How long a post takes: `python -m tests.benchmarks.matching ../shared/data/microblogs`.

10,000 terms of 500 invented clients, real posts, one core; the best of three rounds. Prints
microseconds a post, asserts nothing.
"""

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from bot.playbooks import load
from watchers.clusters import Clusters
from watchers.match import Matcher, fold
from watchers.model import Client, Post, Tone
from watchers.recordings import Recording
from watchers.risk import RiskModel
from watchers.tone import ToneModel

STREAMS = ("*_calm_*", "*_monitor_*")
POSTS = 6_000
BATCH = 500
CLIENTS = 500  # of 20 terms each
COMMON = [
    chr(code) for code in range(0x4E00, 0x9FA6) if len(chr(code).encode("gb2312", "ignore")) == 2
]
TRADES = (
    *[
        "打车",
        "叫车",
        "司机",
        "订单",
        "客服",
        "App",
        "取暖器",
        "暖风机",
        "门店",
        "银行",
        "转账",
        "取钱",
        "存款",
        "专柜",
        "官网",
        "手机",
        "电池",
    ],
    *[
        "汽车",
        "车主",
        "股价",
        "公司",
        "产品",
        "电影",
        "会员",
        "视频",
        "外卖",
        "奶茶",
        "快递",
        "酒店",
        "航班",
        "机票",
        "退款",
        "优惠券",
        "直播",
        "品牌",
    ],
)
Thing = TypeVar("Thing")


def invented(rng: random.Random) -> list[Client]:
    """Return clients with 4 names, 2 nicknames, 10 companions and 4 exclusions each."""

    def word(*lengths: int) -> str:
        return "".join(rng.choices(COMMON, k=rng.choice(lengths)))

    clients = []
    for number in range(CLIENTS):
        names = (word(2), word(2, 3), word(3, 4), f"brand{number}")
        exclude = (names[0] + word(1), names[1] + word(1, 2), word(2), word(3))
        clients.append(
            Client(
                id=f"c{number}",
                name=names[0],
                names=names,
                ambiguous=(word(2), word(2)),
                companions=tuple(rng.sample(TRADES, 10)),
                exclude=exclude,
            )
        )
    return clients


def recorded(folder: Path, rng: random.Random) -> list[Post]:
    events = folder / "events"
    paths = sorted(p for name in STREAMS for p in events.glob(f"{name}.jsonl.gz"))
    posts = [post for path in paths for post in Recording(path)]
    return sorted(rng.sample(posts, POSTS), key=lambda post: post.at)


def clock(name: str, work: Callable[[Thing], object], things: Sequence[Thing]) -> float:
    """Print and return the microseconds that WORK takes for one of THINGS."""
    rounds = []
    for _ in range(3):
        start = perf_counter()
        for thing in things:
            work(thing)
        rounds.append((perf_counter() - start) / len(things) * 1e6)
    print(f"{name:40} {min(rounds):7.1f} µs a post")
    return min(rounds)


def together(matcher: Matcher, risk: RiskModel, texts: Sequence[str]) -> None:
    """Print how many posts a second matching, tone and types get through, one after the other."""
    model = ToneModel.load()
    model.score(texts[:BATCH])
    rounds = []
    for _ in range(3):
        start = perf_counter()
        for first in range(0, len(texts), BATCH):
            batch = texts[first : first + BATCH]
            for text, (_, tone) in zip(batch, model.score(batch), strict=True):
                matcher.find_text(text)
                risk.types(text, tone)
        rounds.append((perf_counter() - start) / len(texts))
    took = min(rounds)
    print(
        f"{'match 10,000 terms, tone and types':40} {took * 1e6:7.1f} µs a post: {1 / took:,.0f} a second"
    )


def main(folder: Path) -> None:
    rng = random.Random(7)
    posts = recorded(folder, rng)
    texts = [post.text for post in posts]
    types = load().crisis_types()
    strong = [term for kind in types for term in kind.strong]
    clients = invented(rng)
    start = perf_counter()
    matcher = Matcher(clients, strong)
    print(f"{'building the matcher':40} {perf_counter() - start:7.2f} s")
    print(f"{'characters a post':40} {sum(map(len, texts)) / len(texts):7.0f}")
    folding = clock("fold", fold, texts)
    for name, each in (("10,000 terms", matcher), ("400 terms", Matcher(clients[:20], strong))):
        mentioning = sum(bool(each.find_text(text)) for text in texts) / len(texts)
        took = clock(f"match {name} ({mentioning:.1%} of posts hit)", each.find_text, texts)
        print(f"{'  beyond folding':40} {took - folding:7.1f} µs a post")
    risk = RiskModel(types)
    clock("risk", lambda text: risk.types(text, Tone.NEUTRAL), texts)
    together(matcher, risk, texts)
    clusters = Clusters()
    start = perf_counter()
    for post in posts:
        clusters.assign(post)
    print(f"{'clusters':40} {(perf_counter() - start) / len(posts) * 1e6:7.1f} µs a post")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
