"""The digests' own tables: who wrote when and where, who was named and has not answered, and what members chose.

No word of any message is here. Whether somebody may be told of one is decided when it is told (rule P2).
"""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

# Messages of the last weeks, in groups; `at` is the server's time and `arrived` that at which it was heard of here, in
# milliseconds since 1970, `thread` the root of theirs.
digest_message = sa.Table(
    "digest_message",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("arrived", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("thread", sa.Text),
    sa.Column("is_file", sa.Boolean, nullable=False, server_default=sa.false()),
)
sa.Index("ix_digest_message_room_id", digest_message.c.room_id, digest_message.c.at)
sa.Index("ix_digest_message_thread", digest_message.c.thread)
sa.Index("ix_digest_message_sender", digest_message.c.sender)
sa.Index("ix_digest_message_at", digest_message.c.at)

# Who is named in which of them (`m.mentions`), until they answer.
digest_mention = sa.Table(
    "digest_mention",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
)
sa.Index("ix_digest_mention_event_id", digest_mention.c.event_id)

# What each member chose; until when they were told, and when the next one is due, in seconds since 1970. `letter` is
# the key of the one that was written last: while that is underway, none is chosen.
digest_member = sa.Table(
    "digest_member",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("every", sa.Text, nullable=False, server_default="weekly"),
    sa.Column("hour", sa.Text, nullable=False, server_default="08:00"),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("due", sa.Float, nullable=False),
    sa.Column("letter", sa.Text),
    sa.CheckConstraint("every IN ('daily', 'weekly', 'off')", name="every"),
)
sa.Index("ix_digest_member_due", digest_member.c.due)

# Where a member's digest is mailed to, and whether they have shown that it is theirs. `code` is the hash of what was
# mailed there, `guesses` how often one was tried; `way` is how digests come. `handle` names the row in links.
digest_address = sa.Table(
    "digest_address",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False, server_default="both"),
    sa.Column("state", sa.Text, nullable=False, server_default="asked"),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("guesses", sa.Integer, nullable=False, server_default="0"),
    sa.Column("handle", sa.Text, nullable=False, unique=True),
    sa.CheckConstraint("way IN ('chat', 'mail', 'both')", name="way"),
    sa.CheckConstraint("state IN ('asked', 'confirmed', 'paused')", name="state"),
)

# Codes that were mailed in the last day: whoever asks for many, or for many to one address, gets no more of them.
digest_code_mail = sa.Table(
    "digest_code_mail",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),  # its hash: other members ask for the same one, too
    sa.Column("at", sa.Float, primary_key=True),
)
sa.Index("ix_digest_code_mail_address", digest_code_mail.c.address)
