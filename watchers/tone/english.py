"""Tone of a post in English: VADER's lexicon and rules, its compound score as a probability.

Loaded only when such a post is met.
"""

import math
from functools import cache
from typing import TYPE_CHECKING

from watchers.model import Tone

if TYPE_CHECKING:
    from vader import SentimentIntensityAnalyzer

UNREAD = 0.3  # said of what cannot be read: about the share of negatives among brand mentions
# VADER's score runs from -1 to 1. At its ends it is right in about nine of ten posts, no more
# (Ribeiro et al. 2016, SentiBench, put it between .6 and .9 by domain), so log-odds move by 3.
_SLOPE = 3.0
_CLEAR = 0.3  # of the score, from which a tone is named; VADER's own .05 is for balanced corpora


def tone(text: str) -> tuple[float, Tone]:
    """Return the probability that TEXT is negative, and its tone."""
    score = _vader().polarity_scores(text)["compound"]
    if score == 0:  # no word it knows: most likely another language
        return UNREAD, Tone.UNSURE
    odds = math.log(UNREAD / (1 - UNREAD)) - _SLOPE * score
    negative = 1 / (1 + math.exp(-odds))
    if score <= -_CLEAR:
        return negative, Tone.NEGATIVE
    return negative, Tone.POSITIVE if score >= _CLEAR else Tone.UNSURE


@cache
def _vader() -> "SentimentIntensityAnalyzer":
    from vader import SentimentIntensityAnalyzer  # noqa: PLC0415  # 0.1 s and 5 MB

    return SentimentIntensityAnalyzer()
