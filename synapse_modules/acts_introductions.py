"""Acts about introductions: asking for one, and agreeing to it (rules M1, P1, P2 and P3).

Whoever agrees second makes the room, in their own name, by the same way as `!red`: which yes that is stands in the row
before anything is made, so two at the same moment make one room, and a crash makes no second one. A bot is told that
there is a room, and not which.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from synapse.module_api import LoggingTransaction
from synapse.module_api.errors import SynapseError

from belisha.acts.introductions import AGREE, INTRODUCTION_ACTS
from belisha.policy import introductions as policy
from belisha.policy.contact import DirectChats
from belisha.policy.decision import refuse
from belisha.policy.membership import decide_standing
from belisha.policy.people import Person
from belisha.policy.reasons import decide_reason
from belisha.policy.rooms import Kind
from synapse_modules import introduction_tables as tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.introduction_tables import Row
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry_tables import Known, read_all


class IntroductionActs:
    """What commands do about introductions."""

    acts = tuple(str(act.act) for act in INTRODUCTION_ACTS)

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._introductions = parts.introductions
        self._makings = parts.makings
        self._markers = parts.about.markers
        self._registry = parts.registry
        self._rooms = parts.rooms
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        # What others are shown, and a room, are not for who is muted everywhere.
        await self._rooms.check_mute(command.sender.user_id, None, Kind.NAMED)
        if await self._registry.direct_chats(command.sender.localpart) is DirectChats.NOBODY:
            raise refused(_TAKES_NONE)
        if command.asked.command is AGREE:
            return await self._agree(command, record)
        return await self._ask(command, record)

    # --- Asking --------------------------------------------------------------------------------------------------

    async def _ask(self, command: Command, record: Record) -> Json:
        asker, arguments = command.sender, command.asked.arguments
        raise_if_refused(decide_reason(arguments["why"], self._markers))
        named = {self._registry.address(address) for address in arguments["members"]}
        people = named | {asker.user_id} if len(named) == 1 else named
        one, other = (*sorted(user_id[1:].partition(":")[0] for user_id in people), "", "")[:2]
        now = int(self._clock())
        row = Row(
            secrets.token_hex(6),
            command.events[-1],
            command.events[0],
            asker.localpart,
            one,
            other,
            now,
            one_agrees=one == asker.localpart,
            other_agrees=other == asker.localpart,
        )

        def write(txn: LoggingTransaction) -> Json:
            record.not_ended(txn)
            known = Known(*read_all(txn))
            earlier = tables.asked_since(txn, asker.localpart, now - policy.AGAIN_S)
            raise_if_refused(
                policy.decide_introducing(
                    known.person(asker.user_id),
                    [known.person(user_id) for user_id in people],
                    today=sum(now - before.at < policy.A_DAY_S for before in earlier),
                    asked_already=any(before.people == row.people for before in earlier),
                )
            )
            tables.add(txn, row)
            self._audit.append(txn, asker.user_id, kind="act", what="introduce", phase="done", rule="M1", item=row.id)
            return record.done(txn, until=now + policy.OVER_S)

        outcome: Json = await self._api.run_db_interaction("belisha_introducing_ask", write)
        return outcome

    # --- Agreeing ------------------------------------------------------------------------------------------------

    async def _agree(self, command: Command, record: Record) -> Json:
        row_id, sender = str(command.asked.arguments["introduction"]), command.sender
        row: Row | None = await self._api.run_db_interaction("belisha_introducing_by_id", tables.by_id, row_id)
        # Of introductions of others nothing is told, not even that there are any.
        if row is None or sender.localpart not in row.people:
            raise refused(policy.NOT_OPEN)
        other, yes = row.but(sender.localpart), record.events[-1]
        open_to_all = await self._introductions.is_open_to(other, row)
        has_words = await self._introductions.words(row) is not None

        def write(txn: LoggingTransaction) -> Json | None:
            record.not_ended(txn)
            known, now = Known(*read_all(txn)), int(self._clock())
            found = tables.by_id(txn, row_id)
            raise_if_refused(decide_standing(known.person(sender.user_id)))
            if found is not None and found.opener == yes:
                return None  # a crash came in between: the room is gone on with
            if found is None or not has_words or not self._still_waits(found, known, now):
                raise refused(policy.NOT_OPEN)
            tables.agree(txn, found, sender.localpart)
            self._audit.append(
                txn, sender.user_id, kind="act", what="introduction agreed", phase="done", rule="M1", item=row_id
            )
            # Who wants nobody by now is as silent as who has said no.
            if found.agrees(other) and found.opener is None and open_to_all:
                tables.begin_opening(txn, found, yes, now)
                return None
            return record.done(txn, opened=False)

        outcome: Json | None = await self._api.run_db_interaction("belisha_introducing_agree", write)
        if outcome is not None:
            return outcome
        return await self._open(row, sender, record)

    def _still_waits(self, row: Row, known: Known, now: int) -> bool:
        people = [known.person(self._registry.user_id(one)) for one in (row.asker, *row.people)]
        is_late = now - row.at >= policy.OVER_S
        return row.ended is None and not is_late and all(one.belongs for one in people)

    async def _open(self, row: Row, sender: Person, record: Record) -> Json:
        """Makes the room of both, in the name of whoever agreed second."""
        invited = [self._registry.user_id(row.but(sender.localpart))]
        config = {"preset": "trusted_private_chat", "is_direct": True, "invite": invited}
        try:
            return await self._makings.make(sender.user_id, record, config)
        except SynapseError as error:
            if error.code == HTTPStatus.FORBIDDEN:
                await self._api.run_db_interaction(
                    "belisha_introducing_not_opened", tables.not_opened, row, sender.localpart
                )
            raise


_TAKES_NONE: Final = refuse(
    "M1",
    "TAKES_NONE",
    "You have chosen that nobody writes to you directly. To meet somebody, choose !direct-chats introductions first.",
)
