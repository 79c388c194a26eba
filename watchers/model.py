"""The words of the project: frozen values that travel from stage to stage.

search -> Post -> match -> Mention -> score -> Scored -> record -> detect -> Signal
-> decide -> Decision(reason, Incident, Alert, Event) -> outbox.

Times are aware datetimes in UTC. A count that is not known is None, never 0.
"""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Self


# --------------------------------------------------------------------------- people and clients
class Role(StrEnum):
    """What a person may do for a client: viewers read, all others act, two of them decide."""

    DUTY_OFFICER = "duty_officer"
    ACCOUNT_LEAD = "account_lead"
    MANAGER = "manager"
    LEGAL = "legal"
    CLIENT_COMMS = "client_comms"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who works for a client; `slack` is the user id there."""

    slack: str
    role: Role
    zone: str = "Asia/Shanghai"
    hours: tuple[time, time] = (time(9), time(18))  # working hours in `zone`
    days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A boolean rule: a condition is a word, or `re:` and a pattern in RE2's syntax."""

    name: str
    all: tuple[str, ...] = ()  # every one of these
    any: tuple[str, ...] = ()  # at least one of these
    none: tuple[str, ...] = ()  # not one of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A planned burst: nothing is learnt from it, and it is told of grave words and stages alone."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client of the agency and the words that mean it (the keys of a client file)."""

    id: str
    name: str
    names: tuple[str, ...] = ()  # each suffices alone
    ambiguous: tuple[str, ...] = ()  # need a companion in the same post
    companions: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    own_accounts: tuple[str, ...] = ()  # "weibo:奥岚官方": the client's own voice, never counted
    initials: tuple[str, ...] = ()  # of three letters and more; need a companion
    rules: tuple[Rule, ...] = ()  # each suffices alone
    campaigns: tuple[Campaign, ...] = ()
    queries: tuple[str, ...] = ()  # what to ask the sources for; default: `names`
    channel: str | None = None
    zone: str = "Asia/Shanghai"
    sensitivity: float = 0.25  # alerts accepted per keyword and week
    sources: tuple[str, ...] = ()  # empty: all that are set up
    people: tuple[Person, ...] = ()
    gist: bool = True  # an English line by machine beside Chinese quotes
    version: int = 1

    @property
    def asked(self) -> tuple[str, ...]:
        """The words to search for at the sources, most telling first."""
        return self.queries or self.names


# --------------------------------------------------------------------------------------- posts
class Kind(StrEnum):
    POST = "post"
    REPOST = "repost"
    REPLY = "reply"
    ARTICLE = "article"
    HOT = "hot"


PROFESSIONAL_FOLLOWERS = 100_000  # KAWO counts such accounts as professional voices


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    id: str  # stable inside a source; may be a handle
    handle: str
    display: str = ""
    followers: int | None = None
    verified: bool | None = None
    since: datetime | None = None  # when the account was made, by the source's word

    @property
    def professional(self) -> bool:
        """A verified account, or one with 100,000 followers and more."""
        return bool(self.verified) or (self.followers or 0) >= PROFESSIONAL_FOLLOWERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One item of a source. `text` is the author's own; `quoted` is what they repeat."""

    source: str  # "weibo", "bluesky", "mastodon", "feed": the registry name of the platform
    id: str
    url: str
    text: str
    author: Author
    created_at: datetime | None  # None where the source does not say: never the fetch time
    retrieved_at: datetime
    created_precision: timedelta = timedelta(seconds=1)
    quoted: str = ""
    reposts: int | None = None
    comments: int | None = None
    likes: int | None = None
    parent_id: str | None = None
    kind: Kind = Kind.POST
    lang: str | None = None
    partial_text: bool = False  # the source cut the text
    publisher: str | None = None  # of an article, or of a hot list
    rank: int | None = None  # on a hot list, from 1
    heat: int | None = None  # the list's own figure for it
    terms_class: str = "official"  # official | contract | public-feed | public-web | provider

    @property
    def key(self) -> tuple[str, str]:
        return (self.source, self.id)

    @property
    def at(self) -> datetime:
        """Publish time; the fetch time stands in for ordering only where the source gives none."""
        return self.created_at or self.retrieved_at

    @property
    def reach(self) -> int:
        """Followers plus reposts a hundredfold: an order for "most seen first", not a figure."""
        return (self.author.followers or 0) + 100 * (self.reposts or 0)


