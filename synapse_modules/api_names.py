"""Names beside addresses and ids: of what a form of the portal says, and of what a bot tells was done (M3, P2).

They are looked up for each answer and kept nowhere with it, so that who is renamed or erased is so everywhere. Names
of members are there for every member to read, in any client. Which organisations there are is told to those who
run the community; everybody else is told their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from belisha.commands.declaration import RUNNING
from belisha.policy.people import Person, Standing
from synapse_modules.refusal import malformed
from synapse_modules.registry import Registry
from synapse_modules.reports import Reports

#: How many members one question may name.
AT_MOST = 50


class Names:
    """Answers to the portal, on behalf of a member."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def of(self, person: Person, body: dict[str, Any]) -> dict[str, Any]:
        """What `named` (addresses of members) and `organisations` (true) ask for; nothing for who may not act.

        Raises:
            SynapseError: 400 where `named` is something else.
        """
        named = body.get("named") or []
        if not isinstance(named, list) or len(named) > AT_MOST or not all(isinstance(one, str) for one in named):
            raise malformed(f"`named` is a list of at most {AT_MOST} addresses of members.")
        found: dict[str, Any] = {}
        if named:
            found["named"] = [await self._name(one) if person.belongs else None for one in named]
        if body.get("organisations") is True:
            found["organisations"] = await self._organisations(person)
        return found

    async def _name(self, address: str) -> str | None:
        localpart, _, server = address.removeprefix("@").partition(":")
        member = (await self._registry.members()).get(localpart)
        is_ours = not server or self._registry.user_id(localpart) == "@" + address.removeprefix("@")
        if member is None or member.standing is Standing.REMOVED or not is_ours:
            return None
        return self._registry.display_name(member)

    async def _organisations(self, person: Person) -> list[dict[str, str]]:
        if not person.belongs:
            return []
        known = (await self._registry.organisations()).values()
        told = [one for one in known if person.roles & RUNNING or one.id == person.organisation]
        return [{"id": one.id, "name": one.name} for one in sorted(told, key=lambda one: one.name.casefold())]


class NamesOfOutcomes:
    """Names of whom and what an act was about, for the bot that tells of it."""

    def __init__(self, registry: Registry, reports: Reports) -> None:
        self._registry = registry
        self._reports = reports

    async def beside(self, outcome: Mapping[str, Any], arguments: object) -> dict[str, Any]:
        """Of the `member` and the `organisation` that an act named, and the groups (`rooms`) of its outcome, by id.

        Who was off-boarded is named, too: so whoever has asked for it sees who that was.
        """
        members, found = await self._registry.members(), dict[str, Any]()
        asked = arguments if isinstance(arguments, dict) else {}
        address, key = asked.get("member"), outcome.get("organisation") or asked.get("organisation")
        if isinstance(address, str):
            localpart, _, server = address.removeprefix("@").partition(":")
            member = members.get(localpart)
            if member is not None and (not server or self._registry.user_id(localpart) == address):
                found["member"] = member.name
        if isinstance(key, str) and (name := self._registry.organisation_name(key)) is not None:
            found["organisation"] = name
        rooms = [outcome.get("room_id"), *(one.get("room_id") for one in outcome.get("entries") or ())]
        named: dict[str, str] = {}
        for room_id in dict.fromkeys(one for one in rooms if isinstance(one, str)):
            place = await self._reports.place(room_id)
            if place.is_group and place.name:
                named[room_id] = place.name
        return found | ({"rooms": named} if named else {})
