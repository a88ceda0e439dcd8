"""The polls' own table. Neither what is asked nor any vote is in it: both are read from Synapse when they count."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

poll = sa.Table(
    "poll",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("closes", sa.Float),  # seconds since 1970, where it closes by itself
    sa.Column("by_organisation", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("quorum", sa.Integer),
    sa.Column("voters", sa.Text, nullable=False, server_default="closing"),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    sa.Column("ended_at", sa.Float),  # the moment until which votes count, where that is not the end's own
    sa.Column("told_in", sa.Text),  # the room of its result, where its group has moved meanwhile
    sa.CheckConstraint("state IN ('open', 'closing', 'counted', 'cancelled')", name="state"),
)

# Who wants no reminders of polls.
no_reminders = sa.Table("poll_no_reminders", metadata, sa.Column("user_id", sa.Text, primary_key=True))
