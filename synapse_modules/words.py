"""Takes the words of what was redacted out of the index of the search, where Synapse leaves them (rule E1)."""

from __future__ import annotations

from typing import Final

from synapse.module_api import ModuleApi
from synapse.storage.database import LoggingTransaction
from synapse.storage.engines import Sqlite3Engine

#: SQLite only marks a row of a full-text index as deleted: its words stay in the index until its parts are merged
#: (https://www.sqlite.org/fts3.html#the_optimize_command).
_MERGE: Final = "INSERT INTO event_search (event_search) VALUES ('optimize')"


class Words:
    """The words of redacted events, in Synapse's index of the search."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._is_to_merge = True  # a crash may have come between the two; merging what is merged costs nothing

    async def forget(self, event_id: str) -> None:
        """Takes an event out of the index; its words are gone once `merge` has been called."""

        def forget(txn: LoggingTransaction) -> None:
            txn.execute("DELETE FROM event_search WHERE event_id = ?", (event_id,))

        await self._api.run_db_interaction("belisha_forget_words", forget)
        self._is_to_merge = True

    async def merge(self) -> None:
        """Has the index written anew where something was taken out of it since."""
        if not self._is_to_merge:
            return
        self._is_to_merge = False

        def merge(txn: LoggingTransaction) -> None:
            if isinstance(txn.database_engine, Sqlite3Engine):
                txn.execute(_MERGE)

        try:
            await self._api.run_db_interaction("belisha_merge_words", merge)
        except BaseException:
            self._is_to_merge = True
            raise
