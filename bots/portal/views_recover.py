"""A lost password or second factor: new ones by the code that a lead has made. And new accounts.

What is typed goes on to the module, and is kept nowhere here. A page that makes a second factor shows its key and asks
for a code of it in one form, so nothing is ever half done.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from belisha.tlp import Label
from bots.portal.guard import Refused
from bots.portal.limits import Limit
from bots.portal.views_sign_in import address_of
from bots.portal.visit import Visit

#: As the homeserver has it; the page says it before anything is sent.
SHORTEST: Final = 12
_DIFFERENT: Final = "The two passwords are not the same. Please type the new one twice."
_MISSING: Final = "Please fill in all {} fields."


async def page(visit: Visit) -> web.Response:
    """Where address, code and a new password are typed: nothing of them ever stands in an address."""
    return _page(visit, "recover", ("account",))


async def recover(visit: Visit) -> web.Response:
    """Sets the new password, and factor where there is one, where the code holds."""
    account, code = (visit.form.get(name, "").strip() for name in ("account", "code"))
    password, factor = visit.form.get("password", ""), _factor(visit)
    if problem := _problem(visit, account, code, password):
        return _page(visit, "recover", ("account",), problem)
    _count(visit.parts.recoveries, visit)
    refused = await visit.parts.homeserver.sign_in.recover(account, code, password, factor)
    if refused is not None:
        return _page(visit, "recover", ("account",), refused)
    # What was asked for before ends here, taken or not; what a crash leaves over, the guard finds (`recovered_at`).
    if (user_id := address_of(account, visit.parts.server_name)) is not None:
        await visit.parts.sessions.end_all(user_id)
    return visit.page("recovered", Label.CLEAR, second_factor=bool(factor))


async def join_page(visit: Visit) -> web.Response:
    """Where a new member types their token: the only place for it, where there is a second factor."""
    return _page(visit, "join", ("token", "username"))


async def join(visit: Visit) -> web.Response:
    """Makes an account with a registration token, a password, and a second factor where there is one."""
    token, username = (visit.form.get(name, "").strip() for name in ("token", "username"))
    password, kept = visit.form.get("password", ""), ("token", "username")
    if problem := _problem(visit, token, username, password):
        return _page(visit, "join", kept, problem)
    _count(visit.parts.joins, visit)
    user_id, refused = await visit.parts.homeserver.sign_in.join(token, username, password, _factor(visit))
    if refused is not None:
        return _page(visit, "join", kept, refused)
    return visit.page("joined", Label.CLEAR, user_id=user_id, second_factor=visit.parts.enrolling is not None)


def _problem(visit: Visit, *needed: str) -> str | None:
    """What is missing in a form, before anything is asked."""
    again, factor = visit.form.get("again", ""), _factor(visit)
    if not all((*needed, again, *factor.values())):
        return _MISSING.format("five" if factor else "four")
    return _DIFFERENT if visit.form.get("password") != again else None


def _factor(visit: Visit) -> Mapping[str, str]:
    """The key that the page has shown, and the digits that were typed; empty where there is no second factor."""
    if visit.parts.enrolling is None:
        return {}
    # Where the form carries none of ours, the digits are none of this new one's, and the module says so.
    key = visit.parts.enrolling.key(visit.form)
    return {"secret": key.secret, "digits": visit.form.get("digits", "").strip()}


def _count(limit: Limit, visit: Visit) -> None:
    if wait := limit.wait(visit.asker):
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)


def _page(visit: Visit, template: str, kept: tuple[str, ...], problem: str | None = None) -> web.Response:
    """A form, with what may stand in it again: never a password, nor a code. Where nobody has one, there is no form."""
    if not visit.parts.has_passwords:
        raise Refused(HTTPStatus.NOT_FOUND)
    status = HTTPStatus.OK if problem is None else HTTPStatus.BAD_REQUEST
    enrolling = visit.parts.enrolling
    shown = {
        **{name: visit.form.get(name, "").strip() for name in kept},
        "problem": problem,
        "shortest": SHORTEST,
        "key": None if enrolling is None else enrolling.key(visit.form),
    }
    return visit.page(template, Label.CLEAR, status=status, **shown)
