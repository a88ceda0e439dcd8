"""200 members, 30 groups, and a small model that was written apart: not one forbidden item in chat or mail.

The community changes all the time, between choosing and telling and between one attempt of a mail and the next. Each
digest is held to what the model says of its member in the moment of the module's last answer for it.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.events import LABEL_KEY
from belisha.tlp import Label
from bots.digest.digest import Digests
from bots.digest.mail_words import Post
from bots.digest.mailbox import Mailbox
from bots.digest.tables import digest_address, digest_member, digest_mention, digest_message
from bots.directory.tables import directory_member
from bots.kernel.store import Store
from bots.kernel.tables import job, outbox
from bots.portal.keys import Keys
from bots.steward import Steward
from tests.bots.digest_world import WEEK, Event, World
from tests.bots.support import Homeserver, Json, grounded
from tests.bots.test_schedule import LONDON
from tests.bots.test_sending import QUICK
from tests.support.patience import until
from tests.support.smtp import Mailserver, listening

_LINK = re.compile(r"https://matrix\.to/#/([^/\s\"]+)/(\$e[0-9]+)\?via=")
_COUNTED = re.compile(r"([0-9]+)\+? new (?:in a thread )?in (G[0-9]{2}g)")
#: Whole words, for a random token may have such letters within it.
_GROUP, _NAME = (re.compile(rf"(?<![\w-]){word}(?![\w-])") for word in ("G[0-9]{2}g", "N[0-9]{3}n"))
_ABOVE = re.compile(r"Something new in ([0-9]+) of your groups")
#: Members get theirs in each of these ways in turn.
_WAYS = ("chat", "mail", "both")
Readable = dict[str, Event]


class Asked(Homeserver):
    """The homeserver, whose answers for digests are the module's, and which keeps what was readable with each."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.readable: dict[str, list[Readable]] = {}

    async def _other(self, path: str, request: Any) -> tuple[int, Json]:
        if not path.endswith("/digest"):
            return await super()._other(path, request)
        asked = await request.json()
        self.world.turns()
        user = asked["member"]
        self.readable.setdefault(user, []).append(self.world.readable(user))
        return 200, await self.world.answer(user, asked["items"])


class Reluctant(Mailserver):
    """A mail server that takes each reader's mail the second time, and keeps what was readable then."""

    def __init__(self, homeserver: Asked) -> None:
        super().__init__()
        self._homeserver = homeserver
        self._seen: Counter[str] = Counter()
        self.readable: list[Readable] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        (reader,) = envelope.rcpt_tos
        self._seen[reader] += 1
        if self._seen[reader] == 1:
            return "451 later"
        self.readable.append(self._homeserver.readable[_user(reader)][-1])
        return await super().handle_DATA(server, session, envelope)


def _user(address: str) -> str:
    return f"@{address.partition('@')[0]}:belisha.localhost"


def _forbidden(text: str, may: Readable, ceiling: Label, label: Label) -> list[str]:
    """What stands in a digest and may not, by the model."""
    within = {one.event_id: one for one in may.values() if one.label <= ceiling}
    there = Counter(World.group(one.room) for one in within.values())
    people = {World.name(one.sender) for one in within.values()}
    wrong = [f"{item} in {room}" for room, item in _LINK.findall(text) if item not in within]
    wrong += [one for one in _GROUP.findall(text) if one not in there]
    wrong += [one for one in _NAME.findall(text) if one not in people]
    wrong += [f"{count} new in {group}" for count, group in _COUNTED.findall(text) if int(count) > there[group]]
    above = len({one.room for one in may.values() if one.label > ceiling})
    wrong += [f"{count} groups above" for count in _ABOVE.findall(text) if int(count) > above]
    told = [within[item].label for _room, item in _LINK.findall(text) if item in within]
    wrong += ["its label"] if label < max(told, default=Label.GREEN) else []
    return wrong + (["a word of a message"] if "S3cret" in text else [])


