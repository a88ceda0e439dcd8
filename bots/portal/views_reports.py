"""Reports, for those who look after them, and what was reported, for two stewards each (rules P1 and P2)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from belisha.acts.reports import REPORT_ACTS
from belisha.tlp import Label
from bots.portal.guard import Refused
from bots.portal.visit import Visit, see

_FOR_FEW: Final = Label.AMBER
#: What can be done about a report, by the names that the module gives.
_ACTS: Final = {str(one.act).removeprefix("report_"): one for one in REPORT_ACTS}


async def reports(visit: Visit) -> web.Response:
    """The newest reports, the open ones first."""
    found = await visit.parts.homeserver.reports(visit.known.member.user_id)
    if found is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return visit.page("reports", _FOR_FEW, reports=found)


async def report(visit: Visit) -> web.Response:
    """One report, and what was reported where this steward has asked to see it."""
    found = await visit.parts.homeserver.report(visit.known.member.user_id, _number(visit), look=False)
    if found is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return _page(visit, found)


async def look(visit: Visit) -> web.Response:
    """Shows a steward what was reported, and writes down that they have seen it."""
    number, user_id = _number(visit), visit.known.member.user_id
    if await visit.parts.homeserver.report(user_id, number, look=True) is not None:
        return see(f"/reports/{number}")
    if await visit.parts.homeserver.report(user_id, number, look=False) is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return see(f"/reports/{number}?done=not")


def _page(visit: Visit, found: dict[str, Any]) -> web.Response:
    shown = found.get("shown") or {}
    label = max((one for one in (Label.parse(str(shown.get("label"))), _FOR_FEW) if one is not None), default=_FOR_FEW)
    acts = [_ACTS[act] for act in found.get("acts") or () if act in _ACTS]
    return visit.page("report", label, report=found, acts=acts, refused=visit.request.query.get("done") == "not")


def _number(visit: Visit) -> int:
    number = visit.request.match_info["number"]
    if len(number) > 9 or not int(number):
        raise Refused(HTTPStatus.NOT_FOUND)
    return int(number)
