"""What every source offers, and what the registry says of it. Knows no source by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from watchers.budget import Budget, least
from watchers.errors import BadSetting
from watchers.http import Http
from watchers.model import Outcome, Page, Reach, Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What an operator should know before a source is used."""

    terms: str  # what the source's terms allow, in our words
    attribution: str  # how the origin is named beside a post
    cost_unit: str  # what one request costs
    min_interval: timedelta  # between two rounds of one query
    terms_class: str  # official | contract | public-feed | public-web | provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A word that people always speak of, and how often it is asked for (sources.md 3.5).

    A source that has nothing new of it is broken, whatever else it answers. Without a WORD the
    connection test proves as much.
    """

    word: str
    every: timedelta


class Source(Protocol):
    """A place that posts come from. Nothing that it does makes `search` or `check` raise."""

    @property
    def name(self) -> str:
        """The registry name; it stands in every post."""

    @property
    def title(self) -> str:
        """The name people know."""

    @property
    def every(self) -> timedelta:
        """How long between two rounds of a query, as a rule."""

    @property
    def overlap(self) -> timedelta:
        """How far behind the watermark a round reads again: indexes lag, pages drift."""

    @property
    def lag(self) -> timedelta:
        """How long a post takes into the source's index, as a rule: what is newer may miss."""

    @property
    def freshness(self) -> timedelta:
        """A source whose newest post of a common word is older than this answers stale."""

    @property
    def page_size(self) -> int:
        """Posts on a full page."""

    @property
    def deep(self) -> bool:
        """Can older pages be asked for? Where not, what a round missed stays unknown."""

    @property
    def canary(self) -> Canary | None:
        """What proves that it still works; None: each of its rounds does, by itself."""

    @property
    def together(self) -> int:
        """How many words one query may hold, joined by OR; 1: the source knows no such thing."""

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What is counted against the account's limits, and is kept over a restart."""

    def allowance(self, now: datetime) -> float | None:
        """Requests a minute that the account's limits still allow; None: no limit is known."""

    def left(self, now: datetime) -> tuple[str, ...]:
        """Say what is left of the account's limits, one sentence each."""

    @property
    def feeds(self) -> tuple[str, ...]:
        """Queries of its own, read whole and matched here; empty: it is asked clients' words."""

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read one round of QUERY from the newest post back to SINCE, or as far as REACH says."""

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Test the connection: how it went, and a sentence for people."""

    def describe(self) -> Description:
        """Say what an operator should know."""


WEATHER = "天气"  # people always speak of it
OR = " OR "  # between the words of one query, where a source knows it


class Limited:
    """What a source says of its limits where all of them are budgets that one request counts in."""

    budgets: tuple[Budget, ...]
    together = 1
    canary: Canary | None = None

    def allowance(self, now: datetime) -> float | None:
        """Requests a minute: what is left of each budget, spread over the rest of its period."""
        return least(*(budget.rate(now) for budget in self.budgets))

    def left(self, now: datetime) -> tuple[str, ...]:
        """Say what is left of each budget."""
        return tuple(filter(None, (budget.left(now) for budget in self.budgets)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A variable of the environment that a source reads."""

    name: str
    meaning: str
    required: bool = False
    default: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One line of the registry: how to set a source up and how to build it."""

    name: str
    title: str
    terms: str  # what the source's terms allow, in our words
    cost: str  # what it costs, and how much by default
    settings: tuple[Setting, ...]
    make: Callable[[Http, Mapping[str, str]], Source]

    def read(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Return those of SETTINGS that are this source's."""
        return {s.name: settings.get(s.name, "").strip() for s in self.settings}

    def missing(self, settings: Mapping[str, str]) -> tuple[str, ...]:
        """Return the required settings that are not given."""
        return tuple(
            s.name for s in self.settings if s.required and not settings.get(s.name, "").strip()
        )

    def ready(self, settings: Mapping[str, str]) -> bool:
        """Is the source set up?"""
        return not self.missing(settings)


def whole_number(
    settings: Mapping[str, str], name: str, default: int | None, *, least: int = 0
) -> int | None:
    """Return the setting NAME as a number of at least LEAST, or DEFAULT; raises BadSetting."""
    text = settings.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < least:
        where = f"{name}={text[:20]}: give a whole number, {least} or more"
        raise BadSetting(where)
    return int(text)


def interval(settings: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    """Return the setting NAME, in seconds, as a time; raises BadSetting."""
    seconds = whole_number(settings, name, None, least=1)
    return default if seconds is None else timedelta(seconds=seconds)


def canary_settings(prefix: str, *, hours: int = 1, word: str = WEATHER) -> tuple[Setting, ...]:
    """Return the settings of the canary of the source whose settings begin with PREFIX."""
    return (
        Setting(
            name=f"{prefix}_CANARY",
            meaning="a word that always has fresh posts: finds out whether search still works; off: none",
            default=word,
        ),
        Setting(
            name=f"{prefix}_CANARY_EVERY",
            meaning="seconds between two of these searches, which count against the limits",
            default=str(hours * 3600),
        ),
    )


def read_canary(
    settings: Mapping[str, str], prefix: str, *, hours: int = 1, word: str = WEATHER
) -> Canary | None:
    """Return the canary that SETTINGS ask for; None: it is off. Raises BadSetting."""
    word = settings.get(f"{prefix}_CANARY", "").strip() or word
    every = interval(settings, f"{prefix}_CANARY_EVERY", timedelta(hours=hours))
    return None if word.lower() == "off" else Canary(word=word, every=every)
