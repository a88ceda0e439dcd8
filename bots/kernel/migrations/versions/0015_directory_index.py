"""The directory's index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds its tables, and the full-text index that the database has."""
    for name in ("directory_community", "directory_groups"):
        op.create_table(
            name,
            sa.Column("number", _NUMBER, sa.Identity(), nullable=False),
            sa.Column("user_id", sa.Text(), nullable=False),
            sa.Column("organisation", sa.Text(), nullable=False),
            sa.Column("category", sa.Text(), nullable=False),
            sa.Column("availability", sa.Text(), nullable=False),
            sa.Column("updated", sa.Float(), nullable=False),
            sa.Column("interests", sa.Text(), nullable=False),
            sa.Column("flat", sa.Text(), nullable=False),
            sa.Column("texts", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{name}")),
            sa.UniqueConstraint("user_id", name=op.f(f"uq_{name}_user_id")),
            sqlite_autoincrement=True,
        )
    op.create_table(
        "directory_vocabulary",
        sa.Column("word", _BYTES, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_directory_vocabulary")),
    )
    op.create_index(op.f("ix_directory_vocabulary_key"), "directory_vocabulary", ["key"])
    op.create_table(
        "directory_deletion",
        sa.Column("variant", _BYTES, nullable=False),
        sa.Column("word", _BYTES, nullable=False),
        sa.PrimaryKeyConstraint("variant", "word", name=op.f("pk_directory_deletion")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_directory_deletion_word", "directory_deletion", ["word"])
    op.create_table(
        "directory_tag",
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("folded", _BYTES, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("field", "folded", "label", name=op.f("pk_directory_tag")),
    )
    op.create_table(
        "directory_synonym",
        sa.Column("term_key", sa.Text(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("term_key", name=op.f("pk_directory_synonym")),
    )
    op.create_index(op.f("ix_directory_synonym_number"), "directory_synonym", ["number"])
    op.create_table(
        "directory_unswept",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_unswept")),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE directory_words USING fts5"
            "(expertise, other, tokenize = \"ascii tokenchars '_'\", columnsize = 0)"
        )
    else:
        op.execute("CREATE TABLE directory_words (number bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_directory_words_words ON directory_words USING gin (words)")
