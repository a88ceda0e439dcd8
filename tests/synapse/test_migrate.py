"""A community of `belisha up` grows onto a server: what it had on SQLite it has on PostgreSQL, to its members and bots.

One story: it is written into and stopped; brought over, killed on the way and once more; compared row by row; started
on the server, where members are still signed in.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest

from belisha.resources import shipped
from tests.deploy import hosted
from tests.support.backups import Client
from tests.support.files import png
from tests.support.machine import PATIENCE_S, Machine, machine
from tests.support.patience import until
from tests.support.server import free_ports

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(os.geteuid() != 0, reason="folders of a server's own are mounted, which only root may"),
]
ETC = ("--data", "/etc/belisha")

#: What must be on the server as it was.
AS_IT_WAS = {
    "synapse": (
        "SELECT e.event_id, e.sender, e.stream_ordering, j.json FROM events e JOIN event_json j USING (event_id)",
        "SELECT * FROM belisha_organisation",
        "SELECT * FROM belisha_member",
        "SELECT * FROM belisha_item",
        "SELECT * FROM belisha_file",
        "SELECT writer, number, mac FROM belisha_audit",
        "SELECT * FROM belisha_pseudonym",
        "SELECT name, password_hash FROM users",
        "SELECT user_id, device_id, token FROM access_tokens",
    ),
    "bots": (
        "SELECT * FROM poll",
        "SELECT * FROM profile_field",
        "SELECT event_id FROM inbox",
        "SELECT effect_id, state, result FROM outbox",
        "SELECT * FROM blog_post",
    ),
}


def belisha(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "belisha", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rows(data: Path, part: str, statement: str) -> list[tuple[Any, ...]]:
    name = "homeserver.db" if part == "synapse" else "bots.db"
    with contextlib.closing(sqlite3.connect(f"file:{data / name}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(statement).fetchall()


async def _live(data: Path) -> tuple[dict[str, Client], dict[str, str]]:
    """A community in which something of everything happens."""
    (port, *_) = free_ports(6)
    belisha("up", "--data", data, "--port", port, "--detach")
    people: dict[str, Client] = {}
    belisha("organisation", "add", "alder", "--name", "Alder", "--category", "charity", "--data", data)
    for name in ("ana", "ben"):
        belisha("member", "add", name, "--name", name.title(), "--organisation", "alder", "--data", data)
        password = json.loads((data / "passwords" / f"{name}.json").read_text())["password"]
        people[name] = Client(f"http://127.0.0.1:{port}", name, password)
        assert await people[name].sign_in() == 200
    ana, ben = people["ana"], people["ben"]
    wish = {"kind": "closed", "purpose": "blog"}
    made = {}
    for name, state in (("closed", []), ("blog", [{"type": "org.belisha.room", "state_key": "", "content": wish}])):
        body = {"preset": "private_chat", "name": name.title(), "initial_state": state}
        made[name] = str((await ana.done("POST", "client/v3/createRoom", body))["room_id"])
        invited = {"user_id": "@ben:harbour.test"}
        await ana.done("POST", f"client/v3/rooms/{quote(made[name])}/invite", invited)
        await ben.done("POST", f"client/v3/join/{quote(made[name])}", {})
    made["stays"] = await ana.say(made["closed"], "TLP:AMBER quenchwinkle stays")
    no = f"client/v3/rooms/{quote(made['closed'])}/send/m.room.message/no"
    assert (await ana.ask("PUT", no, {"msgtype": "m.text", "body": "TLP:RED x"}))[0] == 403
    await ana.say(made["blog"], "# Glimmerfen\n\nA post about tides.")
    uri = str((await ana.done("POST", "media/v3/upload?filename=1.png", png(1)))["content_uri"])
    content = {"msgtype": "m.image", "body": "1.png", "url": uri, "info": {"mimetype": "image/png"}}
    await ana.send(made["closed"], content)
    made["file"] = uri.removeprefix("mxc://")
    ((service,),) = rows(data, "synapse", "SELECT service_room_id FROM belisha_member WHERE localpart = 'ana'")
    made["service"] = service
    await ana.done("POST", f"client/v3/join/{quote(service)}", {})
    await ana.say(service, "!profile expertise + image hashing")
    await ana.say(made["closed"], '!poll "When?" | Monday | Tuesday')

    def done() -> bool:
        return all(rows(data, "bots", f"SELECT 1 FROM {table}") for table in ("poll", "profile_field", "blog_post"))  # noqa: S608

    await until(done)
    return people, made


async def test_a_community_grows_onto_a_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    example = shipped("config", "belisha.example.yaml").read_text()
    (data / "belisha.yaml").write_text(example.replace("server_name: belisha.localhost", "server_name: harbour.test"))
    try:
        people, made = await _live(data)
        await until(lambda: not rows(data, "synapse", "SELECT 1 FROM background_updates"))
    finally:
        belisha("down", "--data", data)
    (data / "ballot-keys").mkdir(mode=0o700, exist_ok=True)
    (data / "ballot-keys" / "one").write_text("a key")
    (data / "ballot-keys" / "one").chmod(0o600)
    before = {what: set(map(_plain, rows(data, part, what))) for part, asked in AS_IT_WAS.items() for what in asked}
    empty = [what for what, found in before.items() if not found]
    assert not empty
    with machine(tmp_path / "server") as there:
        etc = there.folder / "etc" / "belisha"
        etc.mkdir()
        settings = hosted.text(
            ("method: password+totp\n", "method: password\n"),
            ("risk_accepted: null", "risk_accepted: The test accepts until its end that passwords are guessed."),
            urls={key: url for key, url in hosted.URLS.items() if key != "element"},
        )
        (etc / "belisha.yaml").write_text(settings.replace("server_name: harbour.test", "server_name: other.test"))
        migrate = ("migrate", "--data", data)
        assert "It can never change: write server_name: harbour.test" in there.belisha(*migrate, code=1)
        (etc / "belisha.yaml").write_text(settings)
        there.belisha("render", "/etc/belisha", "--host", "--port", free_ports(6)[0])
        _refusals(there, migrate)
        there.killed(lambda: _has(there, "bots", "profile_field"), *migrate)
        assert "The migration of" in there.belisha("render", "/etc/belisha", "--host", code=1)
        there.killed(lambda: _has(there, "synapse", "port_from_sqlite3"), *migrate)
        said = there.belisha(*migrate)
        assert "Members stay signed in" in said
        lib = there.folder / "var" / "lib" / "belisha"
        assert not (lib / ".migrating").exists() and not (etc / "migrating").exists()
        for what, were in before.items():
            part = "synapse" if what in AS_IT_WAS["synapse"] else "bots"
            assert set(map(_plain, there.rows(part, what))) == were, what
        key = lib / "bots" / "ballot-keys" / "one"
        assert key.read_text() == "a key" and key.stat().st_mode & 0o077 == 0
        assert "in it" in there.belisha(*migrate, code=1), "it is not written over"
        there.start()
        await _as_members_see_it(there, people, made)
        _tried_by_another_version(there)


def _tried_by_another_version(there: Machine) -> None:
    """Of a server that runs, on a copy: what it has is as before, and nothing of the copy is left."""
    asked = "SELECT COUNT(*) FROM events"
    before = there.rows("synapse", asked)
    state = there.folder / "var" / "lib" / "belisha"
    state.chmod(0o700)
    assert "chmod 711 /var/lib/belisha" in there.belisha("upgrade", "--check", *ETC, code=1)
    state.chmod(0o711)
    said = there.belisha("upgrade", "--check", *ETC)
    assert "works with a copy of /etc/belisha. Nothing was changed." in said and "the playbook" in said, said
    assert there.rows("synapse", asked) == before
    assert not (state / "backup-work").exists()


def _refusals(there: Machine, migrate: tuple[object, ...]) -> None:
    there.change("bots", "CREATE TABLE poll (id integer)")
    assert "belisha_bots has tables in it" in there.belisha(*migrate, code=1)
    there.change("bots", "DROP TABLE poll")
    assert "is no community" in there.belisha("migrate", "--data", "/etc/belisha", code=1)


async def _as_members_see_it(there: Machine, people: dict[str, Client], made: dict[str, str]) -> None:
    ana, ben = people["ana"], people["ben"]
    for client in people.values():
        client.homeserver = there.run["homeserver"]
    # With the sessions of before.
    assert (await ben.content(made["closed"], made["stays"]))["body"].endswith("stays")
    assert (await ben.ask("GET", f"client/v1/media/download/{made['file']}"))[0] == 200
    later = await ana.say(made["closed"], "TLP:AMBER later")
    assert (await ben.content(made["closed"], later))["org.belisha.tlp"]["label"] == "TLP:AMBER"
    asked = {"search_categories": {"room_events": {"search_term": "quenchwinkle"}}}
    found = await ben.done("POST", "client/v3/search", asked)
    assert found["search_categories"]["room_events"]["count"] == 1

    async def people_found() -> bool:
        wanted = {"search_term": "ben"}
        answer = await ana.done("POST", "client/v3/user_directory/search", wanted)
        return any(one["user_id"] == "@ben:harbour.test" for one in answer["results"])

    await until(people_found)
    assert there.belisha("audit", "verify", *ETC).endswith("nothing wrong.\n")
    # The bots go on: an answer to a command, with numbers that no row has yet, and posts are found.
    assert there.rows("bots", "SELECT 1 FROM blog_words WHERE words @@ CAST('''glimmerfen'':*' AS tsquery)")
    answers = "SELECT COUNT(*) FROM outbox WHERE state = 'sent'"
    (sent,) = there.rows("bots", answers)
    await ana.say(made["service"], "!profile")
    await until(lambda: there.rows("bots", answers)[0] > sent)


def _plain(row: tuple[Any, ...]) -> str:
    """A row as text, whichever database has it: bytes and truth values are other types in each."""
    return repr(
        [bytes(one) if isinstance(one, memoryview) else int(one) if isinstance(one, bool) else one for one in row]
    )


def _has(there: Machine, part: str, table: str) -> bool:
    with contextlib.suppress(psycopg2.Error):
        return bool(there.rows(part, f"SELECT 1 FROM pg_tables WHERE tablename = '{table}'"))  # noqa: S608
    return False
