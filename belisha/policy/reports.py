"""Decides who may look after a report, what may be done about it, and who may see what was reported (rules M1, P1).

A report is looked after in the stewards' room, and what was reported is shown there to nobody: two stewards see it, on
the portal. Who is reported has no say in it, whatever their role.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from belisha.markers import MarkerReader
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person
from belisha.policy.reasons import decide_reason

#: How many stewards are shown what was reported.
VIEWERS: Final = 2
#: From so many characters on, words that stand in the message too are a quotation of it.
_QUOTED: Final = 12
_ABOVE: Final = frozenset({"steward", "manager"})
_MAY: Final = allow("M1", "Whoever looks after reports may.")
#: What is done to a member, and what is done in a group.
_TO_MEMBERS: Final = frozenset({"warn", "mute", "redact", "remove"})
_IN_GROUPS: Final = frozenset({"redact", "remove"})


def decide_reporting(asker: Person, source: Person) -> Decision:
    """Decides whether somebody may report what somebody else wrote, which they can read."""
    if source.user_id == asker.user_id:
        return refuse("M1", "NOT_YOURSELF", "Nobody reports themselves. To take your message back, remove it.")
    if source.is_bot:
        return refuse("M1", "NO_ITEM", "A bot wrote that. Please tell the people who run the community instead.")
    return _MAY


def decide_handling(
    act: str, asker: Person, member: str | None, *, has_item: bool, in_group: bool, done: Mapping[str, str]
) -> Decision:
    """Decides about an act on a report.

    Args:
        act: `acknowledge`, `warn`, `mute`, `redact`, `remove` or `close`.
        asker: who acts.
        member: the localpart of whom the report is about; None where it is about a room.
        has_item: whether it is about a message.
        in_group: whether it is about something in a group.
        done: what was done about it already, and by whom (localparts).
    """
    if not asker.roles & _ABOVE:
        return refuse("P3", "NOT_YOURS", "Only stewards and managers look after reports. Please ask one of them.")
    if member == asker.localpart:
        return refuse("M1", "NOT_YOURSELF", "This report is about you. Another steward or a manager looks after it.")
    if done.get("close") == asker.localpart:
        return refuse("M1", "CLOSED", "You have closed this report already.")
    if done.get(act) == asker.localpart and "close" not in done:
        return refuse("M1", "DONE_ALREADY", "You have done this about the report already.")
    if "close" in done:
        return refuse("M1", "CLOSED", f"Somebody was quicker: @{done['close']} has closed this report.")
    if act in done:
        return refuse("M1", "DONE_ALREADY", f"Somebody was quicker: @{done[act]} has done this about the report.")
    if act in _TO_MEMBERS and member is None:
        return refuse(
            "M1", "NO_MEMBER", "This report is about a room and no member. To stop a group, use `!group freeze`."
        )
    if act == "redact" and not has_item:
        return refuse("M1", "NO_ITEM", "This report is about no single message, so there is none to take back.")
    if act in _IN_GROUPS and not in_group:
        return refuse(
            "P1",
            "NO_BOT_THERE",
            "That is not in a group, so the bot cannot do it there. Warn the member, mute them, or freeze them.",
        )
    return _MAY


def decide_looking(asker: Person, member: str | None, viewers: Collection[str]) -> Decision:
    """Decides whether a steward may see what was reported, where `viewers` (localparts) have seen it."""
    if "steward" not in asker.roles:
        return refuse("P1", "NOT_YOURS", "What was reported is shown to stewards only.")
    if member == asker.localpart:
        return refuse("M1", "NOT_YOURSELF", "This report is about you. Another steward looks after it.")
    if asker.localpart not in viewers and len(viewers) >= VIEWERS:
        return refuse("P1", "SEEN_BY_TWO", "Two stewards have seen this already, and nobody else does.")
    return _MAY


def words_for_card(words: object, text: str, markers: MarkerReader) -> str | None:
    """What a reporter wrote, as far as it is fit for a card: short, nothing above GREEN (R3), nothing of the message.

    Args:
        words: what the reporter wrote.
        text: what the reported message says.
        markers: reads labels in it.
    """
    if not isinstance(words, str) or not words.strip() or not decide_reason(words, markers).allowed:
        return None
    said, reported = _bare(words), _bare(text)
    longest = min(_QUOTED, len(reported))
    quotes = bool(reported) and any(
        said[place : place + longest] in reported for place in range(len(said) - longest + 1)
    )
    return None if quotes else " ".join(words.split())


def is_urgent(words: object) -> bool:
    """Whether a report out of a client's own menu, which has words alone, begins with “urgent”."""
    return isinstance(words, str) and words.lstrip(" !*").casefold().startswith("urgent")


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
