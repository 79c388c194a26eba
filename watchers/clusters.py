"""Reposts and nearly equal texts are one story: which cluster a post joins, and whether it leads.

Works as posts stream in, inside one source. A post joins, in this order,
1. the cluster of the post it reposts, if the source says which one that is;
2. else the cluster of the words it repeats (`//@name: words`), if it is a repost;
3. else the cluster with the same text, once links, mentions, marks and emoji are left out;
4. else the cluster that holds a text which is nearly the same (see `ALIKE`).

A few words of one's own (fewer than `SHORTEST` letters beside topics) are no copy when somebody
else says them too: forty people who write "骑云崩了" are forty voices. They join only what their
own author said before. A text that is longer is a copy, whoever posts it.

A bare "转发微博" that does not say what it repeats shares one cluster with its like: what they
speak of is unknown, so together they weigh no more than one post. A reply has words of its own.
"""

import itertools
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import rensa

from watchers.match import fold, split_quoted
from watchers.model import Kind, Post

# Letters from which the same words of two people are a copy. Of recorded comments with two to four
# letters 40 to 60 in a hundred stand, letter by letter, under another event as well, by chance; with
# five or six 5, from seven on less than 1 (tests/benchmarks/clusters.py).
SHORTEST = 8
LONGEST = 280  # characters that are compared: what the store keeps, so a restart changes nothing
# Share of character pairs in common (Jaccard). On recorded repost cascades 0.6 joins no two stories,
# and a quarter more copies than 0.7; at 0.5 short posts of different people begin to fall together.
ALIKE = 0.6
VARIANTS = 8  # texts of a cluster that are compared: copies are changed a little at each hand
_PERMUTATIONS = 63
_BANDS = 21  # of three: meets 0.99 of the texts at 0.6, all from 0.8 on
_SEED = 1
_NOISE = re.compile(r"https?://[!-~]+|@[^\s:@]+|\[[^\[\]\s]{1,8}\]")
_TOPIC = re.compile(r"#[^#\n]{1,60}#|#\w+")
_NO_LETTERS = re.compile(r"[\W_]+")
_SPEAKER = re.compile(r"(?://\s*|RT\s+)@[^\s:：]{1,40}[:：]?")
_SAYS_NOTHING = frozenset({"", "转发微博", "转发", "转", "快转微博", "repost"})

_Key = tuple[str, str]  # source, id
Thing = TypeVar("Thing")


@dataclass(slots=True)
class _Cluster:
    number: int
    key: str
    source: str
    first_at: datetime
    last_at: datetime
    variants: list[int]  # numbers of its texts in the index; none: nothing is nearly the same

    def takes(self, post: Post, keep: timedelta) -> bool:
        """Was POST published no longer than KEEP away from the others?"""
        return self.first_at - keep <= post.at <= self.last_at + keep


@dataclass(frozen=True, slots=True)
class _Words:
    """What is compared: `letters` exactly, `body` (without topics) nearly."""

    source: str
    letters: str
    body: str
    author: str  # whose few words these are; empty: a copy is one whoever posts it

    @property
    def exact(self) -> int:
        return hash((self.source, self.letters, self.author))

    @property
    def anybodys(self) -> int:
        """What a repost of these words looks for: it does not say whose they are."""
        return hash((self.source, self.letters, ""))


class _Recent(Generic[Thing]):
    """Things by key, forgotten a while after they were last seen."""

    def __init__(self) -> None:
        self._things: OrderedDict[object, tuple[datetime, Thing]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._things)

    def get(self, key: object) -> Thing | None:
        found = self._things.get(key)
        return None if found is None else found[1]

    def put(self, key: object, thing: Thing, seen: datetime) -> None:
        self._things[key] = (seen, thing)
        self._things.move_to_end(key)

    def forget(self, before: datetime) -> list[Thing]:
        """Drop, and return, what was last seen BEFORE."""
        gone = []
        while self._things and next(iter(self._things.values()))[0] < before:
            gone.append(self._things.popitem(last=False)[1][1])
        return gone


