"""What members are asked to confirm, and the forms that were handed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "question",
        sa.Column("effect_id", sa.Text(), nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("effect_id", name=op.f("pk_question")),
    )
    op.create_index(op.f("ix_question_user_id"), "question", ["user_id", "room_id", "asked_at"])
    op.create_table(
        "form",
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("occasion", name=op.f("pk_form")),
    )
