"""Polls as files, for whoever began them and for stewards; the module decides when the file is asked for (rule P2)."""

from __future__ import annotations

import time
from http import HTTPStatus

from aiohttp import web

from belisha.export import Cell, disposition, document, file_name, table
from belisha.tlp import Label
from bots.polls.counting import count, until
from bots.portal import views_ballots
from bots.portal.ballot_paper import BallotPaper
from bots.portal.guard import Refused
from bots.portal.visit import Visit


async def votes(visit: Visit) -> web.Response:
    """Each voter's answers: a table with a row for each, or JSON with the counts too."""
    asked, user_id = visit.request.match_info, visit.known.member.user_id
    facts = await visit.parts.homeserver.poll(user_id, asked["room_id"], asked["event_id"])
    label = None if facts is None else Label.parse(facts.label)
    if facts is None or label is None:
        raise Refused(HTTPStatus.NOT_FOUND)
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
