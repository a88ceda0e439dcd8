"""Proves a member's command by its event (rule P3): read again from the database, whatever a bot says of it.

The event is the command itself, or the member's yes to a bot's question about a command that was written on the portal:
then the question is read again too, and counts for what its text showed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from synapse.api.constants import EventTypes
from synapse.event_auth import get_user_power_level
from synapse.module_api import LoggingTransaction, ModuleApi

from belisha import acts
from belisha.acts import questions
from belisha.acts.taps import tapped
from belisha.commands.declaration import GROUPS, WITH_BOTS, usage
from belisha.commands.reading import Asked, Problem
from belisha.commands.spoken import answered, spoken
from belisha.policy.commands import decide_where
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decision import Decision, refuse
from belisha.policy.membership import decide_standing
from belisha.policy.people import Person
from belisha.policy.rooms import Kind, Room
from synapse_modules.hooks import Hooks
from synapse_modules.mutes import Mutes
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry import Registry
from synapse_modules.snapshot import room_of

#: How old a command may be, in seconds, by the clock of this server.
OLDEST: Final = 600.0

_STATE: Final = [(POLICY_TYPE, ""), ("m.room.encryption", ""), (EventTypes.Create, ""), (EventTypes.PowerLevels, "")]


class Command(NamedTuple):
    """A command that is proved: what is asked for, by whom, and the room that it is about or stands in.

    `events` are those that stand for it: the command itself, or the yes and the question, so that a second yes to the
    same question asks for nothing more.
    """

    events: tuple[str, ...]
    asked: Asked
    sender: Person
    power: int
    room_id: str
    room: Room
    target: str | None = None
    """The event in that room that the command answers."""
    place: int = 0
    """The stream ordering of the command, or of the yes."""


class _Written(NamedTuple):
    text: str
    target: str | None = None
    about: str | None = None
    question: str | None = None


class _Stored(NamedTuple):
    event_id: str
    event_type: str
    sender: str
    received_ms: int
    place: int
    content: Mapping[str, Any]
    is_state: bool
    is_redacted: bool
    is_edited: bool

    @property
    def counts(self) -> bool:
        return not (self.is_state or self.is_redacted or self.is_edited)


class CommandEvents:
    """Reads command events."""

    def __init__(
        self, api: ModuleApi, hooks: Hooks, registry: Registry, clock: Callable[[], float] = time.time
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._mutes = Mutes(hooks, registry, clock)
        self._clock = clock

    async def room_with(self, room_id: str, bot: str) -> Room | None:
        """The policy of a room that a bot may speak of; None where it is not in it, or no bot may be (rule P1)."""
        room = room_of(await self._api.get_room_state(room_id, _STATE))
        is_there = room is not None and room.kind in WITH_BOTS and bot in await self._hooks.joined(room_id)
        return room if is_there else None

    async def prove(self, bot: str, room_id: str, room: Room, event_id: str, act: object, arguments: object) -> Command:
        """The command that an event is, if it is one now, and asks for that act with those arguments.

        Raises:
            SynapseError: 403 of rule P3, or of M1 where its sender may not act any more.
        """
        stored = await self._api.run_db_interaction("belisha_command", _read, room_id, event_id)
        if stored is None or not stored.counts:
            raise refused(_NO_COMMAND)
        if self._clock() - stored.received_ms / 1000 > OLDEST:
            raise refused(_TOO_OLD)
        self._registry.look_again()
        sender = await self._registry.person(stored.sender)
        if sender.is_bot:
            raise refused(_NO_COMMAND)
        if sender.frozen:
            raise refused(decide_standing(sender))
        if sender.user_id not in await self._hooks.joined(room_id):
            raise refused(_LEFT)
        written = await self._written(bot, room_id, room, stored)
        asked = acts.read(written.text)
        if not (isinstance(asked, Asked) and asked.command.for_unbound):
            raise_if_refused(decide_standing(sender))
        if asked is None:
            raise refused(_NO_COMMAND)
        if isinstance(asked, Problem):
            raise refused(refuse("P3", "INCOMPLETE", f"{asked.reason} It is written `{usage(asked.command)}`."))
        if (asked.command.act, asked.arguments) != (act, arguments):
            raise refused(_DIFFERS)
        if written.about is not None and (asked.command.is_about_room or asked.command.is_answer):
            room_id, room = written.about, await self._group_of(sender, written.about)
        raise_if_refused(decide_where(asked.command, room.kind))
        # What is asked for in one's own room, or on the portal, may be about a group where one is muted.
        await self._mutes.check_act(sender.user_id, room_id, room.kind)
        state = await self._api.get_room_state(room_id, _STATE)
        events = (event_id,) if written.question is None else (event_id, written.question)
        power = int(get_user_power_level(sender.user_id, state))
        target = written.target if asked.command.is_answer else None
        if asked.command.is_answer and target is None and asked.command.instead not in asked.arguments:
            raise refused(_NO_TARGET)
        return Command(events, asked, sender, power, room_id, room, target, stored.place)

    async def _written(self, bot: str, room_id: str, room: Room, stored: _Stored) -> _Written:
        """What a member wrote, or said yes to."""
        if stored.event_type == EventTypes.Message and (text := spoken(stored.content)) is not None:
            if questions.says(text) is not True:
                return _Written(text, answered(stored.content))
            asked_in = answered(stored.content)
        else:
            relates = stored.content.get("m.relates_to")
            relates = relates if isinstance(relates, Mapping) else {}
            key, asked_in = relates.get("key"), relates.get("event_id")
            if stored.event_type == EventTypes.Reaction and (text := tapped(key)) is not None:
                # Whether a card of that sort was tapped is looked at where that is carried out.
                return _Written(text, asked_in if isinstance(asked_in, str) else None)
            is_yes = isinstance(key, str) and questions.reacts(key) is True and isinstance(asked_in, str)
            if stored.event_type != EventTypes.Reaction or not is_yes:
                raise refused(_NO_COMMAND)
        # Only in the member's own room: elsewhere a bot's question would be for many eyes.
        if room.kind is not Kind.SERVICE:
            raise refused(_NO_COMMAND)
        question = await self._api.run_db_interaction(
            "belisha_question", _read_question, room_id, bot, asked_in, stored.place
        )
        if question is None or not question.counts or question.sender != bot:
            raise refused(_NO_COMMAND)
        found = questions.question_of(question.content)
        asked = None if found is None else acts.read(found.text)
        if found is None or not isinstance(asked, Asked):
            raise refused(_NO_COMMAND)
        if (stored.received_ms - question.received_ms) / 1000 > asked.command.holds:
            raise refused(_TOO_OLD)
        return _Written(found.text, found.target, found.room_id, question.event_id)

    async def _group_of(self, sender: Person, room_id: str) -> Room:
        """The group that a question names, where its member is in it; any other is not there."""
        room = None
        if room_id.startswith("!") and "\0" not in room_id and sender.user_id in await self._hooks.joined(room_id):
            room = room_of(await self._api.get_room_state(room_id, _STATE))
        if room is None or room.kind not in GROUPS:
            raise refused(_NO_COMMAND)
        return room


def _read_question(
    txn: LoggingTransaction, room_id: str, bot: str, event_id: str | None, before: int
) -> _Stored | None:
    """A bot's message in a room: the one that is answered, else its last one before a place of the stream."""
    if event_id is None:
        txn.execute(
            "SELECT event_id FROM events WHERE room_id = ? AND sender = ? AND type = 'm.room.message'"
            " AND stream_ordering < ? AND rejection_reason IS NULL ORDER BY stream_ordering DESC LIMIT 1",
            (room_id, bot, before),
        )
        row = txn.fetchone()
        if row is None:
            return None
        event_id = row[0]
    found = _read(txn, room_id, event_id)
    return found if found is not None and found.event_type == EventTypes.Message and found.place < before else None


