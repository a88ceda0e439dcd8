"""The documentation keeps up with the code: commands, rules, errors, settings, links."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from belisha.cli.main import commands
from belisha.policy.rooms import KINDS, Kind
from belisha.tlp import Label

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
CODE = [file for package in ("belisha", "synapse_modules", "bots") for file in (ROOT / package).rglob("*.py")]
METRIC = re.compile(r'\b(Counter|Gauge|Histogram)\(\s*"(\w+)"')
RULE = re.compile(r'(?:refuse|Decision|allow)\(\s*(?:_REFUSE,\s*)?"([A-Z]\d)"')


def test_every_command_is_in_the_operators_page() -> None:
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    for name in commands():
        assert f"`belisha {name}" in page, name


def test_every_make_target_has_its_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*  ## \S", makefile, re.MULTILINE), target


def test_every_rule_in_the_code_is_in_the_threat_model() -> None:
    rules = {rule for file in CODE for rule in RULE.findall(file.read_text(encoding="utf-8"))}
    assert {"L1", "L3", "L4", "R1", "R2", "R3", "R4", "R5", "M1", "P1"} <= rules
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    for rule in rules | {"L2", "M2", "M3", "X1"}:
        assert f"| {rule} |" in page, rule


def test_the_tests_that_the_threat_model_names_are_there() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[^`]+)`", page))
    assert named
    for name in named:
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.SPACE])
def test_the_members_table_of_rooms_is_that_of_the_code(kind: Kind) -> None:
    page = (ROOT / "docs" / "members.md").read_text(encoding="utf-8")
    starts = {Kind.OPEN: "| open", Kind.CLOSED: "| closed", Kind.NAMED: "| direct chat", Kind.SERVICE: "| your room"}
    (row,) = [line for line in page.splitlines() if line.startswith(starts[kind])]
    default, ceiling = (cell.strip() for cell in row.strip("|").split("|")[2:4])
    assert default == str(KINDS[kind].default).removeprefix("TLP:")
    assert ceiling.partition(";")[0] == str(KINDS[kind].ceiling).removeprefix("TLP:")


def test_every_metric_is_in_the_operators_page() -> None:
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    found = [one for file in CODE for one in METRIC.findall(file.read_text(encoding="utf-8"))]
    assert len(found) >= 14
    for kind, name in found:
        shown = f"{name}_total" if kind == "Counter" else name
        assert len(re.findall(rf"^\| `{shown}(?:{{[a-z, ]+}})?` \| .+ \|$", page, re.MULTILINE)) == 1, shown
    in_the_page = re.findall(r"^\| `(belisha_\w+)", page, re.MULTILINE)
    assert len(in_the_page) == len(found), "the page names no other"


def test_members_read_of_every_label() -> None:
    page = (ROOT / "docs" / "members.md").read_text(encoding="utf-8")
    for label in Label:
        assert f"| {label} |" in page


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page: Path) -> None:
    named = re.findall(r"`((?:belisha|synapse_modules|bots|tests|config|bench)/[\w./-]+)`", page.read_text("utf-8"))
    for target in named:
        assert (ROOT / target).exists(), target


def test_the_two_commands_of_the_readme_work_as_said() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
