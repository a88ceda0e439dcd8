"""Profiles, and who is listed in the directory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "profile_field",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("visibility", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", "field", name=op.f("pk_profile_field")),
    )
    op.create_table(
        "directory_member",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("organisation_name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("service_room", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_directory_member")),
    )
    op.create_table(
        "directory_registry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False, server_default=""),
        sa.Column("started", sa.Text(), nullable=False, server_default=""),
        sa.Column("after", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_registry")),
    )
    op.create_table(
        "directory_no_suggestions",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_directory_no_suggestions")),
    )
    op.create_table(
        "directory_suggested",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "other", name=op.f("pk_directory_suggested")),
    )
    op.execute("INSERT INTO directory_registry (id) VALUES (1)")
