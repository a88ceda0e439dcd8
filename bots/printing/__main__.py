"""Reads a document as JSON and writes it as a PDF: the process in which `bots.charts.artist` has it made."""

from __future__ import annotations

import json
import sys


def main() -> int:
    """Sets one document, within the limits of a drawing, and for as long as there is somebody to set it for."""
    from bots.charts.limits import confine

    confine()
    from bots.printing.sheet import pdf

    sys.stdout.buffer.write(pdf(json.load(sys.stdin)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
