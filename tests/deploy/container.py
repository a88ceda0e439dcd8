"""A Debian that systemd-nspawn boots with systemd, with a network of its own, to which only this machine leads.

The container has no way out. So the image of one server holds Debian's packages already, and what the playbook does of
`apt` is seen only as "is there"; that of several holds them as apt has fetched them, and the playbook installs
what belongs on each. Images are made once, by debootstrap, and kept in `BELISHA_IMAGE` (by default below ~/.cache).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATIENCE: Final = 120.0
HERE, THERE = "10.231.77.1", "10.231.77.2"
NAME: Final = "belisha-test"
_BEFORE: Final = "systemd,systemd-sysv,dbus,python3,python3-apt,openssh-server,iproute2,ca-certificates"
_PACKAGES: Final = (
    "postgresql redis-server prometheus prometheus-node-exporter nginx nftables python3-venv openssl curl"
)
_OF_SEVERAL: Final = f"{_PACKAGES} redis-tools postgresql-client pgbouncer stunnel4"
#: The bridge between several, which systemd-nspawn makes, and takes away with the last of them.
ZONE: Final = "belisha"
_NSPAWN: Final = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit")


class NoContainer(Exception):
    """This machine cannot do it; says why, and what to do."""


@dataclass(frozen=True)
class Seat:
    """Where a container is on its network.

    Attributes:
        name: the machine's.
        there: its address.
        here: this machine's, on the same network.
        several: whether others are there too, and its Debian is an empty one.
    """

    name: str = NAME
    there: str = THERE
    here: str = HERE
    several: bool = False

    @property
    def link(self) -> str:
        """This machine's end of the network; the kernel takes 15 characters."""
        return f"vz-{ZONE}" if self.several else f"ve-{self.name}"[:15]


