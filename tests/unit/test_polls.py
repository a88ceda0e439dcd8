"""Counting polls: the rules of MSC3381 as cases, and the tally against a model that is written another way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.commands.values import Wrong
from belisha.polls.asked import QUESTION
from belisha.polls.tally import OrganisationVote, Tally, tally
from belisha.polls.wire import (
    END,
    RESPONSE,
    START,
    End,
    MalformedPoll,
    Option,
    Response,
    Start,
    end_content,
    parse_end,
    parse_response,
    parse_start,
    poll_of,
    start_content,
)

Json = dict[str, Any]
POLL = "$poll"
MSC = "org.matrix.msc3381.poll"


def event(kind: str, content: Json, sender: str = "@ana:x", at: int = 5) -> Json:
    return {"event_id": POLL, "type": kind, "sender": sender, "origin_server_ts": at, "content": content}


def about(**more: Any) -> Json:
    return {"m.relates_to": {"rel_type": "m.reference", "event_id": POLL}, **more}


def poll(options: str = "abc", most: int = 1) -> Start:
    return Start(POLL, "@ana:x", 0, "Which?", tuple(Option(one, one.upper()) for one in options), most)


def vote(sender: str, answers: str | None, at: int = 1, order: int = 0) -> Response:
    return Response(sender, at, None if answers is None else tuple(answers), order)


# --- Events ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", START)
def test_what_is_written_is_read(kind: str) -> None:
    found = parse_start(event(kind, start_content("Which?", ["Fish", "Tide"], 2)))
    assert found == Start(POLL, "@ana:x", 5, "Which?", (Option("1", "Fish"), Option("2", "Tide")), 2, True)


@pytest.mark.parametrize(
    "content",
    [
        {"m.poll": {"question": {"m.text": [{"body": "Q"}]}, "answers": [{"m.id": "a", "m.text": [{"body": "A"}]}]}},
        {"m.poll.start": {"question": {"m.text": "Q"}, "answers": [{"id": "a", "m.text": "A"}], "max_selections": 0}},
        {f"{MSC}.start": {"question": {"body": "Q"}, "answers": [{"id": "a", "body": "A"}], "max_selections": True}},
    ],
)
def test_every_name_of_a_poll_is_read(content: Json) -> None:
    found = parse_start(event(START[1], content))
    assert (found.question, found.options, found.most, found.disclosed) == ("Q", (Option("a", "A"),), 1, False)


def test_the_servers_badge_is_no_part_of_the_question() -> None:
    assert parse_start(event(START[0], start_content("[TLP:GREEN] Which?", ["A", "B"]))).question == "Which?"


def test_later_answers_than_twenty_are_left_out_and_of_two_with_one_id_the_first_counts() -> None:
    found = parse_start(event(START[0], start_content("Q", [str(one) for one in range(30)])))
    assert len(found.options) == 20
    twice = start_content("Q", ["A", "B"])
    twice[START[0]]["answers"][1]["id"] = "1"
    assert parse_start(event(START[0], twice)).options == (Option("1", "A"),)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {START[0]: "x"},
        {START[0]: {"question": {}, "answers": [{"id": "a", "body": "A"}]}},
        {START[0]: {"question": {"body": "Q"}, "answers": []}},
        {START[0]: {"question": {"body": "Q"}, "answers": {"id": "a"}}},
        {START[0]: {"question": {"body": "Q"}, "answers": ["A"]}},
        {START[0]: {"question": {"body": "Q"}, "answers": [{"id": 1, "body": "A"}]}},
        {START[0]: {"question": {"body": "Q"}, "answers": [{"id": "a"}]}},
    ],
)
def test_what_is_no_poll_is_an_error_of_its_own(content: Json) -> None:
    with pytest.raises(MalformedPoll):
        parse_start(event(START[0], content))


@pytest.mark.parametrize("raw", [{}, {"type": START[0]}, event("m.room.message", start_content("Q", ["A"]))])
def test_events_without_what_every_event_has_are_none(raw: Json) -> None:
    for parse in (parse_start, lambda one: parse_response(one, POLL), lambda one: parse_end(one, POLL)):
        with pytest.raises(MalformedPoll):
            parse(raw)
    for key in ("sender", "origin_server_ts", "event_id"):
        whole = event(START[0], start_content("Q", ["A"]))
        with pytest.raises(MalformedPoll):
            parse_start({name: value for name, value in whole.items() if name != key})


@pytest.mark.parametrize(
    ("content", "answers"),
    [
        ({f"{MSC}.response": {"answers": ["a"]}}, ("a",)),
        ({"m.poll.response": {"answers": ["a", "b"]}}, ("a", "b")),
        ({"m.selections": ["a"]}, ("a",)),
        ({f"{MSC}.response": {"answers": []}}, None),
        ({f"{MSC}.response": {"answers": "a"}}, None),
        ({f"{MSC}.response": {"answers": ["a", 1]}}, None),
        ({f"{MSC}.response": {}}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("kind", RESPONSE)
def test_votes_under_both_names(kind: str, content: Json, answers: tuple[str, ...] | None) -> None:
    assert parse_response(event(kind, about(**content)), POLL, 7) == Response("@ana:x", 5, answers, 7)


@pytest.mark.parametrize(
    "relates", [None, "x", {"rel_type": "m.thread", "event_id": POLL}, {"rel_type": "m.reference"}]
)
def test_a_vote_or_an_end_refers_to_its_poll(relates: object) -> None:
    content = {"m.relates_to": relates, f"{MSC}.response": {"answers": ["a"]}}
    assert poll_of(content) is None
    for kind, parse in ((RESPONSE[0], parse_response), (END[0], parse_end)):
        with pytest.raises(MalformedPoll):
            parse(event(kind, content), POLL)
        with pytest.raises(MalformedPoll):
            parse(event(kind, about()), "$other")


@pytest.mark.parametrize("kind", END)
def test_ends_under_both_names(kind: str) -> None:
    assert parse_end(event(kind, end_content(POLL, "It is over.")), POLL) == End("@ana:x", 5)


# --- The rule, as cases ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("votes", "counts", "rest"),
    [
        ([vote("x", "a"), vote("y", "a"), vote("z", "c")], (2, 0, 1), {}),
        ([vote("x", "a", 1), vote("x", "b", 2)], (0, 1, 0), {}),
        ([vote("x", "b", 2), vote("x", "a", 1)], (0, 1, 0), {}),
        ([vote("x", "a", 1, 0), vote("x", "b", 1, 1)], (0, 1, 0), {}),
        ([vote("x", "ab")], (1, 0, 0), {}),
        ([vote("x", "az")], (0, 0, 0), {"spoiled": 1}),
        ([vote("x", "z")], (0, 0, 0), {"spoiled": 1}),
        ([vote("x", "a", 1), vote("x", None, 2)], (0, 0, 0), {"spoiled": 1}),
        ([vote("x", "a", 1), vote("x", "z", 2)], (0, 0, 0), {"spoiled": 1}),
        ([vote("x", None, 1), vote("x", "a", 2)], (1, 0, 0), {}),
        ([vote("x", "a", 10)], (1, 0, 0), {}),
        ([vote("x", "a", 11)], (0, 0, 0), {"late": 1}),
        ([vote("x", "a", 9), vote("x", "b", 11)], (1, 0, 0), {"late": 1}),
        ([vote("gone", "a")], (0, 0, 0), {"not_eligible": 1}),
        ([vote("gone", "z")], (0, 0, 0), {"not_eligible": 1}),
    ],
)
def test_the_rule(votes: list[Response], counts: tuple[int, ...], rest: dict[str, int]) -> None:
    found = tally(poll(), votes, until=10, eligible={"x", "y", "z"})
    assert tuple(found.counts.values()) == counts
    assert {name: getattr(found, name) for name in ("spoiled", "late", "not_eligible")} == {
        "spoiled": 0,
        "late": 0,
        "not_eligible": 0,
        **rest,
    }


def test_of_several_choices_those_beyond_the_number_are_cut() -> None:
    assert tuple(tally(poll(most=2), [vote("x", "cba")]).counts.values()) == (0, 1, 1)
    assert tuple(tally(poll(most=2), [vote("x", "aab")]).counts.values()) == (1, 0, 0), "one answer counts once"


def test_who_leads() -> None:
    assert tally(poll(), []).leading() == ()
    assert tally(poll(), [vote("x", "a"), vote("y", "b")]).leading() == ("a", "b")


def test_an_organisation_has_one_vote() -> None:
    votes = [vote("h1", "a"), vote("h2", "a"), vote("h3", "b"), vote("p1", "b"), vote("q1", "a"), vote("q2", "b")]
    of = {"h1": "harbour", "h2": "harbour", "h3": "harbour", "p1": "police", "q1": "quay", "q2": "quay"}
    found = tally(poll(), votes, organisations=of)
    assert found.organisations == (
        OrganisationVote("harbour", 3, ("a",)),
        OrganisationVote("police", 1, ("b",)),
        OrganisationVote("quay", 2, ()),
    )
    assert [one.split for one in found.organisations] == [False, False, True]
    assert found.by_organisation == {"a": 1, "b": 1, "c": 0}
    assert tuple(found.counts.values()) == (3, 3, 0), "the plain count stands beside it"


def test_an_organisation_chooses_several_by_more_than_half() -> None:
    votes = [vote("x", "ab"), vote("y", "bc"), vote("z", "b")]
    found = tally(poll(most=2), votes, organisations=dict.fromkeys("xyz", "harbour"))
    assert found.organisations == (OrganisationVote("harbour", 3, ("b",)),)
    assert tally(poll(most=2), votes[:2], organisations=dict.fromkeys("xyz", "h")).organisations[0].choices == ("b",)


# --- The rule, against a model -----------------------------------------------------------------------------------

PEOPLE, MOMENTS = st.sampled_from("uvwxyz"), st.integers(0, 6)
VOTES = st.lists(
    st.builds(
        Response,
        PEOPLE,
        MOMENTS,
        st.none() | st.lists(st.sampled_from("abcdq"), min_size=1, max_size=4).map(tuple),
        st.just(0),
    ),
    max_size=25,
).map(lambda votes: [Response(one.sender, one.sent_at, one.answers, place) for place, one in enumerate(votes)])


def model(options: str, most: int, votes: list[Response], until: int, eligible: set[str]) -> dict[str, list[str]]:
    """For each person alone: look through all votes from the newest on, and read the first that is in time."""
    found = {}
    for person in sorted(eligible):
        newest_first = sorted(
            (one for one in votes if one.sender == person), key=lambda one: (-one.sent_at, -one.order)
        )
        in_time = [one for one in newest_first if not one.sent_at > until]
        if not in_time or not in_time[0].answers:
            continue
        wanted = list(in_time[0].answers)
        if [one for one in wanted if one not in options]:
            continue
        kept: list[str] = []
        for one in wanted[:most]:
            if one not in kept:
                kept.append(one)
        found[person] = kept
    return found


@given(VOTES, st.integers(1, 3), MOMENTS, st.sets(PEOPLE), st.randoms(use_true_random=False))
def test_the_tally_is_that_of_a_model(
    votes: list[Response], most: int, until: int, eligible: set[str], dice: Any
) -> None:
    shuffled = list(votes)
    dice.shuffle(shuffled)
    of = {person: "pq"[ord(person) % 2] for person in eligible}
    found: Tally = tally(poll("abcd", most), shuffled, until, eligible, of)
    expected = model("abcd", most, votes, until, eligible)
    assert {person: list(chosen) for person, chosen in found.ballots.items()} == expected
    assert found.counts == {one: sum(one in chosen for chosen in expected.values()) for one in "abcd"}
    assert found.late == sum(one.sent_at > until for one in votes)
    voted = {one.sender for one in votes if one.sent_at <= until}
    assert found.not_eligible == len(voted - eligible)
    assert found.spoiled + found.voters + found.not_eligible == len(voted)
    for vote_of in found.organisations:
        theirs = [chosen for person, chosen in expected.items() if of[person] == vote_of.organisation]
        shares = {one: sum(one in chosen for chosen in theirs) for one in "abcd"}
        assert vote_of.voters == len(theirs) > 0
        for one in "abcd":
            others = [shares[other] for other in "abcd" if other != one]
            wins = shares[one] > max(others) if most == 1 else shares[one] * 2 > len(theirs)
            assert (one in vote_of.choices) == wins
    assert found.by_organisation == {one: sum(one in each.choices for each in found.organisations) for one in "abcd"}


# --- What a member writes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Which day?" | Monday | Tuesday', ["Which day?", "Monday", "Tuesday"]),
        ("Which day?\nMonday\nTuesday\n", ["Which day?", "Monday", "Tuesday"]),
        ('“Which  day?” | "Mon | " | Tue', ["Which day?", '"Mon', '"', "Tue"]),
        ('Is "fish" right? | yes | no', ['Is "fish" right?', "yes", "no"]),
    ],
)
def test_a_question_and_its_answers(text: str, expected: list[str]) -> None:
    assert QUESTION.read(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Which?", "at least two answers"),
        ("Which? | one", "at least two answers"),
        ('"" | a | b', "at least two answers"),
        ("", "at least two answers"),
        ("Which? | a | A", "the same"),
        ("Which? | " + " | ".join(str(one) for one in range(21)), "at most"),
        ("Which? | a | " + "b" * 341, "is longer"),
        ("Which? | a | b" + "b" * 4000, "too long"),
    ],
)
def test_what_makes_no_poll_is_told(text: str, words: str) -> None:
    found = QUESTION.read(text)
    assert isinstance(found, Wrong) and words in found.sentence
