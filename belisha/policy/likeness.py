"""Whether a name looks like another one in the registry (rule M3), as a reader sees it, not as it is spelled."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from belisha.lookalikes import fold

#: ASCII letters that look alike; markers are read without this, since here only whole names are compared.
_ALIKE: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "m": "rn"})
#: The names of the community's bots, as members see them.
BOT_NAMES: Final = ("Steward", "Steward (bot)", "Belisha")


class Known(NamedTuple):
    """Who is in the registry already: name and organisation of each member by localpart, organisations' names by id.

    `former` are user names that were given once and never will be again.
    """

    members: Mapping[str, tuple[str, str]]
    organisations: Mapping[str, str]
    former: frozenset[str] = frozenset()


@lru_cache(maxsize=1 << 16)
def skeletons(text: str) -> frozenset[str]:
    """`text` as a reader sees it, to be compared only: look-alikes folded, case, accents and extra spaces left out.

    Twice, since a capital can look like another letter than its small form, as the Cyrillic Ve does.
    """
    plain = unicodedata.normalize("NFD", text)
    return frozenset(
        " ".join(fold(unicodedata.normalize("NFD", each)).translate(_ALIKE).split())
        for each in (fold(plain).casefold(), plain.casefold())
    )


def looks_like(one: str, other: str) -> bool:
    """Whether two texts may be taken for each other."""
    return not skeletons(one).isdisjoint(skeletons(other))


def clash_of_member(localpart: str, name: str, organisation: str, known: Known) -> str | None:
    """What a member's names look like already; a member never clashes with itself."""
    for other in (*known.members, *known.former):
        if other != localpart and looks_like(other, localpart):
            return f"The user name “{localpart}” looks like “{other}”, which is taken. Please choose another."
    if any(looks_like(each, name) for each in BOT_NAMES):
        return f"“{name}” looks like the name of one of the community's bots. Please choose another."
    if any(looks_like(each, name) for each in (*known.organisations, *known.organisations.values())):
        return f"“{name}” looks like the name of an organisation. Please write the name of a person."
    for other, (others_name, others_organisation) in known.members.items():
        if other != localpart and others_organisation == organisation and looks_like(others_name, name):
            return (
                f"“{others_name}” of the same organisation would look the same. Two people must be told apart: "
                "please add a middle initial."
            )
    return None


def clash_of_organisation(organisation_id: str, name: str, known: Known) -> str | None:
    """What an organisation's id and name look like already; it never clashes with itself.

    Display names are “Name (Organisation)”, and names of people hold no brackets: so they differ wherever the names of
    organisations do, and within one organisation names are told apart by `clash_of_member`.
    """
    for other, others_name in known.organisations.items():
        if other == organisation_id:
            continue
        if looks_like(other, organisation_id):
            return f"The id “{organisation_id}” looks like “{other}”, which is taken. Please choose another."
        if looks_like(others_name, name) or looks_like(other, name):
            return f"“{name}” looks like the organisation “{others_name}”. Please choose a name that differs more."
        if looks_like(others_name, organisation_id):
            return f"The id “{organisation_id}” looks like the organisation “{others_name}”. Please choose another."
    for others_name, _ in known.members.values():
        if looks_like(others_name, name):
            return f"“{name}” looks like the name of a member. Please choose a name that differs more."
    return None
