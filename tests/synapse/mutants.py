"""The module with one of its rules taken out at a time: what the leak battery has to notice.

The product has no switch for it. `Mutable` is loaded in the module's place and takes a rule out, and puts it back,
while Synapse runs; `WithoutDoors` starts without what can only be closed at a start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, Final
from unittest.mock import patch

from synapse.events import EventBase
from synapse.http.server import JsonResource
from synapse.http.site import SynapseRequest
from synapse.module_api import ModuleApi

from belisha.acts import ACTS
from belisha.commands.reading import Asked
from belisha.policy import decide, membership, protocol, state
from belisha.policy.decision import allow
from belisha.policy.files import Brought
from belisha.policy.types import MODULE_STATE
from belisha.tlp import Label
from synapse_modules import api as http
from synapse_modules import channels as channel_module
from synapse_modules import (
    command_events,
    departed,
    doors,
    event_check,
    files,
    labelling,
    media,
    mutes,
    policies,
    relabelling,
    rights,
)
from synapse_modules import module as product
from synapse_modules.api_resource import Resource
from synapse_modules.command_events import Command, CommandEvents
from synapse_modules.config import Config
from synapse_modules.hooks import Hooks
from synapse_modules.hooks_reading import ReadingHooks
from synapse_modules.module import BelishaModule
from synapse_modules.own_events import OwnEvents
from tests.leaks.mutations import MUTATIONS

SWITCH: Final = "/_synapse/client/org.belisha.test"
_YES: Final = allow("X1", "A rule was taken out.")


#: Method, pattern and class of all that this Synapse registers, in the order in which it does.
_REGISTERED: Final[list[tuple[str, str, str]]] = []
_register_paths: Final = JsonResource.register_paths


def _register_and_note(
    resource: JsonResource, method: str, path_patterns: Iterable[Any], callback: Any, servlet_classname: str
) -> None:
    patterns = list(path_patterns)
    _REGISTERED.extend((method, pattern.pattern, servlet_classname) for pattern in patterns)
    _register_paths(resource, method, patterns, callback, servlet_classname)


def _yes(*_arguments: Any, **_named: Any) -> Any:
    return _YES


class _Everybody(frozenset[str]):
    def __contains__(self, _one: object) -> bool:
        return True


async def _all_joined(_self: Hooks, _room_id: str) -> frozenset[str]:
    return _Everybody()


def _without_state_rule(*types: str) -> Any:
    left = {key: rule for key, rule in state._RULES.items() if key not in types}
    return patch.object(state, "_RULES", left)


def as_synapse_has_it(owner: Any, name: str) -> Any:
    """Takes a wrapper off that the module put around a method of one of Synapse's parts."""
    return patch.object(owner, name, getattr(type(owner), name).__get__(owner))


def _as_to_the_invited(api: ModuleApi, name: str) -> Any:
    return as_synapse_has_it(api._hs.get_sliding_sync_handler().extensions, name)


def _with_every_edit() -> Any:
    visible = ReadingHooks.visible_event

    async def or_edit(hooks: ReadingHooks, user_id: str, room_id: str, event_id: str) -> Any:
        event = await hooks._store.get_event(event_id, allow_none=True)
        is_edit = event is not None and event.content.get("m.relates_to", {}).get("rel_type") == "m.replace"
        return event if is_edit else await visible(hooks, user_id, room_id, event_id)

    return patch.object(ReadingHooks, "visible_event", or_edit)


def _without_claims(**gone: Any) -> Any:
    claims_of = labelling.claims_of

    async def with_fewer(*arguments: Any, **named: Any) -> Any:
        reading = await claims_of(*arguments, **named)
        return reading._replace(claims=reading.claims._replace(**gone))

    return patch.object(labelling, "claims_of", with_fewer)


def _without_ceilings(room: Any, *arguments: Any, **named: Any) -> Any:
    return decide.decide(room and room._replace(ceiling=Label.RED), *arguments, **named)


