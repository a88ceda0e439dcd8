"""The module's HTTP resources: the members' API, the local API of the command line, and the closed admin API (M2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synapse.event_auth import get_user_power_level
from synapse.http.site import SynapseRequest
from synapse.module_api import parse_json_object_from_request

from belisha.acts import ACTS
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decide import Claims, decide
from belisha.policy.decision import refuse
from belisha.policy.people import Person
from belisha.policy.rooms import Kind, Room, to_state
from belisha.tlp import ALL_LABELS, Label
from synapse_modules.acts import Acts
from synapse_modules.acts_offboarding import ABOUT
from synapse_modules.announcements import Announcements
from synapse_modules.api_documents import DocumentHandlers
from synapse_modules.api_items import ItemHandlers
from synapse_modules.api_local import LocalApi
from synapse_modules.api_names import NamesOfOutcomes
from synapse_modules.api_people import AboutPeople
from synapse_modules.api_portal import PortalHandlers
from synapse_modules.api_resource import Answer, Resource
from synapse_modules.asked_of import AskedOf
from synapse_modules.audience import audience_of
from synapse_modules.config import Config
from synapse_modules.deliveries import Deliveries
from synapse_modules.digested import AT_MOST as ITEMS_AT_MOST
from synapse_modules.digested import Digested, asked_in
from synapse_modules.directory import Directory
from synapse_modules.doings import Doings
from synapse_modules.doors import admin_closed
from synapse_modules.event_check import EventCheck
from synapse_modules.export_file import ExportFile
from synapse_modules.groups_found import FoundGroups
from synapse_modules.offboarding import Offboarding
from synapse_modules.parts import Parts
from synapse_modules.polls import Polls
from synapse_modules.posts import Posts
from synapse_modules.recertification import Recertification
from synapse_modules.refusal import malformed, not_found, refused
from synapse_modules.snapshot import POWER_STATE, room_of

MEMBER_API: Final = "/_synapse/client/org.belisha/v1"
LOCAL_API: Final = "/_synapse/org.belisha/local/v1"
ADMIN_API: Final = "/_synapse/admin"


def register(
    parts: Parts,
    check: EventCheck,
    config: Config,
    degraded: Mapping[str, str],
    deliveries: Deliveries,
) -> None:
    """Puts the resources into this process's listeners; the command line's into those of the one that does its work."""
    api = parts.api
    api.register_web_resource(MEMBER_API, MemberApi(parts, check, config, deliveries))
    if api.should_run_background_tasks():
        api.register_web_resource(LOCAL_API, LocalApi(parts, config.secret, degraded))
    api.register_web_resource(ADMIN_API, Closed())


class Closed(Resource):
    """Synapse's admin API, closed in every process: privileged acts go through the module, by role (rule M2)."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers = {}

    async def _async_render(self, request: SynapseRequest) -> Answer | None:
        raise admin_closed()


