"""The confined process that reads files: what it finds, what it may not do, and that it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from belisha.inside import Finding, Reason
from belisha.tlp import Label
from bench.scan import slow_page
from synapse_modules.scan.answer import LARGEST, from_line
from synapse_modules.scan.box import Bounds
from synapse_modules.scan.scanner import Scanner
from tests.support.documents import FORMATS, docxs

#: Opens, connects and starts something in place of reading, and says what of it worked.
ATTEMPTS = """
import ctypes, os, socket, sys
from synapse_modules.scan.box import Bounds, close_all_but, confine, leave_network
assert leave_network() == (sys.argv[1] == "1")
close_all_but(1)
confine(Bounds())
def traced(process):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(ctypes.c_long(0x4206), ctypes.c_long(process), None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
def attempt(name, do):
    try:
        do()
    except OSError:
        return
    except MemoryError:
        return
    os.write(1, f"{name} ".encode())
attempt("open", lambda: os.open("/etc/passwd", os.O_RDONLY))
attempt("socket", lambda: socket.socket())
attempt("memory", lambda: bytes(1024**3))
attempt("pipe", os.pipe)
attempt("kill", lambda: os.kill(os.getppid(), 0))
attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19))
attempt("traced", lambda: traced(os.getppid()))
os.write(1, b"end")
"""


@pytest.fixture(scope="module")
def scanner() -> Iterator[Scanner]:
    here = Scanner({"SECRET": None})
    yield here
    here.stop()


def test_it_finds_what_the_reader_finds(scanner: Scanner, tmp_path: Path) -> None:
    """Nothing that reading needs is loaded too late, when nothing can be opened any more."""
    path = tmp_path / "file"
    for make in FORMATS.values():
        for place, data in make("TLP:AMBER").items():
            path.write_bytes(data)
            report = scanner.scan(str(path))
            assert report.finding == Finding(Label.AMBER), place
            assert 0 < report.kib < 200_000
    path.write_bytes(docxs("SECRET")["header"])
    assert scanner.scan(str(path)).finding == Finding(forbidden="SECRET")


def test_several_at_once(scanner: Scanner, tmp_path: Path) -> None:
    found: dict[str, Finding] = {}

    def scan(name: str) -> None:
        (tmp_path / name[4:]).write_bytes(docxs(name)["header"])
        found[name] = scanner.scan(str(tmp_path / name[4:])).finding

    threads = [threading.Thread(target=scan, args=(str(label),)) for label in Label]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {str(label): Finding(label) for label in Label}


@pytest.mark.full
def test_what_takes_too_long_is_killed(tmp_path: Path) -> None:
    (tmp_path / "slow.pdf").write_bytes(slow_page())
    here = Scanner({}, Bounds(processor=2, seconds=4))
    try:
        report = here.scan(str(tmp_path / "slow.pdf"))
        assert report.finding.not_checked in (Reason.TOO_SLOW, Reason.BROKEN)
        assert report.seconds < 30
        (tmp_path / "next.txt").write_text("TLP:RED")
        assert here.scan(str(tmp_path / "next.txt")).finding == Finding(Label.RED)
    finally:
        here.stop()


def test_a_process_that_is_gone_comes_back(scanner: Scanner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("TLP:GREEN")
    scanner.start()
    assert scanner._process is not None
    scanner._process.kill()
    scanner._process.wait()
    assert scanner.scan(str(tmp_path / "file")).finding == Finding(Label.GREEN)


def test_a_reader_that_was_killed_for_another_reads_once_more(
    scanner: Scanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody has read is not damaged: in an open group that would be a lower label than its own."""
    (tmp_path / "file").write_text("TLP:RED")
    read, killed = scanner._all, [b""]
    monkeypatch.setattr(scanner, "_all", lambda answer, most: killed.pop() if killed else read(answer, most))
    assert scanner.scan(str(tmp_path / "file")).finding == Finding(Label.RED)
    killed += [b"", b""]
    assert scanner.scan(str(tmp_path / "file")).finding == Finding(not_checked=Reason.BROKEN), "as often as it reads it"


def test_it_has_no_environment_and_none_of_synapse(scanner: Scanner) -> None:
    scanner.start()
    assert scanner._process is not None
    here = Path(f"/proc/{scanner._process.pid}")
    if os.access(here / "environ", os.R_OK):
        assert (here / "environ").read_bytes().replace(b"LC_CTYPE=C.UTF-8\0", b"") == b""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, synapse_modules.scan.__main__; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert not {"synapse", "twisted"} & set(loaded)


def test_it_can_open_and_reach_nothing(scanner: Scanner) -> None:
    scanner.start()
    has_left = "1" if scanner.has_left_network else "0"
    done = subprocess.run([sys.executable, "-c", ATTEMPTS, has_left], capture_output=True, text=True, check=True)
    assert done.stdout == "end"


def test_the_program_by_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("TLP:RED\n")
    program = [sys.executable, "-m", "synapse_modules.scan"]
    for arguments, given in (([str(tmp_path / "file")], ""), (["-"], "TLP:RED\n")):
        done = subprocess.run([*program, *arguments], input=given, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) | {"kib": 0} == {**Finding(Label.RED).as_json(), "kib": 0}
    done = subprocess.run([*program, str(tmp_path / "none")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be opened" in done.stderr


@pytest.mark.parametrize("line", [b"", b"\n", b"7", b"{}", b"\xff", b"[" * LARGEST])
def test_what_is_no_answer_is_none(line: bytes) -> None:
    """Whatever speaks in the reader's place, the file counts as one that cannot be read."""
    with pytest.raises(ValueError, match=r"."):
        from_line(line)
