"""What `belisha doctor` sees from outside: it asks the addresses that clients ask, without an account.

Each check gives sentences that say what is wrong and what to do; none where all is well.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp

from belisha.resources import shipped

_APART: Final = 30.0  # seconds between two clocks; signatures and codes live for minutes
_PROXY: Final = "Pass /_matrix and /_synapse/client on, and nothing else: see docs/operators.md, “Several processes”."


@dataclass(frozen=True)
class Outside:
    """Where a community is found.

    Attributes:
        homeserver: its address for clients.
        server_name: the name under which `.well-known` is looked for, where that is not this machine only; else None.
        portal: its address; None where it is not known.
        element: the address of the Element that is served; None where none is.
        by_organisation: whether members sign in by their organisations' providers.
    """

    homeserver: str
    server_name: str | None = None
    portal: str | None = None
    element: str | None = None
    by_organisation: bool = False


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: dict[str, str]
    content: bytes = b""

    @property
    def body(self) -> dict[str, Any]:
        """The object that it is; an empty one where it is something else."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


Ask = Callable[[str], Awaitable[_Answer]]


async def look(where: Outside) -> dict[str, list[str]]:
    """The problems of each check, in the words that a person reads, in the order in which they are told."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout, headers={"Origin": "https://client.invalid"}) as session:

        async def ask(url: str) -> _Answer:
            try:
                async with session.get(url, allow_redirects=False) as answer:
                    headers = {name.lower(): value for name, value in answer.headers.items()}
                    return _Answer(answer.status, headers, await answer.read())
            except (aiohttp.ClientError, TimeoutError, OSError):
                return _Answer(0, {})

        way = "their organisations" if where.by_organisation else "password"
        found = {
            f"clients reach the homeserver, and sign in by {way} alone": await _clients(where, ask),
            "clients are told where it is, and not to encrypt": await _well_known(where, ask),
            "administration and federation are closed": await _closed(where, ask),
        }
        if where.portal:
            found["the portal is reached"] = await _reached(where.portal, ask, "The portal", "portal.public_url")
        if where.element:
            found["Element is reached, speaks to this homeserver and shows labels"] = await _element(where, ask)
        return found


async def _clients(where: Outside, ask: Ask) -> list[str]:
    url = f"{where.homeserver}/_matrix/client/versions"
    versions = await ask(url)
    if versions.status != 200 or "versions" not in versions.body:
        return [f"{url} answers {versions.status or 'not at all'}. Look at the web server in front, and at public_url."]
    problems = _without_cors(versions, url)
    if _apart(versions.headers.get("date", "")) > _APART:
        problems.append(f"Its clock and this one are over {_APART:.0f} s apart. Set both by NTP (timedatectl).")
    flows = (await ask(f"{where.homeserver}/_matrix/client/v3/login")).body.get("flows")
    types = {flow.get("type") for flow in flows if isinstance(flow, dict)} if isinstance(flows, list) else set()
    if where.by_organisation:
        return problems + _by_organisation(types)
    if "m.login.password" not in types:
        problems.append("Nobody can sign in by password. Synapse's configuration is not the rendered one: start again.")
    if "m.login.sso" in types:
        problems.append(
            "Synapse offers single sign-on, which is not of ours. Start it with the rendered configuration."
        )
    return problems


def _by_organisation(types: set[object]) -> list[str]:
    problems = []
    if "m.login.sso" not in types:
        problems.append("Nobody can sign in by an organisation. Start Synapse with the rendered configuration.")
    if "m.login.password" in types:
        problems.append(
            "Synapse takes passwords, a way round the organisations. Start it with the rendered configuration."
        )
    return problems


def _apart(date: str) -> float:
    """The seconds between a server's clock and this one; 0 where it does not tell."""
    try:
        return abs(parsedate_to_datetime(date).timestamp() - time.time())
    except ValueError:
        return 0.0


async def _well_known(where: Outside, ask: Ask) -> list[str]:
    bases = [where.homeserver, *([f"https://{where.server_name}"] if where.server_name else [])]
    problems = []
    for base in bases:
        url = f"{base}/.well-known/matrix/client"
        told = await ask(url)
        if told.status != 200:
            problems.append(f"{url} answers {told.status or 'not at all'}. Serve rendered/well-known/client there.")
            continue
        problems += _without_cors(told, url)
        homeserver = told.body.get("m.homeserver")
        address = homeserver.get("base_url") if isinstance(homeserver, dict) else None
        if str(address).rstrip("/") != where.homeserver:
            problems.append(f"{url} names another homeserver. Serve rendered/well-known/client there.")
        encryption, calls = told.body.get("io.element.e2ee"), told.body.get("io.element.voip")
        if not isinstance(encryption, dict) or encryption.get("default") is not False:
            problems.append(f"{url} does not tell Element not to encrypt. Serve rendered/well-known/client there.")
        if not isinstance(calls, dict) or calls.get("disable_fallback_ice") is not True:
            problems.append(f"{url} lets Element ask matrix.org for calls. Serve rendered/well-known/client there.")
    return problems


async def _closed(where: Outside, ask: Ask) -> list[str]:
    problems = []
    for path in (
        "/_synapse/admin/v1/server_version",
        "/_synapse/metrics",
        "/_matrix/federation/v1/version",
        "/_matrix/key/v2/server",
    ):
        answer = await ask(where.homeserver + path)
        if answer.status == 200:
            problems.append(f"{path} answers everybody. {_PROXY}")
    rooms = await ask(f"{where.homeserver}/_matrix/client/v3/publicRooms")
    if rooms.status == 200:
        problems.append("The list of rooms is told without an account. Start Synapse with the rendered configuration.")
    return problems


async def _reached(url: str, ask: Ask, what: str, setting: str) -> list[str]:
    answer = await ask(url + ("/config.json" if what == "Element" else "/"))
    if answer.status == 200 or (what == "The portal" and answer.status in (302, 303)):
        return []
    return [
        f"{what} answers {answer.status or 'not at all'} at {url}. Look at the web server in front, and at {setting}."
    ]


async def _element(where: Outside, ask: Ask) -> list[str]:
    """Whether it has the settings and the module that were rendered for it, those of this release."""
    url = str(where.element).rstrip("/")
    copy = "Start again where Belisha serves it; else copy rendered/element over it again: see docs/element.md."
    if problems := await _reached(url, ask, "Element", "element.public_url"):
        return problems
    config = (await ask(f"{url}/config.json")).body
    server = config.get("default_server_config")
    homeserver = server.get("m.homeserver") if isinstance(server, dict) else None
    address = homeserver.get("base_url") if isinstance(homeserver, dict) else None
    if str(address).rstrip("/") != where.homeserver:
        problems.append(f"{url}/config.json names another homeserver. {copy}")
    module, modules = f"{url}/belisha/tlp.js", config.get("modules")
    if not isinstance(modules, list) or module not in modules:
        return [*problems, f"{url}/config.json does not name the module that shows labels. {copy}"]
    told = await ask(module)
    if told.status != 200:
        problems.append(f"{module} answers {told.status or 'not at all'}, so that no labels are shown. {copy}")
    elif told.content != shipped("element-config", "module", "built", "tlp.js").read_bytes():
        problems.append(f"{module} is not the one of this release. {copy}")
    return problems


def _without_cors(answer: _Answer, url: str) -> list[str]:
    if answer.headers.get("access-control-allow-origin") == "*":
        return []
    return [f"{url} lacks the header Access-Control-Allow-Origin: *, without which browsers hide it from clients."]
