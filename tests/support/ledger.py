"""What tests read of the ledger, and how they wait for what follows from an act."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from synapse_modules.registry import REVISION_AGE
from tests.support import topology
from tests.support.community import Community
from tests.support.patience import until
from tests.support.server import request

Json = dict[str, Any]

_COLUMNS = "event_id, room_id, source, given, label, raised_from, redacted, acts_until, pending, badge_due"


def relabel(item: str, label: str, **more: Any) -> Json:
    """A relabel act, as any client can send it."""
    return {"m.relates_to": {"rel_type": "m.reference", "event_id": item}, "label": label, **more}


def rows(community: Community) -> dict[str, Json]:
    """The ledger, by item."""
    return {row["event_id"]: row for row in query(community, f"SELECT {_COLUMNS} FROM belisha_item")}  # noqa: S608 - a constant


def query(community: Community, statement: str, *values: object) -> list[Json]:
    """Reads the server's database."""
    return community.server.query(statement, *values)


def change(community: Community, statement: str, *values: object) -> None:
    """Changes the server's database behind its back."""
    community.server.change(statement, *values)


async def known_everywhere() -> None:
    """Waits until each process knows of a change of the registry, where there are several."""
    if topology.chosen != "one":
        await asyncio.sleep(2 * REVISION_AGE)


async def quiet(community: Community) -> None:
    """Waits until nothing is under way that the next start would finish: what another test left behind, for example.

    That is the joining of a bot that was invited, the review of a member, a label, a badge, a change of a policy.
    """
    under_way = (
        "SELECT COUNT(*) AS n FROM local_current_membership WHERE user_id LIKE '@belisha!_%' ESCAPE '!'"
        " AND membership = 'invite'",
        "SELECT COUNT(*) AS n FROM belisha_review",
        "SELECT COUNT(*) AS n FROM belisha_item WHERE pending IS NOT NULL OR badge_due IS NOT NULL",
        "SELECT COUNT(*) AS n FROM belisha_room",
    )

    async def is_quiet() -> bool:
        return all(query(community, each)[0]["n"] == 0 for each in under_way)

    await until(is_quiet)


async def settled(community: Community, item: str) -> Json:
    """An item's row as soon as nothing about it is under way."""

    async def is_settled() -> Json | None:
        row = rows(community).get(item)
        return row if row and row["acts_until"] and row["pending"] is None and row["badge_due"] is None else None

    answer: Json = await until(is_settled)
    return answer


async def related(community: Community, item: str, kind: str, rel_type: str, by: str = "ana") -> list[Json]:
    """What refers to an item, oldest first."""
    path = f"/_matrix/client/v1/rooms/{quote(community.rooms[kind])}/relations/{quote(item)}/{rel_type}"
    status, body = await request(community[by], "GET", f"{path}?limit=50&dir=f")
    assert status == 200, body
    return list(body["chunk"])
