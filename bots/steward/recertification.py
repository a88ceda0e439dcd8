"""Recertification: the steward asks leads to confirm their members, warns those left out, and tells who is frozen.

What is due, the module says; each sentence has a key of its own, so it is said once however often that is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any, Final

from belisha.acts import ACTS
from belisha.acts.questions import QUESTION_KEY, Question
from belisha.commands.reading import Asked, read
from belisha.policy.people import Person
from belisha.translation import _, many
from bots.kernel import questions
from bots.kernel.answers import Block, Strong, Typed, Words, notice, paragraph, points, say
from bots.kernel.bot import Asker, Context, Job, Policy
from bots.kernel.calls import Answer, Call, Outcome
from bots.kernel.effects import OUTCOME, Effect, Send, Turn
from bots.kernel.outbox import was_said
from bots.kernel.rules import Rule
from bots.steward import named

#: The job's name, the module's address, and what marks the news of it.
NAME: Final = "recertification"
RULE: Final = Rule(time(9))
_SHOWN: Final = 30  # names in a message, before it says "and so many more"


def run(job: Job, context: Context, bot: str) -> Sequence[Effect] | None:
    """What is done each day, and about what the module tells then; None where a job is something else."""
    if job.name == NAME:
        return (Turn(NAME, {"turn": NAME}),)
    if not job.name.startswith(OUTCOME) or job.arguments["then"].get("turn") != NAME:
        return None
    effects: list[Effect] = []
    outcome = job.arguments.get("outcome") or {}
    for one in outcome.get("begins") or ():
        effects += _begins(one)
    for one in outcome.get("rounds") or ():
        effects += _told(one, context, bot, len(effects))
    return effects


def confirmed(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """How a confirmation ended."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    counted = many("{count} member", "{count} members", int(done.get("count") or 0))
    organisation = named.organisation(done, done.get("organisation", ""))
    if done.get("until") is None:  # this community asks nobody again
        told = _("Done: {members} of {organisation} confirmed.")
        return Answer((say(told, members=counted, organisation=organisation),))
    told = _("Done: {members} of {organisation} confirmed. I will ask again after {date}.")
    return Answer((say(told, members=counted, organisation=organisation, date=str(done["until"])),))


def _begins(one: Mapping[str, Any]) -> list[Effect]:
    """Tells those who will be asked that it begins, and when, before anybody is asked."""
    told = _(
        "From now on I ask you every {count} days whether the members of {name} still belong to it; for the first time"
        " on {date}. Nothing is to be done before."
    )
    later = _("You can look through them already: {members}. What you confirm by {confirm} holds from that day on.")
    days, name = int(one["days"]), Strong(str(one["name"]))
    confirm = Typed(f"!members confirm --organisation {one['organisation']}")
    blocks = (
        say(told, count=days, name=name, date=str(one["first"])),
        say(later, members=Typed(f"!members {one['organisation']}"), confirm=confirm),
    )
    key = f"{NAME} begins {one['organisation']} {one['begun']}"
    return [
        Send(notice(blocks), room=str(who["service_room"]), once=f"{key} {who['user_id']}", waits=True)
        for who in one["answerers"]
    ]


def _told(one: Mapping[str, Any], context: Context, bot: str, place: int) -> list[Effect]:
    key = f"{NAME} {one['organisation']} {one['asked']}"
    if one["ended"] is not None:
        return _frozen(one, key) if one["frozen"] else []
    effects: list[Effect] = []
    step = "asked" if one["warned"] is None else "warned"
    for who in one["answerers"]:
        once = f"{key} {step} {who['user_id']}"
        if not was_said(context, bot, once):
            effects += _asked(one, who, once, context, bot, place + len(effects))
    if step == "warned":
        for member in one["unconfirmed"]:
            if member["service_room"]:
                effects.append(_warning(one, member, f"{key} warned member {member['member']}"))
    return effects


def _asked(
    one: Mapping[str, Any], who: Mapping[str, Any], once: str, context: Context, bot: str, place: int
) -> list[Effect]:
    """The question to one of those who may confirm; their yes is the command (rule P3)."""
    text, room = f"!members confirm --organisation {one['organisation']}", str(who["service_room"])
    asked = read(text, ACTS)
    if not isinstance(asked, Asked):
        raise LookupError(text)
    person = Person(str(who["user_id"]), who["organisation"], frozenset(who["roles"]))
    call = Call(asked, text, Asker(person, 0, room), room, Policy("service"), room)
    content = notice(_question(one, text)) | {QUESTION_KEY: Question(text).content()}
    send = Send(content, room=room, once=once)
    return questions.ask(
        context, bot, person.user_id, room, call.to_json(), send, place=place, holds_s=asked.command.holds
    )


def _question(one: Mapping[str, Any], text: str) -> Sequence[Block]:
    name, count, left = Strong(str(one["name"])), int(one["count"]), one["unconfirmed"]
    counted = many("{count} member", "{count} members", count)
    blocks: list[Block] = []
    if one["warned"] is None:
        blocks.append(
            say(_("Do the members of {name} still belong to it? It has {members}:"), name=name, members=counted)
        )
    else:
        late = many("{count} member", "{count} members", len(left))
        told = _("Nobody has confirmed {late} of {name} so far. They are warned today, and frozen on {date}.")
        blocks += [say(told, late=late, name=name, date=str(one["freezes"])), paragraph(_("All its members:"))]
    blocks += [
        _names(one["members"], count),
        say(_("First take out whoever has left: {offboard}."), offboard=Typed("!offboard @user")),
        say(
            _("Then tap ✅: it stands for {command}, and confirms all of them. For some, write {some}."),
            command=Typed(text),
            some=Typed("!members confirm @user @user"),
        ),
    ]
    if one["warned"] is None:
        told = _("Who is not confirmed will be warned after 14 days, and frozen after 14 more, on {date}.")
        blocks.append(say(told, date=str(one["freezes"])))
    return blocks


def _names(members: Sequence[Mapping[str, Any]], count: int) -> Block:
    lines: list[Sequence[Words]] = [_name(one) for one in members[:_SHOWN]]
    if count > len(lines):
        rest = many("and {count} more member", "and {count} more members", count - len(lines))
        lines.append((rest, ": ", Typed("!members")))
    return points(lines)


def _name(one: Mapping[str, Any]) -> Sequence[Words]:
    return (str(one["name"]), " (", Typed(str(one["member"])), ")")


def _warning(one: Mapping[str, Any], member: Mapping[str, Any], once: str) -> Send:
    told = _("Nobody of {name} has confirmed yet that you still belong to it.")
    blocks = (
        say(told, name=Strong(str(one["name"]))),
        say(_("Please ask your lead to do so. Otherwise your account is frozen on {date}."), date=str(one["freezes"])),
    )
    return Send(notice(blocks), room=str(member["service_room"]), once=once)


def _frozen(one: Mapping[str, Any], key: str) -> list[Effect]:
    """Tells those who may confirm whom this round has frozen."""
    counted = many("{count} account", "{count} accounts", len(one["frozen"]))
    told = _("Nobody has confirmed {accounts} of {name}, so I have had them frozen:")
    blocks = (
        say(told, accounts=counted, name=Strong(str(one["name"]))),
        _names(one["frozen"], len(one["frozen"])),
        say(_("Who still belongs to it is let in again by {thaw}."), thaw=Typed("!thaw @user")),
    )
    return [
        Send(notice(blocks), room=str(who["service_room"]), once=f"{key} frozen {who['user_id']}")
        for who in one["answerers"]
    ]
