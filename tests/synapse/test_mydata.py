"""`!mydata`: a copy of all that is held about a member, for them alone, gone with what was taken back (P1, P2, E1)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import stat
import zipfile
from argparse import Namespace
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from belisha.cli import local_api, member
from belisha.cli.errors import CommandError
from belisha.held import OTHER, unnamed
from synapse_modules.held import HELD
from synapse_modules.held_by_synapse import HELD_BY_SYNAPSE
from tests.support.community import Community, assert_refused, unique
from tests.support.files import message, png, upload
from tests.support.patience import until
from tests.support.portal import ask_as_portal
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.support.upgrade import path_of
from tests.support.workers import Workers
from tests.synapse.samples import text
from tests.synapse.test_acts import asks, newcomer, stored, typed
from tests.synapse.test_groups import own_room
from tests.synapse.test_room_freezing import V3, group
from tests.synapse.waits import lone

pytestmark = pytest.mark.more

Json = dict[str, Any]
BOTS = "/_synapse/client/org.belisha/v1/mydata"
PEOPLE = re.compile(r"user|sender|creator|owner|state_key|reporter|localpart")


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: members are frozen and removed."""
    here = await make_community(tmp_path_factory.mktemp("mydata") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def begun(community: Community, name: str) -> str:
    """Has a copy made, without the bots' part."""
    status, answer = await asks(community, name, await own_room(community, name), "!mydata", "export", {})
    assert status == 200 and answer["member"] == community.id(name), answer
    return str(answer["export"])


async def bots_give(community: Community, name: str, export: str | None, **sections: Any) -> tuple[int, Json]:
    body = {"user_id": community.id(name), "export": export, "sections": sections}
    return await request(community["steward"], "POST", BOTS, body)


async def listed(community: Community, name: str) -> list[Json]:
    status, answer = await ask_as_portal(community, {"user_id": community.id(name)}, name="exports")
    assert status == 200, answer
    found: list[Json] = answer["exports"]
    return found


async def became(community: Community, name: str, export: str, state: str) -> Json:
    async def is_so() -> Json | None:
        return next(
            (one for one in await listed(community, name) if (one["id"], one["state"]) == (export, state)), None
        )

    found: Json = await until(is_so)
    return found


async def made(community: Community, name: str, **sections: Any) -> str:
    export = await begun(community, name)
    assert (await bots_give(community, name, export, **sections))[0] == 200
    await became(community, name, export, "ready")
    return export


async def link(community: Community, name: str, export: str) -> tuple[int, Json]:
    return await ask_as_portal(community, {"user_id": community.id(name), "id": export}, name="export_link")


async def fetched(address: str) -> tuple[int, dict[str, str], bytes]:
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return answer.status, dict(answer.headers), await answer.read()


async def taken(community: Community, name: str, export: str) -> dict[str, bytes]:
    """The files of a copy, by their names."""
    status, answer = await link(community, name, export)
    assert status == 200, answer
    status, headers, body = await fetched(answer["address"])
    assert status == 200 and headers["Cache-Control"] == "private, no-store"
    assert headers["Content-Disposition"].startswith('attachment; filename="mydata.TLP-RED.zip"')
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {one: archive.read(one) for one in archive.namelist()}


def rows(files: dict[str, bytes], section: str) -> list[Json]:
    found: list[Json] = json.loads(files[f"{section}.json"])["rows"]
    return found


async def sends(community: Community, by: str, room: str, content: Json, event_type: str = "m.room.message") -> str:
    status, answer = await request(community[by], "PUT", path_of(room, f"send/{event_type}/{unique('d')}"), content)
    assert status == 200, answer
    return str(answer["event_id"])


async def test_what_is_held_about_a_member_and_nothing_of_others(community: Community) -> None:
    name, other = await newcomer(community), await newcomer(community, "chandlers")
    room = await group(community, "open", name)
    theirs = await sends(community, "ana", room, text("the words of somebody else"))
    body = f"> <{community.id('ana')}> the words of somebody else\n\n=my own answer"
    mentions = {"m.mentions": {"user_ids": [community.id("ana")]}}
    answer = {"m.relates_to": {"m.in_reply_to": {"event_id": theirs}}, **mentions}
    await sends(community, name, room, {"msgtype": "m.text", "body": body, **answer})
    gone = await sends(community, name, room, text("what I took back"))
    await request(community[name], "PUT", path_of(room, f"redact/{gone}/t{unique('r')}"), {})
    relation = {"rel_type": "m.reference", "event_id": theirs}
    vote = {"m.relates_to": relation, "org.matrix.msc3381.poll.response": {"answers": ["yes"]}}
    await sends(community, name, room, vote, "org.matrix.msc3381.poll.response")
    status, named = await community.create(
        name, {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id(other)]}
    )
    assert status == 200, named
    await request(community[other], "POST", f"{V3}/join/{quote(named['room_id'])}", {})
    await sends(community, name, named["room_id"], text("TLP:RED only for the two of us"))
    await sends(community, other, named["room_id"], text("an answer in the named room"))
    file = await upload(community, name, png())
    await sends(community, name, room, message(community, file))
    own = await own_room(community, "cora")
    arguments = {"member": f"@{name}", "reason": "please read the rules"}
    await asks(community, "cora", own, f'!warn @{name} --reason "please read the rules"', "member_warn", arguments)
    for by, item in ((other, gone), (name, theirs)):
        await request(community[by], "POST", path_of(room, f"report/{item}"), {"reason": "x"})
    await request(community[name], "PUT", f"{V3}/user/{quote(community.id(name))}/account_data/m.direct",
                  {community.id(other): [named["room_id"]]})  # fmt: skip

    change = community.server.change
    user_id = community.id(name)
    change("INSERT INTO belisha_pseudonym (user_id, pseudonym) VALUES (?, 'p-1') ON CONFLICT DO NOTHING", user_id)
    ((pseudonym,),) = stored(community, "SELECT pseudonym FROM belisha_pseudonym WHERE user_id = ?", user_id)
    entry = json.dumps({"kind": "alert", "what": "found", "who": pseudonym}, separators=(",", ":"))
    change("INSERT INTO belisha_audit (writer, number, at, entry, mac) VALUES ('test', 1, 1700000000, ?, '')", entry)

    export = await made(community, name, **{"rules accepted": [{"version": "1", "at": "=1+1"}]})
    files = await taken(community, name, export)
    messages = rows(files, "messages")
    texts = [one.get("text") for one in messages]
    assert any("only for the two of us" in str(one) for one in texts), "what I wrote in a named room is mine"
    assert "=my own answer" in texts and "'=my own answer" in files["messages.csv"].decode("utf-8-sig")
    everything = b"".join(files.values()).decode("utf-8", "replace")
    for not_mine in ("words of somebody else", "an answer in the named room", "what I took back"):
        assert not_mine not in everything
    assert any(one.get("taken back") for one in messages if one["event_id"] == gone)
    for somebody in (other, "cora"):
        assert community.id(somebody) not in everything, "whoever else is named is masked"
        assert f'"{somebody}"' not in everything
    assert any(one["type"].endswith("poll.response") and "yes" in str(one["content"]) for one in messages)
    assert [one["media_id"] for one in rows(files, "files")] == [file]
    assert rows(files, "registry")[0]["localpart"] == name
    (warned,) = rows(files, "moderation-of-you")
    assert (warned["act"], warned["by_member"]) == ("warn", OTHER)
    assert rows(files, "rules-accepted") == [{"version": "1", "at": "=1+1"}]
    assert rows(files, "devices") and rows(files, "account") and rows(files, "rooms")
    assert any(one["what"] == "copy made" for one in rows(files, "audit-log"))
    assert not any(one["kind"] == "alert" for one in rows(files, "audit-log")), "nobody is warned by their copy"
    assert {OTHER} <= {key for one in rows(files, "settings-of-your-clients") for key in one["content"]}
    assert "password_hash" not in everything and "token" not in str(rows(files, "devices"))
    heads = [next(csv.reader(io.StringIO(files[one].decode("utf-8-sig")))) for one in files if one.endswith(".csv")]
    assert all(head == ["TLP:RED"] for head in heads)
    readme = files["README.txt"].decode()
    assert all(held.left in readme for held in (*HELD, *HELD_BY_SYNAPSE) if held.left)
    assert "reports about you" in readme.lower() and not any("about-you" in one for one in files)


