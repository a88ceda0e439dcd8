"""Texts of files in a real SQLite: which are there, what is found in them, and when they go (P1, P2, E1)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from synapse.storage.engines import Sqlite3Engine

from belisha.directory.text import words
from belisha.document_search import asked_inside, index_of, score, words_of
from belisha.documents import Document
from belisha.inside import Finding
from belisha.tlp import Label
from synapse_modules import file_rows, scan_rows, text_rows
from synapse_modules.file_rows import Naming
from synapse_modules.schema import MIGRATIONS
from synapse_modules.text_rows import Due

OPEN = {"kind": "open", "default": "TLP:GREEN", "ceiling": "TLP:GREEN", "organisations": [], "purpose": "discussion"}
CLOSED = {**OPEN, "kind": "closed", "default": "TLP:AMBER", "ceiling": "TLP:AMBER"}
NAMED = {**OPEN, "kind": "named", "default": "TLP:AMBER", "ceiling": "TLP:RED"}
TEXT = "The keelson holds"


class _Transaction:
    """A cursor that says which engine it belongs to, as Synapse's does."""

    database_engine = Sqlite3Engine.__new__(Sqlite3Engine)

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


@pytest.fixture
def txn() -> Iterator[Any]:
    database = sqlite3.connect(":memory:")
    cursor = database.cursor()
    for statements in MIGRATIONS:
        for statement in statements:
            cursor.execute(statement)
    for table in (
        "local_media_repository (media_id TEXT, user_id TEXT)",
        "current_state_events (room_id TEXT, type TEXT, state_key TEXT, event_id TEXT)",
        "event_json (event_id TEXT, json TEXT)",
        "events (event_id TEXT, rejection_reason TEXT, room_id TEXT, sender TEXT, origin_server_ts BIGINT)",
        "redactions (event_id TEXT, redacts TEXT)",
    ):
        cursor.execute(f"CREATE TABLE {table}")
    yield _Transaction(cursor)
    database.close()


def policy(txn: Any, room_id: str, content: dict[str, Any], number: int = 1) -> None:
    """Gives a room a policy, by a new event."""
    event_id = f"$policy-{room_id}-{number}"
    txn.execute("DELETE FROM current_state_events WHERE room_id = ?", (room_id,))
    txn.execute("INSERT INTO current_state_events VALUES (?, 'org.belisha.room', '', ?)", (room_id, event_id))
    txn.execute("INSERT INTO event_json VALUES (?, ?)", (event_id, json.dumps({"content": content})))


def shared(txn: Any, media_id: str, room_id: str, event_id: str) -> Due:
    """Has a file uploaded, where it is not there, and shared by a stored event."""
    txn.execute("SELECT arrival FROM belisha_file WHERE media_id = ?", (media_id,))
    if txn.fetchone() is None:
        txn.execute("INSERT INTO local_media_repository VALUES (?, '@ana:x')", (media_id,))
        scan_rows._arrived(txn, media_id, "text/plain", 1)
        scan_rows._finished(txn, media_id, 1, Finding(), 1)
    assert file_rows._share(txn, Naming(event_id, event_id, room_id, "@ana:x", Label.AMBER), (media_id,), 1)
    txn.execute("INSERT INTO events (event_id, rejection_reason) VALUES (?, NULL)", (event_id,))
    return Due(media_id, 1)


def turn(txn: Any, text: str = TEXT) -> None:
    """What the loop does in a turn."""
    text_rows.follow_policies(txn, 50)
    for one in text_rows.due(txn, 50):
        if text_rows.settle(txn, one):
            text_rows.keep(txn, one, text, index_of(text))
    assert not text_rows.due(txn, 50), "all is decided"


def there(txn: Any) -> list[str]:
    """The files whose text is there."""
    txn.execute("SELECT media_id FROM belisha_file_text ORDER BY media_id")
    return [row[0] for row in txn.fetchall()]


def test_texts_are_there_of_files_that_groups_with_previews_share(txn: Any) -> None:
    for room_id, content in (("!o", OPEN), ("!c", CLOSED), ("!n", NAMED), ("!none", {**OPEN, "media": "none"})):
        policy(txn, room_id, content)
        shared(txn, room_id.strip("!"), room_id, f"$in{room_id}")
    shared(txn, "unknown", "!nowhere", "$in-nowhere")
    turn(txn)
    assert there(txn) == ["c", "o"], "none of named people, of none without previews, of none without a policy"
    # The same file in a group, too: for that group it is searched, until it goes there.
    shared(txn, "n", "!c", "$again")
    turn(txn)
    assert there(txn) == ["c", "n", "o"]
    txn.execute("INSERT INTO redactions VALUES ('$gone', '$again')")
    file_rows._redacted(txn, "$again", 2)
    turn(txn)
    assert there(txn) == ["c", "o"]


