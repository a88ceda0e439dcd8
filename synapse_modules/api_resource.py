"""What every HTTP resource of the module has in common: addresses to handlers, failures to errcodes and sentences."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from synapse.http.site import SynapseRequest
from synapse.module_api import DirectServeJsonResource
from synapse.module_api.errors import SynapseError

from synapse_modules.refusal import PREFIX, malformed, or_no
from synapse_modules.registry_errors import RegistryError

Answer = tuple[int, dict[str, Any]]
#: A handler gives None where it has answered by itself, with a file.
Handler = Callable[[SynapseRequest, list[str]], Awaitable[dict[str, Any] | None]]


class Resource(DirectServeJsonResource):
    """Dispatches `METHOD first-segment` to a handler; every failure is an errcode and a sentence, never a 500."""

    isLeaf = True
    handlers: dict[str, Handler]

    async def _async_render(self, request: SynapseRequest) -> Answer | None:
        path = [unquote(part.decode("utf-8", "replace")) for part in request.postpath or [] if part]
        method = request.method.decode("ascii")
        if method == "OPTIONS":
            return HTTPStatus.NO_CONTENT, {}
        handler = self.handlers.get(f"{method} {path[0] if path else ''}")
        if handler is None:
            raise SynapseError(HTTPStatus.NOT_FOUND, "There is no such address.", "M_UNRECOGNIZED")
        answer = await or_no(_answer, handler, request, path[1:])
        return None if answer is None else (HTTPStatus.OK, answer)


async def _answer(handler: Handler, request: SynapseRequest, path: list[str]) -> dict[str, Any] | None:
    try:
        return await handler(request, path)
    except RegistryError as error:
        raise SynapseError(HTTPStatus.BAD_REQUEST, str(error), f"{PREFIX}MALFORMED") from None


def one(path: list[str]) -> str:
    """The one name that an address ends with."""
    if len(path) != 1:
        raise malformed("The address ends with one name.")
    return path[0]


def text(body: dict[str, Any], key: str) -> str:
    """A text of a body that has to be there."""
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise malformed(f"`{key}` is missing; it is a text.")
    return value


def texts(body: dict[str, Any], key: str) -> tuple[str, ...]:
    """A list of texts of a body, empty where it is not there."""
    value = body.get(key) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise malformed(f"`{key}` is a list of texts.")
    return tuple(value)
