"""Names of files stand in no log (architecture: logs hold no content)."""

from __future__ import annotations

import logging

import pytest

from synapse_modules.log_names import WithoutNames, without_names


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (
            "POST /_matrix/media/v3/upload?filename=tides.pdf HTTP/1.1",
            "POST /_matrix/media/v3/upload?filename=… HTTP/1.1",
        ),
        (
            "/_matrix/media/v3/upload/s/id?a=1&filename=The%20list.pdf&b=2",
            "/_matrix/media/v3/upload/s/id?a=1&filename=…&b=2",
        ),
        (
            "GET /_matrix/client/v1/media/download/s.org/id1/tides.pdf?x=1",
            "GET /_matrix/client/v1/media/download/s.org/id1/…?x=1",
        ),
        (
            '"GET /_matrix/media/r0/download/s/id1/a/b.pdf HTTP/1.1"',
            '"GET /_matrix/media/r0/download/s/id1/… HTTP/1.1"',
        ),
        ("GET /_matrix/client/v1/media/download/s.org/id1?timeout_ms=1", None),
        ("GET /_matrix/client/v1/media/thumbnail/s.org/id1?width=32", None),
        ("GET /_matrix/client/v3/sync?filter=filename=x", None),
    ],
)
def test_names_are_left_out_and_nothing_else(line: str, kept: str | None) -> None:
    assert without_names(line) == (line if kept is None else kept)


def test_it_is_a_filter() -> None:
    record = logging.LogRecord("a", logging.INFO, "f", 1, "%s %d", ("/media/v3/upload?filename=tides", 7), None)
    assert WithoutNames().filter(record) and record.getMessage() == "/media/v3/upload?filename=… 7"
    other = logging.LogRecord("a", logging.INFO, "f", 1, "%s %d", ("x", 7), None)
    assert WithoutNames().filter(other) and (other.msg, other.args) == ("%s %d", ("x", 7))


def test_a_line_that_cannot_be_written_raises_nothing_and_shows_nothing() -> None:
    """Where logging is told of it itself, it prints the arguments."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    for message, arguments in (("%d", ("tides.pdf",)), ("%s %s", ("tides.pdf",)), ("%s", (Broken(),))):
        record = logging.LogRecord("a", logging.INFO, "here.py", 7, message, arguments, None)
        assert WithoutNames().filter(record)
        assert record.getMessage() == "A line of here.py:7 cannot be written to the log"
