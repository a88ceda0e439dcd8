"""Acts by which members make groups and rooms of named people, and maintainers change groups (R1, R3 and P3)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from synapse.event_auth import get_user_power_level

from belisha.acts.groups import MOST_PEOPLE
from belisha.policy.acts import decide_room_act
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decision import refuse
from belisha.policy.rooms import Kind, Purpose
from belisha.policy.state import MAINTAINER_POWER
from synapse_modules.acts_kept import Json, Record
from synapse_modules.acts_memberships import TOO_MANY
from synapse_modules.command_events import Command
from synapse_modules.parts import Parts
from synapse_modules.refusal import as_client, not_found, raise_if_refused, refused
from synapse_modules.snapshot import POWER_STATE

#: A room's name is shown in lists; its topic has all that was written.
_LONGEST_NAME: Final = 80


class _Page(NamedTuple):
    """A page of the portal that is shown in a group."""

    key: str
    name: str
    path: str


class GroupActs:
    """What commands make."""

    acts = ("group_create", "red")

    def __init__(self, parts: Parts) -> None:
        self._registry = parts.registry
        self._markers = parts.about.markers
        self._makings = parts.makings

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        arguments = command.asked.arguments
        config = _group(arguments) if command.asked.command.act == "group_create" else self._named(command)
        return await self._makings.make(command.sender.user_id, record, config)

    def _named(self, command: Command) -> dict[str, Any]:
        """The request for a room of named people; what is said there first is looked at before anything is made."""
        arguments = command.asked.arguments
        people = {self._registry.address(address) for address in arguments["members"]} - {command.sender.user_id}
        if not people:
            raise refused(_NOBODY)
        if len(people) > MOST_PEOPLE:
            raise refused(TOO_MANY)
        if problem := self._markers.read(arguments.get("subject", "")).problem:
            raise refused(refuse("L1", "UNKNOWN_LABEL", problem))
        return {"preset": "trusted_private_chat", "is_direct": True, "invite": sorted(people)}


class GroupChangeActs:
    """What commands change of groups, besides their rules."""

    acts = ("group_rename", "group_topic", "group_composer", "group_pads", "group_archive", "group_unarchive")

    def __init__(self, parts: Parts) -> None:
        self._api = parts.api
        self._hooks = parts.hooks
        self._registry = parts.registry
        self._rooms = parts.rooms
        self._policies = parts.policies
        self._portal = parts.about.portal_origin

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        act, arguments = command.asked
        target = await self._rooms.named(arguments["room"]) if "room" in arguments else command.room_id
        room = await self._policies.read(target)
        if room.kind not in (Kind.OPEN, Kind.CLOSED):
            raise refused(_NEEDS_A_GROUP) if target == command.room_id else not_found()
        if not (command.sender.roles & act.roles or command.sender.user_id in await self._hooks.joined(target)):
            raise not_found()
        await self._rooms.check_mute(command.sender.user_id, target, room.kind)
        power = int(get_user_power_level(command.sender.user_id, await self._api.get_room_state(target, POWER_STATE)))
        raise_if_refused(decide_room_act(act, command.sender, power))
        if act.act in _STATE_OF or act.act in _PAGES:
            await self._set_state(command, target, power)
            await self._api.run_db_interaction("belisha_act_done", record.settle)
            return record.outcome
        async with self._policies.alone(target):
            await self._api.run_db_interaction("belisha_act", record.not_ended)
            self._registry.look_again()
            raise_if_refused(decide_room_act(act, await self._registry.person(command.sender.user_id), power))
            await self._policies.set_archived(target, archived=act.act == "group_archive", settle=record.settle)
        return record.outcome

    async def _set_state(self, command: Command, room_id: str, power: int) -> None:
        """In the member's own name; for stewards and managers without power by the bot, but in everybody's rooms."""
        is_own = power >= MAINTAINER_POWER or room_id in await self._rooms.founding_rooms()
        sender = command.sender.user_id if is_own else self._rooms.steward
        act, arguments = str(command.asked.command.act), command.asked.arguments
        if act in _PAGES:
            event_type, state_key = _WIDGET, _PAGES[act].key
            content = self._widget(_PAGES[act], sender) if arguments["shown"] == "on" else {}
        else:
            event_type, key = _STATE_OF[act]
            state_key, content = "", {key: arguments[key]}
        event = {
            "type": event_type,
            "state_key": state_key,
            "room_id": room_id,
            "sender": sender,
            "content": content,
        }
        await as_client(self._api.create_and_send_event_into_room(event))

    def _widget(self, page: _Page, sender: str) -> Json:
        """A page of the portal as Element shows a widget; Element fills in whose and where (MSC1236, rule R5)."""
        return {
            "id": page.key,
            "type": "m.custom",
            "name": page.name,
            "url": f"{self._portal}{page.path}?widgetId=$matrix_widget_id&room=$matrix_room_id",
            "creatorUserId": sender,
        }


#: The state that an act sets, and the key in it that has the argument's name.
_STATE_OF: Final = {"group_rename": ("m.room.name", "name"), "group_topic": ("m.room.topic", "topic")}
#: Where Element looks for a room's widgets.
_WIDGET: Final = "im.vector.modular.widgets"
#: The page that an act puts there.
_PAGES: Final = {
    "group_composer": _Page("belisha-composer", "Write with a label", "/widget"),
    "group_pads": _Page("belisha-pads", "Pads", "/widget/pads"),
}
_NOBODY: Final = refuse("M1", "NOBODY", "Please name somebody besides yourself.")
_NEEDS_A_GROUP: Final = refuse("R1", "NO_CHANGE", "Please write this in a group, or name one by its address.")


def _group(arguments: dict[str, Any]) -> dict[str, Any]:
    """The request for a group that a client would make."""
    kind, topic = arguments["kind"], arguments["topic"]
    wish = {
        "kind": kind,
        "organisations": arguments.get("organisations", []),
        "purpose": arguments.get("purpose", Purpose.DISCUSSION.value),
    }
    is_open = kind == Kind.OPEN.value
    return {
        "preset": "public_chat" if is_open else "private_chat",
        "visibility": "public" if is_open else "private",
        "name": topic if len(topic) <= _LONGEST_NAME else f"{topic[: _LONGEST_NAME - 1].rstrip()}…",
        "topic": topic,
        "initial_state": [{"type": POLICY_TYPE, "state_key": "", "content": wish}],
    }
