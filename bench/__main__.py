"""`python -m bench NAME [--json] [--quick] [--kills N] [--events N] [--members N]`: runs one benchmark."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Final

from bench.report import BenchFailed, Result

#: Each benchmark is the module of its name, with `run(*, quick) -> Result`; its docstring's first line describes it.
BENCHES: Final = (
    "policy",
    "send",
    "start",
    "crash",
    "ingest",
    "media",
    "scan",
    "stamp",
    "polls",
    "offboard",
    "directory",
    "relevance",
    "metrics",
    "figures",
    "pads",
    "digest",
    "scale",
    "load",
    "faults",
)
#: How much some of them do, where it is not to be their own number: the option, and which take it.
_SIZES: Final = {"kills": ("crash",), "events": ("crash", "ingest"), "members": ("load",)}


def main(arguments: list[str] | None = None) -> int:
    """Runs what was asked for; 1 where a benchmark cannot give its figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Runs one benchmark, or lists them.")
    parser.add_argument("name", nargs="?", choices=BENCHES, help="without one, the benchmarks are listed")
    parser.add_argument("--json", action="store_true", help="print exactly one JSON object")
    parser.add_argument("--quick", action="store_true", help="at most a few minutes; less certain figures")
    for size, of in _SIZES.items():
        parser.add_argument(f"--{size}", type=_positive, metavar="N", help=f"how many, for {' and '.join(of)}")
    args = parser.parse_args(arguments)
    sizes = {size: getattr(args, size) for size in _SIZES if getattr(args, size) is not None}
    for size in sizes:
        if args.name not in _SIZES[size]:
            parser.error(f"--{size} is for {' and '.join(_SIZES[size])} only")
    if args.name is None:
        for name in BENCHES:
            print(f"{name:8} {(importlib.import_module(f'bench.{name}').__doc__ or '').splitlines()[0]}")
        return 0
    try:
        result: Result = importlib.import_module(f"bench.{args.name}").run(quick=args.quick, **sizes)
    except BenchFailed as error:
        print(f"bench {args.name}: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(result.as_json())
    else:
        result.show()
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 2:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    raise SystemExit(main())
