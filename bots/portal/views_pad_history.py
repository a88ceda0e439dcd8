"""How a pad was: its versions, whose each passage is, what changed, and putting an earlier text in again.

Who may read the pad now sees them, and nobody else (rule P2). A version keeps the label that it had: it is shown under
the strictest of that, of what its text says, and of the pad's now; and to nobody where the group carries less by now.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final, NamedTuple

from aiohttp import web

from belisha.blog.difference import compared
from belisha.directory.written import plain
from belisha.tlp import Label
from bots.pads.book import Gone
from bots.pads.editor import Editor
from bots.pads.restoring import NotRestored, restore
from bots.pads.rooms import Full
from bots.pads.rules import Refused as NotShown
from bots.pads.rules import title
from bots.pads.versions import MOST_NAMED, TooMany, Version, Whole
from bots.portal.guard import Refused
from bots.portal.views_pads import ShownPad, here_of, shown_pad
from bots.portal.visit import Visit, see

LONGEST_NAME: Final = 100
#: More passages are not shown one by one, nor more people by name.
_MOST_PASSAGES: Final = 2_000
_MOST_PEOPLE: Final = 200
#: So many people one question names.
_AT_ONCE: Final = 50
_LEFT: Final = "Somebody who has left the community"
_OTHERS: Final = "Others"
_STRICTER: Final = (
    "This version is {then}, and the pad is less strict by now. Its source can raise it, by answering its message "
    "in the group with !relabel."
)


class _Hand(NamedTuple):
    """Somebody who wrote in a version: what stands for them beside passages, and how many characters they wrote."""

    number: int
    name: str
    letters: int


class _Written(NamedTuple):
    """A passage of a version."""

    hand: _Hand
    text: str


async def history(visit: Visit) -> web.Response:
    """The versions of a pad, the newest first."""
    return await _history(visit, await shown_pad(visit))


async def name(visit: Visit) -> web.Response:
    """Calls a version something, or the text as it is now, of which a version is made by that."""
    found, event_id = await shown_pad(visit), visit.request.match_info["event_id"]
    named, given = plain(visit.form.get("name", ""))[: LONGEST_NAME + 1], visit.form.get("number", "")
    if closed := _closed(visit, found):
        return await _history(visit, found, named, closed)
    if len(named) > LONGEST_NAME or not (named or given):
        problem = "A version needs a name." if not named else f"A name has at most {LONGEST_NAME} characters."
        return await _history(visit, found, named, problem)
    versions = visit.parts.pads.versions
    try:
        number = int(given) if given.isdecimal() and len(given) < 19 else await versions.keep(event_id, time.time())
        one = next((one for one in await _visible(visit, found) if one.number == number), None)
        if one is None:
            raise Refused(HTTPStatus.NOT_FOUND)
        if _says_more(visit, found, named, max(one.label, found.labelled.label)):
            problem = "That name says that it is stricter than this version is. Please choose another one."
            return await _history(visit, found, named, problem)
        if not await versions.name(event_id, number, named, visit.known.member.user_id, time.time()):
            raise Refused(HTTPStatus.NOT_FOUND)
    except TooMany:
        problem = f"{MOST_NAMED} versions of this pad have names, and more cannot. Please take one's name away first."
        return await _history(visit, found, named, problem)
    except Gone as error:
        raise Refused(HTTPStatus.NOT_FOUND) from error
    return see(f"{here_of(visit)}/history")


async def version(visit: Visit) -> web.Response:
    """One version: who wrote what of it, and what changed since the one before."""
    return await _version(visit, await shown_pad(visit))


async def put_back(visit: Visit) -> web.Response:
    """Has the pad say what it said then. What it says now is kept as a version first."""
    found, event_id = await shown_pad(visit), visit.request.match_info["event_id"]
    whole = await _whole(visit, found, _number(visit))
    if closed := _closed(visit, found):
        return await _version(visit, found, closed)
    if whole.version.label > visit.parts.pads.labelled(whole.text, found.facts.label, found.facts.ceiling).label:
        # The pad was lowered since, and with that what stands in it now; not what was taken out of it before (rule L4).
        # Comments that make it stricter at this moment do not count: they can be taken back behind it.
        return await _version(visit, found, _STRICTER.format(then=whole.version.label))
    known, versions = visit.known, visit.parts.pads.versions
    editor = Editor(known.member.user_id, known.token, known.session.confirmed)
    try:
        room_id = visit.request.match_info["room_id"]
        keep = partial(versions.keep, event_id, time.time())
        if await restore(visit.parts.pads, room_id, event_id, editor, whole.text, keep):
            await versions.keep(event_id, time.time(), restored=whole.version.number)
    except Gone as error:
        raise Refused(HTTPStatus.NOT_FOUND) from error
    except Full as error:
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, 60) from error
    except NotRestored as problem:
        return await _version(visit, found, str(problem))
    return see(here_of(visit))


async def take_away(visit: Visit) -> web.Response:
    """Takes a version away for good; the pad's source may, whose item it is all part of."""
    found, number = await shown_pad(visit), _number(visit)
    await _whole(visit, found, number)
    if not _is_source(visit, found):
        return await _version(visit, found, "Only the source of the pad, who wrote !pad, can take its versions away.")
    await visit.parts.pads.versions.drop(visit.request.match_info["event_id"], number)
    return see(f"{here_of(visit)}/history")


