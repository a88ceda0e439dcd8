"""The playbook on a real Debian, with a process of each kind: twice, once dry, then used over TLS, killed and rebooted.

`make test-deploy` runs all of it, and begins on the older Debian; `make test-full` a part, on the newer alone.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import nio
import pyotp
import pytest

from tests.deploy import lost, tls
from tests.deploy.conftest import ASKED, PYTHONS, Releases
from tests.deploy.container import HERE, THERE, Container
from tests.deploy.hosted import BACKUP_KEY, URLS, text
from tests.deploy.moved import ETC, asked
from tests.deploy.operating import DATABASES_ANEW, KEPT, SITES, Playbook
from tests.deploy.proxied import NAMES
from tests.support.documents import pdf
from tests.support.patience import until, wait_until
from tests.support.smtp import Mailserver

#: The further processes of Synapse.
WORKERS = tuple(f"belisha-synapse@{kind}1" for kind in ("persister", "media", "client", "sync"))
#: The processes of the bots.
BOTS = ("belisha-bots", "belisha-bots@2")


@pytest.fixture(scope="module")
async def manager(container: Container, playbook: Playbook) -> AsyncIterator[nio.AsyncClient]:
    """The first manager, signed in through nginx with a client that trusts the test's authority alone."""
    credentials = json.loads(container.ssh("cat /etc/belisha/first-manager.json"))
    assert credentials["homeserver"] == URLS[""]
    client = nio.AsyncClient(credentials["homeserver"], credentials["user_id"])
    client.client_session = aiohttp.ClientSession(connector=playbook.connector())
    app = pyotp.parse_uri(credentials["otpauth"])
    assert isinstance(app, pyotp.TOTP)
    assert not isinstance(await client.login(credentials["password"]), nio.LoginResponse), "a second factor is needed"
    answer = await client.login(credentials["password"] + app.now())
    assert isinstance(answer, nio.LoginResponse), answer
    yield client
    await client.close()


async def _ask(client: nio.AsyncClient, method: str, path: str, body: Any = None, url: str = "") -> tuple[int, Any]:
    assert client.client_session
    given = {"data": body} if isinstance(body, bytes) else {"json": body}
    headers = {"Authorization": f"Bearer {client.access_token}", "Content-Type": "application/pdf"}
    if not isinstance(body, bytes):
        del headers["Content-Type"]
    address = (url or client.homeserver) + path
    async with client.client_session.request(method, address, headers=headers, **given) as answer:
        content = await answer.read()
        return answer.status, json.loads(content) if "json" in answer.content_type else content


@pytest.mark.full
def test_a_second_run_changes_nothing(playbook: Playbook) -> None:
    assert playbook.run()["changed"] == 0


def test_nor_would_a_dry_one(playbook: Playbook) -> None:
    assert playbook.run("--check", "--diff")["changed"] == 0


@pytest.mark.full
async def test_a_member_signs_in_and_labels_hold(manager: nio.AsyncClient, container: Container) -> None:
    status, room = await _ask(
        manager, "POST", "/_matrix/client/v3/createRoom", {"preset": "private_chat", "name": "Tides"}
    )
    assert status == 200, room
    send = f"/_matrix/client/v3/rooms/{room['room_id']}/send/m.room.message"
    status, sent = await _ask(manager, "PUT", f"{send}/1", {"msgtype": "m.text", "body": "The tide is out."})
    assert status == 200, sent
    status, event = await _ask(manager, "GET", f"/_matrix/client/v3/rooms/{room['room_id']}/event/{sent['event_id']}")
    assert event["content"]["org.belisha.tlp"]["label"] == "TLP:AMBER"
    # The marker stands in the file alone: the confined process has read it, under the unit's system calls.
    red = pdf(lambda page, _: page.drawString(50, 820, "TLP:RED"))
    status, file = await _ask(manager, "POST", "/_matrix/media/v3/upload?filename=tides.pdf", red)
    assert status == 200, file
    unread = (
        "runuser -u postgres -- psql -tAc 'SELECT count(*) FROM belisha_file WHERE scanned IS NULL' belisha_synapse"
    )
    await until(lambda: container.ssh(f"cd / && {unread}").strip() == "0")
    body = {"msgtype": "m.file", "body": "tides.pdf", "url": file["content_uri"]}
    status, refused = await _ask(manager, "PUT", f"{send}/2", body)
    assert (status, refused["errcode"]) == (403, "ORG.BELISHA.ABOVE_CEILING"), refused


