"""Plans a new room out of what a client asks for (rules R1 to R4, M1, P1): the whole request, or a refusal.

A client says what it wishes (preset, invitations, `org.belisha.room` in `initial_state`); default, ceiling, power,
join rule, history and version are always computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from belisha.events import MalformedEvent
from belisha.policy.decision import Decision, refuse
from belisha.policy.membership import decide_membership
from belisha.policy.people import MAY_LIST_ORGANISATIONS, Person
from belisha.policy.protocol import decide_protocol_content, decide_state_key
from belisha.policy.rooms import KINDS, Kind, Purpose, Room, encrypted, kind_of, room_of, to_state
from belisha.policy.state import GROUPS, MAINTAINER_POWER, STEWARD_POWER, Surroundings, decide_state

ROOM_VERSION: Final = "11"
POLICY_TYPE: Final = "org.belisha.room"
NAMED_TYPE: Final = "org.belisha.named"

#: State that a client may ask for beside its wish; what is computed here is taken out of a request silently.
_WISHED_STATE: Final = frozenset(
    {"m.room.name", "m.room.topic", "m.room.avatar", "m.room.join_rules", "m.room.history_visibility", "m.space.parent"}
)
_COMPUTED_STATE: Final = frozenset({"m.room.guest_access", "m.room.encryption", POLICY_TYPE})


class Plan(NamedTuple):
    """A room to be made: its policy, the localparts it names, and the body of `/createRoom` that makes it."""

    room: Room
    named: tuple[str, ...]
    request: dict[str, Any]


class Wish(NamedTuple):
    """What a client asks for, parsed."""

    kind: Kind
    organisations: tuple[str, ...]
    purpose: Purpose
    wants_encryption: bool
    state: tuple[tuple[str, str, dict[str, Any]], ...]


def plan_room(
    creator: Person,
    invitees: Sequence[Person],
    request: Mapping[str, Any],
    organisations: frozenset[str],
    about: Surroundings,
) -> Plan | Decision:
    """Plans the room that `request` (the body of `/createRoom`) asks for.

    Args:
        creator: who asks.
        invitees: the people of `request["invite"]`, as the registry knows them.
        request: the request; it is not changed.
        organisations: the ids of all organisations of the community.
        about: the community's settings.

    Returns:
        The plan, or the Decision that refuses it.

    Raises:
        MalformedEvent: where a part has the wrong type.
    """
    wish = _wish_of(creator, invitees, request)
    refusal = _decide_request(creator, request, wish, organisations)
    if refusal:
        return refusal
    room = room_of(wish.kind, wish.organisations, wish.purpose)
    if wish.wants_encryption and room.kind is Kind.NAMED and about.encrypted_named_rooms:
        room = encrypted(room)
    # While it makes a room, Synapse shows a module each state as if there were no policy yet: all is decided here.
    for event_type, key, content in (*wish.state, *_shorthands(request)):
        for decision in (
            decide_state(room, event_type, content, about),
            decide_state_key(event_type, key, about.markers),
            decide_protocol_content(event_type, content, about.markers, is_state=True),
        ):
            if not decision.allowed:
                return decision
    named = tuple(dict.fromkeys(p.localpart for p in (creator, *invitees))) if room.kind is Kind.NAMED else ()
    everyone = frozenset(person.user_id for person in (creator, *invitees))
    for person in (creator, *invitees):
        decision = decide_membership(
            room, person, "join", sender_id=creator.user_id, named=frozenset(named), present=everyone
        )
        if not decision.allowed:
            return decision
    return Plan(room, named, _request_for(creator, invitees, request, wish, room, named, about))


def _list_of(request: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = request.get(key) or []
    if not isinstance(value, list | tuple):
        raise MalformedEvent(f"`{key}` must be a list.")
    return value


def _mapping_of(request: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = request.get(key) or {}
    if not isinstance(value, Mapping):
        raise MalformedEvent(f"`{key}` must be an object.")
    return value


def _wish_of(creator: Person, invitees: Sequence[Person], request: Mapping[str, Any]) -> Wish:
    state = []
    wish: Mapping[str, Any] = {}
    wants_encryption = False
    for item in _list_of(request, "initial_state"):
        if not isinstance(item, Mapping) or not isinstance(item.get("type"), str):
            raise MalformedEvent("Each entry of `initial_state` needs a `type`.")
        content, key = item.get("content"), item.get("state_key", "")
        if not isinstance(content, Mapping) or not isinstance(key, str):
            raise MalformedEvent("Each entry of `initial_state` needs `content`, an object.")
        if item["type"] == POLICY_TYPE:
            wish = content
        wants_encryption = wants_encryption or item["type"] == "m.room.encryption"
        if item["type"] not in _COMPUTED_STATE:
            state.append((item["type"], key, dict(content)))
    organisations = wish.get("organisations") or ()
    if not isinstance(organisations, list | tuple) or not all(isinstance(name, str) for name in organisations):
        raise MalformedEvent("`organisations` must be a list of organisation ids.")
    try:
        purpose = Purpose(str(wish.get("purpose") or Purpose.DISCUSSION))
        kind = _kind(creator, invitees, request, wish)
    except ValueError as error:
        raise MalformedEvent(f"`{POLICY_TYPE}`: {error}.") from None
    return Wish(kind, tuple(dict.fromkeys(organisations)), purpose, wants_encryption, tuple(state))


def _kind(creator: Person, invitees: Sequence[Person], request: Mapping[str, Any], wish: Mapping[str, Any]) -> Kind:
    if _mapping_of(request, "creation_content").get("type") == "m.space":
        return Kind.SPACE
    if wish.get("kind") is not None:
        kind = kind_of(wish["kind"])
        if kind not in (Kind.OPEN, Kind.CLOSED, Kind.NAMED):
            raise ValueError("a room can be made open, closed or named")
        return kind
    preset = request.get("preset") or ("public_chat" if request.get("visibility") == "public" else "private_chat")
    if request.get("is_direct") or preset == "trusted_private_chat":
        bots = [person for person in (creator, *invitees) if person.is_bot]
        return Kind.SERVICE if len(bots) == 1 and len(invitees) == 1 else Kind.NAMED
    if preset not in ("public_chat", "private_chat"):
        raise MalformedEvent("`preset` must be public_chat, private_chat or trusted_private_chat.")
    return Kind.OPEN if preset == "public_chat" else Kind.CLOSED


def _decide_request(
    creator: Person, request: Mapping[str, Any], wish: Wish, organisations: frozenset[str]
) -> Decision | None:
    """The refusal of what no room may have, whatever its kind; None where there is nothing to refuse."""
    version = request.get("room_version", ROOM_VERSION)
    if version != ROOM_VERSION:
        return refuse("R1", "ROOM_VERSION", f"Rooms here have version {ROOM_VERSION}. Please leave the version out.")
    if _list_of(request, "invite_3pid"):
        return refuse("M1", "NO_MAIL_INVITES", "Invitations go to members of the community, by their account.")
    creation = _mapping_of(request, "creation_content")
    if creation.get("type") not in (None, "m.space"):
        return refuse("R1", "ROOM_TYPE", "Only ordinary rooms and spaces can be made here.")
    if "predecessor" in creation or "additional_creators" in creation:
        return refuse("R1", "NO_UPGRADE", "Rooms are not upgraded by hand here. Please ask a steward.")
    for event_type, _key, _content in wish.state:
        if event_type not in _WISHED_STATE:
            return refuse("R1", "INITIAL_STATE", f"A room cannot be made with “{event_type[:80]}” in it.")
    if wish.organisations:
        return _decide_organisations(creator, wish, organisations)
    return None


def _decide_organisations(creator: Person, wish: Wish, organisations: frozenset[str]) -> Decision | None:
    if wish.kind is not Kind.CLOSED:
        return refuse("R1", "ORGANISATIONS", "Only a closed group can be kept to the organisations that it lists.")
    unknown = [name for name in wish.organisations if name not in organisations]
    if unknown:
        return refuse("R1", "UNKNOWN_ORGANISATION", f"There is no organisation “{unknown[0][:80]}” in this community.")
    others = [name for name in wish.organisations if name != creator.organisation]
    if others and not creator.is_bot and not creator.roles & MAY_LIST_ORGANISATIONS:
        return refuse(
            "R1",
            "ORGANISATIONS",
            "You can keep a group to your own organisation. For a group of several, please ask a steward.",
        )
    return None


def _shorthands(request: Mapping[str, Any]) -> tuple[tuple[str, str, dict[str, Any]], ...]:
    """The state that `/createRoom` writes for its shorthand keys."""
    keys = (("name", "m.room.name", "name"), ("topic", "m.room.topic", "topic"))
    alias = request.get("room_alias_name")
    found = [(event_type, "", {key: request[name]}) for name, event_type, key in keys if request.get(name)]
    return (*found, *([("m.room.canonical_alias", "", {"alias": alias})] if alias else ()))


def _request_for(
    creator: Person,
    invitees: Sequence[Person],
    request: Mapping[str, Any],
    wish: Wish,
    room: Room,
    named: Sequence[str],
    about: Surroundings,
) -> dict[str, Any]:
    rules = KINDS[room.kind]
    is_public = room.kind is Kind.OPEN or (room.kind is Kind.SPACE and request.get("preset") == "public_chat")
    state: dict[tuple[str, str], Mapping[str, Any]] = {
        (POLICY_TYPE, ""): to_state(room),
        ("m.room.join_rules", ""): {"join_rule": "public" if is_public else rules.join_rules[-1]},
        ("m.room.history_visibility", ""): {"history_visibility": rules.history[0]},
        ("m.room.guest_access", ""): {"guest_access": "forbidden"},
    }
    if room.kind is Kind.CLOSED:
        state["m.room.join_rules", ""] = {"join_rule": rules.join_rules[0]}
    if room.kind is Kind.NAMED:
        state[NAMED_TYPE, ""] = {"members": list(named)}
    if room.encrypted:
        state["m.room.encryption", ""] = {"algorithm": "m.megolm.v1.aes-sha2"}
    state |= {(event_type, key): content for event_type, key, content in wish.state}
    invited = [person.user_id for person in invitees]
    if room.kind in GROUPS and about.steward not in (creator.user_id, *invited):
        invited.append(about.steward)
    kept = ("name", "topic", "room_alias_name", "is_direct")
    return {key: request[key] for key in kept if request.get(key)} | {
        "preset": "public_chat" if is_public else "private_chat",
        "visibility": "public" if request.get("visibility") == "public" and room.kind in GROUPS else "private",
        "room_version": ROOM_VERSION,
        "creation_content": {"type": "m.space"} if room.kind is Kind.SPACE else {},
        "initial_state": [
            {"type": event_type, "state_key": key, "content": dict(content)}
            for (event_type, key), content in state.items()
        ],
        "invite": invited,
        "power_level_content_override": _power_levels(creator, request, room, about),
    }


def _power_levels(creator: Person, request: Mapping[str, Any], room: Room, about: Surroundings) -> dict[str, Any]:
    if room.kind in GROUPS:
        users = {creator.user_id: MAINTAINER_POWER, about.steward: STEWARD_POWER}
    else:
        users = {creator.user_id: STEWARD_POWER}
    needed = MAINTAINER_POWER if room.kind in GROUPS else STEWARD_POWER
    levels: dict[str, Any] = {
        "users": users,
        "users_default": 0,
        "events_default": 50 if room.purpose is Purpose.ANNOUNCEMENTS else 0,
        "state_default": 50,
        "invite": 50 if room.kind in GROUPS else STEWARD_POWER,
        "kick": 50,
        "ban": 50,
        "redact": 50,
        "events": {
            "m.room.name": 50,
            "m.room.topic": 50,
            "m.room.avatar": 50,
            "m.room.canonical_alias": 50,
            "m.room.pinned_events": 50,
            "m.reaction": 0,
            "m.room.redaction": 0,
            "m.poll.response": 0,
            "org.matrix.msc3381.poll.response": 0,
            **dict.fromkeys(
                ("m.room.power_levels", "m.room.join_rules", "m.room.history_visibility", POLICY_TYPE, NAMED_TYPE),
                needed,
            ),
            **dict.fromkeys(("m.room.tombstone", "m.room.server_acl", "m.room.encryption"), STEWARD_POWER),
        },
    }
    # A bot's own request is the module's: #stewards and announcements say who may invite and post.
    override = request.get("power_level_content_override")
    return levels | dict(override) if creator.is_bot and isinstance(override, Mapping) else levels
