"""The metrics, as a part of the steward: what is heard is counted, what the module tells too, and rolled up by night.

Everything is one transaction with what led to it: an event with its mark, a page of the module's with its position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.metrics.actions import ACTIONS
from belisha.metrics.days import day_of
from belisha.metrics.facts import Pseudonyms
from belisha.policy.people import BOT_PREFIX, Person
from bots.kernel.answers import notice
from bots.kernel.bot import Context, Job, Needs, Unknown
from bots.kernel.calls import Acting, Answer, Call, Entry
from bots.kernel.config import Config
from bots.kernel.done import Doing as Told
from bots.kernel.done import Done
from bots.kernel.effects import Effect, Schedule, Send
from bots.kernel.events import Event
from bots.kernel.rules import Rule, next_due
from bots.metrics import monthly, noticing, publishing, reports, rolling, words
from bots.metrics.book import Doing, FactBook
from bots.metrics.commands import MINE, OPT_IN, OPT_OUT
from bots.metrics.tables import progress

#: Once a minute the module is asked; by night, when the day before has settled, days are rolled up.
ASK: Final = "metrics ask"
NIGHTLY: Final = "metrics nightly"
#: Reads one answer of the module's.
PAGE: Final = "metrics page"
#: Decides what may be shown.
PUBLISH: Final = "metrics publish"
#: Tells the managers of a month's report, in the morning.
TELL: Final = "metrics tell"
_MORNING: Final = Rule(time(9))
#: Begins the names of jobs that take one member out of the roll-ups.
FORGET: Final = "metrics forget "


class Metrics:
    """The metrics."""

    rules: Mapping[str, Rule] = {ASK: Rule(time(0), every=60), NIGHTLY: Rule(time(3, 40))}
    acts: Mapping[str, Acting] = {}

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        zone: ZoneInfo,
        community: str = "",
        portal: str = "",
        *,
        journeys: bool = False,
        asks: bool = True,
    ) -> None:
        """Prepares counting.

        Args:
            pseudonyms: The key.
            zone: Of the clock on the community's wall.
            community: What it is called.
            portal: The portal's address; empty where there is none.
            journeys: Whether journeys are looked at here.
            asks: Whether pulses are asked.
        """
        self._journeys = journeys
        self.asks = asks
        self.book = FactBook(pseudonyms, zone)
        self._zone, self._community, self._portal = zone, community, portal
        self.entries: Sequence[Entry] = (
            Entry(MINE, self._mine),
            Entry(OPT_OUT, self._opt_out),
            Entry(OPT_IN, self._opt_in),
        )

    # --- What is heard ---------------------------------------------------------------------------------------------

    def watches(self, event: Event) -> bool:
        """Whether an event may be counted."""
        return noticing.concerns(event)

    def note(self, event: Event, context: Context) -> None:
        """Counts it."""
        if not noticing.concerns(event) or _is_bot(event.state_key or event.sender):
            return
        if (doing := noticing.doing_in(context.database, event, context.policy)) is not None:
            self.book.add(context.database, doing, context.now)

    def completed_profile(self, connection: sa.Connection, user_id: str, now: float) -> None:
        """Counts, once, that a member's profile says what they do."""
        self.book.add(connection, Doing("completed_profile", user_id, int(now * 1000), (user_id,)), now)

    def held(self, connection: sa.Connection, user_id: str) -> list[dict[str, Any]]:
        """What is kept about a member, for a copy of their data."""
        return [
            {
                "day": fact.day.isoformat(),
                "action": fact.action,
                "group": fact.group,
                "label": fact.label,
                "organisation": fact.organisation,
            }
            for fact in self.book.facts(connection, user_id)
        ]

    # --- What is asked ---------------------------------------------------------------------------------------------

    def _mine(self, call: Call, context: Context) -> Answer:
        connection = context.database
        facts = self.book.facts(connection, call.user_id)
        opted_out = self.book.has_opted_out(connection, call.user_id)
        return Answer(words.mine(facts, opted_out=opted_out, journeys=self._journeys))

    def _opt_out(self, call: Call, context: Context) -> Answer:
        number = self.book.opt_out(context.database, call.user_id, context.now)
        # Every day may have to be read: not in the transaction in which others wait.
        effects = () if number is None else (Schedule(f"{FORGET}{number}", context.now, {"number": number}),)
        return Answer(words.opted_out(), effects)

    def _opt_in(self, call: Call, context: Context) -> Answer:
        self.book.opt_in(context.database, call.user_id)
        return Answer(words.opted_in())

    # --- What is due -----------------------------------------------------------------------------------------------

    def job_needs(self, job: Job) -> Needs | None:
        """What the module tells after the position that the job knows, or who the managers are."""
        if job.name == TELL:
            return Needs(managers=True)
        return Needs(doings=str(job.arguments["after"])) if job.name == PAGE else None

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Asks, counts what was told, rolls up, publishes, or forgets; None for other jobs."""
        if job.name == ASK:
            return (_page(context, _position(context.database)),)
        if job.name == PAGE:
            return self._told(job, context)
        if job.name == NIGHTLY:
            return self._rolled(context)
        if job.name == PUBLISH:
            return self._published(context)
        if job.name == TELL:
            return self._tell(job, context)
        if job.name.startswith(FORGET):
            rolling.forget(context.database, int(job.arguments["number"]))
            return ()
        return None

    def _told(self, job: Job, context: Context) -> Sequence[Effect]:
        connection, done = context.database, context.doings
        if not isinstance(done, Done) or job.arguments["after"] != _position(connection):
            return ()
        for one in done.doings:
            if one.action in ACTIONS and not _is_bot(one.user_id):
                self.book.add(connection, self._counted(one), context.now)
        connection.execute(progress.update().values(doings=done.next))
        return (_page(context, done.next),) if done.more else ()

    def _counted(self, one: Told) -> Doing:
        """One thing that the module told: each member, group and file counts once a day."""
        at = (one.user_id, one.room_id, one.what, day_of(one.at, self._zone).isoformat())
        return Doing(one.action, one.user_id, one.at, at, one.room_id, one.label, about=one.what)

    def _rolled(self, context: Context) -> Sequence[Effect]:
        connection, now = context.database, context.now
        self.book.left(connection, now)
        rolling.note_categories(connection)
        rolling.roll_up(connection, now, self._zone, journeys=self._journeys)
        rolling.thin(connection, now, self._zone)
        # In a transaction of its own, since it takes longer.
        return (Schedule(PUBLISH, now),)

    def _published(self, context: Context) -> Sequence[Effect]:
        """Decides about numbers, and freezes the report that is due with them; in the morning managers are told."""
        connection, now = context.database, context.now
        publishing.publish(connection, now, self._zone)
        month = monthly.freeze(connection, now, self._zone, self._community)
        if month is None:
            return ()
        return (Schedule(TELL, next_due(_MORNING, now, self._zone), {"month": month.first.isoformat()}),)

    def _tell(self, job: Job, context: Context) -> Sequence[Effect]:
        month = str(job.arguments["month"])
        made = reports.document(context.database, date.fromisoformat(month))
        if made is None or isinstance(context.managers, Unknown):
            return ()
        content = notice(monthly.message(made, self._portal))
        return [Send(content, room=room, once=f"report {month} {room}", waits=True) for room in context.managers]

    # --- Nothing is answered but commands --------------------------------------------------------------------------

    def needs(self, event: Event) -> Needs | None:
        """See `watches`."""
        return None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """See `watches`."""
        return None

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """Nothing: that somebody wrote stays true when it is taken back, and no word of it is kept."""
        return ()


def _is_bot(user_id: str) -> bool:
    return Person(user_id).localpart.startswith(BOT_PREFIX)


def _position(connection: sa.Connection) -> str:
    return str(connection.execute(sa.select(progress.c.doings)).scalar_one())


def _page(context: Context, after: str) -> Schedule:
    return Schedule(PAGE, context.now, {"after": after})


def metrics_of(config: Config) -> Metrics | None:
    """The metrics of a community; None where nothing is counted.

    Raises:
        ConfigError: their key cannot be read.
    """
    key = config.metrics_key()
    if key is None:
        return None
    zone, at = ZoneInfo(config.time_zone), (config.portal.community, config.portal.public_url) if config.portal else ()
    return Metrics(Pseudonyms(key), zone, *at, journeys=config.metrics_journeys, asks=config.metrics_pulse)
