"""The pulse, as a part of the steward: asked once a quarter, reminded of once at most, counted once.

What members answer is sealed as ballots are (`pulse_box`). To count is one transaction: all is opened in memory, what
may be shown is written down, and the sealed ballots are deleted; then the key is destroyed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import sqlalchemy as sa

from belisha.metrics.days import Period, day_of
from belisha.metrics.pulse import Given, asked_in, given, pulse_cells, quarter_of
from belisha.metrics.respect import SETTLED, Shown, release
from belisha.translation import _
from bots.directory.tables import directory_member
from bots.kernel.answers import Block, Link, Typed, notice, paragraph, say
from bots.kernel.bot import Context, Job, Needs
from bots.kernel.calls import Acting, Answer, Call, Entry
from bots.kernel.effects import Effect, Schedule, Send
from bots.kernel.events import Event
from bots.kernel.rules import Rule
from bots.kernel.store import insert_on
from bots.metrics import publishing, pulse_box, rolling
from bots.metrics.book import FactBook
from bots.metrics.commands import PULSE
from bots.metrics.pulse_box import COUNTED, DROPPED, OPEN, Pulse
from bots.metrics.tables import no_pulse, progress, pulse, shown
from bots.polls.ballot_box import emptied, unsealed_of
from bots.polls.key_files import KeyFiles, LostKey

#: Looks each working day whether it is time.
DAILY: Final = "pulse daily"
#: Begin the names of jobs about one quarter's.
ASK: Final = "pulse ask "
REMIND: Final = "pulse remind "
COUNT: Final = "pulse count "
DESTROY: Final = "pulse key "
#: How many are asked by one job.
AT_ONCE: Final = 200
_DAY: Final = timedelta(days=1)


class Pulses:
    """The pulses of a community."""

    rules: Mapping[str, Rule] = {DAILY: Rule(time(10), weekdays=frozenset(range(5)))}
    acts: Mapping[str, Acting] = {}

    def __init__(self, book: FactBook, keys: KeyFiles | None, portal: str, *, asks: bool = True) -> None:
        """Knows members' numbers and the clock on the wall, where keys are, and the portal's address.

        Without a portal, where one answers, or a place for keys, nobody is asked; nor where `asks` is false.
        """
        self._book = book
        self._keys_of = keys
        self._asks = asks and keys is not None and bool(portal)
        self._portal = portal
        self.entries: Sequence[Entry] = (Entry(PULSE, _choose),)

    def job_needs(self, job: Job) -> Needs | None:
        """Nothing of the network is needed."""
        return None

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Begins a pulse, asks, reminds or counts; None for other jobs."""
        if job.name == DAILY:
            return self._begun(context)
        if not job.name.startswith((ASK, REMIND, COUNT, DESTROY)):
            return None
        quarter = date.fromisoformat(str(job.arguments["quarter"]))
        if job.name.startswith(DESTROY):
            self._keys.destroy(pulse_box.ballot_id(quarter))
            return ()
        one = pulse_box.of(context.database, quarter)
        if one is None or one.state != OPEN:
            return ()
        if job.name.startswith(COUNT):
            return self._counted(one, context)
        return self._told(job, one, context) if one.is_open(context.now) else ()

    @property
    def _keys(self) -> KeyFiles:
        if self._keys_of is None:
            raise LookupError("there are pulses, and no place for their keys in the configuration")
        return self._keys_of

    # --- Asking ------------------------------------------------------------------------------------------------------

    def _begun(self, context: Context) -> Sequence[Effect]:
        """Begins this quarter's pulse where it is time and it was not begun, however long the bots were down."""
        today = day_of(int(context.now * 1000), self._book.zone)
        within = asked_in(today)
        if within is None or not self._asks:
            return ()
        quarter = quarter_of(today).first
        closes = self._midnight(within.last + _DAY)
        put = insert_on(context.database, pulse).values(quarter=quarter.toordinal(), closes=closes)
        if not context.database.execute(put.on_conflict_do_nothing()).rowcount:
            return ()
        name, about = quarter.isoformat(), {"quarter": quarter.isoformat(), "after": ""}
        return (
            Schedule(f"{ASK}{name}", context.now, about),
            Schedule(f"{REMIND}{name}", context.now + (closes - context.now) / 2, about),
            # When what is shown of it can be decided about; until then nobody opens it.
            Schedule(f"{COUNT}{name}", self._midnight(within.last + SETTLED + 2 * _DAY), about),
        )

    def _midnight(self, day: date) -> float:
        return datetime.combine(day, time(0), self._book.zone).timestamp()

    def _told(self, job: Job, one: Pulse, context: Context) -> Sequence[Effect]:
        """Asks some members, or reminds those of them who have not answered; the rest of many by a next job."""
        connection, after = context.database, str(job.arguments["after"])
        listed = directory_member.c
        query = (
            sa.select(listed.user_id, listed.service_room)
            .where(listed.user_id > after, listed.standing == "active", listed.service_room.is_not(None))
            .order_by(listed.user_id)
            .limit(AT_ONCE)
        )
        some = [(row.user_id, row.service_room) for row in connection.execute(query)]
        names = [user_id for user_id, _room in some]
        without: set[str] = set(connection.scalars(sa.select(no_pulse.c.user_id).where(no_pulse.c.user_id.in_(names))))
        is_reminder = job.name.startswith(REMIND)
        if is_reminder:
            try:
                without |= pulse_box.has_answered(connection, self._keys, one, names)
            except LostKey:
                return ()  # it is dropped when it is to be counted
        content = notice(self._words(one, is_reminder=is_reminder))
        effects: list[Effect] = [
            Send(content, room=room, once=f"{job.name} {user_id}", waits=True)
            for user_id, room in some
            if user_id not in without
        ]
        if len(some) == AT_ONCE:
            effects.append(Schedule(job.name, context.now, {**job.arguments, "after": names[-1]}))
        return effects

    def _words(self, one: Pulse, *, is_reminder: bool) -> Sequence[Block]:
        until = day_of(int((one.closes - 1) * 1000), self._book.zone).isoformat()
        link = Link(_("two questions"), f"{self._portal}/pulse")
        asked = _("Once a quarter you are asked {questions} about this community: one minute, until {date}.")
        again = _("The {questions} of this quarter are still open, until {date}. You are not reminded again.")
        return (
            say(again if is_reminder else asked, questions=link, date=until),
            paragraph(_("Nobody learns who answered what: it is sealed like a vote in an anonymous poll.")),
            say(_("To be asked no more, write {off}."), off=Typed("!pulse off")),
        )

    # --- Counting ----------------------------------------------------------------------------------------------------

    def _counted(self, one: Pulse, context: Context) -> Sequence[Effect]:
        connection, zone = context.database, self._book.zone
        # The row's lock keeps an answer that comes at this moment apart.
        mine = pulse.c.quarter == one.quarter.toordinal()
        connection.execute(sa.select(pulse).where(mine).with_for_update()).one()
        users = list(connection.scalars(sa.select(directory_member.c.user_id).where(_is_active())))
        within = Period(one.quarter, day_of(int((one.closes - 1) * 1000), zone))
        destroyed = Schedule(f"{DESTROY}{one.quarter.isoformat()}", context.now, {"quarter": one.quarter.isoformat()})
        emptied_of, state = one.kept["event_id"], COUNTED
        try:
            ballots, _damaged = unsealed_of(connection, self._keys, one.kept, users)
        except LostKey:
            state = DROPPED
        else:
            points = {user: told for user, ballot in ballots.items() if (told := given(ballot.choices)) is not None}
            cells, partitions = pulse_cells(self._numbered(connection, points), within)
            rollups, today = rolling.load(connection, date.min), day_of(int(context.now * 1000), zone)
            decided = release(rollups, cells, partitions, today, {})
            # What has to wait until its accounts are old enough cannot: nobody can count it again.
            rows = [publishing.row(cell.name, decided.get(cell.name, Shown(None))) for cell in cells]
            connection.execute(insert_on(connection, shown).on_conflict_do_nothing(), rows)
        connection.execute(pulse.update().where(mine).values(state=state))
        emptied(connection, emptied_of)
        return (destroyed,)

    def _numbered(self, connection: sa.Connection, points: Mapping[str, Given]) -> dict[int, Given]:
        """What was given, by number; who is not counted otherwise has none, and gets one for this moment."""
        highest = int(connection.execute(sa.select(progress.c.highest)).scalar_one())
        found: dict[int, Given] = {}
        for place, (user_id, told) in enumerate(sorted(points.items()), 1):
            number = self._book.number(connection, user_id)
            found[highest + place if number is None else number] = told
        return found

    # --- Nothing is heard --------------------------------------------------------------------------------------------

    def needs(self, event: Event) -> Needs | None:
        """No event concerns it."""
        return None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """See `needs`."""
        return None

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """Nothing."""
        return ()


def _is_active() -> sa.ColumnElement[bool]:
    return directory_member.c.standing == "active"


def _choose(call: Call, context: Context) -> Answer:
    mine = no_pulse.c.user_id == call.user_id
    context.database.execute(no_pulse.delete().where(mine))
    if call.arguments["choice"] == "on":
        return Answer((paragraph(_("Done: once a quarter I ask you two questions about this community.")),))
    context.database.execute(no_pulse.insert().values(user_id=call.user_id))
    return Answer((paragraph(_("Done: I do not ask you about this community any more.")),))