async def test_a_link_holds_once_for_its_member_alone(community: Community) -> None:
    name, other = await newcomer(community), await newcomer(community, "harbour", "manager")
    export = await made(community, name)
    for who in (other, "ana"):
        assert (await link(community, who, export))[0] == 404
        assert await listed(community, who) == []
    first, second = [(await link(community, name, export))[1]["address"] for _ in range(2)]
    assert (await fetched(first))[0] == 404, "the newest counts"
    assert [(await fetched(second))[0] for _ in range(2)] == [200, 404]
    assert (await fetched(second[:-4]))[0] == 404
    late = (await link(community, name, export))[1]["address"]
    community.server.change("UPDATE belisha_export SET link_until = 1 WHERE id = ?", export)
    assert (await fetched(late))[0] == 404
    frozen = (await link(community, name, export))[1]["address"]
    await community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"})
    assert (await fetched(frozen))[0] == 404
    for table in ("belisha_audit_waiting", "belisha_audit"):  # the way that an entry goes
        found = stored(community, f"SELECT entry FROM {table} WHERE entry LIKE '%copy taken%'")  # noqa: S608 - a constant
        if found:
            break
    assert found, "each time it was taken stands in the audit log"


async def test_a_manager_has_one_made_and_cannot_take_it(community: Community) -> None:
    name, boss = await newcomer(community), await newcomer(community, "harbour", "manager")
    words, arguments = f"!mydata for @{name}", {"member": f"@{name}"}
    status, answer = await asks(community, boss, await own_room(community, boss), words, "export_for", arguments)
    assert status == 200 and answer["member"] == community.id(name), answer
    export = answer["export"]
    assert (await bots_give(community, name, export))[0] == 200
    assert (await became(community, name, export, "ready"))["by_manager"] is True
    assert (await link(community, boss, export))[0] == 404
    assert (await link(community, name, export))[0] == 200
    refused = await asks(community, name, await own_room(community, name), f"!mydata for @{boss}", "export_for",
                         {"member": f"@{boss}"})  # fmt: skip
    assert_refused(*refused, "NOT_YOURS")
    nobody = {"member": "@nobody"}
    answer = await asks(community, boss, await own_room(community, boss), "!mydata for @nobody", "export_for", nobody)
    assert_refused(*answer, "NO_SUCH_MEMBER")


