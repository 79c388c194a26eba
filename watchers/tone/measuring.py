"""How good a model is on labelled rows it did not learn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchers.errors import BadInput
from watchers.tone.model import ToneModel
from watchers.tone.reading import without_emoticons

_STEP = 2_000
_BINS = 10
FALSE_ALARMS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures of one set; the questions they answer stand in the table of Evaluation."""

    accuracy: float
    auc: float
    nvr_auc: float
    recall_at_5: float
    ece: float
    reliability: tuple[tuple[float, float, int], ...]  # mean probability, share negative, posts


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Figures):
    """Figures of a set as it is, and with its emoticons and pictures taken out."""

    n: int
    stripped: Figures

    def __str__(self) -> str:
        lines = [f"{self.n} posts", compared(self, self.stripped, ("as written", "no emoticons"))]
        lines.append("")
        lines.append("probability of negative   truly negative   posts")
        lines += [f"{p:23.2f} {share:16.2f} {n:7}" for p, share, n in self.reliability]
        return "\n".join(lines)


_MEANINGS = {
    "accuracy": "accuracy, negative or positive",
    "auc": "AUC, negative against positive",
    "nvr_auc": "AUC, negative against everything else",
    "recall_at_5": "negatives caught at 5% false alarms",
    "ece": "expected calibration error",
}


def compared(first: Figures, second: Figures, heads: tuple[str, str]) -> str:
    """Return a table of two Figures under HEADS."""
    lines = [f"{'':40}{heads[0]:>14}{heads[1]:>14}"]
    for name, meaning in _MEANINGS.items():
        lines.append(f"{meaning:40}{getattr(first, name):14.3f}{getattr(second, name):14.3f}")
    return "\n".join(lines)


def evaluate(
    model: ToneModel,
    rows: Sequence[tuple[int, str]],
    *,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> Evaluation:
    """Measure MODEL on ROWS; BadInput if negatives or positives are absent."""
    labels = np.array([label for label, _ in rows], np.int64)
    if not ((labels == -1).any() and (labels == 1).any()):
        raise BadInput("There are no negative or no positive rows. Give both to measure a model.")
    texts = [text for _, text in rows]
    both = [*texts, *map(without_emoticons, texts)]
    found = []
    for start in range(0, len(both), _STEP):
        found.append(model.probabilities(both[start : start + _STEP]))
        progress(min(start + _STEP, len(both)), len(both))
    probabilities = np.concatenate(found)
    written = figures(probabilities[: len(rows)], labels)
    fields = {name: getattr(written, name) for name in Figures.__slots__}
    return Evaluation(**fields, n=len(rows), stripped=figures(probabilities[len(rows) :], labels))


def figures(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> Figures:
    """Return the figures of rows (negative, neutral, positive) against -1, 0, 1."""
    negative, bad, clear = probabilities[:, 0], labels == -1, labels != 0
    lean = negative / np.maximum(negative + probabilities[:, 2], 1e-12)
    table = reliability(negative, bad)
    return Figures(
        accuracy=float(((lean > 0.5) == bad)[clear].mean()),
        auc=auc(lean[clear], bad[clear]),
        nvr_auc=auc(negative, bad),
        recall_at_5=recall(negative, bad, FALSE_ALARMS),
        ece=sum(abs(p - share) * n for p, share, n in table) / len(labels),
        reliability=table,
    )


def auc(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Return the chance that a true one scores above a false one; ties count half."""
    values, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    right, wrong = int(truth.sum()), int((~truth).sum())
    del values
    return float((ranks[place][truth].sum() - right * (right + 1) / 2) / (right * wrong))


def recall(scores: NDArray[np.float64], truth: NDArray[np.bool_], wrongly: float) -> float:
    """Return the share of true ones above the score that WRONGLY of the false ones exceed."""
    false = np.sort(scores[~truth])[::-1]
    return float((scores[truth] > false[int(wrongly * len(false))]).mean())


def reliability(
    probability: NDArray[np.float64], truth: NDArray[np.bool_]
) -> tuple[tuple[float, float, int], ...]:
    """Return for each tenth that holds posts: mean probability, share that is true, posts."""
    tenth = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    rows = [(probability[tenth == b], truth[tenth == b]) for b in range(_BINS)]
    return tuple((float(p.mean()), float(t.mean()), len(p)) for p, t in rows if len(p))
