"""Moderation by commands (M1, P3): who may do what to whom and where, what holds then, that it ends, and once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, unique
from tests.support.ledger import known_everywhere, relabel
from tests.support.patience import until
from tests.support.sampling import sampled
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.samples import edit, text
from tests.synapse.test_acts import asks, hand_over, newcomer, stored, typed
from tests.synapse.test_acts_items import answering
from tests.synapse.test_questions import own_room
from tests.synapse.test_room_freezing import V3, group, send

pytestmark = pytest.mark.more

Json = dict[str, Any]
HOUR = 3600


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its members are muted and banned."""
    here = await make_community(tmp_path_factory.mktemp("moderation") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def joins(community: Community, name: str, room: str) -> tuple[int, Json]:
    return await request(community[name], "POST", f"{V3}/join/{quote(room)}", {})


async def member_of(community: Community, room: str, organisation: str = "harbour", *roles: str) -> str:
    """Somebody new, who is in that open group."""
    name = await newcomer(community, organisation, *roles)
    assert (await joins(community, name, room))[0] == 200
    return name


async def does(
    community: Community, by: str, room: str, words: str, whom: str, rest: str = "", **more: Any
) -> tuple[int, Json]:
    """A command on a member, sent and handed over: `does(…, "mute", "ana", "1h", time=3600)`."""
    body = f"!{words} @{whom} {rest}".strip()
    answer = await asks(community, by, room, body, f"member_{words}", {"member": f"@{whom}", **more})
    await known_everywhere()
    return answer


def done(answer: tuple[int, Json], act: str) -> Json:
    assert (answer[0], answer[1].get("outcome"), answer[1].get("act")) == (200, "done", act), answer
    return answer[1]


async def mute(community: Community, whom: str, room: str, by: str = "cora") -> None:
    done(await does(community, by, room, "mute", whom, "1h", time=HOUR), "member_mute")


async def membership(community: Community, room: str, name: str) -> str:
    rows = stored(
        community,
        "SELECT membership FROM local_current_membership WHERE room_id = ? AND user_id = ?",
        room,
        community.id(name),
    )
    return str(rows[0][0]) if rows else "leave"


def log_of(community: Community, name: str) -> list[Any]:
    return stored(
        community, "SELECT act, by_member, undone_by FROM belisha_moderation WHERE member = ? ORDER BY place", name
    )


# --- Muting ------------------------------------------------------------------------------------------------------


async def test_who_is_muted_reads_and_leaves_and_says_nothing(community: Community) -> None:
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    mine = str((await send(community, room, name))[1]["event_id"])
    others = str((await send(community, room, "ana"))[1]["event_id"])
    await mute(community, name, room)
    there = f"{V3}/rooms/{quote(room)}"
    user = community.id(name)
    react = {"m.relates_to": {"rel_type": "m.annotation", "event_id": others, "key": "+"}}
    refused_: list[tuple[str, str, Json]] = [
        ("PUT", f"send/m.room.message/{unique('m')}", text("hello")),
        ("PUT", f"send/m.room.message/{unique('m')}", edit(mine, text("more"))),
        ("PUT", f"send/m.reaction/{unique('m')}", react),
        ("PUT", f"send/m.sticker/{unique('m')}", {"body": "x", "url": "mxc://x/y", "info": {}}),
        ("PUT", f"redact/{quote(mine)}/{unique('m')}", {"reason": "because I say so"}),
        ("PUT", f"send/org.belisha.relabel/{unique('m')}", relabel(mine, "TLP:CLEAR") | {"reason": "said here"}),
        ("PUT", f"state/m.room.member/{quote(user)}", {"membership": "join", "reason": "said here"}),
        ("PUT", f"state/m.room.member/{quote(user)}", {"membership": "join", "com.example.note": "said here"}),
        ("POST", "leave", {"reason": "said here"}),
        ("POST", "invite", {"user_id": community.id("emil")}),
    ]
    for method, path, body in refused_:
        answer = await request(community[name], method, f"{there}/{path}", body)
        assert_refused(*answer, "MUTED", rule="M1")
    assert (await request(community[name], "GET", f"{there}/messages?dir=b"))[0] == 200
    assert (await send(community, room, "ana"))[0] == 200, "nobody else is muted"
    assert (await send(community, community.rooms["open"], "ana"))[0] == 200
    own = await own_room(community, name)
    assert (await send(community, own, name))[0] == 200, "to the bot one can always speak"
    assert (await joins(community, name, community.rooms["open"]))[0] == 200
    assert (await send(community, community.rooms["open"], name))[0] == 200, "it is muted in that group alone"
    path = f"{there}/send/org.belisha.relabel/{unique('m')}"
    assert (await request(community[name], "PUT", path, relabel(mine, "TLP:CLEAR")))[0] == 200
    assert (await request(community[name], "PUT", f"{there}/redact/{quote(mine)}/{unique('m')}", {}))[0] == 200
    assert (await request(community[name], "POST", f"{there}/leave", {}))[0] == 200


async def test_whatever_the_power_levels_say(community: Community) -> None:
    """The maintainer is muted, and cannot write, redact others, rename, change power or give an address."""
    room = await group(community, "open", "cora", "ben")
    others = str((await send(community, room, "ben"))[1]["event_id"])
    await mute(community, "ana", room)
    there = f"{V3}/rooms/{quote(room)}"
    levels = (await request(community["ana"], "GET", f"{there}/state/m.room.power_levels/"))[1]
    alias = quote(f"#{unique('said')}:{community.server.name}")
    for method, path, body in (
        ("PUT", f"{there}/send/m.room.message/{unique('m')}", text("hello")),
        ("PUT", f"{there}/redact/{quote(others)}/{unique('m')}", {}),
        ("PUT", f"{there}/state/m.room.topic/", {"topic": "said here"}),
        ("PUT", f"{there}/state/m.room.power_levels/", levels),
        ("POST", f"{there}/kick", {"user_id": community.id("ben")}),
        ("PUT", f"{V3}/directory/room/{alias}", {"room_id": room}),
    ):
        assert_refused(*await request(community["ana"], method, path, body), "MUTED", rule="M1")
    own = await own_room(community, "ana")
    listed = await does(community, "ana", own, "kick", "ben", f"--group {room}", group=room)
    assert listed[0] in (403, 404)
    done(await does(community, "cora", room, "unmute", "ana"), "member_unmute")
    assert (await send(community, room, "ana"))[0] == 200


async def test_nor_from_ones_own_room_about_the_group(community: Community) -> None:
    """A mute is not gone round by naming the group elsewhere; in other groups those who moderate still do."""
    steward, room = await newcomer(community, "coastguard", "steward"), await group(community, "open", "ben", "mona")
    other = await group(community, "open", "ben", "mona")
    assert (await joins(community, steward, room))[0] == 200
    await mute(community, steward, room, "mona")
    await mute(community, "ana", room, "mona")
    own = await own_room(community, steward)
    for words, more in (("kick", {}), ("ban", {}), ("mute", {"time": HOUR}), ("unmute", {})):
        rest = f"{'1h ' if more else ''}--group {room}"
        assert_refused(*await does(community, steward, own, words, "ben", rest, group=room, **more), "MUTED", rule="M1")
    for word in ("freeze", "thaw"):
        answer = await asks(community, steward, own, f"!group {word} {room}", f"room_{word}", {"room": room})
        assert_refused(*answer, "MUTED", rule="M1")
    for by in (steward, "ana"):
        where = await own_room(community, by)
        answer = await asks(community, by, where, f"!group unarchive {room}", "group_unarchive", {"room": room})
        assert_refused(*answer, "MUTED", rule="M1")
    done(await does(community, steward, own, "kick", "ben", f"--group {other}", group=other), "member_kick")


async def test_everywhere_means_new_rooms_and_direct_chats_too(community: Community) -> None:
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    direct = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id("finn")]}
    status, chat = await community.create(name, direct)
    assert status == 200, chat
    arguments = {"time": HOUR, "everywhere": True}
    done(await does(community, "cora", room, "mute", name, "1h --everywhere", **arguments), "member_mute")
    for where in (room, chat["room_id"]):
        assert_refused(*await send(community, where, name), "MUTED", rule="M1")
    for body in (direct, {"preset": "public_chat", "name": "Said here"}):
        assert_refused(*await community.create(name, body), "MUTED", rule="M1")
    assert_refused(*await does(community, "cora", room, "unmute", name), "NOT_MUTED", rule="M1")
    done(await does(community, "cora", room, "unmute", name, "--everywhere", everywhere=True), "member_unmute")
    assert (await send(community, room, name))[0] == 200