class Clusters:
    """The clusters of the last `keep`; memory grows with the posts of that time, not with all."""

    def __init__(self, keep: timedelta = timedelta(days=7)) -> None:
        self._keep = keep
        self._by_post: _Recent[_Cluster] = _Recent()
        self._by_text: _Recent[_Cluster] = _Recent()
        self._clusters: _Recent[_Cluster] = _Recent()  # by number
        self._near = rensa.RMinHashLSH(ALIKE, _PERMUTATIONS, _BANDS)
        self._variants: dict[int, tuple[_Cluster, str]] = {}  # what is in the index
        self._count = itertools.count()
        self._clock: datetime | None = None

    def __len__(self) -> int:
        """Return how many clusters are remembered."""
        return len(self._clusters)

    def assign(self, post: Post) -> tuple[str, bool]:
        """Return the key of POST's cluster, "source:id" of its first post, and whether POST leads.

        A post that was assigned before gets the same answer again.
        """
        seen = self._tick(post)
        cluster = self._by_post.get(post.key)
        if cluster is None:
            cluster = self._joined(post, seen)
        self._by_post.put(post.key, cluster, seen)
        self._clusters.put(cluster.number, cluster, seen)
        cluster.first_at = min(cluster.first_at, post.at)
        cluster.last_at = max(cluster.last_at, post.at)
        return cluster.key, cluster.key == _name(post)

    def restore(self, posts: Iterable[Post], keys: Mapping[_Key, str] | None = None) -> None:
        """Take up POSTS, oldest first, after a restart.

        KEYS holds the recorded cluster of posts by (source, id); others are assigned anew.
        """
        clusters: dict[str, _Cluster] = {}
        for post in posts:
            key = (keys or {}).get(post.key)
            if key is not None and self._by_post.get(post.key) is None:
                self._take_up(post, key, clusters)
            self.assign(post)

    def _take_up(self, post: Post, key: str, clusters: dict[str, _Cluster]) -> None:
        """Put POST into the cluster KEY, opened if it is not among CLUSTERS."""
        seen = self._tick(post)
        words = _words(post)
        if key not in clusters:
            clusters[key] = self._opened(post, words, key, seen)
        elif words is not None and (post.kind is not Kind.REPOST or post.quoted):
            self._learn(words, clusters[key], seen)  # what a repost repeats is not stored
        self._by_post.put(post.key, clusters[key], seen)
        parent = (post.source, post.parent_id or "")
        if post.kind is Kind.REPOST and parent[1] and self._by_post.get(parent) is None:
            self._by_post.put(parent, clusters[key], seen)

    def _tick(self, post: Post) -> datetime:
        """Move the clock to POST and forget what is older than `keep`."""
        seen = max(post.at, post.retrieved_at)
        self._clock = seen if self._clock is None else max(seen, self._clock)
        before = self._clock - self._keep
        self._by_post.forget(before)
        self._by_text.forget(before)
        for cluster in self._clusters.forget(before):
            for number in cluster.variants:
                self._near.remove(number)
                del self._variants[number]
        return self._clock

    def _joined(self, post: Post, seen: datetime) -> _Cluster:
        parent = (post.source, post.parent_id or "") if post.kind is Kind.REPOST else None
        cluster = self._by_post.get(parent) if parent and parent[1] else None
        if cluster is not None:
            self._by_post.put(parent, cluster, seen)  # known as long as it is reposted
            self._by_post.put(_key(cluster.key), cluster, seen)  # and so is what all go back to
            return cluster
        words = _words(post)
        cluster = None if words is None else self._same(post, words) or self._alike(post, words)
        if cluster is None:
            cluster = self._opened(post, words, _name(post), seen)
        elif words is not None:
            self._learn(words, cluster, seen)
        if parent and parent[1]:
            self._by_post.put(parent, cluster, seen)  # the original may come later
        return cluster

    def _same(self, post: Post, words: _Words) -> _Cluster | None:
        cluster = self._by_text.get(words.exact)
        return cluster if cluster is not None and cluster.takes(post, self._keep) else None

    def _alike(self, post: Post, words: _Words) -> _Cluster | None:
        """Return the cluster with the text that is most like WORDS, if it is like enough."""
        if not words.body:
            return None
        best, most = None, ALIKE
        pairs = _pairs(words.body)
        for number in self._near.query(_minhash(words.body)):
            cluster, body = self._variants[number]
            if cluster.source != post.source:
                continue
            alike = _jaccard(pairs, _pairs(body))
            if alike >= most and cluster.takes(post, self._keep):
                best, most = cluster, alike
        return best

    def _opened(self, post: Post, words: _Words | None, key: str, seen: datetime) -> _Cluster:
        cluster = _Cluster(next(self._count), key, post.source, post.at, post.at, [])
        self._clusters.put(cluster.number, cluster, seen)
        if words is not None:
            self._learn(words, cluster, seen)
        return cluster

    def _learn(self, words: _Words, cluster: _Cluster, seen: datetime) -> None:
        """Know CLUSTER by WORDS from now on."""
        new = self._by_text.get(words.exact) is not cluster
        self._by_text.put(words.exact, cluster, seen)
        self._by_text.put(words.anybodys, cluster, seen)
        if new and words.body and len(cluster.variants) < VARIANTS:
            number = next(self._count)
            cluster.variants.append(number)
            self._variants[number] = (cluster, words.body)
            self._near.insert(number, _minhash(words.body))


