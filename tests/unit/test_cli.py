"""The command line: commands are found, failures are one line with a remedy and an exit code."""

import asyncio
import json
import os
import socket
import sys
from collections import deque
from pathlib import Path

import pytest

from belisha.cli import child, data_folder, detach, leftovers, ports, preflight
from belisha.cli.child import last_line
from belisha.cli.errors import CommandError
from belisha.cli.first_run import readable_password
from belisha.cli.main import commands, main
from belisha.cli.progress import Pipe, Plain
from belisha.cli.run_loop import until_stopped
from belisha.cli.supervisor import Running
from belisha.cli.up import how_to_use
from belisha.render import Place
from belisha.resources import shipped
from belisha.settings import load
from tests.support.patience import until
from tests.support.server import free_ports


def test_render_writes_and_prints_paths_not_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", str(tmp_path), "--port", "9100"]) == 0
    printed = capsys.readouterr().out
    assert str(tmp_path / "rendered" / "homeserver.yaml") in printed
    for secret in (tmp_path / "secrets").iterdir():
        assert secret.read_text().strip() not in printed
    assert "port: 9100" in (tmp_path / "rendered" / "homeserver.yaml").read_text()
    assert "port: 9102" in (tmp_path / "rendered" / "bots.yaml").read_text()


def test_broken_settings_stop_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "belisha.yaml"
    config.write_text("server_name: [")
    assert main(["render", str(tmp_path / "data"), "--config", str(config)]) == 1
    assert capsys.readouterr().err.startswith(f"belisha: {config} has a mistake: line 1: this is not YAML")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("extra", [[], ["--detach"]])
def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str]) -> None:
    with socket.socket() as other:
        (port, _the_portals) = free_ports(2)
        other.bind(("127.0.0.1", port))
        other.listen(1)
        assert main(["up", "--data", str(tmp_path), "--port", str(port), *extra]) == 1
    said = capsys.readouterr().err
    assert f"belisha: Port {port} is taken by another program. Choose another: --port " in said


