"""The built wheel, installed into an empty environment, holds everything that rendering needs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.more

ROOT = Path(__file__).resolve().parents[2]


def _run(*command: str | Path, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_release_for_a_python_that_belisha_does_not_run_on_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "requirements" / "release", "3.10", tmp_path / "release.tar"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "3.11, 3.12 or 3.13, and 3.10 was asked for" in done.stdout
    assert not list(tmp_path.iterdir())


def test_the_wheel_renders_from_an_empty_environment(tmp_path: Path) -> None:
    _run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"),
        *("--wheel-dir", tmp_path, ROOT),
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("belisha-*.whl")
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    # The wheel's dependencies come from this environment; Belisha itself must not.
    packages = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (packages / "zz-dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = _run(python, "-c", "import belisha; print(belisha.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(packages)
    printed = _run(tmp_path / "empty" / "bin" / "belisha", "render", tmp_path / "data", cwd=tmp_path)
    assert "homeserver.yaml" in printed
    assert (tmp_path / "data" / "rendered" / "homeserver.yaml").stat().st_mode & 0o777 == 0o600
    explained = _run(tmp_path / "empty" / "bin" / "belisha", "explain", "--kind", "open", cwd=tmp_path)
    assert "allow as TLP:GREEN" in explained