def _read(txn: LoggingTransaction, room_id: str, event_id: str) -> _Stored | None:
    txn.execute(
        "SELECT events.type, events.sender, events.received_ts, events.stream_ordering, events.state_key,"
        " event_json.json, EXISTS (SELECT 1 FROM redactions WHERE redacts = events.event_id),"
        " EXISTS (SELECT 1 FROM event_relations JOIN events AS edits ON edits.event_id = event_relations.event_id"
        "  WHERE relates_to_id = events.event_id AND relation_type = 'm.replace' AND edits.sender = events.sender)"
        " FROM events JOIN event_json ON event_json.event_id = events.event_id"
        " WHERE events.event_id = ? AND events.room_id = ? AND events.rejection_reason IS NULL",
        (event_id, room_id),
    )
    row = txn.fetchone()
    if row is None:
        return None
    event_type, sender, received_ms, place, state_key, text, is_redacted, is_edited = row
    content = json.loads(text).get("content", {})
    return _Stored(
        event_id,
        event_type,
        sender,
        int(received_ms or 0),
        int(place),
        content,
        state_key is not None,
        bool(is_redacted),
        bool(is_edited),
    )


_NO_COMMAND: Final[Decision] = refuse(
    "P3", "NO_COMMAND", "There is no such command in this room, or it was taken back or edited. Please write it anew."
)
_TOO_OLD: Final = refuse("P3", "TOO_OLD", "A command holds for ten minutes, and this one is older. Write it anew.")
_NO_TARGET: Final = refuse(
    "P3",
    "INCOMPLETE",
    "Please answer the message that you mean with this command, so that it is clear which it is.",
)
_LEFT: Final = refuse("P3", "LEFT", "Who wrote this command is not in the room any more, so it was not carried out.")
_DIFFERS: Final = refuse("P3", "DIFFERS", "This is not what the member asked for, so it was not carried out.")
