"""The secrets of a community: made once, kept over restarts, readable by the owner alone, never printed."""

import base64
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from belisha.kept import public_of

FOLDER = "secrets"


@dataclass(frozen=True)
class Secrets:
    """The secrets whose text has to stand in a rendered file; all others are read from their own files."""

    as_token: str = field(repr=False)
    hs_token: str = field(repr=False)
    pepper: str = field(repr=False)
    #: The public half of the secret `hold`, which is told in no other way.
    hold_public: str = ""


class SecretsError(Exception):
    """A secret cannot be used as it is; the text says which and what to do."""


def _token() -> str:
    return secrets.token_urlsafe(48)


def _signing_key() -> str:
    # the format of signedjson: algorithm, version, the seed in base64 without padding
    seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"ed25519 a_{secrets.token_hex(2)} {seed}"


MAKERS: dict[str, Callable[[], str]] = {
    "as_token": _token,
    "hs_token": _token,
    "macaroon": _token,
    "form_secret": _token,
    "pepper": _token,
    "module_api": _token,
    "portal_api": _token,
    "audit": _token,
    "factor": _token,
    "hold": _token,
    "metrics": _token,
    "replication": _token,
    "signing.key": _signing_key,
}


def ensure(data: Path) -> Secrets:
    """Makes the secrets that are missing under `data`/secrets and gives those that templates need.

    Raises:
        SecretsError: a secret is empty, or others may read it and that cannot be changed.
    """
    folder = data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    _private(folder, 0o700)
    for name, make in MAKERS.items():
        path = folder / name
        if not path.exists():
            write_private(path, make() + "\n")
        _private(path, 0o600)
        if not path.read_text(encoding="utf-8").strip():
            raise SecretsError(
                f"{path} is empty. Restore it from a backup, or delete it if nobody uses this community yet"
            )
    texts = {name: read(data, name) for name in ("as_token", "hs_token", "pepper")}
    return Secrets(**texts, hold_public=public_of(read(data, "hold")))


def read(data: Path, name: str) -> str:
    """The secret `name` of the data folder.

    Raises:
        OSError: it is not there, or not ours to read.
    """
    return (data / FOLDER / name).read_text(encoding="utf-8").strip()


def write_private(path: Path, text: str) -> None:
    """Writes a file of mode 0600 whole or not at all, whatever happens in between."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _private(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) == mode:
        return
    try:
        path.chmod(mode)
    except OSError:
        raise SecretsError(f"Others may read {path}. Make it yours: chmod {mode:o} {path}") from None
