"""`belisha up` with a real Synapse and the real bots: first run, restarts, and whatever gets killed in between."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.element.releases import archive, saved, sha256
from tests.support.patience import wait_until
from tests.support.server import free_ports

pytestmark = pytest.mark.more


def belisha(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "belisha", *arguments], capture_output=True, text=True, timeout=240, check=False
    )


class Community:
    """A community in a folder of the test's."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port

    def up(self) -> subprocess.CompletedProcess[str]:
        return belisha("up", "--detach", "--data", str(self.data), "--port", str(self.port))

    def down(self) -> subprocess.CompletedProcess[str]:
        return belisha("down", "--data", str(self.data))

    @property
    def run(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "run.json").read_text()))

    def ask(self, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310 - our own address
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def sign_in(self) -> tuple[int, dict[str, Any]]:
        credentials = json.loads((self.data / "first-manager.json").read_text())
        return self.ask(
            "/_matrix/client/v3/login",
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": credentials["user_id"]},
                "password": credentials["password"],
            },
        )


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Community]:
    made = Community(tmp_path_factory.mktemp("up") / "data", free_ports(5)[0])
    started = made.up()
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        yield made
    finally:
        made.down()


def test_the_first_run_makes_what_is_needed_to_sign_in(community: Community) -> None:
    assert (community.data / "first-manager.json").stat().st_mode & 0o777 == 0o600
    status, answer = community.sign_in()
    assert status == 200, answer
    assert answer["user_id"] == "@manager:belisha.localhost"
    listed = belisha("member", "list", "--data", str(community.data))
    assert "@manager:belisha.localhost" in listed.stdout
    assert "manager" in listed.stdout


def test_a_member_is_invited_and_changed_by_commands(community: Community) -> None:
    data = ("--data", str(community.data))
    made = belisha("member", "invite", "--organisation", "host", "--uses", "5", "--expires", "2d", *data)
    assert made.returncode == 0, made.stderr
    token = re.search(r"registration token, write: (\S{24})$", made.stdout, re.MULTILINE)
    ended = re.search(r"uninvite (\w+)`", made.stdout)
    assert token and ended and community.run["homeserver"] in made.stdout
    listed = belisha("member", "invitations", *data).stdout
    assert "5 left" in listed and ended[1] in listed and token[1] not in listed
    assert belisha("member", "uninvite", ended[1], *data).returncode == 0
    assert belisha("member", "invitations", *data).stdout == "There is no invitation.\n"
    again = belisha("member", "uninvite", ended[1], *data)
    assert again.returncode == 1 and "There is no invitation" in again.stderr
    for wrong, words in ((("--uses", "0"), "1 to 500"), (("--uses", "2", "--name", "Ada"), "for a single use")):
        refused = belisha("member", "invite", "--organisation", "host", *wrong, *data)
        assert refused.returncode == 1 and words in refused.stderr, refused.stderr
    for name in ("Ada", "Ada Byron"):
        added = belisha("member", "add", "ada", "--name", name, "--organisation", "host", *data)
        assert added.returncode == 0, added.stderr
    assert added.stdout == "@ada:belisha.localhost: changed: name Ada → Ada Byron\n"
    alike = belisha("member", "add", "eve", "--name", "Ada  Вyrоn", "--organisation", "host", *data)
    assert alike.returncode == 1 and "script" in alike.stderr
    alike = belisha("member", "add", "eve", "--name", "ADA BYR0N", "--organisation", "host", *data)
    assert alike.returncode == 1 and "middle initial" in alike.stderr
    chosen = belisha("member", "direct-chats", "ada", "introductions", *data)
    assert chosen.stdout == "ada: direct chats from who was introduced\n"
    met = belisha("member", "introduce", "ada", "manager", *data)
    assert met.stdout == "ada and manager may write to each other directly\n", met.stderr
    key = belisha("organisation", "add", "Sea.Rescue", "--name", "Sea", "--category", "charity", *data)
    assert key.returncode == 1 and "a-z, 0-9 and “-”" in key.stderr


def test_the_ledger_is_rebuilt_by_a_command(community: Community) -> None:
    done = belisha("ledger", "rebuild", "--data", str(community.data))
    assert done.returncode == 0, done.stderr
    assert "0 were missing, 0 were wrong" in done.stdout


def test_the_run_is_written_down(community: Community) -> None:
    run = community.run
    assert run["homeserver"] == f"http://127.0.0.1:{community.port}"
    assert run["portal"] == f"http://127.0.0.1:{community.port + 1}"
    assert run["ports"]["homeserver"] == community.port
    assert set(run["ports"]) == {"homeserver", "portal", "bots", "metrics"}
    assert all(answers(port) for port in run["ports"].values())
    for pid in (run["pid"], *run["pids"].values()):
        os.kill(pid, 0)


