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

#: The other way round: what `make test-full` does on one process with more of the same.
ONLY_ON_SEVERAL: Final[Mapping[str, str]] = {"test_races.py::test_a_few_pairs": "test_many_pairs has many"}

_ONE_ACTS = "the main process alone does it, by the same code"
_BY_ITSELF = "each process decides it by itself, of the request and the room, by the same code"
_CHILD = "what reads files is one and the same child, whatever process asks it"
#: What a mute, a removal or a ban does in each process stays; who may do them where is decided where acts are.
_WHO_MODERATES = (
    "test_nor_from_ones_own_room_about_the_group",
    "test_a_reason_is_shown_with_what_it_is_for_and_kept_nowhere_else",
    "test_who_may_do_what_where",
    "test_whom",
    "test_where_not",
    "test_a_maintainer_names_their_own_group_from_their_room_and_no_other",
    "test_the_log_is_for_those_who_moderate_and_in_their_own_room",
    "test_who_is_removed_may_come_back_and_who_is_banned_may_not",
    "test_a_thaw_offers_again_what_the_freezing_ended",
    "test_two_who_moderate_at_once",
    "test_each_is_carried_out_once",
)

#: Memberships are ended by the main process; that each process refuses at once is shown by the freezing of a member.
_WHO_GOES = (
    "test_members_who_change_organisation_are_out_of_what_listed_the_old_one",
    "test_an_organisation_that_is_frozen_or_goes_is_out_of_every_room",
    "test_who_is_removed_is_gone_and_the_name_is_never_given_again",
    "test_a_lost_role_ends_what_it_gave",
    "test_a_membership_that_was_taken_away_by_hand_ends_at_the_next_start",
)

#: How codes are judged and who gives an account back; that a factor made by one process opens at another stays.
_WHOSE_FACTOR = (
    "test_no_account_is_made_by_half",
    "test_clients_show_both_again_where_synapse_asks_and_change_the_password",
    "test_a_lead_gives_back_an_account_whose_factor_is_lost",
    "test_a_member_makes_a_factor_and_another_by_what_opens_the_account",
    "test_digits_are_not_found_by_trying_nor_is_anybody_locked_out",
    "test_who_may_not_sign_in_does_not_by_a_right_code",
)

#: Files, or single tests, that `pytest --brief` leaves out on workers too: they pass there, and need no two processes
#: to agree. `make test-nightly` runs them; `make test-full` has no time for them.
BRIEFLY_LEFT_OUT: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "test_acts.py",
            "test_acts_items.py",
            "test_acts_self.py",
            "test_announcements.py",
            "test_anonymous_polls.py",
            "test_audit.py",
            "test_composer.py",
            "test_copies.py",
            "test_digest.py",
            "test_directory.py",
            "test_doings.py",
            "test_group_acts.py",
            "test_groups_found.py",
            "test_introductions.py",
            "test_invitations.py",
            "test_item_api.py",
            "test_members.py",
            "test_message_search.py",
            "test_mydata.py",
            "test_notice.py",
            "test_offboarding.py",
            "test_operator_commands.py",
            "test_pads.py",
            "test_poll_results.py",
            "test_questions.py",
            "test_recertification.py",
            "test_recovery.py",
            "test_red.py",
            "test_registration.py",
            "test_reports.py",
            "test_relabel_restart.py",
            "test_restart.py",
            "test_shown_organisations.py",
            "test_syslog.py",
            "test_waiting.py",
            "test_channels.py::test_pushers_go_to_listed_gateways_only_and_end_with_the_list",
            *(f"test_acts_moderation.py::{name}" for name in _WHO_MODERATES),
            *(f"test_rights.py::{name}" for name in _WHO_GOES),
            *(f"test_second_factor.py::{name}" for name in _WHOSE_FACTOR),
        ),
        _ONE_ACTS,
    ),
    # What answers and edits another item, or is relabelled, stays: what it stands on may have come by another process.
    **dict.fromkeys(
        (
            "test_labels_nio.py",
            "test_nul.py",
            "test_refusals.py",
            "test_creation.py::test_what_is_refused_leaves_no_room_behind",
            "test_creation.py::test_malformed_requests_get_an_answer_and_never_a_500",
        ),
        _BY_ITSELF,
    ),
    **dict.fromkeys(
        (
            "test_file_texts.py",
            "test_hostile_files.py",
            "test_inside_files.py",
            "test_screening.py",
            "test_unread_files.py",
        ),
        _CHILD,
    ),
    **dict.fromkeys(("test_closed_doors.py", "test_portraits.py", "test_spaces.py", "test_routes.py"), _BY_ITSELF),
    "test_malformed.py": "what is no valid request is refused by the same code in each process",
    "test_openapi.py": "the description is the same for each process",
    "test_encrypted_files.py": "clients encrypt and open them; the gate is the one of test_files.py",
    "test_clients.py": "client libraries see one address",
    "test_phones.py": "clients see one address",
    "test_polls_js.py": "client libraries see one address",
}

chosen = "one"


def unneeded(*, brief: bool) -> set[str]:
    """The tests that the chosen topology leaves out, by their file, or their file and name."""
    if chosen == "one":
        return set(ONLY_ON_SEVERAL)
    return {*ONLY_ON_ONE, *(BRIEFLY_LEFT_OUT if brief else ())}


def make_server(data: Path, settings: Settings | None = None, overrides: str = "", module: str | None = None) -> Server:
    """A homeserver of the chosen topology, not started yet; the arguments are those of `Server`."""
    return TOPOLOGIES[chosen](data, settings, overrides, module)
