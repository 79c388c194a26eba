"""Which client a post speaks of: all clients at once, the eight rules of Chinese matching.

folding -> one form of a text for many ways to write it, and the way back to the original
reading -> own and quoted words apart, links cut, words by dictionary, marks bridged
terms   -> one automaton for all strings
sounds  -> strings of the same sound, wholly or partly in pinyin
look    -> names weighed against exclusions and companions
rules   -> boolean rules over words and patterns
matcher -> the strings of all clients, and the mentions in a post
"""

from typing import TYPE_CHECKING

from watchers.match.folding import fold
from watchers.match.reading import split_quoted
from watchers.match.rules import faults as rule_faults

if TYPE_CHECKING:
    from watchers.match.matcher import Matcher

__all__ = ["Matcher", "fold", "rule_faults", "split_quoted"]


def __getattr__(name: str) -> object:
    """Load the matcher, whose tables of pinyin take 60 MB, when it is first asked for."""
    if name != "Matcher":
        raise AttributeError(name)
    from watchers.match.matcher import Matcher  # noqa: PLC0415

    return Matcher
