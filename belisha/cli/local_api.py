"""The client of the module's local API: for whoever can read the data folder's secret."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import aiohttp

from belisha import secrets
from belisha.audit import Head, Record
from belisha.cli import data_folder
from belisha.cli.errors import CommandError, command
from belisha.revocations import Revocation

BASE = "/_synapse/org.belisha/local/v1"
_EXPORT = "/_synapse/client/org.belisha/v1/export"


@dataclass(frozen=True)
class Organisation:
    """An organisation of the registry."""

    id: str
    name: str
    category: str
    domains: tuple[str, ...]
    standing: str = "active"


@dataclass(frozen=True)
class Member:
    """A member of the registry."""

    user_id: str
    name: str
    organisation: str
    roles: tuple[str, ...]
    service_room: str
    standing: str = "active"


@dataclass(frozen=True)
class Change:
    """What a PUT did: made something new, changed something, or found it as it should be."""

    id: str
    created: bool
    changed: bool


@dataclass(frozen=True)
class UpgradeState:
    """How far the upgrade of a room is: who is in the new one, and who is still to be brought over."""

    room: str
    new_room: str
    done: bool
    members: int
    waiting: int


@dataclass(frozen=True)
class Invitation:
    """A registration token of an organisation; `token` stands here only when it was just made."""

    id: str
    organisation: str
    expires: int
    name: str = ""
    left: int = 0
    holds: bool = True
    token: str = ""
    homeserver: str = ""
    page: str = ""
    """Of the portal, where accounts are made; empty where clients make them."""


@dataclass(frozen=True)
class AuditLog:
    """The chains of the audit log, their heads, and user ids by pseudonym."""

    writers: tuple[str, ...]
    heads: list[Head]
    names: dict[str, str]


class LocalApi:
    """The registry over the local API; use it with `async with`."""

    def __init__(self, homeserver: str, data: Path) -> None:
        try:
            token = secrets.read(data, "module_api")
        except OSError as error:
            raise CommandError(
                f"The secret {error.filename} cannot be read ({error.strerror}).",
                "Run this command as the user who owns the data folder.",
            ) from None
        self._session = aiohttp.ClientSession(
            homeserver, headers={"Authorization": f"Bearer {token}"}, timeout=aiohttp.ClientTimeout(total=60)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def organisations(self) -> list[Organisation]:
        """Every organisation."""
        return [
            Organisation(
                _text(one, "id"),
                _text(one, "name"),
                _text(one, "category"),
                _texts(one, "domains"),
                _text(one, "standing") or "active",
            )
            for one in _objects(await self._ask("GET", "organisations"), "organisations")
        ]

    async def put_organisation(
        self, organisation: str, name: str, category: str, domains: Sequence[str] = ()
    ) -> Change:
        """Makes or changes an organisation."""
        body: dict[str, object] = {"name": name, "category": category, "domains": list(domains)}
        return _change(await self._ask("PUT", f"organisations/{quote(organisation, safe='')}", body), "id")

    async def members(self) -> list[Member]:
        """Every member."""
        return [
            Member(
                _text(one, "user_id"),
                _text(one, "name"),
                _text(one, "organisation"),
                _texts(one, "roles"),
                _text(one, "service_room"),
                _text(one, "standing") or "active",
            )
            for one in _objects(await self._ask("GET", "members"), "members")
        ]

    async def put_member(
        self,
        localpart: str,
        name: str,
        organisation: str,
        roles: Sequence[str] = (),
        password: str | None = None,
        factor: str | None = None,
    ) -> Change:
        """Makes or changes a member; password and second factor (its key, in base32) are used at its making only."""
        body: dict[str, object] = {"name": name, "organisation": organisation, "roles": list(roles)}
        if password is not None:
            body["password"] = password
        if factor is not None:
            body["factor"] = factor
        return _change(await self._ask("PUT", f"members/{quote(localpart, safe='')}", body), "user_id")

    async def rebuild_ledger(self) -> dict[str, int]:
        """Makes the ledger anew out of the events; the counts of `POST ledger/rebuild`."""
        answer = await self._ask("POST", "ledger/rebuild")
        return {key: value for key, value in answer.items() if isinstance(value, int)}

    async def room_policy(self, room: str, wish: Mapping[str, object]) -> dict[str, object]:
        """The rules of a room, after they are changed to what `wish` names of them."""
        path = f"rooms/{quote(room, safe='')}/policy"
        return await self._ask("PUT" if wish else "GET", path, dict(wish) or None)

    async def upgrade_room(self, room: str) -> UpgradeState:
        """Upgrades a group; its members go over in the background."""
        return _upgrade(await self._ask("POST", f"rooms/{quote(room, safe='')}/upgrade"))

    async def room_upgrade(self, room: str) -> UpgradeState:
        """How far the upgrade of a room is."""
        return _upgrade(await self._ask("GET", f"rooms/{quote(room, safe='')}/upgrade"))

    async def set_standing(self, kind: str, name: str, standing: str) -> Change:
        """Makes one of the `members`, `organisations` or `rooms` active, frozen or removed (rooms never)."""
        path = f"standing/{kind}/{quote(name, safe='')}"
        return _change(await self._ask("PUT", path, {"standing": standing}), "id")

    async def withdraw(self, media_id: str) -> Change:
        """Closes a file to everybody, for good."""
        return _change(await self._ask("POST", f"files/{quote(media_id, safe='')}/withdraw", {}), "id")

    async def replay(self, revocations: Sequence[Revocation]) -> dict[str, int]:
        """Ends again what a restore brought back; how much of each sort there was."""
        lines: list[object] = [json.loads(one.line()) for one in revocations]
        ended = (await self._ask("POST", "revocations", {"revocations": lines})).get("ended")
        return {str(what): int(count) for what, count in ended.items()} if isinstance(ended, dict) else {}

    async def audit_log(self) -> AuditLog:
        """Which chains the audit log has, how far each has come, and who is behind its pseudonyms."""
        answer = await self._ask("GET", "audit")
        names = answer.get("names")
        heads = [
            Head(_text(one, "writer"), _number(one, "number"), _text(one, "mac"), _text(one, "seal"))
            for one in _objects(answer, "heads")
        ]
        known = {str(key): str(name) for key, name in names.items()} if isinstance(names, dict) else {}
        return AuditLog(_texts(answer, "writers"), heads, known)

    async def audit_records(self, writer: str) -> list[Record]:
        """Every record of one chain, in its order."""
        found: list[Record] = []
        while True:
            first = found[-1].number + 1 if found else 0
            page = _objects(await self._ask("GET", f"audit/{quote(writer, safe='')}?from={first}"), "records")
            if not page:
                return found
            found += [
                Record(
                    _text(one, "writer"),
                    _number(one, "number"),
                    _number(one, "at"),
                    _text(one, "entry"),
                    _text(one, "mac"),
                )
                for one in page
            ]

    async def audit_forget(self, user_id: str) -> bool:
        """Erases who is behind a pseudonym of the audit log."""
        return (await self._ask("POST", "audit/forget", {"user_id": user_id})).get("changed") is True

    async def invite(self, organisation: str, uses: int, seconds: int, name: str | None) -> Invitation:
        """Makes a registration token; `organisation` of the answer is its name."""
        body: dict[str, object] = {"organisation": organisation, "uses": uses, "seconds": seconds, "name": name}
        return _invitation(await self._ask("POST", "invitations", body))

    async def invitations(self) -> list[Invitation]:
        """Every invitation, without its token."""
        return [_invitation(one) for one in _objects(await self._ask("GET", "invitations"), "invitations")]

    async def uninvite(self, invitation: str) -> None:
        """Ends an invitation."""
        await self._ask("DELETE", f"invitations/{quote(invitation, safe='')}")

    async def set_direct_chats(self, localpart: str, choice: str) -> Change:
        """Sets from whom a member takes direct chats."""
        return _change(await self._ask("PUT", f"direct-chats/{quote(localpart, safe='')}", {"from": choice}), "id")

    async def introduce(self, one: str, other: str) -> Change:
        """Introduces two members to each other."""
        return _change(await self._ask("POST", "introductions", {"one": one, "other": other}), "id")

    async def forget_identities(self, localpart: str) -> Change:
        """Has a member's account be taken by the next identity that its organisation's provider calls so."""
        return _change(await self._ask("DELETE", f"identities/{quote(localpart, safe='')}"), "id")

    async def holds(self) -> list[dict[str, object]]:
        """Every legal hold that is in force or waits for a second person, as its row says."""
        return _objects(await self._ask("GET", "holds"), "holds")

    async def open_hold(self, hold: str, after: tuple[str, str, int] | None) -> list[list[object]]:
        """The next of what a hold keeps: kind, id, part, and what is sealed; none behind the last.

        Raises:
            CommandError: two have not agreed to it within a day.
        """
        body: dict[str, object] = {"after": None if after is None else list(after)}
        found = (await self._ask("POST", f"holds/{quote(hold, safe='')}", body)).get("rows")
        return [row for row in found if isinstance(row, list)] if isinstance(found, list) else []

    async def export(self, localpart: str) -> AsyncIterator[bytes]:
        """The copy of what is held about a member who cannot sign in, piece by piece."""
        link = _text(await self._ask("POST", f"exports/{localpart}"), "link")
        try:
            async with self._session.get(f"{_EXPORT}/{link}", raise_for_status=True) as response:
                async for piece in response.content.iter_chunked(1 << 16):
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            said = f"The copy did not arrive ({error or type(error).__name__})."
            raise CommandError(said, "Run the command again.") from None

    async def server_name(self) -> str:
        """The community's name in addresses."""
        return _text(await self._ask("GET", "status"), "server_name")

    async def health(self) -> dict[str, list[str]]:
        """What does not work now, a sentence each, by what it is about."""
        checks = (await self._ask("GET", "health")).get("checks")
        found = checks if isinstance(checks, dict) else {}
        return {str(name): [str(one) for one in some] for name, some in found.items() if isinstance(some, list)}

    async def pending(self) -> int:
        """How many members' rooms are still being looked through in the background."""
        found = (await self._ask("GET", "status")).get("reviews")
        return found if isinstance(found, int) else 0

    async def _ask(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        try:
            async with self._session.request(method, f"{BASE}/{path}", json=body) as response:
                answer = await response.json(content_type=None)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CommandError(
                f"The homeserver gave no proper answer ({error or type(error).__name__}).",
                "The reason is in DATA/logs/synapse.log.",
            ) from None
        if not isinstance(answer, dict):
            answer = {}
        if status >= 400:
            said = answer.get("error")
            raise CommandError(str(said) if said else f"The homeserver answered {status}.")
        return answer


def of(data: Path) -> LocalApi:
    """The local API of the community that runs in a data folder.

    Raises:
        CommandError: none runs there.
    """
    data = data.expanduser().absolute().resolve()
    run = data_folder.read_run(data)
    homeserver, is_kept = run.get("homeserver"), "service_manager" in run or data_folder.is_locked(data)
    if not is_kept or not isinstance(homeserver, str):
        raise CommandError(f"Nothing runs in {data}.", f"Start it first: {command()} up --data {data}")
    return LocalApi(homeserver, data)


def _objects(answer: dict[str, object], key: str) -> list[dict[str, object]]:
    found = answer.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(answer: dict[str, object], key: str) -> str:
    found = answer.get(key)
    return found if isinstance(found, str) else ""


def _texts(answer: dict[str, object], key: str) -> tuple[str, ...]:
    found = answer.get(key)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _invitation(answer: dict[str, object]) -> Invitation:
    return Invitation(
        _text(answer, "id"),
        _text(answer, "organisation"),
        _number(answer, "expires"),
        _text(answer, "name"),
        _number(answer, "left"),
        answer.get("holds") is not False,
        _text(answer, "token"),
        _text(answer, "homeserver"),
        _text(answer, "page"),
    )


def _number(answer: dict[str, object], key: str) -> int:
    found = answer.get(key)
    return found if isinstance(found, int) else 0


def _upgrade(answer: dict[str, object]) -> UpgradeState:
    return UpgradeState(
        _text(answer, "room_id"),
        _text(answer, "new_room_id"),
        answer.get("done") is True,
        _number(answer, "members"),
        _number(answer, "waiting"),
    )


def _change(answer: dict[str, object], key: str) -> Change:
    return Change(_text(answer, key), answer.get("created") is True, answer.get("changed") is True)