async def test_a_mute_ends_by_itself_and_a_new_one_takes_its_place(community: Community) -> None:
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    await mute(community, name, room)
    answer = done(await does(community, "cora", room, "mute", name, "1d", time=24 * HOUR), "member_mute")
    assert answer["until"] - time.time() > 23 * HOUR
    assert [act[0] for act in log_of(community, name)] == ["mute", "mute"]
    assert [act[2] for act in log_of(community, name)] == ["cora", None]
    past = int(time.time()) - 1
    community.server.change(
        "UPDATE belisha_moderation SET until = ? WHERE member = ? AND undone_at IS NULL", past, name
    )
    community.server.change("UPDATE belisha_revision SET revision = revision + 1")

    async def is_heard() -> bool:
        return (await send(community, room, name))[0] == 200

    await until(is_heard)
    assert_refused(*await does(community, "cora", room, "unmute", name), "NOT_MUTED", rule="M1")


async def test_a_mute_ends_in_memory_too(community: Community) -> None:
    """Nothing is written when its time comes: whoever looks, looks at the clock."""
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    await mute(community, name, room)
    for _ in range(5):
        soon = int(time.time()) + 4
        community.server.change("UPDATE belisha_moderation SET until = ? WHERE member = ?", soon, name)
        community.server.change("UPDATE belisha_revision SET revision = revision + 1")
        await asyncio.sleep(0.7)
        answer = await send(community, room, name)
        if time.time() < soon:
            break
    assert_refused(*answer, "MUTED")

    async def is_heard() -> bool:
        return (await send(community, room, name))[0] == 200

    await until(is_heard)


