"""The files that the groups of a member share now, and who has opened them, as the database has it at this moment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.document_versions import Shared
from belisha.documents import Document, document_of

#: So many of the newest shares are looked through for one question.
_LOOKED_AT: Final = 2_000
#: So many downloads of one file are told of.
_OPENED: Final = 500


class Share(NamedTuple):
    """A file that a message shares, as it is since its last edit.

    Attributes:
        document: what the message says of it.
        event_id: the message as it was first sent.
        room_id: its room.
        sender: who shared it.
        uploader: who uploaded its bytes.
        at: when it was shared, in milliseconds since 1970; of a file that an edit brought, when that came.
        size: in bytes.
    """

    document: Document
    event_id: str
    room_id: str
    sender: str
    uploader: str
    at: int
    size: int


_ROWS: Final = (
    "SELECT share.media_id, share.item_id, share.room_id, event.sender, media.user_id, event.origin_server_ts,"
    " media.media_length, content.json FROM local_current_membership AS member"
    " JOIN belisha_share AS share ON share.room_id = member.room_id AND share.sealed = 0"
    " JOIN belisha_file AS file ON file.media_id = share.media_id AND file.state = 'shared'"
    " JOIN local_media_repository AS media ON media.media_id = share.media_id AND media.quarantined_by IS NULL"
    " JOIN events AS event ON event.event_id = share.event_id AND event.rejection_reason IS NULL"
    " JOIN event_json AS content ON content.event_id = share.event_id"
    " WHERE member.user_id = ? AND member.membership = 'join'{here}"
    " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redacts IN (share.event_id, share.item_id))"
    " ORDER BY share.since DESC, event.stream_ordering DESC LIMIT ?"
)


def shares(txn: LoggingTransaction, server: str, user_id: str, room_id: str | None) -> Sequence[Share]:
    """What the rooms share that somebody is in, newest first, each item once.

    Args:
        txn: the transaction.
        server: this server's name.
        user_id: whose rooms.
        room_id: the one room to look in; None for all of theirs.
    """
    here, values = ("", (user_id,)) if room_id is None else (" AND member.room_id = ?", (user_id, room_id))
    txn.execute(_ROWS.format(here=here), (*values, _LOOKED_AT))
    return _read(server, txn.fetchall())


def _read(server: str, rows: Sequence[tuple[Any, ...]]) -> Sequence[Share]:
    found: dict[str, Share] = {}
    for media_id, item_id, room, sender, uploader, at, size, text in rows:
        document = document_of(json.loads(text).get("content", {}), server)
        if document is None or document.media_id != media_id:
            continue
        newest = found.get(item_id)
        if newest is None:
            found[item_id] = Share(document, item_id, room, sender, uploader, int(at), int(size or 0))
            continue
        # What an edit says is newer; what the message answers, it alone says, and it shared the same file before.
        answers = newest.document.answers or document.answers
        since = int(at) if newest.document.media_id == media_id else newest.at
        found[item_id] = newest._replace(document=newest.document._replace(answers=answers), at=since)
    return sorted(found.values(), key=lambda share: (-share.at, share.event_id))


def opened(txn: LoggingTransaction, media_ids: tuple[str, ...]) -> Sequence[tuple[str, str, str, int]]:
    """Who has opened or saved files above GREEN: user id, part, label, and when last, in seconds since 1970."""
    marks = ", ".join("?" for _ in media_ids)
    txn.execute(
        "SELECT user_id, part, label, MAX(at) FROM belisha_download"  # noqa: S608 - question marks
        f" WHERE media_id IN ({marks}) AND part <> 'thumbnail' GROUP BY user_id, part, label"
        " ORDER BY MAX(at) DESC LIMIT ?",
        (*media_ids, _OPENED),
    )
    return [(str(user), str(part), str(label), int(at)) for user, part, label, at in txn.fetchall()]


def as_chained(share: Share, organisations: Mapping[str, str]) -> Shared:
    """A file as chains of versions are made of it.

    Args:
        share: it.
        organisations: whose members are in which, by user id; whoever is in none stands for themselves.
    """
    document = share.document
    of = organisations.get(share.sender, share.sender)
    answers = document.answers if document.is_new_version else None
    return Shared(share.event_id, share.room_id, of, document.key, answers, share.at)