def test_a_new_policy_has_all_files_of_the_room_decided_about(txn: Any) -> None:
    """As an upgrade has: then no policy is known yet."""
    policy(txn, "!o", OPEN)
    shared(txn, "a", "!o", "$a")
    txn.execute("UPDATE belisha_file SET text_due = 0")  # it was shared before there were texts
    turn(txn)
    assert there(txn) == ["a"]
    policy(txn, "!o", {**OPEN, "media": "none"}, 2)
    turn(txn)
    assert there(txn) == []
    policy(txn, "!o", {**OPEN, "media": "any"}, 3)
    turn(txn)
    assert there(txn) == ["a"]
    assert text_rows.follow_policies(txn, 50) == 0


def test_a_text_goes_in_the_transaction_that_closes_its_file(txn: Any) -> None:
    policy(txn, "!o", OPEN)
    for media_id in ("withdrawn", "redacted", "never came"):
        shared(txn, media_id, "!o", f"${media_id}")
    turn(txn)
    assert there(txn) == ["never came", "redacted", "withdrawn"]
    file_rows.close_for_good(txn, "withdrawn", 2)
    assert there(txn) == ["never came", "redacted"]
    txn.execute("INSERT INTO redactions VALUES ('$r', '$redacted')")
    file_rows._redacted(txn, "$redacted", 2)
    assert there(txn) == ["never came"]
    txn.execute("DELETE FROM events WHERE event_id = '$never came'")
    file_rows._give_up_unstored(txn, 5, 5)
    assert there(txn) == []
    turn(txn)
    assert there(txn) == []


def test_what_is_read_too_late_is_not_kept(txn: Any) -> None:
    """While a file is read it is withdrawn, or its room comes to show no previews."""
    policy(txn, "!o", OPEN)
    one, other = shared(txn, "a", "!o", "$a"), shared(txn, "b", "!o", "$b")
    assert text_rows.settle(txn, one) and text_rows.settle(txn, other)
    file_rows.close_for_good(txn, "a", 2)
    text_rows.keep(txn, one, TEXT, index_of(TEXT))
    policy(txn, "!o", {**OPEN, "media": "none"}, 2)
    text_rows.keep(txn, other, TEXT, index_of(TEXT))
    text_rows.keep(txn, Due("b", 2), TEXT, index_of(TEXT))
    assert there(txn) == []


def test_words_are_found_as_wholes_and_as_beginnings_each_file_by_itself(txn: Any) -> None:
    policy(txn, "!o", OPEN)
    for media_id, text in (("a", "Tides of the lightship.\nCaf\xe9 na\xefve"), ("b", "lights"), ("c", "")):
        shared(txn, media_id, "!o", f"${media_id}")
        turn(txn, text)
    assert there(txn) == ["a", "b"], "of one without words there is none"

    def counts(query: str, *media_ids: str) -> dict[str, list[int]]:
        asked = asked_inside(words_of(query))
        found = text_rows.found(txn, media_ids or ("a", "b", "c"), asked)
        return {media_id: [one[word.key] for word in asked] for media_id, one in found.items()}

    assert counts("TIDE lights") == {"a": [3, 2], "b": [0, 3]}
    assert counts("cafe naive") == {"a": [3, 3], "b": [0, 0]}
    assert counts("t l") == {"a": [0, 0], "b": [0, 0]}, "one letter begins too much"
    assert counts("ide") == {"a": [0], "b": [0]}, "the middle of a word is none"
    assert counts("tide", "b") == {"b": [0]} and counts("#tide") == {} and counts("' OR 1=1 %") != {}
    assert text_rows.texts(txn, ["a", "c"]) == {"a": "Tides of the lightship.\nCaf\xe9 na\xefve"}


def test_a_word_inside_counts_less_than_one_that_is_said_of_the_file() -> None:
    document = Document("m", "soundings.pdf", "application/pdf", "of the bay")
    asked = words_of("soundings lightship")
    assert score(document, asked) is None
    inside = {words("lightship")[0].key: 3}
    both, named = score(document, asked, inside), score(document, words_of("soundings"))
    assert both is not None and named is not None and both == named + 3
    assert score(document, words_of("bay"), {"bay": 3}) == score(document, words_of("bay"))
    assert score(document, words_of("#lightship"), inside) is None, "a tag is a tag"
    assert score(document, words_of("bay-lightship"), inside) == 3, "the worse of two words counts"
