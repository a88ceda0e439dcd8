"""Keeps the directory in step with the registry: once a minute, a page at a time; nobody else says who is listed.

A page and how far it goes are committed together, so a crash repeats nothing and skips nobody. Whoever is frozen is
taken out of the index and put back when thawed; of whoever is removed, everything is erased.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Final

import sqlalchemy as sa

from bots.directory import guide, profiles, search, suggestions
from bots.directory.tables import directory_member, directory_registry, profile_field
from bots.kernel.bot import Context, Job, Needs
from bots.kernel.effects import Effect, Publish, Schedule
from bots.kernel.listed import Entered, RegistryPage
from bots.kernel.rules import Rule, share_of
from bots.pads import note_book

NAME: Final = "directory listing"
#: Reads one page.
PAGE: Final = "directory page"
#: Goes on with bringing the index up to date.
MERGE: Final = "directory merge"
RULE: Final = Rule(time(0), every=60)
#: Begins the names of jobs that tell a member once of an empty profile.
NUDGE: Final = "directory nudge "
_DAY: Final = 86_400.0


def job_needs(job: Job) -> Needs | None:
    """A page of the registry; the job itself knows which."""
    if job.name != PAGE:
        return None
    return Needs(registry=(str(job.arguments["after"]), str(job.arguments["revision"])))


def run(job: Job, context: Context) -> Sequence[Effect] | None:
    """Begins or goes on with a reading, or reads a page; None for other jobs."""
    if job.name == MERGE:
        return _merged(context)
    if job.name == NAME:
        kept = _progress(context.database)
        return (_page(context, str(kept["after"]), str(kept["revision"])), *_merged(context))
    return _read(job, context) if job.name == PAGE else None


def _merged(context: Context) -> Sequence[Effect]:
    """Merges some of what has changed into the index; the rest by jobs of their own, so that nobody waits long."""
    return (Schedule(MERGE, context.now),) if search.sweep(context.database) else ()


def _read(job: Job, context: Context) -> Sequence[Effect]:
    connection, page, after = context.database, context.registry, str(job.arguments["after"])
    kept = _progress(connection)
    if not isinstance(page, RegistryPage) or after != kept["after"]:
        return ()
    if not after and page.revision == kept["revision"]:
        return ()
    effects: list[Effect] = []
    known = _known(connection, [one.listed.user_id for one in page.members])
    for one in page.members:
        effects += _entered(context, one, known.get(one.listed.user_id))
    started = page.revision if not after else kept["started"]
    values = {"started": started, "after": page.onward or ""}
    if page.onward is None:
        # What changed while the pages were read is read by the next reading.
        values["revision"] = started
    else:
        effects.append(_page(context, page.onward, ""))
    connection.execute(directory_registry.update().values(values))
    return effects


def _progress(connection: sa.Connection) -> Mapping[str, object]:
    return dict(connection.execute(sa.select(directory_registry)).mappings().one())


def _page(context: Context, after: str, revision: str) -> Schedule:
    return Schedule(PAGE, context.now, {"after": after, "revision": revision})


def _known(connection: sa.Connection, users: Sequence[str]) -> dict[str, Mapping[str, object]]:
    found: dict[str, Mapping[str, object]] = {}
    for start in range(0, len(users), 500):
        query = sa.select(directory_member).where(directory_member.c.user_id.in_(users[start : start + 500]))
        found |= {str(row["user_id"]): dict(row) for row in connection.execute(query).mappings()}
    return found


def _entered(context: Context, one: Entered, before: Mapping[str, object] | None) -> Sequence[Effect]:
    connection, listed = context.database, one.listed
    row = {
        "user_id": listed.user_id,
        "name": listed.name,
        "organisation": listed.organisation,
        "organisation_name": listed.organisation_name,
        "category": listed.category,
        "standing": one.standing,
        "service_room": one.service_room,
    }
    if row == before or (before is None and one.standing == "removed"):
        return ()
    mine = directory_member.c.user_id == listed.user_id
    if one.standing == "removed":
        connection.execute(profile_field.delete().where(profile_field.c.user_id == listed.user_id))
        connection.execute(directory_member.delete().where(mine))
        search.drop(connection, listed.user_id)
        suggestions.forget(connection, listed.user_id)
        guide.forget(connection, listed.user_id)
        note_book.forget_member(connection, listed.user_id)
        return (Publish(listed.user_id, {}),)
    if before is None:
        connection.execute(directory_member.insert().values(row))
    else:
        connection.execute(directory_member.update().where(mine).values(row))
    if one.standing != "active":
        search.drop(connection, listed.user_id)
        return ()
    published = profiles.settle(connection, listed, context.now)
    if before is None:
        return (Schedule(f"{NUDGE}{listed.user_id}", _nudged_at(listed.user_id, context.now)),)
    return (published,) if before["standing"] != "active" else ()


def _nudged_at(user_id: str, now: float) -> float:
    """Three to five days on, spread over the members: those of a whole community are not told in one minute."""
    return now + (3 + 2 * share_of(user_id)) * _DAY
