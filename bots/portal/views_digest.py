"""No more digests by mail, for whoever gets them: by the link that stands in each, or the button of mail programs.

The button is one POST from a mail server, without a session (RFC 8058). To look at the page changes nothing: links
in mails are followed by scanners, too. What proves it is the address of the page alone: it was in that mail, no
database has it, and the portal logs no addresses.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from belisha.tlp import Label
from bots.digest import mailbox
from bots.kernel.bot import Context
from bots.kernel.effects import Effect
from bots.portal.guard import Refused
from bots.portal.visit import Visit


async def page(visit: Visit) -> web.Response:
    """A button, where the link is one of ours; nobody is named."""
    handle = visit.parts.keys.handle_of(visit.request.match_info["token"])
    status = HTTPStatus.NOT_FOUND if handle is None else HTTPStatus.OK
    return visit.page("digest_mail", Label.CLEAR, status=status, known=handle is not None, done=False)


async def turn_off(visit: Visit) -> web.Response:
    """Forgets the address; done where that was done before."""
    if wait := visit.parts.mails_off.wait(visit.asker):
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, wait)
    handle = visit.parts.keys.handle_of(visit.request.match_info["token"])
    if handle is None:
        return visit.page("digest_mail", Label.CLEAR, status=HTTPStatus.NOT_FOUND, known=False, done=False)

    def work(context: Context) -> list[Effect]:
        return list(mailbox.turn_off(context, handle))

    await visit.parts.by_form.tell("steward", f"digest mail off {handle}", work)
    return visit.page("digest_mail", Label.CLEAR, known=True, done=True)
