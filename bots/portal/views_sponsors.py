"""The sponsors' page: four numbers of a month, by a link that a manager made; and the making of links.

It needs no account, so the key in the address is all that opens it. The portal logs no addresses, pages send no
referrer, and neither caches nor search engines are to keep it.
"""

from __future__ import annotations

import time
from datetime import date
from http import HTTPStatus

from aiohttp import web

from belisha.metrics.days import month_of
from belisha.tlp import Label
from bots.metrics.sections import month_name
from bots.metrics.sponsors import TooMany
from bots.portal.guard import Refused
from bots.portal.views_metrics import book_of
from bots.portal.views_report import report_page
from bots.portal.visit import Visit, see

_UNINDEXED = "noindex, nofollow, noarchive"


async def page(visit: Visit) -> web.Response:
    """The numbers; the one 404 for keys that were withdrawn, have run out, or never were."""
    book = visit.parts.figures
    made = None if book is None else await book.for_sponsors(visit.request.match_info["key"], time.time())
    if made is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    shown = visit.page(
        "sponsors",
        Label.AMBER,
        name=month_name(month_of(date.fromisoformat(made["month"]))),
        report=made,
    )
    shown.headers["X-Robots-Tag"] = _UNINDEXED
    shown.headers["Cache-Control"] = "private, no-store"
    return shown


async def make(visit: Visit) -> web.Response:
    """Makes a link to a month, and shows it this once."""
    book = book_of(visit)
    try:
        month = date.fromisoformat(f"{visit.form.get('month', '')}-01")
        key = await book.make_link(month, time.time())
    except (ValueError, LookupError):
        raise Refused(HTTPStatus.NOT_FOUND) from None
    except TooMany:
        return await report_page(visit, problem="There are twenty links. Please withdraw one that nobody needs.")
    return await report_page(visit, f"{month:%Y-%m}", link=f"{visit.parts.place.public_url}/sponsors/{key}")


async def withdraw(visit: Visit) -> web.Response:
    """Has a link lead nowhere from now on."""
    book, number = book_of(visit), visit.form.get("number", "")
    if not (number.isascii() and number.isdigit() and len(number) < 15):
        raise Refused(HTTPStatus.BAD_REQUEST)
    await book.withdraw_link(int(number))
    return see("/metrics/report?done=withdrawn")
