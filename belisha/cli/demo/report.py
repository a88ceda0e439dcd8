"""Writes DATA/demo.json: who is in the sample community, and its rooms as they really are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from belisha.cli.data_folder import read_run
from belisha.cli.demo.make import Maker
from belisha.cli.demo.record import Record, as_json, write_if_changed
from belisha.cli.demo.story import Room, Story
from belisha.cli.local_api import LocalApi
from belisha.policy.creation import POLICY_TYPE

NAME = "demo.json"


async def write(data: Path, homeserver: str, story: Story, record: Record, maker: Maker, registry: LocalApi) -> None:
    """Writes the report (mode 0600); the same text where nothing has changed."""
    rooms = [await _room(room, record, maker) for room in story.rooms]
    report = {
        "homeserver": homeserver,
        "portal": read_run(data).get("portal"),
        "accounts": await _accounts(story, record, maker, registry),
        "rooms": [room for room in rooms if room is not None],
    }
    write_if_changed(data / NAME, as_json(report))


async def _accounts(story: Story, record: Record, maker: Maker, registry: LocalApi) -> list[dict[str, Any]]:
    members = {member.user_id: member for member in await registry.members()}
    categories = {organisation.id: organisation.category for organisation in await registry.organisations()}
    accounts = []
    for account in story.accounts:
        user_id = maker.user_id(account.localpart)
        if (member := members.get(user_id)) is None:  # has left the community since
            continue
        accounts.append(
            {
                "user_id": user_id,
                "password": record.facts.passwords[account.localpart],
                "access_token": record.facts.tokens[account.localpart] or None,
                "organisation": member.organisation,
                "category": categories.get(member.organisation),
                "roles": list(member.roles),
            }
        )
    return accounts


async def _room(room: Room, record: Record, maker: Maker) -> dict[str, Any] | None:
    """A room as it is now, as one of its members sees it; None where none of the story's people is left."""
    room_id = record.facts.rooms[room.key]
    for name in room.people:
        client = maker.clients[name]
        if client.token and room_id in await client.joined_rooms():
            break
    else:
        return None
    policy = await client.state(room_id, POLICY_TYPE) or {}
    people = {maker.user_id(account.localpart) for account in maker.story.accounts}
    memberships = await client.memberships(room_id)
    return {
        "room_id": room_id,
        "alias": maker.alias(room),
        "name": (await client.state(room_id, "m.room.name") or {}).get("name"),
        "kind": policy.get("kind"),
        "purpose": policy.get("purpose"),
        "default": policy.get("default"),
        "ceiling": policy.get("ceiling"),
        "organisations": policy.get("organisations", []),
        "members": sorted(user for user, membership in memberships.items() if membership == "join" and user in people),
    }
