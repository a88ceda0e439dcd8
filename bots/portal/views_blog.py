"""The blog's pages. What each shows is decided by what the module says at that moment (rule P2).

Markup is read in a thread: a post may be as long as an event, and a page with many of them is to hold up nobody else's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from aiohttp import web
from markupsafe import Markup

from belisha.blog.article import Article, article_of, opening, shown
from belisha.blog.difference import compared
from belisha.directory.written import plain
from belisha.sniff import HEAD, sniff
from belisha.tlp import Label
from bots.blog.blog import address
from bots.blog.listing import MOST_PAGES, PAGE, Asked
from bots.kernel.posts import Blog, Card, Comment, Post, Version
from bots.portal.guard import Refused
from bots.portal.pages import part
from bots.portal.visit import Visit

_QUESTION: Final = 200
#: What is said of posts or messages where none has the words that were looked for.
MISSPELT: Final = "None has these words; these have some that differ in one letter."
#: What a post's file may have, in bytes: a chapter of a book, read within a second or two.
_LARGEST_TEXT: Final = 128 * 1024
_LARGEST_PICTURE: Final = 10 * 1024 * 1024
#: What browsers show as a still or moving picture, and cannot run.
_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_ADDRESS: Final = re.compile(r"mxc://(?P<server>[^/]+)/(?P<id>[A-Za-z0-9_-]{1,255})")


class _Shown(NamedTuple):
    """A post of a list, read."""

    card: Card
    article: Article


class _Said(NamedTuple):
    """A comment, read; of a file there is a picture, or only its name."""

    comment: Comment
    html: Markup
    picture: str | None = None
    file: str | None = None


async def index(visit: Visit) -> web.Response:
    """The posts of the blogs that I read, the newest first, narrowed down as wished, a page at a time."""
    asked, user_id = _asked(visit), visit.known.member.user_id
    groups = await visit.parts.homeserver.blog.read(user_id)
    found = await visit.parts.posts.listed(groups.since, asked)
    blog = await visit.parts.homeserver.blog.read(user_id, [(row.room_id, row.event_id) for row in found.rows])
    # Who has left a group since the first question is shown nothing of it by the second.
    cards = await asyncio.to_thread(_read, [card for card in blog.cards if card is not None])
    # Tags and their counts are of all posts that match: how strict those may be, their rooms say.
    of_tags = [one.ceiling for one in groups.groups if found.tags and one.room_id in found.rooms]
    pages = min(MOST_PAGES, max(1, -(-found.total // PAGE)))
    return visit.page(
        "blog",
        max((*(one.card.label for one in cards), *of_tags), default=Label.GREEN),
        asked=asked,
        cards=[_on_list(one, blog) for one in cards],
        total=found.total,
        note=MISSPELT if found.misspelt else "",
        pages=pages,
        previous=_page(asked, asked.page - 1) if asked.page > 1 else None,
        following=_page(asked, asked.page + 1) if asked.page < pages else None,
        active=_active(asked, groups, cards),
        tags=[(name, count, _with(asked, tag=name)) for name, count in found.tags.items() if name != asked.tag],
        groups=[(one.name, _with(asked, group=one.room_id)) for one in groups.groups if one.room_id != asked.group],
        has_blogs=bool(groups.groups),
    )


async def post(visit: Visit) -> web.Response:
    """A post with its comments; what is not there and what is not for me are the same."""
    found = await _post(visit, _number(visit, "page"))
    article = await asyncio.to_thread(article_of, found.card.facts.content, _picture(visit))
    if article is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    is_missing = False
    if article.attachment is not None:
        text = await _attached(visit, article.attachment)
        is_missing = text is None
        article = article if text is None else await asyncio.to_thread(_with_text, article, text, _picture(visit))
    comments = await asyncio.to_thread(_comments, found.comments, visit)
    page = _number(visit, "page")
    facts = found.card.facts
    here = address_of(found.card)
    return visit.page(
        "post",
        max(found.card.label, *(one.label for one in found.comments), Label.CLEAR),
        card=found.card,
        article=article,
        body=Markup(article.html),  # noqa: S704 - `article_of` has cleaned it
        is_missing=is_missing,
        group=found.group,
        likes=found.likes,
        comments=comments,
        here=here,
        element=visit.parts.place.in_element("room", facts.room_id, facts.event_id),
        tags=[(name, _with(Asked(), tag=name)) for name in article.tags],
        is_revised=len(found.versions) > 1,
        page_number=page,
        pages=found.comment_pages,
        previous=f"{here}?page={page - 1}#comments" if page > 1 else None,
        following=f"{here}?page={page + 1}#comments" if page < found.comment_pages else None,
    )


async def versions(visit: Visit) -> web.Response:
    """What changed between two versions of a post; by default between the last two."""
    found = await _post(visit, 1)
    last = len(found.versions)
    newer = min(max(_number(visit, "to", last), 1), last)
    older = min(max(_number(visit, "from", newer - 1), 1), last)
    if older > newer:
        older, newer = newer, older
    lines, title = await asyncio.to_thread(_compared, found.versions[older - 1], found.versions[newer - 1])
    return visit.page(
        "post_versions",
        found.card.label,
        title=title,
        here=address_of(found.card),
        versions=found.versions,
        older=older,
        newer=newer,
        lines=lines,
    )


async def picture(visit: Visit) -> web.Response:
    """A picture, where I may open its file now: what the file gate says, for me (rule F1)."""
    user_id, media_id = visit.known.member.user_id, visit.request.match_info["media_id"]
    data = await visit.parts.homeserver.blog.file(user_id, media_id, _LARGEST_PICTURE)
    kind = sniff(data[:HEAD]) if data else ""
    if data is None or kind not in _PICTURES:
        raise Refused(HTTPStatus.NOT_FOUND)
    return web.Response(body=data, content_type=kind, headers={"Content-Disposition": "inline"})


async def _attached(visit: Visit, address_: str) -> str | None:
    """The text of a Markdown file, where I may open it now (rule F1); None where not, or where it is no such text."""
    found = _ADDRESS.fullmatch(address_)
    if found is None or found["server"] != visit.parts.server_name:
        return None
    data = await visit.parts.homeserver.blog.file(visit.known.member.user_id, found["id"], _LARGEST_TEXT)
    if not data or sniff(data[:HEAD]) != "text/plain":
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _with_text(article: Article, text: str, at: Any) -> Article:
    """A post with what its file says: its heading is the title, and its tags are the post's, too."""
    content = {"msgtype": "m.text", "body": text}
    read = article_of(content, at)
    if read is None:
        return article._replace(html=shown(content, at).html)
    return read._replace(tags=tuple(dict.fromkeys((*article.tags, *read.tags))))


