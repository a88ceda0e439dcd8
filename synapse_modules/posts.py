"""Posts of blogs out of what Synapse has stored at this moment, for whoever can read them now (rules P1 and P2).

Nothing here reads markup: what a content says is for the bots and the portal to find out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from synapse.events import EventBase
from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.blog.article import is_answer, may_be_post
from belisha.commands.declaration import GROUPS
from belisha.events import LABEL_KEY
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person
from belisha.policy.rooms import Purpose, to_state
from belisha.policy.types import CONTENT
from synapse_modules.hooks import Hooks
from synapse_modules.parts import Parts
from synapse_modules.readers import Item, Readers
from synapse_modules.refusal import malformed, not_found
from synapse_modules.registry import Registry
from synapse_modules.snapshot import room_of, text_in

#: How many posts one question may name, how many comments a page has, and of how many versions one is told.
AT_MOST: Final = 50
COMMENTS: Final = 30
_VERSIONS: Final = 30
_PAGES: Final = 10_000
_MESSAGE: Final = "m.room.message"
_NEEDED: Final = [(POLICY_TYPE, ""), ("m.room.encryption", ""), ("m.room.name", "")]

Json = dict[str, Any]


class _Found(NamedTuple):
    """A post that somebody can read now, and what refers to it."""

    item: Item
    event: EventBase
    edits: Sequence[EventBase]
    comments: Sequence[str]
    likes: Mapping[str, frozenset[str]]

    @property
    def content(self) -> Mapping[str, Any]:
        """What it says now."""
        return _new_content(self.edits[-1]) if self.edits else self.event.content


class Posts:
    """Reads posts."""

    def __init__(self, parts: Parts) -> None:
        self._api: ModuleApi = parts.api
        self._hooks: Hooks = parts.hooks
        self._readers: Readers = parts.readers
        self._registry: Registry = parts.registry

    async def blog(self, person: Person, items: object) -> Json:
        """The blogs that a member reads, and the posts that are named, each with what a list shows; None for others.

        Raises:
            SynapseError: 400 where `items` are no pairs of room and event, or too many.
        """
        asked = _pairs(items)
        found = [await self._find(person.user_id, *one) for one in asked]
        return {
            "groups": await self._groups(person),
            "posts": [None if one is None else await self._card(one) for one in found],
        }

    async def post(self, person: Person, room_id: object, event_id: object, page: object) -> Json:
        """One post with a page of its comments, its likes and its versions, for a member who can read it now.

        Raises:
            SynapseError: 404 for what is no post, and for what is not theirs to read: the same.
        """
        if not isinstance(room_id, str) or not isinstance(event_id, str):
            raise malformed("`room_id` and `event_id` name a post.")
        if not isinstance(page, int) or not 0 < page <= _PAGES:
            raise malformed(f"`page` is a number from 1 to {_PAGES}.")
        found = await self._find(person.user_id, room_id, event_id)
        if found is None:
            raise not_found()
        state = await self._api.get_room_state(room_id, _NEEDED)
        versions = [_version(found.event.origin_server_ts, found.event.content)]
        versions += [_version(one.origin_server_ts, _new_content(one)) for one in found.edits]
        return {
            **await self._card(found),
            "group": text_in(state, "m.room.name", "name"),
            "likes": {key: len(people) for key, people in found.likes.items()},
            "versions": versions,
            "comments": await self._comments(person.user_id, found, page),
            "comment_pages": max(1, -(-len(found.comments) // COMMENTS)),
        }

    async def facts(self, bot: str, room_id: str, event_id: str) -> Json | None:
        """A post for the bots' index, as a bot that is there can read it; None for what is none."""
        found = await self._find(bot, room_id, event_id)
        if found is None:
            return None
        return {**_facts(found), "edits": [one.event_id for one in found.edits]}

    async def _groups(self, person: Person) -> list[Json]:
        """Each blog that a member is in, and from when on they can read what was written there."""
        if not person.belongs:
            return []
        found: list[Json] = []
        for room_id in await self._api.run_db_interaction("belisha_blogs", _blogs, person.user_id):
            state = await self._api.get_room_state(room_id, _NEEDED)
            room = room_of(state)
            if room is None or room.kind not in GROUPS or room.purpose is not Purpose.BLOG:
                continue
            since = await self._api.run_db_interaction("belisha_blog_since", _since, room_id, person.user_id)
            name = text_in(state, "m.room.name", "name")
            found.append({"room_id": room_id, "name": name, "since": since, **to_state(room)})
        return sorted(found, key=lambda one: (str(one["name"] or "").casefold(), one["room_id"]))

    async def _find(self, user_id: str, room_id: str, event_id: str) -> _Found | None:
        item = None if "\0" in room_id + event_id else await self._readers.item(user_id, room_id, event_id)
        if item is None or item.event_id != event_id:
            return None
        if item.room.kind not in GROUPS or item.room.purpose is not Purpose.BLOG:
            return None
        event = await self._hooks.event(event_id)
        if event is None or event.type != _MESSAGE or is_answer(event.content):
            return None
        if (await self._registry.person(event.sender)).is_bot:
            return None
        edits, comments, likes = await self._api.run_db_interaction("belisha_post", _relations, event_id, event.sender)
        # A badge that is drawn anew is no version of the writer's, but the newest is what clients show.
        events = await self._hooks.events(edits[-_VERSIONS:])
        known = [events[one] for one in edits[-_VERSIONS:] if one in events]
        known = [one for one in known if _new_content(one) and not one.internal_metadata.is_redacted()]
        written = [one for one in known if _drawn_by(one) != "relabel"]
        found = _Found(item, event, written, comments, likes)
        return found if may_be_post(found.content) else None

    async def _card(self, found: _Found) -> Json:
        return {
            **_facts(found),
            "author": await self._named(found.event.sender),
            "label": str(found.item.label),
            "like_count": sum(len(people) for people in found.likes.values()),
            "comment_count": len(found.comments),
        }

    async def _comments(self, user_id: str, found: _Found, page: int) -> list[Json]:
        """A page of the thread, in the order in which it was written; what this member cannot read is left out."""
        told: list[Json] = []
        for event_id in found.comments[(page - 1) * COMMENTS : page * COMMENTS]:
            item = await self._readers.item(user_id, found.event.room_id, event_id)
            event = None if item is None else await self._hooks.event(event_id)
            if item is None or event is None:
                continue
            edit = await self._hooks.newest_edit(event_id)
            told.append(
                {
                    "event_id": event_id,
                    "author": await self._named(event.sender),
                    "label": str(item.label),
                    "sent_at": event.origin_server_ts,
                    "edited": edit is not None and _drawn_by(edit) != "relabel",
                    "content": dict(event.content if edit is None else _new_content(edit)),
                }
            )
        return told

    async def _named(self, user_id: str) -> Json:
        """Somebody as others see them; of who has left, nothing but that."""
        localpart = user_id[1:].partition(":")[0]
        member = (await self._registry.active_members()).get(localpart)
        if member is None:
            is_bot = (await self._registry.person(user_id)).is_bot
            return {"user_id": user_id if is_bot else None, "name": None, "organisation": None}
        organisation = self._registry.organisation_name(member.organisation) or member.organisation
        return {"user_id": user_id, "name": member.name, "organisation": organisation}