async def _history(visit: Visit, found: ShownPad, named: str = "", problem: str = "") -> web.Response:
    versions = await _visible(visit, found)
    names = await names_of(visit, {one.named_by for one in versions if one.named_by})
    label = max((one.label for one in versions), default=Label.CLEAR)
    return visit.page(
        "pad_history",
        max(label, found.labelled.label),
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        title=title(found.text),
        here=here_of(visit),
        versions=versions,
        names=names,
        labels={one.number: max(one.label, found.labelled.label) for one in versions},
        moments={one.number: one.at for one in versions},
        closed=_closed(visit, found),
        longest=LONGEST_NAME,
        named=named,
        problem=problem,
    )


async def _version(visit: Visit, found: ShownPad, problem: str = "") -> web.Response:
    whole = await _whole(visit, found, _number(visit))
    versions = [one.number for one in await _visible(visit, found)]
    before = await _before(visit, found, next((one for one in versions if one < whole.version.number), None))
    hands = await _hands(visit, whole.wrote)
    lines = await asyncio.to_thread(compared, "" if before is None else before.text, whole.text)
    named_by = whole.version.named_by
    return visit.page(
        "pad_version",
        _label(visit, found, whole) if before is None else max(_label(visit, found, one) for one in (whole, before)),
        status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
        title=title(whole.text),
        here=here_of(visit),
        version=whole.version,
        named_by=(await names_of(visit, {named_by})).get(named_by, "") if named_by else "",
        written=list(_written(whole, hands)) if len(whole.passages) <= _MOST_PASSAGES else None,
        text=whole.text,
        hands=sorted({hand.number: hand for hand in hands.values()}.values()),
        before=None if before is None else before.version,
        lines=lines,
        is_now=whole.text == found.text,
        closed=_closed(visit, found),
        longest=LONGEST_NAME,
        is_source=_is_source(visit, found),
        problem=problem,
    )


async def _visible(visit: Visit, found: ShownPad) -> Sequence[Version]:
    """The versions that may be shown here now, the newest first."""
    most = max(found.facts.label, found.facts.ceiling)
    versions = await visit.parts.pads.versions.listed(visit.request.match_info["event_id"])
    return [one for one in versions if one.label <= most]


async def _whole(visit: Visit, found: ShownPad, number: int) -> Whole:
    """A version that may be shown here now.

    Raises:
        Refused: 404 for every other.
    """
    whole = await visit.parts.pads.versions.whole(visit.request.match_info["event_id"], number)
    if whole is None or _label(visit, found, whole) > max(found.facts.label, found.facts.ceiling):
        raise Refused(HTTPStatus.NOT_FOUND)
    return whole


async def _before(visit: Visit, found: ShownPad, number: int | None) -> Whole | None:
    return None if number is None else await _whole(visit, found, number)


def _label(visit: Visit, found: ShownPad, whole: Whole) -> Label:
    """What a version is shown under; above all ceilings where its text says so."""
    try:
        says = visit.parts.pads.labelled(whole.text, found.facts.label, found.facts.ceiling)
    except NotShown:
        return Label.RED if found.facts.ceiling < Label.RED else found.facts.ceiling
    return max(whole.version.label, says.label, found.labelled.label)


def _says_more(visit: Visit, found: ShownPad, words: str, label: Label) -> bool:
    try:
        says = visit.parts.pads.labelled(words, found.facts.label, found.facts.ceiling)
    except NotShown:
        return True
    return says.label > label


def _closed(visit: Visit, found: ShownPad) -> str:
    """Why this member cannot write here now; empty where they can."""
    return found.facts.readers[visit.known.member.user_id].present.closed


def _is_source(visit: Visit, found: ShownPad) -> bool:
    return found.facts.source == visit.known.member.user_id


def _number(visit: Visit) -> int:
    given = visit.request.match_info["number"]
    if len(given) > 18:
        raise Refused(HTTPStatus.NOT_FOUND)
    return int(given)


async def names_of(visit: Visit, people: set[str]) -> Mapping[str, str]:
    """The names of members as they are now; of those who have left nothing is known."""
    asked, found = sorted(people)[:_MOST_PEOPLE], dict[str, str]()
    for begin in range(0, len(asked), _AT_ONCE):
        some = asked[begin : begin + _AT_ONCE]
        told = await visit.parts.homeserver.names(visit.known.member.user_id, some)
        found |= {one: name for one, name in zip(some, told, strict=True) if name is not None}
    return found


async def _hands(visit: Visit, wrote: Mapping[str, int]) -> Mapping[str, _Hand]:
    """Who wrote how much, those first who wrote most; whoever is known no more is one."""
    most = sorted((one for one in wrote if one), key=lambda one: (-wrote[one], one))
    names = await names_of(visit, set(most[:_MOST_PEOPLE]))
    known = [one for one in most if one in names]
    found = {one: _Hand(place, names[one], wrote[one]) for place, one in enumerate(known, 1)}
    rest = [one for one in wrote if one not in found]
    other = _LEFT if len(most) <= _MOST_PEOPLE else _OTHERS
    last = _Hand(len(known) + 1, other, sum(wrote[one] for one in rest))
    return found | dict.fromkeys(rest, last)


def _written(whole: Whole, hands: Mapping[str, _Hand]) -> Iterator[_Written]:
    at = 0
    for one in whole.passages:
        yield _Written(hands[one.by], whole.text[at : at + one.length])
        at += one.length
