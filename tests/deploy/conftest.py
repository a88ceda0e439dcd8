"""A Debian is booted where it is asked for: by `make test-deploy`, which skips nothing, in part by `make test-full`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.container import Container, debian
from tests.deploy.operating import ROOT, Playbook
from tests.support.smtp import Mailserver

#: What is asked for: `all`, the `part` for which there is one kind of Debian, or nothing.
ASKED = os.environ.get("BELISHA_CONTAINER", "")
#: The Debian of the first server, and the Python of each: in `all` it is the older one.
SUITE = "trixie" if ASKED == "part" else "bookworm"
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}

collect_ignore = [] if ASKED else ["test_container.py", "test_container_three.py"]


class Releases:
    """What `make release` packs, for each Python that is asked for; at once, since it is waited for the first alone."""

    def __init__(self, folder: Path) -> None:
        self._making = {
            python: (folder / f"{python}.tar", self._make(python, folder / f"{python}.tar"))
            for python in sorted({PYTHONS[SUITE], PYTHONS["trixie"]})
        }

    @staticmethod
    def _make(python: str, file: Path) -> subprocess.Popen[str]:
        command = ["make", "release", f"FOR={python}", f"RELEASE={file}"]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=0o077,  # of a careful operator, whose files nobody else reads
        )

    def of(self, python: str) -> Path:
        """The one for a Python, as in `3.11`."""
        file, making = self._making[python]
        if making.returncode is None:
            said, _ = making.communicate()
            assert making.returncode == 0, said
        return file

    def end(self) -> None:
        """Ends what is still being packed."""
        for _, making in self._making.values():
            making.terminate()
            making.wait()


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    made = Releases(tmp_path_factory.mktemp("releases"))
    yield made
    made.end()


@pytest.fixture(scope="session")
def container(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A server. The last test that asks for it destroys it."""
    with debian(tmp_path_factory.mktemp("first"), SUITE) as running:
        yield running


@pytest.fixture(scope="session")
def operator(container: Container, releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Playbook:
    """What an operator has before anything is there."""
    return Playbook(tmp_path_factory.mktemp("operator"), container, releases.of(PYTHONS[SUITE]))


@pytest.fixture(scope="session")
def mail(operator: Playbook) -> Iterator[Mailserver]:
    """The mail server that the operator's settings name."""
    with operator.mail() as server:
        yield server


@pytest.fixture(scope="session")
def playbook(operator: Playbook, mail: Mailserver, container: Container) -> Playbook:
    """The playbook, which has founded a community there."""
    container.ssh("install -d -m 0700 /mnt/backups")
    assert operator.run()["changed"] > 10
    return operator
