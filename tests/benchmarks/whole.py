"""What the whole service costs, in one table: `uv run python -m tests.benchmarks.whole [--quick]`.

Everything is real but the far ends: the platforms are a local server, Slack is the stand-in. What
is CPU is measured as CPU time of the process with all its threads, what is waiting by the clock.
"""

import asyncio
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from snownlp import SnowNLP

from bot import messages
from bot.demo import story
from bot.demo.platforms import Platforms
from bot.preview import Channel, Preview, User
from bot.running import set_up_logging
from bot.service import Service, read_parts
from bot.settings import Settings
from tests import shipped
from tests.benchmarks.sample import START, Sample, sample
from watchers.http import Http
from watchers.model import (
    Alert,
    AlertKind,
    Client,
    Decision,
    Figures,
    Incident,
    Reason,
    Severity,
    Stage,
    State,
    Trend,
)
from watchers.round import Rounds
from watchers.sources import set_up
from watchers.stages import Stages
from watchers.store import Store

BATCH = 200  # posts a round
PEOPLE = (User(id=story.DUTY, name="Lin"),)
DEMO = 20  # seconds, the shortest a person would choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    posts: int = 5_000
    plain: int = 150  # of them scored by SnowNLP alone
    polls: int = 100
    alerts: int = 30
    fed: int = 5_000
    starts: int = 3


QUICK = Size(posts=800, plain=40, polls=20, alerts=6, fed=800, starts=1)


def row(what: str, figure: str, remark: str = "") -> None:
    print(f"{what:<46} {figure:>20}   {remark}", flush=True)


def spread(seconds: Sequence[float]) -> str:
    """Return median and 95th percentile in milliseconds."""
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return f"{statistics.median(seconds) * 1000:.0f} / {cuts[-1] * 1000:.0f} ms"


def now() -> datetime:
    return datetime.now(UTC)


# ---------------------------------------------------------------------------------- posts
async def whole_path(given: Sample, size: Size, folder: Path) -> None:
    """Match, tone, risk, clusters, record, rollup; then the same texts through SnowNLP."""
    store = await Store.open(f"sqlite:///{folder / 'path.sqlite3'}", now=START)
    stages = await _stages(store, given.client)
    stages.score_now(given.posts[:BATCH])  # dictionaries load at first use
    stages = await _stages(store, given.client)
    scoring = matched = 0.0
    began = time.process_time()
    for start in range(0, len(given.posts), BATCH):
        batch = given.posts[start : start + BATCH]
        before = time.process_time()
        known = await store.known(batch[0].source, [p.id for p in batch])
        fresh = [p for p in batch if p.id not in known]
        scored = stages.score_now(fresh)
        scoring += time.process_time() - before
        matched += len(scored)
        await store.record(scored, now=START)
    took = time.process_time() - began
    await store.close()
    ours, plain = len(given.posts) / took, _snownlp(given, size)
    row(
        "posts a second and core, whole path",
        f"{ours:,.0f}",
        f"{matched / len(given.posts):.0%} of {len(given.posts):,} {given.whence} speak of the client",
    )
    row(
        "  of that scoring / recording",
        f"{scoring / len(given.posts) * 1e6:.0f} / {(took - scoring) / len(given.posts) * 1e6:.0f} µs",
        "a post",
    )
    row(
        "plain SnowNLP(text).sentiments",
        f"{plain:,.0f}",
        f"posts a second and core, {size.plain} of the same posts",
    )
    row("ratio", f"{ours / plain:.1f}×")


def _snownlp(given: Sample, size: Size) -> float:
    """Return the posts a second that SnowNLP manages."""
    texts = random.Random(7).sample([p.text for p in given.posts if p.text.strip()], size.plain)
    _ = SnowNLP(texts[0]).sentiments  # its dictionaries load here
    began = time.process_time()
    for text in texts:
        _ = SnowNLP(text).sentiments
    return len(texts) / (time.process_time() - began)


async def _stages(store: Store, client: Client) -> Stages:
    return shipped.stages(store, *await store.save_clients([client], by="benchmark", now=START))