def test_strangers_are_told_nothing(community: Community) -> None:
    """What Synapse's own configuration closes, seen from outside without a token."""
    user = "@manager:belisha.localhost"
    assert community.ask(f"/_matrix/client/v3/profile/{user}")[0] == 401
    assert community.ask("/_matrix/client/v3/publicRooms")[0] == 401
    status, asked = community.ask("/_matrix/client/v3/register", {})
    assert (status, asked["flows"]) == (401, [{"stages": ["m.login.registration_token", "m.login.dummy"]}])
    assert community.ask("/_matrix/client/v3/register?kind=guest", {})[0] == 403
    for name in ("manager", "nobody-at-all"):
        told = community.ask(f"/_matrix/client/v3/register/available?username={name}")
        assert told == (200, {"available": True}), "of every name the same"
    for closed in ("/_matrix/federation/v1/version", "/_matrix/key/v2/server", "/_synapse/metrics"):
        assert community.ask(closed)[0] == 404
    _, well_known = community.ask("/.well-known/matrix/client")
    assert well_known["io.element.e2ee"] == {"default": False, "force_disable": True}


def test_a_second_run_is_refused_with_one_line(community: Community) -> None:
    second = belisha("up", "--data", str(community.data), "--port", str(free_ports(2)[0]))
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "is in use by another run" in second.stderr


def test_another_folder_on_the_same_port_is_refused_with_one_line(community: Community, tmp_path: Path) -> None:
    second = belisha("up", "--data", str(tmp_path), "--port", str(community.port))
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"Port {community.port} is taken" in second.stderr


@pytest.mark.parametrize("name", ["bots", "synapse"])
def test_a_child_that_dies_comes_back(community: Community, name: str) -> None:
    before = community.run["pids"][name]
    os.kill(before, signal.SIGKILL)
    log = community.data / "logs" / "belisha.log"

    def said() -> str:
        return "\n".join(log.read_text().splitlines()[-40:])

    wait_until(lambda: community.run["pids"][name] not in (before, None), why=said)
    wait_until(lambda: all(answers(port) for port in community.run["ports"].values()), why=said)
    assert "stopped: ended by SIGKILL" in log.read_text()


def test_a_killed_supervisor_is_cleaned_up_after(community: Community) -> None:
    before = community.run
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: belisha("member", "list", "--data", str(community.data)).returncode == 1)
    started = community.up()
    assert started.returncode == 0, started.stdout + started.stderr
    assert set(community.run["pids"].values()).isdisjoint(before["pids"].values())


def test_stopping_and_starting_keeps_everything(community: Community) -> None:
    """And serves the Element that was installed meanwhile."""
    secrets = {path.name: path.read_text() for path in (community.data / "secrets").iterdir()}
    credentials = (community.data / "first-manager.json").read_text()
    pids = community.run["pids"].values()
    stopped = community.down()
    assert stopped.returncode == 0
    assert not (community.data / "run.json").exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not answers(community.port)
    assert community.down().stdout == f"Nothing runs in {community.data}.\n"
    release = archive()
    path = str(saved(community.data, release))
    data = ("--data", str(community.data))
    assert belisha("element", "install", path, "--sha256", sha256(release), *data).returncode == 0
    started = community.up()
    assert started.returncode == 0, started.stderr
    element = f"http://127.0.0.1:{community.port + 4}"
    assert f"Sign in      {element}  (Element Web 1.12.3)" in started.stdout
    assert (community.run["element"], "element" in community.run["pids"]) == (element, True)
    for page, words in (("/", 'id="matrixchat"'), ("/config.json", f"http://127.0.0.1:{community.port}")):
        with urllib.request.urlopen(element + page, timeout=120) as response:  # noqa: S310 - our own address
            assert words in response.read().decode()
    assert {path.name: path.read_text() for path in (community.data / "secrets").iterdir()} == secrets
    assert (community.data / "first-manager.json").read_text() == credentials
    assert community.sign_in()[0] == 200


def test_the_doctor_looks_from_outside_too(community: Community) -> None:
    told = belisha("doctor", "--data", str(community.data))
    assert told.returncode == 0, told.stdout + told.stderr
    assert [line[:4] for line in told.stdout.splitlines()] == ["ok  "] * 11, told.stdout
    assert "ok  Element is reached" in told.stdout and "ok  the portal is reached" in told.stdout


def test_this_version_is_tried_on_a_copy_of_what_runs(community: Community) -> None:
    run, files = community.run, {path.name for path in community.data.iterdir()}
    settings = (community.data / "belisha.yaml").read_bytes()
    done = belisha("upgrade", "--check", "--data", str(community.data))
    assert done.returncode == 0 and "Nothing was changed" in done.stdout, done.stdout + done.stderr
    assert re.search(r"Kept +[1-9]\d* messages and other events, [1-9]", done.stdout), done.stdout
    assert community.run == run and community.ask("/_matrix/client/versions")[0] == 200, "it goes on"
    assert {path.name for path in community.data.iterdir()} == files, "no copy is left"
    assert (community.data / "belisha.yaml").read_bytes() == settings


def test_nothing_secret_is_in_logs_or_output(community: Community) -> None:
    password = json.loads((community.data / "first-manager.json").read_text())["password"]
    hidden = {password, *(path.read_text().strip() for path in (community.data / "secrets").iterdir())}
    said = "".join(path.read_text(errors="replace") for path in (community.data / "logs").iterdir())
    assert not [secret for secret in hidden if secret in said]
