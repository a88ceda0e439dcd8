"""In which documents of the community a word stands: for each word the numbers of these, as bits, in the database.

A posting is of one key and one slice of `SLICE` numbers. All of a query's words are read by one look-up of their keys;
what matches follows from operations on whole numbers, and the highest bits are the freshest documents. So a search
costs the same on every database, however usual its words are, and no planner guesses.

What has changed since the last merging is not in them yet: documents with higher numbers are read one by one, and
numbers that are no document's any more are passed over. So a change of a profile writes no posting; those of a minute
are merged at once.

A key is a word, two words that stand next to each other, or the value of a facet. Those of the expertise have bits of
their own beside.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa

from belisha.directory.documents import EXPERTISE
from belisha.directory.fields import FIELDS
from bots.directory.dialects import PostgreSQL, Sqlite, dialect
from bots.directory.index_tables import community, posted, posting, unmerged
from bots.kernel.direct import Statement
from bots.kernel.store import insert_on

#: Numbers of one posting: where many documents have a word, it is a kilobyte that each of their changes writes.
SLICE: Final = 8192
_INTERESTS: Final = FIELDS["interests"].code
_FACETS: Final = ("organisation", "category", "availability")
_OFFSET: Final = 2  # bytes that say how many empty ones were left out
#: New documents that are merged at once. With more than these a search would be slow, so a change merges them then.
MOST_MERGED: Final = 1000
#: So many are merged in one transaction where nobody waits for it.
MOST_SWEPT: Final = 20
#: No key: stands for the number up to which all is merged.
MERGED: Final = ""
_NONE: Final = (0, 0)


def of_facet(name: str, value: str) -> str:
    """The key of a facet's value; of an interest the value is the words' keys with blanks between."""
    return f"={name} {value}"


def of_phrase(words: Sequence[str]) -> list[str]:
    """The keys that a document has in which these words stand next to each other; of three it may have them apart."""
    return [f"{one} {other}" for one, other in pairwise(words)] or list(words)


def keys_of(row: Mapping[str, str] | sa.RowMapping) -> dict[str, bool]:
    """The keys of a document, by its row, and whether its expertise has them."""
    found = {of_facet(name, row[name]): False for name in _FACETS if row[name]}
    for part in row["flat"][1:-1].split("|"):
        code, words = part[:1], part[2:].split()
        for key in (*words, *of_phrase(words)):
            found[key] = found.get(key, False) or code == EXPERTISE
        if code == _INTERESTS:
            found[of_facet("interest", " ".join(words))] = False
    return found


class Postings:
    """What was read of some keys, and up to which number documents are in the postings."""

    def __init__(self, keys: Collection[str], rows: Iterable[Sequence[Any]]) -> None:
        """Sorts the rows of the table by their slices; they are unpacked where they are asked for.

        Args:
            keys: that were asked for.
            rows: of these keys, and one of `MERGED` with the number.
        """
        self.keys = frozenset(keys)
        self._rows: defaultdict[int, dict[str, Sequence[Any]]] = defaultdict(dict)
        self.merged = 0
        for row in rows:
            if row[0] == MERGED:
                self.merged = row[1]
            else:
                self._rows[row[1]][row[0]] = row
        #: The freshest documents' first.
        self.slices = sorted(self._rows, reverse=True)

    def bits(self, place: int, key: str, *, expertise: bool = False) -> int:
        """The documents of a slice that have a key anywhere, or in their expertise, as bits."""
        row = self._rows[place].get(key)
        return 0 if row is None else _unpacked(row[3 if expertise else 2])

    def with_more(self, connection: sa.Connection, keys: Collection[str]) -> Postings:
        """These and those of other keys, as they are at one moment: what was merged meanwhile has all read anew."""
        lacking = self.keys.union(keys) - self.keys
        if not lacking:
            return self
        more = read(connection, lacking)
        if more.merged != self.merged:
            return read(connection, self.keys | lacking)
        mine = [row for rows in self._rows.values() for row in rows.values()]
        others = [row for rows in more._rows.values() for row in rows.values()]
        return Postings(self.keys | lacking, [*mine, *others, (MERGED, self.merged)])


def read(connection: sa.Connection, keys: Collection[str]) -> Postings:
    """The documents that have these keys; what was merged is read by the same statement, so nothing falls between."""
    words = dialect(connection)
    return Postings(keys, _READ[words.among].rows(connection, {"keys": words.listed(keys)}))


def gone(connection: sa.Connection, row: sa.RowMapping) -> None:
    """Says that a document is no more, so that the next merging takes its number out."""
    connection.execute(unmerged.insert().values(number=row["number"], keys=json.dumps(sorted(keys_of(row)))))


def merge(connection: sa.Connection, most: int = MOST_MERGED) -> bool:
    """Takes out the numbers that are no document's any more, and puts in those of new documents.

    Args:
        connection: a transaction that writes, and has its turn (`Dialect.turn`).
        most: how many of each at most, the oldest first.

    Returns:
        Whether there may be more.
    """
    up_to = merged(connection)
    new = sa.select(community).where(community.c.number > up_to).order_by(community.c.number).limit(most)
    come = connection.execute(new).mappings().all()
    left = connection.execute(sa.select(unmerged).order_by(unmerged.c.number).limit(most)).all()
    if not come and not left:
        return False
    more, less = Filling(), Filling()
    for row in come:
        more.add(row["number"], keys_of(row))
    for number, keys in left:
        if number <= up_to:
            less.add(number, dict.fromkeys(json.loads(keys), True))
    wanted = more.bits.keys() | less.bits.keys()
    there = _there(connection, wanted)
    put, empty = [], []
    for key, place in sorted(wanted):
        was, taken, given = (some.get((key, place), _NONE) for some in (there, less.bits, more.bits))
        bits = [old & ~out | new for old, out, new in zip(was, taken, given, strict=True)]
        if bits[0]:
            put.append(_row(key, place, bits))
        elif (key, place) in there:
            empty.append({"its_key": key, "its_slice": place})
    if put:
        insert = insert_on(connection, posting)
        changed = {name: insert.excluded[name] for name in ("anywhere", "expertise")}
        connection.execute(insert.on_conflict_do_update(index_elements=["key", "slice"], set_=changed), put)
    if empty:
        connection.execute(_FORGET, empty)
    if left:
        connection.execute(unmerged.delete().where(unmerged.c.number <= left[-1].number))
    set_merged(connection, max([up_to, *(row["number"] for row in come)]))
    return max(len(come), len(left)) == most


def merged(connection: sa.Connection) -> int:
    """Up to which number documents are in the postings."""
    return int(connection.scalar(sa.select(posted.c.number)) or 0)


def set_merged(connection: sa.Connection, number: int) -> None:
    """Writes down up to which number documents are in the postings."""
    insert = insert_on(connection, posted).values(id=1, number=number)
    connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_={"number": number}))


def _there(connection: sa.Connection, asked: Collection[tuple[str, int]]) -> dict[tuple[str, int], list[int]]:
    """The postings of these keys and slices, as they are."""
    words, by_place = dialect(connection), defaultdict[int, list[str]](list)
    for key, place in asked:
        by_place[place].append(key)
    found: dict[tuple[str, int], list[int]] = {}
    for place, keys in by_place.items():
        values = {"keys": words.listed(keys), "slice": place}
        for key, _, anywhere, expertise in connection.execute(_OF_PLACE[words.among], values).all():
            found[key, place] = [_unpacked(anywhere), _unpacked(expertise)]
    return found


class Filling:
    """The postings of some documents: `bits` by key and slice, anywhere and in the expertise."""

    def __init__(self) -> None:
        """Begins with none."""
        self.bits: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])

    def add(self, number: int, keys: Mapping[str, bool]) -> None:
        """Takes in a document."""
        place, bit = divmod(number, SLICE)
        for key, expertise in keys.items():
            bits = self.bits[key, place]
            bits[0] |= 1 << bit
            bits[1] |= expertise << bit

    def rows(self) -> Iterator[dict[str, object]]:
        """The rows of the table, where there are none yet."""
        for (key, place), bits in sorted(self.bits.items()):
            yield _row(key, place, bits)


def _row(key: str, place: int, bits: Sequence[int]) -> dict[str, object]:
    return {
        "key": key,
        "slice": place,
        "anywhere": _packed(bits[0]),
        "expertise": _packed(bits[1]) if bits[1] else None,
    }


def _packed(bits: int) -> bytes:
    """Bits as bytes, the lowest first, without the empty ones at either end: most words stand in few documents."""
    start = ((bits & -bits).bit_length() - 1) // 8
    left = bits >> start * 8
    return start.to_bytes(_OFFSET, "little") + left.to_bytes((left.bit_length() + 7) // 8, "little")


def _unpacked(packed: bytes | None) -> int:
    if packed is None:
        return 0
    start = int.from_bytes(packed[:_OFFSET], "little")
    return int.from_bytes(packed[_OFFSET:], "little") << start * 8


_FORGET: Final = posting.delete().where(
    posting.c.key == sa.bindparam("its_key"), posting.c.slice == sa.bindparam("its_slice")
)
_SELECT: Final = "SELECT key, slice, anywhere, expertise FROM directory_posting WHERE key {keys}"
_AND_MERGED: Final = f" UNION ALL SELECT '{MERGED}', number, NULL, NULL FROM directory_posted"  # noqa: S608 - a constant


def with_merged(keys: str) -> str:
    """A statement for postings, with what was merged; `keys` is the condition of their keys, from behind the column."""
    return _SELECT.format(keys=keys) + _AND_MERGED


_READ: Final = {one.among: Statement(with_merged(one.steady_among.format("keys"))) for one in (Sqlite, PostgreSQL)}
_OF_PLACE: Final = {
    one.among: sa.text(f"{_SELECT} AND slice = :slice".format(keys=one.among.format("keys")))
    for one in (Sqlite, PostgreSQL)
}
