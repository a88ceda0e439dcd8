"""Announcing: a manager's command becomes a message in their own name, once (rule P3)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

from synapse.module_api import LoggingTransaction

from belisha.acts.announcements import ANNOUNCE_ACTS, ANNOUNCEMENT_KEY
from belisha.policy.decision import refuse
from belisha.policy.membership import decide_standing
from belisha.policy.rooms import Kind, Purpose
from synapse_modules import announcements as tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.announcements import Announcement, Announcements
from synapse_modules.command_events import Command
from synapse_modules.locks import alone
from synapse_modules.parts import Parts
from synapse_modules.refusal import as_client, not_found, raise_if_refused, refused

#: Of how many announcements it is told who has acknowledged them.
SHOWN: Final = 3
_LOCK: Final = "belisha_announcement"


class AnnouncementActs:
    """What commands announce.

    Synapse stores the message in a transaction of its own. So a call that is repeated after a crash looks first whether
    the message of this command was stored.
    """

    acts = tuple(str(act.act) for act in ANNOUNCE_ACTS)

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._hooks = parts.hooks
        self._announcements = Announcements(parts.api, parts.hooks, parts.registry)
        self._policies = parts.policies
        self._registry = parts.registry
        self._rooms = parts.rooms
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        if not command.sender.roles & command.asked.command.roles:
            raise refused(_NOT_YOURS)
        if command.asked.command.act == "announce_status":
            return await self._status(record)
        room_id = await self._room(command)
        async with alone(self._api, self._hooks, _LOCK, command.events[-1]):
            await self._api.run_db_interaction("belisha_act", record.not_ended)
            self._registry.look_again()
            asker = await self._registry.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            if not asker.roles & command.asked.command.roles:
                raise refused(_NOT_YOURS)
            event_id = await self._find(command, room_id) or await self._send(command, room_id)
            found = Announcement(event_id, command.events[-1], room_id, asker.localpart, int(self._clock()))

            def settle(txn: LoggingTransaction) -> Json:
                tables.add(txn, found)
                self._audit.append(
                    txn, asker.user_id, kind="announcement", what="announce", room=room_id, item=event_id
                )
                return record.done(txn, event_id=event_id, room_id=room_id)

            outcome: Json = await self._api.run_db_interaction("belisha_announced", settle)
            return outcome

    async def _room(self, command: Command) -> str:
        named = command.asked.arguments.get("group")
        if named is None:
            return await self._rooms.announcements_room()
        room_id = await self._rooms.named(named)
        room = await self._policies.read(room_id)
        if room.kind not in (Kind.OPEN, Kind.CLOSED) or command.sender.user_id not in await self._hooks.joined(room_id):
            raise not_found()
        if room.purpose is not Purpose.ANNOUNCEMENTS:
            raise refused(_NOT_FOR_THAT)
        return room_id

    async def _send(self, command: Command, room_id: str) -> str:
        """Sends it as the manager's own client would: every rule about messages holds for it."""
        content: dict[str, Any] = {
            "msgtype": "m.text",
            "body": command.asked.arguments["text"],
            ANNOUNCEMENT_KEY: {"command": command.events[-1]},
        }
        event = {"type": "m.room.message", "room_id": room_id, "sender": command.sender.user_id, "content": content}
        sent = await as_client(self._api.create_and_send_event_into_room(event))
        return sent.event_id

    async def _find(self, command: Command, room_id: str) -> str | None:
        found: str | None = await self._api.run_db_interaction(
            "belisha_announcement_find", _sent_by, room_id, command.sender.user_id, command.place, command.events[-1]
        )
        return found

    async def _status(self, record: Record) -> Json:
        shown: list[Json] = []
        for one in await self._api.run_db_interaction("belisha_announcements", tables.newest, SHOWN):
            told = {"event_id": one.event_id, "room_id": one.room_id, "by": one.by, "at": one.at}
            shown.append(told | {"organisations": await self._announcements.counts(one)})

        def settle(txn: LoggingTransaction) -> Json:
            record.not_ended(txn)
            return record.done(txn, announcements=shown)

        outcome: Json = await self._api.run_db_interaction("belisha_announce_status", settle)
        return outcome


def _sent_by(txn: LoggingTransaction, room_id: str, sender: str, after: int, command_id: str) -> str | None:
    txn.execute(
        "SELECT events.event_id, event_json.json FROM events JOIN event_json ON event_json.event_id = events.event_id"
        " WHERE events.room_id = ? AND events.sender = ? AND events.stream_ordering > ?"
        " AND events.type = 'm.room.message'",
        (room_id, sender, after),
    )
    for event_id, text in txn.fetchall():
        found = json.loads(text).get("content", {}).get(ANNOUNCEMENT_KEY)
        if isinstance(found, dict) and found.get("command") == command_id:
            return str(event_id)
    return None


_NOT_YOURS: Final = refuse("P3", "NOT_YOURS", "Only managers announce things. Please ask one of them.")
_NOT_FOR_THAT: Final = refuse(
    "R1", "NO_ANNOUNCEMENTS", "That group is not for announcements. Name one whose purpose is announcements, or none."
)
