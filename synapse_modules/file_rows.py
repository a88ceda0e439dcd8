"""The tables `belisha_file` and `belisha_share`: what each file is, and the events that share it; no content in them.

A share is written before its event is stored, under the event's final id, and counts from the moment that event is in
the database until it is redacted there. So an event that never came shares nothing, and a redaction holds at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.creation import POLICY_TYPE
from belisha.policy.files import File, Share, State
from belisha.policy.rooms import from_state
from belisha.tlp import Label
from synapse_modules.audit import Audit
from synapse_modules.hold_tables import note_shares
from synapse_modules.portrait_rows import Portrait
from synapse_modules.scan_rows import inside_of
from synapse_modules.text_rows import forget

#: How long after its upload a file may be named by an encrypted event, in seconds, if none has named it before.
_SEALED_WITHIN: Final = 3600
#: How long after its upload it may be named by events of several rooms: somebody writes in one and uploads in another.
_SEALED_TOGETHER: Final = 10
#: How long an event may take from its share to its place in the database, in seconds.
_UNDER_WAY: Final = 600
_LABELS: Final = {str(label): label for label in Label}
#: How long after its withdrawal bytes of a file may still come, by an upload or a thumbnail that had begun, in seconds:
#: twice as long as an upload waits to be looked at and read (`inspection.WAIT_S`), and more.
_LATE: Final = 120


class Meta(NamedTuple):
    """What Synapse knows of a file, beside what it is to one person."""

    file: File
    media_type: str | None
    media_length: int | None
    upload_name: str | None
    created_ts: int
    last_access_ts: int | None
    authenticated: bool | None
    sha256: str | None


class Naming(NamedTuple):
    """An event that is about to be stored and names files."""

    event_id: str
    item_id: str
    room_id: str
    sender: str
    label: Label


class FileRows:
    """Reads and writes the tables; may be used in every process."""

    def __init__(self, api: ModuleApi, audit: Audit, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._audit = audit
        self._clock = clock

    async def is_withdrawn(self, media_id: str) -> bool:
        """Whether a file was withdrawn."""
        state: str | None = await self._api.run_db_interaction("belisha_file_state", _state, media_id)
        return state == State.WITHDRAWN.value

    async def meta(self, media_id: str, user_id: str) -> Meta | None:
        """A file as it is to one person now; None where there is none that was ever uploaded or announced."""
        found: Meta | None = await self._api.run_db_interaction("belisha_file", _meta, media_id, user_id)
        return found

    async def file(self, media_id: str, user_id: str) -> File | None:
        """The same, without what only Synapse needs."""
        meta = await self.meta(media_id, user_id)
        return None if meta is None else meta.file

    async def share(self, naming: Naming, media_ids: Collection[str]) -> bool:
        """Writes that an event shares files; False, and nothing is written, where one may not be shared any more."""
        done: bool = await self._api.run_db_interaction(
            "belisha_file_share", _share, naming, tuple(media_ids), int(self._clock())
        )
        return done

    async def share_sealed(self, naming: Naming) -> None:
        """Writes that an encrypted event shares what its sender has uploaded for it: its addresses cannot be read."""
        await self._api.run_db_interaction("belisha_file_seal", _share_sealed, naming, int(self._clock()))

    async def make_avatar(self, media_id: str) -> bool:
        """Makes a pending file that was drawn anew a picture which everyone sees; False where it is another by now."""
        done: bool = await self._api.run_db_interaction("belisha_file_avatar", _make_avatar, media_id)
        return done

    async def redacted(self, event_id: str) -> list[str]:
        """Closes what no event shares any more after the redaction of one; the files closed. May be repeated."""
        closed: list[str] = await self._api.run_db_interaction(
            "belisha_file_redacted", _redacted, event_id, int(self._clock())
        )
        return closed

    async def give_up_unstored(self) -> list[str]:
        """Takes out shares whose event never came; the files that this closes."""
        closed: list[str] = await self._api.run_db_interaction(
            "belisha_file_give_up", _give_up_unstored, int(self._clock()) - _UNDER_WAY, int(self._clock())
        )
        return closed

    # --- Withdrawing and erasing -------------------------------------------------------------------------------

    async def uploader(self, media_id: str) -> str | None:
        """Who uploaded a file that is not erased yet; None where there is none."""
        found: str | None = await self._api.run_db_interaction("belisha_file_uploader", _uploader, media_id)
        return found

    async def withdraw(self, media_id: str, by: str | None = None) -> bool | None:
        """Closes a file to everybody, for good; False where it was so before, None where there is none."""
        now = int(self._clock())

        def withdraw(txn: LoggingTransaction) -> bool | None:
            done = close_for_good(txn, media_id, now)
            if done:
                self._audit.append(txn, by, kind="act", what="withdraw", phase="done", rule="E1", file=media_id)
            return done

        done: bool | None = await self._api.run_db_interaction("belisha_file_withdraw", withdraw)
        return done

    async def withdraw_unshared(self, before: int) -> None:
        """Withdraws uploads that arrived before that time and were never shared."""
        await self._api.run_db_interaction("belisha_file_unshared", _withdraw_unshared, before, int(self._clock()))

    async def to_erase(self, limit: int) -> list[str]:
        """Withdrawn files whose bytes are still to be erased, or to be looked for once more: an upload may be late."""
        found: list[str] = await self._api.run_db_interaction(
            "belisha_file_to_erase", _to_erase, int(self._clock()) - _LATE, limit
        )
        return found

    async def erased(self, media_id: str) -> None:
        """Notes that a file's bytes are gone."""
        await self._api.run_db_interaction("belisha_file_erased", _erased, media_id, int(self._clock()) - _LATE)

    async def to_journal(self, limit: int) -> list[str]:
        """Withdrawn files that the journal does not have yet."""
        found: list[str] = await self._api.run_db_interaction("belisha_file_to_journal", _to_journal, limit)
        return found

    async def journalled(self, media_ids: Collection[str]) -> None:
        """Notes that the journal has them."""
        await self._api.run_db_interaction("belisha_file_journalled", _journalled, tuple(media_ids))


