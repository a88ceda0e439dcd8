"""What `belisha preflight` says: each check of a real thing, once well and once not, with its remedy."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from belisha.cli.main import main
from belisha.cli.readiness import CHECKS, machine, mail
from belisha.host import FURTHER_BOTS
from belisha.settings import Mail
from tests.deploy import hosted
from tests.support.server import free_ports


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost`, its own authority, with the key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run([*command.split(), *more], check=True, capture_output=True)
    return folder / "cert"


def _is_right(_server: object, _session: object, _envelope: object, _how: str, given: Any) -> AuthResult:
    assert isinstance(given, LoginPassword)
    return AuthResult(success=given.password == b"right", handled=False)


@contextmanager
def smtp(tls: str, certificate: Path | None = None) -> Iterator[int]:
    """A mail server that asks for a user; the port."""
    (port,) = free_ports(1)
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_name("key"))
    given = {"ssl_context": context} if tls == "tls" else {"tls_context": context}
    signs_in = {"authenticator": _is_right, "auth_require_tls": False}
    controller = Controller(object(), hostname="127.0.0.1", port=port, **given, **signs_in)
    if tls == "tls":  # the controller would ask it without trusting its certificate
        controller._trigger_server = lambda: socket.create_connection(("127.0.0.1", port)).close()
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def said(port: int, tls: str, folder: Path, **more: Any) -> str:
    settings = Mail.model_validate({"host": "localhost", "port": port, "tls": tls, "sender": "bots@reef.test", **more})
    found = mail.look(settings, folder, patience=30)
    assert all(one.is_in_the_way and one.remedy for one in found)
    return " ".join(map(str, found))


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_mail_goes_over_tls_that_can_be_believed_and_with_the_right_password(
    tls: str, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("right\n")
    with smtp(tls, certificate) as port:
        assert "shows a certificate that does not hold" in said(port, tls, tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert said(port, tls, tmp_path) == ""
        account = {"user": "bots", "password_file": "password"}
        assert said(port, tls, tmp_path, **account) == ""
        (tmp_path / "password").write_text("wrong\n")
        refused = said(port, tls, tmp_path, **account)
        assert "does not let bots in" in refused and "wrong" not in refused
        (tmp_path / "password").unlink()
        assert "cannot be read" in said(port, tls, tmp_path, **account)


def test_mail_without_tls_and_a_server_that_is_not_there(tmp_path: Path) -> None:
    with smtp("none") as port:
        assert "offers no STARTTLS" in said(port, "starttls", tmp_path)
        assert "does not speak TLS there" in said(port, "tls", tmp_path)
    assert "does not answer (Connection refused)" in said(port, "tls", tmp_path)
    (none,) = mail.look(Mail(), tmp_path)
    assert "No mail server is named" in str(none) and not none.is_in_the_way


def test_names_lead_here() -> None:
    assert machine.names(["localhost"]) == []
    (nowhere,) = machine.names(["nowhere.invalid"])
    assert "leads nowhere" in str(nowhere) and nowhere.is_in_the_way
    (elsewhere,) = machine.names(["192.0.2.1"])
    assert "no address of this machine" in str(elsewhere) and not elsewhere.is_in_the_way


def test_ports_are_free_or_this_servers_own(tmp_path: Path) -> None:
    with smtp("none") as port:
        (found,) = machine.ports((), (port,), tmp_path)
        assert f"Port {port} is taken" in str(found) and "ss -ltnp" in found.remedy
        (tmp_path / "run.json").write_text(json.dumps({"service_manager": "systemd"}))
        assert machine.ports((), (port,), tmp_path) == []
    assert machine.ports((), (port,), tmp_path / "none") == []


def test_a_port_that_nginx_has_already_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        (found,) = machine.ports((port,), (), tmp_path / "none")
        assert f"Port {port} is taken" in str(found)
        assert f":{port}" in machine._holders(port)
        monkeypatch.setattr(machine, "_holders", lambda port: f'LISTEN 0 511 *:{port} users:(("nginx",pid=1,fd=6))')
        assert machine.ports((port,), (), tmp_path / "none") == []
        assert machine.ports((), (port,), tmp_path / "none") != [], "a service of ours does not share"


def test_there_is_room_for_the_community_and_its_backups(tmp_path: Path) -> None:
    within, much = tmp_path / "not" / "there", 1 << 62
    assert machine.room(within, str(tmp_path), 1, 1) == []
    (state,) = machine.room(within, str(tmp_path), much, 1)
    (backups,) = machine.room(within, str(tmp_path), 1, much)
    assert "GB are needed" in str(state) and "Make room" in state.remedy and "backup.keep" in backups.remedy
    (missing,) = machine.room(within, str(within), 1, 1)
    assert "is not there. Mount or make it." in str(missing)


@pytest.mark.parametrize(("told", "in_the_way"), [("yes", None), ("no", True), ("", False)])
def test_somebody_sets_the_clock(told: str, in_the_way: bool | None) -> None:
    found = machine.clock(("echo", told))
    assert [one.is_in_the_way for one in found] == ([] if in_the_way is None else [in_the_way])
    assert [one.is_in_the_way for one in machine.clock(("no-such-program",))] == [False]


def test_versions_are_those_that_are_tested(tmp_path: Path) -> None:
    release, postgresql = tmp_path / "os-release", tmp_path / "postgresql"
    for version, name in ((13, "17"), (12, "15")):
        release.write_text(f'ID=debian\nVERSION_ID="{version}"\n')
        (postgresql / name).mkdir(parents=True)
        assert machine.versions(release, postgresql) == []
    (postgresql / "15").rename(postgresql / "13")
    (postgresql / "17").rmdir()
    release.write_text('ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04"\n')
    system, database = machine.versions(release, postgresql)
    assert "runs Ubuntu 24.04. Install Debian 13" in str(system)
    assert "PostgreSQL is of version 13." in str(database)


def test_it_tells_all_and_how_to_go_back_and_ends_with_1_where_something_is_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "belisha.yaml"
    config.write_text(hosted.text())
    command = ["preflight", "--config", str(config)]
    assert main(command) == 1
    told = capsys.readouterr().out
    assert all(words in told for words in CHECKS.values())
    assert "The name matrix.harbour.test leads nowhere. Make an A or AAAA record" in told and "Back: " in told
    assert main([*command, *(part for check in CHECKS if check != "settings" for part in ("--but", check))]) == 0
    told = capsys.readouterr().out
    assert "ok  belisha.yaml is a server's" in told and CHECKS["dns"] not in told
    config.write_text(hosted.text(urls={"portal": hosted.URLS["portal"]}))
    assert main(command) == 1
    assert "public_url is missing" in capsys.readouterr().out
    assert main(["preflight", "--config", str(tmp_path / "none")]) == 1
    assert "is not there" in capsys.readouterr().err


def test_ports_of_the_bots_further_processes_are_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = free_ports(FURTHER_BOTS + 3)[0]
    others = [part for check in CHECKS if check != "ports" for part in ("--but", check)]
    config = tmp_path / "belisha.yaml"
    with socket.create_server(("127.0.0.1", first + FURTHER_BOTS + 1)):
        for changes, said in (((), False), (hosted.REPLICAS, True)):
            config.write_text(hosted.text(*changes))
            main(["preflight", "--config", str(config), "--port", str(first), *others])
            assert (f"Port {first + FURTHER_BOTS + 1} is taken." in capsys.readouterr().out) == said


def test_back_is_the_release_that_runs(tmp_path: Path) -> None:
    assert "nothing of Belisha runs here yet" in machine.rollback(tmp_path / "venv")
    (tmp_path / "releases" / "one").mkdir(parents=True)
    (tmp_path / "venv").symlink_to(tmp_path / "releases" / "one")
    assert f"ln -sfn {tmp_path / 'releases' / 'one'} {tmp_path / 'venv'}" in machine.rollback(tmp_path / "venv")
