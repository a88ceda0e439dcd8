"""A community on three servers, each a Debian of its own: what an operator does there, and members who use it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import aiohttp

from tests.deploy.container import Container, changed, debians
from tests.deploy.hosted import BACKUPS, URLS, text
from tests.deploy.moved import BELISHA, ETC, Member
from tests.deploy.operating import SITES, ansible, leading_to, reached
from tests.deploy.proxied import certificate
from tests.deploy.three import ADDRESSES, PARTS
from tests.support.backups import Json

#: A process of Synapse that answers members and one that writes, so that Redis is there too.
SETTINGS: Final = (("  client: 0\n", "  client: 1\n"), ("  persister: 0\n", "  persister: 1\n"), *BACKUPS)
#: This machine's address on their network.
HERE: Final = "10.20.0.254"


class Servers:
    """The three, and the playbook, with the inventory as it is shipped but for where the containers are."""

    def __init__(self, folder: Path, containers: list[Container], release: Path) -> None:
        self.database, self.application, self.web = containers
        self._certificate = folder / "tls" / "fullchain.pem"
        certificate(folder / "tls")
        settings = folder / "belisha.yaml"
        settings.write_text(text(*SETTINGS, urls=SITES))
        hosts = {f"{part}-1": reached(one) for part, one in zip(PARTS, containers, strict=True)}
        brought = {
            "belisha_configuration": str(settings),
            "belisha_release": str(release),
            "belisha_certificate": str(self._certificate),
            "belisha_certificate_key": str(folder / "tls" / "privkey.pem"),
            "link_keys": str(folder / "link-keys"),
            "base_update_lists": False,
            # They have no way out: nobody tells them the time, nor where the names lead.
            "base_preflight_but": ["dns", "clock"],
        }
        self._given = folder / "hosts.json", folder / "brought.json"
        for path, content in zip(self._given, ({"all": {"hosts": hosts}}, brought), strict=True):
            path.write_text(json.dumps(content))

    def play(self, *options: str) -> dict[str, int]:
        """Runs the playbook; gives how many tasks were ok, changed and so on, on all three together."""
        hosts, brought = self._given
        done = ansible("-i", "inventories/three", "-i", str(hosts), "-e", f"@{brought}", "three.yml", *options)
        if done.returncode:
            there = [one.ssh("journalctl --lines=20", check=False) for one in self.all]
            raise AssertionError(done.stdout[-4000:] + done.stderr[-2000:] + "\n".join(there))
        return changed(done.stdout)

    @property
    def all(self) -> tuple[Container, ...]:
        """The three, in the order of the inventory."""
        return self.database, self.application, self.web

    def connector(self) -> aiohttp.TCPConnector:
        """What leads a client to the web server."""
        return leading_to(self.web.seat.there, self._certificate)

    def member(self, name: str, organisation: str) -> Member:
        """Makes a member, by the command line on the application's server."""
        self.application.ssh(f"{BELISHA} member add {name} --name {name.title()} --organisation {organisation} {ETC}")
        written = json.loads(self.application.ssh(f"cat /etc/belisha/passwords/{name}.json"))
        return Member(URLS[""], name, written["password"], self.connector, written["otpauth"])

    def targets(self) -> dict[tuple[str, str], str]:
        """What Prometheus watches, by job and instance, and whether it is up; nothing while it does not answer."""
        said = self.web.ssh("curl --silent --fail 'http://127.0.0.1:8013/api/v1/targets?state=active' || true")
        found = json.loads(said)["data"]["activeTargets"] if said else []
        return {(one["labels"]["job"], one["labels"]["instance"]): one["health"] for one in found}


@contextmanager
def founded(folder: Path, release: Path) -> Iterator[Servers]:
    """Boots three empty Debians, has the playbook make the community, and takes all of it down in the end.

    Raises:
        NoContainer: this machine cannot do it; says why.
    """
    with debians(folder / "machines", ADDRESSES, HERE) as containers:
        servers = Servers(folder, containers, release)
        servers.application.ssh("install -d -m 0700 /mnt/backups")
        assert servers.play()["changed"] > 10
        yield servers


def listening(container: Container) -> set[str]:
    """The ports at which something listens beyond the machine, after the address where it is not all of them."""
    lines = container.ssh("ss --listening --tcp --numeric --no-header").splitlines()
    beyond = [line.split()[3] for line in lines if not line.split()[3].startswith(("127.", "[::1]"))]
    return {one.removeprefix("0.0.0.0:").removeprefix("[::]:") for one in beyond}


def reaches(container: Container, address: str, port: int) -> bool:
    """Whether a connection from there comes about."""
    asked = f"import socket; socket.create_connection(('{address}', {port}), 2)"
    return "Error" not in container.ssh(f'python3 -c "{asked}" 2>&1 || true')


class Group:
    """A group of two members, into which the one writes what the other reads."""

    def __init__(self, writer: Member, reader: Member, room: str) -> None:
        self.writer, self.reader, self.room = writer, reader, room
        self.sent: dict[str, str] = {}

    async def write(self, name: str, text: str = "The tide is out.") -> tuple[int, Json]:
        """Has it written once under a name, however often it is asked; gives the answer, and 0 where there is none."""
        path = f"client/v3/rooms/{quote(self.room)}/send/m.room.message/{name}"
        try:
            status, answer = await self.writer.ask("PUT", path, {"msgtype": "m.text", "body": text})
        except aiohttp.ClientError:
            return 0, {}
        if status == 200:
            assert self.sent.setdefault(name, answer["event_id"]) == answer["event_id"], "the same once more"
        return status, answer

    async def written(self, name: str, patience: float) -> float:
        """Writes until it is taken, as a client does; gives how many seconds that took."""
        began = time.monotonic()
        while (await self.write(name))[0] != 200:
            await asyncio.sleep(0.5)
            assert time.monotonic() < began + patience, f"{name}: nothing is taken after {patience:.0f} s"
        return time.monotonic() - began

    async def read(self) -> Json:
        """What the reader's client shows: the newest first."""
        return await self.reader.done("GET", f"client/v3/rooms/{quote(self.room)}/messages?dir=b&limit=100")

    async def everything_is_there(self) -> None:
        """Asks the reader whether each message that was taken is there, once."""
        said = [one for one in (await self.read())["chunk"] if one["type"] == "m.room.message"]
        found = [one["event_id"] for one in said if one["sender"].startswith(f"@{self.writer.localpart}:")]
        assert sorted(found) == sorted(self.sent.values())


async def group(servers: Servers) -> Group:
    """Makes two organisations with a member each, and their group."""
    people: list[Member] = []
    for name, organisation in (("ana", "alder"), ("cora", "birch")):
        add = f"{BELISHA} organisation add {organisation} --name {organisation.title()} --category charity {ETC}"
        servers.application.ssh(add)
        people.append(servers.member(name, organisation))
        assert await people[-1].sign_in() == 200
    ana, cora = people
    made = await ana.done("POST", "client/v3/createRoom", {"preset": "private_chat", "name": "Tides"})
    room = str(made["room_id"])
    await ana.done("POST", f"client/v3/rooms/{quote(room)}/invite", {"user_id": "@cora:harbour.test"})
    await cora.done("POST", f"client/v3/join/{quote(room)}", {})
    return Group(ana, cora, room)
