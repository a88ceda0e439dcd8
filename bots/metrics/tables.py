"""The metrics' own tables. No text and no name is in them: members are numbers, given to keyed pseudonyms.

The key is a file apart from this database. Days are counted from the first of January of the year 1
(`datetime.date.toordinal`).
"""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.tables import metadata

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

fact = sa.Table(
    "metrics_fact",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),  # milliseconds since 1970, to the minute
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("member", sa.BigInteger, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("room_id", sa.Text, nullable=False, server_default=""),
    sa.Column("label", sa.Text, nullable=False, server_default=""),
    sa.Column("organisation", sa.Text, nullable=False, server_default=""),
    sa.Column("counterpart", sa.Text, nullable=False, server_default=""),
    sa.Column("ref", sa.Text, nullable=False, server_default=""),
)
sa.Index("ix_metrics_fact_day", fact.c.day)
sa.Index("ix_metrics_fact_member", fact.c.member)

member = sa.Table(
    "metrics_member",
    metadata,
    sa.Column("pseudonym", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
)

# Who is not to be counted.
opted_out = sa.Table(
    "metrics_opted_out",
    metadata,
    sa.Column("pseudonym", sa.Text, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
)

# A day's sets of members (`belisha.metrics.rollups`), of how many facts they were made, and whether journeys are in it.
day = sa.Table(
    "metrics_day",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("facts", sa.Integer, nullable=False),
    sa.Column("rollup", sa.LargeBinary, nullable=False),
    sa.Column("journeys", sa.Boolean, nullable=False, server_default=sa.false()),
)

# One row: the highest number that was ever given to a member, and how far the module's doings were read.
progress = sa.Table(
    "metrics_progress",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("highest", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("doings", sa.Text, nullable=False, server_default=""),
    sa.Column("sample", sa.Boolean, nullable=False, server_default=sa.false()),  # figures of a made-up community
)

# The category of each organisation that was ever listed: what its members did outlasts it.
category = sa.Table(
    "metrics_organisation",
    metadata,
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("category", sa.Text, nullable=False),
)

# What was decided about each number (`belisha.metrics.respect`), for good; `members` is NULL where it is withheld.
shown = sa.Table(
    "metrics_shown",
    metadata,
    sa.Column("first", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("measure", sa.Text, primary_key=True),
    sa.Column("part", sa.Text, primary_key=True),
    sa.Column("members", sa.BigInteger),
    sa.Column("figures", sa.Text, nullable=False, server_default="{}"),
)

# Whether an organisation was active in a month, decided once (`belisha.metrics.naming`): NULL where too few of its
# members count. It is shown while a lead of the organisation wants it, for which the module is asked each time.
named = sa.Table(
    "metrics_named",
    metadata,
    sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("active", sa.Boolean),
)

# The report of each month, by its first day, as it was frozen on one day (`bots.metrics.monthly`); JSON.
report = sa.Table(
    "metrics_report",
    metadata,
    sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("made", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

# What became of each month's posts (`belisha.metrics.asks.Kept`), since facts are deleted: sets of members as roaring
# bitmaps, and the time to the first answer in minutes.
asked = sa.Table(
    "metrics_asked",
    metadata,
    sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("heard", sa.LargeBinary, nullable=False),
    sa.Column("unheard", sa.LargeBinary, nullable=False),
    sa.Column("answerers", sa.LargeBinary, nullable=False),
    sa.Column("minutes", sa.Integer),
)

# Links to a month's few numbers, for sponsors: `key` is the hash of what stands in one, `made` in seconds since 1970.
sponsor = sa.Table(
    "metrics_sponsor",
    metadata,
    sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("month", sa.Integer, nullable=False),
    sa.Column("made", sa.Float, nullable=False),
    sqlite_autoincrement=True,
)

# What managers wrote beside the numbers: “workshop on 3 March”.
annotation = sa.Table(
    "metrics_annotation",
    metadata,
    sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

# The pulses that were asked, by the first day of their quarter. Their answers are ballots (`bots.polls.tables.ballot`).
pulse = sa.Table(
    "metrics_pulse",
    metadata,
    sa.Column("quarter", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("closes", sa.Float, nullable=False),  # seconds since 1970
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    sa.Column("has_key", sa.Boolean, nullable=False, server_default=sa.false()),  # since its first answer
    sa.CheckConstraint("state IN ('open', 'counted', 'dropped')", name="state"),
)

# Who is not to be asked.
no_pulse = sa.Table("metrics_no_pulse", metadata, sa.Column("user_id", sa.Text, primary_key=True))
