"""What the steward says of who waits to be let in: to those who decide, and to who waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from belisha.acts.waiting import LET_IN, TURN_AWAY, written
from belisha.policy import waiting as policy
from belisha.policy.muted import told as moment
from belisha.translation import _, many, marked
from bots.kernel.answers import Block, Link, Paragraph, Strong, Typed, Words, paragraph, points, say
from bots.steward.groups import link_to

Facts = Mapping[str, Any]

#: How it stands on a card that something ended, and by whom.
_ENDED: Final = {
    policy.LET_IN: marked("let in"),
    policy.TURNED_AWAY: marked("turned away"),
    policy.TAKEN_BACK: marked("taken back by themselves"),
    policy.OVER: marked("over, since nobody answered"),
    policy.GONE: marked("over, since it cannot be any more"),
}


def is_knock(facts: Facts) -> bool:
    """Whether it is about a group, and not about an organisation."""
    return facts.get("sort") == policy.KNOCK


def _group(facts: Facts) -> Link:
    return link_to(str(facts["room_id"]), str(facts.get("room_name") or _("a group without a name")))


def _organisation(facts: Facts) -> Strong:
    # An answer that had to be looked up again has ids alone.
    return Strong(str(facts.get("organisation_name") or facts.get("organisation")))


def _who(facts: Facts) -> Words:
    return Typed(str(facts["member"]))


def command(facts: Facts, act: Any) -> str:
    """A command about who waits, as it is written."""
    room_id = str(facts["room_id"]) if is_knock(facts) else None
    return written(act, str(facts["member"]).removeprefix("@"), room_id)


def card(facts: Facts) -> Sequence[Block]:
    """Who waits for what, to one who decides."""
    blocks: list[Block] = [_about(facts)]
    if not is_knock(facts):
        if isinstance(words := facts.get("words"), str):
            blocks.append(say(_("They write: “{words}”"), words=" ".join(words.split())))
        blocks.append(
            paragraph(
                _("Nobody has checked who that is. Ask them by another way, which you know, before you let them in.")
            )
        )
    since = _("They wait since {moment}, until {until} at the latest.")
    blocks.append(say(since, moment=moment(int(facts["at"])), until=moment(int(facts["until"]))))
    blocks.append(paragraph(_("Tap 🤝 to let them in, or 🙅 to turn them away: it is done at once. Or write it:")))
    blocks.append(
        points(
            [
                (Typed(command(facts, LET_IN)),),
                (Typed(command(facts, TURN_AWAY)), " ", Typed('--reason "…"')),
            ]
        )
    )
    return blocks


def _about(facts: Facts) -> Paragraph:
    if is_knock(facts):
        told = _("{name} ({member}) would like to come into the group {group}.")
        return say(
            told, name=Strong(str(facts.get("name") or facts["member"])), member=_who(facts), group=_group(facts)
        )
    told = _("The account {member} asks to belong to {organisation}.")
    return say(told, member=_who(facts), organisation=_organisation(facts))


def decided(facts: Facts) -> Sequence[Block]:
    """The same once it has ended."""
    how, by = _(_ENDED.get(str(facts["ended"]), _ENDED[policy.GONE])), facts.get("by")
    if by:
        return (_about(facts), say(_("This is done: {how}, by {member}."), how=how, member=Typed(f"@{by}")))
    return (_about(facts), say(_("This is done: {how}."), how=how))


def late(facts: Facts) -> Sequence[Block]:
    """To those who decide, after a day."""
    return (
        _about(facts),
        say(_("They have waited for more than a day. {queue} shows all who wait."), queue=Typed("!queue")),
    )


def to_who_waited(facts: Facts, reason: object) -> Sequence[Block]:
    """What came of it, to who waited; nothing, where they know."""
    blocks = _came_of_knock(facts) if is_knock(facts) else _came_of_asking(facts)
    if blocks and isinstance(reason, str):
        blocks = (*blocks, say(_("They say: “{reason}”"), reason=" ".join(reason.split())))
    return blocks


def _came_of_knock(facts: Facts) -> Sequence[Block]:
    ended, group = facts["ended"], _group(facts)
    if ended == policy.LET_IN:
        return (say(_("You are let into the group {group}: take the invitation in your client."), group=group),)
    if ended == policy.TURNED_AWAY:
        return (say(_("You were not let into the group {group}."), group=group),)
    if ended == policy.OVER:
        told = _("Nobody has answered within 14 days whether you may come into the group {group}. You can ask again.")
        return (say(told, group=group),)
    return ()


def _came_of_asking(facts: Facts) -> Sequence[Block]:
    ended, organisation = facts["ended"], Typed(str(facts.get("organisation")))
    if ended == policy.LET_IN:
        name = _organisation(facts)
        start = Typed("!start")
        return (say(_("Welcome: you belong to {name} now. {start} shows what comes next."), name=name, start=start),)
    if ended == policy.TURNED_AWAY:
        told = _("You were not let into {organisation}. Your account stays as it is, and can talk to me.")
        return (say(told, organisation=organisation),)
    if ended == policy.OVER:
        told = _("Nobody has answered within 14 days. Make sure of the id {organisation}, and ask again.")
        return (say(told, organisation=organisation),)
    if ended == policy.TAKEN_BACK:
        told = _("You deleted what you wrote, so nobody is asked any more. You can ask {organisation} again.")
        return (say(told, organisation=organisation),)
    return ()


def asked(until: int) -> Sequence[Block]:
    """To who has asked an organisation."""
    told = _(
        "I have passed it on to those who decide for that organisation, if there is one of that id. I cannot tell you "
        "whether there is: please make sure of it. Nobody else reads what you wrote."
    )
    return (
        paragraph(told),
        say(_("I tell you here what they decide. It waits until {until}."), until=moment(until)),
    )


def done(facts: Facts) -> Sequence[Block]:
    """To who has decided, elsewhere than at the card."""
    who = _who(facts)
    if facts["ended"] != policy.LET_IN:
        return (say(_("Done: {member} is turned away, and told so."), member=who),)
    if is_knock(facts):
        return (say(_("Done: {member} is invited to the group {group}."), member=who, group=_group(facts)),)
    name = _organisation(facts)
    return (say(_("Done: {member} belongs to {name} now."), member=who, name=name),)


def queue(found: Sequence[Facts], count: int) -> Sequence[Block]:
    """Who waits, as far as the asker decides."""
    if not found:
        return (paragraph(_("Nobody waits whom you could let in.")),)
    counted = many("{count} waits to be let in:", "{count} wait to be let in:", count)
    blocks: list[Block] = [paragraph(counted), points([_line(one) for one in found])]
    if count > len(found):
        rest = many("and {count} more, who came later", "and {count} more, who came later", count - len(found))
        blocks.append(paragraph(rest))
    hint = _("{let_in} lets somebody in, and {turn_away} turns them away.")
    return [*blocks, say(hint, let_in=Typed(f"{LET_IN.name} @user"), turn_away=Typed(f"{TURN_AWAY.name} @user"))]


def _line(facts: Facts) -> Sequence[Words]:
    words = [*_about(facts).words, " ", _("Since {moment}.").format(moment=moment(int(facts["at"])))]
    if isinstance(said := facts.get("words"), str):
        words += [" ", *say(_("They write: “{words}”"), words=" ".join(said.split())).words]
    return words


def welcome() -> Sequence[Block]:
    """The first words to an account that belongs to no organisation."""
    ask = Typed('!ask-in ID "…"')
    return (
        paragraph(_("Hello! I am the steward bot. This account belongs to no organisation of the community yet.")),
        paragraph(_("Until one lets you in, you can sign in and talk to me, and nothing else.")),
        say(
            _("Ask yours: write {ask}, with its id, which it tells you, and with some words that say who you are."),
            ask=ask,
        ),
        paragraph(_("Only those who decide for that organisation read them. I tell you here what they decide.")),
    )
