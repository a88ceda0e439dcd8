"""A community is backed up while it runs, goes on, and is lost: what a restore brings back, and what it does not (E1).

One story: a community of `belisha up`, with bots, is written into; backed up; things are taken back; all is killed and
deleted. What is restored is compared row by row with what was there at the backup, and read as members read it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyrage
import pytest

from belisha.backup.retention import keys_of
from belisha.resources import shipped
from belisha.revocations import Revocation, What, read
from tests.support.backups import Client
from tests.support.machine import PATIENCE_S
from tests.support.patience import until
from tests.support.server import free_ports
from tests.support.store import ALLOWED, BUCKET, Store, credentials, running

pytestmark = pytest.mark.full

ME = pyrage.x25519.Identity.generate()


def belisha(*arguments: object, code: int = 0) -> str:
    """Runs the command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "belisha", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == code and "Traceback" not in done.stderr, done.stdout + done.stderr
    return done.stdout + done.stderr


def killed(reached: Callable[[], bool], *arguments: object) -> None:
    """Runs the command, and kills it and its children with SIGKILL once something is `reached`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "belisha", *map(str, arguments)], start_new_session=True, stdout=-3, stderr=-3
    )
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert process.poll() is None and time.monotonic() < end, "it ended before"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def killed_before(late: Callable[[], list[Path]], reached: Callable[[], bool], *arguments: object) -> None:
    """As `killed`, and before it has made what is `late`: where it was quicker, that is taken away, and tried again."""
    for _ in range(5):
        killed(reached, *arguments)
        if not (made := late()):
            return
        for path in made:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    raise AssertionError(f"each time {made} was there")


def rows(data: Path, database: str, statement: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{data / database}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(statement).fetchall()


def start(data: Path) -> str:
    (port, _) = free_ports(2)
    belisha("up", "--data", data, "--port", port, "--detach")
    return f"http://127.0.0.1:{port}"


def destroy(data: Path) -> None:
    """kill -9 of everything that runs in a folder, and then there is no folder."""
    run = json.loads((data / "run.json").read_text())
    for pid in (run["pid"], *run["pids"].values()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def store() -> Iterator[Store]:
    with running() as there:
        yield there


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with a data folder that has settings, a key and a folder for backups; nothing runs in it afterwards."""
    (tmp_path / "backups").mkdir()
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "key").write_text(f"{ME}\n")
    example = shipped("config", "belisha.example.yaml").read_text()
    settings = example.replace("  recipient: null", f"  recipient: {ME.to_public()}", 1)
    settings = settings.replace("revocations: null", f"revocations: {tmp_path / 'revocations.jsonl'}")
    settings = settings.replace("  folder: null", f"  folder: {tmp_path / 'backups'}", 1)
    settings = settings.replace("  s3_credentials_file: null", "  s3_credentials_file: bucket.ini", 1)
    (tmp_path / "data" / "belisha.yaml").write_text(settings)
    try:
        yield tmp_path
    finally:
        for data in (tmp_path / "data", tmp_path / "new"):
            if (data / "run.json").exists():
                destroy(data)


#: What must be in a restored community as it was, each ordered by its keys.
AS_IT_WAS = {
    "homeserver.db": (
        "SELECT e.event_id, e.type, e.sender, e.room_id, j.json FROM events e JOIN event_json j USING (event_id)",
        "SELECT * FROM belisha_organisation",
        "SELECT writer, number, mac FROM belisha_audit",
        "SELECT * FROM belisha_pseudonym",
        "SELECT name, password_hash FROM users WHERE name NOT LIKE '@eve:%'",
    ),
    "bots.db": (
        "SELECT * FROM poll",
        "SELECT * FROM profile_field",
        "SELECT event_id FROM inbox",
        "SELECT effect_id, result FROM outbox WHERE state = 'sent'",
    ),
}


def state(data: Path) -> dict[str, set[tuple[Any, ...]]]:
    return {what: set(rows(data, name, what)) for name, asked in AS_IT_WAS.items() for what in asked}


