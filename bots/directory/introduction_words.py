"""What the steward says of introductions: to who asked, and to the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from belisha.policy import introductions as policy
from belisha.policy.muted import told as moment
from belisha.translation import _
from bots.kernel.answers import Block, Strong, Typed, paragraph, say

Facts = Mapping[str, Any]


def question(facts: Facts, text: str) -> Sequence[Block]:
    """Whether somebody would like to meet somebody else; `text` is what their yes stands for."""
    asker, other, why = facts["asker"], facts["other"], " ".join(str(facts["why"]).split())
    name, member = Strong(str(other["name"])), Typed(str(other["member"]))
    blocks: list[Block] = [say(_("{name} ({member}) would like to meet you."), name=name, member=member)]
    if asker["member"] != other["member"]:
        told = _("{asker} ({address}) would like to introduce you to {name} ({member}).")
        by, address = Strong(str(asker["name"])), Typed(str(asker["member"]))
        blocks = [say(told, asker=by, address=address, name=name, member=member)]
    return (
        *blocks,
        say(_("They write: “{why}”"), why=why),
        paragraph(
            _(
                "If you both agree, a room opens for the two of you alone, and these words stand there first. I am not"
                " in it, and whoever asked learns that it was opened."
            )
        ),
        say(_("Tap ✅ to agree: it stands for {command}."), command=Typed(text)),
        say(
            _("If not, tap ❌, or do nothing until {until}: nobody is told that it was you."),
            until=moment(int(facts["until"])),
        ),
        say(_("To be asked for nothing of the kind any more, write {nobody}."), nobody=Typed("!direct-chats nobody")),
    )


def asks(until: int, *, myself: bool = False) -> Sequence[Block]:
    """To who has asked for an introduction, to themselves or of two others."""
    told = _(
        "I ask them. If they agree, a room opens for the two of you, and I tell you. Otherwise I tell you after {until}"
        " that none was opened, and not why."
    )
    if not myself:
        told = _(
            "I ask them. If both agree, a room opens for the two of them, and I tell you. Otherwise I tell you after"
            " {until} that none was opened, and nobody learns from me why."
        )
    return (
        say(told, until=moment(until)),
        paragraph(_("To take it back, delete your message, or take back your ✅ where you asked on the portal.")),
    )


def agreed() -> Sequence[Block]:
    """To who has agreed first, or while the other has not."""
    return (paragraph(_("Thank you. Once you have both agreed, the room opens, and I tell you.")),)


def to_asker(facts: Facts) -> Sequence[Block]:
    """How it ended, to who asked for it."""
    people: Sequence[Facts] = facts.get("people") or []
    opened, is_in_it = facts["ended"] == policy.OPENED, facts.get("asker_is_in_it") is True
    names = [_name(one) for one in people]
    if len(names) != (1 if is_in_it else 2):  # somebody has left the community since
        nothing = _("An introduction that you asked for came to nothing: no room was opened.")
        return () if opened else (paragraph(nothing),)
    if is_in_it:
        told = _("No room was opened for you and {name}. I cannot tell you why.")
        if opened:
            told = _(
                "{name} agreed to meet you: the room is there, and you are invited. Take the invitation in your client."
            )
        return (say(told, name=names[0]),)
    told = _("No room was opened for {one} and {other}. I cannot tell you why.")
    if opened:
        told = _("{one} and {other} have both agreed: a room is open for the two of them.")
    return (say(told, one=names[0], other=names[1]),)


def to_who_agreed(facts: Facts, other: Facts | None) -> Sequence[Block]:
    """How it ended, to one of the two who had agreed."""
    if facts["ended"] == policy.OPENED:
        if other is None:
            return ()
        told = _("You and {name} have both agreed: a room for the two of you is open. You are in it, or invited to it.")
        return (
            say(told, name=_name(other)),
            paragraph(_("Only the two of you are ever in it. I am not, so I read nothing of it.")),
        )
    if other is None:
        return (paragraph(_("An introduction to which you had agreed came to nothing: no room was opened.")),)
    told = _("No room was opened for you and {name}, to which you had agreed. I cannot tell you why.")
    return (say(told, name=_name(other)),)


def _name(who: Facts) -> Strong:
    return Strong(str(who["name"]))