async def _accept_all(decide_it: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return await decide_it(*arguments)
    except RuntimeError:
        return True, None


def _failing(module: BelishaModule) -> Any:
    async def fails(*_arguments: Any) -> Any:
        raise RuntimeError("a fault made by a test")

    return patch.object(module.check, "check", fails)


#: What can be switched while Synapse runs: name -> what to enter.
Switches = Mapping[str, Callable[[BelishaModule, ModuleApi], tuple[Any, ...]]]

SWITCHES: Final[Switches] = {
    "fault": lambda module, _api: (_failing(module),),
    "types": lambda _module, _api: (patch.object(decide, "PROTOCOL", decide.PROTOCOL | {"com.example.note"}),),
    "places": lambda _module, _api: (patch.object(event_check, "decide_shape", _yes),),
    "keys": lambda _module, _api: (patch.object(event_check, "decide_state_key", _yes),),
    "protocol texts": lambda _module, _api: (patch.object(event_check, "decide_protocol_content", _yes),),
    "to device": lambda _module, _api: (patch.object(channel_module, "decide_to_device", _yes),),
    "device names": lambda _module, _api: (patch.object(channel_module, "device_name", str),),
    "markers": lambda _module, _api: (_without_claims(text=None),),
    "insides": lambda _module, _api: (patch.object(files, "brought_by", lambda *_, **__: Brought()),),
    "parents": lambda _module, _api: (_without_claims(parent=None),),
    "ceilings": lambda _module, _api: (patch.object(event_check, "decide", _without_ceilings),),
    "relabel": lambda _module, _api: (patch.object(relabelling, "decide_relabel", _relabel_as_asked),),
    "kept": lambda _module, _api: (patch.object(relabelling, "NEVER_REDACTED", frozenset()),),
    "policy": lambda _module, _api: (patch.object(OwnEvents, "take", _takes_any_policy),),
    "upgrades": lambda _module, _api: (_without_state_rule("m.room.tombstone"),),
    "power": lambda _module, _api: (_without_state_rule("m.room.power_levels"),),
    "join rules": lambda _module, _api: (_without_state_rule("m.room.join_rules"),),
    "widening": lambda _module, _api: (patch.object(policies, "decide_change", lambda *_: None),),
    "history": lambda _module, _api: (_without_state_rule("m.room.history_visibility"),),
    "guests": lambda _module, _api: (_without_state_rule("m.room.guest_access"),),
    "names": lambda _module, _api: (
        patch.object(state, "decide_public_text", _yes),
        patch.object(protocol, "decide_public_text", _yes),
    ),
    "encryption": lambda _module, _api: (_without_state_rule("m.room.encryption"),),
    "widgets": lambda _module, _api: (_without_state_rule("m.widget", "im.vector.modular.widgets"),),
    "membership": lambda _module, _api: (patch.object(event_check, "decide_membership", _yes),),
    "requests": lambda _module, _api: (patch.object(rights, "decide_request", _yes),),
    "mutes": lambda _module, _api: (patch.object(mutes, "decide_muted", _yes),),
    "events": lambda _module, api: (as_synapse_has_it(api._hs.get_event_handler(), "get_event"),),
    "context": lambda _module, api: (as_synapse_has_it(api._hs.get_room_context_handler(), "get_event_context"),),
    "state at": lambda _module, api: (as_synapse_has_it(api._hs.get_message_handler(), "get_state_events"),),
    "notifications": lambda _module, api: (as_synapse_has_it(api._store, "get_push_actions_for_user"),),
    "departed": lambda _module, api: (as_synapse_has_it(api._auth, "check_user_in_room"),),
    "feeds": lambda _module, _api: (patch.object(departed, "_without_past", lambda room, _user: room),),
    "sliding feeds": lambda _module, _api: (patch.object(departed, "_without_present", lambda room, _user: room),),
    "receipts": lambda _module, api: (_as_to_the_invited(api, "get_receipts_extension_response"),),
    "typing": lambda _module, api: (_as_to_the_invited(api, "get_typing_extension_response"),),
    "bundles": lambda _module, api: (as_synapse_has_it(api._hs.get_relations_handler(), "get_bundled_aggregations"),),
    "counts": lambda _module, api: (as_synapse_has_it(api._hs.get_search_handler(), "search"),),
    "portal edits": lambda _module, _api: (_with_every_edit(),),
    "profile": lambda _module, _api: (patch.object(product, "decide_profile_field", _yes),),
    "files": lambda _module, _api: (patch.object(media, "decide_download", _yes),),
    "sharing": lambda _module, _api: (patch.object(files, "decide_share", _yes),),
    "pictures": lambda _module, _api: (patch.object(files, "decide_avatar", _yes),),
    "bots": lambda _module, _api: (patch.object(membership, "_decide_bot", _yes),),
    "gateways": lambda _module, _api: (patch.object(channel_module, "decide_pusher", _yes),),
    "commands": lambda _module, _api: (patch.object(CommandEvents, "prove", _word_of_the_bot),),
    "undecided": lambda module, _api: (_failing(module), patch.object(product, "or_no", _accept_all)),
}


def _takes_any_policy(_own: OwnEvents, event: EventBase, _state: object) -> bool:
    return event.type in MODULE_STATE


async def _word_of_the_bot(
    commands: CommandEvents, _bot: str, room_id: str, room: Any, event_id: str, act: object, arguments: Any
) -> Command:
    stored = await commands._api.run_db_interaction("test", command_events._read, room_id, event_id)
    assert stored is not None
    asked = Asked(next(one for one in ACTS if one.act == act), arguments)
    return Command((event_id,), asked, await commands._registry.person(stored.sender), 95, room_id, room)


def _relabel_as_asked(_room: Any, _label: Label, asked: Label, **_about: Any) -> Any:
    return _YES._replace(label=asked)


class Mutable(BelishaModule):
    """The product's module, whose rules can be taken out one at a time."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        # Synapse registers its servlets when it begins to listen, behind its modules.
        JsonResource.register_paths = _register_and_note  # type: ignore[method-assign]  # noted on the way
        super().__init__(config, api)
        api.register_web_resource(SWITCH, Switch(self, api, SWITCHES))


class Switch(Resource):
    """`PUT without/NAME` takes that rule out, `PUT without` none; either puts back what was out before."""

    def __init__(self, module: BelishaModule, api: ModuleApi, switches: Switches) -> None:
        super().__init__()
        self._module = module
        self._api = api
        self._switches = switches
        self._out = ExitStack()
        self.handlers = {"PUT without": self._without, "GET routes": self._routes}

    async def _without(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        self._out.close()
        for one in self._switches[path[0]](self._module, self._api) if path else ():
            self._out.enter_context(one)
        return {}

    async def _routes(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        return {"routes": _REGISTERED}


class WithoutDoors(BelishaModule):
    """Starts with Synapse's admin API, its `/admin/whois` and its answers without a token as they are.

    What closes the same cells as one of the settings of the start is taken out as well.
    """

    def __init__(self, config: Config, api: ModuleApi) -> None:
        def leave(*_arguments: Any) -> None:
            return

        with (
            patch.object(http, "ADMIN_API", f"{SWITCH}/nowhere"),
            patch.object(doors.Doors, "close", leave),
            patch.object(Hooks, "ask_for_tokens", leave),
        ):
            super().__init__(config, api)
        for name in filter(None, (mutation.besides for mutation in MUTATIONS)):
            for one in SWITCHES[name](self, api):
                one.start()
