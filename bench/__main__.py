"""`python -m bench NAME [--json] [--quick]`: runs one benchmark."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Final

from bench.report import BenchFailed, Result

#: Each benchmark is the module of its name, with `run(*, quick) -> Result`; its docstring's first line describes it.
BENCHES: Final = ("policy", "send", "start")


def main(arguments: list[str] | None = None) -> int:
    """Runs what was asked for; 1 where a benchmark cannot give its figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Runs one benchmark, or lists them.")
    parser.add_argument("name", nargs="?", choices=BENCHES, help="without one, the benchmarks are listed")
    parser.add_argument("--json", action="store_true", help="print exactly one JSON object")
    parser.add_argument("--quick", action="store_true", help="at most a minute; less certain figures")
    args = parser.parse_args(arguments)
    if args.name is None:
        for name in BENCHES:
            print(f"{name:8} {(importlib.import_module(f'bench.{name}').__doc__ or '').splitlines()[0]}")
        return 0
    try:
        result: Result = importlib.import_module(f"bench.{args.name}").run(quick=args.quick)
    except BenchFailed as error:
        print(f"bench {args.name}: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(result.as_json())
    else:
        result.show()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
