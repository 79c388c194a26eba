"""Counts of one client at one source become signals. Pure: no clock, no store, no Slack.

bins of five minutes by publish time -> usual level -> chart -> tail calibration -> score ->
threshold from the budget -> floors -> Signal with its reasons; once for volume, once for negative
posts. Constant time and memory a bin, from the past alone.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from watchers.model import Signal, Stream

BIN = timedelta(minutes=5)
SHORT = timedelta(minutes=15)
HOUR = timedelta(hours=1)
WEEK_BINS = 2016
VERSION = 1

# floors: posts, times the usual, authors
HOUR_FLOOR = (10, 3.0, 6)
SHORT_FLOOR = (6, 5.0, 6)
LEAST_POSTS = 6
LEAST_AUTHORS = 5
MIN_BINS = 288  # known bins before any spike signal: 24 h
CALIBRATED = timedelta(days=14)  # before, fixed floors alone
RENOTIFY = timedelta(hours=6)
SAME_EXCURSION = timedelta(hours=2)
CLOSE_AFTER = 13  # bins in a row at or below u close an excursion
HOLD_BINS = 24
KEEP_COPY = timedelta(hours=48)
RELEARN_AFTER = timedelta(hours=24)
RISK_AUTHORS = 3
GROUND = 1.0  # the divisor of a ratio is at least one post an hour

# budget (notifications a keyword and week) -> score, measured on five public count series
THRESHOLDS = ((0.1, 3.93), (0.25, 3.31), (0.5, 3.03), (1.0, 2.81))
RATIO_NETS = ((0.1, 22.0), (0.25, 17.0), (0.5, 12.5), (1.0, 7.1))


class Counts(Protocol):
    """Counts of a window, as the store gives them."""

    @property
    def posts(self) -> int: ...
    @property
    def authors(self) -> int: ...
    @property
    def negatives(self) -> int: ...


class RiskCounts(Protocol):
    """How a stretch speaks of one crisis type, as the store gives it."""

    @property
    def type(self) -> str: ...
    @property
    def posts(self) -> int: ...
    @property
    def strong_authors(self) -> int: ...
    @property
    def strong_professionals(self) -> int: ...
    @property
    def terms(self) -> tuple[str, ...]: ...


@dataclass(slots=True)
class Chain:
    """The state of one stream: level and hour factors, chart, tail. About 65 numbers."""

    L: float = 0.0
    A: float = 0.3
    n: int = 0
    F: list[float] = field(default_factory=lambda: [1.0] * 24)
    nh: list[int] = field(default_factory=lambda: [0] * 24)
    hour: int = -1
    z: float = 0.0
    S: float = 1.0
    u: float = 0.0
    D: float = 1.0
    B: float = 1.0
    R: float = 0.006
    k: int = 0
    t: int = 0
    open: bool = False
    peak: float = 0.0
    below: int = 0
    since: int = 0

    def expected(self, hour: int) -> float:
        """Posts in a bin of HOUR, predicted before the count is seen."""
        return max(self.L * self.F[hour], 0.02)  # 0.02 a bin: one post in four hours

    def chart(self, x: float, m: float) -> tuple[float, float, float]:
        """Return the residual, the averaged residual and its score; changes nothing."""
        r = 2 * (math.sqrt(x + 0.375) - math.sqrt(m + 0.375))
        z = 0.7 * self.z + 0.3 * r / self.S
        return r, z, max(0.0, z / math.sqrt(0.3 / 1.7))

    def tail(self, s: float) -> float:
        """Return -log10 of how rare a burst of S is, in bins; 0 inside the usual."""
        if self.t == 0 or s <= self.u:
            return 0.0
        return -math.log10(self.R) + (s - self.u) / (self.B * math.log(10))

    def learn_level(self, x: float, m: float, hour: int) -> None:
        if self.n == 0:
            self.L = x + 0.5
        self.n += 1
        self.nh[hour] += 1
        clipped = min(x, m + 4 * math.sqrt(m + self.A * m * m))
        rate = max(1 - 2 ** (-1 / WEEK_BINS), 1 / self.n)
        self.L = max(self.L + rate * (clipped / self.F[hour] - self.L), 0.02)
        rate = max(1 - 2 ** (-1 / 200), 1 / (self.nh[hour] + 12))
        self.F[hour] = max(self.F[hour] + rate * (clipped / self.L - self.F[hour]), 0.1)
        rate = max(1 - 2 ** (-1 / 1000), 1 / (self.n + 20))
        spread = min(((clipped - m) ** 2 - m) / (m * m), 25.0)
        self.A = max(self.A + rate * (spread - self.A), 0.02)

    def turn_hour(self, hour: int) -> None:
        if hour != self.hour:
            mean = sum(self.F) / 24
            self.F = [f / mean for f in self.F]
            self.L *= mean
            self.hour = hour

    def learn_chart(self, r: float, z: float) -> None:
        self.z = z
        self.S = max(self.S + 0.001 * (min(abs(r) / 0.6745, 4 * self.S) - self.S), 0.5)

    def learn_tail(self, s: float) -> None:
        if self.t == 0:
            self.u = s
        self.t += 1
        self.since += 1
        if s > self.u:
            self.peak = max(self.peak, s) if self.open else s
            self.open, self.below = True, 0
        elif self.open:
            self.below += 1
            if self.below >= CLOSE_AFTER:
                self._teach()
        self.D += 0.002 * (min(abs(s - self.u), 6 * self.D) - self.D)
        step = max(0.01, 2 / (self.t + 10)) * self.D
        self.u = max(self.u + step * (0.98 - (s <= self.u)), 1e-6)

    def _teach(self) -> None:
        """An excursion teaches once, when it is over, with a clipped weight."""
        self.open = False
        self.k += 1
        w = max(1 - 2 ** (-1 / 60), 1 / (self.k + 8))
        self.B = max(self.B + w * (min(self.peak - self.u, 8 * self.B) - self.B), 0.05)
        if self.k > 1:
            self.R = max(self.R + w * (min(1 / max(self.since, 1), 0.02) - self.R), 1e-4)
        self.since = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one bin says. Scores are comparable over all keywords."""

    at: datetime  # end of the bin
    volume: float
    negative: float
    expected: float  # posts in the bin
    ratio: float  # posts of the last hour over the mean hour of the last seven days

    @property
    def score(self) -> float:
        return max(self.volume, self.negative)


