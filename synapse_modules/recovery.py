"""Gives an account back: a new password by a code that is used once, the end of all sessions, and who is told (M2).

Where there is a second factor, a new one comes with it. Code, factor and password change in one transaction, so a kill
leaves all as they were or all done. What follows is written down with it and done at once, or at the next start: the
sessions' end, and a message to the member and to the stewards' room, which is looked for before it is sent.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.acts.recovery import RECOVERY_KEY
from belisha.policy.acts import Subject
from belisha.policy.decision import refuse
from belisha.policy.factor import SPARE_CODES, new_spare_code
from belisha.policy.muted import told as moment
from belisha.policy.people import Standing
from belisha.policy.recovery import ALPHABET, LENGTH, NO_CODE, decide_recovery, read_code
from synapse_modules import recovery_tables as tables
from synapse_modules import registry_tables
from synapse_modules.audit import Audit
from synapse_modules.hooks import Hooks
from synapse_modules.hooks_password import PasswordHooks
from synapse_modules.hooks_people import PeopleHooks
from synapse_modules.own_messages import message_with
from synapse_modules.recovery_tables import Note, Recovery
from synapse_modules.refusal import FAILURES, raise_if_refused, refused, where
from synapse_modules.registry import Registry
from synapse_modules.registry_tables import Known, Member
from synapse_modules.rooms import Rooms
from synapse_modules.sign_in import Enrolment, SignIn

logger = logging.getLogger(__name__)

_LOCK: Final = "belisha_recovery"
#: How often it is looked for what a crash left over, in milliseconds.
EVERY_MS: Final = 5000


class Recoveries:
    """Codes, and what follows when one is used."""

    def __init__(
        self,
        api: ModuleApi,
        hooks: Hooks,
        registry: Registry,
        rooms: Rooms,
        audit: Audit,
        sign_in: SignIn,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rooms = rooms
        self._audit = audit
        self._sign_in = sign_in
        self._clock = clock
        self._passwords = PasswordHooks(api)
        self._passwords.self_test()
        self._people = PeopleHooks(api)

    @staticmethod
    def new_code() -> tuple[str, str]:
        """A code, and what is kept of it."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        return code, _hash(code)

    @staticmethod
    def decide(known: Known, asker_id: str, member: Member) -> None:
        """Decides whether somebody makes a code for a member's account, or a code that they made still holds.

        Raises:
            SynapseError: 403 with the reason.
        """
        organisations = known.organisations
        standing = registry_tables.standing_of_organisation(member, organisations)
        subject = Subject(
            member.localpart,
            member.organisation,
            frozenset(member.roles),
            member.standing if standing is Standing.ACTIVE else Standing.FROZEN,
        )
        leads = (
            one for one in known.members.values() if "lead" in one.roles and one.organisation == subject.organisation
        )
        has_lead = any(registry_tables.is_active(one, organisations) for one in leads)
        raise_if_refused(decide_recovery(known.person(asker_id), subject, has_lead=has_lead))

    async def redeem(self, account: str, typed: str, password: str, enrolment: Enrolment | None) -> None:
        """Sets a new password, and second factor where there is one, for whoever has the code of an account.

        Raises:
            SynapseError: 400 where the password cannot be, whatever the code; 403, always the same, for every other.
        """
        self._passwords.check(password)
        user_id = self._registry.address("@" + account.strip().lower().removeprefix("@"))
        localpart, code = user_id[1:].partition(":")[0], read_code(typed)
        if code is None or "\0" in account or self._registry.user_id(localpart) != user_id:
            raise refused(NO_CODE)
        found = await self._api.run_db_interaction("belisha_recovery_of", self._holding, localpart, _hash(code))
        if found is None:
            raise refused(NO_CODE)
        password_hash = await self._passwords.hash(password)

        def use(txn: LoggingTransaction) -> None:
            registry_tables.raise_revision(txn)  # first: who is frozen at this moment is frozen before or after it
            holds = self._holding(txn, localpart, found.code_hash)
            if holds is None or not tables.use(txn, holds.id, self._clock()):
                raise refused(NO_CODE)
            self._passwords.put(txn, self._registry.user_id(localpart), password_hash)
            self._sign_in.put(txn, localpart, enrolment)
            self._note(txn, holds, "recover", "done")

        await self._api.run_db_interaction("belisha_recovered", use)
        await self.catch_up()

    def _holding(self, txn: LoggingTransaction, localpart: str, code_hash: str) -> Recovery | None:
        """The code that holds for an account now, as long as who made it could make it still."""
        found = tables.of_code(txn, localpart, code_hash, int(self._clock()))
        known = Known(*registry_tables.read_all(txn))
        member = known.members.get(localpart)
        if found is None or member is None or not known.person(self._registry.user_id(found.made_by)).belongs:
            return None
        try:
            self.decide(known, self._registry.user_id(found.made_by), member)
        except SynapseError:
            return None
        return found

    def _note(self, txn: LoggingTransaction, one: Recovery, what: str, phase: str) -> None:
        for who in (one.made_by, one.localpart):
            self._audit.append(
                txn, self._registry.user_id(who), kind="act", what=what, phase=phase, rule="M2", item=one.id
            )

    def begin(self, txn: LoggingTransaction, one: Recovery) -> None:
        """Writes a code down, and that an account is to be given back by it.

        Raises:
            SynapseError: 403, where accounts have no passwords.
        """
        self._sign_in.check_passwords()
        tables.add(txn, one)
        self._note(txn, one, "recover", "made")

    async def enrol(self, user_id: str, typed: str, enrolment: Enrolment) -> None:
        """Gives a member the second factor that they ask for, who shows what opens their account now.

        Raises:
            SynapseError: 403 with a sentence.
        """
        await self._sign_in.check_shown(user_id, typed)
        localpart = user_id[1:].partition(":")[0]

        def put(txn: LoggingTransaction) -> None:
            self._sign_in.put(txn, localpart, enrolment)
            tables.tell_of_factor(txn, tables.ENROLLED, localpart, self._clock())
            self._audit.append(txn, user_id, kind="act", what="enrol", phase="done", rule="M2")

        await self._api.run_db_interaction("belisha_enrolled", put)
        await self.catch_up()

    async def make_spare(self, user_id: str, typed: str) -> list[str]:
        """Makes a member's spare codes anew, who shows what opens their account now; the codes, told this once.

        Raises:
            SynapseError: 403 with a sentence.
        """
        await self._sign_in.check_shown(user_id, typed)
        localpart = user_id[1:].partition(":")[0]
        codes = [new_spare_code() for _ in range(SPARE_CODES)]

        def put(txn: LoggingTransaction) -> None:
            self._sign_in.put_spare(txn, localpart, codes)
            tables.tell_of_factor(txn, tables.SPARE_MADE, localpart, self._clock())
            self._audit.append(txn, user_id, kind="act", what="spare_codes", phase="done", rule="M2")

        await self._api.run_db_interaction("belisha_spare_codes", put)
        await self.catch_up()
        return codes

    async def tell_of_term(self) -> None:
        """Has every member without a second factor told until when that goes; at each start, and each is told once."""
        if (until := self._sign_in.term()) is not None:
            await self._api.run_db_interaction("belisha_factor_term", tables.tell_of_term, until)

    async def since(self, localpart: str) -> float | None:
        """When an account was last given back, in seconds since 1970: older sessions on the portal are over."""
        found: float | None = await self._api.run_db_interaction("belisha_recovered_at", tables.last_used, localpart)
        return found

    # --- What follows ------------------------------------------------------------------------------------------

    async def catch_up(self) -> None:
        """Ends sessions and tells what happened, whatever a crash or a failure left over too."""
        try:
            for one in await self._api.run_db_interaction("belisha_recovery_sessions", tables.sessions_left):
                await self._people.end_sessions(self._registry.user_id(one.localpart))
                await self._api.run_db_interaction("belisha_recovery_ended", tables.sessions_ended, one.id)
            for note in await self._api.run_db_interaction("belisha_recovery_notes", tables.notes):
                await self._tell(note)
        except FAILURES as error:
            logger.error("What follows a new password is still to be done, trying again soon: %s", where(error))

    async def _tell(self, note: Note) -> None:
        lock = await self._hooks.try_lock(_LOCK, " ".join(note))
        if lock is None:  # another process is at it
            return
        async with lock:
            room_id, said = await self._what(note)
            if (
                room_id is not None
                and said
                and not await self._api.run_db_interaction(
                    "belisha_recovery_told", message_with, room_id, self._rooms.steward, RECOVERY_KEY, note._asdict()
                )
            ):
                content = {"msgtype": "m.text", "body": said, RECOVERY_KEY: note._asdict()}
                await self._api.create_and_send_event_into_room(
                    {"type": "m.room.message", "room_id": room_id, "sender": self._rooms.steward, "content": content}
                )
            await self._api.run_db_interaction("belisha_recovery_is_told", tables.is_told, note)

    async def _what(self, note: Note) -> tuple[str | None, str]:
        """Where something is told, None where nowhere, and in which words."""
        if note.step in _OF_FACTOR:
            localpart, _, at = note.id.rpartition(" ")
            return await self._own_room(localpart), _OF_FACTOR[note.step].format(moment(int(at)))
        one = await self._api.run_db_interaction("belisha_recovery_by", tables.by_id, note.id)
        if one is None:
            return None, ""
        if note.place == "stewards":
            return await self._rooms.stewards_room(), _said(one, note, second_factor=self._sign_in.second_factor)
        return await self._own_room(one.localpart), _said(one, note, second_factor=self._sign_in.second_factor)

    async def _own_room(self, localpart: str) -> str | None:
        member = (await self._registry.members()).get(localpart)
        return None if member is None or member.standing is Standing.REMOVED else member.service_room


