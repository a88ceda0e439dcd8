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
from belisha.settings import Settings

CREDENTIALS = "first-manager.json"
MEMBERS = "/_synapse/org.belisha/local/v1/members"
# without the letters and digits that look alike
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def readable_password() -> str:
    """A random password that can be read out and typed: four groups of five, 100 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def has_passwords(settings: Settings | None) -> bool:
    """Whether members have passwords; they have none where they sign in by their organisations."""
    return settings is None or settings.sign_in.method != "oidc"


def new_key(settings: Settings | None) -> str | None:
    """A key for a new member's authenticator app, in base32; None where there is no second factor."""
    if settings is None or settings.sign_in.method != "password+totp":
        return None
    from belisha.policy.factor import new_secret  # its library would stay in memory on every run

    return new_secret()


def shown_key(settings: Settings | None, localpart: str, key: str | None) -> dict[str, str]:
    """What a file of credentials says of such a key: as people type it, and as apps read it from a QR code."""
    if settings is None or key is None:
        return {}
    from belisha.policy.factor import spelled, uri

    return {"key": spelled(key), "otpauth": uri(key, f"@{localpart}:{settings.server_name}", settings.community.name)}


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
        found = _read(path) if _read(path).get("user_id") == user_id else {}
        password = (_text(found, "password") or readable_password()) if has_passwords(community.settings) else None
        key = _text(found, "key").replace(" ", "") or new_key(community.settings)
        more = shown_key(community.settings, wanted.first_manager.localpart, key)
        told = {"user_id": user_id, **({} if password is None else {"password": password}), **more}
        _write(path, {**told, "homeserver": _address(community)})
        await api.put_member(
            wanted.first_manager.localpart,
            wanted.first_manager.name,
            wanted.host.id,
            roles=("manager",),
            password=password,
            factor=key,
        )


async def _has_manager(community: Running) -> bool:
    token = read(community.data, "module_api")
    _, answer = await http_probe.get_json(community.place.homeserver_port, MEMBERS, token)
    members = answer.get("members")
    if not isinstance(members, list):
        raise CommandError("The homeserver does not tell its members.", f"See {community.data / 'logs'}.")
    return any("manager" in member["roles"] for member in members)


def _text(found: dict[str, object], name: str) -> str:
    """What a run which was killed had already written down; empty where it had not."""
    text = found.get(name)
    return text if isinstance(text, str) else ""


def _keep_address(path: Path, community: Running) -> None:
    """Keeps the address in the file true when the port changes."""
    found = _read(path)
    if found and found.get("homeserver") != _address(community):
        _write(path, {**found, "homeserver": _address(community)})


def _address(community: Running) -> str:
    """Where the manager's client signs in."""
    return community.settings.public_url or community.place.homeserver


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, credentials: dict[str, object]) -> None:
    try:
        write_private(path, json.dumps(credentials, indent=2) + "\n")
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}).", "Make the data folder yours.") from None
