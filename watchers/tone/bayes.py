"""SnowNLP's Bayes classifier, its counts turned into one log-weight a word.

The classifier itself asks a dictionary and a logarithm twice a word; this asks once, and says the
same: a test compares the two.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Bayes:
    """Log-odds of negative against positive, from the counts of words in both."""

    def __init__(
        self, words: Sequence[str], negative: NDArray[Any], positive: NDArray[Any]
    ) -> None:
        """Take the counts of snownlp's AddOneProb: one more than seen, 1 for a word not seen."""
        self.words = tuple(words)
        self.negative = np.asarray(negative, np.int32)
        self.positive = np.asarray(positive, np.int32)
        total_negative = float(self.negative.sum())  # a word a class never saw adds to neither...
        total_positive = float(self.positive.sum())
        total_negative -= float((self.negative == 1).sum())
        total_positive -= float((self.positive == 1).sum())
        self._prior = math.log(total_negative) - math.log(total_positive)
        self._each = -self._prior  # what every word adds: its count is divided by the total
        odds = np.log(self.negative.astype(np.float64)) - np.log(self.positive)
        self._odds = dict(zip(self.words, odds.tolist(), strict=True))

    @classmethod
    def compiled(cls, classes: Mapping[str, Mapping[str, int]]) -> "Bayes":
        """Take the counts of the classes "neg" and "pos" of a trained snownlp classifier."""
        negative, positive = classes["neg"], classes["pos"]
        words = sorted(negative.keys() | positive.keys())
        counts = [np.array([c.get(w, 1) for w in words]) for c in (negative, positive)]
        return cls(words, *counts)

    def __contains__(self, word: str) -> bool:
        return word in self._odds

    def log_odds(
        self, words: Sequence[str], starts: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return for each post, whose words begin at STARTS, its log-odds and its known words.

        The first of a post's words is the edge before it and the last of all is an edge.
        """
        ends = np.append(starts[1:], len(words) - 1)
        known = np.fromiter(map(self._odds.get, words, repeat(0.0)), np.float64, len(words))
        known[starts] = 0.0
        count = (ends - starts - 1).astype(np.float64)
        sums = np.add.reduceat(known[:-1], starts)
        return self._prior + count * self._each + sums, count
