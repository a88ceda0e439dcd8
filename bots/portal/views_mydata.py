"""Copies of what is held about me; the file of one comes from the homeserver itself, by a link (rule P1)."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from belisha.tlp import Label
from bots.portal.guard import Refused
from bots.portal.visit import Visit, see

_FOR_FEW = Label.AMBER


async def mydata(visit: Visit) -> web.Response:
    """The copies that were made of what is held about me."""
    found = await visit.parts.homeserver.listed("exports", visit.known.member.user_id)
    return visit.page("mydata", _FOR_FEW, exports=found)


async def take(visit: Visit) -> web.Response:
    """Sends my browser to a link by which it takes a copy, once; those of others are not there."""
    link = await visit.parts.homeserver.export_link(visit.known.member.user_id, visit.request.match_info["export"])
    if link is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return see(link)
