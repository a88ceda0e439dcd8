"""Acts that members ask for by a command and the module carries out: one table for bots, portal and module.

A bot reads a command to hand it over; the module reads the same event again and trusts its own reading alone (rule P3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from belisha.announce_acts import ANNOUNCE_ACTS
from belisha.commands import reading
from belisha.commands.declaration import ALONE, GROUPS, RUNNING, Argument, Command
from belisha.commands.reading import Asked, Problem
from belisha.commands.values import (
    DURATION,
    LABEL,
    LINE,
    MEMBER,
    ORGANISATION,
    ORGANISATIONS,
    ROOM,
    TEXT,
    choice,
)
from belisha.commands.values import YES as GIVEN
from belisha.group_acts import GROUP_ACTS
from belisha.people_acts import PEOPLE_ACTS
from belisha.policy.contact import DirectChats
from belisha.policy.rooms import Purpose
from belisha.report_acts import REPORT_ACTS
from belisha.report_acts import tapped as tapped
from belisha.self_acts import SELF_ACTS
from belisha.translation import marked

#: Key of a bot's question in which a member confirms what was asked for on the portal (see `Question`).
QUESTION_KEY: Final = "org.belisha.question"
YES: Final = ("✅", "👍")
NO: Final = ("❌", "👎")


class Question(NamedTuple):
    """What a bot asks a member to confirm in their own room, because it was asked for on the portal.

    The member's yes is the command event then (rule P3). What is confirmed is what the question's text showed: the
    command as it would be written, the id of the group in which it would be, and of the event that it would answer.
    """

    text: str
    room_id: str | None = None
    target: str | None = None

    def content(self) -> dict[str, str]:
        """What stands under `QUESTION_KEY`."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def question_of(content: Mapping[str, Any]) -> Question | None:
    """The question that a bot's message asks; None where it asks none, or does not show what it asks."""
    asked, body = content.get(QUESTION_KEY), content.get("body")
    if not isinstance(asked, Mapping) or not isinstance(body, str):
        return None
    found = Question(asked.get("text", ""), asked.get("room_id"), asked.get("target"))
    if not isinstance(found.text, str) or not all(part is None or isinstance(part, str) for part in found):
        return None
    return found if found.text and all(part is None or part in body for part in found) else None


def says(text: str) -> bool | None:
    """Whether a word of a member's is a yes or a no; None where it is neither."""
    word = text.strip().rstrip(".!").casefold()
    return True if word in ("yes", "y", *YES) else False if word in ("no", "n", *NO) else None


def reacts(key: str) -> bool | None:
    """The same for a reaction."""
    bare = key.replace("\ufe0f", "")
    return True if bare in YES else False if bare in NO else None


def read(text: str) -> Asked | Problem | None:
    """The act that a text asks for; None where it begins with no act's words."""
    found = reading.read(text, ACTS)
    return found if isinstance(found, Asked | Problem) else None


_THIS_GROUP: Final = Argument("room", ROOM, marked("which group, where it is not this one"), required=False)
_WHOM: Final = Argument("member", MEMBER, marked("which member, by the address"))
_WHICH: Final = Argument("organisation", ORGANISATION, marked("which organisation, by its id"))

_GROUP: Final = Argument("group", ROOM, marked("which group, where it is not this one"), required=False, flag=True)
_EVERYWHERE: Final = Argument("everywhere", GIVEN, marked("in all rooms, not in this group"), required=False, flag=True)
_WHY: Final = Argument("reason", LINE, marked("why, in words that the member may read"), required=False, flag=True)

