"""What a decision is: a verdict that always carries its rule and a reason that a person can read."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from belisha.policy.described import Described
from belisha.tlp import Label


class Verdict(StrEnum):
    """Whether something may happen."""

    ALLOW = "allow"
    REFUSE = "refuse"


class By(Described):
    """Where a label comes from, as `org.belisha.tlp.by` says it, with the words for it in a sentence."""

    SENDER = "sender", "as its sender chose"
    TEXT = "text", "by the label in its text"
    FILE = "file", "by the label inside its file"
    PARENT = "parent", "as what it answers"
    ROOM = "room", "the default of this room"
    RELABEL = "relabel", "since it was relabelled"


class Decision(NamedTuple):
    """A verdict, the id of the rule that gave it, the reason in one or two sentences, and the label it is about.

    `code` is the REASON of the errcode `ORG.BELISHA.<REASON>`, None where the verdict is to allow.
    """

    verdict: Verdict
    rule: str
    reason: str
    label: Label | None = None
    by: By | None = None
    code: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether the verdict is to allow."""
        return self.verdict is Verdict.ALLOW


def allow(rule: str, reason: str) -> Decision:
    """An allowance without a label."""
    return Decision(Verdict.ALLOW, rule, reason)


def refuse(rule: str, code: str, reason: str, label: Label | None = None) -> Decision:
    """A refusal."""
    return Decision(Verdict.REFUSE, rule, reason, label, None, code)
