"""The inbox, and what is said only once."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("received", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("json", sa.Text),
        sa.Column("state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        sa.CheckConstraint("state IN ('pending', 'handled', 'failed')", name=op.f("ck_inbox_state")),
        sa.PrimaryKeyConstraint("received", name=op.f("pk_inbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_inbox_event_id")),
        sqlite_autoincrement=True,
    )
    for state, columns in (("pending", ["room_id", "received"]), ("failed", ["received"])):
        of_state = sa.text(f"state = '{state}'")
        op.create_index(f"ix_inbox_{state}", "inbox", columns, sqlite_where=of_state, postgresql_where=of_state)
    op.create_table(
        "said",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_said")),
    )


def downgrade() -> None:
    """Drops the tables."""
    op.drop_table("said")
    op.drop_table("inbox")
