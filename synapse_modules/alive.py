"""Has each process of Synapse tell systemd that it is not stuck: Synapse itself says only when it is ready."""

from __future__ import annotations

from synapse.module_api import ModuleApi

from belisha import alive


def tell_systemd(api: ModuleApi) -> None:
    """Begins, where the unit has a watchdog; said from the reactor, which answers requests too."""
    seconds = alive.every()
    if seconds is not None:
        api.looping_background_call(alive.tell, seconds * 1000, desc="belisha_alive", run_on_all_instances=True)
