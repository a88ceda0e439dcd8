"""`belisha member`: the members of a running community."""

import argparse
import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from belisha.cli import invitation, local_api, member_import, standing
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers, add_data
from belisha.cli.passwords import PasswordFile
from belisha.policy.contact import DirectChats
from belisha.policy.names import LOCALPART_RULE

ROLES = ("lead", "steward", "manager", "operator")


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("member", help="add, change, freeze, remove and list members of a running community")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    add = acts.add_parser("add", help="add a member, or change one")
    add.add_argument("localpart", help=f"the part of the address before the colon, as anna: {LOCALPART_RULE}")
    add.add_argument("--name", required=True, help="as members see it, without the organisation")
    add.add_argument("--organisation", required=True, metavar="ID")
    add.add_argument("--role", action="append", default=[], choices=ROLES, help="may be given several times")
    add_data(add)
    change = acts.add_parser("set", help="change what is given, and leave the rest")
    change.add_argument("localpart", help="the part of the address before the colon: anna")
    change.add_argument("--name", help="as members see it, without the organisation")
    change.add_argument("--organisation", metavar="ID")
    change.add_argument("--role", action="append", choices=("member", *ROLES), help="replaces all; may be repeated")
    add_data(change)
    several = acts.add_parser("import", help="add and change the members that a CSV file lists")
    several.add_argument("file", type=Path, metavar="FILE.csv", help=f"columns: {','.join(member_import.COLUMNS)}")
    several.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_data(several)
    standing.add_acts(
        acts,
        "NAME",
        {
            "freeze": "close everything to a member at once, until it is thawed",
            "thaw": "let a frozen member sign in again",
            "remove": "end a membership for good; the name is never given again",
        },
    )
    direct = acts.add_parser("direct-chats", help="set from whom a member takes direct chats")
    direct.add_argument("localpart", metavar="NAME")
    direct.add_argument("choice", choices=[choice.value for choice in DirectChats])
    add_data(direct)
    introduce = acts.add_parser("introduce", help="introduce two members: they may write to each other directly")
    introduce.add_argument("localpart", metavar="NAME")
    introduce.add_argument("other", metavar="OTHER")
    add_data(introduce)
    export = acts.add_parser("export", help="take the copy of what is held about a member who cannot sign in")
    export.add_argument("localpart", metavar="NAME")
    export.add_argument("file", type=Path, metavar="FILE.zip", help="a new file; only its owner can read it")
    add_data(export)
    unlink = acts.add_parser(
        "unlink", help="let another identity of its organisation's provider take a member's account"
    )
    unlink.add_argument("localpart", metavar="NAME")
    add_data(unlink)
    invitation.add_acts(acts)
    add_data(acts.add_parser("list", help="list the members"))


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    if args.act in standing.STANDINGS:
        return asyncio.run(standing.carry_out(args, "members"))
    act = {
        "add": _add,
        "set": _set,
        "list": _list,
        "import": member_import.carry_out,
        "direct-chats": _direct_chats,
        "introduce": _introduce,
        "export": _export,
        "unlink": _unlink,
        **invitation.ACTS,
    }[args.act]
    return asyncio.run(act(args))


async def _set(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        known = {member.user_id.partition(":")[0][1:]: member for member in await api.members()}
        before = known.get(args.localpart)
        if before is None:
            raise CommandError(f"There is no member “{args.localpart}”.", "`belisha member list` shows them.")
        return await _change(
            api,
            before,
            args.name or before.name,
            args.organisation or before.organisation,
            before.roles if args.role is None else args.role,
        )


async def _change(
    api: local_api.LocalApi, before: local_api.Member, name: str, organisation: str, roles: Sequence[str]
) -> int:
    """Changes a member, and says what was and what is."""
    localpart = before.user_id.partition(":")[0][1:]
    change = await api.put_member(localpart, name, organisation, roles)
    parts = [
        ("name", before.name, name),
        ("organisation", before.organisation, organisation),
        ("role", ", ".join(before.roles), ", ".join(roles) or "member"),
    ]
    told = "; ".join(f"{what} {old} → {new}" for what, old, new in parts if old != new)
    print(f"{change.id}: changed: {told}" if change.changed else f"{change.id}: is so already")
    return 0


async def _direct_chats(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        change = await api.set_direct_chats(args.localpart, args.choice)
    words = {
        DirectChats.ANYONE: "every member may open a direct chat",
        DirectChats.MY_GROUPS: "direct chats from who shares a group, or was introduced",
        DirectChats.INTRODUCTIONS: "direct chats from who was introduced",
        DirectChats.NOBODY: "no direct chats, and no introductions",
    }[DirectChats(args.choice)]
    print(f"{args.localpart}: {words if change.changed else 'is so already'}")
    return 0


async def _introduce(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        change = await api.introduce(args.localpart, args.other)
    said = "may write to each other directly" if change.changed else "were introduced already"
    print(f"{args.localpart} and {args.other} {said}")
    return 0


async def _export(args: argparse.Namespace) -> int:
    with _private(args.file) as out:
        async with local_api.of(args.data) as api:
            async for piece in api.export(args.localpart):
                out.write(piece)
    print(f"{args.file}: what is held about {args.localpart}. It is TLP:RED, for them alone: do not open it,")
    print("hand it over by a safe way, then delete it. That it was taken stands in the audit log.")
    return 0


@contextmanager
def _private(file: Path) -> Iterator[IO[bytes]]:
    """A new file that only its owner can read, and that is there only if all went well."""
    try:
        out = os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
    except OSError as error:
        raise CommandError(f"{file} cannot be made: {error.strerror}.", "Name a file that is not there yet.") from None
    try:
        with out:
            yield out
    except BaseException:
        file.unlink()
        raise


async def _add(args: argparse.Namespace) -> int:
    """Adds or changes a member; a new one's password goes to a file, of which the path is printed."""
    async with local_api.of(args.data) as api:
        known = {member.user_id.partition(":")[0][1:]: member for member in await api.members()}
        before = known.get(args.localpart)
        if before is not None:
            return await _change(api, before, args.name, args.organisation, args.role)
        with PasswordFile(args.data, args.localpart) as password:
            change = await api.put_member(
                args.localpart, args.name, args.organisation, args.role, password.text, password.key
            )
    if change.created:
        has = f"the password is in {password.path}. Hand it over safely, then delete the file."
        print(f"{change.id}: added; {has if password.text else 'its organisation signs it in, by that user name.'}")
    else:
        password.drop()
        print(f"{change.id}: added; the account was there already and keeps its password.")
    return 0


async def _unlink(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        change = await api.forget_identities(args.localpart)
    ended = "its sessions are ended; the next identity that its organisation's provider calls so takes the account"
    print(f"{change.id}: {ended if change.changed else 'no identity of a provider has it'}")
    return 0


async def _list(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        members = await api.members()
    for one in sorted(members, key=lambda member: (member.organisation, member.user_id)):
        print(f"{one.user_id:<40} {one.organisation:<20} {','.join(one.roles) or 'member':<16} {one.name}{_mark(one)}")
    return 0


def _mark(member: local_api.Member) -> str:
    return "" if member.standing == "active" else f"  ({member.standing})"
