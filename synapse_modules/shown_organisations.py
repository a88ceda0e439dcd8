"""Which organisations stand in the figures by name, since a lead of theirs wants it (rules M2 and P2).

That holds until a lead takes it back, and only while the organisation has a lead who could: without one it is no.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.acts.figures import FIGURE_ACTS, SHOW
from belisha.policy.figures import decide_showing, sees_organisations
from belisha.policy.membership import decide_standing
from belisha.policy.people import Person
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused
from synapse_modules.registry import Registry
from synapse_modules.registry_tables import Known, is_active


class FigureActs:
    """What leads choose about the figures."""

    acts = tuple(str(act.act) for act in FIGURE_ACTS)

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._registry = parts.registry
        self._audit = parts.audit
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended, with the organisation's name."""
        shows = command.asked.arguments["choice"] == SHOW
        told: list[Json] = []

        def decide(txn: LoggingTransaction, known: Known) -> tuple[()]:
            record.not_ended(txn)
            asker = known.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            raise_if_refused(decide_showing(asker))
            key = str(asker.organisation)
            txn.execute("DELETE FROM belisha_shown_organisation WHERE organisation_id = ?", (key,))
            if shows:
                put = "INSERT INTO belisha_shown_organisation (organisation_id, since) VALUES (?, ?)"
                txn.execute(put, (key, int(self._clock())))
            what = "show_organisation" if shows else "hide_organisation"
            self._audit.append(txn, asker.user_id, kind="act", what=what, phase="done", rule="M2", organisation=key)
            told.append(record.done(txn, organisation=known.organisations[key].name, shown=shows))
            return ()

        await self._registry.change_as_decided(decide)
        return told[-1]


class ShownOrganisations:
    """Answers which organisations are shown, at this moment."""

    def __init__(self, api: ModuleApi, registry: Registry) -> None:
        self._api = api
        self._registry = registry

    async def of(self, person: Person) -> dict[str, Any]:
        """The organisations that somebody is told of, by name; none for who reads no figures."""
        if not sees_organisations(person):
            return {"organisations": []}
        wanted: set[str] = await self._api.run_db_interaction("belisha_shown_organisations", _read)
        organisations, members = await self._registry.organisations(), await self._registry.members()
        led = {one.organisation for one in members.values() if "lead" in one.roles and is_active(one, organisations)}
        shown = sorted((organisations[key] for key in wanted & led), key=lambda one: (one.name.casefold(), one.id))
        return {"organisations": [{"id": one.id, "name": one.name} for one in shown]}


def _read(txn: LoggingTransaction) -> set[str]:
    txn.execute("SELECT organisation_id FROM belisha_shown_organisation")
    return {row[0] for row in txn.fetchall()}
