"""Which bots there are, and the one list of what they can be asked."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from belisha.commands.declaration import Command
from belisha.metrics.facts import Pseudonyms
from bots.blog.blog import Blog
from bots.digest.digest import Digests
from bots.digest.mail_words import Post
from bots.digest.mailbox import Mailbox
from bots.directory.directory import Directory
from bots.kernel.bot import Bot, WithDesk
from bots.kernel.config import Escalation
from bots.library import Library
from bots.metrics.metrics import Metrics
from bots.metrics.pulse import Pulses
from bots.mydata.mydata import MyData
from bots.pads.pads import Pads
from bots.polls import Polls
from bots.polls.key_files import KeyFiles
from bots.portal import search_command
from bots.portal.approval import Approval
from bots.portal.command import PORTAL, PortalCommand
from bots.steward import Steward
from bots.steward.onboarding import Rules
from bots.steward.steward import Part


def roster(
    portal: PortalCommand | None = None,
    escalation: Escalation | None = None,
    rules: str | None = None,
    zone: ZoneInfo | None = None,
    ballot_keys: Path | None = None,
    post: Post | None = None,
    metrics: Metrics | None = None,
) -> list[Bot]:
    """Every bot, in the order in which they are asked about each event.

    Args:
        portal: What the steward answers of the portal, where there is one.
        escalation: Whom to tell of an urgent report that nobody looks after; by default the stewards' room alone.
        rules: The text of the community's rules, where it has any.
        zone: The community's time zone; UTC where none is given.
        ballot_keys: The folder of the keys of anonymous polls; without one there are no such polls.
        post: How digests are mailed; None where this community sends no mail.
        metrics: What is counted; nothing is without them.
    """
    written = None if rules is None else Rules(rules)
    entries = [] if portal is None else [portal.entry(), search_command.entry(portal.public_url)]
    hears = [] if portal is None else [Approval(portal)]
    address = "" if portal is None else portal.public_url
    keys = None if ballot_keys is None else KeyFiles(ballot_keys)
    at = zone or ZoneInfo("UTC")
    digests, library = Digests(at, keys, Mailbox(post)), Library(address)
    directory = Directory(address, None if metrics is None else metrics.completed_profile)
    parts: list[Part] = [
        Polls(at, address, keys),
        directory,
        Blog(address),
        library,
        Pads(address),
        digests,
        MyData(address, None if metrics is None else metrics.held),
        *([metrics] if metrics else ()),
        *([Pulses(metrics.book, keys, address, asks=metrics.asks)] if metrics else ()),
    ]
    return [
        Steward(
            entries,
            hears=hears,
            watches=(digests, directory, library, *([metrics] if metrics else ())),
            writes=digests,
            portal=address,
            escalation=escalation,
            rules=written,
            zone=zone,
            parts=parts,
        )
    ]


def every_command() -> list[Command]:
    """What any member could ask any bot for, in the order of the words."""
    metrics = Metrics(Pseudonyms(bytes(32)), ZoneInfo("UTC"))
    commands = (one for bot in roster(metrics=metrics) if isinstance(bot, WithDesk) for one in bot.desk.commands)
    return sorted((*commands, PORTAL, search_command.SEARCH), key=lambda command: command.words)
