"""The index of blogs, and its full-text index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds its tables."""
    op.create_table(
        "blog_post",
        sa.Column("number", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_blog_post")),
        sa.UniqueConstraint("event_id", name=op.f("uq_blog_post_event_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_blog_post_room_id_sent_at", "blog_post", ["room_id", "sent_at"])
    op.create_table(
        "blog_tag",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", "folded", name=op.f("pk_blog_tag")),
    )
    op.create_index("ix_blog_tag_folded", "blog_tag", ["folded"])
    op.create_table(
        "blog_edit",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("number", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_blog_edit")),
    )
    op.create_index(op.f("ix_blog_edit_number"), "blog_edit", ["number"])
    op.create_table(
        "blog_unswept",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blog_unswept")),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE blog_words USING fts5"
            "(title, other, tokenize = \"ascii tokenchars '_'\", columnsize = 0)"
        )
    else:
        op.execute("CREATE TABLE blog_words (number bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_blog_words_words ON blog_words USING gin (words)")
