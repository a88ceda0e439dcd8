"""What the metrics count and no bot can see: accounts, sessions, groups read, files of groups opened, reports.

It is told without content: who, what, when, in which group, under which label. Of rooms of named people there is
nothing (rule P1): a receipt there is left out, and a file counts where it was shared in a group that who opened it is
in now, before they opened it. Private receipts are told to nobody. Of a report it is told that
somebody made it and when it was first looked after: neither what nor where, and of the steward nothing.

Each sort has a position of its own, and a little before it is read again: what was under way at the last question
would be missed otherwise. The bots know each fact by its key, so that it counts once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.commands.declaration import GROUPS
from belisha.policy.creation import POLICY_TYPE
from synapse_modules.downloads import EXCERPT, PREVIEW, THUMBNAIL
from synapse_modules.refusal import malformed
from synapse_modules.registry import Registry

#: How many rows of each sort one answer goes through; more than is read again, so that it gets on.
AT_ONCE: Final = 1000
_ROWS_AGAIN: Final = 100
_SECONDS_AGAIN: Final = 60
_LARGEST: Final = 2**62
#: How many numbers a position has; the first that were given away had nothing of reports in them.
_LENGTHS: Final = (4, 6)

Json = dict[str, Any]


class Position(NamedTuple):
    """How far somebody was told: two numbers of rows, and four times in seconds since 1970."""

    receipts: int = 0
    sessions: int = 0
    accounts: int = 0
    files: int = 0
    reports: int = 0
    looked_after: int = 0

    def __str__(self) -> str:
        """As it is asked for."""
        return ".".join(map(str, self))

    @classmethod
    def of(cls, text: str) -> Position:
        """Reads one; nothing is the beginning.

        Raises:
            SynapseError: 400 where it is none.
        """
        parts = text.split(".") if text else []
        if parts and (len(parts) not in _LENGTHS or not all(one.isascii() and one.isdigit() for one in parts)):
            raise malformed("`after` is `next` of the answer before.")
        return cls(*(min(int(one[:19]), _LARGEST) for one in parts))


class Doing(NamedTuple):
    """One thing that an account did; `at` is in milliseconds since 1970."""

    action: str
    user_id: str
    at: int
    room_id: str = ""
    label: str = ""
    what: str = ""


class Doings:
    """Answers about what accounts did."""

    def __init__(self, api: ModuleApi, registry: Registry) -> None:
        self._api = api
        self._registry = registry

    async def after(self, text: str) -> Json:
        """What was done after a position, and the next one; `more` where there is more at once.

        Raises:
            SynapseError: 400 where it is none.
        """
        began = Position.of(text)
        found, following, more = await self._api.run_db_interaction(
            "belisha_doings", _read, began, self._registry.user_id
        )
        told = [one._asdict() for one in found if not (await self._registry.person(one.user_id)).is_bot]
        return {"doings": told, "next": str(following), "more": more}


def _read(
    txn: LoggingTransaction, began: Position, user_id: Callable[[str], str]
) -> tuple[list[Doing], Position, bool]:
    receipts, last_receipt, more_receipts = _receipts(txn, began.receipts)
    sessions, last_session, more_sessions = _sessions(txn, began.sessions)
    accounts, last_account, more_accounts = _accounts(txn, began.accounts)
    files, last_file, more_files = _files(txn, began.files)
    reports, last_report, more_reports = _reports(txn, began.reports, user_id)
    acts, last_act, more_acts = _looked_after(txn, began.looked_after, user_id)
    following = Position(last_receipt, last_session, last_account, last_file, last_report, last_act)
    more = more_receipts or more_sessions or more_accounts or more_files or more_reports or more_acts
    return [*accounts, *sessions, *receipts, *files, *reports, *acts], following, more


def _receipts(txn: LoggingTransaction, after: int) -> tuple[list[Doing], int, bool]:
    txn.execute(
        "SELECT stream_id, user_id, room_id, data FROM receipts_linearized"
        " WHERE stream_id > ? AND receipt_type = 'm.read' ORDER BY stream_id LIMIT ?",
        (after - _ROWS_AGAIN, AT_ONCE),
    )
    rows = txn.fetchall()
    groups = _groups(txn, {row[2] for row in rows})
    found = []
    for _, user_id, room_id, data in rows:
        at = _time_in(data)
        if room_id in groups and at is not None:
            found.append(Doing("read", user_id, at, room_id))
    return found, *_progress(after, [int(row[0]) for row in rows])


def _time_in(data: object) -> int | None:
    """When a receipt was made, as Synapse keeps it: JSON with `ts`; it may have come from a client's own words."""
    try:
        content = json.loads(data) if isinstance(data, str) else data
    except ValueError:
        return None
    at = content.get("ts") if isinstance(content, dict) else None
    return at if isinstance(at, int) and at >= 0 else None


