"""Which answers in chat name which files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "library_answer",
        sa.Column("once", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("once", "event_id", name=op.f("pk_library_answer")),
    )
    op.create_index("ix_library_answer_event_id", "library_answer", ["event_id"])
    op.create_index("ix_library_answer_until", "library_answer", ["until"])