@dataclass
class Container:
    """A running one."""

    folder: Path
    key: Path
    known_hosts: Path
    seat: Seat = Seat()
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        """Its file system."""
        return self.folder / "root"

    def boot(self) -> None:
        """Boots it, and waits until it is up.

        Raises:
            NoContainer: that takes too long.
        """
        network = f"--network-zone={ZONE}" if self.seat.several else "--network-veth"
        with (self.folder / "boot.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_NSPAWN, "--directory", str(self.root), "--boot", network, f"--machine={self.seat.name}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait()

    def end(self, *how: str) -> None:
        """Has it power off, and waits for that."""
        if self.process is None:
            return
        self.ssh(" ".join(("systemctl", *how)), check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(90)
        self.process.kill()
        self.process.wait()
        self.process = None

    def destroy(self) -> None:
        """Has it power off without stopping any service, and deletes its disk."""
        self.end("poweroff", "--force")
        _run("rm", "--recursive", "--force", "--one-file-system", str(self.root))

    def ssh(self, command: str, *, check: bool = True) -> str:
        """Runs a command there, as root; gives what it printed."""
        done = subprocess.run(
            ["ssh", *self.options(), f"root@{self.seat.there}", command], capture_output=True, text=True
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def options(self) -> list[str]:
        """The options of ssh."""
        return ["-i", str(self.key), "-o", f"UserKnownHostsFile={self.known_hosts}", *_SSH]

    def is_up(self) -> bool:
        """Whether systemd has started everything there, and something answers."""
        if _is_there(self.seat.link):
            _run("ip", "address", "replace", f"{self.seat.here}/24", "dev", self.seat.link)
            _run("ip", "link", "set", self.seat.link, "up")
        return self.ssh("systemctl is-system-running", check=False).strip() in ("running", "degraded")

    def wait(self) -> None:
        """Waits until it is up.

        Raises:
            NoContainer: that takes too long.
        """
        deadline = time.monotonic() + PATIENCE
        while not self.is_up():
            if time.monotonic() > deadline:
                raise NoContainer(f"Debian did not boot in systemd-nspawn within {PATIENCE:.0f} seconds.")
            time.sleep(0.5)


_SSH: Final = ("-o", "StrictHostKeyChecking=no", "-o", "ConnectTimeout=5", "-o", "LogLevel=ERROR")


@contextmanager
def debian(folder: Path, suite: str, seat: Seat = Seat()) -> Iterator[Container]:
    """Boots a new one, and takes it down in the end. There is one at a time at a seat.

    Raises:
        NoContainer: with the reason.
    """
    if os.geteuid() != 0:
        raise NoContainer("A Debian is booted by root alone. Run this as root, on a machine that is yours.")
    for program, package in (
        ("debootstrap", "debootstrap"),
        ("systemd-nspawn", "systemd-container"),
        ("ssh", "openssh-client"),
    ):
        if shutil.which(program) is None:
            raise NoContainer(f"{program} is missing. On Debian: apt-get install {package}")
    folder.mkdir(exist_ok=True)
    container = Container(folder, folder / "key", folder / "known_hosts", seat)
    image = _image(suite, empty=seat.several)
    try:
        _run("cp", "--archive", "--reflink=auto", str(image), str(container.root))
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(container.key))
        _let_in(container)
        container.boot()
        yield container
    finally:
        container.destroy()


@contextmanager
def debians(folder: Path, addresses: Mapping[str, str], here: str, suite: str = "trixie") -> Iterator[list[Container]]:
    """Boots several empty ones on one network, by their names, and takes all of it down in the end.

    Raises:
        NoContainer: with the reason.
    """
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        stack.callback(_without_bridge)
        seats = [Seat(f"belisha-{name}", there, here, several=True) for name, there in addresses.items()]
        yield [stack.enter_context(debian(folder / seat.name, suite, seat)) for seat in seats]


def _without_bridge() -> None:
    """One that was killed leaves it."""
    link = Seat(several=True).link
    if _is_there(link):
        _run("ip", "link", "delete", link)


def _is_there(link: str) -> bool:
    return subprocess.run(["ip", "link", "show", link], capture_output=True, check=False).returncode == 0


def _image(suite: str, *, empty: bool) -> Path:
    """The image, made where it is not there yet. In an empty one apt keeps the packages as it has fetched them."""
    home = Path(os.environ.get("BELISHA_IMAGE", Path.home() / ".cache" / "belisha"))
    image = home / (f"{suite}-empty-1" if empty else f"{suite}-3")
    if not image.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f"{suite}-{os.getpid()}"
        _run("debootstrap", "--variant=minbase", f"--include={_BEFORE}", suite, str(draft))
        wanted = f"--download-only {_OF_SEVERAL}" if empty else _PACKAGES
        within = (
            "export DEBIAN_FRONTEND=noninteractive; printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; "
            "chmod +x /usr/sbin/policy-rc.d; apt-get -qq update; "
            f"apt-get -qq install --yes --no-install-recommends {wanted} > /dev/null; rm /usr/sbin/policy-rc.d; "
            "systemctl enable systemd-networkd"
        )
        _run(*_NSPAWN, "--directory", str(draft), "--resolv-conf=copy-host", "--pipe", "sh", "-ec", within)
        draft.rename(image)
    return image


def _let_in(container: Container) -> None:
    root, key = container.root, container.key.with_suffix(".pub")
    ssh = root / "root" / ".ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "authorized_keys").write_text(key.read_text())
    network = root / "etc" / "systemd" / "network" / "10-host0.network"
    network.write_text(f"[Match]\nName=host0\n[Network]\nAddress={container.seat.there}/24\n")
    network.chmod(0o644)


def _run(*command: str) -> None:
    # Debian's own scripts make files for everybody, whoever started the tests.
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, umask=0o022)
    if done.returncode != 0:
        raise NoContainer(f"{' '.join(command[:4])} failed: {(done.stdout + done.stderr)[-600:]}")


def changed(recap: str) -> dict[str, int]:
    """The numbers of Ansible's last lines, of all hosts together."""
    found: dict[str, int] = {}
    for name, number in re.findall(r"(\w+)=(\d+)", recap.rpartition("PLAY RECAP")[2]):
        found[name] = found.get(name, 0) + int(number)
    return found
