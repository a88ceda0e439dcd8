"""What the steward says of reports: the card in the stewards' room, and to who reported something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from belisha.policy.muted import told as moment
from belisha.translation import _, marked
from bots.kernel.answers import Block, Link, Strong, Typed, Words, paragraph, points, say
from bots.steward.groups import link_to

KINDS: Final = {
    "harassment": marked("harassment"),
    "label": marked("a wrong label"),
    "spam": marked("spam"),
    "danger": marked("danger for somebody"),
    "other": marked("something else"),
}
#: How an act stands on the card.
DONE: Final = {
    "acknowledge": marked("{member} looks after it"),
    "warn": marked("warned by {member}"),
    "mute": marked("muted by {member}"),
    "redact": marked("the message taken back by {member}"),
    "remove": marked("removed from the group by {member}"),
    "close": marked("closed by {member}"),
}
#: What a tap does, in the order of the buttons, and of what a report has to be about.
BUTTONS: Final = (
    ("👀", marked("look after it"), ()),
    ("⚠️", marked("warn"), ("member",)),
    ("🔇", marked("mute for a day"), ("member",)),
    ("🗑️", marked("take the message back"), ("member", "group", "item")),
    ("🚪", marked("remove from the group"), ("member", "group")),
    ("🏁", marked("close"), ()),
)


def buttons(facts: Mapping[str, Any]) -> Sequence[str]:
    """The buttons under a card."""
    has = {
        "member": facts.get("about") != "room",
        "group": facts.get("where") == "group",
        "item": facts.get("about") == "item",
    }
    return tuple(key for key, _does, needed in BUTTONS if all(has[one] for one in needed))


def card(facts: Mapping[str, Any], portal: str) -> Sequence[Block]:
    """What the stewards' room reads of a report, as it stands now."""
    number, kind = str(facts["number"]), _(KINDS.get(str(facts.get("kind")), KINDS["other"]))
    head = _("Report {number}, urgent") if facts.get("urgent") else _("Report {number}")
    since = say(_("of {moment}, about {kind}."), moment=moment(int(facts["at"])), kind=kind).words
    blocks: list[Block] = [paragraph(Strong(head.format(number=number)), " ", *since), _about(facts)]
    if isinstance(words := facts.get("words"), str):
        blocks.append(say(_("Who reported it wrote: “{words}”"), words=words))
    done = [(str(act), str(by), int(at)) for act, by, at in facts.get("done") or ()]
    if done:
        blocks.append(points([_line(*one) for one in done]))
    if any(act == "close" for act, _by, _at in done):
        return blocks
    shown = set(buttons(facts))
    taps = ", ".join(f"{key} {_(does)}" for key, does, _needed in BUTTONS if key in shown)
    blocks.append(paragraph(_("Tap: {taps}.").format(taps=taps)))
    close = Typed(f'!report close --number {number} "…"')
    blocks.append(say(_("Or write it: {close} tells who reported it what came of it."), close=close))
    if portal and facts.get("about") == "item":
        link = Link(_("on the portal"), f"{portal}/reports/{number}")
        blocks.append(say(_("What was reported, two stewards can see {portal}."), portal=link))
    return blocks


def _about(facts: Mapping[str, Any]) -> Block:
    if facts.get("where") == "private":
        return paragraph(_("It is about a room of named people. Who and where is not told here."))
    who: Words = Typed(f"@{facts['member']}") if "member" in facts else ""
    if facts.get("where") == "nowhere":
        return say(_("It is about {member}."), member=who)
    room = link_to(str(facts["room_id"]), str(facts.get("room_name") or _("a group without a name")))
    if facts.get("about") == "item":
        address = f"{room.address.partition('?')[0]}/{facts['item']}?{room.address.partition('?')[2]}"
        message = Link(_("a message"), address)
        return say(_("It is about {message} of {member} in {room}."), message=message, member=who, room=room)
    return say(_("It is about the group {room}."), room=room)


def _line(act: str, by: str, at: int) -> tuple[Words, ...]:
    return (f"{moment(at)}: ", *say(_(DONE[act]), member=Typed(f"@{by}")).words)


def passed_on(*, again: bool) -> Sequence[Block]:
    """To who has reported something."""
    if again:
        return (paragraph(_("You have reported that already, and it is looked at. I tell you what comes of it.")),)
    return (
        paragraph(_("I have passed your report on to the people who moderate. They are not told that it was you.")),
        paragraph(_("Two stewards can see that one message, and nothing around it. I tell you what comes of it.")),
    )


def looked_after(facts: Mapping[str, Any]) -> Sequence[Block]:
    """To who has reported something that somebody looks after now."""
    return (say(_("Somebody looks after your report of {moment} now."), moment=moment(int(facts["at"]))),)


def closed(facts: Mapping[str, Any], answer: object) -> Sequence[Block]:
    """To who has reported something that is closed."""
    acted = any(act not in ("acknowledge", "close") for act, _by, _at in facts.get("done") or ())
    said = _("Your report of {moment} is closed: the people who moderate have looked at it.")
    if acted:
        said = _("Your report of {moment} is closed: the people who moderate have acted on it.")
    blocks: list[Block] = [say(said, moment=moment(int(facts["at"])))]
    if isinstance(answer, str):
        blocks.append(say(_("They say: “{answer}”"), answer=" ".join(answer.split())))
    return blocks


def done(facts: Mapping[str, Any]) -> Sequence[Block]:
    """To who has done something about a report, elsewhere than at its card."""
    return (say(_("Done: it stands on the card of report {number}."), number=str(facts["number"])),)
