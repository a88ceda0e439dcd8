"""A poll by a form: filled in, looked at as it will be, and then asked for as the command that it is."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from aiohttp import web
from markupsafe import Markup

from belisha.acts.polls import POLL_ACTS
from belisha.commands.declaration import GROUPS
from belisha.commands.reading import Asked, Problem, read
from belisha.commands.writing import write
from belisha.policy.polls import NOT_BY_ORGANISATION
from belisha.polls.ballots import FEWEST_VOTERS
from belisha.polls.card import UNANIMOUS
from belisha.polls.deadlines import NoDeadline, deadline
from belisha.polls.wire import MOST_ANSWERS
from belisha.tlp import Label
from belisha.translation import _
from bots.kernel.answers import in_html
from bots.kernel.bot import Policy
from bots.kernel.by_form import About, Handed, NotAccepted
from bots.portal.guard import Refused
from bots.portal.homes import Room
from bots.portal.pages import strictest
from bots.portal.visit import Visit

_POLL: Final = POLL_ACTS[0]
_FOR_MEMBERS, _FOR_FEW = Label.GREEN, Label.AMBER
_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,60}")
#: The form's fields; question and answers are one place of the command.
_FIELDS: Final = ("question", "answers", "closes", "multi", "by", "quorum", "label", "voters", "anonymous")


class _Looked(NamedTuple):
    """A poll as it will be."""

    about: About
    fields: Mapping[str, str]
    arguments: Mapping[str, Any]
    label: Label
    closes: float | None


async def form(visit: Visit) -> web.Response:
    """The empty form, for the group that is named."""
    return await _form(visit, {"room": visit.request.query.get("room", "")}, secrets.token_urlsafe(24))


async def step(visit: Visit) -> web.Response:
    """Shows the poll as it will be, goes back to the form, or asks for it."""
    once, given = visit.form.get("once", ""), {name: visit.form.get(name, "") for name in ("room", *_FIELDS)}
    if not _ONCE.fullmatch(once):
        raise Refused(HTTPStatus.BAD_REQUEST)
    if visit.form.get("step") == "change":
        return await _form(visit, given, once)
    try:
        looked = await _look(visit, given)
        if visit.form.get("step") != "begin":
            return _preview(visit, given, once, looked)
        handed = Handed(_POLL, looked.fields, visit.known.member.asker, looked.about, None, once)
        done = await visit.parts.by_form.hand_in(handed)
    except NotAccepted as refusal:
        return await _form(visit, given, once, str(refusal))
    return visit.page(
        "command_done",
        strictest([looked.label, _FOR_FEW]),
        command=_POLL,
        text=done.text,
        answer=Markup(in_html(done.blocks)),  # noqa: S704 - everything in it is escaped where it is made
        asks=False,
        waits=True,
        own_room=visit.known.member.service_room,
        concerns=(),
        again={},
    )


async def _look(visit: Visit, given: Mapping[str, str]) -> _Looked:
    """Reads the form.

    Raises:
        NotAccepted: no poll can be made of it, or not in that group.
    """
    if not given["room"]:
        raise NotAccepted(_("Please choose a group."))
    name = next((one.name for one in await _groups(visit) if one.room_id == given["room"]), None)
    about = await visit.parts.homeserver.about(visit.known.member.user_id, given["room"], name or "")
    if about is None or not isinstance(about.policy, Policy) or about.policy.kind not in GROUPS:
        raise NotAccepted(_("You are not in that group, or there is none. Please choose another."))
    if "|" in given["question"] + given["answers"]:
        raise NotAccepted(_("Please leave out the sign | here: on a form each answer has a line of its own."))
    fields = {key: given[key].strip() for key in _FIELDS[2:]}
    fields["poll"] = "\n".join([" ".join(given["question"].split()), *given["answers"].splitlines()]).strip()
    asked = read(write(_POLL, fields), (_POLL,))
    if not isinstance(asked, Asked):
        raise NotAccepted(asked.reason if isinstance(asked, Problem) else _("That could not be read."))
    if "anonymous" in asked.arguments and "by" in asked.arguments:
        raise NotAccepted(_(NOT_BY_ORGANISATION))
    closes = None
    try:
        if "closes" in asked.arguments:
            closes = deadline(asked.arguments["closes"], time.time(), visit.parts.pages.zone)
    except NoDeadline as wrong:
        raise NotAccepted(str(wrong)) from wrong
    label = Label.parse(asked.arguments.get("label") or about.policy.default)
    ceiling = Label.parse(about.policy.ceiling)
    if label is None or ceiling is None or label > ceiling:
        sentence = _("That label is stricter than this group can carry ({ceiling}). Please choose another.")
        raise NotAccepted(sentence.format(ceiling=about.policy.ceiling))
    return _Looked(about, fields, asked.arguments, label, closes)


def _preview(visit: Visit, given: Mapping[str, str], once: str, looked: _Looked) -> web.Response:
    question, *answers = looked.arguments["poll"]
    return visit.page(
        "poll_preview",
        strictest([looked.label, _FOR_MEMBERS]),
        command=_POLL,
        group=looked.about.name or looked.about.room_id,
        poll_label=looked.label,
        question=question,
        answers=answers,
        most=min(int(looked.arguments.get("multi", 1)), len(answers)),
        closes=looked.closes,
        by_organisation="by" in looked.arguments,
        quorum=looked.arguments.get("quorum"),
        voters=looked.arguments.get("voters", "closing"),
        anonymous="anonymous" in looked.arguments,
        fewest=FEWEST_VOTERS,
        unanimous=_(UNANIMOUS),
        given=given,
        once=once,
    )


async def _form(visit: Visit, given: Mapping[str, str], once: str, problem: str = "") -> web.Response:
    label = _FOR_FEW if given.get("question") else _FOR_MEMBERS
    return visit.page(
        "poll_form",
        label,
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        command=_POLL,
        groups=await _groups(visit),
        labels=sorted(Label)[:-1],
        most_answers=MOST_ANSWERS,
        given={**dict.fromkeys(("room", *_FIELDS), ""), **given},
        once=once,
        problem=problem,
    )


async def _groups(visit: Visit) -> tuple[Room, ...]:
    found = await visit.parts.homeserver.home(visit.known.member.user_id)
    return tuple(one for one in found.groups if one.kind in GROUPS)
