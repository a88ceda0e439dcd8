"""Decides about one event: reads Synapse's values into the core's, asks the core, and labels what is content."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final, NamedTuple

from synapse.events import EventBase
from synapse.module_api import StateMap

from belisha.events import MalformedEvent, Relation, UnknownLabel, has_attachment_key, relation_of, texts_of
from belisha.files import files_in
from belisha.inside import Reason
from belisha.policy.archived import decide_archived
from belisha.policy.decide import decide
from belisha.policy.decision import Decision, refuse
from belisha.policy.files import Brought
from belisha.policy.frozen import decide_in_frozen
from belisha.policy.membership import decide_act, decide_membership, decide_standing
from belisha.policy.people import Person
from belisha.policy.protocol import decide_protocol_content, decide_shape, decide_state_key
from belisha.policy.rooms import Kind, Room
from belisha.policy.state import decide_state
from belisha.policy.types import BIRTH_STATE, CONTENT, MODULE_STATE, RELABEL
from belisha.policy.upgrade import decide_replaced
from belisha.tlp import ALL_LABELS, Label
from synapse_modules import labelling, metrics
from synapse_modules.config import Config
from synapse_modules.mutes import Mutes
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed, raise_if_refused, refused
from synapse_modules.sizes import PDU_LIMIT, check_size, json_bytes, pdu_bytes
from synapse_modules.snapshot import is_unborn, joined_in, named_in, present_in, replaced_by, room_of
from synapse_modules.spaces import NAMING, check_place

_ANSWERED: Final = (True, None)
#: What a drawn event keeps free below Synapse's limit: rebuilding it may name more previous events.
_SPARE_BYTES: Final = 1024
#: Below this many characters no event comes near the limit, so it is not measured.
_SHORT: Final = 8000


class _Item(NamedTuple):
    """A content event that is allowed: its room, the event to be labelled, what it refers to, and the decision.

    `not_checked` is why a file that it names could not be read.
    """

    room: Room
    draft: dict[str, Any]
    relation: Relation
    decision: Decision
    not_checked: Reason | None


class EventCheck:
    """What `check_event_allowed` decides, by way of the parts that know rooms, people and labels."""

    def __init__(self, config: Config, parts: Parts) -> None:
        self._config = config
        self._about = parts.about
        self._registry = parts.registry
        self._api = parts.api
        self._hooks = parts.hooks
        self._own = parts.own
        self._rooms = parts.rooms
        self._ledger = parts.ledger
        self._relabelling = parts.relabelling
        self._files = parts.files
        self._mutes = Mutes(parts.hooks, parts.registry)

    async def check(self, event: EventBase, state: StateMap[EventBase]) -> tuple[bool, dict[str, Any] | None]:
        """Labels, allows or refuses one event: whether it is allowed, and what it becomes where it is changed.

        Raises:
            SynapseError: 403 with rule and reason where it is refused, 400 where its content is malformed, 413 where it
                is too large for an event.
        """
        if self._own.take(event, state):
            return _ANSWERED
        check_size(event.content)
        event_type = event.type
        is_state = event.is_state()
        changed = None
        room = room_of(state)
        raise_if_refused(decide_shape(event_type, is_state=is_state))
        if room is not None:
            self._check_is_open(event, state, room)
            await self._mutes.check_event(event, state, room)
        if is_state and event_type not in MODULE_STATE:
            raise_if_refused(decide_state_key(event_type, event.state_key, self._about.markers))
        if event_type in CONTENT:
            return await self._label(event, state, await self._registry.person(event.sender))
        if event_type == "m.room.member":
            await self._check_membership(event, state, room)
            if event.content.get("membership") == "join" and event.sender == event.state_key:
                await self._files.offer_avatar(event.sender, event.content.get("avatar_url"))
        else:
            raise_if_refused(decide(room, event_type, calls=self._config.calls))
            if room is None:
                if event_type not in BIRTH_STATE or not is_unborn(state):
                    raise refused(_NO_POLICY)
            else:
                person = await self._registry.person(event.sender)
                raise_if_refused(decide_act(person, room, is_state=is_state))
                if is_state:
                    await self._check_state(event, state, room)
                elif event_type == "m.room.redaction":
                    changed = await self._relabelling.check_redaction(event, state)
                elif event_type == RELABEL:
                    return True, await self._relabelling.check_act(event, state, room, person)
        raise_if_refused(decide_protocol_content(event_type, event.content, self._about.markers, is_state=is_state))
        return True, changed

    def _check_is_open(self, event: EventBase, state: StateMap[EventBase], room: Room) -> None:
        if room.frozen:
            self._check_in_frozen(event, state)
        by_bot = event.sender == self._about.steward
        if event.type != "m.room.member" and (refusal := decide_replaced(room, event.type, by_bot=by_bot)):
            raise refused(refusal)
        if room.archived and event.type != "m.room.member":
            self._check_in_archived(event, state)

    def _check_in_frozen(self, event: EventBase, state: StateMap[EventBase]) -> None:
        decision = decide_in_frozen(
            event.type,
            event.sender,
            event.get_state_key(),
            event.content.get("membership"),
            steward=self._about.steward,
        )
        if not decision.allowed and event.type != "m.room.member":
            # Who is not in the group is not told that it is frozen.
            self._hooks.check_may_send(event, state)
        raise_if_refused(decision)

    def _check_in_archived(self, event: EventBase, state: StateMap[EventBase]) -> None:
        if refusal := decide_archived(event.type, event.sender, steward=self._about.steward):
            # Who is not in the group is not told that it is archived.
            self._hooks.check_may_send(event, state)
            raise refused(refusal)

    async def _check_state(self, event: EventBase, state: StateMap[EventBase], room: Room) -> None:
        raise_if_refused(decide_state(room, event.type, event.content, self._about))
        if event.type == "m.room.avatar":
            self._hooks.check_may_send(event, state)
            await self._files.make_pictures(event.sender, event.content)
        if event.type in NAMING and event.content:
            await check_place(self._api, self._hooks, event.sender, event.type, str(event.state_key))

    async def _check_membership(self, event: EventBase, state: StateMap[EventBase], room: Room | None) -> None:
        membership = event.content.get("membership")
        if room is None:
            creation = state.get(("m.room.create", ""))
            by_creator = creation is not None and creation.sender == event.sender == event.state_key
            if membership == "leave" or (by_creator and membership == "join" and len(state) == 1):
                return
            raise refused(_NO_POLICY)
        target = await self._registry.person(str(event.state_key))
        sender = await self._registry.person(event.sender)
        if event.sender != event.state_key:
            raise_if_refused(decide_standing(sender))
        await self._mutes.check_entering(target, event.room_id, str(membership))
        decision = decide_membership(
            room,
            target,
            str(membership),
            sender_id=event.sender,
            named=named_in(state) if room.kind is Kind.NAMED else frozenset(),
            present=present_in(state) if room.kind is Kind.SERVICE else frozenset(),
            joined=joined_in(state) if room.replaced or room.archived else frozenset(),
        )
        raise_if_refused(decision)
        if room.kind is Kind.NAMED and membership == "invite" and not await self._goes_over(target, state):
            await self._rooms.contacts.check(sender, [target])

    async def _goes_over(self, target: Person, state: StateMap[EventBase]) -> bool:
        """Whether somebody is in the room that this one replaces, and so meets nobody new."""
        before = replaced_by(state)
        return before is not None and target.user_id in await self._hooks.joined(before)

    async def explain(self, event: EventBase, state: StateMap[EventBase]) -> Decision:
        """What would be decided about an item, were it sent now; nothing is written down.

        Raises:
            SynapseError: as `check` would.
        """
        check_size(event.content)
        room = room_of(state)
        if room is not None:
            self._check_is_open(event, state, room)
            await self._mutes.check_event(event, state, room)
        return (await self._decided(event, state, await self._registry.person(event.sender))).decision

    async def _label(
        self, event: EventBase, state: StateMap[EventBase], sender: Person
    ) -> tuple[bool, dict[str, Any] | None]:
        room, draft, relation, decision, not_checked = await self._decided(event, state, sender)
        if decision.label is None:
            raise RuntimeError("an allowed content event has a label")
        if relation.replaces is not None:
            await self._relabelling.carry_out(event, relation.replaces, decision.label)
        draft["content"] = self._drawn(event, room, draft["content"], decision, not_checked)
        metrics.labelled(decision.label, room.kind)
        return True, draft

    async def _decided(self, event: EventBase, state: StateMap[EventBase], sender: Person) -> _Item:
        room = room_of(state)
        if room is None:
            raise refused(decide(None, event.type))
        raise_if_refused(decide_act(sender, room, is_state=False))
        draft = event.get_dict()
        content = draft["content"]
        try:
            labelling.tidy(event.type, content)
            labelling.strip_notes(content)
            relation = relation_of(content)
            decided = await self._relabelling.check_relation(event, state, relation)
            reading = await labelling.claims_of(
                content,
                relation,
                room.ceiling,
                self._about.markers,
                lambda parent: self._ledger.label_of(parent, event.room_id),
                decided=decided,
            )
        except MalformedEvent as error:
            raise malformed(str(error)) from None
        except UnknownLabel as error:
            raise refused(_unknown_label(f"{error} Use one of {ALL_LABELS}.")) from None
        if reading.problem:
            raise refused(_unknown_label(reading.problem))
        if not room.encrypted and has_attachment_key(content):
            raise refused(_ENCRYPTED_FILE)
        files = await self._of_files(event, state, sender, room, content, decided)
        claims = reading.claims._replace(file=files.label, is_marked=files.is_marked)
        decision = decide(room, event.type, claims, calls=self._config.calls)
        raise_if_refused(decision)
        return _Item(room, draft, relation, decision, files.not_checked)

    async def _of_files(
        self,
        event: EventBase,
        state: StateMap[EventBase],
        sender: Person,
        room: Room,
        content: dict[str, Any],
        decided: dict[str, Any] | None,
    ) -> Brought:
        """What the files bring that an item names."""
        try:
            if not files_in(content):
                return _NO_FILES
            self._hooks.check_may_send(event, state)  # who may not write here is told nothing of files
            return await self._files.brought(sender, room, content, decided)
        except MalformedEvent as error:
            raise malformed(str(error)) from None

    def _drawn(
        self,
        event: EventBase,
        room: Room,
        content: dict[str, Any],
        decision: Decision,
        not_checked: Reason | None,
    ) -> dict[str, Any]:
        """The content with label, badge and note; with a lesser badge, or neither, where that makes it too large."""
        label, by = decision.label, decision.by
        if label is None or by is None:
            raise RuntimeError("an allowed content event has a label")
        labelling.strip_badges(content)
        labelling.write_label(content, label, by)
        is_badged = labelling.wants_badge(self._config.badge, room, event.type, content, label)
        if not is_badged and not_checked is None:
            return content
        if sum(map(len, _strings(content))) < _SHORT:
            _draw(content, label if is_badged else None, not_checked, in_colour=True)
            return content
        spare = PDU_LIMIT - _SPARE_BYTES - pdu_bytes(event) + json_bytes(event.get_dict()["content"])
        for badge, in_colour in ((label, True), (label, False), (None, False)):
            drawn = deepcopy(content)
            _draw(drawn, badge if is_badged else None, not_checked, in_colour=in_colour)
            if json_bytes(drawn) <= spare:
                return drawn
        return content


def _draw(content: dict[str, Any], badge: Label | None, not_checked: Reason | None, *, in_colour: bool) -> None:
    if not_checked is not None:
        labelling.draw_note(content, not_checked)
    if badge is not None:
        labelling.draw_badge(content, badge, in_colour=in_colour)


def _unknown_label(reason: str) -> Decision:
    return refuse("L1", "UNKNOWN_LABEL", reason)


def _strings(content: dict[str, Any]) -> Iterator[str]:
    return (text.value for text in texts_of(content))


_NO_FILES: Final = Brought()
_NO_POLICY: Final = decide(None, "m.room.message")
_ENCRYPTED_FILE: Final = refuse(
    "R4",
    "ENCRYPTED_HERE",
    "This room is not encrypted, so an encrypted file could not be checked. Please send it as it is.",
)
