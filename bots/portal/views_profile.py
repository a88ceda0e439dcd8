"""One's own profile: what stands in it, as others see it, and the page on which it is written."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from belisha.directory import written
from belisha.directory.fields import FIELDS, Visibility
from belisha.directory.written import NotSo
from belisha.tlp import Label
from belisha.translation import _
from bots.directory.profiles import Kept, Shown
from bots.directory.words import ASKED, LABELS, SEEN_BY
from bots.kernel.listed import Sight
from bots.portal.guard import Refused
from bots.portal.visit import Visit, see

#: What everybody may read; and what is for some.
_FOR_MEMBERS, _FOR_FEW = Label.GREEN, Label.AMBER
_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,60}")


async def sight_of(visit: Visit, *about: str) -> Sight:
    """Whom this member may find now.

    Raises:
        Refused: they may not act any more.
    """
    sight = await visit.parts.homeserver.sight(visit.known.member.user_id, about)
    if sight is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return sight


async def mine(visit: Visit) -> web.Response:
    """What stands in my profile, and who sees it."""
    sight = await sight_of(visit)
    kept = await visit.parts.book.kept(sight.asker.user_id)
    saved = visit.request.query.get("done") == "saved"
    return visit.page(
        "profile_mine",
        _FOR_FEW,
        listed=sight.asker,
        kept=kept,
        fields=FIELDS,
        labels=LABELS,
        seen_by=SEEN_BY,
        saved=saved,
    )


async def preview(visit: Visit) -> web.Response:
    """My profile as every member sees it, and as those in a group with me do."""
    sight = await sight_of(visit)
    kept = await visit.parts.book.kept(sight.asker.user_id)
    strangers = Shown(sight.asker, kept.shown({Visibility.COMMUNITY}))
    groups = Shown(sight.asker, kept.shown({Visibility.COMMUNITY, Visibility.GROUPS}))
    more = {key: value for key, value in groups.fields.items() if key not in strangers.fields}
    label = _FOR_FEW if more else _FOR_MEMBERS
    return visit.page("profile_preview", label, strangers=strangers, more=more, labels=LABELS)


async def edit(visit: Visit) -> web.Response:
    """The page on which I write my profile."""
    kept = await visit.parts.book.kept((await sight_of(visit)).asker.user_id)
    return await _form(visit, _given(kept), kept, {}, secrets.token_urlsafe(24))


async def save(visit: Visit) -> web.Response:
    """Saves it whole, or says at each field what is wrong with it and saves nothing."""
    form, once = visit.form, visit.form.get("once", "")
    if not _ONCE.fullmatch(once):
        raise Refused(HTTPStatus.BAD_REQUEST)
    sight = await sight_of(visit)
    fields: dict[str, tuple[str, ...]] = {}
    chosen: dict[str, Visibility] = {}
    problems: dict[str, str] = {}
    for field in FIELDS.values():
        if field.id not in form:
            continue
        try:
            fields[field.id] = written.read(field, form[field.id])
        except NotSo as wrong:
            problems[field.id] = str(wrong)
        try:
            chosen[field.id] = Visibility(form.get(f"{field.id}-seen-by", field.visibility.value))
        except ValueError as wrong:
            raise Refused(HTTPStatus.BAD_REQUEST) from wrong
    if problems:
        kept = await visit.parts.book.kept(sight.asker.user_id)
        given = _given(kept) | {key: form[key] for key in FIELDS if key in form}
        return await _form(visit, given, Kept(kept.fields, {**kept.chosen, **chosen}), problems, once)
    await visit.parts.book.save(sight.asker, fields, chosen, once)
    return see("/profile?done=saved")


def _given(kept: Kept) -> dict[str, str]:
    return {key: (", " if field.tags else " ").join(kept.fields.get(key, ())) for key, field in FIELDS.items()}


async def _form(
    visit: Visit, given: Mapping[str, str], kept: Kept, problems: Mapping[str, str], once: str
) -> web.Response:
    suggested = {key: await visit.parts.book.suggest(key, "") for key, field in FIELDS.items() if field.tags}
    return visit.page(
        "profile_edit",
        _FOR_FEW,
        status=HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK,
        fields=FIELDS,
        labels=LABELS,
        questions={key: question for key, (question, _example) in ASKED.items()},
        whom={one.value: _(SEEN_BY[one]) for one in Visibility},
        given=given,
        kept=kept,
        problems=problems,
        suggested=suggested,
        once=once,
    )
