"""The local API: what the command line on this machine may do, with the secret that only the operator can read."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from synapse.http.site import SynapseRequest
from synapse.module_api import parse_json_object_from_request
from synapse.module_api.errors import SynapseError

from belisha.policy.people import Standing
from belisha.policy.rooms import Purpose, kind_of, to_state
from synapse_modules.api_resource import Answer, Resource
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed
from synapse_modules.registry import Member, Organisation


class LocalApi(Resource):
    """What the command line on this machine may do, with the secret that only the operator can read."""

    def __init__(
        self,
        parts: Parts,
        secret: str,
        degraded: Mapping[str, str],
    ) -> None:
        super().__init__()
        self._api = parts.api
        self._hooks = parts.hooks
        self._registry = parts.registry
        self._rooms = parts.rooms
        self._policies = parts.policies
        self._ledger = parts.ledger
        self._rights = parts.rights
        self._secret = secret.encode()
        self._degraded = degraded
        self.handlers = {
            "GET status": self._status,
            "GET organisations": self._organisations,
            "PUT organisations": self._put_organisation,
            "GET members": self._members,
            "PUT members": self._put_member,
            "PUT standing": self._put_standing,
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
        return {
            "ready": self._rooms.ready,
            "degraded": list(self._degraded.values()),
            "reviews": len(await self._registry.reviews()),
        }

    async def _organisations(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        organisations = (await self._registry.organisations()).values()
        return {"organisations": [one._asdict() for one in sorted(organisations)]}

    async def _members(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        return {
            "members": [
                {
                    "user_id": self._registry.user_id(member.localpart),
                    "name": member.name,
                    "organisation": member.organisation,
                    "roles": list(member.roles),
                    "service_room": member.service_room,
                    "standing": member.standing.value,
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
        if changed:
            await self._rights.carry_out()
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
        created, changed = await self._registry.put_member(member)
        member = (await self._registry.members())[localpart]
        if changed and not created:
            await self._rights.carry_out(localpart)
        elif localpart in await self._registry.active_members():
            if not exists:
                await self._hooks.register(localpart, self._registry.display_name(member), password)
            elif created:
                await self._rooms.rename(member)
            service_room = await self._rooms.settle(member)
            return {"user_id": user_id, "created": not exists, "changed": changed, "service_room": service_room}
        return {"user_id": user_id, "created": False, "changed": changed, "service_room": member.service_room}

    async def _put_standing(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Freezes, thaws or removes a member or an organisation: in force at once, carried out in the background."""
        if len(path) != 2 or path[0] not in ("members", "organisations"):
            raise malformed("The address ends with `members` or `organisations`, and one name.")
        try:
            standing = Standing(_text(parse_json_object_from_request(request), "standing"))
        except ValueError:
            raise malformed(f"`standing` is one of {', '.join(Standing)}.") from None
        kind, name = path
        if kind == "members":
            changed = await self._registry.set_member_standing(name, standing)
        else:
            changed = await self._registry.set_organisation_standing(name, standing)
        await self._rights.carry_out(name if kind == "members" else None)
        return {"id": name, "created": False, "changed": changed}

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