class Detector:
    """One client at one source: two chains, what was notified, and copies to undo a crisis."""

    def __init__(self, zone: str = "Asia/Shanghai") -> None:
        self._zone = zone
        self._tz = ZoneInfo(zone)
        self._chains = {Stream.VOLUME: Chain(), Stream.NEGATIVE: Chain()}
        self._copies: dict[Stream, dict[str, Any] | None] = dict.fromkeys(self._chains)
        self._copied_at: datetime | None = None
        self._hold_since: datetime | None = None
        self._held_below = 0
        self._notified_at: datetime | None = None
        self._last_hour: list[float] = []
        self._week_mean = 0.0  # posts a bin over about seven days, unclipped
        self.upto: datetime | None = None
        self.bins = 0

    # ------------------------------------------------------------------------------- bins
    def update(self, at: datetime, count: float | None, negatives: float | None) -> Reading:
        """Take the closed bin that begins AT; None: unknown, nothing is learnt from it."""
        hour = at.astimezone(self._tz).hour
        self.upto = at + BIN
        if count is None or negatives is None:
            for chain in self._chains.values():
                chain.turn_hour(hour)
            return Reading(at=at + BIN, volume=0.0, negative=0.0, expected=0.0, ratio=0.0)
        ratio = self._ratio(count, 1.0)
        scores = {
            stream: self._step(stream, x, hour, at)
            for stream, x in ((Stream.VOLUME, count), (Stream.NEGATIVE, negatives))
        }
        self._remember(count)
        self._maybe_release(at)
        self.bins += 1
        volume = self._chains[Stream.VOLUME]
        return Reading(
            at=at + BIN,
            volume=scores[Stream.VOLUME],
            negative=scores[Stream.NEGATIVE],
            expected=volume.expected(hour),
            ratio=ratio,
        )

    def peek(self, at: datetime, share: float, count: float, negatives: float) -> Reading:
        """Judge a bin of which SHARE (0 to 1) is gone; nothing is stored."""
        hour = at.astimezone(self._tz).hour
        share = min(max(share, 0.05), 1.0)
        scores = {}
        for stream, x in ((Stream.VOLUME, count), (Stream.NEGATIVE, negatives)):
            chain = self._chains[stream]
            _, _, s = chain.chart(x, chain.expected(hour) * share)
            scores[stream] = chain.tail(s)
        return Reading(
            at=at + BIN * share,
            volume=scores[Stream.VOLUME],
            negative=scores[Stream.NEGATIVE],
            expected=self._chains[Stream.VOLUME].expected(hour) * share,
            ratio=self._ratio(count, share),
        )

    def _step(self, stream: Stream, x: float, hour: int, at: datetime) -> float:
        chain = self._chains[stream]
        if chain.n == 0:
            chain.L = x + 0.5
        m = chain.expected(hour)
        r, z, s = chain.chart(x, m)
        score = chain.tail(s)
        if self._hold_since is not None:
            chain.z = z
            self._held_below = 0 if s > chain.u else self._held_below + 1
            chain.turn_hour(hour)
            return score
        if s > chain.u and not chain.open and chain.t:
            self._copies[stream] = asdict(chain)
            self._copied_at = at
        chain.learn_level(x, m, hour)
        chain.turn_hour(hour)
        chain.learn_chart(r, z)
        chain.learn_tail(s)
        return score

    def _remember(self, count: float) -> None:
        self._last_hour = [*self._last_hour[-11:], count]
        if self._hold_since is None:
            rate = max(1 / WEEK_BINS, 1 / (self.bins + 1))
            self._week_mean += rate * (count - self._week_mean)

    def _ratio(self, count: float, share: float) -> float:
        hour = sum(self._last_hour[-11:]) + count
        del share
        return hour / max(self._week_mean * 12, 1.0)

    # ----------------------------------------------------------------------------- people
    def confirm(self, now: datetime) -> None:
        """A person says that it is real: undo what its excursion taught, and learn no more of it."""
        if self._hold_since is not None:
            return
        fresh = self._copied_at is not None and now - self._copied_at <= KEEP_COPY
        restored = False
        for stream, copy in self._copies.items():
            if copy is not None and fresh:
                z = self._chains[stream].z
                self._chains[stream] = Chain(**copy)
                self._chains[stream].z = z
                restored = True
            self._copies[stream] = None
        if restored:
            self._hold_since, self._held_below = now, 0

    def false_alarm(self, now: datetime) -> None:
        """A person says that it is none: it stays learnt, which is the point."""
        del now
        self._copies = dict.fromkeys(self._chains)

    def _maybe_release(self, at: datetime) -> None:
        if self._hold_since is None:
            return
        calm = self._held_below > 2 * HOLD_BINS  # both streams count
        if calm or at - self._hold_since >= RELEARN_AFTER:
            self._hold_since = None

    # ------------------------------------------------------------------------------ judge
    def judge(
        self,
        reading: Reading,
        *,
        at: datetime,
        client: str,
        source: str,
        short: Counts,
        hour: Counts,
        usual: float | None,
        budget: float,
        late: bool = False,
    ) -> Signal | None:
        """Return a signal if a score passes its threshold and the floors are met; notes it."""
        if self.bins < MIN_BINS or not self._may_notify(at):
            return None
        half = threshold(budget / 2)
        stream = Stream.VOLUME if reading.volume >= reading.negative else Stream.NEGATIVE
        net = reading.ratio >= ratio_net(budget / 4)
        calibrated = self.bins * BIN >= CALIBRATED
        if calibrated and reading.score < half and not net:
            return None
        window, counts = _floor_met(short, hour, usual)
        if window is None or counts is None:
            return None
        self._notified_at = at
        signal = Signal(
            client=client,
            source=source,
            at=at,
            stream=stream,
            window=window,
            count=counts.posts,
            authors=counts.authors,
            usual=None if usual is None else usual * (window / HOUR),
            negative=counts.negatives,
            score=reading.score,
            threshold=half,
            late=late,
        )
        return replace(signal, why=_why(signal, usual, calibrated=calibrated))

    def judge_risk(
        self, row: RiskCounts, *, at: datetime, client: str, source: str
    ) -> Signal | None:
        """The path below the floors: grave words of a large account, or of three people."""
        if row.strong_professionals < 1 and row.strong_authors < RISK_AUTHORS:
            return None
        if not self._may_notify(at):
            return None
        self._notified_at = at
        who = (
            "a large or verified account"
            if row.strong_professionals
            else f"{row.strong_authors} people"
        )
        words = ", ".join(row.terms[:3])
        return Signal(
            client=client,
            source=source,
            at=at,
            stream=Stream.RISK,
            window=HOUR,
            count=row.posts,
            authors=row.strong_authors,
            usual=None,
            negative=0,
            score=0.0,
            threshold=0.0,
            why=f"Grave words ({words}) by {who} within 60 min, below the usual floors.",
        )

    def _may_notify(self, at: datetime) -> bool:
        return self._notified_at is None or at - self._notified_at >= RENOTIFY

    # ------------------------------------------------------------------------------ state
    def to_bytes(self) -> bytes:
        """Return the state as a versioned blob."""
        return msgspec.json.encode(
            {
                "version": VERSION,
                "zone": self._zone,
                "chains": {k: asdict(c) for k, c in self._chains.items()},
                "copies": self._copies,
                "copied_at": self._copied_at,
                "hold_since": self._hold_since,
                "held_below": self._held_below,
                "notified_at": self._notified_at,
                "last_hour": self._last_hour,
                "week_mean": self._week_mean,
                "upto": self.upto,
                "bins": self.bins,
            }
        )

    @classmethod
    def from_bytes(cls, blob: bytes) -> "Detector":
        """Return the detector of BLOB; ValueError for another version (feed the rollups again)."""
        state = msgspec.json.decode(blob)
        if state.get("version") != VERSION:
            raise ValueError("another version of the detector's state")
        found = cls(state["zone"])
        found._chains = {Stream(k): Chain(**c) for k, c in state["chains"].items()}
        found._copies = {Stream(k): c for k, c in state["copies"].items()}
        found._copied_at = _time(state["copied_at"])
        found._hold_since = _time(state["hold_since"])
        found._held_below = state["held_below"]
        found._notified_at = _time(state["notified_at"])
        found._last_hour = state["last_hour"]
        found._week_mean = state["week_mean"]
        found.upto = _time(state["upto"])
        found.bins = state["bins"]
        return found


