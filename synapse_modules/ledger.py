"""The ledger `belisha_item`: what an event cannot say of its own label (rules L2 and L4). No content in it.

An item has a row from AMBER on, and as soon as it is relabelled or redacted; where there is a row, it wins over the
label in the event. A change goes through three steps, and each survives a crash between them:

1. `begin` writes the asked label as `pending`, before the act is accepted. Until it is settled, the stricter of both
   counts, and no other change of the same item is begun.
2. Synapse stores the act.
3. `settle` counts the stored acts into `label`, in their order, and notes that a badge is due.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from typing import Final, NamedTuple

from synapse.events import EventBase
from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.events import GIVEN_KEY, relabel_act, relation_of, written_label
from belisha.policy.relabel import raised_from_after, still_lowers
from belisha.policy.types import CONTENT, RELABEL
from belisha.tlp import Label
from synapse_modules.audit import Audit
from synapse_modules.hooks import Hooks

#: How long an act may take from `begin` to its place in the database, in seconds, before another may be begun.
PENDING_HOLDS: Final = 30
#: Who acted, in the key `by` that the server writes into every accepted act.
BY_SOURCE: Final = "source"
BY_STEWARD: Final = "steward"
#: In an act that stands for an edit, the edit's id.
EDIT_KEY: Final = "edit"
_BATCH: Final = 500

_COLUMNS: Final = (
    "event_id, room_id, source, given, label, raised_from, redacted, acts_until, pending, pending_by, badge_due"
)


class Row(NamedTuple):
    """One item as the ledger has it."""

    event_id: str
    room_id: str
    source: str
    given: Label
    label: Label
    raised_from: Label | None = None
    redacted: bool = False
    acts_until: int = 0
    pending: Label | None = None
    pending_by: str | None = None
    badge_due: str | None = None

    @property
    def effective(self) -> Label:
        """The label that counts: the stricter one while a change is being accepted."""
        return self.label if self.pending is None else max(self.label, self.pending)


class Ledger:
    """Reads and writes the ledger; may be used in every process."""

    def __init__(self, api: ModuleApi, hooks: Hooks, audit: Audit, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._hooks = hooks
        self._audit = audit
        self._clock = clock

    # --- Reading -----------------------------------------------------------------------------------------------

    async def row(self, event_id: str) -> Row | None:
        """An item's row, if it has one."""
        found = await self._api.run_db_interaction("belisha_item", _read, "event_id = ?", (event_id,))
        return found[0] if found else None

    async def rows(self, event_ids: Collection[str]) -> dict[str, Row]:
        """The rows of several items, of those that have one; at most some hundreds."""
        wanted = tuple(event_ids)
        if not wanted:
            return {}
        where = f"event_id IN ({', '.join('?' for _ in wanted)})"
        return {row.event_id: row for row in await self._api.run_db_interaction("belisha_items", _read, where, wanted)}

    async def unsettled(self) -> list[Row]:
        """The rows with a change under way or a badge that is due."""
        where = "pending IS NOT NULL OR badge_due IS NOT NULL"
        return await self._api.run_db_interaction("belisha_unsettled", _read, where, ())

    async def label_of(self, event_id: str, room_id: str) -> Label | None:
        """The label of an item in a room; None where it is unknown, in another room, or cannot be read."""
        event = await self._hooks.event(event_id)
        if event is None or event.room_id != room_id or event.type not in CONTENT:
            return None
        original = relation_of(event.content).replaces
        if original is None:
            row = await self.row(event_id)
            return row.effective if row is not None else written_label(event.content)
        own, of_original = written_label(event.content), await self.label_of(original, room_id)
        return None if own is None or of_original is None else max(own, of_original)

    async def row_for(self, event: EventBase) -> Row | None:
        """An item's settled row, or the one it would get; None where its label cannot be read."""
        row = await self.row(event.event_id)
        if row is None:
            return new_row(event)
        return row if row.pending is None else await self.settle(row)

    # --- Changing ----------------------------------------------------------------------------------------------

    async def open(self, rows: Collection[Row]) -> None:
        """Writes rows that are not there yet."""
        await self._api.run_db_interaction("belisha_open", _insert, rows)

    async def begin(self, row: Row, asked: Label, by: str) -> bool:
        """Begins a change that was decided upon `row`; False where another change of this item is under way."""
        now = int(self._clock())

        def change(txn: LoggingTransaction) -> bool:
            _insert(txn, [row])
            txn.execute(
                "UPDATE belisha_item SET pending = ?, pending_by = ?, pending_since = ?"
                " WHERE event_id = ? AND acts_until = ? AND label = ?"
                " AND (pending IS NULL OR pending_since < ? OR (pending_by = ? AND pending = ?))",
                (
                    str(asked),
                    by,
                    now,
                    row.event_id,
                    row.acts_until,
                    str(row.label),
                    now - PENDING_HOLDS,
                    by,
                    str(asked),
                ),
            )
            if txn.rowcount != 1:
                return False
            about = {"item": row.event_id, "room": row.room_id, "label": str(asked)}
            self._audit.append(
                txn, by, kind="act", what="relabel", phase="intended", act=_act(row.event_id), rule="L4", **about
            )
            return True

        return await self._api.run_db_interaction("belisha_begin", change)

    async def settle(self, row: Row) -> Row:
        """Counts the acts that were stored since into the row; what the ledger has afterwards."""
        acts = await self._hooks.related(row.event_id, RELABEL, after=row.acts_until)
        if not acts:
            return row
        after = counted(row, acts)
        due = None if EDIT_KEY in acts[-1][1].content else acts[-1][1].event_id

        def change(txn: LoggingTransaction) -> None:
            txn.execute(
                "UPDATE belisha_item SET label = ?, raised_from = ?, acts_until = ?, badge_due = ?,"
                " pending = NULL, pending_by = NULL, pending_since = NULL WHERE event_id = ? AND acts_until = ?",
                (str(after.label), _name(after.raised_from), after.acts_until, due, row.event_id, row.acts_until),
            )
            if txn.rowcount == 1:
                about = {"item": row.event_id, "room": row.room_id, "label": str(after.label)}
                self._audit.append(
                    txn, kind="act", what="relabel", phase="done", act=_act(row.event_id), rule="L4", **about
                )

        await self._api.run_db_interaction("belisha_settle", change)
        return await self.row(row.event_id) or row

    async def give_up_pending(self) -> None:
        """Ends changes whose act was refused after all, or lost in a crash."""
        before = int(self._clock()) - PENDING_HOLDS

        def change(txn: LoggingTransaction) -> None:
            txn.execute("SELECT event_id FROM belisha_item WHERE pending_since < ?", (before,))
            for (event_id,) in txn.fetchall():
                self._audit.append(txn, kind="act", what="relabel", phase="failed", act=_act(event_id), item=event_id)
            txn.execute(
                "UPDATE belisha_item SET pending = NULL, pending_by = NULL, pending_since = NULL"
                " WHERE pending_since < ?",
                (before,),
            )

        await self._api.run_db_interaction("belisha_give_up", change)

    async def badge_done(self, row: Row) -> None:
        """Notes that the badge of an act is drawn, unless another one is due by now."""
        await self._change(
            "UPDATE belisha_item SET badge_due = NULL WHERE event_id = ? AND badge_due = ?", row.event_id, row.badge_due
        )

    async def mark_redacted(self, event_id: str) -> None:
        """Notes that an item was redacted; its labels stay."""
        await self._change("UPDATE belisha_item SET redacted = 1 WHERE event_id = ?", event_id)

    async def _change(self, statement: str, *values: object) -> None:
        await self._api.run_db_interaction("belisha_item_change", lambda txn: txn.execute(statement, values))

    # --- Following up ------------------------------------------------------------------------------------------

    async def followed(self) -> int:
        """The stream ordering up to which every event has been followed up."""

        def read(txn: LoggingTransaction) -> int:
            txn.execute("SELECT position FROM belisha_followed WHERE id = 1")
            (position,) = txn.fetchone() or (0,)
            return int(position)

        return await self._api.run_db_interaction("belisha_followed", read)

    async def set_followed(self, position: int) -> None:
        """Notes that every event up to there has been followed up."""
        await self._change("UPDATE belisha_followed SET position = ? WHERE id = 1 AND position < ?", position, position)

    # --- Rebuilding --------------------------------------------------------------------------------------------

    async def rebuild(self) -> dict[str, int]:
        """Makes the rows anew out of the events; says how many there are, and how many were missing or different.

        A row whose events are gone is kept, and so is one that has been changed since.
        """
        rows = {row.event_id: row for row in await self._rows_of_events()}
        before = {row.event_id: row for row in await self._api.run_db_interaction("belisha_items", _read, "1 = 1", ())}
        missing = [row for key, row in rows.items() if key not in before]
        wrong = [
            row
            for key, row in rows.items()
            if key in before and _settled(before[key]) != row and before[key].acts_until <= row.acts_until
        ]

        def change(txn: LoggingTransaction) -> None:
            _insert(txn, missing)
            for row in wrong:
                txn.execute(
                    "UPDATE belisha_item SET room_id = ?, source = ?, given = ?, label = ?, raised_from = ?,"
                    " redacted = ?, acts_until = ? WHERE event_id = ? AND acts_until <= ?",
                    (*_values(row)[1:8], row.event_id, row.acts_until),
                )

        await self._api.run_db_interaction("belisha_rebuild", change)
        return {
            "items": len(before) + len(missing),
            "added": len(missing),
            "corrected": len(wrong),
            "without_events": sum(key not in rows for key in before),
        }

    async def _rows_of_events(self) -> list[Row]:
        rows: dict[str, Row] = {}
        acts: dict[str, list[tuple[int, EventBase]]] = {}
        redactions: dict[str, EventBase] = {}
        position, until = 0, self._hooks.newest_position()
        types = (*CONTENT, RELABEL, "m.room.redaction")
        while found := await self._hooks.events_between(position, until, types, _BATCH):
            position = found[-1][0]
            for order, event in found:
                if event.type == RELABEL:
                    acts.setdefault(relabel_act(event.content).item, []).append((order, event))
                elif event.type == "m.room.redaction":
                    redactions.setdefault(str(target_of(event)), event)
                elif (row := new_row(event)) is not None and row.label > Label.GREEN:
                    rows[row.event_id] = row
        changed = [key for key in {**acts, **redactions} if key not in rows]
        for start in range(0, len(changed), _BATCH):
            events = await self._hooks.events(changed[start : start + _BATCH])
            for key, event in events.items():
                redaction = redactions.get(key)
                row = new_row(event) if redaction is None else redacted_row(event, redaction)
                if row is not None:
                    rows[key] = row
        return [counted(row, acts.get(key, ())) for key, row in rows.items()]