async def _post(visit: Visit, page: int) -> Post:
    asked = visit.request.match_info
    found = await visit.parts.homeserver.blog.post(
        visit.known.member.user_id, asked["room_id"], asked["event_id"], page
    )
    if found is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return found


def _read(cards: Sequence[Card]) -> list[_Shown]:
    read = [(card, article_of(opening(card.facts.content))) for card in cards]
    return [_Shown(card, article) for card, article in read if article is not None]


def _comments(comments: Sequence[Comment], visit: Visit) -> list[_Said]:
    """Comments as the page shows them."""
    found, at = [], _picture(visit)
    for one in comments:
        content = one.content
        kind = content.get("msgtype")
        if kind in ("m.image", "m.file", "m.video", "m.audio"):
            name = plain(str(content.get("filename") or content.get("body") or ""))[:_QUESTION]
            url = content.get("url")
            shows = at(url) if kind == "m.image" and isinstance(url, str) else None
            said = shown({key: value for key, value in content.items() if key in ("body", "format", "formatted_body")})
            found.append(_Said(one, Markup(said.html), shows, name or "a file"))  # noqa: S704 - cleaned
        else:
            found.append(_Said(one, Markup(shown(content, at).html)))  # noqa: S704 - cleaned
    return found


def _compared(before: Version, after: Version) -> tuple[Any, str]:
    texts = []
    title = ""
    for one in (before, after):
        article = article_of(one.content)
        said = shown(one.content)
        texts.append(said.text if article is None else f"{article.title}\n{article.text}")
        title = title if article is None else article.title
    return compared(*texts), title


def _picture(visit: Visit) -> Any:
    """Where pictures of this homeserver are to be loaded from; others are not shown."""
    ours = visit.parts.server_name

    def at(address_: str) -> str | None:
        found = _ADDRESS.fullmatch(address_)
        return f"/pictures/{found['id']}" if found and found["server"] == ours else None

    return at


def _asked(visit: Visit) -> Asked:
    given = visit.request.query
    return Asked(
        query=plain(given.get("q", "")[:_QUESTION]),
        tag=plain(given.get("tag", "")[:_QUESTION]).removeprefix("#"),
        author=given.get("author", "")[:255].replace("\0", ""),
        group=given.get("group", "")[:255].replace("\0", ""),
        page=min(_number(visit, "page"), MOST_PAGES),
    )


def _number(visit: Visit, name: str, otherwise: int = 1) -> int:
    given = visit.request.query.get(name, "")
    return max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 5 else otherwise


def _with(asked: Asked, **changed: Any) -> str:
    """The address of the first page of the same, narrowed down otherwise."""
    return address("", replace(asked, **changed))


def _page(asked: Asked, page: int) -> str:
    same = _with(asked)
    return f"{same}{'&' if '?' in same else '?'}page={page}" if page > 1 else same


def address_of(card: Card) -> str:
    """The page of a post."""
    return f"/blog/{part(card.facts.room_id)}/{part(card.facts.event_id)}"


def _on_list(one: _Shown, blog: Blog) -> Mapping[str, Any]:
    card = one.card
    return {
        "card": card,
        "article": one.article,
        "address": address_of(card),
        "group": blog.names.get(card.facts.room_id) or "A group without a name",
        "by": _with(Asked(), author=card.author.user_id) if card.author.user_id else None,
    }


def _active(asked: Asked, blog: Blog, cards: Sequence[_Shown]) -> Sequence[Mapping[str, str]]:
    """By what the list is narrowed down, and its address without that."""
    by = next((one.card.author.name for one in cards if one.card.author.name), None) or asked.author
    group = blog.names.get(asked.group) or "one group"
    known = (("Tag", "tag", asked.tag), ("By", "author", by if asked.author else ""), ("In", "group", group))
    given = {"tag": asked.tag, "author": asked.author, "group": asked.group}
    return [
        {"name": name, "value": value, "without": _with(asked, **{key: ""})} for name, key, value in known if given[key]
    ]
