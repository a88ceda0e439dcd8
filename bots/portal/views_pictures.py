"""Results as pictures, for pages that say the same in a table."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from belisha.export import disposition, file_name
from belisha.tlp import Label
from bots.charts.artist import NotDrawn
from bots.charts.bars import Bars
from bots.portal.drawings import Busy
from bots.portal.guard import Refused
from bots.portal.visit import Visit


async def drawn(visit: Visit, of: str, chart: Bars, label: Label, name: str = "poll") -> web.Response:
    """A result as a picture that says its label, which no cache keeps.

    Args:
        visit: the request of somebody who may see the result.
        of: whose result it is: an event's id, or what else tells it from others.
        chart: what the page says of it.
        label: its label, at this moment.
        name: what the file is called.

    Raises:
        Refused: 429 where too many are drawn, 500 where this one cannot be.
    """
    labelled = replace(chart, notes=(str(label), *chart.notes))
    try:
        png = await visit.parts.drawings.png(of, labelled)
    except Busy:
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, 5.0) from None
    except NotDrawn:
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR) from None
    headers = {
        "Content-Disposition": disposition(file_name(name, label, "png"), "inline"),
        "Cache-Control": "private, no-store",
    }
    return web.Response(body=png, content_type="image/png", headers=headers)
