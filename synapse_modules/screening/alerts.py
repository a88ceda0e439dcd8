"""Tells the stewards of matches, in their room, without content: who uploaded, when, what matched, how many.

The row is written with the match. Its id stands in the message, so after a crash that is looked for, and is sent once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from synapse.module_api import ModuleApi

from belisha.screening import Known
from synapse_modules.own_messages import message_with
from synapse_modules.rooms import Rooms
from synapse_modules.screening import rows
from synapse_modules.screening.rows import Alert
from synapse_modules.screening.screener import SCANNER
from synapse_modules.screening.screening import FOUND_LATER, KNOWN_FILE, MALWARE

EVERY_MS: Final = 2_000
_AT_ONCE: Final = 20
#: In the message: which alert it is, for programs.
KEY: Final = "org.belisha.alert"

_MATCHERS: Final = {
    SCANNER: "the malware scanner",
    Known.BY_LIST.value: "the list of known files",
    Known.BY_MATCHER.value: "the matcher of known files",
}
_SAID: Final = {
    MALWARE: "{who} tried to upload a file in which {matcher} found malware. It was refused, and nothing was kept.",
    KNOWN_FILE: "{who} tried to upload a file that {matcher} knows. It was refused, and nothing was kept.",
    FOUND_LATER: "A file of {who} was taken while {matcher} could not look at it. It has looked since, and has found "
    "malware: the file is withdrawn, and closed to everybody. Whoever has opened it may have it.",
}
_REMEDY: Final = {
    MALWARE: "Their device may be infected: please talk to them, or to their organisation's lead.",
    KNOWN_FILE: "Whoever runs the server knows what is on the list, and what has to be done about it: please ask them.",
    FOUND_LATER: "Please talk to them. Whoever runs the server can say which file it was, and who has opened it.",
}


def wording(one: Alert) -> str:
    """What the stewards read."""
    at = datetime.fromtimestamp(one.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    said = _SAID[one.sort].format(who=one.uploader or "Somebody", matcher=_MATCHERS[one.matcher])
    times = f" {one.times} times within an hour." if one.times > 1 else ""
    return f"{at}: {said}{times} {_REMEDY[one.sort]}"


class Alerts:
    """Tells them; in the process that does background work."""

    def __init__(self, api: ModuleApi, rooms: Rooms, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._rooms = rooms
        self._clock = clock

    async def catch_up(self) -> None:
        """Tells them what they do not know yet."""
        due = await self._api.run_db_interaction("belisha_alerts", rows.to_tell, int(self._clock()), _AT_ONCE)
        for one in due:
            room = await self._rooms.stewards_room()
            card = one.card or await self._find(room, one.id)
            if card is None:
                card = await self._send(room, self._content(one))
            else:
                await self._send(room, self._edit(one, card))
            await self._api.run_db_interaction("belisha_alert_told", rows.told, one, card, int(self._clock()))

    @staticmethod
    def _content(one: Alert) -> dict[str, Any]:
        # Which file it was, and what it is called, is said to nobody.
        facts = {"id": one.id, "what": one.sort, "by": one.matcher, "member": one.uploader, "at": one.at}
        return {"msgtype": "m.text", "body": wording(one), KEY: facts | {"count": one.times}}

    def _edit(self, one: Alert, card: str) -> dict[str, Any]:
        new = self._content(one)
        replaces = {"rel_type": "m.replace", "event_id": card}
        return {"msgtype": "m.text", "body": f"* {new['body']}", "m.new_content": new, "m.relates_to": replaces}

    async def _send(self, room: str, content: dict[str, Any]) -> str:
        event = await self._api.create_and_send_event_into_room(
            {"type": "m.room.message", "room_id": room, "sender": self._rooms.steward, "content": content}
        )
        return event.event_id

    async def _find(self, room: str, alert_id: str) -> str | None:
        """The message that tells of an alert already: a crash came between."""
        found: str | None = await self._api.run_db_interaction(
            "belisha_alert_find", message_with, room, self._rooms.steward, KEY, {"id": alert_id}
        )
        return found
