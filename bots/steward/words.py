"""What the steward bot says to members: short, warm, without jargon.

No answer begins with a label or has one alone on its last line: there the server would take it for the
answer's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from belisha.tlp import Label
from bots.kernel.answers import Block, Strong, Typed, Words, paragraph, points
from bots.kernel.bot import Audience, Context, Organisation, Policy, Unknown
from bots.kernel.commands import Command, Mistyped, named

MEANING = {
    Label.CLEAR: "anyone may see it, and it may leave this community.",
    Label.GREEN: "every member of this community may see it, and nobody outside.",
    Label.AMBER: "only the members of the group it is shared in may see it.",
    Label.AMBER_STRICT: "only the members of the organisations that its group is for may see it.",
    Label.RED: "only the people named in its private conversation may see it.",
}
"""One sentence for each label, as this community keeps it (at AMBER stricter than FIRST's own reading)."""

_SHOWN = 20  # organisations in a list, before it says "and so many more"
_ORGANISATION = re.compile(r"\s*\([^()]*\)\s*$")
_COULD_NOT_ASK = "I could not ask the server about this room just now. Please try again in a few minutes."


def welcome(display_name: str | None) -> Sequence[Block]:
    """The first words in a member's own chat."""
    name = " ".join(_ORGANISATION.sub("", display_name or "").split())
    return (
        paragraph(f"Hello {name}, and welcome!" if name else "Hello, and welcome!"),
        paragraph(
            "I am the steward bot, here to help you find your way. This chat is between you and me: "
            "ask me anything in it that you would rather not ask in front of everybody."
        ),
        paragraph(
            "Whatever is shared in this community carries a label that says who may see it. "
            "You need not think of it every time: a message without one gets the usual label of its room."
        ),
        paragraph(
            "Write ", Typed("help"), " to see what you can ask me, or ", Typed("tlp"), " to see what the labels mean."
        ),
    )


def help_with(asked: str, commands: Sequence[Command], policy: Policy | Unknown) -> Sequence[Block]:
    """What one may ask and do here, or more about one command."""
    command = named(asked.removeprefix("!").casefold(), commands)
    if command is not None:
        # Not beginning with the command itself, which would make the answer look like one.
        return (paragraph("Write ", *_about(command)), paragraph("For example: ", Typed(command.example)))
    blocks: list[Block] = [paragraph("Here is what you can ask me:"), points([_about(one) for one in commands])]
    if isinstance(policy, Policy):
        if policy.kind == "service":
            blocks.append(paragraph("In this chat you can leave out the exclamation mark."))
        else:
            blocks.append(paragraph(_kind(policy), " ", *_limits(policy)))
    return blocks


def mistyped(what: Mistyped) -> Sequence[Block]:
    """The answer to a command that does not exist."""
    typed = Typed(f"!{what.name[:40]}")
    if what.nearest is None:
        return (paragraph("I do not know ", typed, ". Write ", Typed("!help"), " to see what you can ask me."),)
    return (
        paragraph(
            "I do not know ", typed, ". Did you mean ", Typed(f"!{what.nearest.name}"), "? It ", what.nearest.help, "."
        ),
        paragraph("For example: ", Typed(what.nearest.example)),
    )


def one_label(asked: str) -> Sequence[Block]:
    """What one label means."""
    spelled = re.sub(r"amber[ -]strict", "amber+strict", asked, flags=re.IGNORECASE)
    label = Label.parse(spelled if spelled.upper().startswith("TLP:") else f"TLP:{spelled}")
    if label is not None:
        return (paragraph("In this community ", Strong(str(label)), " means: ", MEANING[label]),)
    labels = [str(one) for one in Label]
    return (
        paragraph(f"I know no label of that name. The labels are {', '.join(labels[:-1])} and {labels[-1]}."),
        paragraph("For example: ", Typed("!tlp red")),
    )


def labels_here(context: Context) -> Sequence[Block]:
    """What the five labels mean, what this room allows, and who can read it."""
    meanings = [(Strong(str(label)), f": {MEANING[label]}") for label in sorted(Label)]
    blocks: list[Block] = [paragraph("What the labels mean here, most open first:"), points(meanings)]
    if isinstance(context.policy, Unknown):
        told = "The server has no rules for this room, so nothing can be shared in it."
        blocks.append(paragraph(told if context.policy.no_such_room else _COULD_NOT_ASK))
        return blocks
    blocks.append(paragraph(_kind(context.policy), " ", *_limits(context.policy)))
    return [*blocks, *_readers(context.policy, context.audience)]


def _about(command: Command) -> tuple[Words, ...]:
    argument = f" [{command.argument}]" if command.argument else ""
    return (Typed(f"!{command.name}{argument}"), f": it {command.help}.")


def _kind(policy: Policy) -> str:
    if policy.kind == "open":
        return "This is an open group: every member of the community may join it."
    if policy.kind == "closed" and policy.organisations:
        organisations = _number(len(policy.organisations), "organisation")
        return f"This is a closed group for members of {organisations}: people join it by invitation."
    return {
        "closed": "This is a closed group: people join it by invitation, or after asking.",
        "named": "This is a private conversation between named people.",
        "service": "This is your own chat with me.",
        "space": "This is a list of groups; nothing is written in it.",
    }.get(policy.kind, "I do not know this kind of room.")


def _limits(policy: Policy) -> tuple[Words, ...]:
    default, ceiling = Label.parse(policy.default), Label.parse(policy.ceiling)
    if policy.kind == "space" or default is None or ceiling is None:
        return ()
    usual: tuple[Words, ...] = ("A message without a label gets ", Strong(str(default)), " here")
    if default == ceiling:
        return (*usual, ", and nothing stricter can be shared in it.")
    return (*usual, "; the strictest label you can use is ", Strong(str(ceiling)), ".")


def _readers(policy: Policy, audience: Audience | Unknown) -> Sequence[Block]:
    if policy.kind == "service":
        return (paragraph("Only you and I can read it."),)
    if policy.kind in ("named", "space"):
        # Bots keep out of conversations between named people, and out of their numbers.
        return ()
    if isinstance(audience, Unknown):
        return (paragraph("I could not count who can read it just now. Please try again in a few minutes."),)
    if not audience.total:
        return (paragraph("No member can read it just now."),)
    who = "Who could join and read it: " if audience.could_join else "Who can read it: "
    people = _number(audience.total, "person", "people")
    bots = f", and {_number(audience.bots, 'bot')}" if audience.bots else ""
    if not audience.organisations:
        return (paragraph(Strong(who), f"{people}{bots}."),)
    organisations = _number(len(audience.organisations), "organisation")
    return (
        paragraph(Strong(who), f"{people} from {organisations}{bots}."),
        points(_counted(audience.organisations)),
    )


def _counted(organisations: Sequence[Organisation]) -> list[tuple[Words, ...]]:
    largest_first = sorted(organisations, key=lambda one: (-one.count, one.name.casefold()))
    lines: list[tuple[Words, ...]] = []
    for one in largest_first[:_SHOWN]:
        category = f" ({one.category})" if one.category else ""
        lines.append((f"{' '.join(one.name.split())}{category}: {_number(one.count, 'person', 'people')}",))
    if len(largest_first) > _SHOWN:
        lines.append((f"and {_number(len(largest_first) - _SHOWN, 'more organisation', 'more organisations')}",))
    return lines


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
