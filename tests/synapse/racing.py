"""The sorts of races: what is done at the same moment, and what may not come of it."""

from __future__ import annotations

import asyncio
import json
import time

from belisha.tlp import Label
from tests.support.community import unique
from tests.support.ledger import query, relabel
from tests.support.races import Answer, Race
from tests.synapse.samples import edit, text

ACT = "org.belisha.relabel"


class Kind(Race):
    """A message at AMBER, and the group is opened to everybody."""

    name = "kind"

    async def make(self) -> None:
        await self.group(members=("ana",))

    async def first(self) -> Answer:
        return await self.send("ana", "TLP:AMBER the figures")

    async def second(self) -> Answer:
        return await self.change(kind="open")

    async def judge(self, first: Answer, second: Answer) -> str | None:
        self.sent = first[1]["event_id"] if first[0] == 200 else None
        policy = self.state("org.belisha.room")
        assert policy is not None
        wanted = "open" if second[0] == 200 else "closed"
        return None if policy["kind"] == wanted else f"the change said {second[0]}, the room is {policy['kind']}"

    async def reset(self) -> None:
        if self.sent is not None:
            await self.redact(self.sent)
        policy = self.state("org.belisha.room")
        assert policy is not None
        if policy["kind"] == "open":
            await self.accepted(self.change(kind="closed"))


class Ceiling(Race):
    """A message at AMBER+STRICT, and the group's list is emptied, so that it carries AMBER at most."""

    name = "ceiling"

    async def make(self) -> None:
        await self.group("harbour", "coastguard", members=("ana",))

    async def first(self) -> Answer:
        return await self.send("ana", "TLP:AMBER+STRICT the figures")

    async def second(self) -> Answer:
        return await self.change(organisations=[])

    async def judge(self, first: Answer, second: Answer) -> str | None:
        self.sent = first[1]["event_id"] if first[0] == 200 else None
        self.changed = second[0] == 200
        return None

    async def reset(self) -> None:
        if self.sent is not None:
            await self.redact(self.sent)
        if self.changed:
            await self.accepted(self.change(organisations=["harbour", "coastguard"]))


class JoinRule(Race):
    """A maintainer lets everybody in, and the group is closed: whoever wins, a closed group is closed.

    Afterwards something at AMBER is sent, and a stranger tries the door.
    """

    name = "join rule"
    both_may_stand = True

    async def make(self) -> None:
        await self.group(preset="public_chat")
        self.allow: list[str] = []

    async def first(self) -> Answer:
        # An empty list more or less, so that it is a change.
        more = {} if self.has_list() else {"allow": []}
        return await self.put("cora", "state/m.room.join_rules/", {"join_rule": "public", **more})

    def has_list(self) -> bool:
        rule = self.state("m.room.join_rules")
        assert rule is not None
        return "allow" in rule

    async def second(self) -> Answer:
        return await self.change(kind="closed")

    async def judge(self, first: Answer, second: Answer) -> str | None:
        if second[0] != 200:
            return f"the group could not be closed: {second[1]}"
        self.sent = (await self.accepted(self.send("cora", "TLP:AMBER the figures")))["event_id"]
        status, _ = await self.join("emil")
        return None if status == 403 else f"a stranger joined a closed group: {status}"

    async def reset(self) -> None:
        await self.redact(self.sent, "cora")
        await self.accepted(self.change(kind="open"))


class Organisations(Race):
    """Somebody joins, and their organisation is taken from the list."""

    name = "organisations"
    both_may_stand = True

    async def make(self) -> None:
        await self.group("harbour", "coastguard")

    async def prepare(self) -> None:
        await self.accepted(self.invite("ana"))

    async def first(self) -> Answer:
        return await self.join("ana")

    async def second(self) -> Answer:
        return await self.change(organisations=["coastguard"])

    async def judge(self, first: Answer, second: Answer) -> str | None:
        if second[0] != 200:
            return f"the list could not be shortened: {second[1]}"
        return await self.gone("ana")

    async def gone(self, name: str, within: float = 90.0) -> str | None:
        """Waits until a member is neither in the room nor invited, and then sees that they stay away."""
        deadline = time.monotonic() + within
        while self.membership(name) in ("join", "invite", "knock"):
            if time.monotonic() > deadline:
                return f"{name} is there after all: {self.membership(name)}"
            await asyncio.sleep(0.05)
        status, _ = await self.send(name, "TLP:GREEN Am I still here?")
        return None if status == 403 else "somebody writes who may not be there"

    async def reset(self) -> None:
        await self.accepted(self.change(organisations=["harbour", "coastguard"]))


class Invite(Organisations):
    """Somebody is invited, and their organisation is taken from the list."""

    name = "invite"

    async def prepare(self) -> None:
        """Nobody is invited yet."""

    async def first(self) -> Answer:
        return await self.invite("ana")


