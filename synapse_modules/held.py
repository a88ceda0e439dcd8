"""What this module's own tables hold about members, and what of it a member is given (see `belisha.held`).

`tests/unit/test_held.py` finds a table, or a column of one, about which this says nothing.
"""

from __future__ import annotations

from typing import Final

from belisha.held import Held

_REVIEWED: Final = (
    "Whether there are any, and what they say, is looked through first by those who run the community, since it can"
    " tell of others, or of what is still looked into. Please ask them in writing."
)
_TRANSIENT: Final = "It is there while something is being done, for seconds or minutes, and gone when that is done."
_NOBODY: Final = "It is about no person."

HELD: Final = (
    Held(
        table="belisha_member",
        section="registry",
        mine=("localpart",),
        give=(
            "localpart",
            "organisation_id",
            "name",
            "roles",
            "service_room_id",
            "standing",
            "frozen_by",
            "direct_chats",
        ),
    ),
    Held(
        table="belisha_confirmed",
        section="confirmed by a lead",
        mine=("localpart",),
        give=("day",),
    ),
    Held(table="belisha_pseudonym", section="name in the audit log", mine=("user_id",), give=("pseudonym",)),
    Held(
        table="belisha_audit",
        left="Given under “audit log”: the records under your pseudonym, but those of findings in uploads.",
    ),
    Held(table="belisha_audit_waiting", left="Records of the audit log, for half a second, before they are in it."),
    Held(table="belisha_audit_head", left=_NOBODY),
    Held(table="belisha_syslog", left=_NOBODY),
    Held(table="belisha_act_told", left=_NOBODY),
    Held(table="belisha_told", left=_NOBODY),
    Held(
        table="belisha_act",
        left="How commands ended, by their messages, which are given under “messages”; no name is in it.",
    ),
    Held(
        table="belisha_item",
        section="labels",
        mine=("source",),
        give=("event_id", "room_id", "given", "label", "raised_from", "redacted"),
        left="Marks of changes that are being carried out.",
    ),
    Held(table="belisha_file", left="Given under “files”, for files that you uploaded."),
    Held(table="belisha_file_text", left="The text in files, by which they are found; you are given the files."),
    Held(table="belisha_text_room", left=_NOBODY),
    Held(table="belisha_shown_organisation", left=_NOBODY),
    Held(table="belisha_share", left="Which messages show which file; yours are given under “messages”."),
    Held(
        table="belisha_download",
        section="files opened",
        mine=("user_id",),
        give=("media_id", "part", "label", "at"),
        left="Who opened your files: that is about others.",
    ),
    Held(
        table="belisha_moderation",
        section="moderation of you",
        mine=("member",),
        give=("act", "by_role", "room_id", "at", "until", "item", "undone_at"),
        masked=("by_member", "undone_by"),
        left="The commands of those who moderate, and marks of what is being carried out.",
    ),
    Held(
        table="belisha_moderation",
        section="moderation by you",
        mine=("by_member", "undone_by"),
        give=("command_id", "act", "by_role", "room_id", "at", "until", "item", "undone_at"),
        masked=("member", "by_member", "undone_by"),
    ),
    Held(
        table="belisha_report",
        section="reports by you",
        mine=("reporter",),
        give=("came_by", "room_id", "item", "kind", "urgent", "at"),
        masked=("member",),
        left=f"Reports about you. {_REVIEWED}",
    ),
    Held(
        table="belisha_report_act",
        section="reports handled by you",
        mine=("by_member",),
        give=("number", "act", "at"),
    ),
    Held(
        table="belisha_report_viewer",
        section="reports seen by you",
        mine=("viewer",),
        give=("number", "at"),
    ),
    Held(table="belisha_alert", left=f"Uploads in which malware or something known was found. {_REVIEWED}"),
    Held(table="belisha_screening", left=_TRANSIENT),
    Held(
        table="belisha_announcement",
        section="announcements by you",
        mine=("by_member",),
        give=("event_id", "room_id", "at"),
    ),
    Held(
        table="belisha_invitation",
        section="invitations by you",
        mine=("made_by",),
        give=("invitation_id", "organisation_id", "uses", "used", "expires"),
        left="For whom each was made, and the hash of its token.",
    ),
    Held(table="belisha_registration", left=_TRANSIENT),
    Held(
        table="belisha_recovery",
        section="passwords set anew",
        mine=("localpart",),
        give=("at", "expires", "used_at"),
        masked=("made_by",),
        left="The hash of the code.",
    ),
    Held(
        table="belisha_recovery",
        section="codes for new passwords made by you",
        mine=("made_by",),
        give=("at", "expires", "used_at"),
        masked=("localpart",),
    ),
    Held(
        table="belisha_factor",
        section="second factor",
        mine=("localpart",),
        give=("since", "wrong", "wrong_since"),
        left="The key that your authenticator app has too, since whoever has it makes your codes; when one was used.",
    ),
    Held(
        table="belisha_spare_code", left="Hashes of your recovery codes, since whoever has a code opens your account."
    ),
    Held(table="belisha_recovery_note", left=_TRANSIENT),
    Held(
        table="belisha_hold",
        section="legal holds by you",
        mine=("asked_by", "confirmed_by", "release_by", "open_by", "ended_by"),
        give=("id", "quiet", "ends", "asked_at", "confirmed_at", "release_at", "open_at", "ended_at"),
        masked=("asked_by", "confirmed_by", "release_by", "open_by", "ended_by"),
        left=f"Legal holds that concern you, and on which basis. {_REVIEWED}",
    ),
    Held(
        table="belisha_hold_kept", left=f"Sealed copies of what was withdrawn, which nobody here can read. {_REVIEWED}"
    ),
    Held(table="belisha_hold_share", left=_TRANSIENT),
    Held(
        table="belisha_hold_note", left="That you were told of a legal hold; what was said is given under “messages”."
    ),
    Held(
        table="belisha_recertification",
        left="Rounds of an organisation; when you were confirmed, and whether you are frozen, is given otherwise.",
    ),
    Held(table="belisha_recertification_begun", left=_NOBODY),
    Held(table="belisha_frozen_out", section="groups left when frozen", mine=("user_id",), give=("room_id",)),
    Held(
        table="belisha_waiting",
        section="asked to be let in",
        mine=("localpart",),
        give=("sort", "room_id", "organisation_id", "at", "ended", "ended_at"),
        masked=("by_member",),
        left="The commands that decided it.",
    ),
    Held(
        table="belisha_waiting",
        section="let in or turned away by you",
        mine=("by_member",),
        give=("sort", "room_id", "organisation_id", "at", "ended", "ended_at"),
        masked=("localpart",),
    ),
    Held(
        table="belisha_introduction",
        section="introduced to",
        mine=("one", "other"),
        give=("made_at",),
        masked=("one", "other", "made_by"),
    ),
    Held(
        table="belisha_introducing",
        section="introductions asked for",
        mine=("asker",),
        give=("command_id", "at", "ended", "ended_at"),
        masked=("one", "other"),
        left="Who of two has agreed to an introduction: that is told to nobody but themselves.",
    ),
    Held(
        table="belisha_introducing",
        section="introductions to you",
        mine=("one",),
        give=("at", "one_agrees", "ended"),
        masked=("asker",),
    ),
    Held(
        table="belisha_introducing",
        section="introductions to you",
        mine=("other",),
        give=("at", "other_agrees", "ended"),
        masked=("asker",),
    ),
    Held(
        table="belisha_export",
        section="copies of your data",
        mine=("localpart",),
        give=("at", "state", "until", "taken_at"),
        masked=("made_by",),
        left="How far each has come, and the hash of a link.",
    ),
    Held(table="belisha_export_part", left="The copy itself, while it can be taken."),
    Held(table="belisha_making", left=_TRANSIENT),
    Held(table="belisha_session_ended", section="sessions ended", mine=("user_id",), give=("device_id",)),
    Held(
        table="belisha_upgrade",
        section="rooms upgraded by you",
        mine=("sender",),
        give=("old_room_id", "new_room_id", "since"),
        left="The old room's policy.",
    ),
    Held(table="belisha_review", left=_TRANSIENT),
    Held(table="belisha_organisation", left=_NOBODY),
    Held(table="belisha_room", left=_NOBODY),
    Held(table="belisha_revision", left=_NOBODY),
    Held(table="belisha_followed", left=_NOBODY),
    Held(table="belisha_instance", left=_NOBODY),
    Held(table="belisha_journal", left=_NOBODY),
    Held(table="belisha_retained", left=_NOBODY),
)
