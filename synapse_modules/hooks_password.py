"""The private attributes of Synapse that set a password: a part of `hooks.py`, held the same way.

Checked with Synapse 1.163.2; each has its self-test at start-up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from synapse.api.errors import LoginError
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from synapse_modules.hooks import require

#: How Synapse answers a password that it does not take, or not now.
_NOT_TAKEN: Final = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


class PasswordHooks:
    """Passwords in one running Synapse process."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._store: Any = api._store
        self._auth_handler: Any = api._auth_handler
        self._policy: Any = api._hs.get_password_policy_handler()

    def self_test(self) -> None:
        """Checks that everything used here is there, and takes what it is given.

        Raises:
            HookMissing: naming what is missing.
        """
        require(
            (self._auth_handler, "hash", {"password"}),
            (self._policy, "validate_password", {"password"}),
            (self._auth_handler, "validate_hash", {"password", "stored_hash"}),
            (self._auth_handler, "_find_user_id_and_pwd_hash", {"user_id"}),
            (self._auth_handler, "can_change_password", set()),
            (self._auth_handler, "validate_login", {"login_submission", "ratelimit"}),
            (self._store, "_invalidate_cache_and_stream", {"txn", "cache_func", "keys"}),
        )

    def check(self, password: str) -> None:
        """Checks a new password by the server's rules, as Synapse does where members change theirs.

        Raises:
            SynapseError: 400 with a sentence.
        """
        try:
            self._policy.validate_password(password)
        except SynapseError as error:
            sentence = f"{error.msg.rstrip('.')}. Please choose another one."
            raise SynapseError(HTTPStatus.BAD_REQUEST, sentence, error.errcode) from None

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        return str(await self._auth_handler.hash(password))

    async def matches(self, password: str, password_hash: str) -> bool:
        """Whether a password is the one whose hash is given; as slow as the server's setting has it."""
        return bool(await self._auth_handler.validate_hash(password, password_hash))

    async def account(self, named: str) -> tuple[str, str] | None:
        """The user id and the password's hash of whom a client names, as Synapse finds them; None where it is nobody.

        An account that was given up, and a bot's, have no password.
        """
        user_id = named if named.startswith("@") else self._api.get_qualified_user_id(named)
        found = await self._auth_handler._find_user_id_and_pwd_hash(user_id)
        return None if found is None or not found[1] else (str(found[0]), str(found[1]))

    async def shows(self, user_id: str, typed: str) -> bool:
        """Whether somebody types what opens an account, counted and limited as signing in is.

        Raises:
            LimitExceededError: there were too many wrong ones.
        """
        given = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user_id}, "password": typed}
        try:
            found, _ = await self._auth_handler.validate_login(given, ratelimit=True)
        except LoginError:
            return False
        return str(found) == user_id

    def let_change(self) -> None:
        """Lets members change their passwords in clients, as they do where Synapse itself checks them.

        Without its own check Synapse takes no new password, though it is the same column; who changes one is asked for
        the old one with its code, by the module.
        """
        self._auth_handler.can_change_password = lambda: True

    def tell_refused(self, tell: Callable[[dict[str, Any], SynapseError], Awaitable[None]]) -> None:
        """Tells of every password that is not taken, at a sign-in or where a client shows again who it is.

        Raises:
            HookMissing: this Synapse checks passwords in another way.
        """
        require(
            (self._auth_handler, "validate_login", {"login_submission", "ratelimit", "is_reauth"}),
            (self._auth_handler, "_find_user_id_and_pwd_hash", {"user_id"}),
        )
        validate = self._auth_handler.validate_login

        async def validate_and_tell(login_submission: dict[str, Any], *arguments: Any, **named: Any) -> Any:
            try:
                return await validate(login_submission, *arguments, **named)
            except SynapseError as error:
                if error.code in _NOT_TAKEN:
                    await tell(login_submission, error)
                raise

        self._auth_handler.validate_login = validate_and_tell

    def put(self, txn: LoggingTransaction, user_id: str, password_hash: str) -> None:
        """Sets an account's password within a transaction; its sessions stay, and its OpenID tokens end.

        These hold an hour, whatever becomes of the session that asked for them, and open the portal inside Element.
        """
        txn.execute("UPDATE users SET password_hash = ? WHERE name = ? AND deactivated = 0", (password_hash, user_id))
        txn.execute("DELETE FROM open_id_tokens WHERE user_id = ?", (user_id,))
        self._store._invalidate_cache_and_stream(txn, self._store.get_user_by_id, (user_id,))
