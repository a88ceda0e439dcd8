"""`belisha bots dead-letters` shows what was given up, without content, has it tried again, or drops it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from bots import cli
from bots.kernel.bot import Context, Needs
from bots.kernel.effects import Effect, Mail, Send
from bots.kernel.events import Event
from bots.kernel.lanes import Backoff
from bots.kernel.store import Store
from bots.kernel.tables import inbox, outbox
from tests.bots.support import Homeserver, grounded, message, settled, write_config

QUICK = Backoff(first=0.02, longest=0.1, attempts=2)


class Clumsy:
    """Raises until it is mended."""

    name = "steward"
    mended = False

    def needs(self, event: Event, me: str) -> Needs | None:
        return Needs()

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        if event.content["body"] == "mail":
            return [Mail("ada@harbour.example", "subject", "secret words")]
        if not self.mended:
            raise KeyError("secret words")
        return [Send({"body": "done"})]


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    cli.register(parser.add_subparsers())
    code = cli.run(parser.parse_args(["bots", "dead-letters", *arguments]))
    return code, *capsys.readouterr()


async def _given_up(store: Store, homeserver: Homeserver, bot: Clumsy) -> None:
    async with grounded(store, homeserver, bot, backoff=QUICK) as arrive:
        await arrive(message("$1", "bad"), message("$2", "mail"))
        await settled(store)


async def test_dead_letters_are_shown_tried_again_and_dropped(
    store: Store, homeserver: Homeserver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    bot = Clumsy()
    await _given_up(store, homeserver, bot)
    (tmp_path / "rendered").mkdir()
    config = write_config(tmp_path, homeserver.url, 1)
    (tmp_path / "rendered" / "bots.yaml").write_text(config.read_text())
    data = ("--data", str(tmp_path))

    def command(*arguments: str) -> tuple[int, str, str]:
        return ran(capsys, *arguments, *data)

    code, shown, _ = await asyncio.to_thread(command, "list")
    assert code == 0
    first, second = shown.splitlines()
    assert first.startswith("in-1 ")
    assert "event $1 in !pilots:belisha.localhost  KeyError at test_dead_letters.py:" in first
    assert second.startswith("out-1 ")
    assert "steward: mail in mail " in second
    assert "No mail server is set up." in second
    assert "secret" not in shown
    assert "ada@" not in shown
    assert (await asyncio.to_thread(command, "retry"))[0] == 1
    assert "names no dead letter" in (await asyncio.to_thread(command, "drop", "all"))[2]
    assert await asyncio.to_thread(command, "drop", "out-7") == (1, "0 dropped.\n", "")

    assert await asyncio.to_thread(command, "retry", "in-1") == (0, "1 will be tried again.\n", "")
    bot.mended = True
    async with grounded(store, homeserver, bot, backoff=QUICK):
        found = await settled(store)
    assert found["$1"][0] == "handled"
    assert [content["body"] for _, content in homeserver.sent.values()] == ["done"]

    assert await asyncio.to_thread(command, "drop", "--all") == (0, "1 dropped.\n", "")
    assert (await asyncio.to_thread(command, "list"))[1] == "There are no dead letters.\n"
    async with store.reading() as connection:
        assert list(await connection.scalars(sa.select(outbox.c.kind))) == ["send"]


async def test_what_is_dropped_is_known_when_it_comes_again(
    store: Store, homeserver: Homeserver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bots.kernel.dead_letters import DeadLetters

    bot = Clumsy()
    await _given_up(store, homeserver, bot)
    assert await DeadLetters(store).drop(["in-1"]) == 1
    bot.mended = True
    async with grounded(store, homeserver, bot, backoff=QUICK) as arrive:
        await arrive(message("$1", "bad"))
        await settled(store)
    assert homeserver.sent == {}
    async with store.reading() as connection:
        assert await connection.scalar(sa.select(inbox.c.json).where(inbox.c.event_id == "$1")) is None


def test_the_command_line_finds_it() -> None:
    import tomllib

    project = tomllib.loads((Path(cli.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["belisha.commands"]["bots"] == "bots.cli"
