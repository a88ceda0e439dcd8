"""Signing in: by a code that the member sends to the steward, or inside Element by a token of Synapse's."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web

from belisha.tlp import Label
from belisha.translation import _
from bots.kernel.bot import Context
from bots.kernel.effects import Effect
from bots.kernel.logs import where
from bots.portal import approval
from bots.portal.approval import PICTURES, picture
from bots.portal.browsers import name_of
from bots.portal.guard import Refused
from bots.portal.pages import FILES, static
from bots.portal.place import ASKING, BROWSER, SESSION, WIDGET
from bots.portal.sessions import AT_MOST, CODE_HOLDS, Asking, asked
from bots.portal.visit import Parts, Visit, local, see

log = logging.getLogger(__name__)

_MEMBER = re.compile(r"@?(?P<localpart>[a-z0-9._=/+-]{1,200})(?::(?P<server>\S{1,200}))?")
_LONGEST_TOKEN = 512
_BECAUSE = {
    "ended": "Your session has ended. Sign in again to go on.",
    "signed-out": "You are signed out.",
    "no-address": "That is no address of a member here. Yours stands in Element, in your profile: @name.",
    "not-yet": "Your message with the code has not arrived yet. Send it first, then press Continue.",
    "no-member": "Your message is gone again, or your account may not use the portal now. Try it with a new code.",
}


async def sign_in(visit: Visit) -> web.Response:
    """Shows a code, the same one as long as it holds: loading this page uses nothing up."""
    place, cookies = visit.parts.place, []
    token = visit.cookie(ASKING)
    asking = await visit.parts.sessions.asking(token) if token else None
    if token is None or asking is None:
        if wait := visit.parts.codes.wait(visit.asker):
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
        token, asking = await visit.parts.sessions.ask(name_of(visit.request.headers.get("User-Agent", "")))
        cookies.append(place.cookie(ASKING, token, 2 * CODE_HOLDS))
    response = visit.page(
        "sign_in",
        Label.CLEAR,
        asking=asking,
        form=visit.parts.keys.form(token),
        second_factor=visit.parts.enrolling is not None,
        has_passwords=visit.parts.has_passwords,
        told=_BECAUSE.get(visit.request.query.get("because", "")),
        onward=local(visit.request.query.get("next")),
        picture_name=_(PICTURES.get(asking.picture or "", "")) if asking.picture else "",
    )
    for cookie in cookies:
        response.headers.add("Set-Cookie", cookie)
    return response


async def ask_member(visit: Visit) -> web.Response:
    """Asks the member whom the browser names, in their own chat; for any other name the page is the same."""
    parts, token, named = visit.parts, visit.cookie(ASKING), visit.form.get("member", "").strip()
    onward = local(visit.form.get("next"))
    if not token or not parts.keys.is_form(token, visit.form.get("form")):
        return _back("ended", onward)
    if wait := parts.codes.wait(visit.asker):
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
    user_id = address_of(named, parts.server_name)
    if user_id is None:
        return _back("no-address", onward)
    asking = await parts.sessions.show(token, picture())
    if asking is None or asking.picture is None:
        return _back("ended", onward)
    if not parts.approvals.wait(user_id):
        task = asyncio.create_task(_ask(parts, user_id, asking))
        parts.background.add(task)
        task.add_done_callback(parts.background.discard)
    return see("/sign-in" + (f"?next={quote(onward)}" if onward != "/" else ""))


async def _ask(parts: Parts, user_id: str, asking: Asking) -> None:
    try:
        member = await parts.homeserver.member(user_id)
        if member is None or member.service_room is None:
            return
        room_id, shown = member.service_room, asking.picture or ""
        effects = approval.asking(room_id, asking.browser, parts.pages.clock(asking.since), shown)

        def work(context: Context) -> Sequence[Effect]:
            is_waiting = asked(context.database, asking.number, shown, user_id, context.effect_id(0))
            return effects if is_waiting else ()

        await parts.by_form.tell("steward", f"approval {asking.number} {shown} {secrets.token_hex(8)}", work)
    except Exception as error:
        log.error("a member could not be asked", extra={"error": where(error)})


def address_of(named: str, server_name: str) -> str | None:
    """A member's full address, from the part before the colon too."""
    found = _MEMBER.fullmatch(named.casefold())
    if found is None or found["server"] not in (None, server_name.casefold()):
        return None
    return f"@{found['localpart']}:{server_name}"


