"""The one module that Synapse loads; sole owner of the callbacks.

Each callback turns Synapse's values into the core's, asks the core, and answers.

Where anything here fails, the answer is no (rule X1): Synapse would allow some things when a callback raises.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar

from synapse.events import EventBase
from synapse.module_api import ModuleApi, StateMap
from synapse.module_api.errors import ConfigError, SynapseError
from synapse.synapse_rust.types import Requester

from belisha.markers import MarkerReader
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.profile import decide_profile_field
from belisha.policy.state import GROUPS, Surroundings, decide_address
from belisha.policy.types import CONTENT, RELABEL
from synapse_modules import api as http
from synapse_modules import guards, metrics
from synapse_modules.channels import Channels
from synapse_modules.config import Config
from synapse_modules.doors import Doors
from synapse_modules.event_check import EventCheck
from synapse_modules.hooks import Hooks
from synapse_modules.ledger import Ledger
from synapse_modules.notice import Notices
from synapse_modules.parts import Parts
from synapse_modules.policies import Policies
from synapse_modules.refusal import raise_if_refused, undecided
from synapse_modules.registry import Registry
from synapse_modules.relabelling import CATCH_UP_MS, Relabelling
from synapse_modules.rights import Rights
from synapse_modules.rooms import Rooms
from synapse_modules.schema import migrate
from synapse_modules.snapshot import room_of

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


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
        parts = Parts(
            api,
            self.about,
            self.hooks,
            self.registry,
            self.ledger,
            self.relabelling,
            self.rooms,
            self.rights,
            self.policies,
        )
        self.check = EventCheck(config, parts)
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
        http.register(parts, config.secret, self.degraded)
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
                return await _or_no(self.check.check, event, state)
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
            raise_if_refused(decide_profile_field(field, value, self.markers))

        await _or_no(check)

    async def _check_alias(self, alias: str, room_id: str, user_id: str) -> None:
        async def check() -> None:
            # To who is not in the room its kind is not told; Synapse refuses them the address.
            is_in = user_id in await self.hooks.joined(room_id)
            room = room_of(await self._api.get_room_state(room_id, [(POLICY_TYPE, "")])) if is_in else None
            raise_if_refused(decide_address(room, alias, self.about))

        await _or_no(check)

    def _tell(self, user_id: str, event: EventBase | None, error: SynapseError) -> None:
        """Has a member told of a refusal, without waiting for that."""
        if error.code == HTTPStatus.FORBIDDEN and user_id != self.about.steward:
            self._api.run_as_background_process("belisha_notice", self.notices.tell, user_id, event, error)


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
