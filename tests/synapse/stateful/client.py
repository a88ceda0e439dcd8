"""What a member's client is told: raw requests, and the picture that incremental syncs add up to."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from tests.synapse.stateful.model import LABELS, Event, Label, World

Json = dict[str, Any]

LABEL_KEY: Final = "org.belisha.tlp"
#: L1: what is content, and so has a label.
CONTENT: Final = frozenset(
    "m.room.message m.room.encrypted m.sticker m.poll.start org.matrix.msc3381.poll.start m.poll.end"
    " org.matrix.msc3381.poll.end m.beacon_info org.matrix.msc3672.beacon_info".split()
)
_LIMIT: Final = 500
_NONE: Final[Json] = {"types": []}
_NOTHING_ELSE: Final[Json] = {"ephemeral": _NONE, "account_data": _NONE}
_numbers = itertools.count(1)


class Difference(AssertionError):
    """Model and server differ. `later` where it may be a matter of seconds."""

    def __init__(self, rule: str, what: str, *, later: bool = False) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule
        self.later = later


class Client:
    """One member's session and what it was shown of the rooms of one example."""

    def __init__(self, http: aiohttp.ClientSession, url: str, name: str, server_name: str) -> None:
        self._http = http
        self._url = url
        self.name = name
        self.user_id = f"@{name}:{server_name}"
        self.token = ""
        self.forget()

    def forget(self) -> None:
        """A new example, with a new client."""
        self._since: str | None = None
        self.events: dict[str, Json] = {}
        self.joined: set[str] = set()
        self.invited: set[str] = set()

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Json]:
        """One request; the server must never fail at it."""
        async with self._http.request(
            method,
            f"{self._url}/_matrix/client/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
        ) as answer:
            status, said = answer.status, await answer.json(content_type=None)
        said = said if isinstance(said, dict) else {"error": said}
        if status >= 500 or status == 429:
            raise Difference("X1", f"{method} {path} was answered {status}: {said}")
        return status, said

    async def login(self, password: str) -> None:
        identifier = {"type": "m.id.user", "user": self.name}
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        status, said = await self.ask("POST", "v3/login", body)
        if status != 200:
            raise Difference("M1", f"{self.name} may act and cannot sign in: {said}", later=True)
        self.token = said["access_token"]
        self._since = None

    async def send(self, room: str, event_type: str, content: Any) -> tuple[int, Json]:
        return await self.ask("PUT", f"v3/rooms/{quote(room)}/send/{event_type}/{next(_numbers)}", content)

    async def put_state(self, room: str, event_type: str, key: str, content: Any) -> tuple[int, Json]:
        return await self.ask("PUT", f"v3/rooms/{quote(room)}/state/{event_type}/{quote(key)}", content)

    # --- Reading ----------------------------------------------------------------------------------------------

    async def sync(self, world: World, *, whole: bool = False) -> list[Json]:
        """What is new since the last sync; from the beginning where `whole`. Adds to the picture."""
        # Synapse keeps the answer to a first sync for two minutes: no two of ours are the same.
        of_rooms = {"rooms": list(world.rooms), "timeline": {"limit": _LIMIT + next(_numbers)}} | _NOTHING_ELSE
        shown = quote(json.dumps({"room": of_rooms, "presence": _NONE, "account_data": _NONE}))
        since = "" if whole or self._since is None else f"&since={self._since}"
        status, said = await self.ask("GET", f"v3/sync?timeout=0&filter={shown}{since}")
        if status != 200:
            raise Difference("M1", f"{self.name} may act, and a sync is answered {status}: {said}", later=True)
        self._since = said["next_batch"]
        if not since:
            self.joined, self.invited, self.events = set(), set(), {}
        return self._take(world, said.get("rooms", {}))

    def _take(self, world: World, rooms: Json) -> list[Json]:
        new: list[Json] = []
        for room_id, part in rooms.get("join", {}).items():
            self.joined.add(room_id)
            self.invited.discard(room_id)
            new += self._read(room_id, part)
        for room_id, part in rooms.get("leave", {}).items():
            new += self._read(room_id, part)
            self.events = {key: event for key, event in self.events.items() if event["room_id"] != room_id}
            self.joined.discard(room_id)
            self.invited.discard(room_id)
        for room_id, part in rooms.get("invite", {}).items():
            self.invited.add(room_id)
            self.joined.discard(room_id)
            told = [event["type"] for event in part.get("invite_state", {}).get("events", ())]
            if not set(told) <= {"m.room.member", "m.room.create", "m.room.join_rules"}:
                raise Difference("R2", f"an invitation tells {told}")
        return new

    def _read(self, room_id: str, part: Json) -> list[Json]:
        events = [{**event, "room_id": room_id} for event in part.get("timeline", {}).get("events", ())]
        self.events |= {event["event_id"]: event for event in events}
        for event in events:
            if event["type"] == "m.room.redaction":
                self.events.pop(str(event["content"].get("redacts") or event.get("redacts")), None)
        return events

    async def timeline(self, room: str) -> tuple[int, list[Json]]:
        """`/messages` of a room, all of it; the status where it is refused."""
        status, said = await self.ask("GET", f"v3/rooms/{quote(room)}/messages?dir=b&limit={_LIMIT}")
        return status, list(said.get("chunk", ()))

    async def search(self, word: str) -> list[Json]:
        criteria = {"search_term": word, "order_by": "recent", "filter": {"limit": 100}}
        status, said = await self.ask("POST", "v3/search", {"search_categories": {"room_events": criteria}})
        if status != 200:
            raise Difference("M1", f"a search is answered {status}: {said}")
        return [each["result"] for each in said["search_categories"]["room_events"].get("results", ())]


