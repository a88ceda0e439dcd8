"""What is derived from the portal's secret: codes that people type, and the proofs that forms carry.

A browser holds a random token in a cookie. Its code follows from that token, so that a page can show it again although
the database has only its hash; and the hash is keyed, since so short a text could be guessed from a plain one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

#: Without vowels, so that no word comes about, and without what is read as something else: 0 O, 1 I L, U V.
ALPHABET: Final = "BCDFGHJKMNPQRSTWXYZ23456789"
LENGTH: Final = 8
_FILLING: Final = re.compile(r"[\s\u2010-\u2015-]+")


class Keys:
    """The portal's keys; whoever has its secret has them all."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def code(self, token: str, since: float) -> str:
        """The code of a token that was asked for at that time, as it is shown: `KX7M-2PQ9`."""
        number = int.from_bytes(self._derive("code", f"{token} {since:.0f}"), "big")
        letters = []
        for _ in range(LENGTH):
            number, letter = divmod(number, len(ALPHABET))
            letters.append(ALPHABET[letter])
        return f"{''.join(letters[:4])}-{''.join(letters[4:])}"

    def code_hash(self, code: str) -> str:
        """What is stored of a code, however it was typed."""
        return self._derive("stored code", _FILLING.sub("", code).upper()).hex()

    def form(self, token: str) -> str:
        """What the forms of a page carry, so that no other page can send them."""
        return self._derive("form", token).hex()

    def is_form(self, token: str, given: object) -> bool:
        """Whether a form came from one of the pages that this browser was given."""
        return isinstance(given, str) and hmac.compare_digest(self.form(token).encode(), given.encode(errors="replace"))

    def key(self, secret: str) -> str:
        """What shows that a key for somebody's app was made here."""
        return self._derive("new key", secret).hex()

    def is_key(self, secret: str, proof: str) -> bool:
        """Whether a key was made here."""
        return hmac.compare_digest(self.key(secret).encode(), proof.encode(errors="replace"))

    def mail_off(self, handle: str) -> str:
        """What shows that a link which turns a member's mail off was made here; no database has it."""
        return self._derive("mail off", handle).hex()

    def handle_of(self, token: str) -> str | None:
        """The handle in such a link, where it was made here."""
        handle, _, proof = token.partition(".")
        is_ours = hmac.compare_digest(self.mail_off(handle).encode(), proof.encode(errors="replace"))
        return handle if is_ours else None

    def _derive(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{purpose}\0{text}".encode(errors="replace"), hashlib.sha256)


def looks_like_code(text: str) -> bool:
    """Whether somebody who typed this meant a code."""
    plain = _FILLING.sub("", text).upper()
    return len(plain) == LENGTH and plain.isalnum()


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token: it is random, so that no key is needed."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
