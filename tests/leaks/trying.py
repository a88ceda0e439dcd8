"""Makes the requests that act: first everybody for whom they are in vain, then those who may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from tests.leaks.acting import OWN_ACTS, ROOM_ACTS, Act, cells_of, entitled, events_of, readers_of, request_of
from tests.leaks.battery import Cell
from tests.leaks.ground import Ground, Place, room_path

Json = dict[str, Any]


async def try_acts(ground: Ground, place: Place, *, own: bool) -> tuple[list[str], list[str]]:
    """Everything that can be done to one room; what was granted to others, and what was refused to who may.

    Args:
        ground: the homeserver.
        place: the room, or where `own` any room that ana is in.
        own: whether to try what acts on ana's own data instead.
    """
    acts = OWN_ACTS if own else ROOM_ACTS
    levels = await ground.do(place.maker, "GET", room_path(place.room, "state/m.room.power_levels/"))
    before = events_of(ground, place)
    granted: list[str] = []

    async def in_vain(act: Act, cell: Cell, who: str) -> None:
        path, body = request_of(act, ground, place, who, levels)
        status, answer = await ground.ask(who, act.method, path, body)
        if (status < 400 and not act.dropped) or status >= 500:
            granted.append(f"{cell}: {act.path} {status} {answer[:200]}")

    await asyncio.gather(*(in_vain(act, cell, who) for act in acts for cell, who in cells_of(act, place)))
    if events_of(ground, place) != before:
        granted.append(f"{place.kind}: the room has changed")
    if others := readers_of(ground, place) & {ground.id(who) for who in place.standings.values()}:
        granted.append(f"{place.kind}: receipts by {others}")
    return granted, await _by_who_may(ground, place, acts, levels)


async def try_cell(ground: Ground, act: Act, place: Place, standing: str) -> int:
    """One cell alone; the status."""
    levels = await ground.do(place.maker, "GET", room_path(place.room, "state/m.room.power_levels/"))
    who = place.standings[standing]
    path, body = request_of(act, ground, place, who, levels)
    return (await ground.ask(who, act.method, path, body))[0]


async def _by_who_may(ground: Ground, place: Place, acts: Sequence[Act], levels: Json) -> list[str]:
    refused = []
    for act in acts:
        if place.kind in act.not_in:
            continue
        who = entitled(act, place)
        # Where nobody may, its maker is refused as well: the request is closed, not the asker.
        path, body = request_of(act, ground, place, who or place.maker, levels)
        status, answer = await ground.ask(who or place.maker, act.method, path, body)
        if (status == 200) != (who is not None):
            refused.append(f"{act.servlet} · {place.kind} · {who}: {act.path} {status} {json.dumps(answer)[:200]}")
    return refused
