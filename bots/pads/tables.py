"""The tables of pads. A pad is known by the message that began it, and goes with that."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

# `count` numbers the updates; `state` is all up to `state_count` in one, those behind it are in `pad_update`.
# `noted` numbers the changes of `pad_note`.
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
    sa.Column("noted", sa.BigInteger, nullable=False, server_default="0"),
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

# A text as it was with so many updates (`number`), which names it: so the same one is never kept twice. `text` and
# `passages` (JSON: pairs of a length in characters and a place among the authors) are packed by zlib. `label` is the
# pad's at that time; `name` is empty where nobody has given it one, `restored` the version that was put in, if it was.
version = sa.Table(
    "pad_version",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("named_by", sa.Text, nullable=False, index=True),
    sa.Column("named_at", sa.Float, nullable=True),
    sa.Column("restored", sa.BigInteger, nullable=True),
    sa.Column("text", sa.LargeBinary, nullable=False),
    sa.Column("passages", sa.LargeBinary, nullable=False),
)

# Who wrote the passages of a version; empty for who has left the community since.
version_author = sa.Table(
    "pad_version_author",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.Text, nullable=False, index=True),
    sa.Column("letters", sa.BigInteger, nullable=False),
)

# Pads in which something was written since their last version: since when, when last, and with how many updates.
unversioned = sa.Table(
    "pad_unversioned",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("changed_at", sa.Float, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
)

# Comments, replies to them, and suggestions. `note` is given by the page that wrote it, so what is sent again is known;
# `thread` is what a reply belongs to; `begins` and `ends` are Yjs' relative positions, so they move with the text;
# `label` is the strictest of its words and of the text around it then. Of what is settled or was taken back nothing is
# left but that it was there.
note = sa.Table(
    "pad_note",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("note", sa.Text, primary_key=True),
    sa.Column("thread", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False, index=True),
    sa.Column("begins", sa.Text, nullable=False),
    sa.Column("ends", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("quoted", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("made_at", sa.Float, nullable=False),
    sa.Column("changed", sa.BigInteger, nullable=False),
)
