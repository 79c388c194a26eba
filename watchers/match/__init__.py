"""Which client a post speaks of: all clients at once, the eight rules of Chinese matching.

folding -> one form of a text for many ways to write it, and the way back to the original
reading -> own and quoted words apart, links cut, words by dictionary, marks bridged
terms   -> one automaton for all strings, and the rules every hit has to pass
sounds  -> strings of the same sound, wholly or partly in pinyin
matcher -> names, companions and exclusions of the clients: why a post speaks of one
"""

from watchers.match.folding import fold
from watchers.match.matcher import Matcher
from watchers.match.reading import split_quoted

__all__ = ["Matcher", "fold", "split_quoted"]
