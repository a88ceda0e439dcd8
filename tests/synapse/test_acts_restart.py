"""A command amid which the process is killed: handed over again, it is carried out once, as if nothing had been."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, unique
from tests.support.ledger import relabel, settled
from tests.support.patience import until
from tests.support.sampling import sampled
from tests.support.server import request
from tests.support.settled import own_community
from tests.synapse.samples import text
from tests.synapse.test_acts import done, freezes, hand_over, is_frozen, newcomer, stored, typed
from tests.synapse.test_acts_items import acts_on, answering
from tests.synapse.test_acts_moderation import member_of, membership
from tests.synapse.test_questions import own_room
from tests.synapse.test_reports import cards, facts, reports
from tests.synapse.test_room_freezing import freeze, group, policy, send

pytestmark = pytest.mark.full

_STEPS = ("between the steps", "before belisha_policy_end", "after belisha_policy_end")


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community whose server dies when it is told to."""
    async with own_community(tmp_path_factory.mktemp("dying") / "data", "tests.synapse.dying.Dying") as here:
        yield here


async def killed_at(community: Community, place: str, call: Any) -> None:
    """Hands a command over to a server that dies at a place, and starts it again."""
    (community.server.data / "die").write_text(place)
    with pytest.raises(aiohttp.ClientError):
        await hand_over(*call)
    assert not (community.server.data / "die").exists()
    community.server.kill()
    # Synapse counts the lock of a process that is gone as given back after two minutes.
    community.server.change("UPDATE worker_locks SET last_renewed_ts = 1")
    await community.server.start()


@pytest.mark.parametrize("place", ["before belisha_decided", "after belisha_decided"])
async def test_a_member_is_frozen_once(community: Community, place: str) -> None:
    name = await newcomer(community)
    room = await group(community, "open", "cora")
    call = (community, room, await typed(community, "cora", room, f"!freeze @{name}"), "member_freeze",
            {"member": f"@{name}"})  # fmt: skip
    await killed_at(community, place, call)
    assert is_frozen(community, name) == place.startswith("after")
    if place.startswith("after"):
        done(await freezes(community, "cora", name, room, "thaw"), "member_thaw")
    done(await hand_over(*call), "member_freeze")
    assert is_frozen(community, name) == place.startswith("before"), "what was thawed since stays so"


@pytest.mark.parametrize("place", sampled(_STEPS, ("before belisha_policy_end",)))
async def test_a_group_is_frozen_once(community: Community, place: str) -> None:
    room = await group(community, "closed", "cora")
    call = (community, room, await typed(community, "cora", room, "!group freeze"), "room_freeze")
    await killed_at(community, place, call)
    assert_refused(*await send(community, room, "ana"), "FROZEN_GROUP")
    done(await hand_over(*call), "room_freeze")
    assert (await freeze(community, room, "active"))[0] == 200
    done(await hand_over(*call), "room_freeze")
    assert (await send(community, room, "ana"))[0] == 200


@pytest.mark.parametrize("place", sampled(_STEPS, ("between the steps",)))
async def test_a_policy_is_changed_once(community: Community, place: str) -> None:
    room = await group(community, "closed", "cora")
    text = "!group policy closed --organisations coastguard,harbour"
    arguments = {"kind": "closed", "organisations": ["coastguard", "harbour"]}
    call = (community, room, await typed(community, "cora", room, text), "room_policy", arguments)
    await killed_at(community, place, call)
    was_done = place.startswith("after")
    assert (await policy(community, room))["organisations"] == (["coastguard", "harbour"] if was_done else [])
    done(await hand_over(*call), "room_policy")
    assert (await policy(community, room))["organisations"] == ["coastguard", "harbour"]
    assert stored(community, "SELECT count(*) FROM belisha_room") == [(0,)]


@pytest.mark.parametrize("place", ["before belisha_relabelled", "after belisha_relabelled"])
async def test_a_label_is_changed_once(community: Community, place: str) -> None:
    """Synapse stores the act by itself: whoever asks again finds it stored, or that the command has ended."""
    item = await community.sent(text("TLP:GREEN Tide"), "closed")
    room = community.rooms["closed"]
    event = await typed(community, "ana", room, "!relabel amber", **answering(item))
    call = (community, room, event, "item_relabel", {"label": "TLP:AMBER"})
    await killed_at(community, place, call)
    expected = (200, {"outcome": "done", "act": "item_relabel", "label": "TLP:AMBER"})
    assert await hand_over(*call) == expected
    assert len(await acts_on(community, "closed", item)) == 1
    assert (await settled(community, item))["label"] == "TLP:AMBER"
    status, _ = await community.put("ana", "closed", relabel(item, "TLP:GREEN"), event_type="org.belisha.relabel")
    assert status == 200
    assert await hand_over(*call) == expected
    assert (await settled(community, item))["label"] == "TLP:GREEN"


