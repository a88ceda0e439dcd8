"""The steward's own table: who has accepted which version of the community's rules."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

acceptance = sa.Table(
    "acceptance",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
)