def test_a_folder_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_folder.create(tmp_path)
    with data_folder.locked(tmp_path):
        assert main(["up", "--data", str(tmp_path)]) == 1
        assert main(["render", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("is in use by another run") == 2


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
def test_another_python(
    version: tuple[int, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    with pytest.raises(SystemExit) as stopped:
        preflight.python_version()
    assert stopped.value.code == 1
    assert f"this is {version[0]}.{version[1]}. Install one" in capsys.readouterr().err


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "synapse" else object())
    with pytest.raises(CommandError, match="synapse cannot be found"):
        preflight.packages()


def test_commands_are_found_and_documented(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"up", "down", "render", "organisation", "member"} <= set(commands())
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in commands())


@pytest.mark.parametrize("arguments", [[], ["uup"], ["up", "--port", "0"], ["up", "--port", "65535"], ["render"]])
def test_what_is_not_understood(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: belisha" in capsys.readouterr().err


def test_down_where_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"Nothing runs in {tmp_path}.\n"


def test_a_registry_command_where_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["member", "list", "--data", str(tmp_path)]) == 1
    assert f"Nothing runs in {tmp_path}. Start it first: " in capsys.readouterr().err


def test_the_supervisor_imports_nothing_heavy() -> None:
    import subprocess

    program = (
        "import sys, belisha.cli.up\n"
        "print([name for name in ('synapse', 'twisted', 'mautrix', 'sqlalchemy', 'aiohttp', 'rich', 'jinja2')"
        " if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed == "[]\n"


def test_free_ports() -> None:
    free = ports.free(None)
    assert ports.is_free(free)
    assert ports.free(free) == free
    assert ports.free(free, free) != free
    assert all(10_000 <= ports.free(None) < 32_000 for _ in range(50)), "none that the kernel gives to connections"


def test_pauses_grow_to_a_minute() -> None:
    assert [child.pause_after(failures) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert child.pause_after(10**6) == 60


def test_the_reason_of_an_end(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert child.ending(1, deque(["Traceback", "ValueError: no", "****"]), log) == (
        "exit code 1; its last line: ValueError: no."
    )
    assert child.ending(-9, deque(), log) == "ended by SIGKILL, without a word."
    log.write_text("first\nlast words\n\n")
    assert child.ending(3, deque(), log) == "exit code 3; its last line: last words."


class _Children:
    """Children of a test, with what they said."""

    def __init__(self, folder: Path, body: str) -> None:
        (folder / "standin.py").write_text(body)
        self.said: list[str] = []
        self.changes = 0
        program = child.Program("The stand-in", child.python("standin"), folder / "standin.log", patience=1.0)
        self.child = child.Child(program, folder, self._change, self.said.append, lambda text: None)

    def _change(self) -> None:
        self.changes += 1


async def test_a_child_that_never_gets_well_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(child, "FIRST_PAUSE", 0.01)
    children = _Children(tmp_path, "raise RuntimeError('no such thing')")
    with pytest.raises(CommandError, match=r"The stand-in does not start: exit code 1; .*RuntimeError: no such thing"):
        await children.child.keep_running()
    assert len(children.said) == 2


async def test_a_child_that_dies_is_started_again_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(child, "FIRST_PAUSE", 0.01)
    children = _Children(tmp_path, "import time; time.sleep(60)")
    children.child.was_well = True
    task = asyncio.create_task(children.child.keep_running())
    seen: set[int | None] = set()
    for _ in range(4):
        await until(lambda: children.child.pid not in seen | {None})
        seen.add(children.child.pid)
        os.kill(children.child.pid or 0, 9)
    await until(lambda: children.child.pid not in seen | {None})
    await children.child.stop()
    await task
    assert children.child.pid is None
    assert len(children.said) == 4
    assert "ended by SIGKILL" in children.said[0]


async def test_a_child_that_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    body = "import signal, time, pathlib\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    children = _Children(tmp_path, body + "pathlib.Path('deaf').touch()\ntime.sleep(60)")
    task = asyncio.create_task(children.child.keep_running())
    await until((tmp_path / "deaf").exists)
    await asyncio.wait_for(children.child.stop(), 10)
    await task
    assert children.child.pid is None


def test_leftovers_are_told_from_strangers(tmp_path: Path) -> None:
    """A number in run.json may belong to somebody else by now: such a process is left alone."""
    data_folder.write_run(tmp_path, {"pids": {"synapse": os.getpid(), "bots": None, "x": "7"}})
    assert leftovers.find(tmp_path) == []
    assert leftovers.stop(tmp_path) == 0


def test_passwords_are_readable_and_random() -> None:
    password = readable_password()
    assert [len(group) for group in password.split("-")] == [5, 5, 5, 5]
    assert not set(password) & set("0O1lI")
    assert password != readable_password()


def test_being_told_to_stop_is_no_failure_and_cleans_up() -> None:
    cleaned = []

    async def command() -> int:
        try:
            os.kill(os.getpid(), 15)
            await asyncio.sleep(60)
        finally:
            os.kill(os.getpid(), 2)  # an impatient Ctrl-C
            await asyncio.sleep(0.05)
            cleaned.append(True)
        return 1

    assert until_stopped(command()) == 0
    assert cleaned


def test_progress_over_a_pipe() -> None:
    ours, its = os.pipe()
    pipe = Pipe(its)
    pipe.step("One")
    pipe.ready("Done [here]")
    pipe.warn("nobody hears this")
    with os.fdopen(ours) as reports:
        assert [json.loads(line) for line in reports] == [["step", "One"], ["ready", "Done [here]"]]


def test_a_background_process_that_dies_tells_why(tmp_path: Path) -> None:
    data = data_folder.create(tmp_path)
    with pytest.raises(CommandError, match=r"The background process ended \(exit code 2\): .*invalid choice"):
        detach.start(["no-such-command"], data, Plain())


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", ""),
        ("one\ntwo\n\n", "two"),
        ('{"level": "INFO", "message": "ready"}\n', "ready"),
        ('{"level": "INFO"}\n', '{"level": "INFO"}'),
        ("[1, 2]\n", "[1, 2]"),
    ],
)
def test_what_the_last_line_of_a_log_says(tmp_path: Path, log: str, said: str) -> None:
    (tmp_path / "log").write_text(log)
    assert last_line(tmp_path / "log") == said


def test_up_says_what_does_not_work(tmp_path: Path) -> None:
    place = Place(tmp_path, 8008, 8010, 8011)
    closed = "Nobody can turn on push notifications. Synapse has no PusherPool.add_or_update_pusher."
    text = how_to_use(
        Running(tmp_path, place, load(shipped("config", "belisha.example.yaml")), (closed,), []), detached=False
    )
    assert [line.strip() for line in text.splitlines() if "Does not work" in line] == [f"Does not work: {closed}"]


def test_a_data_folder_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "--data", ""])
    assert ended.value.code == 2
    assert "the folder has no name; write one, such as ./data" in capsys.readouterr().err
