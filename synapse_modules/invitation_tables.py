"""The rows of invitations, and of accounts that are being made by them, each function inside one transaction."""

from __future__ import annotations

from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.policy.invitations import Invitation

#: How long making an account may take, in seconds. Who began before that has failed, in a crash perhaps.
HELD_FOR: Final = 60

_COLUMNS: Final = "invitation_id, organisation_id, name, uses, used, expires, made_by"


class Registration(NamedTuple):
    """An account that is being made, and who it will be; nobody else is given that user name meanwhile."""

    localpart: str
    invitation: str
    organisation: str
    name: str
    since: int


def put_invitation(txn: LoggingTransaction, invitation: Invitation, token_hash: str) -> None:
    """Adds an invitation."""
    txn.execute(
        f"INSERT INTO belisha_invitation ({_COLUMNS}, token_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constant
        (*invitation, token_hash),
    )


def renew(txn: LoggingTransaction, invitation_id: str, token_hash: str) -> bool:
    """Gives an invitation that nobody has used another token; whether there is one."""
    txn.execute(
        "UPDATE belisha_invitation SET token_hash = ? WHERE invitation_id = ? AND used = 0", (token_hash, invitation_id)
    )
    return txn.rowcount == 1


def invitations(txn: LoggingTransaction) -> list[Invitation]:
    """Every invitation, those that do not hold any more too; the one that expires first is the first."""
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_invitation ORDER BY expires, invitation_id")  # noqa: S608 - constant
    return [Invitation(*row) for row in txn.fetchall()]


def invitation_of(txn: LoggingTransaction, token_hash: str) -> Invitation | None:
    """The invitation of a token."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM belisha_invitation WHERE token_hash = ?",  # noqa: S608 - constant
        (token_hash,),
    )
    row = txn.fetchone()
    return None if row is None else Invitation(*row)


def invitation(txn: LoggingTransaction, invitation_id: str) -> Invitation | None:
    """The invitation of an id."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM belisha_invitation WHERE invitation_id = ?",  # noqa: S608 - constant
        (invitation_id,),
    )
    row = txn.fetchone()
    return None if row is None else Invitation(*row)


def end_invitation(txn: LoggingTransaction, invitation_id: str) -> bool:
    """Takes an invitation away; whether there was one."""
    txn.execute("DELETE FROM belisha_invitation WHERE invitation_id = ?", (invitation_id,))
    return txn.rowcount == 1


def under_way(txn: LoggingTransaction, now: int) -> list[Registration]:
    """The accounts that are being made now."""
    txn.execute(
        "SELECT localpart, invitation_id, organisation_id, name, since FROM belisha_registration WHERE since > ?",
        (now - HELD_FOR,),
    )
    return [Registration(*row) for row in txn.fetchall()]


def is_being_made(txn: LoggingTransaction, localpart: str, now: int) -> bool:
    """Whether an account of that name is being made now."""
    return any(registration.localpart == localpart for registration in under_way(txn, now))


def begin(txn: LoggingTransaction, registration: Registration) -> None:
    """Writes down that an account is being made, and strikes out those that were never finished."""
    txn.execute("DELETE FROM belisha_registration WHERE since <= ?", (registration.since - HELD_FOR,))
    txn.execute(
        "INSERT INTO belisha_registration (localpart, invitation_id, organisation_id, name, since)"
        " VALUES (?, ?, ?, ?, ?)",
        registration,
    )


def end(txn: LoggingTransaction, registration: Registration) -> bool:
    """Strikes out that an account is being made; whether it stood there."""
    txn.execute(
        "DELETE FROM belisha_registration WHERE localpart = ? AND invitation_id = ? AND since = ?",
        (registration.localpart, registration.invitation, registration.since),
    )
    return txn.rowcount == 1


def use(txn: LoggingTransaction, invitation_id: str) -> bool:
    """Counts one use of an invitation; whether there was one left."""
    txn.execute(
        "UPDATE belisha_invitation SET used = used + 1 WHERE invitation_id = ? AND used < uses", (invitation_id,)
    )
    return txn.rowcount == 1


def has_account(txn: LoggingTransaction, user_id: str) -> bool:
    """Whether Synapse has an account of that name, in whatever case; deactivated ones stay."""
    txn.execute("SELECT 1 FROM users WHERE lower(name) = lower(?)", (user_id,))
    return txn.fetchone() is not None
