"""The leak battery's tables in docs/threat-model.md, made out of its data; `make tables` writes them anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.leaks.acting import NOT_ASKED, OWN_ACTS, ROOM_ACTS
from tests.leaks.battery import BY_DESIGN
from tests.leaks.ground import V3
from tests.leaks.mutations import MUTATIONS
from tests.leaks.places import NOT_THERE, STANDINGS
from tests.leaks.reading import NEVER_SHOWS, SHOWS, reading_routes
from tests.leaks.words import KINDS, LABELS

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "threat-model.md"
_BEGIN: Final = "<!-- made by `make tables`: begin -->\n"
_END: Final = "<!-- made by `make tables`: end -->\n"


def tables() -> str:
    """What stands between the two marks."""
    return "\n".join((*_summary(), "", *_rules(), "", *_standings(), "", *_by_design(), ""))


def written(page: str) -> str:
    """A page with the tables in it as they are now."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + tables() + _END + after


def _summary() -> Iterator[str]:
    labels = sum(map(len, LABELS.values()))
    yield (
        f"{len(reading_routes())} routes read and {len(ROOM_ACTS) + len(OWN_ACTS)} requests act; each is made by"
        f" {len(STANDINGS)} sorts of people about {len(KINDS)} kinds of room and {labels} pairs of kind and label."
        f" {len(SHOWS)} classes of Synapse show members something, {len(NEVER_SHOWS)} show nobody anything, and"
        f" {len(NOT_ASKED)} acts concern the asker alone; why stands beside each in `tests/leaks/`."
    )


def _rules() -> Iterator[str]:
    yield "| rule | what it stops | cells that turn red without it | what is taken out |"
    yield "|---|---|---|---|"
    for one in MUTATIONS:
        taken_out = f"{one.without} and {one.besides}" if one.besides else one.without
        yield f"| {one.rule} | {one.stops} | {'; '.join(one.cells)} | {taken_out} |"


def _standings() -> Iterator[str]:
    yield f"| who asks | {' | '.join(KINDS)} |"
    yield "|---" * (len(KINDS) + 1) + "|"
    for standing in STANDINGS:
        cells = (NOT_THERE[kind].get(standing) for kind in KINDS)
        yield f"| {standing} | {' | '.join('–' if cell else 'refused' for cell in cells)} |"
    yield ""
    yield "A dash: nobody can stand so to a room of that kind."


def _by_design() -> Iterator[str]:
    yield "| granted all the same | in | to whom |"
    yield "|---|---|---|"
    for name, act in {act.path.rpartition("/{txn}")[0] or act.path: act for act in ROOM_ACTS if act.by_design}.items():
        for kind, standings in act.by_design.items():
            if kind not in act.not_in:
                yield f"| `{name.removeprefix(V3)}` | {kind} | {', '.join(standings)} |"
    yield ""
    yield "| told all the same | to whom | why |"
    yield "|---|---|---|"
    for servlets, standings, parts, why in BY_DESIGN:
        yield f"| {', '.join(sorted(parts))} ({', '.join(servlets)}) | {', '.join(standings)} | {why} |"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
