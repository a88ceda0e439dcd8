"""The second factor: a password is taken with the six digits of an authenticator app straight behind it.

Synapse asks this for every password: at a new session, and wherever a client has to show again who it is (deleting
devices, changing the password). Its own check is off (`localdb_enabled: false`), so where this fails, or the module is
not there, nobody signs in. What an attempt learns is yes or no: a wrong password, a wrong code, a used one, too many
and no such account are one answer, and each costs one slow hash and one write.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from synapse.api.errors import LimitExceededError
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.policy.decision import refuse
from belisha.policy.factor import (
    MOST_WRONG,
    decide_code,
    decide_spare,
    is_secret,
    is_spare,
    may_without,
    split,
    step_of,
)
from belisha.policy.providers import NO_PASSWORDS
from synapse_modules.audit import Audit
from synapse_modules.config import SignInRules
from synapse_modules.factor_tables import FactorRows
from synapse_modules.hooks_password import PasswordHooks
from synapse_modules.hooks_providers import ProviderHooks
from synapse_modules.recovery_tables import SPARE_USED, WRONG_CODES, tell_of_factor
from synapse_modules.refusal import FAILURES, PREFIX, malformed, refused, where

logger = logging.getLogger(__name__)

#: The longest password with its code, in characters; Synapse takes no longer one when it is set.
LONGEST: Final = 512 + 14
#: How somebody signs in, as the settings call it.
_ALONE, _WITH_CODE = "password", "password+totp"
_NOT_THOSE: Final = (
    "These six digits are not the ones that your app shows for the new key. Please let the app take the key from this "
    "page, see that the clock of your phone is right, and type the digits that it shows now."
)
_NOT_SHOWN: Final = refuse(
    "M2",
    "WRONG_PASSWORD",
    "That does not open your account now. Please type your password as in Element, and if you have a second factor "
    "already, a code of it straight behind, one that was not used yet.",
)
_NO_FACTOR_YET: Final = refuse(
    "M2", "NO_FACTOR_YET", "Your account has no second factor yet. Please make one first, under “My sessions”."
)
_TOO_OFTEN: Final = refuse("M2", "TOO_OFTEN", "There were too many wrong passwords. Please wait some minutes.")


class Enrolment(NamedTuple):
    """A key that an app has: a code of it was shown, of that step."""

    secret: str
    step: int


class SignIn:
    """Passwords and codes, of one running Synapse process."""

    def __init__(
        self, api: ModuleApi, rules: SignInRules, audit: Audit, clock: Callable[[], float] = time.time
    ) -> None:
        self._api = api
        self._audit = audit
        self._clock = clock
        self._enrol_until = rules.enrol_until
        self._rows = FactorRows(rules.key)
        self._passwords = PasswordHooks(api)
        self._nobodys_hash: str | None = None
        self.second_factor = rules.second_factor
        """Whether there is a second factor in this community."""
        self.by_organisation = rules.by_organisation
        """Whether members sign in by their organisations' own providers, and there are no passwords."""

    def start(self) -> None:
        """Has Synapse ask this for every password, where there is a second factor; parts providers' answers."""
        if self.by_organisation:
            ProviderHooks(self._api).fit()
        if self.second_factor:
            self._passwords.self_test()
            self._passwords.let_change()
            self._api.register_password_auth_provider_callbacks(
                auth_checkers={("m.login.password", ("password",)): self._check}
            )

    async def method(self, user_id: str | None) -> str:
        """What opens an account: `password` or `password+totp`; of None, what opens most."""
        if user_id is None:
            return _WITH_CODE if self.second_factor else _ALONE
        localpart = user_id[1:].partition(":")[0]
        has_factor = await self._api.run_db_interaction("belisha_factor", self._has_factor, localpart)
        return _WITH_CODE if self.second_factor and has_factor else _ALONE

    async def _check(self, username: str, _login_type: str, login: dict[str, Any]) -> tuple[str, None] | None:
        """Whose password with code this is; None where it is nobody's, whatever the reason."""
        try:
            return await self._checked(username, login.get("password"))
        except FAILURES as error:
            logger.error("A password could not be checked, so nobody is let in by it: %s", where(error))
            return None

    async def _checked(self, username: str, typed: object) -> tuple[str, None] | None:
        if not isinstance(typed, str) or len(typed) > LONGEST or "\0" in username:
            return None
        found = await self._passwords.account(username)
        user_id, password_hash = found or ("", await self._of_nobody())
        localpart = user_id[1:].partition(":")[0]
        has_factor = await self._api.run_db_interaction("belisha_factor", self._has_factor, localpart)
        password, code = (split(typed) or (typed, "")) if has_factor else (typed, "")
        is_right = await self._passwords.matches(password, password_hash)
        if not has_factor:
            return (user_id, None) if is_right and found and may_without(self._clock(), self._enrol_until) else None
        is_taken = await self._api.run_db_interaction("belisha_code", self._use, user_id, code, is_right)
        return (user_id, None) if is_taken else None

    async def _of_nobody(self) -> str:
        """A hash that no password has, so that accounts which are not there take as long as others."""
        if self._nobodys_hash is None:
            self._nobodys_hash = await self._passwords.hash(secrets.token_urlsafe(32))
        return self._nobodys_hash

    @staticmethod
    def _has_factor(txn: LoggingTransaction, localpart: str) -> bool:
        txn.execute("SELECT 1 FROM belisha_factor WHERE localpart = ?", (localpart,))
        return txn.fetchone() is not None

    def _use(self, txn: LoggingTransaction, user_id: str, code: str, is_right: bool) -> bool:
        """Whether a code is taken; behind a wrong password none is, and none is counted."""
        localpart = user_id[1:].partition(":")[0]
        before = self._rows.of(txn, localpart)
        if before is None:
            return False
        if is_spare(code):
            is_one = self._rows.is_spare(txn, localpart, code)
            is_taken, after = decide_spare(before, self._clock(), is_one=is_one)
        else:
            is_taken, after = decide_code(before, code, self._clock())
        if not is_right:
            is_taken, after = False, before
        is_kept = self._rows.keep(txn, localpart, before, after)
        if is_taken and is_kept and is_spare(code):
            if not self._rows.use_spare(txn, localpart, code):  # another request came first
                return False
            self._audit.append(txn, user_id, kind="act", what="spare_code_used", phase="done", rule="M2")
            tell_of_factor(txn, SPARE_USED, localpart, self._clock())
        if is_kept and after.wrong == MOST_WRONG > before.wrong:
            logger.warning("Ten wrong codes came behind a right password; none is taken for that account for a day.")
            self._audit.append(txn, user_id, kind="act", what="wrong_codes", phase="done", rule="M2")
            tell_of_factor(txn, WRONG_CODES, localpart, self._clock())
        return is_taken and is_kept

    def check_passwords(self) -> None:
        """Checks that accounts have passwords.

        Raises:
            SynapseError: 403 with a sentence.
        """
        if self.by_organisation:
            raise refused(NO_PASSWORDS)

    # --- Enrolment ---------------------------------------------------------------------------------------------

    def enrolment(self, secret: str | None, code: str | None) -> Enrolment | None:
        """The key that somebody's app is to have from now on, where there is a second factor.

        Raises:
            SynapseError: 400 with a sentence: no key, or the digits are not its own.
        """
        if not self.second_factor:
            return None
        if secret is None or code is None or not is_secret(secret):
            raise malformed("A new second factor needs `secret`, 160 bits in base32, and `digits` that belong to it.")
        step = step_of(secret, code.replace(" ", ""), self._clock())
        if step is None:
            raise SynapseError(HTTPStatus.BAD_REQUEST, _NOT_THOSE, f"{PREFIX}WRONG_DIGITS")
        return Enrolment(secret, step)

    def term(self) -> int | None:
        """Until when accounts without a second factor are let in, in seconds since 1970; None where none is, or all."""
        is_open = self.second_factor and may_without(self._clock(), self._enrol_until)
        return self._enrol_until if is_open else None

    async def check_shown(self, user_id: str, typed: str) -> None:
        """Checks that a member types what opens their account now: the password, with a code where they have a factor.

        Raises:
            SynapseError: 403 with a sentence.
        """
        try:
            is_shown = await self._passwords.shows(user_id, typed)
        except LimitExceededError:
            raise refused(_TOO_OFTEN) from None
        if not is_shown:
            raise refused(_NOT_SHOWN)

    def put(self, txn: LoggingTransaction, localpart: str, enrolment: Enrolment | None) -> None:
        """Gives an account a new factor, whose first code was shown already."""
        if enrolment is not None:
            self._rows.put(txn, localpart, enrolment.secret, enrolment.step, self._clock())

    def put_spare(self, txn: LoggingTransaction, localpart: str, codes: list[str]) -> None:
        """Gives an account that has a factor new spare codes.

        Raises:
            SynapseError: 403 with a sentence: it has none.
        """
        if not self.second_factor or not self._has_factor(txn, localpart):
            raise refused(_NO_FACTOR_YET)
        self._rows.put_spare(txn, localpart, codes)

    async def prepare(self, localpart: str, secret: object) -> None:
        """Gives an account that operators are about to make the key that they hand over with its password.

        Raises:
            SynapseError: 400: it is no key.
        """
        if secret is None or not self.second_factor:
            return
        if not isinstance(secret, str) or not is_secret(secret):
            raise malformed("`factor` is the key of the new member's app, 160 bits in base32.")
        await self._api.run_db_interaction(
            "belisha_factor_prepared", self._rows.put, localpart, secret, -1, self._clock()
        )
