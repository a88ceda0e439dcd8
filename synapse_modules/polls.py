"""Polls out of what Synapse has stored at this moment: votes, ends, and who may vote (rule P2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from synapse.event_auth import get_named_level, get_user_power_level
from synapse.events import EventBase
from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.commands.declaration import GROUPS
from belisha.policy.people import Person
from belisha.policy.polls import decide_export
from belisha.policy.rooms import Media
from belisha.polls.card import is_card, parse_poll
from belisha.polls.wire import END, RESPONSE, START, MalformedPoll, Start, parse_end
from belisha.tlp import Label, without_badge
from synapse_modules.hooks import Hooks
from synapse_modules.parts import Parts
from synapse_modules.readers import Readers
from synapse_modules.refusal import malformed, not_found, raise_if_refused
from synapse_modules.registry import Registry
from synapse_modules.snapshot import POWER_STATE
from synapse_modules.upgrades import Upgrades

_REDACT: Final = 50  # the power for redactions where a room names none (Matrix 1.16, m.room.power_levels)


class Found(NamedTuple):
    """A poll that somebody can read now.

    Attributes:
        start: the poll, as clients show it.
        label: its label now.
        raw: its event, with what an edit before the first vote made of it (MSC3381: later it must not change).
        responses: every vote.
        ends: the moments at which those who may have ended it, in milliseconds since 1970.
        is_edited_late: whether it was edited after the first vote, which counts for nothing.
        carries_files: whether a picture of its result can be shared there, and opened by everybody.
    """

    start: Start
    label: Label
    raw: Mapping[str, Any]
    responses: Sequence[Mapping[str, Any]]
    ends: list[int]
    is_edited_late: bool = False
    carries_files: bool = False


class Polls:
    """Reads polls."""

    def __init__(self, parts: Parts) -> None:
        self._api: ModuleApi = parts.api
        self._hooks: Hooks = parts.hooks
        self._readers: Readers = parts.readers
        self._registry: Registry = parts.registry
        self._upgrades: Upgrades = parts.upgrades

    async def find(self, user_id: str, room_id: str, event_id: str) -> Found | None:
        """The poll that an event is, where the account can read it; None for anything else."""
        item = await self._readers.item(user_id, room_id, event_id)
        event = None if item is None else await self._hooks.event(item.event_id)
        # Polls of named people are theirs alone (rule P1).
        if item is None or event is None or item.room.kind not in GROUPS:
            return None
        is_anonymous = is_card(event.type, event.content)
        if event.type not in START and not is_anonymous:
            return None
        related = [one for _, one in await self._hooks.related(event.event_id) if one.room_id == room_id]
        raw, is_edited_late = _as_begun(event, related) if is_anonymous else _as_voted_on(event, related)
        try:
            start = parse_poll(raw)
        except MalformedPoll:
            return None
        carries_files = item.room.carried_files is not Media.NONE and not item.room.sources_only
        if is_anonymous:  # no event is a vote in it, or ends it
            return Found(start, item.label, raw, (), [], is_edited_late, carries_files)
        state = await self._api.get_room_state(room_id, POWER_STATE)
        ends: list[int] = []
        for one in related:
            may_end = one.type in END and (
                one.sender == start.sender
                or get_user_power_level(one.sender, state) >= get_named_level(state, "redact", _REDACT)
            )
            try:
                ends += [parse_end(_raw(one), event.event_id).sent_at] if may_end else []
            except MalformedPoll:
                continue
        responses = [_raw(one) for one in related if one.type in RESPONSE]
        return Found(start, item.label, raw, responses, sorted(ends), is_edited_late, carries_files)

    async def facts(self, user_id: str, room_id: str, event_id: str) -> dict[str, Any] | None:
        """The same for a bot that counts it, with the organisations of those who may vote."""
        found = await self.find(user_id, room_id, event_id)
        if found is None:
            return None
        active = await self._registry.active_members()
        organisations = await self._registry.organisations()
        opening = await self._api.run_db_interaction("belisha_poll_opening", _joined_at, room_id, found.start.event_id)
        voters = {
            "opening": self._of(active, opening),
            "closing": self._of(active, await self._hooks.joined(room_id)),
        }
        moved = await self._upgrades.successor(room_id)
        there = {key for group in voters.values() for key in group.values()}
        return {
            "room_id": room_id,
            "poll": dict(found.raw),
            "label": str(found.label),
            "responses": [dict(one) for one in found.responses],
            "ends": found.ends,
            "edited_late": found.is_edited_late,
            "carries_files": found.carries_files,
            "moved": None if moved is None else {"room_id": moved[0], "done": moved[1]},
            "voters": voters,
            "organisations": {key: organisations[key].name for key in sorted(there) if key in organisations},
            "service_rooms": {
                user: active[Person(user).localpart].service_room for user in voters["closing"] | voters["opening"]
            },
        }

    async def voters(self, room_id: str) -> dict[str, str]:
        """Who may vote in a group at this moment, with their organisations."""
        return self._of(await self._registry.active_members(), await self._hooks.joined(room_id))

    async def ballot(self, person: Person, room_id: object, event_id: object) -> dict[str, Any]:
        """An anonymous poll for a member who can read it now, and whether they may vote in it.

        Raises:
            SynapseError: 404 for what is no such poll, and for what is not theirs to read: the same.
        """
        if not isinstance(room_id, str) or not isinstance(event_id, str):
            raise malformed("`room_id` and `event_id` name a poll.")
        found = None if "\0" in room_id + event_id else await self.find(person.user_id, room_id, event_id)
        if found is None or not found.start.anonymous:
            raise not_found()
        at_opening = await self._api.run_db_interaction("belisha_poll_opening", _joined_at, room_id, event_id)
        is_there = person.user_id in await self.voters(room_id)
        return {
            "poll": dict(found.raw),
            "label": str(found.label),
            "edited_late": found.is_edited_late,
            "may_vote": {"closing": is_there, "opening": is_there and person.user_id in at_opening},
        }

    async def exported(self, person: Person, room_id: object, event_id: object) -> dict[str, Any]:
        """The facts of a poll for a member who may have them as a file.

        Raises:
            SynapseError: 404 for what is no poll that they can read, 403 where it is not theirs to export.
        """
        if not isinstance(room_id, str) or not isinstance(event_id, str):
            raise malformed("`room_id` and `event_id` name a poll.")
        found = None if "\0" in room_id + event_id else await self.find(person.user_id, room_id, event_id)
        if found is None:
            raise not_found()
        # Of an anonymous poll nothing is told here but what stands on its card.
        is_disclosed, is_ended = found.start.disclosed or found.start.anonymous, bool(found.ends)
        raise_if_refused(decide_export(person, found.start.sender, disclosed=is_disclosed, ended=is_ended))
        facts = await self.facts(person.user_id, room_id, event_id)
        if facts is None:  # it was taken back since
            raise not_found()
        return facts

    @staticmethod
    def _of(active: Mapping[str, Any], users: frozenset[str]) -> dict[str, str]:
        """The organisation of each of those who may act."""
        by_user = {user: active.get(Person(user).localpart) for user in sorted(users)}
        return {user: member.organisation for user, member in by_user.items() if member is not None}


def _as_voted_on(event: EventBase, related: Sequence[EventBase]) -> tuple[dict[str, Any], bool]:
    """A poll as it was when the first vote came, and whether it was edited since; `related` as it was stored."""
    raw, is_voted_on, is_edited_late = _raw(event), False, False
    for one in related:
        relates = one.content.get("m.relates_to")
        is_edit = isinstance(relates, Mapping) and relates.get("rel_type") == "m.replace"
        changed = one.content.get("m.new_content")
        if is_edit and one.sender == event.sender and one.type == event.type and isinstance(changed, Mapping):
            is_edited_late = is_edited_late or is_voted_on
            raw["content"] = raw["content"] if is_voted_on else dict(one.get_dict()["content"]["m.new_content"])
        is_voted_on = is_voted_on or one.type in RESPONSE
    return raw, is_edited_late


def _as_begun(event: EventBase, related: Sequence[EventBase]) -> tuple[dict[str, Any], bool]:
    """An anonymous poll as it was begun, whatever was made of its card since; and whether its words were changed."""
    raw, is_edited = _raw(event), False
    for one in related:
        changed = one.content.get("m.new_content")
        if one.sender == event.sender and one.type == event.type and isinstance(changed, Mapping):
            was, became = str(event.content.get("body")), str(changed.get("body"))
            is_edited = is_edited or without_badge(was) != without_badge(became)
    return raw, is_edited


def _raw(event: EventBase) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "type": event.type,
        "sender": event.sender,
        "origin_server_ts": event.origin_server_ts,
        "content": dict(event.get_dict()["content"]),
    }


def _joined_at(txn: LoggingTransaction, room_id: str, event_id: str) -> frozenset[str]:
    """Who was in a room when an event was stored: the last membership of each before it, on this one homeserver."""
    txn.execute(
        "SELECT room_memberships.user_id, room_memberships.membership FROM room_memberships"
        " JOIN events ON events.event_id = room_memberships.event_id"
        " WHERE room_memberships.room_id = ? AND events.state_key IS NOT NULL AND events.rejection_reason IS NULL"
        " AND events.stream_ordering < (SELECT stream_ordering FROM events WHERE event_id = ?)"
        " ORDER BY events.stream_ordering",
        (room_id, event_id),
    )
    last = {str(user): str(membership) for user, membership in txn.fetchall()}
    return frozenset(user for user, membership in last.items() if membership == "join")
