"""Synapse with the module, and the bots, imported once: processes are forked from here, as Synapse's own tests do it.

An import is two seconds of computing, and the tests start each some hundred times. `belisha up` does not do this,
and its tests start both as it does.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from synapse.app.complement_fork_starter import ProxiedReactor, _worker_entrypoint
from twisted.internet.main import installReactor

from tests.support.processes import end_with_the_tests

# What is forked from this process ends with it, and this process with the test run.
end_with_the_tests()

# Before the imports below: a reactor that is made here would be shared by all that is forked.
_reactor: Final = ProxiedReactor()
installReactor(_reactor)

_OF_SYNAPSE: Final = ("synapse.app.homeserver", "synapse.app.generic_worker", "synapse_modules.module", "psycopg2")
#: What `bots.__main__` imports behind its settings.
_OF_THE_BOTS: Final = ("bots.kernel.process", "bots.metrics.watched", "bots.portal.server", "bots.roster")
for _name in (*_OF_SYNAPSE, *_OF_THE_BOTS):
    importlib.import_module(_name)


def run(app: str, arguments: Sequence[str], log: Path, cwd: Path, environment: Mapping[str, str]) -> None:
    """Becomes a process of Synapse, as `python -m APP ARGUMENTS` would."""
    with log.open("ab") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    _worker_entrypoint(importlib.import_module(app).main, _reactor, [app, *arguments])
