"""From what a client accepts to a score: measured, as real tails are heavier than exponential.

Measured with the detection benchmark on the five series of `data/nab`, whole and thinned to 30, 10
and 3 % of their posts, 134 keyword-weeks; the negative stream on simulated tone. Thresholds measured
on four of the series give 0.94 to 1.14 times the budget on the fifth (negatives: 0.96 to 1.13) on
the average of keywords; single ones get from none to twice as many (at 0.1 and less: four times). A
net of "the hour over the weekly mean" beside the score was measured too and left out: giving it a
quarter of the budget costs up to 9 points at every budget.
"""

import math

from watchers.model import Stream

# (notifications a keyword and week, score), most seldom first
VOLUME = ((0.05, 4.4), (0.1, 4.0), (0.25, 3.45), (0.5, 3.14), (1.0, 2.91), (2.0, 2.67), (4.0, 2.33))
NEGATIVE = (
    (0.05, 5.3),
    (0.1, 4.75),
    (0.25, 3.8),
    (0.5, 3.36),
    (1.0, 2.89),
    (2.0, 2.55),
    (4.0, 2.2),
)
# The streams often speak of the same bursts, so both together stay within the budget; volume is
# the insurance against a tone model that fails on irony.
SHARES = {Stream.VOLUME: 0.6, Stream.NEGATIVE: 0.6}


def threshold(budget: float, stream: Stream = Stream.VOLUME) -> float:
    """Return the score that STREAM alone passes BUDGET times a week; linear in the budget's log."""
    points = NEGATIVE if stream is Stream.NEGATIVE else VOLUME
    at = math.log(min(max(budget, 0.005), 10.0))
    line = [(math.log(b), score) for b, score in points]
    ahead = (i for i, (x, _) in enumerate(line) if x >= at)
    i = max(next(ahead, len(line) - 1), 1)  # beyond the ends, their own piece of the line goes on
    (x0, y0), (x1, y1) = line[i - 1], line[i]
    return y0 + (at - x0) / (x1 - x0) * (y1 - y0)


def shared_threshold(budget: float, stream: Stream) -> float:
    """Return the score of STREAM where both streams together keep BUDGET."""
    return threshold(budget * SHARES[stream], stream)
