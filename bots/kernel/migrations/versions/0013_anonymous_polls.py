"""Anonymous polls: where they are voted on, sealed ballots, and the lists of those that are closed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns and tables."""
    op.add_column("poll", sa.Column("place", sa.Text()))
    op.add_column("poll", sa.Column("has_key", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_poll_place", "poll", ["place"], unique=True)
    op.create_table(
        "poll_ballot",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "link", name=op.f("pk_poll_ballot")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "poll_ballot_list",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("listed", sa.LargeBinary(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_poll_ballot_list")),
    )
