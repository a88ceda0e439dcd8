"""Every command as a form: made from its declaration, and answered by the same desk as in chat."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import web
from markupsafe import Markup

from belisha.commands.declaration import Argument, Command, usage
from belisha.commands.spoken import address_of
from belisha.commands.values import DURATION, EVENT, Field, Type
from belisha.policy.commands import decide_who
from belisha.policy.rooms import Kind
from belisha.policy.state import MAINTAINER_POWER
from belisha.tlp import Label
from belisha.translation import _, marked
from bots.kernel.answers import in_html
from bots.kernel.by_form import About, Done, Handed, NotAccepted
from bots.portal.concerns import ORGANISATIONS, concerns
from bots.portal.guard import Refused
from bots.portal.homes import Room
from bots.portal.visit import Visit

_FOR_MEMBERS, _FOR_FEW = Label.GREEN, Label.AMBER
#: Begins the names of the fields that are a command's own.
PREFIX: Final = "its-"
#: What helps to fill in a field, below it.
_HINTS: Final[Mapping[Type, str]] = {
    DURATION: marked("Such as 30m, 2h, 3d or 1w."),
    EVENT: marked("In Element: open the message's menu, choose Share, and copy the link."),
}
_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,60}")
_EVENT: Final = re.compile(r"(?P<room>![^/\s]+)/(?P<event>\$\S+)")


async def commands(visit: Visit) -> web.Response:
    """What I can ask for."""
    mine = sorted((one for one in visit.parts.by_form.commands if _may(visit, one)), key=lambda one: one.words)
    return visit.page("commands", _FOR_MEMBERS, commands=mine)


async def command(visit: Visit) -> web.Response:
    """The form of one command."""
    found = _found(visit)
    given = {name.removeprefix(PREFIX): value for name, value in visit.request.query.items() if name.startswith(PREFIX)}
    return await _form(visit, found, given, visit.request.query.get("room", ""), secrets.token_urlsafe(24))


async def hand_in(visit: Visit) -> web.Response:
    """Does what a form asks for."""
    found, form = _found(visit), visit.form
    once = form.get("once", "")
    if not _ONCE.fullmatch(once):
        raise Refused(HTTPStatus.BAD_REQUEST)
    fields = {name.removeprefix(PREFIX): value.strip() for name, value in form.items() if name.startswith(PREFIX)}
    chosen = form.get("room", "")
    try:
        _check_groups(found, fields, chosen)
        about, target = await _about(visit, found, fields, chosen, form.get("target", ""))
        handed = Handed(found, fields, visit.known.member.asker, about, target, once, form.get("sure") == "yes")
        done = await visit.parts.by_form.hand_in(handed)
    except NotAccepted as refusal:
        return await _form(visit, found, fields, chosen, once, str(refusal))
    room_id = about.room_id if about else ""
    return await _done(visit, found, fields, once, done, room_id, target)


def _found(visit: Visit) -> Command:
    slug = visit.request.match_info["slug"]
    found = next((one for one in visit.parts.by_form.commands if one.slug == slug and one.page is None), None)
    if found is None or not _may(visit, found):
        raise Refused(HTTPStatus.NOT_FOUND)
    return found


def _may(visit: Visit, command: Command) -> bool:
    # Which groups somebody maintains is seen when one is chosen; the form is for who maintains any.
    asker = visit.known.member.asker
    return decide_who(command, asker.person, MAINTAINER_POWER if asker.maintains else 0).allowed


async def _about(
    visit: Visit, command: Command, given: Mapping[str, str], room_id: str, link: str
) -> tuple[About | None, str | None]:
    """The group that was chosen and the message that was named, where this member may see them.

    Raises:
        NotAccepted: they may not, or there is none.
    """
    user_id, homeserver = visit.known.member.user_id, visit.parts.homeserver
    target = None
    asks_for_link = command.is_answer and not command.names_message
    if asks_for_link and (link.strip() or not _goes_without(command, given)):
        found = _EVENT.fullmatch(address_of(link.strip()) or link.strip())
        if found is None or not await homeserver.may_read(user_id, found["room"], found["event"]):
            raise NotAccepted(
                _("Please give the link to a message that you can read: in Element, “Share”, then the link.")
            )
        room_id, target = found["room"], found["event"]
    if not room_id:
        if command.is_about_room and Kind.SERVICE not in command.where:
            raise NotAccepted(_("Please choose a group."))
        return None, target
    name = next((room.name for room in await _groups(visit) if room.room_id == room_id), None)
    about = await homeserver.about(user_id, room_id, name or "")
    if about is None:
        raise NotAccepted(_("You are not in that group, or there is none. Please choose another."))
    return about, target


def _check_groups(command: Command, given: Mapping[str, str], room_id: str) -> None:
    """In chat the group is where a command is written; a form has to name it.

    Raises:
        NotAccepted: it names none.
    """
    if any(needs_choice(one) and not given.get(one.name) for one in command.arguments):
        raise NotAccepted(_("Please choose a group."))
    flags = command.flags
    if command.is_about_room and "group" in flags and not any((room_id, given.get("group"), given.get("everywhere"))):
        raise NotAccepted(_("Please choose a group."))


def needs_choice(argument: Argument) -> bool:
    """Whether a field names the group that a command is about, which a form cannot leave out."""
    return argument.kind.field is Field.GROUP and not argument.flag


def _goes_without(command: Command, given: Mapping[str, str]) -> bool:
    return command.instead is not None and bool(given.get(command.instead))


async def _groups(visit: Visit) -> Sequence[Room]:
    return (await visit.parts.homeserver.home(visit.known.member.user_id)).groups


async def _form(
    visit: Visit, command: Command, given: dict[str, str], room_id: str, once: str, problem: str = ""
) -> web.Response:
    return visit.page(
        "command",
        _FOR_MEMBERS,
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        command=command,
        usage=usage(command),
        needs_choice=needs_choice,
        groups=await _groups(visit) if _asks_for_group(command) else [],
        needs_group=Kind.SERVICE not in command.where,
        organisations=await _organisations(visit, command),
        hints=_HINTS,
        event=EVENT,
        given=given,
        target=visit.form.get("target", ""),
        room_id=room_id,
        once=once,
        problem=problem,
        prefix=PREFIX,
    )


def _asks_for_group(command: Command) -> bool:
    return (command.is_about_room and not command.is_answer) or any(
        one.kind.field is Field.GROUP for one in command.arguments
    )


async def _organisations(visit: Visit, command: Command) -> Mapping[str, str]:
    """Those that a form lets its member choose from."""
    if not any(one.kind.field in ORGANISATIONS for one in command.arguments):
        return {}
    return await visit.parts.homeserver.organisations(visit.known.member.user_id)


async def _done(
    visit: Visit, command: Command, fields: dict[str, str], once: str, done: Done, room_id: str, target: str | None
) -> web.Response:
    room = next((one for one in await _groups(visit) if one.room_id == room_id), None) if room_id else None
    again = {f"{PREFIX}{name}": value for name, value in fields.items()}
    again |= {name: visit.form.get(name, "") for name in ("room", "target")} | {"once": once}
    return visit.page(
        "command_done",
        _FOR_FEW,
        command=command,
        text=done.text,
        answer=Markup(in_html(done.blocks)),  # noqa: S704 - everything in it is escaped where it is made
        asks=done.asks,
        waits=command.act is not None,
        own_room=visit.known.member.service_room,
        concerns=await concerns(visit, command, fields, room, target),
        again=again,
    )
