"""Makes a tone model from labelled posts. Needs scikit-learn; the service never loads this.

The rows teach three classes. A hint is a large source of another kind (reviews, posts labelled by
their emoticons): what tells its negative texts from its positive ones is one more feature beside
the n-grams, and so are the vectors of words that stand in the same company. All of it is linear in
the same buckets, so that in the end one table of weights remains.

A model to start from is mended: only the buckets of the new rows move, as far as its errors there
ask for, and its blend stays. So a few hundred corrections count, and nothing else is forgotten.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]
from scipy.optimize import minimize  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression
from snownlp.sentiment import Sentiment

from watchers.errors import BadInput
from watchers.tone.bayes import NEGATIVE, POSITIVE, CompiledBayes, Numbers
from watchers.tone.labels import EACH, Row
from watchers.tone.model import FORMAT, ToneModel, blended
from watchers.tone.neighbours import directions
from watchers.tone.reading import BITS, Reader, Reading, folding_table
from watchers.tone.weights import CLASSES, LinearWeights

FOLDS = 5
FEWEST = 50  # rows of a label, from nothing
FEW = 20  # negative and positive rows, starting from a model
SEED = 7
STRENGTH = 4.0  # inverse of the penalty (scikit-learn's C); between 2 and 8 nothing changes much
HINT_STRENGTH = 2.0
HINT = 0.5  # size of a hint beside n-grams whose squares add up to 1
LOUDEST = 10.0  # most weight of a row of a small source against one of the largest
MISSED = 1.5  # what a complaint that is missed costs, of one that is seen wrongly
CONTRAST = 0.75  # share of what a column's contrast decides of its loudness
SEEN_IN = 2  # posts that must hold a bucket for it to count

Matrix = Any  # of scipy.sparse, which has no types
Flags = NDArray[np.bool_]
Labels = NDArray[np.int64]
Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Line:
    """A linear function of the buckets."""

    weights: Numbers
    bias: float

    def of(self, features: Matrix) -> Numbers:
        return np.asarray(features @ self.weights + self.bias)


@dataclass(frozen=True, slots=True)
class Training:
    """A trained model, and what was said of its rows by models that had not seen them."""

    model: ToneModel
    texts: Sequence[str]
    labels: Labels
    held_out: Numbers  # a row (negative, neutral, positive) for each text


def train(
    sources: Mapping[str, Sequence[Row]],
    *,
    now: datetime,
    hints: Mapping[str, Sequence[Row]] | None = None,
    start: ToneModel | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Training:
    """Learn from SOURCES, rows by the name of their file; see watchers.tone.train."""
    hinted = {name: [r for r in rows if r[0]] for name, rows in (hints or {}).items()}
    rows = list({row[1]: row for group in sources.values() for row in group}.values())
    check(rows, FEW if start else FEWEST, neutral=start is None)
    steps, total = iter(range(1, 99)), FOLDS + 3

    def move() -> None:
        progress(next(steps), total)

    folding = folding_table() if start is None else start.arrays["folding"]
    reader = Reader(folding)
    core = _Posts(rows, reader, _loudness(sources, rows))
    kinds = [_Posts(group, reader) for group in hinted.values()]
    move()
    features = _Features(core, kinds, start)
    move()
    seen = _held_out(core, kinds, features, start, move)
    blend = start.arrays["blend"] if start else _blend(seen, core)
    after = blended(seen, blend)
    lines = _classes(features, core, np.ones(len(core), np.bool_))
    bayes = _bayes([(part, np.ones(len(part), np.bool_)) for part in (core, *kinds)], start)
    linear = features.folded(lines)
    card = {
        "format": FORMAT,
        "date": now.isoformat(),
        "trained_on": {name: len(group) for name, group in sources.items()},
        "hints": {name: len(group) for name, group in hinted.items()},
        "start": start.version if start else None,
    }
    model = ToneModel(
        {
            "card": np.frombuffer(json.dumps(card, ensure_ascii=False).encode(), np.uint8),
            "folding": folding,
            "table": linear.table,
            "steps": linear.steps,
            "bias": linear.bias,
            "words": bayes.hashes,
            "counts": bayes.counts,
            "totals": bayes.totals,
            "blend": blend,
            "cuts": start.arrays["cuts"] if start else _cuts(after, core.labels),
        }
    )
    move()
    return Training(model, core.texts, core.labels, after)


def check(rows: Sequence[Row], fewest: int, *, neutral: bool) -> None:
    """Raise BadInput where ROWS hold fewer than FEWEST of a label."""
    counts = Counter(label for label, _ in rows)
    for label in EACH:
        few = counts[label] < fewest
        if few and (label or (neutral and counts[label])):  # neutral may be absent altogether
            raise BadInput(
                f"{counts[label]} rows are labelled {label}; at least {fewest} are needed. "
                "Label more, or add another file."
            )


def _loudness(sources: Mapping[str, Sequence[Row]], rows: Sequence[Row]) -> Numbers:
    """Weigh rows so that a small source is heard: by the root of how much smaller it is."""
    most = max(map(len, sources.values()))
    loud: dict[Row, float] = {}
    for group in sources.values():
        weight = min((most / max(len(group), 1)) ** 0.5, LOUDEST)
        loud.update(dict.fromkeys(group, weight))
    return np.array([loud[row] for row in rows])


class _Posts:
    """The posts of one part of the training, read once."""

    def __init__(self, rows: Sequence[Row], reader: Reader, weight: Numbers | None = None) -> None:
        self.texts = [text for _, text in rows]
        self.labels = np.array([label for label, _ in rows], np.int64)
        self.weight = np.ones(len(rows)) if weight is None else weight
        self.reading = _joined(list(reader.batches(self.texts)))
        self.words = [
            w for i in range(0, len(rows), 1000) for w in reader.cut(self.texts[i : i + 1000])
        ]
        place = (self.reading.bucket_post, self.reading.bucket)
        ones = np.ones(len(self.reading.bucket))
        self.features: Matrix = sparse.csr_matrix((ones, place), shape=(len(rows), 1 << BITS))

    def __len__(self) -> int:
        return len(self.labels)

    def scale(self, idf: Numbers) -> None:
        """Weigh the buckets by IDF and bring every post to the length 1."""
        self.features.data *= idf[self.features.indices]
        length = np.sqrt(np.asarray(self.features.multiply(self.features).sum(axis=1)).ravel())
        self.features.data /= np.repeat(np.maximum(length, 1e-9), np.diff(self.features.indptr))
        self.features.eliminate_zeros()


def _joined(readings: Sequence[Reading]) -> Reading:
    """Put batches behind each other."""
    before = np.cumsum([0, *[r.size for r in readings[:-1]]])
    pairs = list(zip(readings, before, strict=True))
    return Reading(
        size=sum(r.size for r in readings),
        words=np.concatenate([r.words for r in readings]),
        word_post=np.concatenate([r.word_post + b for r, b in pairs]),
        bucket_post=np.concatenate([r.bucket_post + b for r, b in pairs]),
        bucket=np.concatenate([r.bucket for r in readings]),
        script=np.concatenate([r.script for r in readings]),
    )


class _Features:
    """What is learnt from: n-grams, then columns that are linear in the n-grams as well."""

    def __init__(self, core: _Posts, kinds: Sequence[_Posts], start: ToneModel | None) -> None:
        self.idf = _idf([core, *kinds])
        if start is not None:
            known = start.linear.idf()
            self.idf = np.where(known > 0, known, np.where(self.idf > 0, known.max(), 0))
        company = (
            directions([*core.words, *chain.from_iterable(k.words for k in kinds)], SEED)
            if start is None
            else sparse.csr_matrix((1 << BITS, 0))
        )
        inside = np.asarray(company.getnnz(axis=1) > 0).ravel()
        rare = np.log(1 + len(core) + sum(map(len, kinds))) + 1
        self.idf = np.where(inside & (self.idf == 0), rare, self.idf)
        for part in (core, *kinds):
            part.scale(self.idf)
        self._company = company
        self._lines = [self._direction(kind) for kind in kinds]
        self.offset = None if start is None else start.linear.decide(core.reading)
        self._start = None if start is None else start.linear
        self.wide = self._widened(core.features)

    def _direction(self, kind: _Posts) -> Line:
        """Return what tells the negative texts of KIND from its positive ones."""
        wide = sparse.hstack([kind.features, kind.features @ self._company]).tocsr()
        found = _fit(wide, kind.labels == -1, kind.weight, HINT_STRENGTH)
        return Line(self._flat(found.weights), found.bias)

    def _flat(self, weights: Numbers) -> Numbers:
        """Fold the weights of word vectors into those of the buckets."""
        here = 1 << BITS
        vectors = weights[here : here + self._company.shape[1]]
        return np.asarray(weights[:here] + self._company @ vectors)

    def _widened(self, features: Matrix) -> Matrix:
        said = [HINT * sparse.csr_matrix(line.of(features)[:, None]) for line in self._lines]
        return sparse.hstack([features, features @ self._company, *said]).tocsr()

    def folded(self, lines: Sequence[Line]) -> LinearWeights:
        """Return one table of weights that says the same as LINES of the wide features."""
        weights = np.column_stack([self._flat(line.weights) for line in lines])
        bias = np.array([line.bias for line in lines])
        behind = (1 << BITS) + self._company.shape[1]
        for column, line in enumerate(lines):
            for factor, hint in zip(line.weights[behind:], self._lines, strict=True):
                weights[:, column] += HINT * factor * hint.weights
                bias[column] += HINT * factor * hint.bias
        weights *= self.idf[:, None]
        if self._start is not None:
            weights += self._start.weights()
            bias += self._start.bias
        return LinearWeights.quantise(weights, self.idf, bias)


def _idf(parts: Sequence[_Posts]) -> Numbers:
    """Return the idf of each bucket, 0 for one that is too rare."""
    seen = np.bincount(np.concatenate([p.reading.bucket for p in parts]), minlength=1 << BITS)
    posts = sum(map(len, parts))
    return np.where(seen >= SEEN_IN, np.log((1 + posts) / (1 + seen)) + 1, 0.0)


# ------------------------------------------------------------------------------------- learning
def _fit(features: Matrix, truth: Flags, weight: Numbers, strength: float = STRENGTH) -> Line:
    if truth.all() or not truth.any():
        return Line(np.zeros(features.shape[1]), 10.0 if truth.all() else -10.0)
    model = LogisticRegression(
        C=strength, solver="liblinear", dual=True, tol=0.05, random_state=SEED, max_iter=5000
    )
    model.fit(features, truth, sample_weight=weight)
    return Line(model.coef_[0].astype(np.float64), float(model.intercept_[0]))


def _classes(features: "_Features", core: _Posts, use: Flags) -> list[Line]:
    """Learn a line for each class from the posts to USE; with a start, what to add to its lines."""
    labels, weight, chosen = core.labels[use], core.weight[use], features.wide[use]
    lines = []
    for column, label in enumerate(CLASSES):
        truth = labels == label
        if features.offset is not None:
            lines.append(_mended(chosen, truth, weight, features.offset[use, column]))
            continue
        loud = _contrast(chosen, truth)
        line = _fit(chosen @ sparse.diags(loud), truth, weight)
        lines.append(Line(line.weights * loud, line.bias))
    return lines


def _mended(features: Matrix, truth: Flags, weight: Numbers, offset: Numbers) -> Line:
    """Return the line that, added to OFFSET, tells TRUTH: logistic regression, all penalised."""
    met = np.unique(features.indices)  # a few thousand of a million: the others stay at 0
    wide = sparse.hstack([features[:, met], np.ones((len(truth), 1))]).tocsr()
    sign = np.where(truth, 1.0, -1.0)

    def loss(line: Numbers) -> tuple[float, Numbers]:
        margin = sign * (wide @ line + offset)
        pull = -sign * weight / (1 + np.exp(margin))
        cost = weight @ np.logaddexp(0, -margin) + line @ line / (2 * STRENGTH)
        return float(cost), np.asarray(wide.T @ pull + line / STRENGTH)

    found = minimize(loss, np.zeros(wide.shape[1]), jac=True, method="L-BFGS-B").x
    weights = np.zeros(features.shape[1])
    weights[met] = found[:-1]
    return Line(weights, float(found[-1]))


def _contrast(features: Matrix, truth: Flags) -> Numbers:
    """Return how loud each column shall be: buckets that tell TRUTH from the rest are louder.

    The logarithm of how much more frequent a bucket is on one side (Wang and Manning, 2012),
    beside a part that is the same for all; the posts keep their mean length.
    """
    buckets = features[:, : 1 << BITS]
    there = np.ones(features.shape[1])
    if truth.all() or not truth.any():
        return there
    counts = [np.bincount(buckets[side].indices, minlength=1 << BITS) for side in (truth, ~truth)]
    yes, no = ((n + 0.5) / (n + 0.5).sum() for n in counts)
    loud = 1 - CONTRAST + CONTRAST * np.abs(np.log(yes / no))
    lengths = np.sqrt(np.asarray((buckets @ sparse.diags(loud)).power(2).sum(axis=1)))
    there[: 1 << BITS] = loud / max(float(lengths.mean()), 1e-9)
    return there


class _FastSentiment(Sentiment):  # type: ignore[misc]  # snownlp has no types
    """SnowNLP's trainer; a document is a list of words, cut beforehand."""

    def handle(self, doc: list[str]) -> list[str]:
        return doc


