"""`bots.yaml`: a mistake stops the start with a sentence that says what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bots.kernel.config import ConfigError, load
from tests.bots.support import write_config
from tests.support.server import ROOT


def test_a_whole_configuration(tmp_path: Path) -> None:
    config = load(write_config(tmp_path, "http://127.0.0.1:8008/", 9000))
    assert config.homeserver == "http://127.0.0.1:8008"
    assert config.user_id(config.bots.steward) == "@belisha_steward:belisha.localhost"
    assert config.as_token() == "the bots' token"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"colour": "red"}, "colour is no setting of the bots"),
        ({"log": {"file": None, "colour": "red"}}, "log.colour is no setting"),
        ({"bots": {"stewrad": "belisha_steward"}}, "bots.stewrad is no setting"),
        ({"bots": {"steward": "Steward"}}, "begins with belisha_"),
        ({"listen": {"host": "0.0.0.0", "port": 9}}, "this machine only: write 127.0.0.1"),  # noqa: S104
        ({"listen": {"host": "127.0.0.1"}}, "listen.port is missing"),
        ({"listen": {"port": 70000}}, "listen.port"),
        ({"homeserver": "localhost:8008"}, "for example http://127.0.0.1:8008"),
        ({"database": "mysql://x"}, "sqlite:////absolute/path/bots.db"),
        ({"server_name": ""}, "server_name"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write_config(tmp_path, "http://127.0.0.1:8008", 9000, **changes))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a list", "a: [", "\x00"])
def test_what_is_no_configuration_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "bots.yaml").write_text(text)
    with pytest.raises(ConfigError, match="belisha render"):
        load(tmp_path / "bots.yaml")
    with pytest.raises(ConfigError, match="belisha render"):
        load(tmp_path / "missing.yaml")


def test_tokens_must_be_there_and_private(tmp_path: Path) -> None:
    config = load(write_config(tmp_path, "http://127.0.0.1:8008", 9000))
    (tmp_path / "as_token").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        config.as_token()
    (tmp_path / "as_token").chmod(0o600)
    (tmp_path / "as_token").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        config.as_token()
    (tmp_path / "as_token").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        config.as_token()


def test_the_program_ends_with_one_line(tmp_path: Path) -> None:
    def run(config: Path) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "bots", "--config", str(config)]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)

    broken = run(write_config(tmp_path, "http://127.0.0.1:8008", 9000, colour="red"))
    assert (broken.returncode, broken.stderr.count("\n")) == (2, 1)
    nowhere = run(write_config(tmp_path, "http://127.0.0.1:8008", 9000, database="sqlite:////proc/nowhere/bots.db"))
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (1, 1)
    assert "cannot be used" in nowhere.stderr
