"""The module's own tables in a database of SQLite's in memory, for tests that need no Synapse."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from synapse_modules.schema import MIGRATIONS


class Tables:
    """Stands where the module's API stands: does one transaction after the other."""

    #: The main process.
    worker_name = None

    def __init__(self) -> None:
        """Makes the tables, and of Synapse's those that are asked about files."""
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute(
            "CREATE TABLE local_media_repository (media_id TEXT PRIMARY KEY, user_id TEXT, media_length INTEGER)"
        )
        for statements in MIGRATIONS:
            for statement in statements:
                self.connection.execute(statement)

    async def run_db_interaction(self, _: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """One transaction."""
        with self.connection:
            return work(self.connection.cursor(), *arguments)

    def all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a question."""
        return self.connection.execute(query, values).fetchall()
