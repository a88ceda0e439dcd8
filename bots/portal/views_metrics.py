"""The community's figures, for managers: what was decided to be shown, and nothing that leads to anybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Final

from aiohttp import web
from markupsafe import Markup

from belisha.export import Cell, disposition, file_name, one_line, table
from belisha.tlp import Label
from bots.metrics.contents import SECTIONS
from bots.metrics.figures import LONGEST, FigureBook, Figures
from bots.metrics.sections import Asked, Block, month_name, said
from bots.portal.guard import Refused
from bots.portal.views_pictures import drawn
from bots.portal.visit import Visit, see

#: Numbers about a community are for those who run it.
_LABEL: Final = Label.AMBER
_EARLIEST: Final = date(2000, 1, 1)


async def section(visit: Visit) -> web.Response:
    """One section: its plots, each with its table."""
    return await _page(visit)


async def annotate(visit: Visit) -> web.Response:
    """Writes something beside the numbers of a day, or takes it away."""
    book, form = book_of(visit), visit.form
    if gone := form.get("gone"):
        if not (gone.isascii() and gone.isdigit() and len(gone) < 15):
            raise Refused(HTTPStatus.BAD_REQUEST)
        await book.take_away(int(gone))
        return see("/metrics/overview?done=changed")
    try:
        day = _day(form.get("day", ""))
        await book.annotate(day, one_line(form.get("text", "")).strip(), visit.known.member.user_id)
    except ValueError as wrong:
        return await _page(visit, "overview", str(wrong))
    return see("/metrics/overview?done=changed")


async def csv(visit: Visit) -> web.Response:
    """The table of a plot as a file."""
    block = await _block(visit)
    rows: list[Sequence[Cell]] = [[_cell(value) for value in row] for row in block.rows]
    body = table(_LABEL, block.heads, rows)
    headers = {"Content-Disposition": disposition(file_name(block.title, _LABEL, "csv"))}
    return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)


async def picture(visit: Visit) -> web.Response:
    """A plot's numbers as a picture."""
    block = await _block(visit)
    return await drawn(visit, f"metrics {block.slug}", block.chart, _LABEL, block.title)


async def _page(visit: Visit, name: str = "", problem: str = "") -> web.Response:
    figures = await book_of(visit).figures()
    name = name or visit.request.match_info["section"]
    if name not in SECTIONS:
        raise Refused(HTTPStatus.NOT_FOUND)
    asked = await _asked(visit, figures)
    title, blocks = SECTIONS[name]
    return visit.page(
        "metrics",
        _LABEL,
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        section=name,
        title=title,
        sections=[(key, one[0]) for key, one in SECTIONS.items()],
        blocks=[(block, Markup(block.svg)) for block in (blocks(asked) if asked else ())],  # noqa: S704 - escaped there
        months=[(f"{one.first:%Y-%m}", month_name(one)) for one in reversed(figures.months)],
        month=f"{asked.month.first:%Y-%m}" if asked else "",
        said=said,
        annotations=[(one.number, one.day.isoformat(), one.text) for one in figures.annotations],
        sample=figures.sample,
        longest=LONGEST,
        given={"day": visit.form.get("day", ""), "text": visit.form.get("text", "")[:LONGEST]},
        problem=problem,
        done=visit.request.query.get("done") == "changed",
    )


async def _asked(visit: Visit, figures: Figures) -> Asked | None:
    """What is asked for; None where nothing was decided yet. What groups are called is asked at this moment (P2)."""
    wanted = visit.request.query.get("month", "")
    if not figures.months:
        return None
    month = next((one for one in figures.months if f"{one.first:%Y-%m}" == wanted), figures.months[-1])
    home = await visit.parts.homeserver.home(visit.known.member.user_id)
    groups = {room.room_id: room.name or "A group without a name" for room in home.groups}
    return Asked(figures, month, groups, await visit.parts.homeserver.figures.named(visit.known.member.user_id))


async def _block(visit: Visit) -> Block:
    figures, asked_for = await book_of(visit).figures(), visit.request.match_info
    asked = await _asked(visit, figures)
    if asked is not None and asked_for["section"] in SECTIONS:
        for block in SECTIONS[asked_for["section"]][1](asked):
            if block.slug == asked_for["block"]:
                return block
    raise Refused(HTTPStatus.NOT_FOUND)


def book_of(visit: Visit) -> FigureBook:
    """The figures, for managers alone.

    Raises:
        Refused: 404 for everybody else, and where nothing is counted.
    """
    if "manager" not in visit.known.member.roles or visit.parts.figures is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return visit.parts.figures


def _cell(value: str | float | None) -> Cell:
    return "withheld" if value is None else value


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not _EARLIEST <= day < date(2100, 1, 1):
        raise ValueError("Please write the day as year, month and day, such as 2026-03-03.")
    return day
