"""The full-text indexes of PostgreSQL take words in at once: a list of pending ones is read by every search."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_INDEXES: Final = ("ix_directory_words_words", "ix_blog_words_words")


def upgrade() -> None:
    """Takes in what is pending, and has nothing pend any more; SQLite has nothing of the kind."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for index in _INDEXES:
        op.execute(f"ALTER INDEX {index} SET (fastupdate = off)")
        op.execute(f"SELECT gin_clean_pending_list('{index}')")
