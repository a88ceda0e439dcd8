"""What names and ids in the registry may be; each check gives the sentence that says what is wrong, or None.

Names are held to Unicode UTS #39 (security mechanisms), section 3, as far as names of people in any one script pass.
Whether a name looks like another's is in `likeness`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from confusable_homoglyphs.categories import aliases_categories

from belisha.lookalikes import INVISIBLE
from belisha.policy.likeness import looks_like, skeletons
from belisha.policy.people import BOT_PREFIX, CATEGORIES, ROLES

NAME_LENGTH: Final = 80
#: The rule for ids of organisations, in words; the registry and the help of commands say it the same way.
ORGANISATION_ID_RULE: Final = "1 to 32 of a-z, 0-9 and “-”, with a letter or digit at both ends"
LOCALPART_RULE: Final = "1 to 64 of a-z, 0-9, “.”, “_” and “-”, with a letter or digit first"

_ORGANISATION_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_UNSEEN: Final = re.compile(f"[{INVISIBLE}]")
_LOCALPART: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

#: Apostrophe and hyphen as typed and as printed (U+2019, U+2010), and the dot of Catalan (U+00B7).
_OF_PERSONS: Final = frozenset(" '\u2019.,-\u2010\u00b7")
_OF_ORGANISATIONS: Final = _OF_PERSONS | frozenset("&+/!()\u2013")
#: Scripts that one word may hold beside each other (UTS #39, "Highly Restrictive", without Latin).
_TOGETHER: Final = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)
_OF_ALL_SCRIPTS: Final = frozenset({"COMMON", "INHERITED"})
#: UTS #39, section 5.4: more marks over one letter than any language has.
_MOST_MARKS: Final = 4

#: Words that speak for the community, wherever they stand in a name …
_CLAIMING: Final = (
    *("belisha", "tlp"),
    *("admin", "administrator", "moderator", "sysadmin", "hostmaster", "postmaster", "webmaster"),
)
#: … and words that do at the beginning of a name, or as all of it: “Steward Jane”, but not “Jane Steward”.
_CLAIMING_FIRST: Final = (
    *("steward", "manager", "operator", "lead"),
    *("bot", "everyone", "helpdesk", "mod", "official", "root", "server", "staff", "support", "system"),
)


def problem_of_name(name: str, allowed: Collection[str] = _OF_PERSONS) -> str | None:
    """A name as people read it; `allowed` are the characters that are neither letters nor digits."""
    if not name.strip() or name != name.strip() or len(name) > NAME_LENGTH:
        return f"A name has 1 to {NAME_LENGTH} visible characters, without spaces at the ends."
    if not any(unicodedata.category(char)[0] == "L" for char in name):
        return "A name has at least one letter."
    if unicodedata.normalize("NFKC", name) != unicodedata.normalize("NFC", name):
        return "This name holds characters that stand for others. Please write it in plain letters."
    for char in name:
        is_seen = unicodedata.category(char) in _IN_NAMES and not _UNSEEN.match(char)
        if char not in allowed and not is_seen:
            is_shown = char.isprintable() and not _UNSEEN.match(char)
            shown = f"“{char}” (U+{ord(char):04X})" if is_shown else f"U+{ord(char):04X}, which is not seen"
            return f"A name cannot hold {shown}. Please write it in letters."
    if _has_too_many_marks(name):
        return "This name has too many marks over one letter. Please write it as it is usually written."
    mixed = next((word for word in name.split() if not _is_of_one_script(word)), None)
    if mixed is not None:
        return f"“{mixed}” mixes the letters of several scripts, which look alike. Please write a word in one script."
    return None


_IN_NAMES: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"})


def _has_too_many_marks(name: str) -> bool:
    before, count = "", _MOST_MARKS  # a mark in front of everything has no letter
    for char in unicodedata.normalize("NFD", name):
        if unicodedata.category(char) != "Mn":
            before, count = "", 0
            continue
        count += 1
        if char == before or count > _MOST_MARKS:
            return True
        before = char
    return False


def _is_of_one_script(word: str) -> bool:
    scripts = {aliases_categories(char)[0] for char in unicodedata.normalize("NFC", word)} - _OF_ALL_SCRIPTS
    return len(scripts) <= 1 or any(scripts <= together for together in _TOGETHER)


def problem_of_organisation_id(value: str) -> str | None:
    """The id of an organisation, which can never change."""
    if not _ORGANISATION_ID.fullmatch(value):
        return f"The id of an organisation has {ORGANISATION_ID_RULE}, for example “sea-rescue”."
    return _problem_of_claim(value, (), is_organisation=True)


def problem_of_localpart(value: str, roles: Collection[str] = ()) -> str | None:
    """The user name of a member, which can never change."""
    if not _LOCALPART.fullmatch(value):
        return f"The user name of a member has {LOCALPART_RULE}, for example “anna.keller”."
    if any(seen.startswith(tuple(skeletons(BOT_PREFIX))) for seen in skeletons(value)):
        return f"User names that begin with “{BOT_PREFIX}”, or look so, belong to the community's bots."
    return _problem_of_claim(value, roles)


def problem_of_organisation(organisation_id: str, name: str, category: str) -> str | None:
    """The first thing wrong with an organisation."""
    problem = (
        problem_of_organisation_id(organisation_id)
        or problem_of_name(name, _OF_ORGANISATIONS)
        or _problem_of_claim(name, (), is_organisation=True)
    )
    if problem is None and category not in CATEGORIES:
        return f"The category of an organisation is one of {', '.join(CATEGORIES)}."
    return problem


def problem_of_member(localpart: str, name: str, roles: Collection[str]) -> str | None:
    """The first thing wrong with a member."""
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        return f"“{unknown[0]}” is no role; the roles are {', '.join(ROLES)}."
    return problem_of_localpart(localpart, roles) or problem_of_name(name) or _problem_of_claim(name, roles)


def _problem_of_claim(name: str, roles: Collection[str], *, is_organisation: bool = False) -> str | None:
    """What a name claims to be without being it: a role that one has may stand in one's name.

    An organisation may begin its name with what would be a claim in a person's: “Support Centre North”.
    """
    words = [word for word in re.split(r"[^\w]|_", name) if word]
    for place, word in enumerate(words):
        is_role = place == 0 and not (is_organisation and len(words) > 1)
        claims = (*_CLAIMING, *(claim for claim in _CLAIMING_FIRST if is_role and claim not in roles))
        if any(looks_like(word, claim) for claim in claims):
            return f"“{word}” would claim to speak for the community. Please choose a name without it."
    return None


def name_from(localpart: str) -> str:
    """The name of a member of whom only the user name is known: “anna.keller” is Anna Keller."""
    return " ".join(word.capitalize() for word in re.split(r"[._-]+", localpart) if word)
