"""Belisha's own tables in Synapse's database, made and migrated at start; no content in any but `belisha_file_text`."""

from __future__ import annotations

from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_modules.schema_later import LATER

#: One entry a version: statements that SQLite and PostgreSQL both read. One that has shipped is never changed.
MIGRATIONS: Final = (
    (
        "CREATE TABLE belisha_organisation ("
        " organisation_id TEXT NOT NULL PRIMARY KEY,"
        " name TEXT NOT NULL,"
        " category TEXT NOT NULL,"
        " domains TEXT NOT NULL)",
        "CREATE TABLE belisha_member ("
        " localpart TEXT NOT NULL PRIMARY KEY,"
        " organisation_id TEXT NOT NULL REFERENCES belisha_organisation (organisation_id),"
        " name TEXT NOT NULL,"
        " roles TEXT NOT NULL,"
        " service_room_id TEXT)",
        "CREATE INDEX belisha_member_organisation ON belisha_member (organisation_id)",
        "CREATE TABLE belisha_revision (id INTEGER NOT NULL PRIMARY KEY, revision BIGINT NOT NULL)",
        "INSERT INTO belisha_revision (id, revision) VALUES (1, 1)",
    ),
    (
        # The ledger; labels are spelled as in the wire format, times are seconds since 1970.
        "CREATE TABLE belisha_item ("
        " event_id TEXT NOT NULL PRIMARY KEY,"
        " room_id TEXT NOT NULL,"
        " source TEXT NOT NULL,"
        " given TEXT NOT NULL,"
        " label TEXT NOT NULL,"
        " raised_from TEXT,"  # the source's own label, where a steward has raised it since
        " redacted SMALLINT NOT NULL,"
        " acts_until BIGINT NOT NULL,"  # the stream ordering of the newest act that counts in `label`
        " pending TEXT,"  # the label of an act that is being accepted
        " pending_by TEXT,"
        " pending_since BIGINT,"
        " badge_due TEXT)",  # the act whose badge is still to be drawn
        "CREATE INDEX belisha_item_pending ON belisha_item (event_id) WHERE pending IS NOT NULL",
        "CREATE INDEX belisha_item_badge_due ON belisha_item (event_id) WHERE badge_due IS NOT NULL",
        # The stream ordering up to which every event has been followed up.
        "CREATE TABLE belisha_followed (id INTEGER NOT NULL PRIMARY KEY, position BIGINT NOT NULL)",
        "INSERT INTO belisha_followed (id, position) VALUES (1, 0)",
    ),
    ("CREATE TABLE belisha_room (room_id TEXT NOT NULL PRIMARY KEY, pending_policy TEXT NOT NULL)",),
    # Freezing and removing, and the members whose rooms are still to be looked through after a change.
    (
        "ALTER TABLE belisha_organisation ADD COLUMN standing TEXT NOT NULL DEFAULT 'active'",
        "ALTER TABLE belisha_member ADD COLUMN standing TEXT NOT NULL DEFAULT 'active'",
        "CREATE TABLE belisha_review (localpart TEXT NOT NULL PRIMARY KEY, revision BIGINT NOT NULL)",
    ),
    (
        "ALTER TABLE belisha_member ADD COLUMN frozen_by TEXT",  # as what: lead, steward, manager or operator
        # Acts that members asked for by a command, each with how it ended: a command is carried out once.
        "CREATE TABLE belisha_act ("
        " event_id TEXT NOT NULL PRIMARY KEY,"
        " room_id TEXT NOT NULL,"
        " act TEXT NOT NULL,"
        " outcome TEXT NOT NULL,"
        " at BIGINT NOT NULL)",
        # What the stewards were last told of something that goes on.
        "CREATE TABLE belisha_told (topic TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    ),
    # Upgrades; `policy` is the old room's before it was closed, `new_room_id` is there once that room is whole.
    (
        "CREATE TABLE belisha_upgrade ("
        " old_room_id TEXT NOT NULL PRIMARY KEY,"
        " new_room_id TEXT UNIQUE,"
        " sender TEXT NOT NULL,"
        " policy TEXT NOT NULL,"
        " since BIGINT NOT NULL,"
        " done SMALLINT NOT NULL)",
    ),
    # Who may open a direct chat, and how new members make their accounts; times are seconds since 1970.
    (
        "ALTER TABLE belisha_member ADD COLUMN direct_chats TEXT NOT NULL DEFAULT 'anyone'",
        "CREATE TABLE belisha_introduction ("
        " one TEXT NOT NULL,"  # the two localparts in their order
        " other TEXT NOT NULL,"
        " made_by TEXT NOT NULL,"
        " made_at BIGINT NOT NULL,"
        " PRIMARY KEY (one, other))",
        "CREATE TABLE belisha_invitation ("
        " invitation_id TEXT NOT NULL PRIMARY KEY,"
        " token_hash TEXT NOT NULL UNIQUE,"
        " organisation_id TEXT NOT NULL REFERENCES belisha_organisation (organisation_id),"
        " name TEXT,"
        " uses INTEGER NOT NULL,"
        " used INTEGER NOT NULL,"
        " expires BIGINT NOT NULL)",
        # Accounts that are being made at this moment, each by one invitation.
        "CREATE TABLE belisha_registration ("
        " localpart TEXT NOT NULL PRIMARY KEY,"
        " invitation_id TEXT NOT NULL,"
        " organisation_id TEXT NOT NULL,"
        " name TEXT NOT NULL,"
        " since BIGINT NOT NULL)",
    ),
    # The present chain of deliveries to the bots.
    ("CREATE TABLE belisha_instance (id INTEGER NOT NULL PRIMARY KEY, instance TEXT NOT NULL)",),
    # Files: what each is, the events that share it, and who opened what is above GREEN; times are seconds since 1970.
    (
        "CREATE TABLE belisha_file ("
        " media_id TEXT NOT NULL PRIMARY KEY,"
        " state TEXT NOT NULL,"
        " kind TEXT NOT NULL,"  # its media type by its first bytes
        " arrived BIGINT NOT NULL,"
        " was_redacted SMALLINT NOT NULL DEFAULT 0)",  # an event that shared it was redacted
        # A row is written before its event is stored, and counts once that is.
        "CREATE TABLE belisha_share ("
        " media_id TEXT NOT NULL,"
        " event_id TEXT NOT NULL,"
        " item_id TEXT NOT NULL,"  # of an edit, what it edits
        " room_id TEXT NOT NULL,"
        " label TEXT NOT NULL,"
        " sealed SMALLINT NOT NULL,"  # by an encrypted event, which the server cannot read
        " since BIGINT NOT NULL,"
        " stored SMALLINT NOT NULL DEFAULT 0,"  # its event is known to be in the database
        " PRIMARY KEY (media_id, event_id))",
        "CREATE INDEX belisha_share_unstored ON belisha_share (since) WHERE stored = 0",
        "CREATE INDEX belisha_share_event ON belisha_share (event_id)",
        "CREATE INDEX belisha_share_item ON belisha_share (item_id)",
        "CREATE TABLE belisha_download ("
        " media_id TEXT NOT NULL,"
        " user_id TEXT NOT NULL,"
        " part TEXT NOT NULL,"  # file or thumbnail
        " label TEXT NOT NULL,"
        " at BIGINT NOT NULL)",
        "CREATE INDEX belisha_download_file ON belisha_download (media_id, at)",
    ),
    # Withdrawn files, how far retention has come, and what the journal of revocations is still to be told.
    (
        "ALTER TABLE belisha_file ADD COLUMN withdrawn BIGINT",
        "ALTER TABLE belisha_file ADD COLUMN erased SMALLINT NOT NULL DEFAULT 0",  # 1 once, 2 once more for good
        "ALTER TABLE belisha_file ADD COLUMN journalled SMALLINT NOT NULL DEFAULT 0",
        "CREATE INDEX belisha_file_to_erase ON belisha_file (withdrawn) WHERE state = 'withdrawn' AND erased < 2",
        "CREATE INDEX belisha_file_to_journal ON belisha_file (media_id) WHERE state = 'withdrawn' AND journalled = 0",
        "CREATE INDEX belisha_file_pending ON belisha_file (arrived) WHERE state = 'pending'",
        "CREATE TABLE belisha_retained (label TEXT NOT NULL PRIMARY KEY, position BIGINT NOT NULL)",
        "CREATE TABLE belisha_journal (id INTEGER NOT NULL PRIMARY KEY, position BIGINT NOT NULL)",
        "INSERT INTO belisha_journal (id, position) VALUES (1, 0)",
        "CREATE TABLE belisha_session_ended ("
        " user_id TEXT NOT NULL,"
        " device_id TEXT NOT NULL,"
        " PRIMARY KEY (user_id, device_id))",
    ),
    # The audit log: a chain of sealed records for each process, and who stands behind its pseudonyms.
    (
        "CREATE TABLE belisha_audit ("
        " writer TEXT NOT NULL,"
        " number BIGINT NOT NULL,"
        " at BIGINT NOT NULL,"
        " entry TEXT NOT NULL,"
        " mac TEXT NOT NULL,"
        " act TEXT,"  # to be found by, of acts that are intended, done or failed
        " PRIMARY KEY (writer, number))",
        "CREATE INDEX belisha_audit_act ON belisha_audit (writer, number) WHERE act IS NOT NULL",
        "CREATE TABLE belisha_audit_head ("
        " writer TEXT NOT NULL PRIMARY KEY,"
        " number BIGINT NOT NULL,"
        " mac TEXT NOT NULL,"
        " seal TEXT NOT NULL)",
        "CREATE TABLE belisha_pseudonym (user_id TEXT NOT NULL PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE)",
    ),
    # What was done to members by those who moderate, each by its command; times are seconds since 1970.
    (
        "CREATE TABLE belisha_moderation ("
        " command_id TEXT NOT NULL PRIMARY KEY,"
        " act TEXT NOT NULL,"
        " member TEXT NOT NULL,"
        " by_member TEXT NOT NULL,"
        " by_role TEXT NOT NULL,"
        " room_id TEXT,"  # none where it holds everywhere
        " at BIGINT NOT NULL,"
        " until BIGINT,"
        " item TEXT,"
        " undone_by TEXT,"
        " undone_at BIGINT,"
        " pending SMALLINT NOT NULL,"  # still to be done in Matrix
        " place BIGINT NOT NULL)",
        "CREATE INDEX belisha_moderation_member ON belisha_moderation (member, at)",
        "CREATE INDEX belisha_moderation_pending ON belisha_moderation (at) WHERE pending = 1",
        "CREATE INDEX belisha_moderation_held ON belisha_moderation (act) WHERE undone_at IS NULL",
    ),
    # Rooms that a command asked for and that are not finished; `made_room_id` is there once the room is whole.
    (
        "CREATE TABLE belisha_making ("
        " event_id TEXT NOT NULL PRIMARY KEY,"  # the command, or the question that it said yes to
        " proof TEXT NOT NULL,"  # the member's event
        " room_id TEXT NOT NULL,"  # where the command stands
        " act TEXT NOT NULL,"
        " sender TEXT NOT NULL,"
        " mark TEXT NOT NULL,"  # by which the room is found again
        " made_room_id TEXT)",
    ),
    # Records of the audit log that their process is about to put into its chain.
    (
        "CREATE TABLE belisha_audit_waiting ("
        " writer TEXT NOT NULL,"
        " id BIGINT NOT NULL,"
        " at BIGINT NOT NULL,"
        " entry TEXT NOT NULL,"
        " PRIMARY KEY (writer, id))",
    ),
    # When members were last confirmed, and the rounds in which leads are asked for it; days since 1970.
    (
        "CREATE TABLE belisha_confirmed (localpart TEXT NOT NULL PRIMARY KEY, day INTEGER NOT NULL)",
        "CREATE TABLE belisha_recertification ("
        " organisation_id TEXT NOT NULL,"
        " asked INTEGER NOT NULL,"
        " warned INTEGER,"
        " ended INTEGER,"
        " frozen TEXT NOT NULL,"  # the localparts of those whom it has frozen
        " PRIMARY KEY (organisation_id, asked))",
    ),
    # Which member made an invitation by a command: it holds no longer than they may invite.
    ("ALTER TABLE belisha_invitation ADD COLUMN made_by TEXT",),
    # Reports, each by what brought it: a command, or a row of Synapse's own tables; times are seconds since 1970.
    (
        "CREATE TABLE belisha_report ("
        " came_by TEXT NOT NULL PRIMARY KEY,"
        " native_id BIGINT,"  # its id in Synapse's table
        " reporter TEXT NOT NULL,"
        " member TEXT,"  # whom it is about; none where that is a room
        " room_id TEXT,"
        " item TEXT,"
        " kind TEXT NOT NULL,"
        " urgent SMALLINT NOT NULL,"
        " at BIGINT NOT NULL,"
        " due SMALLINT NOT NULL,"  # the stewards are still to be told
        " number BIGINT UNIQUE,"  # given before they are told
        " card TEXT UNIQUE,"  # the message that tells them
        " carded_at BIGINT)",
        "CREATE INDEX belisha_report_due ON belisha_report (at) WHERE due = 1",
        "CREATE INDEX belisha_report_item ON belisha_report (item)",
        "CREATE TABLE belisha_report_act ("
        " number BIGINT NOT NULL,"
        " act TEXT NOT NULL,"
        " by_member TEXT NOT NULL,"
        " at BIGINT NOT NULL,"
        " place SMALLINT NOT NULL,"  # in the order in which they were done
        " PRIMARY KEY (number, act))",
        "CREATE TABLE belisha_report_viewer ("
        " number BIGINT NOT NULL,"
        " viewer TEXT NOT NULL,"
        " at BIGINT NOT NULL,"
        " PRIMARY KEY (number, viewer))",
    ),
    # What managers announced, each by the command that asked for it.
    (
        "CREATE TABLE belisha_announcement ("
        " event_id TEXT NOT NULL PRIMARY KEY,"
        " command_id TEXT NOT NULL UNIQUE,"
        " room_id TEXT NOT NULL,"
        " by_member TEXT NOT NULL,"
        " at BIGINT NOT NULL)",
        "CREATE INDEX belisha_announcement_at ON belisha_announcement (at)",
    ),
    # The day since 1970 on which the community began with recertification; none while it is switched off.
    ("CREATE TABLE belisha_recertification_begun (id INTEGER NOT NULL PRIMARY KEY, day INTEGER NOT NULL)",),
    # The rooms that somebody was in when they were frozen, until they are invited again.
    (
        "CREATE TABLE belisha_frozen_out ("
        " user_id TEXT NOT NULL,"
        " room_id TEXT NOT NULL,"
        " PRIMARY KEY (user_id, room_id))",
    ),
    # Who waits to be let in, by the knock or the command that asked, and how it ended; times are seconds since 1970.
    (
        "CREATE TABLE belisha_waiting ("
        " id TEXT NOT NULL PRIMARY KEY,"
        " sort TEXT NOT NULL,"
        " localpart TEXT NOT NULL,"
        " room_id TEXT NOT NULL,"
        " organisation_id TEXT,"  # of who asks to belong to it; there may be no such organisation
        " at BIGINT NOT NULL,"
        " ended TEXT,"
        " by_member TEXT,"
        " ended_at BIGINT,"
        " command_id TEXT,"
        " pending SMALLINT NOT NULL)",  # still to be done in Matrix
        "CREATE UNIQUE INDEX belisha_waiting_open ON belisha_waiting (localpart, room_id) WHERE ended IS NULL",
        "CREATE INDEX belisha_waiting_ended ON belisha_waiting (ended_at)",
        "CREATE INDEX belisha_waiting_pending ON belisha_waiting (id) WHERE pending = 1",
    ),
    # Codes with which members set a new password, and what is still to be told of them; times are seconds since 1970.
    (
        "CREATE TABLE belisha_recovery ("
        " id TEXT NOT NULL PRIMARY KEY,"
        " localpart TEXT NOT NULL,"
        " code_hash TEXT NOT NULL UNIQUE,"
        " made_by TEXT NOT NULL,"
        " at BIGINT NOT NULL,"
        " expires BIGINT NOT NULL,"
        " used_at BIGINT,"  # in milliseconds
        " sessions SMALLINT NOT NULL)",  # the account's old sessions are still to be ended
        "CREATE INDEX belisha_recovery_member ON belisha_recovery (localpart)",
        "CREATE INDEX belisha_recovery_sessions ON belisha_recovery (id) WHERE sessions = 1",
        "CREATE TABLE belisha_recovery_note ("
        " id TEXT NOT NULL,"
        " step TEXT NOT NULL,"
        " place TEXT NOT NULL,"
        " PRIMARY KEY (id, step, place))",
    ),
    # Uploads that are being looked at, or could not be scanned, and what matched; times are seconds since 1970.
    (
        "CREATE TABLE belisha_screening ("
        " media_id TEXT NOT NULL PRIMARY KEY,"
        " uploader TEXT NOT NULL,"
        " since BIGINT NOT NULL,"
        " unscanned SMALLINT NOT NULL,"  # taken without the scanner, which is still to look at it
        " tries INTEGER NOT NULL,"
        " due BIGINT NOT NULL)",  # when it is scanned again; or else, when its bytes are looked for
        "CREATE INDEX belisha_screening_due ON belisha_screening (unscanned, due)",
        "CREATE TABLE belisha_alert ("
        " id TEXT NOT NULL PRIMARY KEY,"
        " sort TEXT NOT NULL,"
        " matcher TEXT NOT NULL,"
        " uploader TEXT NOT NULL,"
        " at BIGINT NOT NULL,"
        " count INTEGER NOT NULL,"
        " told INTEGER NOT NULL,"  # of how many the stewards know
        " told_at BIGINT NOT NULL,"
        " card TEXT)",
        "CREATE INDEX belisha_alert_uploader ON belisha_alert (uploader, at)",
        "CREATE INDEX belisha_alert_due ON belisha_alert (at) WHERE told < count",
    ),
    # Records of acts without an end of which the stewards were told.
    (
        "CREATE TABLE belisha_act_told (writer TEXT NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (writer, number))",
        "CREATE INDEX belisha_audit_acts ON belisha_audit (at) WHERE act IS NOT NULL",
    ),
    # What was found inside each file; of those from before, nothing yet.
    (
        "ALTER TABLE belisha_file ADD COLUMN arrival BIGINT NOT NULL DEFAULT 0",  # how often bytes have come
        "ALTER TABLE belisha_file ADD COLUMN wanted BIGINT NOT NULL DEFAULT 0",  # when somebody last waited for it
        "ALTER TABLE belisha_file ADD COLUMN scanned BIGINT",  # when it had been read; none while it is to be read
        "ALTER TABLE belisha_file ADD COLUMN inside TEXT",  # the strictest label in it
        "ALTER TABLE belisha_file ADD COLUMN not_checked TEXT",
        "ALTER TABLE belisha_file ADD COLUMN forbidden TEXT",  # a marking of the settings
        "CREATE INDEX belisha_file_unread ON belisha_file (wanted, arrived)"
        " WHERE scanned IS NULL AND state <> 'withdrawn'",
    ),
    *LATER,
)


def migrate_in(txn: LoggingTransaction) -> None:
    """Brings the tables to the newest version, in a transaction."""
    txn.execute("CREATE TABLE IF NOT EXISTS belisha_schema (version INTEGER NOT NULL PRIMARY KEY)")
    txn.execute("SELECT COALESCE(MAX(version), 0) FROM belisha_schema")
    row = txn.fetchone()
    version = int(row[0]) if row else 0
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        for statement in statements:
            txn.execute(statement)
        txn.execute("INSERT INTO belisha_schema (version) VALUES (?)", (number,))


async def migrate(api: ModuleApi) -> None:
    """Brings the tables to the newest version, in one transaction."""
    await api.run_db_interaction("belisha_migrate", migrate_in)
