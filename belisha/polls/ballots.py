"""Ballots of anonymous polls as they are published: receipt codes with choices, sorted by code, and the hash of all.

A receipt is a code that only its voter was shown. Sorted by it, the list tells neither who voted nor in which order.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from belisha.polls.tally import Tally
from belisha.polls.wire import Start
from belisha.tlp import Label

#: The fewest people who may vote for a poll to be anonymous.
FEWEST_VOTERS: Final = 5
#: Bytes of a receipt: 80 bits, in sixteen characters.
RECEIPT_BYTES: Final = 10
#: Crockford's base32 (crockford.com/base32.html): no I, L, O and U, so that nothing is read as something else.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_STANDARD: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_GROUP: Final = 4
_FILLING: Final = re.compile(r"[\s\u2010-\u2015-]+")
_SAME: Final = str.maketrans("OIL", "011")
_FIRST: Final = "Belisha ballot list 1"
_DAMAGED: Final = "damaged: "


class MalformedList(ValueError):
    """A text is no list of ballots; `str()` says why."""


class Ballot(NamedTuple):
    """One ballot.

    Attributes:
        receipt: its code, as it is shown: `7K2M-0QZ9-…`.
        choices: the places of the answers that were chosen, from 1, in the poll's order.
    """

    receipt: str
    choices: tuple[int, ...]


def receipt_of(raw: bytes) -> str:
    """A receipt as it is shown, of `RECEIPT_BYTES` bytes."""
    letters = base64.b32encode(raw).decode().translate(str.maketrans(_STANDARD, ALPHABET))
    return "-".join(letters[place : place + _GROUP] for place in range(0, len(letters), _GROUP))


def receipt_bytes(receipt: str) -> bytes:
    """The bytes of a receipt that `receipt_of` made."""
    return base64.b32decode(receipt.replace("-", "").translate(str.maketrans(ALPHABET, _STANDARD)))


def receipt_from(typed: str) -> str | None:
    """The receipt that somebody meant, however it was typed; None for what is none."""
    letters = _FILLING.sub("", typed).upper().translate(_SAME)
    if len(letters) * 5 != RECEIPT_BYTES * 8 or not set(letters) <= set(ALPHABET):
        return None
    return "-".join(letters[place : place + _GROUP] for place in range(0, len(letters), _GROUP))


def ballot_list(start: Start, label: Label, ballots: Iterable[Ballot], damaged: int = 0) -> bytes:
    """The list that is published: the poll, its answers by their places, and each ballot on a line, sorted by code.

    Args:
        start: the poll.
        label: its label; the list is as confidential as that.
        ballots: in any order.
        damaged: how many sealed ballots could not be opened.
    """
    ballots = sorted(ballots)
    lines = [
        str(label),
        _FIRST,
        f"poll: {start.event_id}",
        f"question: {_line(start.question)}",
        *(f"answer {place}: {_line(option.text)}" for place, option in enumerate(start.options, start=1)),
        f"ballots: {len(ballots)}",
        f"{_DAMAGED}{damaged}",
        "",
        *(f"{one.receipt} {','.join(map(str, one.choices))}" for one in ballots),
    ]
    return ("\n".join(lines) + "\n").encode()


def digest(listed: bytes) -> str:
    """The SHA-256 of a list, as it is announced before the list is."""
    return hashlib.sha256(listed).hexdigest()


def read_list(listed: bytes) -> tuple[list[Ballot], int]:
    """The ballots of a list in its order, and how many were damaged.

    Raises:
        MalformedList: it is none.
    """
    head, _, body = listed.decode().partition("\n\n")
    lines = head.split("\n")
    if lines[1:2] != [_FIRST] or not lines[-1].startswith(_DAMAGED):
        raise MalformedList("The text is no list of ballots.")
    ballots = []
    for line in body.splitlines():
        receipt, _, chosen = line.partition(" ")
        if receipt_from(receipt) != receipt or not re.fullmatch(r"\d{1,2}(,\d{1,2})*", chosen):
            raise MalformedList("A line of the list is no ballot.")
        ballots.append(Ballot(receipt, tuple(map(int, chosen.split(",")))))
    return ballots, int(lines[-1].removeprefix(_DAMAGED))


def is_valid(start: Start, choices: Sequence[int]) -> bool:
    """Whether a ballot may say this: at least one answer, none twice, not too many, and only those that there are."""
    is_number = 0 < len(choices) <= start.most and len(set(choices)) == len(choices)
    return is_number and all(1 <= one <= len(start.options) for one in choices)


def count(start: Start, ballots: Iterable[Ballot]) -> Tally:
    """What the ballots come to; the tally knows them by their receipts."""
    ids = [option.id for option in start.options]
    chosen = {one.receipt: tuple(ids[place - 1] for place in one.choices) for one in ballots}
    counted = Counter(answer for answers in chosen.values() for answer in answers)
    return Tally({key: counted[key] for key in ids}, chosen)


def is_unanimous(tally: Tally) -> bool:
    """Whether all who have voted chose the same, so that the result tells how each of them did."""
    return len(set(tally.ballots.values())) == 1


def turnout_step(voted: int, voters: int) -> int:
    """How many quarters of those who may vote have voted, from 0 to 4."""
    return min(4, 4 * voted // voters) if voters else 0


def _line(text: str) -> str:
    return " ".join(text.split())
