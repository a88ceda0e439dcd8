"""Decides about one event: reads Synapse's values into the core's, asks the core, and labels what is content."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from synapse.events import EventBase
from synapse.module_api import StateMap

from belisha.events import MalformedEvent, UnknownLabel, has_attachment_key, relation_of, texts_of
from belisha.policy.decide import decide
from belisha.policy.decision import Decision, refuse
from belisha.policy.membership import decide_act, decide_membership, decide_standing
from belisha.policy.people import Person
from belisha.policy.protocol import decide_protocol_content, decide_shape, decide_state_key
from belisha.policy.rooms import Kind, Room
from belisha.policy.state import decide_state
from belisha.policy.types import BIRTH_STATE, CONTENT, MODULE_STATE, RELABEL
from belisha.tlp import ALL_LABELS
from synapse_modules import labelling, metrics
from synapse_modules.config import Config
from synapse_modules.hooks import PDU_LIMIT, json_bytes, pdu_bytes
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed, raise_if_refused, refused
from synapse_modules.snapshot import is_unborn, named_in, present_in, room_of

_ANSWERED: Final = (True, None)
#: What a drawn event keeps free below Synapse's limit: rebuilding it may name more previous events.
_SPARE_BYTES: Final = 1024
#: Below this many characters no event comes near the limit, so it is not measured.
_SHORT: Final = 8000


class EventCheck:
    """What `check_event_allowed` decides, by way of the parts that know rooms, people and labels."""

    def __init__(self, config: Config, parts: Parts) -> None:
        self._config = config
        self._about = parts.about
        self._registry = parts.registry
        self._rooms = parts.rooms
        self._policies = parts.policies
        self._ledger = parts.ledger
        self._relabelling = parts.relabelling

    async def check(self, event: EventBase, state: StateMap[EventBase]) -> tuple[bool, dict[str, Any] | None]:
        """Labels, allows or refuses one event: whether it is allowed, and what it becomes where it is changed.

        Raises:
            SynapseError: 403 with rule and reason where it is refused, 400 where its content is malformed.
        """
        if self._relabelling.expected.take(event):
            return _ANSWERED
        event_type = event.type
        is_state = event.is_state()
        changed = None
        room = room_of(state)
        raise_if_refused(decide_shape(event_type, is_state=is_state))
        if is_state and event_type not in MODULE_STATE:
            raise_if_refused(decide_state_key(event_type, event.state_key, self._about.markers))
        if event_type in CONTENT:
            return await self._label(event, state, room, await self._registry.person(event.sender))
        if event_type in MODULE_STATE and (self._is_planned(event, state) or self._is_own(event)):
            return _ANSWERED
        if event_type == "m.room.member":
            await self._check_membership(event, state, room)
        else:
            raise_if_refused(decide(room, event_type, calls=self._config.calls))
            if room is None:
                if event_type not in BIRTH_STATE or not is_unborn(state):
                    raise refused(_NO_POLICY)
            else:
                person = await self._registry.person(event.sender)
                raise_if_refused(decide_act(person, room, is_state=is_state))
                if is_state:
                    raise_if_refused(decide_state(room, event_type, event.content, self._about))
                elif event_type == "m.room.redaction":
                    changed = await self._relabelling.check_redaction(event, state)
                elif event_type == RELABEL:
                    return True, await self._relabelling.check_act(event, state, room, person)
        raise_if_refused(decide_protocol_content(event_type, event.content, self._about.markers, is_state=is_state))
        return True, changed

    def _is_own(self, event: EventBase) -> bool:
        """Whether the module itself is sending this policy."""
        return event.state_key == "" and self._policies.own.take(event.sender, event.room_id, event.type, event.content)

    def _is_planned(self, event: EventBase, state: StateMap[EventBase]) -> bool:
        """Whether this is the policy that a new room begins with; a room that has one is never given another here."""
        return (
            is_unborn(state)
            and event.state_key == ""
            and self._rooms.planned.take(event.sender, event.type, event.content)
        )

    async def _check_membership(self, event: EventBase, state: StateMap[EventBase], room: Room | None) -> None:
        membership = event.content.get("membership")
        if room is None:
            creation = state.get(("m.room.create", ""))
            by_creator = creation is not None and creation.sender == event.sender == event.state_key
            if membership == "leave" or (by_creator and membership == "join" and len(state) == 1):
                return
            raise refused(_NO_POLICY)
        target = await self._registry.person(str(event.state_key))
        if event.sender != event.state_key:
            raise_if_refused(decide_standing(await self._registry.person(event.sender)))
        decision = decide_membership(
            room,
            target,
            str(membership),
            sender_id=event.sender,
            named=named_in(state) if room.kind is Kind.NAMED else frozenset(),
            present=present_in(state) if room.kind is Kind.SERVICE else frozenset(),
        )
        raise_if_refused(decision)

    async def _label(
        self, event: EventBase, state: StateMap[EventBase], room: Room | None, sender: Person
    ) -> tuple[bool, dict[str, Any] | None]:
        if room is None:
            raise refused(decide(None, event.type))
        raise_if_refused(decide_act(sender, room, is_state=False))
        draft = event.get_dict()
        content = draft["content"]
        try:
            labelling.tidy(event.type, content)
            relation = relation_of(content)
            reading = await labelling.claims_of(
                content,
                relation,
                room.ceiling,
                self._about.markers,
                lambda parent: self._ledger.label_of(parent, event.room_id),
                decided=await self._relabelling.check_relation(event, state, relation),
            )
        except MalformedEvent as error:
            raise malformed(str(error)) from None
        except UnknownLabel as error:
            raise refused(_unknown_label(f"{error} Use one of {ALL_LABELS}.")) from None
        if reading.problem:
            raise refused(_unknown_label(reading.problem))
        if not room.encrypted and has_attachment_key(content):
            raise refused(_ENCRYPTED_FILE)
        decision = decide(room, event.type, reading.claims, calls=self._config.calls)
        raise_if_refused(decision)
        if relation.replaces is not None and decision.label is not None:
            await self._relabelling.carry_out(event, relation.replaces, decision.label)
        draft["content"] = self._drawn(event, room, content, decision)
        if decision.label is not None:
            metrics.labelled(decision.label, room.kind)
        return True, draft

    def _drawn(self, event: EventBase, room: Room, content: dict[str, Any], decision: Decision) -> dict[str, Any]:
        """The content with label and badge; with a lesser badge, or none, where the full one makes it too large."""
        label, by = decision.label, decision.by
        if label is None or by is None:
            raise RuntimeError("an allowed content event has a label")
        labelling.strip_badges(content)
        labelling.write_label(content, label, by)
        if not labelling.wants_badge(self._config.badge, room, event.type, content, label):
            return content
        if sum(map(len, _strings(content))) < _SHORT:
            labelling.draw_badge(content, label, in_colour=True)
            return content
        spare = PDU_LIMIT - _SPARE_BYTES - pdu_bytes(event) + json_bytes(event.get_dict()["content"])
        for in_colour in (True, False):
            drawn = deepcopy(content)
            labelling.draw_badge(drawn, label, in_colour=in_colour)
            if json_bytes(drawn) <= spare:
                return drawn
        return content


def _unknown_label(reason: str) -> Decision:
    return refuse("L1", "UNKNOWN_LABEL", reason)


def _strings(content: dict[str, Any]) -> Iterator[str]:
    return (text.value for text in texts_of(content))


_NO_POLICY: Final = decide(None, "m.room.message")
_ENCRYPTED_FILE: Final = refuse(
    "R4",
    "ENCRYPTED_HERE",
    "This room is not encrypted, so an encrypted file could not be checked. Please send it as it is.",
)
