"""Bringing the tables up to date, with the same scripts on both databases."""

import secrets
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, insert, select

from watchers.errors import DatabaseTooNew
from watchers.store import schema

LOCK = 7_340_201  # any number: PostgreSQL's name of the lock that one process migrates under


def bring_up(conn: Connection, now: datetime) -> None:
    """Run the scripts that CONN's database has not seen, inside its transaction.

    Raises DatabaseTooNew where a newer version of Fenghuo has been at work.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(LOCK)))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = conn
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    found = MigrationContext.configure(conn).get_current_revision()
    if found == head:
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        raise DatabaseTooNew(
            f"It is at version {found}, this Fenghuo knows versions up to {head}. "
            "To mend it: install the newer Fenghuo again, or put back a backup from before."
        )
    command.upgrade(config, "head")
    if found is None:
        key = {"name": "pseudonyms", "value": secrets.token_bytes(16)}  # never leaves the database
        conn.execute(insert(schema.facts).values(key))
    conn.execute(
        insert(schema.audit).values(
            at=now, who="fenghuo", what="database migrated", detail=f"{found} to {head}"
        )
    )
