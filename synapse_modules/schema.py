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
