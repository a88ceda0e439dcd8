"""The first steps of a member: the community's rules and their acceptance, groups to join, and phones' screens.

The rules are a file of the operators. Each version of its text has an id, and who accepts, accepts one version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.reading import Asked, read
from belisha.commands.values import word
from belisha.policy.people import Person
from belisha.translation import _, many, marked
from bots.kernel import questions
from bots.kernel.answers import Block, Strong, Typed, Words, paragraph, points, say
from bots.kernel.bot import Asker, Context, Needs, Policy, Unknown
from bots.kernel.calls import Answer, Call, Entry
from bots.kernel.effects import Effect
from bots.kernel.outbox import was_said
from bots.steward.groups import link_to
from bots.steward.tables import acceptance

#: How many groups are suggested.
SUGGESTED: Final = 3
#: For how long, in seconds, the question about the rules can be answered by a tap.
_HOLDS_S: Final = 30 * 86_400.0

START: Final = Command(
    ("start",),
    marked("shows what to do first: the rules, groups to join, and what the screens of your phone mean"),
    "!start",
    where=ALONE,
    title=marked("Begin here"),
)
RULES: Final = Command(
    ("rules",),
    marked("shows the community's rules, and asks whether you accept them"),
    "!rules",
    where=ALONE,
    title=marked("Read the community's rules"),
)
ACCEPT: Final = Command(
    ("rules", "accept"),
    marked("accepts the community's rules"),
    "!rules accept",
    (
        Argument(
            "version",
            word("[0-9a-f]{12}", marked("Please write nothing behind it: that accepts the rules as they are now.")),
            marked("which version of them, where you mean no other"),
            required=False,
        ),
    ),
    where=ALONE,
    title=marked("Accept the community's rules"),
)


@dataclass(frozen=True, slots=True)
class Rules:
    """The community's rules."""

    text: str

    @property
    def version(self) -> str:
        """The id of this text: the first twelve digits of its SHA-256."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def blocks(self) -> list[Block]:
        """The text as paragraphs; lines that begin with a hyphen or a star as lists."""
        found: list[Block] = []
        for part in self.text.split("\n\n"):
            lines = [line.strip() for line in part.splitlines() if line.strip()]
            if lines and all(line[:2] in ("- ", "* ") for line in lines):
                found.append(points([(line[2:],) for line in lines]))
            elif lines:
                found.append(paragraph(" ".join(lines)))
        return found


class Onboarding:
    """What the steward answers about the first steps."""

    def __init__(self, rules: Rules | None, bot: str) -> None:
        self._rules = rules
        self._bot = bot

    def entries(self) -> tuple[Entry, ...]:
        """Who answers these commands."""
        return (
            Entry(START, self._start, Needs(groups=True)),
            Entry(RULES, self._show),
            Entry(ACCEPT, self._accept),
        )

    def ask(self, user_id: str, room_id: str, context: Context, place: int) -> Sequence[Effect]:
        """Asks a new member to accept the rules, once for each version of them."""
        if self._rules is None:
            return ()
        once = f"rules {self._rules.version} {room_id}"
        if was_said(context, self._bot, once):
            return ()
        asker = Asker(Person(user_id), 0, room_id)
        call = Call(Asked(RULES, {}), RULES.example, asker, room_id, Policy("service"), room_id)
        return self._question(call, context, place, once)

    def _show(self, call: Call, context: Context) -> Answer:
        if self._rules is None:
            return Answer((paragraph(_no_rules()),))
        if (at := self._accepted(call.user_id, context)) is not None:
            return Answer((*self._told(), _accepted_on(at)))
        if call.event_id is None:  # a form: there is nothing to tap on its page
            hint = say(_("To accept them, write {command} to me."), command=Typed("!rules accept"))
            return Answer((*self._told(), hint))
        return Answer(effects=self._question(call, context, 0, None))

    def _accept(self, call: Call, context: Context) -> Answer:
        if self._rules is None:
            return Answer((paragraph(_no_rules()),))
        if call.arguments.get("version", self._rules.version) != self._rules.version:
            told = _("The rules have changed since you read them. Please write {command} and read them again.")
            return Answer((say(told, command=Typed("!rules")),))
        if self._accepted(call.user_id, context) is None:
            row = {"user_id": call.user_id, "version": self._rules.version, "at": context.now}
            context.database.execute(acceptance.insert().values(row))
        thanks = _("Thank you: you have accepted the rules. {start} shows what comes next.")
        return Answer((say(thanks, start=Typed("!start")),))

    def _start(self, call: Call, context: Context) -> Answer:
        steps: list[Block] = [paragraph(Strong(_("First steps")))]
        if self._rules is not None:
            at = self._accepted(call.user_id, context)
            read_them = _("The rules: write {rules}, read them, and say whether you accept them.")
            steps.append(say(read_them, rules=Typed("!rules")) if at is None else _accepted_on(at))
        steps += _suggested(context)
        steps += [
            paragraph(
                _(
                    "You: the name that others see is your organisation's word for you. A picture you choose yourself, "
                    "in the settings of Element."
                )
            ),
            say(
                _("Who may write to you directly is your choice: {anyone}, {groups} or {introduced}."),
                anyone=Typed("!direct-chats anyone"),
                groups=Typed("!direct-chats my-groups"),
                introduced=Typed("!direct-chats introductions"),
            ),
            *_screens(),
        ]
        return Answer(tuple(steps))

    def _told(self) -> list[Block]:
        if self._rules is None:
            raise LookupError("rules")
        return [paragraph(Strong(_("The rules of this community"))), *self._rules.blocks()]

    def _question(self, call: Call, context: Context, place: int, once: str | None) -> list[Effect]:
        if self._rules is None:
            raise LookupError("rules")
        text = f"{ACCEPT.name} {self._rules.version}"
        asked = read(text, (ACCEPT,))
        if not isinstance(asked, Asked):
            raise LookupError(text)
        ask = say(_("Do you accept them? Tap ✅ or ❌, or write {command}."), command=Typed(ACCEPT.name))
        send = replace(call.send((*self._told(), ask)), once=once)
        kept = replace(call, asked=asked, text=text).to_json()
        return questions.ask(
            context, self._bot, call.user_id, call.answer_in, kept, send, place=place, holds_s=_HOLDS_S
        )

    def _accepted(self, user_id: str, context: Context) -> float | None:
        """When somebody has accepted the rules as they are now."""
        if self._rules is None:
            return None
        known = (acceptance.c.user_id == user_id) & (acceptance.c.version == self._rules.version)
        return context.database.scalar(sa.select(acceptance.c.at).where(known))


def _no_rules() -> str:
    return _("This community has written down no rules of its own. Those of the labels hold: write !tlp.")


def _accepted_on(at: float) -> Block:
    date = datetime.fromtimestamp(at, UTC).date().isoformat()
    return say(_("You have accepted the rules, as they are now, on {date}."), date=date)


def _suggested(context: Context) -> list[Block]:
    """The three largest groups that the member may join or ask for, and has not yet."""
    if isinstance(context.groups, Unknown):
        return []
    found = [group for group in context.groups if not group.membership][:SUGGESTED]
    if not found:
        return []
    lines: list[Sequence[Words]] = []
    for group in found:
        members = many("{count} member", "{count} members", group.members)
        name = link_to(group.room_id, group.name or _("a group without a name"))
        lines.append((name, " (", Typed(group.address or group.room_id), f"): {members}"))
    more = _("To come in, write {join} and the address. {list} shows all.")
    return [
        paragraph(_("Groups that you could join:")),
        points(lines),
        say(more, join=Typed("!group join"), list=Typed("!group list")),
    ]


def _screens() -> list[Block]:
    """What the verification screens of phone clients mean here."""
    return [
        paragraph(Strong(_("When your phone asks you to verify or to confirm your identity"))),
        paragraph(
            _(
                "That is about encryption between devices, and no check of who you are: your organisation has vouched "
                "for you. Until you answer it, the app may show nothing else."
            )
        ),
        points(
            [
                (_("It is your first device: choose that you cannot confirm, then reset. There is nothing to lose."),),
                (_("Element is open elsewhere: choose to use another device, and compare the pictures on both."),),
                (_("You have a recovery key: enter it."),),
            ]
        ),
        paragraph(
            _(
                "Groups here are not encrypted, so all of it is there on a new device. Only what was encrypted "
                "in rooms of named people, where this community allows that, is lost by a reset."
            )
        ),
        paragraph(_("Nobody who runs this community will ever ask for your password or your recovery key.")),
    ]
