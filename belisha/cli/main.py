"""The `belisha` command: finds the command that was asked for and runs it.

A command is a module with `register(subparsers)` and `run(args) -> int`. Belisha's own stand in `BUILT_IN`;
those of the bots, of the Synapse module and of other distributions are found by the entry-point group
`belisha.commands`, whose name is the command and whose value the module. Only the module of the command that
is run gets imported.
"""

from belisha.cli import preflight

preflight.python_version()  # before anything that an old Python could not read

import argparse  # noqa: E402
import importlib  # noqa: E402
import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from importlib.metadata import entry_points  # noqa: E402
from importlib.util import find_spec  # noqa: E402
from types import ModuleType  # noqa: E402

from belisha import __version__  # noqa: E402
from belisha.cli.errors import CommandError  # noqa: E402

GROUP = "belisha.commands"
BUILT_IN = {
    name: f"belisha.cli.{name.replace('-', '_')}"
    for name in (
        "up",
        "down",
        "demo",
        "render",
        "first-manager",
        "organisation",
        "member",
        "hold",
        "room",
        "ledger",
        "file",
        "revocations",
        "explain",
        "doctor",
        "audit",
        "element",
        "backup",
        "backup-key",
        "restore",
        "upgrade",
        "migrate",
        "wal",
    )
} | {"preflight": "belisha.cli.readiness"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code: 0 done, 1 failed with a reason, 2 not understood."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    modules = commands()
    asked = next((argument for argument in arguments if not argument.startswith("-")), "")
    parser = argparse.ArgumentParser(
        prog="belisha", description="A community that shares under the Traffic Light Protocol."
    )
    parser.add_argument("--version", action="version", version=f"belisha {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    loaded: dict[str, ModuleType] = {}
    for name in [asked] if asked in modules else list(modules):
        loaded[name] = importlib.import_module(modules[name])
        loaded[name].register(subparsers)
    args = parser.parse_args(arguments)
    try:
        return int(loaded[args.command].run(args))
    except CommandError as error:
        print(f"belisha: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        sys.stderr.close()
        return 1


def commands() -> dict[str, str]:
    """Every command that is installed, with its module; Belisha's own cannot be replaced."""
    found = {name: module for name, module in BUILT_IN.items() if find_spec(module) is not None}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, entry.module)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
