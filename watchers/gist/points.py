"""The main points of a story: sentences of its posts, chosen by TextRank; none is made up.

TextRank is snownlp's. Its package loads four models at import, 420 MB that nothing here needs, so
the one module is loaded by itself.
"""

import importlib
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import rjieba

from watchers.model import Quote

FEWEST, MOST = 3, 5  # points
POSTS = 5  # with no more than these, the posts themselves are the points
SENTENCES = 120  # looked at; the work grows with their square
SHORTEST, LONGEST = 8, 80  # characters of a sentence
ALIKE = 0.4  # share of common words from which on two sentences make one point
ECHO = 0.3  # and from which on one sentence echoes another
COMMON = 0.5  # a word in more sentences than this tells nothing about one
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?]*")
_PART = re.compile(r"[^，,、]+[，,、]*")
_UNFIT = re.compile(r"https?:|@|//|[…]$")  # what links, speaks to somebody, or was cut
_HAN = re.compile("[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A sentence and the stored post it stands in, as it stands there."""

    text: str
    quote: Quote


def main_points(quotes: Sequence[Quote]) -> tuple[Point, ...]:
    """Return three to five sentences of QUOTES that most others echo, or none.

    At most one a post, none that says nearly what another says, the most central first. QUOTES
    are distinct posts, most seen first.
    """
    if len(quotes) <= POSTS:
        return ()
    found = [Point(text=s, quote=q) for q in quotes for s in sentences(q.text)][:SENTENCES]
    words = [frozenset(_words(p.text)) for p in found]
    seen = Counter(word for sentence in words for word in sentence)
    usual = {w for w, count in seen.items() if count > max(2, COMMON * len(found))}
    docs = [[w for w in _words(p.text) if w not in usual] for p in found]
    kept = [n for n, doc in enumerate(docs) if doc and _echoed(n, found, words)]
    if len(kept) < FEWEST:
        return ()
    rank = _textrank().TextRank([docs[n] for n in kept])
    rank.solve()
    chosen: list[int] = []
    for place in rank.top_index(len(kept)):
        number = kept[place]
        posts = {found[n].quote.key for n in chosen}
        alike = any(_alike(words[number], words[n]) > ALIKE for n in chosen)
        if found[number].quote.key not in posts and not alike:
            chosen.append(number)
        if len(chosen) == MOST:
            break
    return tuple(found[n] for n in chosen) if len(chosen) >= FEWEST else ()


def _echoed(number: int, found: Sequence[Point], words: Sequence[frozenset[str]]) -> bool:
    """Does the sentence NUMBER have something in common with one of another post?"""
    own = found[number].quote.key
    return any(
        point.quote.key != own
        and len(words[number] & others) > 1
        and _alike(words[number], others) > ECHO
        for point, others in zip(found, words, strict=True)
    )


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of TEXT as they stand in it; long ones in parts between commas."""
    for whole in _SENTENCE.findall(text):
        for part in [whole] if len(whole) <= LONGEST else _PART.findall(whole):
            told = part.strip()
            fits = SHORTEST <= len(told) <= LONGEST and not _UNFIT.search(told)
            if fits and 2 * len(_HAN.findall(told)) > len(told):
                yield told


def _words(text: str) -> list[str]:
    return [w for w in rjieba.cut(text, False) if len(w) > 1 and _HAN.search(w)]


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(min(len(one), len(other)), 1)


@cache
def _textrank() -> Any:
    """Load snownlp's TextRank under a name of our own, without the package around it."""
    spec = find_spec("snownlp")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("snownlp", name="snownlp")
    alias = ModuleType("watchers_snownlp")
    alias.__path__ = list(spec.submodule_search_locations)
    sys.modules[alias.__name__] = alias
    return importlib.import_module(f"{alias.__name__}.summary.textrank")
