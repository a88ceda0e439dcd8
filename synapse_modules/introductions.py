"""Introductions that wait for two members to agree, as it is at this moment (rules M1 and P2).

A bot says that something may have changed, and is told whom to ask, and what has ended. The words with which somebody
asked stand in their command alone, and are read from there each time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha import acts
from belisha.acts import questions
from belisha.acts.introductions import INTRODUCE
from belisha.commands.reading import Asked
from belisha.commands.spoken import spoken
from belisha.policy import introductions as policy
from belisha.policy.people import Person
from synapse_modules import introduction_tables as tables
from synapse_modules.introduction_tables import Row
from synapse_modules.registry import Member, Registry

Json = dict[str, Any]

#: How long a bot is told of what has ended, in seconds.
_TOLD_S: Final = 14 * 86_400
#: Seconds that the making of a room may take at the end of the time, before it is called off.
_GRACE_S: Final = 3600


class Introductions:
    """Reads what waits, ends what is over, and tells what is to be said of it."""

    def __init__(self, api: ModuleApi, registry: Registry, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._registry = registry
        self._clock = clock

    # --- What is told --------------------------------------------------------------------------------------------

    async def turn(self) -> Json:
        """Whom to ask, and what has ended in the last two weeks with whom to tell of it; for bots."""
        await self._bring_into_line()
        now = int(self._clock())
        await self._api.run_db_interaction("belisha_introducing_forget", tables.forget, now - policy.AGAIN_S)
        waits: list[Row] = await self._api.run_db_interaction("belisha_introducing", tables.waiting)
        ended: list[Row] = await self._api.run_db_interaction(
            "belisha_introducing_ended", tables.ended_since, now - _TOLD_S
        )
        asks = [ask for row in waits for ask in await self._asks(row)]
        return {"asks": asks, "ended": [await self._ended(row) for row in ended]}

    async def of(self, person: Person) -> Json:
        """What waits for one member's answer; for their own page."""
        if not person.belongs or person.is_bot:
            return {"introductions": []}
        await self._bring_into_line()
        waits: list[Row] = await self._api.run_db_interaction("belisha_introducing", tables.waiting)
        mine = [row for row in waits if person.localpart in row.people]
        return {
            "introductions": [ask for row in mine for ask in await self._asks(row) if ask["user_id"] == person.user_id]
        }

    async def is_open_to(self, localpart: str, row: Row) -> bool:
        """Whether a member is asked about an introduction, by their own choices at this moment."""
        user_id = self._registry.user_id(localpart)
        ignored = await self._ignored(user_id)
        others = {self._registry.user_id(one) for one in (row.but(localpart), row.asker) if one != localpart}
        return policy.is_asked(await self._registry.direct_chats(localpart), ignores=bool(others & ignored))

    async def words(self, row: Row) -> str | None:
        """Why the asker would introduce them, in the asker's words on one line; None once they took that back."""
        text = await self._api.run_db_interaction("belisha_introducing_words", _command, row)
        if text is None:
            return None
        content = json.loads(text).get("content", {})
        question = questions.question_of(content)
        written = question.text if question is not None else spoken(content)
        asked = acts.read(written) if written is not None else None
        if not isinstance(asked, Asked) or asked.command is not INTRODUCE:
            return None
        return " ".join(str(asked.arguments["why"]).split())

    async def first_words(self, row_id: str) -> str | None:
        """What stands first in the room that an introduction opens; both were shown it before they agreed."""
        row = await self._api.run_db_interaction("belisha_introducing_by_id", tables.by_id, row_id)
        why = None if row is None else await self.words(row)
        if row is None or why is None:
            return None
        member = (await self._registry.members()).get(row.asker)
        return f"Introduced by {self._name(member, row.asker)}: “{why}”"

    async def _asks(self, row: Row) -> list[Json]:
        """Those of the two who have not agreed and may be asked, with what each is shown."""
        active = await self._registry.active_members()
        why = await self.words(row)
        if why is None or row.opener is not None or not {row.asker, *row.people} <= active.keys():
            return []
        told: list[Json] = []
        for localpart in row.people:
            member = active[localpart]
            if row.agrees(localpart) or member.service_room is None or not await self.is_open_to(localpart, row):
                continue
            told.append(
                {
                    "id": row.id,
                    "user_id": self._registry.user_id(localpart),
                    "organisation": member.organisation,
                    "roles": sorted(member.roles),
                    "room": member.service_room,
                    "asker": self._who(active[row.asker]),
                    "other": self._who(active[row.but(localpart)]),
                    "why": why,
                    "until": row.at + policy.OVER_S,
                }
            )
        return told

    async def _ended(self, row: Row) -> Json:
        """How it ended, and whose rooms hear of it: who asked, and who had agreed; nobody learns who had not."""
        active = await self._registry.active_members()
        agreed = {localpart for localpart in row.people if row.agrees(localpart)} - {row.asker}
        asker = active.get(row.asker)
        pair = [self._who(active[one]) for one in row.people if one in active and one != row.asker]
        return {
            "id": row.id,
            "ended": row.ended,
            "asker_room": None if asker is None or row.ended == policy.TAKEN_BACK else asker.service_room,
            "asker_is_in_it": row.asker in row.people,
            "people": pair,
            "agreed": [
                {"room": room, "other": self._who(active[row.but(one)]) if row.but(one) in active else None}
                for one in sorted(agreed)
                if one in active and (room := active[one].service_room) is not None
            ],
        }

    def _who(self, member: Member) -> Json:
        return {"name": self._registry.display_name(member), "member": f"@{member.localpart}"}

    def _name(self, member: Member | None, localpart: str) -> str:
        return f"@{localpart}" if member is None else f"{self._registry.display_name(member)}, @{localpart}"

    async def _ignored(self, user_id: str) -> set[str]:
        found = await self._api.account_data_manager.get_global(user_id, "m.ignored_user_list")
        users = found.get("ignored_users") if isinstance(found, Mapping) else None
        return set(users) if isinstance(users, Mapping) else set()

    # --- The rows --------------------------------------------------------------------------------------------------

    async def _bring_into_line(self) -> None:
        """Ends what is over, what was taken back, and what cannot be any more."""
        self._registry.look_again()
        active = frozenset(await self._registry.active_members())
        await self._api.run_db_interaction("belisha_introducing_line", self._end, active)

    def _end(self, txn: LoggingTransaction, active: frozenset[str]) -> None:
        now, redacted = int(self._clock()), tables.taken_back(txn)
        for row in tables.waiting(txn):
            age = now - row.at
            if row.opener is not None and age < policy.OVER_S + _GRACE_S:
                continue  # their room is being made
            if row.id in redacted:
                tables.end(txn, row, policy.TAKEN_BACK, now)
            elif not {row.asker, *row.people} <= active:
                tables.end(txn, row, policy.GONE, now)
            elif age >= policy.OVER_S:
                tables.end(txn, row, policy.OVER, now)


def _command(txn: LoggingTransaction, row: Row) -> str | None:
    txn.execute(
        "SELECT event_json.json FROM event_json WHERE event_id = ?"
        " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redacts IN (?, ?))",
        (row.command_id, row.command_id, row.proof),
    )
    found = txn.fetchone()
    return None if found is None else str(found[0])
