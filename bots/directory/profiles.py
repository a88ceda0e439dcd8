"""Profiles in the bots' database: read, changed, and shown to whoever asks, as far as they may see them (rule P2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from belisha.directory.fields import FIELDS, Visibility
from belisha.directory.values import Asker, Hit, Profile
from bots.directory import search
from bots.directory.dialects import PostgreSQL, Sqlite, dialect
from bots.directory.tables import directory_member, profile_field
from bots.kernel.effects import Publish
from bots.kernel.listed import Listed, Sight
from bots.kernel.store import insert_on

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
#: The fields that say what a member does, and what is told once one of them is filled in: whose, and when.
_WHAT_THEY_DO: Final = ("role", "expertise")
Completed = Callable[[sa.Connection, str, float], None]
_SOME: Final = 500  # user ids in one statement


@dataclass(frozen=True, slots=True)
class Kept:
    """What a member has written.

    Attributes:
        fields: what each field says, by field id; fields without anything are not there.
        chosen: who sees a field, where the member has chosen.
    """

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    chosen: Mapping[str, Visibility] = field(default_factory=dict)

    def visibility(self, field_id: str) -> Visibility:
        """Who sees a field."""
        return self.chosen.get(field_id, FIELDS[field_id].visibility)

    def shown(self, whom: Collection[Visibility]) -> dict[str, tuple[str, ...]]:
        """The fields that stand open to those, in the order of the fields."""
        return {key: self.fields[key] for key in FIELDS if key in self.fields and self.visibility(key) in whom}


@dataclass(frozen=True, slots=True)
class Shown:
    """A profile as somebody may see it: nothing in it tells whether there is more."""

    listed: Listed
    fields: Mapping[str, tuple[str, ...]]


def kept_of(connection: sa.Connection, user_id: str) -> Kept:
    """What a member has written; nothing of who has written nothing."""
    return kept_of_all(connection, [user_id]).get(user_id, Kept())


def kept_of_all(connection: sa.Connection, users: Collection[str]) -> dict[str, Kept]:
    """The same of several members, by user id; who has written nothing is not there."""
    words = dialect(connection)
    rows = connection.execute(_KEPT[words.among], {"users": words.listed(users)}).all()
    found: dict[str, tuple[dict[str, tuple[str, ...]], dict[str, Visibility]]] = {}
    for user, field_id, written, seen_by in rows:
        if field_id not in FIELDS:
            continue
        fields, chosen = found.setdefault(user, ({}, {}))
        if value := tuple(json.loads(written)):
            fields[field_id] = value
        if seen_by is not None:
            chosen[field_id] = Visibility(seen_by)
    return {user: Kept(*parts) for user, parts in found.items()}


def change(
    connection: sa.Connection,
    listed: Listed,
    now: float,
    fields: Mapping[str, tuple[str, ...]] = _NOTHING,
    chosen: Mapping[str, Visibility] = _NOTHING,
    completed: Completed | None = None,
) -> Publish:
    """Changes some fields of a profile, and who sees them; what is to be done for clients to see the same.

    Args:
        connection: a transaction that writes.
        listed: whose profile, as the registry has them now.
        now: seconds since 1970.
        fields: what `belisha.directory.written.read` gave, by field id; an empty one empties the field.
        chosen: who is to see a field, by field id.
        completed: what is done when it says what the member does.
    """
    if completed is not None and any(fields.get(one) for one in _WHAT_THEY_DO):
        completed(connection, listed.user_id, now)
    for field_id in {**fields, **chosen}:
        values: dict[str, Any] = {}
        if field_id in fields:
            values["value"] = json.dumps(list(fields[field_id]))
        if field_id in chosen:
            values["visibility"] = chosen[field_id].value
        row = {"user_id": listed.user_id, "field": field_id, **values}
        put = insert_on(connection, profile_field).values(row)
        connection.execute(put.on_conflict_do_update(index_elements=["user_id", "field"], set_=values))
    enlist(connection, listed)
    return settle(connection, listed, now)


def matches(connection: sa.Connection, sight: Sight, now: float, most: int) -> dict[str, Sequence[Hit]]:
    """For each of the asker's first `most` challenges, who could help, as far as the asker may see it."""
    mine = kept_of(connection, sight.asker.user_id).fields.get("challenges", ())
    asker = asker_of(sight)
    return {one: search.match(connection, one, asker, now) for one in mine[:most]}


