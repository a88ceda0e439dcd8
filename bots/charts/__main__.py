"""Reads a chart as JSON and writes it as a PNG: the process in which `artist` has it drawn."""

from __future__ import annotations

import json
import sys


def main() -> int:
    """Draws one chart, within its limits, and for as long as there is somebody to draw for."""
    from bots.charts.limits import confine

    confine()
    from bots.charts.bars import from_json
    from bots.charts.drawing import png

    sys.stdout.buffer.write(png(from_json(json.load(sys.stdin))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
