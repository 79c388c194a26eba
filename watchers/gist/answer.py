"""Whether a translation that came from outside may be shown. Pure: text in, a fault out.

The service may be wrong, and the post may have talked it into something: what it says is held
against the post, and whatever the post does not bear out is refused.
"""

import re
from collections.abc import Iterable
from fractions import Fraction

from watchers.gist import numbers

LONGEST = 300  # characters
_PER_CHARACTER = 6  # of the post; English takes three for one of Chinese
_LINK = re.compile(
    r"https?:|www\.|\b[\w-]+\.(?:com|cn|net|org|io|ru|top|xyz|info|me|co)\b", re.IGNORECASE
)
_MARKUP = re.compile(r"[<>*`~|\\{}]|\]\(|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:[a-z0-9_+-]+:")
_MENTION = re.compile(r"[@\uff20#]")
_QUOTED = re.compile(
    r"[\"“”„«»「『]([^\"“”„«»」』]+)[\"“”„«»」』]"
    r"|(?:(?<=\s)|^)['\u2018]([^'\u2018\u2019]{2,}?)['\u2019](?=[\s.,;!?]|$)"
)
_HAN = re.compile("[\u3400-\u9fff]+")
_FIGURE = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_SCALE = re.compile(r"\s*(thousand|million|billion|k|m|bn)\b", re.IGNORECASE)
_SCALES = {
    "thousand": 10**3,
    "k": 10**3,
    "million": 10**6,
    "m": 10**6,
    "billion": 10**9,
    "bn": 10**9,
}
_WORDS = dict(
    zip(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
        ("2二两俩双", "3三叁", "4四", "5五", "6六", "7七", "8八", "9九", "10十"),
        strict=True,
    )
) | {
    "twice": "2二两俩",
    "half": "半5",
    "hundred": "百0",
    "thousand": "千万0",
    "dozen": "十打",
    "million": "百万亿0",
}
_COMMON = frozenset(
    [
        "this",
        "that",
        "with",
        "have",
        "from",
        "they",
        "them",
        "were",
        "been",
        "will",
        "would",
        "about",
        "after",
        "before",
    ]
)
_WORD = re.compile(r"[A-Za-z]{4,}")


def fault(answer: str, post: str, gist: str | None, stored: Iterable[str] = ()) -> str | None:
    """Say why ANSWER, a translation of POST, may not be shown; None: it may.

    GIST is our own gloss of the post, of which an answer must share some word. What the answer
    puts in quotation marks or in Chinese must stand in the post or in STORED posts.
    """
    said = [post, *stored]
    quoted = [a or b for a, b in _QUOTED.findall(answer)] + _HAN.findall(answer)
    faults = {
        "it is empty": not answer.strip(),
        "it is too long": len(answer) > min(LONGEST, _PER_CHARACTER * len(post) + 40),
        "it holds characters that cannot be shown": not answer.isprintable(),
        "it holds a link": _LINK.search(answer),
        "it holds a mention": _MENTION.search(answer),
        "it holds markup": _MARKUP.search(answer),
        "it quotes what no stored post says": any(not _stands(w, said) for w in quoted),
        "it holds a number that the post does not": not _borne_out(answer, post),
        "it has no word in common with the post": not _shares(answer, gist),
    }
    return next((what for what, wrong in faults.items() if wrong), None)


def _stands(words: str, said: Iterable[str]) -> bool:
    plain = re.sub(r"[\s.,!?;:，。！？；：]+", "", words).casefold()
    return any(plain in re.sub(r"[\s.,!?;:，。！？；：]+", "", text).casefold() for text in said)


def _borne_out(answer: str, post: str) -> bool:
    """Does every number of ANSWER stand in POST, in figures or in words?"""
    allowed = set(_amounts(post))
    for _, _, told, _ in numbers.find(post):
        allowed |= set(_amounts(told))
        if told.endswith("% off"):
            allowed |= {100 - amount for amount in _amounts(told)}
    if any(amount not in allowed for amount in _amounts(answer)):
        return False
    words = re.findall(
        "[a-z]+", re.sub(r"\d\S*\s+(?:thousand|million|hundred)", "", answer.lower())
    )
    return all(any(c in post for c in _WORDS[word]) for word in words if word in _WORDS)


def _amounts(text: str) -> Iterable[Fraction]:
    for found in _FIGURE.finditer(text):
        amount = Fraction(found[0].replace(",", ""))
        scale = _SCALE.match(text, found.end())
        yield amount * _SCALES[scale[1].lower()] if scale else amount


def _shares(answer: str, gist: str | None) -> bool:
    """Do ANSWER and GIST share a word? A gist of few words proves nothing."""
    known = {w[:4].lower() for w in _WORD.findall(gist or "")} - {w[:4] for w in _COMMON}
    told = {w[:4].lower() for w in _WORD.findall(answer)}
    return len(known) < 4 or bool(known & told)
