"""Who is asked about uploads, what they answer, and what follows (rules F1, X1); with a real clamd and real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from belisha.policy.screening import MALWARE, NOT_ACCEPTED, NOT_SCANNED, TOO_LARGE, decide_upload
from belisha.screening import Known, Scan, TcpSocket, answer_of, chunk, clamd_socket, question, read_list, reply_of
from synapse_modules.screening.clamd import Clamd
from synapse_modules.screening.known_list import KnownList
from synapse_modules.screening.matcher import Matcher, Unreachable
from synapse_modules.screening.screener import Rules, Screener
from tests.support import clamav, matching

HASHES = [hashlib.sha256(bytes([number])).hexdigest() for number in range(3)]


# --- Decisions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known", "scan", "required"), list(itertools.product(Known, Scan, (True, False))))
def test_every_upload_is_decided_about(known: Known, scan: Scan, required: bool) -> None:
    """Nothing that could not be asked passes, but what `best_effort` lets pass: a scanner that does not answer."""
    decision = decide_upload(known, scan, required=required)
    is_unscanned = scan in (Scan.UNREACHABLE, Scan.TOO_LARGE)
    assert decision.allowed == (
        known is Known.NO and (scan in (Scan.OFF, Scan.CLEAN) or (is_unscanned and not required))
    )
    if known in (Known.BY_LIST, Known.BY_MATCHER):
        assert decision == NOT_ACCEPTED, "and not which of them knows it"
    elif known is Known.UNREACHABLE:
        assert decision == NOT_SCANNED
    elif scan is Scan.MALWARE:
        assert decision == MALWARE
    elif not decision.allowed:
        assert decision == (TOO_LARGE if scan is Scan.TOO_LARGE else NOT_SCANNED)


# --- ClamAV -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "scan"),
    [
        (b"stream: OK\0", Scan.CLEAN),
        (b"stream: Eicar-Signature FOUND\0", Scan.MALWARE),
        (b"stream: OK FOUND\0", Scan.MALWARE),
        (b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", Scan.TOO_LARGE),
        (b"stream: Heuristics.Phishing.Email FOUND\0", Scan.MALWARE),
        (b"INSTREAM size limit exceeded. ERROR\0", Scan.TOO_LARGE),
        (b"stream: OK", Scan.UNREACHABLE),
        (b"", Scan.UNREACHABLE),
        (b"\0", Scan.UNREACHABLE),
        (b"stream: okay\0", Scan.UNREACHABLE),
        (b"stream: Can't allocate memory ERROR\0", Scan.UNREACHABLE),
        (b"COMMAND UNAVAILABLE\0", Scan.UNREACHABLE),
        (b"stream: OK\0stream: OK\0", Scan.UNREACHABLE),
    ],
)
def test_only_a_plain_yes_is_one(data: bytes, scan: Scan) -> None:
    assert reply_of(data) is scan


def test_pieces_have_their_length_in_front() -> None:
    assert (chunk(b"tide"), chunk(b"")) == (b"\0\0\0\4tide", b"\0\0\0\0")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("/run/clamav/clamd.ctl", "/run/clamav/clamd.ctl"),
        ("127.0.0.1:3310", TcpSocket("127.0.0.1", 3310)),
        ("[::1]:3310", TcpSocket("::1", 3310)),
        ("localhost:3310", TcpSocket("localhost", 3310)),
    ],
)
def test_where_it_listens(text: str, where: str | TcpSocket) -> None:
    assert clamd_socket(text) == where


@pytest.mark.parametrize(
    "text",
    ["", "clamd.ctl", "10.0.0.1:3310", "clamav:3310", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "/" + "x" * 107,
     "0.0.0.0:3310", "127.0.0.1:²"],
)  # fmt: skip
def test_what_is_no_place_on_this_machine_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        clamd_socket(text)


@pytest.fixture(scope="module")
def scanner() -> Iterator[clamav.Scanner]:
    here = clamav.Scanner()
    here.start()
    try:
        yield here
    finally:
        here.close()


def soon() -> float:
    return time.monotonic() + 20


def test_a_real_scanner(scanner: clamav.Scanner) -> None:
    clamd = Clamd(str(scanner.socket))
    assert clamd.answers()
    assert clamd.scan(io.BytesIO(b"Tides"), soon()) is Scan.CLEAN
    assert clamd.scan(io.BytesIO(b""), soon()) is Scan.CLEAN
    assert clamd.scan(io.BytesIO(clamav.MALWARE), soon()) is Scan.MALWARE
    assert clamd.scan(io.BytesIO(bytes(clamav.LARGEST - 1)), soon()) is Scan.CLEAN
    for size in (clamav.LARGEST + 1, 40 * clamav.LARGEST):  # the second is cut off amid sending
        assert clamd.scan(io.BytesIO(bytes(size)), soon()) is Scan.TOO_LARGE


def test_a_scanner_that_does_not_look_says_so() -> None:
    """With `AlertExceedsMax`, as the operators' page has it set: without, clamd calls such a file clean."""
    here = clamav.Scanner("MaxFileSize 100K\nAlertExceedsMax yes\n")
    here.start()
    try:
        assert Clamd(str(here.socket)).scan(io.BytesIO(bytes(200_000)), soon()) is Scan.TOO_LARGE
        assert Clamd(str(here.socket)).scan(io.BytesIO(bytes(90_000)), soon()) is Scan.CLEAN
    finally:
        here.close()


