"""The module with one mistake at a time, which Synapse loads in its place: the model must find every one of them.

Each changes what one rule decides, by replacing a function where the product looks it up, or by taking off what the
product put around one of Synapse's. The product has no switch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.events import Relation
from belisha.policy import decide as deciding
from belisha.policy.decide import NO_CLAIMS, Claims
from belisha.policy.decision import allow
from belisha.policy.people import Person
from belisha.policy.relabel import decide_relabel
from belisha.policy.rooms import Kind, Room
from belisha.tlp import Label
from synapse_modules import departed, event_check, introduction_tables, policies, relabelling
from synapse_modules.config import Config
from synapse_modules.introduction_tables import Row
from synapse_modules.introductions import Introductions
from synapse_modules.ledger import Ledger
from synapse_modules.module import BelishaModule
from synapse_modules.registry import Registry
from synapse_modules.relabelling import Relabelling
from synapse_modules.rights import Rights
from tests.synapse.mutants import SWITCH, Switch, as_synapse_has_it

#: What makes a mistake in a running module: contexts to enter.
Switching = Callable[[BelishaModule, ModuleApi], tuple[Any, ...]]


def _no_ceiling(room_of: Any) -> Any:
    """L3: closed groups carry everything."""

    def read(state: Any) -> Room | None:
        room: Room | None = room_of(state)
        return room._replace(ceiling=Label.RED) if room is not None and room.kind is Kind.CLOSED else room

    return read


def _no_parents(relation_of: Any) -> Any:
    """L2: an answer has its own label only."""

    def read(content: Any) -> Relation:
        relation: Relation = relation_of(content)
        return relation._replace(parents=())

    return read


def _redaction_lowers(label_of: Any) -> Any:
    """L4: what was redacted no longer counts."""

    async def read(self: Ledger, event_id: str, room_id: str) -> Label | None:
        event = await self._hooks.event(event_id)
        if event is not None and event.internal_metadata.is_redacted():
            return Label.CLEAR
        label: Label | None = await label_of(self, event_id, room_id)
        return label

    return read


def _frozen_acts(person: Any) -> Any:
    """M1: a frozen member goes on."""

    async def read(self: Registry, user_id: str) -> Person:
        return (await person(self, user_id))._replace(frozen=False)  # type: ignore[no-any-return]

    return read


def _any_organisation(decide_membership: Any) -> Any:
    """M1: the list of organisations is not asked."""

    def decide(room: Room, *arguments: Any, **named: Any) -> Any:
        return decide_membership(room._replace(organisations=()), *arguments, **named)

    return decide


def _key_over_marker(decide: Any) -> Any:
    """L2: the sender's key is believed against the text."""

    def believe(room: Any, event_type: str, claims: Claims = NO_CLAIMS, **named: Any) -> Any:
        text = claims.text if claims.explicit is None else None
        return decide(room, event_type, claims._replace(text=text), **named)

    return believe


def _source_of_everything(decide: Any) -> Any:
    """L4: anybody changes any label."""

    def believe(*arguments: Any, **named: Any) -> Any:
        return decide(*arguments, **{**named, "is_source": True})

    assert decide is decide_relabel
    return believe


def _both_agree(by_id: Any) -> Any:
    """M1: one yes is taken for both."""

    def read(txn: LoggingTransaction, row_id: str) -> Row | None:
        row: Row | None = by_id(txn, row_id)
        return row and row._replace(one_agrees=True, other_agrees=True)

    return read


def _asks_one(is_open_to: Any) -> Any:
    """P2: one of the two is asked, the other is not."""
    assert is_open_to is Introductions.is_open_to

    async def read(_self: Introductions, localpart: str, row: Row) -> bool:
        return localpart == row.one

    return read


async def _nothing(*_arguments: Any, **_named: Any) -> None:
    """Does not do what it should."""


def _in(owner: Any, name: str, make: Callable[[Any], Any]) -> Switching:
    """One function, replaced where the product looks it up by what is made of it; a name that is gone fails at once."""
    replaced = make(getattr(owner, name))
    return lambda _module, _api: (patch.object(owner, name, replaced),)


def _past_stays_open(_module: BelishaModule, api: ModuleApi) -> tuple[Any, ...]:
    """M1: single events and what surrounds them are told to who has left."""
    return (
        as_synapse_has_it(api._hs.get_event_handler(), "get_event"),
        as_synapse_has_it(api._hs.get_room_context_handler(), "get_event_context"),
        as_synapse_has_it(api._hs.get_message_handler(), "get_state_events"),
        as_synapse_has_it(api._store, "get_push_actions_for_user"),
    )


def _departed_read(_module: BelishaModule, api: ModuleApi) -> tuple[Any, ...]:
    """M1: who took back a knock, declined an invitation or was unbanned reads what was said until then."""
    return (
        as_synapse_has_it(api._auth, "check_user_in_room"),
        as_synapse_has_it(api._hs.get_initial_sync_handler(), "snapshot_all_rooms"),
        patch.object(departed, "_without_past", lambda room, _user: room),
        patch.object(departed, "_without_present", lambda room, _user: room),
    )


class Mistake(NamedTuple):
    """What makes it, and which rules the model then says are broken."""

    switch: Switching
    rules: str


#: Each in a rule of its own.
MISTAKES: Final[dict[str, Mistake]] = {
    "NoCeiling": Mistake(_in(event_check, "room_of", _no_ceiling), "L3"),
    "NoParents": Mistake(_in(event_check, "relation_of", _no_parents), "L2"),
    "LaxerEdits": Mistake(_in(deciding, "_laxer", lambda _: lambda *_labels: None), "L4"),
    "RedactionLowers": Mistake(_in(Ledger, "label_of", _redaction_lowers), "L2"),
    "FrozenActs": Mistake(_in(Registry, "person", _frozen_acts), "M1"),
    "AnyOrganisation": Mistake(_in(event_check, "decide_membership", _any_organisation), "M1"),
    "KeyOverMarker": Mistake(_in(event_check, "decide", _key_over_marker), "L2 L3"),
    "AnybodyRelabels": Mistake(_in(relabelling, "decide_relabel", _source_of_everything), "L4"),
    "WidensUnread": Mistake(_in(policies, "decide_change", lambda _: lambda *_what: None), "R1"),
    "PastStaysOpen": Mistake(_past_stays_open, "M1"),
    "DepartedRead": Mistake(_departed_read, "M1"),
    "StaysAfterRight": Mistake(_in(Rights, "remove", lambda _: _nothing), "M1"),
    "EditsSurvive": Mistake(_in(Relabelling, "_redact", lambda _: _nothing), "L4"),
    "OpensAfterOne": Mistake(_in(introduction_tables, "by_id", _both_agree), "M1"),
    "AsksOneAlone": Mistake(_in(Introductions, "is_open_to", _asks_one), "P2"),
    "StateByAnybody": Mistake(
        _in(event_check, "decide_state", lambda _: lambda *_what: allow("R1", "Whatever.")), "R1 R3 R4"
    ),
}


class Mistaken(BelishaModule):
    """The product's module, in which one mistake at a time can be made while Synapse runs."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        api.register_web_resource(SWITCH, Switch(self, api, {name: one.switch for name, one in MISTAKES.items()}))