def _state(txn: LoggingTransaction, media_id: str) -> str | None:
    txn.execute("SELECT state FROM belisha_file WHERE media_id = ?", (media_id,))
    row = txn.fetchone()
    return None if row is None else str(row[0])


#: Whether a share's event is redacted; an edit goes with what it edits.
_IS_GONE: Final = "(gone.event_id IS NOT NULL OR item_gone.event_id IS NOT NULL)"
_FROM_SHARES: Final = (
    " FROM belisha_share AS share"
    " JOIN events AS event ON event.event_id = share.event_id AND event.rejection_reason IS NULL"
    " LEFT JOIN redactions AS gone ON gone.redacts = share.event_id"
    " LEFT JOIN redactions AS item_gone ON item_gone.redacts = share.item_id"
)
#: A file, in as many rows as it is shared in different ways, or one. One question, since each costs a download time;
#: what a hundred messages of one room share is looked up in that room once.
_META: Final = (
    "SELECT media.user_id, media.media_type, media.media_length, media.upload_name, media.created_ts,"  # noqa: S608 - constants
    " media.last_access_ts, media.authenticated, media.sha256, file.state, file.kind, file.was_redacted,"
    " file.scanned, file.inside, file.not_checked, file.forbidden, file.portrait,"
    " found.is_gone, found.is_item, found.given, found.label, found.pending, member.membership, policy.json"
    " FROM local_media_repository AS media LEFT JOIN belisha_file AS file ON file.media_id = media.media_id"
    f" LEFT JOIN (SELECT DISTINCT {_IS_GONE} AS is_gone, share.event_id = share.item_id AS is_item,"
    " share.label AS given, item.label AS label, item.pending AS pending, share.room_id AS room_id"
    f"{_FROM_SHARES}"
    " LEFT JOIN belisha_item AS item ON item.event_id = share.item_id"
    f" WHERE share.media_id = ?) AS found ON file.state = '{State.SHARED.value}'"
    " LEFT JOIN local_current_membership AS member ON member.room_id = found.room_id AND member.user_id = ?"
    " LEFT JOIN current_state_events AS state"
    # Not a parameter: SQLite plans anew, each time, what compares one with the type that a partial index names.
    f"  ON state.room_id = found.room_id AND state.type = '{POLICY_TYPE}' AND state.state_key = ''"
    " LEFT JOIN event_json AS policy ON policy.event_id = state.event_id"
    " WHERE media.media_id = ? AND media.quarantined_by IS NULL AND media.url_cache IS NULL"
)
#: Where the columns of the file itself end, and those of a share begin.
_OF_FILE: Final = 16


def _meta(txn: LoggingTransaction, media_id: str, user_id: str) -> Meta | None:
    txn.execute(_META, (media_id, user_id, media_id))
    rows = txn.fetchall()
    if not rows or rows[0][0] is None:
        return None
    row = rows[0]
    shares = [each[_OF_FILE:] for each in rows if each[_OF_FILE] is not None]
    file = File(
        uploader=str(row[0]),
        state=State.PENDING if row[8] is None else State(row[8]),
        kind=row[9],
        has_bytes=row[2] is not None,
        shares=tuple(_share_of(share) for share in shares if not share[0]),
        was_redacted=bool(row[10]) or any(share[0] for share in shares),
        inside=inside_of(*row[11:15]),
        is_drawn=row[15] == Portrait.DRAWN,
    )
    return Meta(file, *row[1:8])


