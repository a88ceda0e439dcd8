"""The way of the data, held: who may import whom, and that no file carries what belongs to one machine."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Packages that only some parts may know, and those parts.
CLIENTS_AND_DATABASES = {
    "aiohttp",
    "mautrix",
    "nio",
    "sqlalchemy",
    "alembic",
    "aiosqlite",
    "asyncpg",
    "sqlite3",
    "psycopg2",
}
FORBIDDEN = {
    "belisha": {"synapse", "synapse_modules", "bots", "twisted", "mautrix", "nio"},
    "synapse_modules": {"bots", "mautrix", "nio", "aiohttp", "sqlalchemy"},
    "bots": {"synapse", "synapse_modules", "twisted"},
}


def _imports(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_go_one_way(package: str) -> None:
    files = _files(package)
    assert files
    for file in files:
        assert not _imports(file) & FORBIDDEN[package], file


def test_the_core_knows_no_client_and_no_database() -> None:
    for file in _files("belisha"):
        if (ROOT / "belisha" / "cli") not in file.parents:
            assert not _imports(file) & CLIENTS_AND_DATABASES, file


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:  # an unpacked source archive
        return [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return listed.stdout.split("\n")[:-1]


def test_no_link_is_tracked() -> None:
    """A checkout overwrites what is ignored, so a link to somebody's own folder takes the place of everybody's."""
    listed = subprocess.run(["git", "ls-files", "-s"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert not [line for line in listed.splitlines() if line.startswith("120000")]


def test_pins_and_lock_files_name_no_registry() -> None:
    files = [name for name in _tracked() if re.match(r"requirements/.*\.txt$|.*package-lock\.json$", name)]
    assert {"requirements/run.txt", "requirements/test.txt"} < set(files)
    for name in files:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"--(extra-)?index-url|--find-links|pypi\.org|registry\.npmjs|\"resolved\"", text), name


def test_every_requirement_is_pinned_with_its_hashes() -> None:
    for name in ("run.txt", "test.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert len(lines) > 40
        assert all(re.match(r"[a-z0-9.-]+==\S+", line) and "--hash=sha256:" in line for line in lines)


def test_files_stay_small_enough_for_one_job() -> None:
    for package in FORBIDDEN:
        for file in _files(package):
            assert len(file.read_text(encoding="utf-8").splitlines()) <= 400, file
