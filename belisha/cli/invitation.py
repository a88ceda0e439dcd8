"""The acts `invite`, `invitations` and `uninvite` of `belisha member`: registration tokens of an organisation."""

import argparse
import re
from datetime import UTC, datetime

from belisha.cli import local_api
from belisha.cli.options import Subparsers, add_data

_UNITS = {"h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


def seconds(text: str) -> int:
    """How long something lasts: `12h`, `7d` or `2w`, in seconds."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", text)
    if found is None:
        raise argparse.ArgumentTypeError("write a number and h, d or w, such as 7d")
    return int(found[1]) * _UNITS[found[2]]


def add_acts(acts: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the acts to the command's parser."""
    invite = acts.add_parser("invite", help="make a registration token, with which people of an organisation join")
    invite.add_argument("--organisation", required=True, metavar="ID")
    invite.add_argument("--uses", type=int, default=1, metavar="N", help="how many people may use it (default: 1)")
    invite.add_argument("--expires", type=seconds, default="7d", metavar="7d", help="12h, 7d, 2w (default: 7d)")
    invite.add_argument("--name", help="the new member's, for a token of one use; else it is made from the user name")
    add_data(invite)
    add_data(acts.add_parser("invitations", help="list the registration tokens, by their ids"))
    uninvite = acts.add_parser("uninvite", help="end a registration token; whoever has used it stays")
    uninvite.add_argument("invitation", metavar="ID", help="as `belisha member invitations` shows it")
    add_data(uninvite)


async def _invite(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        made = await api.invite(args.organisation, args.uses, args.expires, args.name)
    print(how_to_join(made, args.uses, args.name))
    return 0


def how_to_join(made: local_api.Invitation, uses: int, name: str | None) -> str:
    """What to hand over, and what the new member does with it: for a person."""
    whom = name or ("the new member" if uses == 1 else f"up to {uses} new members")
    ends = f"`belisha member uninvite {made.id}` ends it."
    if made.page:
        return "\n".join(
            [
                f"Hand this to {whom} of {made.organisation}, in a way that nobody else reads:",
                "",
                f"  1. Have a phone with an authenticator app at hand, and open {made.page}",
                f"  2. As registration token, write: {made.token}",
                "  3. Choose a user name, as anna.keller, and a password; let the app take the page's key.",
                "     Other members see your name, which is made from it unless it was given with the invitation.",
                f"  4. Sign in to Element, at {made.homeserver}, with the password and, straight behind it,",
                "     in the same field, the six digits that the app shows.",
                "",
                f"It holds until {_time(made.expires)}. It is shown only now; its id is {made.id}, by which",
                ends,
            ]
        )
    return "\n".join(
        [
            f"Hand this to {whom} of {made.organisation}, in a way that nobody else reads:",
            "",
            f"  1. Open Element and choose “Create account”. As server, choose “Other homeserver”: {made.homeserver}",
            "  2. Choose a user name, as anna.keller, and a password of at least 12 characters.",
            "     Other members see your name, which is made from it unless it was given with the invitation.",
            f"  3. When you are asked for a registration token, write: {made.token}",
            "",
            f"It holds until {_time(made.expires)}. It is shown only now; its id is {made.id}, by which",
            ends,
        ]
    )


async def _invitations(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        found = await api.invitations()
    for one in found:
        left = f"{one.left} left, until {_time(one.expires)}"
        print(
            f"{one.id:<10} {one.organisation:<20} {left}{'' if one.holds else '  (holds no more)'}  {one.name}".rstrip()
        )
    if not found:
        print("There is no invitation.")
    return 0


async def _uninvite(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        await api.uninvite(args.invitation)
    print(f"{args.invitation}: ended")
    return 0


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %Y %H:%M UTC")


ACTS = {"invite": _invite, "invitations": _invitations, "uninvite": _uninvite}
