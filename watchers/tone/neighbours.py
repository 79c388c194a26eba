"""Words as vectors: what stands in the same company means much the same.

Positive pointwise mutual information of words that stand near each other, its singular vectors cut
short (Levy and Goldberg, 2014). A tone learnt for 失望 so reaches 心寒, which no label ever met.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.utils.extmath import randomized_svd

from watchers.tone.reading import BITS, buckets, word_hashes

SIZE = 200  # dimensions; 100 and 300 do as well
FEWEST = 5  # times that a word must occur
MOST = 40_000  # words
NEAR = 5  # words to either side; one further away counts for less
_SMOOTH = 0.75  # exponent of the frequencies of neighbours: rare words are no surprise
_PART = 20_000  # texts at a time

Matrix = Any  # of scipy.sparse, which has no types


def directions(texts: Sequence[Sequence[str]], seed: int) -> Matrix:
    """Return for each bucket the vector of its word, from TEXTS cut into words; most are empty."""
    often = Counter(chain.from_iterable(texts))
    words = sorted(w for w, n in often.most_common(MOST) if n >= FEWEST)
    size = min(SIZE, len(words) - 1)
    if size < 1:
        return sparse.csr_matrix((1 << BITS, 1))
    left, strength, _ = randomized_svd(
        _surprise(texts, words), n_components=size, n_iter=2, random_state=seed
    )
    vectors = left * np.sqrt(strength)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    place = (np.repeat(buckets(word_hashes(words)), size), np.tile(np.arange(size), len(words)))
    return sparse.csr_matrix((vectors.ravel(), place), shape=(1 << BITS, size))


def _surprise(texts: Sequence[Sequence[str]], words: Sequence[str]) -> Matrix:
    """Return how much more often two words stand together than by chance, as a logarithm."""
    together = sparse.csr_matrix((len(words), len(words)), dtype=np.float32)
    for pairs in _pairs(texts, {word: n for n, word in enumerate(words)}):
        together = together + pairs + pairs.T
    counts = together.tocoo()
    often = np.asarray(together.sum(axis=1)).ravel()
    chance = often**_SMOOTH / max((often**_SMOOTH).sum(), 1e-9)
    ratio = np.log(counts.data / (often[counts.row] * chance[counts.col]))
    above = ratio > 0
    place = (counts.row[above], counts.col[above])
    return sparse.csr_matrix((ratio[above].astype(np.float32), place), shape=together.shape)


def _pairs(texts: Sequence[Sequence[str]], number: dict[str, int]) -> Iterator[Matrix]:
    size = (len(number), len(number))
    for start in range(0, len(texts), _PART):
        found: list[int] = []
        ends: list[int] = []
        for text in texts[start : start + _PART]:
            found += [number[word] for word in text if word in number]
            ends.append(len(found))
        word: NDArray[np.int64] = np.array(found, np.int64)
        text_of = np.searchsorted(np.array(ends), np.arange(len(word)), side="right")
        for step in range(1, NEAR + 1):
            same = text_of[step:] == text_of[:-step]
            pair = (word[:-step][same], word[step:][same])
            share = np.full(len(pair[0]), 1 / step, np.float32)
            yield sparse.coo_matrix((share, pair), shape=size).tocsr()
