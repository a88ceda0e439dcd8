"""Sessions of browsers: asked for, opened once their member has confirmed them, looked up, ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bots.kernel.store import Store
from bots.portal.keys import Keys, new_token, token_hash
from bots.portal.tables import browser, session, used_token, wrong_code

MINUTE: Final = 60.0
CODE_HOLDS: Final = 15 * MINUTE
#: So long after its member's command a browser may take its session.
TAKEN_WITHIN: Final = 5 * MINUTE
IDLE: Final = 15 * MINUTE
AT_MOST: Final = 12 * 60 * MINUTE
BROWSER_KNOWN: Final = 90 * 24 * 60 * MINUTE
#: A token of Synapse's holds an hour; its hash is kept longer than that.
TOKEN_REMEMBERED: Final = 24 * 60 * MINUTE
_KEPT: Final = 30 * 24 * 60 * MINUTE
_SEEN_EVERY: Final = MINUTE
_THIN_EVERY: Final = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Asking:
    """A browser that shows a code."""

    number: int
    code: str
    until: float
    confirmed: bool
    browser: str = ""
    since: float = 0.0
    picture: str | None = None
    """What a member who was asked is to tap."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a member has confirmed by a command, and no browser has taken yet."""

    number: int
    user_id: str
    room_id: str
    event_id: str
    at: float
    """When, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open session."""

    number: int
    user_id: str
    organisation: str
    browser: str
    widget: bool
    confirmed: bool
    opened_at: float
    seen_at: float


