"""DATA/element: one folder for each release that was ever unpacked whole, and a file that names the one that counts."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER, INSTALLED = "element", "installed.json"


@dataclass(frozen=True)
class Installed:
    """The release that is served.

    Attributes:
        version: as its file `version` says.
        sha256: of the archive it came from.
        folder: where its files are, absolute.
    """

    version: str
    sha256: str
    folder: Path


def installed(data: Path) -> Installed | None:
    """The release in a data folder; None where there is none, or it is not whole."""
    home = data / FOLDER
    try:
        found = json.loads((home / INSTALLED).read_text(encoding="utf-8"))
        version, sha256, name = str(found["version"]), str(found["sha256"]), str(found["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    folder = home / name
    if Path(name).name != name or not (folder / "index.html").is_file():
        return None
    return Installed(version, sha256, folder)
