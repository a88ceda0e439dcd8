"""How new members make their own accounts: with a registration token, which belongs to one organisation (rule M2).

Who makes an account, and for which organisation, is written down before Synapse makes it (`begin`), and nobody else is
given that user name meanwhile. When the account is there, one transaction makes a member of it and strikes that out. A
crash in between leaves an account without an organisation, which is confined until `belisha member add` takes it up.

Every other way to an account ends here too: Synapse makes one only where it was written down just before.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from synapse.api.errors import LoginError
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.policy.decision import Decision, refuse
from belisha.policy.invitations import NO_TOKEN, Invitation, decide_invitation
from belisha.policy.likeness import Known, clash_of_member
from belisha.policy.names import name_from, problem_of_localpart, problem_of_member
from belisha.policy.people import Person, Standing
from synapse_modules import invitation_tables as tables
from synapse_modules import registry_tables
from synapse_modules.guards import Guard
from synapse_modules.hooks_password import PasswordHooks
from synapse_modules.hooks_registration import TOKEN_STAGE, RegistrationHooks
from synapse_modules.invitation_tables import Registration
from synapse_modules.refusal import FAILURES, PREFIX, malformed, raise_if_refused, refused, undecided
from synapse_modules.registry import Member, Registry
from synapse_modules.registry_errors import RegistryError
from synapse_modules.registry_tables import raise_revision
from synapse_modules.rights import Rights
from synapse_modules.sign_in import Enrolment, SignIn

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Limits of an invitation; more is asked for anew, or imported from a file.
MOST_USES: Final = 500
LONGEST_S: Final = 90 * 24 * 3600

#: A user name that nobody has, to ask about a name alone.
_NOBODY: Final = "x" * 64
_TAKEN: Final = "The user name “{}” is taken. Please choose another."
_UNFINISHED: Final = refuse(
    "M2",
    "UNFINISHED",
    "Your account was made, but it does not belong to your organisation yet. "
    "Please sign in, and ask the people who run the community to add it.",
)


class Registrations:
    """Invitations, and the accounts that are made with them."""

    def __init__(self, api: ModuleApi, registry: Registry, rights: Rights, sign_in: SignIn, portal_origin: str) -> None:
        self._api = api
        self._registry = registry
        self._rights = rights
        self._sign_in = sign_in
        self._hooks, self._passwords = RegistrationHooks(api), PasswordHooks(api)
        self.page = f"{portal_origin}/join" if sign_in.second_factor else None
        """Where accounts are made with a token; None where clients make them."""

    def guard(self) -> Guard:
        """What closes registration where this Synapse lacks a part of it."""
        return self._hooks.guard(self._check_token, self._is_valid, self._begin, self._make)

    # --- Invitations -------------------------------------------------------------------------------------------

    async def invite(
        self,
        organisation: str,
        uses: int,
        seconds: int,
        name: str | None,
        *,
        made_by: str | None = None,
        settle: Callable[[LoggingTransaction, Invitation], None] = lambda _txn, _invitation: None,
    ) -> tuple[Invitation, str]:
        """Makes an invitation, with `settle` in the same transaction; it and its token, which is kept nowhere.

        Raises:
            RegistryError: where it cannot be so.
        """
        self._sign_in.check_passwords()  # who signs in by an organisation has none, and needs no token
        found = (await self._registry.organisations()).get(organisation)
        if found is None:
            raise RegistryError(f"There is no organisation “{organisation}”. Please add it first.")
        if found.standing is Standing.FROZEN:
            raise RegistryError(f"The organisation “{organisation}” is frozen. Please thaw it first.")
        if not 1 <= uses <= MOST_USES or not 0 < seconds <= LONGEST_S:
            raise RegistryError(f"An invitation has 1 to {MOST_USES} uses, and lasts at most 90 days.")
        if name is not None and (problem := self._problem_of(name, organisation, uses)):
            raise RegistryError(problem)
        token, token_hash = self.new_token()
        invitation = Invitation(secrets.token_hex(4), organisation, name, uses, 0, int(time.time()) + seconds, made_by)

        def write(txn: LoggingTransaction) -> None:
            settle(txn, invitation)
            tables.put_invitation(txn, invitation, token_hash)

        await self._api.run_db_interaction("belisha_invite", write)
        return invitation, token

    @staticmethod
    def new_token() -> tuple[str, str]:
        """A token, and what is kept of it."""
        token = secrets.token_urlsafe(18)
        return token, _hash(token)

    def _problem_of(self, name: str, organisation: str, uses: int) -> str | None:
        if uses != 1:
            return "A name is for a single use."
        return problem_of_member(_NOBODY, name, ()) or clash_of_member(
            _NOBODY, name, organisation, self._registry.known()
        )

    async def invitations(self) -> list[tuple[Invitation, bool]]:
        """Every invitation, and whether it holds."""
        found: list[Invitation] = await self._api.run_db_interaction("belisha_invitations", tables.invitations)
        return [(each, (await self._decide(each)).allowed) for each in found]

    async def uninvite(self, invitation_id: str) -> None:
        """Ends an invitation; who used it before stays.

        Raises:
            RegistryError: where there is none.
        """
        if not await self._api.run_db_interaction("belisha_uninvite", tables.end_invitation, invitation_id):
            raise RegistryError(f"There is no invitation “{invitation_id}”.")

    # --- Asked by Synapse --------------------------------------------------------------------------------------

    async def _check_token(self, token: object) -> str:
        """The stage of Matrix's registration (Matrix 1.16, "Token-authenticated registration"): the invitation's id.

        Raises:
            LoginError: with a sentence; the client may try again with another token.
        """
        if self.page is not None:
            # A client has no place for the key of an app, and an account without one opens to a password alone.
            where = f"Accounts here are made on {self.page}, with a second factor. Your token holds there."
            raise LoginError(HTTPStatus.UNAUTHORIZED, where, f"{PREFIX}JOIN_ON_PORTAL", {"org.belisha.rule": "M2"})
        found = await _or_no(self._look_up, token if isinstance(token, str) else "")
        decision = await _or_no(self._decide, found)
        if not decision.allowed or found is None:
            raise LoginError(
                HTTPStatus.UNAUTHORIZED,
                decision.reason,
                f"{PREFIX}{decision.code}",
                {"org.belisha.rule": decision.rule},
            )
        return found.id

    async def join(self, token: str, username: str, password: str, enrolment: Enrolment | None) -> str:
        """Makes an account with a token and a password, as the portal's page asks; its user id.

        Raises:
            SynapseError: with a sentence; where it is not of `UNFINISHED`, nothing was made.
        """
        self._passwords.check(password)
        found = await _or_no(self._look_up, token)
        decision = await _or_no(self._decide, found)
        if not decision.allowed or found is None:
            raise refused(decision)
        localpart = username.strip().lower().removeprefix("@")
        if problem := problem_of_localpart(localpart):
            raise refused(refuse("M3", "USER_NAME", problem))
        password_hash = await self._passwords.hash(password)
        await _or_no(self._registry.settled, lambda: self._write_down(found.id, localpart, enrolment))
        return await self._hooks.make(localpart, password_hash)

    async def _is_valid(self, token: str) -> bool:
        return (await _or_no(self._decide, await _or_no(self._look_up, token))).allowed

    async def _begin(self, stages: dict[str, Any], params: dict[str, Any]) -> str:
        """Writes down who is about to be made; the user name."""
        invitation_id, username = stages.get(TOKEN_STAGE), params.get("username")
        if not isinstance(invitation_id, str) or self.page is not None:
            raise refused(NO_TOKEN)
        if not isinstance(username, str) or not username:
            raise malformed("Please choose a user name.")
        await _or_no(self._registry.settled, lambda: self._write_down(invitation_id, username.lower()))
        return username.lower()

    async def _make(self, make: Callable[[str], Awaitable[str]], localpart: str | None) -> str:
        """Has Synapse make an account that was written down, and makes a member of it; its user id."""
        registration = await _or_no(self._registration, localpart)
        if registration is None:
            raise refused(NO_TOKEN)
        member = _member(registration)
        try:
            await self._registry.members()
            user_id = await make(self._registry.display_name(member))
        except BaseException:
            await self._api.run_db_interaction("belisha_register_end", tables.end, registration)
            raise

        def is_the_one(txn: LoggingTransaction) -> None:
            invitation = tables.invitation(txn, registration.invitation)
            maker = self._maker_now(txn, invitation)
            holds = decide_invitation(invitation, Standing.ACTIVE, registration.since, maker=maker).allowed
            if not tables.end(txn, registration) or not holds or not tables.use(txn, registration.invitation):
                raise RegistryError("it took too long, or was withdrawn")

        try:
            await self._registry.admit(member, is_the_one)
        except FAILURES as error:
            logger.error("A new account was not made a member: %s", type(error).__name__)
            raise refused(_UNFINISHED) from None
        await _or_no(self._rights.carry_out, registration.localpart)
        return user_id

    # --- In detail ---------------------------------------------------------------------------------------------

    async def _look_up(self, token: str) -> Invitation | None:
        found: Invitation | None = await self._api.run_db_interaction(
            "belisha_invitation_of", tables.invitation_of, _hash(token)
        )
        return found

    async def _decide(self, invitation: Invitation | None) -> Decision:
        organisations = await self._registry.organisations()
        standing = None
        if invitation is not None and invitation.organisation in organisations:
            standing = organisations[invitation.organisation].standing
        return decide_invitation(invitation, standing, int(time.time()), maker=await self._maker(invitation))

    async def _maker(self, invitation: Invitation | None) -> Person | None:
        if invitation is None or invitation.made_by is None:
            return None
        return await self._registry.person(self._registry.user_id(invitation.made_by))

    async def _write_down(self, invitation_id: str, localpart: str, enrolment: Enrolment | None = None) -> None:
        organisations = await self._registry.organisations()
        known, read, now = self._registry.known(), self._registry.revision, int(time.time())

        def write_down(txn: LoggingTransaction) -> None:
            raise_revision(txn, read)
            invitation = tables.invitation(txn, invitation_id)
            others = tables.under_way(txn, now)
            found = None if invitation is None else organisations.get(invitation.organisation)
            count = sum(other.invitation == invitation_id for other in others)
            standing, maker = getattr(found, "standing", None), self._maker_now(txn, invitation)
            raise_if_refused(decide_invitation(invitation, standing, now, count, maker=maker))
            if invitation is None:
                raise RuntimeError("what was allowed is there")
            registration = Registration(
                localpart, invitation_id, invitation.organisation, invitation.name or name_from(localpart), now
            )
            if any(other.localpart == localpart for other in others):
                raise RegistryError(
                    f"An account “{localpart}” is being made at this moment. Please choose another name."
                )
            if localpart in (*known.members, *known.former) or tables.has_account(
                txn, self._registry.user_id(localpart)
            ):
                raise RegistryError(_TAKEN.format(localpart))
            self._registry.check_member(_member(registration), _with(known, others))
            tables.begin(txn, registration)
            self._sign_in.put(txn, localpart, enrolment)  # there is no such account, so it is nobody else's

        await self._api.run_db_interaction("belisha_register", write_down)

    def _maker_now(self, txn: LoggingTransaction, invitation: Invitation | None) -> Person | None:
        if invitation is None or invitation.made_by is None:
            return None
        known = registry_tables.Known(*registry_tables.read_all(txn))
        return known.person(self._registry.user_id(invitation.made_by))

    async def _registration(self, localpart: str | None) -> Registration | None:
        found: list[Registration] = await self._api.run_db_interaction(
            "belisha_registration", tables.under_way, int(time.time())
        )
        return next((each for each in found if each.localpart == localpart), None)


def _with(known: Known, others: list[Registration]) -> Known:
    being_made = {each.localpart: (each.name, each.organisation) for each in others}
    return known._replace(members={**known.members, **being_made})


def _member(registration: Registration) -> Member:
    return Member(registration.localpart, registration.organisation, registration.name, ("member",))


def _hash(token: str) -> str:
    # The token has 144 bits of its own: no salt and no slow hash are needed.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def _or_no(ask: Callable[..., Awaitable[_T]], *arguments: Any) -> _T:
    """What `ask` answers; a refusal with its sentence, or, where it fails, the one of rule X1."""
    try:
        return await ask(*arguments)
    except SynapseError:
        raise
    except RegistryError as error:
        raise refused(refuse("M3", "USER_NAME", str(error))) from None
    except FAILURES as error:
        logger.error("Could not decide about a registration: %s", type(error).__name__)
        raise undecided() from None
