"""Anonymous polls without a network: receipts, seals, the list and its hash, what a card says, who may have one."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.events import texts_of
from belisha.policy.polls import decide_anonymous
from belisha.polls import ballots
from belisha.polls.ballots import Ballot
from belisha.polls.card import UNANIMOUS, card_content, is_card, parse_card, parse_poll, place_of
from belisha.polls.sealing import KEY_BYTES, NONCE_BYTES, BallotKey, BrokenSeal
from belisha.polls.wire import START, MalformedPoll, Start, start_content
from belisha.tlp import Label

PLACE, ADDRESS = "place-of-it", "https://portal.belisha.localhost/ballots/place-of-it"
RECEIPT = ballots.receipt_of(bytes(range(10)))


def card(answers: int = 3, most: int = 1, question: str = "Which?") -> Start:
    content = card_content(question, [f"Answer {place}" for place in range(answers)], most, PLACE, ADDRESS, "$command")
    return parse_card({"event_id": "$poll", "sender": "@ana:x", "origin_server_ts": 7, "content": content})


@st.composite
def polls(draw: st.DrawFn) -> tuple[Start, list[Ballot]]:
    answers = draw(st.integers(2, 20))
    most = draw(st.integers(1, answers))
    choice = st.lists(st.integers(1, answers), min_size=1, max_size=most, unique=True).map(
        lambda one: tuple(sorted(one))
    )
    raw = draw(st.lists(st.binary(min_size=10, max_size=10), unique=True, max_size=30))
    return card(answers, most), [Ballot(ballots.receipt_of(one), draw(choice)) for one in raw]


@given(st.binary(min_size=10, max_size=10))
def test_a_receipt_is_read_however_it_is_typed(raw: bytes) -> None:
    receipt = ballots.receipt_of(raw)
    assert ballots.receipt_bytes(receipt) == raw
    assert [len(one) for one in receipt.split("-")] == [4, 4, 4, 4]
    typed = receipt.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert ballots.receipt_from(f" {typed}\n") == receipt


@pytest.mark.parametrize("typed", ["", "7K2M", RECEIPT[:-1], RECEIPT + "0", RECEIPT[:-1] + "U", RECEIPT[:-1] + "é"])
def test_what_is_no_receipt_is_none(typed: str) -> None:
    assert ballots.receipt_from(typed) is None


@given(polls(), st.integers(0, 3), st.randoms())
def test_a_list_says_each_ballot_and_no_order(
    made: tuple[Start, list[Ballot]], damaged: int, dice: random.Random
) -> None:
    start, cast = made
    listed = ballots.ballot_list(start, Label.AMBER, cast, damaged)
    shuffled = dice.sample(cast, len(cast))
    assert ballots.ballot_list(start, Label.AMBER, shuffled, damaged) == listed, "nothing of the order is in it"
    read, told = ballots.read_list(listed)
    assert (read, told) == (sorted(cast), damaged)
    assert listed.startswith(b"TLP:AMBER\n")
    tally = ballots.count(start, read)
    expected = Counter(place for one in cast for place in one.choices)
    assert [tally.counts[option.id] for option in start.options] == [
        expected[place] for place in range(1, len(start.options) + 1)
    ]
    assert tally.voters == len(cast)
    assert ballots.is_unanimous(tally) == (len({one.choices for one in cast}) == 1)


@given(polls(), st.data())
def test_a_list_that_was_changed_has_another_hash(made: tuple[Start, list[Ballot]], data: st.DataObject) -> None:
    start, cast = made
    if not cast:
        return
    listed = ballots.ballot_list(start, Label.AMBER, cast)
    place = data.draw(st.integers(0, len(cast) - 1))
    mine = cast[place]
    others = [one for one in range(1, len(start.options) + 1) if (one,) != mine.choices]
    turned = [*cast[:place], Ballot(mine.receipt, (others[0],)), *cast[place + 1 :]]
    for changed in (turned, cast[:place] + cast[place + 1 :], [*cast, Ballot(RECEIPT, (1,))]):
        if sorted(changed) != sorted(cast):
            assert ballots.digest(ballots.ballot_list(start, Label.AMBER, changed)) != ballots.digest(listed)
    kept = {one.receipt: one.choices for one in ballots.read_list(ballots.ballot_list(start, Label.AMBER, turned))[0]}
    assert kept[mine.receipt] != mine.choices, "which its voter sees by the code"


@pytest.mark.parametrize("text", ["", "x\n\ny", "TLP:AMBER\nBelisha ballot list 1\ndamaged: 0\n\nnothing 1\n"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ballots.MalformedList):
        ballots.read_list(text.encode())


def test_a_question_of_several_lines_cannot_make_lines_of_the_list() -> None:
    start = card(question=f"Which?\n\n{RECEIPT} 1")
    assert ballots.read_list(ballots.ballot_list(start, Label.GREEN, [])) == ([], 0)


@given(st.binary(min_size=10, max_size=10), st.sets(st.integers(1, 20), max_size=20))
def test_what_is_sealed_is_opened_again_and_has_one_size(raw: bytes, chosen: set[int]) -> None:
    key, mine = BallotKey(os.urandom(KEY_BYTES)), Ballot(ballots.receipt_of(raw), tuple(sorted(chosen)))
    link = key.link("@ana:x")
    sealed = key.seal(link, mine, os.urandom(NONCE_BYTES))
    assert key.unseal(link, sealed) == mine
    assert len(sealed) == NONCE_BYTES + 10 + 3 + 16
    for broken_link, broken in (
        (key.link("@ben:x"), sealed),
        (link, sealed[:-1]),
        (link, b""),
        (link, sealed[:-1] + bytes([sealed[-1] ^ 1])),
    ):
        with pytest.raises(BrokenSeal):
            key.unseal(broken_link, broken)
    with pytest.raises(BrokenSeal):
        BallotKey(os.urandom(KEY_BYTES)).unseal(link, sealed)


def test_links_and_receipts_follow_from_key_voter_and_form() -> None:
    one, other = BallotKey(b"1" * KEY_BYTES), BallotKey(b"2" * KEY_BYTES)
    assert one.link("@ana:x") == one.link("@ana:x")
    assert len({one.link("@ana:x"), one.link("@ben:x"), other.link("@ana:x")}) == 3
    receipts = {key.receipt(*said) for key in (one, other) for said in (("a", "f"), ("a", "g"), ("b", "f"), ("af", ""))}
    assert len(receipts) == 8 and one.receipt("a", "f") == one.receipt("a", "f")
    with pytest.raises(ValueError, match="32 bytes"):
        BallotKey(b"short")


@pytest.mark.parametrize(
    ("choices", "valid"),
    [((1,), True), ((1, 3), True), ((), False), ((1, 2, 3), False), ((4,), False), ((0,), False), ((2, 2), False)],
)
def test_which_ballots_are_valid(choices: tuple[int, ...], valid: bool) -> None:
    assert ballots.is_valid(card(3, 2), choices) is valid


@pytest.mark.parametrize(("voted", "step"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3), (5, 4), (6, 4)])
def test_turnout_is_told_in_quarters(voted: int, step: int) -> None:
    assert ballots.turnout_step(voted, 5) == step
    assert ballots.turnout_step(0, 0) == 0


def test_a_card_says_what_is_asked_where_and_what_voters_must_know() -> None:
    content = card_content("Which <b>?", ["Fish & chips", "Tide"], 1, PLACE, ADDRESS, "$command")
    start = parse_poll(
        {"event_id": "$p", "sender": "@a:x", "origin_server_ts": 1, "type": "m.room.message", "content": content}
    )
    assert (start.question, [one.text for one in start.options]) == ("Which <b>?", ["Fish & chips", "Tide"])
    assert (start.most, start.anonymous, start.disclosed) == (1, True, False)
    assert is_card("m.room.message", content) and place_of(content) == PLACE
    assert ADDRESS in content["body"] and UNANIMOUS in content["body"]
    assert f'href="{ADDRESS}"' in content["formatted_body"] and UNANIMOUS in content["formatted_body"]
    assert "Which &lt;b&gt;?" in content["formatted_body"] and "Fish &amp; chips" in content["formatted_body"]
    read = [text.value for text in texts_of(content)]
    for words in ("Which <b>?", "Fish & chips", "Tide"):
        assert words in read, "every text is read for labels by itself (L2)"


@pytest.mark.parametrize(
    "change",
    [
        {"question": "bare"},
        {"answers": [{"body": "one"}]},
        {"answers": [{"body": "one"}, {}]},
        {"answers": "x"},
        {"most": 0},
        {"most": 4},
        {"most": "1"},
    ],
)
def test_a_card_that_was_tampered_with_is_none(change: dict[str, object]) -> None:
    content = card_content("Which?", ["A", "B", "C"], 1, PLACE, ADDRESS, "$command")
    content["org.belisha.poll"]["anonymous"] |= change
    with pytest.raises(MalformedPoll):
        parse_card({"event_id": "$p", "sender": "@a:x", "origin_server_ts": 1, "content": content})


def test_what_is_no_card_is_none() -> None:
    for content in (
        {},
        {"org.belisha.poll": 1},
        {"org.belisha.poll": {"command": "$x"}},
        start_content("Q", ["A", "B"]),
    ):
        assert not is_card("m.room.message", content)
        with pytest.raises(MalformedPoll):
            parse_card({"event_id": "$p", "sender": "@a:x", "origin_server_ts": 1, "content": content})
        with pytest.raises(MalformedPoll):
            place_of(content)
    raw = {
        "event_id": "$p",
        "sender": "@a:x",
        "origin_server_ts": 1,
        "type": START[0],
        "content": start_content("Q", ["A", "B"]),
    }
    assert not parse_poll(raw).anonymous


def test_which_polls_may_be_anonymous() -> None:
    assert decide_anonymous(5, by_organisation=False).allowed
    few, parted = decide_anonymous(4, by_organisation=False), decide_anonymous(100, by_organisation=True)
    assert (few.code, few.rule) == ("TOO_FEW_VOTERS", "P2") and "5" in few.reason
    assert (parted.code, parted.rule) == ("NOT_BY_ORGANISATION", "P2")
