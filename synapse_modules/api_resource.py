"""What every HTTP resource of the module has in common: addresses to handlers, failures to errcodes and sentences."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from synapse.http.site import SynapseRequest
from synapse.module_api import DirectServeJsonResource
from synapse.module_api.errors import SynapseError

from synapse_modules.refusal import PREFIX, undecided
from synapse_modules.registry import RegistryError

Answer = tuple[int, dict[str, Any]]
Handler = Callable[[SynapseRequest, list[str]], Awaitable[dict[str, Any]]]


class Resource(DirectServeJsonResource):
    """Dispatches `METHOD first-segment` to a handler; every failure is an errcode and a sentence, never a 500."""

    isLeaf = True
    handlers: dict[str, Handler]

    async def _async_render(self, request: SynapseRequest) -> Answer:
        path = [unquote(part.decode("utf-8", "replace")) for part in request.postpath or [] if part]
        method = request.method.decode("ascii")
        if method == "OPTIONS":
            return HTTPStatus.NO_CONTENT, {}
        handler = self.handlers.get(f"{method} {path[0] if path else ''}")
        if handler is None:
            raise SynapseError(HTTPStatus.NOT_FOUND, "There is no such address.", "M_UNRECOGNIZED")
        try:
            return HTTPStatus.OK, await handler(request, path[1:])
        except SynapseError:
            raise
        except RegistryError as error:
            raise SynapseError(HTTPStatus.BAD_REQUEST, str(error), f"{PREFIX}MALFORMED") from None
        except Exception:
            raise undecided() from None
