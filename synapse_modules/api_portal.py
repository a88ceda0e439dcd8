"""The portal's API: what it may show a member, decided anew for each page (rule P2).

The portal's credential opens nothing by itself: every answer is what the member named could see in a client now.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from synapse.event_auth import get_user_power_level
from synapse.http.site import SynapseRequest
from synapse.module_api import LoggingTransaction, parse_json_object_from_request
from synapse.module_api.errors import SynapseError

from belisha.policy.people import Person
from belisha.policy.rooms import to_state
from synapse_modules.api_items import ItemHandlers
from synapse_modules.api_names import Names
from synapse_modules.api_people import AboutPeople
from synapse_modules.api_reports import ReportAnswers
from synapse_modules.api_resource import Handler
from synapse_modules.api_sign_in import SignInHandlers
from synapse_modules.composer import Composer
from synapse_modules.directory import Directory, addresses_in
from synapse_modules.documents import Documents
from synapse_modules.home import Home
from synapse_modules.message_search import MessageSearch
from synapse_modules.pads import Pads
from synapse_modules.parts import Parts
from synapse_modules.polls import Polls
from synapse_modules.posts import Posts
from synapse_modules.refusal import malformed, not_found
from synapse_modules.shown_organisations import ShownOrganisations
from synapse_modules.snapshot import POWER_STATE

#: How many items and how many rooms one question may name.
AT_MOST: Final = 200
#: The longest password, in characters, as Synapse has it.
LONGEST: Final = 512
_NO: Final[Mapping[str, Any]] = {"may_read": False}


class PortalHandlers:
    """Handlers of a `Resource`, on behalf of a member."""

    def __init__(self, parts: Parts, secret: str, items: ItemHandlers) -> None:
        self._parts, self._api = parts, parts.api
        self._readers = parts.readers
        self._registry = parts.registry
        self._home = Home(parts.api, parts.hooks, parts.registry)
        self._about = AboutPeople(parts.api, parts.registry)
        self._names = Names(parts.registry)
        self._media, self._copies = parts.media, parts.copies
        self._reports = ReportAnswers(parts)
        self._recoveries = parts.recoveries
        self._polls = Polls(parts)
        self._introductions = parts.introductions
        self._search = MessageSearch(parts)
        self._exports = parts.exports
        self._directory = Directory(parts.api, parts.registry)
        self._documents = Documents(parts.api, parts.readers, parts.registry)
        self._posts = Posts(parts)
        self._composer = Composer(parts, items)
        self._shown = ShownOrganisations(parts.api, parts.registry)
        self._pads = Pads(parts)
        self._secret = secret.encode()

    def handlers(self) -> dict[str, Handler]:
        """The handlers by method and address."""
        return {
            **SignInHandlers(self._parts, self._check_credential, self._asked_for).handlers(),
            "POST decide_batch": self.decide_batch,
            "POST home": self.home,
            "POST sent": self.sent,
            "GET media": self.media,
            "POST reports": self.reports,
            "POST report": self.report,
            "POST poll": self.poll,
            "POST directory": self.directory,
            "POST ballot": self.ballot,
            "POST introductions": self.introductions,
            "POST messages": self.messages,
            "POST documents": self.documents,
            "POST document": self.document,
            "POST exports": self.exports,
            "POST export_link": self.export_link,
            "POST blog": self.blog,
            "POST post": self.post,
            "POST composer": self.composer,
            "POST shown_organisations": self.shown_organisations,
            "POST pad": self.pad,
        }

    async def decide_batch(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST decide_batch` with `user_id`, `items` (each `room_id`, `event_id`) and `rooms`: what may be shown.

        With `named` and `organisations` it is asked for names, too (see `api_names`).

        Answers are in the order of the questions. What is not there and what is not for the member are the same.
        """
        person, body = await self._asked_for(request)
        user_id, items, rooms = person.user_id, _list(body, "items"), _list(body, "rooms")
        decided = [await self._item(user_id, item) for item in items]
        labels = [label for label, _ in decided if label is not None]
        return {
            "member": {
                **await self._about.of(person),
                "recovered_at": await self._recoveries.since(person.localpart),
            },
            "items": [answer for _, answer in decided],
            "rooms": [await self._room(user_id, room_id) for room_id in rooms],
            "label": str(max(labels)) if labels else None,
            **await self._names.of(person, body),
        }

    async def home(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST home` with `user_id`: the member's groups, invitations, who asks to be let in, and who is new."""
        person, _ = await self._asked_for(request)
        return {"member": await self._about.of(person), **await self._home.of(person.user_id)}

    async def sent(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST sent` with `user_id`, `room_id`, `event_id`: whether that member sent that, and it stands (rule P3)."""
        person, body = await self._asked_for(request)
        room_id, event_id = body.get("room_id"), body.get("event_id")
        if not isinstance(room_id, str) or not isinstance(event_id, str):
            raise malformed("`room_id` and `event_id` name what was sent.")
        if "\0" in room_id + event_id or not person.belongs:
            return {"sent": False}
        return {"sent": await self._api.run_db_interaction("belisha_sent", _stands, person.user_id, room_id, event_id)}

    async def shown_organisations(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST shown_organisations` with `user_id`: which organisations stand in the figures by name, for managers."""
        person, _ = await self._asked_for(request)
        return await self._shown.of(person)

    async def reports(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST reports` with `user_id`: the reports that a steward or manager looks after."""
        person, _ = await self._asked_for(request)
        return await self._reports.all(person)

    async def report(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST report` with `user_id`, `number`, `look`: one of them; what was reported is shown to two stewards."""
        person, body = await self._asked_for(request)
        return await self._reports.one(person, body.get("number"), look=body.get("look") is True)

    async def poll(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST poll` with `user_id`, `room_id`, `event_id`: a poll with its votes, for its maker and for stewards."""
        person, body = await self._asked_for(request)
        return await self._polls.exported(person, body.get("room_id"), body.get("event_id"))

    async def directory(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST directory` with `user_id` and `about`, a list of addresses: by what profiles may be shown to them."""
        person, body = await self._asked_for(request)
        return await self._directory.of(person, addresses_in(body.get("about")))

    async def ballot(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST ballot` with `user_id`, `room_id`, `event_id`: an anonymous poll, and whether the member may vote."""
        person, body = await self._asked_for(request)
        return await self._polls.ballot(person, body.get("room_id"), body.get("event_id"))

    async def introductions(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST introductions` with `user_id`: the introductions that wait for that member's answer."""
        person, _ = await self._asked_for(request)
        return await self._introductions.of(person)

    async def messages(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST messages` with `user_id`, `words`: the newest messages of the member's groups that have them."""
        person, body = await self._asked_for(request)
        return await self._search.of(person, body.get("words"))

    async def documents(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST documents` with `user_id`, `words`, `room_id`, `page`, `excerpts`: files of their groups that fit."""
        person, body = await self._asked_for(request)
        words, room_id, page = body.get("words", ""), body.get("room_id"), body.get("page", 1)
        excerpts, is_place = body.get("excerpts", 0), room_id is None or isinstance(room_id, str)
        are_numbers = isinstance(page, int) and isinstance(excerpts, int)
        if not isinstance(words, str) or not is_place or not are_numbers or len(words) > LONGEST:
            raise malformed("`words` is a text, `room_id` names a group, `page` and `excerpts` are numbers.")
        return await self._documents.found(person, words, room_id, page, excerpts=excerpts)

    async def document(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST document` with `user_id`, `room_id`, `event_id`: one of them, with its versions and who has it."""
        person, body = await self._asked_for(request)
        room_id, event_id = body.get("room_id"), body.get("event_id")
        if not isinstance(room_id, str) or not isinstance(event_id, str):
            raise malformed("`room_id` and `event_id` name a file that was shared.")
        found = await self._documents.one(person, room_id, event_id)
        if found is None:
            raise not_found()
        return found

    async def exports(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST exports` with `user_id`: the copies that were made of what is held about that member."""
        person, _ = await self._asked_for(request)
        return await self._exports.of(person)

    async def export_link(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST export_link` with `user_id`, `id`: a link by which that member takes a copy, once, within a minute."""
        person, body = await self._asked_for(request)
        return await self._exports.link(person, body.get("id"))

    async def blog(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST blog` with `user_id` and `items`: the blogs that a member reads, and those posts as lists show them."""
        person, body = await self._asked_for(request)
        return await self._posts.blog(person, body.get("items"))

    async def post(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST post` with `user_id`, `room_id`, `event_id`, `page`: one post, with a page of its comments."""
        person, body = await self._asked_for(request)
        return await self._posts.post(person, body.get("room_id"), body.get("event_id"), body.get("page", 1))

    async def composer(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST composer` with `user_id`, `room_id`, `answers`, `content`: what a member may write in a group."""
        person, body = await self._asked_for(request)
        return await self._composer.of(person, body)

    async def pad(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST pad` with `room_id`, `event_id`, `user_ids`: what each of them may do with a pad at this moment."""
        self._check_credential(request)
        return await self._pads.of(parse_json_object_from_request(request))

    async def media(self, request: SynapseRequest, path: list[str]) -> None:
        """`GET media/{id}?user_id=`: a file, where the member may open it now; answered in the process that has it.

        With `stamped=1` it is a copy that carries its label, with `preview=1` a small picture of how it begins.

        Raises:
            SynapseError: 404, the same for what is not there and what is not theirs; 403 where it has copies only.
        """
        self._check_credential(request)
        given: list[bytes] = (request.args or {}).get(b"user_id", [b""])
        person = await self._member(given[0].decode("utf-8", "replace"))
        if len(path) != 1 or "\0" in path[0]:
            raise not_found()
        asked = request.args or {}
        give = self._copies.give if b"stamped" in asked else self._media.give
        if b"preview" in asked:
            give = self._copies.preview
        await give(request, person.user_id, path[0])

    async def _asked_for(self, request: SynapseRequest) -> tuple[Person, dict[str, Any]]:
        """For whom is asked, and the request's body.

        Raises:
            SynapseError: 403 without the portal's credential, 400 where no member is named.
        """
        self._check_credential(request)
        body = parse_json_object_from_request(request)
        return await self._member(body.get("user_id")), body

    async def _member(self, user_id: object) -> Person:
        if not isinstance(user_id, str) or not user_id.startswith("@"):
            raise malformed("`user_id` names the member for whom this is asked.")
        person = await self._registry.person(user_id)
        if person.is_bot:  # a bot reads what many members wrote to it alone
            raise malformed("`user_id` names a member, not a bot.")
        return person

    async def _item(self, user_id: str, asked: object) -> tuple[Any, dict[str, Any]]:
        room_id, event_id = (asked.get(key) for key in ("room_id", "event_id")) if isinstance(asked, dict) else (0, 0)
        if not isinstance(room_id, str) or not isinstance(event_id, str):
            raise malformed("Each of `items` has a `room_id` and an `event_id`.")
        item = await self._readers.item(user_id, room_id, event_id)
        if item is None:
            return None, dict(_NO)
        known = {"may_read": True, "label": str(item.label), "by": item.by.value, "source": item.source}
        return item.label, known

    async def _room(self, user_id: str, room_id: object) -> dict[str, Any]:
        if not isinstance(room_id, str):
            raise malformed("`rooms` is a list of room ids.")
        room = await self._readers.room(user_id, room_id)
        if room is None:
            return dict(_NO)
        state = await self._api.get_room_state(room_id, POWER_STATE)
        return {"may_read": True, **to_state(room), "power": int(get_user_power_level(user_id, state))}

    def _check_credential(self, request: SynapseRequest) -> None:
        scheme, _, given = (request.getHeader(b"Authorization") or b"").partition(b" ")
        if scheme != b"Bearer" or not self._secret or not hmac.compare_digest(given, self._secret):
            raise SynapseError(HTTPStatus.FORBIDDEN, "This address is for the community's portal.", "M_FORBIDDEN")


def _stands(txn: LoggingTransaction, user_id: str, room_id: str, event_id: str) -> bool:
    txn.execute(
        "SELECT 1 FROM events WHERE event_id = ? AND room_id = ? AND sender = ? AND rejection_reason IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redacts = events.event_id)",
        (event_id, room_id, user_id),
    )
    return txn.fetchone() is not None


def _list(body: dict[str, Any], key: str) -> list[Any]:
    value = body.get(key) or []
    if not isinstance(value, list) or len(value) > AT_MOST:
        raise malformed(f"`{key}` is a list of at most {AT_MOST}.")
    return value
