"""The steward bot's handlers: pure, and small, because `words.py` does the talking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from belisha.acts import ACTS
from belisha.acts.reports import REPORT_ACTS
from belisha.commands.declaration import Command
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person
from bots.kernel.answers import notice
from bots.kernel.bot import Asker, Context, Job, Needs, Policy
from bots.kernel.calls import Acting, Answer, Call, Check, Entry, Outcome
from bots.kernel.config import Escalation as EscalationSettings
from bots.kernel.desk import Desk
from bots.kernel.effects import Effect, Mail, Send
from bots.kernel.errors import Impossible
from bots.kernel.events import REDACTION, TOMBSTONE, Event, joins
from bots.kernel.letters import Said, Unwritten, WithLetters
from bots.kernel.rules import Rule
from bots.steward import (
    announcements,
    group_care,
    groups,
    holds,
    invitations,
    labels,
    members,
    moderation,
    offboarding,
    onboarding,
    own_account,
    quiet_hours,
    recertification,
    recovery,
    reports,
    waiting,
    waiting_words,
    words,
)
from bots.steward.commands import GROUP_LIST, HELP, TLP
from bots.steward.escalation import ESCALATE, Escalation
from bots.steward.groups import Told

#: What is said of acts that have words of their own.
_TOLD: Final = {
    **groups.TOLD,
    **moderation.TOLD,
    **offboarding.TOLD,
    **members.TOLD,
    **invitations.TOLD,
    **announcements.TOLD,
    **own_account.TOLD,
    **waiting.TOLD,
    **holds.TOLD,
    "members_confirm": recertification.confirmed,
}
#: What is said of how much an act concerns, before it is confirmed.
_BEFORE: Final = offboarding.BEFORE


class Hears(Protocol):
    """What happens to other events in the steward's rooms than commands."""

    def needs(self, event: Event) -> Needs | None:
        """What must be known to handle an event; None where it does not concern this."""

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """What is to be done about an event; None where it turns out to be about something else."""


class Watches(Protocol):
    """What keeps something of events, whoever else they concern."""

    def watches(self, event: Event) -> bool:
        """Whether it keeps something of an event; nothing must be asked for it."""

    def note(self, event: Event, context: Context) -> None:
        """Keeps it, in the transaction in which the event is handled."""


class Part(Protocol):
    """What answers in the steward's name, and keeps matters of its own: polls, for instance."""

    @property
    def acts(self) -> Mapping[str, Acting]:
        """What the steward does about acts that the module carries out, by their names."""

    @property
    def entries(self) -> Sequence[Entry]:
        """What it answers itself."""

    @property
    def rules(self) -> Mapping[str, Rule]:
        """What comes again and again, by name."""

    def needs(self, event: Event) -> Needs | None:
        """As in `Hears`."""

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """As in `Hears`."""

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """What follows from a new policy of a room, and from what was redacted in the steward's own name."""

    def job_needs(self, job: Job) -> Needs | None:
        """What must be known for a job; None where nothing is, or where it is another's."""

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """What is to be done about a job; None where it is another's."""


