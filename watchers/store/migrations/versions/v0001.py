"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("client", sa.Text()),
        sa.Column("incident", KEY),
        sa.Column("detail", sa.Text(), nullable=False),
    )


def _clients() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )


def _corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("post_id", sa.Text(), primary_key=True),
        sa.Column("tone", sa.Text(), nullable=False),
        sa.Column("model_tone", sa.Text(), nullable=False),
        sa.Column("model_negative", sa.Float(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )


def _detectors() -> None:
    op.create_table(
        "detectors",
        sa.Column("client", sa.Text(), primary_key=True),
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )


def _facts() -> None:
    op.create_table(
        "facts",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
    )


def _health() -> None:
    op.create_table(
        "health",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Text(), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("body", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("incidents_by_client", "incidents", ["client", "number"])
    op.create_index(
        "one_open_incident_a_story",
        "incidents",
        ["client", "story"],
        unique=True,
        sqlite_where=sa.text("NOT closed"),
        postgresql_where=sa.text("NOT closed"),
    )


def _minutes() -> None:
    op.create_table(
        "minutes",
        sa.Column("client", sa.Text(), primary_key=True),
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("at", sa.BigInteger(), primary_key=True),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("negatives", sa.Integer(), nullable=False),
        sa.Column("raw", sa.Integer(), nullable=False),
    )


def _objections() -> None:
    op.create_table(
        "objections",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("author_id", sa.Text(), primary_key=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )


def _posts() -> None:
    op.create_table(
        "posts",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("post_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("followers", sa.BigInteger()),
        sa.Column("verified", sa.Boolean()),
        sa.Column("professional", sa.Boolean(), nullable=False),
        sa.Column("publisher", sa.Text()),
        sa.Column("created_at", sa.BigInteger()),
        sa.Column("precision_us", sa.BigInteger(), nullable=False),
        sa.Column("retrieved_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reposts", sa.BigInteger()),
        sa.Column("comments", sa.BigInteger()),
        sa.Column("likes", sa.BigInteger()),
        sa.Column("parent_id", sa.Text()),
        sa.Column("lang", sa.Text()),
        sa.Column("partial_text", sa.Boolean(), nullable=False),
        sa.Column("terms_class", sa.Text(), nullable=False),
        sa.Column("negative", sa.Float(), nullable=False),
        sa.Column("tone", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
    )
    op.create_index("posts_by_author", "posts", ["source", "author_id"])
    op.create_index("posts_by_cluster", "posts", ["cluster"])
    op.create_index("posts_by_time", "posts", ["at"])
    op.create_index("posts_once", "posts", ["source", "post_id"], unique=True)


def _watches() -> None:
    op.create_table(
        "watches",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("query", sa.Text(), primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
    )


def _hits() -> None:
    op.create_table(
        "hits",
        sa.Column("post", KEY, sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("type", sa.Text(), primary_key=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("strong", sa.Boolean(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
    )


def _mentions() -> None:
    op.create_table(
        "mentions",
        sa.Column("client", sa.Text(), primary_key=True),
        sa.Column("post", KEY, sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("professional", sa.Boolean(), nullable=False),
        sa.Column("negative", sa.Boolean(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("companion", sa.Text()),
        sa.Column("quoted", sa.Boolean(), nullable=False),
        sa.Column("lead", sa.Boolean(), nullable=False),
        sa.Column("dated", sa.Boolean(), nullable=False),
    )
    op.create_index("mentions_by_post", "mentions", ["post"])
    op.create_index("mentions_by_source_and_time", "mentions", ["client", "source", "at"])
    op.create_index("mentions_by_time", "mentions", ["client", "at"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("incident", KEY, sa.ForeignKey("incidents.number", ondelete="CASCADE")),
        sa.Column("threaded", sa.Boolean(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("want_rev", sa.Integer(), nullable=False),
        sa.Column("sent_rev", sa.Integer()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_try_at", sa.BigInteger()),
        sa.Column("claimed_at", sa.BigInteger()),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_by_incident", "outbox", ["incident"])
    op.create_index("outbox_due", "outbox", ["state", "next_at"])
    op.create_index("outbox_once", "outbox", ["key"], unique=True)


def _timeline() -> None:
    op.create_table(
        "timeline",
        sa.Column("id", KEY, primary_key=True),
        sa.Column(
            "incident", KEY, sa.ForeignKey("incidents.number", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text()),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_index("timeline_by_incident", "timeline", ["incident", "at"])


def upgrade() -> None:
    _audit()
    _clients()
    _corrections()
    _detectors()
    _facts()
    _health()
    _inbox()
    _incidents()
    _minutes()
    _objections()
    _posts()
    _watches()
    _hits()
    _mentions()
    _outbox()
    _timeline()
