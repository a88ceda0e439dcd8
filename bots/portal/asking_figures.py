"""Asks the module which organisations let themselves be named in the figures (rule P2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bots.portal.unavailable import Unavailable

Json = Mapping[str, Any]


class _Ask(Protocol):
    async def __call__(self, question: str, body: Json, *, or_none: bool) -> Json | None:
        """As `Homeserver` asks."""


class FigureQuestions:
    """The portal's question about the figures."""

    def __init__(self, ask: _Ask) -> None:
        """Knows how a question is put to the module."""
        self._ask = ask

    async def named(self, user_id: str) -> Sequence[tuple[str, str]]:
        """The organisations that this member is shown by name now, by id and name; none for who reads no figures.

        Raises:
            Unavailable: It cannot be asked.
        """
        answer = await self._ask("shown_organisations", {"user_id": user_id}, or_none=False)
        listed = (answer or {}).get("organisations")
        if not isinstance(listed, list):
            raise Unavailable
        return [
            (str(one["id"]), str(one["name"]))
            for one in listed
            if isinstance(one, dict) and {"id", "name"} <= one.keys()
        ]
