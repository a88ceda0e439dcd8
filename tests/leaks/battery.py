"""The battery: every cell asked, and what came out of it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.leaks.ground import Ground, Place
from tests.leaks.places import MEMBER, READER, STRANGERS
from tests.leaks.reading import TELLS, Request, requests_of
from tests.leaks.words import NAMES, words_in
from tests.support.routes import Route

#: Synapse's own, of application services: neither feed is made for them, and both answer 500 for it.
_NO_FEEDS: Final = ("SyncRestServlet", "SlidingSyncRestServlet", "EventStreamRestServlet")


class Cell(NamedTuple):
    """One route, asked about a room of a kind by somebody with a standing."""

    servlet: str
    method: str
    kind: str
    standing: str

    def __str__(self) -> str:
        return f"{self.servlet} {self.method} · {self.kind} · {self.standing}"


@dataclass
class Found:
    """What the requests of a battery brought."""

    #: cell -> what was told there that may not be
    leaks: dict[Cell, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: servlet -> the parts that members were shown
    shown: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: servlets that answered members 200
    answered: set[str] = field(default_factory=set)
    #: cells that others were answered 200 in, whatever they were told
    answered_others: set[Cell] = field(default_factory=set)
    #: (servlet, kind, label) that members were shown
    labels: set[tuple[str, str, str]] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    asked: int = 0


#: Kinds of room that the community's Space lists by their ids, to every member.
LISTED: Final = frozenset({"open", "closed", "strict"})
_IN_THE_SPACE: Final = ("outsider", "other organisation", "administrator")

#: (servlets, standings, parts, why): what those who are not in a room are told of it all the same.
BY_DESIGN: Final = (
    (
        ("every route that shows the Space",),
        _IN_THE_SPACE,
        frozenset({"room"}),
        "the community's Space lists each group that is open or can be asked for, so that members find it",
    ),
    (
        ("RoomHierarchyRestServlet", "RoomSummaryRestServlet"),
        ("outsider", "other organisation", "administrator", "left", "kicked", "banned", "invitee", "knocker"),
        NAMES,
        "whoever could join a room or ask to, and knows its id, is shown its name and topic: they are fit for everyone",
    ),
    (
        ("SlidingSyncRestServlet",),
        ("invitee", "knocker"),
        frozenset({"name"}),
        "whoever is invited or asks to be let in sees the room's name",
    ),
)


async def ask_all(ground: Ground, routes: Iterable[Route], kinds: Collection[str] | None = None) -> Found:
    """Asks the routes about every place, by members and by everybody else."""
    found = Found()
    routes = list(routes)
    for place in ground.places.values():
        if kinds is not None and place.kind not in kinds:
            continue
        members = {"member": MEMBER} | ({"reader": READER} if place.kind != "service" else {})
        jobs = [
            _ask(ground, place, standing, who, request, found)
            for standing, who in {**members, **place.standings}.items()
            for route in routes
            for request in requests_of(route, ground, place, who)
        ]
        await asyncio.gather(*jobs)
    return found


async def ask_cell(ground: Ground, cell: Cell, routes: Iterable[Route]) -> set[str]:
    """Asks one cell alone; what was told there that may not be."""
    place = ground.places[cell.kind]
    found = Found()
    for route in routes:
        if (route.servlet, route.method) == (cell.servlet, cell.method):
            who = place.standings[cell.standing]
            for request in requests_of(route, ground, place, who):
                await _ask(ground, place, cell.standing, who, request, found)
    assert found.asked, f"no request belongs to {cell}"
    return found.leaks.get(cell, set())


async def _ask(ground: Ground, place: Place, standing: str, who: str, request: Request, found: Found) -> None:
    route = request.route
    status, answer = await ground.ask(who, route.method, request.path, request.body)
    found.asked += 1
    if status >= 500 and status != 501 and not (standing == "bot" and route.servlet in _NO_FEEDS):
        found.broken.append(f"{status} {standing} {route.method} {request.path}: {answer[:200]}")
    told = told_in(place, request, answer)
    if standing in ("member", "reader"):
        found.shown[route.servlet] |= {part for _, _, part in told}
        found.labels |= {(route.servlet, kind, label) for kind, label, _ in told}
        if status == 200:
            found.answered.add(route.servlet)
        return
    parts = {(kind, part) for kind, _, part in told if not may_know(place, standing, who, request, kind, part)}
    cell = Cell(route.servlet, route.method, place.kind, standing)
    if status == 200:
        found.answered_others.add(cell)
    if parts:
        found.leaks[cell] |= {f"{part} of {kind}" for kind, part in parts}
    if status == 200 and route.servlet in TELLS:
        found.leaks[cell].add(TELLS[route.servlet])


def told_in(place: Place, request: Request, answer: str) -> set[tuple[str, str, str]]:
    """What an answer tells: (kind, label, part) of secret words, of the room's id and of its events' ids."""
    told = {(word.kind, word.label, word.part) for word in words_in(answer)}
    if not request.names_room:
        told |= {(place.kind, "none", "room")} if place.room in answer else set()
    for label, events in place.events.items():
        if any(event in answer and event not in request.path for event in events.values()):
            told.add((place.kind, label, "event"))
    return told


def may_know(place: Place, standing: str, who: str, request: Request, kind: str, part: str) -> bool:
    """Whether somebody with a standing may be told that part of a room of a kind."""
    if who == "steward" and kind not in ("named", "own", place.kind):
        return True  # the bot, asked about a room it is not in, is told of those that it is in
    if part == "room":
        # Who was never in a room is not told that there is one; the others know it.
        is_listed = kind in LISTED and standing in _IN_THE_SPACE
        return is_listed or (standing not in STRANGERS and not (standing == "no organisation" and kind == "strict"))
    return any(
        request.route.servlet in servlets and standing in standings and part in parts
        for servlets, standings, parts, _why in BY_DESIGN
    )
