"""The polls' own tables. Neither what is asked nor any vote is in `poll`: both are read when they count."""

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
    sa.Column("place", sa.Text),  # of an anonymous poll: its address on the portal
    sa.Column("has_key", sa.Boolean, nullable=False, server_default=sa.false()),  # since its first ballot
    sa.CheckConstraint("state IN ('open', 'closing', 'counted', 'cancelled')", name="state"),
)
sa.Index("ix_poll_place", poll.c.place, unique=True)

# Who wants no reminders of polls.
no_reminders = sa.Table("poll_no_reminders", metadata, sa.Column("user_id", sa.Text, primary_key=True))

# Sealed ballots of open anonymous polls. A link follows from its voter and the poll's key, which is in no database;
# there is no time here, nor anything else that counts up.
ballot = sa.Table(
    "poll_ballot",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("link", sa.LargeBinary, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# The lists of ballots of those that are closed: receipts with choices, and no voters.
ballot_list = sa.Table(
    "poll_ballot_list",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("listed", sa.LargeBinary, nullable=False),
    sa.Column("is_published", sa.Boolean, nullable=False, server_default=sa.false()),  # once its hash was announced
)