def _act(event_id: str) -> str:
    """The name of the one change of an item that can be under way."""
    return f"relabel:{event_id}"


def target_of(redaction: EventBase) -> object:
    """What a redaction redacts, whatever the version of its room."""
    return redaction.content.get("redacts") or redaction.redacts


def new_row(event: EventBase) -> Row | None:
    """The row of an item that was never changed; None for edits, protocol events and what has lost its label."""
    label = written_label(event.content)
    if label is None or event.type not in CONTENT or relation_of(event.content).replaces is not None:
        return None
    return Row(event.event_id, event.room_id, event.sender, label, label)


def redacted_row(target: EventBase, redaction: EventBase) -> Row | None:
    """The row of a redacted item, whose first label stands in its redaction."""
    given = Label.parse(redaction.content.get(GIVEN_KEY))
    if given is None or target.room_id != redaction.room_id:
        return None
    return Row(target.event_id, target.room_id, target.sender, given, given, redacted=True)


def counted(row: Row, acts: Iterable[tuple[int, EventBase]]) -> Row:
    """The row after acts that were accepted, in their order."""
    label, raised_from, order = row.label, row.raised_from, row.acts_until
    for order, event in acts:  # noqa: B007 - the last one's counts
        asked = relabel_act(event.content).label
        by_steward = event.content.get("by") == BY_STEWARD
        if EDIT_KEY in event.content:
            label = max(label, asked)
        elif still_lowers(label, asked, by_steward=by_steward, raised_from=raised_from):
            raised_from = raised_from_after(label, asked, by_steward=by_steward, raised_from=raised_from)
            label = asked
    return row._replace(label=label, raised_from=raised_from, acts_until=order)


