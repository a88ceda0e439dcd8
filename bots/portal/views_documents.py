"""The library's pages. What each shows is decided by what the module says at that moment (rules P2 and E1).

Nothing of it is kept here: neither names nor files. A copy goes through as it comes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp import web

from belisha.excerpt import marked
from belisha.sniff import is_picture
from belisha.tlp import Label
from bots.portal.guard import Refused
from bots.portal.homes import Room
from bots.portal.visit import Visit

#: An empty list is no secret.
_EMPTY: Final = Label.GREEN
_QUESTION: Final = 200
_PAGES: Final = 50
_PIECE: Final = 64 * 1024
#: So many files the module tells of on a page.
_PER_PAGE: Final = 20
_PASSED_ON: Final = ("Content-Type", "Content-Disposition", "Cache-Control", "X-Content-Type-Options")


@dataclass(frozen=True, slots=True)
class _Asked:
    words: str
    room_id: str | None
    page: int

    @classmethod
    def of(cls, visit: Visit) -> _Asked:
        query = visit.request.query
        page = query.get("page", "1")
        number = int(page) if page.isdecimal() and len(page) < 4 else 1
        words = query.get("q", "")[:_QUESTION].replace("\0", "").strip()
        return cls(words, query.get("group") or None, min(max(number, 1), _PAGES))

    def address(self, page: int) -> str:
        """The same question's other page."""
        given = {"q": self.words, "group": self.room_id or "", "page": str(page)}
        return "/documents?" + urlencode({key: value for key, value in given.items() if value})


async def documents(visit: Visit) -> web.Response:
    """The files of my groups, newest first, narrowed down as wished, a page at a time."""
    asked, user_id = _Asked.of(visit), visit.known.member.user_id
    groups = await groups_of(visit)
    if asked.room_id is not None and asked.room_id not in groups:
        raise Refused(HTTPStatus.NOT_FOUND)
    lines = lines_for(visit, _PER_PAGE)
    found = await visit.parts.homeserver.documents(user_id, asked.words, asked.room_id, asked.page, lines)
    return visit.page(
        "documents",
        Label.parse(found.get("label")) or _EMPTY,
        asked=asked,
        cards=[{**card_of(one, groups), "pieces": pieces_of(one, asked.words)} for one in found["documents"]],
        groups=sorted(groups.values(), key=lambda room: (room.name or "").casefold()),
        previous=asked.address(asked.page - 1) if asked.page > 1 else None,
        following=asked.address(asked.page + 1) if found.get("more") is True and asked.page < _PAGES else None,
    )


async def document(visit: Visit) -> web.Response:
    """One file, its versions, and for who uploaded it who has it; what is not mine to read is not there."""
    match, user_id = visit.request.match_info, visit.known.member.user_id
    found = await visit.parts.homeserver.document(user_id, match["room_id"], match["event_id"])
    if found is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    groups = await groups_of(visit)
    card = card_of(found["document"], groups)
    return visit.page(
        "document",
        # Who has opened it concerns few, and is shown to its source alone.
        max(Label.parse(found.get("label")) or _EMPTY, Label.AMBER if found.get("is_source") is True else _EMPTY),
        card=card,
        versions=[card_of(one, groups) for one in found["versions"]],
        others=[card_of(one, groups) for one in found["others"]],
        opened=found["opened"],
        is_source=found.get("is_source") is True,
        names_me=card["label"] >= Label.AMBER,
        # A widget shows none until its browser is confirmed: it is written down as a download is.
        preview=_preview_of(found["document"]) if visit.known.session.confirmed else None,
    )


async def copy(visit: Visit) -> web.Response:
    """A copy with its label on it, made for me now."""
    return await _passed_on(visit, "stamped")


async def preview(visit: Visit) -> web.Response:
    """A small picture of how a file begins, with its label on it, drawn for me now; not there where none can be."""
    return await _passed_on(visit, "preview")


async def _passed_on(visit: Visit, made: str) -> web.Response:
    user_id, media_id = visit.known.member.user_id, visit.request.match_info["media_id"]
    given = await visit.parts.homeserver.copy(user_id, media_id, made)
    if given is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    headers = {name: given.headers[name] for name in _PASSED_ON if name in given.headers}
    if visit.request.method == "HEAD":
        given.close()
        return web.Response(headers=headers)
    return web.Response(body=_pieces(given), headers=headers)


async def _pieces(given: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with given:
        async for piece in given.content.iter_chunked(_PIECE):
            yield piece


async def groups_of(visit: Visit) -> Mapping[str, Room]:
    """The member's groups, by room."""
    home = await visit.parts.homeserver.home(visit.known.member.user_id)
    return {room.room_id: room for room in home.groups}


def lines_for(visit: Visit, most: int) -> int:
    """For how many files a line of their text is shown: as with previews, only where the browser is confirmed."""
    return most if visit.known.session.confirmed else 0


def pieces_of(one: Mapping[str, Any], words: str) -> Sequence[tuple[str, bool]]:
    """The line of a file's text in parts, each with whether it is what was looked for; empty where there is none."""
    line = one.get("excerpt")
    return marked(line, words) if isinstance(line, str) else ()


def card_of(one: Mapping[str, Any], groups: Mapping[str, Room]) -> Mapping[str, Any]:
    """What is shown of a file."""
    room_id, event_id = str(one["room_id"]), str(one["event_id"])
    return {
        **one,
        "label": Label.kept(one.get("label")),
        "at": int(one["at"]) / 1000,
        "address": f"/documents/{quote(room_id, safe='')}/{quote(event_id, safe='')}",
        "save": f"/documents/copy/{quote(str(one['media_id']), safe='')}",
        "group": groups.get(room_id),
        "size": _size(int(one.get("size") or 0)),
        "sort": _sort(str(one.get("media_type") or "")),
    }


def _preview_of(one: Mapping[str, Any]) -> str | None:
    """Where a small picture of a file is, if there may be one; its uploader's client says what kind it is."""
    is_shown = _sort(str(one.get("media_type") or "")) in ("PDF", "picture") and one.get("previews") is True
    return f"/documents/preview/{quote(str(one['media_id']), safe='')}" if is_shown else None


def _size(count: int) -> str:
    """How large a file is, for people."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def _sort(media_type: str) -> str:
    if media_type == "application/pdf":
        return "PDF"
    return "picture" if is_picture(media_type) else media_type.partition(";")[0] or "file"