def _sessions(txn: LoggingTransaction, after: int) -> tuple[list[Doing], int, bool]:
    """Tokens that begin a session, and none that goes on with one."""
    txn.execute(
        "SELECT id, user_id, last_validated FROM access_tokens WHERE id > ? AND puppets_user_id IS NULL"
        " AND device_id IS NOT NULL AND last_validated IS NOT NULL AND (refresh_token_id IS NULL OR NOT EXISTS"
        "  (SELECT 1 FROM refresh_tokens WHERE refresh_tokens.next_token_id = access_tokens.refresh_token_id))"
        " ORDER BY id LIMIT ?",
        (after - _ROWS_AGAIN, AT_ONCE),
    )
    rows = txn.fetchall()
    found = [Doing("signed_in", user_id, int(at)) for _, user_id, at in rows]
    return found, *_progress(after, [int(row[0]) for row in rows])


def _accounts(txn: LoggingTransaction, after: int) -> tuple[list[Doing], int, bool]:
    txn.execute(
        "SELECT creation_ts, name FROM users WHERE creation_ts >= ? AND appservice_id IS NULL AND is_guest = 0"
        " ORDER BY creation_ts LIMIT ?",
        (after - _SECONDS_AGAIN, AT_ONCE),
    )
    rows = txn.fetchall()
    found = [Doing("invited", name, int(at) * 1000) for at, name in rows]
    return found, *_progress(after, [int(row[0]) for row in rows])


def _files(txn: LoggingTransaction, after: int) -> tuple[list[Doing], int, bool]:
    """Files above GREEN that were opened, each in the groups where who opened it could have found it."""
    txn.execute(
        "SELECT MIN(opened.at), opened.user_id, opened.media_id, opened.label, share.room_id"
        " FROM belisha_download AS opened"
        " JOIN belisha_share AS share ON share.media_id = opened.media_id AND share.since <= opened.at"
        "  AND share.sealed = 0"
        " JOIN events ON events.event_id = share.event_id"
        " JOIN local_current_membership AS mine ON mine.room_id = share.room_id AND mine.user_id = opened.user_id"
        "  AND mine.membership = 'join'"
        " WHERE opened.at >= ? AND opened.part NOT IN (?, ?, ?) AND NOT EXISTS"
        "  (SELECT 1 FROM redactions WHERE redactions.redacts = share.event_id)"
        " GROUP BY opened.at, opened.user_id, opened.media_id, opened.label, share.room_id"
        " ORDER BY MIN(opened.at) LIMIT ?",
        (after - _SECONDS_AGAIN, THUMBNAIL, PREVIEW, EXCERPT, AT_ONCE),
    )
    rows = txn.fetchall()
    groups = _groups(txn, {row[4] for row in rows})
    found = [
        Doing("downloaded", user_id, int(at) * 1000, room_id, label, media_id)
        for at, user_id, media_id, label, room_id in rows
        if room_id in groups
    ]
    return found, *_progress(after, [int(row[0]) for row in rows])


def _reports(txn: LoggingTransaction, after: int, user_id: Callable[[str], str]) -> tuple[list[Doing], int, bool]:
    """Reports of which the stewards were told, each at the time at which it was made."""
    txn.execute(
        "SELECT carded_at, reporter, number, at FROM belisha_report WHERE carded_at >= ? ORDER BY carded_at LIMIT ?",
        (after - _SECONDS_AGAIN, AT_ONCE),
    )
    rows = txn.fetchall()
    found = [Doing("reported", user_id(who), int(at) * 1000, what=f"report {number}") for _, who, number, at in rows]
    return found, *_progress(after, [int(row[0]) for row in rows])


def _looked_after(txn: LoggingTransaction, after: int, user_id: Callable[[str], str]) -> tuple[list[Doing], int, bool]:
    """The first that was done about each report: by whom, and what, is not told, and it counts as the reporter's."""
    txn.execute(
        "SELECT done.at, report.reporter, report.number FROM belisha_report_act AS done"
        " JOIN belisha_report AS report ON report.number = done.number"
        " WHERE done.at >= ? AND done.place = 0 ORDER BY done.at LIMIT ?",
        (after - _SECONDS_AGAIN, AT_ONCE),
    )
    rows = txn.fetchall()
    found = [Doing("acknowledged", user_id(who), int(at) * 1000, what=f"report {number}") for at, who, number in rows]
    return found, *_progress(after, [int(row[0]) for row in rows])


def _progress(after: int, positions: list[int]) -> tuple[int, bool]:
    """The next position, and whether there is more at once.

    Where a full answer has nothing new in it, the next question goes on behind it.
    """
    last = max(positions, default=after)
    is_full = len(positions) == AT_ONCE
    return (max(after, last) if not is_full or last > after else after + 1), is_full


def _groups(txn: LoggingTransaction, rooms: Iterable[str]) -> set[str]:
    """Those of some rooms that are groups now (rule P1)."""
    listed = sorted(rooms)
    found: set[str] = set()
    for start in range(0, len(listed), 500):
        some = listed[start : start + 500]
        places = ", ".join("?" for _ in some)
        txn.execute(
            "SELECT one.room_id, event_json.json FROM current_state_events AS one"  # noqa: S608 - question marks only
            " JOIN event_json ON event_json.event_id = one.event_id"
            f" WHERE one.type = ? AND one.state_key = '' AND one.room_id IN ({places})",
            (POLICY_TYPE, *some),
        )
        found |= {room for room, text in txn.fetchall() if json.loads(text).get("content", {}).get("kind") in GROUPS}
    return found
