"""Makes the rooms that members ask for by a command, each once, whatever is killed when (rules R1 and P3).

A row says what is to be made, before anything is. What a crash cut short before the room was whole is undone; what it
cut short later is finished. One caller in all processes works on a row: Synapse's lock, which it counts as given back
two minutes after a crash.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from typing import Any, Final

from synapse.api.errors import LimitExceededError
from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError

from belisha import acts
from belisha.acts import questions
from belisha.acts.introductions import AGREE
from belisha.commands.reading import Asked
from belisha.commands.spoken import spoken
from belisha.events import LABEL_KEY
from belisha.policy.creation import NAMED_TYPE, POLICY_TYPE
from belisha.policy.rooms import Kind
from belisha.tlp import Label
from synapse_modules.acts_kept import Json, Record
from synapse_modules.hooks import Hooks
from synapse_modules.introductions import Introductions
from synapse_modules.making_rows import Making, MakingRows
from synapse_modules.refusal import FAILURES, as_client
from synapse_modules.registry import Registry
from synapse_modules.rooms import MARK, Rooms
from synapse_modules.snapshot import named_in, present_in, room_of
from synapse_modules.upgrade_rows import UpgradeRows

logger = logging.getLogger(__name__)

_LOCK: Final = "belisha_making"
_AGAIN_AFTER_MS: Final = 5000


class Makings:
    """Rooms that are being made for commands."""

    def __init__(self, api: ModuleApi, hooks: Hooks, registry: Registry, rooms: Rooms, upgrades: UpgradeRows) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rooms = rooms
        self._rows = MakingRows(api)
        self._memberships = upgrades.memberships
        self.introductions = Introductions(api, registry)

    async def make(self, sender: str, record: Record, config: dict[str, Any]) -> Json:
        """Makes the room that a proved command asks for, as its member's client would; how the command ended.

        Raises:
            Ended: it was carried out meanwhile.
            SynapseError: 403 where the room cannot be, with the reason; 429 while another process is at it.
        """
        wanted = Making(record.events[-1], record.events[0], record.room_id, record.act, sender, secrets.token_hex(16))
        lock = await self._hooks.try_lock(_LOCK, wanted.event_id)
        if lock is None:
            raise LimitExceededError("belisha_making", retry_after_ms=_AGAIN_AFTER_MS)
        async with lock:
            making = await self._rows.begin(wanted)
            if making.mark != wanted.mark:
                if (outcome := await self._take_up(making)) is not None:
                    return outcome
                making = await self._rows.begin(wanted)
            try:
                made = await as_client(self._rooms.make(sender, config, making.mark))
            except FAILURES:
                await self._undo(making)
                raise
            # Where this fails the room is whole, and is taken up like after a crash.
            outcome = await self._rows.made(making, made)
            await self._try_to_finish(making._replace(made=made))
            return outcome

    async def resume(self) -> None:
        """Goes on with what a crash cut short; what another process is at is left to it."""
        for each in await self._rows.under_way():
            lock = await self._hooks.try_lock(_LOCK, each.event_id)
            if lock is None:
                continue
            async with lock:
                making = await self._rows.of(each.event_id)
                if making is not None and making.made is None:
                    await self._take_up(making)
                elif making is not None:
                    await self._try_to_finish(making)

    async def _take_up(self, making: Making) -> Json | None:
        """Ends what a crash cut short before its command was done: finished where its room is whole, else undone."""
        logger.warning("The making of a room was cut short; it is taken up again")
        room_id = await self._rows.room_of(making)
        if room_id is None or not await self._complete(making, room_id):
            await self._undo(making)
            return None
        outcome = await self._rows.made(making, room_id)
        await self._try_to_finish(making._replace(made=room_id))
        return outcome

    async def _complete(self, making: Making, room_id: str) -> bool:
        """Invites who is still to be invited; whether the room is whole then."""
        state = await self._api.get_room_state(room_id, [(POLICY_TYPE, ""), (NAMED_TYPE, "")])
        room = room_of(state)
        if room is None or making.sender not in await self._hooks.joined(room_id):
            return False
        if room.kind is Kind.NAMED:
            wanted = [self._registry.user_id(localpart) for localpart in sorted(named_in(state))]
        else:
            wanted = [self._rooms.steward]
        there = await self._memberships(room_id)
        try:
            for user_id in wanted:
                if user_id not in there:
                    await self._hooks.set_membership(making.sender, user_id, room_id, "invite")
        except SynapseError:
            return False
        return True

    async def _undo(self, making: Making) -> None:
        """Leaves what there is of a room: nobody is in it, or invited to it, any more."""
        room_id = await self._rows.room_of(making)
        if room_id is not None and making.sender in await self._hooks.joined(room_id):
            for user_id in present_in(await self._api.get_room_state(room_id)) - {making.sender}:
                # A bot stays where it is; and who may not act any more takes nobody else out.
                with contextlib.suppress(SynapseError):
                    await self._hooks.set_membership(making.sender, user_id, room_id, "leave")
            await self._hooks.set_membership(making.sender, making.sender, room_id, "leave")
        await self._rows.end(making)

    async def _try_to_finish(self, making: Making) -> None:
        try:
            await self._finish(making)
        except FAILURES as error:
            logger.error("A room is made and not finished, trying again: %s", type(error).__name__)

    async def _finish(self, making: Making) -> None:
        """Says what the room is about, where its command says so, once; then nothing is left to be done."""
        subject, label = await self._subject(making)
        if making.made is not None and subject is not None and not await self._rows.has_said(making):
            await self._api.create_and_send_event_into_room(
                {
                    "type": "m.room.message",
                    "room_id": making.made,
                    "sender": making.sender,
                    "content": {
                        "msgtype": "m.text",
                        "body": subject,
                        **label,
                        MARK: making.mark,
                    },
                }
            )
        await self._rows.end(making)

    async def _subject(self, making: Making) -> tuple[str | None, Json]:
        """What a command says that its room is about, and under which label; nothing once it was taken back."""
        event = await self._hooks.event(making.event_id)
        content = event.content if event is not None else {}
        question = questions.question_of(content)
        text = question.text if question is not None else spoken(content)
        asked = acts.read(text) if text is not None else None
        if not isinstance(asked, Asked):
            return None, {}
        if asked.command is AGREE:  # what both were shown outside the room has the room's default
            return await self.introductions.first_words(str(asked.arguments["introduction"])), {}
        return asked.arguments.get("subject"), {LABEL_KEY: {"label": str(Label.RED)}}