async def _prepared(store: Store, world: World) -> None:
    rows, chosen, addresses = [], [], []
    for number, user in enumerate(world.users):
        organisation = world.organisation(user)
        names = {"name": world.name(user), "organisation": organisation, "organisation_name": organisation}
        about = {"user_id": user, "standing": "active", "service_room": world.own_room(user), "category": "charity"}
        rows.append({**about, **names})
        chosen.append({"user_id": user, "since": float(WEEK), "due": 0.0})
        address = {"user_id": user, "address": f"{user[1:5]}@{organisation}.test", "handle": f"h{number}"}
        addresses.append({**address, "way": _WAYS[number % 3], "state": "confirmed", "asked_at": 0.0})

    def write(connection: sa.Connection) -> None:
        for table, values in (
            (directory_member, rows),
            (digest_member, chosen),
            (digest_address, addresses),
            (digest_message, world.facts),
            (digest_mention, world.mentions),
        ):
            connection.execute(table.insert(), values)

    await store.write(write)


Told = list[tuple[str, str, Readable, Label]]


def _chats(homeserver: Asked) -> Told:
    """The digests that were told by chat: to whom, what, what they could read then, and its label."""
    users, found = {homeserver.world.own_room(one): one for one in homeserver.world.users}, Told()
    for room, content in homeserver.sent.values():
        if "What is new for you" in content["body"]:
            label = Label.parse(content[LABEL_KEY]["label"])
            assert label is not None
            # The first answer was for choosing; what came behind the second is for the mail.
            may = homeserver.readable[users[room]][1]
            found.append((users[room], content["body"] + content["formatted_body"], may, label))
    return found


def _mails(server: Reluctant) -> Told:
    found = Told()
    for mail, may in zip(server.taken, server.readable, strict=True):
        text = "".join(str(part.get_content()) for part in mail.iter_parts() if isinstance(part, EmailMessage))
        label = Label.parse(str(mail["Subject"])[1:].partition("]")[0])
        assert label is not None
        found.append((_user(str(mail["To"])), text, may, label))
    return found


async def _nothing_waits(store: Store, now: float) -> bool:
    due = sa.select(job.c.number).where(job.c.state == "pending", job.c.due <= now)
    sends = sa.select(outbox.c.number).where(outbox.c.state == "pending", outbox.c.not_before <= now)
    return await store.read(lambda one: all(one.execute(each).first() is None for each in (due, sends)))


@pytest.mark.full
async def test_of_200_members_nobody_is_told_one_forbidden_item(tmp_path: Path) -> None:
    world = World(random.Random(9))  # noqa: S311 - no secret
    world.happens(4000)
    store = Store(f"sqlite:///{tmp_path}/bots.db")
    await store.open()
    await _prepared(store, world)
    now = float(WEEK + world.order + 60)
    digests = Digests(LONDON, None, Mailbox(Post("The Reef", proof=Keys("a secret").mail_off)))
    steward = Steward(parts=[digests], watches=[digests], writes=digests, zone=LONDON)
    async with Asked(world) as homeserver:
        with listening(Reluctant(homeserver)) as server:
            settings = {"mail": server.settings}
            async with grounded(
                store, homeserver, steward, settings=settings, now=lambda: now, backoff=QUICK
            ) as _arrive:
                now += 61  # the plan is due
                await until(lambda: _nothing_waits(store, now))
                for _ in range(50):
                    now += 1
                    await asyncio.sleep(0.02)
                await until(lambda: _nothing_waits(store, now))
    await store.close()
    chats, mails = _chats(homeserver), _mails(server)
    wrong = {user: found for user, text, may, label in chats if (found := _forbidden(text, may, Label.RED, label))}
    assert wrong == {}
    wrong = {user: found for user, text, may, label in mails if (found := _forbidden(text, may, Label.GREEN, label))}
    assert wrong == {}
    # It is no empty word: most are told something, and in each way there was much that had to be left out.
    assert len(chats) > 80 and len(mails) > 60 and sum(bool(_ABOVE.search(one[1])) for one in mails) > 20
    assert sum(len(_LINK.findall(one[1])) for one in (*chats, *mails)) > 500
    hidden = [one for one in world.mentions if one["event_id"] not in homeserver.readable[one["user_id"]][-1]]
    assert len(hidden) > 500
    planted = [_forbidden(text, {}, Label.GREEN, label) for _user, text, _may, label in mails]
    assert all(planted), "the model finds what nobody may read"
