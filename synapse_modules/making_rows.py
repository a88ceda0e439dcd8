"""The record of rooms that commands asked for, `belisha_making`: a row is there until all is done about the room."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.acts.introductions import AGREE
from synapse_modules import introduction_tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.rooms import MARK

_COLUMNS = "event_id, proof, room_id, act, sender, mark, made_room_id"


class Making(NamedTuple):
    """A room being made: by which command, in whose name, by which mark it is found; its id once it is whole."""

    event_id: str
    proof: str
    room_id: str
    act: str
    sender: str
    mark: str
    made: str | None = None

    @property
    def record(self) -> Record:
        """Where the end of its command is written down."""
        return Record(tuple(dict.fromkeys((self.proof, self.event_id))), self.room_id, self.act)


class MakingRows:
    """Reads and writes the record, and finds rooms by their marks."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api

    async def begin(self, making: Making) -> Making:
        """Writes a room down that is to be made; what stands there already, where a crash came between.

        Raises:
            Ended: its command has ended.
        """

        def write(txn: LoggingTransaction) -> Making:
            making.record.not_ended(txn)
            txn.execute(f"SELECT {_COLUMNS} FROM belisha_making WHERE event_id = ?", (making.event_id,))  # noqa: S608 - a constant
            row = txn.fetchone()
            if row is not None:
                return Making(*row)
            txn.execute(
                f"INSERT INTO belisha_making ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - the same
                tuple(making),
            )
            return making

        begun: Making = await self._api.run_db_interaction("belisha_making_begin", write)
        return begun

    async def made(self, making: Making, made: str) -> Json:
        """Writes down the room, which is whole, and with it that the command is done; its outcome."""

        def write(txn: LoggingTransaction) -> Json:
            txn.execute("UPDATE belisha_making SET made_room_id = ? WHERE event_id = ?", (made, making.event_id))
            if making.act == AGREE.act:  # which room it is, is no business of a bot's (rule P1)
                introduction_tables.opened(txn, making.event_id, int(time.time()))
                return making.record.done(txn, opened=True)
            return making.record.done(txn, room_id=made)

        outcome: Json = await self._api.run_db_interaction("belisha_making_made", write)
        return outcome

    async def end(self, making: Making) -> None:
        """Strikes a room out about which nothing more is to be done."""

        def write(txn: LoggingTransaction) -> None:
            txn.execute("DELETE FROM belisha_making WHERE event_id = ?", (making.event_id,))

        await self._api.run_db_interaction("belisha_making_end", write)

    async def under_way(self) -> list[Making]:
        """Every room that is not finished."""

        def read(txn: LoggingTransaction) -> list[Making]:
            txn.execute(f"SELECT {_COLUMNS} FROM belisha_making ORDER BY event_id")  # noqa: S608 - a constant
            return [Making(*row) for row in txn.fetchall()]

        found: list[Making] = await self._api.run_db_interaction("belisha_makings", read)
        return found

    async def of(self, event_id: str) -> Making | None:
        """The row of one command."""
        return next((each for each in await self.under_way() if each.event_id == event_id), None)

    async def room_of(self, making: Making) -> str | None:
        """The room that was begun for a command, whole or not; None where there is none."""

        def read(txn: LoggingTransaction) -> str | None:
            txn.execute(
                "SELECT events.room_id, event_json.json FROM events"
                " JOIN event_json ON event_json.event_id = events.event_id"
                " WHERE events.type = 'm.room.create' AND events.sender = ?",
                (making.sender,),
            )
            marked = (row[0] for row in txn.fetchall() if json.loads(row[1])["content"].get(MARK) == making.mark)
            return next(marked, None)

        found: str | None = await self._api.run_db_interaction("belisha_making_room", read)
        return found

    async def has_said(self, making: Making) -> bool:
        """Whether the first message of a room is there."""

        def read(txn: LoggingTransaction) -> bool:
            txn.execute(
                "SELECT event_json.json FROM events JOIN event_json ON event_json.event_id = events.event_id"
                " WHERE events.room_id = ? AND events.type = 'm.room.message' AND events.sender = ?",
                (making.made, making.sender),
            )
            return any(json.loads(row[0])["content"].get(MARK) == making.mark for row in txn.fetchall())

        return bool(await self._api.run_db_interaction("belisha_making_said", read))
