"""Other ways of writing the same request: old versions, other methods, odd encodings, somebody else's name."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple
from urllib.parse import quote

from tests.leaks.ground import Ground, Place
from tests.leaks.places import MEMBER
from tests.leaks.words import NAMES, words_in

_VERSIONS: Final = ("r0", "v1", "api/v1", "unstable", "v3")
_WAYS: Final = (
    "messages?dir=b&limit=100",
    "event/{event}",
    "context/{event}?limit=50",
    "initialSync?limit=50",
    "state",
)


class Disguised(NamedTuple):
    """One request in one of its other forms."""

    method: str
    path: str
    headers: dict[str, str]


def _of_file(ground: Ground, file: str, own: dict[str, str]) -> Iterator[Disguised]:
    """A file by every address there ever was, in part, if it has changed, and in somebody else's name."""
    downloads = (
        f"/_matrix/client/v1/media/download/{file}",
        f"/_matrix/client/v1/media/download/{file}/chart.png",
        f"/_matrix/client/unstable/org.matrix.msc3916/media/download/{file}",
        *(f"/_matrix/media/{version}/download/{file}" for version in _VERSIONS),
    )
    for path in downloads:
        small = path.removesuffix("/chart.png").replace("/download/", "/thumbnail/") + "?width=32&height=32"
        yield from (
            Disguised("GET", path, own),
            Disguised("HEAD", path, own),
            Disguised("GET", path, {**own, "If-None-Match": "1"}),
            Disguised("GET", path, {**own, "Range": "bytes=0-100000"}),
            Disguised("GET", small, {**own, "If-None-Match": "1"}),
            Disguised("GET", f"{path}?user_id={quote(ground.id(MEMBER))}", own),
            Disguised("GET", f"{path}?allow_redirect=true&allow_remote=true&access_token=TOKEN", {}),
            Disguised("GET", f"/{path}", own),
        )


async def ask_disguised(ground: Ground, kinds: Collection[str]) -> tuple[list[str], set[str]]:
    """Asks a few routes in every form; what others were told, and the forms in which members were shown something."""
    told: list[str] = []
    shown: set[str] = set()

    async def ask(place: Place, standing: str, who: str, one: Disguised) -> None:
        token = ground.tokens[who]
        headers = {name: value.replace("TOKEN", token or "none") for name, value in one.headers.items()}
        path = one.path.replace("TOKEN", token or "none")
        status, answer = await ground.ask(who, one.method, path, headers=headers)
        words = {word for word in words_in(answer) if word.part not in NAMES}
        if standing == "member":
            shown.update({one.path} if words else set())
        elif words or status >= 500 or status == 304:
            told.append(f"{standing}: {one.method} {one.path} {status} {sorted(map(str, words))[:3]}")

    for place in ground.places.values():
        if place.kind in kinds and place.events:
            people = {"member": MEMBER, **place.standings}
            forms = list(_forms(ground, place))
            await asyncio.gather(*(ask(place, standing, who, one) for standing, who in people.items() for one in forms))
    return told, shown


def _forms(ground: Ground, place: Place) -> Iterator[Disguised]:
    own = {"Authorization": "Bearer TOKEN"}
    for file in next(iter(place.files.values())):
        yield from _of_file(ground, f"{ground.community.server.name}/{file}", own)
    event = next(iter(place.events.values()))["body"]
    for way in _WAYS:
        rest = way.replace("{event}", quote(event, safe=""))
        room = quote(place.room, safe="")
        for version in _VERSIONS:
            yield Disguised("GET", f"/_matrix/client/{version}/rooms/{room}/{rest}", own)
        path = f"/_matrix/client/v3/rooms/{room}/{rest}"
        bare, _, query = path.partition("?")
        joined = "&" if query else "?"
        yield from (
            Disguised("HEAD", path, own),
            Disguised("OPTIONS", path, own),
            Disguised("POST", path, {**own, "X-HTTP-Method-Override": "GET"}),
            Disguised("GET", f"{bare}/?{query}", own),
            Disguised("GET", f"/{path}", own),
            Disguised("GET", path.replace("rooms", "%72ooms"), own),
            Disguised("GET", path.replace("%3A", ":").replace("%21", "!"), own),
            Disguised("GET", path.replace("%3A", "%253A"), own),
            Disguised("GET", f"{path}{joined}access_token=TOKEN", {}),
            Disguised("GET", f"{path}{joined}user_id={quote(ground.id(MEMBER))}", own),
            Disguised("GET", f"{path}{joined}user_id={quote(ground.id(MEMBER))}&access_token=TOKEN", {}),
        )
