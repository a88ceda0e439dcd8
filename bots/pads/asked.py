"""What a page asks to be done with comments and suggestions, read strictly out of JSON; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from bots.pads.updates import MalformedUpdate

#: What stands for such an act where frames of the sync protocol stand, which has 0 to 2.
NOTE: Final = 3

COMMENT, REPLY, SUGGEST = "comment", "reply", "suggest"
RESOLVE, REOPEN, REMOVE, ACCEPT, REJECT = "resolve", "reopen", "remove", "accept", "reject"
#: Which words each act comes with, besides its own number and the note it is about.
_MORE: Final = {
    COMMENT: ("begins", "ends", "words"),
    SUGGEST: ("begins", "ends", "words"),
    REPLY: ("thread", "words"),
    RESOLVE: (),
    REOPEN: (),
    REMOVE: (),
    ACCEPT: ("words", "quoted"),
    REJECT: (),
}
_NOTE: Final = re.compile(r"[0-9A-Za-z-]{8,40}", re.ASCII)
_LARGEST: Final = 2**53 - 1
_LONGEST_PLACE: Final = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """An act of a page.

    Attributes:
        number: by which the page knows it: it is named in the answer.
        act: `comment`, `reply`, `suggest`, `resolve`, `reopen`, `remove`, `accept` or `reject`.
        note: which comment, reply or suggestion; for a new one, what its page calls it.
        thread: what a reply belongs to.
        begins: where what it is about begins, as an editor writes that down.
        ends: and where it ends.
        words: what was written; of a suggestion that is accepted, as the page shows it.
        quoted: what that would stand instead of, as the page shows it.
    """

    number: int
    act: str
    note: str
    thread: str = ""
    begins: str = ""
    ends: str = ""
    words: str = ""
    quoted: str = ""


def asked_of(given: Any) -> Asked:
    """Reads an act.

    Raises:
        MalformedUpdate: it is none, or has something else in it.
    """
    if not isinstance(given, dict) or not isinstance(given.get("do"), str) or given["do"] not in _MORE:
        raise MalformedUpdate("It is no message of an editor.")
    more = {key: given[key] for key in _MORE[given["do"]] if key in given}
    if given.keys() != {"do", "number", "note", *_MORE[given["do"]]}:
        raise MalformedUpdate("It is no message of an editor.")
    number, note = given["number"], given["note"]
    if type(number) is not int or not 0 < number <= _LARGEST:
        raise MalformedUpdate("It has a number that no editor writes.")
    for one in (note, more.get("thread", note)):
        if not isinstance(one, str) or not _NOTE.fullmatch(one):
            raise MalformedUpdate("It names a comment in a way that no editor does.")
    for one in (more[key] for key in ("begins", "ends") if key in more):
        if not isinstance(one, str) or not one.isascii() or len(one) > _LONGEST_PLACE:
            raise MalformedUpdate("It names a place that no editor writes.")
    for words in (more[key] for key in ("words", "quoted") if key in more):
        if not isinstance(words, str) or "\0" in words or any("\ud800" <= one <= "\udfff" for one in words):
            raise MalformedUpdate("It has letters that are none.")
    return Asked(number, given["do"], note, **more)
