"""A text made ready for matching: whose words they are, what is cut, where its words end."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import rjieba

from watchers.match.folding import fold, origin

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_QUOTED = re.compile(r"//\s*@|^\s*RT @")
_SPEAKER = re.compile(
    r"(?://|^|(?<=\n))\s*(?:rt |回复\s*)?@[^\s:@]{1,30}\s*:|回复\s*@[^\s:@]{1,30}\s*:"
)
_LINK = re.compile(r"https?://[!-~]*|www\.[!-~]+|[a-z0-9-]+(?:\.[a-z0-9-]+)+/[!-~]*")
_DEVICE = re.compile(
    r"(?:来自|发自)[^\n。,]{0,20}?客户端|(?:^|(?<=\s))(?:我在|定位|显示地图)[:·][^\s,。]*|📍[^\s,。]*"
)
_REACH = 64  # letters to either side within which words are cut
_GRID = 32
_BLOCK = re.compile(rf"[{HAN}a-z0-9]+")
# The mark comes first and what is before it is looked at last: a search that is ten times faster.
_MARK = re.compile(rf"[*/·\-_.|~](?<=[{HAN}].)(?=[{HAN}])")
_MARK_OR_SPACES = re.compile(rf"[ */·\-_.|~](?<=[{HAN}].)(?:(?<= ) {{0,2}})?(?=[{HAN}])")


def split_quoted(text: str) -> tuple[str, str]:
    """Return the author's own words and what they repeat after `//@name:` or `RT @name:`."""
    if "//" not in text and "RT @" not in text:
        return text, ""
    found = _QUOTED.search(text)
    return (text[: found.start()], text[found.start() :]) if found else (text, "")


class _Squeezed(NamedTuple):
    """A text whose marks inside Chinese were taken out."""

    text: str
    joins: tuple[int, ...]  # where marks were
    gaps: tuple[int, ...]  # where spaces were
    kept: list[int]  # where each character stood before


