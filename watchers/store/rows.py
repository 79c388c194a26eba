"""What the store gives back beside the words of the project. Frozen values, times in UTC."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watchers.model import Alert, AlertKind, Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute of a client at a source, by publish time. A minute without posts has no row."""

    at: datetime
    posts: int  # distinct: the first of each cluster, in its author's own words
    negatives: int  # of `posts`
    raw: int  # all that speak of the client, reposts and quotations too


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of a client at a source; counts as in a Minute. A silent hour has no row."""

    at: datetime
    posts: int
    negatives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Counts of a client in a stretch of publish time; all but `raw` of distinct posts."""

    posts: int
    raw: int
    authors: int
    negatives: int
    negative_authors: int  # distinct authors of `negatives`
    professionals: int  # distinct authors who are verified or have 100,000 followers


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTally:
    """How much of a stretch speaks of one crisis type; counted over distinct posts."""

    type: str
    posts: int
    strong: int  # posts with a word that suffices alone
    authors: int
    strong_authors: int
    strong_professionals: int
    terms: tuple[str, ...]  # the words that led to it, most frequent first


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A post that people repeat: how many did in a stretch, and how many were seen to."""

    lead: Quote
    cluster: str
    people: int  # authors of the stretch, or reposts an hour by the source's own count
    posts: int  # stored of the stretch, the first one included
    negatives: int  # of `posts`: those who add words of their own, and copies


class RowState(StrEnum):
    """Where a row of the outbox stands."""

    NEW = "new"  # to be sent when due
    SENDING = "sending"  # claimed: a call may be under way
    SENT = "sent"
    UNKNOWN = "unknown"  # sent or not: to be looked for
    FAILED = "failed"  # given up


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """Something to be told, and how far that has come."""

    id: int
    key: str  # unique: what is told, not when
    kind: AlertKind
    channel: str  # where it goes; of a root that was moved, where it is
    incident: int | None
    alert: Alert
    want_rev: int  # the revision of the incident that is to be shown
    sent_rev: int | None  # the one that is shown; None: nothing yet
    state: RowState
    ts: str | None  # of the message; None: not known to be posted
    parent_ts: str | None  # of the root, for what goes into its thread
    attempts: int  # claims since it was last sent
    first_try_at: datetime | None  # the first of these
    next_at: datetime  # not before
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """Who did what."""

    at: datetime
    who: str
    what: str
    client: str | None
    incident: int | None
    detail: str
