"""Training: the views on all rows, the blend on rows the views did not see.

scikit-learn and snownlp are imported here alone, and only when something is trained.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchers.errors import BadInput
from watchers.tone.bayes import Bayes
from watchers.tone.grams import char_runs, word_runs
from watchers.tone.labels import EACH
from watchers.tone.model import (
    FORMAT,
    Blend,
    Cuts,
    Floats,
    ToneModel,
    View,
    Views,
    batches,
)
from watchers.tone.reading import EDGE, Batch, clean, lay

FOLDS = 5
FEWEST = 50  # rows of a label
SEED = 7
CHARS = (3, 18)  # longest run, bits of the bucket number
WORDS = (2, 17)
VIEWS = ((CHARS, False), (WORDS, True))
HINT = 0.5  # size of a hint beside n-grams whose squares add up to 1
STRENGTH = 4.0  # inverse of the regularisation; between 2 and 6 nothing changes much

Labels = NDArray[np.int64]
Matrix = Any  # of scipy.sparse, which comes with scikit-learn and has no types
Progress = Callable[[int, int], object]


def train(
    rows: Sequence[tuple[int, str]],
    *,
    names: Sequence[str],
    now: datetime,
    progress: Progress = lambda _done, _total: None,
    hints: Sequence[Sequence[tuple[int, str]]] = (),
) -> ToneModel:
    """Return a model of ROWS (-1, 0 or 1, and a text), which came from files of NAMES.

    Each of HINTS holds rows of another kind (reviews, a set without neutral posts): what tells
    its negative rows from its positive ones is a direction, offered beside the n-grams of ROWS.

    Raises BadInput when there are too few rows of a label, or scikit-learn is absent.
    """
    _check(rows)
    texts = [clean(text) for _, text in rows]
    labels = np.array([label for label, _ in rows], np.int64)
    folds = np.random.default_rng(SEED).permutation(len(rows)) % FOLDS
    seen = _Rows(texts, [_Hint(hint) for hint in hints])
    opinions: list[Floats] = []
    order: list[NDArray[np.intp]] = []
    for fold in range(FOLDS):
        views = seen.fit(labels, folds != fold)
        order.append(np.flatnonzero(folds == fold))
        held = [texts[i] for i in order[-1]]
        opinions.extend(views.opinions(lay(batch)) for batch in batches(held))
        progress(fold + 1, FOLDS + 1)
    unseen = labels[np.concatenate(order)]
    blend = _blended(np.concatenate(opinions), unseen)
    cuts = _chosen(blend.probabilities(np.concatenate(opinions)), unseen)
    views = seen.fit(labels, np.ones(len(rows), np.bool_))
    progress(FOLDS + 1, FOLDS + 1)
    card = {
        "format": FORMAT,
        "date": now.isoformat(),
        "trained_on": list(names),
        "rows": {str(label): int((labels == label).sum()) for label in EACH},
    }
    return ToneModel(views, blend, cuts, card)


def _check(rows: Sequence[tuple[int, str]]) -> None:
    counts = Counter(label for label, _ in rows)
    for label in EACH:
        few = counts[label] < FEWEST
        if few and (label or counts[label]):  # neutral rows may be absent altogether
            raise BadInput(
                f"{counts[label]} rows are labelled {label}; at least {FEWEST} are needed. "
                "Label more, or add another file."
            )
    try:
        import sklearn.linear_model  # noqa: F401, PLC0415
    except ImportError as error:
        raise BadInput("Training needs scikit-learn: `uv sync --extra train`.") from error


class _Hint:
    """The clear rows of another kind of text."""

    def __init__(self, rows: Sequence[tuple[int, str]]) -> None:
        kept = [(label, clean(text)) for label, text in rows if label]
        self.laid = [lay(batch) for batch in batches([text for _, text in kept])]
        self.labels = np.array([label for label, _ in kept], np.int64)


class _Rows:
    """All training texts as counts of buckets, and as words; what hints say of the buckets."""

    def __init__(self, texts: Sequence[str], hints: Sequence[_Hint]) -> None:
        laid = [lay(batch) for batch in batches(texts)]
        self._views = [_Hashed(laid, hints, shape, words=words) for shape, words in VIEWS]
        self._words = list(chain.from_iterable(map(_posts, laid)))

    def fit(self, labels: Labels, which: NDArray[np.bool_]) -> Views:
        """Return the views as learnt from the rows WHICH."""
        pairs = zip(self._words, labels, which, strict=True)
        chars, words = (view.fit(labels, which) for view in self._views)
        return Views(chars, words, snownlp_bayes([(w, label) for w, label, in_ in pairs if in_]))


class _Hashed:
    """Texts as one sparse matrix of hashed runs, and the directions that hints give."""

    def __init__(
        self, laid: Sequence[Batch], hints: Sequence[_Hint], shape: tuple[int, int], *, words: bool
    ) -> None:
        counts = _counts(laid, shape, words=words)
        self._shape = shape
        self._idf = _idf(counts)
        self._rows = _even(counts, self._idf)
        self._hints = [
            _column(_even(_counts(hint.laid, shape, words=words), self._idf), hint.labels == -1)
            for hint in hints
        ]

    def fit(self, labels: Labels, which: NDArray[np.bool_]) -> View:
        """Return a regression for each label; a hint's share is folded into the weights."""
        from scipy import sparse  # type: ignore[import-untyped]  # noqa: PLC0415

        rows, buckets = self._rows[which], self._rows.shape[1]
        said = [HINT * (rows @ weights + bias)[:, None] for weights, bias in self._hints]
        wide = sparse.hstack([rows, *said]).tocsr()
        weights, bias = np.zeros((buckets, len(EACH)), np.float32), np.zeros(len(EACH))
        for column, label in enumerate(EACH):
            found, bias[column] = _column(wide, labels[which] == label)
            weights[:, column] = found[:buckets]
            for share, (direction, offset) in zip(found[buckets:], self._hints, strict=True):
                weights[:, column] += HINT * share * direction
                bias[column] += HINT * share * offset
        weights *= self._idf[:, None].astype(np.float32)
        return View(*self._shape, weights.astype(np.float16), self._idf, bias)


