"""How this community mails digests, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from belisha.digest import addresses
from belisha.tlp import Label
from belisha.translation import _
from bots.digest.commands import BOTH, CHAT
from bots.kernel.answers import Block, Link, Typed, Words, paragraph, say

#: How far an address is: it waits for its code, is the member's, or was refused by the mail server.
ASKED: Final = "asked"
CONFIRMED: Final = "confirmed"
PAUSED: Final = "paused"
TYPE_MAIL: Final = Typed("!digest mail ADDRESS")


@dataclass(frozen=True, slots=True)
class Post:
    """How this community sends mail.

    Attributes:
        community: its name.
        ceiling: the strictest label that mail may carry.
        portal: the portal's address; empty where there is none.
        proof: what shows that a link was made here, for the handle in it; None where there is no portal.
    """

    community: str
    ceiling: Label = Label.GREEN
    portal: str = ""
    proof: Callable[[str], str] | None = None

    def off_link(self, handle: str) -> str | None:
        """Where whoever gets the mail turns it off, without signing in; None where there is no portal."""
        return None if self.proof is None else f"{self.portal}/digest-mail/{handle}.{self.proof(handle)}"


def how_it_is(post: Post | None, row: Mapping[str, Any] | None) -> Sequence[Block]:
    """Where a member's digest is mailed to, and what they can do about it."""
    if row is None or post is None:
        return (say(_("Your digest comes in this chat alone. To have it by mail too, write {mail}."), mail=TYPE_MAIL),)
    if row["state"] == ASKED:
        told = _("{address} waits for the code that I sent there: write {code}. To forget the address, write {off}.")
    elif row["state"] == PAUSED:
        told = _("Nothing is sent to {address}, since it was refused. To try anew, write {mail}; to forget it, {off}.")
    elif row["way"] == CHAT:
        told = _("{address} is yours, and your digest comes by chat alone. To have it there too, write {both}.")
    else:
        told = _(
            "Your digest goes to {address}: of what is above {ceiling}, only in how many groups there is something."
        )
    words: dict[str, Words] = {"address": row["address"], "ceiling": str(post.ceiling), "mail": TYPE_MAIL}
    typed = {
        "code": Typed("!digest code 123456"),
        "off": Typed("!digest mail off"),
        "both": Typed("!digest --by both"),
    }
    blocks: list[Block] = [say(told, **words, **typed)]
    if row["state"] == CONFIRMED and row["way"] != CHAT:
        other = "mail" if row["way"] == BOTH else "both"
        ways = (
            _("It comes here as well; to have it by mail alone, write {by}. To forget the address, write {off}.")
            if row["way"] == BOTH
            else _("It comes by mail alone; to have it here as well, write {by}. To forget the address, write {off}.")
        )
        blocks.append(say(ways, by=Typed(f"!digest --by {other}"), off=Typed("!digest mail off")))
    return blocks


def of_code(post: Post, code: str) -> Sequence[Block]:
    """The mail with a code."""
    blocks: list[Block] = [
        say(_("A member of {community} asks for digests at this address."), community=post.community),
        say(
            _("If it was you, write this in your own chat with the steward: {code}"), code=Typed(f"!digest code {code}")
        ),
    ]
    if post.portal:
        link = Link(_("the portal"), f"{post.portal}/commands/digest-code?its-code={code}")
        blocks.append(say(_("Or hand it in, signed in, on {portal}."), portal=link))
    more = _("The code holds for an hour. If it was not you, do nothing: then nothing more is sent here.")
    return (*blocks, paragraph(more))


def outside(address: str, domains: Sequence[str]) -> str | None:
    """Why nothing is mailed to an address, where it is in none of an organisation's domains."""
    if addresses.is_within(address, domains):
        return None
    if not domains:
        return _(
            "Your organisation has no mail domain here yet, so no digest can be mailed. Ask who runs this community."
        )
    told = _("Digests are mailed within your organisation alone: to addresses that end in {domains}.")
    return told.format(domains=", ".join(f"@{one.removeprefix('@')}" for one in domains[:5]))


def no_mail() -> str:
    """What is said where no mail is sent."""
    return _("This community sends no mail, so your digest comes by chat alone.")


def forgotten(was_there: bool) -> str:
    """What is said once an address is forgotten."""
    if was_there:
        return _("Nothing is mailed any more, and I have forgotten the address. Your digest comes here.")
    return _("There was no address. Your digest comes here.")
