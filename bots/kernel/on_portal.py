"""What is done on a page of the portal alone: who asks for it in chat is told where, if the page is for them."""

from __future__ import annotations

from typing import Final, NamedTuple

from belisha.commands.declaration import EVERYBODY, RUNNING
from belisha.policy.people import Person
from belisha.translation import marked


class Page(NamedTuple):
    """A page, and what it is asked for by.

    Attributes:
        words: any of which somebody may write behind the exclamation mark; none is a command's.
        path: where it is on the portal.
        title: what it is called there; marked for translation.
        roles: to whom the portal shows it.
    """

    words: frozenset[str]
    path: str
    title: str
    roles: frozenset[str] = EVERYBODY


_MANAGER: Final = frozenset({"manager"})
PAGES: Final = (
    Page(frozenset({"synonyms", "synonym"}), "/directory/synonyms", marked("Words that mean the same"), _MANAGER),
    Page(frozenset({"figures", "statistics", "dashboard"}), "/metrics/overview", marked("Figures"), _MANAGER),
    Page(
        frozenset({"sponsors", "sponsor"}),
        "/metrics/report",
        marked("Reports of months, and the links for sponsors"),
        _MANAGER,
    ),
    Page(frozenset({"reports"}), "/reports", marked("Reports"), RUNNING),
    Page(frozenset({"directory"}), "/directory", marked("Directory")),
    Page(frozenset({"documents", "files"}), "/documents", marked("Documents")),
    Page(frozenset({"sessions"}), "/sessions", marked("My sessions")),
)


def page_for(word: str) -> Page | None:
    """The page that a word is about."""
    return next((page for page in PAGES if word in page.words), None)


def may_open(page: Page, person: Person) -> bool:
    """Whether the portal would show it to them; it decides that itself when they open it."""
    return person.belongs and not person.is_bot and bool(person.roles & page.roles)
