"""Ends again what had ended between the backup and its restore, in a Synapse that answers no member."""

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from belisha.cli import local_api
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.cli.restored import Closed
from belisha.cli.revocations import WORDS, read_journal
from belisha.revocations import Revocation, What
from belisha.settings_values import BOT_PREFIX

AT_ONCE = 100
_PATIENCE = 600.0  # seconds for the memberships of members who were removed since


def of_community(journal: Path, server_name: str) -> list[Revocation]:
    """What stands in a journal.

    Raises:
        CommandError: it cannot be read, or is another community's.
    """
    found = read_journal(journal)
    accounts = [one.ids[-1] for one in found if one.what is What.MEMBERSHIP] + [
        one.ids[0] for one in found if one.what is What.SESSION
    ]
    if accounts and not any(account.endswith(f":{server_name}") for account in accounts):
        raise CommandError(
            f"The journal {journal} is of another community than {server_name}.", "Name its own with --journal FILE."
        )
    return found


async def end_again(
    data: Path,
    closed: AbstractAsyncContextManager[object],
    devices: Iterable[tuple[str, str]],
    revocations: Sequence[Revocation],
    progress: Progress,
) -> dict[str, int]:
    """Replays the journal and ends every session, and says how much of each there was.

    Args:
        data: the folder that the command line names.
        closed: runs a Synapse that answers no client.
        devices: accounts and the devices that they have.
        revocations: of the journal.
        progress: is told.

    Raises:
        CommandError: Synapse does not start, or refuses.
    """
    sessions = [Revocation(What.SESSION, device) for device in devices if not device[0].startswith(f"@{BOT_PREFIX}")]
    ended: Counter[str] = Counter()
    async with closed, local_api.of(data) as api:
        progress.step(f"Ending again what {len(revocations)} lines of the journal say has ended")
        for start in range(0, len(revocations), AT_ONCE):
            ended.update(await api.replay(revocations[start : start + AT_ONCE]))
        progress.step(f"Ending {len(sessions)} sessions: members sign in anew")
        for start in range(0, len(sessions), AT_ONCE):
            await api.replay(sessions[start : start + AT_ONCE])
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        while pending := await api.pending():
            if loop.time() > until:
                progress.warn(
                    f"The rooms of {pending} members are still being looked through; that goes on after the start."
                )
                break
            await asyncio.sleep(0.2)
    return {words: ended[what] for what, words in WORDS.items() if what != What.SESSION.value}


def named(args: argparse.Namespace, by_settings: Path | None) -> Path | None:
    """The journal to replay; None where somebody does without.

    Raises:
        CommandError: there is none.
    """
    if args.without_journal:
        return None
    journal = args.journal or by_settings
    if journal is None or not Path(journal).is_file():
        where = f" at {journal}" if journal else ""
        raise CommandError(
            f"There is no journal of revocations{where}: what was redacted, withdrawn, removed or raised since "
            "the backup would be back.",
            "Bring it and name it with --journal FILE; --without-journal does without, and tell your members then. "
            "Nothing was changed.",
        )
    return Path(journal).expanduser().absolute()


def at(seconds: int) -> str:
    """A moment as a person reads it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def said(closed: Closed, ended: dict[str, int], data: Path, then: str) -> str:
    """What a restore has brought, what it has not, and what is to be done `then`."""
    lines = [
        f"{data} is as the community was at {at(closed.made)}. What was written after that is lost.",
        *(f"{count:>7} {words}" for words, count in ended.items() if closed.journal),
    ]
    if not closed.journal:
        lines.append("No journal was replayed: what was taken back since is back. Tell the stewards and the members.")
    lines += [
        "Members sign in anew, with the passwords of then. Invitations and codes for a new password hold no longer.",
        "Anonymous polls that were open are cancelled: their keys are in no backup.",
        f"Look at rules of rooms and organisations that were changed since, then: {then}",
    ]
    return "\n".join(lines)