def _posts(batch: Batch) -> list[list[str]]:
    """Return the words of each text of BATCH."""
    ends = np.append(batch.word_posts[1:], len(batch.words) - 1)
    return [batch.words[a + 1 : b] for a, b in zip(batch.word_posts, ends, strict=True)]


def _counts(laid: Sequence[Batch], shape: tuple[int, int], *, words: bool) -> Matrix:
    """Return a sparse matrix: how often each bucket stands in each text."""
    from scipy import sparse  # noqa: PLC0415

    blocks = []
    bits = shape[1]
    for batch in laid:
        runs = word_runs(batch, *shape) if words else char_runs(batch, *shape)
        starts, count = (batch.word_posts if words else batch.code_posts), len(runs[0])
        row = np.repeat(np.arange(len(starts)), np.diff(starts, append=count))
        column = np.concatenate(runs)
        inside = column < 1 << bits
        place = (np.tile(row, len(runs))[inside], column[inside])
        ones = np.ones(len(place[0]), np.float32)
        blocks.append(sparse.coo_matrix((ones, place), shape=(len(starts), 1 << bits)).tocsr())
    return sparse.vstack(blocks).tocsr()


def _idf(counts: Matrix) -> NDArray[np.float16]:
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1 + counts.shape[0]) / (1 + texts)) + 1, np.float16)


def _even(counts: Matrix, idf: NDArray[np.float16]) -> Matrix:
    """Return COUNTS weighted by IDF, each row divided by the length of its idf vector."""
    from scipy import sparse  # noqa: PLC0415

    scale = idf.astype(np.float32)
    length = np.sqrt(np.maximum(counts @ np.square(scale), 1e-9))
    return (sparse.diags(1 / length) @ counts.multiply(scale)).tocsr()


def _column(rows: Matrix, truth: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Return weights and bias of the logistic regression that tells TRUTH."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    if not truth.any():
        return np.zeros(rows.shape[1]), -10.0
    fitted = LogisticRegression(
        C=STRENGTH, solver="liblinear", dual=True, tol=1e-2, random_state=SEED
    ).fit(rows, truth)
    return fitted.coef_[0], float(fitted.intercept_[0])


def snownlp_bayes(rows: Sequence[tuple[Sequence[str], int]]) -> Bayes:
    """Train SnowNLP's classifier on the words seen at least twice, and compile it."""
    from snownlp.classification import bayes  # noqa: PLC0415

    often = Counter(chain.from_iterable(words for words, _ in rows))
    classifier = bayes.Bayes()
    classifier.train(
        [([w for w in words if often[w] > 1 and w != EDGE], label) for words, label in _named(rows)]
    )
    return Bayes.compiled({name: prob.d for name, prob in classifier.d.items()})


def _named(rows: Sequence[tuple[Sequence[str], int]]) -> list[tuple[Sequence[str], str]]:
    return [(words, "neg" if label < 0 else "pos") for words, label in rows if label]


def _blended(opinions: Floats, labels: Labels) -> Blend:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    fitted = LogisticRegression(C=1.0, max_iter=2000).fit(opinions, labels)
    weights, bias = np.zeros((opinions.shape[1], 3)), np.full(3, -20.0)
    if len(fitted.classes_) == 2:  # negative and positive alone: one row of weights
        weights[:, 2], weights[:, 0], bias[[0, 2]] = fitted.coef_[0], 0.0, 0.0
        bias[2] = fitted.intercept_[0]
    else:
        weights[:], bias[:] = fitted.coef_.T, fitted.intercept_
    return Blend(weights, bias)


def _chosen(probabilities: Floats, labels: Labels) -> Cuts:
    """Return the cuts that weigh precision and recall alike for negative, and precision double else."""
    negative = _cut(probabilities[:, 0], labels == -1, 1.0)
    neutral = _cut(probabilities[:, 1], labels == 0, 0.5)
    positive = _cut(probabilities[:, 2], labels == 1, 0.5)
    return Cuts(negative, neutral, positive, float((labels == -1).mean()))


def _cut(probability: Floats, truth: NDArray[np.bool_], beta: float) -> float:
    """Return the threshold with the best F-measure; 1.01, which nothing reaches, without TRUTH."""
    if not truth.any():
        return 1.01
    order = np.argsort(-probability)
    hits = np.cumsum(truth[order])
    called = np.arange(1, len(order) + 1)
    measure = (1 + beta**2) * hits / (called + beta**2 * truth.sum())
    return float(probability[order][int(measure.argmax())])
