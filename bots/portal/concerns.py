"""What a form is about, in names: beside every address or id that was written or chosen stands whose it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from belisha.commands.declaration import Argument, Command
from belisha.commands.values import ANY, Field
from belisha.translation import _
from bots.portal.homes import Room
from bots.portal.pages import asked, sentence, spoken
from bots.portal.visit import Visit

#: How many addresses are looked up; the others stand there as they were written.
_LOOKED_UP: Final = 50


#: The fields that name organisations.
ORGANISATIONS: Final = (Field.ORGANISATION, Field.ORGANISATIONS)


class Line(NamedTuple):
    """One thing that was said in a form; `code` is what is to be read letter by letter, behind its name."""

    label: str
    values: tuple[tuple[str, str], ...]


async def concerns(
    visit: Visit, command: Command, fields: Mapping[str, str], room: Room | None, target: str | None
) -> Sequence[Line]:
    """What a form says, in the order of its fields.

    Raises:
        Unavailable: names cannot be asked for.
    """
    lines = []
    if room is not None:
        label = _("A message in the group") if target is not None else _("The group")
        lines.append(Line(label, ((_named(room), ""),)))
    for one in command.arguments:
        if value := fields.get(one.name, "").strip():
            lines.append(Line(sentence(asked(one)), await _values(visit, one, value)))
    return lines


async def _values(visit: Visit, argument: Argument, value: str) -> tuple[tuple[str, str], ...]:
    field, user_id = argument.kind.field, visit.known.member.user_id
    if field is Field.MEMBER:
        addresses = value.split()[:_LOOKED_UP]
        names = await visit.parts.homeserver.names(user_id, addresses)
        nobody = _("no member has this address")
        return tuple((name or nobody, address) for name, address in zip(names, addresses, strict=True))
    if field in ORGANISATIONS:
        if value == ANY:
            return ((_("any organisation"), ""),)
        known = await visit.parts.homeserver.organisations(user_id)
        return tuple((known.get(one, ""), one) for one in re.split(r"[,\s]+", value) if one)
    if field is Field.GROUP:
        groups = (await visit.parts.homeserver.home(user_id)).groups
        found = next((one for one in groups if one.room_id == value), None)
        return ((_named(found), ""),) if found else (("", value),)
    if field is Field.CHOICE:
        return ((spoken(value), ""),)
    return ((_("yes") if field is Field.YES else value, ""),)


def _named(room: Room) -> str:
    return room.name or _("a group without a name")
