"""What Chinese posts say, in a line of English: a gloss by machine, offline.

dictionary -> CC-CEDICT, a gloss a word        numbers -> numbers, sums, dates
words      -> a text as words, each with kind  english -> past tense and the like
line       -> the gist of a post               gists   -> the gists of quotes, beside the loop
"""

from watchers.gist.gists import Gists
from watchers.gist.line import LONGEST, Glosser

__all__ = ["LONGEST", "Gists", "Glosser"]