async def test_a_mute_goes_over_into_the_room_that_takes_its_place(community: Community) -> None:
    """Whoever maintains a group would otherwise let everybody speak again by an upgrade."""
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    await mute(community, name, room)
    answer = await asks(community, "ana", room, "!group upgrade", "room_upgrade", {})
    assert answer[0] == 200, answer
    ((new,),) = stored(community, "SELECT new_room_id FROM belisha_upgrade WHERE old_room_id = ?", room)

    async def is_there() -> bool:
        return [await membership(community, new, each) for each in (name, "cora")] == ["join", "join"]

    await until(is_there)
    assert_refused(*await send(community, new, name), "MUTED", rule="M1")
    done(await does(community, "cora", new, "unmute", name), "member_unmute")
    assert (await send(community, new, name))[0] == 200


# --- Removing, banning, redacting --------------------------------------------------------------------------------


async def test_who_is_removed_may_come_back_and_who_is_banned_may_not(community: Community) -> None:
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    done(await does(community, "cora", room, "kick", name, '--reason "Too loud"', reason="Too loud"), "member_kick")
    assert await membership(community, room, name) == "leave"
    assert_refused(*await does(community, "cora", room, "kick", name), "NOT_IN_IT", rule="M1")
    assert (await joins(community, name, room))[0] == 200
    done(await does(community, "cora", room, "ban", name), "member_ban")
    assert await membership(community, room, name) == "ban"
    assert (await joins(community, name, room))[0] == 403
    # A maintainer lifts the ban in Matrix itself: what those above have done holds all the same.
    lifted = await request(community["ana"], "POST", f"{V3}/rooms/{quote(room)}/unban", {"user_id": community.id(name)})
    assert lifted[0] == 200
    assert_refused(*await joins(community, name, room), "BANNED", rule="M1")
    assert_refused(*await does(community, "ana", room, "unban", name), "DONE_ABOVE", rule="M1")
    done(await does(community, "cora", room, "unban", name), "member_unban")
    assert (await joins(community, name, room))[0] == 200
    assert_refused(*await does(community, "cora", room, "unban", name), "NOT_BANNED", rule="M1")
    done(await does(community, "ana", room, "ban", name), "member_ban")
    assert await membership(community, room, name) == "ban"
    done(await does(community, "ana", room, "unban", name), "member_unban")
    assert await membership(community, room, name) == "leave"


