"""The members' API about files of groups, for a member who asks in their own room with a bot (rules P1, P2 and E1)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from synapse.http.site import SynapseRequest

from belisha.policy.people import Person
from belisha.policy.rooms import Kind, Room
from synapse_modules.api_resource import Handler
from synapse_modules.documents import Documents
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed, not_found
from synapse_modules.snapshot import text_in

#: The longest question, in characters.
_LONGEST: Final = 512
#: A message, as a link to it says where it is.
_MESSAGE: Final = re.compile(r"(?:(![^/\s]+)/)?(\$\S+)")

#: The room where a bot asks about a member who is there with it, its rules, and that member.
WithBot = Callable[[SynapseRequest], Awaitable[tuple[str, Room, Person]]]


class DocumentHandlers:
    """Handlers of a `Resource`: nobody but that member reads the room where the bot answers."""

    def __init__(self, parts: Parts, with_bot: WithBot) -> None:
        self._api = parts.api
        self._documents = Documents(parts.api, parts.readers, parts.registry)
        self._with_bot = with_bot

    def handlers(self) -> dict[str, Handler]:
        """The handlers by method and address."""
        return {"GET documents": self.documents, "GET document": self.document}

    async def documents(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`GET documents` with `room_id`, `member`, `about`: the files of the member's groups that have these words."""
        person, words = await self._asked(request)
        found = await self._documents.found(person, words, None, 1)
        return {**found, "documents": [await self._in_group(one) for one in found["documents"]]}

    async def document(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`GET document` with `room_id`, `member`, `about`: the file that a link leads to, or that fits words best.

        Raises:
            SynapseError: 404 where there is none, or none that the member can read.
        """
        person, about = await self._asked(request)
        linked = _MESSAGE.fullmatch(about.strip())
        if linked is not None:
            place = linked[1], linked[2]
        else:
            first = (await self._documents.found(person, about, None, 1))["documents"][:1]
            if not first:
                raise not_found()
            place = first[0]["room_id"], first[0]["event_id"]
        found = await self._documents.one(person, *place)
        if found is None:
            raise not_found()
        lists = {key: [await self._in_group(one) for one in found[key]] for key in ("versions", "others")}
        return {**found, **lists, "document": await self._in_group(found["document"])}

    async def _asked(self, request: SynapseRequest) -> tuple[Person, str]:
        _, room, person = await self._with_bot(request)
        if room.kind is not Kind.SERVICE:
            raise not_found()
        given: list[bytes] = (request.args or {}).get(b"about", [b""])
        about = given[0].decode("utf-8", "replace").replace("\0", "")
        if len(about) > _LONGEST:
            raise malformed(f"`about` is at most {_LONGEST} characters.")
        return person, about

    async def _in_group(self, one: dict[str, Any]) -> dict[str, Any]:
        state = await self._api.get_room_state(str(one["room_id"]), [("m.room.name", "")])
        return {**one, "group": text_in(state, "m.room.name", "name")}
