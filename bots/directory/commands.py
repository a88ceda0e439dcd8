"""The directory's commands, each in one's own room with the steward: their answers are for whoever asks alone (P2)."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import LINE, MEMBER, ORGANISATION, TEXT, choice, number
from belisha.directory.fields import AVAILABILITY, FIELDS, Visibility
from belisha.policy.people import CATEGORIES
from belisha.translation import marked

#: As they are written in chat: one word each.
MY_GROUPS: Final = "my-groups"
VISIBILITIES: Final = {
    Visibility.COMMUNITY.value: Visibility.COMMUNITY,
    MY_GROUPS: Visibility.GROUPS,
    Visibility.NOBODY.value: Visibility.NOBODY,
}
_FIELD: Final = choice(*FIELDS)

PROFILE: Final = Command(
    ("profile",),
    marked("shows your profile, and who sees what of it; or changes it"),
    "!profile expertise + image hashing, grooming detection",
    (
        Argument("field", _FIELD, marked("which part of your profile"), required=False),
        Argument("text", TEXT, marked("what it is to say; + adds, - takes away"), required=False),
    ),
    where=ALONE,
    title=marked("My profile"),
    page="/profile",
    on_page=marked("shows your profile as others see it, and lets you change it"),
)
GUIDE: Final = Command(
    ("profile", "guide"),
    marked("asks you for each part of your profile that says nothing yet, one after the other"),
    "!profile guide",
    where=ALONE,
    title=marked("Fill in my profile"),
    page="/profile/edit",
    on_page=marked("lets you fill in your profile"),
)
VISIBLE: Final = Command(
    ("profile", "visible"),
    marked("says who sees a part of your profile: the community, my-groups or nobody"),
    "!profile visible challenges my-groups",
    (
        Argument("field", _FIELD, marked("which part of your profile")),
        Argument("whom", choice(*VISIBILITIES), marked("who sees it")),
    ),
    where=ALONE,
    title=marked("Who sees my profile"),
    page="/profile/edit",
    on_page=marked("says who sees which part of your profile"),
)
PREVIEW: Final = Command(
    ("profile", "preview"),
    marked("shows your profile as others see it"),
    "!profile preview",
    where=ALONE,
    title=marked("My profile as others see it"),
    page="/profile/preview",
)
ERASE: Final = Command(
    ("profile", "erase"),
    marked("erases everything that you have written into your profile"),
    "!profile erase",
    where=ALONE,
    confirm=marked("Everything in your profile is erased. Your name and your organisation stay in the directory."),
    title=marked("Erase my profile"),
)
WHOIS: Final = Command(
    ("whois",),
    marked("shows the profile of a member, as far as you may see it"),
    "!whois @anna",
    (Argument("member", MEMBER, marked("whose profile")),),
    where=ALONE,
    title=marked("Look up a member"),
    page="/directory",
    on_page=marked("shows the profile of a member, as far as you may see it"),
)
FIND: Final = Command(
    ("find",),
    marked("finds members by what their profiles say"),
    "!find image hashing --category academia",
    (
        Argument("words", TEXT, marked("what you look for"), required=False),
        Argument("category", choice(*CATEGORIES), marked("a category of organisations"), required=False, flag=True),
        Argument("organisation", ORGANISATION, marked("an organisation"), required=False, flag=True),
        Argument("interest", LINE, marked("an interest"), required=False, flag=True),
        Argument(
            "availability",
            choice(*(one.replace(" ", "-") for one in AVAILABILITY)),
            marked("how available they are"),
            required=False,
            flag=True,
        ),
        Argument("page", number(1, 20), marked("which page"), required=False, flag=True),
    ),
    where=ALONE,
    title=marked("Find members"),
    page="/directory",
)
CHALLENGES: Final = Command(
    ("challenges",),
    marked("shows for each of your challenges who could help"),
    "!challenges",
    where=ALONE,
    title=marked("Who could help me"),
    page="/challenges",
)