async def test_a_reason_is_shown_with_what_it_is_for_and_kept_nowhere_else(community: Community) -> None:
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    done(await does(community, "cora", room, "kick", name, "--reason Shouting", reason="Shouting"), "member_kick")
    path = f"{V3}/rooms/{quote(room)}/state/m.room.member/{quote(community.id(name))}"
    assert (await request(community["ana"], "GET", path))[1]["reason"] == "Shouting"
    for table in ("belisha_moderation", "belisha_act"):
        rows = stored(community, f"SELECT * FROM {table}")  # noqa: S608 - two names
        assert not any("Shouting" in str(row) for row in rows)
    bad = await does(community, "cora", room, "mute", name, '1h --reason "TLP:RED x"', time=HOUR, reason="TLP:RED x")
    assert_refused(*bad, "NOT_PUBLIC", rule="R3")


async def test_a_message_is_taken_back_with_its_edits(community: Community) -> None:
    room = await group(community, "open", "cora", "ben")
    name = await member_of(community, room)
    item = await typed(community, name, room, "Words to go")
    relation = {"rel_type": "m.replace", "event_id": item}
    new = {"m.new_content": text("Words that go too"), "m.relates_to": relation}
    changed = await typed(community, name, room, "* Words that go too", **new)
    denied = await typed(community, "ben", room, "!redact", **answering(item))
    assert_refused(*await hand_over(community, room, denied, "item_redact"), "NOT_YOURS", rule="M1")
    event = await typed(community, "cora", room, "!redact", **answering(changed))
    for answer in await asyncio.gather(*(hand_over(community, room, event, "item_redact") for _ in range(3))):
        done(answer, "item_redact")

    async def are_gone() -> bool:
        found = stored(community, "SELECT redacts FROM redactions WHERE redacts IN (?, ?)", item, changed)
        return sorted(row[0] for row in found) == sorted((item, changed))

    await until(are_gone)
    again = await typed(community, "cora", room, "!redact", **answering(item))
    assert_refused(*await hand_over(community, room, again, "item_redact"), "NO_ITEM", rule="M1")
    assert [act[0] for act in log_of(community, name)] == ["redact"]


# --- Who ---------------------------------------------------------------------------------------------------------

_BY = {"member": "dina", "maintainer": "ana", "lead": "ben", "steward": "cora", "manager": "mona"}
_MAY = {
    "warn": {"lead", "steward", "manager"},
    "mute": {"maintainer", "lead", "steward", "manager"},
    "kick": {"maintainer", "steward", "manager"},
    "ban": {"maintainer", "steward", "manager"},
    "unban": {"maintainer", "steward", "manager"},
}


@pytest_asyncio.fixture(scope="module")
async def groups(community: Community) -> dict[str, str]:
    """An open and a closed group with everybody in them who asks."""
    people = ("dina", "ben", "cora", "mona")
    return {kind: await group(community, kind, *people) for kind in ("open", "closed")}


@pytest.mark.parametrize("kind", ["open", "closed", "service"])
@pytest.mark.parametrize("role", sampled(_BY, tuple(_BY)[::2]))
async def test_who_may_do_what_where(community: Community, groups: dict[str, str], role: str, kind: str) -> None:
    """Every role and every act, in a group of each kind and in one's own room naming the group."""
    by, room = _BY[role], groups["closed" if kind == "closed" else "open"]
    name = await newcomer(community)
    where, rest, more = room, "", {}
    if kind == "service":
        where, rest, more = await own_room(community, by), f"--group {room}", {"group": room}
    expected = []
    for words, may in _MAY.items():
        if words in ("mute", "kick"):
            path = f"{V3}/rooms/{quote(room)}/invite"
            await request(community["ana"], "POST", path, {"user_id": community.id(name)})
            assert (await joins(community, name, room))[0] == 200
        if words == "unban" and await membership(community, room, name) != "ban":
            done(await does(community, "ana", room, "ban", name), "member_ban")
            expected.append(("ban", "ana"))
        given = {"warn": ("--reason Loud", {"reason": "Loud"}), "mute": (f"1h {rest}", {"time": HOUR, **more})}
        typed_, arguments = given.get(words, (rest, more))
        answer = await does(community, by, where, words, name, typed_, **arguments)
        if role in may:
            done(answer, f"member_{words}")
            expected.append((words, by))
        else:
            assert_refused(*answer, "NOT_YOURS", rule="M1")
    assert [act[:2] for act in log_of(community, name)] == expected


