"""Where to look next on one account: which query deserves the next request. Pure.

Every query bids for the next slot with what a look at it is worth, and what it is worth grows with
the square of the time since the last one: half of rate * a ** 2 is the waiting that its unseen
posts have piled up, and an unseen crisis waits as well. Pages that a full one left unread bid in
the same auction. The state can be rebuilt from rates alone; losing it costs a few minutes.

What makes a query suspect is a cumulative sum (Page, Biometrika 41, 1954) of log-likelihood ratios
over the publish times on its pages, a crisis against a lively hour: every post adds, every minute
of silence takes away. The least crisis is an absolute number of posts, so one post says much on a
keyword that is hardly ever spoken of, and nothing ten quiet minutes later.

Measured with the polling benchmark (200 keywords, 20 requests a minute): a look at silence is worth
0.2 posts a minute as long as a first suspicion (two posts where none are usual) is followed at
once, a crisis that is evident gets no more than its posts are worth until it is over, and unread
pages go before looks.
"""

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

LEAST_WAIT = 0.25  # minutes between two looks at a query
RISE, FALL = 5.0, 30.0  # minutes: how fast the rate now follows what pages show
DAY = 1440.0
CRISIS, NOISE = 8.0, 1.5  # times the usual rate: what suspicion weighs against each other
LEAST_CRISIS, LEAST_NOISE = 0.3, 0.002  # posts a minute, however little is usual
DOUBTFUL, EVIDENT = 6.0, 50.0  # suspicion where a second look pays, and where it adds nothing
MOST_SUSPICION = 54.0
TIRED = 0.05  # what the bids of a query are worth that takes too large a share
PAGE_WORTH = 12.0  # an unread page against a look with as many posts
PAGE_AGE, PAGE_FADE = 10.0, 20.0  # minutes: worth most then; fades after
PAGES_OF_A_GAP = 50
GIVEN_UP = DAY  # minutes: what is older is read no more
LEFTOVER = 0.2  # share of the requests that old gaps get in any case, such as after an outage
SECOND = 1 / 60  # of a minute
QUIET = 0.5  # posts a minute: queries below may share a request
CANDIDATES = 8  # nearest in the heap: their bids are compared exactly


@dataclass(frozen=True, slots=True)
class Manner:
    """How an account divides its requests. Rates in posts a minute."""

    silence: float  # what looking at silence is worth
    boost: float  # how many times more where a crisis is suspected
    power: float  # of the rate: above 1 busy queries count more
    gaps: float  # largest share of recent requests for unread pages
    hog: float  # largest share of recent requests for one query


PLENTY = Manner(silence=0.2, boost=160, power=1.0, gaps=0.9, hog=0.6)
# Less than a look in 20 minutes at each query: no unread pages, and the posts that are seen at all
# come from the busiest queries.
STARVED = Manner(silence=0.25, boost=160, power=1.3, gaps=0.0, hog=0.6)
STARVED_BELOW = 0.05  # requests a minute and query


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: the newest page of a query, or the page of posts older than BEFORE."""

    query: str
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A post on a page."""

    id: str
    at: datetime


class Slots:
    """Evenly spaced slots for requests: RATE a minute; unused ones are saved, at most KEPT.

    More may be taken than are free: the next request waits until they are paid back.
    """

    def __init__(self, rate: float, kept: float) -> None:
        self.rate, self.kept = rate, kept
        self._due = -math.inf

    def free(self, minute: float) -> bool:
        """Whether a request may be sent now."""
        return self.rate > 0 and minute >= self._due - SECOND / 1000

    def take(self, minute: float, slots: int = 1) -> None:
        """Use SLOTS."""
        saved = (self.kept - 1) / self.rate
        self._due = max(self._due, minute - saved) + slots / self.rate


@dataclass(slots=True)
class _Query:
    rate: float  # posts a minute now
    slow: float  # the usual rate
    looked: float  # minute of the last look
    tried: float  # minute of the last look, or of the last try at one
    worth: float = 0.0  # times the square of its age: its bid
    extra: float = 0.0  # posts a minute that an open incident adds
    suspicion: float = 0.0
    evident: bool = False  # it was beyond doubt, and has not been calm since
    newest: float | None = None  # minute of the newest post seen
    share: float = 0.0  # of the recent requests, as of request number `counted`
    counted: int = 0
    entry: int = 0  # number of its valid entry in the heap


