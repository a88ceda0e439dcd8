"""Seals the ballots of one anonymous poll with a key of its own; without it nothing tells a ballot from noise.

While a poll is open each ballot is kept under a link that follows from its voter, so that a later one takes its place.
When the key is destroyed, the links and all that was sealed say nothing any more, wherever copies of them lie.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from belisha.polls.ballots import RECEIPT_BYTES, Ballot, receipt_bytes, receipt_of
from belisha.polls.wire import MOST_ANSWERS

#: Bytes of a key, and of what goes into each seal (NIST SP 800-38D, 8.2.2).
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_CHOICE_BYTES: Final = (MOST_ANSWERS + 7) // 8


class BrokenSeal(ValueError):
    """What was sealed was not sealed by this key for this place, or was changed since."""


class BallotKey:
    """The key of one poll."""

    def __init__(self, raw: bytes) -> None:
        """Takes `KEY_BYTES` random bytes.

        Raises:
            ValueError: they are more or fewer.
        """
        if len(raw) != KEY_BYTES:
            raise ValueError(f"a key of {KEY_BYTES} bytes is needed")
        self._raw = raw
        self._aead = AESGCM(self._derive("seal"))

    def link(self, voter: str) -> bytes:
        """Under what a voter's ballot is kept: 32 bytes that follow from the voter and the key."""
        return self._derive("link", voter)

    def receipt(self, voter: str, once: str) -> str:
        """The receipt of a ballot that comes by a form: the same where that form is sent twice, and another's never."""
        return receipt_of(self._derive("receipt", voter, once)[:RECEIPT_BYTES])

    def seal(self, link: bytes, ballot: Ballot, nonce: bytes) -> bytes:
        """What is kept of a ballot: as many bytes whatever it says.

        Args:
            link: its place, to which the seal is bound.
            ballot: what it says.
            nonce: `NONCE_BYTES` random bytes, never given twice.
        """
        bits = sum(1 << (place - 1) for place in ballot.choices)
        plain = receipt_bytes(ballot.receipt) + bits.to_bytes(_CHOICE_BYTES, "big")
        return nonce + self._aead.encrypt(nonce, plain, link)

    def unseal(self, link: bytes, sealed: bytes) -> Ballot:
        """The ballot that was sealed for that place.

        Raises:
            BrokenSeal: there is none.
        """
        try:
            plain = self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], link)
        except (InvalidTag, ValueError) as error:
            raise BrokenSeal("That was not sealed by this key for this place.") from error
        bits = int.from_bytes(plain[RECEIPT_BYTES:], "big")
        choices = tuple(place + 1 for place in range(8 * _CHOICE_BYTES) if bits >> place & 1)
        return Ballot(receipt_of(plain[:RECEIPT_BYTES]), choices)

    def _derive(self, *parts: str) -> bytes:
        # Each part with its length, so that no two lists of parts are one text.
        told = b"".join(len(one.encode()).to_bytes(4, "big") + one.encode() for one in parts)
        return hmac.digest(self._raw, told, hashlib.sha256)
