"""The portal: sessions, browsers inside Element, tokens that were used, codes that were none."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "portal_session",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("code_hash", sa.Text),
        sa.Column("code_since", sa.Float),
        sa.Column("browser", sa.Text, nullable=False),
        sa.Column("widget", sa.Boolean, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("organisation", sa.Text),
        sa.Column("confirmed_at", sa.Float),
        sa.Column("command_room", sa.Text),
        sa.Column("command_event", sa.Text),
        sa.Column("opened_at", sa.Float),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_portal_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_portal_session_token_hash")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_portal_session_code_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_portal_session_user_id", "portal_session", ["user_id"])
    op.create_index("ix_portal_session_asked_at", "portal_session", ["asked_at"])
    op.create_table(
        "portal_browser",
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("organisation", sa.Text, nullable=False),
        sa.Column("confirmed_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_portal_browser")),
    )
    op.create_index("ix_portal_browser_user_id", "portal_browser", ["user_id"])
    op.create_table(
        "portal_used_token",
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("used_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_portal_used_token")),
    )
    op.create_table(
        "portal_wrong_code",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_portal_wrong_code")),
    )


def downgrade() -> None:
    """Drops the tables."""
    for table in ("portal_wrong_code", "portal_used_token", "portal_browser", "portal_session"):
        op.drop_table(table)
