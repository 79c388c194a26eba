"""From a score to a signal: threshold, floors, refractory time, reasons. Pure."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from watchers.detect.chain import RISE
from watchers.detect.level import WEEK_BINS
from watchers.detect.threshold import shared_threshold
from watchers.detect.usual import Usual
from watchers.model import Signal, Stream

SHORT = timedelta(minutes=15)
HOUR = timedelta(hours=1)
MIN_BINS = 288  # known bins before any spike signal: 24 h
CALIBRATED_BINS = 2 * WEEK_BINS  # before, the floors decide: any rise is enough
STREAMS = (Stream.VOLUME, Stream.NEGATIVE)
RENOTIFY = timedelta(hours=6)  # a standing condition is told again
RISK_AUTHORS = 3
GROUND = 1.0  # the divisor of a ratio is at least one post an hour
SPREAD, SPREAD_RATIO = 30, 2.0  # people who repeat one post within an hour
LEAST_POSTS = 6  # below this, no floor can be met


class Counts(Protocol):
    """Counts of a window, as the store gives them: distinct posts, clusters counted once."""

    @property
    def posts(self) -> int: ...
    @property
    def authors(self) -> int: ...
    @property
    def negatives(self) -> int: ...
    @property
    def negative_authors(self) -> int: ...


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


class Scored(Protocol):
    """A reading of the detector."""

    @property
    def bins(self) -> int: ...
    @property
    def clean(self) -> bool: ...
    @property
    def planned(self) -> bool: ...
    def of(self, stream: Stream) -> tuple[float, int | None]: ...


@dataclass(frozen=True, slots=True)
class Floor:
    """What a window must hold at least, all three; nothing speaks below five authors anyway.

    Either of all posts or, where the negative ones rise, of those alone: twenty bad posts where
    four are usual are a crisis of a busy brand too, whose posts as a whole hardly grow by them.
    """

    window: timedelta
    posts: int
    ratio: float  # times the usual
    authors: int

    def met(self, posts: int, authors: int, usual: float | None) -> bool:
        """Whether POSTS by AUTHORS pass, with USUAL posts an hour."""
        level = max(usual or 0.0, GROUND) * (self.window / HOUR)
        enough = posts >= self.posts and authors >= self.authors
        return enough and posts >= self.ratio * level


FLOORS = (Floor(HOUR, 10, 3.0, 6), Floor(SHORT, LEAST_POSTS, 5.0, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A notification: when, and of which excursion."""

    at: datetime
    excursion: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A reading that passed, with the figures it passed on."""

    stream: Stream
    score: float
    threshold: float
    floor: Floor
    counts: Counts
    usual: Usual
    calibrated: bool
    mood: bool  # the negative posts alone pass the floor, all of them do not

    def signal(self, *, client: str, source: str, at: datetime, late: bool) -> Signal:
        """Return the signal, with its reasons in one sentence."""
        window = self.floor.window
        return Signal(
            client=client,
            source=source,
            at=at,
            stream=self.stream,
            window=window,
            count=self.counts.posts,
            authors=self.counts.authors,
            usual=None if self.usual.posts is None else self.usual.posts * (window / HOUR),
            negative=self.counts.negatives,
            score=self.score,
            threshold=self.threshold,
            late=late,
            why=self._why(late=late),
        )

    def _why(self, *, late: bool) -> str:
        counts, minutes = self.counts, self.floor.window // timedelta(minutes=1)
        who = f"{counts.posts} distinct posts by {counts.authors} authors in {minutes} min"
        mood = f"({self._compared(counts.posts, self.usual.posts)}), {counts.negatives} of them "
        mood += "negative"
        if self.mood:
            mood += f" ({self._compared(counts.negatives, self.usual.negatives)})"
        how = "with less than two weeks of history fixed floors decide"
        if self.calibrated:
            how = rarity(self.score, self.stream)
        return f"{who} {mood}; {how}{'; found late, the source was down' if late else ''}."

    def _compared(self, count: int, usual: float | None) -> str:
        if usual is None:
            return "usual not known yet"
        if usual < GROUND:
            return "usual: under one an hour"
        share = self.floor.window / HOUR
        ratio = count / (usual * share)
        return f"{ratio:.1f} times the usual, which is {usual * share:.1f}"


def judge(
    reading: Scored, *, short: Counts, hour: Counts, usual: Usual, budget: float
) -> Finding | None:
    """Return what READING has to say within BUDGET alerts a week; None: nothing."""
    if reading.bins < MIN_BINS or not reading.clean or reading.planned:
        return None
    calibrated = reading.bins >= CALIBRATED_BINS
    over = [
        (score - limit, stream, score, limit)
        for stream in STREAMS
        for score, limit in [(reading.of(stream)[0], shared_threshold(budget, stream))]
        if score >= limit
    ]
    rises = bool(over) if calibrated else max(reading.of(s)[0] for s in STREAMS) >= RISE
    windows = tuple(zip(FLOORS, (hour, short), strict=True))
    bad = [row for row in over if row[1] is Stream.NEGATIVE and calibrated]
    passed = [(f, c, False) for f, c in windows if f.met(c.posts, c.authors, usual.posts)]
    if bad:
        passed += [
            (f, c, True)
            for f, c in windows
            if f.met(c.negatives, c.negative_authors, usual.negatives)
        ]
    if not passed or not rises:
        return None
    floor, counts, mood = passed[0]
    _, stream, score, limit = max(bad if mood else over, default=(0.0, Stream.VOLUME, 0.0, 0.0))
    return Finding(
        stream=stream,
        score=score,
        threshold=limit,
        floor=floor,
        counts=counts,
        usual=usual,
        calibrated=calibrated,
        mood=mood,
    )


def may_tell(told: Told | None, excursion: int | None, at: datetime) -> bool:
    """Whether a notification of EXCURSION is news: once each, a standing one again after 6 h."""
    if told is None or at - told.at >= RENOTIFY:
        return True
    return excursion is not None and excursion != told.excursion


def grave(row: RiskCounts) -> bool:
    """Whether strong words come from a large account, or from three independent people."""
    return row.strong_professionals > 0 or row.strong_authors >= RISK_AUTHORS


def risk_signal(row: RiskCounts, *, at: datetime, client: str, source: str) -> Signal:
    """Return the signal of grave words below the floors."""
    who = f"{row.strong_authors} people"
    if row.strong_professionals:
        who = "a large or verified account"
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
        why=f"Grave words ({words}) by {who} in {row.posts} posts within 60 min, below the floors.",
    )


class SpreadCounts(Protocol):
    """How one post is repeated, as the store gives it."""

    @property
    def cluster(self) -> str: ...
    @property
    def people(self) -> int: ...
    @property
    def posts(self) -> int: ...
    @property
    def negatives(self) -> int: ...


def least_spread(usual: float | None, budget: float) -> int:
    """Return the people an hour who must repeat one post before that is a signal of its own.

    30 at a quarter of an alert a week, more where fewer are accepted, and twice the USUAL posts an
    hour at least: a large brand is always repeated. On recorded repost cascades 30 people come
    within 2 to 20 minutes where 100 come in the first hour.
    """
    return math.ceil(max(SPREAD * math.sqrt(0.25 / budget), SPREAD_RATIO * (usual or 0.0)))


def spread_signal(
    row: SpreadCounts, *, at: datetime, client: str, source: str, usual: float | None, late: bool
) -> Signal:
    """Return the signal of one post that many people repeat."""
    words = f", {row.negatives} of their posts negative" if row.negatives else ""
    compared = "usual not known yet" if usual is None else f"usual {usual:.1f} distinct posts"
    return Signal(
        client=client,
        source=source,
        at=at,
        stream=Stream.SPREAD,
        window=HOUR,
        count=max(row.posts, row.people),
        authors=row.people,
        usual=usual,
        negative=row.negatives,
        score=0.0,
        threshold=0.0,
        late=late,
        why=f"One post spreads: repeated by {row.people} people within 60 min ({compared}){words}"
        f"{'; found late, the source was down' if late else ''}.",
    )


def rarity(score: float, stream: Stream) -> str:
    """Say how rare a rise of SCORE is, in words."""
    what = "negative posts rise like this" if stream is Stream.NEGATIVE else "posts rise like this"
    weeks = 10**score / WEEK_BINS
    if weeks > 52:
        return f"{what} less than once a year here"
    if weeks >= 2:
        return f"{what} once in about {weeks:.0f} weeks here"
    return f"{what} once in about {max(weeks * 7, 1):.0f} days here"
