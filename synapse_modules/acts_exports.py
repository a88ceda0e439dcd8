"""Acts about copies of what is held about a member: made for oneself, or for who asked in writing (P2 and P3)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from synapse.module_api import LoggingTransaction

from belisha.acts.exports import EXPORT_ACTS
from belisha.policy import exports as policy
from belisha.policy.membership import decide_standing
from synapse_modules import export_tables as tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.export_tables import Row
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused
from synapse_modules.registry_tables import Known, read_all


class ExportActs:
    """What commands do about copies."""

    acts = tuple(str(act.act) for act in EXPORT_ACTS)

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._registry = parts.registry
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        asker = command.sender
        subject = self._registry.address(str(command.asked.arguments.get("member", asker.user_id)))
        now = int(self._clock())

        def write(txn: LoggingTransaction) -> Json:
            record.not_ended(txn)
            known = Known(*read_all(txn))
            person, about = known.person(asker.user_id), known.person(subject)
            raise_if_refused(decide_standing(person))
            member = known.members.get(about.localpart)
            is_ours = self._registry.user_id(about.localpart) == subject
            before = tables.of_member(txn, about.localpart)
            raise_if_refused(
                policy.decide_export(
                    person,
                    about,
                    is_there=is_ours and tables.is_there(txn, subject, member),
                    under_way=any(one.state == policy.COLLECTING for one in before),
                    today=sum(now - one.at < policy.A_DAY_S for one in before),
                )
            )
            position = tables.last_position(txn)
            row = Row(
                secrets.token_hex(8),
                about.localpart,
                asker.localpart,
                now,
                policy.COLLECTING,
                0,
                "",
                position,
                bots=False,
            )
            tables.add(txn, row)
            self._audit.append(txn, asker.user_id, kind="act", what="copy made", phase="done", rule="P2", item=row.id)
            if about.user_id != asker.user_id:
                self._audit.append(
                    txn, about.user_id, kind="act", what="copy made of", phase="done", rule="P2", item=row.id
                )
            own_room = None if member is None else member.service_room
            return record.done(txn, export=row.id, member=about.user_id, own_room=own_room, belongs=about.belongs)

        outcome: Json = await self._api.run_db_interaction("belisha_export_make", write)
        return outcome