@pytest.mark.full
async def test_the_portal_is_there_and_the_inside_is_not(manager: nio.AsyncClient) -> None:
    status, page = await _ask(manager, "GET", "/", url=URLS["portal"])
    assert status == 200 and b"<!doctype html>" in page.lower()
    for path in ("/_synapse/admin/v1/server_version", "/_synapse/org.belisha/local/v1/members", "/health"):
        assert (await _ask(manager, "GET", path))[0] == 404


@pytest.mark.full
def test_nginx_holds_the_connections_of_a_large_community(container: Container, playbook: Playbook) -> None:
    told = container.ssh("nginx -T 2>&1")
    assert "worker_connections 8192;" in told and "worker_connections 768;" not in told
    limits = container.ssh("cat /proc/$(pgrep --newest --exact nginx)/limits")
    assert re.search(r"Max open files +16384 ", limits), limits


@pytest.mark.full
def test_services_are_apart(container: Container, playbook: Playbook) -> None:
    for path in ("/etc/belisha/secrets", "/etc/belisha/synapse/secrets/signing.key", "/var/lib/belisha/synapse"):
        assert container.ssh(f"runuser -u belisha-bots -- ls {path} 2>&1 || true").endswith("Permission denied\n"), path
    other = container.ssh("cd / && runuser -u belisha-bots -- psql -tAc 'SELECT 1' belisha_synapse 2>&1 || true")
    assert 'permission denied for database "belisha_synapse"' in other
    # Whatever runs as one of them reaches nobody outside, whom root reaches.
    with socket.create_server((HERE, 0)) as outside:
        port = outside.getsockname()[1]
        reach = f"python3 -c 'import socket; socket.create_connection((\"{HERE}\", {port}), 5); print(1)' 2>&1 || true"
        assert container.ssh(reach) == "1\n"
        for account in ("belisha-synapse", "belisha-bots"):
            assert "refused" in container.ssh(f"runuser -u {account} -- {reach}")
    beyond = [line.split()[3] for line in container.ssh("ss --listening --tcp --numeric --no-header").splitlines()]
    assert {one.rpartition(":")[2] for one in beyond if not one.startswith(("127.", "[::1]"))} == {"22", "80", "443"}


@pytest.mark.full
async def test_mail_leaves_over_tls(manager: nio.AsyncClient, container: Container, mail: Mailserver) -> None:
    """To an address of the manager's organisation, when they ask for it in their own room."""
    localpart = manager.user_id.partition(":")[0].removeprefix("@")
    mine = f"FROM belisha_member WHERE localpart = '{localpart}'"
    organisation, room = (
        asked(container, "synapse", f"SELECT {key} {mine}") for key in ("organisation_id", "service_room_id")
    )
    container.ssh(f"belisha organisation set {organisation} --domain harbour.test {ETC}")
    assert (await _ask(manager, "POST", f"/_matrix/client/v3/join/{quote(room)}", {}))[0] == 200
    path = f"/_matrix/client/v3/rooms/{quote(room)}/send/m.room.message/mail"
    status, sent = await _ask(manager, "PUT", path, {"msgtype": "m.text", "body": "!digest mail ada@harbour.test"})
    assert status == 200, sent
    await until(lambda: mail.to("ada@harbour.test") != [])
    assert mail.envelopes[-1] == ("community@harbour.test", ["ada@harbour.test"])