@dataclass(slots=True)
class _Gap:
    """A stretch between two looks that no page has shown yet."""

    query: str
    since: float  # minute of the newest post seen before it
    until: float  # minute of the oldest post seen after it
    before: str  # that post's id
    rate: float
    pages: int = 0
    posts: float = field(init=False)
    middle: float = field(init=False)

    def expect(self, page: int) -> None:
        """Guess how many posts the next page of at most PAGE holds, and where their middle is."""
        length = max(self.until - self.since, 0.0)
        self.posts = min(page, max(1.0, self.rate * length))
        self.middle = self.until - min(self.posts / self.rate, length) / 2

    def bid(self, minute: float) -> float:
        age = minute - self.middle
        fade = math.exp(min(0.0, PAGE_AGE - age) / PAGE_FADE)
        return PAGE_WORTH * self.posts * min(age, PAGE_AGE) * fade


class _Picked(NamedTuple):
    """What a slot is to be used for."""

    slots: Slots
    ask: Ask
    gap: _Gap | None
    bid: float  # of the best look


class Policy:
    """The next request of one account. RATE is requests a minute, PAGE posts on a full page.

    A reserve of requests, filled at RESERVE a minute for an hour at most, serves what cannot wait
    for a slot: pages of a burst, and queries where a crisis is suspected.
    """

    def __init__(self, rate: float, page: int, *, kept: float = 1.0, reserve: float = 0.0) -> None:
        self._page = page
        self._slots = Slots(rate, kept)
        self._reserve = Slots(reserve, max(60 * reserve, 1.0))
        self._queries: dict[str, _Query] = {}
        self._gaps: list[_Gap] = []
        self._heap: list[tuple[float, int, str]] = []  # (due, number of the entry, query)
        self._entries = self._requests = 0
        self._level = 1.0  # the bid that wins a slot of late
        self._gap_share = 0.0
        self._under_way: dict[Ask, _Gap | None] = {}

    # ---------------------------------------------------------------------------- queries
    def pace(self, rate: float, *, kept: float, reserve: float) -> None:
        """Take another budget: requests a minute, slots saved, requests a minute in reserve."""
        self._slots.rate, self._slots.kept = rate, kept
        self._reserve.rate, self._reserve.kept = reserve, max(60 * reserve, 1.0)

    @property
    def queries(self) -> frozenset[str]:
        """The queries that are looked at."""
        return frozenset(self._queries)

    def add(self, query: str, rate: float, now: datetime, *, wait: float = 0.0) -> None:
        """Look at QUERY from now on. RATE: posts a minute as a rule; WAIT: minutes seen already."""
        rate = max(rate, 1e-5)
        self._queries[query] = _Query(
            rate, rate, looked=_minute(now) - wait, tried=_minute(now) - wait
        )
        self._value(query)

    def remove(self, query: str) -> None:
        """Look at QUERY no more."""
        self._queries.pop(query, None)
        self._gaps = [g for g in self._gaps if g.query != query]

    def incident(self, query: str, extra: float = 1.0) -> None:
        """Keep QUERY fresh while an incident of it is open: worth EXTRA posts a minute; 0 ends it."""
        self._queries[query].extra = extra
        self._value(query)

    def unread(self, query: str, since: datetime, until: datetime) -> None:
        """Take over a stretch of QUERY that was left unread before a restart."""
        gap = _Gap(query, _minute(since), _minute(until), "", self._queries[query].rate)
        gap.expect(self._page)
        self._gaps.append(gap)

    @property
    def manner(self) -> Manner:
        """How requests are divided at present."""
        starved = self._slots.rate < STARVED_BELOW * len(self._queries)
        return STARVED if starved else PLENTY

    def interval(self, query: str) -> float:
        """Return the minutes between two looks at QUERY, as things stand: what people are told."""
        return max(math.sqrt(self._level / self._queries[query].worth), LEAST_WAIT)

    # ------------------------------------------------------------------------------- slots
    def choose(self, now: datetime) -> Ask | None:
        """Return what to ask now, and take a slot for it; None: nothing, or no slot is free."""
        minute = _minute(now)
        picked = self._pick(minute)
        if picked is None:
            return None
        ask, gap, bid = picked.ask, picked.gap, picked.bid
        if gap is None:
            self._level += 0.01 * (bid - self._level)
        picked.slots.take(minute)
        self._count(ask, of_gap=gap is not None)
        self._under_way[ask] = gap
        return ask

    def ready(self, now: datetime) -> bool:
        """Whether `choose` would find something to ask now."""
        return self._pick(_minute(now)) is not None

    def _pick(self, minute: float) -> "_Picked | None":
        slots = next((s for s in (self._slots, self._reserve) if s.free(minute)), None)
        if slots is None:
            return None
        name, bid = self._look(minute)
        if slots is self._reserve and self._patient(name):
            name, bid = "", -1.0
        gap = self._page_bid(minute, bid)
        if gap is not None:
            return _Picked(slots, Ask(gap.query, gap.before), gap, bid)
        return _Picked(slots, Ask(name), None, bid) if bid >= 0 else None

    def _patient(self, name: str) -> bool:
        """Whether a look at NAME can wait for its slot."""
        if not name:
            return True
        query = self._queries[name]
        return query.evident or query.suspicion < DOUBTFUL

    def _look(self, minute: float) -> tuple[str, float]:
        """Return the query whose look is worth most, with its bid; -1: none may be looked at."""
        near: list[tuple[float, str]] = []
        while self._heap and len(near) < CANDIDATES:
            _, entry, name = heapq.heappop(self._heap)
            query = self._queries.get(name)
            if query is not None and query.entry == entry:
                age = minute - query.tried
                free = age >= LEAST_WAIT and Ask(name) not in self._under_way
                near.append((query.worth * age * age * self._patience(query) if free else -1, name))
        for _, name in near:
            self._push(name)
        bid, name = max(near, default=(-1.0, ""))
        return name, bid

    def _page_bid(self, minute: float, other: float) -> _Gap | None:
        """Return the unread page that is worth more than a look that bids OTHER."""
        if not self._gaps or self._gap_share >= self.manner.gaps:
            return None
        oldest = minute - GIVEN_UP
        busy = {id(gap) for gap in self._under_way.values()}
        self._gaps = [g for g in self._gaps if g.middle > oldest or id(g) in busy]
        bids = [
            (gap.bid(minute) * self._patience(self._queries[gap.query]), i)
            for i, gap in enumerate(self._gaps)
            if id(gap) not in busy
        ]
        best, i = max(bids, default=(-1.0, -1))
        if i >= 0 and (best > other or self._gap_share < LEFTOVER):
            return self._gaps[i]
        return None

    def _patience(self, query: _Query) -> float:
        """No query takes it all: beyond its share its bids count little."""
        share = query.share * 0.995 ** (self._requests - query.counted)
        return TIRED if share > self.manner.hog else 1.0

    def _count(self, ask: Ask, *, of_gap: bool) -> None:
        query = self._queries[ask.query]
        self._requests += 1
        query.share = query.share * 0.995 ** (self._requests - query.counted) + 0.005
        query.counted = self._requests
        self._gap_share = 0.98 * self._gap_share + 0.02 * of_gap

    # ----------------------------------------------------------------------------- answers
    def failed(self, ask: Ask, now: datetime) -> None:
        """ASK got no answer: the slot is spent, and the query waits as after a look."""
        self._under_way.pop(ask, None)
        query = self._queries.get(ask.query)
        if query is not None and ask.before is None:
            query.tried = _minute(now)
            self._push(ask.query)

    def observe(
        self,
        ask: Ask,
        now: datetime,
        posts: Sequence[Seen],
        *,
        full: bool,
        requests: int = 1,
    ) -> None:
        """Take what ASK brought: POSTS newest first; FULL: older ones, not seen
        before, were left unread.

        REQUESTS: how many it took; those beyond the first are paid back.
        """
        if requests > 1 and self._slots.rate > 0:
            self._slots.take(_minute(now), requests - 1)
        gap = self._under_way.pop(ask, None)
        query = self._queries.get(ask.query)
        if query is None:
            return  # removed meanwhile
        if gap is not None:
            self._narrow(gap, posts, full=full)
        elif ask.before is None:
            self._learn(ask.query, query, _minute(now), posts, full=full)

    def _learn(
        self, name: str, query: _Query, minute: float, posts: Sequence[Seen], *, full: bool
    ) -> None:
        age = max(minute - query.looked, 1e-3)
        since = query.looked if query.newest is None else query.newest
        times = [_minute(post.at) for post in posts]
        new = [t for t in reversed(times) if t > since]
        seen = len(new) / age
        if full and times:
            seen = self._page / max(minute - times[-1], 1e-3)
            span = max(times[0] - times[-1], 1e-3)
            gap = _Gap(name, since, times[-1], posts[-1].id, self._page / span)
            gap.expect(self._page)
            self._gaps.append(gap)
        if times:
            query.newest = max(times[0], since)
        self._follow(query, seen, age)
        self._suspect(query, new, since=times[-1] if full and times else query.looked, now=minute)
        query.looked = query.tried = minute
        self._value(name)

    @staticmethod
    def _follow(query: _Query, seen: float, age: float) -> None:
        """Let the rates follow SEEN posts a minute, as it was for AGE minutes."""
        tau = RISE if seen > query.rate else FALL
        rate = query.rate + (1 - math.exp(-age / tau)) * (seen - query.rate)
        query.rate = max(rate, 0.02 * query.slow + 1e-5)
        calm = min(seen, 5 * query.slow + 0.05)
        query.slow += (1 - math.exp(-age / DAY)) * (calm - query.slow)

    @staticmethod
    def _suspect(query: _Query, new: Sequence[float], *, since: float, now: float) -> None:
        """Let suspicion follow the times of NEW posts, oldest first.

        Whether it was silent before SINCE is not known.
        """
        noise = NOISE * query.slow + LEAST_NOISE
        crisis = max(CRISIS * query.slow, LEAST_CRISIS)
        weight, drain = math.log(crisis / noise), crisis - noise
        level, at = query.suspicion, since
        for time in new:
            level = max(0.0, level - drain * max(time - at, 0.0)) + weight
            at = max(at, time)
        query.evident = query.evident or level >= EVIDENT
        level = min(level, MOST_SUSPICION) - drain * max(now - at, 0.0)
        query.suspicion = max(level, 0.0)
        query.evident = query.evident and query.suspicion > 0

    def _narrow(self, gap: _Gap, posts: Sequence[Seen], *, full: bool) -> None:
        """Take a page off GAP; close it when it is read, or long enough."""
        gap.pages += 1
        if not full or not posts or gap.pages >= PAGES_OF_A_GAP:
            self._close(gap)
            return
        oldest = min(_minute(posts[-1].at), gap.until)
        gap.rate = self._page / max(gap.until - oldest, 1e-3)
        gap.before, gap.until = posts[-1].id, oldest
        gap.expect(self._page)

    def _close(self, gap: _Gap) -> None:
        self._gaps = [g for g in self._gaps if g is not gap]

    # ------------------------------------------------------------------------------- worth
    def _value(self, name: str) -> None:
        """Say what looks at a query are worth, and when the next one is due."""
        query, manner = self._queries[name], self.manner
        doubt = _logistic(query.suspicion - DOUBTFUL) - _logistic(-DOUBTFUL)
        silence = manner.silence * (1 + manner.boost * (0.0 if query.evident else doubt))
        query.worth = query.rate**manner.power + query.extra + silence
        self._push(name)

    def _push(self, name: str) -> None:
        """Enter when the bid of a query reaches what wins a slot of late."""
        query = self._queries[name]
        worth = query.worth * self._patience(query)
        self._entries += 1
        query.entry = self._entries
        due = query.tried + max(math.sqrt(self._level / worth), LEAST_WAIT)
        heapq.heappush(self._heap, (due, query.entry, name))


def grouped(rates: Mapping[str, float], size: int) -> tuple[tuple[str, ...], ...]:
    """Return queries that cover all keywords of RATES (posts a minute), at most SIZE in each.

    Where a source knows OR, quiet keywords share a request; busy ones are asked for alone. One
    keyword each with SIZE 1. Measured with groups of ten: a limit of 0.5 posts a minute has a
    third less delay and a quarter less excess than one of 0.05.
    """
    alone = [k for k, rate in rates.items() if size < 2 or rate >= QUIET]
    busy = frozenset(alone)
    rest = sorted((k for k in rates if k not in busy), key=lambda k: -rates[k])
    groups: Iterable[tuple[str, ...]] = (
        tuple(rest[i : i + size]) for i in range(0, len(rest), size)
    )
    return (*((k,) for k in alone), *groups)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _minute(at: datetime) -> float:
    return at.timestamp() / 60
