"""Turns refusals into what a Matrix client gets: errcode, one or two sentences, rule and label.

What fails while it is decided is a refusal too (rule X1): everything that decides runs inside `or_no`.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

from synapse.module_api.errors import SynapseError

from belisha.policy.decision import Decision, refuse
from synapse_modules import metrics

logger = logging.getLogger(__name__)

PREFIX = "ORG.BELISHA."
#: Twisted's own cancellation is an Exception, asyncio's is none. Whatever is repeated catches both: Synapse's loops
#: take an Exception for a failed turn, and end for good with anything else.
FAILURES: Final = (Exception, asyncio.CancelledError)

#: What psycopg2 says of a NUL character, in all of its versions: PostgreSQL stores it in no column.
_NUL: Final = "cannot contain NUL (0x00) characters"

_T = TypeVar("_T")


class Asked(NamedTuple):
    """Who asks for something now, and about what; None where that is not known."""

    user_id: str | None = None
    room_id: str | None = None
    event_type: str | None = None


_NOBODY: Final = Asked()
#: In each request's own context.
asked: Final[ContextVar[Asked]] = ContextVar("asked", default=_NOBODY)


def _nothing(_error: SynapseError, _asked: Asked) -> None:
    """Without an audit log nobody is told."""


#: Told of every refusal in this process, once; the audit log's (rule A1).
on_refusal: Callable[[SynapseError, Asked], None] = _nothing
_NOTED: Final = "belisha_noted"


def refused(decision: Decision) -> SynapseError:
    """The error of a Decision that refuses."""
    extra = {"org.belisha.rule": decision.rule}
    if decision.label is not None:
        extra["org.belisha.label"] = str(decision.label)
    return SynapseError(HTTPStatus.FORBIDDEN, decision.reason, f"{PREFIX}{decision.code}", extra)


def malformed(reason: str) -> SynapseError:
    """The error of content that no client should send."""
    return SynapseError(HTTPStatus.BAD_REQUEST, reason, f"{PREFIX}MALFORMED")


def is_nul(error: object) -> bool:
    """Whether this is PostgreSQL's refusal of a NUL character; it can stand in any address and in much of any body."""
    return isinstance(error, ValueError) and _NUL in str(error)


def holds_nul() -> SynapseError:
    """The error of text with a NUL character in it."""
    return malformed("This holds a NUL character, which is no text. Please write it again without.")


def undecided() -> SynapseError:
    """The error of what could not be decided, which is counted: the answer is no, and says so (rule X1)."""
    metrics.undecided()
    return SynapseError(
        HTTPStatus.FORBIDDEN,
        "The server could not check this against the sharing rules just now, so it was not accepted. "
        "Nothing was sent; please try again in a moment.",
        metrics.CANNOT_DECIDE,
        {"org.belisha.rule": "X1"},
    )


def not_found() -> SynapseError:
    """The one answer for what does not exist and what one may not see (rule P2)."""
    return SynapseError(
        HTTPStatus.NOT_FOUND, "There is no such thing here, or it is not for you.", f"{PREFIX}NOT_FOUND"
    )


def raise_if_refused(decision: Decision) -> None:
    """Raises the error of a Decision that refuses."""
    if not decision.allowed:
        raise refused(decision)


async def or_no(decide_it: Callable[..., Awaitable[_T]], *arguments: Any) -> _T:
    """What `decide_it` answers; where it fails, the refusal of rule X1. Nothing of what was asked goes into the log."""
    try:
        return await decide_it(*arguments)
    except SynapseError as error:
        raise _noted(error) from None
    except FAILURES as error:
        raise _noted(_undecided_by(error)) from None


async def as_client(doing: Awaitable[_T]) -> _T:
    """What is done as a member's own client would; where it is Synapse that refuses, a sentence of ours says so.

    Raises:
        SynapseError: the refusal; 429 as Synapse gives it.
    """
    try:
        return await doing
    except SynapseError as error:
        if error.errcode.startswith(PREFIX) or error.code == HTTPStatus.TOO_MANY_REQUESTS:
            raise
        raise refused(_NOT_LET) from None


def or_no_now(decide_it: Callable[..., _T], *arguments: Any) -> _T:
    """The same of what needs no waiting."""
    try:
        return decide_it(*arguments)
    except SynapseError as error:
        raise _noted(error) from None
    except FAILURES as error:
        raise _noted(_undecided_by(error)) from None


def where(error: BaseException) -> str:
    """The error's type and its place in the code; its text could hold what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}" if frames else type(error).__name__


def _undecided_by(error: BaseException) -> SynapseError:
    if is_nul(error):
        return holds_nul()
    logger.error("Could not decide: %s", where(error))
    return undecided()


def _noted(error: SynapseError) -> SynapseError:
    """The error, of which the audit log knows if it is a refusal of ours."""
    if error.code == HTTPStatus.FORBIDDEN and error.errcode.startswith(PREFIX) and not hasattr(error, _NOTED):
        setattr(error, _NOTED, True)
        on_refusal(error, asked.get())
    return error


_NOT_LET: Final = refuse(
    "M1",
    "NOT_LET",
    "The server does not let you do that there: you lack the power for it, or were banned. Please ask a maintainer.",
)
