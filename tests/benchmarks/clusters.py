"""How well reposts and copies are joined: `python -m tests.benchmarks.clusters`.

Recorded repost cascades say what belongs together: each repost names its original. They run
through in one stream, oldest first, once for each way in which a source may tell of a repost.
Prints, asserts nothing:

- pairwise precision and recall: of the pairs of posts that were joined, how many belong together;
  of the pairs that belong together, how many were joined. Large cascades weigh most.
- B-cubed precision and recall (Bagga and Baldwin 1998): the same asked of each post, then averaged.
- how often two people say the same few words by chance, by the number of letters: own words of
  reposts that stand, letter by letter, under another event too.
- on ordinary streams, the posts that joined another person's, and how alike they are: "unlike" is
  below `COPY` by characters in order and by characters alone (some spam shuffles its sentences).
- microseconds a post, and the bytes a remembered one takes.

Originals that copy each other are one story: `_copies` compares them character by character, not
by the pairs of characters that the clusters go by. "Mixed" counts the clusters that hold posts of
two events; none of these is ever right.
"""

import gc
import gzip
import json
import os
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from difflib import SequenceMatcher
from pathlib import Path
from time import perf_counter

from tests.benchmarks.sample import RECORDED
from watchers.clusters import SHORTEST, Clusters, own_letters
from watchers.match import split_quoted
from watchers.model import Kind, Post
from watchers.recordings import Recording

CASCADES = "ced_*.jsonl.gz"
ORDINARY = ("*_calm_*", "jiangping_*", "drama_*", "tencent_video_monitor_*", "hot_topic_*")
COPY = 0.6  # share of characters in common order that makes two originals one story
CHAIN = 140  # characters a repost's own words and the chain may have on Weibo

Key = tuple[str, str]


class Cascades:
    """All cascades, oldest post first; `story` and `event` say what each post belongs to."""

    def __init__(self, folder: Path) -> None:
        self.event: dict[Key, str] = {}
        self.root: dict[Key, Key] = {}
        found: dict[Key, Post] = {}
        for path in sorted(folder.glob(CASCADES)):
            roots = _roots(path)
            for post in Recording(path):
                found.setdefault(post.key, post)
                self.event.setdefault(post.key, path.stem)
                self.root.setdefault(post.key, (post.source, roots[post.id]))
        self.by_key = found
        self.posts = sorted(found.values(), key=lambda post: post.at)
        one = _copies([p for p in self.posts if self.root[p.key] == p.key], self.event)
        self.story = {key: one[root] for key, root in self.root.items()}

    def as_given(self, post: Post) -> Post:
        """The parent is the post that was pressed, be it a repost itself."""
        return post

    def root_named(self, post: Post) -> Post:
        """The parent is the original, with its words: what Weibo's `retweeted_status` holds."""
        original = self.root[post.key]
        if original == post.key:
            return post
        return replace(post, parent_id=original[1], quoted=self.by_key[original].text)

    def words_alone(self, post: Post) -> Post:
        """No id, but the original's words: a search page, a copied text."""
        return replace(self.root_named(post), parent_id=None)

    def chain_alone(self, post: Post) -> Post:
        """No id and no original: own words and those of the reposters between."""
        if post.kind is not Kind.REPOST:
            return post
        said, at = [post.text], post
        while at.parent_id and (post.source, at.parent_id) != self.root[post.key]:
            at = self.by_key[post.source, at.parent_id]
            said.append(f"//@{at.author.id}:{at.text}")
        return replace(post, parent_id=None, text="".join(said)[:CHAIN])


