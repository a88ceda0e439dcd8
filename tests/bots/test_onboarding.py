"""The first steps: a welcome with the rules, their acceptance by version, suggested groups, phones' screens."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from bots.kernel.config import LONGEST_RULES, ConfigError, load
from bots.kernel.store import Store
from bots.steward import Steward
from bots.steward.onboarding import Rules
from bots.steward.tables import acceptance
from tests.bots.support import ADA, STEWARD, Homeserver, Json, member, write_config
from tests.bots.test_desk import OWN, Room

TEXT = "Be kind.\n\nNo more than\nthis:\n\n- share what you may\n- ask the source\n\nTLP:RED"
OLD, NEW = Rules(TEXT), Rules(TEXT + "\n\nAnd be brief.")


class Here(Room):
    """A room with the steward, whose rules may change."""

    def __init__(self, store: Store, homeserver: Homeserver) -> None:
        self.rules: Rules | None = OLD
        super().__init__(store, homeserver, lambda: Steward(rules=self.rules))

    async def accepted(self) -> list[tuple[str, str]]:
        async with self.store.reading() as connection:
            rows = await connection.execute(sa.select(acceptance.c.user_id, acceptance.c.version))
            return sorted((row.user_id, row.version) for row in rows)

    def last(self, words: str) -> str:
        """The id of the newest message that says something."""
        found = [key for key, (_, content) in self.homeserver.sent.items() if words in str(content.get("body"))]
        return f"$answer-{found[-1]}"

    def taps(self, words: str, key: str = "✅") -> Json:
        relation = {"rel_type": "m.annotation", "event_id": self.last(words), "key": key}
        tap = self.says("", "x")
        return tap | {"type": "m.reaction", "room_id": OWN, "content": {"m.relates_to": relation}}


@pytest_asyncio.fixture
async def here(store: Store, homeserver: Homeserver) -> Here:
    return Here(store, homeserver)


async def test_who_comes_in_is_welcomed_and_asked_about_the_rules(here: Here) -> None:
    joins = member("$joins", ADA, room=OWN, displayname="Ada (Harbour)")
    hello, rules = await here.hears(joins)
    assert hello.startswith("Hello Ada, and welcome!") and "To begin, write start." in hello
    assert "Be kind.\n\nNo more than this:\n\n• share what you may\n• ask the source" in rules
    assert rules.endswith("Tap ✅ or ❌, or write !rules accept."), "no label stands alone on its last line"
    (thanks,) = await here.hears(here.taps("Do you accept them?"))
    assert thanks.startswith("Thank you: you have accepted the rules.")
    assert await here.accepted() == [(ADA, OLD.version)]
    assert await here.hears(member("$again", ADA, room=OWN, displayname="Ada (Harbour)")) == [], "once"


async def test_without_rules_there_is_nothing_to_accept(here: Here) -> None:
    here.rules = None
    (hello,) = await here.hears(member("$joins", STEWARD, room=OWN), member("$ada", ADA, room=OWN, displayname="Ada"))
    assert "welcome" in hello
    for words in ("!rules", "!rules accept"):
        (said,) = await here.hears(here.says(words))
        assert "no rules of its own" in said
    assert await here.accepted() == []


async def test_the_rules_are_accepted_by_words_or_not_at_all(here: Here) -> None:
    (asked,) = await here.hears(here.says("!rules"))
    assert "Do you accept them?" in asked
    assert await here.hears(here.taps("Do you accept them?", "❌")) == ["Nothing was done."]
    assert await here.accepted() == []
    await here.hears(here.says("!rules accept"), here.says("!rules accept"))
    assert await here.accepted() == [(ADA, OLD.version)]
    (told,) = await here.hears(here.says("!rules"))
    assert "You have accepted the rules, as they are now, on 20" in told and "Do you accept" not in told


async def test_what_was_shown_is_what_is_accepted(here: Here) -> None:
    await here.hears(here.says("!rules"))
    here.rules = NEW
    (told,) = await here.hears(here.taps("Do you accept them?"))
    assert told.startswith("The rules have changed since you read them.") and await here.accepted() == []
    await here.hears(here.says("!rules accept"))
    assert await here.accepted() == [(ADA, NEW.version)]
    here.rules = OLD
    (told,) = await here.hears(here.says("!start"))
    assert "write !rules, read them" in told, "another version was accepted"


async def test_the_first_steps(here: Here) -> None:
    group: Json = {"room_id": "!a:x", "name": "Tides", "topic": "", "address": "#tides:x", "kind": "open", "members": 9,
                   "messages": 1, "membership": None}  # fmt: skip
    others = [{**group, "room_id": f"!{n}:x", "name": f"Group {n}", "members": 1} for n in range(5)]
    here.homeserver.groups = [group, {**group, "name": "Asked", "membership": "knock"}, *others]
    (told,) = await here.hears(here.says("!start"))
    assert [name in told for name in ("Tides", "Asked", "Group 0", "Group 1", "Group 2")] == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert "9 members" in told and "!group join" in told and "!direct-chats my-groups" in told
    assert "verify" in told and "recovery key" in told and "!rules" in told
    here.homeserver.groups = []
    (told,) = await here.hears(here.says("!start"))
    assert "Groups that you could join" not in told
    (told,) = await here.hears(here.says("start"))
    assert "First steps" in told


@pytest.mark.parametrize(
    ("text", "wrong"), [(None, "cannot be read"), ("  \n", "no rules"), ("x" * (LONGEST_RULES + 1), "more than")]
)
def test_rules_that_cannot_be_shown_stop_the_start(tmp_path: Path, text: str | None, wrong: str) -> None:
    file = tmp_path / "rules.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=wrong):
        load(write_config(tmp_path, "http://x", 1, rules_file=str(file))).rules()
    file.write_text(f"\n{TEXT}\n")
    assert load(write_config(tmp_path, "http://x", 1, rules_file=str(file))).rules() == TEXT
    assert load(write_config(tmp_path, "http://x", 1)).rules() is None
