"""A community on a server: written into, read row by row, and taken back from; so a restore can be compared (E1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import aiohttp
import pyotp

from belisha.revocations import Revocation, What, read
from tests.deploy.container import Container
from tests.deploy.hosted import URLS
from tests.deploy.operating import Playbook
from tests.support.backups import Client
from tests.support.patience import until

BELISHA: Final = "/opt/belisha/venv/bin/belisha"
ETC: Final = "--data /etc/belisha"
JOURNAL: Final = "/var/lib/belisha/synapse/revocations.jsonl"
#: Who is in which organisation. Ben leaves, and eve is removed.
MEMBERS: Final = {"ana": "alder", "ben": "alder", "cora": "birch", "eve": "birch"}

#: Each row of each table of both databases, as JSON after the table's name.
_ROWS: Final = r"""
cd /
for part in synapse bots; do
  runuser -u postgres -- psql -qtAX belisha_$part <<'SQL'
SELECT format('SELECT %L || chr(9) || to_jsonb(t) FROM %I t', current_database() || '.' || tablename, tablename)
FROM pg_tables WHERE schemaname = 'public' \gexec
SQL
done
"""


class Member(Client):
    """One with a second factor."""

    def __init__(
        self, homeserver: str, localpart: str, password: str, connect: Callable[[], aiohttp.TCPConnector], otpauth: str
    ) -> None:
        super().__init__(homeserver, localpart, password, connect)
        self._password = password
        app = pyotp.parse_uri(otpauth)
        assert isinstance(app, pyotp.TOTP)
        self._app = app

    async def sign_in(self) -> int:
        self.password = self._password + self._app.now()
        return await super().sign_in()


@dataclass
class Community:
    """What was written, and by whom."""

    people: dict[str, Client]
    closed: str
    service: str
    #: Events by what becomes of them.
    events: dict[str, str]
    files: list[str]
    #: What is taken back after the backup.
    gone: list[str] = field(default_factory=list)


async def settle(playbook: Playbook, container: Container) -> Community:
    """Makes organisations, members and a group, and has something of each kind written there."""
    added = [
        f"{BELISHA} organisation add {one} --name {one.title()} --category charity {ETC}"
        for one in sorted(set(MEMBERS.values()))
    ]
    added += [
        f"{BELISHA} member add {name} --name {name.title()} --organisation {one} {ETC}" for name, one in MEMBERS.items()
    ]
    container.ssh("set -e\n" + "\n".join(added))
    people: dict[str, Client] = {}
    for name in MEMBERS:
        written = json.loads(container.ssh(f"cat /etc/belisha/passwords/{name}.json"))
        people[name] = Member(URLS[""], name, written["password"], playbook.connector, written["otpauth"])
        assert await people[name].sign_in() == 200, name
    ana = people["ana"]
    made = await ana.done("POST", "client/v3/createRoom", {"preset": "private_chat", "name": "Tides and winds"})
    closed = str(made["room_id"])
    for name in list(MEMBERS)[1:]:
        await ana.done("POST", f"client/v3/rooms/{quote(closed)}/invite", {"user_id": f"@{name}:harbour.test"})
        await people[name].done("POST", f"client/v3/join/{quote(closed)}", {})
    events = {
        name: await ana.say(closed, f"TLP:{label} {name}")
        for name, label in {"stays": "AMBER", "redacted": "AMBER", "raised": "GREEN"}.items()
    }
    files = [await ana.share_picture(closed, number) for number in (1, 2)]
    service = asked(container, "synapse", "SELECT service_room_id FROM belisha_member WHERE localpart = 'ana'")
    await ana.done("POST", f"client/v3/join/{quote(service)}", {})
    await ana.say(service, "!profile expertise + image hashing")
    await ana.say(closed, '!poll "When?" | Monday | Tuesday')
    await ana.say(closed, "!pad Tide tables for the spring")
    written = "SELECT EXISTS (SELECT FROM poll) AND EXISTS (SELECT FROM profile_field) AND EXISTS (SELECT FROM pad)"
    await until(lambda: asked(container, "bots", written) == "t")
    status, refused = await ana.ask(
        "PUT", f"client/v3/rooms/{quote(closed)}/send/m.room.message/no", {"msgtype": "m.text", "body": "TLP:RED x"}
    )
    assert status == 403, refused
    return Community(people, closed, service, events, files)


async def take_back(here: Community, container: Container) -> None:
    """Withdraws, redacts, raises, leaves and removes, writes something more, and waits until the journal has it."""
    ana, room = here.people["ana"], f"client/v3/rooms/{quote(here.closed)}"
    here.events["lost"] = await ana.say(here.closed, "TLP:AMBER written after the backup")
    await ana.done("PUT", f"{room}/redact/{quote(here.events['redacted'])}/r1", {})
    relates = {"rel_type": "m.reference", "event_id": here.events["raised"]}
    content = {"m.relates_to": relates, "label": "TLP:AMBER", "reason": "more"}
    await ana.send(here.closed, content, "org.belisha.relabel")
    container.ssh(f"{BELISHA} file withdraw mxc://{here.files[1]} {ETC}")
    await here.people["ben"].done("POST", f"{room}/leave", {})
    container.ssh(f"{BELISHA} member remove eve {ETC}")
    media = here.files[1].rpartition("/")[2]
    wanted = {
        Revocation(What.ITEM, (here.events["redacted"],)),
        Revocation(What.LABEL, (here.events["raised"],), "TLP:AMBER"),
        Revocation(What.FILE, (media,)),
        *(Revocation(What.MEMBERSHIP, (here.closed, f"@{name}:harbour.test"), "left") for name in ("ben", "eve")),
        Revocation(What.STANDING, ("members", "eve"), "removed"),
    }
    here.gone = [here.events["redacted"], here.events["raised"], media, "@ben:", "@eve:", '"ben"', '"eve"']
    await until(
        lambda: wanted <= set(read(container.ssh(f"cat {JOURNAL} 2> /dev/null || true").splitlines(keepends=True)))
    )


def rows(container: Container) -> dict[str, set[str]]:
    """Every row of every table, by the table."""
    found: dict[str, set[str]] = {}
    for line in container.ssh(_ROWS).splitlines():
        table, _, row = line.partition("\t")
        found.setdefault(table, set()).add(row)
    return found


def asked(container: Container, part: str, statement: str) -> str:
    """What the database of a part answers."""
    return container.ssh(f'cd / && runuser -u postgres -- psql -tAX belisha_{part} -c "{statement}"').strip()


def answered(container: Container) -> int:
    """How many messages the bots have sent."""
    return int(asked(container, "bots", "SELECT count(*) FROM outbox WHERE state = 'sent'"))


def unread(container: Container) -> int:
    """How many files have not been looked at for markers."""
    return int(asked(container, "synapse", "SELECT count(*) FROM belisha_file WHERE scanned IS NULL"))