ACTS: Final = (
    *GROUP_ACTS,
    Command(
        ("group", "policy"),
        marked("changes who may join this group and what it is for"),
        "!group policy closed --organisations harbour,police",
        (
            Argument("kind", choice("open", "closed"), marked("what the group becomes")),
            Argument(
                "organisations",
                ORGANISATIONS,
                marked("the organisations that it is for, by their ids, or * for any"),
                required=False,
                flag=True,
            ),
            Argument("purpose", choice(*Purpose), marked("what it is for"), required=False, flag=True),
        ),
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_about_room=True,
        openly=True,
        act="room_policy",
        confirm=marked("This changes who can read what stands in the group. Shall I?"),
        title=marked("Change a group's rules"),
    ),
    Command(
        ("group", "upgrade"),
        marked("moves this group into a new room, with everybody who is in it"),
        "!group upgrade",
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_about_room=True,
        act="room_upgrade",
        confirm=marked("Everybody moves to a new room, and this one is closed for good. Shall I?"),
        title=marked("Move a group to a new room"),
    ),
    Command(
        ("group", "freeze"),
        marked("stops everything in a group but reading and leaving it"),
        "!group freeze",
        (_THIS_GROUP,),
        roles=RUNNING,
        act="room_freeze",
        title=marked("Freeze a group"),
    ),
    Command(
        ("group", "thaw"),
        marked("lets a frozen group go on"),
        "!group thaw",
        (_THIS_GROUP,),
        roles=RUNNING,
        act="room_thaw",
        title=marked("Thaw a group"),
    ),
    Command(
        ("freeze", "organisation"),
        marked("stops all members of an organisation at once"),
        "!freeze organisation harbour",
        (_WHICH,),
        roles=RUNNING,
        act="organisation_freeze",
        confirm=marked("All its members are signed out and can do nothing until it is thawed. Shall I?"),
        title=marked("Freeze an organisation"),
    ),
    Command(
        ("thaw", "organisation"),
        marked("lets the members of a frozen organisation in again"),
        "!thaw organisation harbour",
        (_WHICH,),
        roles=RUNNING,
        act="organisation_thaw",
        title=marked("Thaw an organisation"),
    ),
    Command(
        ("direct-chats",),
        marked("chooses who may write to you directly"),
        "!direct-chats my-groups",
        (Argument("choice", choice(*DirectChats), marked("who may write to you directly")),),
        where=ALONE,
        act="direct_chats",
        title=marked("Choose who may write to me directly"),
    ),
    Command(
        ("freeze",),
        marked("stops a member: no sending, joining, downloads or sessions"),
        "!freeze @anna",
        (_WHOM,),
        roles=RUNNING,
        others="lead",
        act="member_freeze",
        title=marked("Freeze a member"),
    ),
    Command(
        ("thaw",),
        marked("lets a frozen member in again"),
        "!thaw @anna",
        (_WHOM,),
        roles=RUNNING,
        others="lead",
        act="member_thaw",
        title=marked("Thaw a member"),
    ),
    *PEOPLE_ACTS,
    # Labels of items, and moderation.
    Command(
        ("relabel",),
        marked("changes the label of the message that you answer"),
        '!relabel green "It is public now"',
        (
            Argument("label", LABEL, marked("the new label")),
            Argument("reason", TEXT, marked("why, in words that everybody in the room may read"), required=False),
        ),
        is_answer=True,
        act="item_relabel",
        title=marked("Change a message's label"),
    ),
    Command(
        ("raise",),
        marked("makes the label of the message that you answer stricter, whoever wrote it"),
        "!raise amber",
        (
            Argument("label", LABEL, marked("the new label")),
            Argument("reason", TEXT, marked("why, in words that everybody in the room may read"), required=False),
        ),
        roles=frozenset({"steward"}),
        is_answer=True,
        act="item_raise",
        title=marked("Raise a message's label"),
    ),
    Command(
        ("warn",),
        marked("warns a member, in their own room with the steward"),
        '!warn @anna --reason "No names of patients here"',
        (_WHOM, replace(_WHY, required=True)),
        roles=RUNNING,
        others="lead",
        act="member_warn",
        title=marked("Warn a member"),
    ),
    Command(
        ("mute",),
        marked("keeps a member from writing, for some time"),
        "!mute @anna 2h",
        (_WHOM, Argument("time", DURATION, marked("for how long")), _EVERYWHERE, _GROUP, _WHY),
        roles=RUNNING,
        others="maintainer or lead",
        is_about_room=True,
        act="member_mute",
        title=marked("Mute a member"),
    ),
    Command(
        ("unmute",),
        marked("lets a muted member write again"),
        "!unmute @anna",
        (_WHOM, _EVERYWHERE, _GROUP),
        roles=RUNNING,
        others="maintainer or lead",
        is_about_room=True,
        act="member_unmute",
        title=marked("Let a muted member write again"),
    ),
    Command(
        ("kick",),
        marked("removes a member from this group, who may come back as everybody may"),
        "!kick @anna",
        (_WHOM, _GROUP, _WHY),
        roles=RUNNING,
        others="maintainer",
        is_about_room=True,
        act="member_kick",
        title=marked("Remove a member from a group"),
    ),
    Command(
        ("ban",),
        marked("removes a member from this group, who cannot come back until unbanned"),
        "!ban @anna",
        (_WHOM, _GROUP, _WHY),
        roles=RUNNING,
        others="maintainer",
        is_about_room=True,
        act="member_ban",
        title=marked("Ban a member from a group"),
    ),
    Command(
        ("unban",),
        marked("lets a banned member come back to this group"),
        "!unban @anna",
        (_WHOM, _GROUP),
        roles=RUNNING,
        others="maintainer",
        is_about_room=True,
        act="member_unban",
        title=marked("Let a banned member come back"),
    ),
    Command(
        ("redact",),
        marked("takes back the message that you answer, with its edits"),
        '!redact --reason "It names a patient"',
        (_WHY,),
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_answer=True,
        act="item_redact",
        title=marked("Take back a message"),
    ),
    Command(
        ("mod", "log"),
        marked("shows what those who moderate have done to a member before"),
        "!mod log @anna",
        (_WHOM,),
        roles=RUNNING,
        where=ALONE,
        act="moderation_log",
        title=marked("See what was done to a member"),
    ),
    *REPORT_ACTS,
    *ANNOUNCE_ACTS,
    *SELF_ACTS,
)