# ----------------------------------------------------------------------------- match and score
class MatchKind(StrEnum):
    NAME = "name"  # a listed name or alias, as it stands
    BRIDGED = "bridged"  # a name with a mark or spaces inside
    AMBIGUOUS = "ambiguous"  # an ambiguous nickname, with its companion
    HOMOPHONE = "homophone"  # same sound (also partly in pinyin), with a companion
    PINYIN = "pinyin"
    INITIALS = "initials"
    RULE = "rule"  # a boolean rule of the client; `term` is its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Why a post speaks of a client."""

    client: str
    term: str  # the client's term
    found: str  # what stands in the post
    kind: MatchKind
    companion: str | None = None
    quoted: bool = False  # only the quoted text holds it: joins a cluster, is no post of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeHit:
    """A crisis type that a post speaks of, and the words that led to it."""

    type: str
    terms: tuple[str, ...]
    strong: bool  # at least one term that suffices alone


class Tone(StrEnum):
    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A post with all that the stages found in it."""

    post: Post
    mentions: tuple[Mention, ...]
    negative: float  # calibrated probability, 0 to 1
    tone: Tone
    types: tuple[TypeHit, ...]
    cluster: str  # key of the first post of its cluster, "source:id"; its own key if it leads
    leads: bool  # the first of its cluster: only such posts count


# ------------------------------------------------------------------------------------- sources
class Outcome(StrEnum):
    """How a round at a source ended. Only the first two are healthy."""

    OK = "ok"
    OK_EMPTY = "ok_empty"
    PARTIAL = "partial"
    STALE = "stale"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    AUTH_REQUIRED = "auth_required"
    BLOCKED = "blocked"
    PLAN_REQUIRED = "plan_required"
    SCHEMA_CHANGED = "schema_changed"
    DOWN = "down"

    @property
    def healthy(self) -> bool:
        return self in (Outcome.OK, Outcome.OK_EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of publish time that a round did not reach: counts in it are unknown."""

    start: datetime
    end: datetime


class Reach(StrEnum):
    """How far one round of a query reads."""

    ROUND = "round"  # back to what is known, then into old gaps
    LOOK = "look"  # the newest page; older ones only as long as known posts stand on them
    GAP = "gap"  # a page of the newest gap, and no newer post


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far one query at one source has been read."""

    at: datetime | None = None  # newest publish time of the last complete round
    id: str | None = None  # newest id of it
    covered_to: datetime | None = None  # everything published before this is known
    gaps: tuple[Gap, ...] = ()
    ahead: datetime | None = None  # newest publish time read since, by rounds that left a gap
    validators: tuple[tuple[str, str], ...] = ()  # ETag and Last-Modified of a feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one round brought: posts newest first, the next watermark, how it ended."""

    posts: tuple[Post, ...]
    watermark: Watermark
    outcome: Outcome
    requests: int  # how many were sent
    until: datetime | None = None  # do not ask again before
    detail: str = ""  # one sentence for people: what happened and what to do
    deleted: tuple[str, ...] = ()  # ids the source says are gone
    total: int | None = None  # the source's own count, where it gives one


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something that was pushed to us, as it came."""

    id: int
    at: datetime
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The state of one source account."""

    source: str
    outcome: Outcome
    since: datetime
    asked_at: datetime
    ok_at: datetime | None = None  # last healthy round
    until: datetime | None = None  # not asked again before
    detail: str = ""
    failures: int = 0  # unhealthy rounds in a row
    requests: int = 0  # sent today (UTC)
    told: bool = False  # people have been told of this stretch of trouble
    proven_at: datetime | None = None  # when a canary last found what it must
    unproven: bool = False  # the last canary found nothing: whatever else it answers is in doubt
    spent: tuple[tuple[str, int], ...] = ()  # of each budget by its unit, when it was asked last


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One query at one source, shared by all clients that ask for it."""

    source: str
    query: str
    every: timedelta
    next_at: datetime
    watermark: Watermark = field(default_factory=Watermark)


# ---------------------------------------------------------------------------- detect and decide
class Stream(StrEnum):
    VOLUME = "volume"
    NEGATIVE = "negative"
    RISK = "risk"  # strong risk words of a type that starts at S1, below the floors
    SPREAD = "spread"  # one post that many people repeat; to the counts it is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something is unusual about a client at a source, and why."""

    client: str
    source: str
    at: datetime
    stream: Stream
    window: timedelta
    count: int  # distinct posts in the window, clusters counted once
    authors: int
    usual: float | None  # posts in such a window as a rule; None: no history yet
    negative: int  # negative posts among `count`
    score: float  # tail score; 0 where a floor alone spoke
    threshold: float
    late: bool = False  # the source was down while it happened
    why: str = ""  # one sentence with numbers

    @property
    def ratio(self) -> float | None:
        """How many times the usual; the divisor is at least one post an hour."""
        if self.usual is None:
            return None
        return self.count / max(self.usual, self.window / timedelta(hours=1))


