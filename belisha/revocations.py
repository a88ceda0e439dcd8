"""The journal of revocations: what has ended since a backup, so that a restore does not bring it back (rule E1).

One JSON object a line: ids, labels and standings, never content. It is only ever added to, and may be replayed at will.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from belisha.policy.people import ROLES
from belisha.tlp import Label


class What(StrEnum):
    """What has ended, or changed; of the same thing the newest line counts."""

    #: A file was withdrawn: its id.
    FILE = "file"
    #: An item was redacted: its event's id.
    ITEM = "item"
    #: An item's label was changed: its event's id, and the label.
    LABEL = "label"
    #: A membership ended, or began anew: room, account, and `left` or `joined`.
    MEMBERSHIP = "membership"
    #: A member or an organisation: `members` or `organisations`, the name, and the standing.
    STANDING = "standing"
    #: Who is behind a pseudonym of the audit log was erased: the pseudonym.
    PSEUDONYM = "pseudonym"
    #: The roles that a member has besides being one: the name, and the roles in their order with commas between.
    ROLES = "roles"
    #: A session ended: account and device.
    SESSION = "session"
    #: A legal hold ended, and what it kept was erased: its id.
    HOLD = "hold"


class Revocation(NamedTuple):
    """One line: what it is about, its ids, and how it is now (empty where there is but one way)."""

    what: What
    ids: tuple[str, ...]
    now: str = ""

    def line(self) -> str:
        """The line of the journal, without its end."""
        return json.dumps({"what": self.what.value, "ids": list(self.ids), "now": self.now}, separators=(",", ":"))


_IDS: Final[Mapping[What, int]] = {
    What.FILE: 1,
    What.ITEM: 1,
    What.LABEL: 1,
    What.MEMBERSHIP: 2,
    What.STANDING: 2,
    What.PSEUDONYM: 1,
    What.ROLES: 1,
    What.SESSION: 2,
    What.HOLD: 1,
}
_STATES: Final[Mapping[What, frozenset[str]]] = {
    What.LABEL: frozenset(str(label) for label in Label),
    What.MEMBERSHIP: frozenset({"left", "joined"}),
    What.STANDING: frozenset({"active", "frozen", "removed"}),
}


_ROLES: Final = tuple(sorted(set(ROLES) - {"member"}))


def roles_text(roles: Iterable[str]) -> str:
    """A member's roles as the journal has them: in the order of the alphabet, without `member`, which everybody is."""
    return ",".join(sorted(set(roles) & set(_ROLES)))


class BrokenJournal(ValueError):
    """A line that is none; the message is a sentence with its number."""


def parsed(value: object) -> Revocation:
    """A revocation out of JSON.

    Raises:
        ValueError: where it is none.
    """
    if not isinstance(value, dict):
        raise ValueError("a revocation is an object")
    what, ids, now = What(str(value.get("what"))), value.get("ids"), value.get("now", "")
    if not isinstance(ids, list) or len(ids) != _IDS[what] or not all(isinstance(one, str) and one for one in ids):
        raise ValueError(f"“{what}” has {_IDS[what]} ids")
    if what is What.ROLES:
        if now and (not set(now.split(",")) <= set(_ROLES) or now != roles_text(now.split(","))):
            raise ValueError(f"“{now}” are no roles")
        return Revocation(what, tuple(ids), now)
    if now not in _STATES.get(what, frozenset({""})):
        raise ValueError(f"“{what}” cannot be “{now}”")
    return Revocation(what, tuple(ids), now)


def read(lines: Iterable[str]) -> list[Revocation]:
    """The newest of each thing in a journal, in their order; a last line that was cut short is left out.

    Raises:
        BrokenJournal: where another line is none.
    """
    newest: dict[tuple[What, tuple[str, ...]], Revocation] = {}
    for number, line in enumerate(lines, start=1):
        if not line.endswith("\n"):
            break
        try:
            one = parsed(json.loads(line))
        except ValueError as error:
            raise BrokenJournal(f"Line {number} of the journal is no revocation: {error}.") from None
        newest.pop((one.what, one.ids), None)
        newest[one.what, one.ids] = one
    return list(newest.values())
