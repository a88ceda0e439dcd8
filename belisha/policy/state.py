"""Decides about room state that a member changes (rules R2 to R5) once the room is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from belisha.markers import MarkerReader
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.rooms import KINDS, Kind, Room
from belisha.tlp import Label

GROUPS: Final = frozenset({Kind.OPEN, Kind.CLOSED, Kind.SPACE})

#: Power in a group: the steward bot, who made it, and the most that anybody else may have.
STEWARD_POWER: Final = 100
MAINTAINER_POWER: Final = 95

_FINE: Final = allow("R1", "The change fits the room.")


class Surroundings(NamedTuple):
    """What a decision about state needs to know besides the event."""

    markers: MarkerReader
    steward: str
    portal_origin: str
    encrypted_named_rooms: bool


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
    if content.get("join_rule") not in KINDS[room.kind].join_rules:
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


def _tombstone(_room: Room, _content: Mapping[str, Any], _about: Surroundings) -> Decision:
    return refuse("R1", "NO_UPGRADE", "Rooms are not upgraded by hand here. Please ask a steward.")


def _widget(_room: Room, content: Mapping[str, Any], about: Surroundings) -> Decision:
    url = content.get("url")
    if not content or (isinstance(url, str) and url.startswith(about.portal_origin + "/")):
        return _FINE
    return refuse("R5", "WIDGET_ORIGIN", "Only pages of this community's own portal can be added to a room.")


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
    "m.room.canonical_alias": _name("alias", "room address"),
    "m.room.history_visibility": _history,
    "m.room.join_rules": _join_rules,
    "m.room.guest_access": _guests,
    "m.room.encryption": _encryption,
    "m.room.tombstone": _tombstone,
    "m.room.power_levels": _power_levels,
    "m.widget": _widget,
    "im.vector.modular.widgets": _widget,
}
