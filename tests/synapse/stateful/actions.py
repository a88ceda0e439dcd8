"""Does a step for real, as any client could, and holds the answer to the model."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

from tests.synapse.stateful.arena import NAMES, ORGANISATIONS, Arena, eventually
from tests.synapse.stateful.client import LABEL_KEY, Difference, label_of
from tests.synapse.stateful.introducing import Introducing
from tests.synapse.stateful.model import BOT, GROUPS, Answer, Item, Kind, Label, Person, Room
from tests.synapse.stateful.steps import (
    WORDINGS,
    Agree,
    Change,
    Choose,
    Edit,
    Enter,
    Freeze,
    Grant,
    Introduce,
    Make,
    Malformed,
    Move,
    Name,
    Poll,
    React,
    Redact,
    Relabel,
    Reply,
    Rest,
    Role,
    Send,
    Stand,
    Step,
    Tamper,
    Who,
)

Json = dict[str, Any]

_POLICY: Final = "org.belisha.room"
_ACT: Final = "org.belisha.relabel"
#: Stands for a file that the sender has just uploaded.
_MXC: Final = "mxc://belisha.localhost/none"
_FORGED: Final = {"kind": "open", "default": "TLP:CLEAR", "ceiling": "TLP:RED", "organisations": []}

#: Room state that nobody may set in any room (R1, R2, R4, R5), by whatever client.
TAMPERING: Final[tuple[tuple[str, str, Json], ...]] = (
    (_POLICY, "", _FORGED),
    (_POLICY, "x", _FORGED),
    ("org.belisha.named", "", {"members": list(NAMES)}),
    ("org.belisha.secret", "", {"any": "thing"}),
    ("m.room.history_visibility", "", {"history_visibility": "world_readable"}),
    ("m.room.guest_access", "", {"guest_access": "can_join"}),
    ("m.room.encryption", "", {"algorithm": "m.megolm.v1.aes-sha2"}),
    ("m.room.join_rules", "", {"join_rule": "restricted", "allow": []}),
    ("im.vector.modular.widgets", "w", {"type": "m.custom", "url": "https://elsewhere.example/"}),
    ("com.example.notes", "", {"text": "TLP:RED the figures"}),
    ("m.room.tombstone", "", {"body": "moved", "replacement_room": "!elsewhere:belisha.localhost"}),
)
#: Contents that no client of good will sends. Whatever is accepted has one label; nothing fails.
MALFORMED: Final[tuple[tuple[str, Any], ...]] = (
    ("m.room.message", {}),
    ("m.room.message", {"msgtype": "m.text", "body": 7}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", LABEL_KEY: "TLP:RED"}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", LABEL_KEY: {"label": ["TLP:RED"]}}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", "m.relates_to": "x"}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.replace", "event_id": 1}}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", "m.new_content": "TLP:RED x"}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", "formatted_body": "<b>TLP:RED</b> x"}),
    ("m.sticker", {"body": None, "url": 3}),
    ("m.poll.start", {"m.poll": {"question": 5, "answers": "none"}}),
    ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation"}}),
    (_ACT, {"label": "TLP:CLEAR"}),
    (_ACT, {"m.relates_to": {"rel_type": "m.reference", "event_id": "$none"}, "label": "TLP:PURPLE"}),
)


class Actor:
    """Does steps in one arena."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._numbers = itertools.count(1)
        self._acts: list[tuple[str, Room]] = []
        self._introducing = Introducing(arena, self._hold)
        self._does: dict[type, Callable[[Any], Awaitable[None]]] = {
            Make: self._make, Enter: self._enter, Send: self._send, Reply: self._reply, Edit: self._edit,
            Relabel: self._relabel, Redact: self._redact, React: self._react, Poll: self._poll, Change: self._change,
            Stand: self._stand, Move: self._move, Role: self._role, Name: self._name, Tamper: self._tamper,
            Grant: self._grant, Malformed: self._malformed, Freeze: self._freeze, Choose: self._choose,
            Introduce: self._introducing.ask, Agree: self._introducing.agree,
        }  # fmt: skip

    async def do(self, step: Step) -> None:
        """Does one step, where there is something to do it with."""
        if not isinstance(step, Rest):
            await self._does[type(step)](step)

    # --- Who and what -----------------------------------------------------------------------------------------

    @property
    def _world(self) -> Any:
        return self._arena.world

    def _who(self, who: Who, room: Room | None = None, item: Item | None = None) -> str:
        names: list[str] = list(NAMES)
        if who.way == "in" and room is not None:
            names = [name for name in NAMES if room.members.get(name) == "join"]
        elif who.way == "out" and room is not None:
            names = [name for name in NAMES if room.members.get(name) != "join"]
        elif who.way == "asked" and room is not None:
            names = [name for name in NAMES if room.members.get(name) in ("invite", "knock")]
        elif who.way == "maker" and room is not None:
            names = [name for name in NAMES if room.power.get(name, 0) >= 50]
        elif who.way == "source" and item is not None and item.source in NAMES:
            names = [item.source]
        elif who.way == "steward":
            names = [name for name in NAMES if self._world.people[name].role == "steward"]
        names = names or list(NAMES)
        return names[who.number % len(names)]

    def _room(self, number: int) -> Room:
        rooms: list[Room] = list(self._world.rooms.values())
        return rooms[number % len(rooms)]

    def _item(self, number: int, rare: Callable[[Item], bool] = lambda _: False) -> Item | None:
        """An item, the newest first; every third time one of the rare, where there is one."""
        items: list[Item] = [item for item in self._world.items.values() if item.source != BOT]
        wanted = [item for item in items if number % 3 == 2 and rare(item)] or items
        return wanted[-1 - number % len(wanted)] if wanted else None

    def _is_edited(self, item: Item) -> bool:
        return not item.is_redacted and sum(event.item is item for event in self._world.events.values()) > 1

    def _text(self, wording: int) -> tuple[str, list[Label], bool]:
        template, claims = WORDINGS[wording]
        text = template.format(f"{self._arena.word} {next(self._numbers)}")
        return text, [claims] if isinstance(claims, Label) else [], claims == "wrong"

    def _with_key(self, content: Json, key: Label | str | None, claims: list[Label]) -> bool:
        """Puts an explicit label into a content; whether it is none."""
        if key is not None:
            content[LABEL_KEY] = {"label": str(key) if isinstance(key, Label) else "TLP:PURPLE"}
        if isinstance(key, Label):
            claims.append(key)
        return key == "wrong"

    def _hold(self, answer: Answer, status: int, said: Json, what: str) -> bool:
        """Whether the act was accepted; it must be where the model says so, and only then."""
        self._arena.acts += 1
        is_accepted = status == 200
        self._arena.refused += not is_accepted
        if answer.accepted is not None and answer.accepted is not is_accepted:
            wanted = "accepted" if answer.accepted else "refused"
            raise Difference(answer.rule, f"{what} must be {wanted}, and is answered {status}: {said}")
        return is_accepted

    # --- Rooms and membership ---------------------------------------------------------------------------------

    async def _make(self, step: Make) -> None:
        who = self._who(step.who)
        others = () if step.kind is Kind.SERVICE else tuple(dict.fromkeys(NAMES[number] for number in step.others))
        others = tuple(name for name in others if name != who)
        if step.kind in (Kind.NAMED, Kind.SERVICE) and step.organisations:
            return
        answer = self._world.may_make(who, step.kind, step.organisations, others)
        wish = {"kind": step.kind.value, "organisations": list(step.organisations), "ceiling": "TLP:RED"}
        body: Json = {"preset": "public_chat" if step.kind is Kind.OPEN else "private_chat"}
        if step.kind in GROUPS:
            body["initial_state"] = [{"type": _POLICY, "state_key": "", "content": wish}]
        else:
            body |= {"preset": "trusted_private_chat", "is_direct": True}
        invited = [BOT] if step.kind is Kind.SERVICE else others
        body["invite"] = [self._arena.clients["gwen"].user_id.replace("gwen", name) for name in invited]
        status, said = await self._arena.clients[who].ask("POST", "v3/createRoom", body)
        if self._hold(answer, status, said, f"{step} by {who}"):
            room = self._world.made(said["room_id"], who, step.kind, step.organisations, others)
            await self._arena.check(room, others)

    async def _enter(self, step: Enter) -> None:
        room = self._room(step.room)
        who = self._who(step.who, room)
        target = (*NAMES, BOT)[step.target % (len(NAMES) + 1)]
        client, path = self._arena.clients[who], f"v3/rooms/{quote(room.id)}/{step.how}"
        if step.how == "forget":
            await client.ask("POST", path, {})
            self._arena.acts += 1
            return
        body = {}
        if step.how in ("join", "knock", "leave"):
            target = who
            path = f"v3/{step.how}/{quote(room.id)}" if step.how != "leave" else path
        else:
            body["user_id"] = client.user_id.replace(who, target)
        answer = self._world.may_enter(step.how, who, room, target)
        status, said = await client.ask("POST", path, body)
        if self._hold(answer, status, said, f"{step} by {who} in {room.kind}"):
            now = {"kick": "leave", "unban": "leave"}.get(step.how, step.how)
            if target != BOT and (room.members.get(target) != "join" or now not in ("join", "invite")):
                self._world.becomes(room, target, now)
        await self._arena.check(room, {who, target})

    # --- Items ------------------------------------------------------------------------------------------------

    async def _send(self, step: Send) -> None:
        room = self._room(step.room)
        who = self._who(step.who, room)
        text, claims, is_wrong = self._text(step.wording)
        event_type, content = _CONTENTS[step.what](text)
        if "url" in content:
            status, said = await self._arena.clients[who].ask("POST", "../media/v3/upload", "tides")
            content["url"] = said["content_uri"] if status == 200 else _MXC
        is_wrong |= self._with_key(content, step.key, claims)
        answer = self._world.may_send(who, room, claims, is_wrong=is_wrong)
        if step.what in ("encrypted", "unknown", "state"):
            answer = Answer(False, "R4" if step.what == "encrypted" else "L1")
        await self._post(who, room, event_type, content, answer, f"{step} by {who}", WORDINGS[step.wording][1])

    async def _reply(self, step: Reply) -> None:
        item = self._item(step.item, lambda each: each.is_redacted)
        if item is None:
            return
        room = item.room
        if step.how == "elsewhere":
            rooms = list(self._world.rooms.values())
            room = rooms[(rooms.index(item.room) + 1) % len(rooms)]
        who = self._who(step.who, room)
        text, claims, is_wrong = self._text(step.wording)
        named, parent = item.id, item
        if step.how == "unknown":
            named, parent = "$" + "A" * 43, None
        elif step.how == "reaction":
            named, parent = next((each for each, where in self._acts if where is room), "$none"), None
        relates: Json = {"m.in_reply_to": {"event_id": named}}
        if step.how == "thread":
            relates = {"rel_type": "m.thread", "event_id": named, "is_falling_back": True} | relates
        content = {"msgtype": "m.text", "body": text, "m.relates_to": relates}
        answer = self._world.may_send(who, room, claims, [parent], is_wrong=is_wrong)
        if step.how == "thread":
            answer = answer._replace(accepted=answer.accepted and None)  # Matrix has no thread in a thread
        what = f"{step} by {who} in {room.kind} to something {parent and parent.label}"
        await self._post(who, room, "m.room.message", content, answer, what, WORDINGS[step.wording][1])

    async def _post(
        self,
        who: str,
        room: Room,
        event_type: str,
        content: Json,
        answer: Answer,
        what: str,
        claimed: Label | str | None,
    ) -> Item | None:
        status, said = await self._arena.clients[who].send(room.id, event_type, content)
        item = None
        if self._hold(answer, status, said, what):
            is_poll = "poll.start" in event_type
            shown = claimed if isinstance(claimed, Label) else None
            item = self._world.sent(
                said["event_id"], who, room, answer.labels[0], shown,
                is_editable=event_type == "m.room.message", is_poll=is_poll,
            )  # fmt: skip
        await self._arena.check(room)
        return item

    async def _edit(self, step: Edit) -> None:
        item = self._item(step.item)
        if item is None:
            return
        who = self._who(step.who, item.room, item)
        text, claims, is_wrong = self._text(step.wording)
        new: Json = {"msgtype": "m.text", "body": text}
        is_wrong |= self._with_key(new, step.key, claims)
        content = {
            **new,
            "body": f"* {text}",
            "m.new_content": new,
            "m.relates_to": {"rel_type": "m.replace", "event_id": item.id},
        }
        answer = self._world.may_edit(who, item, claims, is_wrong=is_wrong)
        client = self._arena.clients[who]
        status, said = await client.send(item.room.id, "m.room.message", content)
        if self._hold(answer, status, said, f"{step} by {who} of something {item.label}"):
            label = answer.labels[0]
            if len(set(answer.labels)) > 1 or answer.accepted is None:
                _, event = await client.ask("GET", f"v3/rooms/{quote(item.room.id)}/event/{quote(said['event_id'])}")
                label = label_of(event)
                if label not in answer.labels:
                    raise Difference("L4", f"{step} became {label}, and not one of {answer.labels}")
            claimed = WORDINGS[step.wording][1]
            if self._world.edited(said["event_id"], who, item, label, claimed if isinstance(claimed, Label) else None):
                await self._until(item.room, lambda: self._is_recorded(who, said["event_id"]))
        await self._arena.check(item.room)

    def _is_recorded(self, who: str, edit: str) -> bool:
        """Whether the relabel act that a raising edit stands for is there."""
        events = self._arena.clients[who].events.values()
        return any(event["type"] == _ACT and event["content"].get("edit") == edit for event in events)

    async def _relabel(self, step: Relabel) -> None:
        item = self._item(step.item)
        if item is None:
            return
        who = self._who(step.who, item.room, item)
        relates = {"rel_type": "m.reference", "event_id": item.id}
        answer = self._world.may_relabel(who, item, step.label)
        content = {"m.relates_to": relates, "label": str(step.label)}
        status, said = await self._arena.clients[who].send(item.room.id, _ACT, content)
        what = f"{step} by {who} of something {item.label} of {item.source}, raised from {item.raised_from}"
        if self._hold(answer, status, said, what):
            self._acts.append((said["event_id"], item.room))
            self._world.relabelled(who, item, step.label)
            # Where its source has gone, the old label may be what is shown already.
            await self._until(item.room, lambda: item.told is item.label, 1.0 if item.is_told_only else 20.0)
        await self._arena.check(item.room)

    async def _redact(self, step: Redact) -> None:
        item = self._item(step.item, self._is_edited)
        if item is None:
            return
        who, room = self._who(step.who, item.room, item), item.room
        event, is_kept = self._world.events[item.id], False
        if step.what == "edit":
            edits = [each for each in self._world.events.values() if each.item is item and not each.is_redacted]
            event = edits[-1]
        named, sender = event.id, event.sender
        client = self._arena.clients[who]
        if step.what in ("act", "policy"):
            is_kept = True
            named = next((act for act, where in reversed(self._acts) if where is room), "")
            if step.what == "policy":
                _, state = await client.ask("GET", f"v3/rooms/{quote(room.id)}/state/{_POLICY}/?format=event")
                named = state.get("event_id", "")
            if not named:
                return
        body = {"reason": "TLP:RED it names a person"} if step.what == "with a reason" else {}
        answer = self._world.may_redact(who, room, sender, is_kept=is_kept)
        if body:
            answer = Answer(False, "R3")
        elif event.is_redacted or sender == BOT:
            answer = answer._replace(accepted=answer.accepted and None)
        path = f"v3/rooms/{quote(room.id)}/redact/{quote(named)}/{next(self._numbers)}-{time.time_ns()}"
        status, said = await client.ask("PUT", path, body)
        if self._hold(answer, status, said, f"{step} by {who}"):
            self._world.redacted(event)
            for each in self._arena.clients.values():
                each.events.pop(named, None)
        await self._arena.check(room)

    async def _react(self, step: React) -> None:
        item = self._item(step.item)
        if item is None:
            return
        who = self._who(step.who, item.room)
        relates = {"rel_type": "m.annotation", "event_id": item.id, "key": step.key}
        is_in = self._world.may_send(who, item.room, ()).accepted
        fits = step.key == "👍"
        answer = Answer(None if is_in and fits else False, "L1" if is_in else "M1")  # a second time it is refused
        client = self._arena.clients[who]
        status, said = await client.send(item.room.id, "m.reaction", {"m.relates_to": relates})
        self._hold(answer, status, said, f"{step} by {who}")

    async def _poll(self, step: Poll) -> None:
        polls = [item for item in self._world.items.values() if item.is_poll]
        if not polls:
            return
        item = polls[step.item % len(polls)]
        who = self._who(step.who, item.room)
        relates = {"rel_type": "m.reference", "event_id": item.id}
        if step.what == "end":
            text, claims, is_wrong = self._text(step.item % len(WORDINGS))
            content = {"m.relates_to": relates, "m.text": text, "body": text, "org.matrix.msc3381.poll.end": {}}
            answer = self._world.may_send(who, item.room, claims, [item], is_wrong=is_wrong)
            claimed = claims[0] if claims else None
            event_type = "org.matrix.msc3381.poll.end"
            await self._post(who, item.room, event_type, content, answer, f"{step} by {who}", claimed)
            return
        content = {"m.relates_to": relates, "org.matrix.msc3381.poll.response": {"answers": ["a"]}}
        answer = Answer(self._world.may_send(who, item.room, ()).accepted, "M1")
        client = self._arena.clients[who]
        status, said = await client.send(item.room.id, "org.matrix.msc3381.poll.response", content)
        self._hold(answer, status, said, f"{step} by {who}")

    # --- Policy and registry ----------------------------------------------------------------------------------

    async def _change(self, step: Change) -> None:
        room = self._room(step.room)
        organisations = step.organisations if step.kind is Kind.CLOSED else ()
        answer = self._world.may_change(room, step.kind, organisations)
        body = {"kind": step.kind.value, "organisations": list(organisations)}
        before = room.joined
        status, said = await self._arena.command("PUT", f"rooms/{quote(room.id)}/policy", body)
        if self._hold(answer, status, said, f"{step} of {room.kind}{room.organisations}"):
            self._world.changed(room, step.kind, organisations)
        await self._arena.check(room, before)

    async def _stand(self, step: Stand) -> None:
        is_member = step.what == "members"
        names = NAMES if is_member else ORGANISATIONS
        name = names[step.number % len(names)]
        await self._arena.stand(step.what, name, "frozen" if step.is_frozen else "active")
        self._arena.acts += 1
        if is_member:
            self._world.people[name].frozen = step.is_frozen
        else:
            self._world.frozen[name] = step.is_frozen
        self._world.end_rights()
        if not step.is_frozen:
            await self._arena.thawed()
        await self._arena.check(None, [name] if is_member else NAMES)

    async def _freeze(self, step: Freeze) -> None:
        room = self._room(step.room)
        body = {"standing": "frozen" if step.is_frozen else "active"}
        status, said = await self._arena.command("PUT", f"standing/rooms/{quote(room.id)}", body)
        if self._hold(self._world.may_freeze(room), status, said, f"{step} of {room.kind}"):
            room.frozen = step.is_frozen
        await self._arena.check(room)

    async def _choose(self, step: Choose) -> None:
        name = NAMES[step.number]
        await self._arena.choose(name, step.choice)
        self._arena.acts += 1
        self._world.people[name].direct_chats = step.choice

    async def _move(self, step: Move) -> None:
        name, organisation = NAMES[step.number], ORGANISATIONS[step.organisation]
        await self._become(Person(name, organisation, self._world.people[name].role))

    async def _role(self, step: Role) -> None:
        name = NAMES[step.number]
        await self._become(Person(name, self._world.people[name].organisation, step.role))

    async def _become(self, wanted: Person) -> None:
        person = self._world.people[wanted.name]
        await self._arena.put_member(wanted)
        self._arena.acts += 1
        person.organisation, person.role = wanted.organisation, wanted.role
        self._world.end_rights()
        await self._arena.thawed()
        await self._arena.check(None, [wanted.name])

    # --- Room state -------------------------------------------------------------------------------------------

    async def _name(self, step: Name) -> None:
        room = self._room(step.room)
        who = self._who(step.who, room)
        answer = self._world.may_set_state(who, room, is_harmless=not step.text.startswith("TLP"))
        client = self._arena.clients[who]
        status, said = await client.put_state(room.id, f"m.room.{step.what}", "", {step.what: step.text})
        self._hold(answer, status, said, f"{step} by {who} in {room.kind}")

    async def _tamper(self, step: Tamper) -> None:
        room = self._room(step.room)
        who = self._who(step.who, room)
        event_type, key, content = TAMPERING[step.number % len(TAMPERING)]
        status, said = await self._arena.clients[who].put_state(room.id, event_type, key, content)
        self._hold(Answer(False, "R1"), status, said, f"{event_type} {content} by {who} in {room.kind}")

    async def _grant(self, step: Grant) -> None:
        room = self._room(step.room)
        who, target = self._who(step.who, room), (*NAMES, BOT)[step.target % (len(NAMES) + 1)]
        if room.kind not in GROUPS:
            return
        client = self._arena.clients[who]
        status, levels = await client.ask("GET", f"v3/rooms/{quote(room.id)}/state/m.room.power_levels/")
        if status != 200:
            return
        answer = self._world.may_grant(who, room, target, step.level)
        user_id = client.user_id.replace(who, target)
        levels = {**levels, "users": {**levels["users"], user_id: step.level}}
        status, said = await client.put_state(room.id, "m.room.power_levels", "", levels)
        if self._hold(answer, status, said, f"{step} by {who}"):
            room.power[target] = step.level

    async def _malformed(self, step: Malformed) -> None:
        room = self._room(step.room)
        who = self._who(step.who, room)
        event_type, content = MALFORMED[step.number % len(MALFORMED)]
        client = self._arena.clients[who]
        status, said = await client.send(room.id, event_type, content)
        may = self._world.may_send(who, room, ()).accepted
        if self._hold(Answer(None if may else False, "M1"), status, said, f"{step} by {who}") and "event_id" in said:
            _, event = await client.ask("GET", f"v3/rooms/{quote(room.id)}/event/{quote(said['event_id'])}")
            if event["type"] in ("m.room.message", "m.sticker", "m.poll.start"):
                label = label_of(event)
                if label > room.ceiling:
                    raise Difference("L3", f"{content} became {label} in {room.kind}")
                self._world.sent(event["event_id"], who, room, label, label, is_editable=False, is_poll=False)
        await self._arena.check(room)

    async def _until(self, room: Room, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Waits until the module has carried out what follows from an act."""

        async def look() -> None:
            await self._arena.check(room)
            if not condition():
                raise Difference("L4", "what follows from an act has not happened in time", later=True)

        try:
            await eventually(look, seconds)
        except Difference as difference:
            if not difference.later or seconds > 1.0:
                raise
        await asyncio.sleep(0)


_CONTENTS: Final[dict[str, Callable[[str], tuple[str, Json]]]] = {
    "text": lambda text: ("m.room.message", {"msgtype": "m.text", "body": text}),
    "html": lambda text: (
        "m.room.message",
        {"msgtype": "m.notice", "body": "…", "format": "org.matrix.custom.html", "formatted_body": f"<b>{text}</b>"},
    ),
    "sticker": lambda text: ("m.sticker", {"body": text, "url": _MXC, "info": {}}),
    "poll": lambda text: (
        "org.matrix.msc3381.poll.start",
        {
            "org.matrix.msc1767.text": text,
            "org.matrix.msc3381.poll.start": {
                "question": {"org.matrix.msc1767.text": text},
                "answers": [
                    {"id": "a", "org.matrix.msc1767.text": "Yes"},
                    {"id": "b", "org.matrix.msc1767.text": "No"},
                ],
                "max_selections": 1,
            },
        },
    ),
    "file": lambda text: ("m.room.message", {"msgtype": "m.file", "body": text, "url": _MXC}),
    "encrypted": lambda text: ("m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": text}),
    "unknown": lambda text: ("com.example.note", {"text": text}),
    "state": lambda text: ("m.room.topic", {"topic": text}),
}
