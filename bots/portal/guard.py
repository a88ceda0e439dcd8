"""What stands before every page: limits, origin, form proof, session, and the module's word; and behind it: headers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from aiohttp import web

from belisha.tlp import Label
from bots.kernel.logs import where
from bots.portal.limits import Limit, asker
from bots.portal.place import SESSION, WIDGET
from bots.portal.unavailable import Unavailable
from bots.portal.visit import Parts, Route, Visit, Visitor, Who, local, see

log = logging.getLogger(__name__)

_ASKER: Final = web.RequestKey("asker", str)
_ROUTE: Final = web.RequestKey("route", Route)
_READING: Final = 10.0  # seconds for a form to arrive
_READS: Final = frozenset({"GET", "HEAD"})
#: What people read when something is refused: a heading, and what to do.
_SAID: Final = {
    400: ("That could not be read", "Go back, and try it once more."),
    403: ("That was not sent from a page of the portal", "Open the page again, and press the button there."),
    404: ("There is no such page", "It may have been moved or ended, or it is not for you to see."),
    413: ("That is too much", "Shorten it, and send it again."),
    421: ("The portal has another address", "Open it as written below."),
    429: ("Too many requests", "Please wait a minute, then load the page again."),
    500: ("Something went wrong here", "It was written down for those who run this. Please try again later."),
    503: ("We cannot check right now what you may see", "So nothing is shown. Please try again in a few minutes."),
}


class Refused(Exception):
    """An answer that is no page: a status of `_SAID`."""

    def __init__(self, status: int, wait: float = 0.0) -> None:
        """Says which.

        Args:
            status: The HTTP status.
            wait: Seconds after which it may be tried again.
        """
        super().__init__(status)
        self.status = status
        self.wait = wait


class Guard:
    """Lets requests through to the pages."""

    def __init__(self, parts: Parts, pages: Limit, member: Limit) -> None:
        """Prepares the checks.

        Args:
            parts: What all pages share.
            pages: How often one address may ask.
            member: How often one member may.
        """
        self._parts = parts
        self._pages = pages
        self._member = member

    @web.middleware
    async def outermost(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Whatever comes out has the headers, and is for people to read."""
        try:
            response = await self._limited(request, handler)
        except Refused as refused:
            response = self._told(request, refused)
        except web.HTTPException as error:  # no such address, another method, too large
            status = HTTPStatus.NOT_FOUND if error.status in (404, 405) else error.status
            response = self._told(request, Refused(status if status in _SAID else 400))
        except Unavailable:
            response = self._told(request, Refused(HTTPStatus.SERVICE_UNAVAILABLE, 30))
        except Exception as error:
            log.error("a page failed", extra={"error": where(error), "route": _name(request)})
            response = self._told(request, Refused(HTTPStatus.INTERNAL_SERVER_ERROR))
        route = request.get(_ROUTE)
        for name, value in self._parts.place.headers(framed=route is not None and route.framed).items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = "Belisha"
        return response

    async def _limited(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        request[_ASKER] = asker(request.remote, request.headers.get("X-Forwarded-For"))
        if wait := self._pages.wait(request[_ASKER]):
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
        if request.host.casefold() != self._parts.place.host:  # a name that somebody made to lead here
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST)
        return await handler(request)

    def around(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The handler of a route, behind its checks."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            request[_ROUTE] = route
            form: Mapping[str, str] = {}
            if request.method not in _READS and not route.from_elsewhere:
                if not self._is_own(request):
                    raise Refused(HTTPStatus.FORBIDDEN)
                form = await _form(request)
            visit = Visit(request, self._parts, request[_ASKER], None, form)
            if route.who is Who.ANYBODY:
                return await route.handler(visit)
            if _came_from_elsewhere(request):
                # The cookie is not sent along from other sites: the browser asks once more, from here.
                return visit.page("onward", Label.CLEAR, to=local(request.path_qs))
            visitor = await self._visitor(visit)
            if visitor is None:
                return _to_sign_in(visit)
            if wait := self._member.wait(visitor.member.user_id):
                raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
            if request.method not in _READS and not self._parts.keys.is_form(visitor.token, form.get("form")):
                raise Refused(HTTPStatus.FORBIDDEN)
            if route.who is Who.CONFIRMED and not visitor.session.confirmed:
                return see("/confirm")
            visit = Visit(request, self._parts, request[_ASKER], visitor, form)
            response = await route.handler(visit)
            await visit.counted("viewed", visitor.member.user_id)
            return response

        return guarded

    async def _visitor(self, visit: Visit) -> Visitor | None:
        """Whose session it is; the module says with every page whether the account may act, and for whom."""
        sessions = self._parts.sessions
        for name in (SESSION, WIDGET):
            token = visit.cookie(name)
            session = await sessions.find(token) if token else None
            if token is None or session is None or session.widget is not (name == WIDGET):
                continue
            member = await self._parts.homeserver.member(session.user_id)
            is_theirs = member is not None and member.is_since_recovery(session.opened_at)
            if member is not None and is_theirs and member.organisation == session.organisation:
                return Visitor(member, session, token)
            log.info("a session has ended with the right to it", extra={"session": session.number})
            if not is_theirs:
                await sessions.end_all(session.user_id)
            else:
                await sessions.end(session.user_id, session.number)
        return None

    def _is_own(self, request: web.Request) -> bool:
        """Whether a page of ours sent this: browsers say so, and no script can make them lie."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin"
        return request.headers.get("Origin") == self._parts.place.public_url

    def _told(self, request: web.Request, refused: Refused) -> web.Response:
        heading, remedy = _SAID[refused.status]
        visit = Visit(request, self._parts, "", None, {})
        response = visit.page("refused", Label.CLEAR, status=refused.status, heading=heading, remedy=remedy)
        if refused.wait:
            response.headers["Retry-After"] = f"{max(1.0, refused.wait):.0f}"
        return response


async def _form(request: web.Request) -> Mapping[str, str]:
    """The fields of a form; files are no part of any.

    Raises:
        Refused: It is something else, or does not arrive.
    """
    is_utf_8 = (request.charset or "utf-8").lower() in ("utf-8", "utf8")
    if request.content_type != "application/x-www-form-urlencoded" or not is_utf_8:
        raise Refused(HTTPStatus.BAD_REQUEST)
    try:
        async with asyncio.timeout(_READING):
            fields = await request.post()
    except (TimeoutError, ValueError, LookupError) as error:
        raise Refused(HTTPStatus.BAD_REQUEST) from error
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _came_from_elsewhere(request: web.Request) -> bool:
    from_elsewhere = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    return from_elsewhere and request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "document"


def _to_sign_in(visit: Visit) -> web.Response:
    place, had = visit.parts.place, visit.cookie(SESSION)
    if visit.framed or (had is None and visit.cookie(WIDGET) is not None):
        return see("/widget", place.cookie(WIDGET, "", 0))
    gone = (place.cookie(SESSION, "", 0),) if had is not None else ()
    onward = visit.request.path if visit.request.method in _READS and visit.request.path != "/" else ""
    query = "&".join(filter(None, ["because=ended" if had else "", f"next={quote(onward)}" if onward else ""]))
    return see(f"/sign-in?{query}" if query else "/sign-in", *gone)


def _name(request: web.Request) -> str:
    """The route's pattern, never its values."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""
