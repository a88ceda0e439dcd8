"""The private parts of Synapse by which accounts are registered: the fourth part of `hooks.py`, held the same way.

Synapse's own registration tokens know no organisation, count a use from the first try on, and are kept in clear. So the
stage of the token is answered here, and Synapse's own table of tokens stays empty.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from synapse.module_api import ModuleApi
from synapse.rest.client.register import RegisterRestServlet

from belisha.policy.decision import refuse
from belisha.policy.invitations import NO_TOKEN
from belisha.policy.names import problem_of_localpart
from synapse_modules.guards import Guard
from synapse_modules.refusal import refused

TOKEN_STAGE: Final = "m.login.registration_token"  # noqa: S105 - the name of a stage

#: Given what the client gave as token; what the stage is remembered by.
CheckToken = Callable[[object], Awaitable[str]]
IsValid = Callable[[str], Awaitable[bool]]
#: Given the completed stages and the parameters; the user name.
Begin = Callable[[dict[str, Any], dict[str, Any]], Awaitable[str]]
#: Given what makes the account with a display name, and the user name; the user id.
Make = Callable[[Callable[[str], Awaitable[str]], str | None], Awaitable[str]]


class RegistrationHooks:
    """Registration in one running Synapse process."""

    def __init__(self, api: ModuleApi) -> None:
        hs = api._hs
        self._store: Any = api._store
        self._registration: Any = api._registration_handler
        self._providers: Any = hs.get_password_auth_provider()
        self._checker: Any = api._auth_handler.checkers.get(TOKEN_STAGE)

    def guard(self, check_token: CheckToken, is_valid: IsValid, begin: Begin, make: Make) -> Guard:
        """Has every registration asked of these; without them nobody registers."""
        return Guard(
            "registration",
            "Nobody can make an account with a registration token.",
            (
                (self._checker, "check_auth", {"authdict", "clientip"}),
                (self._store, "registration_token_is_valid", {"token"}),
                (self._providers, "get_username_for_registration", {"uia_results", "params"}),
                (self._registration, "register_user", {"localpart", "password_hash", "guest_access_token"}),
                (self._registration, "check_username", {"localpart", "guest_access_token"}),
                (self._registration, "check_registration_ratelimit", {"address"}),
                (RegisterRestServlet, "on_POST", set()),
            ),
            ((RegisterRestServlet, "on_POST"),),
            lambda: self._fit(check_token, is_valid, begin, make),
        )

    async def make(self, localpart: str, password_hash: str) -> str:
        """Registers an account as a client's request does once its stages are done; its user id.

        Raises:
            SynapseError: with a sentence, where the name cannot be.
        """
        return str(await self._registration.register_user(localpart=localpart, password_hash=password_hash))

    def _fit(self, check_token: CheckToken, is_valid: IsValid, begin: Begin, make: Make) -> None:
        async def check_auth(authdict: dict[str, Any], clientip: str) -> str:
            return await check_token(authdict.get("token"))

        self._checker.check_auth = check_auth
        self._store.registration_token_is_valid = is_valid
        self._providers.get_username_for_registration = begin
        known = self._registration.register_user
        check_username = self._registration.check_username

        async def check_named(localpart: str, guest_access_token: str | None = None, **named: Any) -> None:
            if guest_access_token:
                # Synapse would look for the account before it asks for a token, and so tell whether it is there.
                raise refused(NO_TOKEN)
            if "inhibit_user_in_use_error" in named and (problem := problem_of_localpart(localpart)):
                # The first request: a name that nobody gets is refused before a token is given for it.
                raise refused(refuse("M3", "USER_NAME", problem))
            await check_username(localpart, **named)

        self._registration.check_username = check_named

        async def register_user(
            localpart: str | None = None,
            password_hash: str | None = None,
            guest_access_token: str | None = None,
            make_guest: bool = False,
            admin: bool = False,
            **named: Any,
        ) -> str:
            async def account(display_name: str) -> str:
                user_id: str = await known(
                    localpart=localpart,
                    password_hash=password_hash,
                    **{**named, "default_display_name": display_name, "threepid": None},
                )
                return user_id

            # A guest's account, and an administrator's, are never made.
            is_plain = not (guest_access_token or make_guest or admin)
            return await make(account, localpart if is_plain else None)

        self._registration.register_user = register_user
        answer = RegisterRestServlet.on_POST
        limit = self._registration.check_registration_ratelimit

        async def on_post(servlet: Any, request: Any) -> Any:
            # Synapse counts accounts only, and hashes the password of everybody who asks, which takes long.
            await limit(request.getClientAddress().host)
            return await answer(servlet, request)

        RegisterRestServlet.on_POST = on_post  # type: ignore[method-assign,assignment]  # wrapped