async def test_whom(community: Community) -> None:
    room = await group(community, "open", "cora", "ben", "mona")
    peer = await member_of(community, room, "coastguard", "steward")
    other = await member_of(community, room, "coastguard")
    warn = {"rest": "--reason Loud", "reason": "Loud"}
    for by, whom, code in (
        ("cora", "cora", "NOT_YOURSELF"),
        ("mona", "mona", "NOT_YOURSELF"),
        ("cora", "mona", "MODERATES"),
        ("ben", "mona", "MODERATES"),
        ("ben", other, "NOT_YOURS"),
        ("cora", "nobody", "NO_SUCH_MEMBER"),
        ("cora", "belisha_steward", "NO_SUCH_MEMBER"),
        ("cora", "ana:elsewhere.example", "NO_SUCH_MEMBER"),
    ):
        assert_refused(*await does(community, by, room, "warn", whom, **warn), code, rule="M1")
    for by, whom in (("cora", peer), ("mona", "cora"), ("mona", "ben")):
        done(await does(community, by, room, "warn", whom, **warn), "member_warn")
    assert_refused(*await does(community, "ana", room, "kick", "cora"), "MODERATES", rule="M1")
    done(await does(community, "ben", room, "mute", "ana", "1h", time=HOUR), "member_mute")
    assert_refused(*await does(community, "ben", room, "kick", other), "NOT_YOURS", rule="M1")
    done(await does(community, "cora", room, "mute", "ana", "1h", time=HOUR), "member_mute")
    assert_refused(*await does(community, "ben", room, "unmute", "ana"), "DONE_ABOVE", rule="M1")
    assert_refused(*await does(community, "ben", room, "mute", "ana", "1m", time=60), "DONE_ABOVE", rule="M1")
    done(await does(community, "cora", room, "unmute", "ana"), "member_unmute")