def _bayes(parts: Sequence[tuple[_Posts, Flags]], start: ToneModel | None) -> CompiledBayes:
    """Train SnowNLP's Bayes on the posts that are used of each of PARTS; counts add up."""
    classes: dict[str, list[list[str]]] = {NEGATIVE: [], POSITIVE: []}
    for part, use in parts:
        for words, label, used in zip(part.words, part.labels, use, strict=True):
            if used and label:
                classes[NEGATIVE if label < 0 else POSITIVE].append(words)
    trainer = _FastSentiment()
    trainer.train(classes[NEGATIVE], classes[POSITIVE])
    found = CompiledBayes.compile(trainer.classifier.d)
    return found if start is None else start.bayes.joined(found)


def _held_out(
    core: _Posts,
    kinds: Sequence[_Posts],
    features: _Features,
    start: ToneModel | None,
    move: Callable[[], None],
) -> Numbers:
    """Return the evidence for each post of CORE by models that have not seen it."""
    folds = np.random.default_rng(SEED).permutation(len(core)) % FOLDS
    whole = [(kind, np.ones(len(kind), np.bool_)) for kind in kinds]
    seen = np.zeros((len(core), len(CLASSES) + 2))
    for fold in range(FOLDS):
        held = folds == fold
        lines = _classes(features, core, ~held)
        seen[held, : len(CLASSES)] = np.column_stack(
            [line.of(features.wide[held]) for line in lines]
        )
        bayes = _bayes([(core, ~held), *whole], start)
        seen[held, len(CLASSES) :] = bayes.evidence(core.reading)[held]
        move()
    return seen


