"""`belisha up`: runs a community on this machine."""

import argparse
import os

from belisha.cli import data_folder, detach, first_run, leftovers, ports, preflight, prometheus
from belisha.cli.element.store import installed
from belisha.cli.errors import CommandError, command
from belisha.cli.options import Subparsers, add_run
from belisha.cli.progress import Progress, make
from belisha.cli.run_loop import until_stopped
from belisha.cli.supervisor import Running, running


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "up",
        help="run a community on this machine",
        description="Makes the data folder on the first run, starts Synapse and the bots, and stays.",
    )
    add_run(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the community, here or in the background."""
    progress = make(args.report_fd)
    try:
        if args.detach:
            return in_background(args, "up", progress)
        return until_stopped(_up(args, progress))
    except CommandError as error:
        progress.failed(str(error))
        return error.code


def in_background(args: argparse.Namespace, name: str, progress: Progress) -> int:
    """Starts the command `name` with the same data folder and port in the background; 0 when it is ready.

    Raises:
        CommandError: it does not get ready.
    """
    preflight.packages()
    if args.with_prometheus:
        prometheus.find()
    data = data_folder.create(args.data)
    with data_folder.locked(data):  # tells at once who else runs here
        leftovers.stop(data, progress)
        serves_element = installed(data) is not None
        further = ports.further(args.port, serves_element=serves_element, serves_prometheus=args.with_prometheus)
        ports.need(args.port, *further)
    asked = ["--with-prometheus"] if args.with_prometheus else []
    return detach.start([name, "--data", str(data), "--port", str(args.port), *asked], data, progress)


async def _up(args: argparse.Namespace, progress: Progress) -> int:
    async with running(args.data, args.port, progress, with_prometheus=args.with_prometheus) as community:
        await first_run.ensure(community, progress)
        progress.ready(how_to_use(community, detached=args.report_fd is not None))
        await community.wait()
    return 0


def how_to_use(community: Running, detached: bool) -> str:
    """The addresses, how to sign in with Element, and how to stop: for a person."""
    from belisha.render import element_url, portal_url

    place, settings = community.place, community.settings
    manager = settings.community.first_manager.localpart
    stop = f"{command()} down --data {short(community.data)}" if detached else "Ctrl-C"
    lines = [
        "",
        f"{settings.community.name} is ready.",
        f"  Homeserver   {settings.public_url or place.homeserver}  (server name {settings.server_name})",
    ]
    if (release := installed(community.data)) and place.serves_element:
        lines.append(f"  Sign in      {element_url(settings, place)}  (Element Web {release.version})")
    else:
        lines.append(f"  Sign in      in Element Web or Desktop: Sign in → Edit (homeserver) → {place.homeserver}")
    credentials = community.data / first_run.CREDENTIALS
    if credentials.exists():
        how = f"the password is in {short(credentials)}" if first_run.has_passwords(settings) else "by its organisation"
        lines.append(f"               as {manager}; {how}")
    if place.serves_prometheus:
        lines.append(f"  Prometheus   {place.prometheus}  (open to every account of this machine)")
    lines += [
        f"  Portal       {portal_url(settings, place)}  (shows a code, to be sent to Steward (bot) in Element)",
        f"  Element      {short(place.rendered / 'element')}  (settings for an Element Web of your own)",
        f"  Well-known   {short(place.rendered / 'well-known')}  (for the web server)",
        f"  Logs         {short(community.data / 'logs')}",
        f"  Stop         {stop}",
    ]
    lines += [f"  Does not work: {reason}" for reason in community.degraded]
    return "\n".join(lines)


def short(path: os.PathLike[str]) -> str:
    """A path as it is shortest to type from here."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else os.fspath(path)
