"""One client at one source: two streams, bin by bin, and what was told of them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

import msgspec

from watchers.detect import judge as judging
from watchers.detect.chain import FEW_LEAD, Chain, Look
from watchers.detect.days import Days, plain_days
from watchers.detect.keeping import Keeping, Ledger
from watchers.detect.level import HOURS, WEEK_BINS
from watchers.detect.usual import Usual
from watchers.model import Signal, Stream

BIN = timedelta(minutes=5)
VERSION = 3
STREAMS = judging.STREAMS
HOLD_BINS = 24  # calm bins (2 h) after which a confirmed crisis is over
HOLD_LONGEST = timedelta(hours=24)  # then a lasting new level is learnt after all
KEEP_COPY = timedelta(hours=48)  # a confirmation later than that undoes nothing
CLEAN_BINS = 3  # known bins in a row (15 min) after a gap before anything is believed
SPREAD_KEPT = timedelta(days=7)  # that a post spreads is remembered as told
LEAST_SHARE = 0.05  # of a bin: less of it says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one bin says. Scores are comparable over all keywords."""

    at: datetime  # end of the bin, or of the part that was judged
    volume: float  # a burst this large comes once in about 10 ** volume bins; 0: ordinary
    negative: float
    expected: float  # posts to expect in the bin, or in the part that was judged
    volume_excursion: int | None = None  # number of the rise that the bin belongs to
    negative_excursion: int | None = None
    bins: int = 0  # known bins so far
    clean: bool = True  # no gap in the last 15 min
    planned: bool = False  # a campaign of the client runs

    @property
    def score(self) -> float:
        """The larger of both."""
        return max(self.volume, self.negative)

    @property
    def weeks(self) -> float:
        """Weeks from one rise like this to the next, as a rule."""
        return 10**self.score / WEEK_BINS

    def of(self, stream: Stream) -> tuple[float, int | None]:
        """Return score and excursion of STREAM."""
        if stream is Stream.NEGATIVE:
            return self.negative, self.negative_excursion
        return self.volume, self.volume_excursion


@dataclass(slots=True)
class Side:
    """A stream: its chain, and the copy that a confirmation goes back to."""

    chain: Chain = field(default_factory=Chain)
    before: Chain | None = None  # as it was when the last excursion opened
    before_at: datetime | None = None
    held_since: datetime | None = None  # a confirmed crisis runs: nothing is learnt
    worn: bool = False  # held for as long as allowed; a new hold needs 2 h of calm first

    def take(
        self, count: float, slot: int, at: datetime, *, planned: bool
    ) -> tuple[Look, float, int | None]:
        """Take the bin of SLOT that begins AT; return what it says. What is PLANNED is not learnt."""
        chain = self.chain
        chain.level.begin(count)
        chain.level.enter(slot)
        look = chain.look(count, slot)
        score, number = chain.score(look), chain.excursion_of(look)
        if number is not None and number > chain.excursion:
            self.before, self.before_at = chain.copy(), at
        chain.follow(look)
        self._maybe_release(at)
        if self.held_since is None and not planned:
            chain.learn(look, count, slot)
        return look, score, number

    def confirm(self, now: datetime) -> None:
        if self.before is None or self.before_at is None or self.held_since or self.worn:
            return
        if now - self.before_at <= KEEP_COPY:
            self.chain.undo(self.before)
        self.before, self.held_since = None, now

    def drop(self, until: datetime) -> None:
        """What began by UNTIL was none: it stays learnt."""
        if self.before_at is not None and self.before_at <= until:
            self.before, self.held_since = None, None

    def _maybe_release(self, at: datetime) -> None:
        calm = self.chain.calm >= HOLD_BINS
        aged = self.held_since is not None and at - self.held_since >= HOLD_LONGEST
        self.worn = (self.worn or aged) and not calm
        if calm or aged:
            self.held_since = None


def _sides() -> dict[Stream, Side]:
    """Return new streams. What jumps in the negative one is mostly a joke or a bad hour."""
    return {Stream.VOLUME: Side(), Stream.NEGATIVE: Side(chain=Chain(lead=FEW_LEAD))}


@dataclass(slots=True)
class State:
    """All that must survive a restart; it can be rebuilt by feeding the rollups again."""

    zone: str
    version: int = VERSION
    upto: datetime | None = None
    bins: int = 0
    clean: int = CLEAN_BINS  # known bins in a row
    sides: dict[Stream, Side] = field(default_factory=_sides)
    told: dict[str, judging.Told] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)


