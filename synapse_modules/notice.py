"""Tells a member in the room with the steward bot what was refused, since phone clients show no reason.

Never quotes what was refused: that room has another ceiling. Repetitions are folded into one message that counts, and
nobody gets more than a few an hour.
"""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from synapse.events import EventBase
from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.policy.types import CONTENT
from synapse_modules import metrics
from synapse_modules.refusal import FAILURES
from synapse_modules.registry import Registry

logger = logging.getLogger(__name__)

#: How long the same refusal in the same room counts as a repetition, in seconds.
FOLDED_FOR: Final = 600.0
#: How many new messages a member gets within an hour, before one that says there will be no more.
AT_MOST: Final = 12
_HOUR: Final = 3600.0
_SILENT: Final = (
    "More was refused than I tell you of within an hour, so I keep quiet for a while. "
    "Write !tlp in a room to see what it carries."
)
#: What is refused, where that is no event.
UPLOAD: Final = "upload"
_QUOTED: Final = re.compile("“[^”]*”")


class Told(NamedTuple):
    """One message about a refusal, and how often it has happened since."""

    event_id: str
    text: str
    times: int
    at: float


def without_quotations(reason: str) -> str:
    """A reason without the words of the refused text that it may quote."""
    if not _QUOTED.search(reason):
        return reason
    sentence = _QUOTED.sub("what you wrote", reason)
    return sentence[:1].upper() + sentence[1:]


def wording(event_type: str | None, where: str, reason: str) -> str:
    """What the member reads: what was not accepted, where, why, and what to do instead.

    Args:
        event_type: what was refused: a type of event, `UPLOAD`, or None for the making of a room.
        where: the room, in words.
        reason: the reason of the refusal.
    """
    if event_type is None:
        what = "The room was not made."
    elif event_type == UPLOAD:
        what = "Your file was not taken."
    elif event_type in CONTENT:
        what = f"Your message in {where} was not sent."
    elif event_type == "m.reaction":
        what = f"Your reaction in {where} was not sent."
    else:
        what = f"What you did in {where} was not accepted."
    return f"{what} {without_quotations(reason)}"


class Notices:
    """Sends the messages, in the steward bot's name, into each member's own room with it."""

    def __init__(
        self, api: ModuleApi, registry: Registry, steward: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._registry = registry
        self._steward = steward
        self._clock = clock
        self._told: dict[tuple[str, str | None, str], Told] = {}
        self._recent: dict[str, deque[float]] = {}

    async def tell(self, user_id: str, event: EventBase | None, error: SynapseError, what: str | None = None) -> None:
        """Tells a member of one refusal, of an event, or of `what` else; failing at that changes nothing else."""
        try:
            await self._tell(user_id, event, error, what)
        except FAILURES as failure:
            logger.warning("A member could not be told of a refusal: %s", type(failure).__name__)

    async def _tell(self, user_id: str, event: EventBase | None, error: SynapseError, what: str | None) -> None:
        localpart = user_id[1:].partition(":")[0]
        member = (await self._registry.members()).get(localpart)
        if member is None or member.service_room is None:
            return
        now = self._clock()
        self._forget(now)
        room_id, event_type = (None, what) if event is None else (event.room_id, event.type)
        key = (user_id, room_id, error.errcode)
        text = wording(event_type, await self._name_of(room_id, member.service_room), error.msg)
        before = self._told.get(key)
        if before is not None and before.text == text:
            self._told[key] = before._replace(times=before.times + 1)
            await self._send(member.service_room, f"{text} ({before.times + 1} times)", before.event_id)
            return
        recent = self._recent.setdefault(user_id, deque())
        if len(recent) > AT_MOST:
            return
        recent.append(now)
        if len(recent) > AT_MOST:
            await self._send(member.service_room, _SILENT, None)
            return
        # Noted before it is sent: a second refusal in the meantime must not begin a second message.
        self._told[key] = Told("", text, 1, now)
        event_id = await self._send(member.service_room, text, None)
        self._told[key] = self._told[key]._replace(event_id=event_id)

    async def _send(self, room_id: str, text: str, replaces: str | None) -> str:
        content: dict[str, object] = {"msgtype": "m.notice", "body": text}
        if replaces == "":
            return ""
        if replaces is not None:
            content = {
                "msgtype": "m.notice",
                "body": f"* {text}",
                "m.new_content": dict(content),
                "m.relates_to": {"rel_type": "m.replace", "event_id": replaces},
            }
        metrics.noticed()
        event = await self._api.create_and_send_event_into_room(
            {"type": "m.room.message", "room_id": room_id, "sender": self._steward, "content": content}
        )
        return event.event_id

    async def _name_of(self, room_id: str | None, service_room: str) -> str:
        if room_id is None or room_id == service_room:
            return "this room"
        state = await self._api.get_room_state(room_id, [("m.room.name", "")])
        event = state.get(("m.room.name", ""))
        name = event.content.get("name") if event is not None else None
        return f"“{name}”" if isinstance(name, str) and name else "a direct chat"

    def _forget(self, now: float) -> None:
        self._told = {key: told for key, told in self._told.items() if now - told.at < FOLDED_FOR}
        for recent in self._recent.values():
            while recent and now - recent[0] > _HOUR:
                recent.popleft()
        self._recent = {user: recent for user, recent in self._recent.items() if recent}
