"""The playbook for three servers on three real Debians: twice, once dry; then used over TLS, cut off, killed, rebooted.

`make test-deploy` runs it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.deploy import apart
from tests.deploy.apart import Group, Servers, listening, reaches
from tests.deploy.conftest import Releases
from tests.deploy.container import Container
from tests.deploy.hosted import BACKUP_KEY, URLS
from tests.deploy.moved import BELISHA, ETC
from tests.deploy.operating import DATABASES_ANEW
from tests.deploy.three import ADDRESSES, PARTS
from tests.support.backups import Json
from tests.support.patience import until

#: How long whatever was cut off, killed or started anew may take to be back.
PATIENCE = 120.0
#: What runs on each, and comes back with it.
UNITS = {
    "database": "postgresql@17-main stunnel@belisha prometheus-node-exporter nftables",
    "application": "belisha-synapse belisha-synapse@client1 belisha-synapse@persister1 belisha-redis belisha-bots"
    " pgbouncer stunnel@belisha prometheus-node-exporter nftables belisha-backup.timer",
    "web": "nginx prometheus stunnel@belisha prometheus-node-exporter nftables",
}


@pytest.fixture(scope="module")
def servers(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with apart.founded(tmp_path_factory.mktemp("three"), releases.of("3.13")) as there:
        yield there


@pytest.fixture(scope="module")
async def group(servers: Servers) -> AsyncIterator[Group]:
    """Two members, who write and read through the web server."""
    yield await apart.group(servers)


def test_a_second_run_changes_nothing_nor_would_a_dry_one(servers: Servers) -> None:
    assert servers.play()["changed"] == 0
    assert servers.play("--check", "--diff")["changed"] == 0


def test_each_listens_beyond_itself_where_another_has_to_ask(servers: Servers) -> None:
    ports = servers.application.ssh("cat /etc/belisha/host/ports").split()
    between = {"database": {"5432", "9100"}, "application": set(ports), "web": set()}
    for part, one in zip(PARTS, servers.all, strict=True):
        wanted = {f"{ADDRESSES[part]}:{port}" for port in between[part]} | {"22"}
        assert listening(one) == wanted | ({"80", "443"} if part == "web" else set()), part


def test_the_database_is_reached_by_the_application_alone(servers: Servers) -> None:
    database, application = ADDRESSES["database"], ADDRESSES["application"]
    for address, port in ((database, 5432), (database, 9100), (application, 8008), (application, 9100)):
        with pytest.raises(OSError, match="timed out"):
            socket.create_connection((address, port), 2)
    assert reaches(servers.application, database, 5432) and reaches(servers.web, application, 8008)
    assert not reaches(servers.web, database, 5432)
    assert not reaches(servers.application, database, 9100)
    assert not reaches(servers.database, application, 8008)
    # Where the packet filter lets somebody through, a certificate is asked for.
    plain = f"curl --silent --show-error --insecure https://{application}:8008/_matrix/client/versions 2>&1 || true"
    assert "versions" not in servers.web.ssh(plain)
    direct = (
        f"psql 'host={database} dbname=belisha_synapse user=belisha-synapse sslmode=require' -c 'SELECT 1' 2>&1 || true"
    )
    assert "certificate" in servers.application.ssh(direct)
    other = "cd / && runuser -u belisha-bots -- psql -U {} belisha_synapse -c 'SELECT 1' 2>&1 || true"
    for account in ("belisha-bots", "belisha-synapse"):
        assert "FATAL" in servers.application.ssh(other.format(account))


async def test_members_write_and_read_and_labels_hold(servers: Servers, group: Group) -> None:
    await group.written("first", PATIENCE)
    newest = (await group.read())["chunk"][0]
    assert newest["content"]["body"].endswith("The tide is out.") and newest["sender"] == "@ana:harbour.test"
    status, refused = await group.write("red", "TLP:RED for you alone")
    assert (status, refused["errcode"]) == (403, "ORG.BELISHA.ABOVE_CEILING"), refused
    assert "start a direct chat" in refused["error"]
    status, page = await _page(servers, URLS["portal"])
    assert status == 200 and "<!doctype html>" in page.lower()
    assert (await _page(servers, f"{URLS['']}/_synapse/admin/v1/server_version"))[0] == 404


def test_prometheus_watches_all_three(servers: Servers) -> None:
    wanted = {("synapse", name) for name in ("main", "client1", "persister1")}
    wanted |= {("node", name) for name in ("main", "database", "web")} | {("bots", "main"), ("prometheus", "main")}
    assert servers.targets() == dict.fromkeys(wanted, "up")


def test_a_backup_is_whole_and_a_version_is_tried_on_a_copy(servers: Servers, group: Group) -> None:
    """Both ask the database on the other machine, each account its own."""
    there = servers.application
    there.ssh("systemctl start belisha-backup")
    archive = there.ssh("ls -t /mnt/backups/*Z.tar.age").split()[0]
    there.ssh(f"umask 077; echo {BACKUP_KEY} > /root/backup.key")
    said = there.ssh(f"{BELISHA} restore {archive} --identity /root/backup.key --check 2>&1")
    assert "Both archives are whole" in said, said
    said = there.ssh(f"{BELISHA} upgrade --check {ETC} 2>&1")
    assert "works with a copy of /etc/belisha. Nothing was changed." in said, said


async def test_members_are_told_while_the_database_is_away_and_nothing_is_lost(servers: Servers, group: Group) -> None:
    servers.database.ssh("systemctl stop postgresql")
    assert _is_told(*await group.write("away"))
    assert "<!doctype html>" in (await _page(servers, URLS["portal"]))[1].lower()
    servers.database.ssh("systemctl start postgresql")
    await group.written("away", PATIENCE)
    await group.everything_is_there()


async def test_members_are_told_where_nothing_leads_to_the_database(servers: Servers, group: Group) -> None:
    """No packet is answered any more, as where a cable is drawn: who writes does not wait for ever."""
    servers.application.ssh(_CUT.format(address=ADDRESSES["database"]))
    for _ in range(2):
        async with asyncio.timeout(PATIENCE):
            status, told = await group.write("cut")
        assert status != 504 and _is_told(status, told), (status, told)
    servers.application.ssh("nft delete table inet cut")
    await group.written("cut", PATIENCE)
    await group.everything_is_there()


async def test_an_application_that_is_gone_without_a_word_holds_no_lock(servers: Servers, group: Group) -> None:
    hold = "(echo 'SELECT pg_advisory_lock(77);'; sleep 600) | psql belisha_bots"
    servers.application.ssh(f'systemd-run --quiet --uid=belisha-bots -- sh -c "{hold}"')
    held = 'cd / && runuser -u postgres -- psql -tAc "SELECT count(*) FROM pg_locks WHERE objid = 77" belisha_bots'
    await until(lambda: asyncio.to_thread(lambda: servers.database.ssh(held).strip() == "1"), PATIENCE)
    servers.database.ssh(_CUT.format(address=ADDRESSES["application"]))
    await until(lambda: asyncio.to_thread(lambda: servers.database.ssh(held).strip() == "0"), PATIENCE)
    servers.database.ssh("nft delete table inet cut")
    await group.written("free", PATIENCE)


async def test_members_are_told_while_nothing_leads_to_the_application(servers: Servers, group: Group) -> None:
    servers.application.ssh("systemctl stop stunnel@belisha")
    assert (await group.write("way"))[0] == 502
    servers.application.ssh("systemctl start stunnel@belisha")
    await group.written("way", PATIENCE)
    await group.everything_is_there()


async def test_what_is_killed_comes_back(servers: Servers, group: Group) -> None:
    killed = (
        (servers.database, ("'postgresql@*'", "stunnel@belisha")),
        (servers.application, ("pgbouncer", "stunnel@belisha", "belisha-bots", "belisha-synapse")),
        (servers.web, ("stunnel@belisha", "nginx", "prometheus")),
    )
    for there, units in killed:
        for number, unit in enumerate(units):
            there.ssh(f"systemctl kill --signal=KILL {unit}")
            await group.written(f"killed-{there.seat.name}-{number}", PATIENCE)
    await group.everything_is_there()
    await until(lambda: asyncio.to_thread(lambda: set(servers.targets().values()) == {"up"}), PATIENCE)


@pytest.mark.parametrize("part", PARTS)
async def test_after_a_start_of_a_machine_everything_is_back(servers: Servers, group: Group, part: str) -> None:
    there: Container = getattr(servers, part)
    await asyncio.to_thread(there.end, "poweroff")
    assert (await group.write(f"off-{part}"))[0] != 200
    await asyncio.to_thread(there.boot)
    await group.written(f"off-{part}", PATIENCE)
    units = UNITS[part].split()
    active = f"systemctl is-active {' '.join(units)}"
    await until(
        lambda: asyncio.to_thread(lambda: there.ssh(active, check=False).split() == ["active"] * len(units)), PATIENCE
    )
    assert there.ssh("nft list chain inet belisha input | grep -c 'policy drop'").strip() == "1"
    await group.everything_is_there()
    await until(lambda: asyncio.to_thread(lambda: set(servers.targets().values()) == {"up"}), PATIENCE)


#: What docs/scaling.md says of a restore, by the server on which it is given, in this order.
LOST = (
    ("web", "systemctl stop nginx"),
    (
        "application",
        "systemctl stop 'belisha-bots*' 'belisha-synapse*' belisha-backup.timer pgbouncer && rm -r /etc/belisha"
        " /var/lib/belisha && mkdir /var/lib/belisha",
    ),
    ("database", f"set -e\n{DATABASES_ANEW}"),
    ("application", "systemctl start pgbouncer"),
)


async def test_an_application_that_was_lost_is_restored(servers: Servers, group: Group) -> None:
    there = servers.application
    there.ssh("systemctl start belisha-backup")
    archive = there.ssh("ls -t /mnt/backups/*Z.tar.age").split()[0]
    for part, command in LOST:
        getattr(servers, part).ssh(command)
    restore = f"{BELISHA} restore {archive} --identity /root/backup.key --without-journal {ETC} 2>&1"
    assert "What was written after that is lost" in there.ssh(restore)
    assert servers.play()["changed"] > 0
    for one in (group.writer, group.reader):
        assert (await one.ask("GET", "client/v3/account/whoami"))[0] == 401, "an old session"
        assert await one.sign_in() == 200
    await group.everything_is_there()
    await group.written("restored", PATIENCE)
    assert there.ssh(f"{BELISHA} audit verify {ETC}").endswith("nothing wrong.\n")


def test_after_all_of_that_the_playbook_finds_everything_as_it_should_be(servers: Servers, group: Group) -> None:
    assert servers.play()["changed"] == 0


#: Not one packet from or to an address.
_CUT = (
    "nft add table inet cut"
    " && nft 'add chain inet cut out {{ type filter hook output priority -10; }}'"
    " && nft 'add chain inet cut in {{ type filter hook input priority -10; }}'"
    " && nft add rule inet cut out ip daddr {address} drop"
    " && nft add rule inet cut in ip saddr {address} drop"
)


def _is_told(status: int, told: Json) -> bool:
    """Whether a client hears that it may try again, by Synapse or by the first rule that cannot be asked."""
    refused = status == 403 and told["errcode"] == "ORG.BELISHA.CANNOT_DECIDE" and "Nothing was sent" in told["error"]
    return refused or status >= 500


async def _page(servers: Servers, url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession(connector=servers.connector()) as session, session.get(url) as answer:
        return answer.status, await answer.text()
