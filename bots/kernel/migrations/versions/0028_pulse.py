"""The pulses that were asked, and who is not to be."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "metrics_pulse",
        sa.Column("quarter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closes", sa.Float(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="open"),
        sa.Column("has_key", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.CheckConstraint("state IN ('open', 'counted', 'dropped')", name=op.f("ck_metrics_pulse_state")),
        sa.PrimaryKeyConstraint("quarter", name=op.f("pk_metrics_pulse")),
    )
    op.create_table(
        "metrics_no_pulse",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_metrics_no_pulse")),
    )
