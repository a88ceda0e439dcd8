"""Results as pictures, for pages that say the same in a table."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from belisha.tlp import Label
from bots.charts.artist import NotDrawn
from bots.charts.bars import Bars
from bots.portal.drawings import Busy
from bots.portal.export import disposition, file_name
from bots.portal.guard import Refused
from bots.portal.visit import Visit


async def drawn(visit: Visit, event_id: str, chart: Bars, label: Label) -> web.Response:
    """A result as a picture that says its label, which no cache keeps.

    Args:
        visit: the request of somebody who may see the result.
        event_id: whose result it is.
        chart: what the page says of it.
        label: the poll's, at this moment.

    Raises:
        Refused: 429 where too many are drawn, 500 where this one cannot be.
    """
    labelled = replace(chart, notes=(str(label), *chart.notes))
    try:
        png = await visit.parts.drawings.png(event_id, labelled)
    except Busy:
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, 5.0) from None
    except NotDrawn:
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR) from None
    headers = {
        "Content-Disposition": disposition(file_name("poll", label, "png"), "inline"),
        "Cache-Control": "private, no-store",
    }
    return web.Response(body=png, content_type="image/png", headers=headers)
