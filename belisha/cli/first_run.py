"""What the first run makes: the host organisation and the first manager (design decision 15).

Safe to be killed anywhere and done again: the credentials are on the disk before the account exists.
"""

import json
import secrets
from pathlib import Path

from belisha.cli import http_probe
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.cli.supervisor import Running
from belisha.secrets import read, write_private

CREDENTIALS = "first-manager.json"
MEMBERS = "/_synapse/org.belisha/local/v1/members"
# without the letters and digits that look alike
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def readable_password() -> str:
    """A random password that can be read out and typed: four groups of five, 100 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


async def ensure(community: Running, progress: Progress) -> None:
    """Makes the host organisation and the first manager, unless the community has a manager already.

    Raises:
        CommandError: the homeserver's module refuses, with its sentence.
    """
    path = community.data / CREDENTIALS
    if await _has_manager(community):
        _keep_address(path, community)
        return
    from belisha.cli.local_api import LocalApi  # its HTTP client would stay in memory on every run

    async with LocalApi(community.place.homeserver, community.data) as api:
        progress.step("Making the host organisation and the first manager")
        wanted = community.settings.community
        await api.put_organisation(wanted.host.id, wanted.host.name, wanted.host.category)
        user_id = f"@{wanted.first_manager.localpart}:{community.settings.server_name}"
        password = _password(path, user_id) or readable_password()
        _write(path, user_id, password, _address(community))
        await api.put_member(
            wanted.first_manager.localpart,
            wanted.first_manager.name,
            wanted.host.id,
            roles=("manager",),
            password=password,
        )


async def _has_manager(community: Running) -> bool:
    token = read(community.data, "module_api")
    _, answer = await http_probe.get_json(community.place.homeserver_port, MEMBERS, token)
    members = answer.get("members")
    if not isinstance(members, list):
        raise CommandError("The homeserver does not tell its members.", f"See {community.data / 'logs'}.")
    return any("manager" in member["roles"] for member in members)


def _password(path: Path, user_id: str) -> str | None:
    """The password that a run which was killed had already written down."""
    found = _read(path)
    password = found.get("password")
    return password if found.get("user_id") == user_id and isinstance(password, str) and password else None


def _keep_address(path: Path, community: Running) -> None:
    """Keeps the address in the file true when the port changes."""
    found = _read(path)
    if found and found.get("homeserver") != _address(community):
        _write(path, str(found.get("user_id")), str(found.get("password")), _address(community))


def _address(community: Running) -> str:
    """Where the manager's client signs in."""
    return community.settings.public_url or community.place.homeserver


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, user_id: str, password: str, homeserver: str) -> None:
    text = json.dumps({"user_id": user_id, "password": password, "homeserver": homeserver}, indent=2)
    try:
        write_private(path, text + "\n")
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}).", "Make the data folder yours.") from None