class Severity(StrEnum):
    S1 = "S1"
    S2 = "S2"
    S3 = "S3"
    S4 = "S4"

    def worst(self, other: Self) -> Self:
        """The more serious of the two."""
        return self if self.value <= other.value else other


class Stage(StrEnum):
    """Stages of a crisis in order; the last two are told beside the highest one reached."""

    SEED = "seed"
    FERMENT = "ferment"
    AMPLIFY = "amplify"
    PORTAL = "portal"
    PRESS = "press"
    OFFICIAL = "official"

    @property
    def order(self) -> int:
        return list(Stage).index(self)


class Trend(StrEnum):
    RUNNING = "running"
    FADE = "fade"
    REBOUND = "rebound"


class State(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    FALSE_ALARM = "false_alarm"

    @property
    def closed(self) -> bool:
        return self in (State.RESOLVED, State.FALSE_ALARM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The minute a stage was reached and the stored post that shows it."""

    stage: Stage
    at: datetime
    source: str
    post_id: str
    url: str
    who: str  # author or publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A stored post as an alert may show it."""

    source: str
    post_id: str
    url: str
    text: str
    who: str
    followers: int | None
    verified: bool | None
    at: datetime
    reposts: int | None
    negative: float
    cluster_size: int = 1
    kind: Kind = Kind.POST
    types: tuple[str, ...] = ()
    tone: Tone = Tone.UNSURE  # the model's, or a person's, which wins

    @property
    def key(self) -> tuple[str, str]:
        return (self.source, self.post_id)

    @property
    def professional(self) -> bool:
        """A verified account, or one with 100,000 followers and more."""
        return bool(self.verified) or (self.followers or 0) >= PROFESSIONAL_FOLLOWERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Gist:
    """A quote in English, made by a machine. Never kept: it goes with its quote."""

    text: str
    by: str = ""  # the service that translated it; empty: our own gloss


@dataclass(frozen=True, slots=True, kw_only=True)
class HotEntry:
    """An entry of a hot list that names a client: where it stood and how long."""

    list: str  # "Weibo hot search"
    post_id: str
    title: str
    url: str
    entered_at: datetime
    rank: int  # when it was seen last
    best_rank: int
    best_at: datetime
    left_at: datetime | None = None  # None: it stands there


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """An article that tells the story of an incident."""

    source: str
    post_id: str
    publisher: str
    title: str
    url: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What an open incident's root shows, counted at `at`."""

    at: datetime
    count: int  # distinct posts in the last 60 minutes
    with_reposts: int
    authors: int
    usual: float | None
    negative_share: float | None
    total: int  # distinct posts of the incident so far
    peak: int = 0  # most in 60 minutes so far
    peak_at: datetime | None = None
    young_accounts: int | None = None
    usual_negatives: float | None = None  # of `usual`

    @property
    def ratio(self) -> float | None:
        return None if self.usual is None else self.count / max(self.usual, 1.0)

    @property
    def negatives(self) -> int:
        """Negative posts among `count`."""
        return round((self.negative_share or 0.0) * self.count)

    @property
    def negative_ratio(self) -> float | None:
        """How many times the usual number of negative posts."""
        usual = self.usual_negatives
        return None if usual is None else self.negatives / max(usual, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNote:
    """One source's health as an alert prints it."""

    source: str
    outcome: Outcome
    ok_at: datetime | None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A playbook step in an incident: whose it is, when it is due, whether it is done."""

    id: str
    do: str
    owner: str  # role id of the playbooks
    due_at: datetime
    gate: str | None = None  # "approval"
    done_by: str | None = None
    done_at: datetime | None = None
    skipped: str | None = None  # reason


class Change(StrEnum):
    """How a client's words may change after a false alarm."""

    EXCLUDE = "exclude"  # a phrase in which the name means something else
    AMBIGUOUS = "ambiguous"  # a name that needs a companion from now on


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """What a false alarm proposes, what it does to known posts, and what became of it."""

    change: Change
    phrase: str
    false: int  # posts of the false alarm
    removes: int  # of them
    confirmed: int  # posts of incidents that were none
    loses: int  # of them
    lost: tuple[str, ...] = ()  # addresses of some of those
    by: str | None = None  # who applied it, or took it back
    at: datetime | None = None
    applied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One story about one client, from the first signal to the end."""

    number: int
    client: str
    type: str | None  # crisis type id; None: not clear yet
    type_terms: tuple[str, ...]  # the words that led to it
    severity: Severity
    reasons: tuple[str, ...]  # why this severity, in sentences
    state: State
    stage: Stage  # the highest reached
    trend: Trend
    opened_at: datetime  # t0: all clocks run from here
    first_post_at: datetime | None
    updated_at: datetime
    rev: int
    figures: Figures
    lead: Quote | None
    proofs: tuple[Proof, ...] = ()
    sources: tuple[SourceNote, ...] = ()
    steps: tuple[Step, ...] = ()
    channel: str | None = None
    headline: str = ""  # what happened, under ten words
    owner: str | None = None
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    close_reason: str | None = None
    told_at: datetime | None = None  # last thread update about counts
    told_total: int = 0  # distinct posts that it spoke of
    calm_since: datetime | None = None  # below twice the usual since
    why: str = ""  # the signal's own sentence
    source: str = ""  # where the signal came from; its figures are of this source alone
    hot: tuple[HotEntry, ...] = ()  # what of it stood on hot lists
    echoes: tuple[Echo, ...] = ()  # articles that tell it, oldest first
    rule: RuleChange | None = None  # what a false alarm proposes


class Reason(StrEnum):
    """Why a decision was taken."""

    FIRST = "first"  # a new incident
    WORSE = "worse"  # severity rose
    STAGE = "stage"  # a new stage
    HOT = "hot"  # it came onto a hot list, or left one
    ECHO = "echo"  # another publisher carries it
    STILL = "still"  # it goes on, and the interval has passed
    COUNTS = "counts"  # figures changed; the root is edited, nobody is told
    FADING = "fading"
    REBOUND = "rebound"
    ACKNOWLEDGED = "acknowledged"
    TAKEN_OVER = "taken_over"
    RESOLVED = "resolved"
    FALSE_ALARM = "false_alarm"
    REOPENED = "reopened"
    STEP = "step"
    RULE = "rule"  # a change of the client's words was proposed, applied, taken back
    TONE = "tone"  # a person corrected the tone of posts
    TYPED = "typed"  # the crisis type was changed by a person
    SOURCE = "source"  # a source went blind or came back
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row of an incident's timeline."""

    at: datetime
    kind: Reason
    who: str | None  # None: the machine
    text: str


class AlertKind(StrEnum):
    """What to tell; the bot knows how each looks."""

    ROOT = "root"  # post once, later edits
    EVIDENCE = "evidence"  # thread: top posts
    CHART = "chart"
    PLAYBOOK = "playbook"
    RULE = "rule"  # thread: what a false alarm proposes, edited in place
    UPDATE = "update"  # thread: one fact
    PRIVATE = "private"  # to one person
    NOTICE = "notice"  # to the operators' channel, outside of incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something to be told, once. `key` says what, not when: "inc-204:root"."""

    key: str
    kind: AlertKind
    channel: str
    incident: int | None = None
    text: str = ""  # the fact of an UPDATE or NOTICE, plain
    quotes: tuple[Quote, ...] = ()  # EVIDENCE
    broadcast: bool = False  # also into the channel: stage or severity rose at S1/S2
    mentions: tuple[str, ...] = ()  # people to page
    who: str | None = None  # whose doing an UPDATE tells; shown by name, never pinged


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do about an incident, and why."""

    reason: Reason
    incident: Incident | None = None  # its next state; None: nothing to keep
    alerts: tuple[Alert, ...] = ()
    events: tuple[Event, ...] = ()


# ------------------------------------------------------------------------------------ playbooks
@dataclass(frozen=True, slots=True, kw_only=True)
class PlayStep:
    id: str
    due: timedelta  # after t0
    owner: str
    do: str
    gate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisType:
    """What the watchers know of a crisis type: its words and how serious it starts."""

    id: str
    name: str
    name_zh: str
    severity: Severity
    strong: tuple[str, ...]  # suffice alone, both languages
    weak: tuple[str, ...]  # count with a second hit or negative tone
    evasions: tuple[str, ...]  # spellings that slip past filters; weak
    exclude: tuple[str, ...]  # blanked before matching, inside this type only
    steps: tuple[PlayStep, ...] = ()
