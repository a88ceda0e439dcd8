"""Which answers in chat name which files, so that they are taken back with them (rule E1). No word of any file."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

# `once` is the answer (`Send.once`), in its reader's own room; `until` in seconds since 1970, when it goes anyway.
answer = sa.Table(
    "library_answer",
    metadata,
    sa.Column("once", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("group_id", sa.Text, nullable=False),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
)
sa.Index("ix_library_answer_event_id", answer.c.event_id)
sa.Index("ix_library_answer_until", answer.c.until)
