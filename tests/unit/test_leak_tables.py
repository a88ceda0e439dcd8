"""The threat model's table of cells and mutants is that of the battery's data."""

from __future__ import annotations

from tests.leaks.abuses import ABUSES
from tests.leaks.mutations import MUTATIONS
from tests.leaks.places import STANDINGS
from tests.leaks.seen import SEEN
from tests.leaks.tables import PAGE, tables, written
from tests.leaks.words import KINDS

RULES = {"L1", "L2", "L3", "L4", "R1", "R2", "R3", "R4", "R5", "M1", "M2", "M3", "F1", "P1", "P2", "P3", "X1"}


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert tables() in page, "run `make tables`"
    assert written(page) == page


def test_every_rule_is_taken_out_once_at_least() -> None:
    assert {mutation.rule for mutation in MUTATIONS} == RULES
    assert len({mutation.cells for mutation in MUTATIONS}) == len(MUTATIONS)


def test_every_cell_that_a_mutant_names_is_one() -> None:
    named = {cell for mutation in MUTATIONS for cell in mutation.cells}
    for cell in named - set(ABUSES) - set(SEEN):
        _request, kind, standing = cell.split(" · ")
        assert kind in KINDS and standing in STANDINGS, cell
    assert named >= set(ABUSES) | set(SEEN), "each abuse belongs to a rule"