@pytest.mark.full
def test_prometheus_watches_every_process(container: Container, playbook: Playbook) -> None:
    said = json.loads(container.ssh("curl -s 'http://127.0.0.1:8013/api/v1/targets?state=active'"))
    targets = {
        (one["labels"]["job"], one["labels"]["instance"]): one["health"] for one in said["data"]["activeTargets"]
    }
    workers = {name.partition("@")[2] for name in WORKERS}
    wanted = {("synapse", name) for name in (*workers, "main")}
    wanted |= {("bots", "main"), ("bots", "replica2"), ("node", "main"), ("prometheus", "main")}
    assert set(targets) == wanted
    assert set(targets.values()) == {"up"}


@pytest.mark.full
def test_the_first_run_has_made_a_backup_and_prometheus_knows(container: Container, playbook: Playbook) -> None:
    archives = container.ssh("stat --format='%U %a %n' /mnt/backups/*.age").splitlines()
    assert [line.split()[:2] for line in archives] == [["root", "600"]] * 2, archives
    assert container.ssh("systemctl is-active belisha-backup.timer").strip() == "active"
    asked = "curl -s 'http://127.0.0.1:8013/api/v1/query?query=belisha_backup_begun_seconds'"
    found = wait_until(lambda: json.loads(container.ssh(asked))["data"]["result"])
    assert 0 <= time.time() - float(found[0]["value"][1]) < 3600


@pytest.mark.full
def test_any_moment_can_be_restored_and_prometheus_is_told(container: Container, playbook: Playbook) -> None:
    """A base copy is there, PostgreSQL hands over its log, and cannot reach what is kept."""
    assert container.ssh("ls /mnt/backups/continuous/*/base-*.age").strip()
    states = container.ssh("systemctl is-active belisha-wal.socket belisha-base.timer belisha-wal-watch.timer")
    assert states.split() == ["active"] * 3
    waiting = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
    container.ssh("cd / && runuser -u postgres -- psql -qc 'SELECT pg_switch_wal()' > /dev/null")
    wait_until(
        lambda: container.ssh(f'cd / && runuser -u postgres -- psql -tAc "{waiting}"').strip() == "0",
        why=lambda: container.ssh("tail -n 20 /var/log/postgresql/*.log; journalctl -n 20"),
    )
    for command in ("ls /mnt/backups", "cat /mnt/backups/continuous/*/*"):
        assert "Permission denied" in container.ssh(f"runuser -u postgres -- sh -c '{command}' 2>&1 || true")
    for account in ("belisha-synapse", "belisha-bots"):
        reach = "import socket; socket.socket(socket.AF_UNIX).connect('/run/belisha-wal.sock')"
        assert "Permission" in container.ssh(f'runuser -u {account} -- python3 -c "{reach}" 2>&1 || true')
    asked = "curl -s 'http://127.0.0.1:8013/api/v1/query?query=belisha_wal_failing'"
    # It is looked at once a minute.
    wait_until(lambda: [one["value"][1] for one in json.loads(container.ssh(asked))["data"]["result"]] == ["0"])


@pytest.mark.parametrize("host", NAMES[:2])
def test_tls_is_what_testssl_wants(playbook: Playbook, host: str, tmp_path: Path) -> None:
    """No old protocol, no weak cipher, no known weakness; HSTS. Its own authority signs the test's certificate."""
    found = tls.findings(host, THERE, tmp_path)
    for name in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"):
        assert "not offered" in found[name][1], (name, found[name])
    assert found["TLS1_3"][0] == found["HSTS_time"][0] == "OK", found
    wrong = {name: said for name, said in found.items() if said[0] in tls.WRONG and name not in tls.OF_THE_TEST}
    assert not wrong


def test_a_version_is_tried_on_a_copy_by_the_accounts_of_the_server(container: Container, playbook: Playbook) -> None:
    """Each service runs on the copy as its own account; nothing of the copy is left, and the server goes on."""
    before = container.ssh("ls -A /var/lib/belisha")
    said = container.ssh("/opt/belisha/venv/bin/belisha upgrade --check --data /etc/belisha 2>&1")
    assert "works with a copy of /etc/belisha. Nothing was changed." in said, said
    assert container.ssh("ls -A /var/lib/belisha") == before
    assert container.ssh("systemctl is-active belisha-synapse belisha-bots").split() == ["active"] * 2