def test_many_at_once(scanner: clamav.Scanner) -> None:
    clamd, found = Clamd(str(scanner.socket)), []

    def scan(data: bytes) -> None:
        found.append((data, clamd.scan(io.BytesIO(data), soon())))

    threads = [threading.Thread(target=scan, args=(data,)) for data in (b"Tides", clamav.MALWARE) * 20]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {(b"Tides", Scan.CLEAN), (clamav.MALWARE, Scan.MALWARE)} and len(found) == 40


def test_a_scanner_that_hangs_is_given_up(scanner: clamav.Scanner) -> None:
    """Whether it takes nothing more, or takes all and says nothing."""
    scanner.hang()
    try:
        for size in (10, 20 * clamav.LARGEST):
            started = time.monotonic()
            assert Clamd(str(scanner.socket)).scan(io.BytesIO(bytes(size)), started + 0.3) is Scan.UNREACHABLE
            assert time.monotonic() - started >= 0.29
    finally:
        scanner.go_on()
    assert Clamd(str(scanner.socket)).scan(io.BytesIO(b"Tides"), time.monotonic() - 1) is Scan.UNREACHABLE, "too late"


def test_a_scanner_that_is_not_there(tmp_path: Path) -> None:
    for where in (str(tmp_path / "nobody.ctl"), TcpSocket("127.0.0.1", 9)):
        assert Clamd(where).scan(io.BytesIO(b"Tides"), soon()) is Scan.UNREACHABLE
        assert not Clamd(where).answers()