def threshold(budget: float) -> float:
    """Return the score that a quiet keyword passes BUDGET times a week; linear in log budget."""
    return _on_line(THRESHOLDS, budget)


def ratio_net(budget: float) -> float:
    """Return how many times the mean hour is passed BUDGET times a week; a net for huge bursts."""
    return _on_line(RATIO_NETS, budget)


def _on_line(points: Sequence[tuple[float, float]], budget: float) -> float:
    budget = min(max(budget, 0.01), 10.0)
    for (b0, y0), (b1, y1) in itertools.pairwise(points):
        if budget <= b1 or b1 == points[-1][0]:
            share = (math.log(budget) - math.log(b0)) / (math.log(b1) - math.log(b0))
            return y0 + share * (y1 - y0)
    return points[-1][1]


def usual_level(
    hours: Sequence[tuple[datetime, int]],
    at: datetime,
    *,
    history: timedelta,
    zone: str,
    holidays: frozenset[date] = frozenset(),
) -> float | None:
    """Return posts an hour as a rule: the median of this hour of the week over four weeks.

    HOURS are the non-empty hours; an absent one counts as none. With less than two weeks of
    HISTORY it is the mean hour; with less than a day it is not known (None).
    """
    if history < timedelta(days=1):
        return None
    if history < CALIBRATED:
        span = min(history, timedelta(days=28)) / HOUR
        return sum(posts for _, posts in hours) / span
    tz = ZoneInfo(zone)
    here = at.astimezone(tz)
    special = here.date() in holidays
    counts = {h.astimezone(UTC): posts for h, posts in hours}
    top = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    weeks = [top - timedelta(days=7 * w) for w in range(1, 5) if timedelta(days=7 * w) <= history]
    same = [h for h in weeks if (h.astimezone(tz).date() in holidays) == special]
    return float(median(counts.get(h, 0) for h in (same or weeks)))


