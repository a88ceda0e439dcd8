"""Mail addresses that a digest may go to: bare, of plain letters, within the domains of the member's organisation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: RFC 5321, 4.5.3.1.3: a path has 256 characters, two of them around it.
LONGEST: Final = 254
# RFC 5321, 4.1.2, without quoted local parts and domain literals: no member's mailbox needs them.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>{_LABEL}(?:\.{_LABEL})+)")


def read(text: str) -> str | None:
    """The address that a text is, its domain in lower case; None where it is none."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or len(found[0]) > LONGEST or len(found["local"]) > 64:
        return None
    return f"{found['local']}@{found['domain'].lower()}"


def is_within(address: str, domains: Iterable[str]) -> bool:
    """Whether an address is in one of these domains. One below is another: a university's students, for instance."""
    domain = address.rpartition("@")[2].casefold()
    return domain in {one.strip().removeprefix("@").casefold() for one in domains}
