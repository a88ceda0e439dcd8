"""The newest of the module's tables: the end of the list in `schema`, to which each migration is appended."""

from __future__ import annotations

from typing import Final

LATER: Final[tuple[tuple[str, ...], ...]] = (
    # Introductions that members asked for, and who of the two agrees; a no is nowhere. Times are seconds since 1970.
    (
        "CREATE TABLE belisha_introducing ("
        " id TEXT NOT NULL PRIMARY KEY,"
        " command_id TEXT NOT NULL UNIQUE,"
        " proof TEXT NOT NULL,"  # the asker's own event
        " asker TEXT NOT NULL,"
        " one TEXT NOT NULL,"  # the two localparts in their order
        " other TEXT NOT NULL,"
        " at BIGINT NOT NULL,"
        " one_agrees SMALLINT NOT NULL,"
        " other_agrees SMALLINT NOT NULL,"
        " opener TEXT UNIQUE,"  # the second yes, by which the room is made
        " ended TEXT,"
        " ended_at BIGINT)",
        "CREATE INDEX belisha_introducing_asker ON belisha_introducing (asker, at)",
        "CREATE INDEX belisha_introducing_waiting ON belisha_introducing (at) WHERE ended IS NULL",
        "CREATE INDEX belisha_introducing_ended ON belisha_introducing (ended_at)",
    ),
    # Which files were drawn anew, to be seen by everyone (`file_rows.Portrait`); those that are seen already are to be.
    (
        "ALTER TABLE belisha_file ADD COLUMN portrait SMALLINT NOT NULL DEFAULT 0",
        "UPDATE belisha_file SET portrait = 1 WHERE state = 'avatar'",
        "CREATE INDEX belisha_file_portraits ON belisha_file (arrived) WHERE portrait = 1",
    ),
    # The library asks what a room shares, newest first.
    ("CREATE INDEX belisha_share_room ON belisha_share (room_id, since)",),
    # Copies of what is held about members; times are seconds since 1970.
    (
        "CREATE TABLE belisha_export ("
        " id TEXT NOT NULL PRIMARY KEY,"
        " localpart TEXT NOT NULL,"
        " made_by TEXT NOT NULL,"
        " at BIGINT NOT NULL,"
        " state TEXT NOT NULL,"
        " step INTEGER NOT NULL,"  # how many sections are there, and how far the next one has come
        " place TEXT NOT NULL,"
        " position BIGINT NOT NULL,"  # the stream ordering up to which it goes
        " bots SMALLINT NOT NULL,"  # the bots have given their part
        " until BIGINT,"
        " taken_at BIGINT,"
        " link_hash TEXT UNIQUE,"
        " link_until BIGINT)",
        "CREATE INDEX belisha_export_member ON belisha_export (localpart, at)",
        "CREATE TABLE belisha_export_part ("
        " id TEXT NOT NULL,"
        " step INTEGER NOT NULL,"
        " page INTEGER NOT NULL,"
        " section TEXT NOT NULL,"
        " packed TEXT NOT NULL,"  # JSON, compressed, in base64
        " PRIMARY KEY (id, step, page))",
    ),
    # The metrics ask what was opened since a moment.
    ("CREATE INDEX belisha_download_at ON belisha_download (at)",),
    # The text of files that groups share, as it is searched, and up to which policies that was decided.
    (
        "ALTER TABLE belisha_file ADD COLUMN text_due SMALLINT NOT NULL DEFAULT 0",
        "CREATE INDEX belisha_file_text_due ON belisha_file (arrived) WHERE text_due = 1",
        "CREATE TABLE belisha_file_text ("
        " media_id TEXT NOT NULL PRIMARY KEY,"
        " arrival BIGINT NOT NULL,"  # of which bytes
        " text TEXT NOT NULL,"
        " words TEXT NOT NULL)",  # its words' keys, each once, with a space on either side
        "CREATE TABLE belisha_text_room (room_id TEXT NOT NULL PRIMARY KEY, policy TEXT NOT NULL)",
    ),
    # Second factors; the key is sealed. Times are seconds since 1970, steps are of 30 seconds.
    (
        "CREATE TABLE belisha_factor ("
        " localpart TEXT NOT NULL PRIMARY KEY,"
        " sealed TEXT NOT NULL,"
        " last_step BIGINT NOT NULL,"
        " wrong INTEGER NOT NULL,"
        " wrong_since BIGINT NOT NULL,"
        " since BIGINT NOT NULL)",
    ),
    # Organisations that a lead of theirs lets stand in the figures by name, since then (seconds since 1970).
    ("CREATE TABLE belisha_shown_organisation (organisation_id TEXT NOT NULL PRIMARY KEY, since BIGINT NOT NULL)",),
    # Up to which record of each chain the audit log was sent to a collector (host and port).
    (
        "CREATE TABLE belisha_syslog ("
        " collector TEXT NOT NULL,"
        " writer TEXT NOT NULL,"
        " number BIGINT NOT NULL,"
        " PRIMARY KEY (collector, writer))",
    ),
    # Legal holds, and what they keep, sealed; people by user id, times are seconds since 1970.
    (
        "CREATE TABLE belisha_hold ("
        " id TEXT NOT NULL PRIMARY KEY,"
        " room_id TEXT,"
        " member TEXT,"
        " since BIGINT,"
        " until BIGINT,"
        " reason TEXT NOT NULL,"
        " quiet SMALLINT NOT NULL,"
        " ends BIGINT NOT NULL,"
        " asked_by TEXT NOT NULL,"
        " asked_at BIGINT NOT NULL,"
        " confirmed_by TEXT,"
        " confirmed_at BIGINT,"
        " release_by TEXT,"  # the first of two who want it ended, and opened
        " release_at BIGINT,"
        " open_by TEXT,"
        " open_at BIGINT,"
        " open_until BIGINT,"
        " opened_at BIGINT,"
        " ended_by TEXT,"
        " ended_at BIGINT,"
        " reviewed_at BIGINT,"
        " journalled SMALLINT NOT NULL)",
        "CREATE INDEX belisha_hold_active ON belisha_hold (id) WHERE ended_at IS NULL",
        "CREATE TABLE belisha_hold_kept ("
        " hold_id TEXT NOT NULL,"
        " kind TEXT NOT NULL,"
        " id TEXT NOT NULL,"
        " part INTEGER NOT NULL,"
        " sealed TEXT NOT NULL,"
        " at BIGINT NOT NULL,"
        " PRIMARY KEY (hold_id, kind, id, part))",
        # Files that a hold covers by an event that shared them and was redacted.
        "CREATE TABLE belisha_hold_share ("
        " hold_id TEXT NOT NULL,"
        " media_id TEXT NOT NULL,"
        " PRIMARY KEY (hold_id, media_id))",
        "CREATE TABLE belisha_hold_note ("
        " hold_id TEXT NOT NULL,"
        " step TEXT NOT NULL,"
        " who TEXT NOT NULL,"
        " at BIGINT NOT NULL,"
        " told SMALLINT NOT NULL,"
        " PRIMARY KEY (hold_id, step, who))",
        "CREATE INDEX belisha_hold_note_due ON belisha_hold_note (at) WHERE told = 0",
    ),
    # Codes for who is without the phone, each used once; of each a keyed hash.
    (
        "CREATE TABLE belisha_spare_code ("
        " localpart TEXT NOT NULL,"
        " code_hash TEXT NOT NULL,"
        " PRIMARY KEY (localpart, code_hash))",
    ),
)
