"""Anonymous polls: the page where one votes, and the list of ballots afterwards. To others there is no such page.

Nothing of a ballot is logged, kept in a form's record or told in an address: codes are looked for by forms alone.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from aiohttp import web

from belisha.polls import ballots
from belisha.polls.card import UNANIMOUS
from belisha.translation import _
from bots.polls import anonymous, words
from bots.polls.ballot_box import BallotBox, Closed
from bots.polls.key_files import LostKey
from bots.portal.ballot_paper import BallotPaper
from bots.portal.export import Cell, disposition, document, file_name, table
from bots.portal.guard import Refused
from bots.portal.views_pictures import drawn
from bots.portal.visit import Visit, see

_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,60}")
#: So many ballots are shown on the page; of longer lists there is the file.
_SHOWN: Final = 500


class _Poll(NamedTuple):
    """A poll that the visitor can read, as it is now."""

    kept: Mapping[str, Any]
    paper: BallotPaper

    @property
    def is_open(self) -> bool:
        """Whether it takes ballots; one that is due does not, also where it is still to be closed."""
        closes = self.kept["closes"]
        return self.kept["state"] == "open" and (closes is None or time.time() <= closes)

    @property
    def may_vote(self) -> bool:
        return self.paper.may_vote_opening if self.kept["voters"] == "opening" else self.paper.may_vote


async def page(visit: Visit) -> web.Response:
    """The ballot paper of an open poll, or the list of one that is counted."""
    return await _page(visit, await _found(visit))


async def cast(visit: Visit) -> web.Response:
    """Takes a ballot, and shows its receipt this once."""
    found = await _found(visit)
    once = visit.form.get("once", "")
    if not _ONCE.fullmatch(once):
        raise Refused(HTTPStatus.BAD_REQUEST)
    if not found.is_open:
        return await _page(visit, found, _("The poll is closed. This vote was not taken."))
    if not found.may_vote:
        return await _page(visit, found, _("You are not among those who may vote in this poll."))
    start = found.paper.start
    choices = await _choices(visit)
    if not choices:
        return await _page(visit, found, _("Please choose an answer."))
    if not ballots.is_valid(start, choices):
        problem = _("Please choose at most {count} of the answers.").format(count=start.most)
        return await _page(visit, found, problem)
    try:
        receipt = await _box(visit).cast(start.event_id, visit.known.member.user_id, once, choices)
    except Closed:
        return await _page(visit, await _found(visit), _("The poll is closed. This vote was not taken."))
    except LostKey:
        return await _lost(visit, found)
    chosen = [start.options[place - 1].text for place in sorted(choices)]
    return visit.page("ballot_cast", found.paper.label, poll=found, start=start, receipt=receipt, chosen=chosen)


async def find(visit: Visit) -> web.Response:
    """Looks for a receipt in the list, by a form: an address would stay in logs and histories."""
    found = await _found(visit)
    if await _published(visit, found) is None:
        return see(f"/ballots/{found.kept['place']}")
    return await _page(visit, found, typed=visit.form.get("code", ""))


async def listed(visit: Visit) -> web.Response:
    """The list as a file, byte by byte that of which the hash was announced."""
    found = await _found(visit)
    text = await _published(visit, found)
    if text is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    headers = {"Content-Disposition": disposition(file_name("ballots", found.paper.label, "txt"))}
    return web.Response(body=text, content_type="text/plain", charset="utf-8", headers=headers)


async def picture(visit: Visit) -> web.Response:
    """The result as a picture, once the list is there: nothing but its counts is drawn."""
    found = await _found(visit)
    text = await _published(visit, found)
    if text is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    start, (cast_ballots, _damaged) = found.paper.start, ballots.read_list(text)
    return await drawn(visit, start.event_id, words.chart(_result_of(found, cast_ballots)), found.paper.label)


async def exported(visit: Visit, paper: BallotPaper, form: str) -> web.Response:
    """The list for whoever may export the poll: codes and choices, and no voters."""
    text = await _box(visit).published(paper.start.event_id)
    if text is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    found, damaged = ballots.read_list(text)
    start = paper.start
    if form == "csv":
        rows: list[list[Cell]] = [
            [one.receipt, *(place in one.choices for place in range(1, len(start.options) + 1))] for one in found
        ]
        body = table(paper.label, ["Code", *(option.text for option in start.options)], rows)
        kind = "text/csv"
    else:
        texts = {place: option.text for place, option in enumerate(start.options, start=1)}
        counts = ballots.count(start, found).counts
        content = {
            "question": start.question,
            "is_over": True,
            "anonymous": True,
            "sha256": ballots.digest(text),
            "counts": [{"answer": option.text, "votes": counts[option.id]} for option in start.options],
            "ballots": [{"code": one.receipt, "answers": [texts[place] for place in one.choices]} for one in found],
            "damaged": damaged,
        }
        body, kind = document(paper.label, content), "application/json"
    headers = {"Content-Disposition": disposition(file_name("poll", paper.label, form))}
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)


async def _found(visit: Visit) -> _Poll:
    """The poll at that address, where the visitor can read it; the module says so with every request (rule P2).

    Raises:
        Refused: 404, the same where there is none.
    """
    box = visit.parts.ballots
    kept = None if box is None else await box.poll_at(visit.request.match_info["place"])
    if kept is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    paper = await visit.parts.homeserver.ballot(visit.known.member.user_id, kept["room_id"], kept["event_id"])
    if paper is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return _Poll(kept, paper)


async def _page(visit: Visit, found: _Poll, problem: str = "", typed: str | None = None) -> web.Response:
    text = await _published(visit, found)
    if text is not None:
        return _result(visit, found, text, problem, typed)
    has_voted = False
    if found.is_open and found.may_vote:
        try:
            has_voted = await _box(visit).has_voted(found.kept, visit.known.member.user_id)
        except LostKey:
            return await _lost(visit, found)
    return visit.page(
        "ballot",
        found.paper.label,
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        poll=found,
        start=found.paper.start,
        is_cancelled=found.kept["state"] == "cancelled",
        has_voted=has_voted,
        unanimous=_(UNANIMOUS),
        fewest=ballots.FEWEST_VOTERS,
        chosen=await _choices(visit) if problem else (),
        once=secrets.token_urlsafe(24),
        problem=problem,
    )


def _result(visit: Visit, found: _Poll, text: bytes, problem: str, typed: str | None) -> web.Response:
    start, (cast_ballots, damaged) = found.paper.start, ballots.read_list(text)
    code = None if typed is None else ballots.receipt_from(typed)
    return visit.page(
        "ballots",
        found.paper.label,
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        poll=found,
        start=start,
        texts={place: option.text for place, option in enumerate(start.options, start=1)},
        counts=ballots.count(start, cast_ballots).counts,
        ballots=cast_ballots[:_SHOWN],
        told=words.sentence(_result_of(found, cast_ballots)),
        count=len(cast_ballots),
        damaged=damaged,
        digest=ballots.digest(text),
        is_asked=typed is not None,
        is_code=code is not None,
        mine=next((one for one in cast_ballots if one.receipt == code), None),
        problem=problem,
    )


def _result_of(found: _Poll, listed: Sequence[ballots.Ballot]) -> words.Result:
    return anonymous.result_of(found.paper.start, listed, found.kept, edited_late=found.paper.edited_late)


async def _lost(visit: Visit, found: _Poll) -> web.Response:
    """Has the poll cancelled whose key is lost, and says so; or that it was closed at this moment."""
    kept = found.kept
    await visit.parts.by_form.tell(
        "steward", f"poll lost {kept['event_id']}", lambda context: anonymous.lost(context, kept)
    )
    return await _page(visit, await _found(visit))


async def _published(visit: Visit, found: _Poll) -> bytes | None:
    return await _box(visit).published(found.kept["event_id"]) if found.kept["state"] == "counted" else None


async def _choices(visit: Visit) -> Sequence[int]:
    """The answers that a form chooses, by their places; what is no number counts as 0, which is no answer."""
    given = (await visit.request.post()).getall("choice", [])
    return [int(one) if isinstance(one, str) and re.fullmatch(r"[0-9]{1,2}", one) else 0 for one in given]


def _box(visit: Visit) -> BallotBox:
    if visit.parts.ballots is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return visit.parts.ballots
