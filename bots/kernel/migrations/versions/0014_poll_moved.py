"""In which room the result of a poll was told whose group has moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("poll", sa.Column("told_in", sa.Text(), nullable=True))
