"""The local API's part about invitations, direct chats and introductions."""

from __future__ import annotations

from typing import Any

from synapse.http.site import SynapseRequest
from synapse.module_api import ModuleApi, parse_json_object_from_request

from belisha.policy.contact import DirectChats
from synapse_modules.api_resource import Handler, one, text
from synapse_modules.contacts import Contacts
from synapse_modules.refusal import malformed
from synapse_modules.registration import Registrations
from synapse_modules.registry import Registry

#: Who is said to have introduced two members, where the command line did.
_BY_COMMAND = "operator"


class RegistrationApi:
    """Handlers of `LocalApi`, which checks the secret."""

    def __init__(self, api: ModuleApi, registry: Registry, registrations: Registrations, contacts: Contacts) -> None:
        self._api = api
        self._registry = registry
        self._registrations = registrations
        self._contacts = contacts
        self.handlers: dict[str, Handler] = {
            "POST invitations": self._invite,
            "GET invitations": self._invitations,
            "DELETE invitations": self._uninvite,
            "PUT direct-chats": self._put_direct_chats,
            "POST introductions": self._introduce,
        }

    async def _invite(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        body = parse_json_object_from_request(request)
        uses, seconds, name = body.get("uses"), body.get("seconds"), body.get("name")
        if type(uses) is not int or type(seconds) is not int or not (name is None or isinstance(name, str)):
            raise malformed("`uses` and `seconds` are whole numbers, and `name` is a text or left out.")
        invitation, token = await self._registrations.invite(text(body, "organisation"), uses, seconds, name)
        organisation = (await self._registry.organisations())[invitation.organisation]
        return {
            "id": invitation.id,
            "token": token,
            "organisation": organisation.name,
            "expires": invitation.expires,
            "page": self._registrations.page,
            "homeserver": (self._api.public_baseurl or "").rstrip("/"),
        }

    async def _invitations(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        return {
            "invitations": [
                {
                    "id": invitation.id,
                    "organisation": invitation.organisation,
                    "name": invitation.name or "",
                    "left": invitation.uses - invitation.used,
                    "expires": invitation.expires,
                    "holds": holds,
                }
                for invitation, holds in await self._registrations.invitations()
            ]
        }

    async def _uninvite(self, _request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        await self._registrations.uninvite(one(path))
        return {"id": path[0]}

    async def _put_direct_chats(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        try:
            choice = DirectChats(text(parse_json_object_from_request(request), "from"))
        except ValueError:
            raise malformed(f"`from` is one of {', '.join(DirectChats)}.") from None
        changed = await self._registry.set_direct_chats(one(path), choice)
        return {"id": path[0], "created": False, "changed": changed}

    async def _introduce(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        body = parse_json_object_from_request(request)
        first, second = text(body, "one"), text(body, "other")
        is_new = await self._contacts.introduce(first, second, _BY_COMMAND)
        return {"id": f"{first} {second}", "created": is_new, "changed": is_new}
