"""Same-sound strings: a text written in one mark a syllable, tone left out.

A character gets the mark of its most frequent reading, so that places stay the same as in the
text; Latin letters stay, so that a name half in pinyin (骑yun) is one more string to look for.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from pypinyin import lazy_pinyin

_FIRST, _BEYOND = 0x4E00, 0xA000  # the characters that have a sound here
_FIRST_MARK = 0xE000  # private use: no folded text has such characters of its own
_LAST = 0xFFFF  # stands for all that lies beyond
_SYLLABLES_MOST = 6  # longer names get no variants half in pinyin: they would be 2**n strings


def is_han(char: str) -> bool:
    """Is CHAR a Chinese character?"""
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf"


def sounded(folded: str) -> str:
    """Return the text with a mark in the place of each Chinese character."""
    table, _ = _sounds()
    codes = np.frombuffer(folded.encode("utf-32-le"), dtype=np.uint32)
    return str(table[np.minimum(codes, _LAST)].tobytes().decode("utf-32-le"))


def pinyin(term: str) -> tuple[str, ...]:
    """Return how TERM, Chinese characters only, is typed in pinyin: 绿 as lv and as lu."""
    return tuple(dict.fromkeys(_spellings("".join(lazy_pinyin(term)))))


def sound_patterns(term: str) -> Iterator[str]:
    """Yield the strings in `sounded` text that sound like TERM, Chinese characters only.

    Each syllable as a mark or as letters, but never all as letters: that is `pinyin`. A character
    with several readings (行) is looked for by its reading in TERM and by its most frequent one.
    """
    if len(term) > _SYLLABLES_MOST:
        yield sounded(term)
        return
    _, marks = _sounds()
    choices = [
        dict.fromkeys((marks.get(syllable, syllable), sounded(char), *_spellings(syllable)))
        for syllable, char in zip(lazy_pinyin(term), term, strict=True)
    ]
    for parts in product(*choices):
        pattern = "".join(parts)
        if not pattern.isascii():
            yield pattern


def _spellings(pinyin_: str) -> tuple[str, str]:
    return pinyin_, pinyin_.replace("v", "u")


@cache
def _sounds() -> tuple[NDArray[np.uint32], dict[str, str]]:
    """Return what stands for each code point up to `_LAST`, and the mark of each syllable."""
    readings = lazy_pinyin([chr(code) for code in range(_FIRST, _BEYOND)])
    syllables = sorted({reading for reading in readings if reading.isascii()})
    marks = {syllable: chr(_FIRST_MARK + place) for place, syllable in enumerate(syllables)}
    table = np.arange(_LAST + 1, dtype=np.uint32)
    table[_FIRST:_BEYOND] = [ord(marks.get(reading, reading)) for reading in readings]
    return table, marks
