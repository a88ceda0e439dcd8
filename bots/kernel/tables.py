"""The tables of the kernel. Bots have tables of their own beside them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _index(name: str, *columns: sa.Column[object], where: sa.ColumnElement[bool]) -> None:
    sa.Index(name, *columns, sqlite_where=where, postgresql_where=where)


# `received` counts up in the order in which events are to be handled. Its gaps mean nothing.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("received", _NUMBER, sa.Identity(), primary_key=True),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("json", sa.Text),  # NULL once handled: the id is enough to know the event again
    sa.Column("state", sa.Text, nullable=False, server_default="pending"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
    sa.Column("last_error", sa.Text),
    sa.Column("handled_by", sa.Text, nullable=False, server_default=""),  # while another bot's handler still fails
    sa.CheckConstraint("state IN ('pending', 'handled', 'failed')", name="state"),
    sqlite_autoincrement=True,
)
sa.Index("ix_inbox_room", inbox.c.room_id, inbox.c.received)
_index("ix_inbox_pending", inbox.c.room_id, inbox.c.received, where=inbox.c.state == "pending")
_index("ix_inbox_failed", inbox.c.received, where=inbox.c.state == "failed")

# A room is marked while what a broken chain of deliveries lost of it is still to be read. Up to the event numbered
# `catch_up_since` the room is complete; `generation` is that of `progress` when it was marked last.
room = sa.Table(
    "room",
    metadata,
    sa.Column("room_id", sa.Text, primary_key=True),
    sa.Column("catch_up_since", sa.BigInteger),
    sa.Column("generation", sa.BigInteger, nullable=False, server_default="0"),
)
_index("ix_room_marked", room.c.room_id, where=room.c.catch_up_since.is_not(None))

# One row: the chain of deliveries that events come by now.
progress = sa.Table(
    "progress",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("instance", sa.Text),
    sa.Column("generation", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("rooms_due", sa.Boolean, nullable=False, server_default=sa.true()),  # to be asked: which rooms there are
    sa.Column("thinned_until", sa.Float, nullable=False, server_default="0"),  # older events were known, and thinned
)

# What bots have asked to be done, in the order of each lane: a room, its pictures, or one person's mail.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
    sa.Column("effect_id", sa.Text, nullable=False, unique=True),
    sa.Column("once", sa.Text, unique=True),
    sa.Column("bot", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text),  # NULL once sent
    sa.Column("state", sa.Text, nullable=False, server_default="pending"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", sa.Float, nullable=False),  # no attempt is older
    sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
    sa.Column("result", sa.Text),  # the event that it made
    sa.Column("last_error", sa.Text),
    sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name="state"),
    sqlite_autoincrement=True,
)
_index("ix_outbox_pending", outbox.c.lane, outbox.c.number, where=outbox.c.state == "pending")
_index("ix_outbox_failed", outbox.c.number, where=outbox.c.state == "failed")
_index("ix_outbox_sent", outbox.c.created_at, where=outbox.c.state == "sent")

# What is due at a time and not done yet.
job = sa.Table(
    "job",
    metadata,
    sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
    sa.Column("bot", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("due", sa.Float, nullable=False),
    sa.Column("rule", sa.Text),  # the wall-clock rule that makes the next one
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="pending"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
    sa.Column("last_error", sa.Text),
    sa.CheckConstraint("state IN ('pending', 'failed')", name="state"),
    sqlite_autoincrement=True,
)
sa.Index(
    "uq_job_pending",
    job.c.bot,
    job.c.name,
    job.c.due,
    unique=True,
    sqlite_where=job.c.state == "pending",
    postgresql_where=job.c.state == "pending",
)

# What a bot has asked a member to confirm, until it is answered or too old. It is known by the effect that asks.
question = sa.Table(
    "question",
    metadata,
    sa.Column("effect_id", sa.Text, primary_key=True),
    sa.Column("bot", sa.Text, nullable=False),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("call", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("until", sa.Float),  # where it can be answered for longer than usual
)
sa.Index("ix_question_user_id", question.c.user_id, question.c.room_id, question.c.asked_at)

# When members want no messages that can wait, in their own rooms with a bot: times of the wall, as `22:00`.
quiet = sa.Table(
    "quiet",
    metadata,
    sa.Column("room_id", sa.Text, primary_key=True),
    sa.Column("begins", sa.Text, nullable=False),
    sa.Column("ends", sa.Text, nullable=False),
)

# Forms that were handed in on the portal, so that none is done twice.
form = sa.Table(
    "form",
    metadata,
    sa.Column("occasion", sa.Text, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
)

# On PostgreSQL a replica works in a lane only while it holds the lock of its row, in a transaction of its own.
lease = sa.Table("lease", metadata, sa.Column("lane", sa.Text, primary_key=True))
