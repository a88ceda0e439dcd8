"""Who may read and write a pad, as the module says it at one moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from belisha.tlp import Label
from bots.pads.editor import Editor


@dataclass(frozen=True, slots=True)
class Present:
    """A member who may read a pad.

    Attributes:
        name: theirs, without the organisation.
        organisation: the name of their organisation.
        closed: why they cannot write in it now; empty where they can.
        redacts: whether they may take back what others wrote in the group.
    """

    name: str
    organisation: str
    closed: str = ""
    redacts: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A pad's label and its group's ceiling, and which of the pages that were asked about may still show it."""

    label: Label
    ceiling: Label
    members: Mapping[Editor, Present]


#: Asks for a pad, by room and message, which of these pages may show it. Raises where that cannot be asked.
Look = Callable[[str, str, Sequence[Editor]], Awaitable[Standing]]
