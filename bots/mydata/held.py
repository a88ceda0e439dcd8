"""What the bots' own tables hold about members, and what of it a member is given (see `belisha.held`).

`tests/bots/test_mydata.py` finds a table, or a column of one, about which this says nothing.
"""

from __future__ import annotations

from typing import Final

from belisha.held import Held, KnownAs

_TRANSIENT: Final = "What is still to be done or said, for a moment; its content goes when that is done."
_NOBODY: Final = "It is about no person."
_INDEX: Final = "The search index of what is given under “profile in the directory”."

HELD: Final = (
    Held(
        table="profile_field",
        section="profile in the directory",
        mine=("user_id",),
        give=("field", "value", "visibility"),
    ),
    Held(
        table="directory_member",
        section="listed in the directory",
        mine=("user_id",),
        give=("user_id", "name", "organisation", "organisation_name", "category", "standing", "service_room"),
    ),
    Held(
        table="directory_guide",
        section="asked for in your profile",
        mine=("user_id",),
        give=("room_id", "field", "asked_at"),
    ),
    Held(table="directory_no_suggestions", section="wants no suggestions", mine=("user_id",), give=("user_id",)),
    Held(
        table="directory_suggested",
        section="suggested members",
        mine=("user_id",),
        give=("user_id",),
        masked=("other",),
        left="To whom you were suggested: that is about others.",
    ),
    Held(
        table="directory_introduction",
        section="asked about introductions",
        mine=("room_id",),
        known_as=KnownAs.OWN_ROOM,
        give=("at", "gone"),
    ),
    Held(table="acceptance", section="rules accepted", mine=("user_id",), give=("version", "at")),
    Held(table="quiet", section="quiet hours", mine=("room_id",), known_as=KnownAs.OWN_ROOM, give=("begins", "ends")),
    Held(
        table="metrics_no_pulse", section="is not asked the quarter's questions", mine=("user_id",), give=("user_id",)
    ),
    Held(table="poll_no_reminders", section="wants no reminders of polls", mine=("user_id",), give=("user_id",)),
    Held(
        table="portal_session",
        section="sessions of the portal",
        mine=("user_id",),
        give=("browser", "widget", "asked_at", "organisation", "confirmed_at", "opened_at", "seen_at", "ended_at"),
        left="Hashes of codes and tokens.",
    ),
    Held(
        table="portal_browser",
        section="browsers confirmed for the portal",
        mine=("user_id",),
        give=("organisation", "confirmed_at"),
        left="Hashes of tokens.",
    ),
    Held(table="portal_wrong_code", section="wrong codes", mine=("user_id",), give=("count", "since")),
    Held(table="form", section="forms", mine=("occasion",), known_as=KnownAs.FORM, give=("at",)),
    Held(
        table="question",
        section="questions that wait for you",
        mine=("user_id",),
        give=("asked_at", "until"),
        left="What is done upon your answer: the question itself stands in your own chat.",
    ),
    Held(
        table="steward_waiting",
        section="cards about you",
        mine=("member",),
        give=("about",),
        left="Where the cards of those stand who let you in.",
    ),
    Held(
        table="steward_report",
        left="Cards of reports. Reports about you are looked through first by those who run the community, since they"
        " can tell of others. Please ask them in writing.",
    ),
    Held(
        table="blog_post",
        section="posts in blogs",
        mine=("author",),
        give=("title", "sent_at"),
        left="Their texts are given under “messages”.",
    ),
    Held(table="blog_tag", left="The tags of posts, which are given under “messages”."),
    Held(table="blog_edit", left="Which edits belong to which post; they are given under “messages”."),
    Held(table="blog_unswept", left=_NOBODY),
    Held(
        table="library_answer",
        section="answers about files",
        mine=("room_id",),
        known_as=KnownAs.OWN_ROOM,
        give=("event_id", "group_id", "once", "until"),
        left="Which answers of the steward's in your room name files, so that they are taken back with these.",
    ),
    Held(
        table="pad_client",
        section="pads that you have written in",
        mine=("user_id",),
        give=("event_id",),
        left="The numbers by which pads know what is yours. Their texts are written by many; you can read them there.",
    ),
    Held(
        table="pad_note",
        section="comments and suggestions in pads",
        mine=("user_id",),
        give=("event_id", "kind", "state", "words", "made_at"),
        left="Where in the text they stand, and what they quote of it: that was written by many.",
    ),
    Held(
        table="pad_version",
        section="versions of pads that you have named",
        mine=("named_by",),
        give=("event_id", "name", "named_at"),
        left="The texts, which are written by many; you can read them there.",
    ),
    Held(
        table="pad_version_author",
        section="versions of pads with passages of yours",
        mine=("user_id",),
        give=("event_id", "letters"),
        left="By which number a version knows you.",
    ),
    Held(table="pad_unversioned", left=_NOBODY),
    Held(table="pad", left="Texts that a group writes together, and can read on the portal."),
    Held(table="pad_update", left="The same texts, letter by letter as they were written."),
    Held(
        table="digest_member",
        section="digest",
        mine=("user_id",),
        give=("every", "hour", "since", "due"),
        left="The key of the digest that was written last.",
    ),
    Held(
        table="digest_address",
        section="digest by mail",
        mine=("user_id",),
        give=("address", "way", "state", "asked_at", "guesses"),
        left="The hash of a code, and what names the row in links.",
    ),
    Held(
        table="digest_code_mail",
        section="codes mailed for the digest",
        mine=("user_id",),
        give=("at",),
        left="The hash of the address, which is given under “digest by mail” while it is yours.",
    ),
    Held(
        table="digest_message",
        section="messages that digests may tell of",
        mine=("sender",),
        give=("event_id", "at"),
        left="Without their words, which are given under “messages”.",
    ),
    Held(table="digest_mention", section="who named you in messages", mine=("user_id",), give=("event_id",)),
    Held(
        table="poll_ballot",
        left="Sealed ballots of anonymous polls that are open; whose they are follows from a key that no database has.",
    ),
    Held(table="poll_ballot_list", left="Ballots of closed anonymous polls: nobody can tell whose they were."),
    Held(table="poll", left="When polls close; no name is in it, and your votes are given under “messages”."),
    Held(table="portal_used_token", left="Hashes of tokens that were used."),
    Held(
        table="metrics_fact",
        left="What you did, under a pseudonym: given under “counted by the metrics”, or by `!metrics mine`. Whose"
        " message you answered is not kept, only that person's organisation.",
    ),
    Held(table="metrics_member", left="The pseudonym itself, a number; without its key it leads to nobody."),
    Held(
        table="metrics_opted_out", left="That you are not to be counted, under the pseudonym; `!metrics mine` says it."
    ),
    Held(table="metrics_day", left="The same as the facts, as sets of numbers for each day."),
    Held(table="metrics_shown", left="Figures, each about five members or more."),
    Held(
        table="metrics_annotation",
        section="written beside the figures by you",
        mine=("author",),
        give=("text",),
    ),
    Held(table="metrics_report", left="Figures, each about five members or more, as they were frozen."),
    Held(table="metrics_asked", left="How many were answered and answered, as sets of numbers for each month."),
    Held(table="metrics_sponsor", left=_NOBODY),
    Held(table="metrics_pulse", left="When each quarter's questions were asked; the answers are sealed ballots."),
    Held(table="metrics_progress", left=_NOBODY),
    Held(table="metrics_organisation", left=_NOBODY),
    Held(table="metrics_named", left="Whether an organisation whose lead lets it be told was active, by month."),
    Held(table="inbox", left=_TRANSIENT),
    Held(table="outbox", left=_TRANSIENT),
    Held(table="job", left=_TRANSIENT),
    Held(table="lease", left=_TRANSIENT),
    Held(table="room", left=_NOBODY),
    Held(table="progress", left=_NOBODY),
    Held(table="directory_registry", left=_NOBODY),
    Held(table="directory_synonym", left=_NOBODY),
    Held(table="directory_community", left=_INDEX),
    Held(table="directory_groups", left=_INDEX),
    Held(table="directory_deletion", left=_INDEX),
    Held(table="directory_tag", left=_INDEX),
    Held(table="directory_vocabulary", left=_INDEX),
    Held(table="directory_posted", left=_INDEX),
    Held(table="directory_posting", left=_INDEX),
    Held(table="directory_unmerged", left=_INDEX),
)
