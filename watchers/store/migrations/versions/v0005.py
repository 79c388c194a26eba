"""Settings of sources that were set up by hand."""

import sqlalchemy as sa
from alembic import op

revision = "v0005"
down_revision = "v0004"


def upgrade() -> None:
    """Add the table; secrets are references in it."""
    op.create_table(
        "source_settings",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
    )