def _settled(row: Row) -> Row:
    return row._replace(pending=None, pending_by=None, badge_due=None)


def _name(label: Label | None) -> str | None:
    return None if label is None else str(label)


def _values(row: Row) -> tuple[object, ...]:
    return (
        *row[:3],
        str(row.given),
        str(row.label),
        _name(row.raised_from),
        int(row.redacted),
        row.acts_until,
        _name(row.pending),
        row.pending_by,
        row.badge_due,
    )


def _read(txn: LoggingTransaction, where: str, values: tuple[str, ...]) -> list[Row]:
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_item WHERE {where}", values)  # noqa: S608 - constants of this file
    return [_row(values) for values in txn.fetchall()]


def _row(values: tuple[object, ...]) -> Row:
    event_id, room_id, source, given, label, raised_from, redacted, acts_until, pending, pending_by, due = values
    return Row(
        str(event_id),
        str(room_id),
        str(source),
        _label(given),
        _label(label),
        None if raised_from is None else _label(raised_from),
        bool(redacted),
        int(str(acts_until)),
        None if pending is None else _label(pending),
        None if pending_by is None else str(pending_by),
        None if due is None else str(due),
    )


def _label(value: object) -> Label:
    label = Label.parse(value)
    if label is None:
        raise RuntimeError("the ledger holds a label that is none")
    return label


def _insert(txn: LoggingTransaction, rows: Iterable[Row]) -> None:
    for row in rows:
        txn.execute(
            f"INSERT INTO belisha_item ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
            " ON CONFLICT (event_id) DO NOTHING",
            _values(row),
        )
