"""What is said of pads in chat: never a word of what stands in one."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from belisha.translation import _
from bots.kernel.answers import Block, Link, Typed, paragraph, say


def place(portal: str, room_id: str, event_id: str) -> str:
    """The portal's page of a pad."""
    return f"{portal}/pads/{quote(room_id, safe='')}/{quote(event_id, safe='')}"


def begun(portal: str, room_id: str, event_id: str) -> Sequence[Block]:
    """What is said of a new pad."""
    return (
        say(
            _("Here everybody in this group can write together: {pad}."),
            pad=Link(_("the pad"), place(portal, room_id, event_id)),
        ),
        paragraph(_("It has the label of your message, and goes with it when you take that back.")),
    )


def no_portal() -> Sequence[Block]:
    """What is said where there are no pages."""
    return (paragraph(_("This community has no portal, and so no documents that are written together.")),)


def not_from_a_form() -> Sequence[Block]:
    """What is said where no message would be the pad's."""
    return (
        say(_("Please write {command} in the group: that message is what the pad belongs to."), command=Typed("!pad")),
    )
