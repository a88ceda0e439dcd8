"""The quarter's two questions about trust: the page where a member answers them. Nothing of an answer is logged."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from belisha.metrics.pulse import QUESTIONS, SCALE
from belisha.tlp import Label
from belisha.translation import _
from bots.metrics.pulse_box import Pulse, PulseBox
from bots.polls.ballot_box import Closed
from bots.polls.key_files import LostKey
from bots.portal.guard import Refused
from bots.portal.visit import Visit

#: What is asked is the same for everybody; what somebody answered is never shown again.
_LABEL: Final = Label.GREEN
_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,60}")


async def page(visit: Visit) -> web.Response:
    """The questions, while they can be answered."""
    box = _box(visit)
    return await _page(visit, box, await box.present())


async def answer(visit: Visit) -> web.Response:
    """Takes an answer."""
    box, once = _box(visit), visit.form.get("once", "")
    if not _ONCE.fullmatch(once):
        raise Refused(HTTPStatus.BAD_REQUEST)
    one = await box.present()
    if one is None:
        return await _page(visit, box, None)
    points = [_point(visit.form, question) for question in QUESTIONS]
    if 0 in points:
        return await _page(visit, box, one, _("Please answer both questions."))
    try:
        await box.answer(one, visit.known.member.user_id, once, (points[0], points[1]))
    except (Closed, LostKey):
        return await _page(visit, box, None)
    return visit.page("pulse", _LABEL, state="taken", closes=one.closes)


async def _page(visit: Visit, box: PulseBox, one: Pulse | None, problem: str = "") -> web.Response:
    """The page; also where nothing is asked at present, or the key of what was answered is lost."""
    if one is None:
        return visit.page("pulse", _LABEL, state="closed")
    try:
        has_answered = await box.has_answered(one, visit.known.member.user_id)
    except LostKey:
        return visit.page("pulse", _LABEL, state="closed")
    return visit.page(
        "pulse",
        _LABEL,
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        state="open",
        closes=one.closes,
        has_answered=has_answered,
        questions=list(QUESTIONS.items()),
        scale=list(enumerate(SCALE, 1)),
        chosen={question: _point(visit.form, question) for question in QUESTIONS},
        once=secrets.token_urlsafe(24),
        problem=problem,
    )


def _point(form: Mapping[str, str], question: str) -> int:
    """The point that a form gives to a question; 0 for none, and for what is none."""
    text = form.get(question, "")
    return int(text) if re.fullmatch(r"[1-9]", text) and int(text) <= len(SCALE) else 0


def _box(visit: Visit) -> PulseBox:
    if visit.parts.pulses is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return visit.parts.pulses
