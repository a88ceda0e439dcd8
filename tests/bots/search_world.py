"""The community of `digest_world`, with words in it: messages, files, texts inside of them, posts and profiles.

The module's own code answers the portal out of Synapse's tables, which have more than anybody reads: words of what was
taken back, files that no room shows any more, texts of rooms of named people. What members may read, the model says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Final

from synapse.module_api.errors import SynapseError
from synapse.storage.engines import Sqlite3Engine

from belisha.document_search import index_of
from belisha.events import LABEL_KEY
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person
from belisha.policy.rooms import Kind, Media, Purpose, Room, room_of, to_state
from bots.portal.asking import Homeserver
from synapse_modules import message_search, readers
from synapse_modules.directory import Directory
from synapse_modules.documents import Documents
from synapse_modules.ledger import Ledger
from synapse_modules.message_search import MessageSearch
from synapse_modules.posts import Posts
from synapse_modules.readers import Readers
from synapse_modules.registry_tables import Member
from synapse_modules.schema import MIGRATIONS
from tests.bots.digest_world import World
from tests.bots.support import SERVER

Json = dict[str, Any]
#: What is written about, and looked for: by the word, by its beginning, or with a letter wrong.
SUBJECTS: Final = tuple(
    f"{one}{other}" for one in ("tidal", "harbour", "lantern", "anchor") for other in ("post", "mark")
)
_TABLES: Final = """
    DROP TABLE belisha_item;
    DROP TABLE event_relations;
    ALTER TABLE events ADD COLUMN room_id;
    CREATE TABLE event_relations (event_id, relates_to_id, relation_type, aggregation_key);
    CREATE TABLE redactions (event_id, redacts);
    CREATE TABLE local_media_repository (media_id PRIMARY KEY, user_id, media_length, quarantined_by);
    CREATE VIRTUAL TABLE event_search USING fts4 (tokenize=porter, event_id, room_id, sender, key, value);
