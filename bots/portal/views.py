"""The pages of members: home, a group, their sessions."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from belisha.tlp import Label
from bots.portal.guard import Refused
from bots.portal.pages import strictest
from bots.portal.place import BROWSER, SESSION, WIDGET
from bots.portal.sessions import BROWSER_KNOWN
from bots.portal.visit import Visit, see

#: Names and topics are fit for every member (rule R3); who asks for what concerns few.
_FOR_MEMBERS, _FOR_FEW = Label.GREEN, Label.AMBER


async def home(visit: Visit) -> web.Response:
    """My groups, what asks for me, who is new."""
    found = await visit.parts.homeserver.home(visit.known.member.user_id)
    waiting = [_FOR_FEW] if found.invitations or found.knocks else []
    return visit.page("home", strictest([_FOR_MEMBERS, *waiting]), home=found)


async def group(visit: Visit) -> web.Response:
    """One of my groups; those of others are not there."""
    asked = visit.request.match_info["room_id"]
    found = await visit.parts.homeserver.home(visit.known.member.user_id)
    room = next((one for one in found.groups if one.room_id == asked), None)
    if room is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    knocks = [one for one in found.knocks if one.room.room_id == asked]
    label = strictest([_FOR_MEMBERS, *([_FOR_FEW] if knocks else [])])
    return visit.page("group", label, room=room, knocks=knocks, may_carry=[one for one in Label if one <= room.ceiling])


async def sessions(visit: Visit) -> web.Response:
    """Where I am signed in."""
    mine = await visit.parts.sessions.of(visit.known.member.user_id)
    return visit.page(
        "sessions",
        _FOR_FEW,
        sessions=mine,
        enrols=visit.parts.enrolling is not None,
        done=visit.request.query.get("done") == "ended",
    )


async def end_session(visit: Visit) -> web.Response:
    """Ends one of my sessions; those of others are not there."""
    number, known = visit.request.match_info["number"], visit.known
    if len(number) > 15 or not await visit.parts.sessions.end(known.member.user_id, int(number)):
        raise Refused(HTTPStatus.NOT_FOUND)
    return see("/sessions?done=ended")


async def end_others(visit: Visit) -> web.Response:
    """Ends all of my sessions but this one."""
    await visit.parts.sessions.end_all(visit.known.member.user_id, but=visit.known.session.number)
    return see("/sessions?done=ended")


async def sign_out(visit: Visit) -> web.Response:
    """Ends this session."""
    known, place = visit.known, visit.parts.place
    await visit.parts.sessions.end(known.member.user_id, known.session.number)
    if known.session.widget:
        return see("/widget", place.cookie(WIDGET, "", 0), place.cookie(BROWSER, "", 0))
    return see("/sign-in?because=signed-out", place.cookie(SESSION, "", 0))


async def confirm(visit: Visit) -> web.Response:
    """Inside Element: the code by which a browser is confirmed once, and may change things from then on."""
    known, place = visit.known, visit.parts.place
    if known.session.confirmed:
        if not known.session.widget:
            return see("/")
        token = await visit.parts.sessions.know_browser(known.member.user_id, known.member.organisation)
        return see("/", place.cookie(BROWSER, token, BROWSER_KNOWN))
    if wait := visit.parts.codes.wait(visit.asker):
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
    asking = await visit.parts.sessions.ask_again(known.token)
    return see("/confirm") if asking is None else visit.page("confirm", _FOR_FEW, asking=asking)
