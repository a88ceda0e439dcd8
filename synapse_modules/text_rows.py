"""The tables `belisha_file_text` and `belisha_text_room`: the text of files that groups share, as it is searched (E1).

It is content, and the only one that the module keeps. So a file's text is deleted in the transaction that closes the
file, and none is ever there of a file that only rooms of named people share, or rooms that show no previews (P1).
Each file stands for itself: there is no index over many, whose order, size or time another's file could change (P2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction
from synapse.storage.engines import Sqlite3Engine

from belisha.directory.text import Word
from belisha.document_search import INSIDE_BEGINNING, INSIDE_WHOLE, sought
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.rooms import Kind, Room, from_state

#: So many files are asked about at once.
_TOGETHER: Final = 500
_GROUPS: Final = (Kind.OPEN, Kind.CLOSED)


class Due(NamedTuple):
    """A file about which is to be decided whether its text is searched."""

    media_id: str
    arrival: int


def is_searched(room: Room | None) -> bool:
    """Whether the text of what a room shares is searched: that of groups, where how a file begins may be shown."""
    return room is not None and room.kind in _GROUPS and room.has_previews


def forget(txn: LoggingTransaction, media_id: str) -> None:
    """Deletes a file's text, where there is any."""
    txn.execute("DELETE FROM belisha_file_text WHERE media_id = ?", (media_id,))


def follow_policies(txn: LoggingTransaction, limit: int) -> int:
    """Has the files of rooms decided about anew whose policy has changed since; of how many rooms."""
    txn.execute(
        "SELECT state.room_id, state.event_id FROM (SELECT DISTINCT room_id FROM belisha_share) AS shared"  # noqa: S608 - a constant
        " JOIN current_state_events AS state ON state.room_id = shared.room_id"
        f" AND state.type = '{POLICY_TYPE}' AND state.state_key = ''"
        " LEFT JOIN belisha_text_room AS known ON known.room_id = state.room_id"
        " WHERE known.policy IS NULL OR known.policy <> state.event_id LIMIT ?",
        (limit,),
    )
    changed = txn.fetchall()
    for room_id, policy in changed:
        txn.execute(
            "UPDATE belisha_file SET text_due = 1 WHERE text_due = 0 AND media_id IN"
            " (SELECT media_id FROM belisha_share WHERE room_id = ? AND sealed = 0)",
            (room_id,),
        )
        txn.execute(
            "INSERT INTO belisha_text_room (room_id, policy) VALUES (?, ?)"
            " ON CONFLICT (room_id) DO UPDATE SET policy = excluded.policy",
            (room_id, policy),
        )
    return len(changed)


def due(txn: LoggingTransaction, limit: int) -> Sequence[Due]:
    """Files about which is to be decided, the newest first."""
    txn.execute(
        "SELECT media_id, arrival FROM belisha_file WHERE text_due = 1 ORDER BY arrived DESC, media_id LIMIT ?",
        (limit,),
    )
    return [Due(str(media_id), int(arrival)) for media_id, arrival in txn.fetchall()]


def settle(txn: LoggingTransaction, one: Due) -> bool:
    """Deletes a text that is not to be there; whether one is still to be read."""
    if not _is_wanted(txn, one):
        forget(txn, one.media_id)
    else:
        txn.execute("SELECT arrival FROM belisha_file_text WHERE media_id = ?", (one.media_id,))
        if txn.fetchall() != [(one.arrival,)]:
            return True
    _done(txn, one)
    return False


def keep(txn: LoggingTransaction, one: Due, text: str, index: str) -> None:
    """Keeps the text that was read of a file, unless it is not to be there any more."""
    # First: who closes the file meanwhile changes this row too, and one of the two has to be done anew.
    if not _done(txn, one):
        return
    forget(txn, one.media_id)
    if index and _is_wanted(txn, one):
        txn.execute(
            "INSERT INTO belisha_file_text (media_id, arrival, text, words) VALUES (?, ?, ?, ?)",
            (one.media_id, one.arrival, text, index),
        )


def found(txn: LoggingTransaction, media_ids: Sequence[str], asked: Sequence[Word]) -> Mapping[str, Mapping[str, int]]:
    """What words count that stand inside of files (`belisha.document_search.score`), by file and key."""
    if not asked:
        return {}
    place = "INSTR" if isinstance(txn.database_engine, Sqlite3Engine) else "STRPOS"
    cases = ", ".join(
        f"CASE WHEN {place}(words, ?) > 0 THEN {INSIDE_WHOLE} WHEN {place}(words, ?) > 0 THEN {INSIDE_BEGINNING}"
        " ELSE 0 END"
        for _ in asked
    )
    values = [value for word in asked for value in sought(word)]
    counted: dict[str, Mapping[str, int]] = {}
    for start in range(0, len(media_ids), _TOGETHER):
        some = media_ids[start : start + _TOGETHER]
        marks = ", ".join("?" for _ in some)
        txn.execute(
            f"SELECT media_id, {cases} FROM belisha_file_text WHERE media_id IN ({marks})",  # noqa: S608 - question marks
            (*values, *some),
        )
        for media_id, *counts in txn.fetchall():
            counted[str(media_id)] = {word.key: int(count) for word, count in zip(asked, counts, strict=True)}
    return counted


def texts(txn: LoggingTransaction, media_ids: Sequence[str]) -> Mapping[str, str]:
    """The text of some files, by their ids."""
    if not media_ids:
        return {}
    marks = ", ".join("?" for _ in media_ids)
    txn.execute(
        f"SELECT media_id, text FROM belisha_file_text WHERE media_id IN ({marks})",  # noqa: S608 - question marks
        tuple(media_ids),
    )
    return {str(media_id): str(text) for media_id, text in txn.fetchall()}


def _is_wanted(txn: LoggingTransaction, one: Due) -> bool:
    """Whether a room shares it now, as these bytes, whose files are searched inside."""
    txn.execute(
        "SELECT DISTINCT policy.json FROM belisha_file AS file"  # noqa: S608 - a constant
        " JOIN belisha_share AS share ON share.media_id = file.media_id AND share.sealed = 0"
        " JOIN current_state_events AS state ON state.room_id = share.room_id"
        f" AND state.type = '{POLICY_TYPE}' AND state.state_key = ''"
        " JOIN event_json AS policy ON policy.event_id = state.event_id"
        " WHERE file.media_id = ? AND file.arrival = ? AND file.state = 'shared'",
        (one.media_id, one.arrival),
    )
    return any(is_searched(_policy(str(row[0]))) for row in txn.fetchall())


@lru_cache(maxsize=1024)
def _policy(text: str) -> Room | None:
    return from_state(json.loads(text).get("content", {}), is_encrypted=False)


def _done(txn: LoggingTransaction, one: Due) -> bool:
    """Notes that a file is decided about; False where other bytes have come, or it was decided before."""
    txn.execute(
        "UPDATE belisha_file SET text_due = 0 WHERE media_id = ? AND arrival = ? AND text_due = 1",
        (one.media_id, one.arrival),
    )
    return int(txn.rowcount) == 1
