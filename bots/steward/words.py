"""What the steward bot says to members: short, warm, without jargon.

No answer begins with a label or has one alone on its last line: there the server would take it for the
answer's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from belisha.commands.declaration import Command, usage
from belisha.commands.reading import named
from belisha.policy.commands import decide_where, decide_who, names_a_group
from belisha.policy.rooms import Kind, kind_of
from belisha.tlp import Label
from belisha.translation import _, many, marked
from bots.kernel.answers import Block, Strong, Typed, Words, paragraph, points, say
from bots.kernel.bot import Audience, Context, Organisation, Policy, Unknown
from bots.kernel.calls import Call, Outcome
from bots.kernel.desk import could_not_ask
from bots.steward import named as by_name

MEANING: Final = {
    Label.CLEAR: marked("anyone may see it, and it may leave this community."),
    Label.GREEN: marked("every member of this community may see it, and nobody outside."),
    Label.AMBER: marked("only the members of the group it is shared in may see it."),
    Label.AMBER_STRICT: marked("only the members of the organisations that its group is for may see it."),
    Label.RED: marked("only the people named in its private conversation may see it."),
}
"""One sentence for each label, as this community keeps it (at AMBER stricter than FIRST's own reading)."""

_DONE: Final = {
    "room_policy": marked("Done: the group has its new rules."),
    "room_upgrade": marked("Done: the group has moved. Everybody who was in it is in the new room."),
    "room_freeze": marked(
        "Done: nothing can be written in that group until it is thawed: write {thaw} in your own room with me."
    ),
    "room_thaw": marked("Done: the group goes on."),
    "organisation_freeze": marked("Done: {organisation} is frozen, and its members are signed out."),
    "organisation_thaw": marked("Done: the members of {organisation} can sign in and write again."),
    "group_rename": marked("Done: the group has its new name."),
    "group_topic": marked("Done: the group says anew what it is about."),
    "group_composer": marked(
        "Done. Element asks each member whether that page may know who they are. Where it is without this community's"
        " module, it asks too before the page may send anything."
    ),
    "group_pads": marked("Done. Element asks each member whether that page may know who they are."),
    "group_unarchive": marked("Done: the group is back, and can be written in again."),
    "direct_chats": marked("Done: who may write to you directly is now “{choice}”."),
    "organisation_figures": marked(
        "Done: that is “{choice}” from this moment on. With “show” managers see in the figures, by its name, in which "
        "months your organisation was active; with “hide” they see nothing of it, nor of the months before."
    ),
    "member_freeze": marked("Done: {member} is frozen and signed out."),
    "member_thaw": marked("Done: {member} can sign in and write again."),
    "item_relabel": marked("Done: that message is {label} now."),
    "item_raise": marked("Done: that message is {label} now."),
}
_SHOWN: Final = 20  # organisations in a list, before it says "and so many more"
_ORGANISATION: Final = re.compile(r"\s*\([^()]*\)\s*$")


def welcome(display_name: str | None) -> Sequence[Block]:
    """The first words in a member's own chat."""
    name = " ".join(_ORGANISATION.sub("", display_name or "").split())
    return (
        say(_("Hello {name}, and welcome!"), name=name) if name else paragraph(_("Hello, and welcome!")),
        paragraph(
            _(
                "I am the steward bot, here to help you find your way. This chat is between you and me: "
                "ask me anything in it that you would rather not ask in front of everybody."
            )
        ),
        paragraph(
            _(
                "Whatever is shared in this community carries a label that says who may see it. "
                "You need not think of it every time: a message without one gets the usual label of its room."
            )
        ),
        say(
            _("To begin, write {start}. To see what you can ask me, write {help}, and what the labels mean, {tlp}."),
            start=Typed("start"),
            help=Typed("help"),
            tlp=Typed("tlp"),
        ),
    )


def help_with(asked: str, commands: Sequence[Command], call: Call) -> Sequence[Block]:
    """What this member may ask for here, or more about one command."""
    if asked and (command := named(asked, commands)) is not None:
        return _explained(command)
    family = [one for one in commands if asked and one.words[0] == asked.removeprefix("!").casefold()]
    allowed = [one for one in family or commands if _may(one, call)]
    if not allowed and family:
        return (paragraph(_("Nothing of that can be asked for by you here.")),)
    blocks: list[Block] = [paragraph(_("Here is what you can ask for here:")), points([_about(one) for one in allowed])]
    if family:
        return blocks
    policy = call.policy
    blocks.append(say(_("To learn more about one, write {example}."), example=Typed("!help tlp")))
    if isinstance(policy, Policy):
        if policy.kind == "service":
            blocks.append(
                paragraph(_("In this chat you can leave out the exclamation mark of a command that stands alone."))
            )
        else:
            blocks.append(paragraph(kind_told(policy), " ", *limits_told(policy)))
    return blocks


def _may(command: Command, call: Call) -> bool:
    asker, kind = call.asker, None
    if isinstance(call.policy, Policy) and call.policy.kind in list(Kind):
        kind = kind_of(call.policy.kind)
        here = decide_where(command, kind).allowed
    else:
        here = command.for_anyone
    named = names_a_group(command, kind)
    return here and decide_who(command, asker.person, asker.power, maintains=asker.maintains, names_group=named).allowed


def _explained(command: Command) -> Sequence[Block]:
    # Not beginning with the command itself, which would make the answer look like one.
    blocks: list[Block] = [say(_("Write {usage}: it {does}."), usage=Typed(usage(command)), does=_(command.help))]
    if command.arguments:
        shown = [
            (Typed(f"--{one.name}" if one.flag else one.name.upper()), ": ", _(one.ask)) for one in command.arguments
        ]
        blocks.append(points(shown))
    blocks.append(say(_("For example: {example}"), example=Typed(command.example)))
    return blocks


def act_ended(act: str, arguments: Mapping[str, Any], outcome: Outcome, room_id: str) -> Sequence[Block]:
    """How it ended what the module was to carry out; `room_id` is the room that it was about."""
    if outcome.done is None:
        return (paragraph(outcome.refused),)
    shown: dict[str, Words | tuple[Words, ...]] = {name: str(value) for name, value in arguments.items()}
    for place, with_name in (("member", by_name.member), ("organisation", by_name.organisation)):
        if place in arguments:
            shown[place] = with_name(outcome.done, arguments[place])
    shown["thaw"] = Typed(f"!group thaw {arguments.get('room', room_id)}")
    return (say(_(_DONE[act]), **shown),)


def one_label(asked: str) -> Sequence[Block]:
    """What one label means."""
    label = Label.parse(asked)
    if label is None:
        raise ValueError("the command's place takes labels only")
    return (say(_("In this community {label} means: {meaning}"), label=Strong(str(label)), meaning=_(MEANING[label])),)


def labels_here(context: Context) -> Sequence[Block]:
    """What the five labels mean, what this room allows, and who can read it."""
    meanings = [(Strong(str(label)), f": {_(MEANING[label])}") for label in sorted(Label)]
    blocks: list[Block] = [paragraph(_("What the labels mean here, most open first:")), points(meanings)]
    if isinstance(context.policy, Unknown):
        told = _("The server has no rules for this room, so nothing can be shared in it.")
        blocks.append(paragraph(told if context.policy.no_such_room else could_not_ask()))
        return blocks
    blocks.append(paragraph(kind_told(context.policy), " ", *limits_told(context.policy)))
    return [*blocks, *readers(context.policy, context.audience)]


def _about(command: Command) -> tuple[Words, ...]:
    return (Typed(usage(command)), f": {_(command.help)}")


def kind_told(policy: Policy) -> str:
    """What kind of room it is, in a sentence."""
    if policy.kind == "open":
        return _("This is an open group: every member of the community may join it.")
    if policy.kind == "closed" and policy.organisations:
        return many(
            "This is a closed group for members of {count} organisation: people join it by invitation.",
            "This is a closed group for members of {count} organisations: people join it by invitation.",
            len(policy.organisations),
        )
    return {
        "closed": _("This is a closed group: people join it by invitation, or after asking."),
        "named": _("This is a private conversation between named people."),
        "service": _("This is your own chat with me."),
        "space": _("This is a list of groups; nothing is written in it."),
    }.get(policy.kind, _("I do not know this kind of room."))


def limits_told(policy: Policy) -> tuple[Words, ...]:
    """Which labels a room gives and carries, in a sentence."""
    default, ceiling = Label.parse(policy.default), Label.parse(policy.ceiling)
    if policy.kind == "space" or default is None or ceiling is None:
        return ()
    if default == ceiling:
        return say(
            _("A message without a label gets {default} here, and nothing stricter can be shared in it."),
            default=Strong(str(default)),
        ).words
    return say(
        _("A message without a label gets {default} here; the strictest label you can use is {ceiling}."),
        default=Strong(str(default)),
        ceiling=Strong(str(ceiling)),
    ).words


def readers(policy: Policy, audience: Audience | Unknown) -> Sequence[Block]:
    """Who can read a room, by organisation."""
    if policy.kind == "service":
        return (paragraph(_("Only you and I can read it.")),)
    if policy.kind in ("named", "space"):
        # Bots keep out of conversations between named people, and out of their numbers.
        return ()
    if isinstance(audience, Unknown):
        return (paragraph(_("I could not count who can read it just now. Please try again in a few minutes.")),)
    if not audience.total:
        return (paragraph(_("No member can read it just now.")),)
    who = _("Who could join and read it:") if audience.could_join else _("Who can read it:")
    people = many("{count} person", "{count} people", audience.total)
    bots = many(", and {count} bot", ", and {count} bots", audience.bots) if audience.bots else ""
    if not audience.organisations:
        return (paragraph(Strong(who), f" {people}{bots}."),)
    organisations = many("{count} organisation", "{count} organisations", len(audience.organisations))
    counts = say(_("{people} from {organisations}{bots}."), people=people, organisations=organisations, bots=bots)
    return (paragraph(Strong(who), " ", *counts.words), points(_counted(audience.organisations)))


def _counted(organisations: Sequence[Organisation]) -> list[tuple[Words, ...]]:
    largest_first = sorted(organisations, key=lambda one: (-one.count, one.name.casefold()))
    lines: list[tuple[Words, ...]] = []
    for one in largest_first[:_SHOWN]:
        category = f" ({one.category})" if one.category else ""
        lines.append(
            (f"{' '.join(one.name.split())}{category}: {many('{count} person', '{count} people', one.count)}",)
        )
    if len(largest_first) > _SHOWN:
        rest = len(largest_first) - _SHOWN
        lines.append((many("and {count} more organisation", "and {count} more organisations", rest),))
    return lines
