"""Questions in which a member confirms an act in their own room, and how they answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

#: Key of a bot's question in which a member confirms what was asked for on the portal (see `Question`).
QUESTION_KEY: Final = "org.belisha.question"
YES: Final = ("✅", "👍")
NO: Final = ("❌", "👎")


class Question(NamedTuple):
    """What a bot asks a member to confirm in their own room, because it was asked for on the portal.

    The member's yes is the command event then (rule P3). What is confirmed is what the question's text showed: the
    command as it would be written, the id of the group in which it would be, and of the event that it would answer.
    """

    text: str
    room_id: str | None = None
    target: str | None = None

    def content(self) -> dict[str, str]:
        """What stands under `QUESTION_KEY`."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def question_of(content: Mapping[str, Any]) -> Question | None:
    """The question that a bot's message asks; None where it asks none, or does not show what it asks."""
    asked, body = content.get(QUESTION_KEY), content.get("body")
    if not isinstance(asked, Mapping) or not isinstance(body, str):
        return None
    found = Question(asked.get("text", ""), asked.get("room_id"), asked.get("target"))
    if not isinstance(found.text, str) or not all(part is None or isinstance(part, str) for part in found):
        return None
    return found if found.text and all(part is None or part in body for part in found) else None


def says(text: str) -> bool | None:
    """Whether a word of a member's is a yes or a no; None where it is neither."""
    word = text.strip().rstrip(".!").casefold()
    return True if word in ("yes", "y", *YES) else False if word in ("no", "n", *NO) else None


def reacts(key: str) -> bool | None:
    """The same for a reaction."""
    bare = key.replace("\ufe0f", "")
    return True if bare in YES else False if bare in NO else None
