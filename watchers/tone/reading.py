"""What the tone model sees of a post: folded code points, n-grams as buckets, words as hashes.

Everything is worked out for a batch at once, on one array of code points. Knows no weights. The
hash is written out here because Python's own differs from process to process.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain

import numpy as np
import rjieba
from numpy.typing import NDArray

from watchers.match.reading import split_quoted

BITS = 20  # 2**20 buckets; fewer cost AUC, more cost megabytes
PLANE = 0x10000  # code points that the folding table covers
LONGEST = 20_000  # characters of one post that are read
OWN = 3  # Chinese characters that make words of one's own
_ROOM = 60_000  # characters in one batch: bounds the memory
_ORDERS = (1, 2, 3)  # lengths of character n-grams
_RUN = 3  # equal characters in a row that are kept
_PART = 4  # Chinese characters that make a part of a post worth a look of its own

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]
Points = NDArray[np.uint32]

_LINK = re.compile(r"https?:?/*[!-~]*|(?:www\.|t\.cn/)[!-~]+", re.IGNORECASE)
_CALL = re.compile(r"@[\w-]{1,30}:?")  # every mention becomes one mark: names are no tone
_MAY_HOLD_EITHER = re.compile(r"@|http|www\.|t\.cn/", re.IGNORECASE)
_PICTURES = "\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
_PICTURE = re.compile(f"[{_PICTURES}]")
_EMOTICON = re.compile(rf"\[[^\[\]\s]{{1,8}}\]|[{_PICTURES}]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_REPLY = re.compile(r"回复\s*@[^\s:：@]{1,30}\s*[:：]")
_ENDS = re.compile(r"[。！？!?;；…~\n]+|但是|但|可是|不过|然而|结果|却")

# The pictures that phones offer, as the emoticons of Weibo that show the same: the model has met
# those thousands of times, these hardly ever.
_SAME = {
    "怒": "😠😡🤬👿", "泪": "😭😢🥲", "伤心": "💔😞😔☹🙁", "悲伤": "😥😿", "吐": "🤮🤢",
    "衰": "😩😫", "抓狂": "😖😣😤", "怒骂": "🖕", "弱": "👎", "汗": "😓😅", "吃惊": "😱😨😰😲😳",
    "黑线": "😑😒", "白眼": "🙄", "疑问": "🤔🤨", "感冒": "😷🤒🤧", "生病": "🤕", "蜡烛": "🕯",
    "笑cry": "😂🤣", "哈哈": "😃😄😀😁😆", "嘻嘻": "😊☺🙂", "爱你": "😘😗😙😚", "色": "😍🥰🤩",
    "心": "❤💕💖💗💓💞💛💙💜💚🧡♥", "赞": "👍", "good": "👌", "鼓掌": "👏", "作揖": "🙏",
    "加油": "💪", "拳头": "✊👊", "耶": "✌", "鲜花": "🌹💐🌸", "蛋糕": "🎂", "礼物": "🎁",
    "太阳": "☀🌞", "酷": "😎", "偷笑": "🤭", "doge": "🐶", "微笑": "🙃", "挖鼻": "😏", "睡": "😴",
}  # fmt: skip
_EMOTICONS = {ord(p): f"[{name}]" for name, pictures in _SAME.items() for p in pictures}

# SplitMix64 (Steele, Lea, Flood 2014): its increment and the two multipliers of its finaliser
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


class Script(IntEnum):
    """What a post is written in, told by its characters alone."""

    NONE = 0  # no letters: nothing, a link, digits, pictures unknown to Weibo
    CHINESE = 1
    LATIN = 2
    OTHER = 3


def without_emoticons(text: str) -> str:
    """Return TEXT without [泪] and 😭: what it says in words alone."""
    return _EMOTICON.sub("", text)


def has_emoticon(text: str) -> bool:
    return _EMOTICON.search(text) is not None


def own_words(text: str) -> str:
    """Return what the author of TEXT wrote, without what is repeated after `//@name:`.

    Where that is next to nothing (转发微博 is three dots in Chinese), all of TEXT: who repeats
    without a word of their own, or says 同意, means what is repeated.
    """
    own, repeated = split_quoted(text)
    if not repeated:
        return text
    own = _REPLY.sub("", own)
    if len(_HAN.findall(own)) < OWN or own.strip() in _EMPTY:
        return text
    return own


_EMPTY = frozenset({"转发微博", "轉發微博", "转发", "轉發", "转发理由", "转发理由:", "转发理由："})


def parts(text: str) -> list[str]:
    """Return what TEXT says without emoticons: whole, and, if it turns, sentence by sentence."""
    plain = without_emoticons(own_words(text))
    pieces = [p for p in _ENDS.split(plain) if len(_HAN.findall(p)) >= _PART]
    whole = [plain] if _HAN.search(plain) else []
    return [*whole, *pieces] if len(pieces) > 1 else whole


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch of posts as numbers; posts are counted from 0."""

    size: int  # posts
    words: Hashes  # all words of all posts, in order
    word_post: Indices  # the post of each word
    bucket_post: Indices  # ascending
    bucket: Indices  # each bucket at most once a post
    script: NDArray[np.int8]  # Script of each post


