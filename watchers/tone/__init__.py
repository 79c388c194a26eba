"""Tone: how negative a Chinese post is, fast and without a network.

reading   -> texts cleaned, cut into words, laid into one array
grams     -> runs of characters and words, hashed into buckets
bayes     -> SnowNLP's Bayes classifier, compiled
model     -> the blend: file and scores
labels    -> labelled lines
training  -> a model from labelled lines
measuring -> how good it is
"""

from watchers.tone.labels import read_labels
from watchers.tone.measuring import Evaluation, evaluate
from watchers.tone.model import ToneModel
from watchers.tone.training import train

__all__ = ["Evaluation", "ToneModel", "evaluate", "read_labels", "train"]
