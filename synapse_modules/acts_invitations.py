"""Acts about registration tokens: leads make, see and revoke those of their organisation (rules M2 and P3).

A token is told once, and kept nowhere: what is kept of the act has its invitation's id alone. Where the answer was lost
in a crash, the same command, asked again while it counts, gives the same unused invitation another token; the lost one,
which nobody has seen, opens nothing any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from synapse.module_api import LoggingTransaction

from belisha.policy.decision import refuse
from belisha.policy.invitations import Invitation, decide_inviting
from belisha.policy.membership import decide_standing
from belisha.policy.people import Person
from synapse_modules import invitation_tables as tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import OLDEST, Command
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry_errors import RegistryError

#: For how long a token holds where no time is named, in seconds.
USUAL_S: Final = 7 * 86_400


class InvitationActs:
    """What commands do about registration tokens."""

    acts = ("invitation_make", "invitation_list", "invitation_revoke")

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._registry = parts.registry
        self._registrations = parts.registrations
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended, with the token of what was made."""
        self._registry.look_again()
        asker, arguments = await self._registry.person(command.sender.user_id), command.asked.arguments
        raise_if_refused(decide_standing(asker))
        if command.asked.command.act == "invitation_revoke":
            return await self._revoke(asker, str(arguments["id"]), record)
        organisation = str(arguments.get("organisation") or asker.organisation)
        raise_if_refused(decide_inviting(asker, organisation))
        if command.asked.command.act == "invitation_list":
            return {**record.outcome, **await self._list(organisation)}
        return await self._make(asker, organisation, arguments, record)

    async def again(self, event_id: str, outcome: Json) -> Json:
        """What is told of a command that has ended, asked for again; of an invitation with another token."""
        if outcome.get("outcome") != "done" or outcome.get("act") != "invitation_make":
            return outcome
        now, token, token_hash = self._clock(), *self._registrations.new_token()

        def renew(txn: LoggingTransaction) -> bool:
            txn.execute("SELECT at FROM belisha_act WHERE event_id = ?", (event_id,))
            row = txn.fetchone()
            is_young = row is not None and now - int(row[0]) <= OLDEST
            return is_young and tables.renew(txn, str(outcome["id"]), token_hash)

        is_renewed = await self._api.run_db_interaction("belisha_invite_again", renew)
        return {**outcome, "token": token} if is_renewed else outcome

    async def _make(self, asker: Person, organisation: str, arguments: Mapping[str, Any], record: Record) -> Json:
        uses, seconds = int(arguments.get("uses") or 1), int(arguments.get("expires") or USUAL_S)
        found = (await self._registry.organisations()).get(organisation)
        told: list[Json] = []

        def settle(txn: LoggingTransaction, invitation: Invitation) -> None:
            record.not_ended(txn)
            self._note(txn, asker, "invite", invitation)
            about = {"id": invitation.id, "uses": uses, "expires": invitation.expires}
            homeserver = (self._api.public_baseurl or "").rstrip("/")
            name = organisation if found is None else found.name
            page = self._registrations.page
            told.append(record.done(txn, **about, organisation=name, homeserver=homeserver, page=page))

        try:
            _, token = await self._registrations.invite(
                organisation, uses, seconds, arguments.get("name"), made_by=asker.localpart, settle=settle
            )
        except RegistryError as error:
            raise refused(refuse("M2", "NO_INVITATION", str(error))) from None
        return {**told[-1], "token": token}

    async def _list(self, organisation: str) -> Json:
        found = [pair for pair in await self._registrations.invitations() if pair[0].organisation == organisation]
        return {
            "organisation": organisation,
            "invitations": [
                {
                    "id": one.id,
                    "name": one.name or "",
                    "left": one.uses - one.used,
                    "expires": one.expires,
                    "made_by": one.made_by,
                    "holds": holds,
                }
                for one, holds in found
            ],
        }

    async def _revoke(self, asker: Person, invitation_id: str, record: Record) -> Json:
        def revoke(txn: LoggingTransaction) -> Json:
            record.not_ended(txn)
            invitation = tables.invitation(txn, invitation_id)
            # Whose it is that one may not revoke is nobody's business.
            if invitation is None or not decide_inviting(asker, invitation.organisation).allowed:
                raise refused(_NO_INVITATION)
            tables.end_invitation(txn, invitation_id)
            self._note(txn, asker, "uninvite", invitation)
            return record.done(txn, id=invitation_id)

        outcome: Json = await self._api.run_db_interaction("belisha_uninvite", revoke)
        return outcome

    def _note(self, txn: LoggingTransaction, asker: Person, what: str, invitation: Invitation) -> None:
        ids = {"organisation": invitation.organisation, "item": invitation.id, "count": invitation.uses}
        self._audit.append(txn, asker.user_id, kind="act", what=what, phase="done", rule="M2", **ids)


_NO_INVITATION: Final = refuse(
    "M2", "NO_INVITATION", "Your organisation has no such registration token. Please look at the list of them."
)
