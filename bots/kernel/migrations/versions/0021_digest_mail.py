"""Digests by mail: the members' addresses, and the codes by which they show that these are theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "digest_address",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False, server_default="both"),
        sa.Column("state", sa.Text(), nullable=False, server_default="asked"),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("guesses", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.CheckConstraint("way IN ('chat', 'mail', 'both')", name=op.f("ck_digest_address_way")),
        sa.CheckConstraint("state IN ('asked', 'confirmed', 'paused')", name=op.f("ck_digest_address_state")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_digest_address")),
        sa.UniqueConstraint("handle", name=op.f("uq_digest_address_handle")),
    )
    op.create_table(
        "digest_code_mail",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "address", "at", name=op.f("pk_digest_code_mail")),
    )
    op.create_index("ix_digest_code_mail_address", "digest_code_mail", ["address"])