@pytest.mark.parametrize("place", ["before belisha_decided", "after belisha_decided", "before belisha_moderated"])
@pytest.mark.parametrize("words", sampled(("kick", "ban"), ("ban",)))
async def test_a_member_is_removed_once(community: Community, place: str, words: str) -> None:
    """Whatever was written down is done, whoever asks again or not, and who came back since stays."""
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    call = (community, room, await typed(community, "cora", room, f"!{words} @{name}"), f"member_{words}",
            {"member": f"@{name}"})  # fmt: skip
    await killed_at(community, place, call)
    is_written = bool(stored(community, "SELECT 1 FROM belisha_moderation WHERE member = ?", name))
    assert is_written == (place != "before belisha_decided")

    async def is_gone() -> bool:
        return await membership(community, room, name) != "join"

    if is_written:
        await until(is_gone)
    assert (await hand_over(*call))[0] == 200
    assert await membership(community, room, name) == ("leave" if words == "kick" else "ban")

    async def is_settled() -> bool:
        return stored(community, "SELECT pending FROM belisha_moderation WHERE member = ?", name) == [(0,)]

    await until(is_settled)
    changes = "SELECT COUNT(*) FROM room_memberships WHERE room_id = ? AND user_id = ? AND sender = ?"
    times = stored(community, changes, room, community.id(name), community.id("steward"))
    assert times == [(1,)]


async def test_a_mute_outlives_a_restart(community: Community) -> None:
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    call = (community, room, await typed(community, "cora", room, f"!mute @{name} 1h"), "member_mute",
            {"member": f"@{name}", "time": 3600})  # fmt: skip
    await killed_at(community, "after belisha_decided", call)
    assert_refused(*await send(community, room, name), "MUTED")
    assert (await hand_over(*call))[0] == 200
    assert stored(community, "SELECT COUNT(*) FROM belisha_moderation WHERE member = ?", name) == [(1,)]


@pytest.mark.parametrize("place", ["after belisha_decided", "before belisha_moderated"])
async def test_a_message_is_redacted_once(community: Community, place: str) -> None:
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    item = await typed(community, name, room, "Words to go")
    event = await typed(community, "cora", room, "!redact", **answering(item))
    await killed_at(community, place, (community, room, event, "item_redact"))

    async def is_settled() -> bool:
        return stored(community, "SELECT pending FROM belisha_moderation WHERE item = ?", item) == [(0,)]

    await until(is_settled)
    assert (await hand_over(community, room, event, "item_redact"))[0] == 200
    assert stored(community, "SELECT COUNT(*) FROM redactions WHERE redacts = ?", item) == [(1,)]


@pytest.mark.parametrize("place", ["after belisha_report_number", "before belisha_report_told"])
async def test_the_stewards_are_told_of_a_report_once(community: Community, place: str) -> None:
    """Killed between its number and its message, and between its message and the note of it."""
    room = await group(community, "open", "ben")
    _, sent = await send(community, room, "ana")
    before = len(await cards(community))
    (community.server.data / "die").write_text(place)
    with contextlib.suppress(aiohttp.ClientError):  # it may die before it has answered
        assert (await reports(community, "ben", room, sent["event_id"]))[0] == 200

    async def is_dead() -> bool:
        return not (community.server.data / "die").exists()

    await until(is_dead)
    community.server.kill()
    community.server.change("UPDATE worker_locks SET last_renewed_ts = 1")
    await community.server.start()

    async def is_told() -> bool:
        return stored(community, "SELECT COUNT(*) FROM belisha_report WHERE due = 1 OR card IS NULL") == [(0,)]

    await until(is_told)
    found = await cards(community)
    assert len(found) == before + 1 and facts(found[0])["item"] == sent["event_id"]


@pytest.mark.parametrize("place", ["before belisha_announced", "after belisha_announced"])
async def test_something_is_announced_once(community: Community, place: str) -> None:
    text, own = unique("Said once "), await own_room(community, "mona")
    event = await typed(community, "mona", own, f"!announce {text}")
    call = (community, own, event, "announce", {"text": text})
    await killed_at(community, place, call)
    status, body = await hand_over(*call)
    assert status == 200, body
    path = f"/_matrix/client/v3/rooms/{quote(body['room_id'])}/messages?dir=b&limit=50"
    _, page = await request(community["ana"], "GET", path)
    said = [one["event_id"] for one in page["chunk"] if text in str(one["content"].get("body"))]
    assert said == [body["event_id"]]
    assert stored(community, "SELECT COUNT(*) FROM belisha_announcement WHERE command_id = ?", event) == [(1,)]