def _roots(path: Path) -> dict[str, str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return {row["id"]: row.get("root_id") or row["id"] for row in map(json.loads, lines)}


def _copies(originals: Sequence[Post], event: Mapping[Key, str]) -> dict[Key, Key]:
    """Return the first of those that ORIGINALS copy, by key."""
    first: dict[Key, Key] = {}
    told: dict[Key, str] = {}
    for post in originals:
        letters = own_letters(post.text)
        same = (
            key
            for key, other in told.items()
            if event[key] == event[post.key]
            and SequenceMatcher(None, other, letters, autojunk=False).ratio() >= COPY
        )
        first[post.key] = first.get(found := next(same, post.key), found)
        told[post.key] = letters
    return first


# ------------------------------------------------------------------------------------------ scores
def _pairs(groups: Counter[str] | Counter[tuple[str, str]]) -> int:
    return sum(n * (n - 1) // 2 for n in groups.values())


def scores(found: Mapping[Key, str], true: Mapping[Key, str]) -> tuple[float, float, float, float]:
    """Return pairwise precision and recall, B-cubed precision and recall."""
    have, want = Counter(found.values()), Counter(true[key] for key in found)
    both = Counter((cluster, true[key]) for key, cluster in found.items())
    right = _pairs(both)
    cubes = [(n * n / have[c], n * n / want[t]) for (c, t), n in both.items()]
    return (
        right / max(_pairs(have), 1),
        right / max(_pairs(want), 1),
        sum(p for p, _ in cubes) / len(found),
        sum(r for _, r in cubes) / len(found),
    )


def _row(name: str, found: Mapping[Key, str], cascades: Cascades) -> None:
    story = {key: ":".join(first) for key, first in cascades.story.items()}
    figures = " ".join(f"{x:10.3f}" for x in scores(found, story))
    events = defaultdict(set)
    for key, cluster in found.items():
        events[cluster].add(cascades.event[key])
    mixed = [cluster for cluster, of in events.items() if len(of) > 1]
    inside = sum(cluster in set(mixed) for cluster in found.values())
    print(f"{name:44} {figures} {len(events):9} {len(mixed):6} {inside:6}", flush=True)


def _joined(posts: Sequence[Post], told: Callable[[Post], Post]) -> dict[Key, str]:
    clusters = Clusters()
    return {post.key: clusters.assign(told(post))[0] for post in posts}


# ---------------------------------------------------------------------------------- ordinary streams
def ordinary(path: Path) -> None:
    """Print how many own-word posts of PATH joined another person's, and how alike they are."""
    posts = sorted({p.key: p for p in Recording(path) if p.text}.values(), key=lambda p: p.at)
    own = {p.key: p for p in posts if p.kind is Kind.POST and not split_quoted(p.text)[1]}
    found = _joined(posts, lambda post: post)
    led = [(own[key], own.get(_key(cluster))) for key, cluster in found.items() if key in own]
    others = [(a, b) for a, b in led if b and b.key != a.key]
    joined = [(a, b) for a, b in others if a.author.id != b.author.id or not a.author.id]
    short = sum(len(own_letters(a.text)) < SHORTEST for a, _ in joined)
    alike = [_alike(own_letters(a.text), own_letters(b.text)) for a, b in joined[:2_000]]
    low = sum(x < COPY for x in alike)
    middle = statistics.median(alike) if alike else 0.0
    name = path.name.removesuffix(".jsonl.gz")
    print(f"{name:32} {len(own):7} {len(joined):7} {short:6} {middle:10.2f} {low:10}")


def _alike(one: str, other: str) -> float:
    """Return the share of characters in common, in order or not, whichever is more."""
    if len(one) < SHORTEST:
        return float(one == other)
    counts = Counter(one), Counter(other)
    common, either = (counts[0] & counts[1]).total(), (counts[0] | counts[1]).total()
    ordered = SequenceMatcher(None, one, other, autojunk=False).ratio()
    return max(ordered, common / max(either, 1))


def _chance(cascades: Cascades) -> None:
    """Print how many own words of reposts stand under another event as well, by length."""
    said: defaultdict[str, list[Key]] = defaultdict(list)
    for post in cascades.posts:
        if post.kind is Kind.REPOST and (letters := own_letters(post.text)):
            said[letters].append(post.key)
    count, twice = Counter[int](), Counter[int]()
    for letters, keys in said.items():
        events = Counter(cascades.event[key] for key in keys)
        count[len(letters)] += len(keys)
        twice[len(letters)] += len(keys) if len(events) > 1 else 0
    shares = [f"{n}: {twice[n] / count[n]:.1%} of {count[n]}" for n in range(1, 14)]
    more = [sum(c[n] for n in c if n >= 14) for c in (twice, count)]
    print(f"\nthe same words by chance: {', '.join(shares)}, more: {more[0] / more[1]:.1%}")


def _key(cluster: str) -> Key:
    source, _, id_ = cluster.partition(":")
    return source, id_


def _cost(posts: Sequence[Post]) -> None:
    took = []
    for _ in range(3):
        clusters = Clusters()
        start = perf_counter()
        for post in posts:
            clusters.assign(post)
        took.append((perf_counter() - start) / len(posts) * 1e6)
    pages, size = Path("/proc/self/statm"), os.sysconf("SC_PAGE_SIZE")
    gc.collect()
    before = int(pages.read_text().split()[1])
    clusters = Clusters(keep=timedelta(days=10_000))
    for post in posts:
        clusters.assign(post)
    held = (int(pages.read_text().split()[1]) - before) * size
    print(f"\n{min(took):.1f} us a post; {held / len(posts):.0f} bytes a post remembered")


def main() -> None:
    if not RECORDED.is_dir():
        sys.exit("the recordings (../shared) are not on this machine")
    cascades = Cascades(RECORDED)
    stories = len(set(cascades.story.values()))
    originals = len(set(cascades.root.values()))
    print(f"{len(cascades.posts)} posts, {originals} originals, {stories} stories")
    heads = ("precision", "recall", "B3 prec.", "B3 recall")
    titles = " ".join(f"{head:>10}" for head in heads)
    print(f"{'':44} {titles} {'clusters':>9} {'mixed':>6} {'inside':>6}")
    ways = (
        ("the pressed post is named", cascades.as_given),
        ("the original is named (Weibo)", cascades.root_named),
        ("no id, the original's words", cascades.words_alone),
        ("no id, the chain of comments alone", cascades.chain_alone),
    )
    for name, told in ways:
        _row(name, _joined(cascades.posts, told), cascades)
    _chance(cascades)
    print(f"\n{'':32} {'own':>7} {'joined':>7} {'short':>6} {'alike':>10} {'unlike':>10}")
    for path in sorted(p for name in ORDINARY for p in RECORDED.glob(f"{name}.jsonl.gz")):
        ordinary(path)
    paths = sorted(RECORDED.glob("*_calm_*.jsonl.gz"))
    _cost(sorted((p for path in paths for p in Recording(path) if p.text), key=lambda p: p.at))


if __name__ == "__main__":
    main()
