"""`python -m synapse_modules.porting`: fills Synapse's database in PostgreSQL with what a copy of SQLite's has.

Synapse's own `synapse_port_db` copies each table that both databases have, so Belisha's are made beforehand, in both of
the newest version. It makes the user directory of nothing; so what makes it anew is asked of the next start.
`belisha migrate` runs this, and compares afterwards.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any, Final

import yaml
from synapse._scripts import synapse_port_db
from synapse.config.database import DatabaseConnectionConfig
from synapse.config.homeserver import HomeServerConfig
from synapse.storage.database import make_conn
from synapse.storage.engines import create_engine
from synapse.storage.prepare_database import prepare_database

from synapse_modules import schema

#: As Synapse's own `regenerate_directory` asks for it (rest/admin/background_updates.py).
_DIRECTORY: Final = (
    ("populate_user_directory_createtables", ""),
    ("populate_user_directory_process_rooms", "populate_user_directory_createtables"),
    ("populate_user_directory_process_users", "populate_user_directory_process_rooms"),
    ("populate_user_directory_cleanup", "populate_user_directory_process_users"),
)


def main() -> None:
    """Copies; ends with an exit code other than 0 where it cannot, and says why as the last thing."""
    parser = argparse.ArgumentParser(prog="python -m synapse_modules.porting", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="homeserver.yaml, with the database to fill")
    parser.add_argument("--sqlite", type=Path, required=True, help="a copy of homeserver.db, which may be changed")
    options = parser.parse_args()
    said = yaml.safe_load(options.config.read_text(encoding="utf-8"))
    said["background_updates"] = {"sleep_duration_ms": 1}  # nobody else uses this database yet
    own = options.sqlite.with_name("homeserver.yaml")  # in a folder of this account alone
    own.write_text(yaml.safe_dump(said), encoding="utf-8")
    config = HomeServerConfig()
    config.parse_config_dict(said, "", "")
    of_sqlite = {"name": "sqlite3", "args": {"database": str(options.sqlite), "cp_min": 1, "cp_max": 1}}
    target = config.database.get_single_database()
    for database in (DatabaseConnectionConfig("sqlite", of_sqlite), target):
        _prepare(database, config)
    sys.argv = ["synapse_port_db", "--sqlite-database", str(options.sqlite), "--postgres-config", str(own)]
    logging.disable(logging.INFO)
    synapse_port_db.main()  # ends the process where it fails
    with make_conn(
        db_config=target, engine=create_engine(target.config), default_txn_name="belisha_port", server_name=""
    ) as connection:
        transaction = connection.cursor(txn_name="belisha_port")
        for name, after in _DIRECTORY:
            transaction.execute(
                "INSERT INTO background_updates (update_name, progress_json, depends_on) VALUES (?, '{}', ?)"
                " ON CONFLICT DO NOTHING",
                (name, after),
            )
        transaction.execute("DROP TABLE port_from_sqlite3")
        connection.commit()


def _prepare(database: DatabaseConnectionConfig, config: Any) -> None:
    """Makes all tables of a database, Synapse's and ours, or brings them to the newest version."""
    engine = create_engine(database.config)
    with make_conn(db_config=database, engine=engine, default_txn_name="belisha_port", server_name="") as connection:
        engine.check_database(connection, allow_outdated_version=True)
        prepare_database(connection, engine, config=config)
        schema.migrate_in(connection.cursor(txn_name="belisha_port"))
        connection.commit()


if __name__ == "__main__":
    main()