def _floor_met(
    short: Counts, hour: Counts, usual: float | None
) -> tuple[timedelta | None, Counts | None]:
    """Return the first window whose posts, ratio and authors all pass, the hour first."""
    for window, counts, (posts, ratio, authors) in (
        (HOUR, hour, HOUR_FLOOR),
        (SHORT, short, SHORT_FLOOR),
    ):
        level = max((usual or 0.0) * (window / HOUR), GROUND * (window / HOUR))
        if counts.posts >= posts and counts.authors >= authors and counts.posts >= ratio * level:
            return window, counts
    return None, None


def _why(signal: Signal, usual: float | None, *, calibrated: bool) -> str:
    minutes = signal.window // timedelta(minutes=1)
    level = "usual not known yet"
    if usual is not None:
        level = f"usual {usual * (signal.window / HOUR):.1f}"
    how = "fixed floors: less than two weeks of history"
    if calibrated:
        weeks = 10**signal.score / WEEK_BINS
        rare = f"once in about {weeks:.1f} weeks" if weeks >= 1 else "rarely"
        how = f"such a burst comes {rare} here"
    negative = signal.stream is Stream.NEGATIVE
    what = "negative posts stand out" if negative else "volume stands out"
    after = "; found late, the source was down" if signal.late else ""
    return (
        f"{signal.count} distinct posts by {signal.authors} authors in {minutes} min ({level}), "
        f"{signal.negative} of them negative; {what}, {how}{after}."
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


# ----------------------------------------------------------------------------- whole series
@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A bin of a series that passed the threshold first."""

    at: datetime
    value: float
    score: float
    usual: float
    why: str


def scan(
    rows: Sequence[tuple[datetime, float]],
    budget: float,
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[list[float], list[Alarm]]:
    """Run a count series (start of bin, posts) through the volume chain.

    Returns a score a row, and the alarms: a bin over the threshold, no other within six hours.
    """
    detector = Detector("UTC")
    limit = threshold(budget)
    scores: list[float] = []
    alarms: list[Alarm] = []
    for done, (at, value) in enumerate(rows, start=1):
        reading = detector.update(at, value, 0.0)
        scores.append(reading.volume)
        standing = alarms and at - alarms[-1].at < RENOTIFY
        if reading.volume >= limit and detector.bins > MIN_BINS and not standing:
            weeks = 10**reading.volume / WEEK_BINS
            why = f"{value:g} posts where {reading.expected:.1f} are usual: once in about {weeks:.1f} weeks."
            alarms.append(
                Alarm(at=at, value=value, score=reading.volume, usual=reading.expected, why=why)
            )
        if done % 1000 == 0:
            progress(done, len(rows))
    return scores, alarms