async def test_where_not(community: Community) -> None:
    own = await own_room(community, "cora")
    for words, rest, more in (("mute", "1h", {"time": HOUR}), ("kick", "", {})):
        answer = await does(community, "cora", own, words, "ana", rest, **more)
        assert_refused(*answer, "NO_GROUP", rule="M1")
        for other in (community.rooms["named"], community.rooms["service"], "!nowhere:belisha.localhost", "#nowhere"):
            answer = await does(community, "cora", own, words, "ana", f"{rest} --group {other}", group=other, **more)
            assert (answer[0], answer[1]["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND"), "all are alike"
    home = {"group": "#announcements"}
    for words in ("kick", "ban"):
        answer = await does(community, "cora", own, words, "ana", "--group #announcements", **home)
        assert_refused(*answer, "NO_CHANGE", rule="M1")
    both = await does(
        community, "cora", own, "mute", "ana", "1h --everywhere --group #x", time=HOUR, everywhere=True, group="#x"
    )
    assert_refused(*both, "NO_GROUP", rule="M1")


async def test_a_maintainer_names_their_own_group_from_their_room_and_no_other(community: Community) -> None:
    """Of a group that they are not in they learn nothing; where they are muted, or no maintainer, they do nothing."""
    room, other = await group(community, "closed", "cora", "dina"), await group(community, "closed", by="cora")
    own, nowhere = await own_room(community, "ana"), "!nowhere:belisha.localhost"
    name = await newcomer(community)
    for words, rest, more in (("mute", "1h", {"time": HOUR}), ("kick", "", {}), ("ban", "", {}), ("unban", "", {})):
        for there in (other, nowhere):
            answer = await does(community, "ana", own, words, name, f"{rest} --group {there}", group=there, **more)
            assert (answer[0], answer[1]["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND"), "both are alike"
    assert_refused(*await does(community, "ana", own, "ban", name), "NO_GROUP", rule="M1")
    everywhere = {"time": HOUR, "everywhere": True}
    answer = await does(community, "ana", own, "mute", name, "1h --everywhere", **everywhere)
    assert_refused(*answer, "NOT_YOURS", rule="M1")
    here = {"rest": f"--group {room}", "group": room}
    own_of_dina = await own_room(community, "dina")
    assert_refused(*await does(community, "dina", own_of_dina, "ban", name, **here), "NOT_YOURS", rule="M1")
    await mute(community, "ana", room)
    assert_refused(*await does(community, "ana", own, "ban", name, **here), "MUTED", rule="M1")
    done(await does(community, "cora", room, "unmute", "ana"), "member_unmute")
    done(await does(community, "ana", own, "ban", name, **here), "member_ban")
    assert await membership(community, room, name) == "ban"
    done(await does(community, "ana", own, "unban", name, **here), "member_unban")


# --- The log, and once -------------------------------------------------------------------------------------------


async def test_the_log_is_for_those_who_moderate_and_in_their_own_room(community: Community) -> None:
    room = await group(community, "open", "cora", "ben")
    name = await member_of(community, room)
    await mute(community, name, room)
    done(await does(community, "cora", room, "unmute", name), "member_unmute")
    done(await does(community, "cora", room, "freeze", name), "member_freeze")
    done(await does(community, "cora", room, "thaw", name), "member_thaw")
    read = (f"!mod log @{name}", "moderation_log", {"member": f"@{name}"})
    assert_refused(*await asks(community, "cora", room, *read), "NOT_HERE", rule="P3")
    for by in ("ben", "ana"):
        answer = await asks(community, by, await own_room(community, by), *read)
        assert_refused(*answer, "NOT_YOURS", rule="P3")
    told = done(await asks(community, "cora", await own_room(community, "cora"), *read), "moderation_log")
    assert [entry["act"] for entry in told["entries"]] == ["thaw", "freeze", "unmute", "mute"]
    assert told["count"] == 4 and told["entries"][3]["undone_by"] == "cora" == told["entries"][1]["undone_by"]
    assert told["entries"][3]["room_id"] == room and told["entries"][3]["until"] > told["entries"][3]["at"]
    none = ("!mod log @nobody", "moderation_log", {"member": "@nobody"})
    answer = await asks(community, "cora", await own_room(community, "cora"), *none)
    assert_refused(*answer, "NO_SUCH_MEMBER", rule="M1")


async def test_a_thaw_offers_again_what_the_freezing_ended(community: Community) -> None:
    """Groups by an invitation, as far as they would have the member; a room of named people is over."""
    rooms = {kind: await group(community, kind, "cora") for kind in ("open", "closed")}
    banned, name = await group(community, "open", "cora"), await newcomer(community)
    for room in (*rooms.values(), banned):
        await request(community["ana"], "POST", f"{V3}/rooms/{quote(room)}/invite", {"user_id": community.id(name)})
        assert (await joins(community, name, room))[0] == 200
    left = await member_of(community, rooms["open"])
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id("emil")]}
    named = str((await request(community[name], "POST", f"{V3}/createRoom", body))[1]["room_id"])
    done(await does(community, "cora", rooms["open"], "freeze", name), "member_freeze")

    async def is_out() -> bool:
        return {await membership(community, room, name) for room in (*rooms.values(), banned, named)} == {"leave"}

    await until(is_out)
    query = "SELECT room_id FROM belisha_frozen_out WHERE user_id = ?"
    kept = {row[0] for row in stored(community, query, community.id(name))}
    assert kept >= {*rooms.values(), banned} and named not in kept, "nothing of rooms of named people"
    done(await does(community, "cora", banned, "ban", name), "member_ban")
    done(await does(community, "cora", rooms["open"], "thaw", name), "member_thaw")

    async def is_invited() -> bool:
        return {await membership(community, room, name) for room in rooms.values()} == {"invite"}

    await until(is_invited)
    assert await membership(community, banned, name) == "ban" and await membership(community, named, name) == "leave"
    await community[name].close()
    community.people[name] = await community.server.sign_in(name)
    for room in rooms.values():
        assert (await joins(community, name, room))[0] == 200
    assert stored(community, query, community.id(name)) == []
    # Who is frozen, and then out for good, is offered nothing.
    done(await does(community, "cora", rooms["open"], "freeze", left), "member_freeze")
    await until(lambda: _kept(community, left))
    await community.server.local("PUT", f"standing/members/{left}", {"standing": "removed"})

    async def is_forgotten() -> bool:
        return not await _kept(community, left)

    await until(is_forgotten)
    assert await membership(community, rooms["open"], left) == "leave"


async def _kept(community: Community, name: str) -> bool:
    return bool(stored(community, "SELECT 1 FROM belisha_frozen_out WHERE user_id = ?", community.id(name)))


