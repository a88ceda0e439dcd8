"""Results of polls as a page and as files, for whoever began them and for stewards.

The module decides when either is asked for (rule P2).
"""

from __future__ import annotations

import time
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web

from belisha.tlp import Label
from bots.kernel.bot import PollFacts
from bots.polls import results, words
from bots.polls.counting import count, until
from bots.portal import views_ballots
from bots.portal.ballot_paper import BallotPaper
from bots.portal.export import Cell, disposition, document, file_name, table
from bots.portal.guard import Refused
from bots.portal.views_pictures import drawn
from bots.portal.visit import Visit, see


async def votes(visit: Visit) -> web.Response:
    """Each voter's answers: a table with a row for each, or JSON with the counts too."""
    asked, (facts, label) = visit.request.match_info, await _exportable(visit)
    if facts.start.anonymous:
        paper = BallotPaper(facts.start, label, may_vote=False, may_vote_opening=False)
        return await views_ballots.exported(visit, paper, asked["form"])
    kept, now = await visit.parts.polls.kept(facts.start.event_id), time.time()
    found = count(facts, kept, now)
    of = {**facts.opening, **facts.closing}
    people = [
        (voter, facts.organisations.get(of.get(voter, ""), ""), chosen)
        for voter, chosen in sorted(found.ballots.items())
    ]
    options = facts.start.options
    if asked["form"] == "csv":
        rows: list[list[Cell]] = [
            [voter, organisation, *(one.id in chosen for one in options)] for voter, organisation, chosen in people
        ]
        body = table(label, ["Member", "Organisation", *(one.text for one in options)], rows)
        kind = "text/csv"
    else:
        texts = {one.id: one.text for one in options}
        content = {
            "question": facts.start.question,
            "is_over": bool(facts.ends),
            "counted_until_ms": until(facts, kept, now),
            "quorum": kept["quorum"],
            "counts": [{"answer": texts[key], "votes": votes} for key, votes in found.counts.items()],
            "organisations": [
                {
                    "organisation": facts.organisations.get(one.organisation, one.organisation),
                    "votes": one.voters,
                    "answers": [texts[key] for key in one.choices],
                }
                for one in found.organisations
            ],
            "votes": [
                {"member": voter, "organisation": organisation, "answers": [texts[key] for key in chosen]}
                for voter, organisation, chosen in people
            ],
            "spoiled": found.spoiled,
            "late": found.late,
            "not_among_voters": found.not_eligible,
        }
        body, kind = document(label, content), "application/json"
    headers = {"Content-Disposition": disposition(file_name("poll", label, asked["form"]))}
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)


async def result(visit: Visit) -> web.Response:
    """The result of an open poll as it stands now: a sentence, a picture, a table, and the files."""
    asked, (facts, label) = visit.request.match_info, await _exportable(visit)
    kept = await visit.parts.polls.kept(facts.start.event_id)
    if facts.start.anonymous:
        if kept["place"] is None:  # it only looks like the card of one
            raise Refused(HTTPStatus.NOT_FOUND)
        return see(f"/ballots/{kept['place']}")
    found = results.result_of(facts, kept, time.time())
    return visit.page(
        "poll_result",
        label,
        start=facts.start,
        where=f"/polls/{quote(asked['room_id'], safe='')}/{quote(asked['event_id'], safe='')}",
        is_over=bool(facts.ends),
        told=words.sentence(found),
        table=words.table(found),
        votes=found.tally.organisations,
        names=found.names,
        texts={option.id: option.text for option in facts.start.options},
        notes=words.notes(found, visit.parts.pages.zone),
    )


async def picture(visit: Visit) -> web.Response:
    """That page's picture."""
    facts, label = await _exportable(visit)
    if facts.start.anonymous:
        raise Refused(HTTPStatus.NOT_FOUND)
    kept = await visit.parts.polls.kept(facts.start.event_id)
    chart = words.chart(results.result_of(facts, kept, time.time()))
    return await drawn(visit, facts.start.event_id, chart, label)


async def _exportable(visit: Visit) -> tuple[PollFacts, Label]:
    """The poll at that address, where the visitor may export it now.

    Raises:
        Refused: 404, the same where there is none.
    """
    asked, user_id = visit.request.match_info, visit.known.member.user_id
    facts = await visit.parts.homeserver.poll(user_id, asked["room_id"], asked["event_id"])
    label = None if facts is None else Label.parse(facts.label)
    if facts is None or label is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return facts, label
