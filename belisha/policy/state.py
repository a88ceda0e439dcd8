"""Decides about room state that a member changes (rules R2 to R5) once the room is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from belisha.markers import MarkerReader
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.rooms import KINDS, Kind, Room
from belisha.policy.upgrade import BY_THE_BOT, BY_THE_CREATOR, REPLACED
from belisha.tlp import Label

GROUPS: Final = frozenset({Kind.OPEN, Kind.CLOSED, Kind.SPACE})

#: Power in a group: the steward bot, who made it, and the most that anybody else may have.
STEWARD_POWER: Final = 100
MAINTAINER_POWER: Final = 95

_MEDIA: Final = re.compile(r"(?:mxc://[A-Za-z0-9.:\[\]-]{1,200}/[A-Za-z0-9_-]{1,200})?")
#: Where a group stands among the others of a space (Matrix 1.16, "Ordering of children within a space").
_ORDER: Final = re.compile(r"[ -~]{0,50}")

_FINE: Final = allow("R1", "The change fits the room.")


class Surroundings(NamedTuple):
    """What a decision about state needs to know besides the event."""

    markers: MarkerReader
    steward: str
    portal_origin: str
    encrypted_named_rooms: bool
    recertification_days: int | None = None


def decide_state(room: Room, event_type: str, content: Mapping[str, Any], about: Surroundings) -> Decision:
    """Decides about one state event other than membership; types without a rule of their own are allowed."""
    rule = _RULES.get(event_type)
    return rule(room, content, about) if rule else _FINE


def decide_public_text(text: object, what: str, markers: MarkerReader) -> Decision:
    """Decides about a name, topic or alias: it must be fit for the whole community (rule R3)."""
    if not isinstance(text, str):
        return refuse("R3", "MALFORMED", f"The {what} must be a text.")
    reading = markers.read(text)
    if reading.problem:
        return refuse("R3", "UNKNOWN_LABEL", f"The {what} cannot carry this: {reading.problem}")
    if reading.label is not None and reading.label > Label.GREEN:
        return refuse(
            "R3",
            "NOT_PUBLIC",
            f"Everyone in the community can see a {what}, so it cannot be {reading.label}. Please choose another.",
            reading.label,
        )
    return _FINE


def _name(key: str, what: str) -> Callable[[Room, Mapping[str, Any], Surroundings], Decision]:
    def decide(room: Room, content: Mapping[str, Any], about: Surroundings) -> Decision:
        text = content.get(key)
        if room.kind is Kind.NAMED and text:
            return refuse(
                "R3",
                "NEUTRAL_NAME",
                f"A room of named people has no {what}: others may see it. Please say it in the room.",
            )
        return _FINE if text is None else decide_public_text(text, what, about.markers)

    return decide


def _history(room: Room, content: Mapping[str, Any], _about: Surroundings) -> Decision:
    if content.get("history_visibility") not in KINDS[room.kind].history:
        allowed = " or ".join(f"“{value}”" for value in KINDS[room.kind].history)
        return refuse("R2", "HISTORY", f"In {room.kind.described} the history is {allowed}, and stays inside the room.")
    return _FINE


def _join_rules(room: Room, content: Mapping[str, Any], _about: Surroundings) -> Decision:
    # `allow` lets in whoever is in another room, which has other rules.
    if content.get("join_rule") not in KINDS[room.kind].join_rules or content.get("allow"):
        allowed = " or ".join(f"“{value}”" for value in KINDS[room.kind].join_rules)
        return refuse("R1", "JOIN_RULE", f"The join rule of {room.kind.described} is {allowed}.")
    return _FINE


def _guests(_room: Room, content: Mapping[str, Any], _about: Surroundings) -> Decision:
    if content.get("guest_access") != "forbidden":
        return refuse("R2", "NO_GUESTS", "There are no guests here: everyone has an account of their own.")
    return _FINE


def _encryption(room: Room, _content: Mapping[str, Any], about: Surroundings) -> Decision:
    if room.kind is Kind.NAMED and about.encrypted_named_rooms:
        return _FINE
    return refuse(
        "R4",
        "NO_ENCRYPTION",
        "Rooms are not end-to-end encrypted here, so that the server can enforce labels. All is encrypted on its "
        "way to the server.",
    )


def _tombstone(room: Room, _content: Mapping[str, Any], _about: Surroundings) -> Decision:
    return BY_THE_CREATOR if room.kind is Kind.NAMED else BY_THE_BOT


def _widget(_room: Room, content: Mapping[str, Any], about: Surroundings) -> Decision:
    url = content.get("url")
    # Clients open a widget of some types, such as jitsi, at an address out of its data, whatever its `url` says.
    is_page = content.get("type", "m.custom") in ("m.custom", "customwidget")
    if not content or (is_page and isinstance(url, str) and url.startswith(about.portal_origin + "/")):
        return _FINE
    return refuse("R5", "WIDGET_ORIGIN", "Only pages of this community's own portal can be added to a room.")


def _address(room: Room, content: Mapping[str, Any], about: Surroundings) -> Decision:
    """A room's addresses; a shorthand of `/createRoom` has the part between `#` and `:` only."""
    others = content.get("alt_aliases") or ()
    if not isinstance(others, list | tuple):
        return refuse("R3", "MALFORMED", "The room addresses must be a list.")
    for alias in (content.get("alias"), *others):
        if alias is None or alias == "":
            continue
        if not (decision := decide_address(room, alias, about)).allowed:
            return decision
    return _FINE


