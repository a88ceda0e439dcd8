"""The module's HTTP resources: the members' API, the local API of the command line, and the closed admin API (M2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from synapse.http.site import SynapseRequest
from synapse.module_api import ModuleApi

from belisha.policy.creation import POLICY_TYPE
from belisha.policy.rooms import Kind, Room, to_state
from synapse_modules.api_local import LocalApi
from synapse_modules.api_resource import Answer, Resource
from synapse_modules.doors import admin_closed
from synapse_modules.hooks import Hooks
from synapse_modules.parts import Parts
from synapse_modules.refusal import not_found
from synapse_modules.registry import Registry
from synapse_modules.snapshot import room_of

MEMBER_API: Final = "/_synapse/client/org.belisha/v1"
LOCAL_API: Final = "/_synapse/org.belisha/local/v1"
ADMIN_API: Final = "/_synapse/admin"


def register(
    parts: Parts,
    secret: str,
    degraded: Mapping[str, str],
) -> None:
    """Puts the resources into this process's client listener."""
    api = parts.api
    api.register_web_resource(MEMBER_API, MemberApi(api, parts.hooks, parts.registry))
    api.register_web_resource(LOCAL_API, LocalApi(parts, secret, degraded))
    api.register_web_resource(ADMIN_API, Closed())


class Closed(Resource):
    """Synapse's admin API, closed in every process: privileged acts go through the module, by role (rule M2)."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers = {}

    async def _async_render(self, request: SynapseRequest) -> Answer:
        raise admin_closed()


class MemberApi(Resource):
    """What a member, or a bot in its own name, may ask about a room it is in."""

    def __init__(self, api: ModuleApi, hooks: Hooks, registry: Registry) -> None:
        super().__init__()
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self.handlers = {"GET audience": self._audience, "GET policy": self._policy}

    async def _room_for(self, request: SynapseRequest, room_id: str) -> tuple[Room, frozenset[str]]:
        """The room's policy and who is in it, if the asker is; otherwise the one 404."""
        requester = await self._api.get_user_by_req(request)
        if not room_id.startswith("!"):
            raise not_found()
        joined = await self._hooks.joined(room_id)
        if requester.user.to_string() not in joined:
            raise not_found()
        state = await self._api.get_room_state(room_id, [(POLICY_TYPE, ""), ("m.room.encryption", "")])
        room = room_of(state)
        if room is None:
            raise not_found()
        return room, joined

    async def _policy(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        room, _ = await self._room_for(request, path[0] if path else "")
        return {"room_id": path[0], **to_state(room)}

    async def _audience(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """How many people read this room, by organisation; of an open group everyone, who could join."""
        arguments = request.args or {}
        room_id = arguments.get(b"room_id", [b""])[0].decode("utf-8", "replace")
        room, joined = await self._room_for(request, room_id)
        people = [await self._registry.person(user_id) for user_id in joined]
        could_join = room.kind is Kind.OPEN
        if could_join:
            counts = Counter(member.organisation for member in (await self._registry.active_members()).values())
        else:
            counts = Counter(person.organisation for person in people if person.organisation is not None)
        organisations = await self._registry.organisations()
        return {
            "room_id": room_id,
            "total": sum(counts.values()),
            "organisations": [
                {"id": key, "name": organisations[key].name, "category": organisations[key].category, "count": count}
                for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            ],
            "bots": sum(person.is_bot for person in people),
            "could_join": could_join,
        }