"""


@dataclass
class SearchWorld(World):
    """Each item has a word of its own, by which the model knows it again: x12x in what is said of it, y12y inside."""

    files: dict[str, str] = field(default_factory=dict)
    """The media id of each message that shares a file."""
    posts: dict[str, Json] = field(default_factory=dict)
    """What each post says, as bots heard it: also of rooms that nobody reads any more."""
    purposes: dict[str, Purpose] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.database.executescript(_TABLES)
        for statements in MIGRATIONS:
            for statement in statements:
                self.database.execute(statement)
        for number, (room, kind) in enumerate(self.kinds.items()):
            self._policy(room, kind, number)
        self.api = self._api()
        hooks, registry = _Hooks(self), _Registry(self)
        read: Any = Readers.__new__(Readers)
        read._api, read._hooks, read._registry, read._reading = self.api, hooks, registry, _Reading(self)
        read._ledger = Ledger(self.api, hooks, None)  # type: ignore[arg-type]  # as much of them as is asked
        self.documents = Documents(self.api, read, registry)  # type: ignore[arg-type]  # the same
        self.directory = Directory(self.api, registry)  # type: ignore[arg-type]  # the same
        parts: Any = SimpleNamespace(api=self.api, hooks=hooks, readers=read, registry=registry)
        self.written = Posts(parts)
        self.search: Any = MessageSearch.__new__(MessageSearch)
        self.search._api, self.search._readers, self.search._registry = self.api, read, registry
        self.search._reading = read._reading
        self.search._searching = message_search.SearchingHooks(self.api)

    # --- What happens ------------------------------------------------------------------------------------------

    def says(self, user: str, room: str) -> None:
        """A message with two subjects, a file with others inside, a post, or a comment on one."""
        super().says(user, room)
        event_id, number = f"$e{self.order}", self.order
        self.database.execute("UPDATE events SET room_id = ? WHERE event_id = ?", (room, event_id))
        said = " ".join((*self.dice.sample(SUBJECTS, 2), f"x{number}x"))
        content = self._contents[event_id] = {
            "msgtype": "m.text",
            "body": said,
            LABEL_KEY: {"label": str(self.labels[event_id])},
        }
        mine = [one for one in self.posts if self.events[one].room == room]
        if number % 5 == 0:
            content |= {"msgtype": "m.file", "url": f"mxc://{SERVER}/m{number}", "filename": f"{said}.pdf"}
            self._shares(event_id, user, room)
        elif self.purposes[room] is Purpose.BLOG and number % 3 == 0:
            content["body"] = f"# {said}\n\nOf the {self.dice.choice(SUBJECTS)} #x{number}x"
            self.posts[event_id] = {"content": content, "room_id": room, "author": user, "sent_at": self._at()}
        elif mine:
            content["m.relates_to"] = {"rel_type": "m.thread", "event_id": (post := self.dice.choice(mine))}
            self.database.execute("INSERT INTO event_relations VALUES (?, ?, 'm.thread', NULL)", (event_id, post))
        insert = "INSERT INTO event_search VALUES (?, ?, ?, 'content.body', ?)"
        self.database.execute(insert, (event_id, room, user, content["body"]))
        self.database.execute("INSERT INTO event_json VALUES (?, ?)", (event_id, json.dumps({"content": content})))

    def _shares(self, event_id: str, user: str, room: str) -> None:
        media_id = self.files[event_id] = f"m{self.order}"
        inside = f"{self.dice.choice(SUBJECTS)} within y{self.order}y"
        for statement, values in (
            ("local_media_repository VALUES (?, ?, 9, NULL)", (media_id, user)),
            ("belisha_file (media_id, state, kind, arrived, arrival) VALUES (?, 'shared', '', 0, 1)", (media_id,)),
            (
                "belisha_share (media_id, event_id, item_id, room_id, label, sealed, since)"
                " VALUES (?, ?, ?, ?, ?, 0, ?)",
                (media_id, event_id, event_id, room, str(self.labels[event_id]), self.order),
            ),
            # Also where none is to be: what is decided is decided when it is asked.
            ("belisha_file_text VALUES (?, 1, ?, ?)", (media_id, inside, index_of(inside))),
        ):
            self.database.execute(f"INSERT INTO {statement}", values)

    def turns(self) -> None:
        """What can happen between one page and the next: less than between digests, of which there are fewer."""
        self.happens(1)
        if self.dice.random() < 0.01:
            self.frozen.add(self.dice.choice(self.users))

    def redacts(self, event_id: str) -> None:
        """It is taken back, and stays in every index."""
        super().redacts(event_id)
        self.database.execute("INSERT INTO redactions VALUES (?, ?)", (f"$gone{event_id}", event_id))

    def _membership(self, user: str, room: str, membership: str, event_id: str) -> None:
        super()._membership(user, room, membership, event_id)
        self.database.execute("UPDATE events SET room_id = ? WHERE event_id = ?", (room, event_id))

    # --- What they may read, by the model ----------------------------------------------------------------------

    def readable(self, user: str) -> dict[str, Any]:
        """As it is shown on a page: at what an item is labelled, also below GREEN."""
        return {one: event._replace(label=self.labels[one]) for one, event in super().readable(user).items()}

    def is_read_inside(self, event_id: str) -> bool:
        """Whether a line of a file may be shown to who may read its message."""
        return int(self.events[event_id].room[5:7]) % 7 != 3

    def person(self, user: str) -> Person:
        """Who a member is to the module."""
        return Person(user, self.organisation(user), frozenset({"member"}), frozen=user in self.frozen)

    def near(self, user: str) -> set[str]:
        """Who shares a group with a member, themselves among them."""
        mine = {room for (one, room) in self.came if one == user and self.kinds[room] != "named"}
        return {one for (one, room) in self.came if room in mine and one not in self.frozen} | {user}

    # --- The module --------------------------------------------------------------------------------------------

    def _policy(self, room: str, kind: str, number: int) -> None:
        purpose = Purpose.BLOG if number % 3 == 1 else Purpose.DISCUSSION
        self.purposes[room] = purpose
        organisations = ("org0",) if kind == "strict" else ()
        policy = room_of(Kind("closed" if kind == "strict" else kind), organisations, purpose)
        if number % 7 == 3:
            policy = policy._replace(media=Media.NONE)
        text = json.dumps({"content": to_state(policy)})
        self.database.execute("UPDATE event_json SET json = ? WHERE event_id = ?", (text, f"{room}{POLICY_TYPE}"))
        past = f"$past{number}"
        self.database.execute(
            "INSERT INTO events VALUES (?, 'm.room.history_visibility', '', 0, 0, NULL, ?)", (past, room)
        )
        joined = json.dumps({"content": {"history_visibility": "joined"}})
        self.database.execute("INSERT INTO event_json VALUES (?, ?)", (past, joined))

    def policy_of(self, room: str) -> Room:
        """A room's policy, as its state has it."""
        text = self.database.execute("SELECT json FROM event_json WHERE event_id = ?", (f"{room}{POLICY_TYPE}",))
        found = readers.room_of({(POLICY_TYPE, ""): SimpleNamespace(content=json.loads(text.fetchone()[0])["content"])})  # type: ignore[dict-item]
        assert found is not None
        return found

    def _event(self, kind: str, sender: str) -> str:
        self.order += 1
        event_id = f"$e{self.order}"
        row = (event_id, kind, sender, self._at(), self.order)
        self.database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, NULL, NULL)", row)
        return event_id

    def _api(self) -> Any:
        world = self

        class Api:
            server_name = SERVER
            _store = SimpleNamespace(get_applicable_edits=_no_edits)
            _hs = SimpleNamespace(config=SimpleNamespace(server=SimpleNamespace(enable_search=True)))

            async def run_db_interaction(self, _name: str, work: Any, *arguments: Any) -> Any:
                return work(_Transaction(world.database.cursor()), *arguments)

            async def defer_to_thread(self, work: Any, *arguments: Any) -> Any:
                return work(*arguments)

            async def get_room_state(self, room: str, wanted: Any) -> Json:
                found = world.database.execute(
                    "SELECT state.type, event.json FROM current_state_events AS state"
                    " JOIN event_json AS event ON event.event_id = state.event_id WHERE state.room_id = ?",
                    (room,),
                )
                state = {(kind, ""): SimpleNamespace(content=json.loads(text)["content"]) for kind, text in found}
                return {key: value for key, value in state.items() if key in wanted}

        return Api()

    def _synapses(self, event_id: str) -> Any:
        event = super()._synapses(event_id)
        event.origin_server_ts = (event.internal_metadata.stream_ordering + 1_780_000_000) * 1000
        return event


