"""Digests: messages without their words, who was named, and what members chose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "digest_message",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=True),
        sa.Column("is_file", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_digest_message")),
    )
    op.create_index("ix_digest_message_room_id", "digest_message", ["room_id", "at"])
    op.create_index("ix_digest_message_thread", "digest_message", ["thread"])
    op.create_index("ix_digest_message_sender", "digest_message", ["sender"])
    op.create_index("ix_digest_message_at", "digest_message", ["at"])
    op.create_table(
        "digest_mention",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "event_id", name=op.f("pk_digest_mention")),
    )
    op.create_index("ix_digest_mention_event_id", "digest_mention", ["event_id"])
    op.create_table(
        "digest_member",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("every", sa.Text(), nullable=False, server_default="weekly"),
        sa.Column("hour", sa.Text(), nullable=False, server_default="08:00"),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.CheckConstraint("every IN ('daily', 'weekly', 'off')", name=op.f("ck_digest_member_every")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_digest_member")),
    )
    op.create_index("ix_digest_member_due", "digest_member", ["due"])
