"""The tables. Remarks say what a null means; a column without remark is never null.

Times are whole microseconds since 1970 in UTC, so that both databases compare and round alike.
Values that are only ever read whole (a client, an incident) are kept as JSON beside the columns
that are asked for. Changing a table takes a script in `migrations/versions`.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as whole microseconds since 1970; read back in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else instant(value)


class Words(TypeDecorator[str]):
    """Text from outside: without what a database refuses (NUL, halves of surrogate pairs)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None or value.isascii():
            return value if value is None or "\0" not in value else value.replace("\0", "")
        return value.encode("utf-8", "replace").decode().replace("\0", "")


def micros(at: datetime) -> int:
    """Return AT as the store keeps it; a time without zone is refused."""
    if at.tzinfo is None:
        raise ValueError(f"a time without zone: {at}")
    return (at - EPOCH) // MICROSECOND


def instant(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what it calls INTEGER

metadata = MetaData()

facts = Table(
    "facts",  # about this database itself
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),  # JSON of Client; its version is the column's
)

watches = Table(
    "watches",
    metadata,
    Column("source", Text, primary_key=True),
    Column("query", Words, primary_key=True),
    Column("body", Text, nullable=False),  # JSON of Watch
)

source_settings = Table(
    "source_settings",  # of sources that were set up by hand; secrets are references
    metadata,
    Column("name", Text, primary_key=True),  # of the setting
    Column("source", Text, nullable=False),
    Column("value", Words, nullable=False),
)

health = Table(
    "health",
    metadata,
    Column("source", Text, primary_key=True),
    Column("body", Text, nullable=False),  # JSON of Health
)

posts = Table(
    "posts",
    metadata,
    Column("id", Key, primary_key=True),
    Column("source", Text, nullable=False),
    Column("post_id", Words, nullable=False),
    Column("url", Words, nullable=False),
    Column("excerpt", Words, nullable=False),  # the first 280 characters; no more is ever stored
    Column("kind", Text, nullable=False),
    Column("author_id", Words, nullable=False),
    Column("handle", Words, nullable=False),
    Column("display", Words, nullable=False),  # of professional voices; "" for everybody else
    Column("followers", BigInteger),  # null: the source does not say
    Column("verified", Boolean),  # null: the source does not say
    Column("account_since", Instant),  # to the day; null: the source does not say
    Column("professional", Boolean, nullable=False),
    Column("publisher", Words),  # null: not an article, or the source does not say
    Column("created_at", Instant),  # null: the source does not say
    Column("precision_us", BigInteger, nullable=False),  # of created_at
    Column("retrieved_at", Instant, nullable=False),
    Column("at", Instant, nullable=False),  # created_at; if vague or unknown, the latest it can be
    Column("reposts", BigInteger),  # null: the source does not say; so with the next two
    Column("comments", BigInteger),
    Column("likes", BigInteger),
    Column("parent_id", Words),  # null: not a repost or reply, or the source does not say
    Column("lang", Words),  # null: the source does not say
    Column("partial_text", Boolean, nullable=False),
    Column("terms_class", Text, nullable=False),
    Column("negative", Float, nullable=False),
    Column("tone", Text, nullable=False),
    Column("cluster", Words, nullable=False),  # "source:id" of the cluster's first post
    Column("leads", Boolean, nullable=False),
    Column("deleted_at", Instant),  # null: it still stands at the source, as far as we know
    Index("posts_once", "source", "post_id", unique=True),
    Index("posts_by_cluster", "cluster"),
    Index("posts_by_author", "source", "author_id"),
    Index("posts_by_time", "at"),
)

