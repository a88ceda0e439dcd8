"""Acts that take a member or a whole organisation out of the community (rules M1 and P3).

One transaction makes them removed, writes down how the command ended and asks for a review of each of them. So they may
do nothing from then on, and what takes longer goes on after a crash (`rights.py`).
"""

from __future__ import annotations

import time
from typing import Final

from synapse.module_api import LoggingTransaction

from belisha.policy.acts import freezes_as
from belisha.policy.people import Person
from synapse_modules import moderation_tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.moderation_tables import Entry
from synapse_modules.offboarding import Leaving, Offboarding
from synapse_modules.parts import Parts
from synapse_modules.registry_tables import Known, Member, Organisation

#: The place of each act that says whom it is about.
ABOUT: Final = {"member_offboard": "member", "organisation_offboard": "organisation"}


class OffboardingActs:
    """Takes people out."""

    acts = tuple(ABOUT)

    def __init__(self, parts: Parts) -> None:
        self._api = parts.api
        self._offboarding = Offboarding(parts)
        self._registry = parts.registry
        self._rights = parts.rights
        self._rooms = parts.rooms

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended, and how many memberships are `left` to be ended.

        What is left is known at this moment only, so it is not kept: asked again, the end is told without it.
        """
        act = str(command.asked.command.act)
        about = command.asked.arguments[ABOUT[act]]
        founding = await self._rooms.founding_rooms()
        told: list[tuple[Leaving, Json]] = []

        def decide(txn: LoggingTransaction, known: Known) -> tuple[Member | Organisation, ...]:
            record.not_ended(txn)
            asker = known.person(command.sender.user_id)
            leaving = self._offboarding.decided(command.asked.command, asker, about, known)
            if leaving.organisation is None:
                self._note(txn, command, asker, leaving.members[0])
            extent = self._offboarding.counted(txn, leaving, founding)
            told.append((leaving, record.done(txn, **extent._asdict())))
            return tuple(leaving.changed)

        await self._registry.change_as_decided(decide)
        leaving, outcome = told[-1]
        await self._rights.carry_out(None if leaving.organisation is not None else leaving.members[0].localpart)
        left = await self._api.run_db_interaction("belisha_left", self._offboarding.counted, leaving, founding)
        return {**outcome, "left": left.memberships}

    @staticmethod
    def _note(txn: LoggingTransaction, command: Command, asker: Person, member: Member) -> None:
        """Writes it into the log of what was done to a member; of an organisation the audit log alone tells."""
        role = freezes_as(command.asked.command, asker, member.organisation)
        entry = Entry(
            command.events[0], "offboard", member.localpart, asker.localpart, str(role), None, int(time.time()),
            place=command.place,
        )  # fmt: skip
        moderation_tables.add(txn, entry)