@pytest.mark.full
async def test_what_is_killed_comes_back(manager: nio.AsyncClient, container: Container) -> None:
    """Each service by itself, and the database under them: what was sent before is there, and members can send."""
    status, room = await _ask(
        manager, "POST", "/_matrix/client/v3/createRoom", {"preset": "private_chat", "name": "Ebb"}
    )
    assert status == 200, room
    path = f"/_matrix/client/v3/rooms/{room['room_id']}"
    killed = (*WORKERS, "belisha-redis", "nginx", *BOTS, "belisha-synapse", "'postgresql@*'")
    for unit in killed:
        before = container.ssh(f"systemctl show --value --property=MainPID {unit}")
        container.ssh(f"systemctl kill --signal=KILL {unit}", check=False)  # an error where one had just gone by itself
        once = f"{path}/send/m.room.message/{quote(unit, safe='')}"
        seen = await until(lambda once=once: _sent(manager, once), why=lambda unit=unit: f"{unit} did not come back")
        assert await _sent(manager, once) == seen, "the same once more is the same event"
        assert container.ssh(f"systemctl show --value --property=MainPID {unit}") != before, f"{unit} was not killed"
    _, said = await _ask(manager, "GET", f"{path}/messages?dir=b&limit=20")
    mine = [one for one in said["chunk"] if one["type"] == "m.room.message" and one["sender"] == manager.user_id]
    assert len(mine) == len(killed)

    async def is_portal_back() -> bool:
        return (await _ask(manager, "GET", "/", url=URLS["portal"]))[0] == 200

    await until(is_portal_back)


@pytest.mark.full
async def test_after_a_start_of_the_machine_everything_is_back(manager: nio.AsyncClient, container: Container) -> None:
    _, joined = await _ask(manager, "GET", "/_matrix/client/v3/joined_rooms")
    await asyncio.to_thread(container.end, "poweroff")
    await asyncio.to_thread(container.boot)
    units = (*WORKERS, *BOTS, "belisha-redis", "belisha-synapse", "nginx", "nftables", "postgresql")
    active = f"systemctl is-active {' '.join(units)}"
    await until(lambda: container.ssh(active, check=False).split() == ["active"] * len(units))
    status, after = await _ask(manager, "GET", "/_matrix/client/v3/joined_rooms")
    assert status == 200 and set(after["joined_rooms"]) == set(joined["joined_rooms"])
    assert container.ssh("nft list chain inet belisha input | grep -c 'policy drop'").strip() == "1"


async def test_fewer_processes_are_stopped_and_messages_go_on(
    playbook: Playbook, manager: nio.AsyncClient, container: Container
) -> None:
    playbook.write(text(("  client: 0\n", "  client: 1\n"), *KEPT, urls=SITES))
    assert playbook.run()["changed"] > 0
    running = container.ssh("systemctl list-units 'belisha-synapse*' --plain --no-legend --state=active")
    assert {line.split()[0] for line in running.splitlines()} == {
        "belisha-synapse.service",
        "belisha-synapse@client1.service",
    }
    bots = container.ssh("systemctl list-units 'belisha-bots*' --plain --no-legend --state=active")
    assert [line.split()[0] for line in bots.splitlines()] == ["belisha-bots.service"]
    status, room = await _ask(
        manager, "POST", "/_matrix/client/v3/createRoom", {"preset": "private_chat", "name": "Flow"}
    )
    assert status == 200, room
    path = f"/_matrix/client/v3/rooms/{room['room_id']}/send/m.room.message/fewer"
    assert await _sent(manager, path)
    assert playbook.run()["changed"] == 0


#: What docs/backup.md says, and that everything is lost.
LOST = f"""
set -e
systemctl stop nginx 'belisha-bots*' 'belisha-synapse*' belisha-backup.timer
cp /var/lib/belisha/synapse/revocations.jsonl /root/revocations.jsonl
rm -r /etc/belisha /var/lib/belisha; mkdir /var/lib/belisha
{DATABASES_ANEW}"""


