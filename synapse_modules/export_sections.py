"""What a member's copy has of this server, section by section, a page at a time; each in one transaction, which reads.

What others wrote is in none of it, and whoever else is named is masked. Messages are those that the member sent, in
rooms of named people too: they are theirs, and nobody else reads the copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.events import written_label
from belisha.held import Held, KnownAs, Own, masked, moment
from belisha.policy.creation import NAMED_TYPE
from belisha.policy.types import CONTENT
from belisha.tlp import without_badge
from synapse_modules.held import HELD
from synapse_modules.held_by_synapse import HELD_BY_SYNAPSE

Json = dict[str, Any]

#: How many rows one page has.
_ROWS: Final = 1000
_EVENTS: Final = 300
_FALLBACK: Final = re.compile(r"> .*\n(?:>.*\n)*\n?")
#: Of the content of what was sent: what is given otherwise, and what repeats it.
_NOT_AGAIN: Final = frozenset(
    {"body", "formatted_body", "format", "m.new_content", "ciphertext", "session_id", "sender_key"}
)


#: Records that are looked through before somebody is told of them: what was found in uploads.
_REVIEWED: Final = frozenset({"alert"})


class Page(NamedTuple):
    """Some rows, and where to go on; None where these were the last."""

    rows: Sequence[Json]
    onward: str | None = None


class Section(NamedTuple):
    """One section of a copy."""

    name: str
    read: Callable[[LoggingTransaction, Own, str, int], Page]
    """For whom, from where on, and up to which stream ordering."""


def _of_table(held: Held) -> Section:
    columns = tuple(dict.fromkeys((*held.give, *held.masked)))
    values = 1 if held.known_as is KnownAs.OWN_ROOM else 3
    marks = ", ".join("?" * values)
    theirs = " OR ".join(f"{column} IN ({marks})" for column in held.mine)
    statement = (
        f"SELECT {', '.join(columns)} FROM {held.table} WHERE {theirs}"  # noqa: S608 - names of our own lists
        f" ORDER BY {', '.join(str(number + 1) for number in range(len(columns)))} LIMIT {_ROWS} OFFSET ?"
    )

    def read(txn: LoggingTransaction, own: Own, place: str, _position: int) -> Page:
        known = (own.service_room,) if held.known_as is KnownAs.OWN_ROOM else own.names
        start = int(place or 0)
        txn.execute(statement, (*known * len(held.mine), start))
        rows = [held.row(dict(zip(columns, row, strict=True)), own) for row in txn.fetchall()]
        return Page(rows, str(start + _ROWS) if len(rows) == _ROWS else None)

    return Section(held.section, read)


def _messages(txn: LoggingTransaction, own: Own, place: str, position: int) -> Page:
    txn.execute(
        "SELECT events.stream_ordering, events.event_id, events.room_id, events.type, events.state_key,"
        " events.received_ts, event_json.json, EXISTS (SELECT 1 FROM redactions WHERE redacts = events.event_id)"
        " FROM events JOIN event_json ON event_json.event_id = events.event_id"
        " WHERE events.sender = ? AND events.stream_ordering > ? AND events.stream_ordering <= ?"
        " AND events.rejection_reason IS NULL ORDER BY events.stream_ordering LIMIT ?",
        (own.user_id, int(place or -1), position, _EVENTS),
    )
    found = txn.fetchall()
    rows = [_event(own, *row[1:]) for row in found]
    return Page(rows, str(found[-1][0]) if len(found) == _EVENTS else None)


def _event(
    own: Own, event_id: str, room_id: str, kind: str, key: str | None, at: int, text: str, is_gone: bool
) -> Json:
    given: Json = {"event_id": event_id, "room_id": room_id, "type": kind, "received": moment(int(at or 0))}
    if is_gone:
        return given | {"taken back": True}
    content: Mapping[str, Any] = json.loads(text).get("content", {})
    rest = {name: value for name, value in content.items() if name not in _NOT_AGAIN}
    if key is not None:
        given["about"] = masked(key, own)
        if kind == "m.room.member" and key != own.user_id:  # whoever was invited, let in or removed
            rest = {"membership": content.get("membership"), "reason": content.get("reason")}
    if kind == NAMED_TYPE:  # who else is in a room of named people
        rest = {}
    label = written_label(content)
    if kind in CONTENT:
        given |= {"label": None if label is None else str(label), "text": _own_words(content)}
    if kind == "m.room.encrypted":
        given["text"] = "(encrypted: only your devices can read it)"
    return given | {"content": masked(rest, own)}


def _own_words(content: Mapping[str, Any]) -> str | None:
    """What the member wrote, without the badge and without what clients quote of the message that it answers."""
    newer = content.get("m.new_content")
    body = (newer if isinstance(newer, Mapping) else content).get("body")
    if not isinstance(body, str):
        return None
    relates = content.get("m.relates_to")
    body = without_badge(body)
    if isinstance(relates, Mapping) and isinstance(relates.get("m.in_reply_to"), Mapping) and body.startswith("> "):
        body = without_badge(_FALLBACK.sub("", body, count=1))
    return body


def _files(txn: LoggingTransaction, own: Own, place: str, _position: int) -> Page:
    start = int(place or 0)
    txn.execute(
        "SELECT media.media_id, media.media_type, media.media_length, media.created_ts, media.upload_name, file.state,"
        " file.kind, file.inside, file.withdrawn FROM local_media_repository AS media"
        " LEFT JOIN belisha_file AS file ON file.media_id = media.media_id WHERE media.user_id = ?"
        " ORDER BY media.created_ts, media.media_id LIMIT ? OFFSET ?",
        (own.user_id, _ROWS, start),
    )
    names = ("media_id", "media_type", "bytes", "uploaded", "name", "state", "kind", "label inside", "withdrawn")
    rows = [dict(zip(names, row, strict=True)) for row in txn.fetchall()]
    for row in rows:
        row |= {name: moment(int(row[name])) for name in ("uploaded", "withdrawn") if row[name]}
        if row["state"] == "withdrawn":
            row["name"] = None
    return Page(rows, str(start + _ROWS) if len(rows) == _ROWS else None)


def _audit(txn: LoggingTransaction, own: Own, place: str, _position: int) -> Page:
    txn.execute("SELECT pseudonym FROM belisha_pseudonym WHERE user_id = ?", (own.user_id,))
    known = txn.fetchone()
    if known is None:
        return Page(())
    start = int(place or 0)
    txn.execute(
        "SELECT at, entry FROM belisha_audit WHERE entry LIKE ? ORDER BY at, writer, number LIMIT ? OFFSET ?",
        (f'%"who":"{known[0]}"%', _ROWS, start),
    )
    found = txn.fetchall()
    entries = [(at, json.loads(entry)) for at, entry in found]
    rows = [
        {"at": moment(int(at)), **masked(entry, own)} for at, entry in entries if entry.get("kind") not in _REVIEWED
    ]
    return Page(rows, str(start + _ROWS) if len(found) == _ROWS else None)


#: All of them, in the order in which they are read and stand in the copy.
SECTIONS: Final = (
    *(_of_table(held) for held in (*HELD, *HELD_BY_SYNAPSE) if held.section),
    Section("files", _files),
    Section("audit log", _audit),
    Section("messages", _messages),
)
