"""The directory's own tables: what members have written into their profiles, and who is listed."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

# What a member has written into a field, as a JSON list; who sees it, where they have chosen.
profile_field = sa.Table(
    "profile_field",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False, server_default="[]"),
    sa.Column("visibility", sa.Text),
)

# Who is in the registry, as it was a minute ago at most; what may be shown of whom is asked anew each time (rule P2).
directory_member = sa.Table(
    "directory_member",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("organisation_name", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("service_room", sa.Text),
)

# One name of each organisation is looked up for a page, among all of its members.
sa.Index(
    "ix_directory_member_organisation",
    directory_member.c.organisation,
    directory_member.c.standing,
    directory_member.c.organisation_name,
)

# One row: the revision of the registry that was read to its end, and how far the present reading has come.
directory_registry = sa.Table(
    "directory_registry",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("revision", sa.Text, nullable=False, server_default=""),
    sa.Column("started", sa.Text, nullable=False, server_default=""),
    sa.Column("after", sa.Text, nullable=False, server_default=""),
)

# Whom the bot has asked whether they want to be introduced, by the message that asks; `gone` once that was taken back.
introduction_asked = sa.Table(
    "directory_introduction",
    metadata,
    sa.Column("effect_id", sa.Text, primary_key=True),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("gone", sa.Boolean, nullable=False, server_default=sa.false()),
)

# Which part of their profile a member is being asked for, in their own room, and since when (seconds since 1970).
guide = sa.Table(
    "directory_guide",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Float, nullable=False),
)

# Who wants no weekly suggestions, and of whom somebody was told by one.
no_suggestions = sa.Table("directory_no_suggestions", metadata, sa.Column("user_id", sa.Text, primary_key=True))
suggested = sa.Table(
    "directory_suggested",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("other", sa.Text, primary_key=True),
)