async def sign_in_state(visit: Visit) -> web.Response:
    """Whether the code that a browser shows is confirmed; asked by its page every two seconds."""
    token = visit.cookie(ASKING)
    asking = await visit.parts.sessions.asking(token) if token else None
    return _state("over" if asking is None else "confirmed" if asking.confirmed else "waiting")


async def confirm_state(visit: Visit) -> web.Response:
    """The same for a session inside Element."""
    token = visit.cookie(WIDGET)
    session = await visit.parts.sessions.find(token) if token else None
    return _state("over" if session is None else "confirmed" if session.confirmed else "waiting")


async def take_session(visit: Visit) -> web.Response:
    """Opens the session that the member has confirmed, for the browser that asked for it, once."""
    parts, token = visit.parts, visit.cookie(ASKING)
    onward = local(visit.form.get("next"))
    if not token or not parts.keys.is_form(token, visit.form.get("form")):
        return _back("ended", onward)
    confirmed = await parts.sessions.confirmed(token)
    if confirmed is None:
        return _back("not-yet", onward)
    # The command is read again where it stands: what says that it came is not what proves it (rule P3).
    proved = await parts.homeserver.has_sent(confirmed.user_id, confirmed.room_id, confirmed.event_id)
    member = await parts.homeserver.member(confirmed.user_id) if proved else None
    if member is None or not member.is_since_recovery(confirmed.at):
        await parts.sessions.give_up(confirmed.number)
        return _back("no-member", onward, parts.place.cookie(ASKING, "", 0))
    opened = await parts.sessions.open(token, member.organisation)
    if opened is None:
        return _back("not-yet", onward)
    await visit.counted("signed_in", member.user_id)
    return see(onward, parts.place.cookie(SESSION, opened, AT_MOST), parts.place.cookie(ASKING, "", 0))


async def widget(visit: Visit) -> web.Response:
    """The page that Element shows: its script asks Element who is there."""
    return visit.page("widget", Label.CLEAR)


async def widget_sign_in(visit: Visit) -> web.Response:
    """Takes a token of Synapse's, once, for a session inside Element that may only look."""
    parts = visit.parts
    if wait := parts.tokens.wait(visit.asker):
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
    token, server = visit.form.get("token", ""), visit.form.get("server")
    if not token or len(token) > _LONGEST_TOKEN or not token.isascii() or server != parts.server_name:
        return _state("refused", HTTPStatus.FORBIDDEN)
    if not await parts.sessions.first_use(token):
        return _state("refused", HTTPStatus.FORBIDDEN)
    user_id = await parts.homeserver.whose(token)
    member = await parts.homeserver.member(user_id) if user_id else None
    if member is None:
        return _state("refused", HTTPStatus.FORBIDDEN)
    browser = name_of(visit.request.headers.get("User-Agent", ""))
    opened = await parts.sessions.open_widget(
        member.user_id, member.organisation, browser, visit.cookie(BROWSER), member.recovered_at
    )
    await visit.counted("signed_in", member.user_id)
    response = _state("open")
    response.headers.add("Set-Cookie", parts.place.cookie(WIDGET, opened, AT_MOST))
    return response


async def static_file(visit: Visit) -> web.Response:
    """Styles and scripts; their addresses change with them."""
    name = visit.request.match_info["name"]
    if name not in FILES:
        raise Refused(HTTPStatus.NOT_FOUND)
    charset = None if FILES[name].startswith("image/") else "utf-8"
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return web.Response(body=static(name), content_type=FILES[name], charset=charset, headers=headers)


def _back(because: str, onward: str, *cookies: str) -> web.Response:
    return see(f"/sign-in?because={because}" + (f"&next={quote(onward)}" if onward != "/" else ""), *cookies)


def _state(state: str, status: int = HTTPStatus.OK) -> web.Response:
    return web.json_response({"state": state}, status=status)
