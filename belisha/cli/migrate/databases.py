"""Brings one database from SQLite to PostgreSQL, and compares every table.

Synapse's own program knows its tables, and the bots know theirs; each is run as the account that owns the database.
"""

import os
import subprocess
from pathlib import Path
from typing import Any, Final

from belisha.cli.backup import postgresql, sqlite
from belisha.cli.backup.postgresql import Database
from belisha.cli.child import python
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.host import FILES, Folders

_MODULES: Final = {"synapse": "synapse_modules.porting", "bots": "bots.porting"}

#: Tables whose rows are not the same ones, and why; every other has as many rows as before.
_OTHERS: Final = {
    "user_directory": "is made anew by Synapse",
    "user_directory_search": "is made anew by Synapse",
    "user_directory_stream_pos": "has Synapse make the directory anew",
    "users_in_public_rooms": "is made anew by Synapse",
    "users_who_share_private_rooms": "is made anew by Synapse",
    "background_updates": "has Synapse make the directory anew",
    "ui_auth_sessions": "last for minutes",
    "ui_auth_sessions_credentials": "last for minutes",
    "ui_auth_sessions_ips": "last for minutes",
    "worker_read_write_locks": "belong to a process that has ended",
    "worker_read_write_locks_mode": "is the same in every database",
    "schema_version": "is about the database itself",
    "schema_compat_version": "is about the database itself",
    "applied_schema_deltas": "is about the database itself",
    "applied_module_schemas": "is about the database itself",
    "port_from_sqlite3": "is Synapse's note of how far it has come",
}


def bring(database: Database, copy: Path, folders: Folders, progress: Progress) -> int:
    """Fills a database with what a copy of SQLite's has; gives how many rows there are.

    Raises:
        CommandError: a program fails, or a table has not as many rows as before.
    """
    postgresql.clear(database)
    progress.step(f"Filling the database {database.name}")
    configuration = folders.configuration / database.part / FILES[database.part][0]
    _run(database, python(_MODULES[database.part], "--config", str(configuration), "--sqlite", str(copy)))
    before, after = sqlite.counts(copy), postgresql.counts(database)
    if database.part == "synapse":
        before["event_search"] = sqlite.searchable(copy)
    wrong = [
        f"{table}: {count} before, {after.get(table, 'none')} now"
        for table, count in sorted(before.items())
        if table not in _OTHERS and count != after.get(table, 0)
    ]
    if wrong:
        raise CommandError(
            f"The database {database.name} has not in it what it should: {'; '.join(wrong[:5])}.",
            "Report this; nothing is lost, the data folder is as it was.",
        )
    return sum(after.values())


def _run(database: Database, command: tuple[str, ...]) -> None:
    whose = postgresql.account(database.role)
    become: dict[str, Any] = {} if whose is None else {"user": whose.pw_uid, "group": whose.pw_gid, "extra_groups": ()}
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PGPORT")}
    done = subprocess.run(  # noqa: S603  the commands stand above
        command,
        cwd="/",
        env=kept | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **become,
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        raise CommandError(f"The database {database.name} could not be filled ({said[:300]}).")