# ---------------------------------------------------------------------------------- polls
async def polls(size: Size, folder: Path) -> None:
    """Rounds of the Weibo source, five minutes apart, through Http, the stages and the store."""
    moment = [START]
    platforms = Platforms(story.posts(START), lambda: moment[0])
    await platforms.start()
    store = await Store.open(f"sqlite:///{folder / 'polls.sqlite3'}", now=START)
    stages = await _stages(store, story.CLIENT)
    async with Http(contact="benchmark") as http:
        weibo = set_up(http, platforms.settings())["weibo"]
        rounds = Rounds(store, stages, {"weibo": weibo})
        await rounds.plan(stages.clients.values(), START)
        keys = list(rounds.watches)
        for key in keys:
            await rounds.run(rounds.watches[key], START)  # the history, twenty pages deep
        began, used, requests = time.perf_counter(), time.process_time(), 0
        for turn in range(size.polls):
            if turn % len(keys) == 0:
                moment[0] += timedelta(minutes=5)
            page = await rounds.run(rounds.watches[keys[turn % len(keys)]], moment[0])
            requests += page.requests if page is not None else 0
        wall, cpu = time.perf_counter() - began, time.process_time() - used
    await store.close()
    await platforms.stop()
    row(
        "polls a second, one after the other",
        f"{size.polls / wall:.0f}",
        f"{requests} requests; with the story's crisis in them; server included",
    )
    row("  CPU of a poll", f"{cpu / size.polls * 1000:.1f} ms")


# ---------------------------------------------------------------------------------- Slack
async def slack(size: Size, folder: Path) -> None:
    """From a commit to chat.postMessage, and from a press to its acknowledgement."""
    async with _watching(size.alerts, folder) as (service, preview):
        woken = [await _told(service, preview, n, wake=True) for n in range(0, size.alerts, 2)]
        found = [await _told(service, preview, n, wake=False) for n in range(1, size.alerts, 2)]
        row(
            "commit to chat.postMessage, sender woken",
            spread(woken),
            f"median / p95 of {len(woken)}",
        )
        row(
            "  sender looks by itself, once a second",
            spread(found),
            f"median / p95 of {len(found)}",
        )
        for verb in ("help", "incidents", "check"):
            took = [
                (await preview.command(story.DUTY, _channel(n), "/crisis", verb)).took
                for n in range(size.alerts)
            ]
            _acknowledged(f"/crisis {verb} to acknowledgement", took)
        roots = [preview.channel(_channel(n))[0].root.ts for n in range(size.alerts)]
        took = [
            (await preview.press(story.DUTY, _channel(n), ts, "ack")).took
            for n, ts in enumerate(roots)
        ]
        _acknowledged("button to acknowledgement, committed", took)


def _acknowledged(what: str, took: Sequence[timedelta]) -> None:
    row(
        what,
        spread([t.total_seconds() for t in took]),
        f"median / p95 of {len(took)}; Slack waits 3,000 ms",
    )


async def _told(service: Service, preview: Preview, number: int, *, wake: bool) -> float:
    """Commit a new incident, and return the seconds until its root stands in its channel."""
    await asyncio.sleep(random.uniform(0.2, 1.2))  # not in step with the sender
    channel = _channel(number)
    root = Alert(key="root", kind=AlertKind.ROOT, channel=channel)
    decision = Decision(reason=Reason.FIRST, incident=_incident(number), alerts=(root,))
    await service.store.commit(decision, now=now())
    began = time.perf_counter()
    if wake:
        service.deliver.wake()
    await preview.until(lambda: bool(preview.channel(channel)))
    return time.perf_counter() - began


@asynccontextmanager
async def _watching(channels: int, folder: Path) -> AsyncIterator[tuple[Service, Preview]]:
    """Run the service with the stand-in; no source is set up."""
    preview = _preview([_channel(n) for n in range(channels)])
    await preview.start()
    settings = Settings(operators=story.OPERATORS)
    store = await Store.open(f"sqlite:///{folder / 'slack.sqlite3'}", now=now())
    clients = [replace(story.CLIENT, id=f"c{n}", channel=_channel(n)) for n in range(channels)]
    await store.save_clients(clients, by="benchmark", now=now())
    http = Http(contact="benchmark")
    service = Service(settings, read_parts(settings), store, http, now=now, preview=preview)
    await service.start()
    try:
        yield service, preview
    finally:
        await service.stop()
        await preview.stop()


