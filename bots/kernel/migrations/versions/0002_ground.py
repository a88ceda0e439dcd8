"""Catch-up, outbox, jobs and leases; what was said once goes into the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    of = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=of, postgresql_where=of)


def upgrade() -> None:
    """Makes the tables, and takes over what stands in the old ones."""
    op.add_column("inbox", sa.Column("handled_by", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_inbox_room", "inbox", ["room_id", "received"])
    op.create_table(
        "room",
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("catch_up_since", sa.BigInteger),
        sa.Column("generation", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_room")),
    )
    _index("ix_room_marked", "room", ["room_id"], "catch_up_since IS NOT NULL")
    op.create_table(
        "progress",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("instance", sa.Text),
        sa.Column("generation", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("rooms_due", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("thinned_until", sa.Float, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress")),
    )
    op.create_table(
        "outbox",
        sa.Column("number", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("effect_id", sa.Text, nullable=False),
        sa.Column("once", sa.Text),
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
        sa.Column("result", sa.Text),
        sa.Column("last_error", sa.Text),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
        sa.UniqueConstraint("effect_id", name=op.f("uq_outbox_effect_id")),
        sa.UniqueConstraint("once", name=op.f("uq_outbox_once")),
        sqlite_autoincrement=True,
    )
    _index("ix_outbox_pending", "outbox", ["lane", "number"], "state = 'pending'")
    _index("ix_outbox_failed", "outbox", ["number"], "state = 'failed'")
    _index("ix_outbox_sent", "outbox", ["created_at"], "state = 'sent'")
    op.create_table(
        "job",
        sa.Column("number", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("rule", sa.Text),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        sa.CheckConstraint("state IN ('pending', 'failed')", name=op.f("ck_job_state")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_job")),
        sqlite_autoincrement=True,
    )
    _index("uq_job_pending", "job", ["bot", "name", "due"], "state = 'pending'", unique=True)
    op.create_table(
        "lease",
        sa.Column("lane", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_lease")),
    )
    op.execute("INSERT INTO progress (id) VALUES (1)")
    op.execute("INSERT INTO room (room_id) SELECT DISTINCT room_id FROM inbox")
    # The steward was the only bot that said anything once.
    op.execute(
        "INSERT INTO outbox (effect_id, once, bot, lane, kind, state, created_at)"
        " SELECT 'said before ' || key, 'steward ' || key, 'steward', '', 'send', 'sent', 0 FROM said"
    )
    op.drop_table("said")


def downgrade() -> None:
    """Not offered: what was sent would be sent again."""
    raise NotImplementedError
