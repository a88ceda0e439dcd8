"""Writes sign-ins and ends of sessions into the audit log, where it goes to a collector; no password, code or device.

A session stands in the log before it begins, so none is missing; one that ends stands there afterwards, as Synapse
tells of it. Passwords that were not taken are counted as refusals are, and an account that is not there is not named:
what was typed for a name can be a password.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Final, Literal

from synapse.module_api import NOT_SPAM, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.syslog import SESSION
from synapse_modules.audit import Audit
from synapse_modules.hooks_password import PasswordHooks
from synapse_modules.refusal import FAILURES, or_no, where
from synapse_modules.registry import Registry
from synapse_modules.sign_in import SignIn

logger = logging.getLogger(__name__)

#: How a bot signs in.
_OF_BOTS: Final = "application service"


class Sessions:
    """Sessions of one running Synapse process."""

    def __init__(self, api: ModuleApi, audit: Audit, registry: Registry, sign_in: SignIn) -> None:
        self._api = api
        self._audit = audit
        self._registry = registry
        self._sign_in = sign_in
        self._passwords = PasswordHooks(api)

    def start(self) -> None:
        """Has Synapse tell of each.

        Raises:
            HookMissing: this Synapse takes passwords in another way.
        """
        self._passwords.tell_refused(self._refused)
        # Behind the check of who is frozen: who is refused there begins no session.
        self._api.register_spam_checker_callbacks(check_login_for_spam=self._begins)
        self._api.register_password_auth_provider_callbacks(on_logged_out=self._ended)

    async def _begins(self, user_id: str, *_about: Any) -> Literal["NOT_SPAM"]:
        await or_no(self._note_begun, user_id)
        return NOT_SPAM

    async def _note_begun(self, user_id: str) -> None:
        is_bot = (await self._registry.person(user_id)).is_bot
        method = _OF_BOTS if is_bot else await self._sign_in.method(user_id)
        await self._audit.record(user_id, kind=SESSION, what="begun", method=method)

    async def _ended(self, user_id: str, _device_id: str | None, _token: str) -> None:
        try:
            await self._audit.record(user_id, kind=SESSION, what="ended")
        except FAILURES as error:
            logger.error("The end of a session could not be written into the audit log: %s", where(error))

    async def _refused(self, login: dict[str, Any], error: SynapseError) -> None:
        what = "limited" if error.code == HTTPStatus.TOO_MANY_REQUESTS else "refused"
        try:
            found = await self._passwords.account(named) if (named := _named(login)) else None
            method = await self._sign_in.method(None if found is None else found[0])
        except FAILURES as failure:  # what was answered to the member stays as it is
            logger.error("Whose password was not taken could not be read: %s", where(failure))
            return
        self._audit.not_let_in(what, method, None if found is None else found[0])


def _named(login: dict[str, Any]) -> str | None:
    """Whom a client names; None where it is nothing that an account can be called."""
    identifier = login.get("identifier")
    named = identifier.get("user") if isinstance(identifier, dict) else login.get("user")
    return named if isinstance(named, str) and named and "\0" not in named else None
