"""What the steward bot says when those who moderate have acted: to them, and to the member in their own room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from belisha.policy.muted import told as moment
from belisha.translation import _, many, marked
from bots.kernel.answers import Block, Typed, Words, notice, paragraph, points, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call, Outcome
from bots.kernel.effects import Send
from bots.steward import named

#: To who asked.
_DONE: Final = {
    "member_warn": marked("Done: {member} is warned, in their own room with me."),
    "member_mute": marked("Done: {member} cannot write {where} until {until}."),
    "member_unmute": marked("Done: {member} can write {where} again."),
    "member_kick": marked("Done: {member} is removed from {room}."),
    "member_ban": marked("Done: {member} is removed from {room} and cannot come back."),
    "member_unban": marked("Done: {member} can come back to {room}."),
    "item_redact": marked("Done: that message is taken back, with its edits."),
}
#: To the member whom it is about.
_SAID: Final = {
    "member_warn": marked("The people who moderate the community warn you."),
    "member_mute": marked("The people who moderate the community have muted you {where}, until {until}."),
    "member_unmute": marked("The people who moderate the community let you write {where} again."),
    "member_kick": marked("The people who moderate the community have removed you from {room}."),
    "member_ban": marked("The people who moderate the community have removed you from {room}. You cannot come back."),
    "member_unban": marked("The people who moderate the community let you come back to {room}."),
    "item_redact": marked("The people who moderate the community have taken back a message of yours in {room}."),
}
_ENDS: Final = frozenset({"member_unmute", "member_unban"})
#: How an act stands in the log.
_ACTS: Final = {
    "warn": marked("warned"),
    "mute": marked("muted"),
    "unmute": marked("unmuted"),
    "kick": marked("removed"),
    "ban": marked("banned"),
    "unban": marked("unbanned"),
    "redact": marked("a message taken back"),
    "raise": marked("a label raised"),
    "freeze": marked("frozen"),
    "thaw": marked("thawed"),
    "offboard": marked("taken out of the community"),
}


def ended(call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Tells who asked, and the member whom it is about, once it is done; a refusal is told to who asked alone."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    act = str(call.command.act)
    words = shown(done) | {"member": named.member(done, call.arguments.get("member", ""))}
    nowhere = {"where": _("in any room")} if act == "member_mute" and done.get("room_id") is None else {}
    answer = (say(_(_DONE[act]), **{**words, **nowhere}),)
    room, reason = done.get("member_room"), call.arguments.get("reason")
    if not isinstance(room, str):
        return Answer(answer)
    return Answer(answer, (Send(notice(to_the_member(act, words, reason)), room=room),))


def log(call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Tells what was done to a member before."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    entries, count = done.get("entries") or (), int(done.get("count") or 0)
    member = named.member(done, call.arguments["member"])
    if not entries:
        return Answer((say(_("Nothing was done to {member} so far."), member=member),))
    lines: list[Sequence[Words]] = [_line(entry, done) for entry in entries]
    if count > len(entries):
        lines.append((many("and {count} earlier act", "and {count} earlier acts", count - len(entries)),))
    return Answer((say(_("What was done to {member}, the newest first:"), member=member), points(lines)))


def to_the_member(act: str, words: Mapping[str, Words | tuple[Words, ...]], reason: object) -> Sequence[Block]:
    """What a member reads of an act on them."""
    blocks: list[Block] = [say(_(_SAID[act]), **words)]
    if isinstance(reason, str):
        # Not on a line of its own: there it could read as a label of this message.
        blocks.append(say(_("The reason: “{reason}”"), reason=" ".join(reason.split())))
    if act not in _ENDS:
        blocks.append(paragraph(_("If you think that this is a mistake, please write to a steward or a manager.")))
    return blocks


def shown(done: Mapping[str, Any]) -> dict[str, Words | tuple[Words, ...]]:
    """What stands in the places of sentences about an act, out of what the module told of it."""
    room_id, until = done.get("room_id"), done.get("until")
    told = {"until": moment(until) if isinstance(until, int) else ""}
    if room_id is None:
        return {**told, "room": "", "where": _("in every room")}
    room = named.room(done, str(room_id))
    return {**told, "room": room, "where": say(_("in {room}"), room=room).words}


def _line(entry: Mapping[str, Any], done: Mapping[str, Any]) -> Sequence[Words]:
    words: list[Words] = [f"{moment(int(entry['at']))}: ", _(_ACTS[str(entry["act"])])]
    if entry.get("room_id") is not None:
        words += [" ", *say(_("in {room}"), room=named.room(done, str(entry["room_id"]))).words]
    words += [" ", *say(_("by {member}"), member=Typed(f"@{entry['by']}")).words]
    if isinstance(until := entry.get("until"), int):
        words += [", ", *say(_("until {moment}"), moment=moment(until)).words]
    if entry.get("undone_by") is not None:
        undone = say(_("ended by {member} on {moment}"), member=Typed(f"@{entry['undone_by']}"),
                     moment=moment(int(entry["undone_at"])))  # fmt: skip
        words += ["; ", *undone.words]
    return words


#: Who tells how an act ended.
TOLD: Final[Mapping[str, Callable[[Call, Outcome, Context], Answer]]] = {
    **dict.fromkeys(_DONE, ended),
    "moderation_log": log,
}
