"""Carries out what a member asks for by a command, once (rule P3): a bot only says where the command stands.

How a command ended is written down in the same transaction as what it changed. So a call that is repeated, after a
crash too, finds how it ended, or that it has not been carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

from synapse.module_api import LoggingTransaction
from synapse.module_api.errors import SynapseError

from synapse_modules.acts_announcements import AnnouncementActs
from synapse_modules.acts_documents import DocumentActs
from synapse_modules.acts_exports import ExportActs
from synapse_modules.acts_groups import GroupActs, GroupChangeActs
from synapse_modules.acts_holds import HoldActs
from synapse_modules.acts_introductions import IntroductionActs
from synapse_modules.acts_invitations import InvitationActs
from synapse_modules.acts_items import ItemActs
from synapse_modules.acts_kept import Ended, Json, Record, answer
from synapse_modules.acts_members import MembersActs
from synapse_modules.acts_memberships import MembershipActs
from synapse_modules.acts_moderation import ModerationActs
from synapse_modules.acts_offboarding import OffboardingActs
from synapse_modules.acts_people import PeopleActs
from synapse_modules.acts_polls import PollActs
from synapse_modules.acts_recovery import RecoveryActs
from synapse_modules.acts_reports import ReportActs
from synapse_modules.acts_rooms import RoomActs
from synapse_modules.acts_self import SelfActs
from synapse_modules.acts_waiting import WaitingActs
from synapse_modules.api_names import NamesOfOutcomes
from synapse_modules.command_events import Command, CommandEvents
from synapse_modules.event_check import EventCheck
from synapse_modules.locks import BEING_CHANGED
from synapse_modules.parts import Parts
from synapse_modules.refusal import PREFIX, malformed, not_found
from synapse_modules.shown_organisations import FigureActs

#: Refusals that say nothing of the command, only of this moment: the same call may end otherwise later.
_PASSING: Final = frozenset({f"{PREFIX}{BEING_CHANGED.code}", f"{PREFIX}CANNOT_DECIDE"})


class Carries(Protocol):
    """Whoever carries out some acts."""

    @property
    def acts(self) -> tuple[str, ...]:
        """Which."""

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended, which `record` has then.

        Raises:
            Ended: it was carried out meanwhile.
            SynapseError: 403 with the reason.
        """


class Acts:
    """Proves commands, has them carried out, and keeps how they ended."""

    def __init__(self, parts: Parts, check: EventCheck, portal: str) -> None:
        self._api = parts.api
        self.commands = CommandEvents(parts.api, parts.hooks, parts.registry)
        self._names = NamesOfOutcomes(parts.registry, parts.reports)
        self._invitations = InvitationActs(parts)
        carriers: tuple[Carries, ...] = (
            RoomActs(parts),
            PeopleActs(parts),
            OffboardingActs(parts),
            MembersActs(parts),
            self._invitations,
            GroupActs(parts),
            GroupChangeActs(parts),
            MembershipActs(parts),
            ItemActs(parts, check),
            ModerationActs(parts),
            ReportActs(parts),
            AnnouncementActs(parts),
            PollActs(parts, portal),
            SelfActs(parts),
            WaitingActs(parts),
            RecoveryActs(parts),
            IntroductionActs(parts),
            ExportActs(parts),
            DocumentActs(parts),
            FigureActs(parts),
            HoldActs(parts),
        )
        self._carriers = {act: carrier for carrier in carriers for act in carrier.acts}

    async def carry_out(self, bot: str, body: Mapping[str, Any]) -> Json:
        """Carries out the command that `body` names (`room_id`, `event_id`, `act`, `arguments`), or says how it ended.

        Raises:
            SynapseError: 400 for what no bot of ours sends, 403 with the reason, 404 for a room that is none of its.
        """
        room_id, event_id, act = (body.get(key) for key in ("room_id", "event_id", "act"))
        if not (isinstance(room_id, str) and isinstance(event_id, str) and isinstance(act, str)):
            raise malformed("`room_id`, `event_id` and `act` are texts.")
        room = await self.commands.room_with(room_id, bot)
        if room is None:
            raise not_found()
        known = Record((event_id,), room_id, act)
        outcome: Json | None = await self._api.run_db_interaction("belisha_act", known.found)
        if outcome is None:
            command = await self.commands.prove(bot, room_id, room, event_id, act, body.get("arguments"))
            outcome = await self._outcome(command, Record(command.events, room_id, act))
        else:
            outcome = await self._invitations.again(event_id, outcome)
        told = answer(outcome)
        names = await self._names.beside(told, body.get("arguments"))
        return {**told, "names": names} if names else told

    async def _outcome(self, command: Command, record: Record) -> Json:
        try:
            await self._api.run_db_interaction("belisha_act", record.not_ended)
            return await self._carriers[str(command.asked.command.act)].carry_out(command, record)
        except Ended as ended:
            return ended.outcome
        except SynapseError as error:
            if error.code != HTTPStatus.FORBIDDEN or error.errcode in _PASSING:
                raise
            kept = error

            def refuse(txn: LoggingTransaction) -> Json:
                return record.refused(txn, kept)

            outcome: Json = await self._api.run_db_interaction("belisha_act_refused", refuse)
            return outcome
