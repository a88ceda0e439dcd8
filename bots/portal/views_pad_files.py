"""A pad as a file: made for its reader now, of what stands in it now, with its label on it (rule P2)."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from belisha.export import disposition, file_name
from belisha.tlp import Label
from bots.charts.artist import NotDrawn
from bots.pads.files.order import MEDIA_TYPES, NAMES, Kind, Order, as_markdown
from bots.pads.rules import title
from bots.portal.drawings import Busy
from bots.portal.guard import Refused
from bots.portal.views_compose import counted, readers_told
from bots.portal.views_pads import ShownPad, here_of, shown_pad
from bots.portal.visit import Visit


async def file(visit: Visit) -> web.Response:
    """The pad, to be saved."""
    found, kind = await shown_pad(visit), Kind(visit.request.match_info["kind"])
    order = _order(visit, found, kind)
    if kind is Kind.MARKDOWN:
        body = as_markdown(order)
    else:
        try:
            body = await visit.parts.files[kind].made(visit.request.match_info["event_id"], order.as_json())
        except Busy:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, 5.0) from None
        except NotDrawn:
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR) from None
        # Making it takes a while, in which a right may have ended or the pad been raised.
        if (await shown_pad(visit)).labelled.label != order.label:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, 1.0)
    headers = {
        "Content-Disposition": disposition(file_name(order.title or "pad", order.label, kind.value)),
        "Cache-Control": "private, no-store",
    }
    charset = "utf-8" if kind in (Kind.MARKDOWN, Kind.HTML) else None
    return web.Response(body=body, content_type=MEDIA_TYPES[kind], charset=charset, headers=headers)


async def share(visit: Visit) -> web.Response:
    """A page by which its member adds a file of the pad to its group's documents, by a message of their own."""
    found, match = await shown_pad(visit), visit.request.match_info
    group = await visit.parts.homeserver.blog.composer(visit.known.member.user_id, match["room_id"])
    if group is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return visit.page(
        "pad_share",
        found.labelled.label,
        title=title(found.text),
        here=here_of(visit),
        pad=f"{match['room_id']} {match['event_id']}",
        group=group,
        labels=[one for one in group.labels if one >= found.labelled.label],
        kinds_of_files=NAMES.items(),
        closed=group.closed,
        is_sent=visit.request.query.get("sent") == "1",
        readers=readers_told(group.readers),
        organisations=counted(group.readers),
        in_element=visit.known.session.widget,
        element=visit.parts.place.in_element("room", group.room_id),
    )


def _order(visit: Visit, found: ShownPad, kind: Kind) -> Order:
    """What the file is to be; from AMBER on it says who took it away, as a copy out of the library does."""
    known, label = visit.known.member, found.labelled.label
    me = found.facts.readers[known.user_id].present
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    order = Order(kind, title(found.text), found.text, label, visit.parts.pages.community, now.isoformat())
    # What is to be given to the group is nobody's copy.
    is_given = visit.request.query.get("for") == "group" and not found.facts.readers[known.user_id].present.closed
    if label < Label.AMBER or is_given:
        return order
    return order._replace(by=f"{me.name} ({me.organisation})", user_id=known.user_id)
