"""Seals what a legal hold keeps, by a key that the server which seals does not have (HPKE, RFC 9180).

Synapse is told the public half alone. So whoever takes that process, its database or a backup of it without the keys
reads nothing of what was withdrawn; the other half is a secret of the operators' command line.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

#: How many bytes of a file are sealed at once.
PART_BYTES: Final = 512 * 1024
EVENT: Final = "event"
FILE: Final = "file"
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class BrokenSeal(ValueError):
    """What was sealed was not sealed for this place by the public half of this key, or was changed since."""


class Place(NamedTuple):
    """Where something sealed stands; the seal is bound to it, so that nothing is put in the place of another."""

    hold: str
    kind: str
    """`EVENT` or `FILE`."""
    id: str
    part: int
    """Of a file 0 is what is known of it, as JSON, and its bytes follow from 1 on; of an event there is only 0."""

    @property
    def info(self) -> bytes:
        """The place as bytes, unlike those of every other."""
        return json.dumps(["belisha hold", *self]).encode()


def public_of(secret: str) -> str:
    """The public half of the secret `hold`, in base64."""
    return base64.b64encode(_private(secret).public_key().public_bytes_raw()).decode()


def seal(public: str, place: Place, plain: bytes) -> str:
    """Seals something for a place, in base64.

    Raises:
        ValueError: the key is none.
    """
    key = X25519PublicKey.from_public_bytes(base64.b64decode(public))
    return base64.b64encode(_SUITE.encrypt(plain, key, place.info)).decode()


def opened(secret: str, place: Place, sealed: str) -> bytes:
    """What was sealed for a place.

    Raises:
        BrokenSeal: by another key, for another place, or changed since.
    """
    try:
        return bytes(_SUITE.decrypt(base64.b64decode(sealed, validate=True), _private(secret), place.info))
    except (ValueError, InvalidTag):
        raise BrokenSeal("the secret `hold` is not the one that this was sealed for, or it was changed") from None


def _private(secret: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(hmac.digest(secret.encode(), b"belisha legal hold", "sha256"))
