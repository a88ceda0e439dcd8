"""What the steward bot tells leads, stewards and managers about members."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from belisha.translation import _, many, marked
from bots.kernel.answers import Block, Strong, Typed, Words, paragraph, points, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call, Outcome
from bots.steward import named

_ROLES: Final = {
    "lead": marked("lead"),
    "steward": marked("steward"),
    "manager": marked("manager"),
    "operator": marked("operator"),
}
_FROZEN: Final = {
    "lead": marked("frozen by a lead"),
    "steward": marked("frozen by a steward"),
    "manager": marked("frozen by a manager"),
    "operator": marked("frozen by an operator"),
    "recertification": marked("frozen, since nobody confirmed it"),
}


def listed(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """An organisation's members."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    members, count = done.get("members") or (), int(done.get("count") or 0)
    organisation = named.organisation(done, done.get("organisation", ""))
    counted = many("{count} member", "{count} members", count)
    blocks: list[Block] = [say(_("{organisation} has {members}:"), organisation=organisation, members=counted)]
    if done.get("frozen"):
        blocks.append(paragraph(_("The organisation is frozen: none of them can sign in.")))
    if members:
        blocks.append(points([_line(one) for one in members]))
    return Answer((*blocks, *_more(done, count)))


def dormant(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Who was not seen for some time."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    members, count, days = done.get("members") or (), int(done.get("count") or 0), int(done.get("days") or 0)
    if not count:
        nobody = many("Everybody was here within {count} day.", "Everybody was here within {count} days.", days)
        return Answer((paragraph(nobody),))
    counted = many("{count} member", "{count} members", count)
    since = many("For {count} day and longer", "For {count} days and longer", days)
    told = say(_("{since} not seen: {members}."), since=since, members=counted)
    blocks: list[Block] = [told, points([_line(one, elsewhere=True) for one in members])]
    return Answer((*blocks, *_more(done, count)))


def unfactored(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Who has no second factor yet."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    members, count = done.get("members") or (), int(done.get("count") or 0)
    if not count:
        return Answer((paragraph(_("Everybody has a second factor.")),))
    counted = many("{count} member without a second factor:", "{count} members without a second factor:", count)
    blocks: list[Block] = [paragraph(counted), points([_line(one, elsewhere=True) for one in members])]
    how = _("They make one on the portal, under “My sessions”. Who cannot sign in any more needs {command}.")
    return Answer((*blocks, say(how, command=Typed("!recover")), *_more(done, count)))


def _line(one: Mapping[str, Any], *, elsewhere: bool = False) -> Sequence[Words]:
    words: list[Words] = [Strong(str(one["name"])), " (", Typed(str(one["member"])), ")"]
    if elsewhere:
        words += [", ", str(one["organisation_name"])]
    told = [_(_ROLES[role]) for role in one.get("roles") or () if role in _ROLES]
    if one.get("since"):
        told.append(_("since {date}").format(date=one["since"]))
    last = one.get("last")
    told.append(_("last active on {date}").format(date=last) if last else _("not seen yet"))
    if one.get("frozen"):
        told.append(_(_FROZEN.get(str(one["frozen"]), _FROZEN["operator"])))
    return [*words, ": ", ", ".join(told)]


def _more(done: Mapping[str, Any], count: int) -> Sequence[Block]:
    """How to see the rest of a list."""
    shown, page = len(done.get("members") or ()), int(done.get("page") or 1)
    if count and not shown:
        return (say(_("The list has no part {page}."), page=page),)
    if shown == count:
        return ()
    told = _("This is part {page} of the list; for the next one add {flag}.")
    return (say(told, page=page, flag=Typed(f"--page {page + 1}")),)


#: How these acts are told about.
TOLD: Final[Mapping[str, Callable[[Call, Outcome, Context], Answer]]] = {
    "members_list": listed,
    "members_dormant": dormant,
    "members_unfactored": unfactored,
}
