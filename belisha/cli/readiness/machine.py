"""What can be seen of this machine: versions, names, ports, disks, clock. Nothing is changed."""

import errno
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from belisha.cli import data_folder
from belisha.cli.readiness import ROOM
from belisha.cli.readiness.finding import Finding
from belisha.settings import Settings

#: The versions of Debian that are tested, and the oldest PostgreSQL among theirs.
DEBIAN: Final = ("12", "13")
POSTGRESQL: Final = 15
#: What has to be free for a backup of a small community, in bytes.
ROOM_FOR_BACKUPS: Final = 1_000_000_000


def versions(release: Path = Path("/etc/os-release"), postgresql: Path = Path("/usr/lib/postgresql")) -> list[Finding]:
    """Whether this is what the tests run on; the command would not have started with another Python."""
    found = []
    try:
        lines = release.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    said = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    if said.get("ID") != "debian" or said.get("VERSION_ID") not in DEBIAN:
        name = said.get("PRETTY_NAME", sys.platform)
        found.append(Finding(f"This machine runs {name}.", "Install Debian 13 (12 works too)."))
    there = [int(one.name) for one in postgresql.glob("*") if one.name.isdecimal()]
    if there and max(there) < POSTGRESQL:
        found.append(
            Finding(
                f"PostgreSQL is of version {max(there)}.",
                f"Bring {POSTGRESQL} or newer: pg_upgradecluster, after a backup.",
            )
        )
    return found


def sites(settings: Settings) -> list[str]:
    """The names that members' clients ask."""
    urls = (settings.public_url, settings.portal.public_url, settings.element.public_url)
    return list(dict.fromkeys(name for url in urls if url and (name := urlsplit(url).hostname)))


def names(wanted: Iterable[str]) -> list[Finding]:
    """Whether each name leads here."""
    found = []
    for name in wanted:
        try:
            addresses = sorted({str(one[4][0]) for one in socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)})
        except OSError:
            found.append(
                Finding(
                    f"The name {name} leads nowhere.", "Make an A or AAAA record for it, with this machine's address."
                )
            )
            continue
        if not any(_is_ours(address) for address in addresses):
            found.append(
                Finding(
                    f"The name {name} leads to {', '.join(addresses)}, which is no address of this machine.",
                    "That is as it should be only where something in front passes on 80 and 443.",
                    is_in_the_way=False,
                )
            )
    return found


def ports(public: Iterable[int], own: Iterable[int], configuration: Path) -> list[Finding]:
    """Whether the ports are free; on a server that is there already, its own services have them.

    Args:
        public: those that nginx takes on all addresses, and may have already.
        own: those of the services, on this machine alone.
        configuration: the server's folder.
    """
    if "service_manager" in data_folder.read_run(configuration):
        return []
    found = []
    for address, port in (*(("", one) for one in public), *(("127.0.0.1", one) for one in own)):
        try:
            with socket.create_server((address, port)):
                continue
        except OSError as error:
            if error.errno == errno.EACCES:
                found.append(
                    Finding(
                        f"Whether port {port} is free is seen by root alone.", "Run this as root.", is_in_the_way=False
                    )
                )
            elif address or "nginx" not in _holders(port):  # the playbook has a running nginx serve the sites
                found.append(
                    Finding(f"Port {port} is taken.", f"Stop what has it: ss -ltnp 'sport = :{port}' says what it is.")
                )
    return found


def _holders(port: int) -> str:
    """Which programs listen at a port, as `ss` tells root."""
    command = ["ss", "--listening", "--tcp", "--numeric", "--processes", "--no-header", f"sport = :{port}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603  ours
    except OSError:
        return ""


def room(state: Path, backups: str | None, wanted: int = ROOM, for_backups: int = ROOM_FOR_BACKUPS) -> list[Finding]:
    """Whether there is room where the community will be, and where its backups go."""
    found = []
    there = next(folder for folder in (state, *state.parents) if folder.is_dir())
    folders = [(there, wanted, "Make room, or give it a larger disk.")]
    if backups is not None:
        folder = Path(backups)
        if folder.is_dir():
            folders.append((folder, for_backups, "Keep fewer backups (backup.keep), or give them a larger disk."))
        else:
            found.append(Finding(f"The folder for backups, {backups}, is not there.", "Mount or make it."))
    for folder, needed, remedy in folders:
        free = shutil.disk_usage(folder).free
        if free < needed:
            said = f"{folder} has {free / 1e9:.1f} GB free, and {needed / 1e9:.1f} GB are needed."
            found.append(Finding(said, remedy))
    return found


def clock(command: Sequence[str] = ("timedatectl", "show", "--property=NTPSynchronized", "--value")) -> list[Finding]:
    """Whether somebody sets the clock: six digits of a second factor hold for half a minute."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603  a test names another
    except OSError:
        said = ""
    if said == "yes":
        return []
    if said == "no":
        return [
            Finding(
                "Nobody sets this machine's clock, so codes of second factors and deadlines will be wrong one day.",
                "Install one who does: apt-get install systemd-timesyncd; then wait a minute.",
            )
        ]
    said = "Whether somebody sets this machine's clock cannot be seen."
    return [Finding(said, "Compare it: timedatectl", is_in_the_way=False)]


def rollback(program: Path) -> str:
    """How one goes back from what comes after this."""
    if not program.is_symlink():
        return (
            "Back: nothing of Belisha runs here yet. What the playbook will have made goes away with\n"
            "  systemctl disable --now 'belisha-*' and the folders /etc/belisha, /var/lib/belisha and /opt/belisha."
        )
    now = program.resolve()
    return (
        f"Back: {now} runs now.\n"
        f"  ln -sfn {now} {program}; systemctl restart belisha-synapse 'belisha-bots*'\n"
        "brings it back as long as the newer one has not changed the databases (its release notes say so); then it is\n"
        "  the backup of before: systemctl start belisha-backup, now, and docs/backup.md, afterwards."
    )


def _is_ours(address: str) -> bool:
    """Whether a socket of this machine can have an address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
