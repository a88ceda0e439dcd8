"""Decides whom an organisation's own provider may sign in: active members of exactly that organisation, nobody else.

What a provider says of somebody (`sub`, and one claim with the user name) is that organisation's word. It counts for
its own people; that it names somebody of another organisation tells it nothing, not even that there is such a member.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.names import problem_of_localpart
from belisha.policy.people import ROLES, Person

#: What Synapse puts before the id of each provider of OpenID Connect.
_PREFIX: Final = "oidc-"
#: OpenID Connect Core 1.0, 2: `sub` has at most 255 ASCII characters.
_LONGEST_SUBJECT: Final = 255

_MEANT: Final = allow("M2", "An organisation's provider signs in its own member.")
NO_PASSWORDS: Final = refuse(
    "M2",
    "BY_ORGANISATION",
    "Members here sign in by their own organisation, so there are no passwords and no registration tokens. New members "
    "are added by the people who run the community; who cannot sign in asks their organisation's help desk.",
)
_ANOTHER_WAY: Final = refuse(
    "M2",
    "BY_ORGANISATION",
    "You can sign in here by your own organisation alone, as it is now. Please go back to Element, and choose the "
    "button with its name.",
)
_BY_PASSWORD: Final = refuse(
    "M2", "BY_PASSWORD", "Members here sign in by their password. Please go back to Element, and sign in with yours."
)


class Word(NamedTuple):
    """What a provider says of who has signed in with it.

    Attributes:
        subject: `sub`, by which it knows them for good; None where it says none that can be one.
        name: what it says is their user name here; None where it says none that can be one.
    """

    subject: str | None
    name: str | None


def read_word(subject: object, name: object) -> Word:
    """What a provider says, as far as it can be meant: a user name letter by letter, and nothing that is like one."""
    is_subject = isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT
    known = subject if is_subject and str(subject).isascii() and str(subject).isprintable() else None
    # “manager” is a user name of who has that role, which the registry knows.
    meant = name if isinstance(name, str) and problem_of_localpart(name, ROLES) is None else None
    return Word(None if known is None else str(known), meant)


def provider_of(organisation: str) -> str:
    """The id of an organisation's provider in Synapse's tables."""
    return _PREFIX + organisation


def speaks_for(provider: str, person: Person) -> bool:
    """Whether a provider speaks for an account at this moment."""
    return person.organisation is not None and provider == provider_of(person.organisation)


def decide_word(organisation: str, shown: str, word: Word, person: Person | None, *, is_other: bool) -> Decision:
    """Decides whether a provider signs somebody in.

    Args:
        organisation: the provider's.
        shown: the provider's name.
        word: what it says.
        person: whom that is: the account that its `sub` has, or the one of the user name; None where there is none.
        is_other: whether that account belongs to another `sub` of this provider.
    """
    if word.subject is None:
        return refuse(
            "M2",
            "NO_SUBJECT",
            f"{shown} has signed you in, but did not say who you are. Please tell its help desk: “sub” is missing.",
        )
    if person is None and word.name is None:
        return refuse(
            "M2",
            "NO_USER_NAME",
            f"{shown} has signed you in, but what it calls you cannot be a user name here. Please ask the people who "
            "run this community to look at it with its help desk.",
        )
    if person is None or person.organisation != organisation:
        return refuse(
            "M2",
            "NOT_OF_ORGANISATION",
            f"{shown} has signed you in, but this community has no member of that name in your organisation. Please "
            "ask the lead of your organisation, or the people who run the community, to have you added.",
        )
    if person.frozen:
        return refuse(
            "M1",
            "FROZEN",
            "Your account is frozen for now, so it cannot sign in. Please ask the lead of your organisation, or the "
            "people who run the community.",
        )
    if is_other:
        return refuse(
            "M2",
            "ANOTHER_IDENTITY",
            f"{shown} has signed you in, but the account here belongs to somebody else whom it calls by the same name, "
            "or to you under a former identity. Please ask the people who run the community to look at it.",
        )
    return _MEANT


def decide_way(person: Person, provider: str | None, *, by_organisation: bool) -> Decision:
    """Decides whether a session may be opened in the way that was taken.

    Args:
        person: whose session.
        provider: the id of the provider that was asked; None where none was.
        by_organisation: whether members sign in by their organisations' providers.
    """
    if person.is_bot:
        return _MEANT if provider is None else _ANOTHER_WAY
    if not by_organisation:
        return _MEANT if provider is None else _BY_PASSWORD
    return _MEANT if provider is not None and speaks_for(provider, person) else _ANOTHER_WAY
