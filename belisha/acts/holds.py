"""Legal holds: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import MEMBER, ROOM_BY_ADDRESS, TEXT, YES, word
from belisha.translation import marked

#: Key of the messages by which the module tells of a hold; it says nothing by itself.
HOLD_KEY: Final = "org.belisha.hold"

_BOTH: Final = frozenset({"manager", "operator"})
_DAY: Final = word(r"\d{4}-\d{2}-\d{2}", marked("Please write a day such as 2027-06-30."))
_HOLD: Final = word(r"[0-9a-f]{8}", marked("Please name one hold by its id, as !hold list shows it."))
_ENDS: Final = Argument("ends", _DAY, marked("on which day it ends, such as 2027-06-30"))
_REASON: Final = Argument("reason", TEXT, marked("on which basis: which law, order or case"))
_QUIET: Final = Argument(
    "quiet",
    YES,
    marked("whether a law forbids to tell whom it concerns before it ends"),
    required=False,
    flag=True,
)
_FROM: Final = Argument(
    "from", _DAY, marked("from which day on things were sent, if not all"), required=False, flag=True
)
_TO: Final = Argument("to", _DAY, marked("until which day they were sent, if not all"), required=False, flag=True)
_BEGINS: Final = marked(
    "Another manager has to confirm it. From then on what is withdrawn, redacted, or deleted by age there is still "
    "gone for everybody, and a sealed copy is kept. All managers are told, and so is whoever withdraws something, "
    "unless it is quiet."
)


def _hold(what: str, help_: str, example: str, first: tuple[Argument, ...], title: str) -> Command:
    return Command(
        ("hold", what),
        help_,
        example,
        first,
        roles=_BOTH,
        where=ALONE,
        act=f"hold_{what}",
        confirm=_BEGINS,
        title=title,
    )


def _about(what: str, help_: str, confirm: str, title: str) -> Command:
    return Command(
        ("hold", what),
        help_,
        f"!hold {what} 1f2e3d4c",
        (Argument("hold", _HOLD, marked("which hold, by its id")),),
        roles=_BOTH,
        where=ALONE,
        act=f"hold_{what}",
        confirm=confirm,
        title=title,
    )


HOLD_ACTS: Final = (
    _hold(
        "member",
        marked("asks for a legal hold on what a member sent"),
        "!hold member @anna 2027-06-30 Order 12/2027 of the county court",
        (Argument("member", MEMBER, marked("whose, by the address")), _ENDS, _REASON, _FROM, _TO, _QUIET),
        marked("Legal hold on a member"),
    ),
    _hold(
        "room",
        marked("asks for a legal hold on what was sent in a room"),
        "!hold room #harbour 2027-06-30 Order 12/2027 of the county court",
        (Argument("room", ROOM_BY_ADDRESS, marked("which room")), _ENDS, _REASON, _FROM, _TO, _QUIET),
        marked("Legal hold on a room"),
    ),
    _hold(
        "time",
        marked("asks for a legal hold on everything that was sent between two days"),
        "!hold time 2027-01-01 2027-01-31 2027-06-30 Order 12/2027 of the county court",
        (
            Argument("from", _DAY, marked("from which day on things were sent")),
            Argument("to", _DAY, marked("until which day")),
            _ENDS,
            _REASON,
            _QUIET,
        ),
        marked("Legal hold on a time"),
    ),
    _about(
        "confirm",
        marked("confirms a legal hold that somebody else asked for"),
        marked(
            "From now until its end what is withdrawn there is kept, sealed. Look first at what it is for: you are "
            "answerable for it together with whoever asked."
        ),
        marked("Confirm a legal hold"),
    ),
    _about(
        "release",
        marked("ends a legal hold before its day; it takes two"),
        marked("Once two have asked for it, all that it keeps is erased for good."),
        marked("End a legal hold"),
    ),
    _about(
        "open",
        marked("agrees that an operator takes out what a legal hold keeps; it takes two"),
        marked("Once two have agreed, an operator can take it out within a day. All managers are told."),
        marked("Have a legal hold opened"),
    ),
    Command(
        ("hold", "list"),
        marked("shows the legal holds, and what waits for a second person"),
        "!hold list",
        roles=_BOTH,
        where=ALONE,
        act="hold_list",
        title=marked("Legal holds"),
    ),
)
