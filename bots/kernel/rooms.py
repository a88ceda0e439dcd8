"""Asks the module about rooms, and reads its answers into frozen values."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from bots.kernel.bot import Audience, Needs, Organisation, Policy, Unknown
from bots.kernel.matrix import BotClient, Refused, Unreachable

_FRESH_FOR = 60.0
_KEPT = 2000
_NOT_FOUND = "ORG.BELISHA.NOT_FOUND"


class Rooms:
    """The answers for one bot. Policies are kept for a minute, audiences never."""

    def __init__(self, client: BotClient, now: Callable[[], float] = time.monotonic) -> None:
        """Asks as one bot.

        Args:
            client: The bot's way to Synapse.
            now: A clock in seconds.
        """
        self._client = client
        self._now = now
        self._policies: OrderedDict[str, tuple[float, Policy | Unknown]] = OrderedDict()

    async def policy(self, room_id: str, needs: Needs) -> Policy | Unknown:
        """The room's rules, or that they are unknown.

        Raises:
            Unreachable: Only where `needs` is patient.
        """
        until, known = self._policies.get(room_id, (0.0, Unknown()))
        if self._now() < until and not needs.fresh:
            return known
        try:
            answer = _policy(await self._client.policy(room_id))
        except Refused as error:
            return Unknown(no_such_room=error.errcode == _NOT_FOUND)
        except Unreachable:
            if needs.patient:
                raise
            # For a person who waits, "I cannot tell just now" at once is better than an answer in an hour.
            return Unknown()
        self._policies[room_id] = (self._now() + _FRESH_FOR, answer)
        self._policies.move_to_end(room_id)
        while len(self._policies) > _KEPT:
            self._policies.popitem(last=False)
        return answer

    async def audience(self, room_id: str) -> Audience | Unknown:
        """Who can read the room now, or that this is unknown."""
        try:
            return _audience(await self._client.audience(room_id))
        except (Refused, Unreachable):
            return Unknown()

    async def people(self, room_id: str) -> dict[str, str | None]:
        """Who is in the room, with their display names; nobody where the bot is not in it either.

        Raises:
            Unreachable: The server cannot be asked.
        """
        try:
            return await self._client.joined_members(room_id)
        except Refused:
            return {}


def _policy(answer: dict[str, Any]) -> Policy | Unknown:
    kind = answer.get("kind")
    if not isinstance(kind, str):
        return Unknown()
    listed = answer.get("organisations")
    return Policy(
        kind=kind,
        default=_text(answer.get("default")),
        ceiling=_text(answer.get("ceiling")),
        organisations=tuple(_text(one) for one in listed) if isinstance(listed, list) else (),
        purpose=_text(answer.get("purpose")) or "discussion",
    )


def _audience(answer: dict[str, Any]) -> Audience | Unknown:
    listed = answer.get("organisations")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return Unknown()
    organisations = tuple(
        Organisation(
            _text(one.get("name")) or _text(one.get("id")), _text(one.get("category")), _count(one.get("count"))
        )
        for one in listed
    )
    return Audience(
        _count(answer.get("total")), organisations, _count(answer.get("bots")), answer.get("could_join") is True
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
