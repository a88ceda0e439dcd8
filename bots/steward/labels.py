"""What the steward bot says of labels: what one may do with an item, who would see one here, and who has relabelled it.

What one may do away from this platform is FIRST's reading of the label (TLP 2.0, sections 3 to 5); where the platform
itself is stricter stands apart, since that ends at its door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from belisha.commands.declaration import Argument, Command
from belisha.commands.values import LABEL
from belisha.policy.types import RELABEL
from belisha.tlp import Label
from belisha.translation import _, marked
from bots.kernel.answers import Block, Link, Strong, notice, paragraph, points, say
from bots.kernel.bot import Context, Item, Needs, Policy, Unknown
from bots.kernel.calls import Answer, Call, Entry
from bots.kernel.desk import could_not_ask
from bots.kernel.effects import Effect, Send
from bots.kernel.events import Event
from bots.steward import words

MAY: Final = Command(
    ("may",),
    marked("says what you may do with the message that you answer, or with a label"),
    "!may amber",
    (Argument("label", LABEL, marked("which label, where it is not about a message"), required=False),),
    is_answer=True,
    instead="label",
    title=marked("See what I may do with a message"),
    on_page=marked("says what you may do with a message, or with a label"),
)
AUDIENCE: Final = Command(
    ("audience",),
    marked("tells who would see a message here, counted by organisation"),
    "!audience amber",
    (Argument("label", LABEL, marked("with which label, where it is not the room's own"), required=False),),
    is_about_room=True,
    title=marked("See who would read something"),
    on_page=marked("tells who would see a message in a group, counted by organisation"),
)

#: What members ask of a label, in this order.
_ACTS: Final = (
    marked("Tell my team"),
    marked("Forward it"),
    marked("Print it"),
    marked("Store it in a case system"),
    marked("Quote it in a report"),
)
_MAY: Final[Mapping[Label, tuple[str, str, str, str, str]]] = {
    Label.CLEAR: (
        marked("yes, and anybody else."),
        marked("yes, to anybody, here and elsewhere."),
        marked("yes, and the paper may lie anywhere."),
        marked("yes, in any system."),
        marked("yes, in a published one too; copyright still holds."),
    ),
    Label.GREEN: (
        marked("yes, and peers and partner organisations of your community."),
        marked("yes: here to any group or member, elsewhere to peers and partners, and never over a public channel."),
        marked("yes, for those people; do not leave it where the public could read it."),
        marked("yes, in a system that is not open to the public."),
        marked("yes, in one that carries this label or a stricter one and is not published."),
    ),
    Label.AMBER: (
        marked("yes, those of your organisation who need to know, and its clients who need to know."),
        marked(
            "not here, since only its source shares it with another room; elsewhere to those of your organisation "
            "and its clients who need to know."
        ),
        marked("yes, for those people, with the label on the paper."),
        marked("yes, where only those people can open it, with the label in the record."),
        marked("yes, in one that carries this label and goes to those people alone."),
    ),
    Label.AMBER_STRICT: (
        marked("yes, those of your own organisation who need to know, and nobody else: clients neither."),
        marked(
            "not here, since only its source shares it with another room; elsewhere within your own organisation, "
            "to those who need to know."
        ),
        marked("yes, for those people, with the label on the paper; it does not leave your organisation."),
        marked("yes, where only those people can open it, with the label in the record."),
        marked("yes, in one that carries this label and stays within your own organisation."),
    ),
    Label.RED: (
        marked("no: it is for the people whom it was sent to, and for nobody else."),
        marked("no, neither here nor elsewhere; ask its source to name the others too."),
        marked("better not: nobody but you may see the paper."),
        marked("no, unless nobody but you can open it."),
        marked("no; ask its source for a version that may be quoted."),
    ),
}
_STRICTER: Final = {
    Label.CLEAR: marked("For this label the platform is as FIRST has it: there is no limit."),
    Label.GREEN: marked(
        "Where this platform is stricter than FIRST: the community is the members of this platform, and nobody else."
    ),
    Label.AMBER: marked("Where this platform is stricter than FIRST: on it, this label stays within its group."),
    Label.AMBER_STRICT: marked(
        "Where this platform is stricter than FIRST: on it, this label stays within its group, which lists its "
        "organisations and has none but their members."
    ),
    Label.RED: marked(
        "Where this platform is stricter than FIRST: on it, this label stays in a room whose people are named when it "
        "is made, and nobody can be added."
    ),
}


def said_of(label: Label) -> tuple[Sequence[tuple[str, str]], str]:
    """What one may do with an item of a label, act by act, and where the platform is stricter; in English."""
    return tuple(zip(_ACTS, _MAY[label], strict=True)), _STRICTER[label]


def entries() -> Sequence[Entry]:
    """The commands about labels that the bot answers itself."""
    return (
        Entry(MAY, _may, Needs(item=True)),
        Entry(AUDIENCE, _audience, Needs(fresh=True, audience=True)),
    )


def _may(call: Call, context: Context) -> Answer:
    asked = call.arguments.get("label")
    if asked is None and isinstance(context.item, Unknown):
        unreadable = _("There is no such message here that you can read, or it was taken back.")
        return Answer((paragraph(unreadable if context.item.no_such_room else could_not_ask()),))
    label = Label.parse(asked if asked is not None else context.item.label if isinstance(context.item, Item) else None)
    if label is None:
        raise ValueError("the module tells labels only")
    return Answer(may_do(label, of_a_message=asked is None))


def may_do(label: Label, *, of_a_message: bool) -> Sequence[Block]:
    """What one may do with a label, a sentence for each act."""
    of_which = _("That message is {label}. You may:") if of_a_message else _("With what is {label} you may:")
    lines = [(Strong(_(act)), f": {_(sentence)}") for act, sentence in zip(_ACTS, _MAY[label], strict=True)]
    blocks: list[Block] = [say(of_which, label=Strong(str(label))), points(lines), paragraph(_(_STRICTER[label]))]
    if label > Label.CLEAR:
        door = _("That ends at the platform's door: elsewhere FIRST's reading of the label holds, as said above.")
        blocks += [paragraph(door), paragraph(_("Whoever wants to share it wider asks its source: only they may."))]
    return blocks


def _audience(call: Call, context: Context) -> Answer:
    policy, asked = context.policy, Label.parse(call.arguments.get("label"))
    if not isinstance(policy, Policy):
        return Answer((paragraph(could_not_ask()),))
    ceiling, label = Label.parse(policy.ceiling), asked or Label.parse(policy.default)
    if ceiling is None or label is None or policy.kind == "space":
        return Answer((paragraph(_("Nothing is shared here.")),))
    if label > ceiling:
        refused = _("Nobody: {label} cannot be shared here, where the strictest label is {ceiling}.")
        return Answer((say(refused, label=Strong(str(label)), ceiling=Strong(str(ceiling))),))
    begin = _("A message that is {label} would be seen here by these, and by nobody else until somebody shares it:")
    return Answer((say(begin, label=Strong(str(label))), *words.readers(policy, context.audience)))


class Relabelled:
    """Tells the source of an item in their own room that a steward has relabelled it, by command or by hand."""

    def needs(self, event: Event) -> Needs | None:
        """What must be known to handle an event; None where it does not concern this."""
        is_act = event.type == RELABEL and event.state_key is None and event.content.get("by") == "steward"
        return Needs(item=True, patient=True) if is_act else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Tells it, without a word of the item; nothing where its source is not there any more."""
        if event.type != RELABEL:
            return None
        label = Label.parse(event.content.get("label"))
        if not isinstance(context.item, Item) or context.item.source_room is None or label is None:
            return ()
        return (
            Send(notice(_told(label, f"{event.room_id}/{event.about}")), room=context.item.source_room, waits=True),
        )


def _told(label: Label, place: str) -> Sequence[Block]:
    changed = _("A steward has changed the label of a message of yours. It is {label} now: {meaning}")
    return (
        say(changed, label=Strong(str(label)), meaning=_(words.MEANING[label])),
        say(_("Which one: {link}"), link=Link(_("that message"), f"https://matrix.to/#/{place}")),
        paragraph(_("What was said in answer before keeps its label. If you think it is a mistake, ask a steward.")),
    )
