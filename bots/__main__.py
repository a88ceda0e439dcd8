"""`python -m bots --config bots.yaml`: runs all bots until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from belisha.translation import UnknownLanguage, speak
from bots.kernel import logs
from bots.kernel.config import ConfigError, load

#: Where the catalogues of languages are.
LOCALE = Path(__file__).parent / "locale"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the process; the exit code is 0 after a signal, 2 for a bad configuration, 1 for anything else."""
    parser = argparse.ArgumentParser(prog="python -m bots", description="Runs Belisha's bots.")
    parser.add_argument("--config", required=True, type=Path, help="bots.yaml, as `belisha render` writes it")
    options = parser.parse_args(arguments)
    try:
        config = load(options.config)
        config.as_token(), config.hs_token(), config.portal and config.portal.secret(), config.metrics_key()
        rules = config.rules()
        speak(config.language, LOCALE)
        logs.set_up(config.log.file, config.log.level)
    except (ConfigError, UnknownLanguage, OSError) as error:
        return _say(str(error), 2)

    # After the configuration: what is wrong there is told at once.
    from bots.kernel.errors import StoreError
    from bots.kernel.process import Process, StartError
    from bots.metrics import watched
    from bots.metrics.metrics import metrics_of
    from bots.portal import server as portal
    from bots.roster import roster

    zone = ZoneInfo(config.time_zone)
    command, metrics, post = portal.command(config), metrics_of(config), portal.post(config)
    bots = roster(command, config.escalation, rules, zone, config.ballot_keys, post, metrics)
    numbers = () if metrics is None else (watched.page,)
    try:
        asyncio.run(Process(config, bots, portal.beside(config), numbers).run())
    except (StartError, StoreError) as error:
        return _say(str(error), 1)
    except Exception as error:
        if isinstance(error, ExceptionGroup):  # the task group's wrapping
            error = error.exceptions[0]
        logging.getLogger("bots").critical("the bots stopped", extra={"error": logs.where(error)})
        return _say(f"The bots stopped by an error of their own: {logs.where(error)}. Their log tells more.", 1)
    return 0


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