def label_of(event: Json) -> Label:
    """The one label of a content event, the same wherever it stands (L1)."""
    content = event["content"]
    try:
        label = LABELS[content[LABEL_KEY]["label"]]
        new = content.get("m.new_content")
        if set(content[LABEL_KEY]) != {"label", "by"} or (new is not None and new[LABEL_KEY] != content[LABEL_KEY]):
            raise KeyError(LABEL_KEY)
    except (KeyError, TypeError):
        raise Difference("L1", f"an event without one label: {content}") from None
    body = (content.get("m.new_content") or content).get("body")
    if isinstance(body, str) and not body.startswith((f"[{label}] ", "!")):
        raise Difference("L1", f"the badge is not the label's: {content}")
    return label


def is_content(event: Json) -> bool:
    """Whether an event has content that is there still."""
    is_gone = "redacted_because" in event.get("unsigned", {})
    return event["type"] in CONTENT and not is_gone and event["content"] != {}


def edited_item(event: Json) -> str | None:
    """The item that a content event edits."""
    relates = event["content"].get("m.relates_to")
    if isinstance(relates, dict) and relates.get("rel_type") == "m.replace":
        return str(relates["event_id"])
    return None


def compare(
    world: World,
    reader: str,
    where: str,
    shown: Iterable[Json],
    wanted: Iterable[Event] = (),
    *,
    is_once: bool = False,
) -> None:
    """Holds what a reader was shown to the model: no leak, no loss, each label as the model says.

    `is_once` where asking again would not show it again.
    """
    seen = set()
    for event in shown:
        if not is_content(event):
            continue
        seen.add(event["event_id"])
        label = label_of(event)
        known = world.events.get(event["event_id"])
        if known is None:
            _learn(world, event, label)
            continue
        if known.is_redacted:
            raise Difference("L4", f"{where} shows {reader} what was redacted: {event['content']}", later=True)
        if world.sees(reader, known) is False:
            raise Difference(
                "M1", f"{where} shows {reader} what they may not read: {event['content']}", later=not is_once
            )
        if label is not known.label:
            raise Difference("L2", f"{where} shows {label} and not {known.label}: {event['content']}")
    for known in wanted:
        if known.id not in seen and not known.is_redacted and world.sees(reader, known):
            raise Difference("M1", f"{where} does not show {reader} {known.id} of {known.item.room.kind}", later=True)


def _learn(world: World, event: Json, label: Label) -> None:
    """What nobody sent in this example is the module's own word about a label, or was never accepted."""
    room, edits = world.rooms[event["room_id"]], edited_item(event)
    by = event["content"][LABEL_KEY]["by"]
    if by != "relabel" or (edits is not None and edits not in world.items):
        raise Difference("L1", f"an event that nobody was told was accepted: {event}")
    about = event["content"].get("m.relates_to", {}).get("event_id")
    if about in world.items:
        world.items[about].told = label
    world.learn(event["event_id"], room, event["sender"][1:].partition(":")[0], label, edits)
