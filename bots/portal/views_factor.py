"""A second factor for a member who is signed in, and recovery codes for the day without the phone that has it.

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
_MISSING_ONE: Final = "Please fill in the field."


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


async def codes_page(visit: Visit) -> web.Response:
    """Where a member has recovery codes made, in the place of those that they had."""
    _enrolling(visit)
    return visit.page("recovery_codes", _FOR_FEW, codes=(), problem=None)


async def make_codes(visit: Visit) -> web.Response:
    """Makes them, and shows them this once."""
    _enrolling(visit)
    password = visit.form.get("password", "")
    user_id = visit.known.member.user_id
    if wait := visit.parts.recoveries.wait(user_id):
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
    ask = visit.parts.homeserver.sign_in.spare_codes
    codes, problem = await ask(user_id, password) if password else ((), _MISSING_ONE)
    status = HTTPStatus.OK if codes else HTTPStatus.BAD_REQUEST
    return visit.page("recovery_codes", _FOR_FEW, status=status, codes=codes, problem=problem)


def _enrolling(visit: Visit) -> Enrolling:
    if visit.parts.enrolling is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return visit.parts.enrolling


def _page(visit: Visit, enrolling: Enrolling, problem: str | None = None) -> web.Response:
    status = HTTPStatus.OK if problem is None else HTTPStatus.BAD_REQUEST
    return visit.page("factor", _FOR_FEW, status=status, key=enrolling.key(visit.form), problem=problem)
