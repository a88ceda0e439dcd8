"""The client of the module's local API: for whoever can read the data folder's secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import aiohttp

from belisha import secrets
from belisha.cli import data_folder
from belisha.cli.errors import CommandError, command

BASE = "/_synapse/org.belisha/local/v1"


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
    ) -> Change:
        """Makes or changes a member; the password is used at its making only."""
        body: dict[str, object] = {"name": name, "organisation": organisation, "roles": list(roles)}
        if password is not None:
            body["password"] = password
        return _change(await self._ask("PUT", f"members/{quote(localpart, safe='')}", body), "user_id")

    async def rebuild_ledger(self) -> dict[str, int]:
        """Makes the ledger anew out of the events; the counts of `POST ledger/rebuild`."""
        answer = await self._ask("POST", "ledger/rebuild")
        return {key: value for key, value in answer.items() if isinstance(value, int)}

    async def room_policy(self, room: str, wish: Mapping[str, object]) -> dict[str, object]:
        """The rules of a room, after they are changed to what `wish` names of kind, organisations and purpose."""
        path = f"rooms/{quote(room, safe='')}/policy"
        return await self._ask("PUT" if wish else "GET", path, dict(wish) or None)

    async def set_standing(self, kind: str, name: str, standing: str) -> Change:
        """Makes one of the `members` or `organisations` active, frozen or removed."""
        path = f"standing/{kind}/{quote(name, safe='')}"
        return _change(await self._ask("PUT", path, {"standing": standing}), "id")

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
    homeserver = data_folder.read_run(data).get("homeserver")
    if not data_folder.is_locked(data) or not isinstance(homeserver, str):
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


def _change(answer: dict[str, object], key: str) -> Change:
    return Change(_text(answer, key), answer.get("created") is True, answer.get("changed") is True)
