"""The community of `search_world`, with polls in it, open and anonymous ones, their votes and their ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from belisha.events import LABEL_KEY
from belisha.polls.card import card_content
from belisha.polls.wire import RESPONSE, START, end_content, start_content
from synapse_modules.polls import Polls
from tests.bots.search_world import Asking, SearchWorld, _Hooks

Json = dict[str, Any]
#: Every third poll shows nobody how it stands before its end, every fourth is anonymous.
_HIDDEN: Final = 3
_ANONYMOUS: Final = 4


@dataclass
class PollWorld(SearchWorld):
    """Each poll asks with a word of its own, by which the model knows it again: p12p."""

    polls: dict[str, str | None] = field(default_factory=dict)
    """Every poll, and of an anonymous one its place on the portal."""
    hidden: set[str] = field(default_factory=set)
    """Polls that show nobody how they stand before their end."""
    over: set[str] = field(default_factory=set)
    votes: dict[str, set[str]] = field(default_factory=dict)
    """Who has voted in each."""
    related: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        is_membership = "GENERATED ALWAYS AS (CASE type WHEN 'm.room.member' THEN sender END)"
        self.database.execute(f"ALTER TABLE events ADD COLUMN state_key {is_membership}")
        read: Any = SimpleNamespace(
            api=self.api,
            hooks=_PollHooks(self),
            readers=self.search._readers,
            registry=self.search._registry,
            upgrades=_NoUpgrades(),
        )
        self.asked = Polls(read)

    # --- What happens ------------------------------------------------------------------------------------------

    def says(self, user: str, room: str) -> None:
        """A poll, a vote in one, an end of one's own; or what is said otherwise."""
        act = self.dice.random()
        there = [one for one in self.polls if self.events[one].room == room and one not in self.over]
        open_ones = [one for one in there if self.polls[one] is None]
        if act < 0.5 and open_ones:
            self._votes(user, self.dice.choice(open_ones))
        elif act < 0.6 and (mine := [one for one in open_ones if self.events[one].sender == user]):
            self._refers(user, (poll := self.dice.choice(mine)), "org.matrix.msc3381.poll.end", end_content(poll, "x"))
            self.over.add(poll)
        else:
            super().says(user, room)
            event_id = f"$e{self.order}"
            if self.order % 2 and event_id not in self.files and event_id not in self.posts:
                self._asks(event_id)

    def _asks(self, event_id: str) -> None:
        number = len(self.polls)
        question = f"Which p{event_id[2:]}p?"
        if number % _ANONYMOUS == 0:
            self.polls[event_id] = f"place{number}"
            content = card_content(question, ["One", "Two"], 1, f"place{number}", "http://x", "$command")
        else:
            self.polls[event_id] = None
            content = start_content(question, ["One", "Two"])
            if number % _HIDDEN == 0:
                self.hidden.add(event_id)
                content[START[0]]["kind"] = "org.matrix.msc3381.poll.undisclosed"
        self._contents[event_id] = content | {LABEL_KEY: {"label": str(self.labels[event_id])}}
        self.votes[event_id], self.related[event_id] = set(), []

    def _votes(self, user: str, poll: str) -> None:
        reference = {"m.relates_to": {"rel_type": "m.reference", "event_id": poll}}
        self._refers(user, poll, RESPONSE[0], {RESPONSE[0]: {"answers": ["1"]}, **reference})
        self.votes[poll].add(user)

    def _refers(self, user: str, poll: str, kind: str, content: Json) -> None:
        event_id, room = self._event(kind, user), self.events[poll].room
        about = {"event_id": event_id, "room_id": room, "sender": user, "type": kind, "content": content}
        event = SimpleNamespace(**about, origin_server_ts=self._at(), get_dict=lambda: {"content": content})
        self.related[poll].append((self.order, event))

    # --- What they may see, by the model -----------------------------------------------------------------------

    def shown(self, user: str, poll: str) -> bool:
        """Whether a page of a poll is there for a member."""
        if poll not in self.readable(user):
            return False
        if self.polls[poll] is not None:
            return True
        return self.events[poll].sender == user and (poll not in self.hidden or poll in self.over)

    def voters(self, poll: str) -> set[str]:
        """Whose votes count in a poll: those of its group's present members."""
        room = self.events[poll].room
        return {one for one in self.votes[poll] if (one, room) in self.came and one not in self.frozen}

    def _synapses(self, event_id: str) -> Any:
        event = super()._synapses(event_id)
        event.type = START[0] if self.polls.get(event_id, "") is None else event.type
        event.get_dict = lambda: {"content": event.content}
        return event


@dataclass
class _PollHooks(_Hooks):
    world: PollWorld

    async def related(self, event_id: str) -> list[tuple[int, Any]]:
        return self.world.related[event_id]


class _NoUpgrades:
    async def successor(self, _room: str) -> None:
        return None


class AskingPolls(Asking):
    """The portal's questions about polls, too."""

    def __init__(self, world: PollWorld) -> None:
        super().__init__(world)
        self._polls = world

    async def _answer(self, question: str, body: Json) -> Any:
        person = self._polls.person(body["user_id"])
        if question == "poll":
            return await self._polls.asked.exported(person, body["room_id"], body["event_id"])
        if question == "ballot":
            return await self._polls.asked.ballot(person, body["room_id"], body["event_id"])
        return await super()._answer(question, body)