async def test_a_server_that_was_lost_is_restored(
    playbook: Playbook, manager: nio.AsyncClient, container: Container
) -> None:
    status, room = await _ask(
        manager, "POST", "/_matrix/client/v3/createRoom", {"preset": "private_chat", "name": "Neap"}
    )
    assert status == 200, room
    path = f"/_matrix/client/v3/rooms/{room['room_id']}"
    stays, gone = [await _sent(manager, f"{path}/send/m.room.message/kept{number}") for number in range(2)]
    assert stays and gone
    container.ssh("systemctl start belisha-backup")
    archive = container.ssh("ls -t /mnt/backups/*Z.tar.age").split()[0]
    after = await _sent(manager, f"{path}/send/m.room.message/after")
    moment = container.ssh("date --utc +%Y-%m-%dT%H:%M:%S.%6NZ").strip()
    lost = await _sent(manager, f"{path}/send/m.room.message/lost")
    assert after and lost and (await _ask(manager, "PUT", f"{path}/redact/{quote(gone)}/once", {}))[0] == 200
    journal = "/var/lib/belisha/synapse/revocations.jsonl"
    await until(lambda: gone in container.ssh(f"cat {journal} 2> /dev/null || true"))
    container.ssh("cd / && runuser -u postgres -- psql -qc 'SELECT pg_switch_wal()' > /dev/null")
    ready = (
        "cd / && runuser -u postgres -- sh -c 'ls ~postgres/*/main/pg_wal/archive_status/*.ready 2> /dev/null || true'"
    )
    await until(lambda: container.ssh(ready) == "")
    container.ssh(LOST)
    container.ssh(f"umask 077; echo {BACKUP_KEY} > /root/backup.key")
    restore = (
        f"/opt/belisha/venv/bin/belisha restore {archive} --identity /root/backup.key"
        " --journal /root/revocations.jsonl --data /etc/belisha"
    )
    checked = container.ssh(f"{restore} --at {moment} --check 2>&1")
    assert "can be restored" in checked, checked
    said = container.ssh(f"{restore} --at {moment} 2>&1")
    assert "1 items redacted" in said, said
    assert playbook.run()["changed"] > 0
    status, _ = await _ask(manager, "GET", f"{path}/event/{stays}")
    assert status == 401, "an old session"
    credentials = json.loads(container.ssh("cat /etc/belisha/first-manager.json"))
    app = pyotp.parse_uri(credentials["otpauth"])
    assert isinstance(app, pyotp.TOTP)
    answer = await manager.login(credentials["password"] + app.now())
    assert isinstance(answer, nio.LoginResponse), answer
    assert (await _ask(manager, "GET", f"{path}/event/{stays}"))[1]["content"]["body"].endswith("Still there?")
    assert "body" not in (await _ask(manager, "GET", f"{path}/event/{gone}"))[1]["content"]
    assert (await _ask(manager, "GET", f"{path}/event/{after}"))[1]["content"]["body"].endswith("Still there?")
    assert (await _ask(manager, "GET", f"{path}/event/{lost}"))[0] == 404
    owners = container.ssh("stat --format='%U %a' /var/lib/belisha/synapse /var/lib/belisha/bots /etc/belisha").split(
        "\n"
    )
    assert owners[:3] == ["belisha-synapse 700", "belisha-bots 700", "root 755"]
    assert container.ssh("belisha audit verify --data /etc/belisha").endswith("nothing wrong.\n")
    assert playbook.run()["changed"] == 0


@pytest.mark.full
async def test_a_community_goes_on_on_another_machine_with_nothing_lost_and_nothing_back(
    playbook: Playbook, container: Container, releases: Releases, tmp_path: Path
) -> None:
    release = releases.of(PYTHONS["trixie"])
    await lost.goes_on_on_another(playbook, container, release, tmp_path, again=ASKED == "all")


async def _sent(client: nio.AsyncClient, path: str) -> str | None:
    """The event that a message became; None while it could not be sent."""
    try:
        status, answer = await _ask(client, "PUT", path, {"msgtype": "m.text", "body": "Still there?"})
    except aiohttp.ClientError:
        return None
    return str(answer["event_id"]) if status == 200 else None
