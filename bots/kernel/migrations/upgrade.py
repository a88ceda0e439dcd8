"""Runs the migrations on an open connection, without an alembic.ini."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from bots.kernel.errors import StoreError


def configuration() -> Config:
    """Alembic's settings: where the migrations are, and nothing of this machine."""
    config = Config()
    # Alembic reads % as the beginning of an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(connection: sa.Connection) -> None:
    """Brings the tables to the newest revision, inside the caller's transaction.

    Raises:
        StoreError: The database's revision is not among ours.
    """
    config = configuration()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            "The bots' database was written by a newer version of Belisha. Start that version, "
            "or restore the backup that was made before the update."
        ) from error
