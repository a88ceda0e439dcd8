"""Turns refusals into what a Matrix client gets: errcode, one or two sentences, rule and label."""

from __future__ import annotations

from http import HTTPStatus

from synapse.module_api.errors import SynapseError

from belisha.policy.decision import Decision

PREFIX = "ORG.BELISHA."


def refused(decision: Decision) -> SynapseError:
    """The error of a Decision that refuses."""
    extra = {"org.belisha.rule": decision.rule}
    if decision.label is not None:
        extra["org.belisha.label"] = str(decision.label)
    return SynapseError(HTTPStatus.FORBIDDEN, decision.reason, f"{PREFIX}{decision.code}", extra)


def malformed(reason: str) -> SynapseError:
    """The error of content that no client should send."""
    return SynapseError(HTTPStatus.BAD_REQUEST, reason, f"{PREFIX}MALFORMED")


def undecided() -> SynapseError:
    """The error of what could not be decided: the answer is no, and says so (rule X1)."""
    return SynapseError(
        HTTPStatus.FORBIDDEN,
        "The server could not check this against the sharing rules just now, so it was not accepted. "
        "Nothing was sent; please try again in a moment.",
        f"{PREFIX}CANNOT_DECIDE",
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
