"""Belisha's own tables in Synapse's database, made and migrated at start; no content in any."""

from __future__ import annotations

from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi

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
)


def _migrate(txn: LoggingTransaction) -> None:
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
    await api.run_db_interaction("belisha_migrate", _migrate)
