"""What a message says of its file, how files are found, and which are versions of each other."""

from __future__ import annotations

from typing import Any

import pytest

from belisha.document_search import score, words_of
from belisha.document_versions import Shared, chains, claims
from belisha.documents import Document, document_of
from belisha.policy.documents import decide_calling_back, decide_describing, decide_pinning
from belisha.policy.people import Person

FILE = {"msgtype": "m.file", "body": "Tides.pdf", "url": "mxc://here/abc", "info": {"mimetype": "application/pdf"}}
TIDES = Document("abc", "Tides.pdf", "application/pdf")
LABELLED = {"org.belisha.tlp": {"label": "TLP:AMBER"}}
REPLY = {"m.relates_to": {"m.in_reply_to": {"event_id": "$old"}}}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (FILE, TIDES),
        (
            FILE | LABELLED | {"body": "[TLP:AMBER] All of #Spring and #neap", "filename": "Tides.pdf"},
            TIDES._replace(description="All of #Spring and #neap", tags=("Spring", "neap")),
        ),
        (FILE | LABELLED | {"body": "[TLP:AMBER] Tides.pdf"}, TIDES),
        (FILE | LABELLED | {"body": "[TLP:AMBER] Tides.pdf", "filename": "Tides.pdf"}, TIDES),
        (
            {"m.new_content": FILE | {"url": "mxc://here/new"}, "body": "x"},
            TIDES._replace(media_id="new"),
        ),
        (FILE | REPLY, TIDES._replace(answers="$old")),
        (FILE | {"m.relates_to": {"m.in_reply_to": 7}}, TIDES),
        (FILE | {"info": 7, "body": "../x\n.pdf"}, Document("abc", "x_.pdf", "")),
        (FILE | {"body": 7}, Document("abc", "file", "application/pdf")),
        (FILE | {"body": "said\n\u202e", "filename": "a.txt"}, Document("abc", "a.txt", "application/pdf", "said")),
        (FILE | {"msgtype": "m.text"}, None),
        (FILE | {"url": "mxc://elsewhere/abc"}, None),
        (FILE | {"url": "mxc://here/"}, None),
        (FILE | {"url": None}, None),
        ({"m.new_content": {}}, None),
        ({}, None),
    ],
)
def test_what_a_message_is_about(content: dict[str, Any], found: Document | None) -> None:
    assert document_of(content, "here") == found


def test_versions_have_their_name_alike() -> None:
    assert Document("a", "Ti\u0301des.PDF", "").key == Document("b", "t\xeddes.pdf", "").key
    assert Document("a", "Tides.pdf", "").key != Document("b", "Tides 2.pdf", "").key


@pytest.mark.parametrize(("name", "said"), [("x.pdf", " New Version, for May"), ("new_version_x.pdf", "")])
def test_a_file_says_that_it_is_a_new_version(name: str, said: str) -> None:
    assert Document("a", name, "", said).is_new_version
    assert not Document("a", "x.pdf", "", "Is this a new version?").is_new_version


def best(document: Document, *queries: str) -> list[str]:
    """The questions that a file answers, the one it answers best first."""
    scores = {query: score(document, words_of(query)) for query in queries}
    found = [query for query, value in scores.items() if value is not None]
    return sorted(found, key=lambda query: -(scores[query] or 0))


def test_how_well_a_file_answers() -> None:
    tables = Document("a", "Harbour tide tables v1.2.pdf", "", "Spring tides of the north", ("neap", "Low-Water"))
    assert score(tables, words_of("")) == 0
    # All words have to be there; whole ones count more than beginnings, parts of a name, and misspellings.
    answered = ("TABLES  tide", "tabl ti", "ables ide", "tabels tyde")
    assert best(tables, "tide moon", *reversed(answered)) == list(answered)
    assert best(tables, "northh", "nor", "spring", "harbour") == ["harbour", "spring", "nor", "northh"]
    tags = ("#neap", "#LOW-water", "low", "v1.2")
    assert best(tables, *tags, "#nea", "#spring", "#") == list(tags)
    assert score(tables, words_of("tyde tables")) and not score(tables, words_of("tydo tables"))
    assert not score(Document("a", "ox.pdf", ""), words_of("fox")), "short words are not taken for others"
    assert len(words_of("x " * 500)) == 8


def shared(event_id: str, of: str = "harbour", key: str = "tides", answers: str | None = None, **more: Any) -> Shared:
    return Shared(event_id, more.get("place", "!a"), of, key, answers, more.get("at", 0))


def together(*files: Shared) -> list[set[str]]:
    found: dict[str, set[str]] = {}
    for event_id, root in chains(files).items():
        found.setdefault(root, set()).add(event_id)
    return sorted(found.values(), key=min)


def test_chains_of_versions() -> None:
    old, again = shared("$1"), shared("$2", at=1)
    reply = shared("$3", key="moon", answers="$1", at=2)
    named = shared("$4", key="moon", at=3)
    assert together(old, again, reply, named) == [{"$1", "$2", "$3", "$4"}]
    assert together(old, again, named) == [{"$1", "$2"}, {"$4"}], "nothing joins what is not there"
    apart = (shared("$5", place="!b"), shared("$6", key="moon", answers="$1", place="!b", at=9))
    assert together(old, *apart) == [{"$1"}, {"$5"}, {"$6"}], "groups have nothing to do with each other"
    assert together(shared("$1", at=9), reply) == [{"$1"}, {"$3"}], "nothing is a version of what came later"
    assert together(shared("$1", answers="$1"), shared("$2", key="b", answers="$nowhere")) == [{"$1"}, {"$2"}]


def test_nobody_takes_the_place_of_a_stranger() -> None:
    """Another organisation's file stands beside a chain, by its name or by what it answers, and never in it."""
    old, again = shared("$1"), shared("$2", at=1)
    same, reply = shared("$3", of="chandlers", at=2), shared("$4", of="@mallory", key="x", answers="$2", at=2)
    other = shared("$5", of="chandlers", key="y", at=3)
    files = (old, again, same, reply, other)
    assert together(*files) == [{"$1", "$2"}, {"$3"}, {"$4"}, {"$5"}]
    assert [one.event_id for one in claims((old, again), files)] == ["$3", "$4"]
    assert [one.event_id for one in claims((same,), files)] == ["$1", "$2"]


def person(name: str, *roles: str, organisation: str | None = "harbour") -> Person:
    return Person(f"@{name}:here", organisation, frozenset(roles))


def test_who_may_do_what_to_a_file() -> None:
    ana, ben, stella = person("ana"), person("ben"), person("stella", "steward")
    gone = person("ana", organisation=None)
    assert decide_describing(ana, "@ana:here").allowed
    for other in (ben, stella):
        refused = decide_describing(other, "@ana:here")
        assert (refused.allowed, refused.rule, refused.code) == (False, "P3", "NOT_YOURS")
    assert decide_pinning(ana, 95).allowed and decide_pinning(stella, 0).allowed
    assert decide_pinning(person("max", "manager"), 0).allowed
    assert not decide_pinning(ana, 94).allowed and not decide_pinning(person("lea", "lead"), 0).allowed
    assert decide_calling_back(ana, "@ana:here").allowed and decide_calling_back(stella, "@ana:here").allowed
    assert not decide_calling_back(ben, "@ana:here").allowed and not decide_calling_back(gone, "@ana:here").allowed
    assert not decide_calling_back(ana, None).allowed
