"""The tables of pads. A pad is known by the message that began it, and goes with that."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

# `count` numbers the updates; `state` is all up to `state_count` in one, those behind it are in `pad_update`.
# `title` is the first line of the text as it is now, `label` what the text says of itself.
pad = sa.Table(
    "pad",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("room_id", sa.Text, nullable=False, index=True),
    sa.Column("made_at", sa.Float, nullable=False),
    sa.Column("changed_at", sa.Float, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("state_count", sa.BigInteger, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
)

# What was written, in Yjs' format, in the order in which it was taken in.
update = sa.Table(
    "pad_update",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

# Whose each editor's number is: so nobody writes in somebody else's name.
client = sa.Table(
    "pad_client",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("client", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.Text, nullable=False, index=True),
)
