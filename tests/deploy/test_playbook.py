"""The playbook, without a machine: judged by ansible-lint, and each role has what every role has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ANSIBLE = Path(__file__).resolve().parents[2] / "ansible"
BIN = Path(sys.executable).parent
ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir())


def _run(program: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_HOME": str(home), "NO_COLOR": "1"}
    return subprocess.run(
        [str(BIN / program), *arguments], cwd=ANSIBLE, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.full
def test_ansible_lint_finds_nothing_by_its_strictest_profile(tmp_path: Path) -> None:
    judged = _run("ansible-lint", "--offline", "--profile=production", "--strict", "--nocolor", home=tmp_path)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_the_playbook_can_be_read(tmp_path: Path) -> None:
    read = _run("ansible-playbook", "--syntax-check", "site.yml", "three.yml", "restart.yml", home=tmp_path)
    assert read.returncode == 0, read.stdout + read.stderr


@pytest.mark.parametrize("role", ROLES)
def test_a_role_validates_before_it_installs_and_verifies_after(role: str) -> None:
    for file in ("defaults/main.yml", "tasks/main.yml", "tasks/validate.yml", "tasks/install.yml", "tasks/verify.yml"):
        assert (ANSIBLE / "roles" / role / file).is_file(), f"{role}/{file}"
    site, three = ((ANSIBLE / name).read_text() for name in ("site.yml", "three.yml"))
    looked_at = site.partition("loop: [")[2].partition("]")[0].split(", ")
    assert (f"- role: {role}\n" in site and role in looked_at) or role == "link"
    assert f"- role: {role}\n" in three
    validate = (ANSIBLE / "roles" / role / "tasks" / "validate.yml").read_text()
    for module in ("apt", "copy", "file", "user", "systemd_service", "unarchive", "shell"):
        assert f"ansible.builtin.{module}:" not in validate, "validation changes nothing"
    assert "nothing was changed" in validate


def test_the_server_is_looked_at_as_a_whole_before_anything_is_changed() -> None:
    """What `belisha preflight` leaves is nothing, and the play ends where it finds something in the way."""
    first, _, rest = (ANSIBLE / "site.yml").read_text().partition("- name: Build the community\n")
    assert "tasks_from: preflight" in first and "any_errors_fatal: true" in first and "roles:" in rest
    tasks = ANSIBLE / "roles" / "base" / "tasks"
    asking, brought = ((tasks / f"{name}.yml").read_text() for name in ("preflight", "preflight_brought"))
    assert "that: base_told.rc == 0" in asking and "nothing was changed" in asking
    assert brought.partition("\n  always:\n")[2].count("state: absent") == 2


def test_what_the_playbook_says_names_no_secret() -> None:
    tasks = (ANSIBLE / "roles" / "proxy" / "tasks" / "install.yml").read_text()
    bring = tasks.partition("- name: Bring the certificate\n")[2].partition("\n\n")[0]
    assert "no_log: true" in bring and "diff: false" in bring
