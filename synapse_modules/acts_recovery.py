"""The act by which a lead gives an account back to a member who has lost the password (rules M2 and P3).

The code is told once, and kept nowhere: what is kept of the act says until when it holds. Where that answer was lost in
a crash, the code has been seen by nobody, and the next one ends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from synapse.module_api import LoggingTransaction

from belisha.acts.recovery import RECOVERY_ACTS
from belisha.policy.membership import decide_standing
from belisha.policy.people import Standing
from belisha.policy.recovery import HOLDS_S, shown_code
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.parts import Parts
from synapse_modules.recovery import NO_MEMBER
from synapse_modules.recovery_tables import Recovery
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry_tables import Known


class RecoveryActs:
    """What commands do about lost passwords."""

    acts = tuple(str(act.act) for act in RECOVERY_ACTS)

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._registry = parts.registry
        self._recoveries = parts.recoveries
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended, with the code."""
        user_id = self._registry.address(command.asked.arguments["member"])
        localpart = user_id[1:].partition(":")[0]
        code, code_hash = self._recoveries.new_code()
        told: list[Json] = []

        def decide(txn: LoggingTransaction, known: Known) -> tuple[()]:
            record.not_ended(txn)
            raise_if_refused(decide_standing(known.person(command.sender.user_id)))
            member = known.members.get(localpart)
            if member is None or member.standing is Standing.REMOVED or self._registry.user_id(localpart) != user_id:
                raise refused(NO_MEMBER)
            self._recoveries.decide(known, command.sender.user_id, member)
            now = int(self._clock())
            one = Recovery(command.events[0], localpart, code_hash, command.sender.localpart, now, now + HOLDS_S)
            self._recoveries.begin(txn, one)
            told.append(record.done(txn, member=f"@{localpart}", expires=one.expires))
            return ()

        await self._registry.change_as_decided(decide)
        await self._recoveries.catch_up()
        return {**told[-1], "code": shown_code(code)}