async def test_an_operator_hands_over_what_a_manager_had_made_for_who_cannot_sign_in(
    community: Community, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It takes two people, and neither of them where the member can take it; the command says what is missing."""
    name, boss = await newcomer(community), await newcomer(community, "harbour", "manager")
    file = tmp_path / "copy.zip"

    async def export() -> str:
        """What the command says."""
        try:
            await asyncio.to_thread(member.run, Namespace(act="export", localpart=name, file=file, data=file))
        except CommandError as error:
            assert not file.exists() or "cannot be made" in str(error)
            return str(error)
        return capsys.readouterr().out

    monkeypatch.setattr(local_api, "of", lambda _data: local_api.LocalApi(community.server.url, community.server.data))
    own = await made(community, name)
    assert "can sign in" in await export()
    await community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"})
    assert "A manager has one made first" in await export(), "their own is not handed to anybody"
    words, arguments = f"!mydata for @{name}", {"member": f"@{name}"}
    status, answer = await asks(community, boss, await own_room(community, boss), words, "export_for", arguments)
    assert status == 200 and answer["export"] != own, answer
    assert not file.exists() and (await bots_give(community, name, answer["export"]))[0] == 200

    async def is_whole() -> bool:
        return bool(
            stored(community, "SELECT 1 FROM belisha_export WHERE id = ? AND state = 'ready'", answer["export"])
        )

    await until(is_whole)
    said = await export()
    assert "TLP:RED" in said and stat.S_IMODE(file.stat().st_mode) == 0o600, said
    with zipfile.ZipFile(file) as archive:
        assert "README.txt" in archive.namelist()
    assert "cannot be made: File exists" in await export()
    status, given = await community.server.local("POST", f"exports/{name}")
    assert status == 200
    await community.server.local("PUT", f"standing/members/{name}", {"standing": "active"})
    address = f"{community.server.url}/_synapse/client/org.belisha/v1/export/{given['link']}"
    assert (await fetched(address))[0] == 404, "who can sign in takes it themselves"


async def test_an_account_without_an_organisation_has_a_copy_made_too(community: Community) -> None:
    """What is held about it is its own as much; it takes a manager and an operator, until it is let in."""
    boss = await newcomer(community, "harbour", "manager")
    name, room = await lone(community)
    await typed(community, name, room, "may I come in")
    assert_refused(*await asks(community, name, room, "!mydata", "export", {}), "NOT_A_MEMBER")
    words, arguments = f"!mydata for @{name}", {"member": f"@{name}"}
    own = await own_room(community, boss)
    status, answer = await asks(community, boss, own, words, "export_for", arguments)
    assert status == 200 and (answer["member"], answer["belongs"]) == (community.id(name), False), answer
    export = answer["export"]
    assert (await bots_give(community, name, export))[0] == 200
    await until(lambda: _is(community, export, "ready"))
    assert (await link(community, name, export))[0] == (await link(community, boss, export))[0] == 404
    status, given = await community.server.local("POST", f"exports/{name}")
    assert status == 200, given
    status, _headers, body = await fetched(
        f"{community.server.url}/_synapse/client/org.belisha/v1/export/{given['link']}"
    )
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    assert {"may I come in", "!mydata"} <= {one.get("text") for one in rows(files, "messages")}
    everything = b"".join(files.values()).decode("utf-8", "replace")
    assert community.id("ana") not in everything and community.id(boss) not in everything
    community.server.change("UPDATE users SET deactivated = 1 WHERE name = ?", community.id(name))
    await until(lambda: _is(community, export, "over"))
    refused = await asks(community, boss, await own_room(community, boss), words, "export_for", arguments)
    assert_refused(*refused, "NO_SUCH_MEMBER")


async def _is(community: Community, export: str, state: str) -> bool:
    return bool(stored(community, "SELECT 1 FROM belisha_export WHERE id = ? AND state = ?", export, state))


async def test_what_is_taken_back_takes_the_copy_with_it(community: Community) -> None:
    name = await newcomer(community)
    room = await own_room(community, name)
    event = await typed(community, name, room, "words in my own room")
    export = await made(community, name)
    assert (await request(community[name], "PUT", path_of(room, f"redact/{event}/t{unique('r')}"), {}))[0] == 200
    await became(community, name, export, "outdated")
    assert stored(community, "SELECT * FROM belisha_export_part WHERE id = ?", export) == []
    assert (await link(community, name, export))[0] == 404
    second = await made(community, name)
    assert (await bots_give(community, name, None))[0] == 200, "a profile was erased"
    await became(community, name, second, "outdated")
    third = await made(community, name)
    community.server.change("UPDATE belisha_export SET until = 1 WHERE id = ?", third)
    await became(community, name, third, "over")
    refused = await asks(community, name, room, "!mydata", "export", {})
    assert_refused(*refused, "TOO_OFTEN")
    assert stored(community, "SELECT * FROM belisha_export_part WHERE id = ?", third) == []


async def test_of_who_is_removed_nothing_is_kept(community: Community) -> None:
    name = await newcomer(community)
    export = await made(community, name)
    await community.server.local("PUT", f"standing/members/{name}", {"standing": "removed"})

    async def is_gone() -> bool:
        return stored(community, "SELECT * FROM belisha_export_part WHERE id = ?", export) == []

    await until(is_gone)


async def test_it_waits_for_the_bots_and_nobody_else_gives_their_part(community: Community) -> None:
    name = await newcomer(community)
    export = await begun(community, name)
    assert_refused(*await asks(community, name, await own_room(community, name), "!mydata", "export", {}), "UNDER_WAY")
    body = {"user_id": community.id(name), "export": export, "sections": {}}
    assert_refused(*await request(community["ana"], "POST", BOTS, body), "NOT_A_BOT")
    assert (await bots_give(community, name, "nothing"))[0] == 404
    assert (await request(community["steward"], "POST", BOTS, {**body, "sections": {"a": "b"}}))[0] == 400

    async def waits() -> bool:
        (one,) = await listed(community, name)
        return one["state"] == "collecting" and one["done"] == one["of"] - 1

    await until(waits)
    assert (await link(community, name, export))[0] == 404
    for version in ("1", "2"):  # a second call of the same changes nothing
        assert (await bots_give(community, name, export, rules=[{"version": version}]))[0] == 200
    await became(community, name, export, "ready")
    assert rows(await taken(community, name, export), "rules") == [{"version": "1"}]


def columns_of(community: Community, table: str) -> set[str]:
    """The names of a table's columns, in either database."""
    if isinstance(community.server, Workers):
        asked = "SELECT column_name AS name FROM information_schema.columns WHERE table_name = ?"
    else:
        asked = "SELECT name FROM pragma_table_info(?)"
    return {row["name"] for row in community.server.query(asked, table)}


def test_every_table_of_synapse_that_names_people_is_in_the_list(community: Community) -> None:
    there = {name for name in community.server.tables() if not name.startswith(("belisha_", "sqlite_"))}
    naming = {name for name in there if any(PEOPLE.search(column) for column in columns_of(community, name))}
    assert len(naming) > 50
    assert unnamed(naming, HELD_BY_SYNAPSE) == set(), "say of each what of it a member is given, or why nothing"
    for held in HELD_BY_SYNAPSE:
        assert {*held.mine, *held.give, *held.masked} <= columns_of(community, held.table), held.table
