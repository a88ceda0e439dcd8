"""What has to be true of this machine before anything starts.

`python_version` is called before any other import: keep this file readable to an old Python.
"""

import sys

OLDEST, TOO_NEW = (3, 11), (3, 14)


def python_version() -> None:
    """Stops with one line where this Python is one that Belisha does not run on."""
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        found = ".".join(str(number) for number in sys.version_info[:2])
        sys.stderr.write(
            "belisha: Belisha needs Python 3.11, 3.12 or 3.13, and this is " + found + ". "
            "Install one of them and name it: make PYTHON=python3.11 up\n"
        )
        raise SystemExit(1)


def packages() -> None:
    """Sees that what the community runs with is installed.

    Raises:
        CommandError: it is not.
    """
    from importlib.util import find_spec

    from belisha.cli.errors import CommandError

    missing = [name for name in ("synapse", "mautrix", "synapse_modules", "bots") if find_spec(name) is None]
    if missing:
        raise CommandError(
            f"{' and '.join(missing)} cannot be found in {sys.executable}'s packages.",
            "In a checkout, use `make up`; otherwise: pip install 'belisha[homeserver,bots]'.",
        )
