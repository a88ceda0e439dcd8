"""The one module that Synapse loads; sole owner of the callbacks.

Each callback turns Synapse's values into the core's, asks the core, and answers.

Where anything here fails, the answer is no (rule X1): Synapse would allow some things when a callback raises.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Literal

from synapse.events import EventBase
from synapse.media._base import FileInfo
from synapse.media.media_storage import ReadableFileWrapper
from synapse.module_api import NOT_SPAM, ModuleApi, StateMap
from synapse.module_api.errors import ConfigError, SynapseError
from synapse.synapse_rust.types import Requester

from belisha.markers import MarkerReader
from belisha.policy.archived import ARCHIVED
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.frozen import FROZEN_GROUP
from belisha.policy.profile import decide_profile_field
from belisha.policy.state import GROUPS, Surroundings, decide_address
from belisha.policy.types import CONTENT, RELABEL
from synapse_modules import api as http
from synapse_modules import audit_heads, audit_open, exports, guards, journal, metrics, recovery, reports, retention
from synapse_modules.alive import tell_systemd
from synapse_modules.around import Around
from synapse_modules.audit import Audit
from synapse_modules.audit_heads import AuditHeads
from synapse_modules.audit_open import OpenActs
from synapse_modules.channels import Channels
from synapse_modules.config import Config
from synapse_modules.copies import Copies
from synapse_modules.degraded_notice import DegradedNotice
from synapse_modules.deliveries import Deliveries
from synapse_modules.departed import Departed
from synapse_modules.doors import Doors
from synapse_modules.downloads import Downloads
from synapse_modules.event_check import EventCheck
from synapse_modules.exports import Exports
from synapse_modules.file_rows import FileRows
from synapse_modules.files import Files
from synapse_modules.group_places import GroupPlaces
from synapse_modules.holds import Holds
from synapse_modules.hooks import Hooks
from synapse_modules.inspection import Inspection
from synapse_modules.journal import Journal
from synapse_modules.ledger import Ledger
from synapse_modules.making import Makings
from synapse_modules.media import Media
from synapse_modules.moderation import Moderation
from synapse_modules.mutes import Mutes
from synapse_modules.notice import UPLOAD, Notices
from synapse_modules.own_events import OwnEvents
from synapse_modules.parts import Parts
from synapse_modules.policies import Policies
from synapse_modules.portraits import Portraits
from synapse_modules.readers import Readers
from synapse_modules.recovery import Recoveries
from synapse_modules.redactions import Redactions
from synapse_modules.refusal import FAILURES, Asked, asked, or_no, raise_if_refused, refused, where
from synapse_modules.registration import Registrations
from synapse_modules.registry import Registry
from synapse_modules.relabelling import CATCH_UP_MS, Relabelling
from synapse_modules.reports import Reports
from synapse_modules.retention import Retention
from synapse_modules.rights import Rights
from synapse_modules.rooms import Rooms
from synapse_modules.scan.scanner import Scanner
from synapse_modules.scan_rows import ScanRows
from synapse_modules.schema import migrate
from synapse_modules.screening import alerts, watch
from synapse_modules.screening.screening import Screening
from synapse_modules.sign_in import SignIn
from synapse_modules.snapshot import room_of
from synapse_modules.syslog import Syslog
from synapse_modules.texts import Texts
from synapse_modules.unstorable import refuse_nul
from synapse_modules.upgrade_rows import UpgradeRows
from synapse_modules.upgrades import Upgrades
from synapse_modules.waiting import Waiting
from synapse_modules.words import Words

logger = logging.getLogger(__name__)


class BelishaModule:
    """Enforces the community's rules inside one Synapse process."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        self._config = config
        self._api = api
        self.audit = Audit(api, config.audit_key)
        self.hooks = Hooks(api)
        self.hooks.self_test()
        self.hooks.refuse_what_breaks_synapse()
        self.hooks.keep_no_hosts()
        refuse_nul()
        doors = Doors(api, self.hooks)
        doors.close()
        Departed(api).close()
        Around(api).close()
        self.markers = MarkerReader(config.markings)
        self.about = Surroundings(
            markers=self.markers,
            steward=api.get_qualified_user_id(config.steward),
            portal_origin=config.portal_origin,
            encrypted_named_rooms=config.encrypted_named_rooms,
            recertification_days=config.recertification_days,
        )
        self.registry = Registry(api, api.server_name, self.audit)
        self.ledger = Ledger(api, self.hooks, self.audit)
        self.mutes, self.words = Mutes(self.hooks, self.registry), Words(api)
        self.moderation = Moderation(api, self.hooks, self.registry, self.about.steward)
        own, upgrade_rows, file_rows = OwnEvents(), UpgradeRows(api), FileRows(api, self.audit)
        scan_rows, downloads, scanner = ScanRows(api), Downloads(api), Scanner(config.markings)
        portraits, self.texts = Portraits(api, scanner), Texts(api, scanner)
        self.files = Files(api, self.registry, file_rows, scan_rows, portraits)
        self.inspection = Inspection(api, scan_rows, scanner)
        screening = Screening(api, config.screening, self.audit, config.audit_key)
        self.media = Media(
            api, self.registry, file_rows, downloads, self.audit, screening, self.inspection, portraits, self.texts
        )
        self.copies = Copies(api, self.registry, file_rows, downloads, self.audit, self.media, scanner)
        self.relabelling = Relabelling(
            api, self.hooks, self.ledger, self.about, config.badge, own, self.files, self.words
        )
        self.rooms = Rooms(api, self.hooks, self.registry, self.about, config.community_name, own, self.files)
        hooks, registry, rooms, steward = self.hooks, self.registry, self.rooms, self.about.steward
        self.rights = Rights(api, registry, rooms, steward, hooks.set_membership, upgrade_rows, config.sign_in)
        self.policies = Policies(api, self.hooks, self.registry, self.rooms, self.rights, own, upgrade_rows, self.audit)
        self.upgrades = Upgrades(api, hooks, registry, rooms, self.rights, self.policies, own, upgrade_rows)
        sign_in = SignIn(api, config.sign_in, self.audit)
        self.registrations = Registrations(api, self.registry, self.rights, sign_in, config.portal_origin)
        redactions = Redactions(api, self.hooks, self.ledger, own, self.about.steward)
        self.retention = Retention(api, file_rows, redactions, config.retention, config.unshared_days)
        self.journal = Journal(
            api, self.hooks, self.registry, file_rows, redactions, self.relabelling, self.rights, config.revocations
        )
        self.makings, self.places = Makings(api, hooks, registry, rooms, upgrade_rows), GroupPlaces(api, hooks, rooms)
        self.reports = Reports(api, self.hooks, self.registry, self.rooms, self.markers)
        self.waiting, self.notices = Waiting(api, hooks, registry, rooms), Notices(api, registry, steward)
        self.recoveries = Recoveries(api, self.hooks, self.registry, self.rooms, self.audit, sign_in)
        self.alerts, self.watch = alerts.Alerts(api, self.rooms), watch.Watch(api, screening, self.rooms)
        self.exports, self.open_acts = Exports(api, registry, self.audit), OpenActs(api, self.audit, rooms)
        self.holds = Holds(api, hooks, registry, rooms, self.audit, config.hold_key)
        self.syslog = Syslog(api, config.syslog, self.audit, self.registry, sign_in, self.rooms)
        parts = Parts(
            api,
            self.about,
            self.hooks,
            own,
            self.registry,
            self.ledger,
            self.relabelling,
            self.rooms,
            self.rights,
            self.policies,
            self.upgrades,
            self.registrations,
            Readers(api, self.hooks, self.registry, self.ledger),
            self.files,
            self.media,
            self.copies,
            self.journal,
            self.audit,
            self.moderation,
            self.makings,
            self.reports,
            self.waiting,
            self.recoveries,
            self.watch,
            self.open_acts,
            self.exports,
            sign_in,
            self.syslog,
            self.holds,
        )
        self.check = EventCheck(config, parts)
        self.channels = Channels(api, self.registry, self.markers, config.push_gateways)
        self.degraded = guards.fit(
            (
                *self.hooks.guards(self._check_profile, self._check_alias),
                *doors.guards(),
                *self.channels.guards(),
                *self.media.guards(),
                self.upgrades.guard(self._upgrade),
                self.registrations.guard(),
            ),
            strict=config.strict_hooks,
        )
        metrics.degraded(len(self.degraded))
        metrics.disks(config.audit_heads.parent, self.media.folder)
        self.degraded_notice = DegradedNotice(api, self.rooms, self.degraded)
        api.register_third_party_rules_callbacks(
            check_event_allowed=self.check_event_allowed,
            on_create_room=self.on_create_room,
            check_visibility_can_be_modified=self.check_visibility_can_be_modified,
            check_threepid_can_be_invited=self.check_threepid_can_be_invited,
            # Called once in every process; one of them acts.
            on_new_event=self.on_new_event if api.should_run_background_tasks() else None,
        )
        api.register_spam_checker_callbacks(check_media_file_for_spam=self.check_media_file_for_spam)
        self.hooks.before_storing(self._before_storing)
        self.media.start(self.holds.files)
        sign_in.start()
        tell_systemd(api)
        self.audit.start()
        self.syslog.start()
        self.deliveries, self.audit_heads = Deliveries(api), AuditHeads(api, self.audit, rooms, config.audit_heads)
        self.deliveries.fit()
        http.register(parts, self.check, config, self.degraded, self.deliveries)
        if api.should_run_background_tasks():
            self.channels.start()
            api.delayed_background_call(0, self._start, desc="belisha_start")

    @staticmethod
    def parse_config(raw: dict[str, Any]) -> Config:
        """Reads the module's configuration; Synapse does not start where it is broken."""
        try:
            return Config(raw)
        except (KeyError, TypeError, OSError) as error:
            raise ConfigError(f"Belisha's configuration is broken ({error}); run `belisha render` again") from None
        except ValueError as error:  # a file beside it, and it says which
            raise ConfigError(f"Belisha cannot start: {error}") from None

    async def _start(self) -> None:
        """Makes tables and rooms; tries again until it works, and nothing is accepted before the tables are there."""
        wait = 1.0
        while not self.rooms.ready:
            try:
                await migrate(self._api)
                if self.deliveries.sends:
                    await self.deliveries.write()
                await self.policies.resume()
                await self.upgrades.resume()
                await self.rooms.found()
                self._api.looping_background_call(self._catch_up, CATCH_UP_MS, desc="belisha_catch_up")
                self._api.looping_background_call(self.journal.write, journal.EVERY_MS, desc="belisha_journal")
                self._api.looping_background_call(self.audit_heads.keep, audit_heads.EVERY_MS, desc="belisha_heads")
                for every, work, name in (
                    (reports.EVERY_MS, self.reports.catch_up, "belisha_reports"),
                    (recovery.EVERY_MS, self.recoveries.catch_up, "belisha_recovery"),
                    (alerts.EVERY_MS, self.alerts.catch_up, "belisha_alerts"),
                    (audit_open.EVERY_MS, self.open_acts.tell, "belisha_open_acts"),
                    (watch.EVERY_MS, self.watch.catch_up, "belisha_watch"),
                    (exports.EVERY_MS, self.exports.catch_up, "belisha_exports"),
                    (self.holds.every_ms, self.holds.catch_up, "belisha_holds"),
                ):
                    self._api.looping_background_call(self._do, every, work, desc=name)
                self._api.looping_background_call(self.retention.run, retention.EVERY_MS, desc="belisha_retention")
                await self._catch_up()
                await self.rights.look_through()
                await self.upgrades.look_through()
                await self.retention.run()
                await self._do(self.places.look_through)
                await self._do(self.recoveries.tell_of_term)
            except FAILURES as error:
                logger.error("Belisha cannot start yet, trying again in %d s: %s", wait, where(error))
                await self._api.sleep(wait)
                wait = min(2 * wait, 30.0)

    async def _catch_up(self) -> None:
        await self._do(self.relabelling.catch_up, self._follow_member)
        await self._do(self.words.merge)
        await self._do(self.files.catch_up)
        await self._do(self.policies.resume)
        await self._do(self.upgrades.catch_up)
        await self._do(self.moderation.catch_up)
        await self._do(self.makings.resume)
        await self._do(self.waiting.catch_up)
        await self._do(self.places.catch_up)
        await self._do(self.degraded_notice.tell)

    async def _do(self, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Does what follows from an event; where it fails, `catch_up` tries again."""
        try:
            await work(*arguments)
        except FAILURES as error:
            logger.error("Could not follow up, trying again soon: %s", where(error))

    # --- Callbacks ---------------------------------------------------------------------------------------------

    async def check_event_allowed(
        self, event: EventBase, state: StateMap[EventBase]
    ) -> tuple[bool, dict[str, Any] | None]:
        """Labels, allows or refuses one event (rules L1 to L4, R1 to R5, M1)."""
        before = asked.set(Asked(event.sender, event.room_id, event.type))
        try:
            with metrics.deciding(event.type):
                return await or_no(self.check.check, event, state)
        except SynapseError as error:
            self._tell(event.sender, event, error)
            raise
        finally:
            asked.reset(before)

    async def on_create_room(self, requester: Requester, config: dict[str, Any], _is_admin: bool) -> None:
        """Turns a request for a room into what the rules make of it (rule R1)."""
        if self.upgrades.makes(config):
            return
        try:
            with metrics.deciding(None):
                await or_no(self.rooms.plan_creation, requester, config)
        except SynapseError as error:
            self._tell(requester.user.to_string(), None, error)
            raise

    async def check_visibility_can_be_modified(
        self, _room_id: str, state: StateMap[EventBase], visibility: str
    ) -> bool:
        """Whether a room may be listed in the directory that members see."""
        try:
            room = room_of(state)
            # While a room is being made it has no policy yet; its plan has settled the visibility.
            is_new = room is None and not state
            is_closed = room is not None and (room.frozen or room.replaced or room.archived)
            return not is_closed and (visibility != "public" or is_new or (room is not None and room.kind in GROUPS))
        except FAILURES as error:
            logger.error("Could not decide about a room's visibility: %s", where(error))
            return False

    async def check_threepid_can_be_invited(self, _medium: str, _address: str, _state: StateMap[EventBase]) -> bool:
        """Nobody is invited by mail address: an invitation goes to an account (rule M1)."""
        return False

    async def check_media_file_for_spam(self, file: ReadableFileWrapper, info: FileInfo) -> Literal["NOT_SPAM"]:
        """Looks at every file as it is uploaded: without that, nobody can share it (rule F1)."""
        try:
            await or_no(self.media.arrived, file, info)
        except SynapseError as error:
            if (uploader := asked.get().user_id) is not None:
                self._tell(uploader, None, error, what=UPLOAD)
            raise
        return NOT_SPAM

    async def _before_storing(self, event: EventBase) -> None:
        await or_no(self.files.share, event)

    async def on_new_event(self, event: EventBase, _state: StateMap[EventBase]) -> None:
        """Lets a bot into a room that it was just invited to, and follows acts that change labels and memberships.

        What a crash loses is caught up at the next start.
        """
        if event.type in CONTENT or event.type in (RELABEL, "m.room.redaction"):
            self._api.run_as_background_process("belisha_follow", self._do, self.relabelling.follow, event)
        if self.places.concerns(event):
            self._api.run_as_background_process("belisha_place", self._do, self.places.follow, event.room_id)
        if event.type == "m.room.member" and event.content.get("membership") in ("leave", "ban"):
            user_id, room_id = str(event.state_key), event.room_id
            self._api.run_as_background_process("belisha_left", self._do, self.upgrades.has_left, user_id, room_id)
        elif event.type == "m.room.member":
            self._api.run_as_background_process("belisha_follow_member", self._do, self._follow_member, event)

    async def _follow_member(self, event: EventBase) -> None:
        if not (await self.registry.person(str(event.state_key))).is_bot:
            await self.rights.follow(event)
        elif event.content.get("membership") == "invite":
            await self.rooms.join_bot(str(event.state_key), event.room_id)

    async def _check_profile(self, user_id: str, field: str, value: object) -> None:
        async def check() -> None:
            raise_if_refused(decide_profile_field(field, value, self.markers))
            if field == "avatar_url":
                await self.files.make_avatar(user_id, value)

        await or_no(check)

    async def _check_alias(self, alias: str, room_id: str, user_id: str) -> None:
        async def check() -> None:
            # To who is not in the room its kind is not told; Synapse refuses them the address.
            is_in = user_id in await self.hooks.joined(room_id)
            room = room_of(await self._api.get_room_state(room_id, [(POLICY_TYPE, "")])) if is_in else None
            if room is not None and room.frozen:
                raise refused(FROZEN_GROUP)
            if room is not None:
                await self.mutes.check_act(user_id, room_id, room.kind)
            if room is not None and room.archived:
                raise refused(ARCHIVED)
            raise_if_refused(decide_address(room, alias, self.about))

        await or_no(check)

    async def _upgrade(self, user_id: str, room_id: str, version: object) -> str:
        """Upgrades a room by the client's own button (rule R1)."""
        try:
            return await or_no(self.upgrades.ask, user_id, room_id, version)
        except SynapseError as error:
            self._tell(user_id, None, error)
            raise

    def _tell(self, user_id: str, event: EventBase | None, error: SynapseError, what: str | None = None) -> None:
        """Has a member told of a refusal, without waiting for that."""
        if error.code == HTTPStatus.FORBIDDEN and user_id != self.about.steward:
            self._api.run_as_background_process("belisha_notice", self.notices.tell, user_id, event, error, what)
