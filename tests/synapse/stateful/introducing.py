"""Introduces members for real, by commands in their own rooms that a bot hands over, and holds it to the model."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from tests.synapse.stateful.arena import NAMES, Arena
from tests.synapse.stateful.client import Difference, label_of
from tests.synapse.stateful.meetings import Meeting, Meetings
from tests.synapse.stateful.model import Answer, Kind
from tests.synapse.stateful.steps import Agree, Introduce

Json = dict[str, Any]
#: Whether an act was accepted, held to the model's answer.
Hold = Callable[[Answer, int, Json, str], bool]

_API: Final = "../../_synapse/client/org.belisha/v1"


class Introducing:
    """What is done about introductions in one example."""

    def __init__(self, arena: Arena, hold: Hold) -> None:
        self._arena = arena
        self._hold = hold
        self._numbers = itertools.count(1)
        self.meetings = Meetings(arena.world)

    async def ask(self, step: Introduce) -> None:
        """Somebody asks whether two want to meet."""
        who, one, other = (NAMES[number] for number in (step.who, step.one, step.other))
        other = who if one == other else other  # who is named alone is to meet the asker
        text, what = f"You both mend boats, {next(self._numbers)}", f"{step} by {who}"
        # Whoever asks for themselves names the other alone.
        members = [f"@{name}" for name in sorted({one, other} - {who}) or [who]]
        answer = self.meetings.may_ask(who, one, other)
        arguments = {"members": members, "why": text}
        command = f'!introduce {" ".join(members)} "{text}"'
        status, said, event = await self._command(who, command, "introduce", arguments)
        if self._hold(answer, status, said, what):
            query = "SELECT id FROM belisha_introducing WHERE command_id = ?"
            (row,) = self._arena.server.query(query, event)
            self.meetings.asked(row["id"], who, one, other)
        await self._hold_asks()

    async def agree(self, step: Agree) -> None:
        """One of the two agrees, or somebody who is none of them tries to."""
        if not self.meetings.all:
            return
        self.meetings.shake()
        waits = [each for each in self.meetings.all if not each.is_over] or self.meetings.all
        meeting = waits[-1 - step.meeting % len(waits)]
        names = sorted(self.meetings.asks(meeting) or meeting.pair) if step.is_asked else list(NAMES)
        who = names[step.who % len(names)]
        answer, opens = self.meetings.may_agree(who, meeting), self.meetings.opens(who, meeting)
        before = {name: await self._rooms_of(name) for name in NAMES}
        arguments = {"introduction": meeting.id}
        command = f"!introductions agree {meeting.id}"
        status, said, _ = await self._command(who, command, "introduction_agree", arguments)
        if not self._hold(answer, status, said, f"{step} by {who}, of {sorted(meeting.pair)}"):
            await self._nothing_opened(before)
            return
        if said.get("opened") is not opens:
            raise Difference("M1", f"{who} agreed, of {sorted(meeting.pair)} after {meeting.agreed}: {said}")
        self.meetings.agreed(who, meeting)
        if opens:
            await self._opened(who, meeting, before)
        else:
            await self._nothing_opened(before)
        await self._hold_asks()

    # --- What follows --------------------------------------------------------------------------------------------

    async def _opened(self, who: str, meeting: Meeting, before: dict[str, set[str]]) -> None:
        """A room of both, and of nobody else; the first words there are who introduced them, and why."""
        client, (other,) = self._arena.clients[who], meeting.pair - {who}
        new = await self._rooms_of(who) - before[who]
        if len(new) != 1:
            raise Difference("M1", f"both of {sorted(meeting.pair)} have agreed, and {who} is in {new} new rooms")
        (room_id,) = new
        self._arena.opened += 1
        room = self._arena.world.made(room_id, who, Kind.NAMED, (), (other,))
        _, members = await client.ask("GET", f"v3/rooms/{quote(room_id)}/members")
        there = {each["state_key"]: each["content"]["membership"] for each in members["chunk"]}
        if there != {client.user_id: "join", self._arena.clients[other].user_id: "invite"}:
            raise Difference("M1", f"the room of {sorted(meeting.pair)} has {there}")
        _, shown = await client.timeline(room_id)
        for event in (each for each in shown if each["type"] == "m.room.message"):
            if meeting.asker not in event["content"]["body"]:
                raise Difference("M1", f"the first words do not say who has introduced them: {event}")
            label = label_of(event)
            self._arena.world.sent(event["event_id"], who, room, label, None, is_editable=True, is_poll=False)
        await self._arena.check(room, meeting.pair)
        await self._nothing_opened({name: rooms for name, rooms in before.items() if name not in meeting.pair})

    async def _nothing_opened(self, before: dict[str, set[str]]) -> None:
        for name, rooms in before.items():
            if more := await self._rooms_of(name) - rooms:
                raise Difference("M1", f"{name} is in {more}, to which nothing has led")

    async def _rooms_of(self, name: str) -> set[str]:
        if not self._arena.world.acts(name):
            return set()
        _, said = await self._arena.clients[name].ask("GET", "v3/joined_rooms")
        return set(said["joined_rooms"])

    async def _hold_asks(self) -> None:
        """Whom the bot is told to ask: each of the two who has not agreed, in their own room, and nobody else."""
        self.meetings.shake()
        status, said = await self._arena.as_bot("POST", f"{_API}/introducing", {})
        if status != 200:
            raise Difference("P2", f"the bot is answered {status}: {said}")
        for meeting in self.meetings.all:
            asked = {each["user_id"][1:].partition(":")[0] for each in said["asks"] if each["id"] == meeting.id}
            wanted = self.meetings.asks(meeting)
            if asked != wanted and not (meeting.is_shaken and asked <= wanted):
                raise Difference("P2", f"{sorted(asked)} are asked about {meeting}, not {sorted(wanted)}")
        for each in said["asks"]:
            name = each["user_id"][1:].partition(":")[0]
            if each["room"] != self._arena.own_rooms[name]:
                raise Difference("P2", f"{name} is asked in {each['room']}, which is not their own")

    async def _command(self, who: str, text: str, act: str, arguments: Json) -> tuple[int, Json, str]:
        """A member's command, and what the bot is answered that hands it over."""
        room = self._arena.own_rooms[who]
        status, said = await self._arena.clients[who].send(room, "m.room.message", {"msgtype": "m.text", "body": text})
        if status != 200:
            return status, said, ""
        event = str(said["event_id"])
        body = {"room_id": room, "event_id": event, "act": act, "arguments": arguments}
        return (*await self._arena.as_bot("POST", f"{_API}/acts", body), event)