def erase(connection: sa.Connection, listed: Listed, now: float) -> Publish:
    """Erases all that a member has written into their profile, and what they chose (rule E1); the name stays listed."""
    connection.execute(profile_field.delete().where(profile_field.c.user_id == listed.user_id))
    return settle(connection, listed, now)


def enlist(connection: sa.Connection, listed: Listed) -> None:
    """Lists a member who was not listed yet: whoever has just come is found as soon as they have written something."""
    names = {key: getattr(listed, key) for key in ("name", "organisation", "organisation_name", "category")}
    row = {"user_id": listed.user_id, "standing": "active", **names}
    connection.execute(insert_on(connection, directory_member).values(row).on_conflict_do_nothing())


def settle(connection: sa.Connection, listed: Listed, now: float) -> Publish:
    """Puts a profile into the index as it is now; what is to be done for clients to see the same."""
    kept = kept_of(connection, listed.user_id)
    search.index(
        connection,
        Profile(
            listed.user_id,
            listed.name,
            listed.organisation,
            listed.organisation_name,
            listed.category,
            kept.fields,
            {key: kept.visibility(key) for key in FIELDS},
        ),
        now,
    )
    return Publish(listed.user_id, kept.shown({Visibility.COMMUNITY}))


def seen(kept: Kept, listed: Listed, sight: Sight) -> Shown:
    """A profile as who asks may see it at this moment."""
    whom = {Visibility.COMMUNITY}
    if listed.user_id == sight.asker.user_id:
        whom = set(Visibility)
    elif listed.user_id in sight.shares:
        whom |= {Visibility.GROUPS}
    return Shown(listed, kept.shown(whom))


def asker_of(sight: Sight) -> Asker:
    """Who asks, as the search goes by them."""
    return Asker(sight.asker.user_id, sight.asker.organisation, sight.shares, sight.absent)


def organisations(connection: sa.Connection, ids: Collection[str]) -> dict[str, str]:
    """The names of organisations of which somebody is listed who may act; each is that of one of them."""
    words = dialect(connection)
    found = connection.execute(_ORGANISATIONS[words.each], {"ids": words.listed(ids)}).all()
    return {organisation: name for organisation, name in found if name is not None}


def listed_of_all(connection: sa.Connection, users: Collection[str]) -> dict[str, Listed]:
    """How members are listed, as it was a minute ago at most; who may not act is not there."""
    wanted, rows = sorted(users), list[Any]()
    for start in range(0, len(wanted), _SOME):
        some = directory_member.c.user_id.in_(wanted[start : start + _SOME])
        rows += connection.execute(sa.select(directory_member).where(some, directory_member.c.standing == "active"))
    return {
        row.user_id: Listed(row.user_id, row.name, row.organisation, row.organisation_name, row.category)
        for row in rows
    }


_ALL_KEPT: Final = "SELECT user_id, field, value, visibility FROM profile_field WHERE user_id {users}"
_NAMES: Final = (
    "SELECT value, (SELECT m.organisation_name FROM directory_member m"
    " WHERE m.organisation = value AND m.standing = 'active' LIMIT 1) FROM {ids}"
)
_KEPT: Final = {one.among: sa.text(_ALL_KEPT.format(users=one.among.format("users"))) for one in (Sqlite, PostgreSQL)}
_ORGANISATIONS: Final = {one.each: sa.text(_NAMES.format(ids=one.each.format("ids"))) for one in (Sqlite, PostgreSQL)}
