"""The portal's tables. Codes and tokens stand in them as hashes only."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# One row from the moment a browser asks: asked, confirmed by its member's command, open, ended.
session = sa.Table(
    "portal_session",
    metadata,
    sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),  # another one from the moment it is open
    sa.Column("code_hash", sa.Text, unique=True),  # NULL once the code is used
    sa.Column("code_since", sa.Float),
    sa.Column("browser", sa.Text, nullable=False),
    sa.Column("widget", sa.Boolean, nullable=False),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("user_id", sa.Text),
    sa.Column("organisation", sa.Text),  # the one at the time of signing in; with another the session ends
    sa.Column("confirmed_at", sa.Float),  # open and never confirmed: it may only look
    sa.Column("command_room", sa.Text),  # the command that confirmed it
    sa.Column("command_event", sa.Text),
    sa.Column("asked_of", sa.Text),  # whom its browser has named, to be asked in their own chat
    sa.Column("asked_by", sa.Text),  # the effect that asks
    sa.Column("picture", sa.Text),  # the one that lets it in
    sa.Column("opened_at", sa.Float),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sqlite_autoincrement=True,
)
sa.Index("ix_portal_session_user_id", session.c.user_id)
sa.Index("ix_portal_session_asked_of", session.c.asked_of)
sa.Index("ix_portal_session_asked_at", session.c.asked_at)

# Browsers inside Element whose member has confirmed them by code.
browser = sa.Table(
    "portal_browser",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("confirmed_at", sa.Float, nullable=False),
)
sa.Index("ix_portal_browser_user_id", browser.c.user_id)

# OpenID tokens that were accepted, so that none is accepted twice.
used_token = sa.Table(
    "portal_used_token",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("used_at", sa.Float, nullable=False),
)

# Codes that an account typed and that were none.
wrong_code = sa.Table(
    "portal_wrong_code",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
)