def _sent(place: Path, store: Store) -> str:
    """The same to a bucket; the address of the archive there, which was read back once."""
    keys = store.account(*ALLOWED)
    store.close_to_strangers()
    credentials(place / "data" / "bucket.ini", *keys, store.url)
    folder = f"s3://{BUCKET}/belisha"
    said = belisha("backup", "--data", place / "data", "--to", folder)
    assert not any(key in said for key in keys)
    (archive,) = (word for word in said.split() if word.endswith("Z.tar.age"))
    assert belisha("backup", "--newest", "--data", place / "data", "--to", folder).endswith(" UTC\n")
    (place / "data" / "bucket.ini").rename(place / "bucket.ini")
    by = ("--s3-credentials", place / "bucket.ini", "--identity", place / "key", "--check")
    assert "Both archives are whole" in belisha("restore", archive, *by)
    # One that was cut short there.
    store.close_to_strangers(after=float("inf"))
    name = archive.rpartition("/")[2]
    for one in (name, keys_of(name)):
        found = store.owner.get_object(Bucket=BUCKET, Key=f"belisha/{one}")["Body"].read()
        store.owner.put_object(Bucket=BUCKET, Key=f"cut/{one}", Body=found[:-1000] if one == name else found)
    store.close_to_strangers()
    said = belisha("restore", f"s3://{BUCKET}/cut/{name}", *by, code=1)
    assert f"{name} is no whole archive" in said and "take another backup. Nothing was changed." in said
    return archive


