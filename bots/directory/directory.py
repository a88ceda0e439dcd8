"""What the bot does for the directory: profiles by commands, looking up and finding members, and keeping the list.

Every answer is for who asks alone, and made of what the module says at that moment of whom they share a group with and
who must not be found (rule P2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from belisha.directory.fields import FIELDS, Field, Visibility
from belisha.directory.values import Facets
from belisha.directory.written import NotSo, changed
from belisha.translation import _
from bots.directory import guide, introductions, listing, profiles, search, suggestions, words
from bots.directory.commands import CHALLENGES, ERASE, FIND, GUIDE, PREVIEW, PROFILE, VISIBILITIES, VISIBLE, WHOIS
from bots.directory.tables import directory_member
from bots.kernel.answers import Block, Typed, notice, paragraph, say
from bots.kernel.bot import Context, Job, Needs
from bots.kernel.calls import Acting, Answer, Call, Entry
from bots.kernel.desk import could_not_ask
from bots.kernel.effects import Contribute, Effect, Send
from bots.kernel.events import Event
from bots.kernel.listed import Sight
from bots.kernel.rules import Rule

_SIGHT: Final = Needs(sight="")
_BOT: Final = "steward"
#: So many challenges are answered at once.
_CHALLENGES: Final = 10


class Directory:
    """The directory, as a part of the steward."""

    rules: Mapping[str, Rule] = {
        listing.NAME: listing.RULE,
        suggestions.NAME: suggestions.RULE,
        introductions.NAME: introductions.RULE,
    }

    def __init__(self, portal: str = "", completed: profiles.Completed | None = None) -> None:
        """Knows the portal's address, empty for none, and what is done about a profile that says something."""
        self._portal = portal
        self._completed = completed
        self.acts: Mapping[str, Acting] = introductions.ACTS_TOLD
        self.entries: Sequence[Entry] = (
            Entry(PROFILE, self._profile, _SIGHT),
            Entry(GUIDE, _guided, _SIGHT),
            Entry(VISIBLE, self._visible, _SIGHT),
            Entry(PREVIEW, self._preview, _SIGHT),
            Entry(ERASE, self._erase),
            Entry(WHOIS, self._whois, _SIGHT, names="member"),
            Entry(FIND, self._find, _SIGHT),
            Entry(CHALLENGES, self._challenges, _SIGHT),
            suggestions.entry(),
        )

    # --- Commands ------------------------------------------------------------------------------------------------

    def _profile(self, call: Call, context: Context) -> Answer:
        sight, asked = context.sight, call.arguments
        if not isinstance(sight, Sight):
            return _said(paragraph(could_not_ask()))
        kept = profiles.kept_of(context.database, call.user_id)
        field = FIELDS.get(str(asked.get("field")))
        if field is None:
            # Nothing is there to be looked at yet: so what there could be is asked for.
            asked_first = () if kept.fields else guide.begin(context, sight.asker, call.answer_in)
            return Answer((*words.own(kept, sight.asker, self._portal), *asked_first))
        if "text" not in asked:
            return Answer(words.changed(field.id, kept) if field.id in kept.fields else _asks(field))
        try:
            value = changed(field, kept.fields.get(field.id, ()), str(asked["text"]))
        except NotSo as wrong:
            return _said(paragraph(str(wrong)))
        values = {field.id: value}
        effect = profiles.change(context.database, sight.asker, context.now, values, completed=self._completed)
        return Answer(words.changed(field.id, profiles.kept_of(context.database, call.user_id)), (effect,))

    def _visible(self, call: Call, context: Context) -> Answer:
        if not isinstance(context.sight, Sight):
            return _said(paragraph(could_not_ask()))
        field_id, whom = str(call.arguments["field"]), VISIBILITIES[str(call.arguments["whom"])]
        effect = profiles.change(context.database, context.sight.asker, context.now, chosen={field_id: whom})
        return Answer(words.seen_by(field_id, profiles.kept_of(context.database, call.user_id)), (effect,))

    def _preview(self, call: Call, context: Context) -> Answer:
        if not isinstance(context.sight, Sight):
            return _said(paragraph(could_not_ask()))
        listed, kept = context.sight.asker, profiles.kept_of(context.database, call.user_id)
        strangers = profiles.Shown(listed, kept.shown({Visibility.COMMUNITY}))
        groups = profiles.Shown(listed, kept.shown({Visibility.COMMUNITY, Visibility.GROUPS}))
        return Answer(words.preview(listed, strangers, groups))

    def _erase(self, call: Call, context: Context) -> Answer:
        listed = profiles.listed_of_all(context.database, [call.user_id]).get(call.user_id)
        if listed is None:  # no minute has passed since they came
            return _said(paragraph(could_not_ask()))
        effect = profiles.erase(context.database, listed, context.now)
        suggestions.forget(context.database, call.user_id)
        guide.forget(context.database, call.user_id)
        # A copy of their data that was made before has it still.
        effects = (effect, Contribute(call.user_id))
        return Answer((paragraph(_("Done: your profile is empty, here and in what clients show.")),), effects)

    def _whois(self, call: Call, context: Context) -> Answer:
        sight = context.sight
        if not isinstance(sight, Sight):
            return _said(paragraph(could_not_ask()))
        listed = sight.about[0] if sight.about else None
        if listed is None:
            return _said(paragraph(_("There is no member of that address. Please look at how it is written.")))
        return Answer(words.card(profiles.seen(profiles.kept_of(context.database, listed.user_id), listed, sight)))

    def _find(self, call: Call, context: Context) -> Answer:
        if not isinstance(context.sight, Sight):
            return _said(paragraph(could_not_ask()))
        asked = call.arguments
        query, page = str(asked.get("words", "")), int(asked.get("page", 1))
        if f'"{query}"' in call.text:  # a phrase alone has lost its quotation marks on the way
            query = f'"{query}"'
        facets = facets_of({key: str(value) for key, value in asked.items()})
        answer = search.search(context.database, query, profiles.asker_of(context.sight), context.now, facets, page)
        listed = profiles.listed_of_all(context.database, [hit.user_id for hit in answer.hits])
        wanted = {"q": query, **{key: getattr(facets, key) for key in Facets.__slots__}}
        told = urlencode({key: value for key, value in wanted.items() if value})
        link = f"{self._portal}/directory?{told}".rstrip("?") if self._portal else ""
        return Answer(words.found(answer, listed, page, link))

    def _challenges(self, _call: Call, context: Context) -> Answer:
        if not isinstance(context.sight, Sight):
            return _said(paragraph(could_not_ask()))
        matches = profiles.matches(context.database, context.sight, context.now, _CHALLENGES)
        people = {hit.user_id for hits in matches.values() for hit in hits}
        listed = profiles.listed_of_all(context.database, people)
        return Answer(words.challenges(matches, listed, words.ASKED["challenges"][1]))

    # --- Events and jobs -----------------------------------------------------------------------------------------

    def needs(self, event: Event) -> Needs | None:
        """No event but commands concerns it."""
        return None

    def watches(self, event: Event) -> bool:
        """Whether it may be an answer to the guide, which needs nothing to be known of the room."""
        return guide.concerns(event)

    def note(self, event: Event, context: Context) -> None:
        """Nothing is kept of what was said to somebody else."""

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Takes an answer to the guide."""
        return guide.hear(event, context, _BOT)

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """See `needs`."""
        return ()

    def job_needs(self, job: Job) -> Needs | None:
        """A page of the registry for the job that reads one, and whom a member may find for the one that tells them."""
        return listing.job_needs(job) or suggestions.job_needs(job)

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Keeps the list, or tells a member once that their profile is empty; None for other jobs."""
        if job.name.startswith(listing.NUDGE):
            return _nudged(job.name.removeprefix(listing.NUDGE), context)
        for run in (listing.run, suggestions.run, introductions.run):
            if (effects := run(job, context)) is not None:
                return effects
        return None


def _guided(call: Call, context: Context) -> Answer:
    if not isinstance(context.sight, Sight):
        return _said(paragraph(could_not_ask()))
    return Answer(guide.begin(context, context.sight.asker, call.answer_in))


def facets_of(given: Mapping[str, str]) -> Facets:
    """By what a search is narrowed down."""
    return Facets(
        organisation=given.get("organisation", ""),
        category=given.get("category", ""),
        availability=given.get("availability", "").replace("-", " "),
        interest=given.get("interest", ""),
    )


def _asks(field: Field) -> Sequence[Block]:
    question, example = words.ASKED[field.id]
    return (say(_("{question} Write for example {example}."), question=_(question), example=Typed(example)),)


def _said(*blocks: Block) -> Answer:
    return Answer(blocks)


def _nudged(user_id: str, context: Context) -> Sequence[Effect]:
    if profiles.kept_of(context.database, user_id).fields:
        return ()
    query = directory_member.select().where(directory_member.c.user_id == user_id)
    row = context.database.execute(query).one_or_none()
    if row is None or row.standing != "active" or row.service_room is None:
        return ()
    return (Send(notice(words.nudge()), room=row.service_room, once=f"profile nudge {user_id}", waits=True),)
