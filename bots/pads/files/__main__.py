"""Reads what is to become a file as JSON and writes it: the process in which `bots.charts.artist` has it made."""

from __future__ import annotations

import json
import sys


def main() -> int:
    """Makes one file, within the limits of a drawing, and for as long as there is somebody to make it for."""
    from bots.charts.limits import confine

    confine()
    from bots.pads.files.order import Order
    from bots.pads.files.writers import write

    sys.stdout.buffer.write(write(Order.from_json(json.load(sys.stdin))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
