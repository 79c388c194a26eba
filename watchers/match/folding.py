"""One form for many ways to write the same: `fold`, and `origin`, the way back.

Compatibility forms (NFKC), letter case, Latin accents, traditional script, zero-width characters.
Folding goes towards simplified script only: 錢 is 钱, but 乾, 幹 and 干 merge, so there is no way
back from 干. The phrase table of OpenCC keeps what a single character would lose (乾坤).
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

import opencc

# What stands for itself: line ends, ASCII without capitals, ideographs, Chinese sentence marks.
_UNUSUAL = re.compile(r"[^\n\x20-\x40\x5b-\x7e\u4e00-\u4e27\u4e29-\u9fff。、《》【】“”—]+")
_FREQUENT = tuple(zip("，！？：；（）", ",!?:;()", strict=True))  # ten times faster than a pattern
# Beyond NFKC: letters without a decomposition, and look-alikes of the marks that are bridged.
_OWN = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ħ": "h",
    "\u0131": "i",  # without its dot
    "æ": "ae",
    "œ": "oe",
    "丨": "|",  # an ideograph that nobody needs but to look like a bar
    "〜": "~",
    **dict.fromkeys("・•‧∙⋅◦", "·"),
    **dict.fromkeys("\u2010\u2012\u2013\u2212", "-"),  # hyphen, two dashes, minus
    **dict.fromkeys("\u2018\u2019\u02bc\u00b4", "'"),
    **dict.fromkeys("\r\x85\u2028\u2029", "\n"),
}
_KANA_AND_HANGUL = "\u2000"  # from here on an accent is part of the letter
_ROUNDS = 4  # conversions until nothing changes; two were the most ever seen


class _Table(dict[int, str]):
    """Code point -> what it folds to, worked out once for each character that is met."""

    def __missing__(self, code: int) -> str:
        folded = chr(code)
        while (further := "".join(map(_fold_once, folded))) != folded:
            folded = further
        self[code] = folded
        return folded


def _fold_once(char: str) -> str:
    if char in _OWN:
        return _OWN[char]
    category = unicodedata.category(char)
    if category in {"Cf", "Mn", "Me"}:  # zero width, selectors, accents
        return ""
    if category in {"Co", "Cs"}:  # private use, halves of a character: our marks stay ours
        return "\ufffd"
    plain = unicodedata.normalize("NFKC", char).casefold()
    return unicodedata.normalize("NFKD", plain) if plain < _KANA_AND_HANGUL else plain


_TABLE = _Table()


def _unusual(found: re.Match[str]) -> str:
    return found.group().translate(_TABLE)


def fold(text: str) -> str:
    """Return TEXT as it is compared: simplified, lower case, without what nobody sees.

    Folding twice changes nothing. Punctuation stays, in its narrow form.
    """
    for wide, narrow in _FREQUENT:
        if wide in text:
            text = text.replace(wide, narrow)
    if _UNUSUAL.search(text):
        text = _UNUSUAL.sub(_unusual, text)
    return simplified(text)


def origin(text: str, place: int) -> int:
    """Return where the character at PLACE of `fold(text)` stood in TEXT."""
    shift = 0  # how much longer the folded text is, so far
    for run in _UNUSUAL.finditer(text):
        at = run.start() + shift
        if at > place:
            break
        for original, char in enumerate(run.group(), run.start()):
            at += len(_TABLE[ord(char)])
            if at > place:
                return original
        shift = at - run.end()
    return place - shift


@cache
def _converter() -> tuple[re.Pattern[str], Callable[[str], str]]:
    """Return a pattern of the usual traditional characters, and what makes them simplified."""
    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    known = [chr(code) for code in range(0x3400, 0xA000)]  # a class beyond is 100 times slower
    simple = convert("\n".join(known)).split("\n")
    changed = "".join(old for old, new in zip(known, simple, strict=True) if old != new)
    return re.compile(f"[{changed}]"), convert


def simplified(text: str) -> str:
    """Return TEXT in simplified script; nothing else is changed."""
    traditional, convert = _converter()
    for _ in range(_ROUNDS):
        if not traditional.search(text):
            break
        simple = convert(text)
        if len(simple) != len(text):  # a phrase of another length would shift the origins
            simple = "".join(map(convert, text))
        if simple == text:  # 乾坤: the phrase table keeps it
            break
        text = simple
    return text