def _share_of(row: tuple[Any, ...]) -> Share:
    _, is_item, given, label, pending, membership, policy = row
    names = [name for name in (label, pending) if name is not None]
    if not names or not is_item:
        names.append(given)
    has_policy, sources_only, has_previews = _of_policy(policy)
    # What cannot be read counts as the strictest, and a room without a policy gives nothing.
    return Share(
        max(_LABELS.get(name, Label.RED) for name in names),
        is_in=membership == "join" and has_policy,
        sources_only=sources_only,
        has_previews=has_previews,
    )


@lru_cache(maxsize=1024)
def _of_policy(text: str | None) -> tuple[bool, bool, bool]:
    """Whether an event's JSON is a policy that can be read, and what `Share` has of it, each as `sources_only` on."""
    room = None if text is None else from_state(json.loads(text).get("content", {}), is_encrypted=False)
    if room is None:
        return False, True, False
    return True, room.sources_only, room.has_previews


def _share(txn: LoggingTransaction, naming: Naming, media_ids: tuple[str, ...], now: int) -> bool:
    marks = ", ".join("?" for _ in media_ids)
    txn.execute(
        f"SELECT COUNT(*) FROM belisha_file WHERE media_id IN ({marks}) AND state IN ('pending', 'shared')"  # noqa: S608 - question marks
        " AND scanned IS NOT NULL",
        media_ids,
    )
    if txn.fetchall()[0][0] != len(media_ids):
        return False
    for media_id in media_ids:
        _insert(txn, naming, media_id, sealed=False, now=now)
    return True


def _insert(txn: LoggingTransaction, naming: Naming, media_id: str, *, sealed: bool, now: int) -> None:
    txn.execute(
        "UPDATE belisha_file SET state = 'shared', text_due = CASE WHEN ? THEN text_due ELSE 1 END"
        " WHERE media_id = ? AND state IN ('pending', 'shared')",
        (sealed, media_id),
    )
    txn.execute(
        "INSERT INTO belisha_share (media_id, event_id, item_id, room_id, label, sealed, since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (media_id, event_id) DO NOTHING",
        (media_id, naming.event_id, naming.item_id, naming.room_id, str(naming.label), int(sealed), now),
    )


def _share_sealed(txn: LoggingTransaction, naming: Naming, now: int) -> None:
    # Clients upload what they encrypted as mere bytes without a name (Matrix 1.16, "Sending encrypted attachments").
    txn.execute(
        "SELECT media.media_id FROM local_media_repository AS media"
        " JOIN belisha_file AS file ON file.media_id = media.media_id"
        " WHERE media.user_id = ? AND media.created_ts > ? AND media.media_length IS NOT NULL"
        " AND media.media_type = 'application/octet-stream' AND COALESCE(media.upload_name, '') = ''"
        " AND ((file.state = 'pending' AND file.arrived > ?) OR (file.state = 'shared' AND file.arrived > ?"
        "  AND NOT EXISTS (SELECT 1 FROM belisha_share AS share WHERE share.media_id = file.media_id"
        "   AND (share.sealed = 0 OR share.room_id = ?))))",
        (naming.sender, (now - _SEALED_WITHIN) * 1000, now - _SEALED_WITHIN, now - _SEALED_TOGETHER, naming.room_id),
    )
    for (media_id,) in txn.fetchall():
        _insert(txn, naming, media_id, sealed=True, now=now)


def _make_avatar(txn: LoggingTransaction, media_id: str) -> bool:
    txn.execute(
        "UPDATE belisha_file SET state = 'avatar'"
        " WHERE media_id = ? AND (state = 'avatar' OR (state = 'pending' AND portrait = ?))",
        (media_id, int(Portrait.DRAWN)),
    )
    return int(txn.rowcount) == 1


def _redacted(txn: LoggingTransaction, event_id: str, now: int) -> list[str]:
    txn.execute(
        f"SELECT share.media_id, share.event_id{_FROM_SHARES}"
        f" WHERE {_IS_GONE} AND (share.event_id = ? OR share.item_id = ?)",
        (event_id, event_id),
    )
    gone = txn.fetchall()
    for media_id, shared_by in gone:
        txn.execute("UPDATE belisha_file SET was_redacted = 1, text_due = 1 WHERE media_id = ?", (media_id,))
        note_shares(txn, media_id, shared_by)
        txn.execute("DELETE FROM belisha_share WHERE media_id = ? AND event_id = ?", (media_id, shared_by))
    return _close_unshared(txn, {str(media_id) for media_id, _ in gone}, now)


