"""`belisha render --host`: writes the configuration of a machine whose systemd runs the community."""

import json
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

import yaml

from belisha.cli import data_folder, provider_secrets, restored
from belisha.cli.errors import CommandError
from belisha.host import FURTHER_BOTS, File, Folders, HostError, files
from belisha.replicas import replicas
from belisha.secrets import FOLDER, MAKERS, SecretsError, ensure, read, write_private
from belisha.settings import Settings


def run(folder: Path, config: Path | None, port: int, *, dry_run: bool) -> int:
    """Writes what has changed, and prints the path of each such file.

    Raises:
        CommandError: as `write`, or a restore of this server has not ended.
    """
    folders = Folders(configuration=folder.expanduser().absolute())
    restored.refuse(folders.configuration)
    for path in write(folders, config, port, dry_run=dry_run):
        print(path)
    return 0


def write(
    folders: Folders, config: Path | None, port: int, *, dry_run: bool = False, closed: bool = False
) -> Iterator[Path]:
    """Writes what has changed, and gives the path of each such file.

    Args:
        folders: where things are.
        config: belisha.yaml, where it is not in its place.
        port: the homeserver's.
        dry_run: whether nothing is written.
        closed: whether the homeserver answers no client, as during a restore.

    Raises:
        CommandError: the settings are not those of a served community, or an account is missing.
    """
    path = config or folders.configuration / data_folder.SETTINGS
    if not path.exists():
        raise CommandError(f"{path} is not there.", "Write it first: docs/deploy.md says what has to stand in it.")
    settings = data_folder.read_settings(path)
    _same_server(settings, folders.configuration)
    provider_secrets.check(settings, folders.state / "synapse")
    try:
        wanted = _files(settings, folders, port, dry_run=dry_run, closed=closed)
        for relative, file in wanted.items():
            target = folders.configuration / relative
            if _is(target, file):
                continue
            if not dry_run:
                _write(target, file, folders.configuration)
            yield target
    except (HostError, SecretsError) as error:
        raise CommandError(f"{path}: {error}." if isinstance(error, HostError) else f"{error}.") from None
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written ({error.strerror}).", "Run this as root.") from None


def _files(settings: Settings, folders: Folders, port: int, *, dry_run: bool, closed: bool) -> dict[str, File]:
    home = folders.configuration
    if not dry_run:
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
    elif not all((home / FOLDER / name).exists() for name in MAKERS):
        raise CommandError(f"{home / FOLDER} has no secrets yet.", "Run this once without --dry-run.")
    secrets = ensure(home)
    texts = {name: read(home, name) + "\n" for name in MAKERS}
    wanted = files(settings, secrets, texts, port, folders, closed=closed)
    run = {
        "service_manager": "systemd",
        "synapse": {"configuration": str(home / "synapse"), "state": str(folders.state / "synapse")},
        "homeserver": f"http://127.0.0.1:{port}",
        "portal": f"http://127.0.0.1:{port + 1}",
        "ports": {"homeserver": port, "portal": port + 1, "bots": port + 2, "metrics": port + 3},
        "replicas": [one.port for one in replicas(settings.bots.replicas, port + FURTHER_BOTS).further],
    }
    return wanted | {data_folder.RUN: File(json.dumps(run, indent=2) + "\n")}


def _same_server(settings: Settings, home: Path) -> None:
    try:
        before = yaml.safe_load((home / "synapse" / "homeserver.yaml").read_text(encoding="utf-8"))["server_name"]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return
    if before != settings.server_name:
        raise CommandError(
            f"server_name is {settings.server_name}, but this machine's members are on {before}.",
            f"It can never change: write server_name: {before}.",
        )


def _is(path: Path, file: File) -> bool:
    try:
        found = path.stat()
        return (
            path.read_text(encoding="utf-8") == file.text
            and stat.S_IMODE(found.st_mode) == file.mode
            and found.st_uid == account(file.owner)
        )
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, file: File, home: Path) -> None:
    """Writes a file whole or not at all; nobody else can read it before it has its owner."""
    owner = account(file.owner)
    for folder in reversed([one for one in path.parents if one.is_relative_to(home) and one != home]):
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
            os.chown(folder, owner, -1)
            folder.chmod(0o755 if file.owner is None else 0o700)  # whatever the umask is
    draft = path.with_name(f".{path.name}.new")
    write_private(draft, file.text)
    os.chown(draft, owner, -1)
    draft.chmod(file.mode)
    draft.replace(path)


def account(name: str | None) -> int:
    """The number of a service's account; root's where none is named.

    Raises:
        CommandError: this machine has none.
    """
    if name is None:
        return 0
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise CommandError(
            f"This machine has no account {name}.",
            "Make the services' accounts first: the playbook's role base does, see docs/deploy.md.",
        ) from None