#: What one of two is told, where there was something to do for one alone.
_LATE = {
    "mute": set(),
    "unmute": {"NOT_MUTED"},
    "kick": {"NOT_IN_IT"},
    "ban": set(),
    "unban": {"NOT_BANNED"},
    "freeze": set(),
    "thaw": set(),
    "offboard": {"NO_SUCH_MEMBER"},
}


async def test_two_who_moderate_at_once(community: Community) -> None:
    """A steward and a manager ask for the same at the same moment: it is done, and nothing of it twice."""
    room = await group(community, "open", "cora", "mona")
    name = await member_of(community, room)
    places = {"cora": room, "mona": room}

    async def both(words: str, rest: str = "", **more: Any) -> int:
        asked = [(by, await typed(community, by, places[by], f"!{words} @{name} {rest}".strip())) for by in places]
        answers = await asyncio.gather(
            *(
                hand_over(community, places[by], event, f"member_{words}", {"member": f"@{name}", **more})
                for by, event in asked
            )
        )
        late = [body["errcode"].removeprefix("ORG.BELISHA.") for status, body in answers if status == 403]
        assert {status for status, _ in answers} <= {200, 403} and len(late) < 2, (words, answers)
        assert set(late) <= _LATE[words], (words, late)
        await known_everywhere()
        return 2 - len(late)

    def in_force(act: str) -> int:
        query = "SELECT 1 FROM belisha_moderation WHERE member = ? AND act = ? AND undone_by IS NULL"
        return len(stored(community, query, name, act))

    async def membership_events() -> int:
        rows = stored(
            community, "SELECT 1 FROM room_memberships WHERE room_id = ? AND user_id = ?", room, community.id(name)
        )
        return len(rows)

    done_so_far = []
    done_so_far.append(("mute", await both("mute", "1h", time=HOUR)))
    assert in_force("mute") == 1 and (await send(community, room, name))[0] == 403
    done_so_far.append(("unmute", await both("unmute")))
    assert in_force("mute") == 0 and (await send(community, room, name))[0] == 200
    before = await membership_events()
    done_so_far.append(("kick", await both("kick")))
    assert await membership(community, room, name) == "leave" and await membership_events() == before + 1
    done_so_far.append(("ban", await both("ban")))
    assert in_force("ban") == 1 and await membership(community, room, name) == "ban"
    done_so_far.append(("unban", await both("unban")))
    assert in_force("ban") == 0 and (await joins(community, name, room))[0] == 200
    item = str((await send(community, room, name))[1]["event_id"])
    asked = [await typed(community, by, room, "!redact", **answering(item)) for by in places]
    answers = await asyncio.gather(*(hand_over(community, room, event, "item_redact") for event in asked))
    assert {status for status, _ in answers} <= {200, 403} and 200 in {status for status, _ in answers}, answers
    done_so_far.append(("redact", sum(status == 200 for status, _ in answers)))
    redactions = stored(community, "SELECT 1 FROM redactions WHERE redacts = ?", item)
    assert len(redactions) == 1, "one redaction, whoever asked"
    done_so_far.append(("freeze", await both("freeze")))
    assert in_force("freeze") == 1
    await both("thaw")
    assert in_force("freeze") == 0
    places = {by: await own_room(community, by) for by in places}
    assert await both("offboard") == 1
    assert stored(community, "SELECT standing FROM belisha_member WHERE localpart = ?", name) == [("removed",)]
    log = [act[0] for act in log_of(community, name)]
    for act, times in done_so_far:
        assert log.count(act) in ({times} if act != "freeze" else {1, 2}), (act, log)
    assert log.count("offboard") == 1


async def test_each_is_carried_out_once(community: Community) -> None:
    room = await group(community, "open", "cora")
    name = await member_of(community, room)
    event = await typed(community, "cora", room, f"!kick @{name}")
    call = (community, room, event, "member_kick", {"member": f"@{name}"})
    for answer in await asyncio.gather(*(hand_over(*call) for _ in range(4))):
        done(answer, "member_kick")
    assert (await joins(community, name, room))[0] == 200
    done(await hand_over(*call), "member_kick")
    assert await membership(community, room, name) == "join", "who has come back since stays"
    assert log_of(community, name) == [("kick", "cora", None)]
