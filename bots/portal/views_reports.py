"""Reports, for those who look after them, and what was reported, for two stewards each (rules P1 and P2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from belisha.acts.reports import REPORT_ACTS
from belisha.tlp import Label
from belisha.translation import _, marked
from bots.portal.guard import Refused
from bots.portal.visit import Visit, see
from bots.steward.report_words import DONE, KINDS

_FOR_FEW: Final = Label.AMBER
#: How many names one question asks for.
_AT_ONCE: Final = 50
#: What can be done about a report, by the names that the module gives: its form, and what it is called on its page.
_ACTS: Final = {str(one.act).removeprefix("report_"): one.slug for one in REPORT_ACTS}
_CALLED: Final = {
    "acknowledge": marked("Look after it"),
    "warn": marked("Warn the member"),
    "mute": marked("Mute the member"),
    "redact": marked("Take the message back"),
    "remove": marked("Remove the member from the group"),
    "close": marked("Close it, and tell who reported it what came of it"),
}


async def reports(visit: Visit) -> web.Response:
    """The newest reports, the open ones first."""
    found = await visit.parts.homeserver.reports(visit.known.member.user_id)
    if found is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    names = await _names(visit, found)
    return visit.page("reports", _FOR_FEW, reports=[_told(one, names) for one in found])


async def report(visit: Visit) -> web.Response:
    """One report, and what was reported where this steward has asked to see it."""
    found = await visit.parts.homeserver.report(visit.known.member.user_id, _number(visit), look=False)
    if found is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return await _page(visit, found)


async def look(visit: Visit) -> web.Response:
    """Shows a steward what was reported, and writes down that they have seen it."""
    number, user_id = _number(visit), visit.known.member.user_id
    if await visit.parts.homeserver.report(user_id, number, look=True) is not None:
        return see(f"/reports/{number}")
    if await visit.parts.homeserver.report(user_id, number, look=False) is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return see(f"/reports/{number}?done=not")


async def _page(visit: Visit, found: dict[str, Any]) -> web.Response:
    shown = found.get("shown") or {}
    label = max((one for one in (Label.parse(str(shown.get("label"))), _FOR_FEW) if one is not None), default=_FOR_FEW)
    acts = [(_ACTS[act], _(_CALLED[act])) for act in found.get("acts") or () if act in _CALLED]
    told = found | _told(found, await _names(visit, [found]))
    source = shown.get("source")
    named = await visit.parts.homeserver.names(visit.known.member.user_id, [source]) if source else ()
    told["source_name"] = next((one for one in named if one), "")
    return visit.page("report", label, report=told, acts=acts, refused=visit.request.query.get("done") == "not")


async def _names(visit: Visit, reports: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The names of those who stand in reports, by their addresses; who has none any more has the address."""
    addresses = {f"@{by}" for one in reports for _act, by, _at in one.get("done") or ()}
    addresses |= {f"@{one['member']}" for one in reports if one.get("member")}
    listed = sorted(addresses)
    found: dict[str, str] = {}
    for start in range(0, len(listed), _AT_ONCE):
        some = listed[start : start + _AT_ONCE]
        names = await visit.parts.homeserver.names(visit.known.member.user_id, some)
        found |= {address: name or address for address, name in zip(some, names, strict=True)}
    return found


def _told(one: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A report in a page's words."""
    done = [(_(DONE[act]).format(member=names[f"@{by}"]), at) for act, by, at in one.get("done") or ()]
    member = one.get("member")
    about = {"member_name": names[f"@{member}"]} if member else {}
    return {**one, **about, "kind": _(KINDS.get(str(one.get("kind")), KINDS["other"])), "done": done}


def _number(visit: Visit) -> int:
    number = visit.request.match_info["number"]
    if len(number) > 9 or not int(number):
        raise Refused(HTTPStatus.NOT_FOUND)
    return int(number)
