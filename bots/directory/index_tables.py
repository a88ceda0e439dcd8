"""The tables of the directory's index. All of them follow from the profiles and can be made anew.

What is seen by groups alone is in no posting and in no count.
"""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
#: Compared byte by byte, so that beginnings of words are ranges, on both databases.
_BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _documents(name: str) -> sa.Table:
    """One audience's documents; a document that has changed gets a new number, so the freshest has the highest."""
    return sa.Table(
        name,
        metadata,
        sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False, unique=True),
        sa.Column("organisation", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("availability", sa.Text, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("interests", sa.Text, nullable=False),  # tags with U+001F between
        sa.Column("flat", sa.Text, nullable=False),  # keys; see belisha.directory.documents
        sa.Column("texts", sa.Text, nullable=False),  # JSON: what was indexed, as it was written
        sqlite_autoincrement=True,
    )


community = _documents("directory_community")
# Of members who show something to groups alone: that, and what the community may read.
groups = _documents("directory_groups")

# In which of the community's documents a word stands: see `postings.py`.
posting = sa.Table(
    "directory_posting",
    metadata,
    sa.Column("key", _BYTES, primary_key=True),
    sa.Column("slice", sa.Integer, primary_key=True),
    sa.Column("anywhere", sa.LargeBinary, nullable=False),
    sa.Column("expertise", sa.LargeBinary),
    sqlite_with_rowid=False,
)

# One row: up to which number documents are in the postings; documents that are no more, and still are.
posted = sa.Table(
    "directory_posted",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", _NUMBER, nullable=False),
)
unmerged = sa.Table(
    "directory_unmerged",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("keys", sa.Text, nullable=False),
)

# In how many of the community's documents a word stands.
vocabulary = sa.Table(
    "directory_vocabulary",
    metadata,
    sa.Column("word", _BYTES, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, index=True),
    sa.Column("documents", sa.Integer, nullable=False),
)

# Each word of the vocabulary with one letter left out: what misspelt words are found by.
deletion = sa.Table(
    "directory_deletion",
    metadata,
    sa.Column("variant", _BYTES, primary_key=True),
    sa.Column("word", _BYTES, primary_key=True),
    sqlite_with_rowid=False,
)
sa.Index("ix_directory_deletion_word", deletion.c.word)

# The community's tags, for suggestions.
tag = sa.Table(
    "directory_tag",
    metadata,
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("folded", _BYTES, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("members", sa.Integer, nullable=False),
)

# Terms of one number mean the same.
synonym = sa.Table(
    "directory_synonym",
    metadata,
    sa.Column("term_key", sa.Text, primary_key=True),
    sa.Column("term", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False, index=True),
)
