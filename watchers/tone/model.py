"""The tone model: a file of weights, and what it says about a post.

Post -> reading -> SnowNLP's Bayes and the hashed linear model -> one blend -> probabilities. The
blend is a three-class logistic regression on both, fitted on posts that neither had seen, so that
its output is calibrated. Nothing of snownlp is imported here.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from watchers.errors import BadModel
from watchers.model import Tone
from watchers.tone import english
from watchers.tone.bayes import CompiledBayes, Numbers
from watchers.tone.reading import BITS, PLANE, Reader, Reading, Script, parts
from watchers.tone.weights import LinearWeights

FORMAT = 2  # of the file; raised when older programs cannot read it
SHIPPED = Path(__file__).with_name("model.npz")
_MEND = "Leave FENGHUO_MODEL empty for the shipped model, or make one with `fenghuo train`."

Arrays = Mapping[str, NDArray[Any]]
_SHAPES: Mapping[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "folding": (np.uint16, (PLANE,)),
    "table": (np.int8, (1 << BITS, 4)),
    "steps": (np.float32, (3,)),
    "bias": (np.float64, (3,)),
    "words": (np.uint64, (-1,)),
    "counts": (np.int32, (2, -1)),
    "totals": (np.float64, (2,)),
    "blend": (np.float64, (6, 3)),
    "cuts": (np.float64, (3,)),
    "card": (np.uint8, (-1,)),
}


@dataclass(frozen=True, slots=True)
class Cuts:
    """The lowest probability that makes a tone; what reaches none is unsure."""

    negative: float
    neutral: float
    positive: float


class ToneModel:
    """Says of posts how negative they are. Posts go in as they are. Threads may share one."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = dict(arrays)
        self.card: Mapping[str, Any] = json.loads(bytes(arrays["card"]))
        self.cuts = Cuts(*arrays["cuts"].tolist())
        self.reader = Reader(arrays["folding"])
        self.linear = LinearWeights(arrays["table"], arrays["steps"], arrays["bias"])
        self.bayes = CompiledBayes.of(arrays["words"], arrays["counts"], arrays["totals"])

    @property
    def version(self) -> str:
        """The day of training and the beginning of the hash of all weights."""
        return f"{self.card['date'][:10]}-{_hash(self.arrays)[:8]}"

    # ------------------------------------------------------------------------------ scoring
    def score(self, texts: Sequence[str]) -> list[tuple[float, Tone]]:
        """Return for each text the probability that it is negative, and its tone.

        English is judged by a lexicon. What cannot be read (nothing, a link, other languages) is
        UNSURE at 0.3. A positive text of which a part is negative is UNSURE: praise may be irony.
        """
        rows, scripts = self._read(texts)
        found = [(row[0], self._tone(*row)) for row in rows.tolist()]
        for i in np.flatnonzero(scripts != Script.CHINESE).tolist():
            latin = scripts[i] == Script.LATIN
            found[i] = english.tone(texts[i]) if latin else (english.UNREAD, Tone.UNSURE)
        for i in self._torn([i for i, (_, t) in enumerate(found) if t is Tone.POSITIVE], texts):
            found[i] = (found[i][0], Tone.UNSURE)
        return found

    def probabilities(self, texts: Sequence[str]) -> Numbers:
        """Return a row (negative, neutral, positive) for each text.

        Of what is not Chinese only the first is known: the others share the rest.
        """
        rows, scripts = self._read(texts)
        for i in np.flatnonzero(scripts != Script.CHINESE).tolist():
            latin = scripts[i] == Script.LATIN
            negative = english.tone(texts[i])[0] if latin else english.UNREAD
            rows[i] = negative, (1 - negative) / 2, (1 - negative) / 2
        return rows

    def _read(self, texts: Sequence[str]) -> tuple[Numbers, NDArray[np.int8]]:
        """Return a row for each text as if it were Chinese, and its script."""
        readings = [(self._chances(r), r.script) for r in self.reader.batches(texts)]
        if not readings:
            return np.zeros((0, 3)), np.zeros(0, np.int8)
        rows, scripts = zip(*readings, strict=True)
        return np.concatenate(rows), np.concatenate(scripts)

    def evidence(self, reading: Reading) -> Numbers:
        """Return what the blend weighs: three classes, Bayes, length."""
        return np.column_stack([self.linear.decide(reading), self.bayes.evidence(reading)])

    def _chances(self, reading: Reading) -> Numbers:
        return blended(self.evidence(reading), self.arrays["blend"])

    def _tone(self, negative: float, neutral: float, positive: float) -> Tone:
        if negative >= self.cuts.negative:
            return Tone.NEGATIVE
        if positive >= self.cuts.positive:
            return Tone.POSITIVE
        return Tone.NEUTRAL if neutral >= self.cuts.neutral else Tone.UNSURE

    def _torn(self, positive: Sequence[int], texts: Sequence[str]) -> Iterator[int]:
        """Yield which of the POSITIVE texts say something negative in a part."""
        pieces = [(i, part) for i in positive for part in parts(texts[i])]
        rows, _ = self._read([part for _, part in pieces])
        for (i, _), negative in zip(pieces, rows[:, 0].tolist(), strict=True):
            if negative >= self.cuts.negative:
                yield i

    # -------------------------------------------------------------------------------- files
    def save(self, path: Path) -> None:
        """Write one .npz file: arrays, among them what the model says of itself, and a hash."""
        digest = np.frombuffer(_hash(self.arrays).encode(), np.uint8)
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, hash=digest, **self.arrays)

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read the model at PATH, by default the shipped one; BadModel says what is wrong."""
        where = SHIPPED if path is None else path
        try:
            with where.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except FileNotFoundError as error:
            raise BadModel(f"{where}: there is no such file. {_MEND}") from error
        except (
            OSError, ValueError, EOFError, TypeError, zlib.error, zipfile.BadZipFile,
            NotImplementedError,
        ) as error:  # fmt: skip  # TypeError: an array, but no archive of arrays
            raise BadModel(
                f"{where}: it is no model file, or damaged ({error}). {_MEND}"
            ) from error
        digest = arrays.pop("hash", np.zeros(0, np.uint8))
        if bytes(digest).decode("ascii", "replace") != _hash(arrays):
            raise BadModel(f"{where}: its weights do not fit its hash, it is damaged. {_MEND}")
        try:
            kind = json.loads(bytes(arrays["card"]))["format"]
        except (KeyError, ValueError, TypeError) as error:
            raise BadModel(f"{where}: it does not say what it is ({error}). {_MEND}") from error
        if kind != FORMAT:
            raise BadModel(f"{where}: format {kind}, this Fenghuo reads {FORMAT}. {_MEND}")
        for name, (type_, shape) in _SHAPES.items():
            if name not in arrays or not _fits(arrays[name], type_, shape):
                raise BadModel(f"{where}: its part {name!r} is missing or wrong. {_MEND}")
        return cls(arrays)


def blended(evidence: Numbers, weights: Numbers) -> Numbers:
    """Return class probabilities; WEIGHTS has a row for each number of EVIDENCE, one of biases."""
    logits = evidence @ weights[:-1] + weights[-1]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _fits(array: NDArray[Any], type_: type[np.generic], shape: tuple[int, ...]) -> bool:
    return (
        array.dtype == type_
        and array.ndim == len(shape)
        and all(wanted in (-1, size) for size, wanted in zip(array.shape, shape, strict=True))
    )


def _hash(arrays: Arrays) -> str:
    """Return the SHA-256 of names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
