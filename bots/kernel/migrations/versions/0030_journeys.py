"""Whether journeys are in a day's roll-up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("metrics_day", sa.Column("journeys", sa.Boolean(), nullable=False, server_default=sa.false()))
