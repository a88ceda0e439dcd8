"""The reports of months, for managers: what was frozen of each, and its PDF."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from belisha.export import disposition, file_name
from belisha.metrics.days import month_of
from belisha.tlp import Label
from bots.charts.artist import NotDrawn
from bots.metrics.contents import SECTIONS
from bots.metrics.sections import month_name
from bots.portal.drawings import Busy
from bots.portal.guard import Refused
from bots.portal.views_metrics import book_of
from bots.portal.visit import Visit

_LABEL: Final = Label.AMBER


async def report(visit: Visit) -> web.Response:
    """What a month's report says, and where its PDF is."""
    return await report_page(visit, visit.request.query.get("month", ""))


async def report_page(visit: Visit, wanted: str = "", *, link: str = "", problem: str = "") -> web.Response:
    """The page of a month's report.

    Args:
        visit: the request of a manager; anybody else is refused.
        wanted: the month, such as `2026-10`; the newest for any other.
        link: a link for sponsors that was just made.
        problem: why none was.
    """
    book = book_of(visit)
    listed = await book.reports()
    month = next((one for one in listed if f"{one:%Y-%m}" == wanted), listed[0] if listed else None)
    made = None if month is None else await book.report(month)
    figures = await book.figures()
    happened = [] if month is None else [one for one in figures.annotations if one.day in month_of(month)]
    links = await book.links(time.time())
    return visit.page(
        "metrics_report",
        _LABEL,
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        sections=[(key, one[0]) for key, one in SECTIONS.items()],
        months=[(f"{one:%Y-%m}", month_name(month_of(one))) for one in listed],
        month="" if month is None else f"{month:%Y-%m}",
        name="" if month is None else month_name(month_of(month)),
        report=made,
        happened=[(one.day.isoformat(), one.text) for one in happened],
        links=[(one.number, month_name(month_of(one.month)), _day(one.made), _day(one.until)) for one in links],
        link=link,
        problem=problem,
        done=visit.request.query.get("done") == "withdrawn",
    )


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


async def pdf(visit: Visit) -> web.Response:
    """A month's report as a PDF, made of what was frozen."""
    made = await _report(visit)
    try:
        body = await visit.parts.sheets.made(f"report {made['month']}", made)
    except Busy:
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, 5.0) from None
    except NotDrawn:
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR) from None
    headers = {
        "Content-Disposition": disposition(file_name(made["title"], _LABEL, "pdf")),
        "Cache-Control": "private, no-store",
    }
    return web.Response(body=body, content_type="application/pdf", headers=headers)


async def _report(visit: Visit) -> Mapping[str, Any]:
    """The report that an address names.

    Raises:
        Refused: 404 where there is none, and for everybody but managers.
    """
    book = book_of(visit)
    try:
        month = date.fromisoformat(f"{visit.request.match_info['month']}-01")
    except ValueError:
        raise Refused(HTTPStatus.NOT_FOUND) from None
    if (made := await book.report(month)) is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return made