def _preview(channels: Sequence[str]) -> Preview:
    rooms = [Channel(id=id_, name=id_.lower()) for id_ in (*channels, story.OPERATORS)]
    return Preview(channels=rooms, users=PEOPLE, now=now, problems=messages.problems)


def _channel(number: int) -> str:
    return f"C0BENCH{number:03}"


def _incident(number: int) -> Incident:
    at = now()
    figures = Figures(
        at=at, count=40, with_reposts=90, authors=31, usual=2.0, negative_share=0.8, total=40
    )
    return Incident(
        number=0,
        client=f"c{number}",
        type="product_safety",
        type_terms=("自燃",),
        severity=Severity.S2,
        reasons=("40 posts in an hour",),
        state=State.OPEN,
        stage=Stage.FERMENT,
        trend=Trend.RUNNING,
        opened_at=at,
        first_post_at=at,
        updated_at=at,
        rev=1,
        figures=figures,
        lead=None,
        channel=_channel(number),
        source="weibo",
    )


# -------------------------------------------------------------------------- fresh processes
async def fresh(size: Size, folder: Path) -> None:
    """Start the service in a process of its own, against servers in this one."""
    preview = _preview([story.CHANNEL])
    await preview.start()
    platforms = Platforms((), now)
    await platforms.start()
    given = platforms.settings() | {
        "SLACK_BOT_TOKEN": preview.bot_token,
        "SLACK_APP_TOKEN": preview.app_token,
        "SLACK_API_URL": preview.api_url,
        "FENGHUO_LOG": "error",
    }
    starts = []
    for turn in range(size.starts):
        data = {"FENGHUO_DATA": str(folder / f"data-{turn}")}
        fed = size.fed if turn == 0 else 0
        reached = await _child(["tests.benchmarks.fresh", "service", str(fed)], given | data)
        starts.append(reached["watching"])
        if turn == 0:
            full = reached["fed"]
    await preview.stop()
    await platforms.stop()
    best = min(starts, key=lambda r: r["wall"])
    row(
        "service from nothing to watching",
        f"{best['wall']:.2f} s",
        f"CPU {best['cpu']:.2f} s; new database; best of {len(starts)}",
    )
    row("peak memory of the service at its start", f"{best['rss']:.0f} MB")
    row(f"  after {full['posts']:,} posts", f"{full['rss']:.0f} MB")


async def _child(arguments: Sequence[str], given: dict[str, str]) -> dict[str, dict[str, float]]:
    """Run a module and return what it reached, each with the seconds since it was started."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, stdout=subprocess.PIPE, env=dict(os.environ) | given
    )
    assert process.stdout is not None
    reached: dict[str, dict[str, float]] = {}
    async for line in process.stdout:
        told = msgspec.json.decode(line)
        reached[told.pop("reached")] = told | {"wall": time.perf_counter() - began}
    assert await process.wait() == 0, arguments
    return reached


def help_shown(size: Size) -> None:
    walls, cpus = [], []
    for _ in range(size.starts):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bot", "--help"], check=True, capture_output=True)
        walls.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    row("fenghuo --help", f"{min(walls):.2f} s", f"CPU {min(cpus):.2f} s; best of {len(walls)}")


async def demo() -> None:
    reached = await _child(["tests.benchmarks.fresh", "demo", str(DEMO)], {})
    alert = reached["alert"]
    row(
        f"demo of {DEMO} s to its first alert",
        f"{alert['wall']:.1f} s",
        f"playing after {reached['playing']['wall']:.1f} s; {alert['story']:.0f} minutes into the story",
    )


async def measure(size: Size) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await whole_path(sample(size.posts), size, folder)
        await polls(size, folder)
        await slack(size, folder)
        help_shown(size)
        await fresh(size, folder)
        await demo()


def main() -> None:
    set_up_logging("error")
    began = time.perf_counter()
    asyncio.run(measure(QUICK if "--quick" in sys.argv[1:] else Size()))
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"\n{time.perf_counter() - began:.0f} s; {cores} cores, load {load:.1f} at the end")


if __name__ == "__main__":
    main()
