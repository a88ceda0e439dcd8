"""Starts a command again in the background, and waits until it says that it is ready."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from belisha.cli.child import environment, last_line
from belisha.cli.errors import FAILED, CommandError
from belisha.cli.progress import Progress

LOG = "up.log"


def start(arguments: Sequence[str], data: Path, progress: Progress) -> int:
    """Runs `belisha ARGUMENTS --report-fd N` in the background; gives 0 once it is ready.

    Its progress is shown here meanwhile. What it prints goes to DATA/logs/up.log.

    Args:
        arguments: the command and its options, without `--detach`.
        data: the data folder, which exists.
        progress: where to show what the background process tells.

    Raises:
        CommandError: it gave up or died, with its reason.
    """
    log = data / "logs" / LOG
    ours, its = os.pipe()
    try:
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(  # noqa: S603  ourselves
                [sys.executable, "-P", "-m", "belisha", *arguments, "--report-fd", str(its)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(),
                pass_fds=(its,),
                start_new_session=True,
            )
    finally:
        os.close(its)
    with os.fdopen(ours, encoding="utf-8") as reports:
        try:
            for line in reports:
                kind, text = json.loads(line)
                match kind:
                    case "ready":
                        progress.ready(text)
                        return 0
                    case "failed":
                        process.wait()
                        raise CommandError(text)
                    case "step":
                        progress.step(text)
                    case _:
                        progress.warn(text)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGTERM)
            process.wait()
            return FAILED
    code = process.wait()
    raise CommandError(
        f"The background process ended (exit code {code}): {last_line(log) or 'without a word'}",
        f"See {log} and its neighbours.",
    )