def _blend(seen: Numbers, core: _Posts) -> Numbers:
    """Fit what turns evidence into calibrated probabilities."""
    model = LogisticRegression(C=1.0, max_iter=2000)
    model.fit(seen, core.labels, sample_weight=core.weight)
    rows = np.vstack([model.coef_.T, model.intercept_])
    if len(model.classes_) == len(CLASSES):
        return rows
    absent = np.zeros((len(rows), 1))  # negative and positive alone: scikit-learn gives one line
    absent[-1] = -20.0
    return np.hstack([-rows / 2, absent, rows / 2])


def _cuts(chances: Numbers, labels: Labels) -> NDArray[np.float64]:
    """Return the lowest probability of each tone.

    Of negative it follows from what errors cost; neutral and positive have to be twice as precise
    as complete.
    """
    calm = [_cut(chances[:, column], labels == EACH[column], 0.5) for column in (1, 2)]
    return np.array([1 / (1 + MISSED), *calm])


def _cut(probability: Any, truth: Flags, beta: float) -> float:
    """Return the threshold with the best F-measure; 1.01, which nothing reaches, without TRUTH."""
    if not truth.any():
        return 1.01
    order = np.argsort(-probability)
    hits = np.cumsum(truth[order])
    called = np.arange(1, len(order) + 1)
    measure = (1 + beta**2) * hits / (called + beta**2 * truth.sum())
    return float(probability[order][int(measure.argmax())])