def _facts(found: _Found) -> Json:
    revised = found.edits[-1].origin_server_ts if found.edits else None
    return {
        "room_id": found.event.room_id,
        "event_id": found.event.event_id,
        "sender": found.event.sender,
        "sent_at": found.event.origin_server_ts,
        "revised_at": revised,
        "content": dict(found.content),
    }


def _version(at: int, content: Mapping[str, Any]) -> Json:
    return {"at": at, "content": dict(content)}


def _new_content(edit: EventBase) -> Mapping[str, Any]:
    content = edit.get_dict()["content"].get("m.new_content")
    return content if isinstance(content, Mapping) else {}


def _drawn_by(edit: EventBase) -> object:
    written = edit.content.get(LABEL_KEY)
    return written.get("by") if isinstance(written, Mapping) else None


def _pairs(items: object) -> list[tuple[str, str]]:
    given = items or []
    if not isinstance(given, list) or len(given) > AT_MOST:
        raise malformed(f"`items` is a list of at most {AT_MOST}.")
    found = [(one.get("room_id"), one.get("event_id")) for one in given if isinstance(one, dict)]
    pairs = [(room, event) for room, event in found if isinstance(room, str) and isinstance(event, str)]
    if len(pairs) != len(given):
        raise malformed("Each of `items` has a `room_id` and an `event_id`.")
    return pairs


