"""Changes the policy of a group, in two steps that no message can slip between, and finishes what a crash cut short.

The policy to go back to is written down first. After a crash it is put in force again: it was, and it is no wider.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.events import written_label
from belisha.policy.change import Change, Files, decide_change, plan_archiving, plan_change, plan_freezing
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decision import Decision, refuse
from belisha.policy.rooms import KINDS, Kind, Purpose, Room, from_state, to_state
from belisha.policy.types import CONTENT
from belisha.tlp import Label
from synapse_modules import locks
from synapse_modules.audit import Audit
from synapse_modules.hooks import Hooks
from synapse_modules.own_events import OwnEvents
from synapse_modules.refusal import FAILURES, not_found, refused
from synapse_modules.registry import Registry, Settle
from synapse_modules.rights import Rights
from synapse_modules.rooms import Rooms
from synapse_modules.snapshot import room_of
from synapse_modules.upgrade_rows import UpgradeRows

logger = logging.getLogger(__name__)

_CONTENT: Final = tuple(sorted(CONTENT))
_JOIN_RULES: Final = "m.room.join_rules"
_FILES_AS_BEFORE: Final = Files()
_LOCK: Final = "belisha_policy"
#: After how many seconds it is tried again, each time, to let a policy stand; in all, less than a caller waits.
_PAUSES: Final = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)

_FOUNDING: Final = refuse(
    "R1", "NO_CHANGE", "This is one of the rooms that every community has, and it stays as it is. Please make a group."
)


class Policies:
    """The policies of groups."""

    def __init__(
        self,
        api: ModuleApi,
        hooks: Hooks,
        registry: Registry,
        rooms: Rooms,
        rights: Rights,
        own: OwnEvents,
        upgrades: UpgradeRows,
        audit: Audit,
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rooms = rooms
        self._rights = rights
        self._steward = rooms.steward
        self._own = own
        self._upgrades = upgrades
        self.audit = audit

    @asynccontextmanager
    async def alone(self, room_id: str) -> AsyncIterator[None]:
        """Lets one caller at a time, in all processes, change a room; what a crash cut short there is ended first.

        Raises:
            SynapseError: 403 where another goes on changing it.
        """
        if room_id in await self._rooms.founding_rooms():
            raise refused(_FOUNDING)
        async with locks.alone(self._api, self._hooks, _LOCK, room_id):
            await self._go_back(room_id)
            upgrade = await self._upgrades.of(room_id)
            if upgrade is not None and upgrade.new is None:  # a crash cut it short, and it is still to be undone
                raise refused(locks.BEING_CHANGED)
            yield

    async def read(self, room_id: str) -> Room:
        """The policy in force.

        Raises:
            SynapseError: 404 where the room has none.
        """
        room = room_of(await self._api.get_room_state(room_id, [(POLICY_TYPE, ""), ("m.room.encryption", "")]))
        if room is None:
            raise not_found()
        return room

    async def change(
        self,
        room_id: str,
        kind: Kind,
        organisations: tuple[str, ...],
        purpose: Purpose,
        *,
        files: Files = _FILES_AS_BEFORE,
        settle: Settle | None = None,
        command: str | None = None,
    ) -> Room:
        """Changes the policy of a group; the new one. For who is `alone` with it.

        Args:
            room_id: the group.
            kind: what it becomes.
            organisations: whose members may be in it; none for everybody.
            purpose: what it is for.
            files: which files it carries, and to whom it gives originals.
            settle: written down in the transaction that ends the change, so both are done or neither.
            command: the event that asks for it, which its source widens by asking.

        Raises:
            SynapseError: 403 where it cannot be, with the reason; the room is then as it was.
        """
        async with self.audit.act("policy", room=room_id, rule="R1", **({} if command is None else {"item": command})):
            return await self._change(room_id, kind, organisations, purpose, files, settle, command)

    async def _change(
        self,
        room_id: str,
        kind: Kind,
        organisations: tuple[str, ...],
        purpose: Purpose,
        files: Files,
        settle: Settle | None,
        command: str | None,
    ) -> Room:
        known = frozenset(await self._registry.organisations())
        change = plan_change(await self.read(room_id), kind, organisations, purpose, known, files)
        if not isinstance(change, Change):
            raise refused(change)
        await self._begin(room_id, change.old)
        try:
            await self._put(room_id, change.meanwhile)
            strictest = await self._api.run_db_interaction("belisha_strictest", _strictest, room_id, command)
            if refusal := decide_change(change, strictest):
                raise refused(refusal)
            await self._put(room_id, change.new)
            # Written down before the change counts as done: who does not fit is removed even after a crash.
            await self._rights.room_changed(room_id)
        except FAILURES:
            # Where this fails too, the policy to go back to stays written down.
            await self._go_back(room_id)
            raise
        await self._end(room_id, settle)
        await self._rights.carry_out()
        return change.new

    async def set_frozen(self, room_id: str, *, frozen: bool, settle: Settle | None = None) -> bool:
        """Freezes a group, or thaws it; whether that changed anything. For who is `alone` with it.

        Once this has returned, no send that began before slips in. Cut short by a crash, the group is frozen.

        Raises:
            SynapseError: 403 where the room is no group.
        """
        async with self.audit.act("freeze" if frozen else "thaw", room=room_id, rule="R1"):
            return await self._set_frozen(room_id, frozen=frozen, settle=settle)

    async def _set_frozen(self, room_id: str, *, frozen: bool, settle: Settle | None) -> bool:
        old = await self.read(room_id)
        new = plan_freezing(old, frozen=frozen)
        return await self._mark(room_id, old, new, old._replace(frozen=True), settle)

    async def set_archived(self, room_id: str, *, archived: bool, settle: Settle | None = None) -> bool:
        """Archives a group, or brings it back; whether that changed anything. As `set_frozen` in all else.

        Raises:
            SynapseError: 403 where the room is no group, or is frozen.
        """
        async with self.audit.act("archive" if archived else "unarchive", room=room_id, rule="R1"):
            return await self._set_archived(room_id, archived=archived, settle=settle)

    async def _set_archived(self, room_id: str, *, archived: bool, settle: Settle | None) -> bool:
        old = await self.read(room_id)
        new = plan_archiving(old, archived=archived)
        # The Space and the directory follow the policy by themselves, but for what an open group gets back. Where that
        # comes to nothing, they take it out again.
        if old.archived and not archived and old.kind is Kind.OPEN and isinstance(new, Room):
            await self._api.public_room_list_manager.add_room_to_public_room_list(room_id)
        return await self._mark(room_id, old, new, old._replace(archived=True), settle)

    async def _mark(
        self, room_id: str, old: Room, new: Room | Decision, if_cut_short: Room, settle: Settle | None
    ) -> bool:
        if not isinstance(new, Room):
            raise refused(new)
        if new != old:
            await self._begin(room_id, if_cut_short)
            await self._put(room_id, new)
        else:
            await self._hooks.wait_for_sends(room_id)
        await self._end(room_id, settle)
        return new != old

    async def resume(self) -> None:
        """Goes back where a crash cut a change short; where another process is at it, that is left to it."""
        pending: list[str] = await self._api.run_db_interaction("belisha_policy_pending", _pending)
        for room_id in pending:
            lock = await self._hooks.try_lock(_LOCK, room_id)
            if lock is not None:
                async with lock:
                    await self._go_back(room_id)

    async def _begin(self, room_id: str, policy: Room) -> None:
        """Writes down what a room goes back to where the change does not come to its end."""
        if self._steward not in await self._hooks.joined(room_id):  # a group that was made this very moment
            await self._hooks.set_membership(self._steward, self._steward, room_id, "join")
        await self._api.run_db_interaction("belisha_policy_begin", _begin, room_id, json.dumps(to_state(policy)))

    async def _go_back(self, room_id: str) -> None:
        """Puts the policy in force again that is written down for a room, if there is one."""
        policy = await self._api.run_db_interaction("belisha_policy_of", _pending_of, room_id)
        if policy is None:
            return
        room = from_state(json.loads(policy), is_encrypted=False)
        if room is not None:
            logger.warning("A change of a room's policy did not come to its end; its old policy is put in force again")
            await self._put(room_id, room)
        await self._end(room_id)

    async def _end(self, room_id: str, settle: Settle | None = None) -> None:
        await self._api.run_db_interaction("belisha_policy_end", _end, room_id, settle)

    async def _put(self, room_id: str, room: Room) -> None:
        """Puts a policy in force, with a join rule that fits it, and sees that both stand.

        What is sent at the same moment makes the room's history fork, and of two join rules that do not know of each
        other Matrix keeps that of who has less power: the maintainer's old one (state resolution, room version 2). When
        everything that had begun has ended, it shows, and the rule is sent again.

        Raises:
            SynapseError: 403 where so much is sent that it does not come to stand.
        """
        for pause in _PAUSES:
            await self._write(room_id, room)
            await self._hooks.wait_for_sends(room_id)
            if await self._stands(room_id, room):
                return
            await self._api.sleep(pause)
        raise refused(locks.BEING_CHANGED)

    async def _write(self, room_id: str, room: Room) -> None:
        await self._send(room_id, POLICY_TYPE, to_state(room))
        rules = KINDS[room.kind].join_rules
        if _join_rule(await self._stored(room_id)) not in rules:
            await self._send(room_id, _JOIN_RULES, {"join_rule": rules[0]})

    async def _stands(self, room_id: str, room: Room) -> bool:
        state = await self._stored(room_id)
        found = from_state(state.get(POLICY_TYPE, {}), is_encrypted=False)
        is_in_force = found is not None and to_state(found) == to_state(room)
        return is_in_force and _join_rule(state) in KINDS[room.kind].join_rules

    async def _stored(self, room_id: str) -> dict[str, dict[str, Any]]:
        """Policy and join rule, by type, from the database: what this process remembers may be old without Redis."""
        found: dict[str, dict[str, Any]] = await self._api.run_db_interaction("belisha_policy_state", _state, room_id)
        return found

    async def _send(self, room_id: str, event_type: str, content: dict[str, Any]) -> None:
        with self._own.sending(self._steward, room_id, event_type, content, ""):
            await self._api.create_and_send_event_into_room(
                {
                    "type": event_type,
                    "state_key": "",
                    "room_id": room_id,
                    "sender": self._steward,
                    "content": content,
                }
            )


def _begin(txn: LoggingTransaction, room_id: str, policy: str) -> None:
    # A row that is there is the policy before two changes at once: that is the one to go back to.
    txn.execute(
        "INSERT INTO belisha_room (room_id, pending_policy) VALUES (?, ?) ON CONFLICT (room_id) DO NOTHING",
        (room_id, policy),
    )


def _end(txn: LoggingTransaction, room_id: str, settle: Settle | None) -> None:
    txn.execute("DELETE FROM belisha_room WHERE room_id = ?", (room_id,))
    if settle is not None:
        settle(txn)


def _state(txn: LoggingTransaction, room_id: str) -> dict[str, dict[str, Any]]:
    txn.execute(
        "SELECT now.type, event_json.json FROM current_state_events AS now JOIN event_json USING (event_id)"
        " WHERE now.room_id = ? AND now.state_key = '' AND now.type IN (?, ?)",
        (room_id, POLICY_TYPE, _JOIN_RULES),
    )
    return {event_type: json.loads(text)["content"] for event_type, text in txn}


def _join_rule(state: Mapping[str, Mapping[str, Any]]) -> object:
    return state.get(_JOIN_RULES, {}).get("join_rule")


def _pending(txn: LoggingTransaction) -> list[str]:
    txn.execute("SELECT room_id FROM belisha_room")
    return [row[0] for row in txn.fetchall()]


def _pending_of(txn: LoggingTransaction, room_id: str) -> str | None:
    txn.execute("SELECT pending_policy FROM belisha_room WHERE room_id = ?", (room_id,))
    row = txn.fetchone()
    return None if row is None else str(row[0])


def _strictest(txn: LoggingTransaction, room_id: str, besides: str | None) -> Label | None:
    """The strictest label of what the room holds; what was redacted it holds no more, and the ledger wins."""
    marks = ", ".join("?" for _ in _CONTENT)
    txn.execute(
        "SELECT event_json.json, belisha_item.label, belisha_item.pending"  # noqa: S608 - question marks only
        " FROM events JOIN event_json ON event_json.event_id = events.event_id"
        " LEFT JOIN redactions ON redactions.redacts = events.event_id"
        " LEFT JOIN belisha_item ON belisha_item.event_id = events.event_id"
        f" WHERE events.room_id = ? AND events.type IN ({marks})"
        " AND events.rejection_reason IS NULL AND redactions.event_id IS NULL AND events.event_id <> ?",
        (room_id, *_CONTENT, besides or ""),
    )
    strictest: Label | None = None
    for text, label, pending in txn:
        for found in (Label.parse(label), Label.parse(pending)) if label else _labels_of(text):
            if found is not None and (strictest is None or found > strictest):
                strictest = found
    return strictest


def _labels_of(text: str) -> tuple[Label | None, ...]:
    """The label of an item without a row; an edit is no item of its own."""
    content = json.loads(text).get("content", {})
    relates = content.get("m.relates_to")
    is_edit = isinstance(relates, dict) and relates.get("rel_type") == "m.replace"
    return () if is_edit else (written_label(content),)
