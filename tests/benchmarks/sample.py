"""What the benchmarks of the whole service are fed with: recorded posts, else invented ones."""

import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo import story
from watchers.model import Client, Post
from watchers.recordings import Recording

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "microblogs" / "events"
ORDINARY = "*_calm_*.jsonl.gz"  # what comes on days without a crisis
START = datetime(2026, 3, 3, 11, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Posts, oldest first, and the client they speak of; `whence` says where they come from."""

    posts: tuple[Post, ...]
    client: Client
    whence: str


def sample(count: int) -> Sample:
    """Return COUNT posts of the longest ordinary recording, or of the demo's story, repeated."""
    paths = sorted(RECORDED.glob(ORDINARY), key=lambda p: p.stat().st_size)
    if not paths:
        posts = tuple(itertools.islice(_invented(), count))
        return Sample(posts=posts, client=story.CLIENT, whence="invented posts")
    recorded = tuple(itertools.islice(Recording(paths[-1]), count))
    posts = tuple(sorted(recorded, key=lambda p: p.at))
    client = replace(story.CLIENT, id="recorded", names=_keywords(paths[-1]))
    return Sample(posts=posts, client=client, whence="recorded posts")


def _invented() -> Iterator[Post]:
    """Yield the story again and again, each time as other posts."""
    for turn in itertools.count():
        for post in sorted(story.posts(START), key=lambda p: p.at):
            shift = timedelta(days=7 * turn)
            at = post.at + shift
            yield replace(post, id=f"{post.id}-{turn}", created_at=at, retrieved_at=at)


def _keywords(path: Path) -> tuple[str, ...]:
    """Return the words that a recording was collected with."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        found = {json.loads(line).get("keyword") for line in itertools.islice(lines, 100)}
    return tuple(sorted(word for word in found if word))
