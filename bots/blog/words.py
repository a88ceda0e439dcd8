"""What is said of blogs in chat. Titles are members' own words: they stand as links, and never begin a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

from belisha.blog.article import article_of, opening
from belisha.translation import _, many
from bots.blog.listing import PAGE, Asked
from bots.kernel.answers import Block, Link, Typed, Words, paragraph, points, say
from bots.kernel.posts import Card

_NOTHING: Final = "!posts"


def place(portal: str, room_id: str, event_id: str) -> str:
    """The portal's page of a post."""
    return f"{portal}/blog/{quote(room_id, safe='')}/{quote(event_id, safe='')}"


def listed(cards: Sequence[Card], names: Mapping[str, str], asked: Asked, total: int, portal: str) -> Sequence[Block]:
    """A page of posts, each with its label, and how to write one where there is none."""
    lines = [_line(card, names, portal) for card in cards]
    if not any(lines):
        if asked.query or asked.tag:
            return (say(_("No post that you can read has that. To see all, write {all}."), all=Typed(_NOTHING)),)
        return (
            paragraph(_("There is no post yet in the blogs that you read.")),
            say(
                _("To write one, begin a message in a blog with a heading: {example}."),
                example=Typed(_("# What we learned this week")),
            ),
        )
    pages = -(-total // PAGE)
    blocks: list[Block] = [points([line for line in lines if line])]
    if pages > 1:
        here = _("Page {page} of {pages}.").format(page=asked.page, pages=pages)
        blocks.append(paragraph(f"{many('{count} post.', '{count} posts.', total)} {here}"))
    if portal:
        wanted = {"q": asked.query, "tag": asked.tag}
        query = urlencode({key: value for key, value in wanted.items() if value})
        blocks.append(paragraph(Link(_("Read them on the portal"), f"{portal}/blog?{query}".rstrip("?"))))
    return blocks


def _line(card: Card, names: Mapping[str, str], portal: str) -> tuple[Words, ...]:
    article = article_of(opening(card.facts.content))
    if article is None:
        return ()
    facts = card.facts
    title: Words = Link(article.title, place(portal, facts.room_id, facts.event_id)) if portal else article.title
    by = card.author.name or _("somebody who has left")
    told = _("by {name} in “{group}”").format(name=by, group=names.get(facts.room_id) or _("a group without a name"))
    return (f"{card.label}: ", title, f", {told}")
