"""Makes the sample community in a running one: people through the local API, all else as its members would.

Interrupted anywhere and begun again it ends the same: each step first looks whether it has been done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from belisha.cli.client_api import Client, ClientApiError
from belisha.cli.demo.content import content_of, creation_of, event_type, mimetype
from belisha.cli.demo.record import Record
from belisha.cli.demo.story import Entry, File, Message, Room, Story
from belisha.cli.errors import CommandError
from belisha.cli.first_run import readable_password
from belisha.cli.local_api import LocalApi
from belisha.cli.progress import Progress
from belisha.policy.creation import POLICY_TYPE

SPACE = "community"
#: How often a member's own room is looked for, a fifth of a second apart.
_OWN_ROOM_TRIES: Final = 300
ELSEWHERE = "Name another folder: --data DIR (make: DATA=DIR)."


@dataclass(frozen=True)
class Place:
    """Where the sample community is made.

    Attributes:
        homeserver: its address.
        server_name: the part behind the colon in its user ids.
        host: the id that the host organisation has there.
        manager: the first manager's localpart there.
        manager_password: as `belisha up` recorded it.
        files: the folder of the story's files.
    """

    homeserver: str
    server_name: str
    host: str
    manager: str
    manager_password: str
    files: Path


class Maker:
    """Makes a story come true, step by step."""

    def __init__(
        self, story: Story, place: Place, record: Record, session: aiohttp.ClientSession, progress: Progress
    ) -> None:
        self.story, self._place, self._record, self._progress = story, place, record, progress
        self._session = session
        self._facts = record.facts
        self._in_doubt = True  # whether the next event may have been sent by a run that could not record it
        self.clients: dict[str, Client] = {}

    async def make(self, registry: LocalApi) -> None:
        """Everything, or what is missing of it.

        Raises:
            CommandError: something of another origin is in the way.
            ClientApiError: the server refused a step.
        """
        if not self._facts.complete:
            await self._register(registry)
        await self.sign_in()
        if self._facts.complete:
            return
        await self._describe()
        self._progress.step(f"Making {len(self.story.rooms)} rooms and inviting their members")
        for room in self.story.rooms:
            await self._make_room(room)
            await self._fill(room)
        await self._join_space()
        await self._talk()
        self._facts.complete = True
        self._record.save()

    def localpart(self, account: str) -> str:
        """The localpart that an account of the story has here."""
        return self._place.manager if account == self.story.manager.localpart else account

    def user_id(self, account: str) -> str:
        """The Matrix id of an account of the story."""
        return f"@{self.localpart(account)}:{self._place.server_name}"

    def alias(self, room: Room) -> str | None:
        """The full alias of a room."""
        return f"#{room.alias}:{self._place.server_name}" if room.alias else None

    def _organisation(self, organisation: str) -> str:
        return self._place.host if organisation == self.story.host.id else organisation

    async def _register(self, registry: LocalApi) -> None:
        for group in self.story.organisations:
            if not group.host:
                await registry.put_organisation(group.id, group.name, group.category, group.domains)
        self._facts.passwords[self.story.manager.localpart] = self._place.manager_password
        for account in self.story.accounts:
            self._facts.passwords.setdefault(account.localpart, readable_password())
        self._record.save()
        self._progress.step("Registering the organisations and their members")
        for account in self.story.accounts:
            if account is not self.story.manager:
                password = self._facts.passwords[account.localpart]
                organisation = self._organisation(account.organisation)
                await registry.put_member(account.localpart, account.name, organisation, account.roles, password)

    async def sign_in(self) -> None:
        """Signs every account in, with the token it has where that is still good."""
        self._progress.step("Signing the members in")
        for account in self.story.accounts:
            name = account.localpart
            token = self._facts.tokens.get(name, "")
            client = Client(self._session, self._place.homeserver, self.user_id(name), token)
            self.clients[name] = client
            if await client.is_signed_in():
                continue
            try:
                await client.sign_in(self.localpart(name), self._facts.passwords[name])
            except ClientApiError as error:
                if error.status != 403:
                    raise
                if not self._facts.complete:
                    raise CommandError(
                        f"{self.user_id(name)} has another password than the sample community gave it, "
                        "so it is somebody else's account.",
                        ELSEWHERE,
                    ) from None
                client.token = ""  # its member has changed the password since: theirs to know
            self._facts.tokens[name] = client.token
            self._record.save()

    async def _describe(self) -> None:
        self._progress.step("Letting them say what they know, each to the steward")
        for account in self.story.accounts:
            if account.profile:
                client = self.clients[account.localpart]
                room_id = await self._own_room(client)
                for entry in account.said_to_the_steward():
                    await self._once(client, room_id, f"own-{account.localpart}", entry)

    async def _own_room(self, client: Client) -> str:
        """The member's own room with the steward, which the server makes a moment after the account."""
        for _ in range(_OWN_ROOM_TRIES):
            for room_id in await client.joined_rooms():
                if (await client.state(room_id, POLICY_TYPE) or {}).get("kind") == "service":
                    return room_id
            await asyncio.sleep(0.2)
        raise CommandError(f"{client.user_id} has no room with the steward.", "Stop the community and start it again.")

    async def _make_room(self, room: Room) -> None:
        if room.key in self._facts.rooms:
            return
        maker, alias = self.clients[room.maker], self.alias(room)
        if room.built_in:
            room_id = await maker.room_of_alias(alias or "")
            if room_id is None:
                raise CommandError(f"The room {alias} is missing.", "Stop the community and start it again.")
            if room_id not in await maker.joined_rooms():
                await maker.join(room_id)
        elif alias:
            room_id = await self._group(room, maker, alias)
        else:
            room_id = await self._named(room, maker)
        self._facts.rooms[room.key] = room_id
        self._facts.making.pop(room.key, None)
        self._record.save()

    async def _group(self, room: Room, maker: Client, alias: str) -> str:
        found = await maker.room_of_alias(alias)
        if found is not None:
            if found in await maker.joined_rooms() and await maker.state(found, "m.room.name"):
                return found
            try:  # Synapse gives the alias before it makes the room: stopped between, the alias leads nowhere
                await maker.delete_alias(alias)
            except ClientApiError as error:
                if error.status != 403:
                    raise
                raise CommandError(f"{alias} is another room's already.", ELSEWHERE) from None
        return await maker.create_room(creation_of(room, self._organisation) | {"room_alias_name": room.alias})

    async def _named(self, room: Room, maker: Client) -> str:
        joined = await maker.joined_rooms()
        if (before := self._facts.making.get(room.key)) is not None:
            people = {self.user_id(account) for account in room.people}
            for room_id in set(joined) - set(before):
                policy = await maker.state(room_id, POLICY_TYPE) or {}
                if policy.get("kind") == room.kind and set(await maker.memberships(room_id)) <= people:
                    return room_id
        self._facts.making[room.key] = joined
        self._record.save()
        return await maker.create_room(
            creation_of(room, self._organisation) | {"invite": [self.user_id(account) for account in room.members]}
        )

    async def _fill(self, room: Room) -> None:
        room_id, maker = self._facts.rooms[room.key], self.clients[room.maker]
        present = await maker.memberships(room_id)
        for account in room.members:
            user_id = self.user_id(account)
            if present.get(user_id) == "join":
                continue
            if room.kind != "open" and present.get(user_id) != "invite":
                await maker.invite(room_id, user_id)
            await self.clients[account].join(room_id)

    async def _join_space(self) -> None:
        space = await self.clients[self.story.manager.localpart].room_of_alias(f"#{SPACE}:{self._place.server_name}")
        if space is None:
            return
        for client in self.clients.values():
            if space not in await client.joined_rooms():
                await client.join(space)

    async def _talk(self) -> None:
        self._progress.step(f"Letting them talk ({len(list(self.story.entries()))} messages, votes and reactions)")
        for room in self.story.rooms:
            events: dict[str, str] = {}
            senders: dict[str, str] = {}
            threads: dict[str, str] = {}
            for entry in room.talk:
                event_id = await self._say(room, entry, events, senders, threads)
                if entry.id:
                    events[entry.id], senders[entry.id] = event_id, self.user_id(entry.by)
                if isinstance(entry, Message) and entry.thread:
                    threads[entry.thread] = event_id

    async def _say(
        self,
        room: Room,
        entry: Entry,
        events: Mapping[str, str],
        senders: Mapping[str, str],
        threads: Mapping[str, str],
    ) -> str:
        about = (events, senders, threads)
        return await self._once(self.clients[entry.by], self._facts.rooms[room.key], room.key, entry, about)

    async def _once(
        self,
        client: Client,
        room_id: str,
        key: str,
        entry: Entry,
        about: tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]] = ({}, {}, {}),
    ) -> str:
        """The event of an entry, which is sent where it has not been; `about` is what `content_of` wants of others."""
        known = f"{key}/{entry.digest()}"
        if (said := self._facts.events.get(known)) is not None:
            return said
        transaction = f"demo-{entry.digest()}"
        event_id = await client.sent_before(room_id, transaction) if self._in_doubt else None
        self._in_doubt = False
        if event_id is None:
            mxc = await self._upload(client, entry.file) if isinstance(entry, File) else ""
            content = content_of(entry, *about, mxc, self._place.files)
            event_id = await client.send(room_id, event_type(entry), transaction, content)
        self._facts.events[known] = event_id
        self._record.save()
        return event_id

    async def _upload(self, client: Client, name: str) -> str:
        if name not in self._facts.media:
            data = (self._place.files / name).read_bytes()
            self._facts.media[name] = await client.upload(data, name, mimetype(name))
            self._record.save()
        return self._facts.media[name]
