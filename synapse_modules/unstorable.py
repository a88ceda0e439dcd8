"""Answers 400 to text with a NUL character, which PostgreSQL stores in no column and Synapse answers with a 500.

It can stand in any address and in much of any body; nothing of such a request is stored. Like `hooks`, this touches a
private part of Synapse, checked at the start.
"""

from __future__ import annotations

from typing import Any

import synapse.http.server
from synapse.http.site import SynapseRequest
from twisted.python.failure import Failure

from synapse_modules.guards import require
from synapse_modules.refusal import holds_nul, is_nul


def refuse_nul() -> None:
    """Has every process answer so; to be called once in each.

    Raises:
        HookMissing: this Synapse answers failures elsewhere.
    """
    require((synapse.http.server, "return_json_error", {"f", "request", "config"}))
    known = synapse.http.server.return_json_error

    def answer(f: Failure, request: SynapseRequest, config: Any) -> None:
        if is_nul(f.value):
            f = Failure(holds_nul())  # type: ignore[no-untyped-call]  # Twisted gives it no type
        known(f, request, config)

    synapse.http.server.return_json_error = answer
