"""The hashed linear model: one row of small integers per bucket, a sum and a length per post."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from watchers.tone.bayes import Numbers, add_up
from watchers.tone.reading import BITS, Reading

CLASSES = (-1, 0, 1)  # the order of all columns
_LEVELS = 127  # of an 8-bit integer to either side
_IDF_STEP = 1 / 16  # idf stays below 16 for up to three million posts
_TAIL = 1e-5  # share of the weights that may be clipped, so that the rest keeps its steps


@dataclass(frozen=True, slots=True)
class LinearWeights:
    """Three class weights and the idf of each bucket, quantised to 8 bits: 4 MB in memory."""

    table: NDArray[np.int8]  # 2**BITS rows: negative, neutral, positive, idf; 0 is "never seen"
    steps: NDArray[np.float32]  # what 1 means in each of the three columns
    bias: Numbers  # one a class

    @classmethod
    def quantise(cls, weights: Numbers, idf: Numbers, bias: Numbers) -> Self:
        """Pack WEIGHTS, 2**BITS rows of three, each already multiplied by its IDF."""
        table = np.zeros((1 << BITS, 4), dtype=np.int8)
        sizes = np.abs(weights[idf > 0])
        steps = np.maximum(np.quantile(sizes, 1 - _TAIL, axis=0), 1e-9) / _LEVELS
        table[:, :3] = np.clip(np.rint(weights / steps), -_LEVELS, _LEVELS)
        table[:, 3] = np.clip(np.rint(idf / _IDF_STEP), 0, 255).astype(np.uint8).view(np.int8)
        return cls(table, steps.astype(np.float32), bias)

    def idf(self) -> Numbers:
        """Return the idf of each bucket, 0 for one that was never seen."""
        return np.asarray(self.table[:, 3].view(np.uint8) * _IDF_STEP, np.float64)

    def weights(self) -> Numbers:
        """Return the weights of each bucket, times its idf: what `quantise` packed."""
        return np.asarray(self.table[:, :3] * self.steps, np.float64)

    def decide(self, reading: Reading) -> Numbers:
        """Return per post one number a class: above 0 means rather this class than the rest."""
        rows = self.table.view(np.int32)[:, 0][reading.bucket].view(np.int8).reshape(-1, 4)
        idf = rows[:, 3].view(np.uint8).astype(np.float32) * np.float32(_IDF_STEP)
        length = np.sqrt(add_up(reading.bucket_post, idf * idf, reading.size))
        sums = [add_up(reading.bucket_post, rows[:, c], reading.size) for c in range(3)]
        scale = self.steps.astype(np.float64) / np.maximum(length, 1e-9)[:, None]
        return np.asarray(np.stack(sums, axis=1) * scale + self.bias)