def test_a_scanner_that_says_yes_before_it_has_all_is_believed_nothing_else() -> None:
    """Over TCP, by one who speaks another protocol, and by one who closes at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        where = TcpSocket("127.0.0.1", server.getsockname()[1])
        for said in (b"220 mail.example ESMTP\r\n", b""):

            def serve(said: bytes = said) -> None:
                connection, _ = server.accept()
                with connection:
                    connection.recv(10)
                    connection.sendall(said)

            thread = threading.Thread(target=serve)
            thread.start()
            assert Clamd(where).scan(io.BytesIO(bytes(5_000_000)), soon()) is Scan.UNREACHABLE
            thread.join()


# --- The list -----------------------------------------------------------------------------------------------------


def test_a_broken_line_takes_no_other_with_it() -> None:
    lines = [
        f"{HASHES[0]}\n",
        "# a comment\n",
        "\n",
        f"  {HASHES[1].upper()}  chart.pdf\r\n",
        "not a hash\n",
        HASHES[2][:63],
    ]
    read = read_list(["\ufeff" + lines[0], *lines[1:]])
    assert read.hashes == {bytes.fromhex(HASHES[0]), bytes.fromhex(HASHES[1])}
    assert read.broken == (5, 6)


def test_a_list_is_read_anew_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "known.txt"
    known = KnownList(path)
    with pytest.raises(FileNotFoundError):
        known.holds(bytes.fromhex(HASHES[0]))
    path.write_text(f"{HASHES[0]}\n")
    assert known.holds(bytes.fromhex(HASHES[0])) and not known.holds(bytes.fromhex(HASHES[1]))
    with path.open("a") as more:
        more.write(f"{HASHES[1]}\n")
    assert known.holds(bytes.fromhex(HASHES[1]))
    other = tmp_path / "new.txt"
    other.write_text(f"{HASHES[1]}\n{HASHES[2]}\n")
    os.utime(other, ns=(path.stat().st_mtime_ns,) * 2)
    other.replace(path)
    assert known.holds(bytes.fromhex(HASHES[2])) and not known.holds(bytes.fromhex(HASHES[0]))
    path.unlink()
    with pytest.raises(FileNotFoundError):
        known.holds(bytes.fromhex(HASHES[2]))


# --- The matcher --------------------------------------------------------------------------------------------------


def test_it_is_asked_about_a_hash_and_nothing_else() -> None:
    assert json.loads(question(HASHES[0])) == {"sha256": HASHES[0]}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"true"),
        (200, b'{"known": 0}'),
        (200, b'{"known": null}'),
        (200, b'{"known": "no"}'),
        (200, b"[" * 4000),
        (200, b"\xff"),
        (200, b'{"known": false}' + b" " * 5000),
        (204, b'{"known": false}'),
        (302, b'{"known": false}'),
        (500, b'{"known": false}'),
    ],
)
def test_what_is_no_answer_is_none(status: int, body: bytes) -> None:
    with pytest.raises(ValueError, match="a matcher answers"):
        answer_of(status, body)


Talk = Callable[[Matcher], bool | None]


def _knows(matcher: Matcher) -> bool | None:
    try:
        return matcher.knows(HASHES[0])
    except Unreachable:
        return None


async def test_a_real_matcher() -> None:
    server = matching.MatcherServer()
    await server.start()
    try:
        matcher = Matcher(server.url, matching.SECRET, 20)
        assert await asyncio.to_thread(_knows, matcher) is False
        server.known.add(HASHES[0])
        assert await asyncio.to_thread(_knows, matcher) is True
        asked = len(server.asked)
        assert await asyncio.to_thread(matcher.answers) and len(server.asked) == asked, "it has answered a moment ago"
        assert await asyncio.to_thread(Matcher(server.url, None, 20).answers) and len(server.asked) == asked + 1
        assert await asyncio.to_thread(lambda: matcher.answers(holds=0)) and len(server.asked) == asked + 2
        headers, body = server.asked[0]
        assert headers["Authorization"] == f"Bearer {matching.SECRET}" and json.loads(body) == {"sha256": HASHES[0]}
        for answer in ((503, b'{"known": false}'), (200, b"<html>"), (200, b"x" * 100_000)):
            server.answer = answer
            assert await asyncio.to_thread(_knows, matcher) is None
            assert not await asyncio.to_thread(matcher.answers)
        # A byte each tenth of a second: none is late by itself.
        server.answer, server.pause = None, 0.1
        started = time.monotonic()
        assert await asyncio.to_thread(_knows, Matcher(server.url, None, 0.5)) is None
        assert time.monotonic() - started >= 0.49
        assert "Authorization" not in server.asked[-1][0]
    finally:
        await server.stop()
    assert _knows(Matcher(server.url, None, 5)) is None, "nobody is there"


# --- All of them --------------------------------------------------------------------------------------------------


def test_who_is_not_needed_is_not_asked(tmp_path: Path, scanner: clamav.Scanner) -> None:
    """The list comes first: what is known goes to nobody else; and each problem is a sentence with what to do."""
    path, file = tmp_path / "known.txt", tmp_path / "file"
    file.write_bytes(clamav.MALWARE)
    digest = hashlib.sha256(clamav.MALWARE).hexdigest()
    path.write_text(f"{digest}\n")
    rules = Rules(str(scanner.socket), True, 20, path, "http://127.0.0.1:9/", None, 5)
    screener = Screener(rules)
    assert screener.look(str(file), time.monotonic()) == (Known.BY_LIST, Scan.OFF, digest)
    path.write_text(f"{HASHES[0]}\noops\n")
    assert screener.look(str(file), time.monotonic()) == (Known.UNREACHABLE, Scan.OFF, digest), "the matcher is away"
    first, second = screener.problems(at_once=True)
    assert "files.known.matcher" in first and "uploads are refused" in first
    assert "no SHA-256 hash: line 2 (1 in all). The other 1 hashes hold" in second
    alone = Screener(rules._replace(matcher=None))
    assert alone.look(str(file), time.monotonic()) == (Known.NO, Scan.MALWARE, digest)
    path.write_text("# nothing yet\n")
    assert ["is empty" in one for one in alone.problems(at_once=True)] == [True]
    path.unlink()
    assert alone.look(str(file), time.monotonic()) == (Known.UNREACHABLE, Scan.OFF, digest)
    assert ["cannot be read" in one for one in alone.problems(at_once=True)] == [True]
    away = Screener(Rules(str(tmp_path / "nobody"), False, 5, None, None, None, 5))
    assert ["are scanned as soon as it does" in one for one in away.problems(at_once=True)] == [True]
    assert not Rules(None, False, 5, None, None, None, 5).any and rules.any


def test_a_secret_that_is_no_text_is_named_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    raw = {"clamav": None, "scan": "none", "seconds": 5, "known_list": None, "matcher": "http://127.0.0.1:9/"}
    raw |= {"matcher_secret_file": str(path), "matcher_seconds": 5}
    path.write_bytes(b" quench\n")
    assert Rules.read(raw).matcher_secret == "quench"
    path.write_bytes(b"quench\xff")
    with pytest.raises(ValueError, match="is not UTF-8 text") as caught:
        Rules.read(raw)
    assert str(path) in str(caught.value) and not isinstance(caught.value, UnicodeDecodeError)
    assert caught.value.__suppress_context__, "what that one says holds the bytes"