def decide_address(room: Room | None, alias: object, about: Surroundings) -> Decision:
    """Decides about one address of a room, which everyone in the community can look up (rule R3)."""
    if room is not None and room.kind is Kind.NAMED:
        return refuse("R3", "NEUTRAL_NAME", "A room of named people has no address: others could find it by its name.")
    if room is not None and room.replaced:
        return REPLACED
    if isinstance(alias, str):
        alias = alias.removeprefix("#").partition(":")[0]
    return decide_public_text(alias, "room address", about.markers)


def _picture(_room: Room, content: Mapping[str, Any], _about: Surroundings) -> Decision:
    url = content.get("url")
    if url is None or is_media_address(url):
        return _FINE
    return refuse("R3", "MALFORMED", "A picture is named by its address, which begins with “mxc://”.")


def is_media_address(value: object) -> bool:
    """Whether `value` is the address of an uploaded file, or empty; it is no place for text."""
    return isinstance(value, str) and _MEDIA.fullmatch(value) is not None


def _mail_invitation(_room: Room, _content: Mapping[str, Any], _about: Surroundings) -> Decision:
    return refuse("M1", "NO_MAIL_INVITES", "Invitations go to members of the community, by their account.")


def _place(_room: Room, content: Mapping[str, Any], about: Surroundings) -> Decision:
    """A link between a room and a space (Matrix 1.16, m.space.child, m.space.parent): nothing but the link."""
    server = about.steward.partition(":")[2]
    via, order = content.get("via", ()), content.get("order", "")
    fits = (
        set(content) <= {"via", "order", "suggested", "canonical"}
        and isinstance(via, list | tuple)
        and all(each == server for each in via)
        and isinstance(order, str)
        and _ORDER.fullmatch(order) is not None
        and isinstance(content.get("suggested", False), bool)
        and isinstance(content.get("canonical", False), bool)
    )
    return _FINE if fits else refuse("R3", "MALFORMED", "A place in a space names this server, and carries no text.")


def _child(room: Room, content: Mapping[str, Any], about: Surroundings) -> Decision:
    if room.kind is not Kind.SPACE and content:
        return refuse("R1", "NO_SPACE", "Only a space lists groups. Please make a space for them.")
    return _place(room, content, about)


def _power_levels(room: Room, content: Mapping[str, Any], about: Surroundings) -> Decision:
    if room.kind not in GROUPS:
        return _FINE
    users = content.get("users")
    if not isinstance(users, Mapping) or not all(isinstance(level, int) for level in users.values()):
        return refuse("R1", "MALFORMED", "The members' power levels must be whole numbers.")
    if users.get(about.steward) != STEWARD_POWER:
        return refuse("R1", "BOT_STAYS", "The community's bot looks after this room and must keep its power.")
    if any(level > MAINTAINER_POWER for user, level in users.items() if user != about.steward):
        return refuse("R1", "POWER", f"In a group nobody's power is above {MAINTAINER_POWER}, the maintainers'.")
    default = content.get("users_default", 0)
    if not isinstance(default, int) or default > 0:
        return refuse("R1", "POWER", "New members of a group begin without power (`users_default` 0).")
    return _FINE


_RULES: Final[Mapping[str, Callable[[Room, Mapping[str, Any], Surroundings], Decision]]] = {
    "m.room.name": _name("name", "room name"),
    "m.room.topic": _name("topic", "topic"),
    "m.room.canonical_alias": _address,
    "m.room.avatar": _picture,
    "m.room.third_party_invite": _mail_invitation,
    "m.room.history_visibility": _history,
    "m.room.join_rules": _join_rules,
    "m.room.guest_access": _guests,
    "m.room.encryption": _encryption,
    "m.room.tombstone": _tombstone,
    "m.room.power_levels": _power_levels,
    "m.space.child": _child,
    "m.space.parent": _place,
    "m.widget": _widget,
    "im.vector.modular.widgets": _widget,
}
