"""A server with PostgreSQL is backed up while it runs, goes on, and is lost; it is restored into another (E1).

The story of `test_backup.py` on what `belisha render --host` writes: dumps of one snapshot each, folders of their own,
a restore that is killed at each step and goes on, and a comparison row by row and as members read it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pyrage
import pytest

from belisha.backup.retention import keys_of
from belisha.revocations import Revocation, What, read
from tests.deploy import hosted
from tests.support.backups import Client
from tests.support.machine import Machine, machine
from tests.support.patience import until
from tests.support.server import free_ports
from tests.support.store import ALLOWED, BUCKET, credentials, running

#: `make test-full` has `test_backup.py`, and the same on a booted Debian (`tests/deploy/lost.py`).
pytestmark = [
    pytest.mark.full,
    pytest.mark.nightly,
    pytest.mark.skipif(os.geteuid() != 0, reason="folders of a server's own are mounted, which only root may"),
]
ME = pyrage.x25519.Identity.generate()
ETC = ("--data", "/etc/belisha")

#: What must be in a restored community as it was.
AS_IT_WAS = {
    "synapse": (
        "SELECT e.event_id, e.type, e.sender, e.room_id, j.json FROM events e JOIN event_json j USING (event_id)",
        "SELECT * FROM belisha_organisation",
        "SELECT writer, number, mac FROM belisha_audit",
        "SELECT * FROM belisha_pseudonym",
        "SELECT name, password_hash FROM users WHERE name NOT LIKE '@eve:%'",
    ),
    "bots": (
        "SELECT * FROM poll",
        "SELECT * FROM profile_field",
        "SELECT event_id FROM inbox",
        "SELECT effect_id, result FROM outbox WHERE state = 'sent'",
    ),
}


def state(there: Machine) -> dict[str, set[str]]:
    return {what: {repr(row) for row in there.rows(part, what)} for part, asked in AS_IT_WAS.items() for what in asked}


def settings(folder: Path) -> str:
    (folder / "backups").mkdir()
    (folder / "journal").mkdir()
    (folder / "key").write_text(f"{ME}\n")
    return hosted.text(
        ("method: password+totp\n", "method: password\n"),
        ("risk_accepted: null", "risk_accepted: The test accepts until its end that passwords are guessed."),
        ("  recipient: null", f"  recipient: {ME.to_public()}"),
        ("revocations: null", f"revocations: {folder / 'journal' / 'revocations.jsonl'}"),
        ("  folder: null", f"  folder: {folder / 'backups'}"),
        urls={key: url for key, url in hosted.URLS.items() if key != "element"},
    )


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path / "first") as found:
        (tmp_path / "first" / "etc" / "belisha").mkdir()
        (tmp_path / "first" / "etc" / "belisha" / "belisha.yaml").write_text(settings(tmp_path))
        found.belisha("render", "/etc/belisha", "--host", "--port", free_ports(6)[0])
        found.start()
        yield found


async def test_nothing_is_lost_and_nothing_comes_back(there: Machine, tmp_path: Path) -> None:
    homeserver = there.run["homeserver"]
    people: dict[str, Client] = {}
    for organisation in ("alder", "birch"):
        named = ("--name", organisation.title(), "--category", "charity")
        there.belisha("organisation", "add", organisation, *named, *ETC)
    for name, organisation in (("ana", "alder"), ("ben", "alder"), ("cora", "birch"), ("eve", "birch")):
        there.belisha("member", "add", name, "--name", name.title(), "--organisation", organisation, *ETC)
        found = json.loads((there.folder / "etc" / "belisha" / "passwords" / f"{name}.json").read_text())
        people[name] = Client(homeserver, name, found["password"])
        assert await people[name].sign_in() == 200
    ana, cora = people["ana"], people["cora"]
    made = await ana.done("POST", "client/v3/createRoom", {"preset": "private_chat", "name": "Closed"})
    closed = str(made["room_id"])
    for name in ("ben", "cora", "eve"):
        await ana.done("POST", f"client/v3/rooms/{quote(closed)}/invite", {"user_id": f"@{name}:harbour.test"})
        await people[name].done("POST", f"client/v3/join/{quote(closed)}", {})
    stays = await ana.say(closed, "TLP:AMBER stays")
    redacted = await ana.say(closed, "TLP:AMBER quenchwinkle")
    raised = await ana.say(closed, "TLP:GREEN raised")
    files = [await ana.share_picture(closed, number) for number in (1, 2)]
    ((service,),) = there.rows("synapse", "SELECT service_room_id FROM belisha_member WHERE localpart = 'ana'")
    await ana.done("POST", f"client/v3/join/{quote(service)}", {})
    await ana.say(service, "!profile expertise + image hashing")
    await ana.say(closed, '!poll "When?" | Monday | Tuesday')
    await until(
        lambda: bool(there.rows("bots", "SELECT 1 FROM poll") and there.rows("bots", "SELECT 1 FROM profile_field"))
    )
    no = f"client/v3/rooms/{quote(closed)}/send/m.room.message/no"
    assert (await ana.ask("PUT", no, {"msgtype": "m.text", "body": "TLP:RED x"}))[0] == 403
    await asyncio.sleep(5)  # until the audit log and the outbox are written

    # One that is killed leaves nothing that looks whole; another does not begin while one is made.
    backups = tmp_path / "backups"
    for _ in range(5):
        there.killed(lambda: bool(list(backups.glob(".*.part"))), "backup", *ETC)
        if not list(backups.glob("*.age")):
            break
        for made in backups.iterdir():  # it was quicker: again
            made.unlink()
    assert not list(backups.glob("*.age"))
    was = state(there)
    said = there.belisha("backup", *ETC)
    before = {what: found & was[what] for what, found in state(there).items()}  # not what it had yet to write
    assert all(before.values()), "there is something of each to compare"
    (archive,) = (one for one in backups.iterdir() if not one.name.endswith(".keys.tar.age"))
    assert sorted(one.suffix for one in backups.iterdir()) == [".age", ".age"]
    lib = there.folder / "var" / "lib" / "belisha"
    assert not list((lib / "backup").iterdir()), "no plain text is left"
    for secret in ((there.folder / "etc/belisha/secrets/audit").read_text().strip(), str(ME), ana.token):
        assert secret not in said
    assert "is inside the data folder" in there.belisha("backup", *ETC, "--to", "/etc/belisha/host", code=1)

    # What is taken back after it, and what is written after it.
    lost = await ana.say(closed, "TLP:AMBER written after the backup")
    await ana.done("PUT", f"client/v3/rooms/{quote(closed)}/redact/{quote(redacted)}/r1", {})
    relates = {"rel_type": "m.reference", "event_id": raised}
    await ana.send(closed, {"m.relates_to": relates, "label": "TLP:AMBER", "reason": "more"}, "org.belisha.relabel")
    there.belisha("file", "withdraw", f"mxc://{files[1]}", *ETC)
    await people["ben"].done("POST", f"client/v3/rooms/{quote(closed)}/leave", {})
    there.belisha("member", "remove", "eve", *ETC)
    journal = tmp_path / "journal" / "revocations.jsonl"
    wanted = {
        Revocation(What.ITEM, (redacted,)),
        Revocation(What.LABEL, (raised,), "TLP:AMBER"),
        Revocation(What.FILE, (files[1].rpartition("/")[2],)),
        *(Revocation(What.MEMBERSHIP, (closed, f"@{name}:harbour.test"), "left") for name in ("ben", "eve")),
        Revocation(What.STANDING, ("members", "eve"), "removed"),
    }

    def is_written() -> bool:
        with contextlib.suppress(FileNotFoundError), journal.open() as lines:
            return wanted <= set(read(lines))
        return False

    await until(is_written)
    there.destroy()

    with machine(tmp_path / "second") as new:
        await _restored(new, archive, journal, before)
        new.start()
        await _as_members_see_it(new, people, closed, files, {"stays": stays, "redacted": redacted, "lost": lost})
        ((label,),) = new.rows("synapse", f"SELECT label FROM belisha_item WHERE event_id = '{raised}'")  # noqa: S608
        assert label == "TLP:AMBER"
        assert cora.token, "she signed in anew"
        # The bots go on: an answer to a command that is asked now.
        answers = "SELECT COUNT(*) FROM outbox WHERE state = 'sent'"
        (sent,) = new.rows("bots", answers)
        await ana.say(service, "!profile")
        await until(lambda: new.rows("bots", answers)[0] > sent)
        # And so do backups.
        new.belisha("backup", *ETC)


async def _restored(new: Machine, archive: Path, journal: Path, before: dict[str, set[str]]) -> None:
    etc, lib = new.folder / "etc" / "belisha", new.folder / "var" / "lib" / "belisha"
    restore = ("restore", archive, "--identity", archive.parents[1] / "key", *ETC)
    assert "Both archives are whole" in new.belisha(*restore, "--check")
    # Refusals that change nothing.
    hidden = journal.rename(journal.with_name("elsewhere.jsonl"))  # noqa: ASYNC240 - nothing else runs
    assert "There is no journal of revocations" in new.belisha(*restore, code=1)
    hidden.rename(journal)
    etc.mkdir()
    (etc / "belisha.yaml").touch()
    assert "/etc/belisha is not empty" in new.belisha(*restore, code=1)
    (etc / "belisha.yaml").unlink()
    new.change("bots", "CREATE TABLE poll (id integer)")
    assert "belisha_bots has tables in it" in new.belisha(*restore, code=1)
    new.change("bots", "DROP TABLE poll")
    assert not list(etc.iterdir()) and not (lib / ".restored").exists()

    # Killed when unpacked, when a database is filled, and when Synapse runs; each time nothing else may start it.
    new.killed(lambda: (lib / ".restored").exists(), *restore)
    new.killed(lambda: _has(new, "bots", "poll"), *restore)
    refused = new.belisha("render", "/etc/belisha", "--host", code=1)
    assert "The restore of /etc/belisha has not ended" in refused
    assert "The restore of /etc/belisha has not ended" in new.belisha("backup", *ETC, code=1)
    new.killed(lambda: (etc / "synapse" / "homeserver.yaml").exists(), *restore)
    assert "names: []" in _client_listener((etc / "synapse" / "homeserver.yaml").read_text())
    # The last time out of a bucket, and what a killed one brought goes.
    left = new.folder / "var" / "lib" / ".belisha.fetched" / "left"
    left.parent.mkdir(mode=0o700)
    left.touch()
    with running() as store:
        for one in (archive, archive.with_name(keys_of(archive.name))):
            store.owner.upload_file(str(one), BUCKET, f"belisha/{one.name}")
        known = credentials(archive.parents[1] / "bucket.ini", *store.account(*ALLOWED), store.url)
        store.close_to_strangers()
        address = f"s3://{BUCKET}/belisha/{archive.name}"
        told = new.belisha("restore", address, "--s3-credentials", known, *restore[2:])
    assert not left.parent.exists()
    for words in ("1 files withdrawn", "1 items redacted", "1 labels raised", "What was written after that is lost"):
        assert words in told, told
    assert "is not empty" in new.belisha(*restore, code=1)
    assert "names: []" not in _client_listener((etc / "synapse" / "homeserver.yaml").read_text())
    assert not [one.name for one in lib.iterdir() if one.name.startswith(".")], "no plain text is left"

    # Every event, label, poll, profile and record of the audit log.
    after = state(new)
    for what, were in before.items():
        assert not were - after[what], (what, were - after[what])
    assert not new.rows("synapse", "SELECT 1 FROM access_tokens")
    assert not new.rows("bots", "SELECT 1 FROM portal_session")


async def _as_members_see_it(
    new: Machine, people: dict[str, Client], closed: str, files: list[str], events: dict[str, str]
) -> None:
    ana, cora = people["ana"], people["cora"]
    for client in people.values():
        client.homeserver = new.run["homeserver"]
    assert (await ana.ask("GET", "client/v3/account/whoami"))[0] == 401, "an old session"
    assert [await people[name].sign_in() for name in ("ana", "ben", "cora", "eve")] == [200, 200, 200, 403]
    assert (await cora.content(closed, events["stays"]))["body"].endswith("stays")
    assert "body" not in await cora.content(closed, events["redacted"])

    async def asked(who: str, path: str) -> int:
        return (await people[who].ask("GET", path))[0]

    room = f"client/v3/rooms/{quote(closed)}/event/"
    assert await asked("ben", room + quote(events["stays"])) in (403, 404)
    assert await asked("cora", room + quote(events["lost"])) == 404
    assert [await asked("cora", f"client/v1/media/download/{one}") for one in files] == [200, 404]
    assert new.belisha("audit", "verify", *ETC).endswith("nothing wrong.\n")


def _has(new: Machine, part: str, table: str) -> bool:
    with contextlib.suppress(psycopg2.Error):
        return bool(new.rows(part, f"SELECT 1 FROM pg_tables WHERE tablename = '{table}'"))  # noqa: S608
    return False


def _client_listener(text: str) -> Any:
    return next(line for line in text.splitlines() if "- names:" in line)
