"""A served community's settings and rendered files, for the tests of units, nginx and nftables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyrage
import yaml

from belisha.host import FOLDERS, WEB, File, Folders, Web, files
from belisha.resources import shipped
from belisha.secrets import MAKERS, Secrets
from belisha.settings import Settings, parse

EXAMPLE = shipped("config", "belisha.example.yaml").read_text(encoding="utf-8")
SECRETS = Secrets(as_token="as-1", hs_token="hs-1", pepper="pepper-1")

#: What a served community has to say, by the section that it stands in.
URLS = {
    "": "https://matrix.harbour.test",
    "portal": "https://portal.harbour.test",
    "element": "https://chat.harbour.test",
}

#: Further processes of each kind, as changes of the example.
COUNTS = (
    ("  client: 0\n", "  client: 2\n"),
    ("  sync: 0\n", "  sync: 1\n"),
    ("  persister: 0\n", "  persister: 2\n"),
    ("  media: 0\n", "  media: 1\n"),
)
#: Several processes of the bots, as a change of the example.
REPLICAS = (("  replicas: 1\n", "  replicas: 3\n"),)


def text(*changes: tuple[str, str], urls: dict[str, str] = URLS) -> str:
    """The example's belisha.yaml with a server's addresses and second factor, and with further replacements."""
    text = EXAMPLE.replace("server_name: belisha.localhost", "server_name: harbour.test")
    text = text.replace("method: password\n", "method: password+totp\n")
    for section, url in urls.items():
        before, found, after = text.partition(f"\n{section}:\n" if section else "# The address that members' clients")
        assert found
        text = before + found + after.replace("public_url: null", f"public_url: {url}", 1)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


#: Who can read the backups of a server that has to say what stands below.
BACKUP_KEY = pyrage.x25519.Identity.generate()
BACKUPS = (
    ("  folder: null", "  folder: /mnt/backups"),
    ("  recipient: null", f"  recipient: {BACKUP_KEY.to_public()}"),
)

#: The same, in a bucket.
AWAY = (
    ("  folder: null", "  folder: s3://harbour-backups/belisha"),
    ("  s3_credentials_file: null", "  s3_credentials_file: /etc/belisha/bucket.ini"),
    BACKUPS[1],
)


def settings(*changes: tuple[str, str], urls: dict[str, str] = URLS) -> Settings:
    """The same, read."""
    return parse(text(*changes, urls=urls))


def rendered(
    of: Settings | None = None, port: int = 8008, folders: Folders = FOLDERS, web: Web = WEB
) -> dict[str, File]:
    """The files of a host; each secret's text is its name."""
    return files(of or settings(), SECRETS, {name: name for name in MAKERS}, port, folders, web)


def yaml_of(path: Path) -> Any:
    """A rendered file, read as its service reads it."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def written(folder: Path, **arguments: object) -> Path:
    """The files, put under a folder without their owners."""
    for relative, file in rendered(**arguments).items():  # type: ignore[arg-type]  # passed on as they are
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
    return folder
