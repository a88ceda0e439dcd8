"""When each message that digests may tell of was heard of here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; of what there is, the server's time has to do."""
    op.add_column("digest_message", sa.Column("arrived", sa.BigInteger(), server_default="0", nullable=False))
    op.execute("UPDATE digest_message SET arrived = at")
