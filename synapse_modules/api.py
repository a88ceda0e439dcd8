"""The module's HTTP resources: the members' API, the local API of the command line, and the closed admin API (M2)."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from synapse.http.site import SynapseRequest
from synapse.module_api import DirectServeJsonResource, ModuleApi, parse_json_object_from_request
from synapse.module_api.errors import SynapseError

from belisha.policy.creation import POLICY_TYPE
from belisha.policy.rooms import Kind, Purpose, Room, kind_of, to_state
from synapse_modules.doors import admin_closed
from synapse_modules.hooks import Hooks
from synapse_modules.ledger import Ledger
from synapse_modules.policies import Policies
from synapse_modules.refusal import PREFIX, malformed, not_found, undecided
from synapse_modules.registry import Member, Organisation, Registry, RegistryError
from synapse_modules.rooms import Rooms
from synapse_modules.snapshot import room_of

MEMBER_API: Final = "/_synapse/client/org.belisha/v1"
LOCAL_API: Final = "/_synapse/org.belisha/local/v1"
ADMIN_API: Final = "/_synapse/admin"

Answer = tuple[int, dict[str, Any]]
Handler = Callable[[SynapseRequest, list[str]], Awaitable[dict[str, Any]]]


def register(
    api: ModuleApi,
    hooks: Hooks,
    registry: Registry,
    rooms: Rooms,
    policies: Policies,
    ledger: Ledger,
    secret: str,
    degraded: Mapping[str, str],
) -> None:
    """Puts the resources into this process's client listener."""
    api.register_web_resource(MEMBER_API, MemberApi(api, hooks, registry))
    api.register_web_resource(LOCAL_API, LocalApi(api, hooks, registry, rooms, policies, ledger, secret, degraded))
    api.register_web_resource(ADMIN_API, Closed())


class _Resource(DirectServeJsonResource):
    """Dispatches `METHOD first-segment` to a handler; every failure is an errcode and a sentence, never a 500."""

    isLeaf = True
    handlers: dict[str, Handler]

    async def _async_render(self, request: SynapseRequest) -> Answer:
        path = [unquote(part.decode("utf-8", "replace")) for part in request.postpath or [] if part]
        method = request.method.decode("ascii")
        if method == "OPTIONS":
            return HTTPStatus.NO_CONTENT, {}
        handler = self.handlers.get(f"{method} {path[0] if path else ''}")
        if handler is None:
            raise SynapseError(HTTPStatus.NOT_FOUND, "There is no such address.", "M_UNRECOGNIZED")
        try:
            return HTTPStatus.OK, await handler(request, path[1:])
        except SynapseError:
            raise
        except RegistryError as error:
            raise SynapseError(HTTPStatus.BAD_REQUEST, str(error), f"{PREFIX}MALFORMED") from None
        except Exception:
            raise undecided() from None