class Reading:
    """A folded text, its words, and the way back to the original."""

    def __init__(self, original: str, squeezed: _Squeezed | None = None) -> None:
        self.original = original
        self.text = _cut(fold(original)) if squeezed is None else squeezed.text
        self._squeezed = squeezed
        # folding changed no place, as far as the length tells; asked where nothing was taken out
        self._in_place = squeezed is None and len(self.text) == len(original)
        self._ends: dict[tuple[int, int], frozenset[int]] = {}  # of words, by block
        self._bridged: dict[bool, Reading | None] = {}  # by whether spaces are taken out as well

    def squeezed(self, *, spaces: bool = False) -> "Reading | None":
        """Return it without single marks, or SPACES, inside Chinese; None: there are none."""
        if spaces not in self._bridged:
            self._bridged[spaces] = self._squeeze(spaces=spaces)
        return self._bridged[spaces]

    def _squeeze(self, *, spaces: bool) -> "Reading | None":
        pattern = _MARK_OR_SPACES if spaces else _MARK
        kept: list[int] = []
        joins: list[int] = []
        gaps: list[int] = []
        start = 0
        for match in pattern.finditer(self.text):
            kept.extend(range(start, match.start()))
            (gaps if match.group().startswith(" ") else joins).append(len(kept))
            start = match.end()
        if not (gaps if spaces else joins):
            return None
        kept.extend(range(start, len(self.text)))
        text = pattern.sub("", self.text)
        return Reading(self.original, _Squeezed(text, tuple(joins), tuple(gaps), kept))

    @property
    def bridged(self) -> bool:
        """Were marks or spaces taken out?"""
        return self._squeezed is not None

    def bridges(self, start: int, end: int) -> bool:
        """Was a mark or space taken out inside this span?"""
        joins = () if self._squeezed is None else self._squeezed.joins
        return _inside(joins, start, end) or self.spaced(start, end)

    def spaced(self, start: int, end: int) -> bool:
        """Were spaces taken out inside this span?"""
        return self._squeezed is not None and _inside(self._squeezed.gaps, start, end)

    def before(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span stood before marks were taken out."""
        if self._squeezed is None:
            return start, end
        kept = self._squeezed.kept
        return kept[start], kept[end - 1] + 1

    def found(self, start: int, end: int) -> str:
        """Return what stands in the original in the place of a span of the text as it was folded."""
        original, width = self.original, end - start
        same_place = original[start:end]
        if self._in_place and len(fold(same_place)) == width:
            return same_place
        if (
            len(fold(original[:start])) == start
            and len(fold(same_place)) == len(same_place) == width
        ):
            return same_place
        first = origin(original, start)
        last = first + 1
        while last < len(original) and len(fold(original[first:last])) < width:
            last += 1
        return original[first:last]

    def whole(self, start: int, end: int) -> bool:
        """Do the ends of a hit cut neither a Latin word, nor a number, nor a Chinese word?

        A hit that lies inside one dictionary word is whole; one that ends inside a word and holds
        the end of another is not (骑|云南).
        """
        return self._latin_ends(start, end) and not self._torn(start, end)

    def _latin_ends(self, start: int, end: int) -> bool:
        text = self.text
        if start and _latin(text[start]) and _latin(text[start - 1]):
            return False
        return not (end < len(text) and _latin(text[end - 1]) and _latin(text[end]))

    def _torn(self, start: int, end: int) -> bool:
        if end - start < 2 or self.text[start:end].isascii():
            return False
        first, last = self._words(start), self._words(end - 1)
        if start in first and end in last:
            return False
        return any(place in first or place in last for place in range(start + 1, end))

    def _words(self, place: int) -> frozenset[int]:
        """Return where the words around PLACE begin and end, no farther than marks or `_REACH`."""
        after = _BLOCK.match(self.text, place, place + _REACH)
        if after is None:
            return frozenset((place, place + 1))  # a mark or emoji is a word of its own
        before = _BLOCK.match(self.text[max(0, place - _REACH) : place][::-1])
        begin, end = place - (before.end() if before else 0), after.end()
        if place - begin == _REACH:  # on a grid, so that the hits of a long block share their cuts
            begin += -begin % _GRID
        if end - place == _REACH:
            end -= end % _GRID
        if (begin, end) not in self._ends:
            self._ends[begin, end] = _word_ends(self.text[begin:end], begin)
        return self._ends[begin, end]


@lru_cache(maxsize=1024)
def read(text: str) -> Reading:
    """Return the reading of TEXT: names and crisis types are looked for in the same one."""
    return Reading(text)


def _inside(places: Sequence[int], start: int, end: int) -> bool:
    """Does one of PLACES, lowest first, lie between START and END?"""
    after = bisect_right(places, start)
    return after < len(places) and places[after] < end


def _word_ends(block: str, begin: int) -> frozenset[int]:
    """Return the ends of the words of BLOCK by dictionary alone.

    A cutter that guesses new words joins 赶骑/云去 and loses true hits, so it may not guess.
    """
    return frozenset(accumulate(map(len, rjieba.cut(block, hmm=False)), initial=begin))


def _latin(char: str) -> bool:
    """Is CHAR a letter or digit of a script with spaces? Chinese characters are boundaries."""
    return char.isalnum() and char < "\u2e80"


def _cut(text: str) -> str:
    """Blank links, device and place tags, and the names of people who are answered or repeated."""
    if "/" in text or "www." in text:
        text = _LINK.sub(_blank, text)
    if "@" in text:
        text = _SPEAKER.sub(_blank, text)
    if "客户端" in text or "我在" in text or "📍" in text or "定位" in text or "显示地图" in text:
        text = _DEVICE.sub(_blank, text)
    return text


def _blank(found: re.Match[str]) -> str:
    return "\n" * (found.end() - found.start())
