"""Signing in by a tap on a picture: whom a browser has named, and what it shows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns."""
    for name in ("asked_of", "asked_by", "picture"):
        op.add_column("portal_session", sa.Column(name, sa.Text()))
    op.create_index("ix_portal_session_asked_of", "portal_session", ["asked_of"])
