"""The portal's API: passwords and second factors, which go from a page to the homeserver and are kept there alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from synapse.http.site import SynapseRequest
from synapse.module_api import parse_json_object_from_request

from belisha.policy.decision import refuse
from belisha.policy.people import Person
from synapse_modules.api_resource import Handler
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed, refused

#: The longest text of a field, in characters; of a password, as Synapse has it.
LONGEST: Final = 512
_NO_FACTOR: Final = refuse("M2", "NO_SECOND_FACTOR", "There is no second factor in this community, or not for you.")

CheckCredential = Callable[[SynapseRequest], None]
#: For whom is asked, and the request's body.
AskedFor = Callable[[SynapseRequest], Awaitable[tuple[Person, dict[str, Any]]]]


class SignInHandlers:
    """Handlers of a `Resource`: for who has a code or a token, and on behalf of a member."""

    def __init__(self, parts: Parts, check_credential: CheckCredential, asked_for: AskedFor) -> None:
        self._sign_in = parts.sign_in
        self._recoveries = parts.recoveries
        self._registrations = parts.registrations
        self._check_credential = check_credential
        self._asked_for = asked_for

    def handlers(self) -> dict[str, Handler]:
        """The handlers by method and address."""
        return {
            "POST recover": self.recover,
            "POST join": self.join,
            "POST factor": self.factor,
            "POST spare_codes": self.spare_codes,
        }

    async def recover(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST recover` with `account`, `code`, `password`: sets a new password for whoever has a code for it.

        Where there is a second factor, `secret` and `digits` make a new one with it.
        """
        self._check_credential(request)
        self._sign_in.check_passwords()
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
        self._sign_in.check_passwords()
        body = parse_json_object_from_request(request)
        token, username, password = _texts(body, "token", "username", "password")
        enrolment = self._sign_in.enrolment(_optional(body, "secret"), _optional(body, "digits"))
        return {"user_id": await self._registrations.join(token, username, password, enrolment)}

    async def factor(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST factor` with `user_id`, `password`, `secret`, `digits`: a new second factor for a signed-in member.

        `password` is what opens the account now, so with a code of the present factor where there is one.
        """
        person, body = await self._asked_for(request)
        (password,) = _texts(body, "password")
        enrolment = self._sign_in.enrolment(_optional(body, "secret"), _optional(body, "digits"))
        if enrolment is None or not person.belongs:
            raise refused(_NO_FACTOR)
        await self._recoveries.enrol(person.user_id, password, enrolment)
        return {"enrolled": True}

    async def spare_codes(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST spare_codes` with `user_id`, `password`: codes that open the account once each without the phone.

        `password` is what opens the account now, with a code behind it. The answer is the only place where they stand.
        """
        person, body = await self._asked_for(request)
        (password,) = _texts(body, "password")
        if not self._sign_in.second_factor or not person.belongs:
            raise refused(_NO_FACTOR)
        return {"codes": await self._recoveries.make_spare(person.user_id, password)}


def _texts(body: Mapping[str, Any], *names: str) -> list[str]:
    found = [one if isinstance(one := body.get(name), str) else "" for name in names]
    if not all(found) or max(map(len, found)) > LONGEST:
        raise malformed(f"{', '.join(f'`{name}`' for name in names)} are texts.")
    return found


def _optional(body: Mapping[str, Any], name: str) -> str | None:
    found = body.get(name)
    return found if isinstance(found, str) and len(found) <= LONGEST else None