class Sessions:
    """All sessions of the community's portal."""

    def __init__(self, store: Store, keys: Keys, now: Callable[[], float] = time.time) -> None:
        """Prepares queries.

        Args:
            store: The bots' store, open.
            keys: The portal's keys.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self._keys = keys
        self._now = now
        self._thinned = 0.0

    async def ask(self, browser_name: str) -> tuple[str, Asking]:
        """Makes a code for a browser; the token that the browser keeps, and what its page shows."""
        await self._thin()
        now, token = self._now(), new_token()
        row = {
            "token_hash": token_hash(token),
            "code_hash": self._keys.code_hash(self._keys.code(token, now)),
            "code_since": now,
            "browser": browser_name,
            "widget": False,
            "asked_at": now,
            "seen_at": now,
        }
        async with self._store.writing() as connection:
            number = (await connection.execute(session.insert().values(row).returning(session.c.number))).scalar_one()
        return token, Asking(number, self._keys.code(token, now), now + CODE_HOLDS, False, browser_name, now)

    async def asking(self, token: str) -> Asking | None:
        """What a browser's page shows; None where its code has run out, or it has its session."""
        return self._asking(token, await self._row(token, session.c.opened_at.is_(None)))

    async def show(self, token: str, picture: str) -> Asking | None:
        """Has a browser's page show a picture from now on, instead of one before; None where its code has run out."""
        waits = (
            session.c.token_hash == token_hash(token),
            session.c.opened_at.is_(None),
            session.c.ended_at.is_(None),
            session.c.confirmed_at.is_(None),
        )
        values = {"picture": picture, "asked_of": None, "asked_by": None}
        async with self._store.writing() as connection:
            await connection.execute(session.update().where(*waits).values(values))
        return await self.asking(token)

    async def confirmed(self, token: str) -> Confirmed | None:
        """What the member of a browser has confirmed, and it may take now."""
        row = await self._row(token, session.c.opened_at.is_(None), session.c.confirmed_at.is_not(None))
        if row is None or row.confirmed_at + TAKEN_WITHIN < self._now():
            return None
        return Confirmed(row.number, row.user_id, row.command_room, row.command_event, row.confirmed_at)

    async def open(self, token: str, organisation: str) -> str | None:
        """Opens a confirmed session, once; its token is a new one, so that no older cookie opens anything."""
        now, fresh = self._now(), new_token()
        values = {
            "token_hash": token_hash(fresh),
            "code_hash": None,
            "organisation": organisation,
            "opened_at": now,
            "seen_at": now,
        }
        waits = (
            session.c.token_hash == token_hash(token),
            session.c.opened_at.is_(None),
            session.c.ended_at.is_(None),
            session.c.confirmed_at > now - TAKEN_WITHIN,
        )
        async with self._store.writing() as connection:
            opened = await connection.execute(session.update().where(*waits).values(values))
        return fresh if opened.rowcount == 1 else None

    async def open_widget(
        self, user_id: str, organisation: str, browser_name: str, browser_token: str | None, since: float = 0.0
    ) -> str:
        """Opens a session inside Element; it may only look, unless its member has confirmed this browser since then."""
        await self._thin()
        now, token = self._now(), new_token()
        known = sa.select(browser.c.confirmed_at).where(
            browser.c.token_hash == token_hash(browser_token or ""),
            browser.c.user_id == user_id,
            browser.c.organisation == organisation,
            browser.c.confirmed_at > max(now - BROWSER_KNOWN, since),
        )
        row = {
            "token_hash": token_hash(token),
            "browser": browser_name,
            "widget": True,
            "asked_at": now,
            "user_id": user_id,
            "organisation": organisation,
            "opened_at": now,
            "seen_at": now,
        }
        async with self._store.writing() as connection:
            confirmed_at = await connection.scalar(known)
            await connection.execute(session.insert().values(**row, confirmed_at=confirmed_at))
        return token

    async def ask_again(self, token: str) -> Asking | None:
        """The code by which the member of an open session that may only look confirms its browser."""
        now = self._now()
        row = await self._row(token, session.c.opened_at.is_not(None), session.c.confirmed_at.is_(None))
        if row is None:
            return None
        if (found := self._asking(token, row)) is not None:
            return found
        values = {"code_hash": self._keys.code_hash(self._keys.code(token, now)), "code_since": now}
        async with self._store.writing() as connection:
            await connection.execute(session.update().where(session.c.number == row.number).values(values))
        return Asking(row.number, self._keys.code(token, now), now + CODE_HOLDS, False, row.browser, now)

    async def know_browser(self, user_id: str, organisation: str) -> str:
        """Remembers a browser that its member has confirmed; the token that it keeps."""
        token, now = new_token(), self._now()
        row = {"token_hash": token_hash(token), "user_id": user_id, "organisation": organisation, "confirmed_at": now}
        async with self._store.writing() as connection:
            await connection.execute(browser.insert().values(row))
        return token

    async def find(self, token: str) -> Session | None:
        """The open session of a token, which goes on from now."""
        now = self._now()
        row = await self._row(token, *_open(now))
        if row is None:
            return None
        if row.seen_at < now - _SEEN_EVERY:
            async with self._store.writing() as connection:
                seen = session.update().where(session.c.number == row.number, session.c.ended_at.is_(None))
                await connection.execute(seen.values(seen_at=now))
        return _session(row)

    async def standing(self, tokens: Collection[str], used: Collection[str]) -> Mapping[str, Session]:
        """Those of these tokens' sessions that are open, by token; those that are used go on from now."""
        now, hashes = self._now(), {token_hash(token): token for token in tokens}
        query = session.select().where(session.c.token_hash.in_(hashes), *_open(now))
        async with self._store.reading() as connection:
            rows = (await connection.execute(query)).all()
        goes_on = [row.number for row in rows if hashes[row.token_hash] in used and row.seen_at < now - _SEEN_EVERY]
        if goes_on:
            seen = session.update().where(session.c.number.in_(goes_on), session.c.ended_at.is_(None))
            async with self._store.writing() as connection:
                await connection.execute(seen.values(seen_at=now))
        return {hashes[row.token_hash]: _session(row) for row in rows}

    async def of(self, user_id: str) -> Sequence[Session]:
        """The open sessions of a member, the latest first."""
        async with self._store.reading() as connection:
            return [_session(row) for row in await connection.execute(open_of(user_id, self._now()))]

    async def end(self, user_id: str, number: int) -> bool:
        """Ends a session of that member; whether there was one."""
        async with self._store.writing() as connection:
            return await connection.run_sync(end, user_id, self._now(), number)

    async def end_all(self, user_id: str, but: int | None = None) -> None:
        """Ends every session of a member, and forgets the browsers that were confirmed."""
        async with self._store.writing() as connection:
            await connection.run_sync(end_all, user_id, self._now(), but)

    async def give_up(self, number: int) -> None:
        """Ends what was confirmed and may not be opened."""
        async with self._store.writing() as connection:
            await connection.execute(session.update().where(session.c.number == number).values(ended_at=self._now()))

    async def first_use(self, openid_token: str) -> bool:
        """Whether a token of Synapse's is shown for the first time."""
        row = {"token_hash": token_hash(openid_token), "used_at": self._now()}
        async with self._store.writing() as connection:
            return (await connection.execute(self._store.insert(used_token, "token_hash").values(row))).rowcount == 1

    def _asking(self, token: str, row: sa.Row[tuple[object, ...]] | None) -> Asking | None:
        if row is None or not (row.code_hash or row.confirmed_at):
            return None
        until = (row.confirmed_at + TAKEN_WITHIN) if row.confirmed_at else row.code_since + CODE_HOLDS
        if until < self._now():
            return None
        code = self._keys.code(token, row.code_since)
        is_confirmed = row.confirmed_at is not None
        return Asking(row.number, code, until, is_confirmed, row.browser, row.code_since, row.picture)

    async def _row(self, token: str, *where: sa.ColumnElement[bool]) -> sa.Row[tuple[object, ...]] | None:
        known = (session.c.token_hash == token_hash(token), session.c.ended_at.is_(None))
        async with self._store.reading() as connection:
            return (await connection.execute(session.select().where(*known, *where))).one_or_none()

    async def _thin(self) -> None:
        """Forgets what is over, now and then."""
        now = self._now()
        if now < self._thinned + _THIN_EVERY:
            return
        self._thinned = now
        never_opened = sa.and_(session.c.opened_at.is_(None), session.c.asked_at < now - 2 * CODE_HOLDS)
        over = (
            session.delete().where(sa.or_(never_opened, session.c.seen_at < now - _KEPT)),
            used_token.delete().where(used_token.c.used_at < now - TOKEN_REMEMBERED),
            browser.delete().where(browser.c.confirmed_at < now - BROWSER_KNOWN),
            wrong_code.delete().where(wrong_code.c.since < now - 24 * CODE_HOLDS),
        )
        async with self._store.writing() as connection:
            for each in over:
                await connection.execute(each)


