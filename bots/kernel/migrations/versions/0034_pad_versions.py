"""Pads: how they were at times, and whose each passage was; nobody's where the writer has left the community."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables, has each pad wait for its first version, and forgets who has left before."""
    op.create_table(
        "pad_version",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.Column("named_at", sa.Float(), nullable=True),
        sa.Column("restored", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("passages", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "number", name=op.f("pk_pad_version")),
    )
    op.create_index(op.f("ix_pad_version_named_by"), "pad_version", ["named_by"])
    op.create_table(
        "pad_version_author",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("letters", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "number", "place", name=op.f("pk_pad_version_author")),
    )
    op.create_index(op.f("ix_pad_version_author_user_id"), "pad_version_author", ["user_id"])
    op.create_table(
        "pad_unversioned",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_pad_unversioned")),
    )
    op.execute(
        "INSERT INTO pad_unversioned (event_id, since, changed_at, count)"
        " SELECT event_id, changed_at, changed_at, count FROM pad WHERE count > 0"
    )
    op.execute(
        "UPDATE pad_client SET user_id = '' WHERE user_id NOT IN (SELECT user_id FROM directory_member)"
        " AND EXISTS (SELECT 1 FROM directory_registry WHERE revision <> '')"
    )
