"""One search over all that the portal has: what is found, of which sort, and how far it may go (rule P2).

Each sort of thing is looked for by a source of its own, which asks the module for this member at this moment; what a
source cannot look for at present is said, and the others are shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from belisha.blog.article import article_of
from belisha.directory.fields import Visibility
from belisha.directory.values import Facets
from belisha.directory.written import plain
from belisha.excerpt import excerpt, marked
from belisha.tlp import Label
from bots.blog.listing import Asked
from bots.directory.profiles import Kept, seen
from bots.portal.homes import Room
from bots.portal.pages import part, strictest
from bots.portal.unavailable import Unavailable
from bots.portal.views_blog import MISSPELT, address_of
from bots.portal.views_documents import card_of, groups_of, lines_for, pieces_of
from bots.portal.views_profile import sight_of
from bots.portal.visit import Visit

#: So many characters of a question count; so many hits of one sort are shown.
QUESTION: Final = 200
SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found.

    Attributes:
        title: what it is called.
        about: who, where, when; in a few words.
        label: how far it may go.
        pieces: a piece of its text, each part with whether it is what was looked for.
        address: its page on the portal; None where it is opened in Element.
        in_element: its room and its event, where it is opened there.
        message: the room and the event of the message that it is, where it has a page.
        at: when it was written, in seconds since 1970; None where that says nothing.
    """

    title: str
    about: str
    label: Label
    pieces: Sequence[tuple[str, bool]] = ()
    address: str | None = None
    in_element: tuple[str, str] | None = None
    message: tuple[str, str] | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """What was found of one sort.

    Attributes:
        id: names it in the page.
        title: its heading.
        hits: what is shown, the best first.
        more: where there is more of it, with the words of the link; None where there is not.
        note: what else is to be said of it.
        looked: whether it could be looked for.
    """

    id: str
    title: str
    hits: Sequence[Hit]
    more: tuple[str, str] | None = None
    note: str = ""
    looked: bool = True


Source = Callable[[Visit, str], Awaitable[Section]]


async def search(visit: Visit) -> web.Response:
    """What I can find of everything that my groups and the directory hold."""
    words = plain(visit.request.query.get("q", "")[:QUESTION])
    found = await asyncio.gather(*(_looked_for(source, visit, words) for source in SOURCES)) if words else []
    sections = _each_once(found)
    await _count(visit, sections)
    label = strictest([Label.GREEN, *(hit.label for section in sections for hit in section.hits)])
    return visit.page("search", label, asked=words, sections=sections, found=sum(len(one.hits) for one in sections))


async def people(visit: Visit, words: str) -> Section:
    """Members whose profiles have the words, as the directory finds them."""
    sight = await sight_of(visit)
    found = await visit.parts.book.find(words, sight, Facets(), 1)
    again = await sight_of(visit, *(hit.user_id for hit in found.answer.hits[:SHOWN]))
    listed = {one.user_id: one for one in again.about if one is not None}
    hits = []
    for hit in found.answer.hits[:SHOWN]:
        one, kept = listed.get(hit.user_id), found.kept.get(hit.user_id, Kept())
        if one is None:
            continue
        role = "".join(seen(kept, one, sight).fields.get("role", ()))
        reasons = "; ".join(str(reason) for reason in hit.reasons)
        for_few = any(kept.visibility(reason.field) is not Visibility.COMMUNITY for reason in hit.reasons)
        hits.append(
            Hit(
                title=one.name,
                about=" · ".join(each for each in (one.organisation_name, role) if each),
                label=Label.AMBER if for_few else Label.GREEN,
                pieces=((f"Matched {reasons}", False),) if reasons else (),
                address=f"/directory/members/{part(one.user_id)}",
            )
        )
    total = found.answer.total
    more = (f"/directory?q={part(words)}", f"All {total} members in the directory") if total > len(hits) else None
    return Section("people", "People", hits, more)