def _give_up_unstored(txn: LoggingTransaction, before: int, now: int) -> list[str]:
    txn.execute(
        "UPDATE belisha_share SET stored = 1 WHERE stored = 0 AND since < ?"
        " AND EXISTS (SELECT 1 FROM events WHERE events.event_id = belisha_share.event_id)",
        (before,),
    )
    txn.execute("SELECT media_id, event_id FROM belisha_share WHERE stored = 0 AND since < ?", (before,))
    lost = txn.fetchall()
    for media_id, event_id in lost:
        txn.execute("DELETE FROM belisha_share WHERE media_id = ? AND event_id = ?", (media_id, event_id))
    return _close_unshared(txn, {str(media_id) for media_id, _ in lost}, now)


def _close_unshared(txn: LoggingTransaction, media_ids: Collection[str], now: int) -> list[str]:
    """Withdraws those that were shared and are so no more; what no stored event ever shared is pending again."""
    closed = []
    for media_id in sorted(media_ids):
        txn.execute(
            "UPDATE belisha_file SET withdrawn = ?,"
            " state = CASE was_redacted WHEN 0 THEN 'pending' ELSE 'withdrawn' END"
            " WHERE media_id = ? AND state = 'shared'"
            " AND NOT EXISTS (SELECT 1 FROM belisha_share WHERE belisha_share.media_id = belisha_file.media_id)",
            (now, media_id),
        )
        if txn.rowcount:
            forget(txn, media_id)
            txn.execute("SELECT state FROM belisha_file WHERE media_id = ?", (media_id,))
            closed += [media_id] if txn.fetchall() == [(State.WITHDRAWN.value,)] else []
    return closed


def _uploader(txn: LoggingTransaction, media_id: str) -> str | None:
    txn.execute("SELECT user_id FROM local_media_repository WHERE media_id = ?", (media_id,))
    row = txn.fetchone()
    return None if row is None or row[0] is None else str(row[0])


def close_for_good(txn: LoggingTransaction, media_id: str, now: int, *, under_way: bool = False) -> bool | None:
    """Withdraws a file; False where it was so before, None where there is none.

    Args:
        txn: the transaction.
        media_id: its id.
        now: in seconds since 1970.
        under_way: whether its upload is known to have begun: where there is no row yet, one keeps it from ending well.
    """
    if not under_way and _state(txn, media_id) is None and _uploader(txn, media_id) is None:
        return None
    txn.execute(
        "INSERT INTO belisha_file (media_id, state, kind, arrived, withdrawn) VALUES (?, 'withdrawn', '', ?, ?)"
        " ON CONFLICT (media_id) DO UPDATE SET state = 'withdrawn', withdrawn = excluded.withdrawn"
        " WHERE belisha_file.state <> 'withdrawn'",
        (media_id, now, now),
    )
    done = int(txn.rowcount) == 1
    forget(txn, media_id)
    return done


def _withdraw_unshared(txn: LoggingTransaction, before: int, now: int) -> None:
    txn.execute(
        "UPDATE belisha_file SET state = 'withdrawn', withdrawn = ? WHERE state = 'pending' AND arrived < ?",
        (now, before),
    )


def _to_erase(txn: LoggingTransaction, late: int, limit: int) -> list[str]:
    txn.execute(
        "SELECT media_id FROM belisha_file WHERE state = 'withdrawn' AND erased < 2"
        " AND (erased = 0 OR withdrawn < ?) ORDER BY withdrawn LIMIT ?",
        (late, limit),
    )
    return [str(row[0]) for row in txn.fetchall()]


def _erased(txn: LoggingTransaction, media_id: str, late: int) -> None:
    txn.execute(
        "UPDATE belisha_file SET erased = CASE WHEN withdrawn < ? THEN 2 ELSE 1 END WHERE media_id = ?",
        (late, media_id),
    )


def _to_journal(txn: LoggingTransaction, limit: int) -> list[str]:
    txn.execute("SELECT media_id FROM belisha_file WHERE state = 'withdrawn' AND journalled = 0 LIMIT ?", (limit,))
    return [str(row[0]) for row in txn.fetchall()]


def _journalled(txn: LoggingTransaction, media_ids: tuple[str, ...]) -> None:
    for media_id in media_ids:
        txn.execute("UPDATE belisha_file SET journalled = 1 WHERE media_id = ?", (media_id,))
