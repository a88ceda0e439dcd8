"""A second factor for a member who is signed in: the first one of somebody from before, or one on another phone.

Who only sits down at an open session makes none: what opens the account now is asked for as well.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web

from belisha.tlp import Label
from bots.portal.enrolling import Enrolling
from bots.portal.guard import Refused
from bots.portal.visit import Visit

_FOR_FEW: Final = Label.AMBER
_MISSING: Final = "Please fill in both fields."


async def page(visit: Visit) -> web.Response:
    """A new key, and where password and code are typed."""
    return _page(visit, _enrolling(visit))


async def enrol(visit: Visit) -> web.Response:
    """Takes the new factor in the place of the old one."""
    enrolling = _enrolling(visit)
    password, digits = visit.form.get("password", ""), visit.form.get("digits", "").strip()
    if not (password and digits):
        return _page(visit, enrolling, _MISSING)
    if wait := visit.parts.recoveries.wait(visit.known.member.user_id):
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
    factor = {"secret": enrolling.key(visit.form).secret, "digits": digits}
    refused = await visit.parts.homeserver.sign_in.enrol(visit.known.member.user_id, password, factor)
    return _page(visit, enrolling, refused) if refused is not None else visit.page("enrolled", _FOR_FEW)


def _enrolling(visit: Visit) -> Enrolling:
    if visit.parts.enrolling is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return visit.parts.enrolling


def _page(visit: Visit, enrolling: Enrolling, problem: str | None = None) -> web.Response:
    status = HTTPStatus.OK if problem is None else HTTPStatus.BAD_REQUEST
    return visit.page("factor", _FOR_FEW, status=status, key=enrolling.key(visit.form), problem=problem)
