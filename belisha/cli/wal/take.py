"""Takes a piece of PostgreSQL's log from its account, which can neither read nor change what is kept."""

import gzip
import hashlib
import re
from typing import BinaryIO, Final

from belisha.backup import layers, segments
from belisha.backup.segments import NotOurs
from belisha.cli.errors import CommandError
from belisha.cli.wal.keeping import Keeping, own

#: What PostgreSQL's side waits for.
KEPT: Final = "kept"
_LONGEST: Final = 1024 * 1024 * 1024  # bytes: PostgreSQL's largest segment
_FIRST: Final = 200  # bytes of the line before it


def take(source: BinaryIO, kept: Keeping) -> None:
    """Reads a line with name and server, and the piece, and keeps it encrypted.

    Raises:
        CommandError: it is not one, is kept already with something else in it, or cannot be written.
    """
    found = re.fullmatch(rb"([0-9A-Za-z.]+) ([0-9]+)\n", source.readline(_FIRST))
    if found is None:
        raise CommandError("What was handed over does not say what it is.")
    name, system = found[1].decode(), found[2].decode()
    data = source.read(_LONGEST + 1)
    try:
        segments.check(name, system, data)
    except NotOurs as error:
        raise CommandError(f"{name} is no piece of PostgreSQL's log: {error}.") from None
    folder, file = kept.folder / system, segments.kept_as(name, hashlib.sha256(data).hexdigest())
    others = [one.name for one in folder.glob(f"{name}.*{segments.SUFFIX}") if segments.of_kept(one.name)]
    if file in others:  # PostgreSQL has died before it wrote down that it was kept
        return
    if [one for one in others if (piece := segments.of_kept(one)) and piece[0] == name]:
        raise CommandError(
            f"{name} is kept already, with something else in it.",
            f"Was an older copy of PostgreSQL's own files put in place? Then begin anew: mv {folder} {folder}.before, "
            "and systemctl start belisha-base.",
        )
    try:
        layers.write(own(folder) / file, layers.seal(gzip.compress(data, 1, mtime=0), kept.publics))
    except OSError as error:
        raise CommandError(f"{folder} cannot be written ({error.strerror}).", "Make room, or mount it.") from None
