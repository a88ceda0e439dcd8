"""The data folder: made, locked by one run, and refused with one line where it cannot be used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from belisha.cli import data_folder
from belisha.cli.errors import CommandError
from belisha.resources import shipped


def test_made_on_the_first_run(tmp_path: Path) -> None:
    data = data_folder.create(tmp_path / "a" / "data")
    assert data.is_absolute()
    assert data.stat().st_mode & 0o777 == 0o700
    assert data_folder.settings(data).server_name == "belisha.localhost"
    assert (data / "belisha.yaml").exists()
    assert data_folder.create(data) == data


def test_own_settings_are_kept(tmp_path: Path) -> None:
    data = data_folder.create(tmp_path)
    data_folder.settings(data)
    path = data / "belisha.yaml"
    path.write_text(path.read_text().replace("Belisha community", "Mine"))
    assert data_folder.settings(data).community.name == "Mine"


def test_broken_settings_give_one_line(tmp_path: Path) -> None:
    (tmp_path / "belisha.yaml").write_text("server_nam: x\n")
    with pytest.raises(CommandError, match=r"has 3 mistakes:\n.*line 1: community: this key is missing"):
        data_folder.settings(tmp_path)
    text = (shipped("config", "belisha.example.yaml")).read_text()
    (tmp_path / "belisha.yaml").write_text(text.replace("calls: false", "calls: 7"))
    with pytest.raises(CommandError) as caught:
        data_folder.settings(tmp_path)
    assert str(caught.value).count("\n") == 0
    assert "line 56: rooms.calls" in str(caught.value)


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(CommandError, match="is a file where a folder has to be"):
        data_folder.create(tmp_path / "data")


def test_a_folder_that_cannot_be_written() -> None:
    # A mode would not do: nothing is closed to root. In /proc nobody can make a folder.
    with pytest.raises(CommandError, match="cannot be written"):
        data_folder.create(Path("/proc/data"))


def test_one_run_at_a_time(tmp_path: Path) -> None:
    data_folder.write_run(tmp_path, {"homeserver": "http://127.0.0.1:8008"})
    program = (
        "import sys; from pathlib import Path; from belisha.cli import data_folder\n"
        "with data_folder.locked(Path(sys.argv[1])): print('locked', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout and other.stdin and other.stdout.readline() == "locked\n"
    assert data_folder.is_locked(tmp_path)
    assert data_folder.holder(tmp_path) == other.pid
    with (
        pytest.raises(CommandError, match=rf"in use by another run \(process {other.pid}\) and serves http"),
        data_folder.locked(tmp_path),
    ):
        pass
    other.kill()  # a killed run leaves no lock behind
    other.wait()
    assert not data_folder.is_locked(tmp_path)
    with data_folder.locked(tmp_path):
        assert data_folder.holder(tmp_path) == os.getpid()
    assert data_folder.holder(tmp_path) is None


def test_a_community_keeps_its_name(tmp_path: Path) -> None:
    data = data_folder.create(tmp_path)
    data_folder.settings(data)
    (data / "homeserver.db").write_text("")
    (data / "rendered" / "homeserver.yaml").write_text("server_name: other.localhost\n")
    with pytest.raises(CommandError, match=r"this folder's members are on other\.localhost"):
        data_folder.settings(data)
    (data / "homeserver.db").unlink()
    assert data_folder.settings(data).server_name == "belisha.localhost"


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_broken_run_file_is_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert data_folder.read_run(tmp_path) == {}
