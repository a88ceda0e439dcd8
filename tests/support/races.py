"""Two acts at the same moment, many times: who won is counted, and steered until both sides win.

A race that one side always wins shows nothing. So the second act begins a little later after it won and a little
earlier after it lost, and each time a little by chance.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from belisha.tlp import Label
from tests.support.community import LABEL_KEY, Community, unique, wish
from tests.support.ledger import query
from tests.support.server import request

Json = dict[str, Any]
Answer = tuple[int, Json]

#: By how much the second act's start is moved after each pair, at least and at most, and by chance; in seconds.
_STEP = (0.002, 0.06)
_CHANCE = 0.006


class Steering:
    """When the second act begins: later after it won, in steps that grow while the same side wins."""

    def __init__(self, name: str) -> None:
        self._chance = random.Random(name)  # noqa: S311 - when an act begins
        self._lead, self._step, self._before = 0.0, 0.01, 0

    def offset(self) -> float:
        """By how many seconds the second act begins later; the first where it is negative."""
        return self._lead + self._chance.uniform(-_CHANCE, _CHANCE)

    def won(self, *, first: bool) -> None:
        """Takes in who won."""
        side = -1 if first else 1
        self._step = min(max(self._step * (1.3 if side == self._before else 0.5), _STEP[0]), _STEP[1])
        self._lead += side * self._step
        self._before = side


@dataclass
class Tally:
    """How often each side was accepted; what was found wrong, in words."""

    first: int = 0
    second: int = 0
    both: int = 0
    neither: int = 0
    ahead: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, first: Answer, second: Answer, *, ahead: bool) -> None:
        """Counts one pair; `ahead` says that the first act came first."""
        self.ahead += ahead
        name = {(True, True): "both", (True, False): "first", (False, True): "second", (False, False): "neither"}
        outcome = name[first[0] == 200, second[0] == 200]
        setattr(self, outcome, getattr(self, outcome) + 1)

    @property
    def interleaved(self) -> int:
        """How often the rarer of the two orders came about."""
        return min(self.ahead, self.first + self.second + self.both + self.neither - self.ahead)

    def __str__(self) -> str:
        accepted = f"first {self.first}, second {self.second}, both {self.both}, neither {self.neither}"
        return f"accepted: {accepted}; the first came first {self.ahead} times"


class Race:
    """One sort of pair, in one room at a time; the room is used again for the next pair."""

    name: ClassVar[str]
    #: Whether the rules let both stand, in one order of the two.
    both_may_stand: ClassVar[bool] = False

    def __init__(self, community: Community) -> None:
        self.community = community
        self.room = ""

    # --- To be filled in -----------------------------------------------------------------------------------------

    async def make(self) -> None:
        """Makes the room."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """What both acts of one pair stand on."""

    async def first(self) -> Answer:
        """The one act."""
        raise NotImplementedError

    async def second(self) -> Answer:
        """The other."""
        raise NotImplementedError

    async def judge(self, first: Answer, second: Answer) -> str | None:
        """What is wrong afterwards, beside what is wrong with every room."""
        return None

    def is_first(self, first: Answer, second: Answer) -> bool:
        """Whether the first act came first; where it is accepted in one order only, its answer tells."""
        return first[0] == 200

    async def reset(self) -> None:
        """Brings the room to where the next pair begins."""

    # --- What races do -------------------------------------------------------------------------------------------

    async def group(self, *organisations: str, preset: str = "private_chat", members: tuple[str, ...] = ()) -> None:
        """Makes the room, cora's, with those members."""
        kind = "open" if preset == "public_chat" else "closed"
        body = {"preset": preset, "initial_state": [wish(kind, *organisations)]}
        status, answer = await self.community.create("cora", body)
        assert status == 200, answer
        self.room = str(answer["room_id"])
        for name in members:
            await self.accepted(self.invite(name))
            await self.accepted(self.join(name))
        await self.accepted(self.send("cora", "TLP:GREEN The room is there"))

    async def send(self, by: str, body: str, **more: Any) -> Answer:
        """Sends a message."""
        content = {"msgtype": "m.text", "body": body, **more}
        return await self.put(by, f"send/m.room.message/{unique('race')}", content)

    async def put(self, by: str, path: str, content: Json) -> Answer:
        """PUTs something in the room."""
        return await request(self.community[by], "PUT", f"/_matrix/client/v3/rooms/{quote(self.room)}/{path}", content)

    async def post(self, by: str, path: str, content: Json) -> Answer:
        """POSTs something in the room."""
        return await request(self.community[by], "POST", f"/_matrix/client/v3/rooms/{quote(self.room)}/{path}", content)

    async def invite(self, name: str, by: str = "cora") -> Answer:
        """Invites a member."""
        return await self.post(by, "invite", {"user_id": self.community.id(name)})

    async def join(self, name: str) -> Answer:
        """A member joins."""
        return await self.post(name, "join", {})

    async def change(self, **wanted: Any) -> Answer:
        """Changes the room's policy."""
        return await self.community.server.local("PUT", f"rooms/{quote(self.room)}/policy", wanted)

    async def redact(self, event_id: str, by: str = "ana") -> None:
        """Takes a message back."""
        await self.accepted(self.put(by, f"redact/{quote(event_id)}/{unique('redact')}", {}))

    @staticmethod
    async def accepted(act: Any) -> Json:
        """An act of the preparation, which must succeed; its answer."""
        status, body = await act
        assert status == 200, body
        return dict(body)

    # --- Judging -------------------------------------------------------------------------------------------------

    def state(self, event_type: str, key: str = "") -> Json | None:
        """The content of room state, from the database."""
        found = query(
            self.community,
            "SELECT event_json.json FROM current_state_events AS now JOIN event_json USING (event_id)"
            " WHERE now.room_id = ? AND now.type = ? AND now.state_key = ?",
            self.room,
            event_type,
            key,
        )
        return json.loads(found[0]["json"])["content"] if found else None

    def membership(self, name: str) -> str | None:
        """The membership of a member now."""
        state = self.state("m.room.member", self.community.id(name))
        return None if state is None else str(state["membership"])

    def is_wrong(self) -> str | None:
        """What no room may ever be, read from the stored events: above its ceiling, or open to more than its kind."""
        policy, rule = self.state("org.belisha.room"), self.state("m.room.join_rules")
        assert policy is not None and rule is not None
        rules = {"open": ("public",), "closed": ("knock", "invite")}[policy["kind"]]
        if rule["join_rule"] not in rules:
            return f"{policy['kind']} with the join rule {rule['join_rule']}"
        ceiling = Label.parse(policy["ceiling"])
        assert ceiling is not None
        for event_id, label in self.items().items():
            if label > ceiling:
                return f"{event_id} is {label} in a room of at most {ceiling}"
        return None

    def items(self) -> dict[str, Label]:
        """The label of each item that was not redacted: the ledger's, while a change is under way the stricter one."""
        found = query(
            self.community,
            "SELECT events.event_id, event_json.json, belisha_item.label, belisha_item.pending FROM events"
            " JOIN event_json ON event_json.event_id = events.event_id"
            " LEFT JOIN belisha_item ON belisha_item.event_id = events.event_id"
            " LEFT JOIN redactions ON redactions.redacts = events.event_id"
            " WHERE events.room_id = ? AND events.type = 'm.room.message' AND redactions.event_id IS NULL"
            " AND events.rejection_reason IS NULL ORDER BY events.stream_ordering",
            self.room,
        )
        labels = {}
        for row in found:
            content = json.loads(row["json"])["content"]
            names = (row["label"], row["pending"]) if row["label"] else (content[LABEL_KEY]["label"],)
            labels[row["event_id"]] = max(label for label in map(Label.parse, names) if label is not None)
        return labels


