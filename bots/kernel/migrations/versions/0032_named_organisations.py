"""Whether organisations were active in a month, for those that let it be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "metrics_named",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("month", "organisation", name=op.f("pk_metrics_named")),
    )


def downgrade() -> None:
    """Takes it away."""
    op.drop_table("metrics_named")
