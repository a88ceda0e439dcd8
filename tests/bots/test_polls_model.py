"""200 members, 30 groups and rooms, and polls: each page and file of one is for those alone whom the model allows."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from belisha.policy.decision import allow
from belisha.policy.rooms import Kind
from belisha.tlp import Label
from bots.kernel.store import Store
from bots.polls.ballot_box import BallotBox
from bots.polls.counting import PollBook
from bots.polls.key_files import KeyFiles
from bots.polls.tables import poll as poll_table
from bots.portal import views_ballots, views_polls
from bots.portal.asking import Member
from bots.portal.guard import Refused
from bots.portal.keys import Keys
from bots.portal.pages import Pages
from bots.portal.place import Place
from bots.portal.sessions import Session
from bots.portal.visit import Visit, Visitor
from synapse_modules import polls
from synapse_modules.readers import Readers
from tests.bots.poll_world import AskingPolls, PollWorld
from tests.bots.support import SERVER
from tests.bots.test_schedule import LONDON
from tests.bots.test_search_model import _ROLLUP, _whatever_was_visible

Wrong = dict[str, str]
#: The word of its own that a poll asks with: a whole word, for a form's random token has such letters within it.
_QUESTION = re.compile(r"(?<![\w-])p\d+p(?![\w-])")


class Portal:
    """The polls' views, over a database that knows of every poll, whoever may read it."""

    def __init__(self, world: PollWorld, store: Store, folder: Path) -> None:
        self.world, self.polls = world, list(world.polls)
        self.parts: Any = SimpleNamespace(
            place=Place("http://127.0.0.1:8009", (), "@belisha_steward:belisha.localhost"),
            pages=Pages("Belisha", LONDON),
            keys=Keys("a secret"),
            homeserver=AskingPolls(world),
            polls=PollBook(store),
            ballots=BallotBox(store, KeyFiles(folder / "keys")),
            seen=None,
            server_name=SERVER,
        )

    async def page(self, user: str, view: Any, **match: str) -> web.Response | None:
        """What is shown to a member at an address; None where there is nothing for them."""
        member = Member(user, self.world.organisation(user), ("member",))
        session = Session(1, user, member.organisation, "", widget=False, confirmed=True, opened_at=0, seen_at=0)
        request = make_mocked_request("GET", "/polls", match_info=match)
        try:
            answer: web.Response = await view(Visit(request, self.parts, user, Visitor(member, session, "token"), {}))
        except Refused:
            return None
        return answer


@pytest_asyncio.fixture(scope="module")
async def portal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Portal]:
    world, folder = PollWorld(random.Random(12)), tmp_path_factory.mktemp("polls")  # noqa: S311 - no secret
    world.happens(4000)
    store = Store(f"sqlite:///{folder}/bots.db")
    await store.open()
    rows = [{"event_id": one, "room_id": world.events[one].room, "place": place} for one, place in world.polls.items()]
    await store.write(lambda connection: connection.execute(sa.insert(poll_table), rows))
    try:
        yield Portal(world, store, folder)
    finally:
        await store.close()


async def asked(
    portal: Portal, dice: random.Random, rounds: int, *, until_wrong: bool = False
) -> tuple[Wrong, Counter[str]]:
    """What somebody was shown and may not be, or may be and was not; and how often what was shown."""
    world, wrong, shown = portal.world, Wrong(), Counter[str]()
    for _ in range(rounds):
        world.turns()
        poll = dice.choice(portal.polls)
        place, maker = world.polls[poll], world.events[poll].sender
        for user in {maker, *dice.sample(world.users, 4)}:
            found: Any
            if place is not None:
                found = await portal.page(user, views_ballots.page, place=place)
                kind = "ballot"
            else:
                kind = dice.choice(("result", "csv", "json"))
                view = views_polls.result if kind == "result" else views_polls.votes
                where = {"room_id": world.events[poll].room, "event_id": poll, "form": kind}
                found = await portal.page(user, view, **where)
            if (found is not None) != world.shown(user, poll):
                wrong[f"{kind} {user} {poll}"] = "shown" if found is not None else "not shown"
            elif found is not None:
                shown[kind] += 1
                if bad := forbidden(world, user, poll, kind, found):
                    wrong[f"{kind} {user} {poll}"] = bad
        if wrong and until_wrong:
            break
    return wrong, shown


def forbidden(world: PollWorld, user: str, poll: str, kind: str, answer: web.Response) -> str:
    """What is wrong with a page or file that a member may have."""
    text = answer.body.decode() if isinstance(answer.body, bytes) else str(answer.text)
    label = world.readable(user)[poll].label
    if kind in ("result", "ballot"):
        told = Label.parse(_ROLLUP.search(text.partition("<main")[0])[1])  # type: ignore[index]  # every page has one
    else:
        told = Label.parse(re.search(r"TLP:[A-Z+]+", text)[0])  # type: ignore[index]  # every file has one
    if told is None or told < label:
        return "its label"
    if set(_QUESTION.findall(text)) - {f"p{poll[2:]}p"}:
        return "another poll"
    named = set(re.findall(rf"@m\d+:{re.escape(SERVER)}", text)) - {user}
    allowed = world.voters(poll) if kind in ("csv", "json") else set()
    return f"votes of {named - allowed}" if named - allowed else ""


@pytest.mark.full
async def test_of_200_members_nobody_is_shown_a_poll_that_is_not_for_them(portal: Portal) -> None:
    wrong, shown = await asked(portal, random.Random(13), 250)  # noqa: S311 - no secret
    assert wrong == {}
    # It is no empty word: of each sort, some was shown.
    assert {kind: shown[kind] for kind in ("ballot", "result", "csv", "json") if shown[kind] < 8} == {}
    assert any(json.loads(_body(one))["votes"] for one in await _files(portal)), "votes with names, too"


async def _files(portal: Portal) -> list[web.Response]:
    """The files of those polls that their makers may export."""
    world, found = portal.world, list[web.Response]()
    for poll in portal.polls:
        maker, room = world.events[poll].sender, world.events[poll].room
        if world.polls[poll] is None and world.shown(maker, poll):
            answer = await portal.page(maker, views_polls.votes, room_id=room, event_id=poll, form="json")
            found += [] if answer is None else [answer]
    return found


def _body(answer: web.Response) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body


#: Each rule that the model has to miss, and what stands in its place: the module or class, the name, the value.
MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "polls of named people are theirs alone": (polls, "GROUPS", frozenset(Kind)),
    "whoever began a poll exports it": (polls, "decide_export", lambda *_, **__: allow("P3", "Anybody.")),
    "what was before is for those who were there": (Readers, "item", _whatever_was_visible),
}


@pytest.mark.full
@pytest.mark.parametrize("rule", MUTANTS)
async def test_without_a_rule_the_model_finds_something(
    portal: Portal, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*MUTANTS[rule])
    wrong, _ = await asked(portal, random.Random(14), 1500, until_wrong=True)  # noqa: S311 - no secret
    assert wrong, "a model without teeth"
