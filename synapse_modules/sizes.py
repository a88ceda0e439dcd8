"""How large Synapse finds an event, in bytes of canonical JSON (Matrix 1.16, "Size limits")."""

from __future__ import annotations

from typing import Any, Final

from canonicaljson import encode_canonical_json
from synapse.api.constants import MAX_PDU_SIZE
from synapse.events import EventBase

#: The most that an event may have.
PDU_LIMIT: Final[int] = MAX_PDU_SIZE


def pdu_bytes(event: EventBase) -> int:
    """The size of an event as Synapse measures it against `PDU_LIMIT`."""
    return len(encode_canonical_json(event.get_pdu_json()))


def json_bytes(content: dict[str, Any]) -> int:
    """The size of a content."""
    return len(encode_canonical_json(content))