def _said(one: Recovery, note: Note, *, second_factor: bool) -> str:
    """What is told; it names people and times, and never the code."""
    new = "a new password and a new second factor" if second_factor else "a new password"
    if note.place == "stewards":
        if note.step == "made":
            return f"@{one.made_by} has made a code to give the account @{one.localpart} back to its member."
        return f"The account @{one.localpart} has {new}, set with the code that @{one.made_by} made."
    if note.step == "made":
        return (
            f"@{one.made_by} has made a code with which {new} can be set for your account. It holds until "
            f"{moment(one.expires)}.\n\nIf you did not ask for that, tell a steward or a manager at once."
        )
    used_at = one.at if one.used_at is None else one.used_at // 1000
    return (
        f"At {moment(used_at)} your account got {new}, with the code that @{one.made_by} "
        "made. All devices were signed out.\n\nIf that was not you, tell a steward or a manager at once."
    )


def _hash(code: str) -> str:
    # The code has 78 bits of its own: no salt and no slow hash are needed for the hour that it holds.
    return hashlib.sha256(code.encode()).hexdigest()


_OF_FACTOR: Final = {
    tables.ENROLLED: (
        "At {} you made a new second factor for your account, on the portal. A former one holds no more.\n\n"
        "If that was not you, tell a steward or a manager at once, and change your password."
    ),
    tables.TERM: (
        "This community signs in with a second factor: six digits that an app on your phone shows, straight behind the "
        "password. Your account has none yet.\n\nPlease make one on the portal, under “My sessions”, before {}. From "
        "then on nobody signs in to your account anew without one, and your organisation's lead would have to help you."
    ),
    tables.SPARE_MADE: (
        "At {} you made new recovery codes for your account, on the portal. Former ones hold no more.\n\n"
        "If that was not you, tell a steward or a manager at once, and change your password."
    ),
    tables.SPARE_USED: (
        "At {} one of your recovery codes opened your account, behind your password. It holds no more.\n\nIf that was "
        "not you, tell a steward or a manager at once, and change your password. If you have lost your phone, make a "
        "new second factor on the portal, under “My sessions”."
    ),
    tables.WRONG_CODES: (
        "Until {} ten wrong codes were typed behind your right password. For a day nobody signs in to your account "
        "anew; your devices stay signed in, and your organisation's lead can give you a new second factor.\n\n"
        "If that was not you, somebody knows your password: tell a steward or a manager at once."
    ),
}
NO_MEMBER: Final = refuse("M2", "NO_SUCH_MEMBER", "There is no member with this address. Please look it up again.")
