"""`belisha organisation`: the organisations of a running community."""

import argparse
import asyncio
from typing import get_args

from belisha.cli import local_api, standing
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers, add_data
from belisha.policy.names import ORGANISATION_ID_RULE
from belisha.settings import Category


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("organisation", help="add, change, freeze, remove and list organisations")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    add = acts.add_parser("add", help="add an organisation, or change it")
    add.add_argument("id", help=f"short id, which can never change: {ORGANISATION_ID_RULE}")
    add.add_argument("--name", required=True, help="as members see it")
    add.add_argument("--category", required=True, choices=get_args(Category))
    add.add_argument("--domain", action="append", default=[], metavar="DOMAIN", help="a mail domain of its people")
    add_data(add)
    change = acts.add_parser("set", help="change what is given, and leave the rest")
    change.add_argument("id")
    change.add_argument("--name", help="as members see it")
    change.add_argument("--category", choices=get_args(Category))
    change.add_argument("--domain", action="append", metavar="DOMAIN", help="replaces all; may be repeated")
    add_data(change)
    standing.add_acts(
        acts,
        "ID",
        {
            "freeze": "close everything to its members at once, until it is thawed",
            "thaw": "let its members sign in again",
            "remove": "end it for good: its members belong to no organisation then; the id is never given again",
        },
    )
    add_data(acts.add_parser("list", help="list the organisations"))


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    if args.act in standing.STANDINGS:
        return asyncio.run(standing.carry_out(args, "organisations"))
    return asyncio.run({"add": _add, "set": _set, "list": _list}[args.act](args))


async def _set(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        before = next((one for one in await api.organisations() if one.id == args.id), None)
        if before is None:
            raise CommandError(f"There is no organisation “{args.id}”.", "`belisha organisation list` shows them.")
        change = await api.put_organisation(
            args.id,
            args.name or before.name,
            args.category or before.category,
            before.domains if args.domain is None else args.domain,
        )
    print(f"{args.id}: {'changed' if change.changed else 'is so already'}")
    return 0


async def _add(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        change = await api.put_organisation(args.id, args.name, args.category, args.domain)
    print(f"{args.id}: {'added' if change.created else 'changed' if change.changed else 'is so already'}")
    return 0


async def _list(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        organisations = await api.organisations()
    for one in sorted(organisations, key=lambda organisation: organisation.id):
        mark = "" if one.standing == "active" else f"  ({one.standing})"
        print(f"{one.id:<20} {one.category:<11} {one.name}  {' '.join(one.domains)}".rstrip() + mark)
    return 0
