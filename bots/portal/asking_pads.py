"""Asks the module who may read and write a pad at this moment (rule P2), for the pages that have it open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from belisha.tlp import Label
from bots.pads.editor import Editor
from bots.pads.standing import Present, Standing
from bots.portal.sessions import Session, Sessions
from bots.portal.unavailable import Unavailable

Json = Mapping[str, Any]
_NOBODY: Final = Standing(Label.RED, Label.RED, {})


@dataclass(frozen=True, slots=True)
class Reader:
    """A member who may read a pad, and for whom a session was opened where it is still theirs."""

    present: Present
    organisation: str
    recovered_at: float
    moved_to: str | None = None
    """The room that has taken the place of the pad's, where they are in that too."""

    def has(self, session: Session) -> bool:
        """Whether a session is still this member's, as `Guard` has it."""
        return session.organisation == self.organisation and session.opened_at > self.recovered_at


@dataclass(frozen=True, slots=True)
class PadFacts:
    """A pad as the module knows it now: its label, its group's ceiling, its source, and those who may read it."""

    label: Label
    ceiling: Label
    source: str
    readers: Mapping[str, Reader]


class _Ask(Protocol):
    async def __call__(self, question: str, body: Json, *, or_none: bool) -> Json | None:
        """As `Homeserver` asks."""


class PadQuestions:
    """The portal's questions about pads."""

    def __init__(self, ask: _Ask) -> None:
        """Asks the module by this."""
        self._ask = ask

    async def facts(self, room_id: str, event_id: str, user_ids: Sequence[str]) -> PadFacts:
        """A pad, and which of these members may read it now.

        Raises:
            Unavailable: it cannot be asked.
        """
        body = {"room_id": room_id, "event_id": event_id, "user_ids": list(user_ids)}
        answer = await self._ask("pad", body, or_none=False) or {}
        given = answer.get("members")
        if not isinstance(given, list) or len(given) != len(user_ids):
            raise Unavailable
        readers = {user_id: _reader(one) for user_id, one in zip(user_ids, given, strict=True) if one is not None}
        label, ceiling = Label.parse(answer.get("label")), Label.parse(answer.get("ceiling"))
        if readers and (label is None or ceiling is None):
            raise Unavailable
        # CLEAR counts as false.
        strict = [Label.RED if one is None else one for one in (label, ceiling)]
        return PadFacts(strict[0], strict[1], str(answer.get("source")), readers)

    async def labels(self, user_id: str, items: Sequence[tuple[str, str]]) -> Sequence[Label | None]:
        """The labels of messages, each by room and event, as the member can read them now; None for those they cannot.

        Raises:
            Unavailable: it cannot be asked.
        """
        named = [{"room_id": room, "event_id": event} for room, event in items]
        answer = await self._ask("decide_batch", {"user_id": user_id, "items": named}, or_none=False) or {}
        given = answer.get("items")
        if not isinstance(given, list) or len(given) != len(items) or not all(isinstance(one, dict) for one in given):
            raise Unavailable
        return [Label.parse(one.get("label")) if one.get("may_read") is True else None for one in given]


class PadWatch:
    """Looks after pages that have a pad open: a page stands while its session does, and while its member may read."""

    def __init__(self, sessions: Sessions, questions: PadQuestions) -> None:
        """Asks the portal's sessions, and the module."""
        self._sessions = sessions
        self._questions = questions

    async def look(self, room_id: str, event_id: str, editors: Sequence[Editor]) -> Standing:
        """Which of these pages may show the pad now.

        Raises:
            Unavailable: it cannot be asked.
        """
        used = {one.token for one in editors if one.wrote}
        sessions = await self._sessions.standing({one.token for one in editors}, used)
        asked = [one for one in editors if one.token in sessions]
        if not asked:
            return _NOBODY
        facts = await self._questions.facts(room_id, event_id, sorted({one.user_id for one in asked}))
        found: dict[Editor, Present] = {}
        for one in asked:
            one.wrote = False
            reader, session = facts.readers.get(one.user_id), sessions[one.token]
            if reader is not None and session.user_id == one.user_id and reader.has(session):
                found[one] = reader.present
        return Standing(facts.label, facts.ceiling, found)


def _reader(given: object) -> Reader:
    if not isinstance(given, dict) or not isinstance(given.get("organisation"), str):
        raise Unavailable
    recovered, closed = given.get("recovered_at"), given.get("closed")
    present = Present(
        str(given.get("name")),
        str(given.get("organisation_name")),
        closed if isinstance(closed, str) else "",
        given.get("redacts") is True,
    )
    moved = given.get("moved_to")
    return Reader(
        present,
        given["organisation"],
        float(recovered) if isinstance(recovered, int | float) else 0.0,
        moved if isinstance(moved, str) else None,
    )
