"""Copies of all that is held about a member: made in the background, taken by them alone, gone after a week (E1).

A copy is rows of the database until it is taken: each page is stored with how far it is then, so a crash repeats
nothing. The bots give their part once, and read nothing: the file goes from this server to the member's browser by a
link that holds a minute and once (rule P1).
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.held import Own
from belisha.policy import exports as policy
from belisha.policy.people import Person
from synapse_modules import export_tables as tables
from synapse_modules.audit import Audit
from synapse_modules.export_sections import SECTIONS
from synapse_modules.export_tables import Row
from synapse_modules.refusal import FAILURES, malformed, not_found, raise_if_refused, where
from synapse_modules.registry import Member, Registry

logger = logging.getLogger(__name__)

Json = dict[str, Any]

#: How often it is looked whether there is something to do, in milliseconds.
EVERY_MS: Final = 2000
#: For so long, in seconds, one round reads, before others are let in.
_ROUND_S: Final = 1.5
#: What the bots may give at most: so many sections, of so many rows.
_MOST_SECTIONS, _MOST_ROWS = 100, 10_000


class Exports:
    """All copies."""

    def __init__(
        self, api: ModuleApi, registry: Registry, audit: Audit, clock: Callable[[], float] = time.time
    ) -> None:
        self._api = api
        self._registry = registry
        self._audit = audit
        self._clock = clock
        homeserver: Any = api._hs
        #: Where members' clients find this server.
        self._address = str(homeserver.config.server.public_baseurl).rstrip("/")

    # --- Making --------------------------------------------------------------------------------------------------

    async def catch_up(self) -> None:
        """Goes on with what is being made, and erases what is over, outdated, or a removed member's."""
        kept: list[Row] = await self._api.run_db_interaction("belisha_exports", tables.kept)
        members = await self._registry.members()
        for row in kept:
            try:
                member = members.get(row.localpart)
                state = await self._api.run_db_interaction("belisha_export_ends", self._ends, row, member)
                if state is None and row.state == policy.COLLECTING:
                    await self._collect(row, member.service_room if member else None)
            except FAILURES as error:
                logger.error("A copy of a member's data is not made yet, trying again soon: %s", where(error))
        before = int(self._clock()) - policy.REMEMBERED_S
        if await self._api.run_db_interaction("belisha_exports_old", tables.is_old, before):
            await self._api.run_db_interaction("belisha_exports_forget", tables.forget, before)

    def _ends(self, txn: LoggingTransaction, row: Row, member: Member | None) -> str | None:
        """Ends a copy that is not to be kept any more; as what, or None."""
        state, user_id = None, self._registry.user_id(row.localpart)
        if not tables.is_there(txn, user_id, member) or (row.until is not None and row.until <= self._clock()):
            state = policy.OVER
        elif tables.is_outdated(txn, row, user_id):
            state = policy.OUTDATED
        if state is not None:
            tables.end(txn, row, state)
        return state

    async def _collect(self, row: Row, service_room: str | None) -> None:
        """Reads on, for one round."""
        own = Own(self._registry.user_id(row.localpart), service_room)
        begun = time.monotonic()
        while row.step < len(SECTIONS) and time.monotonic() - begun < _ROUND_S:
            following: Row | None = await self._api.run_db_interaction("belisha_export_page", self._page, row, own)
            if following is None:  # ended meanwhile
                return
            row = following
        if row.step >= len(SECTIONS):
            await self._api.run_db_interaction("belisha_export_ready", self._finish, row)

    def _page(self, txn: LoggingTransaction, row: Row, own: Own) -> Row | None:
        section = SECTIONS[row.step]
        page = section.read(txn, own, row.place, row.position)
        step, place = (row.step + 1, "") if page.onward is None else (row.step, page.onward)
        if not tables.go_on(txn, row, section.name, page.rows, step, place):
            return None
        return row._replace(step=step, place=place)

    def _finish(self, txn: LoggingTransaction, row: Row) -> None:
        found = tables.by_id(txn, row.id)
        if found is not None and found.bots and found.state == policy.COLLECTING:
            tables.ready(txn, found, int(self._clock()) + policy.KEPT_S)

    async def take_bots_part(self, body: Mapping[str, Any]) -> Json:
        """Stores what the bots hold about a member; without a copy's id, says that a copy would be outdated now.

        Raises:
            SynapseError: 400 for what no bot of ours sends, 404 for a copy that there is not.
        """
        user_id, export, sections = body.get("user_id"), body.get("export"), body.get("sections")
        if not isinstance(user_id, str) or not (export is None or isinstance(export, str)):
            raise malformed("`user_id` names a member, and `export` a copy of their data, or none.")
        if not isinstance(sections, dict) or not _are_sections(sections):
            raise malformed("`sections` has lists of rows, by their names.")
        localpart = user_id[1:].partition(":")[0]

        def take(txn: LoggingTransaction) -> bool:
            for row in tables.of_member(txn, localpart):
                if export is None:
                    tables.end(txn, row, policy.OUTDATED)
                elif row.id == export:
                    tables.take_bots_part(txn, row, sections)
                    return True
            return export is None

        is_theirs = self._registry.user_id(localpart) == user_id
        if not is_theirs or not await self._api.run_db_interaction("belisha_export_bots", take):
            raise not_found()
        return {}

    # --- Taking --------------------------------------------------------------------------------------------------

    async def of(self, person: Person) -> Json:
        """The copies of a member's data that are remembered, and how far each is; for their own page."""
        if not person.belongs or person.is_bot:
            return {"exports": []}
        rows: list[Row] = await self._api.run_db_interaction("belisha_exports_of", tables.of_member, person.localpart)
        return {
            "exports": [
                {
                    "id": row.id,
                    "at": row.at,
                    "state": row.state,
                    "until": row.until,
                    "taken_at": row.taken_at,
                    "done": row.step + int(row.bots),
                    "of": len(SECTIONS) + 1,
                    "by_manager": row.made_by != row.localpart,
                }
                for row in rows
            ]
        }

    async def link(self, person: Person, export_id: object) -> Json:
        """A link by which a member takes a copy, once and within a minute.

        Raises:
            SynapseError: 404, the same for what is not there, what is not theirs, and what is not whole.
        """
        token = secrets.token_urlsafe(32)
        now = int(self._clock())

        def give(txn: LoggingTransaction) -> bool:
            row = tables.by_id(txn, str(export_id))
            is_theirs = row is not None and row.localpart == person.localpart
            is_there = row is not None and row.until is not None and row.until > now
            return bool(
                row and is_theirs and is_there and tables.give_link(txn, row, _hash(token), now + policy.LINK_S)
            )

        if not person.belongs or not await self._api.run_db_interaction("belisha_export_link", give):
            raise not_found()
        return {"address": f"{self._address}/_synapse/client/org.belisha/v1/export/{token}"}

    async def hand_over(self, localpart: str) -> Json:
        """A link by which an operator takes the copy of a member who cannot sign in, once and within a minute.

        Raises:
            SynapseError: 403 with a sentence: they can, or a manager has had none made that is whole.
        """
        user_id, token = self._registry.user_id(localpart), secrets.token_urlsafe(32)
        self._registry.look_again()
        person, now = await self._registry.person(user_id), int(self._clock())

        def give(txn: LoggingTransaction) -> bool:
            made = (row for row in tables.of_member(txn, localpart) if row.made_by != localpart)
            ready = next((row for row in made if row.state == policy.READY and (row.until or 0) > now), None)
            may = policy.decide_hand_over(person, is_ready=ready is not None)
            return bool(may.allowed and ready and tables.give_link(txn, ready, _by_hand(token), now + policy.LINK_S))

        is_ready = await self._api.run_db_interaction("belisha_export_hand_over", give)
        raise_if_refused(policy.decide_hand_over(person, is_ready=is_ready))
        return {"user_id": user_id, "link": token}

    async def use(self, token: str) -> Row:
        """The copy of a link, which holds no more then; a member's while they belong, an operator's while they do not.

        Raises:
            SynapseError: 404 where it holds no more, or never did.
        """
        now = int(self._clock())
        kinds = {"copy taken": _hash(token), "copy handed over": _by_hand(token)}

        def use(txn: LoggingTransaction) -> tuple[Row, str] | None:
            for what, link in kinds.items():
                if row := tables.use_link(txn, link, now):
                    user_id = self._registry.user_id(row.localpart)
                    self._audit.append(txn, user_id, kind="act", what=what, phase="done", rule="P2", item=row.id)
                    return row, what
            return None

        found: tuple[Row, str] | None = await self._api.run_db_interaction("belisha_export_use", use)
        self._registry.look_again()
        if found is None:
            raise not_found()
        row, what = found
        person = await self._registry.person(self._registry.user_id(row.localpart))
        if person.belongs is not (what == "copy taken"):
            raise not_found()
        return row


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _by_hand(token: str) -> str:
    """An operator's link is no member's."""
    return _hash(f"by hand {token}")


def _are_sections(value: Mapping[str, Any]) -> bool:
    """Whether it is sections as bots give them."""
    return len(value) <= _MOST_SECTIONS and all(
        isinstance(rows, list) and len(rows) <= _MOST_ROWS and all(isinstance(row, dict) for row in rows)
        for rows in value.values()
    )
