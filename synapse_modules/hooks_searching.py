"""Synapse's index of the search and its edits, which are private parts, by which the module searches for a member."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from synapse.events import EventBase
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.storage.engines import Sqlite3Engine

from belisha.directory.query import SHORTEST_MISSPELT
from belisha.directory.text import edits, fold
from synapse_modules.guards import require

_WORD: Final = re.compile(r"\w+")
#: Words of a question that count; and those of a letter's difference that are looked for, of so many letters at most.
_WORDS: Final = 12
_MISSPELT: Final = 3
_LONGEST_MISSPELT: Final = 16
#: So many letters of each end of a word with a digit are in SQLite's index.
_KEPT: Final = 3
_DIGIT: Final = re.compile(r"[0-9]")
#: What no client would be shown takes nobody's place.
_STANDS: Final = (
    " AND event.type = 'm.room.message' AND event.rejection_reason IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redactions.redacts = event.event_id)"
)


class SearchingHooks:
    """What searching needs of one running Synapse process."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._store: Any = api._store
        self._is_on: bool = api._hs.config.server.enable_search

    def self_test(self) -> None:
        """Checks that everything is there, and takes what it is given.

        Raises:
            HookMissing: naming what is missing.
        """
        require((self._store, "get_applicable_edits", {"event_ids"}))

    async def newest(
        self, words: str, room_ids: Collection[str], most: int, *, misspelt: bool = False
    ) -> list[tuple[str, str]]:
        """Room and id of the newest messages of some rooms with all of those words, or with words that begin so.

        Whether somebody may read what is found is for the caller to ask.

        Args:
            words: any text.
            room_ids: the rooms to look in.
            most: how many at most.
            misspelt: whether words of a letter's difference count too; where none can, nothing is found.
        """
        asked = list(dict.fromkeys(_WORD.findall(words)))[:_WORDS]
        ways = [_ways(word, misspelt=misspelt) for word in asked]
        spread = sum(len(way) > 1 for way in ways)
        if not room_ids or not asked or not self._is_on or (misspelt and not 0 < spread <= _MISSPELT):
            return []
        found: list[tuple[str, str]] = await self._api.run_db_interaction(
            "belisha_search", _newest, ways, sorted(room_ids), most
        )
        return found

    async def edits(self, event_ids: Collection[str]) -> Mapping[str, EventBase | None]:
        """The newest edit of each event that has one."""
        edits: Mapping[str, EventBase | None] = await self._store.get_applicable_edits(event_ids)
        return edits


def _ways(word: str, *, misspelt: bool) -> Sequence[str]:
    """A word as it is looked for, itself first, which may be the beginning of one."""
    folded = fold(word)
    is_long = SHORTEST_MISSPELT <= len(folded) <= _LONGEST_MISSPELT and folded.isascii() and folded.isalnum()
    return (word, *sorted(edits(folded))) if misspelt and is_long else (word,)


def _newest(
    txn: LoggingTransaction, ways: Sequence[Sequence[str]], room_ids: Sequence[str], most: int
) -> list[tuple[str, str]]:
    # Words have letters, digits and _ alone, so none can be syntax; one letter begins too much.
    marks = ", ".join("?" for _ in room_ids)
    if isinstance(txn.database_engine, Sqlite3Engine):
        match, checks, values = _on_sqlite(ways)
        # As Synapse does: what matches first, then its place; the optimiser would take the other way round.
        txn.execute(
            "SELECT event.room_id, event.event_id FROM"  # noqa: S608 - question marks
            f" (SELECT event_id, key FROM event_search WHERE value MATCH ? AND {checks}) AS found"
            " CROSS JOIN events AS event ON event.event_id = found.event_id"
            f" WHERE found.key = 'content.body' AND event.room_id IN ({marks}){_STANDS}"
            " ORDER BY event.origin_server_ts DESC, event.stream_ordering DESC LIMIT ?",
            (match, *values, *room_ids, most),
        )
    else:
        each = (" | ".join(_on_postgresql(one, place) for place, one in enumerate(way)) for way in ways)
        txn.execute(
            "SELECT event.room_id, event.event_id FROM event_search AS found"  # noqa: S608 - question marks
            " JOIN events AS event ON event.event_id = found.event_id"
            " WHERE found.vector @@ to_tsquery('english', ?) AND found.key = 'content.body'"
            f" AND found.room_id IN ({marks}){_STANDS}"
            " ORDER BY event.origin_server_ts DESC, event.stream_ordering DESC LIMIT ?",
            (" & ".join(f"({one})" for one in each), *room_ids, most),
        )
    return [(str(room_id), str(event_id)) for room_id, event_id in txn.fetchall()]


def _on_postgresql(word: str, place: int) -> str:
    """A word in a tsquery. Of CVE-2024-3094 PostgreSQL keeps the numbers with the hyphens as their signs."""
    sign = _begins(word, place, ":*")
    return f"'{word}'{sign} | '-{word}'{sign}" if word.isdecimal() else f"'{word}'{sign}"


def _on_sqlite(ways: Sequence[Sequence[str]]) -> tuple[str, str, Sequence[str]]:
    """What matches the messages with each word in one of its ways, what is looked at then, and the values of that.

    SQLite's porter tokenizer keeps of a word with a digit, of more than six letters, the first three and the last
    three: such a word is found by its first three, and the text itself is looked at.
    """
    matches, checks, values = list[str](), list[str](), list[str]()
    for way in ways:
        word, each = way[0], " OR ".join(f'"{one}{_begins(one, place, "*")}"' for place, one in enumerate(way))
        if len(word) <= _KEPT:
            matches.append(f"({each})")
            continue
        matches.append(f'({each} OR "{word[:_KEPT]}*")')
        check = "value LIKE ? ESCAPE '!' AND value GLOB '*[0-9]*'"
        if len(word) <= 2 * _KEPT or _DIGIT.search(word) is None:  # else it may be another word with these ends
            check = f"(rowid IN (SELECT rowid FROM event_search WHERE value MATCH ?) OR {check})"  # noqa: S608 - question marks
            values.append(each)
        checks.append(check)
        values.append(f"%{word.replace('_', '!_')}%")
    return " ".join(matches), " AND ".join(checks) or "1", values


def _begins(word: str, place: int, sign: str) -> str:
    return sign if place == 0 and len(word) > 1 else ""
