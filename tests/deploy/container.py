"""A Debian that systemd-nspawn boots with systemd, with a network of its own, to which only this machine leads.

The image holds Debian's packages already, since the container has no way out: what the playbook does of `apt` is seen
only as "is there". It is made once, by debootstrap, and kept in `BELISHA_IMAGE` (by default below ~/.cache).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
_NSPAWN: Final = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit")


class NoContainer(Exception):
    """This machine cannot do it; says why, and what to do."""


@dataclass
class Container:
    """A running one."""

    folder: Path
    key: Path
    known_hosts: Path
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
        with (self.folder / "boot.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_NSPAWN, "--directory", str(self.root), "--boot", "--network-veth", f"--machine={NAME}"],
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
        done = subprocess.run(["ssh", *self.options(), f"root@{THERE}", command], capture_output=True, text=True)
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def options(self) -> list[str]:
        """The options of ssh."""
        return ["-i", str(self.key), "-o", f"UserKnownHostsFile={self.known_hosts}", *_SSH]

    def is_up(self) -> bool:
        """Whether systemd has started everything there, and something answers."""
        link = subprocess.run(["ip", "link", "show", _link()], capture_output=True, check=False)
        if link.returncode == 0:
            _run("ip", "address", "replace", f"{HERE}/24", "dev", _link())
            _run("ip", "link", "set", _link(), "up")
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
def debian(folder: Path, suite: str = "bookworm") -> Iterator[Container]:
    """Boots a new one, and takes it down in the end. There is one at a time: they have the same address.

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
    container = Container(folder, folder / "key", folder / "known_hosts")
    _run("cp", "--archive", "--reflink=auto", str(_image(suite)), str(container.root))
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(container.key))
    _let_in(container.root, container.key.with_suffix(".pub"))
    try:
        container.boot()
        yield container
    finally:
        container.destroy()


def _link() -> str:
    # The kernel takes 15 characters.
    return f"ve-{NAME}"[:15]


def _image(suite: str) -> Path:
    """The image, made where it is not there yet."""
    home = Path(os.environ.get("BELISHA_IMAGE", Path.home() / ".cache" / "belisha"))
    image = home / f"{suite}-3"
    if not image.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f"{suite}-{os.getpid()}"
        _run("debootstrap", "--variant=minbase", f"--include={_BEFORE}", suite, str(draft))
        within = (
            "export DEBIAN_FRONTEND=noninteractive; printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; "
            "chmod +x /usr/sbin/policy-rc.d; apt-get -qq update; "
            f"apt-get -qq install --yes --no-install-recommends {_PACKAGES} > /dev/null; rm /usr/sbin/policy-rc.d; "
            "systemctl enable systemd-networkd"
        )
        _run(*_NSPAWN, "--directory", str(draft), "--resolv-conf=copy-host", "--pipe", "sh", "-ec", within)
        draft.rename(image)
    return image


def _let_in(root: Path, key: Path) -> None:
    ssh = root / "root" / ".ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "authorized_keys").write_text(key.read_text())
    network = root / "etc" / "systemd" / "network" / "10-host0.network"
    network.write_text(f"[Match]\nName=host0\n[Network]\nAddress={THERE}/24\n")
    network.chmod(0o644)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise NoContainer(f"{' '.join(command[:4])} failed: {(done.stdout + done.stderr)[-600:]}")


def changed(recap: str) -> dict[str, int]:
    """The numbers of Ansible's last line."""
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", recap.splitlines()[-1])}
