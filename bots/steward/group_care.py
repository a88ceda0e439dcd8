"""What the steward does for every group by itself: it says how the group works, pins that, and warns its maintainers.

What it says of itself is TLP:GREEN, in closed groups too: it is fit for every member, and a stricter item of its own
would keep a group from being opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from belisha.events import LABEL_KEY
from belisha.policy.creation import POLICY_TYPE
from belisha.tlp import Label
from belisha.translation import _, marked
from bots.kernel.answers import Block, Strong, Typed, notice, paragraph, points, say
from bots.kernel.bot import Context, Needs, Policy
from bots.kernel.effects import Edit, Effect, Pin, Send, Sent, transaction_id
from bots.kernel.events import Event, joins, leaves
from bots.kernel.outbox import was_said
from bots.steward.groups import link_to
from bots.steward.words import MEANING, kind_told, limits_told

_PURPOSES: Final[Mapping[str, str]] = {
    "discussion": marked("It is for talking with each other."),
    "blog": marked("It is for articles, and for talking about them."),
    "documents": marked("It is for documents, and for talking about them."),
    "announcements": marked("It is for announcements: its maintainers write, and everybody else reads."),
}


def needs(event: Event) -> Needs | None:
    """What must be known about room state that concerns the care for a group; None for all other state."""
    if event.type == POLICY_TYPE:
        return Needs(policy=True, fresh=True, patient=True)
    if leaves(event):
        return Needs(policy=True, patient=True, maintainers=event.state_key)
    if event.type == "m.room.power_levels":
        return Needs(policy=True, patient=True, maintainers="")
    return None


def handle(event: Event, context: Context, bot: str) -> Sequence[Effect]:
    """What is done about the bot's coming into a group, new rules, and maintainers who are too few."""
    policy = context.policy
    if not isinstance(policy, Policy) or policy.kind not in ("open", "closed") or policy.replaced:
        return ()  # in a room that was replaced there is nothing to look after
    if event.type == POLICY_TYPE or joins(event, context.me):
        return _explained(event.room_id, policy, context, bot)
    if event.type == "m.room.power_levels" or leaves(event):
        return _warned(event, context)
    return ()


def _explained(room_id: str, policy: Policy, context: Context, bot: str) -> Sequence[Effect]:
    once, content = f"how {room_id}", _in_green(how_it_works(policy))
    if was_said(context, bot, once):
        return (Edit(Sent(transaction_id(context.me, once, 0)), content),)
    return (Send(content, once=once), Pin(Sent(0)))


def how_it_works(policy: Policy) -> Sequence[Block]:
    """What a group is for, who can read it, which labels it carries, and where help is."""
    ceiling = Label.parse(policy.ceiling) or Label.CLEAR
    blocks: list[Block] = [
        paragraph(Strong(_("How this group works"))),
        paragraph(_(_PURPOSES.get(policy.purpose, _PURPOSES["discussion"])), " ", kind_told(policy)),
    ]
    if policy.organisations:
        names = ", ".join(sorted(policy.organisations))
        blocks.append(say(_("The organisations that it is for: {names}."), names=Typed(names)))
    if policy.archived:
        blocks.append(paragraph(_("It is archived: it can be read and left, and nothing new is written in it.")))
    blocks += [
        paragraph(*limits_told(policy)),
        points([(Strong(str(label)), f": {_meaning(label)}") for label in sorted(Label) if label <= ceiling]),
        say(_("What is for named people only, such as TLP:RED, goes into a room of its own: write {red} to me."),
            red=Typed("!red @user")),
        say(
            _("To see what you can ask me, write {help}. The maintainers look after it: ask them, or a steward."),
            help=Typed("!help"),
        ),
    ]  # fmt: skip
    return blocks


def _meaning(label: Label) -> str:
    return _(MEANING[label])


def _warned(event: Event, context: Context) -> Sequence[Effect]:
    left = context.maintainers
    if not isinstance(left, Sequence) or len(left) > 1:
        return ()
    if not left:
        told = paragraph(
            _("Nobody looks after this group any more. Please ask a steward or a manager to name somebody.")
        )
        return (Send(_in_green((told,)), once=f"no maintainer {event.room_id} {event.event_id}"),)
    link = link_to(event.room_id, _("this group"))
    asks = _("Please name a second: in the settings of the group, under roles, give a member the power 95.")
    blocks = (paragraph(_("You are the only maintainer left of "), link, "."), paragraph(asks))
    # Whoever leaves is told of each time; other changes of power once for the same person.
    occasion = event.event_id if leaves(event) else left[0].person.user_id
    room = left[0].service_room
    return (
        ()
        if room is None
        else (Send(notice(blocks), room=room, once=f"one maintainer {event.room_id} {occasion}", waits=True),)
    )


def _in_green(blocks: Sequence[Block]) -> dict[str, Any]:
    return notice(blocks) | {LABEL_KEY: {"label": str(Label.GREEN)}}
