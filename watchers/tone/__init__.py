"""Tone: how negative a post is, fast and without a network.

reading    -> what is seen of a post: script, n-grams as buckets, words as hashes
bayes      -> SnowNLP's Bayes classifier, compiled
weights    -> the hashed linear model
english    -> posts in English, by a lexicon
model      -> the file of weights, the blend of both, the answer
labels     -> labelled lines
measuring  -> how good it is
neighbours -> words as vectors, for training
training   -> a model from labelled lines; the only part that loads scikit-learn and snownlp
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from watchers.errors import BadInput
from watchers.tone.labels import Row, read_labels
from watchers.tone.measuring import Evaluation, Figures, compared, evaluate, figures
from watchers.tone.model import ToneModel

if TYPE_CHECKING:
    from watchers.tone.training import Training

__all__ = [
    "Evaluation",
    "Figures",
    "Row",
    "ToneModel",
    "compared",
    "evaluate",
    "figures",
    "read_labels",
    "train",
]


def train(
    sources: Mapping[str, Sequence[Row]],
    *,
    now: datetime,
    hints: Mapping[str, Sequence[Row]] | None = None,
    start: ToneModel | None = None,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> "Training":
    """Learn a model from SOURCES: rows (-1, 0 or 1, and a text) by the name of their file.

    HINTS are texts of another kind, whose neutral rows are passed over. With START the model is
    mended rather than made anew. A row of a small source counts more, up to ten times.

    Raises BadInput when there are too few rows of a label, or scikit-learn is absent.
    """
    try:
        from watchers.tone import training  # noqa: PLC0415  # heavy, and optional
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"sklearn", "scipy"}:
            raise
        raise BadInput("Training needs scikit-learn: `uv sync --extra train`.") from error
    return training.train(sources, now=now, hints=hints, start=start, progress=progress)