async def test_nothing_is_lost_and_nothing_comes_back(place: Path, store: Store) -> None:
    """By way of a bucket; `test_backup_of_server.py` restores out of a folder."""
    data, new = place / "data", place / "new"
    homeserver = start(data)
    for organisation in ("alder", "birch"):
        belisha(
            "organisation", "add", organisation, "--name", organisation.title(), "--category", "charity", "--data", data
        )
    people: dict[str, Client] = {}
    for name, organisation in (
        ("ana", "alder"),
        ("ben", "alder"),
        ("cora", "birch"),
        ("dan", "birch"),
        ("eve", "birch"),
    ):
        belisha("member", "add", name, "--name", name.title(), "--organisation", organisation, "--data", data)
        password = json.loads((data / "passwords" / f"{name}.json").read_text())["password"]
        people[name] = Client(homeserver, name, password)
        assert await people[name].sign_in() == 200
    ana, cora = people["ana"], people["cora"]
    closed = str(
        (await ana.done("POST", "client/v3/createRoom", {"preset": "private_chat", "name": "Closed"}))["room_id"]
    )
    for name in ("ben", "cora", "dan", "eve"):
        user = f"@{name}:belisha.localhost"
        await ana.done("POST", f"client/v3/rooms/{quote(closed)}/invite", {"user_id": user})
        await people[name].done("POST", f"client/v3/join/{quote(closed)}", {})
    stays = await ana.say(closed, "TLP:AMBER stays")
    redacted = await ana.say(closed, "TLP:AMBER quenchwinkle")
    raised = await ana.say(closed, "TLP:GREEN raised")
    files = [await ana.share_picture(closed, number) for number in (1, 2)]
    (service,) = {
        row[0]
        for row in rows(data, "homeserver.db", "SELECT service_room_id FROM belisha_member WHERE localpart = 'ana'")
    }
    await ana.done("POST", f"client/v3/join/{quote(service)}", {})
    await ana.say(service, "!profile expertise + image hashing")
    await ana.say(closed, '!poll "When?" | Monday | Tuesday')
    await until(
        lambda: bool(
            rows(data, "bots.db", "SELECT 1 FROM poll") and rows(data, "bots.db", "SELECT 1 FROM profile_field")
        )
    )
    status, refused = await ana.ask(
        "PUT", f"client/v3/rooms/{quote(closed)}/send/m.room.message/no", {"msgtype": "m.text", "body": "TLP:RED x"}
    )
    assert status == 403, refused
    await asyncio.sleep(5)  # until the audit log and the outbox are written

    # A backup that is killed leaves nothing that looks whole, and the next one removes what it left.
    backups = place / "backups"
    killed_before(
        lambda: list(backups.iterdir()) if any(backups.glob("*.age")) else [],
        lambda: any(backups.glob(".*.part")),
        *("backup", "--data", data),
    )
    was = state(data)
    said = belisha("backup", "--data", data)
    before = {what: found & was[what] for what, found in state(data).items()}  # not what it had yet to write
    assert all(before.values()), "there is something of each to compare"
    assert sorted(one.suffix for one in (place / "backups").iterdir()) == [".age", ".age"]
    assert not (data / "backup-work").exists()
    for secret in ((data / "secrets" / "audit").read_text().strip(), str(ME), ana.token):
        assert secret not in said

    archive = _sent(place, store)
    shutil.rmtree(place / "backups")  # what is restored comes out of the bucket

    # What is taken back after it, and what is written after it.
    lost = await ana.say(closed, "TLP:AMBER written after the backup")
    await ana.done("PUT", f"client/v3/rooms/{quote(closed)}/redact/{quote(redacted)}/r1", {})
    relates = {"rel_type": "m.reference", "event_id": raised}
    await ana.send(closed, {"m.relates_to": relates, "label": "TLP:AMBER", "reason": "more"}, "org.belisha.relabel")
    belisha("file", "withdraw", f"mxc://{files[1]}", "--data", data)
    await people["ben"].done("POST", f"client/v3/rooms/{quote(closed)}/leave", {})
    belisha("member", "freeze", "dan", "--data", data)
    belisha("member", "remove", "eve", "--data", data)
    journal = place / "revocations.jsonl"
    wanted = {
        Revocation(What.ITEM, (redacted,)),
        Revocation(What.LABEL, (raised,), "TLP:AMBER"),
        Revocation(What.FILE, (files[1].rpartition("/")[2],)),
        *(
            Revocation(What.MEMBERSHIP, (closed, f"@{name}:belisha.localhost"), "left")
            for name in ("ben", "dan", "eve")
        ),
        Revocation(What.STANDING, ("members", "dan"), "frozen"),
        Revocation(What.STANDING, ("members", "eve"), "removed"),
    }

    def is_written() -> bool:
        with contextlib.suppress(FileNotFoundError), journal.open() as lines:
            return wanted <= set(read(lines))
        return False

    await until(is_written)
    destroy(data)

    # Refusals that change nothing; then it is killed thrice: when the archives have come, once unpacked, and before the
    # journal was replayed.
    by = ("--s3-credentials", place / "bucket.ini", "--identity", place / "key")
    restore = ("restore", archive, *by, "--data", new)
    hidden = journal.rename(place / "elsewhere.jsonl")
    assert "There is no journal of revocations" in belisha(*restore, code=1)
    (place / "other.jsonl").write_text('{"what":"session","ids":["@x:elsewhere.uk","D"],"now":""}\n')
    assert "is of another community" in belisha(*restore, "--journal", place / "other.jsonl", code=1)
    assert not new.exists()
    hidden.rename(journal)
    killed(lambda: any((place / ".new.fetched").glob("*.keys.tar.age")), *restore)
    assert not new.exists()
    unpacked = place / ".new.restoring" / "homeserver.db"
    killed_before(lambda: [new] if new.exists() else [], unpacked.exists, *restore)
    killed(lambda: (new / "rendered" / "homeserver.yaml").exists(), *restore)
    assert "The restore of" in belisha("up", "--data", new, "--port", free_ports(2)[0], code=1)
    told = belisha(*restore)
    for words in ("1 files withdrawn", "1 items redacted", "1 labels raised", "What was written after that is lost"):
        assert words in told, told
    assert "is not empty" in belisha(*restore, code=1)
    left = [one.name for one in place.iterdir() if one.name.startswith(".")]  # noqa: ASYNC240 - nothing else runs
    assert not left, "nothing is left beside the folder"

    # Every event, label, poll, profile, file and record of the audit log.
    after = state(new)
    for what, were in before.items():
        gone = were - after[what]
        assert not gone, (what, gone)
    labels = dict(rows(new, "homeserver.db", "SELECT event_id, label FROM belisha_item"))
    assert labels[stays] == "TLP:AMBER" and labels[raised] == "TLP:AMBER"
    assert rows(
        new, "homeserver.db", "SELECT localpart, standing FROM belisha_member WHERE standing <> 'active' ORDER BY 1"
    ) == [
        ("dan", "frozen"),
        ("eve", "removed"),
    ]
    assert not rows(new, "homeserver.db", "SELECT 1 FROM access_tokens") and not rows(
        new, "bots.db", "SELECT 1 FROM portal_session"
    )

    # As members see it.
    homeserver = start(new)
    for client in people.values():
        client.homeserver = homeserver
    assert (await ana.ask("GET", "client/v3/account/whoami"))[0] == 401, "an old session"
    assert [await people[name].sign_in() for name in ("ana", "ben", "cora")] == [200] * 3
    assert [await people[name].sign_in() for name in ("dan", "eve")] == [403] * 2
    assert (await cora.content(closed, stays))["body"].endswith("stays")
    assert "body" not in await cora.content(closed, redacted)
    assert (await people["ben"].ask("GET", f"client/v3/rooms/{quote(closed)}/event/{quote(stays)}"))[0] in (403, 404)
    assert (await cora.ask("GET", f"client/v3/rooms/{quote(closed)}/event/{quote(lost)}"))[0] == 404
    assert [(await cora.ask("GET", f"client/v1/media/download/{one}"))[0] for one in files] == [200, 404]
    assert belisha("audit", "verify", "--data", new).endswith("nothing wrong.\n")
    # The bots go on: an answer to a command that is asked now.
    answers = "SELECT COUNT(*) FROM outbox WHERE state = 'sent'"
    ((sent,),) = rows(new, "bots.db", answers)
    await ana.say(service, "!profile")
    await until(lambda: rows(new, "bots.db", answers) > [(sent,)])