class MemberApi(Resource):
    """What a member, or a bot in its own name, may ask about a room it is in."""

    def __init__(self, parts: Parts, check: EventCheck, config: Config, deliveries: Deliveries) -> None:
        super().__init__()
        self._api = parts.api
        self._hooks = parts.hooks
        self._registry = parts.registry
        self._readers = parts.readers
        self._about = AboutPeople(parts.api, parts.registry)
        self._outcome_names = NamesOfOutcomes(parts.registry, parts.reports)
        self._acts = Acts(parts, check, config.portal_origin)
        self._recertification = Recertification(parts)
        self._offboarding = Offboarding(parts)
        self._announcements = Announcements(parts.api, parts.hooks, parts.registry)
        self._polls = Polls(parts)
        self._posts = Posts(parts)
        self._waiting = parts.waiting
        self._introductions = parts.introductions
        self._exports, self._export_file = parts.exports, ExportFile(parts.api)
        self._directory = Directory(parts.api, parts.registry)
        self._doings = Doings(parts.api, parts.registry)
        waits = AskedOf(parts.api, parts.waiting, parts.introductions, self._recertification, parts.rooms)
        self._digested = Digested(parts.api, parts.hooks, parts.registry, parts.ledger, waits)
        self._published = parts.rights.published
        self._markers = parts.about.markers
        self._found = FoundGroups(parts.api, parts.hooks, parts.registry, parts.rooms)
        items = ItemHandlers(parts, check)
        self.handlers = {
            "GET audience": self._audience,
            "GET policy": self._policy,
            "GET asker": self._asker,
            "GET item": self._item,
            "GET groups": self._groups,
            "GET extent": self._extent,
            "GET unacknowledged": self._unacknowledged,
            "GET poll": self._poll,
            "GET directory": self._who,
            "GET registry": self._listed,
            "GET doings": self._done,
            "GET managers": self._managers,
            "GET blog": self._blog,
            "GET post": self._post,
            "POST profile": self._publish,
            "POST digest": self._digest,
            "POST acts": self._act,
            "POST recertification": self._recertify,
            "POST waiting": self._waits,
            "POST introducing": self._introduces,
            "POST mydata": self._bots_part,
            "GET export": self._export,
            **items.handlers(),
            **DocumentHandlers(parts, self._with_bot).handlers(),
            **PortalHandlers(parts, config.portal_secret, items).handlers(),
            **deliveries.handlers(),
        }

    async def _room_for(self, request: SynapseRequest, room_id: str) -> tuple[Room, frozenset[str]]:
        """The room's policy and who is in it, if the asker is; otherwise the one 404."""
        requester = await self._api.get_user_by_req(request)
        if not room_id.startswith("!") or "\0" in room_id:
            raise not_found()
        joined = await self._hooks.joined(room_id)
        if requester.user.to_string() not in joined:
            raise not_found()
        state = await self._api.get_room_state(room_id, [(POLICY_TYPE, ""), ("m.room.encryption", "")])
        room = room_of(state)
        if room is None:
            raise not_found()
        return room, joined

    async def _asker(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """Who somebody is who wrote to a bot of ours, and what power they have in that room."""
        room_id, _, person = await self._with_bot(request)
        state = await self._api.get_room_state(room_id, POWER_STATE)
        return {**await self._about.of(person), "power": int(get_user_power_level(person.user_id, state))}

    async def _groups(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """The groups that a member may join or ask for, who asks in their own room with a bot: no other reads it."""
        _, room, person = await self._with_bot(request)
        if room.kind is not Kind.SERVICE:
            raise not_found()
        return {"groups": await self._found.of(person)}

    async def _extent(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """How many people and groups an act would concern, for who may ask for it, in their own room with a bot."""
        _, room, person = await self._with_bot(request)
        act = next((one for one in ACTS if one.act == _argument(request, "act") and one.act in ABOUT), None)
        if room.kind is not Kind.SERVICE or act is None:
            raise not_found()
        extent = await self._offboarding.extent(act, person, _argument(request, "about").replace("\0", ""))
        key = "organisation" if act.act == "organisation_offboard" else "member"
        names = await self._outcome_names.beside({}, {key: _argument(request, "about")})
        return {**extent._asdict(), "name": names.get(key)}

    async def _unacknowledged(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """Where a bot reminds those who have not acknowledged an announcement; of any other message there is nobody."""
        await self._bot(request)
        event_id, after = _argument(request, "event_id"), _argument(request, "after")
        found = None if "\0" in event_id else await self._announcements.waiting(event_id, after)
        if found is None:
            raise not_found()
        return found

    async def _poll(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """A poll with its votes and who may vote, as all that is at this moment (rule P2); for bots that are there."""
        bot = await self._bot(request)
        room_id, event_id = _argument(request, "room_id"), _argument(request, "event_id")
        if not room_id.startswith("!") or "\0" in room_id + event_id:
            raise not_found()
        found = None
        if await self._acts.commands.room_with(room_id, bot) is not None:
            found = await self._polls.facts(bot, room_id, event_id)
        if found is None:
            raise not_found()
        return found

    async def _blog(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """The blogs that a member reads, and posts that are named, for who asks in their own room with a bot."""
        _, room, person = await self._with_bot(request)
        if room.kind is not Kind.SERVICE:
            raise not_found()
        named = [one.partition(" ") for one in _argument(request, "items").split(",") if one]
        return await self._posts.blog(person, [{"room_id": room, "event_id": event} for room, _, event in named])

    async def _post(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """A post as it is at this moment, for the index of bots that are there."""
        bot = await self._bot(request)
        room_id, event_id = _argument(request, "room_id"), _argument(request, "event_id")
        found = None
        if room_id.startswith("!") and "\0" not in room_id and await self._acts.commands.room_with(room_id, bot):
            found = await self._posts.facts(bot, room_id, event_id)
        if found is None:
            raise not_found()
        return found

    async def _who(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """By what the directory may answer a member, who asks in their own room with a bot: no other reads it."""
        _, room, person = await self._with_bot(request)
        if room.kind is not Kind.SERVICE:
            raise not_found()
        about = _argument(request, "about")
        return await self._directory.of(person, [about] if about else [])

    async def _listed(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """Who is in the registry, a page of it, for the bots' directory; nobody for who knows this revision."""
        await self._bot(request)
        return await self._directory.registry(_argument(request, "after"), _argument(request, "revision"))

    async def _done(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """What accounts did that no bot can see, without content and without rooms of named people, for the metrics."""
        await self._bot(request)
        if path:
            raise not_found()
        return await self._doings.after(_argument(request, "after"))

    async def _managers(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Where the steward bot talks with each manager who may act now; who they are is not told."""
        await self._bot(request)
        if path:
            raise not_found()
        members = (await self._registry.active_members()).values()
        return {"rooms": sorted(one.service_room for one in members if "manager" in one.roles and one.service_room)}

    async def _publish(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Makes what a member shows the whole community their Matrix profile's fields (rule M3).

        The bots' directory has it from the member; what it says here opens nothing, and is held to R3 like any text
        that everybody reads.
        """
        await self._bot(request)
        body = parse_json_object_from_request(request)
        user_id, fields = body.get("user_id"), body.get("fields")
        person = await self._registry.person(user_id) if isinstance(user_id, str) and user_id[:1] == "@" else None
        if path or not isinstance(fields, dict):
            raise malformed("`user_id` names a member, and `fields` has what they show, by field.")
        if person is None or person.localpart not in await self._registry.members():
            raise not_found()
        return {"fields": await self._published.put(person.user_id, fields, self._markers)}

    async def _digest(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """What a digest may tell a member, who is told in their own room with a bot: no other reads it (rule P2)."""
        bot, body = await self._bot(request), parse_json_object_from_request(request)
        room_id, user_id, asked = body.get("room_id"), body.get("member"), asked_in(body.get("items", []))
        if path or asked is None or not isinstance(room_id, str) or not isinstance(user_id, str):
            raise malformed(f"`room_id` and `member` name a member, and `items` at most {ITEMS_AT_MOST} messages.")
        room, person = await self._member_with(bot, room_id, user_id)
        if room.kind is not Kind.SERVICE:
            raise not_found()
        return await self._digested.of(person, asked)

    async def _with_bot(self, request: SynapseRequest) -> tuple[str, Room, Person]:
        """The room where a bot of ours asks about a member who is there with it, and that member."""
        bot = await self._bot(request)
        room_id, user_id = _argument(request, "room_id"), _argument(request, "member")
        return room_id, *await self._member_with(bot, room_id, user_id)

    async def _member_with(self, bot: str, room_id: str, user_id: str) -> tuple[Room, Person]:
        """The room that a bot names, and the member who is there with it; otherwise the one 404."""
        if not room_id.startswith("!") or "\0" in room_id:
            raise not_found()
        room = await self._acts.commands.room_with(room_id, bot)
        if room is None or user_id not in await self._hooks.joined(room_id):
            raise not_found()
        return room, await self._registry.person(user_id)

    async def _item(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """An item that a member asks a bot about: its label and source, where both of them can read it (rule P2)."""
        bot = await self._bot(request)
        room_id, event_id, user_id = (_argument(request, name) for name in ("room_id", "event_id", "member"))
        if not room_id.startswith("!") or "\0" in room_id + event_id + user_id:
            raise not_found()
        item = None
        if await self._acts.commands.room_with(room_id, bot) is not None:
            item = await self._readers.item(user_id, room_id, event_id)
        if item is None or await self._readers.item(bot, room_id, event_id) is None:
            raise not_found()
        known = await self._about.of(await self._registry.person(item.source))
        is_here = item.source in await self._hooks.joined(room_id)
        return {
            "label": str(item.label),
            "source": item.source,
            "source_room": known["service_room"] if is_here else None,
        }

    async def _bot(self, request: SynapseRequest) -> str:
        """The bot of ours that asks; nobody else may."""
        requester = await self._api.get_user_by_req(request)
        bot = requester.user.to_string()
        if requester.app_service_id is None or not (await self._registry.person(bot)).is_bot:
            raise refused(_NOT_A_BOT)
        return bot

    async def _act(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Carries out a member's command, which a bot hands over (rule P3); nobody but a bot of ours may."""
        bot = await self._bot(request)
        if path:
            raise not_found()
        return await self._acts.carry_out(bot, parse_json_object_from_request(request))

    async def _recertify(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Goes on with recertification, as far as this day allows, and tells a bot what there is to say of it."""
        await self._bot(request)
        if path:
            raise not_found()
        return await self._recertification.turn()

    async def _waits(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Who waits to be let in, with the rooms of those who decide, and what has ended: for a bot to tell."""
        await self._bot(request)
        if path:
            raise not_found()
        return await self._waiting.turn()

    async def _introduces(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Whom to ask whether they want to be introduced, and what has ended: for a bot to tell."""
        await self._bot(request)
        if path:
            raise not_found()
        return await self._introductions.turn()

    async def _bots_part(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """What the bots hold about a member, for a copy that is being made; they are told nothing of the copy."""
        await self._bot(request)
        if path:
            raise not_found()
        return await self._exports.take_bots_part(parse_json_object_from_request(request))

    async def _export(self, request: SynapseRequest, path: list[str]) -> None:
        """`GET export/{link}`: the copy of a link, which a member has from the portal, and which holds once."""
        if len(path) != 1:
            raise not_found()
        await self._export_file.give(request, await self._exports.use(path[0]))

    async def _policy(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        room, _ = await self._room_for(request, path[0] if path else "")
        return {"room_id": path[0], **to_state(room)}

    async def _audience(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """How many people read this room, by organisation; of an open group everyone, who could join."""
        room_id = _argument(request, "room_id")
        room, joined = await self._room_for(request, room_id)
        label = _argument(request, "label")
        asked = Label.parse(label) if label else None
        if label and asked is None:
            raise malformed(f"`label` is one of {ALL_LABELS}.")
        decision = decide(room, "m.room.message", Claims(explicit=asked))
        return {
            "room_id": room_id,
            **await audience_of(self._registry, room, joined),
            # Whoever is in the room reads what it carries, whatever its label; above the ceiling nothing is sent.
            "label": None if decision.label is None else str(decision.label),
            "allowed": decision.allowed,
            "reason": decision.reason,
        }


_NOT_A_BOT: Final = refuse(
    "P3", "NOT_A_BOT", "This address is for the community's bots. Please write the command in a room instead."
)


def _argument(request: SynapseRequest, name: str) -> str:
    given: list[bytes] = (request.args or {}).get(name.encode(), [b""])
    return given[0].decode("utf-8", "replace")