async def race(community: Community, sort: type[Race], pairs: int, lanes: int = 8, *, interleaved: int = 0) -> Tally:
    """Runs pairs of one sort, several rooms side by side; what came of them.

    Args:
        community: Where.
        sort: What is done at the same moment.
        pairs: How many; four times as many at most where the rarer order has not come about often enough by then.
        lanes: How many rooms.
        interleaved: How often the rarer order is to come about: a busy machine needs longer to be steered there.
    """
    tally, steering, left = Tally(), Steering(sort.name), pairs
    more = 3 * pairs if interleaved else 0

    async def late(act: Any, seconds: float) -> Answer:
        await asyncio.sleep(max(0.0, seconds))
        answer: Answer = await act()
        return answer

    async def lane() -> None:
        nonlocal left, more
        here = sort(community)
        await here.make()
        while (left > 0 or (more > 0 and tally.interleaved < interleaved)) and not tally.wrong:
            if left > 0:
                left -= 1
            else:
                more -= 1
            await here.prepare()
            offset = steering.offset()
            first, second = await asyncio.gather(late(here.first, -offset), late(here.second, offset))
            ahead = here.is_first(first, second)
            tally.count(first, second, ahead=ahead)
            steering.won(first=ahead)
            odd = [answer for answer in (first, second) if answer[0] not in (200, 403)]
            wrong = f"answered {odd}" if odd else None
            if wrong is None and not sort.both_may_stand and first[0] == second[0] == 200:
                wrong = "both were accepted"
            wrong = wrong or await here.judge(first, second) or here.is_wrong()
            if wrong is not None:
                tally.wrong.append(f"{sort.name} in {here.room}: {wrong} ({first[0]}, {second[0]})")
                return
            await here.reset()

    await asyncio.gather(*(lane() for _ in range(min(lanes, pairs))))
    return tally
