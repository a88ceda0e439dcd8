"""Ends again what had ended between the backup and its restore, in a Synapse that answers no member."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from belisha.cli import local_api, ports
from belisha.cli.backup import sqlite
from belisha.cli.backup.sources import Sources
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.cli.revocations import WORDS, read_journal
from belisha.cli.supervisor import running
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


async def end_again(sources: Sources, revocations: Sequence[Revocation], progress: Progress) -> dict[str, int]:
    """Replays the journal and ends every session, and says how much of each there was.

    Raises:
        CommandError: Synapse does not start, or refuses.
    """
    data = sources.data
    sessions = [
        Revocation(What.SESSION, device)
        for device in sqlite.devices(sources.synapse)
        if not device[0].startswith(f"@{BOT_PREFIX}")
    ]
    ended: Counter[str] = Counter()
    async with running(data, ports.free_row(), progress, closed=True), local_api.of(data) as api:
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