async def _no_edits(event_ids: Any) -> Json:
    return dict.fromkeys(event_ids)


class _Transaction:
    """A cursor that says which engine it belongs to, and takes batches as Synapse's does."""

    database_engine = Sqlite3Engine.__new__(Sqlite3Engine)

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute_batch(self, statement: str, rows: Any) -> None:
        """Several of one statement."""
        self._cursor.executemany(statement, rows)


@dataclass
class _Hooks:
    """What Synapse has, out of the tables."""

    world: SearchWorld

    async def joined(self, room: str) -> frozenset[str]:
        query = "SELECT user_id FROM local_current_membership WHERE room_id = ? AND membership = 'join'"
        return frozenset(row[0] for row in self.world.database.execute(query, (room,)))

    async def event(self, event_id: str) -> Any:
        return self.world._synapses(event_id) if event_id in self.world.events else None

    async def events(self, ids: Any) -> Json:
        return {one: self.world._synapses(one) for one in ids if one in self.world.events}

    async def newest_edit(self, _event_id: str) -> None:
        return None


@dataclass
class _Reading:
    """What Synapse shows an account of a room whose history is for those who were there."""

    world: SearchWorld

    async def visible_event(self, user: str, room: str, event_id: str) -> Any:
        query = (
            "SELECT 1 FROM events AS event JOIN local_current_membership AS mine ON mine.room_id = event.room_id"
            " JOIN events AS since ON since.event_id = mine.event_id"
            " WHERE event.event_id = ? AND event.room_id = ? AND mine.user_id = ? AND mine.membership = 'join'"
            " AND event.stream_ordering >= since.stream_ordering"
        )
        seen = self.world.database.execute(query, (event_id, room, user)).fetchone()
        return self.world._synapses(event_id) if seen is not None else None


@dataclass
class _Registry:
    """The registry: who has been frozen is still known, and may do nothing."""

    world: SearchWorld
    revision = 1

    async def person(self, user: str) -> Person:
        return self.world.person(user)

    def __post_init__(self) -> None:
        self._members: dict[str, Member] = {}
        for user in self.world.users:
            localpart = user[1:].partition(":")[0]
            organisation = self.world.organisation(user)
            self._members[localpart] = Member(localpart, organisation, self.world.name(user), ("member",))

    async def members(self) -> dict[str, Member]:
        return self._members

    async def active_members(self) -> dict[str, Member]:
        frozen = {one[1:].partition(":")[0] for one in self.world.frozen}
        return {one: member for one, member in self._members.items() if one not in frozen}

    async def organisations(self) -> Json:
        return {key: SimpleNamespace(name=key, category="charity") for key in self.world.domains}

    def organisation_name(self, organisation: str) -> str:
        return organisation

    def display_name(self, member: Member) -> str:
        return f"{member.name} ({member.organisation})"

    def user_id(self, localpart: str) -> str:
        return f"@{localpart}:{SERVER}"

    def address(self, text: str) -> str:
        return text


class Asking(Homeserver):
    """The portal's questions, which go to the module's code as they would over HTTP."""

    def __init__(self, world: SearchWorld) -> None:
        nobody: Any = None
        super().__init__("http://nowhere.invalid", SERVER, "", nobody)
        self._world = world

    async def _post(self, question: str, body: Any) -> tuple[int, Json]:
        try:
            answer = await self._answer(question, json.loads(json.dumps(body)))
        except SynapseError as error:
            return error.code, {"errcode": error.errcode}
        return HTTPStatus.OK, json.loads(json.dumps(answer))

    async def _answer(self, question: str, body: Json) -> Any:
        world, user = self._world, body["user_id"]
        person = world.person(user)
        if question == "messages":
            return await world.search.of(person, body["words"])
        if question == "documents":
            return await world.documents.found(person, body["words"], body["room_id"], body["page"], excerpts=20)
        if question == "document":
            found = await world.documents.one(person, body["room_id"], body["event_id"])
            return found if found is not None else _nothing()
        if question == "blog":
            return await world.written.blog(person, body["items"])
        if question == "post":
            return await world.written.post(person, body["room_id"], body["event_id"], body["page"])
        if question == "directory":
            return await world.directory.of(person, body["about"])
        assert question == "home", question
        mine = [room for (one, room) in world.came if one == user and world.kinds[room] != "named"]
        groups = [{"room_id": one, "name": world.group(one), **to_state(world.policy_of(one))} for one in mine]
        return {"groups": groups, "invitations": [], "knocks": [], "new_members": []}


def _nothing() -> Any:
    raise SynapseError(404, "", "ORG.BELISHA.NOT_FOUND")
