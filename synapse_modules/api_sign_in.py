"""The portal's API: passwords and second factors, which go from a page to the homeserver and are kept there alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from synapse.http.site import SynapseRequest
from synapse.module_api import parse_json_object_from_request

from synapse_modules.api_resource import Handler
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed

#: The longest text of a field, in characters; of a password, as Synapse has it.
LONGEST: Final = 512


class SignInHandlers:
    """Handlers of a `Resource`: for who has a code, and for who has a token."""

    def __init__(self, parts: Parts, check_credential: Callable[[SynapseRequest], None]) -> None:
        self._sign_in = parts.sign_in
        self._recoveries = parts.recoveries
        self._registrations = parts.registrations
        self._check_credential = check_credential

    def handlers(self) -> dict[str, Handler]:
        """The handlers by method and address."""
        return {"POST recover": self.recover, "POST join": self.join}

    async def recover(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST recover` with `account`, `code`, `password`: sets a new password for whoever has a code for it.

        Where there is a second factor, `secret` and `digits` make a new one with it.
        """
        self._check_credential(request)
        body = parse_json_object_from_request(request)
        account, code, password = _texts(body, "account", "code", "password")
        enrolment = self._sign_in.enrolment(_optional(body, "secret"), _optional(body, "digits"))
        await self._recoveries.redeem(account, code, password, enrolment)
        return {"recovered": True}

    async def join(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST join` with `token`, `username`, `password`: makes an account, as registering in a client does.

        Where there is a second factor, `secret` and `digits` make it with it; clients register nobody there.
        """
        self._check_credential(request)
        body = parse_json_object_from_request(request)
        token, username, password = _texts(body, "token", "username", "password")
        enrolment = self._sign_in.enrolment(_optional(body, "secret"), _optional(body, "digits"))
        return {"user_id": await self._registrations.join(token, username, password, enrolment)}


def _texts(body: Mapping[str, Any], *names: str) -> list[str]:
    found = [one if isinstance(one := body.get(name), str) else "" for name in names]
    if not all(found) or max(map(len, found)) > LONGEST:
        raise malformed(f"{', '.join(f'`{name}`' for name in names)} are texts.")
    return found


def _optional(body: Mapping[str, Any], name: str) -> str | None:
    found = body.get(name)
    return found if isinstance(found, str) and len(found) <= LONGEST else None
