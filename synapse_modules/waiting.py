"""Who waits to be let in, as it is at this moment: knocks on closed groups, and accounts that ask an organisation (M1).

A bot says that something may have changed, and is told what waits, whom to tell, and what has ended (`turn`). What is
late and what is over follows from this server's clock and its own rows, as with recertification.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from synapse.event_auth import get_user_power_level
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha import acts
from belisha.acts.waiting import ASK_IN
from belisha.commands.reading import Asked
from belisha.commands.spoken import spoken
from belisha.policy import waiting as policy
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person, Standing
from belisha.policy.rooms import Kind
from belisha.policy.state import MAINTAINER_POWER
from belisha.policy.waiting import KNOCK, SIGN_UP
from synapse_modules import waiting_tables as tables
from synapse_modules.hooks import Hooks
from synapse_modules.refusal import FAILURES, where
from synapse_modules.registry import Member, Registry
from synapse_modules.rooms import Rooms
from synapse_modules.snapshot import POWER_STATE, room_of, text_in
from synapse_modules.waiting_tables import Row

logger = logging.getLogger(__name__)

Json = dict[str, Any]

_LOCK: Final = "belisha_waiting"
_STATE: Final = [(POLICY_TYPE, ""), ("m.room.encryption", ""), ("m.room.name", ""), *POWER_STATE]
#: What the end of a row makes of a membership in Matrix.
_ACTIONS: Final = {policy.LET_IN: "invite"}


class Waiting:
    """Reads who waits, brings the rows into line with Synapse's memberships, and does in Matrix what was decided."""

    def __init__(
        self, api: ModuleApi, hooks: Hooks, registry: Registry, rooms: Rooms, clock: Callable[[], float] = time.time
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rooms = rooms
        self._clock = clock

    # --- What bots are told ------------------------------------------------------------------------------------

    async def turn(self) -> Json:
        """What waits with whom to tell of it, and what has ended in the last two weeks."""
        await self.refresh()
        now = int(self._clock())
        waits: list[Row] = await self._api.run_db_interaction("belisha_waiting", tables.waiting)
        ended: list[Row] = await self._api.run_db_interaction(
            "belisha_waiting_ended", tables.ended_since, now - policy.OVER_S
        )
        told = [await self.facts(row) | {"tell": await self._rooms_to_tell(row)} for row in waits]
        return {"waiting": told, "ended": [await self.facts(row, shows=False) for row in ended]}

    async def facts(self, row: Row, *, shows: bool = True) -> Json:
        """What whoever decides about it is told; `shows` also what the account wrote of itself."""
        now = self._clock()
        members, organisations = await self._registry.members(), await self._registry.organisations()
        member = members.get(row.localpart)
        own = row.room_id if row.sort == SIGN_UP else None if member is None else member.service_room
        known: Json = {
            "id": row.id,
            "sort": row.sort,
            "member": f"@{row.localpart}",
            "at": row.at,
            "late": now - row.at >= policy.LATE_S,
            "until": row.at + policy.OVER_S,
            "ended": row.ended,
            "by": row.by,
            "by_command": row.command is not None,
            "own_room": own,
        }
        if row.sort == KNOCK:
            state = await self._api.get_room_state(row.room_id, _STATE)
            known |= {"room_id": row.room_id, "room_name": text_in(state, "m.room.name", "name")}
            known["name"] = self._registry.display_name(member) if member is not None else ""
        else:
            found = organisations.get(str(row.organisation))
            known |= {"organisation": row.organisation, "organisation_name": found.name if found else row.organisation}
            if shows:
                known["words"] = _words(await self._api.run_db_interaction("belisha_asked", tables.words_of, row))
        return known

    async def doors_of(self, person: Person, member: Member) -> list[Json]:
        """How many wait for this member's decision at this moment, at which door; nobody is named."""
        counts: dict[tuple[bool, str], int] = {}
        stewards = await self._rooms.stewards_room()
        for row in await self._open():
            told, is_sign_up = await self._rooms_to_tell(row), row.sort == SIGN_UP
            # Where an organisation has no lead, its stewards' room is told; a knock is each maintainer's own.
            is_stewards = is_sign_up and stewards in told and "steward" in person.roles
            if row.localpart == member.localpart or not (is_stewards or member.service_room in told):
                continue
            known = await self.facts(row, shows=False)
            key = (is_sign_up, str(known.get("organisation_name") or known.get("room_name") or ""))
            counts[key] = counts.get(key, 0) + 1
        return [
            {"name": name, "organisation": is_sign_up, "count": count}
            for (is_sign_up, name), count in sorted(counts.items())
        ]

    async def _rooms_to_tell(self, row: Row) -> list[str]:
        """The rooms of who decides: each maintainer's or lead's own, and the stewards'; nobody's else."""
        active = (await self._registry.active_members()).values()
        stewards = await self._rooms.stewards_room()
        if row.sort == KNOCK:
            state = await self._api.get_room_state(row.room_id, POWER_STATE)
            there = await self._hooks.joined(row.room_id)
            power = {
                one.localpart: get_user_power_level(user_id, state)
                for one in active
                if (user_id := self._registry.user_id(one.localpart)) in there
            }
            deciding = [one for one in active if power.get(one.localpart, 0) >= MAINTAINER_POWER]
            return [*_own(deciding, row), stewards]
        found = (await self._registry.organisations()).get(str(row.organisation))
        if found is None or found.standing is not Standing.ACTIVE:
            return []
        leads = _own((one for one in active if one.organisation == found.id and "lead" in one.roles), row)
        return leads or [stewards]

    async def power(self, asker: Person, row: Row) -> int:
        """The asker's power in the group of a knock, while they are in it."""
        if row.sort != KNOCK or asker.user_id not in await self._hooks.joined(row.room_id):
            return 0
        return int(get_user_power_level(asker.user_id, await self._api.get_room_state(row.room_id, POWER_STATE)))

    # --- The rows ----------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Brings the rows into line: new knocks, what was decided in a client, who is gone, and what is over."""
        self._registry.look_again()
        people = {row.localpart: await self._person(row.localpart) for row in await self._open()}
        knocks = await self._api.run_db_interaction("belisha_knocks", tables.knocks)
        counted = [(knock, await self._counts(knock)) for knock in knocks]
        await self._api.run_db_interaction("belisha_waiting_refresh", self._bring_into_line, counted, people)
        await self.catch_up()

    async def _open(self) -> list[Row]:
        found: list[Row] = await self._api.run_db_interaction("belisha_waiting", tables.waiting)
        return found

    async def _person(self, localpart: str) -> Person:
        return await self._registry.person(self._registry.user_id(localpart))

    async def _counts(self, knock: tables.Knock) -> bool:
        room = room_of(await self._api.get_room_state(knock.room_id, [(POLICY_TYPE, ""), ("m.room.encryption", "")]))
        is_open = room is not None and room.kind is Kind.CLOSED and not (room.archived or room.replaced)
        return is_open and (await self._registry.person(knock.user_id)).belongs

    def _bring_into_line(
        self, txn: LoggingTransaction, counted: list[tuple[tables.Knock, bool]], people: dict[str, Person]
    ) -> None:
        """Ends and makes rows by the knocks that were looked at before, each with whether it counts.

        Another process may have made a row since then, of a knock that was not looked at: that one waits on, since an
        ended row never comes back.
        """
        now, counts = int(self._clock()), {knock.event_id: does for knock, does in counted}
        waits = tables.waiting(txn)
        still, redacted = {knock.event_id for knock in tables.knocks(txn)}, tables.taken_back(txn)
        for row in waits:
            if row.sort == KNOCK and (row.id not in still or not counts.get(row.id, True)):
                self._end_knock(txn, row, now, knocks=row.id in still)
            elif row.id in redacted:
                tables.end(txn, row, policy.TAKEN_BACK, now)
            elif row.sort == SIGN_UP and row.localpart in people and people[row.localpart].organisation is not None:
                is_theirs = people[row.localpart].organisation == row.organisation
                tables.end(txn, row, policy.LET_IN if is_theirs else policy.GONE, now)
            elif row.localpart in people and people[row.localpart].frozen:
                tables.end(txn, row, policy.GONE, now)
            elif now - row.at >= policy.OVER_S:
                tables.end(txn, row, policy.OVER, now, pending=row.sort == KNOCK)
        for knock in (knock for knock, does in counted if does and knock.event_id in still):
            tables.add(txn, Row(knock.event_id, KNOCK, _localpart(knock.user_id), knock.room_id, None, knock.at))

    def _end_knock(self, txn: LoggingTransaction, row: Row, now: int, *, knocks: bool) -> None:
        """Ends a knock that is no more, by what a client or a rule has made of it; or one that counts no more.

        `knocks` says whether it is still the membership: then that is taken back in Matrix, so that they can ask again.
        """
        user_id = self._registry.user_id(row.localpart)
        membership, sender = tables.membership(txn, row.room_id, user_id)
        by = None if sender in (None, user_id, self._rooms.steward) else _localpart(str(sender))
        if membership in ("invite", "join"):
            ended = policy.LET_IN
        elif membership == "knock":
            ended = policy.GONE  # the group takes nobody in any more, or they have knocked anew
        elif by is not None and membership in ("leave", "ban"):
            ended = policy.TURNED_AWAY
        elif sender == user_id:
            ended = policy.TAKEN_BACK
        else:
            ended = policy.GONE
        tables.end(txn, row, ended, now, by=by, pending=knocks)

    # --- In Matrix ---------------------------------------------------------------------------------------------

    async def catch_up(self) -> None:
        """Does what was decided, and what a crash or a failure left over of it."""
        for row in await self._api.run_db_interaction("belisha_waiting_pending", tables.pending):
            try:
                await self.carry_out(row)
            except FAILURES as error:
                logger.error("Somebody is still to be let in or turned away, trying again soon: %s", where(error))

    async def carry_out(self, row: Row, reason: str | None = None) -> None:
        """Changes one membership, if it still knocks; in the steward bot's name, who has the power for it."""
        lock = await self._hooks.try_lock(_LOCK, row.id)
        if lock is None:  # another process is at it
            return
        async with lock:
            if not await self._api.run_db_interaction("belisha_waiting_pending", tables.pending, row.id):
                return
            user_id = self._registry.user_id(row.localpart)
            membership, _ = await self._api.run_db_interaction(
                "belisha_waiting_member", tables.membership, row.room_id, user_id
            )
            action = _ACTIONS.get(str(row.ended), "leave")
            is_this = await self._api.run_db_interaction("belisha_knock", tables.is_current, row.id)
            # Who has knocked anew since then is not turned away by what became of the old knock.
            if membership == "knock" and (is_this or action != "leave"):
                try:
                    await self._hooks.set_membership(self._rooms.steward, user_id, row.room_id, action, reason)
                except SynapseError as error:
                    # A rule has come in between, which will not change by asking again.
                    if error.code != 403 or error.errcode.endswith("CANNOT_DECIDE"):
                        raise
                    logger.warning("Who was let in may not come in any more: %s", error.errcode)
            await self._api.run_db_interaction("belisha_waiting_done", tables.is_done, row.id)


def _words(stored: str | None) -> str | None:
    """What an account wrote of itself, out of its command."""
    text = spoken(json.loads(stored).get("content", {})) if stored is not None else None
    asked = acts.read(text) if text is not None else None
    is_it = isinstance(asked, Asked) and asked.command is ASK_IN
    return str(asked.arguments["text"]) if is_it and isinstance(asked, Asked) else None


def _own(members: Iterable[Member], row: Row) -> list[str]:
    return [one.service_room for one in members if one.service_room is not None and one.localpart != row.localpart]


def _localpart(user_id: str) -> str:
    return user_id[1:].partition(":")[0]
