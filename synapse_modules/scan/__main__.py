"""`python -m synapse_modules.scan FILE`: what stands in one file, as one line of JSON; `-` reads standard input.

`--serve N` is how Synapse starts it: files come through the open socket N.
"""

from __future__ import annotations

import argparse
import os
import sys

from synapse_modules.scan.answer import as_line
from synapse_modules.scan.scanner import ScanFailed, Scanner
from synapse_modules.scan.serving import serve


def main(arguments: list[str] | None = None) -> int:
    """Reads one file under the limits that uploads are read under, or serves."""
    parser = argparse.ArgumentParser(prog="python -m synapse_modules.scan", description="Reads which label a file has.")
    parser.add_argument("file", nargs="?", help="its path, or - for standard input")
    parser.add_argument("--serve", type=int, metavar="N", help="take files from the open socket N")
    asked = parser.parse_args(arguments)
    if asked.serve is not None:
        serve(asked.serve)
        return 0
    if asked.file is None:
        parser.error("name a file, or - for standard input")
    scanner = Scanner({})
    try:
        report = scanner.scan(f"/proc/self/fd/{_seekable()}" if asked.file == "-" else asked.file)
    except OSError as error:
        print(f"{asked.file} cannot be opened ({error.strerror}); check its path and its rights.", file=sys.stderr)  # noqa: T201
        return 1
    except ScanFailed as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    finally:
        scanner.stop()
    print(as_line(report.finding, report.kib).decode(), end="")  # noqa: T201
    return 0


def _seekable() -> int:
    """Standard input as a file that can be read at any place, kept in memory."""
    file = os.memfd_create("input")
    while data := os.read(0, 1024 * 1024):
        os.write(file, data)
    return file


if __name__ == "__main__":
    raise SystemExit(main())
