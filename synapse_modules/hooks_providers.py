"""The private part of Synapse by which a provider's answer comes in: held as `hooks.py` holds the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from synapse.http.site import SynapseRequest
from synapse.module_api import ModuleApi

from synapse_modules.hooks import require


class ProviderHooks:
    """The providers of one running Synapse process."""

    def __init__(self, api: ModuleApi) -> None:
        handler: Any = api._hs.get_oidc_handler()
        self._providers: dict[str, Any] = handler._providers
        self._sso: Any = api._hs.get_sso_handler()

    def fit(self) -> None:
        """Has each provider's answer taken at its own address alone.

        With one address for all, one provider could hand a browser on to another, in the middle of its own sign-in, and
        would be sent the code by which that one has signed in somebody of its people ("mix-up", RFC 9700, 4.4). An
        answer that comes where another provider's belongs was not asked of that provider.

        Raises:
            HookMissing: this Synapse lacks a part of it.
        """
        require((self._sso, "render_error", {"request", "error", "error_description"}))
        for name, provider in self._providers.items():
            require((provider, "handle_oidc_callback", {"request", "session_data", "code"}))
            organisation = name.partition("-")[2].encode()
            provider.handle_oidc_callback = self._at_its_own(organisation, provider.handle_oidc_callback)

    def _at_its_own(
        self, organisation: bytes, known: Callable[[SynapseRequest, Any, str], Awaitable[None]]
    ) -> Callable[[SynapseRequest, Any, str], Awaitable[None]]:
        async def handle_oidc_callback(request: SynapseRequest, session_data: Any, code: str) -> None:
            if request.postpath == [organisation]:
                await known(request, session_data, code)
            else:
                self._sso.render_error(request, "mismatching_session", "The answer of another provider.")

        return handle_oidc_callback
