"""The tone model: three opinions of a text, blended into one calibrated probability.

texts -> clean -> lay (one batch) -> runs of characters | runs of words | SnowNLP's Bayes -> blend
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from watchers.errors import BadModel
from watchers.model import Tone
from watchers.tone.bayes import Bayes
from watchers.tone.grams import Buckets, char_runs, word_runs
from watchers.tone.reading import Batch, chinese, clean, lay, parts, pictures

SHIPPED = Path(__file__).with_name("model.npz")
FORMAT = 1
CHARACTERS_A_BATCH = 60_000  # some 12 MB of arrays at a time
_MEND = "Leave FENGHUO_MODEL empty for the shipped model, or make one with `fenghuo train`."

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class View:
    """A linear model of hashed runs: for each bucket its weights, three classes first, and an idf.

    The sums are divided by the length of the idf vector, then the bias is added.
    """

    longest: int
    bits: int
    weights: NDArray[np.float16]  # (2**bits, columns), times idf
    idf: NDArray[np.float16]
    bias: Floats
    table: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        table = np.zeros(
            (len(self.idf) + 1, len(self.bias) + 1), np.float32
        )  # the last: runs over an edge
        table[:-1, :-1] = self.weights
        table[:-1, -1] = np.square(self.idf.astype(np.float32))
        object.__setattr__(self, "table", table)

    def logits(self, runs: Sequence[Buckets], starts: NDArray[np.intp]) -> Floats:
        """Return for each post one sum a column."""
        sums = np.zeros((len(starts), self.table.shape[1]), np.float32)
        for buckets in runs:
            sums += np.add.reduceat(self.table[buckets], starts, axis=0)
        length = np.sqrt(np.maximum(sums[:, -1:], 1e-9))
        return np.asarray(sums[:, :-1] / length + self.bias, np.float64)


@dataclass(frozen=True, slots=True)
class Views:
    """The three opinions, before they are blended."""

    chars: View
    words: View
    bayes: Bayes

    def opinions(self, batch: Batch) -> Floats:
        """Return one row a post: what the blend weighs."""
        chars = self.chars.logits(
            char_runs(batch, self.chars.longest, self.chars.bits), batch.code_posts
        )
        words = self.words.logits(
            word_runs(batch, self.words.longest, self.words.bits), batch.word_posts
        )
        odds, count = self.bayes.log_odds(batch.words, batch.word_posts)
        return np.column_stack([chars, words, *bayes_columns(odds, count)])


def bayes_columns(odds: Floats, count: Floats) -> tuple[Floats, ...]:
    """Return log-odds in the size of the other opinions, and how long the post is."""
    return (
        odds / np.sqrt(count + 1),
        np.clip(odds, -8, 8) / 4,
        np.log1p(np.minimum(count, 200)) / 4,
    )


@dataclass(frozen=True, slots=True)
class Blend:
    """Multinomial logistic regression over the opinions, learnt on posts the views never saw."""

    weights: Floats  # (opinions, 3): negative, neutral, positive
    bias: Floats

    def probabilities(self, opinions: Floats) -> Floats:
        logits = opinions @ self.weights + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Cuts:
    """The lowest probability that makes a tone, and the share of negative posts learnt from."""

    negative: float
    neutral: float
    positive: float
    base: float


@dataclass(frozen=True, slots=True)
class ToneModel:
    """How bad a Chinese post is. Posts go in as they are; scores come out in their order."""

    views: Views
    blend: Blend
    cuts: Cuts
    card: Mapping[str, Any]  # what the file says of itself: trained_on, date, rows, figures

    @property
    def version(self) -> str:
        """The day of training and the beginning of the hash of all weights."""
        return f"{self.card['date'][:10]}-{_hash(self._arrays())[:8]}"

    # ------------------------------------------------------------------------------ scoring
    def score(self, texts: Sequence[str]) -> list[tuple[float, Tone]]:
        """Return for each text the probability that it is negative, and its tone.

        A text without Chinese and without a known picture says nothing: the base rate, UNSURE.
        A positive text of which a part is negative is UNSURE: praise may be irony.
        """
        cleaned = [clean(text) for text in texts]
        probabilities = self._probabilities(cleaned)
        found = [self._tone(*row) for row in probabilities.tolist()]
        mute = [i for i, text in enumerate(cleaned) if not self._speaks(text)]
        for i in mute:
            found[i] = (self.cuts.base, Tone.UNSURE)
        for i in self._torn([i for i, (_, t) in enumerate(found) if t is Tone.POSITIVE], texts):
            found[i] = (found[i][0], Tone.UNSURE)
        return found

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return a row (negative, neutral, positive) for each text."""
        return self._probabilities([clean(text) for text in texts])

    def _probabilities(self, cleaned: Sequence[str]) -> Floats:
        if not cleaned:
            return np.zeros((0, 3))
        rows = [self.blend.probabilities(self.views.opinions(lay(b))) for b in batches(cleaned)]
        return np.concatenate(rows)

    def _tone(self, negative: float, neutral: float, positive: float) -> tuple[float, Tone]:
        if negative >= self.cuts.negative:
            return negative, Tone.NEGATIVE
        if positive >= self.cuts.positive:
            return negative, Tone.POSITIVE
        return negative, Tone.NEUTRAL if neutral >= self.cuts.neutral else Tone.UNSURE

    def _speaks(self, text: str) -> bool:
        return chinese(text) or any(p in self.views.bayes for p in pictures(text))

    def _torn(self, positive: Sequence[int], texts: Sequence[str]) -> Iterator[int]:
        """Yield which of the POSITIVE texts say something negative in a part."""
        pieces = [(i, part) for i in positive for part in parts(texts[i]) if chinese(part)]
        rows = self._probabilities([part for _, part in pieces])
        for (i, _), negative in zip(pieces, rows[:, 0].tolist(), strict=True):
            if negative >= self.cuts.negative:
                yield i

    # -------------------------------------------------------------------------------- files
    def save(self, path: Path) -> None:
        """Write one .npz file: arrays, what the model says of itself, a hash over both."""
        arrays = self._arrays()
        digest = np.frombuffer(_hash(arrays).encode(), np.uint8)
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, hash=digest, **arrays)

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
            OSError,
            ValueError,
            EOFError,
            TypeError,
            zlib.error,
            zipfile.BadZipFile,
        ) as error:  # TypeError: an array, but no archive of arrays
            raise BadModel(
                f"{where}: it is no model file, or damaged ({error}). {_MEND}"
            ) from error
        return cls._from(arrays, where)

    @classmethod
    def _from(cls, arrays: dict[str, NDArray[Any]], where: Path) -> Self:
        digest = arrays.pop("hash", np.zeros(0, np.uint8))
        if bytes(digest).decode("ascii", "replace") != _hash(arrays):
            raise BadModel(f"{where}: its weights do not fit its hash, it is damaged. {_MEND}")
        try:
            card = json.loads(bytes(arrays["card"]))
            if card["format"] != FORMAT:
                fault = f"format {card['format']}, this Fenghuo reads {FORMAT}"
                raise BadModel(f"{where}: {fault}. {_MEND}")
            words = bytes(arrays["words"]).decode().split("\n")
            bayes = Bayes(words, arrays["bayes_negative"], arrays["bayes_positive"])
            views = Views(_view(arrays, "chars"), _view(arrays, "runs"), bayes)
            blend = Blend(arrays["blend"][:-1], arrays["blend"][-1])
            return cls(views, blend, Cuts(*arrays["cuts"].tolist()), card)
        except (KeyError, ValueError, TypeError) as error:
            raise BadModel(f"{where}: something is missing in it ({error}). {_MEND}") from error

    def _arrays(self) -> dict[str, NDArray[Any]]:
        bayes, cuts = self.views.bayes, self.cuts
        card = json.dumps(self.card, ensure_ascii=False, sort_keys=True).encode()
        return {
            "card": np.frombuffer(card, np.uint8),
            "words": np.frombuffer("\n".join(bayes.words).encode(), np.uint8),
            "bayes_negative": bayes.negative,
            "bayes_positive": bayes.positive,
            "blend": np.vstack([self.blend.weights, self.blend.bias]),
            "cuts": np.array([cuts.negative, cuts.neutral, cuts.positive, cuts.base]),
            **_kept(self.views.chars, "chars"),
            **_kept(self.views.words, "runs"),
        }


def batches(cleaned: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the texts in runs of some CHARACTERS_A_BATCH."""
    start = size = 0
    for end, text in enumerate(cleaned):
        size += len(text) + 2
        if size > CHARACTERS_A_BATCH:
            yield cleaned[start : end + 1]
            start, size = end + 1, 0
    if start < len(cleaned):
        yield cleaned[start:]


def _kept(view: View, name: str) -> dict[str, NDArray[Any]]:
    return {
        f"{name}_shape": np.array([view.longest, view.bits]),
        f"{name}_weights": view.weights,
        f"{name}_idf": view.idf,
        f"{name}_bias": view.bias,
    }


def _view(arrays: Mapping[str, NDArray[Any]], name: str) -> View:
    longest, bits = arrays[f"{name}_shape"].tolist()
    weights, idf = arrays[f"{name}_weights"], arrays[f"{name}_idf"]
    if weights.shape != (1 << bits, len(arrays[f"{name}_bias"])) or idf.shape != (1 << bits,):
        raise ValueError(f"{name} has the wrong shape")
    return View(longest, bits, weights, idf, arrays[f"{name}_bias"])


def _hash(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
