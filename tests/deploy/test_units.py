"""The units and the packet filter of `belisha render --host`, judged by systemd and nft themselves, offline."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from belisha.host import Folders
from tests.deploy.hosted import AWAY, BACKUPS, COUNTS, REPLICAS, settings, written

#: `systemd-analyze security` gives 0 (best) to 10; ten times that is its threshold.
MOST_EXPOSED = 25
UNITS = (
    "belisha-synapse",
    "belisha-synapse@",
    "belisha-bots",
    "belisha-bots@",
    "belisha-element",
    "belisha-redis",
    "belisha-backup",
    "belisha-wal@",
    "belisha-base",
    "belisha-wal-watch",
)
#: The accounts that the packet filter holds back; Redis has no network at all.
ACCOUNTS = ("belisha-synapse", "belisha-bots", "belisha-element")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("host")
    program = folder / "venv"
    (program / "bin").mkdir(parents=True)
    (program / "bin" / "python").symlink_to("/bin/true")
    yield (
        written(
            folder,
            of=settings(*COUNTS, *REPLICAS, *BACKUPS, ("  continuous_days: 0", "  continuous_days: 7")),
            folders=Folders(program=program),
        )
        / "host"
    )


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_well_written_and_hardly_exposed(host: Path, unit: str) -> None:
    path = host / f"{unit}.service"
    verified = _run("systemd-analyze", "verify", "--man=no", path)
    assert verified.returncode == 0 and unit not in verified.stderr, verified.stderr
    judged = _run("systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", path)
    assert judged.returncode == 0, judged.stdout
    assert float(re.findall(r"exposure level for \S+: ([0-9.]+)", judged.stdout)[0]) <= MOST_EXPOSED / 10


@pytest.mark.parametrize("unit", UNITS)
def test_the_judgement_would_notice_what_is_taken_out(host: Path, unit: str, tmp_path: Path) -> None:
    weaker = tmp_path / f"{unit}.service"
    lines = (host / f"{unit}.service").read_text().splitlines()
    weaker.write_text("\n".join(line for line in lines if not re.match(r"Protect|SystemCallFilter|Capability", line)))
    judged = _run("systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", weaker)
    assert judged.returncode == 1, judged.stdout


def test_the_unit_of_backups_to_a_bucket_is_hardly_exposed_either(host: Path, tmp_path: Path) -> None:
    path = written(tmp_path, of=settings(*AWAY), folders=Folders(program=host.parent / "venv")) / "host"
    judged = _run(
        "systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", path / "belisha-backup.service"
    )
    assert judged.returncode == 0, judged.stdout


def test_what_hangs_is_ended_and_what_it_had_in_memory_is_not_written_down(host: Path) -> None:
    for name in UNITS:
        unit = (host / f"{name}.service").read_text()
        assert "\nLimitCORE=0\n" in unit
        # Ours that run on; Redis says only when it is ready.
        is_watched = "\nRestart=always\n" in unit and name != "belisha-redis"
        assert ("\nWatchdogSec=60\n" in unit and "PYTHONFAULTHANDLER=1" in unit) == is_watched, name
        # So that what a slow machine takes to load a program is no hang.
        assert not is_watched or ("\nType=notify\n" in unit and "\nTimeoutStartSec=300\n" in unit), name


def test_synapse_may_still_shut_its_reader_in(host: Path) -> None:
    """What `synapse_modules/scan/box.py` does has to stay possible: namespaces, limits, no capabilities, a filter."""
    for name in UNITS[:2]:
        unit = (host / f"{name}.service").read_text()
        assert "\nRestrictNamespaces=user net ipc\n" in unit
        assert "\nSystemCallFilter=setrlimit prlimit64 capset seccomp\n" in unit
    for other in UNITS[2:]:
        assert "\nRestrictNamespaces=true\n" in (host / f"{other}.service").read_text()


def test_nft_takes_the_rules_and_only_three_ports_are_open(host: Path, tmp_path: Path) -> None:
    text = (host / "nftables.conf").read_text()
    known = tmp_path / "nftables.conf"
    known.write_text(re.sub(r"skuid belisha-\w+", "skuid root", text))  # this machine has no such accounts
    checked = _run("unshare", "--user", "--map-root-user", "--net", "nft", "--check", "--file", known)
    assert checked.returncode == 0, checked.stderr
    assert re.findall(r"tcp dport (.*) accept", text) == ["{ 22, 80, 443 }"]
    assert "hook input priority filter; policy drop;" in text and "hook forward priority filter; policy drop;" in text
    for unit in ACCOUNTS:
        assert f"meta skuid {unit} counter reject" in text
