"""Asks the module about rooms, and reads its answers into frozen values."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from belisha.policy.people import Person
from belisha.policy.rooms import SOURCE
from belisha.policy.state import MAINTAINER_POWER
from bots.kernel.bot import (
    Asker,
    Audience,
    Extent,
    Group,
    Item,
    Needs,
    Organisation,
    Policy,
    PollFacts,
    Unacknowledged,
    Unknown,
)
from bots.kernel.digested import DigestFacts, facts_of
from bots.kernel.done import Done, done_of
from bots.kernel.listed import RegistryPage, Sight, page_of, sight_of
from bots.kernel.matrix import BotClient, Refused, Unreachable
from bots.kernel.polled import poll_facts
from bots.kernel.posts import Blog, PostFacts, blog_of, told_of
from bots.kernel.shelf import Shelf, shelf_of

_T = TypeVar("_T")
_FRESH_FOR = 60.0
_KEPT = 2000
_OURS = "ORG.BELISHA."
_NOT_FOUND = f"{_OURS}NOT_FOUND"
_CANNOT_DECIDE = f"{_OURS}CANNOT_DECIDE"


class Rooms:
    """The answers for one bot. Policies are kept for a minute, audiences never."""

    def __init__(self, client: BotClient, now: Callable[[], float] = time.monotonic) -> None:
        """Asks as one bot.

        Args:
            client: The bot's way to Synapse.
            now: A clock in seconds.
        """
        self._client = client
        self._now = now
        self._policies: OrderedDict[str, tuple[float, Policy | Unknown]] = OrderedDict()

    async def policy(self, room_id: str, needs: Needs) -> Policy | Unknown:
        """The room's rules, or that they are unknown.

        Raises:
            Unreachable: Only where `needs` is patient.
        """
        until, known = self._policies.get(room_id, (0.0, Unknown()))
        if self._now() < until and not needs.fresh:
            return known
        return await _asked(self._client.policy(room_id), lambda answer: self._keep(room_id, _policy(answer)), needs)

    def _keep(self, room_id: str, policy: Policy | Unknown) -> Policy | Unknown:
        self._policies[room_id] = (self._now() + _FRESH_FOR, policy)
        self._policies.move_to_end(room_id)
        while len(self._policies) > _KEPT:
            self._policies.popitem(last=False)
        return policy

    async def audience(self, room_id: str) -> Audience | Unknown:
        """Who can read the room now, or that this is unknown."""
        try:
            return _audience(await self._client.audience(room_id))
        except (Refused, Unreachable):
            return Unknown()

    async def asker(self, room_id: str, user_id: str, needs: Needs) -> Asker | Unknown:
        """Who somebody is who is in the room with the bot now, or that this is unknown.

        Raises:
            Unreachable: Only where `needs` is patient.
        """
        return await _asked(self._client.asker(room_id, user_id), lambda answer: asker_of(user_id, answer), needs)

    async def item(self, room_id: str, event_id: str, user_id: str, needs: Needs) -> Item | Unknown:
        """What an item is that somebody asks about, where they and the bot can read it now.

        Raises:
            Unreachable: Only where `needs` is patient.
        """
        return await _asked(self._client.item(room_id, event_id, user_id), _item, needs)

    async def maintainers(self, room_id: str, left: str, is_ours: Callable[[str], bool]) -> tuple[Asker, ...] | Unknown:
        """Who looks after a group; unknown where nothing can have changed, since `left` was none of them.

        Raises:
            Unreachable: The server cannot be asked; nobody waits for it.
        """
        try:
            users = (await self._client.state(room_id, "m.room.power_levels")).get("users")
            powers = users if isinstance(users, dict) else {}
            all_ = {user for user, power in powers.items() if _count(power) >= MAINTAINER_POWER and not is_ours(user)}
            if left and left not in all_:
                return Unknown()
            there = sorted(all_ & set(await self._client.joined_members(room_id)) - {left})
            if len(there) > 1:
                return tuple(Asker(Person(user)) for user in there)
            found = [asker_of(user, await self._client.asker(room_id, user)) for user in there]
        except Refused:
            return Unknown()
        return tuple(one for one in found if isinstance(one, Asker))

    async def groups(self, room_id: str, user_id: str) -> tuple[Group, ...] | Unknown:
        """The groups that somebody may join or ask for now, or that this is unknown."""
        try:
            return _groups(await self._client.groups(room_id, user_id))
        except (Refused, Unreachable):
            return Unknown()

    async def extent(self, room_id: str, user_id: str, act: str, about: str) -> Extent | Unknown:
        """What an act would concern, or why somebody may not ask for it, or that this is unknown."""
        try:
            answer = await self._client.extent(room_id, user_id, act, about)
        except Refused as error:
            is_decided = error.status == 403 and error.errcode.startswith(_OURS) and error.errcode != _CANNOT_DECIDE
            return Extent(refused=error.sentence) if is_decided and error.sentence else Unknown()
        except Unreachable:
            return Unknown()
        people, groups, memberships = (_count(answer.get(key)) for key in ("people", "groups", "memberships"))
        return Extent(people, groups, memberships, name=_text(answer.get("name")))

    async def unacknowledged(self, event_id: str, after: str) -> Unacknowledged | Unknown:
        """Who has not acknowledged an announcement, or that it is none that stands.

        Raises:
            Unreachable: The server cannot be asked, or cannot tell at present; nobody waits for it.
        """
        try:
            answer = await self._client.unacknowledged(event_id, after)
        except Refused as error:
            if error.errcode == _NOT_FOUND:
                return Unknown()
            raise Unreachable(error.errcode) from error
        rooms, onward = answer.get("rooms"), answer.get("next")
        told = tuple(_text(one) for one in rooms) if isinstance(rooms, list) else ()
        return Unacknowledged(_text(answer.get("room_id")), told, onward if isinstance(onward, str) else None)

    async def poll(self, room_id: str, event_id: str) -> PollFacts | Unknown:
        """A poll as it is now, or that it is none that stands.

        Raises:
            Unreachable: The server cannot be asked, or cannot tell at present; nobody waits for it.
        """
        try:
            return poll_facts(await self._client.poll(room_id, event_id))
        except Refused as error:
            if error.errcode == _NOT_FOUND:
                return Unknown()
            raise Unreachable(error.errcode) from error

    async def sight(self, room_id: str, user_id: str, about: str) -> Sight | Unknown:
        """Whom somebody may find in the directory now, or that this is unknown."""
        try:
            return sight_of(await self._client.sight(room_id, user_id, about)) or Unknown()
        except (Refused, Unreachable):
            return Unknown()

    async def documents(self, room_id: str, user_id: str, which: str, about: str) -> Shelf | Unknown:
        """Files that somebody asks for, as they may see them now; unknown, or known that there is no such one."""
        try:
            return shelf_of(await self._client.documents(room_id, user_id, which, about)) or Unknown()
        except Refused as error:
            return Unknown(no_such_room=error.errcode == _NOT_FOUND)
        except Unreachable:
            return Unknown()

    async def sight_for(self, room_id: str, user_id: str) -> Sight | Unknown:
        """The same for a job; unknown where the member is not there any more.

        Raises:
            Unreachable: The server cannot be asked, or cannot tell at present; nobody waits for it.
        """
        try:
            return sight_of(await self._client.sight(room_id, user_id, "")) or Unknown()
        except Refused as error:
            if error.errcode == _CANNOT_DECIDE:
                raise Unreachable(error.errcode) from error
            return Unknown()

    async def digest(self, room_id: str, user_id: str, items: Sequence[tuple[str, str]]) -> DigestFacts | Unknown:
        """What a digest may tell somebody now; unknown where they are not there any more.

        Raises:
            Unreachable: The server cannot be asked, or cannot tell at present; nobody waits for it.
        """
        try:
            return facts_of(await self._client.digest(room_id, user_id, items), items) or Unknown()
        except Refused as error:
            if error.errcode == _CANNOT_DECIDE:
                raise Unreachable(error.errcode) from error
            return Unknown()

    async def registry(self, after: str, revision: str) -> RegistryPage | Unknown:
        """A page of the registry.

        Raises:
            Unreachable: The server cannot be asked, or cannot tell at present; nobody waits for it.
        """
        try:
            return page_of(await self._client.registry(after, revision)) or Unknown()
        except Refused as error:
            raise Unreachable(error.errcode) from error

    async def doings(self, after: str) -> Done | Unknown:
        """What accounts did that no bot can see, after a position.

        Raises:
            Unreachable: The server cannot be asked, or cannot tell at present; nobody waits for it.
        """
        try:
            return done_of(await self._client.doings(after)) or Unknown()
        except Refused as error:
            raise Unreachable(error.errcode) from error

    async def managers(self) -> tuple[str, ...]:
        """The rooms in which the steward talks with who runs the community now, each with one of them.

        Raises:
            Unreachable: The server cannot be asked, or cannot tell at present; nobody waits for it.
        """
        try:
            rooms = (await self._client.managers()).get("rooms")
        except Refused as error:
            raise Unreachable(error.errcode) from error
        return tuple(_text(one) for one in rooms) if isinstance(rooms, list) else ()

    async def post(self, room_id: str, event_id: str) -> PostFacts | Unknown:
        """A post of a blog as it is now, or that it is none that stands.

        Raises:
            Unreachable: The server cannot be asked, or cannot tell at present; nobody waits for it.
        """
        try:
            return told_of(await self._client.post(room_id, event_id)) or Unknown()
        except Refused as error:
            if error.errcode == _NOT_FOUND:
                return Unknown()
            raise Unreachable(error.errcode) from error

    async def blog(self, room_id: str, user_id: str, items: Sequence[tuple[str, str]]) -> Blog | Unknown:
        """Which blogs somebody reads now, and which of these posts, or that this is unknown."""
        try:
            return blog_of(await self._client.blog(room_id, user_id, items)) or Unknown()
        except (Refused, Unreachable):
            return Unknown()

    async def people(self, room_id: str) -> dict[str, str | None]:
        """Who is in the room, with their display names; nobody where the bot is not in it either.

        Raises:
            Unreachable: The server cannot be asked.
        """
        try:
            return await self._client.joined_members(room_id)
        except Refused:
            return {}


async def _asked(
    answer: Awaitable[dict[str, Any]], read: Callable[[dict[str, Any]], _T | Unknown], needs: Needs
) -> _T | Unknown:
    """What the module answers, or that it is unknown.

    Raises:
        Unreachable: Only where `needs` is patient.
    """
    try:
        return read(await answer)
    except Refused as error:
        return Unknown(no_such_room=error.errcode == _NOT_FOUND)
    except Unreachable:
        if needs.patient:
            raise
        # For a person who waits, "I cannot tell just now" at once is better than an answer in an hour.
        return Unknown()


def asker_of(user_id: str, answer: dict[str, Any]) -> Asker | Unknown:
    """Reads what the module tells of a member; who may not act is an account without organisation."""
    roles, organisation = answer.get("roles"), answer.get("organisation")
    if not isinstance(roles, list):
        return Unknown()
    belongs = answer.get("belongs") is True and isinstance(organisation, str)
    person = Person(user_id, _text(organisation) if belongs else None, frozenset(_text(role) for role in roles))
    own = _text(answer.get("service_room")) or None
    return Asker(person, _count(answer.get("power")), own, answer.get("maintains") is True)


def _policy(answer: dict[str, Any]) -> Policy | Unknown:
    kind = answer.get("kind")
    if not isinstance(kind, str):
        return Unknown()
    listed = answer.get("organisations")
    return Policy(
        kind=kind,
        default=_text(answer.get("default")),
        ceiling=_text(answer.get("ceiling")),
        organisations=tuple(_text(one) for one in listed) if isinstance(listed, list) else (),
        purpose=_text(answer.get("purpose")) or "discussion",
        archived=answer.get("archived") is True,
        replaced=answer.get("replaced") is True,
        copies_only=answer.get("originals") == SOURCE,
    )


def _groups(answer: dict[str, Any]) -> tuple[Group, ...] | Unknown:
    listed = answer.get("groups")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return Unknown()
    return tuple(
        Group(
            room_id=_text(one.get("room_id")),
            name=_text(one.get("name")),
            topic=_text(one.get("topic")),
            address=_text(one.get("address")),
            kind=_text(one.get("kind")),
            members=_count(one.get("members")),
            messages=one.get("messages") if isinstance(one.get("messages"), int) else None,
            membership=_text(one.get("membership")),
        )
        for one in listed
    )


def _item(answer: dict[str, Any]) -> Item | Unknown:
    label, source = answer.get("label"), answer.get("source")
    if not isinstance(label, str) or not isinstance(source, str):
        return Unknown()
    return Item(label, source, _text(answer.get("source_room")) or None)


def _audience(answer: dict[str, Any]) -> Audience | Unknown:
    listed = answer.get("organisations")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return Unknown()
    organisations = tuple(
        Organisation(
            _text(one.get("name")) or _text(one.get("id")), _text(one.get("category")), _count(one.get("count"))
        )
        for one in listed
    )
    return Audience(
        _count(answer.get("total")), organisations, _count(answer.get("bots")), answer.get("could_join") is True
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
