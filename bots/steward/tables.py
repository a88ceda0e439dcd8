"""The steward's own tables."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

# Reports that the stewards' room was told of, as their cards show them; no content, and of named people no names.
report = sa.Table(
    "steward_report",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("card", sa.Text, nullable=False, unique=True),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("looked_after", sa.Boolean, nullable=False, server_default=sa.false()),
)

# Who has accepted which version of the community's rules.
acceptance = sa.Table(
    "acceptance",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
)

# The cards that tell of who waits to be let in; no content, and gone when it is decided.
waiting = sa.Table(
    "steward_waiting",
    metadata,
    sa.Column("effect_id", sa.Text, primary_key=True),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("member", sa.Text, nullable=False),
    sa.Column("group_id", sa.Text),
)
