"""The Prometheus that `belisha up --with-prometheus` runs: found on the PATH, on 127.0.0.1, with its data in DATA."""

import re
import shutil
from typing import TYPE_CHECKING, Final

from belisha.cli.child import Program
from belisha.cli.errors import CommandError

if TYPE_CHECKING:
    from belisha.render import Place

FOLDER: Final = "prometheus"
_KEPT: Final = ("--storage.tsdb.retention.time=90d", "--storage.tsdb.retention.size=1GB")


def find() -> str:
    """The path of the program.

    Raises:
        CommandError: there is none.
    """
    found = shutil.which("prometheus")
    if found is None:
        raise CommandError(
            "There is no program “prometheus” on the PATH.",
            "On Debian, as root: apt-get install --no-install-recommends prometheus. Or leave out --with-prometheus.",
        )
    return found


def program(found: str, place: "Place") -> Program:
    """What runs it. Nobody can stop it or change its data over HTTP: both of that is off unless it is asked for."""
    from belisha import prometheus

    return Program(
        "Prometheus",
        (
            found,
            f"--config.file={place.rendered / prometheus.CONFIG}",
            f"--storage.tsdb.path={place.data_dir / FOLDER}",
            f"--web.listen-address=127.0.0.1:{place.prometheus_port}",
            f"--web.cors.origin={re.escape(place.prometheus)}",  # every site may read it otherwise, by a browser here
            *_KEPT,
            "--log.level=warn",
        ),
        place.data_dir / "logs" / "belisha.log",  # it says what it has to say to the supervisor
        patience=10.0,
    )
