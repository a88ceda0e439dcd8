"""A server is lost with all that was on it, and the community goes on on another one (E1).

There are the backup, its key, the journal and what the operator brings; nothing else.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tests.deploy import moved
from tests.deploy.compared import same
from tests.deploy.container import Container, debian
from tests.deploy.hosted import BACKUP_KEY
from tests.deploy.moved import BELISHA, ETC
from tests.deploy.operating import DATABASES_ANEW, Playbook
from tests.support.documents import pdf
from tests.support.patience import until

#: What docs/backup.md says.
MAKE_ROOM: Final = f"""
set -e
systemctl stop nginx 'belisha-bots*' 'belisha-synapse*' belisha-backup.timer
mv /etc/belisha /etc/belisha.before; mv /var/lib/belisha /var/lib/belisha.before; mkdir /var/lib/belisha
{DATABASES_ANEW}"""


async def goes_on_on_another(
    playbook: Playbook, container: Container, release: Path, folder: Path, *, again: bool
) -> None:
    """Writes into a community, takes some of it back, destroys its server, and restores it into a new Debian 13.

    Args:
        playbook: what founds one there, too.
        container: the server; it is gone afterwards.
        release: for the new one's Python.
        folder: an empty one, for what is kept and for the new one.
        again: whether the playbook runs once more in the end, which has to change nothing.

    Raises:
        AssertionError: something is lost, or is there again.
    """
    here = await moved.settle(playbook, container)
    first = moved.rows(container)
    container.ssh("systemctl start belisha-backup")
    # What was there before the backup began and is there when it has ended was there at its moment.
    second = moved.rows(container)
    before = {table: held & second.get(table, set()) for table, held in first.items()}
    await moved.take_back(here, container)
    kept = folder / "kept"
    kept.mkdir(mode=0o700)
    backups = container.root / "mnt" / "backups"
    newest = max(one.name for one in backups.glob("*Z.tar.age"))
    for one in backups.glob(newest.removesuffix(".tar.age") + "*.age"):
        shutil.copy(one, kept)
    shutil.copy(container.root / moved.JOURNAL.lstrip("/"), kept)
    assert len(list(kept.iterdir())) == 3
    container.destroy()

    with debian(folder / "second", "trixie") as there:
        playbook.lead_to(there, release)
        there.ssh("install -d -m 0700 /mnt/backups")
        assert playbook.run()["changed"] > 10
        _restore(there, kept, newest)
        after = moved.rows(there)
        same(before, second, after, here.gone)
        assert not [row for held in after.values() for row in held if here.events["lost"] in row]
        labels = {found["event_id"]: found["label"] for found in map(json.loads, after["belisha_synapse.belisha_item"])}
        assert labels[here.events["stays"]] == labels[here.events["raised"]] == "TLP:AMBER"
        assert playbook.run()["changed"] > 0
        await _as_members_see_it(here, there)
        if again:
            assert playbook.run()["changed"] == 0


def _restore(there: Container, kept: Path, newest: str) -> None:
    """As docs/backup.md says, in the place of the community without members that the playbook has made."""
    for one in (*kept.iterdir(), kept / "backup.key"):
        target = there.root / "root" / one.name
        target.touch(mode=0o600)
        target.write_bytes(one.read_bytes() if one.exists() else f"{BACKUP_KEY}\n".encode())
    there.ssh(MAKE_ROOM)
    restore = f"{BELISHA} restore /root/{newest} --identity /root/backup.key --journal /root/revocations.jsonl"
    assert "Both archives are whole" in there.ssh(f"{restore} --check 2>&1")
    told = there.ssh(f"{restore} {ETC} 2>&1")
    for words in ("1 files withdrawn", "1 labels raised", "What was written after that is lost"):
        assert words in told, told


async def _as_members_see_it(here: moved.Community, there: Container) -> None:
    ana, ben, cora, eve = (here.people[name] for name in ("ana", "ben", "cora", "eve"))
    assert (await ana.ask("GET", "client/v3/account/whoami"))[0] == 401, "an old session"
    assert [await one.sign_in() for one in (ana, ben, cora, eve)] == [200, 200, 200, 403]
    assert (await cora.content(here.closed, here.events["stays"]))["body"].endswith("stays")
    assert "body" not in await cora.content(here.closed, here.events["redacted"])
    room = f"client/v3/rooms/{quote(here.closed)}/event/"
    assert (await ben.ask("GET", room + quote(here.events["stays"])))[0] in (403, 404)
    assert (await cora.ask("GET", room + quote(here.events["lost"])))[0] == 404
    assert [(await cora.ask("GET", f"client/v1/media/download/{one}"))[0] for one in here.files] == [200, 404]
    assert there.ssh(f"{BELISHA} audit verify {ETC}").endswith("nothing wrong.\n")
    # The marker stands in the file alone: the confined process reads it there, too.
    red = pdf(lambda page, _: page.drawString(50, 820, "TLP:RED"))
    uri = (await ana.done("POST", "media/v3/upload?filename=tides.pdf", red))["content_uri"]
    await until(lambda: moved.unread(there) == 0)
    body = {"msgtype": "m.file", "body": "tides.pdf", "url": uri}
    status, refused = await ana.ask("PUT", f"client/v3/rooms/{quote(here.closed)}/send/m.room.message/red", body)
    assert (status, refused["errcode"]) == (403, "ORG.BELISHA.ABOVE_CEILING"), refused
    sent = moved.answered(there)
    await ana.say(here.service, "!profile")
    await until(lambda: moved.answered(there) > sent)
    there.ssh("systemctl start belisha-backup")