class Reader:
    """Reads posts with a folding TABLE: code point -> code point for the basic plane."""

    def __init__(self, table: NDArray[np.uint16]) -> None:
        self._table = table.astype(np.uint32)

    def batches(self, texts: Sequence[str]) -> Iterator[Reading]:
        """Read TEXTS in order, as many at a time as fit the memory."""
        batch: list[str] = []
        held = 0
        for text in texts:
            batch.append(text[:LONGEST])
            held += len(batch[-1])
            if held > _ROOM:
                yield self.read(batch)
                batch, held = [], 0
        if batch:
            yield self.read(batch)

    def read(self, texts: Sequence[str]) -> Reading:
        """Read TEXTS at once; memory grows with their length, see `batches`."""
        points, post = self._fold([_plain(text) for text in texts])
        words, word_post = _words(points, np.bincount(post, minlength=len(texts)))
        keys = np.sort(np.concatenate([*_grams(points, post), _keys(words, word_post)]))
        if len(keys):  # np.unique hashes, which is ten times slower
            keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
        return Reading(
            size=len(texts),
            words=words,
            word_post=word_post,
            bucket_post=keys >> BITS,
            bucket=keys & ((1 << BITS) - 1),
            script=_scripts(points, post, len(texts)),
        )

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each of TEXTS, folded: what a Bayes classifier is trained on."""
        points, post = self._fold([_plain(text[:LONGEST]) for text in texts])
        return _cut(points, np.bincount(post, minlength=len(texts)))

    def _fold(self, texts: Sequence[str]) -> tuple[Points, Indices]:
        """Return the folded code points of TEXTS, long runs cut, and the post of each."""
        raw = "".join(texts).encode("utf-32-le", "surrogatepass")
        points = np.frombuffer(raw, dtype="<u4")
        points = np.where(points < PLANE, self._table[np.minimum(points, PLANE - 1)], points)
        post = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
        if len(points) <= _RUN:
            return points, post
        keep = np.ones(len(points), dtype=bool)
        same = (points[1:] == points[:-1]) & (post[1:] == post[:-1])
        keep[_RUN:] = ~(same[2:] & same[1:-1] & same[:-2])
        return points[keep], post[keep]


def folding_table() -> NDArray[np.uint16]:
    """Build the table: full-width and capitals folded, traditional to simplified, no controls.

    Needs OpenCC and about a second; the table travels in the model file.
    """
    import opencc  # noqa: PLC0415  # for training only

    converter = opencc.OpenCC("t2s")
    table = np.zeros(PLANE, dtype=np.uint16)
    for code in range(PLANE):
        table[code] = ord(_fold_one(code, converter))
    return table


def _fold_one(code: int, converter: object) -> str:
    char = chr(code)
    category = unicodedata.category(char)
    if category in {"Cc", "Cf", "Zs", "Zl", "Zp"}:
        return " "
    if category in {"Cs", "Co"}:
        return "\ufffd"
    folded = unicodedata.normalize("NFKC", char).lower()
    if "\u3400" <= folded <= "\u9fff":
        folded = str(converter.convert(folded))  # type: ignore[attr-defined]  # OpenCC has no types
    return folded if len(folded) == 1 and ord(folded) < PLANE else char


def _plain(text: str) -> str:
    """Return the words of TEXT that count, without links and names, pictures as emoticons."""
    if "//" in text or "RT @" in text:
        text = own_words(text)
    if _MAY_HOLD_EITHER.search(text):
        text = _CALL.sub("@", _LINK.sub("", text))
    return text.translate(_EMOTICONS) if _PICTURE.search(text) else text


def _mix(value: Hashes) -> Hashes:
    """Spread VALUE over all 64 bits."""
    value = (value ^ (value >> np.uint64(30))) * _FIRST
    value = (value ^ (value >> np.uint64(27))) * _SECOND
    return value ^ (value >> np.uint64(31))


def buckets(hashes: Hashes) -> Indices:
    """Return the bucket of each of HASHES."""
    return (hashes >> np.uint64(64 - BITS)).astype(np.int64)


def _keys(hashes: Hashes, post: Indices) -> Indices:
    """Join the post and the bucket of a feature in one number, so that sorting groups them."""
    return (post << BITS) | buckets(hashes)


def _grams(points: Points, post: Indices) -> Iterator[Indices]:
    """Give the keys of the character n-grams; none reaches over the end of a post."""
    single = _mix(points.astype(np.uint64) + _GOLDEN)
    rolling = single
    for order in _ORDERS:
        if order > len(points):
            return
        if order > 1:
            rolling = (rolling[:-1] * _GOLDEN) ^ single[order - 1 :]
        start = post[: len(rolling)]
        inside = start == post[order - 1 :]
        yield _keys(_mix(rolling[inside] + np.uint64(order)), start[inside])


def _cut(points: Points, lengths: Indices) -> list[list[str]]:
    text = points.astype("<u4").tobytes().decode("utf-32-le", "replace")
    ends = np.cumsum(lengths).tolist()
    return [rjieba.cut(text[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def _words(points: Points, lengths: Indices) -> tuple[Hashes, Indices]:
    """Cut every post into words; return their hashes and posts."""
    cuts = _cut(points, lengths)
    sizes = np.array(list(map(len, chain.from_iterable(cuts))), dtype=np.int64)
    return _word_hashes(points, sizes), np.repeat(np.arange(len(cuts)), [len(c) for c in cuts])


def _word_hashes(points: Points, sizes: Indices) -> Hashes:
    if not len(sizes):
        return np.zeros(0, dtype=np.uint64)
    starts = np.cumsum(sizes) - sizes
    place = np.arange(len(points)) - np.repeat(starts, sizes) + 1
    char = _mix(points.astype(np.uint64) * _SECOND + place.astype(np.uint64) * _GOLDEN)
    summed: Hashes = np.add.reduceat(char, starts)
    return _mix(summed ^ sizes.astype(np.uint64))


def word_hashes(words: Sequence[str]) -> Hashes:
    """Return the 64-bit hashes of folded WORDS, as the model file holds them."""
    points = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return _word_hashes(points, np.array([len(word) for word in words], dtype=np.int64))


def _scripts(points: Points, post: Indices, size: int) -> NDArray[np.int8]:
    """Tell the script of each post. Chinese says more a character: one counts as ten letters."""

    def count(*ranges: tuple[int, int]) -> Indices:
        inside = np.zeros(len(points), dtype=bool)
        for low, high in ranges:
            inside |= (points >= low) & (points <= high)
        return np.bincount(post[inside], minlength=size)

    ideographs = count((0x3400, 0x9FFF), (0x20000, 0x3FFFF))
    kana = count((0x3040, 0x30FF))
    latin = count((0x61, 0x7A), (0xC0, 0x24F))
    others = kana + count((0x250, 0x1FFF), (0xAC00, 0xD7A3))
    chinese = (ideographs > kana) & (ideographs * 10 > latin + others)
    rest = np.select([latin > others, others > 0], [Script.LATIN, Script.OTHER], Script.NONE)
    return np.where(chinese, Script.CHINESE, rest).astype(np.int8)
