"""The rows of second factors; each function in one transaction.

The key of an app stands there sealed: who reads the database, or a backup of it, and not the server's secrets makes no
codes of it. The seal is bound to its account, so that who can write there gives nobody another's factor.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from synapse.module_api import LoggingTransaction

from belisha.policy.factor import Factor

#: Bytes that go into each seal (NIST SP 800-38D, 8.2.2).
_NONCE: Final = 12


class BrokenSeal(ValueError):
    """A key was not sealed for this account by this server, or was changed since."""


class FactorRows:
    """Second factors by localpart."""

    def __init__(self, key: str) -> None:
        """`key` is the server's own secret."""
        self._aead = AESGCM(hmac.digest(key.encode(), b"belisha second factor", "sha256"))
        self._spare = hmac.digest(key.encode(), b"belisha spare codes", "sha256")

    def put(self, txn: LoggingTransaction, localpart: str, secret: str, step: int, now: float) -> None:
        """Gives an account a factor in the place of the one that it had: codes up to `step`, and spare ones, end."""
        txn.execute("DELETE FROM belisha_spare_code WHERE localpart = ?", (localpart,))
        txn.execute("DELETE FROM belisha_factor WHERE localpart = ?", (localpart,))
        txn.execute(
            "INSERT INTO belisha_factor (localpart, sealed, last_step, wrong, wrong_since, since)"
            " VALUES (?, ?, ?, 0, 0, ?)",
            (localpart, self._seal(localpart, secret), step, int(now)),
        )

    def of(self, txn: LoggingTransaction, localpart: str) -> Factor | None:
        """An account's factor.

        Raises:
            BrokenSeal: it cannot be read.
        """
        txn.execute(
            "SELECT sealed, last_step, wrong, wrong_since FROM belisha_factor WHERE localpart = ?", (localpart,)
        )
        row = txn.fetchone()
        if row is None:
            return None
        return Factor(self._open(localpart, row[0]), int(row[1]), int(row[2]), int(row[3]))

    @staticmethod
    def keep(txn: LoggingTransaction, localpart: str, before: Factor, after: Factor) -> bool:
        """Writes down what became of a code, where nobody else has come first; whether it is so."""
        txn.execute(
            "UPDATE belisha_factor SET last_step = ?, wrong = ?, wrong_since = ?"
            " WHERE localpart = ? AND last_step = ? AND wrong = ? AND wrong_since = ?",
            (*after[1:], localpart, *before[1:]),
        )
        return txn.rowcount == 1

    def put_spare(self, txn: LoggingTransaction, localpart: str, codes: list[str]) -> None:
        """Gives an account spare codes in the place of those that it had; of each a keyed hash is kept."""
        txn.execute("DELETE FROM belisha_spare_code WHERE localpart = ?", (localpart,))
        for code in codes:
            txn.execute(
                "INSERT INTO belisha_spare_code (localpart, code_hash) VALUES (?, ?)",
                (localpart, self._hash(localpart, code)),
            )

    def is_spare(self, txn: LoggingTransaction, localpart: str, code: str) -> bool:
        """Whether this is one of an account's spare codes."""
        txn.execute(
            "SELECT 1 FROM belisha_spare_code WHERE localpart = ? AND code_hash = ?",
            (localpart, self._hash(localpart, code)),
        )
        return txn.fetchone() is not None

    def use_spare(self, txn: LoggingTransaction, localpart: str, code: str) -> bool:
        """Uses a spare code up; whether nobody else has come first."""
        txn.execute(
            "DELETE FROM belisha_spare_code WHERE localpart = ? AND code_hash = ?",
            (localpart, self._hash(localpart, code)),
        )
        return int(txn.rowcount) == 1

    def _hash(self, localpart: str, code: str) -> str:
        return hmac.new(self._spare, f"{localpart} {code}".encode(), "sha256").hexdigest()

    def _seal(self, localpart: str, secret: str) -> str:
        nonce = secrets.token_bytes(_NONCE)
        return base64.b64encode(nonce + self._aead.encrypt(nonce, secret.encode(), localpart.encode())).decode()

    def _open(self, localpart: str, sealed: str) -> str:
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self._aead.decrypt(raw[:_NONCE], raw[_NONCE:], localpart.encode()).decode()
        except (ValueError, InvalidTag):
            raise BrokenSeal("the secret `factor` is not the one that a second factor was sealed with") from None
