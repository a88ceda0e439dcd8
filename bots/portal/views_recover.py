"""A lost password: a new one by the code that a lead has made. It goes on to the module, and is kept nowhere here."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web

from belisha.tlp import Label
from bots.portal.guard import Refused
from bots.portal.views_sign_in import address_of
from bots.portal.visit import Visit

#: As the homeserver has it; the page says it before anything is sent.
SHORTEST: Final = 12
_DIFFERENT: Final = "The two passwords are not the same. Please type the new one twice."
_MISSING: Final = "Please fill in all four fields."


async def page(visit: Visit) -> web.Response:
    """Where address, code and a new password are typed: nothing of them ever stands in an address."""
    return _page(visit)


async def recover(visit: Visit) -> web.Response:
    """Sets the new password, where the code holds."""
    form = visit.form
    account, code = form.get("account", "").strip(), form.get("code", "").strip()
    password, again = form.get("password", ""), form.get("again", "")
    if not (account and code and password and again):
        return _page(visit, account, _MISSING)
    if password != again:
        return _page(visit, account, _DIFFERENT)
    if wait := visit.parts.recoveries.wait(visit.asker):
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
    refused = await visit.parts.homeserver.recover(account, code, password)
    if refused is not None:
        return _page(visit, account, refused)
    # What was asked for before ends here, taken or not; what a crash leaves over, the guard finds (`recovered_at`).
    if (user_id := address_of(account, visit.parts.server_name)) is not None:
        await visit.parts.sessions.end_all(user_id)
    return visit.page("recovered", Label.CLEAR)


def _page(visit: Visit, account: str = "", problem: str | None = None) -> web.Response:
    status = HTTPStatus.OK if problem is None else HTTPStatus.BAD_REQUEST
    shown = {"account": account, "problem": problem, "shortest": SHORTEST}
    return visit.page("recover", Label.CLEAR, status=status, **shown)