class Closed(_Resource):
    """Synapse's admin API, closed in every process: privileged acts go through the module, by role (rule M2)."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers = {}

    async def _async_render(self, request: SynapseRequest) -> Answer:
        raise admin_closed()


class MemberApi(_Resource):
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
            counts = Counter(member.organisation for member in (await self._registry.members()).values())
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


class LocalApi(_Resource):
    """What the command line on this machine may do, with the secret that only the operator can read."""

    def __init__(
        self,
        api: ModuleApi,
        hooks: Hooks,
        registry: Registry,
        rooms: Rooms,
        policies: Policies,
        ledger: Ledger,
        secret: str,
        degraded: Mapping[str, str],
    ) -> None:
        super().__init__()
        self._policies = policies
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rooms = rooms
        self._ledger = ledger
        self._secret = secret.encode()
        self._degraded = degraded
        self.handlers = {
            "GET status": self._status,
            "GET organisations": self._organisations,
            "PUT organisations": self._put_organisation,
            "GET members": self._members,
            "PUT members": self._put_member,
            "POST ledger": self._rebuild_ledger,
            "GET rooms": self._policy,
            "PUT rooms": self._put_policy,
        }

    async def _async_render(self, request: SynapseRequest) -> Answer:
        scheme, _, given = (request.getHeader(b"Authorization") or b"").partition(b" ")
        if scheme != b"Bearer" or not self._secret or not hmac.compare_digest(given, self._secret):
            raise SynapseError(
                HTTPStatus.FORBIDDEN, "This address is for the server's own command line.", "M_FORBIDDEN"
            )
        return await super()._async_render(request)

    async def _status(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        return {"ready": self._rooms.ready, "degraded": list(self._degraded.values())}

    async def _organisations(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        organisations = (await self._registry.organisations()).values()
        return {"organisations": [o._asdict() for o in sorted(organisations)]}

    async def _members(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        return {
            "members": [
                {
                    "user_id": self._registry.user_id(member.localpart),
                    "name": member.name,
                    "organisation": member.organisation,
                    "roles": list(member.roles),
                    "service_room": member.service_room,
                }
                for member in sorted((await self._registry.members()).values())
            ]
        }

    async def _policy(self, _request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        room_id = await self._room_id(path)
        return {"room_id": room_id, **to_state(await self._policies.read(room_id))}

    async def _put_policy(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Changes what the body names of kind, organisations and purpose; the rest stays."""
        room_id = await self._room_id(path)
        body = parse_json_object_from_request(request)
        old = await self._policies.read(room_id)
        try:
            kind = kind_of(body.get("kind", old.kind))
            purpose = Purpose(body.get("purpose", old.purpose))
        except ValueError as error:
            raise malformed(f"{error}.") from None
        organisations = _texts(body, "organisations") if "organisations" in body else old.organisations
        new = await self._policies.change(room_id, kind, organisations, purpose)
        return {"room_id": room_id, **to_state(new)}

    async def _room_id(self, path: list[str]) -> str:
        if len(path) != 2 or path[1] != "policy":
            raise malformed("The address ends with a room and `policy`.")
        if path[0].startswith("#"):
            room_id, _ = await self._api.lookup_room_alias(path[0])
            return room_id
        return path[0]

    async def _put_organisation(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        body = parse_json_object_from_request(request)
        organisation = Organisation(_one(path), _text(body, "name"), _text(body, "category"), _texts(body, "domains"))
        created, changed = await self._registry.put_organisation(organisation)
        if changed and not created:
            for member in (await self._registry.members()).values():
                if member.organisation == organisation.id:
                    await self._rooms.rename(member)
        return {"id": organisation.id, "created": created, "changed": changed}

    async def _put_member(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Adds or changes a member; each step can be repeated, so a call that was cut off is simply made again."""
        body = parse_json_object_from_request(request)
        localpart = _one(path)
        roles = _texts(body, "roles") or ("member",)
        member = Member(localpart, _text(body, "organisation"), _text(body, "name"), roles)
        user_id = self._registry.user_id(localpart)
        exists = await self._api.check_user_exists(user_id) is not None
        password = "" if exists else _text(body, "password")
        _, changed = await self._registry.put_member(member)
        member = (await self._registry.members())[localpart]
        if not exists:
            await self._hooks.register(localpart, self._registry.display_name(member), password)
        elif changed:
            await self._rooms.rename(member)
        service_room = await self._rooms.settle(member)
        return {"user_id": user_id, "created": not exists, "changed": changed, "service_room": service_room}

    async def _rebuild_ledger(self, _request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        if path != ["rebuild"]:
            raise malformed("The ledger can be asked for `ledger/rebuild` only.")
        return dict(await self._ledger.rebuild())


def _one(path: list[str]) -> str:
    if len(path) != 1:
        raise malformed("The address ends with one name.")
    return path[0]


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise malformed(f"`{key}` is missing; it is a text.")
    return value


def _texts(body: dict[str, Any], key: str) -> tuple[str, ...]:
    value = body.get(key) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise malformed(f"`{key}` is a list of texts.")
    return tuple(value)
