"""When the accounts of authors were made."""

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"


def upgrade() -> None:
    """Add the column; of posts that are stored already it is not known."""
    op.add_column("posts", sa.Column("account_since", sa.BigInteger()))
