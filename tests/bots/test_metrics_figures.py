"""What was decided is read once by each process, however many there is of it, and anew when more was decided."""

from __future__ import annotations

from datetime import date

from belisha.metrics.days import month_of
from belisha.metrics.respect import Name, Shown
from bots.kernel.store import Store
from bots.metrics import publishing
from bots.metrics.figures import FigureBook
from bots.metrics.tables import shown

MAY, JUNE = month_of(date(2026, 5, 1)), month_of(date(2026, 6, 1))


async def decide(store: Store, name: Name, members: int) -> None:
    row = publishing.row(name, Shown(members))
    await store.write(lambda connection: connection.execute(shown.insert().values(row)))


async def test_numbers_are_read_again_when_there_are_more(store: Store) -> None:
    book = FigureBook(store)
    await decide(store, Name(MAY, "active"), 40)
    before = await book.figures()
    await book.annotate(date(2026, 5, 4), "Workshop", "@mona:x")
    again = await book.figures()
    assert again.release is before.release and (again.months, again.number(MAY, "active")) == ([MAY], 40)
    assert [one.text for one in again.annotations] == ["Workshop"], "what managers write is there at once"
    await decide(store, Name(JUNE, "active"), 50)
    after = await book.figures()
    assert (after.months, after.number(JUNE, "active"), after.number(MAY, "active")) == ([MAY, JUNE], 50, 40)
    assert after.parts(JUNE, "active") == {"": 50} and [one.text for one in after.annotations] == ["Workshop"]
