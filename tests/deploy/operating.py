"""What an operator does for the container: the settings and files that they bring, and the playbook."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.deploy.container import THERE, Container, changed
from tests.deploy.hosted import BACKUPS, COUNTS, URLS, text
from tests.deploy.proxied import certificate, trusting
from tests.support.smtp import Mailserver, listening

ROOT = Path(__file__).resolve().parents[2]
#: The mail server, which is this machine; it shows the operator's certificate.
MAIL = "mail.harbour.test"
#: Where mail, backups and the journal of revocations go, below the homeserver's folder.
KEPT = (
    *BACKUPS,
    ("  host: null\n", f"  host: {MAIL}\n"),
    ("  sender: null\n", "  sender: community@harbour.test\n"),
    ("revocations: null", "revocations: revocations.jsonl"),
    ("  continuous_days: 0", "  continuous_days: 7"),
)
SITES = {key: url for key, url in URLS.items() if key != "element"}

#: Both databases, empty and with their owners, as docs/backup.md says; for a shell on the server.
DATABASES_ANEW = """cd /
for part in synapse bots; do
  runuser -u postgres -- dropdb belisha_$part
  runuser -u postgres -- createdb --owner=belisha-$part --encoding=UTF8 --locale=C --template=template0 belisha_$part
  runuser -u postgres -- psql -qc "REVOKE ALL ON DATABASE belisha_$part FROM PUBLIC"
done
"""


class _There(AbstractResolver):
    """Every name leads to one server."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=self._address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


def leading_to(address: str, certificate: Path) -> aiohttp.TCPConnector:
    """What leads a client to a server, whatever name it asks, and trusts one certificate alone."""
    return aiohttp.TCPConnector(resolver=_There(address), ssl=trusting(certificate))


def ansible(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a playbook as an operator does, in the project's folder of them."""
    program = Path(sys.executable).parent / "ansible-playbook"
    environment = os.environ | {"ANSIBLE_FORCE_COLOR": "0", "PATH": f"{program.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        [str(program), *arguments], cwd=ROOT / "ansible", env=environment, capture_output=True, text=True, check=False
    )


def reached(container: Container) -> dict[str, str]:
    """How Ansible reaches a container."""
    return {
        "ansible_host": container.seat.there,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(container.key),
        "ansible_ssh_common_args": " ".join(container.options()[2:]),
        # The next container has the same address: what was opened to this one is not taken for it.
        "ansible_control_path": f"%(directory)s/{container.folder.name}-{os.getpid()}",
    }


class Playbook:
    """The playbook, with the files that an operator brings."""

    def __init__(self, folder: Path, container: Container, release: Path) -> None:
        self.folder = folder
        self._inventory, self.certificate = folder / "hosts.yml", folder / "tls" / "fullchain.pem"
        counts = ((before, before.replace("0", "1")) for before, _ in COUNTS)
        self.write(text(*counts, ("  replicas: 1\n", "  replicas: 2\n"), *KEPT, urls=SITES))
        certificate(folder / "tls", MAIL)
        self.lead_to(container, release)

    def lead_to(self, container: Container, release: Path) -> None:
        """Names the server, and the release for its Debian, in the inventory; there the mail server is known."""
        self._container = container
        trusted = container.root / "usr" / "local" / "share" / "ca-certificates" / "harbour.crt"
        trusted.write_bytes(self.certificate.read_bytes())
        container.ssh(f"update-ca-certificates && echo {container.seat.here} {MAIL} >> /etc/hosts")
        folder = self.folder
        brought = {
            "belisha_configuration": str(folder / "belisha.yaml"),
            "belisha_release": str(release),
            "belisha_certificate": str(self.certificate),
            "belisha_certificate_key": str(folder / "tls" / "privkey.pem"),
            "belisha_element": "",
            "belisha_element_sha256": "",
            "base_update_lists": False,
            # It has no way out: nobody tells it the time, nor where the names lead.
            "base_preflight_but": ["dns", "clock"],
        }
        self._inventory.write_text(json.dumps({"all": {"hosts": {"community": reached(container)}, "vars": brought}}))

    @contextlib.contextmanager
    def mail(self) -> Iterator[Mailserver]:
        """The mail server, at its usual port; it speaks TLS alone."""
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.certificate, self.certificate.with_name("privkey.pem"))
        with listening(Mailserver(465), self._container.seat.here, tls) as server:
            yield server

    def write(self, settings: str) -> None:
        """Changes the settings that the operator brings."""
        self._inventory.with_name("belisha.yaml").write_text(settings)

    def connector(self) -> aiohttp.TCPConnector:
        """What leads a client to the server, and trusts its certificate alone."""
        return leading_to(THERE, self.certificate)

    def run(self, *options: str) -> dict[str, int]:
        """Runs it; gives how many tasks were ok, changed and so on."""
        done = ansible("-i", str(self._inventory), "site.yml", *options)
        if done.returncode:
            there = self._container.ssh("journalctl --lines=30; tail -n 20 /var/log/postgresql/*.log", check=False)
            raise AssertionError(done.stdout[-4000:] + done.stderr[-2000:] + there)
        return changed(done.stdout)
