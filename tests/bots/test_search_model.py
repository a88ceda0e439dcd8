"""200 members, 30 groups and rooms, and the model of `digest_world`: not one forbidden item in a search or on a page.

The module's own code decides, the portal's own views show, and the model reads the pages. Its teeth are tried as well:
without any one of the rules, it finds something.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
import sqlalchemy as sa
from aiohttp.test_utils import make_mocked_request

from belisha.blog.article import article_of
from belisha.directory.fields import Visibility
from belisha.policy.decision import By
from belisha.policy.rooms import Kind
from belisha.tlp import Label
from bots.blog import index, listing
from bots.blog.post_book import PostBook
from bots.directory import profiles
from bots.directory.profiles import Shown
from bots.kernel.listed import Listed
from bots.kernel.store import Store
from bots.portal import views_blog, views_directory, views_documents, views_search
from bots.portal.asking import Member
from bots.portal.book import Book
from bots.portal.guard import Refused
from bots.portal.keys import Keys
from bots.portal.pages import Pages
from bots.portal.place import Place
from bots.portal.sessions import Session
from bots.portal.visit import Visit, Visitor
from synapse_modules import directory as module_directory
from synapse_modules import documents as module_documents
from synapse_modules import message_search, text_rows
from synapse_modules.readers import Item, Readers
from tests.bots.digest_world import Event
from tests.bots.search_world import SUBJECTS, Asking, SearchWorld
from tests.bots.support import SERVER
from tests.bots.test_schedule import LONDON
from tests.support.sampling import sampled

_ROLLUP = re.compile(r'class="rollup".*?(TLP:[A-Z+]+)', re.DOTALL)
#: Words of the model's own: whole words, for a form's random token has such letters within it.
_OWN = re.compile(r"(?<![\w-])[xyzq]\d+[xyzq](?![\w-])")
_GROUP, _NAME = (re.compile(rf"(?<![\w-]){word}(?![\w-])") for word in ("G[0-9]{2}g", "N[0-9]{3}n"))
_OF_POSTS = ("room_id", "author", "sent_at")
Wrong = list[str]


class Portal:
    """The views of the portal over a store with an index that knows more than anybody may read."""

    def __init__(self, world: SearchWorld, store: Store) -> None:
        self.world, self.store = world, store
        nobody: Any = None
        self.parts: Any = SimpleNamespace(
            place=Place("http://127.0.0.1:8009", (), "@belisha_steward:belisha.localhost"),
            pages=Pages("Belisha", LONDON),
            keys=Keys("a secret"),
            homeserver=Asking(world),
            posts=PostBook(store),
            book=Book(store, nobody, lambda: 1.0),
            seen=None,
            server_name=SERVER,
        )

    async def page(self, user: str, view: Any, path: str, **match: str) -> tuple[str, Label] | None:
        """A page as it is shown to a member, and its label; None where it is not there."""
        member = Member(user, self.world.organisation(user), ("member",))
        session = Session(1, user, member.organisation, "", widget=False, confirmed=True, opened_at=0, seen_at=0)
        request = make_mocked_request("GET", path, match_info=match)
        try:
            answer = await view(Visit(request, self.parts, user, Visitor(member, session, "token"), {}))
        except Refused:
            return None
        head, _, main = str(answer.text).partition("<main")
        label = Label.parse(_ROLLUP.search(head)[1])  # type: ignore[index]  # every page has one
        assert label is not None
        return main, label


@asynccontextmanager
async def made(world: SearchWorld, folder: Path) -> AsyncIterator[Portal]:
    """The portal, with every post and profile in the index: bots have not heard of anything that was taken back."""
    store = Store(f"sqlite:///{folder}/bots.db")
    await store.open()

    def write(connection: sa.Connection) -> None:
        for event_id, row in world.posts.items():
            article = article_of(row["content"])
            assert article is not None
            index.put(connection, article, {"event_id": event_id, **{key: row[key] for key in _OF_POSTS}}, ())
        for number, user in enumerate(world.users):
            organisation = world.organisation(user)
            one = Listed(user, world.name(user), organisation, organisation, "charity")
            profiles.enlist(connection, one)
            fields = {
                "expertise": (f"{SUBJECTS[number % len(SUBJECTS)]} z{number}z",),
                "interests": (f"{SUBJECTS[number % 5]} q{number}q",),
            }
            profiles.change(connection, one, 1.0, fields, {"interests": Visibility.GROUPS})

    await store.write(write)
    try:
        yield Portal(world, store)
    finally:
        await store.close()


def forbidden(world: SearchWorld, user: str, text: str, label: Label) -> Wrong:
    """What stands on a page and may not, by the model."""
    may: dict[str, Event] = world.readable(user)
    mine = {one for (who, one) in world.came if who == user and user not in world.frozen}
    here = {world.group(one) for one in mine if world.kinds[one] != "named"}
    wrong: Wrong = []
    shown: list[Label] = []
    for token in set(_OWN.findall(text)):
        kind, number = token[0], int(token[1:-1])
        event_id, other = f"$e{number}", f"@m{number:03}:belisha.localhost"
        if kind in "xy" and (event_id not in may or (kind == "y" and not world.is_read_inside(event_id))):
            wrong.append(token)
        elif kind in "xy":
            shown.append(may[event_id].label)
        elif other in world.frozen or user in world.frozen or (kind == "q" and other not in world.near(user)):
            wrong.append(token)
        elif kind == "q":
            shown.append(Label.AMBER)
    wrong += [one for one in _GROUP.findall(text) if one not in here]
    people = {world.name(one.sender) for one in may.values()}
    people |= {world.name(one) for one in world.users if one not in world.frozen}
    wrong += [one for one in _NAME.findall(text) if one not in people]
    wrong += ["its label"] if label < max(shown, default=Label.CLEAR) else []
    there = sum(one in may for one in world.posts)
    return wrong + [f"{count} posts" for count in re.findall(r"(?:All |>)(\d+) posts", text) if int(count) > there]


def questions(dice: random.Random) -> Sequence[str]:
    """What somebody looks for: a word, two, the beginning of one, and one with two letters swapped."""
    one, other = dice.sample(SUBJECTS, 2)
    return one, f"{one} {other}", one[:5], one[:2] + one[3] + one[2] + one[4:]


async def asked(
    portal: Portal, users: Sequence[str], dice: random.Random, *, until_wrong: bool = False
) -> tuple[dict[str, Wrong], Counter[str]]:
    """What each member is shown and may not be; and how much of each sort they were shown."""
    world, wrong, shown = portal.world, dict[str, Wrong](), Counter[str]()

    async def look(user: str, view: Any, path: str, **match: str) -> None:
        world.turns()
        found = await portal.page(user, view, path, **match)
        if found is None:
            return
        text, label = found
        if bad := forbidden(world, user, text, label):
            wrong.setdefault(f"{user} {path}", []).extend(bad)
        shown.update(f"{view.__name__} {token[0]}" for token in set(_OWN.findall(text)))

    for user in users:
        for words in questions(dice):
            await look(user, views_search.search, f"/search?q={quote(words)}")
        words = quote(dice.choice(SUBJECTS))
        await look(user, views_documents.documents, f"/documents?q={words}")
        await look(user, views_blog.index, f"/blog?q={words}")
        await look(user, views_directory.directory, f"/directory?q={words}")
        await look(user, views_directory.member, "/directory/members/x", user_id=dice.choice(world.users))
        for view, items in ((views_documents.document, list(world.files)), (views_blog.post, list(world.posts))):
            may = world.readable(user)
            own = [one for one in items if one in may]
            for event_id in (*dice.sample(items, 4), *own[:2]):
                room = world.events[event_id].room
                await look(user, view, f"/{view.__name__}", room_id=room, event_id=event_id)
        if wrong and until_wrong:
            break
    return wrong, shown


@pytest_asyncio.fixture(scope="module")
async def portal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Portal]:
    world = SearchWorld(random.Random(9))  # noqa: S311 - no secret
    world.happens(2500)
    async with made(world, tmp_path_factory.mktemp("model")) as here:
        yield here


@pytest.mark.full
async def test_of_200_members_nobody_is_shown_one_forbidden_item(portal: Portal) -> None:
    dice = random.Random(10)  # noqa: S311 - no secret
    wrong, shown = await asked(portal, dice.sample(portal.world.users, 20), dice)
    assert wrong == {}
    # It is no empty word: of each sort, much was shown.
    least = {"search x": 200, "search y": 10, "search z": 50, "search q": 10, "documents x": 20, "index x": 20}
    least |= {"document x": 10, "post x": 10, "member z": 10, "directory z": 20}
    assert {sort: shown[sort] for sort, count in least.items() if shown[sort] < count} == {}


def _everywhere(*_: object) -> bool:
    return True


async def _whatever_was_visible(self: Any, user: str, room: str, event_id: str) -> Item | None:
    event, policy = await self._hooks.event(event_id), await self.room(user, room)
    row = None if event is None else await self._ledger.row_for(event)
    return None if row is None or policy is None else Item(event_id, policy, row.source, row.effective, By.ROOM, None)


#: Each rule that the model has to miss, and what stands in its place: the module or class, the name, the value.
MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "rooms of named people are not searched": (message_search, "_GROUPS", frozenset(Kind)),
    "files of named people are not listed": (module_documents, "_GROUPS", tuple(Kind)),
    "texts of groups without previews are not searched": (text_rows, "is_searched", _everywhere),
    "a room of named people makes nobody near": (module_directory, "GROUPS", tuple(Kind)),
    "what was before is for those who were there": (Readers, "item", _whatever_was_visible),
    "posts of others are not counted": (listing, "_seen", lambda _rooms: sa.true()),
    "profiles are for those who are near": (profiles, "seen", lambda kept, listed, _: Shown(listed, kept.fields)),
    "a page has the label of what is on it": (views_search, "strictest", lambda _labels: Label.CLEAR),
}


@pytest.mark.full
@pytest.mark.parametrize("rule", sampled(MUTANTS, tuple(MUTANTS)[:1]))
async def test_without_a_rule_the_model_finds_something(
    portal: Portal, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*MUTANTS[rule])
    dice = random.Random(11)  # noqa: S311 - no secret
    wrong, _ = await asked(portal, dice.sample(portal.world.users, 40), dice, until_wrong=True)
    assert wrong, "a model without teeth"