def open_of(user_id: str, now: float) -> sa.Select[tuple[object, ...]]:
    """The query for a member's open sessions."""
    mine = session.select().where(session.c.user_id == user_id, *_open(now))
    return mine.order_by(session.c.opened_at.desc(), session.c.number.desc())


def asked(connection: sa.Connection, number: int, picture: str, user_id: str, effect_id: str) -> bool:
    """Writes down whom a browser that shows a picture has named; whether it still waits."""
    waits = (session.c.number == number, session.c.picture == picture, session.c.confirmed_at.is_(None))
    values = {"asked_of": user_id, "asked_by": effect_id}
    return connection.execute(session.update().where(*waits).values(values)).rowcount == 1


def end(connection: sa.Connection, user_id: str, now: float, number: int) -> bool:
    """Ends a session of a member, open or about to be; whether there was one."""
    mine = (session.c.user_id == user_id, session.c.number == number, session.c.ended_at.is_(None))
    row = connection.execute(session.select().where(*mine)).one_or_none()
    if row is None:
        return False
    connection.execute(session.update().where(session.c.number == number).values(ended_at=now, code_hash=None))
    if row.widget:  # who ends it does not want to find it again
        connection.execute(browser.delete().where(browser.c.user_id == user_id))
    return bool(row.opened_at is None or (row.seen_at > now - IDLE and row.opened_at > now - AT_MOST))


def end_all(connection: sa.Connection, user_id: str, now: float, but: int | None = None) -> int:
    """Ends every session of a member but one, and forgets the browsers that were confirmed; how many were open."""
    mine = (session.c.user_id == user_id, session.c.ended_at.is_(None), session.c.number != (but or 0))
    open_now = len([row for row in connection.execute(open_of(user_id, now)) if row.number != but])
    connection.execute(session.update().where(*mine).values(ended_at=now, code_hash=None))
    connection.execute(browser.delete().where(browser.c.user_id == user_id))
    return open_now


def _open(now: float) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        session.c.ended_at.is_(None),
        session.c.opened_at > now - AT_MOST,
        session.c.seen_at > now - IDLE,
    )


def _session(row: sa.Row[tuple[object, ...]]) -> Session:
    return Session(
        number=row.number,
        user_id=row.user_id,
        organisation=row.organisation,
        browser=row.browser,
        widget=row.widget,
        confirmed=row.confirmed_at is not None,
        opened_at=row.opened_at,
        seen_at=row.seen_at,
    )
