"""Who may read which item, and how each act is answered: written from DESIGN.md and TLP.md alone.

Imports nothing of the product, so that a mistake there is not repeated here. An answer is yes, no, or open (None) where
the design says nothing: then the model goes on with what was answered, and what may be read is checked all the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

BOT: Final = "belisha_steward"
#: Matrix's own default levels for what changes a room, and the design's for who made it.
MODERATES, MAINTAINS, ALL = 50, 95, 100


class Label(IntEnum):
    CLEAR = 0
    GREEN = 1
    AMBER = 2
    STRICT = 3
    RED = 4

    def __str__(self) -> str:
        return "TLP:AMBER+STRICT" if self is Label.STRICT else f"TLP:{self.name}"


LABELS: Final = {str(label): label for label in Label}


class Kind(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    NAMED = "named"
    SERVICE = "service"


#: Kind -> default, ceiling, join rule, history.
KINDS: Final = {
    Kind.OPEN: (Label.GREEN, Label.GREEN, "public", "shared"),
    Kind.CLOSED: (Label.AMBER, Label.AMBER, "knock", "shared"),
    Kind.NAMED: (Label.AMBER, Label.RED, "invite", "joined"),
    Kind.SERVICE: (Label.AMBER, Label.STRICT, "invite", "joined"),
}
GROUPS: Final = (Kind.OPEN, Kind.CLOSED)


class Answer(NamedTuple):
    """What an act may be answered, by which invariant, and which labels its item may then have."""

    accepted: bool | None
    rule: str
    labels: tuple[Label, ...] = ()


@dataclass
class Person:
    name: str
    organisation: str
    role: str = "member"
    frozen: bool = False
    direct_chats: str = "anyone"  # who may begin one with them


@dataclass
class Room:
    id: str
    kind: Kind
    maker: str
    organisations: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()
    members: dict[str, str] = field(default_factory=dict)  # name -> join, invite, knock, leave, ban
    since: dict[str, int] = field(default_factory=dict)  # name -> when the membership of now began
    power: dict[str, int] = field(default_factory=dict)
    frozen: bool = False

    @property
    def default(self) -> Label:
        return KINDS[self.kind][0]

    @property
    def ceiling(self) -> Label:
        return ceiling_of(self.kind, self.organisations)

    @property
    def joined(self) -> frozenset[str]:
        return frozenset(name for name, membership in self.members.items() if membership == "join")


@dataclass
class Item:
    """A content event with its edits; `label` is the one in force."""

    id: str
    room: Room
    source: str
    label: Label
    claimed: Label | None  # what the text that is shown now claims
    is_editable: bool = True
    is_poll: bool = False
    told: Label | None = None  # what the module has shown since
    is_told_only: bool = False  # its source was not there to show a new label
    raised_from: Label | None = None
    is_relabelled: bool = False
    is_redacted: bool = False


@dataclass
class Event:
    """One content event: an item as it was first sent, or one of its edits."""

    id: str
    item: Item
    sender: str
    label: Label
    at: int
    readers: frozenset[str]
    is_shared: bool
    is_learned: bool = False  # written by the module: seen, not sent
    is_redacted: bool = False


def ceiling_of(kind: Kind, organisations: tuple[str, ...]) -> Label:
    return Label.STRICT if kind is Kind.CLOSED and organisations else KINDS[kind][1]


class World:
    """Everything that was accepted so far."""

    def __init__(self, people: Iterable[Person], organisations: Iterable[str]) -> None:
        self.people = {person.name: person for person in people}
        self.frozen = dict.fromkeys(organisations, False)
        self.rooms: dict[str, Room] = {}
        self.items: dict[str, Item] = {}
        self.events: dict[str, Event] = {}
        self._ticks = itertools.count(1)

    # --- Who --------------------------------------------------------------------------------------------------

    def acts(self, name: str) -> bool:
        person = self.people[name]
        return not person.frozen and not self.frozen[person.organisation]

    def fits(self, name: str, room: Room) -> bool:
        """Whether this person may be in that room at all (M1)."""
        if not self.acts(name):
            return False
        if room.kind in (Kind.NAMED, Kind.SERVICE):
            return name in room.named
        return not room.organisations or self.people[name].organisation in room.organisations

    def _is_in(self, name: str, room: Room) -> bool:
        return self.acts(name) and room.members.get(name) == "join"

    def _may_act_in(self, name: str, room: Room) -> bool:
        """A frozen group is read and left, nothing else, by whomever (R1)."""
        return self._is_in(name, room) and not room.frozen

    def _welcomes(self, name: str, who: str) -> bool | None:
        """Whether somebody may name this member in a direct chat; nobody here was introduced (M1)."""
        choice = self.people[name].direct_chats
        if choice == "my-groups":
            groups = [room for room in self.rooms.values() if room.kind in GROUPS]
            if any({name, who} <= room.joined for room in groups):
                return True
            # The group of those who run the community is one as well, some time after they do.
            return None if {self.people[each].role for each in (name, who)} <= {"steward", "manager"} else False
        return choice == "anyone"

    def _power(self, name: str, room: Room) -> int:
        return room.power.get(name, 0)

    # --- What is read -----------------------------------------------------------------------------------------

    def sees(self, name: str, event: Event) -> bool | None:
        """Whether a member reads an event now; None where the design leaves it open."""
        room = event.item.room
        if not self._is_in(name, room):
            return False
        if event.is_shared:
            return True
        if name in event.readers:
            return True if event.at >= room.since[name] else None
        return None if event.is_learned else False

    # --- Making and changing rooms ----------------------------------------------------------------------------

    def may_make(self, who: str, kind: Kind, organisations: tuple[str, ...], others: Iterable[str]) -> Answer:
        if not self.acts(who):
            return Answer(False, "M1")
        person = self.people[who]
        if any(each not in self.frozen for each in organisations):
            return Answer(False, "R1")
        if organisations and person.role not in ("steward", "manager") and organisations != (person.organisation,):
            return Answer(False, "R1")
        if organisations and kind is not Kind.CLOSED:
            return Answer(None, "R1")
        room = Room("", kind, who, organisations, frozenset((who, *others)))
        if not self.fits(who, room):
            return Answer(False, "M1")
        if not all(self.fits(other, room) for other in others):
            return Answer(None, "M1")
        welcome = [self._welcomes(other, who) for other in others] if kind is Kind.NAMED else []
        return Answer(False if False in welcome else None if None in welcome else True, "M1")

    def made(self, room_id: str, who: str, kind: Kind, organisations: tuple[str, ...], others: Iterable[str]) -> Room:
        room = Room(room_id, kind, who, organisations, frozenset((who, *others)))
        room.power = {who: MAINTAINS, BOT: ALL} if kind in GROUPS else {who: ALL}
        self.rooms[room_id] = room
        self.becomes(room, who, "join")
        for other in others:
            if self.fits(other, room):
                self.becomes(room, other, "invite")
        return room

    def may_change(self, room: Room, kind: Kind, organisations: tuple[str, ...]) -> Answer:
        """A room never becomes wider than its strictest item (R1)."""
        if room.kind not in GROUPS or any(each not in self.frozen for each in organisations):
            return Answer(False, "R1")
        if (kind, organisations) == (room.kind, room.organisations) or (organisations and kind is Kind.OPEN):
            return Answer(None, "R1")
        if room.frozen:
            return Answer(None, "R1")  # whether the operator may, the design does not say
        stays = set(organisations) & set(room.organisations)
        ceiling = ceiling_of(kind, organisations)
        if kind is not room.kind:
            widens = kind is Kind.OPEN
        else:
            widens = bool(room.organisations) and not (organisations and set(organisations) <= set(room.organisations))
        limit = min(Label.GREEN, ceiling) if widens else ceiling
        here = [item for item in self.items.values() if item.room is room]
        if any(item.label > limit and not item.is_redacted for item in here):
            return Answer(False, "R1")
        is_open = any(item.label > limit for item in here) or (organisations and room.organisations and not stays)
        return Answer(None if is_open else True, "R1")

    def may_freeze(self, room: Room) -> Answer:
        """The operator freezes groups, and nothing else (R1)."""
        return Answer(room.kind in GROUPS, "R1")

    def changed(self, room: Room, kind: Kind, organisations: tuple[str, ...]) -> None:
        room.kind, room.organisations = kind, organisations
        self.end_rights()

    # --- Membership -------------------------------------------------------------------------------------------

    def becomes(self, room: Room, name: str, membership: str) -> None:
        if room.members.get(name) != membership:
            room.members[name] = membership
            room.since[name] = next(self._ticks)

    def end_rights(self) -> None:
        """Whoever may not be in a room any more is not; what was a right has ended (M1)."""
        for room in self.rooms.values():
            for name, membership in room.members.items():
                stays = room.kind is Kind.SERVICE or self.fits(name, room)
                if membership in ("join", "invite", "knock") and not stays:
                    self.becomes(room, name, "leave")

    def may_enter(self, how: str, who: str, room: Room, target: str) -> Answer:
        """One change of a membership: `target` is who it is about, the same as `who` where they do it themselves."""
        if room.frozen and how == "kick" and who == target:
            return Answer(None, "M1")  # that is to leave
        now = room.members.get(target, "leave")
        if how in ("join", "knock", "leave"):
            return Answer(getattr(self, f"_may_{how}")(who, room, now), "M1")
        if not self._may_act_in(who, room):
            return Answer(False, "M1")
        if how == "invite":
            return Answer(self._may_invite(who, room, target, now), "M1")
        if target == BOT and room.kind in GROUPS:
            return Answer(False, "M1")
        power = self._power(who, room)
        if how == "kick" and who == target:
            return Answer(True, "M1")
        if power < MODERATES or power <= self._power(target, room):
            return Answer(False, "M1")
        if how == "kick":
            return Answer(True if now in ("join", "invite", "knock") else None, "M1")
        return Answer(True if (how == "ban") != (now == "ban") else None, "M1")

    def _may_join(self, who: str, room: Room, now: str) -> bool | None:
        if not self.fits(who, room) or now == "ban":
            return False
        if now == "join":
            return None
        return not room.frozen and (room.kind is Kind.OPEN or now == "invite")

    def _may_knock(self, who: str, room: Room, now: str) -> bool | None:
        if not self.fits(who, room) or now == "ban" or room.kind is not Kind.CLOSED or room.frozen:
            return False
        return True if now == "leave" else None

    def _may_leave(self, who: str, _room: Room, now: str) -> bool | None:
        if not self.acts(who):
            return False
        return True if now in ("join", "invite", "knock") else None

    def _may_invite(self, who: str, room: Room, target: str, now: str) -> bool | None:
        if target == BOT:
            return False if room.kind is Kind.NAMED else None
        if not self.fits(target, room) or now == "ban":
            return False
        if room.kind is Kind.NAMED and self._welcomes(target, who) is False:
            return False
        return (
            True if room.kind in GROUPS and self._power(who, room) >= MODERATES and now in ("leave", "knock") else None
        )

    # --- Items ------------------------------------------------------------------------------------------------

    def may_send(
        self,
        who: str,
        room: Room,
        claims: Iterable[Label],
        parents: Iterable[Item | None] = (),
        *,
        is_wrong: bool = False,
    ) -> Answer:
        """A message; a parent that is unknown or in another room counts as the ceiling (L2)."""
        if not self._may_act_in(who, room):
            return Answer(False, "M1")
        if is_wrong:
            return Answer(False, "L1")
        above = [room.ceiling if parent is None or parent.room is not room else parent.label for parent in parents]
        given = [*claims, *above]
        label = max(given) if given else room.default
        return Answer(label <= room.ceiling, "L3", (label,)) if label > room.ceiling else Answer(True, "L2", (label,))

    def sent(
        self,
        event_id: str,
        who: str,
        room: Room,
        label: Label,
        claimed: Label | None,
        *,
        is_editable: bool,
        is_poll: bool,
    ) -> Item:
        item = Item(event_id, room, who, label, claimed, is_editable, is_poll)
        self.items[event_id] = item
        self._remember(event_id, item, who, label)
        return item

    def _remember(self, event_id: str, item: Item, who: str, label: Label, *, is_learned: bool = False) -> None:
        room = item.room
        self.events[event_id] = Event(
            event_id, item, who, label, next(self._ticks), room.joined, KINDS[room.kind][3] == "shared", is_learned
        )

    def may_edit(self, who: str, item: Item, claims: Iterable[Label], *, is_wrong: bool = False) -> Answer:
        """An edit by the source raises; a laxer one is refused (L4)."""
        if not self._may_act_in(who, item.room):
            return Answer(False, "M1")
        if is_wrong:
            return Answer(False, "L1")
        asked = max(claims, default=item.label)
        if who != item.source or item.is_redacted or not item.is_editable:
            return Answer(None, "L4", (max(item.label, asked),))
        if item.is_relabelled and asked == item.claimed != item.label:
            # The text says what it said before: whether that claims anything anew, the design does not say.
            return Answer(None, "L4", (item.label, max(item.label, asked)))
        if asked < item.label:
            return Answer(False, "L4")
        return Answer(asked <= item.room.ceiling, "L3" if asked > item.room.ceiling else "L4", (asked,))

    def edited(self, event_id: str, who: str, item: Item, label: Label, claimed: Label | None) -> bool:
        """Whether the edit raised the item."""
        self._remember(event_id, item, who, label)
        if who != item.source:
            return False
        is_raised = label > item.label
        item.is_relabelled |= is_raised
        item.label = max(item.label, label)
        item.claimed = claimed
        return is_raised

    def may_relabel(self, who: str, item: Item, asked: Label) -> Answer:
        """Raised by source or steward, lowered by the source alone, after a steward's raise by a steward (L3, L4)."""
        is_source, is_steward = who == item.source, self.people[who].role == "steward"
        if not self._may_act_in(who, item.room):
            return Answer(False, "M1")
        if not is_source and not is_steward:
            return Answer(False, "L4")
        if asked > item.room.ceiling:
            return Answer(False, "L3")
        if item.is_redacted or asked == item.label:
            return Answer(None, "L4")
        if asked > item.label:
            return Answer(True, "L4")
        if item.raised_from is None:
            return Answer(is_source, "L4")
        if is_source:
            return Answer(None if is_steward else False, "L4")
        return Answer(asked >= item.raised_from, "L4")

    def relabelled(self, who: str, item: Item, asked: Label) -> None:
        by_steward = who != item.source
        if item.raised_from is not None:
            if by_steward and asked == item.raised_from:
                item.raised_from = None
        elif by_steward and asked > item.label:
            item.raised_from = item.label
        item.label, item.is_relabelled, item.told = asked, True, None
        item.is_told_only |= item.source not in item.room.joined

    def may_redact(self, who: str, room: Room, sender: str, *, is_kept: bool = False) -> Answer:
        """One's own, or with the power for it; never a policy or a relabel act (L4)."""
        if is_kept:
            return Answer(False, "L4")
        return Answer(self._may_act_in(who, room) and (who == sender or self._power(who, room) >= MODERATES), "M1")

    def redacted(self, event: Event) -> None:
        """A redaction lowers nothing, and takes the edits along."""
        event.is_redacted = True
        if event.id == event.item.id:
            event.item.is_redacted = True
            for each in self.events.values():
                if each.item is event.item:
                    each.is_redacted = True

    # --- Room state -------------------------------------------------------------------------------------------

    def may_set_state(self, who: str, room: Room, *, is_harmless: bool) -> Answer:
        may = is_harmless and self._may_act_in(who, room) and self._power(who, room) >= MODERATES
        if may and room.kind not in GROUPS:
            return Answer(None, "R3")  # its name is neutral; whether it has none, the design does not say
        return Answer(may, "R3")

    def may_grant(self, who: str, room: Room, target: str, level: int) -> Answer:
        """Nobody's power in a group is above the maintainers', and the bot keeps its own."""
        power = self._power(who, room)
        if (target, level) == (BOT, ALL):
            return Answer(None, "R1")
        if not self._may_act_in(who, room) or level > MAINTAINS or target == BOT or power < MAINTAINS:
            return Answer(False, "R1")
        return Answer(True if target != who and self._power(target, room) < power else None, "R1")

    # --- What the module itself wrote -------------------------------------------------------------------------

    def learn(self, event_id: str, room: Room, sender: str, label: Label, edits: str | None) -> None:
        """A badge drawn anew: an edit in the source's name, or an answer that is an item of its own."""
        if edits is not None:
            item = self.items[edits]
        else:
            item = Item(event_id, room, sender, label, None)
            self.items[event_id] = item
        self._remember(event_id, item, sender, label, is_learned=True)