Window = tuple[datetime, datetime]


class Detector:
    """Turns the counts of one client at one source into scores and signals.

    DAYS tells what the days of ZONE are like. CAMPAIGNS are (start, end) of what the client has
    planned: then nothing is learnt, and no signal is given but that of grave words. They are not
    part of the state and may be replaced at any time.
    """

    def __init__(
        self,
        zone: str = "Asia/Shanghai",
        *,
        days: Days = plain_days,
        campaigns: Sequence[Window] = (),
    ) -> None:
        self._state = State(zone=zone)
        self._tz = ZoneInfo(zone)
        self._days = days
        self.campaigns = tuple(campaigns)
        self._news: dict[Signal, tuple[str, judging.Told]] = {}  # given, not yet told

    @property
    def upto(self) -> datetime | None:
        """End of the last bin fed, known or not."""
        return self._state.upto

    @property
    def bins(self) -> int:
        """Known bins so far."""
        return self._state.bins

    # ------------------------------------------------------------------------------- bins
    def update(self, at: datetime, count: float | None, negatives: float | None) -> Reading:
        """Take the closed bin that begins AT; None: unknown, time moves on and nothing else."""
        state, slot = self._state, self._slot(at)
        state.upto = at + BIN
        if count is None or negatives is None:
            for side in state.sides.values():
                side.chain.level.enter(slot)
            state.clean = 0
            return Reading(
                at=at + BIN, volume=0.0, negative=0.0, expected=0.0, bins=state.bins, clean=False
            )
        state.bins += 1
        state.ledger.pass_bin(at)
        planned = self._planned(at)
        state.clean = min(state.clean + 1, CLEAN_BINS)
        volume, negative = (
            state.sides[stream].take(x, slot, at, planned=planned)
            for stream, x in zip(STREAMS, (count, negatives), strict=True)
        )
        if planned and volume[2] is not None:  # after the campaign it is no news for a while
            state.told[Stream.VOLUME] = judging.Told(at=at + BIN, excursion=volume[2])
        return self._reading(at + BIN, volume, negative, planned=planned)

    def peek(self, at: datetime, share: float, count: float, negatives: float) -> Reading:
        """Judge the bin that begins AT, of which SHARE (0 to 1) is gone; nothing is stored.

        A look each minute sees a crisis 2 to 4 min sooner and costs hardly a notification more
        (detection benchmark).
        """
        slot, share = self._slot(at), min(max(share, LEAST_SHARE), 1.0)
        found = []
        for stream, x in zip(STREAMS, (count, negatives), strict=True):
            chain = self._state.sides[stream].chain
            look = chain.look(x, slot, share)
            found.append((look, chain.score(look), chain.excursion_of(look)))
        return self._reading(at + BIN * share, *found, planned=self._planned(at))

    def _reading(
        self,
        at: datetime,
        volume: tuple[Look, float, int | None],
        negative: tuple[Look, float, int | None],
        *,
        planned: bool,
    ) -> Reading:
        return Reading(
            at=at,
            volume=volume[1],
            negative=negative[1],
            expected=volume[0].expected,
            volume_excursion=volume[2],
            negative_excursion=negative[2],
            bins=self._state.bins,
            clean=self._state.clean >= CLEAN_BINS,
            planned=planned,
        )

    def _slot(self, at: datetime) -> int:
        here = at.astimezone(self._tz)
        return here.hour + HOURS * self._days(here.date())

    def _planned(self, at: datetime) -> bool:
        """Whether a campaign runs at some time of the bin that begins AT."""
        return any(start < at + BIN and at < end for start, end in self.campaigns)

    # ----------------------------------------------------------------------------- people
    def confirm(self, now: datetime) -> None:
        """A person says that it is real: undo what the rise taught, learn no more until 2 h of calm.

        May be said again and again; what ran for 24 h is learnt after all.
        """
        for side in self._state.sides.values():
            side.confirm(now)
        self._state.ledger.confirm(now)

    def false_alarm(self, now: datetime, *, opened: datetime | None = None) -> None:
        """A person says of the incident that OPENED then that it is none: the rise stays learnt.

        May be said again and again where OPENED is given: a later rise is not touched.
        """
        for side in self._state.sides.values():
            side.drop(opened or now)

    def release(self) -> None:
        """Learn again at once, whatever was confirmed."""
        for side in self._state.sides.values():
            side.held_since = None

    @property
    def holding(self) -> bool:
        """Whether a confirmed crisis keeps a stream from learning."""
        return any(side.held_since is not None for side in self._state.sides.values())

    # ------------------------------------------------------------------------------ judge
    def judge(
        self,
        reading: Reading,
        *,
        at: datetime,
        client: str,
        source: str,
        short: judging.Counts,
        hour: judging.Counts,
        usual: Usual,
        budget: float,
        late: bool = False,
    ) -> Signal | None:
        """Return a signal if READING passes a threshold and the floors and is news.

        It counts as told once `tell` says so: a rise that nobody minds may be minded later. SHORT
        and HOUR are the counts of the 15 and 60 minutes before AT, USUAL what an hour holds as a
        rule, BUDGET the alerts accepted a week.
        """
        found = judging.judge(reading, short=short, hour=hour, usual=usual, budget=budget)
        if found is None:
            return None
        _, excursion = reading.of(found.stream)
        if not judging.may_tell(self._state.told.get(found.stream), excursion, at):
            return None
        signal = found.signal(client=client, source=source, at=at, late=late)
        self._news[signal] = (found.stream, judging.Told(at=at, excursion=excursion))
        return signal

    def judge_risk(
        self, row: judging.RiskCounts, *, at: datetime, client: str, source: str
    ) -> Signal | None:
        """The path below the floors: grave words of a large account, or of three people.

        ROW counts the last 60 minutes for one crisis type that starts at S1.
        """
        key = f"{Stream.RISK}:{row.type}"
        if not judging.grave(row) or not judging.may_tell(self._state.told.get(key), None, at):
            return None
        signal = judging.risk_signal(row, at=at, client=client, source=source)
        self._news[signal] = (key, judging.Told(at=at, excursion=None))
        return signal

    def judge_spread(
        self,
        row: judging.SpreadCounts,
        *,
        at: datetime,
        client: str,
        source: str,
        usual: float | None,
        budget: float,
        late: bool = False,
    ) -> Signal | None:
        """Return a signal where enough people repeat one post, which the counts take for one.

        ROW counts the last 60 minutes, USUAL the distinct posts of an hour as a rule. As with
        bursts nothing is said on the first day of a client, and within a campaign.
        """
        few = row.people < judging.least_spread(usual, budget)
        if few or self._state.bins < judging.MIN_BINS or self._planned(at - BIN):
            return None
        key = f"{Stream.SPREAD}:{row.cluster}"
        if not judging.may_tell(self._state.told.get(key), None, at):
            return None
        signal = judging.spread_signal(
            row, at=at, client=client, source=source, usual=usual, late=late
        )
        self._news[signal] = (key, judging.Told(at=at, excursion=None))
        return signal

    def tell(self, signals: Iterable[Signal]) -> None:
        """People were told of SIGNALS; the other news since the last call is forgotten."""
        for signal in signals:
            if signal in self._news:
                key, told = self._news[signal]
                self._state.told[key] = told
                if signal.stream is not Stream.RISK:
                    self._state.ledger.tell(told.at)
        self._news.clear()
        if self._state.upto is not None:
            old = self._state.upto - SPREAD_KEPT
            self._state.told = {
                key: told
                for key, told in self._state.told.items()
                if told.at >= old or not key.startswith(Stream.SPREAD)
            }

    @property
    def told(self) -> Mapping[str, judging.Told]:
        """What was told last, by stream ("volume", "negative", "risk:" and the crisis type)."""
        return self._state.told

    def keeping(self, budget: float, now: datetime) -> Keeping:
        """Return how well BUDGET, signals a week that are accepted, was kept to up to NOW."""
        return self._state.ledger.keeping(budget, now)

    # ------------------------------------------------------------------------------ state
    def to_bytes(self) -> bytes:
        """Return the state, some 5 kB; `from_bytes` takes it back."""
        return msgspec.msgpack.encode(self._state)

    @classmethod
    def from_bytes(
        cls, blob: bytes, *, days: Days = plain_days, campaigns: Sequence[Window] = ()
    ) -> Self:
        """Return the detector of BLOB.

        ValueError where it is not a state of this version: feed the rollups to a new one then.
        """
        try:
            state = msgspec.msgpack.decode(blob, type=State)
        except msgspec.MsgspecError as error:
            raise ValueError("not a detector's state, or one of another version") from error
        if state.version != VERSION:
            raise ValueError(f"a detector's state of version {state.version}, not {VERSION}")
        found = cls(state.zone, days=days, campaigns=campaigns)
        found._state = state
        return found
