"""The steward's digests beside a mail server, with a clock that tests turn."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from belisha.tlp import Label
from bots.digest.digest import Digests
from bots.digest.mail_words import Post
from bots.digest.mailbox import Mailbox
from bots.digest.tables import digest_address
from bots.kernel.effects import MAILED
from bots.kernel.store import Store
from bots.kernel.tables import inbox, job, outbox
from bots.portal.keys import Keys
from bots.steward import Steward
from tests.bots.support import Homeserver, Json, grounded, message
from tests.bots.test_digest import LONDON, MIA, OWN
from tests.bots.test_schedule import Clock
from tests.bots.test_sending import QUICK
from tests.support.patience import until
from tests.support.smtp import Mailserver

KEYS = Keys("a secret")
ADDRESS = "mia@reef.test"
CODE = "123456"
PORTAL = "https://portal.reef.test"


class Mailing:
    """A community of three, whose bots run whenever they are asked to."""

    def __init__(self, store: Store, homeserver: Homeserver, server: Mailserver | None) -> None:
        self.store, self.homeserver, self.server = store, homeserver, server
        self.clock = Clock("2026-06-03 12:00")
        self.ceiling = Label.GREEN
        self._commands = 0
        homeserver.digests[MIA] = {"groups": [], "waiting": [], "items": {}, "domains": ["reef.test"]}

    def steward(self) -> Steward:
        post = None if self.server is None else Post("The Reef", self.ceiling, PORTAL, KEYS.mail_off)
        digests = Digests(LONDON, None, Mailbox(post, lambda: CODE))
        return Steward(parts=[digests], watches=[digests], zone=LONDON, writes=digests)

    async def run(self, *events: Json, seconds: float = 0.0) -> list[str]:
        """Lets the bots work till nothing is due; what was said in Mia's own room, the newest last."""
        self.clock.now += seconds
        settings = None if self.server is None else {"mail": self.server.settings}
        steward, clock = self.steward(), self.clock
        async with grounded(
            self.store, self.homeserver, steward, settings=settings, now=clock, backoff=QUICK
        ) as arrive:
            await arrive(*events)

            async def nothing_is_due() -> bool:
                events = sa.select(inbox.c.received).where(inbox.c.state == "pending")
                due = sa.select(job.c.number).where(job.c.state == "pending", job.c.due <= clock.now)
                sends = sa.select(outbox.c.number).where(outbox.c.state == "pending", outbox.c.not_before <= clock.now)
                async with self.store.reading() as connection:
                    for one in (events, due, sends):
                        if (await connection.execute(one)).first() is not None:
                            return False
                return True

            await until(nothing_is_due)
        return [str(content["body"]) for room, content in self.homeserver.sent.values() if room == OWN]

    async def ask(self, text: str, who: str = MIA, room: str = OWN, seconds: float = 1.0) -> str:
        """What the steward answers to a command."""
        self._commands += 1
        self.homeserver.policies[room] = {"kind": "service", "default": "TLP:AMBER", "ceiling": "TLP:AMBER+STRICT"}
        about = {"belongs": True, "organisation": "reef", "roles": ["member"], "service_room": room}
        self.homeserver.askers[who] = about
        before = set(self.homeserver.sent)
        await self.run(message(f"$ask{self._commands}", text, room=room, sender=who), seconds=seconds)
        new = [(where, one) for key, (where, one) in self.homeserver.sent.items() if key not in before]
        return "\n".join(str(one["body"]) for where, one in new if where == room)

    async def confirmed(self, way: str = "both") -> None:
        """Mia's address is confirmed, and she is told once in this way."""
        assert f"on its way to {ADDRESS}" in await self.ask(f"!digest mail {ADDRESS}")
        assert ADDRESS in await self.ask(f"!digest code {CODE}")
        if way != "both":
            await self.ask(f"!digest --by {way}")

    async def addresses(self) -> list[dict[str, Any]]:
        query = sa.select(digest_address).order_by(digest_address.c.user_id)
        return await self.store.read(lambda one: [dict(row) for row in one.execute(query).mappings()])

    async def kept_of_mails(self) -> str:
        """All that the outbox and the jobs hold of mails."""
        mails = sa.select(outbox.c.body, outbox.c.last_error).where(outbox.c.kind.in_(("mail", "letter")))
        ends = sa.select(job.c.arguments).where(job.c.name.startswith(MAILED))
        return await self.store.read(lambda one: str([list(map(tuple, one.execute(of))) for of in (mails, ends)]))

    async def waiting(self) -> int:
        """How many mails are still to be sent."""
        query = sa.select(sa.func.count()).where(outbox.c.kind.in_(("mail", "letter")), outbox.c.state != "sent")
        return int(await self.store.read(lambda one: one.scalar(query)) or 0)
