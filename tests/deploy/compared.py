"""What has to be the same in a restored community, row by row: nothing is lost, and nothing resurrected (E1)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Final

Rows = Mapping[str, set[str]]

#: Tables whose rows need not come back as they were, and why.
LEFT_OUT: Final = {
    "belisha_synapse": {
        # Sessions end, and what is kept about the clients that had them.
        "access_tokens": "a session",
        "devices": "a session",
        "device_lists_stream": "a session",
        "event_txn_id_device_id": "a session",
        # How far each reader of the events is, and what is last: they go on with what the replay of the journal writes.
        "application_services_state": "a position",
        "appservice_stream_position": "a position",
        "belisha_followed": "a position",
        "belisha_journal": "a position",
        "belisha_revision": "a position",
        "delayed_events_stream_pos": "a position",
        "device_lists_changes_converted_stream_position": "a position",
        "event_forward_extremities": "a position",
        "event_push_summary_last_receipt_stream_id": "a position",
        "event_push_summary_stream_ordering": "a position",
        "federation_stream_position": "a position",
        "room_forgetter_stream_pos": "a position",
        "stats_incremental_position": "a position",
        "stream_positions": "a position",
        "user_directory_stream_pos": "a position",
        # Counted from the events and memberships, which are compared.
        "room_stats_current": "a count",
        "sliding_sync_joined_rooms": "a count",
        # Another run of the homeserver, which begins a chain of its own; the records of all chains are compared.
        "belisha_instance": "of this run",
        "belisha_audit_head": "of this run",
    },
    "belisha_bots": {"portal_session": "a session", "portal_browser": "a session"},
}
#: Columns that need not.
ASIDE: Final = {"belisha_synapse.belisha_share": ("stored",)}  # it is set some time after the event is there
#: Of these nothing may be there.
EMPTY: Final = ("belisha_synapse.access_tokens", "belisha_bots.portal_session", "belisha_bots.portal_browser")


def same(before: Rows, latest: Rows, after: Rows, gone: Collection[str]) -> None:
    """Asserts that nothing was lost and nothing resurrected.

    Args:
        before: what was there at the moment of the backup, by `DATABASE.TABLE`; each row in JSON.
        latest: what was there when the backup had ended.
        after: what the restore has made.
        gone: what was taken back since; a row that says one of these may have changed.
    """
    lost = {}
    for table, held in before.items():
        database, _, name = table.partition(".")
        if name in LEFT_OUT[database]:
            continue
        missing = _settled(table, held) - _settled(table, after.get(table, set()))
        if told := sorted(row for row in missing if not _says(row, gone)):
            lost[table] = len(told), told[:3]
    assert not lost, lost
    events = [_events(rows) for rows in (before, latest, after)]
    assert events[0].keys() <= events[2].keys()
    resurrected = [row for event, row in events[2].items() if event not in events[1] and not _says(row, gone)]
    assert not resurrected, resurrected
    assert not [table for table in EMPTY if after.get(table)]


def _settled(table: str, rows: set[str]) -> set[str]:
    if table not in ASIDE:
        return rows
    found = [json.loads(row) for row in rows]
    return {json.dumps({key: value for key, value in row.items() if key not in ASIDE[table]}) for row in found}


def _events(rows: Rows) -> dict[str, str]:
    return {json.loads(row)["event_id"]: row for row in rows["belisha_synapse.event_json"]}


def _says(row: str, words: Collection[str]) -> bool:
    return any(word in row for word in words)
