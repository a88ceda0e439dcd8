"""docs/commands.md, made out of the commands' declarations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from belisha.commands.declaration import ALONE, EVERYBODY, GROUPS, RUNNING, WITH_BOTS, Command, usage
from belisha.commands.values import Field
from bots.roster import every_command

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
_WHERE: Final = {
    WITH_BOTS: "in a group or in your own room with the steward",
    GROUPS: "in the group that it is about",
    ALONE: "in your own room with the steward",
}
_INTRODUCTION: Final = """# Commands

<!-- made by `make tables` from the commands' declarations; do not edit -->

Write a command as a message, or use its form on the portal under “What I can do”: both do the same, and ask the same of
you. In your own room with the steward you can leave out the exclamation mark of a command that stands alone.

- What has spaces goes into quotation marks: `--purpose` takes one word, `"Tides and winds"` is one title.
- What stands in `[brackets]` can be left out, and `a|b` means one of them. `--name VALUE` can stand anywhere.
- Name a member by the address (`@anna`) or by a mention; name a group by its address, its id or a link.
- A mistyped command is answered with the nearest one. `!help` lists what *you* can ask for *here*.
- Some commands ask first whether you mean it. Tap ✅ or ❌, or write yes or no; after ten minutes it is too late.
- What you ask for by a form and the server carries out, you confirm once more in your own room with the steward.
"""


def page() -> str:
    """The whole page."""
    return "\n".join((_INTRODUCTION, *_sections(every_command())))


def _sections(commands: Sequence[Command]) -> Iterator[str]:
    for heading, found in (
        ("For everybody", [one for one in commands if one.roles == EVERYBODY]),
        ("For maintainers of a group, stewards and managers", [one for one in commands if one.others == "maintainer"]),
        (
            "For maintainers of a group, leads, stewards and managers",
            [one for one in commands if one.others == "maintainer or lead"],
        ),
        ("For leads, stewards and managers", [one for one in commands if one.others == "lead"]),
        ("For leads", [one for one in commands if one.roles == {"lead"}]),
        ("For managers", [one for one in commands if one.roles == {"manager"}]),
        ("For managers and operators", [one for one in commands if one.roles == {"manager", "operator"}]),
        ("For stewards", [one for one in commands if one.roles == {"steward"}]),
        ("For stewards and managers", [one for one in commands if one.roles == RUNNING and one.others is None]),
    ):
        yield f"## {heading}\n"
        for command in found:
            yield from _command(command)


def _command(command: Command) -> Iterator[str]:
    yield f"### `{usage(command)}`\n"
    about = f"{command.help[0].upper()}{command.help[1:]}. Write it {_WHERE[command.where]}"
    about += ", as the answer to the message that it is about." if command.is_answer else "."
    yield about + (" It asks first whether you mean it." if command.confirm else "") + "\n"
    for argument in command.arguments:
        named = f"--{argument.name}" if argument.flag else argument.kind.shown or argument.name.upper()
        choices = f": {', '.join(argument.kind.choices)}" if argument.kind.field is Field.CHOICE else ""
        yield f"- `{named}`: {argument.ask}{choices}{'' if argument.required else ' (may be left out)'}"
    if command.arguments:
        yield ""
    yield f"For example: `{command.example}`\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
