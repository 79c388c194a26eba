"""Counts of one client at one source become signals.

bins of five minutes by publish time -> usual level -> three charts -> tail calibration -> score ->
threshold from the client's budget -> floors -> Signal with its reasons; once for all posts, once
for the negative ones. Constant time and memory a bin, from the past alone.
"""

from watchers.detect.days import Day, Days, chinese_days, plain_days
from watchers.detect.detector import BIN, Detector, Reading
from watchers.detect.judge import (
    HOUR,
    LEAST_POSTS,
    SHORT,
    Counts,
    RiskCounts,
    SpreadCounts,
    Told,
    least_spread,
)
from watchers.detect.keeping import Keeping
from watchers.detect.series import Alarm, scan
from watchers.detect.threshold import shared_threshold, threshold
from watchers.detect.usual import Usual, usual_level

__all__ = [
    "BIN",
    "HOUR",
    "LEAST_POSTS",
    "SHORT",
    "Alarm",
    "Counts",
    "Day",
    "Days",
    "Detector",
    "Keeping",
    "Reading",
    "RiskCounts",
    "SpreadCounts",
    "Told",
    "Usual",
    "chinese_days",
    "least_spread",
    "plain_days",
    "scan",
    "shared_threshold",
    "threshold",
    "usual_level",
]
