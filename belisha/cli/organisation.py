"""`belisha organisation`: the organisations of a running community."""

import argparse
import asyncio
from typing import get_args

from belisha.cli import local_api
from belisha.cli.options import Subparsers, add_data
from belisha.settings import Category


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("organisation", help="add and list organisations of a running community")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    add = acts.add_parser("add", help="add an organisation, or change it")
    add.add_argument("id", help="short id, which can never change: a-z, 0-9 and -")
    add.add_argument("--name", required=True, help="as members see it")
    add.add_argument("--category", required=True, choices=get_args(Category))
    add.add_argument("--domain", action="append", default=[], metavar="DOMAIN", help="a mail domain of its people")
    add_data(add)
    add_data(acts.add_parser("list", help="list the organisations"))


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    return asyncio.run(_add(args) if args.act == "add" else _list(args))


async def _add(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        change = await api.put_organisation(args.id, args.name, args.category, args.domain)
    print(f"{args.id}: {'added' if change.created else 'changed' if change.changed else 'is so already'}")
    return 0


async def _list(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        organisations = await api.organisations()
    for one in sorted(organisations, key=lambda organisation: organisation.id):
        print(f"{one.id:<20} {one.category:<11} {one.name}  {' '.join(one.domains)}".rstrip())
    return 0
