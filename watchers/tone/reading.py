"""Texts made ready for scoring: cleaned, cut into words, and laid into one array of code points."""

import re
import unicodedata
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import rjieba
from numpy.typing import NDArray

from watchers.match import fold, split_quoted

EDGE = "\n"  # stands before every text of a batch and behind the last; inside none
_EDGE_CODE = ord(EDGE)
_LINK = re.compile(r"https?://[!-~]*|www\.[!-~]+")
_PERSON = re.compile(r"@[^\s@:,。!?;/\[\]()#]{1,20}")
_SPEAKER = re.compile(r"//\s*@[^:：/]{0,30}[:：]?|RT @\S{0,30}[:：]?")
_LONG_REPEAT = re.compile(r"(.{1,2}?)\1{3,}")
_BLANKS = re.compile(r"\s+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_EMOTICON = re.compile(r"\[[^\[\]\s]{1,8}\]")
_ENDS = re.compile(r"[。!?;…~\n]+|但是|但|可是|不过|然而|结果|却")
_PART = 4  # Chinese characters that make a part of a post worth a look of its own


def clean(text: str) -> str:
    """Return TEXT in one form, without links and names of people, on one line.

    Of a repost, the author's own words alone; where there are none, what it repeats. Runs of a
    mark or of a pair are cut to three.
    """
    own, repeated = split_quoted(text)
    words = _tidy(own)
    if not repeated or chinese(words) or "[" in words or pictures(words):
        return words
    return _tidy(_SPEAKER.sub("\n", repeated))


def _tidy(text: str) -> str:
    plain = fold(text)
    if "http" in plain or "www." in plain:
        plain = _LINK.sub(" ", plain)
    if "@" in plain:
        plain = _PERSON.sub("@", plain)
    return _BLANKS.sub(" ", _LONG_REPEAT.sub(r"\1\1\1", plain)).strip()


def without_emoticons(text: str) -> str:
    """Return TEXT without `[doge]` and pictures such as 😡."""
    plain = _EMOTICON.sub(" ", text)
    if plain.isascii():
        return plain
    return "".join(" " if _picture(char) else char for char in plain)


def _picture(char: str) -> bool:
    return char > "\u2000" and not _HAN.match(char) and unicodedata.category(char) == "So"


def chinese(text: str) -> bool:
    """Does TEXT hold a Chinese character?"""
    return _HAN.search(text) is not None


def pictures(text: str) -> set[str]:
    """Return the pictures in TEXT."""
    return set() if text.isascii() else {char for char in text if _picture(char)}


def parts(text: str) -> list[str]:
    """Return what TEXT says without emoticons: whole, and, if it turns, sentence by sentence."""
    plain = clean(without_emoticons(text))
    pieces = [p for p in _ENDS.split(plain) if len(_HAN.findall(p)) >= _PART]
    return [plain, *pieces] if len(pieces) > 1 else [plain]


class Batch(NamedTuple):
    """Clean texts of one batch, end to end, each behind an edge."""

    words: list[str]  # the edges among them
    codes: NDArray[np.uint64]  # of all characters
    word_starts: NDArray[np.intp]  # places of `words` in `codes`
    word_posts: NDArray[np.intp]  # places of the texts in `words`
    code_posts: NDArray[np.intp]  # places of the texts in `codes`


def lay(texts: Sequence[str]) -> Batch:
    """Cut clean TEXTS into words and lay them end to end."""
    cuts = [[EDGE, *rjieba.cut(text)] for text in texts]
    words = [*chain.from_iterable(cuts), EDGE]
    codes = np.frombuffer("".join(words).encode("utf-32-le", "replace"), np.uint32)
    lengths = np.fromiter(map(len, words), np.intp, len(words))
    word_starts = np.cumsum(lengths) - lengths
    counts = np.fromiter(map(len, cuts), np.intp, len(cuts))
    word_posts = np.cumsum(counts) - counts
    return Batch(words, codes.astype(np.uint64), word_starts, word_posts, word_starts[word_posts])
