"""Who asks, and how: one homeserver, its members by name, and the rooms with the secret words by kind."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from tests.support.community import FAST, Community, steward_of
from tests.support.ledger import change
from tests.support.server import Server

Json = dict[str, Any]

V3: Final = "/_matrix/client/v3"
#: The battery asks more than people do.
FASTER: Final = f"""
{FAST}
rc_reports: {{per_second: 1000, burst_count: 1000}}
rc_profile: {{per_second: 1000, burst_count: 1000}}
rc_user_directory: {{per_second: 1000, burst_count: 1000}}
rc_media_create: {{per_second: 1000, burst_count: 1000}}
"""
#: Name -> organisation; what becomes of each is in `places`.
PEOPLE: Final = {
    "ana": "harbour",
    "ben": "harbour",
    "olga": "harbour",
    "lars": "harbour",
    "kim": "harbour",
    "bo": "harbour",
    "ivo": "harbour",
    "nia": "harbour",
    "fred": "harbour",
    "tim": "harbour",
    "cora": "coastguard",
    "emil": "university",
    "ada": "university",
    "nell": "ghosts",
}
ADMINISTRATOR: Final = "ada"
_ROLES: Final = {"cora": "steward"}
_AT_ONCE: Final = 8


@dataclass
class Place:
    """One room with secret words in it."""

    kind: str
    room: str
    maker: str
    #: label -> part -> event id
    events: dict[str, dict[str, str]] = field(default_factory=dict)
    #: label -> id of a picture that an item there shares, and of one whose item was redacted
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: standing -> name of who has it here
    standings: dict[str, str] = field(default_factory=dict)


@dataclass
class Ground:
    """The homeserver and who asks it."""

    community: Community
    session: aiohttp.ClientSession
    tokens: dict[str, str | None] = field(default_factory=lambda: {"nobody": None})
    places: dict[str, Place] = field(default_factory=dict)
    #: name -> a token of /sync from before the words were written, and one from behind them; all were in their rooms
    before: dict[str, str] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)
    #: name -> where their sliding sync was before the words were written
    position: dict[str, str] = field(default_factory=dict)
    #: What stands in paths besides rooms and events: ids of data that is ana's.
    own: dict[str, str] = field(default_factory=dict)
    #: Two requests at once are faster than one; more than that a small machine only queues.
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    def id(self, name: str) -> str:
        """The user id of a person."""
        return "@nobody:nowhere" if name == "nobody" else self.community.id(name)

    async def ask(
        self, who: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """One request; status and text."""
        token = self.tokens[who]
        headers = {"Authorization": f"Bearer {token}"} if token and headers is None else headers or {}
        given = {} if method in ("GET", "HEAD", "OPTIONS") and body is None else {"json": {} if body is None else body}
        async with (
            self.gate,
            self.session.request(
                method, self.community.server.url + path, headers=headers, allow_redirects=False, **given
            ) as answer,
        ):
            return answer.status, await answer.text(errors="replace")

    async def do(self, who: str, method: str, path: str, body: Any = None) -> Json:
        """One request that must succeed; its answer."""
        status, text = await self.ask(who, method, path, body)
        assert status == 200, (who, method, path, status, text)
        answer = json.loads(text)
        assert isinstance(answer, dict)
        return answer

    async def upload(self, who: str, data: bytes, kind: str = "image/png") -> str:
        """Uploads a file; its id."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Content-Type": kind}
        url = f"{self.community.server.url}/_matrix/media/v3/upload?filename=chart"
        async with self.session.post(url, data=data, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["content_uri"]).rpartition("/")[2]

    async def close(self) -> None:
        """Ends the sessions; who stops the server is who started it."""
        await self.session.close()
        await self.community.close()


def room_path(room: str, rest: str) -> str:
    """A path below a room's address."""
    return f"{V3}/rooms/{quote(room, safe='')}/{rest}"


async def make_ground(data: Path, module: str | None = None, overrides: str = "") -> Ground:
    """Starts a homeserver with everybody on it, and no rooms yet; the caller stops it."""
    server = Server(data, overrides=FASTER + overrides, module=module)
    await server.start()
    community = Community(server)
    ground = Ground(community, aiohttp.ClientSession())
    for key in dict.fromkeys(PEOPLE.values()):
        await server.organisation(key)

    async def add(name: str) -> None:
        if name == ADMINISTRATOR:
            body = {"name": name.title(), "organisation": PEOPLE[name], "roles": ["member"]}
            status, answer = await server.local("PUT", f"members/{name}", body)
            assert status == 200, answer
            client = await server.sign_in(name)
        else:
            client = await server.member(name, PEOPLE[name], _ROLES.get(name, "member"))
        community.people[name], ground.tokens[name] = client, client.access_token

    people = [name for name in PEOPLE if name != ADMINISTRATOR]
    await add(people[0])
    _force_administrator(community)
    for some in (people[1:7], [*people[7:], ADMINISTRATOR]):
        await asyncio.gather(*(add(name) for name in some))
    community.people["steward"] = bot = steward_of(server)
    ground.tokens["steward"] = bot.access_token
    return ground


def _force_administrator(community: Community) -> None:
    """Writes an account with the administrator's flag into the database, with ana's password, as an operator could.

    Before Synapse knows of it: later it would believe its cache.
    """
    user_id = f"@{ADMINISTRATOR}:{community.server.name}"
    change(
        community,
        "INSERT INTO users (name, password_hash, creation_ts, admin, is_guest, deactivated, approved)"
        " SELECT ?, password_hash, creation_ts, 1, 0, 0, 1 FROM users WHERE name = ?",
        user_id,
        community.id("ana"),
    )
    change(
        community,
        "INSERT INTO profiles (user_id, full_user_id, displayname) VALUES (?, ?, ?)",
        ADMINISTRATOR,
        user_id,
        ADMINISTRATOR,
    )
