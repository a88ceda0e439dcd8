"""The way to one address of the operators' that is told by HTTP: what, follows from settings; no content of members."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final

import aiohttp

from bots.kernel.config import Webhook as Settings
from bots.kernel.matrix import Unreachable

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
#: By which a receiver knows a call that comes again, and that it comes from here.
ID_HEADER: Final = "Org-Belisha-Id"
SIGNATURE_HEADER: Final = "Org-Belisha-Signature"
NO_ADDRESS: Final = (
    "No webhook is set up. Fill in `escalation.webhook` in belisha.yaml, start again, "
    "and run `belisha bots dead-letters retry --all`, or drop it."
)


class HookRefused(Exception):
    """The call will never be taken; `str()` says so without its words or its address."""


class Webhook:
    """Calls the address."""

    def __init__(self, settings: Settings | None) -> None:
        """Takes the settings.

        Args:
            settings: The address and what signs the calls; None where there is none.
        """
        self._settings = settings

    async def call(self, effect_id: str, body: dict[str, Any]) -> None:
        """Sends one call; tried again, it has the same id.

        Raises:
            HookRefused: There is no address, or it takes no such call.
            Unreachable: It gave no answer, or asks to try later.
        """
        if self._settings is None:
            raise HookRefused(NO_ADDRESS)
        sent = json.dumps(body, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", ID_HEADER: effect_id}
        if (secret := self._settings.secret()) is not None:
            signature = hmac.new(secret.encode(), effect_id.encode() + b"." + sent, hashlib.sha256).hexdigest()
            headers[SIGNATURE_HEADER] = f"sha256={signature}"
        try:
            # Where it leads on to is not ours to follow: the settings name one address.
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(self._settings.url, data=sent, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"webhook: {type(error).__name__}") from error
        if status in (401, 403, 408, 425, 429) or status >= 500:  # 401 and 403 can be mended
            raise Unreachable(f"webhook: {status}")
        if not 200 <= status < 300:
            raise HookRefused(f"The webhook's address refuses the call ({status}).")
