"""How fast the store is: rows a second into it, milliseconds for what decisions ask of it.

    uv run python -m tests.benchmarks.store [POSTS] [URL]

Invented posts of one client over 28 days, a tenth of them in the last two hours, as in a crisis.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from watchers.model import (
    Author,
    Kind,
    MatchKind,
    Mention,
    Post,
    Scored,
    Tone,
    TypeHit,
)
from watchers.store import Store

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BATCH = 200  # posts in one round
ROUNDS = 9  # of each question; the median is printed
HIT = TypeHit(type="product_safety", terms=("自燃", "召回"), strong=True)


def posts(count: int) -> Iterator[Scored]:
    """Yield COUNT posts, oldest first; every fifth repeats the one before it."""
    quiet = count - count // 10
    for n in range(count):
        if n < quiet:
            at = NOW - 28 * DAY + (28 * DAY - 2 * HOUR) * n / quiet
        else:
            at = NOW - 2 * HOUR + 2 * HOUR * (n - quiet) / (count - quiet)
        yield scored(n, at)


def scored(n: int, at: datetime) -> Scored:
    follows = n % 5 == 4
    bad = n % 3 == 0
    return Scored(
        post=Post(
            source="weibo",
            id=str(n),
            url=f"https://weibo.example/{n}",
            text="奥岚取暖器用了三天就冒烟，客服说是正常现象，大家小心。" * 3,
            author=Author(id=f"a{n % 40_000}", handle=f"用户{n % 40_000}", followers=n % 200_000),
            created_at=at,
            retrieved_at=at,
            reposts=n % 500,
            kind=Kind.REPOST if follows else Kind.POST,
        ),
        mentions=(Mention(client="aulane", term="奥岚", found="奥岚", kind=MatchKind.NAME),),
        negative=0.9 if bad else 0.2,
        tone=Tone.NEGATIVE if bad else Tone.NEUTRAL,
        types=(HIT,) if bad else (),
        cluster=f"weibo:{n - 1 if follows else n}",
        leads=not follows,
    )


async def filled(store: Store, count: int) -> None:
    batch: list[Scored] = []
    wall = cpu = 0.0
    for post in posts(count):
        batch.append(post)
        if len(batch) == min(BATCH, count):
            began, used = time.perf_counter(), time.process_time()
            await store.record(batch, now=NOW)
            wall += time.perf_counter() - began
            cpu += time.process_time() - used
            batch = []
    print(f"{f'record, {BATCH} a round':<28} {count / wall:>10,.0f} {count / cpu:>10,.0f} posts/s")


async def asked(name: str, ask: Callable[[], Awaitable[object]]) -> None:
    """Print the median of what ASK takes, by the clock and of the processor."""
    times = []
    for _ in range(ROUNDS):
        began, used = time.perf_counter(), time.process_time()
        await ask()
        times.append((time.perf_counter() - began, time.process_time() - used))
    wall, cpu = (sorted(column)[ROUNDS // 2] * 1000 for column in zip(*times, strict=True))
    print(f"{name:<28} {wall:>10.2f} {cpu:>10.2f} ms")


async def measure(url: str, count: int) -> None:
    store = await Store.open(url, now=NOW)
    print(f"{'':<28} {'clock':>10} {'processor':>10}")
    await filled(store, count)
    again = [scored(n, NOW - HOUR) for n in range(BATCH)]
    await asked("record, all seen before", lambda: store.record(again, now=NOW))
    ids = [str(n) for n in range(0, 2 * count, max(count // 2500, 1))]
    await asked(f"known, {len(ids)} ids", lambda: store.known("weibo", ids))
    day, month = NOW - DAY, NOW - 28 * DAY
    await asked("minutes, 24 h", lambda: store.minutes("aulane", "weibo", day, NOW))
    await asked("minutes, 28 days", lambda: store.minutes("aulane", "weibo", month, NOW))
    await asked("hours, 28 days", lambda: store.hours("aulane", "weibo", month, NOW))
    await asked("first_at", lambda: store.first_at("aulane", "weibo"))
    for words, start in (("1 h", NOW - HOUR), ("24 h", day), ("28 days", month)):
        await asked(f"window, {words}", partial(store.window, "aulane", start, NOW))
    for words, start in (("1 h", NOW - HOUR), ("24 h", day)):
        await asked(f"tally, {words}", partial(store.tally, "aulane", start, NOW))
        quotes = partial(store.quotes, "aulane", start, NOW)
        await asked(f"quotes by reach, {words}", partial(quotes, by="reach"))
        await asked(f"quotes, first ones, {words}", partial(quotes, by="first"))
        await asked(f"quotes of a type, {words}", partial(quotes, types=[HIT.type]))
    await asked(
        "posts to restore, 7 days",
        lambda: store.clustered(NOW - 7 * DAY, limit=20_000),
    )
    await asked("claim, empty outbox", lambda: store.claim(NOW))
    await store.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{Path(folder) / 'f.sqlite3'}"
        asyncio.run(measure(url, count))


if __name__ == "__main__":
    main()
