"""`belisha render`: writes what Synapse, the bots and the web server read, without starting anything."""

import argparse
from pathlib import Path

from belisha.cli import data_folder, ports, render_host
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "render",
        help="write the configuration of Synapse and the bots",
        description="Writes DIR/rendered from belisha.yaml, and DIR/secrets where a secret is missing. "
        "`belisha up` does the same each time it starts.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the community's data folder")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the settings (default: DIR/belisha.yaml, made from the shipped example where it is missing)",
    )
    parser.add_argument("--port", type=ports.port_argument, default=ports.DEFAULT, metavar="N", help="(default: 8008)")
    parser.add_argument("--bots-port", type=ports.port_argument, metavar="N", help="(default: PORT+2)")
    parser.add_argument("--metrics-port", type=ports.port_argument, metavar="N", help="(default: PORT+3)")
    parser.add_argument(
        "--host",
        action="store_true",
        help="as root, for a machine whose systemd runs the community: also units, nginx's and nftables' files, for "
        "PostgreSQL, and for each service an account's own files; DIR is /etc/belisha there. Prints what has changed",
    )
    parser.add_argument("--dry-run", action="store_true", help="with --host: only print what would change")


def run(args: argparse.Namespace) -> int:
    """Writes the files and prints their paths."""
    from belisha import render, secrets

    if args.dry_run and not args.host:
        raise CommandError("--dry-run goes with --host alone.", "`belisha render DIR` writes only what has changed.")
    if args.host:
        if args.bots_port or args.metrics_port:
            raise CommandError(
                "With --host the other ports follow --port.", "Leave --bots-port and --metrics-port out."
            )
        return render_host.run(args.folder, args.config, args.port, dry_run=args.dry_run)
    if args.config:  # before a folder is made for nothing
        settings = data_folder.read_settings(args.config)
        data = data_folder.create(args.folder)
    else:
        data = data_folder.create(args.folder)
        settings = data_folder.settings(data)
    with data_folder.locked(data):
        bots_port, metrics_port = args.bots_port or args.port + 2, args.metrics_port or args.port + 3
        place = render.Place(data, args.port, bots_port, metrics_port)
        try:
            files = render.render(settings, place, secrets.ensure(data))
            written = render.write(files, place.rendered)
        except secrets.SecretsError as error:
            raise CommandError(f"{error}.") from None
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written ({error.strerror}).") from None
    for path in written:
        print(path)
    return 0
