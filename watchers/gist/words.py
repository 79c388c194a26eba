"""A text as English words in its own order: what each piece is, and how it is said.

Longer finds win, and none may cut a word of the text: the client's names, numbers, Latin words,
our own table, personal names by sound, then rjieba's words by the dictionary.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import accumulate, groupby

import ahocorasick_rs
import rjieba
from pypinyin import lazy_pinyin

from watchers.gist import numbers
from watchers.gist.dictionary import Dictionary


class Kind(StrEnum):
    """What a word is; the names in brackets of words.txt are the values."""

    DROPPED = "dropped"  # says nothing in English
    PRONOUN = "pronoun"
    FIXED = "fixed"
    NEGATIVE = "negative"
    VERB = "verb"
    BOTH = "both"  # noun and verb
    NOUN = "noun"
    NAME = "name"
    NUMBER = "number"
    MARK = "mark"  # punctuation
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a text."""

    zh: str
    en: str
    kind: Kind
    does: str = ""  # what the verb is called where the noun is called otherwise

    @property
    def verb(self) -> str:
        return self.does or self.en


SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭"
    "陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤雍"
)
_HAN = re.compile("[\u3400-\u9fff]+")
_LATIN = re.compile(
    r"\d+(?:\.\d+){2,}|\d+[A-Za-z][A-Za-z0-9]*|[A-Za-z][A-Za-z0-9.&'+-]*(?: [A-Za-z][A-Za-z0-9.&'+-]*)*"
    r"(?: \d{1,3}(?![\d.,年月日号元块万亿千百个条次点岁%]))?"
)
_OR_NOT = re.compile("([\u3400-\u9fff])[不没]\\1([\u3400-\u9fff]?)")
_MARKS = {
    "，": ",",
    "、": ",",
    "。": ".",
    "！": "!",
    "？": "?",
    "；": ";",
    "：": ":",
    "…": "…",
    "～": ",",
    "】": ":",
}
_MARK = re.compile(r"[，、。！？；：…,.!?;:\n】～]+")
_NUMERALS = re.compile("[零〇一二两三四五六七八九十百千万亿]+")
_LONGEST = 6  # characters of a word that the dictionary is asked for


