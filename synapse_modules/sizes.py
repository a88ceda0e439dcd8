"""How large Synapse finds an event, in bytes of canonical JSON (Matrix 1.16, "Size limits")."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from canonicaljson import encode_canonical_json
from synapse.api.constants import MAX_PDU_SIZE
from synapse.api.errors import Codes, SynapseError
from synapse.events import EventBase

#: The most that an event may have.
PDU_LIMIT: Final[int] = MAX_PDU_SIZE
_TOO_LARGE: Final = (
    f"This was not sent, because it is larger than {PDU_LIMIT} bytes. Please send long texts as a file, or in parts."
)


def pdu_bytes(event: EventBase) -> int:
    """The size of an event as Synapse measures it against `PDU_LIMIT`."""
    return len(encode_canonical_json(event.get_pdu_json()))


def json_bytes(content: Mapping[str, Any]) -> int:
    """The size of a content."""
    return len(encode_canonical_json(content))


def check_size(content: Mapping[str, Any]) -> None:
    """Refuses what could never be an event, before anybody looks into it: Synapse itself measures only afterwards.

    Raises:
        SynapseError: 413, as Synapse's own.
    """
    if json_bytes(content) > PDU_LIMIT:
        raise SynapseError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE, Codes.TOO_LARGE)
