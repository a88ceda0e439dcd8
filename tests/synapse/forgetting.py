"""The module beside an address at which tests have jobs run that otherwise run by the hour."""

from __future__ import annotations

from typing import Any, Final

from synapse.http.site import SynapseRequest
from synapse.module_api import ModuleApi

from synapse_modules.api_resource import Resource
from synapse_modules.config import Config
from synapse_modules.module import BelishaModule

ADDRESS: Final = "/_synapse/client/org.belisha.test"


class Forgetting(BelishaModule):
    """The product's module, and its jobs."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        api.register_web_resource(ADDRESS, _Jobs(self, api))


class _Jobs(Resource):
    def __init__(self, module: BelishaModule, api: ModuleApi) -> None:
        super().__init__()
        self._module = module
        self._store: Any = api._store
        self._homeserver: Any = api._hs
        self.handlers = {"PUT censor": self._censor, "PUT retain": self._retain}

    async def _censor(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        self._homeserver.config.server.redaction_retention_period = 0
        await self._store._censor_redactions()
        return {}

    async def _retain(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        await self._module.retention.run()
        return {}
