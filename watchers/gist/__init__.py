"""What Chinese posts say, in a line of English: a gloss by machine, offline.

dictionary -> CC-CEDICT, a gloss a word        numbers -> numbers, sums, dates
words      -> a text as words, each with kind  english -> past tense and the like
line       -> the gist of a post               gists   -> the gists of quotes, beside the loop
points     -> the main points of a story, in sentences of its posts
answer     -> whether a translation from outside may be shown
"""

from watchers.gist.answer import fault
from watchers.gist.gists import Gists
from watchers.gist.line import LONGEST, Glosser, bare
from watchers.gist.points import Point, main_points

__all__ = ["LONGEST", "Gists", "Glosser", "Point", "bare", "fault", "main_points"]
