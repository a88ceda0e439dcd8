"""The module without one of the parts that hold races off, or slower; the product has no switch for it."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from synapse.events import EventBase
from synapse.module_api import ModuleApi, StateMap

from belisha.policy.change import Change, plan_change
from belisha.policy.decision import Decision
from belisha.policy.rooms import KINDS
from synapse_modules import policies
from synapse_modules.config import Config
from synapse_modules.module import BelishaModule


class NoFirstStep(BelishaModule):
    """Puts no stricter policy in force before it reads the room."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        def plan(*arguments: Any) -> Change | Decision:
            change = plan_change(*arguments)
            return change._replace(meanwhile=change.old) if isinstance(change, Change) else change

        patch.object(policies, "plan_change", plan).start()
        super().__init__(config, api)


class NoWait(BelishaModule):
    """Does not wait for what is on its way before it reads the room."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        self.hooks.wait_for_sends = _nothing  # type: ignore[method-assign]  # left out


class NoJoinRule(BelishaModule):
    """Takes every join rule for one that fits."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        lax = {kind: rules._replace(join_rules=("public", "knock", "invite")) for kind, rules in KINDS.items()}
        patch.object(policies, "KINDS", lax).start()
        super().__init__(config, api)


class NeitherReviewNorFollowing(BelishaModule):
    """Looks neither who fits a room that has changed, nor again at who came in meanwhile.

    Either finds who joins while the room changes: only the following who is stored after the review (`Moved`), and only
    the review who had been there for long (`test_room_policy`).
    """

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        self.rights.room_changed = _nothing  # type: ignore[method-assign]  # left out
        self.rights.follow = _nothing  # type: ignore[method-assign]  # left out


class NoPending(BelishaModule):
    """Lets relabel acts pass without writing them down first."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        self.ledger.begin = _yes  # type: ignore[method-assign]  # left out


class Slow(BelishaModule):
    """Memberships are decided, and stored a second later: long after what the registry changed is reviewed."""

    async def check_event_allowed(
        self, event: EventBase, state: StateMap[EventBase]
    ) -> tuple[bool, dict[str, Any] | None]:
        """As the module's own, and then it dawdles."""
        answer = await super().check_event_allowed(event, state)
        if event.type == "m.room.member" and event.content.get("membership") in ("invite", "join"):
            await self._api.sleep(1.0)
        return answer


class SlowAndForgetful(Slow):
    """Besides, does not look again at who came in after all."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        self.rights.follow = _nothing  # type: ignore[method-assign]  # left out


class Forked(BelishaModule):
    """While the join rule changes, an event is on its way: the two do not know of each other, and the room forks."""

    _BESIDE = "org.example.beside"

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        self._times, self._is_checked, self._is_released = 0, False, False
        self._send = self.policies._send
        self.policies._send = self._slowly  # type: ignore[method-assign]  # what is tried

    async def check_event_allowed(
        self, event: EventBase, state: StateMap[EventBase]
    ) -> tuple[bool, dict[str, Any] | None]:
        """As the module's own, but that the event waits here, with the state that it found."""
        if event.type != self._BESIDE:
            return await super().check_event_allowed(event, state)
        self._is_checked = True
        while not self._is_released:
            await self._api.sleep(0.01)
        return True, None

    async def _slowly(self, room_id: str, event_type: str, content: dict[str, Any]) -> None:
        if event_type != "m.room.join_rules" or self._times == 2:
            await self._send(room_id, event_type, content)
            return
        self._times += 1
        self._is_checked = self._is_released = False
        sender = self._api.get_qualified_user_id("belisha_steward")
        beside = {"type": self._BESIDE, "content": {}, "room_id": room_id, "sender": sender}
        self._api.run_as_background_process("test_beside", self._api.create_and_send_event_into_room, beside)
        while not self._is_checked:
            await self._api.sleep(0.01)
        await self._send(room_id, event_type, content)
        self._is_released = True


async def _nothing(*_arguments: Any) -> None:
    """What was left out."""


async def _yes(*_arguments: Any) -> bool:
    return True
