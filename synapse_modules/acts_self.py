"""Acts of members on their own account: their devices, and leaving the community (rules M1 and P3)."""

from __future__ import annotations

from typing import Final

from synapse.module_api import LoggingTransaction

from belisha.acts.own import OWN_ACTS
from belisha.policy.acts import decide_leaving
from belisha.policy.decision import refuse
from belisha.policy.membership import decide_standing
from belisha.policy.people import Standing
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.hooks_people import PeopleHooks
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry import Member
from synapse_modules.registry_tables import Known


class SelfActs:
    """What commands do to the account of whoever gives them, and to no other."""

    acts = tuple(str(act.act) for act in OWN_ACTS)

    def __init__(self, parts: Parts) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._people = PeopleHooks(parts.api)
        self._registry = parts.registry
        self._rights = parts.rights

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        act = str(command.asked.command.act)
        if act == "leave_community":
            return await self._leave(command, record)
        if act == "device_end":
            return await self._end_device(command, record)
        devices = await self._people.devices(command.sender.user_id)
        await self._api.run_db_interaction("belisha_act_done", record.settle)
        # Told once and kept nowhere: a repeated call has to be asked anew.
        return record.outcome | {"devices": devices}

    async def _end_device(self, command: Command, record: Record) -> Json:
        user_id, device_id = command.sender.user_id, str(command.asked.arguments["device"])
        await self._api.run_db_interaction("belisha_act", record.not_ended)
        if not await self._people.end_session(user_id, device_id):
            raise refused(_NO_DEVICE)

        def settle(txn: LoggingTransaction) -> Json:
            self._audit.append(txn, user_id, kind="act", what="session", phase="done", rule="M1")
            return record.done(txn)

        outcome: Json = await self._api.run_db_interaction("belisha_device_ended", settle)
        return outcome

    async def _leave(self, command: Command, record: Record) -> Json:
        """Removes the member from the registry; sessions, rooms and account follow from that, as from any removal."""

        def decide(txn: LoggingTransaction, known: Known) -> tuple[Member]:
            record.not_ended(txn)
            asker = known.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            before = known.members[asker.localpart]
            after = before._replace(standing=Standing.REMOVED, frozen_by=None)
            is_last = known.leaves_no_manager(known._replace(members={**known.members, after.localpart: after}))
            address = str(command.asked.arguments["member"])
            raise_if_refused(decide_leaving(asker, address, is_last_manager=is_last))
            record.settle(txn)
            return (after,)

        await self._registry.change_as_decided(decide)
        await self._rights.carry_out(command.sender.localpart)
        return record.outcome


_NO_DEVICE: Final = refuse(
    "M1",
    "NO_DEVICE",
    "You have no device of that id, or it is signed out already. Write !devices to see which you have.",
)