def _blogs(txn: LoggingTransaction, user_id: str) -> list[str]:
    """The rooms that somebody is in whose policy speaks of a blog."""
    txn.execute(
        "SELECT mine.room_id, policy.json FROM local_current_membership AS mine"
        " JOIN current_state_events AS one ON one.room_id = mine.room_id AND one.type = ? AND one.state_key = ''"
        " JOIN event_json AS policy ON policy.event_id = one.event_id"
        " WHERE mine.user_id = ? AND mine.membership = 'join'",
        (POLICY_TYPE, user_id),
    )
    return [
        str(room_id)
        for room_id, text in txn.fetchall()
        if json.loads(text).get("content", {}).get("purpose") == Purpose.BLOG.value
    ]


def _since(txn: LoggingTransaction, room_id: str, user_id: str) -> int:
    """From when on somebody reads a room, in milliseconds since 1970; 0 where all of it was always for its members.

    By this lists and counts are made; whether a post can be read is decided for each that is shown. So this may leave
    out what could be read, where a group's history was once for those alone who were there.
    """
    txn.execute(
        "SELECT event_json.json FROM events JOIN event_json ON event_json.event_id = events.event_id"
        " WHERE events.room_id = ? AND events.type = 'm.room.history_visibility' AND events.rejection_reason IS NULL",
        (room_id,),
    )
    seen = {json.loads(row[0]).get("content", {}).get("history_visibility") for row in txn.fetchall()}
    if seen <= {"shared"}:
        return 0
    there = ("join", "invite") if seen <= {"shared", "invited"} else ("join",)
    txn.execute(
        "SELECT room_memberships.membership, events.origin_server_ts FROM room_memberships"
        " JOIN events ON events.event_id = room_memberships.event_id"
        " WHERE room_memberships.room_id = ? AND room_memberships.user_id = ? AND events.rejection_reason IS NULL"
        " ORDER BY events.stream_ordering DESC",
        (room_id, user_id),
    )
    since = 0
    for membership, at in txn.fetchall():
        if membership not in there:
            break
        since = int(at)
    return since


def _relations(
    txn: LoggingTransaction, event_id: str, sender: str
) -> tuple[list[str], list[str], dict[str, frozenset[str]]]:
    """The ids of an item's edits by its sender and of the messages in its thread, in order; who reacted with what.

    Synapse strikes out the relation of what is redacted.
    """
    txn.execute(
        "SELECT relation.event_id, relation.relation_type, relation.aggregation_key, events.type, events.sender"
        " FROM event_relations AS relation JOIN events ON events.event_id = relation.event_id"
        " WHERE relation.relates_to_id = ? AND events.rejection_reason IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redactions.redacts = relation.event_id)"
        " ORDER BY events.stream_ordering",
        (event_id,),
    )
    edits: list[str] = []
    comments: list[str] = []
    likes: dict[str, set[str]] = {}
    for one, relation, key, event_type, by in txn.fetchall():
        if relation == "m.replace" and by == sender and event_type == _MESSAGE:
            edits.append(str(one))
        elif relation == "m.thread" and event_type in CONTENT:
            comments.append(str(one))
        elif relation == "m.annotation" and event_type == "m.reaction" and key:
            likes.setdefault(str(key), set()).add(str(by))
    return edits, comments, {key: frozenset(people) for key, people in _most(likes)}


def _most(likes: Mapping[str, set[str]], shown: int = 12) -> Iterable[tuple[str, set[str]]]:
    """The reactions that most people gave."""
    counts = Counter({key: len(people) for key, people in likes.items()})
    return [(key, likes[key]) for key, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:shown]]
