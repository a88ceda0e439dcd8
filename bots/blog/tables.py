"""The blog's own tables: which messages are posts, and how they are found. What they say is read when it is shown."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

post = sa.Table(
    "blog_post",
    metadata,
    sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("sent_at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sqlite_autoincrement=True,
)
sa.Index("ix_blog_post_room_id_sent_at", post.c.room_id, post.c.sent_at)

# A post's tags: `folded` is what counts as the same, `label` as it was written.
tag = sa.Table(
    "blog_tag",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("folded", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
)
sa.Index("ix_blog_tag_folded", tag.c.folded)

# The edits of posts: one that is taken back changes what its post says.
edit = sa.Table(
    "blog_edit",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("number", _NUMBER, nullable=False, index=True),
)

# One row while the full-text index may still hold words of posts that are gone; the index itself is no table of
# SQLAlchemy's, see `bots.blog.engines`.
unswept = sa.Table("blog_unswept", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False))
