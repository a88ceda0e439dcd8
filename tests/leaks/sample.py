"""Which cells `make test` asks: all routes and standings, about two kinds of room."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
#: Most labels, most standings: a rule that does not hold here holds nowhere.
ALWAYS: Final = "closed"
_OTHERS: Final = ("named", "strict", "open", "service")


def sampled_kinds() -> tuple[str, str]:
    """Closed groups, and one other kind, picked by a digest of the rules' sources: each change of them picks anew."""
    files = (*(_ROOT / "belisha" / "policy").glob("*.py"), *(_ROOT / "synapse_modules").glob("*.py"))
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes())
    return ALWAYS, _OTHERS[digest.digest()[0] % len(_OTHERS)]
