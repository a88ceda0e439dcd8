"""What a pad's text may become elsewhere: never under a lower label, and in another group only as its source says.

The server cannot know a text that stands in no message, so it is these pages that hold L2 and L5 for what they carry
over; whoever copies by hand does as with any text that they can read.
"""

from __future__ import annotations

from dataclasses import dataclass

from belisha.tlp import Label
from belisha.translation import _
from bots.portal.views_pads import ShownPad, pad_at
from bots.portal.visit import Visit


@dataclass(frozen=True, slots=True)
class FromPad:
    """A pad that something is made of.

    Attributes:
        room_id: its group.
        event_id: its message.
        shown: it, as its reader may see it now.
        is_source: whether that reader is its source.
    """

    room_id: str
    event_id: str
    shown: ShownPad
    is_source: bool

    @property
    def label(self) -> Label:
        """The least strict label that what is made of it may have."""
        return self.shown.labelled.label

    @property
    def named(self) -> str:
        """What a form carries of it."""
        return f"{self.room_id} {self.event_id}"

    def problem(self, room_id: str, ceiling: Label) -> str | None:
        """Why it cannot go into a group; None where it can."""
        if self.label > ceiling:
            sentence = _("The pad is {label}, and that group carries {ceiling} at most. Please choose another.")
            return sentence.format(label=self.label, ceiling=ceiling)
        if self.label >= Label.AMBER and room_id != self.room_id and not self.is_source:
            sentence = _("The pad is {label}: into another group than its own only its source can bring it.")
            return sentence.format(label=self.label)
        return None


async def from_pad(visit: Visit, room_id: str, event_id: str) -> FromPad:
    """A pad as this member may read it now.

    Raises:
        Refused: 404 for what is not there, and for what is not for them.
    """
    shown = await pad_at(visit, room_id, event_id)
    return FromPad(room_id, event_id, shown, shown.facts.source == visit.known.member.user_id)


async def named_pad(visit: Visit, named: str) -> FromPad | None:
    """The pad that a form names; None where it names none.

    Raises:
        Refused: 404 for what is not there, and for what is not for them.
    """
    if not named:
        return None
    room_id, _space, event_id = named.partition(" ")
    return await from_pad(visit, room_id, event_id)
