"""Every private attribute of Synapse that is touched, in one place, each with a self-test at start-up.

Checked with Synapse 1.163.2; the pins hold it there. What is public in `ModuleApi` is used directly elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from synapse.event_auth import check_state_dependent_auth_rules, get_named_level, get_user_power_level
from synapse.events import EventBase
from synapse.handlers.worker_lock import NEW_EVENT_DURING_PURGE_LOCK_NAME
from synapse.http.site import SynapseRequest
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.rest.client.directory import ClientDirectoryListServer, ClientDirectoryServer
from synapse.rest.client.profile import ProfileFieldRestServlet
from synapse.rest.client.room import RoomSummaryRestServlet
from synapse.types import RoomAlias, StateMap, UserID, create_requester
from synapse.util.async_helpers import Linearizer

from synapse_modules.guards import Guard, HookMissing
from synapse_modules.guards import require as require
from synapse_modules.refusal import malformed

NO_TARGET: Final = "A redaction needs `redacts`, the id of the event to take back."
NO_TEXT: Final = "This holds half of a character pair, which is no text. Please write it again."

#: Synapse's addresses that answer without an access token and speak of a room.
_TOLD_TO_ANYBODY: Final = (ClientDirectoryServer, ClientDirectoryListServer, RoomSummaryRestServlet)


class Hooks:
    """The private parts of one running Synapse process."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._store: Any = api._store
        self._auth: Any = api._auth
        self._auth_handler: Any = api._auth_handler
        self._registration: Any = api._registration_handler
        # Taken before it is wrapped (`registration`): what the registry makes needs no token.
        self._register_user: Any = api._registration_handler.register_user
        self._event_creation: Any = api._hs.get_event_creation_handler()
        self._room_member: Any = api._hs.get_room_member_handler()
        self._profile: Any = api._hs.get_profile_handler()
        self._directory: Any = api._hs.get_directory_handler()
        self._locks: Any = api._hs.get_worker_locks_handler()

    def self_test(self) -> None:
        """Checks that what nothing can be enforced without is there, and takes what it is given.

        Raises:
            HookMissing: naming what is missing.
        """
        require(
            (self._store, "get_event", {"event_id", "allow_none"}),
            (self._store, "get_applicable_edits", {"event_ids"}),
            (self._store, "get_events", {"event_ids"}),
            (self._store, "get_room_max_stream_ordering", set()),
            (self._store, "delete_room_alias", {"room_alias"}),
            (self._store, "get_invited_rooms_for_local_user", {"user_id"}),
            (self._event_creation, "create_new_client_event", {"builder"}),
            (self._event_creation, "is_admin_redaction", {"event_type", "sender", "redacts"}),
            (self._event_creation, "cache_joined_hosts_for_events", {"events_and_context"}),
            (
                self._room_member,
                "update_membership",
                {"requester", "target", "room_id", "action", "ratelimit", "content"},
            ),
            (self._store, "get_app_service_by_user_id", {"user_id"}),
            (self._locks, "acquire_read_write_lock", {"lock_name", "lock_key", "write"}),
            (self._store, "try_acquire_lock", {"lock_name", "lock_key"}),
            (self._auth_handler, "hash", {"password"}),
            (self._registration, "appservice_register", {"user_localpart", "as_token"}),
            (self._registration, "register_user", {"localpart", "password_hash", "default_display_name"}),
        )

    def guards(
        self,
        check_profile: Callable[[str, str, object], Awaitable[None]],
        check_alias: Callable[[str, str, str], Awaitable[None]],
    ) -> tuple[Guard, ...]:
        """What can be closed where this Synapse lacks it."""
        return (
            Guard(
                "tokens",
                "Nobody can look up a room by its address or see it before joining.",
                (
                    (self._auth, "get_access_token_from_request", {"request"}),
                    *((servlet, "on_GET", {"request"}) for servlet in _TOLD_TO_ANYBODY),
                ),
                tuple((servlet, "on_GET") for servlet in _TOLD_TO_ANYBODY),
                self.ask_for_tokens,
            ),
            Guard(
                "profiles",
                "Nobody can change their profile.",
                (
                    (self._profile, "dispatch_set_profile_field", {"requester", "field_name", "new_value"}),
                    (self._profile, "dispatch_delete_profile_field", {"requester", "field_name"}),
                ),
                ((ProfileFieldRestServlet, "on_PUT"), (ProfileFieldRestServlet, "on_DELETE")),
                lambda: self.check_profiles(check_profile),
            ),
            Guard(
                "aliases",
                "No room can get an address.",
                ((self._directory, "create_association", {"requester", "room_alias", "room_id"}),),
                ((ClientDirectoryServer, "on_PUT"),),
                lambda: self.check_aliases(check_alias),
            ),
        )

    def ask_for_tokens(self) -> None:
        """Makes an access token a condition where Synapse would tell anybody of a room (rule R2).

        Without it, whether an alias exists, and a room's name, topic and size are told to the whole network. To be
        called before the listeners start, as Synapse does with modules.
        """
        for servlet in _TOLD_TO_ANYBODY:
            servlet.on_GET = self._with_token(servlet.on_GET)  # type: ignore[method-assign,assignment]  # wrapped

    def refuse_what_breaks_synapse(self) -> None:
        """Answers 400 where Synapse fails with a 500 before any callback sees the event.

        That is half a surrogate pair, which JSON can spell and UTF-8 cannot, and a redaction without an event id.
        """
        creation = self._event_creation
        build, is_admin_redaction = creation.create_new_client_event, creation.is_admin_redaction

        async def build_text(*arguments: Any, **named: Any) -> Any:
            try:
                return await build(*arguments, **named)
            except UnicodeEncodeError:
                raise malformed(NO_TEXT) from None

        async def check_redaction(event_type: str, sender: str, redacts: object) -> bool:
            if event_type == "m.room.redaction" and (not isinstance(redacts, str) or "\0" in redacts):
                raise malformed(NO_TARGET)
            try:
                return bool(await is_admin_redaction(event_type=event_type, sender=sender, redacts=redacts))
            except UnicodeEncodeError:
                raise malformed(NO_TEXT) from None

        creation.create_new_client_event, creation.is_admin_redaction = build_text, check_redaction

    def keep_no_hosts(self) -> None:
        """Leaves out of every send what Synapse writes into Redis about other homeservers: there are none.

        While Redis is gone that write waits for it, and the send with it.
        """

        async def nothing(events_and_context: object) -> None:
            """Nobody reads it."""

        self._event_creation.cache_joined_hosts_for_events = nothing

    def before_storing(self, do: Callable[[EventBase], Awaitable[None]]) -> None:
        """Has `do(event)` done with every event that was accepted, once it has its final id and before it is stored."""
        creation = self._event_creation
        create = creation.create_new_client_event

        async def create_and_do(*arguments: Any, **named: Any) -> Any:
            event, context = await create(*arguments, **named)
            await do(event)
            return event, context

        creation.create_new_client_event = create_and_do

    def check_profiles(self, check: Callable[[str, str, object], Awaitable[None]]) -> None:
        """Asks `check(user_id, field, value)` before a profile changes, `value` None where it is taken away.

        Synapse tells modules of a profile only once it has changed.
        """
        put, delete = self._profile.dispatch_set_profile_field, self._profile.dispatch_delete_profile_field

        async def put_checked(*, requester: Any, field_name: str, new_value: object, **named: Any) -> None:
            await check(requester.user.to_string(), field_name, new_value)
            await put(requester=requester, field_name=field_name, new_value=new_value, **named)

        async def delete_checked(*, requester: Any, field_name: str, **named: Any) -> None:
            await check(requester.user.to_string(), field_name, None)
            await delete(requester=requester, field_name=field_name, **named)

        self._profile.dispatch_set_profile_field = put_checked
        self._profile.dispatch_delete_profile_field = delete_checked

    def check_aliases(self, check: Callable[[str, str, str], Awaitable[None]]) -> None:
        """Asks `check(alias, room_id, user_id)` before a room gets an alias; Synapse tells its modules no room."""
        create = self._directory.create_association

        async def create_checked(
            requester: Any, room_alias: RoomAlias, room_id: str, *arguments: Any, **named: Any
        ) -> None:
            await check(room_alias.to_string(), room_id, requester.user.to_string())
            await create(requester, room_alias, room_id, *arguments, **named)

        self._directory.create_association = create_checked

    def _with_token(self, answer: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        # The parameters' names are the servlet's: Synapse calls it with those of the address by keyword.
        async def on_get(servlet: Any, request: SynapseRequest, **of_the_address: str) -> Any:
            if isinstance(servlet, RoomSummaryRestServlet):
                # It checks a token that is there itself, and a request can be asked for its user once only.
                self._auth.get_access_token_from_request(request)
            else:
                await self._api.get_user_by_req(request)
            return await answer(servlet, request, **of_the_address)

        return on_get

    async def event(self, event_id: str) -> EventBase | None:
        """An event by its id, redacted where it was redacted; None where this server has none."""
        get_event: Callable[..., Awaitable[EventBase | None]] = self._store.get_event
        return await get_event(event_id, allow_none=True)

    async def newest_edit(self, event_id: str) -> EventBase | None:
        """The newest edit of an event by its own sender, as clients show it; None where it was never edited."""
        edits: Mapping[str, EventBase | None] = await self._store.get_applicable_edits([event_id])
        return edits.get(event_id)

    async def events(self, event_ids: Collection[str]) -> Mapping[str, EventBase]:
        """The events of those ids that this server has, redacted where they were redacted."""
        found: Mapping[str, EventBase] = await self._store.get_events(event_ids)
        return found

    async def related(
        self, event_id: str, event_type: str | None = None, after: int = 0
    ) -> list[tuple[int, EventBase]]:
        """What refers to an event (edits, references, threads), in the order of the stream, with its place there."""

        def read(txn: LoggingTransaction) -> list[tuple[int, str]]:
            of_type = "" if event_type is None else " AND events.type = ?"
            txn.execute(
                "SELECT events.stream_ordering, events.event_id FROM event_relations"  # noqa: S608 - one of two constants
                " JOIN events ON events.event_id = event_relations.event_id"
                f" WHERE relates_to_id = ? AND events.stream_ordering > ?{of_type}"
                " ORDER BY events.stream_ordering",
                (event_id, after, *(() if event_type is None else (event_type,))),
            )
            return [(int(row[0]), str(row[1])) for row in txn.fetchall()]

        places = await self._api.run_db_interaction("belisha_related", read)
        events = await self.events([event for _, event in places]) if places else {}
        return [(order, events[event]) for order, event in places if event in events]

    def newest_position(self) -> int:
        """The stream ordering up to which every event has been stored."""
        return int(self._store.get_room_max_stream_ordering())

    async def events_between(
        self, after: int, until: int, types: Collection[str], limit: int
    ) -> list[tuple[int, EventBase]]:
        """The first events of those types in a part of the stream, each with its stream ordering."""
        marks = ", ".join("?" for _ in types)

        def read(txn: LoggingTransaction) -> list[tuple[int, str]]:
            txn.execute(
                "SELECT stream_ordering, event_id FROM events"  # noqa: S608 - question marks only
                f" WHERE stream_ordering > ? AND stream_ordering <= ? AND type IN ({marks})"
                " AND rejection_reason IS NULL"
                " ORDER BY stream_ordering LIMIT ?",
                (after, until, *types, limit),
            )
            return [(int(row[0]), str(row[1])) for row in txn.fetchall()]

        places = await self._api.run_db_interaction("belisha_events_between", read)
        events = await self.events([event for _, event in places]) if places else {}
        return [(order, events[event]) for order, event in places if event in events]

    def one_at_a_time(self, name: str) -> Linearizer:
        """What lets one caller a key in at a time, within this process."""
        return Linearizer(name=name, clock=self._api._hs.get_clock())

    @staticmethod
    def check_may_send(event: EventBase, state: StateMap[EventBase]) -> None:
        """Checks membership and power, which Synapse does only after the module has decided.

        Raises:
            AuthError: as Synapse itself would raise it.
        """
        needed = (("m.room.create", ""), ("m.room.power_levels", ""), ("m.room.member", event.sender))
        check_state_dependent_auth_rules(event, [state[key] for key in needed if key in state])

    @staticmethod
    def may_redact(event: EventBase, target: EventBase, state: StateMap[EventBase]) -> bool:
        """Whether the sender of a redaction may redact that event: its own, or with the power for it."""
        if event.sender == target.sender:
            return True
        return get_user_power_level(event.sender, state) >= get_named_level(state, "redact", 50)

    async def joined(self, room_id: str) -> frozenset[str]:
        """The user ids joined to a room now.

        Read from the database: what Synapse keeps in memory of it is old where another process's news does not come in.
        """

        def read(txn: LoggingTransaction) -> frozenset[str]:
            txn.execute(
                "SELECT user_id FROM local_current_membership WHERE room_id = ? AND membership = 'join'", (room_id,)
            )
            return frozenset(row[0] for row in txn.fetchall())

        found: frozenset[str] = await self._api.run_db_interaction("belisha_joined", read)
        return found

    async def joined_rooms(self, user_id: str) -> frozenset[str]:
        """The ids of rooms that an account is joined to now, from the database like `joined`."""

        def read(txn: LoggingTransaction) -> frozenset[str]:
            txn.execute(
                "SELECT room_id FROM local_current_membership WHERE user_id = ? AND membership = 'join'", (user_id,)
            )
            return frozenset(row[0] for row in txn.fetchall())

        found: frozenset[str] = await self._api.run_db_interaction("belisha_joined_rooms", read)
        return found

    async def rooms_shared(self, user_id: str, other: str) -> list[str]:
        """The ids of rooms in which one account is joined and the other joined or invited."""

        def read(txn: LoggingTransaction) -> list[str]:
            txn.execute(
                "SELECT one.room_id FROM local_current_membership AS one"
                " JOIN local_current_membership AS other ON other.room_id = one.room_id"
                " WHERE one.user_id = ? AND one.membership = 'join'"
                " AND other.user_id = ? AND other.membership IN ('join', 'invite')",
                (user_id, other),
            )
            return [row[0] for row in txn.fetchall()]

        rooms: list[str] = await self._api.run_db_interaction("belisha_rooms_shared", read)
        return rooms

    async def invited_rooms(self, user_id: str) -> list[str]:
        """The ids of rooms that an account of this server is invited to."""
        invitations = await self._store.get_invited_rooms_for_local_user(user_id)
        return [invitation.room_id for invitation in invitations]

    async def set_membership(
        self, sender: str, target: str, room_id: str, membership: str, reason: str | None = None
    ) -> None:
        """Changes a membership outside the rate limits of the people concerned (the module's own acts)."""
        await self._room_member.update_membership(
            requester=create_requester(sender),
            target=UserID.from_string(target),
            room_id=room_id,
            action=membership,
            ratelimit=False,
            content=None if reason is None else {"reason": reason},
        )

    async def act_as(self, member: str, target: str, room_id: str, action: str) -> None:
        """Changes a membership as that member's client would, within Synapse's limits for it."""
        await self._room_member.update_membership(
            requester=create_requester(member), target=UserID.from_string(target), room_id=room_id, action=action
        )

    async def wait_for_sends(self, room_id: str) -> None:
        """Returns once every send and membership change that has begun in a room, in any process, has ended.

        They hold this lock for reading while they are checked; it must not be held for writing while something is sent.
        """
        async with self._locks.acquire_read_write_lock(NEW_EVENT_DURING_PURGE_LOCK_NAME, room_id, write=True):
            return

    async def try_lock(self, name: str, key: str) -> AbstractAsyncContextManager[None] | None:
        """What one caller in all processes has at a time; None while another has it.

        It is given back at the end of its `async with`, and two minutes after a crash.
        """
        lock: AbstractAsyncContextManager[None] | None = await self._store.try_acquire_lock(name, key)
        return lock

    async def forget_alias(self, alias: str) -> None:
        """Takes an alias away from its room."""
        await self._store.delete_room_alias(RoomAlias.from_string(alias))

    async def register_bot(self, user_id: str) -> None:
        """Makes the account of one of the application service's bots."""
        service = self._store.get_app_service_by_user_id(user_id)
        if service is None:
            raise HookMissing(f"No application service has {user_id}; run `belisha render` again.")
        await self._registration.appservice_register(UserID.from_string(user_id).localpart, service.token)

    async def register(self, localpart: str, display_name: str, password: str | None) -> None:
        """Makes a member's account, with its password where it has one."""
        password_hash = None if password is None else await self._auth_handler.hash(password)
        await self._register_user(localpart=localpart, password_hash=password_hash, default_display_name=display_name)
