"""A new key for a member's authenticator app: made with the page that shows it, and in no store until a code proves it.

The form carries the key back, with a proof that it was made here, so that a key is never somebody's choice. Until the
homeserver has taken it together with one of its codes, the account's old factor holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import segno
from markupsafe import Markup

from belisha.policy.factor import is_secret, new_secret, spelled, uri
from bots.portal.keys import Keys


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a page shows of a key, and what its form carries.

    Attributes:
        secret: the key, in base32.
        proof: that it was made here.
        spelled: the key as people type it.
        uri: the key as apps take it.
        picture: the same as a QR code, SVG.
    """

    secret: str
    proof: str
    spelled: str
    uri: str
    picture: Markup


class Enrolling:
    """Keys for the apps of one community's members."""

    def __init__(self, keys: Keys, community: str, server_name: str) -> None:
        """`community` and `server_name` are what an app shows beside the code: whose account it is is not known yet."""
        self._keys = keys
        self._community = community
        self._server_name = server_name

    def key(self, form: Mapping[str, str]) -> NewKey:
        """The key that a form carries, or else a new one."""
        secret, proof = form.get("secret", ""), form.get("proof", "")
        if not (is_secret(secret) and self._keys.is_key(secret, proof)):
            secret = new_secret()
        address = uri(secret, self._server_name, self._community)
        # Dark on light in either theme: not every camera reads it the other way round.
        picture = segno.make(address, error="m").svg_inline(border=4, omitsize=True, dark="#000", light="#fff")
        return NewKey(secret, self._keys.key(secret), spelled(secret), address, Markup(picture))  # noqa: S704 - of numbers
