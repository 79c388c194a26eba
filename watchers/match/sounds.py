"""Same-sound strings: a text written in one mark a syllable, tone left out.

A character gets the mark of its most frequent reading, so that places stay the same as in the
text; Latin letters stay, so that a name half in pinyin (骑yun) is one more string to look for.
"""

from collections.abc import Iterable
from functools import cache
from itertools import product

from pypinyin import lazy_pinyin

_FIRST_MARK = 0xF0000  # a private plane: no text has marks of its own there
_SYLLABLES_MOST = 6  # longer names get no variants half in pinyin: they would be 2**n strings


class _Marks(dict[int, str]):
    """Code point -> mark of its syllable; what is no Chinese character stays."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = _mark(_reading(char)) if is_han(char) else char
        return self[code]


@cache
def _mark(syllable: str) -> str:
    """Return the mark of SYLLABLE: the same in all processes, as letters in base 27."""
    number = 0
    for letter in syllable[:6]:
        number = number * 27 + (ord(letter) - 96 if "a" <= letter <= "z" else 0)
    return _marks_by_number.setdefault(number, chr(_FIRST_MARK + len(_marks_by_number)))


_marks_by_number: dict[int, str] = {}
_MARKS = _Marks()


def is_han(char: str) -> bool:
    """Is CHAR a Chinese character?"""
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf"


def sounded(text: str) -> str:
    """Return TEXT with a mark in the place of each Chinese character."""
    return text.translate(_MARKS)


def _reading(char: str) -> str:
    return str(lazy_pinyin(char)[0])


def pinyin(term: str) -> tuple[str, ...]:
    """Return how TERM, Chinese characters only, is typed in pinyin: 绿 as lv and as lu."""
    syllables = lazy_pinyin(term)
    spelled = "".join(syllables)
    return tuple(dict.fromkeys((spelled, spelled.replace("v", "u"))))


def sound_patterns(term: str) -> Iterable[str]:
    """Yield the strings in `sounded` text that sound like TERM, Chinese characters only.

    Each syllable as a mark or as letters, but never all as letters: that is `pinyin`. A character
    with several readings (行) is looked for by its reading in TERM and by its most frequent one.
    """
    if len(term) > _SYLLABLES_MOST:
        yield sounded(term)
        return
    choices = [
        dict.fromkeys((_mark(syllable), sounded(char), syllable))
        for syllable, char in zip(lazy_pinyin(term), term, strict=True)
    ]
    for parts in product(*choices):
        pattern = "".join(parts)
        if not pattern.isascii():
            yield pattern
