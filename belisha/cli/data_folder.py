"""The data folder of a community: made on the first run, used by one run at a time."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from belisha.cli.errors import CommandError, command
from belisha.resources import shipped
from belisha.secrets import write_private
from belisha.settings import Settings, SettingsError, load

DEFAULT_PORT = 8008
SETTINGS, LOCK, RUN = "belisha.yaml", "lock", "run.json"


def create(data: Path) -> Path:
    """Makes the folder if it is not there, sees that it can be written, and gives its absolute path.

    Raises:
        CommandError: it cannot be made or written, or a file is in its place.
    """
    data = data.expanduser().absolute()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = data.resolve()
        for folder in ("logs", "media", "rendered"):
            (data / folder).mkdir(mode=0o700, exist_ok=True)
        probe = data / f".probe.{os.getpid()}"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except FileExistsError as error:
        raise CommandError(
            f"{error.filename} is a file where a folder has to be.",
            "Name another folder: --data DIR (make: DATA=DIR).",
        ) from None
    except OSError as error:
        raise CommandError(
            f"The data folder {data} cannot be written ({error.strerror}).",
            "Make it yours, free some space, or name another: --data DIR (make: DATA=DIR).",
        ) from None
    return data


def settings(data: Path) -> Settings:
    """Reads DATA/belisha.yaml, made from the shipped example on the first run.

    Raises:
        CommandError: it has mistakes, or names another server than the one whose members are in the database.
    """
    path = data / SETTINGS
    if not path.exists():
        draft = path.with_name(f".{SETTINGS}.{os.getpid()}")
        shutil.copyfile(shipped("config", "belisha.example.yaml"), draft)
        draft.replace(path)
    found = read_settings(path)
    before = _served_before(data)
    if before and before != found.server_name:
        raise CommandError(
            f"{path} says server_name: {found.server_name}, but this folder's members are on {before}.",
            f"It can never change: write server_name: {before}, or start another community with --data DIR.",
        )
    return found


def read_settings(path: Path) -> Settings:
    """Reads a belisha.yaml.

    Raises:
        CommandError: with every mistake in it, each with its line and its remedy.
    """
    try:
        return load(path)
    except SettingsError as error:
        number = len(error.problems)
        head = f"{path} has a mistake:" if number == 1 else f"{path} has {number} mistakes:"
        if number == 1:
            raise CommandError(f"{head} {error.problems[0]}") from None
        raise CommandError("\n  ".join([head, *map(str, error.problems)])) from None


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Holds the folder for this process, until it ends at the latest.

    Raises:
        CommandError: another run holds it.
    """
    with (data / LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            run = read_run(data)
            where = f" and serves {run['homeserver']}" if isinstance(run.get("homeserver"), str) else ""
            raise CommandError(
                f"{data} is in use by another run (process {holder(data) or 'unknown'}){where}.",
                f"Stop that one first ({command()} down --data {data}), or name another folder: --data DIR.",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def is_locked(data: Path) -> bool:
    """Whether a run holds the folder now."""
    try:
        with (data / LOCK).open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def holder(data: Path) -> int | None:
    """The process that holds the folder, as it wrote it down."""
    try:
        return int((data / LOCK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def read_run(data: Path) -> dict[str, object]:
    """What DATA/run.json says of the present run, or of one that was killed; empty without one."""
    try:
        found = json.loads((data / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def port_of(data: Path) -> int:
    """The homeserver's port, as the present or the last run had it; the usual one without any."""
    found = read_run(data).get("ports")
    port = found.get("homeserver") if isinstance(found, dict) else None
    return port if isinstance(port, int) else DEFAULT_PORT


def homeserver_yaml(data: Path) -> Path:
    """Synapse's configuration, of a run or of a server."""
    return _of_a_server(data, "configuration", data / "rendered") / "homeserver.yaml"


def audit_heads(data: Path) -> Path:
    """The file of the audit log's heads, of a run or of a server."""
    return _of_a_server(data, "state", data) / "audit-heads.jsonl"


def _of_a_server(data: Path, folder: str, otherwise: Path) -> Path:
    found = read_run(data).get("synapse")
    named = found.get(folder) if isinstance(found, dict) else None
    return Path(named) if isinstance(named, str) else otherwise


def write_run(data: Path, run: dict[str, object]) -> None:
    """Writes DATA/run.json."""
    write_private(data / RUN, json.dumps(run, indent=2) + "\n")


def _served_before(data: Path) -> str | None:
    """The server's name that the database was made for, if there is a database."""
    if not (data / "homeserver.db").exists():
        return None
    try:
        rendered = yaml.safe_load((data / "rendered" / "homeserver.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return None
    name = rendered.get("server_name") if isinstance(rendered, dict) else None
    return name if isinstance(name, str) else None
