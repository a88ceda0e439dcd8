"""Asks the module what a member may see, with every page (rule P2), and Synapse whose an OpenID token is."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, overload

import aiohttp
from yarl import URL

from belisha.policy import people
from bots.kernel.bot import Asker, Policy, PollFacts
from bots.kernel.by_form import About
from bots.kernel.listed import Sight, sight_of
from bots.kernel.polled import poll_facts
from bots.portal.asking_blog import BlogQuestions
from bots.portal.asking_figures import FigureQuestions
from bots.portal.asking_pads import PadQuestions
from bots.portal.asking_sign_in import SignInQuestions
from bots.portal.ballot_paper import BallotPaper, read_paper
from bots.portal.homes import Home, Newcomer, Waiting, person_of, room_of, text_of
from bots.portal.message_hits import MessageHits, read_hits
from bots.portal.unavailable import Unavailable

log = logging.getLogger(__name__)

_API: Final = "_synapse/client/org.belisha/v1"
_USERINFO: Final = "_matrix/federation/v1/openid/userinfo"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
#: A copy is made first, which may have to wait for its turn; then it is as long as the line is slow.
_COPYING: Final = aiohttp.ClientTimeout(total=3600, connect=15, sock_read=90)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """An account that may act now."""

    user_id: str
    organisation: str
    roles: tuple[str, ...]
    service_room: str | None = None
    """Their own room with the steward."""
    maintains: bool = False
    """Whether they maintain some group."""
    recovered_at: float = 0.0
    """When the account was last given back by a code, in seconds since 1970: what was allowed before is over."""

    def is_since_recovery(self, moment: float) -> bool:
        """Whether a moment, in seconds since 1970, comes after the account was last given back."""
        return moment > self.recovered_at

    @property
    def asker(self) -> Asker:
        """The same as bots see who asks them for something."""
        person = people.Person(self.user_id, self.organisation, frozenset(self.roles))
        return Asker(person, 0, self.service_room, self.maintains)


class Homeserver:
    """The portal's questions; its credential opens nothing by itself."""

    def __init__(self, address: str, server_name: str, secret: str, session: aiohttp.ClientSession) -> None:
        """Prepares requests.

        Args:
            address: The homeserver's address on this machine.
            server_name: Its name, that of every member's account.
            secret: The portal's credential.
            session: The process's HTTP session.
        """
        self._address = address
        self._server_name = server_name
        self._headers = {"Authorization": f"Bearer {secret}"}
        self._session = session
        self.figures = FigureQuestions(self._ask)
        self.blog = BlogQuestions(self._ask, f"{address}/{_API}", self._headers, session)
        self.sign_in = SignInQuestions(self._post)
        self.pads = PadQuestions(self._ask)

    async def member(self, user_id: str) -> Member | None:
        """The member of that name; None for who may not act.

        Raises:
            Unavailable: It cannot be asked.
        """
        return _member(user_id, await self._ask("decide_batch", {"user_id": user_id}))

    async def has_sent(self, user_id: str, room_id: str, event_id: str) -> bool:
        """Whether this member has sent that event to that room, and it stands (rule P3).

        Raises:
            Unavailable: It cannot be asked.
        """
        answer = await self._ask("sent", {"user_id": user_id, "room_id": room_id, "event_id": event_id})
        return answer.get("sent") is True

    async def may_read(self, user_id: str, room_id: str, event_id: str) -> bool:
        """Whether the member can read an item in that room now (rule P2).

        Raises:
            Unavailable: It cannot be asked.
        """
        items = [{"room_id": room_id, "event_id": event_id}]
        (item,) = _objects(await self._ask("decide_batch", {"user_id": user_id, "items": items}), "items")
        return item.get("may_read") is True

    async def about(self, user_id: str, room_id: str, name: str) -> About | None:
        """What a room is for a member who is in it now; None where they are not, or there is none.

        Raises:
            Unavailable: It cannot be asked.
        """
        (room,) = _objects(await self._ask("decide_batch", {"user_id": user_id, "rooms": [room_id]}), "rooms")
        if room.get("may_read") is not True:
            return None
        policy = Policy(
            kind=str(room.get("kind")),
            default=str(room.get("default")),
            ceiling=str(room.get("ceiling")),
            organisations=tuple(str(one) for one in room.get("organisations") or ()),
            purpose=str(room.get("purpose")),
        )
        power = room.get("power")
        return About(room_id, name, policy, power if isinstance(power, int) else 0)

    async def names(self, user_id: str, addresses: Sequence[str]) -> Sequence[str | None]:
        """The names of members whose addresses somebody has written; None where there is no such member.

        Raises:
            Unavailable: It cannot be asked.
        """
        if not addresses:
            return ()
        answer = await self._ask("decide_batch", {"user_id": user_id, "named": list(addresses)})
        found = answer.get("named")
        if not isinstance(found, list) or len(found) != len(addresses):
            raise Unavailable
        return [one if isinstance(one, str) else None for one in found]

    async def organisations(self, user_id: str) -> Mapping[str, str]:
        """The names of the organisations that the member may choose from, by their ids.

        Raises:
            Unavailable: It cannot be asked.
        """
        answer = await self._ask("decide_batch", {"user_id": user_id, "organisations": True})
        return {str(one.get("id")): str(one.get("name")) for one in _objects(answer, "organisations")}

    async def home(self, user_id: str) -> Home:
        """What the first page of a member shows.

        Raises:
            Unavailable: It cannot be asked.
        """
        answer = await self._ask("home", {"user_id": user_id})
        try:
            return Home(
                groups=tuple(room_of(one) for one in _objects(answer, "groups")),
                invitations=tuple(
                    Waiting(room_of(one), person_of(one["by"])) for one in _objects(answer, "invitations")
                ),
                knocks=tuple(Waiting(room_of(one), person_of(one["from"])) for one in _objects(answer, "knocks")),
                newcomers=tuple(Newcomer(person_of(one), int(one["since"])) for one in _objects(answer, "new_members")),
            )
        except (KeyError, TypeError, ValueError) as error:
            log.error("the module's answer about a first page cannot be read")
            raise Unavailable from error

    async def reports(self, user_id: str) -> Sequence[Json] | None:
        """The reports that the member looks after; None where that is not theirs to do.

        Raises:
            Unavailable: It cannot be asked.
        """
        answer = await self._ask("reports", {"user_id": user_id}, or_none=True)
        return None if answer is None else _objects(answer, "reports")

    async def report(self, user_id: str, number: int, *, look: bool) -> dict[str, Any] | None:
        """One of them, with what was reported where this member has seen it, or asks to; None where they may not.

        Raises:
            Unavailable: It cannot be asked.
        """
        answer = await self._ask("report", {"user_id": user_id, "number": number, "look": look}, or_none=True)
        return None if answer is None else dict(answer)

    async def poll(self, user_id: str, room_id: str, event_id: str) -> PollFacts | None:
        """A poll with its votes, where the member may export it now; None where they may not, or there is none.

        Raises:
            Unavailable: It cannot be asked.
        """
        body = {"user_id": user_id, "room_id": room_id, "event_id": event_id}
        answer = await self._ask("poll", body, or_none=True)
        found = None if answer is None else poll_facts(answer)
        return found if isinstance(found, PollFacts) else None

    async def sight(self, user_id: str, about: Sequence[str] = ()) -> Sight | None:
        """Whom the member may find in the directory now, and how those are listed who are named; None for nobody's.

        Raises:
            Unavailable: It cannot be asked.
        """
        return sight_of(await self._ask("directory", {"user_id": user_id, "about": list(about)}))

    async def ballot(self, user_id: str, room_id: str, event_id: str) -> BallotPaper | None:
        """An anonymous poll, where the member can read it now; None where they cannot, or there is none.

        Raises:
            Unavailable: It cannot be asked.
        """
        body = {"user_id": user_id, "room_id": room_id, "event_id": event_id}
        answer = await self._ask("ballot", body, or_none=True)
        if answer is None:
            return None
        found = read_paper(answer)
        if found is None:
            raise Unavailable
        return found

    async def documents(self, user_id: str, words: str, room_id: str | None, page: int, lines: int) -> Json:
        """The files that the member's groups share now and that have these words; a page, and `lines` of text in it.

        Raises:
            Unavailable: It cannot be asked.
        """
        about = {"words": words, "room_id": room_id, "page": page, "excerpts": lines}
        answer = await self._ask("documents", {"user_id": user_id, **about})
        _objects(answer, "documents")
        return answer

    async def document(self, user_id: str, room_id: str, event_id: str) -> Json | None:
        """One of them with its versions, where the member can read it now; None where they cannot, or there is none.

        Raises:
            Unavailable: It cannot be asked.
        """
        body = {"user_id": user_id, "room_id": room_id, "event_id": event_id}
        answer = await self._ask("document", body, or_none=True)
        if answer is not None:
            _objects(answer, "versions"), _objects(answer, "others"), _objects(answer, "opened")
        return answer

    async def copy(self, user_id: str, media_id: str, made: str = "stamped") -> aiohttp.ClientResponse | None:
        """A copy of a file, or a `preview`, which is still to be read and closed; None where the member may have none.

        Raises:
            Unavailable: It cannot be asked.
        """
        url = URL(f"{self._address}/{_API}/media") / media_id % {"user_id": user_id, made: "1"}
        try:
            response = await self._session.get(url, headers=self._headers, timeout=_COPYING, allow_redirects=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the module gives no copies", extra={"reason": type(error).__name__})
            raise Unavailable from error
        if response.status == HTTPStatus.OK:
            return response
        response.close()
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        raise Unavailable

    async def listed(self, what: str, user_id: str) -> Sequence[Json]:
        """What the module lists for the member: their `introductions` or `exports`. Raises as the others."""
        return _objects(await self._ask(what, {"user_id": user_id}), what)

    async def export_link(self, user_id: str, export_id: str) -> str | None:
        """The address by which the member takes a copy, once; None where there is none. Raises as the others."""
        answer = await self._ask("export_link", {"user_id": user_id, "id": export_id}, or_none=True)
        return None if answer is None else text_of(answer, "address")

    async def messages(self, user_id: str, words: str) -> MessageHits:
        """The newest messages of the member's groups with those words.

        Raises:
            Unavailable: It cannot be asked.
        """
        answer = await self._ask("messages", {"user_id": user_id, "words": words})
        try:
            return read_hits(answer, _objects(answer, "hits"))
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable from error

    async def whose(self, openid_token: str) -> str | None:
        """The account that an OpenID token of our homeserver was made for; None where it is no such token.

        Raises:
            Unavailable: It cannot be asked.
        """
        url = URL(f"{self._address}/{_USERINFO}").with_query(access_token=openid_token)
        try:
            async with self._session.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.warning("Synapse cannot be asked about a token", extra={"reason": type(error).__name__})
            raise Unavailable from error
        sub = answer.get("sub") if response.status == 200 and isinstance(answer, dict) else None
        if response.status >= 500:
            raise Unavailable
        is_ours = isinstance(sub, str) and sub.startswith("@") and sub.partition(":")[2] == self._server_name
        return sub if is_ours else None

    @overload
    async def _ask(self, question: str, body: Json) -> Json: ...

    @overload
    async def _ask(self, question: str, body: Json, *, or_none: bool) -> Json | None: ...

    async def _ask(self, question: str, body: Json, *, or_none: bool = False) -> Json | None:
        """What the module answers; with `or_none`, None where it says that this is not for the member.

        Raises:
            Unavailable: It cannot be asked.
        """
        status, answer = await self._post(question, body)
        refused = str(answer.get("errcode", ""))
        # What cannot be decided at present is no answer (rule X1).
        if or_none and refused.startswith("ORG.BELISHA.") and not refused.endswith("CANNOT_DECIDE"):
            return None
        if status != HTTPStatus.OK:
            log.warning("the module gave no answer", extra={"for": question, "reason": str(status)})
            raise Unavailable
        return answer

    async def _post(self, question: str, body: Json) -> tuple[int, dict[str, Any]]:
        """The status and the object of an answer.

        Raises:
            Unavailable: There is none.
        """
        url = f"{self._address}/{_API}/{question}"
        post = self._session.post(url, json=body, headers=self._headers, timeout=_TIMEOUT, allow_redirects=False)
        try:
            async with post as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.warning("the module cannot be asked", extra={"for": question, "reason": type(error).__name__})
            raise Unavailable from error
        if not isinstance(answer, dict):
            raise Unavailable
        return response.status, answer


def _member(user_id: str, answer: Json) -> Member | None:
    about = answer.get("member")
    if not isinstance(about, dict):
        raise Unavailable
    organisation = about.get("organisation")
    if about.get("belongs") is not True or not isinstance(organisation, str):
        return None
    roles = tuple(str(role) for role in about.get("roles") or ())
    recovered_at = about.get("recovered_at")
    return Member(
        user_id,
        organisation,
        roles,
        text_of(about, "service_room"),
        maintains=about.get("maintains") is True,
        recovered_at=float(recovered_at) if isinstance(recovered_at, int | float) else 0.0,
    )


def _objects(answer: Json, key: str) -> Sequence[Json]:
    value = answer.get(key)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unavailable
    return value
