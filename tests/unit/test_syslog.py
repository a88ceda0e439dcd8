"""The audit log as syslog: each message as RFC 5424 has it, whatever a record holds, and how a collector is refused."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from belisha.audit import Record
from belisha.syslog import framed, message
from synapse_modules.syslog_tls import Collector, NotDeliveredError, deliver
from tests.support.certificates import certified
from tests.support.collector import read

#: Facility and severity of RFC 5424: 10 authorisation, 13 log audit; 4 warning, 5 notice, 6 informational.
PRIORITIES: list[tuple[dict[str, Any], int, int]] = [
    ({"kind": "refusal", "what": "ABOVE_CEILING", "rule": "L3"}, 13, 5),
    ({"kind": "denial", "what": "file", "rule": "F1"}, 13, 5),
    ({"kind": "act", "what": "relabel", "phase": "done"}, 13, 6),
    ({"kind": "act", "what": "relabel", "phase": "intended"}, 13, 6),
    ({"kind": "act", "what": "relabel", "phase": "failed"}, 13, 4),
    ({"kind": "act", "what": "relabel", "phase": "cut short"}, 13, 4),
    ({"kind": "act", "what": "wrong_codes", "phase": "done"}, 13, 4),
    ({"kind": "alert", "what": "malware"}, 13, 4),
    ({"kind": "start", "writer": "main"}, 13, 6),
    ({"kind": "session", "what": "begun"}, 10, 6),
    ({"kind": "session", "what": "ended"}, 10, 6),
    ({"kind": "session", "what": "refused"}, 10, 5),
    ({"kind": "session", "what": "limited"}, 10, 5),
    ({}, 13, 6),
]


def of(entry: str, writer: str = "main") -> str:
    return message(Record(writer, 7, 1_796_047_200, entry, "ab" * 32), "chat.belisha.uk").decode()


@pytest.mark.parametrize(("said", "facility", "severity"), PRIORITIES)
def test_each_kind_has_its_facility_and_severity(said: dict[str, Any], facility: int, severity: int) -> None:
    found = read(of(json.dumps(said)))
    assert (found.facility, found.severity) == (facility, severity)


def test_a_message_is_the_whole_record_and_the_same_each_time() -> None:
    entry = '{"count":2,"kind":"refusal","room":"!r:x","rule":"L3","what":"ABOVE_CEILING","who":"p-1"}'
    assert of(entry) == of(entry) == (
        '<109>1 2026-11-30T14:00:00Z chat.belisha.uk belisha main refusal [belisha@32473 writer="main" number="7"'
        f' seal="{"ab" * 32}" at="1796047200" kind="refusal" what="ABOVE_CEILING" rule="L3" who="p-1" count="2"]'
        f" {entry}"
    )  # fmt: skip
    assert read(of(entry)).record == Record("main", 7, 1_796_047_200, entry, "ab" * 32)


@pytest.mark.parametrize("value", ['a"b', "a]b", "a\\b", '\\"]', "Möwe", "a\nb", "a\0b", "\x7f", "\u2028", ""])
def test_no_value_leaves_its_place(value: str) -> None:
    entry = json.dumps({"kind": value, "what": value})
    found = read(of(entry, writer="client worker\n1"))
    assert found.text == entry and found.process == "client_worker_1"
    assert found.data["what"] == "".join(letter if letter.isprintable() else "_" for letter in value)
    assert all("!" <= letter <= "~" for letter in found.kind) and found.kind


def test_what_cannot_be_read_is_sent_as_it_stands() -> None:
    assert read(of("no JSON")).text == "no JSON"


def test_a_frame_says_how_many_octets_come() -> None:
    assert framed("ü".encode()) == b"2 \xc3\xbc"


# --- Refused collectors ------------------------------------------------------------------------------------------


def tells(to: Collector) -> str:
    with pytest.raises(NotDeliveredError) as caught:
        deliver(to, [b"1 x"])
    return str(caught.value)


def test_what_is_wrong_with_its_files_is_said(tmp_path: Path) -> None:
    _, certificate = certified(tmp_path)
    here = Collector("localhost", 9, certificate)
    assert "gone.pem of audit.syslog.ca cannot be read by Synapse (No such file" in tells(
        here._replace(ca=tmp_path / "gone.pem")
    )
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    assert "empty.pem holds nothing that audit.syslog.ca could be" in tells(here._replace(ca=empty))
    shown = here._replace(certificate=certificate, key=tmp_path / "gone.pem")
    assert "gone.pem of audit.syslog.key cannot be read" in tells(shown)
    assert "certificate could be" in tells(shown._replace(key=certificate))
    assert "cannot be reached (Connection refused). Start it" in tells(shown._replace(key=tmp_path / "key.pem"))
    assert "localhost:9 cannot be reached" in tells(here)
    assert "is not known. Correct audit.syslog.server" in tells(Collector("nobody.invalid", 9, certificate))


def test_it_shows_its_certificate_where_it_is_asked_for_one(tmp_path: Path) -> None:
    """And what was read to its end counts, whether the end is answered or the connection only closed."""
    context, certificate = certified(tmp_path)
    context.verify_mode = context.verify_mode.CERT_REQUIRED
    context.load_verify_locations(certificate)
    for answers in (True, False):
        received: list[bytes] = []
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve(server: socket.socket, received: list[bytes], *, answers: bool) -> None:
                plain, _ = server.accept()
                with plain, context.wrap_socket(plain, server_side=True) as secured:
                    while octets := secured.recv(100):
                        received.append(octets)
                    if answers:
                        secured.unwrap()

            thread = threading.Thread(target=serve, args=(server, received), kwargs={"answers": answers})
            thread.start()
            to = Collector("localhost", server.getsockname()[1], certificate, certificate, tmp_path / "key.pem")
            deliver(to, [b"1 x", b"1 y"])
            thread.join()
        assert b"".join(received) == b"1 x1 y"


@pytest.mark.parametrize("how", ["of another name", "signed by a stranger", "asks for one", "no TLS", "reads nothing"])
def test_no_octet_goes_to_a_collector_that_is_not_the_one(how: str, tmp_path: Path) -> None:
    """And what a collector had not read before it broke off does not count as delivered."""
    (tmp_path / "stranger").mkdir()
    context, certificate = certified(tmp_path, "elsewhere" if how == "of another name" else "localhost")
    _, stranger = certified(tmp_path / "stranger")
    if how == "asks for one":
        context.verify_mode = context.verify_mode.CERT_REQUIRED
        context.load_verify_locations(stranger)
    received = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            plain, _ = server.accept()
            with plain:
                try:
                    if how == "no TLS":
                        plain.sendall(b"Who is there?\r\n")
                        return
                    with context.wrap_socket(plain, server_side=True) as secured:
                        if how == "reads nothing":
                            return  # before anything has come, or with something unread
                        received.append(secured.recv(100))
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        told = tells(Collector("localhost", port, stranger if how == "signed by a stranger" else certificate))
        thread.join()
    assert b"1 x" not in received
    expected = {"of another name": "is not accepted (Hostname mismatch", "signed by a stranger": "is not accepted ("}
    assert expected.get(how, "hangs up (") in told and f"localhost:{port}" in told
