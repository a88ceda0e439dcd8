"""Abuses that are seen in what is stored or told, and not in the answer to them.

Each says whether it went as it may not; what is asked for beside it, by who may, goes well in any case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import quote

from tests.leaks import around
from tests.leaks.abuses import RED, Try, send
from tests.leaks.ground import V3, Ground, room_path
from tests.support.community import LABEL_KEY, unique
from tests.synapse.samples import reply, text

_ACTS: Final = "/_synapse/client/org.belisha/v1/acts"


async def _green_answer(ground: Ground, label: str) -> Try:
    parent = await ground.do(*await send("ana", "closed", text("TLP:AMBER Slack water"))(ground))
    body = {**text("At noon"), **reply(parent["event_id"]), LABEL_KEY: {"label": label}}
    return await send("ana", "closed", body)(ground)


async def answer_below(ground: Ground) -> bool:
    """Whether an answer to AMBER that calls itself GREEN is GREEN; one that calls itself AMBER is accepted."""
    labels = []
    for label in ("TLP:GREEN", "TLP:AMBER"):
        sent = await ground.do(*await _green_answer(ground, label))
        path = room_path(ground.places["closed"].room, f"event/{quote(sent['event_id'], safe='')}")
        labels.append((await ground.do("ben", "GET", path))["content"][LABEL_KEY]["label"])
    assert labels[1] == "TLP:AMBER"
    return bool(labels[0] == "TLP:GREEN")


async def named_device(ground: Ground) -> bool:
    """Whether the name that somebody gives their device is what others read; it is called something in any case."""
    path = f"{V3}/devices/{quote(ground.own['device_id'], safe='')}"
    await ground.do("ana", "PUT", path, {"display_name": RED})
    found = (await ground.do("ana", "GET", path))["display_name"]
    assert found
    return bool(found == RED)


async def opened_group(ground: Ground) -> bool:
    """Whether a closed group with AMBER in it is opened; without it another is."""
    for held in ("", "TLP:AMBER Slack water"):
        room = (await ground.do("ana", "POST", f"{V3}/createRoom", {"preset": "private_chat", "name": "Dock"}))[
            "room_id"
        ]
        if held:
            await ground.do("ana", "PUT", room_path(room, f"send/m.room.message/{unique('o')}"), text(held))
        status, answer = await ground.community.server.local(
            "PUT", f"rooms/{quote(room, safe='')}/policy", {"kind": "open"}
        )
        assert held or status == 200, answer
    return bool(status == 200)


async def unasked_act(ground: Ground) -> bool:
    """Whether a bot has an act carried out by a message that asks for none; by the command it is."""
    arguments = {"kind": "closed", "organisations": ["harbour"], "purpose": "documents"}
    command = "!group policy closed --organisations harbour --purpose documents"
    statuses = []
    for said in (command, "Slack water"):
        room = (await ground.do("ana", "POST", f"{V3}/createRoom", {"preset": "private_chat", "name": "Quay"}))[
            "room_id"
        ]
        sent = await ground.do("ana", "PUT", room_path(room, f"send/m.room.message/{unique('a')}"), text(said))
        handed = {"room_id": room, "event_id": sent["event_id"], "act": "room_policy", "arguments": arguments}
        for _ in range(600):  # the bot comes in soon
            status, answer = await ground.ask("steward", "POST", _ACTS, handed)
            if status != 404:
                break
            await asyncio.sleep(0.1)
        statuses.append(status)
    assert statuses[0] == 200, answer
    return statuses[1] == 200


async def only_knocked(ground: Ground) -> bool:
    """Whether a closed group can be read by who knocked and went away; who is in it reads it."""
    room = (await ground.do("ana", "POST", f"{V3}/createRoom", {"preset": "private_chat", "name": "Weir"}))["room_id"]
    await ground.do("tim", "POST", f"{V3}/knock/{quote(room, safe='')}", {})
    await ground.do("ana", "PUT", room_path(room, f"send/m.room.message/{unique('k')}"), text("Slack water"))
    await ground.do("tim", "POST", room_path(room, "leave"), {})
    answers = [await ground.ask(who, "GET", room_path(room, "messages?dir=b")) for who in ("ana", "tim")]
    assert "Slack water" in answers[0][1]
    return answers[1][0] == 200 and "Slack water" in answers[1][1]


async def muted(ground: Ground) -> bool:
    """Whether a member is heard in a group where a steward has muted them; the steward is."""
    made = await ground.do("ana", "POST", f"{V3}/createRoom", {"preset": "public_chat", "name": "Quay"})
    room = made["room_id"]
    await ground.do("cora", "POST", f"{V3}/join/{quote(room, safe='')}", {})
    command = await ground.do(
        "cora", "PUT", room_path(room, f"send/m.room.message/{unique('a')}"), text("!mute @ana 1h")
    )
    arguments = {"member": "@ana", "time": 3600}
    handed = {"room_id": room, "event_id": command["event_id"], "act": "member_mute", "arguments": arguments}
    for _ in range(600):  # the bot comes in soon
        status, answer = await ground.ask("steward", "POST", _ACTS, handed)
        if status != 404:
            break
        await asyncio.sleep(0.1)
    assert status == 200, answer
    path = room_path(room, f"send/m.room.message/{unique('a')}")
    assert (await ground.ask("cora", "PUT", path, text("Slack water")))[0] == 200
    status, _ = await ground.ask("ana", "PUT", path, text("Slack water"))
    return bool(status == 200)


SEEN: Final[Mapping[str, Callable[[Ground], Awaitable[bool]]]] = {
    "GREEN in answer to AMBER": answer_below,
    "text as a device's name": named_device,
    "a group with AMBER in it opened": opened_group,
    "an act that nobody asked for": unasked_act,
    "a group read by who only knocked": only_knocked,
    "a muted member heard": muted,
    **around.SEEN,
}
