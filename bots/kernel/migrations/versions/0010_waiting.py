"""Cards that tell of who waits to be let in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "steward_waiting",
        sa.Column("effect_id", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("effect_id", name=op.f("pk_steward_waiting")),
    )
