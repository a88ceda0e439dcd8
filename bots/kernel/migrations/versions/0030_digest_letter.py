"""Which digest of each member was written last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("digest_member", sa.Column("letter", sa.Text(), nullable=True))