class Moved(Organisations):
    """Somebody joins or is invited, and changes to an organisation that the list lacks."""

    name = "invite of who leaves their organisation"

    async def make(self) -> None:
        await super().make()
        self.who, self.turn = unique("nora"), 0
        self.community.people[self.who] = await self.community.server.member(self.who, "harbour")

    async def prepare(self) -> None:
        self.turn += 1
        if self.turn % 2:
            await self.accepted(self.invite(self.who))

    async def first(self) -> Answer:
        return await (self.join(self.who) if self.turn % 2 else self.invite(self.who))

    async def second(self) -> Answer:
        return await self.move("university")

    async def move(self, organisation: str) -> Answer:
        body = {"name": self.who.title(), "organisation": organisation, "roles": ["member"]}
        return await self.community.server.local("PUT", f"members/{self.who}", body)

    async def judge(self, first: Answer, second: Answer) -> str | None:
        if second[0] != 200:
            return f"the member could not be moved: {second[1]}"
        return await self.gone(self.who)

    async def reset(self) -> None:
        await self.accepted(self.move("harbour"))


class Raise(Kind):
    """An item is raised to AMBER, by an act or by an edit, and the group is opened."""

    name = "relabel"

    async def prepare(self) -> None:
        self.item = (await self.accepted(self.send("ana", "TLP:GREEN the figures")))["event_id"]
        self.turn = getattr(self, "turn", 0) + 1

    async def first(self) -> Answer:
        if self.turn % 2:
            return await self.put("ana", f"send/{ACT}/{unique('act')}", relabel(self.item, "TLP:AMBER"))
        return await self.put("ana", f"send/m.room.message/{unique('edit')}", edit(self.item, text("TLP:AMBER x")))

    async def judge(self, first: Answer, second: Answer) -> str | None:
        wrong = await super().judge(first, second)
        self.sent = self.item
        label = self.items()[self.item]
        if first[0] == 200 and label is not Label.AMBER:
            return f"the act was accepted, and the item is {label}"
        return wrong


class RaiseAndLower(Race):
    """A steward raises what its source lowers: after the raise no lowering of the source's counts."""

    name = "relabel by two"
    both_may_stand = True

    async def make(self) -> None:
        await self.group("harbour", "coastguard", members=("ana",))

    async def prepare(self) -> None:
        self.item = (await self.accepted(self.send("ana", "TLP:AMBER the figures")))["event_id"]

    async def first(self) -> Answer:
        return await self.put("ana", f"send/{ACT}/{unique('act')}", relabel(self.item, "TLP:GREEN"))

    async def second(self) -> Answer:
        return await self.put("cora", f"send/{ACT}/{unique('act')}", relabel(self.item, "TLP:AMBER+STRICT"))

    async def judge(self, first: Answer, second: Answer) -> str | None:
        wanted = Label.AMBER_STRICT if second[0] == 200 else Label.GREEN if first[0] == 200 else Label.AMBER
        return await self.shown(wanted)

    async def shown(self, wanted: Label) -> str | None:
        """Waits until the item has that label, and is shown with it."""
        deadline = time.monotonic() + 60
        while (found := (self.items()[self.item], self.newest())) != (wanted, wanted):
            if time.monotonic() > deadline:
                return f"it should be {wanted}; it is {found[0]}, and clients show {found[1]}"
            await asyncio.sleep(0.1)
        return None

    def newest(self) -> Label | None:
        """The label that the newest edit of the item shows, or the item itself."""
        edits = query(
            self.community,
            "SELECT event_json.json FROM event_relations JOIN events USING (event_id) JOIN event_json USING (event_id)"
            " WHERE relates_to_id = ? AND relation_type = 'm.replace'"
            " ORDER BY events.origin_server_ts DESC, events.event_id DESC LIMIT 1",
            self.item,
        ) or query(self.community, "SELECT json FROM event_json WHERE event_id = ?", self.item)
        return Label.parse(json.loads(edits[0]["json"])["content"]["org.belisha.tlp"]["label"])


class EditAndRaise(RaiseAndLower):
    """The source edits what a steward raises: whichever is last, clients show the label that counts."""

    name = "relabel and edit"

    async def first(self) -> Answer:
        return await self.put("ana", f"send/m.room.message/{unique('edit')}", edit(self.item, text("The new figures")))

    def is_first(self, first: Answer, second: Answer) -> bool:
        if (first[0], second[0]) != (200, 200):
            return first[0] == 200
        both = "SELECT event_id FROM events WHERE event_id IN (?, ?) ORDER BY stream_ordering LIMIT 1"
        (found,) = query(self.community, both, first[1]["event_id"], second[1]["event_id"])
        return bool(found["event_id"] == first[1]["event_id"])

    async def judge(self, first: Answer, second: Answer) -> str | None:
        if second[0] != 200:
            return await self.shown(Label.AMBER)
        return await self.shown(Label.AMBER_STRICT)


#: Each, with how many pairs of it are run: what one part holds off is found within a few (`hasty`).
SORTS: dict[type[Race], int] = {
    Kind: 24,
    Ceiling: 24,
    JoinRule: 24,
    Organisations: 24,
    Invite: 20,
    Moved: 16,
    Raise: 24,
    RaiseAndLower: 16,
    EditAndRaise: 16,
}
