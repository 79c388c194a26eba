"""What `whole` measures in processes of their own: `python -m tests.benchmarks.fresh service|demo`.

The environment is that of `fenghuo run`. One JSON object a line says what was reached.
"""

import asyncio
import json
import os
import re
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bot.cli import Shell
from bot.demo import story
from bot.demo.play import Demo
from bot.running import set_up_logging
from bot.service import Service, read_parts
from bot.settings import read
from tests.benchmarks.sample import sample
from watchers.http import Http
from watchers.store import Store

BATCH = 200


def now() -> datetime:
    return datetime.now(UTC)


def say(reached: str, **figures: float) -> None:
    """Print what was REACHED; `cpu` in seconds and `rss` (MB, the peak so far) always."""
    always = {"reached": reached, "cpu": time.process_time(), "rss": peak()}
    print(json.dumps(always | figures), flush=True)


def peak() -> float:
    """Return the most memory this process held, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # the call below counts what the parent held when it forked
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found is not None
        return int(found[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


async def service(posts: int) -> None:
    """Build the service as `fenghuo run` does, and give it POSTS."""
    settings = read(os.environ)
    settings.data.mkdir(parents=True, exist_ok=True)
    parts = read_parts(settings)
    store = await Store.open(settings.database_url, now=now())
    running = Service(settings, parts, store, Http(contact="benchmark"), now=now)
    await running.start()
    say("watching")
    given = sample(posts)
    running.stages.take_clients([given.client])
    for start in range(0, len(given.posts), BATCH):
        scored = await running.stages.score(given.posts[start : start + BATCH])
        await store.record(scored, now=now())
    say("fed", posts=len(given.posts))
    await running.stop()


async def demo(seconds: float) -> None:
    """Play the demo until its first alert stands in the channel."""
    shell = Shell(environment={}, now=now, console=Console(quiet=True))
    shown = Demo(shell, seconds=seconds, port=0)
    await shown.start()
    say("playing")
    try:
        await shown.preview.until(lambda: bool(shown.preview.channel(story.CHANNEL)), seconds + 30)
        passed = shown.clock.now() - shown.clock.start
        say("alert", story=passed.total_seconds() / 60)
    finally:
        await shown.stop()


if __name__ == "__main__":
    set_up_logging("error")
    work = service(int(sys.argv[2])) if sys.argv[1] == "service" else demo(float(sys.argv[2]))
    asyncio.run(work)
