"""The monthly reports, the links to them for sponsors, and what became of each month's posts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "metrics_report",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_metrics_report")),
    )
    op.create_table(
        "metrics_sponsor",
        sa.Column("number", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("made", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_metrics_sponsor")),
        sa.UniqueConstraint("key", name=op.f("uq_metrics_sponsor_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "metrics_asked",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("heard", sa.LargeBinary(), nullable=False),
        sa.Column("unheard", sa.LargeBinary(), nullable=False),
        sa.Column("answerers", sa.LargeBinary(), nullable=False),
        sa.Column("minutes", sa.Integer()),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_metrics_asked")),
    )
