"""The one module that Synapse loads; sole owner of the callbacks.

Each callback turns Synapse's values into the core's, asks the core, and answers.

Where anything here fails, the answer is no (rule X1): Synapse would allow some things when a callback raises.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from copy import deepcopy
from http import HTTPStatus
from typing import Any, Final, TypeVar

from synapse.events import EventBase
from synapse.module_api import ModuleApi, StateMap
from synapse.module_api.errors import ConfigError, SynapseError
from synapse.synapse_rust.types import Requester

from belisha.events import MalformedEvent, UnknownLabel, has_attachment_key, relation_of, texts_of
from belisha.markers import MarkerReader
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decide import decide
from belisha.policy.decision import Decision, refuse
from belisha.policy.membership import decide_act, decide_membership, decide_standing
from belisha.policy.people import Person
from belisha.policy.profile import decide_profile_field
from belisha.policy.protocol import decide_protocol_content, decide_shape, decide_state_key
from belisha.policy.rooms import Kind, Room
from belisha.policy.state import GROUPS, Surroundings, decide_address, decide_state
from belisha.policy.types import BIRTH_STATE, CONTENT, MODULE_STATE, RELABEL
from belisha.tlp import ALL_LABELS
from synapse_modules import api as http
from synapse_modules import guards, labelling, metrics
from synapse_modules.channels import Channels
from synapse_modules.config import Config
from synapse_modules.doors import Doors
from synapse_modules.hooks import PDU_LIMIT, Hooks, json_bytes, pdu_bytes
from synapse_modules.ledger import Ledger
from synapse_modules.notice import Notices
from synapse_modules.policies import Policies
from synapse_modules.refusal import malformed, refused, undecided
from synapse_modules.registry import Registry
from synapse_modules.relabelling import CATCH_UP_MS, Relabelling
from synapse_modules.rights import Rights
from synapse_modules.rooms import Rooms
from synapse_modules.schema import migrate
from synapse_modules.snapshot import is_unborn, named_in, present_in, room_of

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_ANSWERED: Final = (True, None)
#: What a drawn event keeps free below Synapse's limit: rebuilding it may name more previous events.
_SPARE_BYTES: Final = 1024
#: Below this many characters no event comes near the limit, so it is not measured.
_SHORT: Final = 8000


class BelishaModule:
    """Enforces the community's rules inside one Synapse process."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        self._config = config
        self._api = api
        self.hooks = Hooks(api)
        self.hooks.self_test()
        self.hooks.refuse_what_breaks_synapse()
        doors = Doors(api, self.hooks)
        doors.close()
        self.markers = MarkerReader(config.markings)
        self.about = Surroundings(
            markers=self.markers,
            steward=api.get_qualified_user_id(config.steward),
            portal_origin=config.portal_origin,
            encrypted_named_rooms=config.encrypted_named_rooms,
        )
        self.registry = Registry(api, api.server_name)
        self.ledger = Ledger(api, self.hooks)
        self.relabelling = Relabelling(api, self.hooks, self.ledger, self.about, config.badge)
        self.rooms = Rooms(api, self.hooks, self.registry, self.about, config.community_name)
        self.rights = Rights(api, self.registry, self.rooms, self.about.steward, self.hooks.set_membership)
        self.policies = Policies(api, self.hooks, self.registry, self.rights, self.about.steward)
        self.channels = Channels(api, self.registry, self.markers, config.push_gateways)
        self.degraded = guards.fit(
            (
                *self.hooks.guards(self._check_profile, self._check_alias),
                *doors.guards(),
                *self.channels.guards(),
            ),
            strict=config.strict_hooks,
        )
        metrics.degraded(len(self.degraded))
        self.notices = Notices(api, self.registry, self.about.steward)
        api.register_third_party_rules_callbacks(
            check_event_allowed=self.check_event_allowed,
            on_create_room=self.on_create_room,
            check_visibility_can_be_modified=self.check_visibility_can_be_modified,
            check_threepid_can_be_invited=self.check_threepid_can_be_invited,
            # Called once in every process; one of them acts.
            on_new_event=self.on_new_event if api.should_run_background_tasks() else None,
        )
        http.register(
            api,
            self.hooks,
            self.registry,
            self.rooms,
            self.policies,
            self.ledger,
            self.rights,
            config.secret,
            self.degraded,
        )
        if api.should_run_background_tasks():
            self.channels.start()
            api.delayed_background_call(0, self._start, desc="belisha_start")

    @staticmethod
    def parse_config(raw: dict[str, Any]) -> Config:
        """Reads the module's configuration; Synapse does not start where it is broken."""
        try:
            return Config(raw)
        except (KeyError, TypeError, OSError) as error:
            raise ConfigError(
                f"Belisha's module configuration is broken ({error}); run `belisha render` again"
            ) from None

    async def _start(self) -> None:
        """Makes tables and rooms; tries again until it works, and nothing is accepted before the tables are there."""
        wait = 1.0
        while not self.rooms.ready:
            try:
                await migrate(self._api)
                await self.policies.resume()
                await self.rooms.found()
                self._api.looping_background_call(self._catch_up, CATCH_UP_MS, desc="belisha_catch_up")
                await self._catch_up()
                await self.rights.look_through()
            except Exception as error:
                logger.error("Belisha cannot start yet, trying again in %d s: %s", wait, _where(error))
                await self._api.sleep(wait)
                wait = min(2 * wait, 30.0)

    async def _catch_up(self) -> None:
        await self._do(self.relabelling.catch_up)

    async def _do(self, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Does what follows from an event; where it fails, `catch_up` tries again."""
        try:
            await work(*arguments)
        except Exception as error:
            logger.error("Could not follow up, trying again soon: %s", _where(error))

    # --- Callbacks ---------------------------------------------------------------------------------------------

    async def check_event_allowed(
        self, event: EventBase, state: StateMap[EventBase]
    ) -> tuple[bool, dict[str, Any] | None]:
        """Labels, allows or refuses one event (rules L1 to L4, R1 to R5, M1)."""
        try:
            with metrics.deciding(event.type):
                return await _or_no(self._check_event, event, state)
        except SynapseError as error:
            self._tell(event.sender, event, error)
            raise

    async def on_create_room(self, requester: Requester, config: dict[str, Any], _is_admin: bool) -> None:
        """Turns a request for a room into what the rules make of it (rule R1)."""
        try:
            with metrics.deciding(None):
                await _or_no(self.rooms.plan_creation, requester, config)
        except SynapseError as error:
            self._tell(requester.user.to_string(), None, error)
            raise

    async def check_visibility_can_be_modified(
        self, _room_id: str, state: StateMap[EventBase], visibility: str
    ) -> bool:
        """Whether a room may be listed in the directory that members see."""
        try:
            room = room_of(state)
            # While a room is being made it has no policy yet; its plan has settled the visibility.
            is_new = room is None and not state
            return visibility != "public" or is_new or (room is not None and room.kind in GROUPS)
        except Exception as error:
            logger.error("Could not decide about a room's visibility: %s", type(error).__name__)
            return False

    async def check_threepid_can_be_invited(self, _medium: str, _address: str, _state: StateMap[EventBase]) -> bool:
        """Nobody is invited by mail address: an invitation goes to an account (rule M1)."""
        return False

    async def on_new_event(self, event: EventBase, _state: StateMap[EventBase]) -> None:
        """Lets a bot into a room that it was just invited to, and follows acts that change labels.

        What a crash loses is caught up at the next start.
        """
        if event.type in CONTENT or event.type in (RELABEL, "m.room.redaction"):
            self._api.run_as_background_process("belisha_follow", self._do, self.relabelling.follow, event)
        if event.type == "m.room.member" and event.content.get("membership") == "invite":
            bot = str(event.state_key)
            if (await self.registry.person(bot)).is_bot:
                self._api.run_as_background_process("belisha_join_bot", self.rooms.join_bot, bot, event.room_id)

    async def _check_profile(self, field: str, value: object) -> None:
        async def check() -> None:
            _raise_if_refused(decide_profile_field(field, value, self.markers))

        await _or_no(check)

    async def _check_alias(self, alias: str, room_id: str, user_id: str) -> None:
        async def check() -> None:
            # To who is not in the room its kind is not told; Synapse refuses them the address.
            is_in = user_id in await self.hooks.joined(room_id)
            room = room_of(await self._api.get_room_state(room_id, [(POLICY_TYPE, "")])) if is_in else None
            _raise_if_refused(decide_address(room, alias, self.about))

        await _or_no(check)

    def _tell(self, user_id: str, event: EventBase | None, error: SynapseError) -> None:
        """Has a member told of a refusal, without waiting for that."""
        if error.code == HTTPStatus.FORBIDDEN and user_id != self.about.steward:
            self._api.run_as_background_process("belisha_notice", self.notices.tell, user_id, event, error)

    # --- Decisions ---------------------------------------------------------------------------------------------

    async def _check_event(self, event: EventBase, state: StateMap[EventBase]) -> tuple[bool, dict[str, Any] | None]:
        if self.relabelling.expected.take(event):
            return _ANSWERED
        event_type = event.type
        is_state = event.is_state()
        changed = None
        room = room_of(state)
        _raise_if_refused(decide_shape(event_type, is_state=is_state))
        if is_state and event_type not in MODULE_STATE:
            _raise_if_refused(decide_state_key(event_type, event.state_key, self.markers))
        if event_type in CONTENT:
            return await self._label(event, state, room, await self.registry.person(event.sender))
        if event_type in MODULE_STATE and (self._is_planned(event, state) or self._is_own(event)):
            return _ANSWERED
        if event_type == "m.room.member":
            await self._check_membership(event, state, room)
        else:
            _raise_if_refused(decide(room, event_type, calls=self._config.calls))
            if room is None:
                if event_type not in BIRTH_STATE or not is_unborn(state):
                    raise refused(_NO_POLICY)
            else:
                person = await self.registry.person(event.sender)
                _raise_if_refused(decide_act(person, room, is_state=is_state))
                if is_state:
                    _raise_if_refused(decide_state(room, event_type, event.content, self.about))
                elif event_type == "m.room.redaction":
                    changed = await self.relabelling.check_redaction(event, state)
                elif event_type == RELABEL:
                    return True, await self.relabelling.check_act(event, state, room, person)
        _raise_if_refused(decide_protocol_content(event_type, event.content, self.markers, is_state=is_state))
        return True, changed

    def _is_own(self, event: EventBase) -> bool:
        """Whether the module itself is sending this policy."""
        return event.state_key == "" and self.policies.own.take(event.sender, event.room_id, event.type, event.content)

    def _is_planned(self, event: EventBase, state: StateMap[EventBase]) -> bool:
        """Whether this is the policy that a new room begins with; a room that has one is never given another here."""
        return (
            is_unborn(state)
            and event.state_key == ""
            and self.rooms.planned.take(event.sender, event.type, event.content)
        )

    async def _check_membership(self, event: EventBase, state: StateMap[EventBase], room: Room | None) -> None:
        membership = event.content.get("membership")
        if room is None:
            creation = state.get(("m.room.create", ""))
            by_creator = creation is not None and creation.sender == event.sender == event.state_key
            if membership == "leave" or (by_creator and membership == "join" and len(state) == 1):
                return
            raise refused(_NO_POLICY)
        target = await self.registry.person(str(event.state_key))
        if event.sender != event.state_key:
            _raise_if_refused(decide_standing(await self.registry.person(event.sender)))
        decision = decide_membership(
            room,
            target,
            str(membership),
            sender_id=event.sender,
            named=named_in(state) if room.kind is Kind.NAMED else frozenset(),
            present=present_in(state) if room.kind is Kind.SERVICE else frozenset(),
        )
        _raise_if_refused(decision)

    async def _label(
        self, event: EventBase, state: StateMap[EventBase], room: Room | None, sender: Person
    ) -> tuple[bool, dict[str, Any] | None]:
        if room is None:
            raise refused(decide(None, event.type))
        _raise_if_refused(decide_act(sender, room, is_state=False))
        draft = event.get_dict()
        content = draft["content"]
        try:
            labelling.tidy(event.type, content)
            relation = relation_of(content)
            reading = await labelling.claims_of(
                content,
                relation,
                room.ceiling,
                self.markers,
                lambda parent: self.ledger.label_of(parent, event.room_id),
                decided=await self.relabelling.check_relation(event, state, relation),
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
        _raise_if_refused(decision)
        if relation.replaces is not None and decision.label is not None:
            await self.relabelling.carry_out(event, relation.replaces, decision.label)
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


async def _or_no(decide_it: Callable[..., Awaitable[_T]], *arguments: Any) -> _T:
    """What `decide_it` answers; where it fails, the refusal of rule X1. Nothing of the event goes into the log."""
    try:
        return await decide_it(*arguments)
    except SynapseError:
        raise
    except Exception as error:
        logger.error("Could not decide: %s", _where(error))
        raise undecided() from None


def _where(error: Exception) -> str:
    """The error's type and its place in the code; its text could hold what somebody wrote."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename}:{frame.lineno}"


def _raise_if_refused(decision: Decision) -> None:
    if not decision.allowed:
        raise refused(decision)


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
