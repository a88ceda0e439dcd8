"""Acts about who waits to be let in: asking, listing, letting in and turning away (rules M1, M2, P2 and P3).

Of two who decide at once one is told that the other was quicker: how it ended is written in the transaction that looks
whether it had. Who is let into an organisation is bound to it in that same transaction (rule M2).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from synapse.module_api import LoggingTransaction

from belisha.acts.cards import shows
from belisha.acts.waiting import LET_IN, TURN_AWAY, WAITING_ACTS, WAITING_KEY
from belisha.commands.declaration import GROUPS
from belisha.policy import waiting as policy
from belisha.policy.decision import refuse
from belisha.policy.frozen import FROZEN_GROUP
from belisha.policy.membership import decide_membership, decide_standing
from belisha.policy.names import name_from
from belisha.policy.people import Person
from belisha.policy.reasons import decide_reason
from belisha.policy.rooms import Kind
from belisha.policy.waiting import KNOCK, SIGN_UP, closed_by, decide_asking_in, decide_waiting
from synapse_modules import waiting_tables as tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.binding import bind
from synapse_modules.command_events import Command
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry import Member
from synapse_modules.registry_errors import RegistryError
from synapse_modules.registry_tables import Known, read_all
from synapse_modules.waiting_tables import Row

#: How many one answer names.
SHOWN: Final = 50
#: What of the facts are names of people, groups and organisations.
_NAMES: Final = frozenset({"name", "room_name", "organisation_name"})


class WaitingActs:
    """What commands, and taps on cards, do about who waits."""

    acts = tuple(str(act.act) for act in WAITING_ACTS)

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._hooks = parts.hooks
        self._markers = parts.about.markers
        self._policies = parts.policies
        self._registry = parts.registry
        self._rights = parts.rights
        self._rooms = parts.rooms
        self._waiting = parts.waiting
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        act = str(command.asked.command.act)
        if act == "ask_in":
            return await self._ask(command, record)
        await self._waiting.refresh()
        if act == "queue":
            found = [row for row in await self._all() if await self._may(command.sender, row)]
            shown = [await self._waiting.facts(row) for row in found[:SHOWN]]
            return {**record.outcome, "count": len(found), "waiting": shown}
        reason = command.asked.arguments.get("reason")
        if reason is not None:
            raise_if_refused(decide_reason(reason, self._markers))
        row = await self._of(command)
        ended = policy.LET_IN if act == "let_in" else policy.TURNED_AWAY
        if row.sort == SIGN_UP and ended == policy.LET_IN:
            outcome = await self._bind(command, record, row)
        else:
            outcome = await self._end(command, record, row, ended)
            if row.sort == KNOCK:
                await self._waiting.carry_out(row._replace(ended=ended), reason)
        return outcome

    # --- Asking ------------------------------------------------------------------------------------------------

    async def _ask(self, command: Command, record: Record) -> Json:
        arguments, asker = command.asked.arguments, command.sender
        if not decide_reason(arguments["text"], self._markers).allowed:
            raise refused(_NOT_FIT)
        now = int(self._clock())
        row = Row(command.events[0], SIGN_UP, asker.localpart, command.room_id, str(arguments["organisation"]), now)

        def write(txn: LoggingTransaction) -> Json:
            record.not_ended(txn)
            asked = tables.asked_since(txn, asker.localpart, now - policy.OVER_S)
            person = Known(*read_all(txn)).person(asker.user_id)
            is_waiting = any(one.ended is None for one in asked)
            raise_if_refused(decide_asking_in(person, is_waiting=is_waiting, asked=len(asked)))
            # Of an organisation that there is not, nobody is told; who asks learns of neither.
            tables.add(txn, row)
            self._audit.append(txn, asker.user_id, kind="act", what="ask in", phase="done", rule="M1")
            return record.done(txn, until=now + policy.OVER_S)

        outcome: Json = await self._api.run_db_interaction("belisha_ask_in", write)
        return outcome

    # --- Finding -----------------------------------------------------------------------------------------------

    async def _all(self) -> list[Row]:
        found: list[Row] = await self._api.run_db_interaction("belisha_waiting", tables.waiting)
        return found

    async def _may(self, asker: Person, row: Row) -> bool:
        return decide_waiting(asker, row.wait, await self._waiting.power(asker, row)).allowed

    async def _of(self, command: Command) -> Row:
        """Who a command is about: the member whom it names, or the card that it answers or taps.

        Raises:
            SynapseError: 403 where nobody waits whom the asker may decide about, or it is not clear which.
        """
        address = command.asked.arguments.get("member")
        rows = await self._named(command, address) if address is not None else await self._on_card(command)
        theirs = [row for row in rows if await self._may(command.sender, row)]
        waits = [row for row in theirs if row.ended is None]
        if len(waits) > 1:
            raise refused(_WHICH)
        if not waits and theirs:
            raise refused(closed_by(str(theirs[0].ended), theirs[0].by))
        if not waits:
            own = [row for row in rows if row.localpart == command.sender.localpart]
            raise refused(_NOBODY if not own else decide_waiting(command.sender, own[0].wait, 0))
        return waits[0]

    async def _named(self, command: Command, address: str) -> list[Row]:
        user_id = self._registry.address(address)
        localpart = user_id[1:].partition(":")[0]
        if self._registry.user_id(localpart) != user_id:
            return []
        rows: list[Row] = await self._api.run_db_interaction(
            "belisha_waiting_of", tables.of_member, localpart, int(self._clock()) - policy.LATE_S
        )
        group = command.asked.arguments.get("group")
        if group is None:  # written in a group, it is about that one; others are no business of who reads it there
            return rows if command.room.kind not in GROUPS else [row for row in rows if row.room_id == command.room_id]
        room_id = await self._rooms.named(group)
        return [row for row in rows if row.sort == KNOCK and row.room_id == room_id]

    async def _on_card(self, command: Command) -> list[Row]:
        """Whom the steward's own message tells of that is answered: by what it says under its key and in its words."""
        card = await self._hooks.event(str(command.target))
        if card is None or (card.sender, card.room_id) != (self._rooms.steward, command.room_id):
            return []
        told = card.content.get(WAITING_KEY)
        row_id = told.get("id") if isinstance(told, Mapping) else None
        if not isinstance(row_id, str) or "\0" in row_id:
            return []
        row: Row | None = await self._api.run_db_interaction("belisha_waiting_by_id", tables.by_id, row_id)
        group = None if row is None or row.sort != KNOCK else row.room_id
        asked = LET_IN if command.asked.command is LET_IN else TURN_AWAY
        # A card that showed another than it names would have somebody let in whom nobody saw (rule P3).
        if row is None or not shows(card.content, asked, row.localpart, group):
            return []
        # What has ended is edited by the bot; of what still waits, clients would show other words than these.
        is_edited = row.ended is None and await self._hooks.newest_edit(card.event_id) is not None
        return [] if is_edited else [row]

    # --- Deciding ----------------------------------------------------------------------------------------------

    async def _end(self, command: Command, record: Record, row: Row, ended: str) -> Json:
        """Writes down that somebody is let into a group, or turned away."""
        if row.sort == KNOCK:
            await self._rooms.check_mute(command.sender.user_id, row.room_id, Kind.CLOSED)
        if ended == policy.LET_IN:
            person = await self._registry.person(self._registry.user_id(row.localpart))
            room = await self._policies.read(row.room_id)
            if room.frozen:
                raise refused(FROZEN_GROUP)
            raise_if_refused(
                decide_membership(
                    room, person, "invite", sender_id=self._rooms.steward, named=frozenset(), present=frozenset()
                )
            )
        power = await self._waiting.power(command.sender, row)
        outcomes: list[Json] = []
        facts = await self._waiting.facts(row, shows=False)

        def decide(txn: LoggingTransaction, known: Known) -> tuple[()]:
            asker = known.person(command.sender.user_id)
            outcomes.append(self._settle(txn, asker, command, record, row, ended, power, facts))
            return ()

        await self._registry.change_as_decided(decide)
        return outcomes[-1]

    async def _bind(self, command: Command, record: Record, row: Row) -> Json:
        """Makes an account a member of the organisation that it asked."""
        name = str(command.asked.arguments.get("name") or name_from(row.localpart))
        member = Member(row.localpart, str(row.organisation), name, ("member",))
        outcomes: list[Json] = []
        facts = await self._waiting.facts(row, shows=False)

        def settle(txn: LoggingTransaction, known: Known) -> None:
            asker = known.person(command.sender.user_id)
            outcomes.append(self._settle(txn, asker, command, record, row, policy.LET_IN, 0, facts))

        try:
            await bind(self._api, self._registry, member, settle)
        except RegistryError as error:
            raise refused(refuse("M3", "NAME", f"{error} To give another name, add --name.")) from None
        await self._rights.carry_out(row.localpart)
        return outcomes[-1]

    def _settle(
        self,
        txn: LoggingTransaction,
        asker: Person,
        command: Command,
        record: Record,
        row: Row,
        ended: str,
        power: int,
        facts: Json,
    ) -> Json:
        """Decides once more, with what was done until now, and writes down how it ended."""
        record.not_ended(txn)
        raise_if_refused(decide_standing(asker))
        raise_if_refused(decide_waiting(asker, row.wait, power))
        now, command_id = int(self._clock()), command.events[0]
        is_knock = row.sort == KNOCK
        if not tables.end(txn, row, ended, now, by=asker.localpart, command=command_id, pending=is_knock):
            late = tables.by_id(txn, row.id)
            raise refused(closed_by(str(late.ended if late else ""), late.by if late else None))
        who = self._registry.user_id(row.localpart)
        what = "let in" if ended == policy.LET_IN else "turn away"
        about = {"room": row.room_id} if is_knock else {"organisation": str(row.organisation)}
        self._audit.append(txn, asker.user_id, kind="act", what=what, phase="done", rule="M1", item=row.id, **about)
        self._audit.append(txn, who, kind="act", what=ended, phase="done", rule="M1", item=row.id, **about)
        told = {**facts, "ended": ended, "by": asker.localpart, "by_command": True}
        # Names are told and not kept (rule E1): what outlives the command has ids alone.
        return {**told, **record.done(txn, **{key: value for key, value in told.items() if key not in _NAMES})}


_NOBODY: Final = refuse(
    "M1",
    "NOBODY_WAITS",
    "Nobody waits there whom you could let in. Please look at the list that !queue shows.",
)
_NOT_FIT: Final = refuse("R3", "NOT_PUBLIC", "Please say who you are in at most 500 characters, and without a label.")
_WHICH: Final = refuse(
    "M1", "WHICH", "They wait for more than one thing. Please say for which group, with --group and its address."
)
