"""Changes the policy of a group, in two steps that no message can slip between, and finishes what a crash cut short.

The policy to go back to is written down first. After a crash it is put in force again: it was, and it is no wider.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.events import written_label
from belisha.policy.change import Change, decide_change, plan_change
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decision import refuse
from belisha.policy.rooms import KINDS, Kind, Purpose, Room, from_state, to_state
from belisha.policy.types import CONTENT
from belisha.tlp import Label
from synapse_modules.hooks import Hooks
from synapse_modules.refusal import not_found, refused
from synapse_modules.registry import Registry
from synapse_modules.rights import Rights
from synapse_modules.snapshot import room_of

logger = logging.getLogger(__name__)

_CONTENT: Final = tuple(sorted(CONTENT))
_JOIN_RULES: Final = ("m.room.join_rules", "")


class OwnState:
    """Room state that the module itself is about to send: each is expected once, exactly as it is."""

    def __init__(self) -> None:
        self._expected: list[tuple[str, str, str, dict[str, Any]]] = []

    def expect(self, sender: str, room_id: str, event_type: str, content: dict[str, Any]) -> None:
        """Expects one event."""
        self._expected.append((sender, room_id, event_type, content))

    def take(self, sender: str, room_id: str, event_type: str, content: Mapping[str, Any]) -> bool:
        """Whether exactly this was expected; it is not expected again."""
        entry = (sender, room_id, event_type, dict(content))
        if entry not in self._expected:
            return False
        self._expected.remove(entry)
        return True

    def forget(self, sender: str, room_id: str, event_type: str, content: Mapping[str, Any]) -> None:
        """Expects it no longer, sent or not."""
        self.take(sender, room_id, event_type, content)


class Policies:
    """The policies of groups."""

    def __init__(self, api: ModuleApi, hooks: Hooks, registry: Registry, rights: Rights, steward: str) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rights = rights
        self._steward = steward
        self._changing: set[str] = set()
        self.own = OwnState()

    async def read(self, room_id: str) -> Room:
        """The policy in force.

        Raises:
            SynapseError: 404 where the room has none.
        """
        room = room_of(await self._api.get_room_state(room_id, [(POLICY_TYPE, ""), ("m.room.encryption", "")]))
        if room is None:
            raise not_found()
        return room

    async def change(self, room_id: str, kind: Kind, organisations: tuple[str, ...], purpose: Purpose) -> Room:
        """Changes the policy of a group; the new one.

        Raises:
            SynapseError: 403 where it cannot be, with the reason; the room is then as it was.
        """
        known = frozenset(await self._registry.organisations())
        change = plan_change(await self.read(room_id), kind, organisations, purpose, known)
        if not isinstance(change, Change):
            raise refused(change)
        if room_id in self._changing:
            raise refused(
                refuse("R1", "NO_CHANGE", "The room is being changed just now. Please try again in a moment.")
            )
        self._changing.add(room_id)
        try:
            return await self._carry_out(room_id, change)
        finally:
            self._changing.discard(room_id)

    async def _carry_out(self, room_id: str, change: Change) -> Room:
        if self._steward not in await self._hooks.joined(room_id):  # a group that was made this very moment
            await self._hooks.set_membership(self._steward, self._steward, room_id, "join")
        await self._api.run_db_interaction("belisha_policy_begin", _begin, room_id, json.dumps(to_state(change.old)))
        try:
            await self._put(room_id, change.meanwhile)
            await self._hooks.wait_for_sends(room_id)
            strictest = await self._api.run_db_interaction("belisha_strictest", _strictest, room_id)
            if refusal := decide_change(change, strictest):
                raise refused(refusal)
            await self._put(room_id, change.new)
            # Written down before the change counts as done: who does not fit is removed even after a crash.
            await self._rights.room_changed(room_id)
        except Exception:
            # Where this fails too, the policy to go back to stays written down for the next start.
            await self._put(room_id, change.old)
            await self._api.run_db_interaction("belisha_policy_end", _end, room_id)
            raise
        await self._api.run_db_interaction("belisha_policy_end", _end, room_id)
        await self._rights.carry_out()
        return change.new

    async def resume(self) -> None:
        """Puts the policy in force again that a change cut short by a crash began with."""
        pending: list[tuple[str, str]] = await self._api.run_db_interaction("belisha_policy_pending", _pending)
        for room_id, policy in pending:
            room = from_state(json.loads(policy), is_encrypted=False)
            if room is not None:
                logger.warning("A change of a room's policy was cut short; its old policy is put in force again")
                await self._put(room_id, room)
            await self._api.run_db_interaction("belisha_policy_end", _end, room_id)

    async def _put(self, room_id: str, room: Room) -> None:
        """Writes the policy, and the join rule where the room's own does not fit it."""
        await self._send(room_id, POLICY_TYPE, to_state(room))
        rules = KINDS[room.kind].join_rules
        event = (await self._api.get_room_state(room_id, [_JOIN_RULES])).get(_JOIN_RULES)
        if event is None or event.content.get("join_rule") not in rules:
            await self._send(room_id, "m.room.join_rules", {"join_rule": rules[0]})

    async def _send(self, room_id: str, event_type: str, content: dict[str, Any]) -> None:
        self.own.expect(self._steward, room_id, event_type, content)
        try:
            await self._api.create_and_send_event_into_room(
                {
                    "type": event_type,
                    "state_key": "",
                    "room_id": room_id,
                    "sender": self._steward,
                    "content": content,
                }
            )
        finally:
            self.own.forget(self._steward, room_id, event_type, content)


def _begin(txn: LoggingTransaction, room_id: str, policy: str) -> None:
    # A row that is there is the policy before two changes at once: that is the one to go back to.
    txn.execute(
        "INSERT INTO belisha_room (room_id, pending_policy) VALUES (?, ?) ON CONFLICT (room_id) DO NOTHING",
        (room_id, policy),
    )


def _end(txn: LoggingTransaction, room_id: str) -> None:
    txn.execute("DELETE FROM belisha_room WHERE room_id = ?", (room_id,))


def _pending(txn: LoggingTransaction) -> list[tuple[str, str]]:
    txn.execute("SELECT room_id, pending_policy FROM belisha_room")
    return [(row[0], row[1]) for row in txn.fetchall()]


def _strictest(txn: LoggingTransaction, room_id: str) -> Label | None:
    """The strictest label of what the room holds; what was redacted it holds no more, and the ledger wins."""
    marks = ", ".join("?" for _ in _CONTENT)  # no value stands in the text
    txn.execute(
        "SELECT event_json.json, belisha_item.label, belisha_item.pending"  # noqa: S608
        " FROM events JOIN event_json ON event_json.event_id = events.event_id"
        " LEFT JOIN redactions ON redactions.redacts = events.event_id"
        " LEFT JOIN belisha_item ON belisha_item.event_id = events.event_id"
        f" WHERE events.room_id = ? AND events.type IN ({marks})"
        " AND events.rejection_reason IS NULL AND redactions.event_id IS NULL",
        (room_id, *_CONTENT),
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
