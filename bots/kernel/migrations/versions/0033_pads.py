"""Pads: documents that the members of a group write together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "pad",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("state_count", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_pad")),
    )
    op.create_index(op.f("ix_pad_room_id"), "pad", ["room_id"])
    _belonging_to_a_pad("pad_update", "number", sa.Column("data", sa.LargeBinary(), nullable=False))
    _belonging_to_a_pad("pad_client", "client", sa.Column("user_id", sa.Text(), nullable=False))
    op.create_index(op.f("ix_pad_client_user_id"), "pad_client", ["user_id"])


def _belonging_to_a_pad(name: str, number: str, column: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column(number, sa.BigInteger(), autoincrement=False, nullable=False),
        column,
        sa.PrimaryKeyConstraint("event_id", number, name=op.f(f"pk_{name}")),
    )
