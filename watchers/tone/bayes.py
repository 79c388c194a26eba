"""SnowNLP's Bayes classifier with its counts turned into log-weights once.

The same numbers as `snownlp.classification.bayes.Bayes.classify`, without importing it: a word adds
log P(word | negative) - log P(word | positive), an unknown word the same constant each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from watchers.tone.reading import Hashes, Indices, Reading, word_hashes

Numbers = NDArray[np.float64]
NEGATIVE, POSITIVE = "neg", "pos"  # SnowNLP's names of its two classes


class WordCounts(Protocol):
    """SnowNLP's AddOneProb: counts of one class, each word counted once more than it occurred."""

    d: dict[str, int]
    total: float


@dataclass(frozen=True, slots=True)
class CompiledBayes:
    """Word weights by hash; `counts` and `totals` are negative first, as SnowNLP keeps them."""

    hashes: Hashes  # ascending
    counts: NDArray[np.int32]  # two rows; 1 where the class does not know the word
    totals: Numbers
    weights: Numbers  # log-odds of negative that each word adds; the last one is the unknown word's
    prior: float

    @classmethod
    def of(cls, hashes: Hashes, counts: NDArray[np.int32], totals: Numbers) -> Self:
        """Work out the weights."""
        padded = np.concatenate([counts, np.ones((2, 1), dtype=np.int32)], axis=1)
        rates = np.log(padded / totals[:, None])
        prior = float(np.log(totals[0]) - np.log(totals[1]))
        return cls(hashes, counts, totals, rates[0] - rates[1], prior)

    @classmethod
    def compile(cls, classes: Mapping[str, WordCounts]) -> Self:
        """Take over the counts of a trained `Bayes` (its attribute `d`)."""
        both = [classes[NEGATIVE], classes[POSITIVE]]
        words = sorted({word for one in both for word in one.d})
        hashes = word_hashes(words)
        counts = np.array([[one.d.get(word, 1) for word in words] for one in both], dtype=np.int32)
        order = np.argsort(hashes)
        return cls.of(hashes[order], counts[:, order], np.array([one.total for one in both]))

    def joined(self, other: Self) -> Self:
        """Return the classifier that has seen what both have seen."""
        hashes = np.union1d(self.hashes, other.hashes)
        counts = np.ones((2, len(hashes)), np.int32)  # SnowNLP starts each word at 1
        for one in (self, other):
            counts[:, np.searchsorted(hashes, one.hashes)] += one.counts - 1
        return self.of(hashes, counts, self.totals + other.totals)

    def look_up(self, words: Hashes) -> Numbers:
        """Return the weight of each of WORDS."""
        if not len(self.hashes):
            return np.full(len(words), self.weights[-1])
        place = np.minimum(np.searchsorted(self.hashes, words), len(self.hashes) - 1)
        return self.weights[np.where(self.hashes[place] == words, place, -1)]

    def log_odds(self, reading: Reading) -> Numbers:
        """Return per post log P(negative) - log P(positive)."""
        weights = self.look_up(reading.words)
        return self.prior + add_up(reading.word_post, weights, reading.size)

    def evidence(self, reading: Reading) -> Numbers:
        """Return two numbers a post: the log-odds over the root of its length, and the length.

        Bayes adds a word at a time as if each were news; unscaled, long posts are always certain.
        The length is the logarithm of the words, so that the blend may trust short posts less.
        """
        words = np.bincount(reading.word_post, minlength=reading.size)
        return np.column_stack(
            [self.log_odds(reading) / np.sqrt(words + 1), np.log1p(np.minimum(words, 200))]
        )


def add_up(post: Indices, values: NDArray[Any], size: int) -> Numbers:
    """Sum VALUES by POST for SIZE posts."""
    return np.asarray(np.bincount(post, weights=values, minlength=size), dtype=np.float64)
