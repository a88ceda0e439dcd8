"""The rows of recertification: when members were confirmed, and the rounds; each function inside one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from synapse.module_api import LoggingTransaction

from belisha.policy.recertification import Round

_COLUMNS: Final = "organisation_id, asked, warned, ended, frozen"


def confirm(txn: LoggingTransaction, localparts: Iterable[str], day: int) -> None:
    """Writes down that members are confirmed; a later day stays."""
    txn.execute_batch(
        "INSERT INTO belisha_confirmed (localpart, day) VALUES (?, ?)"
        " ON CONFLICT (localpart) DO UPDATE SET day = CASE WHEN excluded.day > belisha_confirmed.day"
        " THEN excluded.day ELSE belisha_confirmed.day END",
        [(localpart, day) for localpart in localparts],
    )


def confirmed(txn: LoggingTransaction) -> dict[str, int]:
    """The day of each member's last confirmation, by localpart; of who never was there is none."""
    txn.execute("SELECT localpart, day FROM belisha_confirmed")
    return {row[0]: int(row[1]) for row in txn.fetchall()}


def rounds(txn: LoggingTransaction, ended_since: int) -> list[tuple[str, Round]]:
    """The rounds that are not over, or ended on or after a day, by their organisations."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM belisha_recertification WHERE ended IS NULL OR ended >= ?"  # noqa: S608 - a constant
        " ORDER BY organisation_id, asked",
        (ended_since,),
    )
    return [(row[0], Round(row[1], row[2], row[3], tuple(json.loads(row[4])))) for row in txn.fetchall()]


def put_round(txn: LoggingTransaction, organisation: str, one: Round) -> None:
    """Writes down a round, or what has become of it."""
    txn.execute(
        f"INSERT INTO belisha_recertification ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - a constant
        " ON CONFLICT (organisation_id, asked) DO UPDATE SET warned = excluded.warned, ended = excluded.ended,"
        " frozen = excluded.frozen",
        (organisation, one.asked, one.warned, one.ended, json.dumps(one.frozen)),
    )


def begun(txn: LoggingTransaction, today: int) -> int:
    """The day on which the community began with it; today, where it had not."""
    txn.execute("SELECT day FROM belisha_recertification_begun WHERE id = 1")
    row = txn.fetchone()
    if row is None:
        txn.execute("INSERT INTO belisha_recertification_begun (id, day) VALUES (1, ?)", (today,))
    return today if row is None else int(row[0])


def stop(txn: LoggingTransaction, today: int) -> int:
    """Ends what was begun, without freezing anybody; how many rounds that ends."""
    txn.execute("DELETE FROM belisha_recertification_begun")
    txn.execute("UPDATE belisha_recertification SET ended = ? WHERE ended IS NULL", (today,))
    return txn.rowcount
