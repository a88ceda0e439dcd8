"""Runs a community: Synapse and the bots as children, until told to stop.

Example:
    async with running(data, port, progress) as community:
        ...                     # everything is ready here
        await community.wait()  # children that die are started again meanwhile
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

from belisha.cli import data_folder, http_probe, leftovers, ports, preflight, prometheus, provider_secrets, restored
from belisha.cli.backup.work import sweep_work
from belisha.cli.child import Child, Program, last_line, python
from belisha.cli.element.store import installed
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress

if TYPE_CHECKING:
    from belisha.render import Place
    from belisha.settings import Settings

PATIENCE = 120.0  # the first start on a small machine makes a database
STATUS = "/_synapse/org.belisha/local/v1/status"


@dataclass
class Running:
    """A community that is ready.

    Attributes:
        data: its data folder, absolute.
        place: its addresses.
        settings: its settings.
        degraded: what the homeserver's module says does not work, a sentence each.
    """

    data: Path
    place: "Place"
    settings: "Settings"
    degraded: tuple[str, ...]
    _tasks: list[asyncio.Task[None]] = field(repr=False)

    async def wait(self) -> None:
        """Stays until this task is cancelled; children that die are started again meanwhile.

        Raises:
            CommandError: keeping the children running has itself failed.
        """
        await _first_end(self._tasks)


@asynccontextmanager
async def running(
    data: Path, port: int, progress: Progress, *, with_prometheus: bool = False, closed: bool = False
) -> AsyncIterator[Running]:
    """Starts the community of a data folder, gives it when it is ready, and stops it in the end.

    `closed` is for a restore: Synapse alone, without the addresses that clients ask.

    The folder is made if it is not there. Progress is told in steps; `progress.ready` is the caller's to say.

    Raises:
        CommandError: it cannot be started, with the reason and the remedy.
    """
    preflight.packages()
    found = prometheus.find() if with_prometheus else None
    os.umask(0o077)  # databases, media and logs are for the owner, wherever the folder stands
    data = data_folder.create(data)
    with data_folder.locked(data):
        settings = data_folder.settings(data)
        provider_secrets.check(settings, data)
        if not closed:
            restored.refuse(data)
        sweep_work(data)
        leftovers.stop(data, progress)
        serves_element = not closed and installed(data) is not None
        ports.need(port, *ports.further(port, serves_element=serves_element, serves_prometheus=with_prometheus))
        progress.step("Writing the configuration")
        place = _render(data, port, settings, serves_element, with_prometheus, closed)
        record = _recorder(data / "logs" / "belisha.log")
        children = _children(data, place, found, progress, record)
        tasks = [asyncio.create_task(child.keep_running()) for child in children.values()]
        told = True
        try:
            degraded = await _until_ready(place, children, tasks, progress)
            yield Running(data, place, settings, degraded, tasks)
        except CommandError:
            told = False  # the step that failed is the last one to show
            raise
        finally:
            if told:
                progress.step("Stopping")
            await _stop(children, tasks)
            if told:
                progress.end()
            (data / data_folder.RUN).unlink(missing_ok=True)
            record("stopped")


def _render(
    data: Path, port: int, settings: "Settings", serves_element: bool, serves_prometheus: bool, closed: bool
) -> "Place":
    from belisha import render, secrets

    before = data_folder.read_run(data).get("ports")
    preferred = {name: one for name, one in before.items() if isinstance(one, int)} if isinstance(before, dict) else {}
    bots_port = ports.free(preferred.get("bots"), *range(port, port + 6))
    metrics_port = ports.free(preferred.get("metrics"), *range(port, port + 6), bots_port)
    place = render.Place(
        *(data, port, bots_port, metrics_port),
        serves_element=serves_element,
        serves_prometheus=serves_prometheus,
        closed=closed,
    )
    try:
        files = render.render(settings, place, secrets.ensure(data))
        render.write(files, place.rendered)
    except secrets.SecretsError as error:
        raise CommandError(f"{error}.") from None
    except OSError as error:
        raise CommandError(
            f"{error.filename} cannot be written ({error.strerror}).", "Make the data folder yours."
        ) from None
    return place


def _children(
    data: Path, place: "Place", found: str | None, progress: Progress, record: Callable[[str], None]
) -> dict[str, Child]:
    rendered, logs = place.rendered, data / "logs"
    programs = {
        "synapse": Program(
            "Synapse",
            python("synapse.app.homeserver", "-c", str(rendered / "homeserver.yaml")),
            logs / "synapse.log",
            patience=20.0,
        ),
    }
    if not place.closed:
        programs["bots"] = Program(
            "The bots process",
            python("bots", "--config", str(rendered / "bots.yaml")),
            logs / "bots.log",
            patience=15.0,
        )
    if place.serves_element:
        programs["element"] = Program(
            "What serves Element",
            python("belisha.cli.element.server", "--config", str(rendered / "element.yaml")),
            logs / "element.log",
            patience=5.0,
        )
    if found is not None:
        programs["prometheus"] = prometheus.program(found, place)
    children: dict[str, Child] = {}

    def write_run() -> None:
        run: dict[str, object] = {
            "pid": os.getpid(),
            "homeserver": place.homeserver,
            "portal": place.portal,
            "ports": {
                "homeserver": place.homeserver_port,
                "portal": place.portal_port,
                "bots": place.bots_port,
                "metrics": place.metrics_port,
            },
            "pids": {name: child.pid for name, child in children.items()},
        }
        if place.serves_element:
            run["element"] = place.element
        if place.serves_prometheus:
            run["prometheus"] = place.prometheus
        data_folder.write_run(data, run)

    def warn(text: str) -> None:
        record(text)
        progress.warn(text)

    for name, program in programs.items():
        children[name] = Child(program, data, write_run, warn, record)
    return children


async def _until_ready(
    place: "Place", children: dict[str, Child], tasks: list[asyncio.Task[None]], progress: Progress
) -> tuple[str, ...]:
    """Waits until Synapse, its module and the bots are well; gives what the module says does not work."""
    from belisha import secrets

    token = secrets.read(place.data_dir, "module_api")
    deadline = time.monotonic() + PATIENCE
    degraded: tuple[str, ...] = ()

    async def synapse() -> bool:
        return (await http_probe.get(place.homeserver_port, "/health"))[0] == 200

    async def bots() -> bool:
        return (await http_probe.get(place.bots_port, "/readyz"))[0] == 200

    async def module() -> bool:
        nonlocal degraded
        status, answer = await http_probe.get_json(place.homeserver_port, STATUS, token)
        listed = answer.get("degraded")
        degraded = tuple(map(str, listed)) if isinstance(listed, list) else ()
        return status == 200 and answer.get("ready") is True

    async def element() -> bool:
        return (await http_probe.get(place.element_port, "/config.json"))[0] == 200

    async def watching() -> bool:
        return (await http_probe.get(place.prometheus_port, "/-/ready"))[0] == 200

    steps = [
        ("Starting Synapse", synapse, ("synapse",), f"Synapse does not answer at {place.homeserver}/health."),
        ("Starting the bots", bots, ("bots",), f"The bots are not ready at {place.bots}/readyz."),
        ("Preparing the community's rooms", module, ("synapse",), "Belisha's module does not get ready."),
    ]
    if place.serves_element:
        steps.append(("Starting Element", element, ("element",), f"Element is not served at {place.element}."))
    if place.serves_prometheus:
        complaint = f"Prometheus is not ready at {place.prometheus}."
        steps.append(("Starting Prometheus", watching, ("prometheus",), complaint))
    steps = [step for step in steps if step[2][0] in children]  # a restore starts Synapse alone
    for title, well, names, complaint in steps:
        progress.step(title)
        while not await well():
            if time.monotonic() > deadline:
                said = last_line(children[names[0]].program.log)
                last = f" The last line of its log: {said[:300]}" if said else ""
                raise CommandError(complaint + last, f"The whole story is in {place.data_dir / 'logs'}.")
            await _first_end(tasks, within=0.1)
        for name in names:
            children[name].was_well = True
    return degraded


async def _first_end(tasks: list[asyncio.Task[None]], within: float | None = None) -> None:
    """Waits until one of the tasks ends, `within` seconds at most, and passes its error on."""
    done, _ = await asyncio.wait(tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _stop(children: dict[str, Child], tasks: list[asyncio.Task[None]]) -> None:
    # The bots before Synapse: they may still have something to say to it.
    for name in ("prometheus", "element", "bots", "synapse"):
        if name in children:
            await children[name].stop()
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, CommandError):
            await task


def _recorder(path: Path) -> Callable[[str], None]:
    """A log of starts, ends and whatever children say outside their own logs; rotated."""
    logger = logging.getLogger("belisha.supervisor")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    handler = RotatingFileHandler(path, maxBytes=5_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    return logger.info
