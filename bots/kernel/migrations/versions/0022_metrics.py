"""The metrics: facts under pseudonyms, roll-ups of days, what was decided to be shown, and annotations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "metrics_fact",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("member", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False, server_default="")
            for name in ("room_id", "label", "organisation", "counterpart", "ref")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_metrics_fact")),
    )
    op.create_index("ix_metrics_fact_day", "metrics_fact", ["day"])
    op.create_index("ix_metrics_fact_member", "metrics_fact", ["member"])
    op.create_table(
        "metrics_member",
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name=op.f("pk_metrics_member")),
        sa.UniqueConstraint("number", name=op.f("uq_metrics_member_number")),
    )
    op.create_table(
        "metrics_opted_out",
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name=op.f("pk_metrics_opted_out")),
    )
    op.create_table(
        "metrics_day",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.Column("rollup", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_metrics_day")),
    )
    progress = op.create_table(
        "metrics_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("highest", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("doings", sa.Text(), nullable=False, server_default=""),
        sa.Column("sample", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metrics_progress")),
    )
    op.bulk_insert(progress, [{"id": 1, "highest": 0, "doings": ""}])
    op.create_table(
        "metrics_organisation",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_metrics_organisation")),
    )
    op.create_table(
        "metrics_shown",
        sa.Column("first", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("members", sa.BigInteger(), nullable=True),
        sa.Column("figures", sa.Text(), nullable=False, server_default="{}"),
        sa.PrimaryKeyConstraint("first", "last", "measure", "part", name=op.f("pk_metrics_shown")),
    )
    op.create_table(
        "metrics_annotation",
        sa.Column("number", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_metrics_annotation")),
        sqlite_autoincrement=True,
    )
