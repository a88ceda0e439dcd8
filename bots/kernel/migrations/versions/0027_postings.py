"""Postings in place of the directory's full-text index; made of the documents that are there."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SLICE: Final = 8192
_AT_ONCE: Final = 1000
_DOCUMENTS: Final = sa.text("SELECT number, organisation, category, availability, flat FROM directory_community")


def upgrade() -> None:
    """Adds the table, fills it as `bots.directory.postings` did at this revision, and takes the index away."""
    postings = op.create_table(
        "directory_posting",
        sa.Column("key", _BYTES, nullable=False),
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("anywhere", sa.LargeBinary(), nullable=False),
        sa.Column("expertise", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("key", "slice", name=op.f("pk_directory_posting")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "directory_posted",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_posted")),
    )
    op.create_table(
        "directory_unmerged",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_directory_unmerged")),
    )
    connection = op.get_bind()
    bits: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for number, organisation, category, availability, flat in connection.execute(_DOCUMENTS):
        place, bit = divmod(number, _SLICE)
        facets = {"organisation": organisation, "category": category, "availability": availability}
        keys = {f"={name} {value}": False for name, value in facets.items() if value} | _keys(flat)
        for key, expertise in keys.items():
            bits[key, place][0] |= 1 << bit
            bits[key, place][1] |= expertise << bit
    rows = [
        {"key": key, "slice": place, "anywhere": _packed(one), "expertise": _packed(other) if other else None}
        for (key, place), (one, other) in sorted(bits.items())
    ]
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(postings.insert(), rows[start : start + _AT_ONCE])
    op.execute("INSERT INTO directory_posted (id, number) SELECT 1, COALESCE(MAX(number), 0) FROM directory_community")
    op.execute("DROP TABLE directory_words")
    op.drop_table("directory_unswept")


def _keys(flat: str) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for part in flat[1:-1].split("|"):
        code, words = part[:1], part[2:].split()
        for key in (*words, *(f"{one} {other}" for one, other in pairwise(words))):
            found[key] = found.get(key, False) or code == "e"
        if code == "i":
            found[f"=interest {' '.join(words)}"] = False
    return found


def _packed(bits: int) -> bytes:
    start = ((bits & -bits).bit_length() - 1) // 8
    left = bits >> start * 8
    return start.to_bytes(2, "little") + left.to_bytes((left.bit_length() + 7) // 8, "little")
