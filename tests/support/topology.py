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
    "test_providers.py": "it runs one process by itself: providers answer to the main process alone",
    "test_degraded.py": "a guard's test and its closed routes are the same code in each process",
    "test_files.py::test_a_full_disk_leaves_nothing_half_shared": "the folder is the same",
    "test_erasure.py::test_a_restore_brings_nothing_back": "it copies the one folder, and puts it back",
    "test_faults.py": "what refuses is the same code in each process, around classes that have other names there",
    "test_waiting.py::test_a_knock_that_came_while_others_were_looked_at_waits_on": "it plays the slower one in a file",
    "test_relabel_postgresql.py": "workers stand on PostgreSQL in every test",
}

#: What `make test-full` runs on workers, beside the tests that make them themselves: where one process has to hold to
#: what another did. All others pass there too, and need no two processes to agree; `make test-nightly` runs them.
BRIEFLY: Final[Mapping[str, tuple[str, ...]]] = {
    "test_races.py": ("test_a_few_pairs",),
    "test_acts_moderation.py": (
        "test_a_mute_ends_by_itself_and_a_new_one_takes_its_place",
        "test_a_mute_ends_in_memory_too",
        "test_everywhere_means_new_rooms_and_direct_chats_too",
    ),
    "test_departed.py": ("test_who_never_came_in_reads_nothing",),
    "test_files.py": (
        "test_a_file_is_its_uploaders_until_it_is_shared",
        "test_frozen_members_open_nothing",
        "test_it_closes_with_the_membership",
        "test_naming_it_opens_nothing_to_who_may_not_open_it",
    ),
    "test_relabel.py": ("test_acts_at_the_same_moment_never_contradict",),
    "test_rights.py": ("test_a_sync_that_was_waiting_brings_nothing_after_the_freezing",),
    "test_room_freezing.py": ("test_nothing_is_sent_once_the_freezing_is_answered",),
    "test_second_factor.py": ("test_what_was_used_stays_used_and_the_term_ends",),
    "test_upgrade.py": (
        "test_a_right_that_ends_ends_in_the_old_room_too",
        "test_nothing_is_said_in_a_room_after_its_tombstone",
    ),
}

chosen = "one"


def is_needed(file: str, function: str | None = None, *, brief: bool) -> bool:
    """Whether the chosen topology has a test, or where none is named something of its file."""
    if chosen == "one":
        return True
    if brief and (file not in BRIEFLY or function not in (None, *BRIEFLY[file])):
        return False
    return file not in ONLY_ON_ONE and f"{file}::{function}" not in ONLY_ON_ONE


def make_server(data: Path, settings: Settings | None = None, overrides: str = "", module: str | None = None) -> Server:
    """A homeserver of the chosen topology, not started yet; the arguments are those of `Server`."""
    return TOPOLOGIES[chosen](data, settings, overrides, module)