@cache
def table() -> Mapping[str, Word]:
    """Return our own table by its words."""
    found: dict[str, Word] = {}
    kind = Kind.FIXED
    for line in files("watchers.gist").joinpath("words.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            kind = Kind(line.strip("[]"))
        elif line and not line.startswith("#"):
            word, _, gloss = line.partition(" ")
            noun, _, verb = gloss.partition("/")
            found.setdefault(word, Word(word, noun, kind, verb))
    return found


@cache
def _own() -> tuple[tuple[str, ...], ahocorasick_rs.AhoCorasick]:
    words = tuple(w for w in table() if len(w) > 1)
    return words, ahocorasick_rs.AhoCorasick(
        list(words), matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
    )


class Reader:
    """Cuts texts. NAMES are Chinese names and what they are called in English."""

    def __init__(self, dictionary: Dictionary, names: Mapping[str, str]) -> None:
        self._dictionary = dictionary
        self._names = sorted(names.items(), key=lambda pair: -len(pair[0]))

    def read(self, text: str) -> list[Word]:
        """Return the words of TEXT, simplified and on one line."""
        fixed: dict[int, tuple[int, Word]] = {}
        taken = bytearray(len(text))
        words = [w for w in rjieba.cut(text, False) if w]
        edges = set(accumulate(map(len, words), initial=0))
        for start, end, word in self._known(text, edges):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                fixed[start] = (end, word)
        return _settled(list(self._rest(text, fixed, words)))

    def _known(self, text: str, edges: set[int]) -> Iterator[tuple[int, int, Word]]:
        """Yield places and what stands there for sure; what comes first wins."""
        for zh, en in self._names:
            for found in re.finditer(re.escape(zh), text, re.IGNORECASE):
                yield *found.span(), Word(zh, en, Kind.NAME)
        for found in _LATIN.finditer(text):
            yield *found.span(), Word(found[0], found[0], Kind.NAME)
        yield from self._asked(text)
        counted = list(numbers.find(text))
        for start, end, zh in self._listed(text, edges):
            longer = any(
                s <= start and end <= e and (e - s > len(zh) or sure) for s, e, _, sure in counted
            )
            if not longer:
                yield start, end, table()[zh]
        for start, end, told, sure in counted:
            if not sure and start not in edges:
                continue  # the 一 of 一模一样 counts nothing
            yield start, end, Word(text[start:end], told, Kind.NUMBER)
        for start, end in _people(text, edges):
            yield start, end, Word(text[start:end], by_sound(text[start:end]), Kind.NAME)

    def _asked(self, text: str) -> Iterator[tuple[int, int, Word]]:
        """Yield "A not A", which asks and denies nothing: 召不召回."""
        for found in _OR_NOT.finditer(text):
            whole = self.word(found[1] + found[2]) if found[2] else None
            asked = whole or self.word(found[1])
            if asked is not None and found[0][:3] not in table():
                end = found.end() if whole else found.start() + 3
                zh = text[found.start() : end]
                yield found.start(), end, Word(zh, f"{asked.verb} or not", Kind.FIXED)

    def _listed(self, text: str, edges: set[int]) -> Iterator[tuple[int, int, str]]:
        listed, automaton = _own()
        for index, start, end in automaton.find_matches_as_indexes(text):
            if (start in edges and end in edges) or end - start >= 4:
                yield start, end, listed[index]

    def _rest(
        self, text: str, fixed: Mapping[int, tuple[int, Word]], words: Iterable[str]
    ) -> Iterator[Word]:
        """Yield what is fixed at its place, and between it rjieba's words."""
        starts = sorted(fixed)
        bounds: list[tuple[int, int]] = []
        place = 0
        for piece in words:
            bounds.append((place, place + len(piece)))
            place += len(piece)
        at = 0
        while at < len(text):
            if at in fixed:
                at, word = fixed[at]
                yield word
                continue
            limit = next((s for s in starts if s > at), len(text))
            end = next(e for s, e in bounds if s <= at < e)
            piece = text[at : min(end, limit)]
            yield from self._said(piece)
            at += len(piece)

    def _said(self, piece: str) -> Iterator[Word]:
        if _MARK.fullmatch(piece):
            yield Word(piece, _MARKS.get(piece[0], piece[0]).replace("\n", "."), Kind.MARK)
        elif not _HAN.fullmatch(piece):
            if re.fullmatch(r"\d+(?:\.\d+)?", piece):
                yield Word(piece, piece, Kind.NUMBER)
        else:
            yield from self._chinese(piece)

    def _chinese(self, piece: str) -> Iterator[Word]:
        """Yield PIECE as one word if it is known, else its longest known parts."""
        at = 0
        while at < len(piece):
            ends = range(min(len(piece), at + _LONGEST), at, -1)
            known = (self.word(piece[at:end]) for end in ends)
            said = next((w for w in known if w is not None), None) or Word(
                piece[at], "", Kind.UNKNOWN
            )
            yield said
            at += len(said.zh)

    def word(self, zh: str) -> Word | None:
        """Return what ZH means, or None where neither table nor dictionary has it."""
        own = table().get(zh)
        if own is not None:
            return own
        if len(zh) == 1 or _NUMERALS.fullmatch(zh):
            return None  # too many senses for the dictionary; a number is told as such, or not
        gloss = self._dictionary.gloss(zh)
        if gloss is None:
            return None
        if gloss.startswith("to "):
            return Word(zh, gloss[3:], Kind.VERB)
        proper = gloss[:1].isupper()
        return Word(zh, gloss, Kind.NAME if proper and len(zh) > 1 else Kind.NOUN)


def _settled(words: Sequence[Word]) -> list[Word]:
    """Return WORDS; single characters side by side are a person's name or parts of words."""
    found: list[Word] = []
    for lone, group in groupby(words, _lone):
        run = list(group)
        whole = "".join(w.zh for w in run)
        if not lone or len(run) == 1:
            found += run
        elif len(run) <= 3 and whole[0] in SURNAMES:
            found.append(Word(whole, by_sound(whole), Kind.NAME))
        else:
            found += [Word(w.zh, "", Kind.UNKNOWN) for w in run]
    return found


def _lone(word: Word) -> bool:
    kinds = (Kind.NOUN, Kind.VERB, Kind.UNKNOWN)
    return word.kind in kinds and len(word.zh) == 1 and word.zh not in table()


def _people(text: str, edges: set[int]) -> Iterator[tuple[int, int]]:
    """Yield where a person is named: a surname and what rjieba takes for a name."""
    place = 0
    for piece, tag in rjieba.tag(text, True):
        end = place + len(piece)
        if (
            tag.startswith("nr")
            and 2 <= len(piece) <= 3
            and piece[0] in SURNAMES
            and _HAN.fullmatch(piece)
        ):
            known = piece in table() or any(c in "不没无别的了是" for c in piece)
            whole = place in edges and end in edges
            if whole and not known:
                yield place, end
        place = end


def by_sound(name: str) -> str:
    """Return a Chinese NAME in pinyin: "Ren Zhengfei" for a person, "Aolan" for a brand."""
    sounds = lazy_pinyin(name)
    if 2 <= len(name) <= 3 and name[0] in SURNAMES:
        return f"{sounds[0].title()} {''.join(sounds[1:]).title()}"
    return "".join(sounds).title()
