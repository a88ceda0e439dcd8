"""Decides who may describe, pin and call back a file that a group shares (rule P3), as all is now."""

from __future__ import annotations

from typing import Final

from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.files import decide_withdrawal
from belisha.policy.people import Person
from belisha.policy.state import MAINTAINER_POWER

_MAY: Final = allow("P3", "Whoever asks for this may.")
NO_FILE: Final = refuse(
    "P3",
    "NO_FILE",
    "That is no file which you can read, or it was taken back. Please answer the message that shares it.",
)


def decide_describing(asker: Person, sender: str) -> Decision:
    """Decides whether somebody may say what a file is: who has shared it, in whose name the caption stands.

    Args:
        asker: who asks, and may act as a member at all.
        sender: the user id of who has shared it.
    """
    if asker.user_id == sender:
        return _MAY
    return refuse(
        "P3", "NOT_YOURS", "Only who has shared a file can describe it: the words stand in their name. Please ask them."
    )


def decide_pinning(asker: Person, power: int) -> Decision:
    """Decides whether somebody may pin a file in its group.

    Args:
        asker: who asks, and may act as a member at all.
        power: the asker's power in the group.
    """
    if power >= MAINTAINER_POWER or asker.roles & {"steward", "manager"}:
        return _MAY
    return refuse(
        "P3", "NOT_YOURS", "The group's maintainers, stewards and managers can pin files. Please ask one of them."
    )


def decide_calling_back(asker: Person, uploader: str | None) -> Decision:
    """Decides whether somebody may call a file back that they can read.

    Args:
        asker: who asks.
        uploader: the user id of who has uploaded it.
    """
    if decide_withdrawal(asker, uploader).allowed:
        return _MAY
    return refuse(
        "P3",
        "NOT_YOURS",
        "Only who has uploaded a file, or a steward, can call it back. Please ask one of them. A message of your own "
        "you can remove in your client.",
    )
