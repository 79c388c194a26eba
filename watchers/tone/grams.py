"""Runs of characters and of words as numbers of buckets, a whole batch at once.

A run is mixed into a 64-bit hash whose top bits number its bucket: no vocabulary is kept.
"""

import numpy as np
from numpy.typing import NDArray

from watchers.tone.reading import EDGE, Batch

_MULTIPLIERS = np.array(  # odd, random, fixed: they are part of every model file
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64
)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_FOLD = np.uint64(32)

Buckets = NDArray[np.intp]


def char_runs(batch: Batch, longest: int, bits: int) -> list[Buckets]:
    """Return for runs of 1 to LONGEST characters the bucket of each place in the batch.

    A run over the edge of a text gets bucket 2**BITS, which weighs nothing.
    """
    return _runs(batch.codes, batch.codes == ord(EDGE), longest, bits)


def word_runs(batch: Batch, longest: int, bits: int) -> list[Buckets]:
    """Return the same for runs of words."""
    words = _hashes(batch)
    edges = batch.codes[batch.word_starts] == ord(EDGE)
    return _runs(words, edges, longest, bits)


def _hashes(batch: Batch) -> NDArray[np.uint64]:
    """Return a number for each word: its characters weighted by their place in it."""
    place = np.arange(len(batch.codes)) - np.repeat(
        batch.word_starts, np.diff(batch.word_starts, append=len(batch.codes))
    )
    scale = _MULTIPLIERS[place & 3] + (place.astype(np.uint64) << np.uint64(1))
    return np.add.reduceat(batch.codes * scale, batch.word_starts)


def _runs(
    units: NDArray[np.uint64], edges: NDArray[np.bool_], longest: int, bits: int
) -> list[Buckets]:
    """Return the buckets of runs of UNITS that begin at each place but the last, an edge."""
    count = len(units) - 1
    padded = np.concatenate([units, np.zeros(longest, np.uint64)])
    inside = np.concatenate([edges, np.ones(longest, np.bool_)])
    shift = np.uint64(64 - bits)
    mixed = np.zeros(count, np.uint64)
    crossing = np.zeros(count, np.bool_)
    found = []
    for length in range(1, longest + 1):
        mixed = mixed + padded[length - 1 : length - 1 + count] * _MULTIPLIERS[length - 1]
        if length > 2:
            crossing = crossing | inside[length - 2 : length - 2 + count]
        spread = (mixed ^ (mixed >> _FOLD)) * _MIX
        bucket = ((spread ^ (spread >> _FOLD)) * _MIX >> shift).astype(np.intp)
        if length > 2:
            bucket[crossing] = 1 << bits
        found.append(bucket)
    return found
