"""The directory finds how an organisation is called without reading all of its members."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the index."""
    op.create_index(
        "ix_directory_member_organisation", "directory_member", ["organisation", "standing", "organisation_name"]
    )
