"""Takes what was deleted out of the write-ahead log of SQLite, where it stays until something is written over it (E1).

The database file itself keeps nothing: SQLite is built with `SECURE_DELETE`, as in Debian, and writes zeros.
What PostgreSQL keeps of deleted rows until it vacuums, and in its own log, is its operator's (docs/operators.md).
"""

from __future__ import annotations

from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.storage.engines import Sqlite3Engine


class Leftovers:
    """What one Synapse process has deleted that may still be in the log."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._are_there = True  # a crash may have come between the two; emptying what is empty costs nothing

    def note(self) -> None:
        """Notes that something was deleted."""
        self._are_there = True

    async def clear(self) -> None:
        """Empties the log where something was deleted since; where somebody is reading it, the next call does."""
        if self._are_there:
            self._are_there = False
            try:
                self._are_there = not await self._api.run_db_interaction("belisha_leftovers", _is_emptied)
            except BaseException:
                self._are_there = True
                raise


def _is_emptied(txn: LoggingTransaction) -> bool:
    if not isinstance(txn.database_engine, Sqlite3Engine):
        return True
    txn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    row = txn.fetchone()
    return row is not None and row[0] == 0
