"""Decides about the six digits of an authenticator app, the second factor of signing in (RFC 6238).

They are typed straight after the password, in the one field that every client has. A code opens one door: whoever
overhears it comes too late. Wrong codes are counted where the password before them was right, so that who has found
out a password does not find the digits by trying, and who has not locks nobody out.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Final, NamedTuple

import pyotp

from belisha.policy.recovery import ALPHABET

#: How many digits a code has, and for how many seconds it is shown (RFC 6238, 5.2).
DIGITS: Final = 6
STEP_S: Final = 30
#: How many steps before and after the present one are taken, for clocks that differ and people who type (RFC 6238, 6).
DRIFT: Final = 1
#: So many wrong codes behind a right password end signing in for so many seconds, counted from the first of them.
MOST_WRONG: Final = 10
WRONG_S: Final = 24 * 3600
#: The form of a key: 160 bits in base32 (RFC 4226, 4 R6).
_SECRET: Final = re.compile(r"[A-Z2-7]{32}")
_CODE: Final = re.compile(r"[0-9]{6}")
#: How many codes for the day without the phone are made at once, and their form: 59 bits, read out in groups of four.
SPARE_CODES: Final = 8
_SPARE: Final = re.compile(rf"[{ALPHABET}]{{4}}(?:-[{ALPHABET}]{{4}}){{2}}")
_SPARE_LENGTH: Final = 14


class Factor(NamedTuple):
    """A member's second factor.

    Attributes:
        secret: the key that their app has, in base32.
        last_step: the step of the last code that was taken; none of it or before is taken again.
        wrong: how many wrong codes came behind the right password, since `wrong_since`.
        wrong_since: seconds since 1970.
    """

    secret: str
    last_step: int = -1
    wrong: int = 0
    wrong_since: int = 0


def new_secret() -> str:
    """A key for an app, of 160 random bits."""
    return str(pyotp.random_base32())


def is_secret(text: str) -> bool:
    """Whether a text has the form of a key."""
    return _SECRET.fullmatch(text) is not None


def uri(secret: str, account: str, issuer: str) -> str:
    """The address that a QR code holds for apps (Google Authenticator's Key URI Format).

    Args:
        secret: the key.
        account: whose it is, as the app shows it.
        issuer: the community, as the app shows it.
    """
    return str(pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer))


def spelled(secret: str) -> str:
    """A key as people type it: in groups of four."""
    return " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))


def split(typed: str) -> tuple[str, str] | None:
    """The password and the code behind it, six digits or a spare one; None where one of them is missing."""
    password, code = typed[:-DIGITS], typed[-DIGITS:]
    if password and _CODE.fullmatch(code):
        return password, code
    password, code = typed[:-_SPARE_LENGTH], typed[-_SPARE_LENGTH:].upper()
    return (password, code) if password and is_spare(code) else None


def new_spare_code() -> str:
    """A code that opens an account once in the place of the six digits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))


def is_spare(code: str) -> bool:
    """Whether a text has the form of such a code."""
    return _SPARE.fullmatch(code) is not None


def step_of(secret: str, code: str, now: float) -> int | None:
    """The step whose code this is, among those that are taken at a moment, in seconds since 1970; else None.

    All of them are compared, each in constant time.
    """
    if not _CODE.fullmatch(code):
        return None
    app, present, found = pyotp.TOTP(secret), int(now) // STEP_S, None
    for step in range(max(0, present - DRIFT), present + DRIFT + 1):
        if hmac.compare_digest(str(app.generate_otp(step)), code):
            found = step
    return found


def decide_code(factor: Factor, code: str, now: float) -> tuple[bool, Factor]:
    """Decides about a code behind a right password; whether it is taken, and what is then kept.

    A code that was taken before is refused and not counted: clients send a password twice, and nobody learns from it.
    """
    is_counting = abs(now - factor.wrong_since) < WRONG_S
    wrong = factor.wrong if is_counting else 0
    step = step_of(factor.secret, code, now)
    if wrong >= MOST_WRONG:
        return False, factor
    if step is None:
        return False, factor._replace(wrong=wrong + 1, wrong_since=factor.wrong_since if wrong else int(now))
    if step <= factor.last_step:
        return False, factor
    return True, factor._replace(last_step=step, wrong=0)


def decide_spare(factor: Factor, now: float, *, is_one: bool) -> tuple[bool, Factor]:
    """Decides about a spare code behind a right password, as about digits: wrong ones are counted together."""
    is_counting = abs(now - factor.wrong_since) < WRONG_S
    wrong = factor.wrong if is_counting else 0
    if wrong >= MOST_WRONG:
        return False, factor
    if not is_one:
        return False, factor._replace(wrong=wrong + 1, wrong_since=factor.wrong_since if wrong else int(now))
    return True, factor._replace(wrong=0)


def may_without(now: float, enrol_until: int | None) -> bool:
    """Whether an account that has no factor yet signs in by its password: within the term for it, or never."""
    return enrol_until is not None and now < enrol_until
