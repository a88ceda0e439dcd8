"""Settings of every test: how many examples the property tests try, and on how many processes Synapse runs."""

import contextlib
import gc
import importlib
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import topology

# This machine is shared: a slow example is no failure. The same examples each time, so that what fails is what was
# changed; new ones are looked for by `make soak`.
settings.register_profile("usual", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", settings.get_profile("usual"), derandomize=False, max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))
# Nor is a mail server that needs a while to begin: the one of the tests would have five seconds.
os.environ.setdefault("AIOSMTPD_CONTROLLER_TIMEOUT", "60")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--topology", choices=list(topology.TOPOLOGIES), default="one", help="processes of Synapse")
    parser.addoption("--brief", action="store_true", help="on workers: only where processes have to agree")


def pytest_configure(config: pytest.Config) -> None:
    topology.chosen = config.getoption("topology")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collects without a look for garbage, then or later, among what stays for the whole run."""
    gc.disable()
    try:
        _import_a_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves a file alone of which no test is asked for: to import all takes each process ten seconds."""
    if collection_path.suffix != ".py":
        return None
    return None if _has_something(collection_path, config) else True


#: What is asked for by the Makefile, and the words of which a file has one then.
_WORDS = {
    "(full or more) and not nightly": ("mark.full", "mark.more"),
    "nightly": ("mark.nightly", "sampled("),
}


def _has_something(file: Path, config: pytest.Config) -> bool:
    if not topology.is_needed(file.name, brief=config.getoption("brief")):
        return False
    words = _WORDS.get(config.option.markexpr)
    text = file.read_text(encoding="utf-8") if words else ""
    return words is None or any(word in text for word in words)


def _import_a_share(config: pytest.Config) -> None:
    """Imports another share of the files in each process: on a clean checkout none compiles what another has by now."""
    worker: dict[str, object] | None = getattr(config, "workerinput", None)
    if worker is None:
        return
    number, count = int(str(worker["workerid"]).removeprefix("gw")), int(str(worker["workercount"]))
    folders = [folder for folder in map(Path, config.args) if folder.is_dir()]
    files = sorted(
        (file for folder in folders for file in folder.rglob("test_*.py") if _has_something(file, config)),
        key=lambda file: file.stat().st_size,
    )
    for file in files[number::count]:
        name = ".".join(file.resolve().relative_to(config.rootpath).with_suffix("").parts)
        with contextlib.suppress(Exception):  # the collection tells what is wrong with it
            importlib.import_module(name)


#: Files that take minutes, the longest first: what is begun last is what everybody waits for at the end.
LONGEST = (
    "test_container.py",
    "test_running_demo.py",
    "test_migrate.py",
    "test_stateful.py",
    "test_forms_chromium.py",
    "test_upgrade_crash.py",
    "test_leaks.py",
    "test_workers.py",
    "test_races.py",
    "test_acts_restart.py",
    "test_mutants.py",
    "test_openapi.py",
    "test_groups_restart.py",
    "test_crash_postgresql.py",
    "test_faults.py",
    "test_rights.py",
    "test_inside_libreoffice.py",
    "test_backup.py",
    "test_acts_moderation.py",
    "test_metrics_respect.py",
    "test_poll_results.py",
    "test_poll_crash.py",
    "test_erasure.py",
    "test_second_factor.py",
    "test_reports.py",
    "test_screening.py",
    "test_operator_commands.py",
    "test_process.py",
    "test_with_synapse.py",
    "test_up.py",
    "test_acts.py",
    "test_moments.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
    brief = config.getoption("brief")
    needed, others = [], []
    for item in items:
        name = getattr(item, "originalname", item.name)
        (needed if topology.is_needed(item.path.name, name, brief=brief) else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = needed
