"""Binds an account that belongs to no organisation to one, on the word of who vouches for it (rules M2 and M3)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.people import Standing
from synapse_modules import recertification_tables
from synapse_modules import registry_tables as tables
from synapse_modules.registry import Member, Registry
from synapse_modules.registry_errors import RegistryError
from synapse_modules.registry_tables import Known

#: Decides once more, and writes what goes with it, in the transaction that binds.
Settle = Callable[[LoggingTransaction, Known], Any]


async def bind(api: ModuleApi, registry: Registry, member: Member, settle: Settle) -> None:
    """Makes a member of an account, and has its rooms made in the background.

    Args:
        api: the module's.
        registry: where it is bound.
        member: new, or one whose organisation was taken out of the community.
        settle: done in the same transaction; where it raises, nobody is bound.

    Raises:
        RegistryError: with a sentence, where it cannot be so.
    """

    async def attempt() -> None:
        found, read = (await registry.organisations()).get(member.organisation), registry.revision
        registry.check_member(member)
        if found is None or found.standing is not Standing.ACTIVE:
            raise RegistryError("There is no such organisation, or it is frozen.")

        def both(txn: LoggingTransaction) -> None:
            tables.raise_revision(txn, read)
            known = Known(*tables.read_all(txn))
            settle(txn, known)  # first: who was too late is told that
            before = known.members.get(member.localpart)
            was_ended = before is not None and before.standing is not Standing.ACTIVE
            if was_ended or known.person(registry.user_id(member.localpart)).organisation is not None:
                raise RegistryError("This account is a member already, or cannot become one any more.")
            tables.put_member(txn, member)
            recertification_tables.confirm(txn, [member.localpart], int(time.time() // 86_400))
            tables.ask_for_review(txn, [member.localpart])

        await api.run_db_interaction("belisha_bind", both)
        registry.look_again()

    await registry.settled(attempt)
