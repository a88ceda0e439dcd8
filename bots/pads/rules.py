"""What a pad may hold, and which label it has with what stands in it (rules L2 and L3); pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.pads.updates import MalformedUpdate, Update, advanced

#: The longest text of a pad, in characters: some fifty pages, read as Markdown within seconds whatever it is.
LONGEST: Final = 100_000
#: How much may ever be written in one pad, deleted or not, in UTF-16 units: every page loads what is left of it.
MOST_WRITTEN: Final = 1_000_000
#: How many editors may ever write in one pad; each page that is opened to write in is one.
MOST_CLIENTS: Final = 20_000
_TITLE: Final = 100


class Refused(ValueError):
    """What cannot be taken in; `str()` is a sentence for its writer."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a pad's text makes of its label.

    Attributes:
        label: the strictest of its message's and the text's.
        note: a sentence for those who write, where the text does not say plainly what it is; else empty.
    """

    label: Label
    note: str = ""


def check(update: Update, state: Mapping[int, int], owners: Mapping[int, str], user_id: str) -> dict[int, int]:
    """Looks whether somebody may write that; how far each client is behind it.

    Args:
        update: what was sent.
        state: how much of each client is there.
        owners: whose each client is. A client that is not in it becomes its first writer's.
        user_id: who sends it.

    Raises:
        Refused: it cannot be taken in, or somebody else's writing is in it.
    """
    try:
        found = advanced(state, update)
    except MalformedUpdate as error:
        raise Refused(f"What this page sent could not be read. {error} {_AGAIN}") from error
    if any(owners.get(client, user_id) != user_id for client in found):
        raise Refused(f"What this page sent says that somebody else has written it. {_AGAIN}")
    if sum(state.values()) + sum(found[client] - state.get(client, 0) for client in found) > MOST_WRITTEN:
        raise Refused("So much was written in this pad that it is full. Please begin another one.")
    if len(owners.keys() | found.keys()) > MOST_CLIENTS:
        raise Refused("This pad was opened so often that it is full. Please begin another one.")
    return found


def labelled(text: str, item: Label, ceiling: Label, reader: MarkerReader, noted: Label = Label.CLEAR) -> Labelled:
    """The label of a pad: the strictest of its message's, of the markers in its text and of its comments (rule L2).

    While a marker is being typed it cannot be read, and counts as the ceiling: somebody may mean just that.

    Args:
        text: what stands in it.
        item: its message's label.
        ceiling: its group's.
        reader: reads markers.
        noted: the strictest label of its comments and suggestions.

    Raises:
        Refused: it says that it is stricter than the group carries (rule L3), or has no place here at all.
    """
    found = _of_text(text, item, ceiling, reader)
    if noted > max(item, ceiling):
        raise Refused(f"A comment here is {noted}, and this group carries {ceiling} at most.")
    if noted <= found.label:
        return found
    return Labelled(noted, f"Comments or suggestions here are {noted}, so the pad is, while they are there.")


def words_label(words: str, item: Label, ceiling: Label, reader: MarkerReader, *, is_typed: bool = False) -> Label:
    """What a comment or a suggestion says of itself; CLEAR where it says nothing.

    A suggestion is seen while it is typed (`is_typed`): a marker that cannot be read yet counts as the ceiling there.

    Raises:
        Refused: its marker cannot be read, or is stricter than the group carries (rules L2 and L3).
    """
    reading = reader.read(words)
    if is_typed and reading.problem is not None and not reading.barred:
        return max(item, ceiling)
    if reading.barred or reading.problem is not None:
        raise Refused(str(reading.problem))
    if reading.label is not None and reading.label > max(item, ceiling):
        raise Refused(
            f"This says that it is {reading.label}, and this group carries {ceiling} at most. "
            "Please keep it for a group, or a conversation of named people, that may carry it."
        )
    return reading.label or Label.CLEAR


def _of_text(text: str, item: Label, ceiling: Label, reader: MarkerReader) -> Labelled:
    reading = reader.read(text)
    if reading.barred:
        raise Refused(str(reading.problem))
    if reading.problem is not None:
        return Labelled(max(item, ceiling), f"{reading.problem} Until then it counts as {max(item, ceiling)}.")
    if reading.label is None or reading.label == item:
        return Labelled(item)
    if reading.label > max(item, ceiling):
        raise Refused(
            f"The text says that it is {reading.label}, and this group carries {ceiling} at most. "
            "Please keep it for a group, or a conversation of named people, that may carry it."
        )
    if reading.label < item:
        told = f"The text says {reading.label}, and the pad stays {item}: its source can lower it, "
        return Labelled(item, f"{told}by answering its message in the group with !relabel.")
    return Labelled(reading.label)


def check_length(text: str) -> None:
    """Looks whether a text is still one that a page can show.

    Raises:
        Refused: it is too long.
    """
    if len(text) > LONGEST:
        raise Refused(f"A pad has at most {LONGEST:,} characters, and this would be more. Please begin another one.")


def title(text: str) -> str:
    """What a pad is called: its first line with words in it, without a heading's marks; empty where it has none."""
    for line in text[:5_000].splitlines():
        words = " ".join("".join(one if one.isprintable() else " " for one in line.lstrip().lstrip("#")).split())
        if words:
            return words if len(words) <= _TITLE else f"{words[: _TITLE - 1]}…"
    return ""


_AGAIN: Final = "Please copy what you wrote, load the page again, and put it in once more."
