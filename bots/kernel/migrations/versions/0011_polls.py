"""Polls that the bot closes and counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "poll",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("closes", sa.Float()),
        sa.Column("by_organisation", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("quorum", sa.Integer()),
        sa.Column("voters", sa.Text(), nullable=False, server_default="closing"),
        sa.Column("state", sa.Text(), nullable=False, server_default="open"),
        sa.Column("ended_at", sa.Float()),
        sa.CheckConstraint("state IN ('open', 'closing', 'counted', 'cancelled')", name=op.f("ck_poll_state")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_poll")),
    )
