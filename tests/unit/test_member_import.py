"""Members out of a CSV file: what is read, and every mistake with its line and remedy."""

from __future__ import annotations

import pytest

from belisha.cli.local_api import Member
from belisha.cli.member_import import Row, read

ORGANISATIONS = {"harbour": "active", "coastguard": "active", "icehouse": "frozen"}
HEAD = "organisation,localpart,name,roles\n"


def member(standing: str = "active") -> Member:
    return Member("@gone:x", "Gone", "harbour", ("member",), "!r:x", standing)


def test_a_file_as_spreadsheets_write_it() -> None:
    text = (
        "\ufeff" + HEAD.replace("\n", "\r\n") + 'harbour,ann,"Ann, the elder",lead;steward\r\ncoastguard, bob ,Bob,\r\n'
    )
    assert read(text, ORGANISATIONS, {}) == (
        [
            Row(2, "ann", "Ann, the elder", "harbour", ("lead", "steward")),
            Row(3, "bob", "Bob", "coastguard", ("member",)),
        ],
        [],
    )


def test_columns_in_another_order() -> None:
    rows, mistakes = read("name,roles,localpart,organisation\nAnn,lead,ann,harbour\n", ORGANISATIONS, {})
    assert (rows, mistakes) == ([Row(2, "ann", "Ann", "harbour", ("lead",))], [])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nowhere,ann,Ann,", "There is no organisation “nowhere”. Add it first"),
        ("icehouse,ann,Ann,", "“icehouse” is frozen. Thaw it first: belisha organisation thaw icehouse."),
        ("harbour,Ann,Ann,", "has 1 to 64 of a-z"),
        ("harbour,,Ann,", "has 1 to 64 of a-z"),
        ("harbour,ann,,", "1 to 80 visible characters"),
        ("harbour,ann,Ann\u202e,", "which is not seen"),
        ("harbour,ann,Ann,king", "“king” is no role; the roles are"),
        ("harbour,belisha_x,Ann,", "belong to the community's bots"),
        ("harbour,ann,Ann", "has not four values"),
        ("harbour,ann,Ann,lead,more", "has not four values"),
        ("harbour,ben,Ben,", "“ben” stands in line 2 already. Leave one of the two out."),
        ("harbour,gone,Gone,", "never given again"),
    ],
)
def test_each_mistake_has_its_line_and_remedy(line: str, said: str) -> None:
    _, mistakes = read(f"{HEAD}harbour,ben,Ben,\n{line}\n", ORGANISATIONS, {"gone": member("removed")})
    assert len(mistakes) == 1, mistakes
    assert mistakes[0].startswith("line 3: ") and said in mistakes[0]


def test_all_mistakes_are_told_at_once() -> None:
    _, mistakes = read(f"{HEAD}nowhere,a,A,\nharbour,b,B,king\n", ORGANISATIONS, {})
    assert [mistake[:7] for mistake in mistakes] == ["line 2:", "line 3:"]


@pytest.mark.parametrize("text", ["", "a,b\n", "organisation;localpart;name;roles\n", HEAD])
def test_files_without_members(text: str) -> None:
    rows, mistakes = read(text, ORGANISATIONS, {})
    assert not rows and len(mistakes) == 1