def _name(post: Post) -> str:
    return f"{post.source}:{post.id}"


def _key(name: str) -> _Key:
    source, _, id_ = name.partition(":")
    return source, id_


# -------------------------------------------------------------------------------- what is compared
def own_letters(text: str) -> str:
    """Return the letters of an author's own words: no topics, links, mentions, marks, emoji."""
    folded = _NOISE.sub(" ", fold(split_quoted(text[:LONGEST])[0]))
    return _NO_LETTERS.sub("", _TOPIC.sub(" ", folded))


def _words(post: Post) -> _Words | None:
    """Return what stands for POST; None: a repost whose original is known by its id alone."""
    told = _told(post)
    if told is None:
        return None
    text, own = told
    folded = _NOISE.sub(" ", fold(text))
    letters = _NO_LETTERS.sub("", folded) or text.strip()  # emoji or a link alone: as it stands
    body = _NO_LETTERS.sub("", _TOPIC.sub(" ", folded))
    few = own and len(body) < SHORTEST and letters not in _SAYS_NOTHING
    return _Words(
        source=post.source,
        letters=letters,
        body=body if len(body) >= SHORTEST else "",
        author=post.author.id if few else "",
    )


def _told(post: Post) -> tuple[str, bool] | None:
    """Return the words a repost repeats, the author's own of any other post; are they own?"""
    own, chain = split_quoted(post.text[:LONGEST])
    if post.kind is not Kind.REPOST and (not chain or post.kind is Kind.REPLY):
        return own, True
    repeated = post.quoted[:LONGEST] or _innermost(chain)
    if repeated:
        return repeated, False
    return None if post.parent_id else (own, True)


def _innermost(chain: str) -> str:
    """Return the last words of a CHAIN of reposts that say anything."""
    said = [part.strip() for part in _SPEAKER.split(chain)]
    return next((part for part in reversed(said) if part not in _SAYS_NOTHING), "")


def _pairs(letters: str) -> set[str]:
    return {letters[place : place + 2] for place in range(len(letters) - 1)}


def _minhash(letters: str) -> rensa.RMinHash:
    minhash = rensa.RMinHash(_PERMUTATIONS, _SEED)
    minhash.update(sorted(_pairs(letters)))
    return minhash


def _jaccard(some: set[str], others: set[str]) -> float:
    common = len(some & others)
    return common / (len(some) + len(others) - common)
