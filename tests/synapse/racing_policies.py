"""Races of a change of a group's policy with another change of it: each that is answered 200 is in force afterwards."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

from tests.support.races import Answer, Race


class Upgraded(Race):
    """The group becomes a blog, and is upgraded: it is a blog in its new room, or the change is refused."""

    name = "policy and upgrade"
    both_may_stand = True

    async def make(self) -> None:
        """Each pair has a group of its own."""

    async def prepare(self) -> None:
        await self.group("harbour", "coastguard", members=("ana",))

    async def first(self) -> Answer:
        return await self.change(purpose="blog")

    async def second(self) -> Answer:
        return await self.community.server.local("POST", f"rooms/{quote(self.room)}/upgrade")

    async def judge(self, first: Answer, second: Answer) -> str | None:
        if second[0] != 200:
            return f"the group could not be upgraded: {second[1]}"
        self.room = second[1]["new_room_id"]
        policy = self.state("org.belisha.room")
        assert policy is not None
        wanted = "blog" if first[0] == 200 else "discussion"
        return None if policy["purpose"] == wanted else f"the change said {first[0]}, the new room is {policy}"


class Parts(Race):
    """Two change different parts of one policy: neither brings back what the other has changed."""

    name = "two parts of a policy"
    both_may_stand = True

    async def make(self) -> None:
        await self.group("harbour", "coastguard")
        self.purpose = "discussion"

    async def prepare(self) -> None:
        self.purpose = "blog" if self.purpose == "discussion" else "discussion"
        self.answered: dict[str, float] = {}

    async def first(self) -> Answer:
        return await self._noting("first", purpose=self.purpose)

    async def second(self) -> Answer:
        return await self._noting("second", organisations=["coastguard"])

    async def _noting(self, which: str, **wanted: Any) -> Answer:
        answer = await self.change(**wanted)
        self.answered[which] = time.monotonic()
        return answer

    def is_first(self, first: Answer, second: Answer) -> bool:
        # One waits for the other.
        return self.answered["first"] < self.answered["second"]

    async def judge(self, first: Answer, second: Answer) -> str | None:
        policy = self.state("org.belisha.room")
        assert policy is not None
        found = (policy["purpose"], policy["organisations"])
        return None if found == (self.purpose, ["coastguard"]) else f"the policy is {found}"

    async def reset(self) -> None:
        await self.accepted(self.change(organisations=["harbour", "coastguard"]))


#: Each, with how many pairs of it are run.
SORTS: dict[type[Race], int] = {Upgraded: 8, Parts: 20}