mentions = Table(
    "mentions",
    metadata,
    Column("client", Text, primary_key=True),
    Column("post", Key, ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("source", Text, nullable=False),  # this and the next four repeat the post
    Column("at", Instant, nullable=False),
    Column("author", Words, nullable=False),  # "source:author id"
    Column("professional", Boolean, nullable=False),
    Column("negative", Boolean, nullable=False),  # tone negative
    Column("term", Words, nullable=False),
    Column("found", Words, nullable=False),
    Column("kind", Text, nullable=False),
    Column("companion", Words),  # null: the term needed none
    Column("quoted", Boolean, nullable=False),
    Column("lead", Boolean, nullable=False),  # first of its cluster and not only quoted
    Column("dated", Boolean, nullable=False),  # publish time known well enough to be counted
    Index("mentions_by_time", "client", "at"),
    Index("mentions_by_source_and_time", "client", "source", "at"),
    Index("mentions_by_post", "post"),
)

hits = Table(
    "hits",  # crisis types that a post speaks of
    metadata,
    Column("post", Key, ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("type", Text, primary_key=True),
    Column("rank", Integer, nullable=False),  # 0: the strongest
    Column("strong", Boolean, nullable=False),
    Column("terms", Text, nullable=False),  # JSON list
)

minutes = Table(
    "minutes",
    metadata,
    Column("client", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("at", Instant, primary_key=True),  # start of the minute, by publish time
    Column("posts", Integer, nullable=False),
    Column("negatives", Integer, nullable=False),
    Column("raw", Integer, nullable=False),
)

hot = Table(
    "hot",  # entries of hot lists that name a client: no posts, no people
    metadata,
    Column("client", Text, primary_key=True),
    Column("entry", Words, primary_key=True),  # the post's id
    Column("list", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("url", Words, nullable=False),
    Column("entered_at", Instant, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("best_rank", Integer, nullable=False),
    Column("best_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("left_at", Instant),  # null: it stands on the list
    Index("hot_by_list", "list", "left_at"),
)

corrections = Table(
    "corrections",  # a person's word on the tone of a post; outlives the post
    metadata,
    Column("source", Text, primary_key=True),
    Column("post_id", Words, primary_key=True),
    Column("tone", Text, nullable=False),
    Column("model_tone", Text, nullable=False),
    Column("model_negative", Float, nullable=False),
    Column("who", Words, nullable=False),
    Column("at", Instant, nullable=False),
)

objections = Table(
    "objections",  # authors who refuse: nothing of theirs is stored
    metadata,
    Column("source", Text, primary_key=True),
    Column("author_id", Words, primary_key=True),
    Column("who", Words, nullable=False),  # who noted it
    Column("at", Instant, nullable=False),
)

detectors = Table(
    "detectors",
    metadata,
    Column("client", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("state", LargeBinary, nullable=False),  # the detector's own format
    Column("at", Instant, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", Text, nullable=False),
    Column("story", Text, nullable=False),  # crisis type; "": not clear yet
    Column("state", Text, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),  # null: open
    Column("body", Text, nullable=False),  # JSON of Incident; its number is the column's
    Index(
        "one_open_incident_a_story",
        "client",
        "story",
        unique=True,
        sqlite_where=text("NOT closed"),
        postgresql_where=text("NOT closed"),
    ),
    Index("incidents_by_client", "client", "number"),
    sqlite_autoincrement=True,  # a number is never given twice
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", Key, primary_key=True),
    Column("incident", Key, ForeignKey("incidents.number", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("who", Words),  # null: the machine
    Column("text", Words, nullable=False),
    Index("timeline_by_incident", "incident", "at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Key, primary_key=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("incident", Key, ForeignKey("incidents.number", ondelete="CASCADE")),  # null: of none
    Column("threaded", Boolean, nullable=False),  # goes into the thread of its incident's root
    Column("alert", Text, nullable=False),  # JSON of Alert
    Column("want_rev", Integer, nullable=False),
    Column("sent_rev", Integer),  # null: nothing is shown yet
    Column("state", Text, nullable=False),  # RowState
    Column("ts", Text),  # null: not known to be posted
    Column("attempts", Integer, nullable=False),
    Column("first_try_at", Instant),  # null: not tried since it was last sent
    Column("claimed_at", Instant),  # null: never claimed
    Column("sent_at", Instant),  # null: never sent
    Column("next_at", Instant, nullable=False),
    Column("error", Words),  # null: nothing went wrong since it was last sent
    Index("outbox_once", "key", unique=True),
    Index("outbox_due", "state", "next_at"),
    Index("outbox_by_incident", "incident"),
    sqlite_autoincrement=True,
)

inbox = Table(
    "inbox",  # what came in from outside and was acted on, so that it is not acted on twice
    metadata,
    Column("event_id", Words, primary_key=True),
    Column("at", Instant, nullable=False),
)

deliveries = Table(
    "deliveries",  # what a provider pushed and no round has read yet
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("body", Words, nullable=False),
    sqlite_autoincrement=True,  # an id never comes again: a watermark holds the last one read
)

audit = Table(
    "audit",  # append only
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", Words, nullable=False),
    Column("what", Text, nullable=False),
    Column("client", Text),  # null: of no client
    Column("incident", Key),  # null: of no incident
    Column("detail", Words, nullable=False),
)
