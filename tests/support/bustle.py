"""Members who do everything at once, at full speed, and remember what they were told: for what then goes wrong."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from belisha.policy.types import CONTENT
from belisha.tlp import Label
from tests.support.community import LABEL_KEY, Community, unique, wish
from tests.support.ledger import query, relabel
from tests.support.patience import until
from tests.support.server import request
from tests.synapse.samples import edit, reply, text

Json = dict[str, Any]

ACT: Final = "org.belisha.relabel"
#: Who writes; cora is a steward, and all are in the room.
WRITERS: Final = ("ana", "ben", "cora", "dina")
_LABELS: Final = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER")
#: How long until what was cut off is given up and what is due is done, in seconds: a lock that was lost holds for two
#: minutes, and who waits for it asks again by and by.
_SETTLED_WITHIN: Final = 400.0


class Bustle:
    """Two clients of each writer in one room, and one that changes the policy of another."""

    def __init__(self, community: Community, seed: int) -> None:
        self.community = community
        self.answers: Counter[int | None] = Counter()
        #: What a client was told: the id of an event, its sender, and the label that it was sent with.
        self.told: dict[str, tuple[str, str]] = {}
        self.redacted: set[str] = set()
        self.odd: list[str] = []
        self._chance = random.Random(seed)  # noqa: S311 - what members do
        self._tasks: list[asyncio.Task[None]] = []
        self.room = ""
        self.changing = ""

    async def make(self) -> None:
        """Makes the two rooms."""
        self.room, self.changing = await self._room("ana", "ben", "dina"), await self._room("ana")

    async def _room(self, *members: str) -> str:
        body = {"preset": "private_chat", "initial_state": [wish("closed")]}
        status, answer = await self.community.create("cora", body)
        assert status == 200, answer
        room = str(answer["room_id"])
        for name in members:
            path = f"/_matrix/client/v3/rooms/{quote(room)}"
            invited = await request(
                self.community["cora"], "POST", f"{path}/invite", {"user_id": self.community.id(name)}
            )
            joined = await request(self.community[name], "POST", f"{path}/join", {})
            assert (invited[0], joined[0]) == (200, 200), (invited, joined)
        return room

    def start(self) -> None:
        """Everybody begins."""
        self._tasks = [asyncio.create_task(self._write(name)) for name in WRITERS for _ in range(2)]
        self._tasks.append(asyncio.create_task(self._change()))

    async def stop(self) -> None:
        """Everybody ends; an answer that is not there within a generous time would be a hang."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*self._tasks, return_exceptions=True), 120)
        self._tasks = []

    async def busy(self, sends: int) -> None:
        """Waits until so many more sends were acknowledged."""
        until_told = len(self.told) + sends

        async def is_told() -> bool:
            return len(self.told) >= until_told

        await until(is_told, 240)

    # --- What they do --------------------------------------------------------------------------------------------

    async def _ask(self, by: str, method: str, path: str, content: Json) -> Json | None:
        """A request; its answer where it was accepted."""
        try:
            status, body = await request(self.community[by], method, path, content)
        except (aiohttp.ClientError, OSError, json.JSONDecodeError):
            self.answers[None] += 1
            await asyncio.sleep(0.1)
            return None
        self.answers[status] += 1
        if status != 200 and not (isinstance(body, dict) and body.get("error")):
            self.odd.append(f"{status} without a sentence: {body}")
        return body if status == 200 else None

    async def _put(self, by: str, event_type: str, content: Json) -> str | None:
        path = f"/_matrix/client/v3/rooms/{quote(self.room)}/send/{event_type}/{unique('busy')}"
        body = await self._ask(by, "PUT", path, content)
        return None if body is None else str(body["event_id"])

    async def _write(self, by: str) -> None:
        mine: list[str] = []
        while True:
            act = self._chance.choice(("send", "send", "answer", "edit", "relabel", "relabel", "redact"))
            item = self._chance.choice(mine) if mine else None
            label = self._chance.choice(_LABELS)
            if item is None or act == "send":
                event_id = await self._put(by, "m.room.message", text(f"{label} {unique('word')}"))
                if event_id is not None:
                    self.told[event_id] = (self.community.id(by), label)
                    mine.append(event_id)
            elif act == "answer":
                await self._put(by, "m.room.message", text(unique("word"), **reply(item)))
            elif act == "edit":
                await self._put(by, "m.room.message", edit(item, text(f"TLP:AMBER {unique('word')}")))
            elif act == "relabel":
                await self._put(by, ACT, relabel(item, label))
            else:
                path = f"/_matrix/client/v3/rooms/{quote(self.room)}/redact/{quote(item)}/{unique('busy')}"
                # Before it is asked: it may be done, and the answer lost.
                self.redacted.add(item)
                mine.remove(item)
                await self._ask(by, "PUT", path, {})

    async def _change(self) -> None:
        kinds = ("open", "closed")
        turn = 0
        while True:
            turn += 1
            try:
                status, _ = await self.community.server.local(
                    "PUT", f"rooms/{quote(self.changing)}/policy", {"kind": kinds[turn % 2]}
                )
                self.answers[status] += 1
            except (aiohttp.ClientError, OSError, json.JSONDecodeError):
                self.answers[None] += 1
            await asyncio.sleep(0.05)

    # --- What must hold afterwards -------------------------------------------------------------------------------

    async def check(self) -> None:
        """Everything that was accepted is there, labelled, with its row; nothing is left half done."""
        await until(self._is_settled, _SETTLED_WITHIN)
        assert not self.odd, self.odd[:3]
        stored = {row["event_id"]: row for row in self._events()}
        unlabelled = [key for key, row in stored.items() if not row["redaction"] and _label(row["json"]) is None]
        assert not unlabelled, f"without a label: {unlabelled}"
        for event_id, (sender, label) in self.told.items():
            assert event_id in stored, f"acknowledged, and gone: {event_id}"
            row = stored[event_id]
            assert row["sender"] == sender
            if not row["redaction"]:
                assert _label(row["json"]) is Label.parse(label), event_id
            assert event_id in self.redacted or not row["redaction"]
        missing = [
            key
            for key, row in stored.items()
            if not row["redaction"] and not row["edits"] and not row["row"] and _at_least_amber(row["json"])
        ]
        assert not missing, f"at AMBER without a row: {missing}"
        status, counts = await self.community.server.local("POST", "ledger/rebuild")
        assert status == 200
        # A row that was opened for an act which a crash swallowed says what its item says, and stays.
        assert (counts["added"], counts["corrected"]) == (0, 0), counts

    async def _is_settled(self) -> bool:
        """Whether nothing is under way: no label, no badge, no policy, no review; and everything was followed up."""
        counts = [
            "SELECT COUNT(*) AS n FROM belisha_item WHERE pending IS NOT NULL OR badge_due IS NOT NULL",
            "SELECT COUNT(*) AS n FROM belisha_room",
            "SELECT COUNT(*) AS n FROM belisha_review",
            "SELECT COUNT(*) AS n FROM events WHERE stream_ordering > (SELECT position FROM belisha_followed)",
        ]
        return all(query(self.community, count)[0]["n"] == 0 for count in counts)

    def _events(self) -> list[Json]:
        types = ", ".join(f"'{name}'" for name in sorted(CONTENT))
        return query(
            self.community,
            "SELECT events.event_id, events.sender, event_json.json, redactions.event_id AS redaction,"  # noqa: S608 - our own names of types
            " event_relations.event_id AS edits, belisha_item.event_id AS row FROM events"
            " JOIN event_json ON event_json.event_id = events.event_id"
            " LEFT JOIN redactions ON redactions.redacts = events.event_id"
            " LEFT JOIN belisha_item ON belisha_item.event_id = events.event_id"
            " LEFT JOIN event_relations ON event_relations.event_id = events.event_id"
            " AND event_relations.relation_type = 'm.replace'"
            f" WHERE events.type IN ({types}) AND events.rejection_reason IS NULL",
        )


def _label(stored: str) -> Label | None:
    value = json.loads(stored)["content"].get(LABEL_KEY)
    return Label.parse(value.get("label")) if isinstance(value, dict) else None


def _at_least_amber(stored: str) -> bool:
    label = _label(stored)
    return label is not None and label >= Label.AMBER