async def posts(visit: Visit, words: str) -> Section:
    """Posts of the blogs that the member reads."""
    user_id, blogs = visit.known.member.user_id, visit.parts.homeserver.blog
    groups = await blogs.read(user_id)
    found = await visit.parts.posts.listed(groups.since, Asked(query=words))
    blog = await blogs.read(user_id, [(row.room_id, row.event_id) for row in found.rows])
    cards = [card for card in blog.cards if card is not None]
    articles = await asyncio.to_thread(lambda: [article_of(card.facts.content) for card in cards])
    hits = [
        Hit(
            title=article.title,
            about=" · ".join(each for each in (card.author.name, blog.names.get(card.facts.room_id)) if each),
            label=card.label,
            pieces=marked(excerpt(article.text, words), words),
            address=address_of(card),
            message=(card.facts.room_id, card.facts.event_id),
            at=card.facts.sent_at / 1000,
        )
        for card, article in zip(cards, articles, strict=True)
        if article is not None
    ]
    more = (f"/blog?q={part(words)}", f"All {found.total} posts") if found.total > len(found.rows) else None
    return Section("posts", "Posts", hits, more, MISSPELT if found.misspelt else "")


async def documents(visit: Visit, words: str) -> Section:
    """Files of the member's groups that have the words, in what is said of them or inside."""
    user_id = visit.known.member.user_id
    found = await visit.parts.homeserver.documents(user_id, words, None, 1, lines_for(visit, SHOWN))
    groups = await groups_of(visit)
    told = found["documents"][:SHOWN]
    cards = [card_of(one, groups) for one in told]
    hits = [
        Hit(
            title=card["name"],
            about=" · ".join(each for each in (card["by"], _name(card["group"])) if each),
            label=card["label"],
            pieces=pieces_of(one, words),
            address=card["address"],
            message=(str(card["room_id"]), str(card["event_id"])),
            at=card["at"],
        )
        for one, card in zip(told, cards, strict=True)
    ]
    is_more = found.get("more") is True or len(found["documents"]) > SHOWN
    return Section(
        "documents", "Documents", hits, (f"/documents?q={part(words)}", "More documents") if is_more else None
    )


async def messages(visit: Visit, words: str) -> Section:
    """Messages of the member's groups, the newest first."""
    found = await visit.parts.homeserver.messages(visit.known.member.user_id, words)
    hits = [
        Hit(
            title=one.sender_name,
            about=one.room_name or "A group without a name",
            label=one.label,
            pieces=marked(excerpt(one.text, words), words),
            in_element=(one.room_id, one.event_id),
            at=one.at,
        )
        for one in found.hits
    ]
    notes = (
        MISSPELT if found.misspelt else "",
        "These are the newest; another word finds older ones." if found.more else "",
    )
    return Section("messages", "Messages in my groups", hits, note=" ".join(note for note in notes if note))


def _each_once(sections: Sequence[Section]) -> Sequence[Section]:
    """What was found, each message in the first section alone that shows it: as a post, as a file, as itself."""
    kept, shown = [], set[tuple[str, str]]()
    for section in sections:
        hits = [hit for hit in section.hits if (hit.message or hit.in_element) not in shown]
        shown |= {place for hit in hits if (place := hit.message or hit.in_element) is not None}
        kept.append(replace(section, hits=hits, note=section.note if hits or not section.hits else ""))
    return kept


def _name(room: Room | None) -> str:
    return (room.name if room else None) or "A group without a name"


async def _looked_for(source: Source, visit: Visit, words: str) -> Section:
    try:
        return await source(visit, words)
    except Unavailable:
        name = source.__name__
        note = "These cannot be looked through right now. Please try again."
        return Section(name, name.capitalize(), (), note=note, looked=False)


async def _count(visit: Visit, sections: Sequence[Section]) -> None:
    """Counts that the member searched, and that nothing was found where all could be looked through; never what for."""
    if sections:
        await visit.counted("searched", visit.known.member.user_id)
    if sections and all(one.looked and not one.hits for one in sections):
        await visit.counted("found_nothing", visit.known.member.user_id)


SOURCES: Final[Sequence[Source]] = (people, posts, documents, messages)
