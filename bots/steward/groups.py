"""What the steward says of groups that members make, join and look after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from belisha.translation import _, many
from bots.kernel.answers import Block, Link, Typed, Words, notice, paragraph, points, say
from bots.kernel.bot import Context, Group, Unknown
from bots.kernel.calls import Answer, Call, Outcome
from bots.kernel.desk import could_not_ask
from bots.kernel.effects import Send

_SHOWN: Final = 40  # groups in a list, before it says "and so many more"

Told = Callable[[Call, Outcome, Context], Answer]


def link_to(room_id: str, text: str) -> Link:
    """A link by which every client opens a room (Matrix 1.16, "matrix.to navigation")."""
    server = room_id.partition(":")[2]
    return Link(text, f"https://matrix.to/#/{quote(room_id)}?via={quote(server)}")


def _refused(outcome: Outcome) -> Answer:
    return Answer((paragraph(outcome.refused),))


def listed(_call: Call, context: Context) -> Answer:
    """The groups that a member may join or ask for."""
    if isinstance(context.groups, Unknown):
        return Answer((paragraph(could_not_ask()),))
    if not context.groups:
        none = _("There is no group that you could join just now. To make one, write {create}.")
        return Answer((say(none, create=Typed('!group create open "…"')),))
    shown = context.groups[:_SHOWN]
    blocks: list[Block] = [
        paragraph(_("These groups you may join, or ask to be let into:")),
        points([_line(group) for group in shown]),
    ]
    if len(context.groups) > len(shown):
        rest = len(context.groups) - len(shown)
        blocks.append(paragraph(many("and {count} more group", "and {count} more groups", rest)))
    blocks.append(say(_("To come in, write {join} and the address or the id of the group."), join=Typed("!group join")))
    return Answer(tuple(blocks))


def _line(group: Group) -> tuple[Words, ...]:
    name = link_to(group.room_id, group.name or _("a group without a name"))
    kind = _("open") if group.kind == "open" else _("closed")
    words: list[Words] = [name, " (", Typed(group.address or group.room_id), f"): {kind}, "]
    words.append(many("{count} member", "{count} members", group.members))
    if group.messages:
        seen = many("{count} message in seven days", "{count} messages in seven days", group.messages)
        words.append(f", {seen}")
    elif group.messages is not None:
        quiet = _("quiet for seven days")
        words.append(f", {quiet}")
    if group.membership:
        waiting = _("you are invited") if group.membership == "invite" else _("you have asked")
        words.append(f"; {waiting}")
    return tuple(words)


def _created(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    if outcome.done is None:
        return _refused(outcome)
    return Answer(
        (
            paragraph(
                _("Done: the group is there, and you are its first maintainer: "),
                link_to(str(outcome.done.get("room_id", "")), _("open it")),
            ),
            say(
                _("Write {invite} in it to let others in. Two maintainers are better than one: please name a second."),
                invite=Typed("!group invite @user"),
            ),
        )
    )


def _opened(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    if outcome.done is None:
        return _refused(outcome)
    link = link_to(str(outcome.done.get("room_id", "")), _("open it"))
    return Answer(
        (
            paragraph(_("Done: the room is there, and everybody whom you named is invited: "), link),
            paragraph(_("Only you and they are ever in it. I am not, so from here on I read nothing of it.")),
        )
    )


def _joined(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    if outcome.done is None:
        return _refused(outcome)
    link = link_to(str(outcome.done.get("room_id", "")), _("open it"))
    if outcome.done.get("membership") == "knock":
        return Answer((paragraph(_("I have asked for you. Its maintainers see that you would like to come in.")),))
    return Answer((paragraph(_("Done: you are in the group: "), link),))


def _left(call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Told where whoever has left can read it."""
    if outcome.done is None:
        return _refused(outcome)
    told = notice((paragraph(_("Done: you have left the group.")),))
    return Answer(effects=(Send(told, room=call.asker.service_room or call.answer_in),))


def _invited(call: Call, outcome: Outcome, _context: Context) -> Answer:
    if outcome.done is None:
        return _refused(outcome)
    invited = int(outcome.done.get("invited", 0))
    blocks: list[Block] = [
        paragraph(many("{count} member was invited.", "{count} members were invited.", invited))
        if invited
        else paragraph(_("Everybody whom you named is in the group, or invited to it, already."))
    ]
    named = list(dict.fromkeys(call.arguments["members"]))
    if refused := outcome.done.get("refused"):
        blocks.append(paragraph(_("These were not invited:")))
        blocks.append(points([(Typed(str(named[place])), f": {sentence}") for place, sentence in refused]))
    return Answer(tuple(blocks))


def _archived(call: Call, outcome: Outcome, _context: Context) -> Answer:
    if outcome.done is None:
        return _refused(outcome)
    back = Typed(f"!group unarchive {call.room_id}")
    return Answer(
        (
            paragraph(_("Done: the group is archived. It can be read and left, and nothing new is written in it.")),
            say(_("To bring it back, write {back} in your own room with me."), back=back),
        )
    )


#: How acts on groups are told about, by their names; of the others it is said that they are done.
TOLD: Final[Mapping[str, Told]] = {
    "group_create": _created,
    "red": _opened,
    "group_join": _joined,
    "group_leave": _left,
    "group_invite": _invited,
    "group_archive": _archived,
}