class Steward:
    """Explains the place, welcomes members to it, and hands what they ask for to the module."""

    name = "steward"
    rules: Mapping[str, Rule] = {
        recertification.NAME: recertification.RULE,
        waiting.NAME: waiting.RULE,
    }

    def __init__(
        self,
        entries: Sequence[Entry] = (),
        others: Sequence[Command] = (),
        hears: Sequence[Hears] = (),
        portal: str = "",
        escalation: EscalationSettings | None = None,
        rules: onboarding.Rules | None = None,
        zone: ZoneInfo | None = None,
        parts: Sequence[Part] = (),
        watches: Sequence[Watches] = (),
        writes: WithLetters | None = None,
    ) -> None:
        """Knows what it can be asked.

        Args:
            entries: What it answers besides its own commands, such as the portal's.
            others: The commands of other bots, which it explains.
            hears: What else it does about events.
            portal: The portal's address; empty where there is none.
            escalation: Whom to tell of an urgent report that nobody looks after; by default the stewards' room alone.
            rules: The community's rules, if it has any.
            zone: The community's time zone; UTC where none is given.
            parts: What else answers in its name.
            watches: What keeps something of events.
            writes: What writes its letters.
        """
        self._writes = writes
        self._parts = parts
        self._watches = watches
        if any(part.rules for part in parts):
            self.rules = {**self.rules, **{name: rule for part in parts for name, rule in part.rules.items()}}
        self._onboarding = onboarding.Onboarding(rules, self.name)
        self._escalation = Escalation(escalation or EscalationSettings(), portal)
        self._reports = reports.Reports(portal, self._escalation)
        told = {**_TOLD, **{str(act.act): self._reports.handled for act in REPORT_ACTS}}
        told["report"] = self._reports.reported
        acting = {name: one for part in parts for name, one in part.acts.items()}
        told |= {name: one.told for name, one in acting.items()}
        checks = {**own_account.CHECKS, **{name: one.check for name, one in acting.items()}}
        told["member_recover"] = recovery.telling(portal)
        own = (
            Entry(HELP, self._help),
            Entry(TLP, _tlp, Needs(fresh=True, audience=True)),
            Entry(GROUP_LIST, groups.listed, Needs(groups=True)),
            quiet_hours.entry(zone or ZoneInfo("UTC")),
            *labels.entries(),
            *self._onboarding.entries(),
            *entries,
            *(one for part in parts for one in part.entries),
            *(_entry(act, told, checks) for act in ACTS),
        )
        self._hears: Sequence[Hears] = (
            *hears,
            labels.Relabelled(),
            self._reports,
            waiting.Taps(),
            waiting.TakenBack(),
            *parts,
        )
        self.desk = Desk(self.name, own, others, front=True, portal=portal)

    def needs(self, event: Event, me: str) -> Needs | None:
        """What must be known for an answer; see `bots.kernel.bot.Bot`."""
        if event.type == TOMBSTONE:
            return next((needs for part in self._parts if (needs := part.needs(event))), None)
        if event.state_key is not None:
            if (needs := group_care.needs(event)) is not None:
                return needs
            if not joins(event, event.state_key):
                return Needs() if waiting.concerns(event) else None
            # A member's joining names the member; only after the bot's own it must be asked who is there.
            return Needs(policy=True, patient=True, people=event.state_key == me, asker=True)
        if event.sender == me:
            return Needs() if event.type == REDACTION or reports.is_card(event) else None
        found = next((needs for one in self._hears if (needs := one.needs(event))), None) or self.desk.needs(event)
        return Needs() if found is None and any(one.watches(event) for one in self._watches) else found

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        """Answers a command, or welcomes; see `bots.kernel.bot.Bot`."""
        if event.state_key is None and event.sender == context.me:
            return self._follows(event, context) if event.type == REDACTION else self._reports.carded(event, context)
        if event.state_key is None:
            for watching in self._watches:
                watching.note(event, context)
            for one in self._hears:
                if (effects := one.handle(event, context)) is not None:
                    return effects
            return self.desk.handle(event, context)
        if event.type == TOMBSTONE:
            return [effect for part in self._parts for effect in part.handle(event, context) or ()]
        for watching in self._watches:
            watching.note(event, context)
        in_service = isinstance(context.policy, Policy) and context.policy.kind == "service"
        if in_service:  # what is said before somebody has joined they cannot read
            return self._welcome(event, context) if joins(event, str(event.state_key)) else ()
        followed = self._follows(event, context) if event.type == POLICY_TYPE else ()
        return (*group_care.handle(event, context, self.name), *waiting.follow(event, context), *followed)

    def _follows(self, event: Event, context: Context) -> Sequence[Effect]:
        return [effect for part in self._parts for effect in part.follows(event, context)]

    def run(self, job: Job, context: Context) -> Sequence[Effect]:
        """Does what a day brings, tells how an act ended, or of a report that waits; see `bots.kernel.bot.WithJobs`."""
        if (effects := recertification.run(job, context, self.name)) is not None:
            return effects
        if (effects := waiting.run(job, context, self.name)) is not None:
            return effects
        if job.name.startswith(ESCALATE):
            return self._escalation.run(job, context)
        if job.name.startswith(announcements.REMIND):
            return announcements.remind(job, context)
        for part in self._parts:
            if (effects := part.run(job, context)) is not None:
                return effects
        return self.desk.run(job, context) or ()

    def job_needs(self, job: Job) -> Needs | None:
        """What must be known for a job; see `bots.kernel.bot.WithCuriousJobs`."""
        found = (announcements.job_needs(job), *(part.job_needs(job) for part in self._parts))
        return next((needs for needs in found if needs is not None), None)

    def letter_needs(self, letter: Job) -> Needs:
        """What must be known to write a letter; see `bots.kernel.letters.WithLetters`."""
        return self._writer().letter_needs(letter)

    def letter(self, letter: Job, context: Context) -> Mail | Said | Unwritten:
        """The mail or message as it is to be at this moment; see `bots.kernel.letters.WithLetters`."""
        return self._writer().letter(letter, context)

    def _writer(self) -> WithLetters:
        if self._writes is None:
            raise Impossible("Nothing here writes letters any more.")
        return self._writes

    def _welcome(self, event: Event, context: Context) -> Sequence[Effect]:
        if event.state_key != context.me:
            user_id, name = str(event.state_key), event.text("displayname")
        elif context.people:
            user_id, name = next(iter(context.people.items()))
        else:
            return ()  # the member's joining is still to come, and what is said before it they could not read
        if isinstance(context.asker, Asker) and context.asker.person == Person(user_id):
            return (Send(notice(waiting_words.welcome()), once=f"welcome {event.room_id}"),)
        hello = Send(notice(words.welcome(name)), once=f"welcome {event.room_id}")
        return (hello, *self._onboarding.ask(user_id, event.room_id, context, 1))

    def _help(self, call: Call, _context: Context) -> Answer:
        asked = str(call.arguments.get("command", ""))
        return Answer(words.help_with(asked, self.desk.commands, call))


def _entry(act: Command, told: Mapping[str, Told], checks: Mapping[str, Check | None]) -> Entry:
    name = str(act.act)
    return Entry(act, told=told.get(name, _told), before=_BEFORE.get(name), check=checks.get(name))


def _tlp(call: Call, context: Context) -> Answer:
    label = call.arguments.get("label")
    return Answer(words.labels_here(context) if label is None else words.one_label(label))


def _told(call: Call, outcome: Outcome, _context: Context) -> Answer:
    return Answer(words.act_ended(str(call.command.act), call.arguments, outcome, call.room_id))
