"""On how many processes a test run has its communities: `pytest --topology one` (the default) or `workers`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from belisha.settings import Settings
from tests.support.server import Server
from tests.support.workers import Workers

TOPOLOGIES: Final[Mapping[str, type[Server]]] = {"one": Server, "workers": Workers}

#: Tests that say nothing more on workers: their file, or their file and name, each with the reason.
ONLY_ON_ONE: Final[Mapping[str, str]] = {
    "test_up.py": "`belisha up` runs one process",
    "test_demo.py": "`belisha demo` runs one process",
    "test_degraded.py": "a guard's test and its closed routes are the same code in each process",
    "test_files.py::test_a_full_disk_leaves_nothing_half_shared": "the folder is the same",
    "test_erasure.py::test_a_restore_brings_nothing_back": "it copies the one folder, and puts it back",
    "test_faults.py": "what refuses is the same code in each process, around classes that have other names there",
    "test_waiting.py::test_a_knock_that_came_while_others_were_looked_at_waits_on": "it plays the slower one in a file",
    "test_relabel_postgresql.py": "workers stand on PostgreSQL in every test",
}

_ONE_ACTS = "the main process alone does it, by the same code"
_CHILD = "what reads files is one and the same child, whatever process asks it"
#: Files that `pytest --brief` leaves out on workers too: they pass there, and need no two processes to agree.
#: `make test-workers` runs them; `make test-full` has no time for them.
BRIEFLY_LEFT_OUT: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "test_audit.py",
            "test_groups_found.py",
            "test_invitations.py",
            "test_members.py",
            "test_notice.py",
            "test_offboarding.py",
            "test_operator_commands.py",
            "test_poll_results.py",
            "test_recertification.py",
            "test_recovery.py",
            "test_registration.py",
            "test_reports.py",
            "test_relabel_restart.py",
            "test_restart.py",
        ),
        _ONE_ACTS,
    ),
    **dict.fromkeys(
        ("test_hostile_files.py", "test_inside_files.py", "test_screening.py", "test_unread_files.py"), _CHILD
    ),
    "test_malformed.py": "what is no valid request is refused by the same code in each process",
    "test_openapi.py": "the description is the same for each process",
    "test_encrypted_files.py": "clients encrypt and open them; the gate is the one of test_files.py",
    "test_clients.py": "client libraries see one address",
}

chosen = "one"


def make_server(data: Path, settings: Settings | None = None, overrides: str = "", module: str | None = None) -> Server:
    """A homeserver of the chosen topology, not started yet; the arguments are those of `Server`."""
    return TOPOLOGIES[chosen](data, settings, overrides, module)
