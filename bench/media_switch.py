"""A module for one benchmark only: Belisha, whose gate of files a request can go past by a header.

Loaded in place of the product's module; it is the product's, and the product knows nothing of it. The server it runs in
lives for one benchmark, on 127.0.0.1, with made-up members.
"""

from __future__ import annotations

from typing import Any, Final

from synapse.http.site import SynapseRequest
from synapse.module_api import ModuleApi

from synapse_modules.module import BelishaModule, Config

MODULE: Final = "bench.media_switch.MediaSwitch"
#: A request with this header is answered as Synapse would without the module.
PAST_THE_GATE: Final = "X-Bench-Ungated"


class MediaSwitch(BelishaModule):
    """Belisha's module, and a way past its gate."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        homeserver: Any = api._hs
        repository = homeserver.get_media_repository()
        gated = repository.get_local_media_info
        ungated = type(repository).get_local_media_info.__get__(repository)

        async def choose(request: SynapseRequest, *arguments: Any, **named: Any) -> Any:
            chosen = ungated if request.getHeader(PAST_THE_GATE) is not None else gated
            return await chosen(request, *arguments, **named)

        repository.get_local_media_info = choose
