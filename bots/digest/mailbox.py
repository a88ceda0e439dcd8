"""Where a member's digest is mailed to: an address of their organisation's that they have shown to be theirs.

A code goes there, and comes back from the member. Nobody can have a third person mailed at: few codes a day go out for
one member and to one address. Each holds for an hour and for a few guesses, and says nothing but what it is for.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from belisha.translation import _
from bots.digest import mail_words as words
from bots.digest.commands import BOTH, CHAT, OFF
from bots.digest.mail_words import ASKED, CONFIRMED, PAUSED, Post
from bots.digest.tables import digest_address, digest_code_mail
from bots.directory.tables import directory_member
from bots.kernel.answers import Block, Typed, notice, paragraph, plain, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call
from bots.kernel.desk import could_not_ask
from bots.kernel.digested import DigestFacts
from bots.kernel.effects import Effect, Mail, Send
from bots.kernel.store import insert_on

#: For so many seconds, and so many guesses, a code holds.
HOLDS_S: Final = 3600.0
GUESSES: Final = 5
#: So many codes a day are mailed for one member, and as many to one address.
A_DAY: Final = 3
_DAY_S: Final = 86_400.0
#: The key of what a bot is told about the end of a mail with a code.
CODE_OF: Final = "code of"


def six_digits() -> str:
    """A code that nobody knows yet."""
    return f"{secrets.randbelow(10**6):06}"


class Mailbox:
    """Answers `!digest mail` and `!digest code`."""

    def __init__(self, post: Post | None, code: Callable[[], str] = six_digits) -> None:
        """Knows how mail is sent; None where it is not."""
        self._post = post
        self._code = code

    @property
    def post(self) -> Post | None:
        """How mail is sent; None where it is not."""
        return self._post

    def row(self, connection: sa.Connection, user_id: str) -> dict[str, Any] | None:
        """A member's address and what goes with it; None where they have none."""
        mine = digest_address.c.user_id == user_id
        found = connection.execute(sa.select(digest_address).where(mine)).mappings().one_or_none()
        return None if found is None else dict(found)

    def way(self, connection: sa.Connection, user_id: str) -> str:
        """How a member gets their digest now: by chat, by mail or both."""
        row = None if self._post is None else self.row(connection, user_id)
        return CHAT if row is None or row["state"] != CONFIRMED else str(row["way"])

    def confirmed(self, connection: sa.Connection, user_id: str) -> dict[str, Any] | None:
        """Their address, where they have shown that it is theirs and mail is taken for it."""
        row = self.row(connection, user_id)
        return row if row is not None and row["state"] == CONFIRMED else None

    def outside(self, connection: sa.Connection, user_id: str, domains: Sequence[str]) -> Sequence[Effect]:
        """Ends mails to an address that is in none of these domains any more, and says so; nothing where it is."""
        row = self.confirmed(connection, user_id)
        if row is None or words.outside(row["address"], domains) is None:
            return ()
        forget(connection, user_id)
        told = say(
            _("Nothing is mailed to {address} any more: your organisation has other domains now. Write {mail}."),
            address=row["address"],
            mail=words.TYPE_MAIL,
        )
        return in_own_room(connection, user_id, (told,), f"digest mail outside {row['handle']}")

    def choose(self, connection: sa.Connection, user_id: str, way: str) -> str | None:
        """Changes how; the sentence that says why it cannot be, or None."""
        row = self.row(connection, user_id)
        if way != CHAT and self._post is None:
            return words.no_mail()
        if way != CHAT and (row is None or row["state"] != CONFIRMED):
            return _(
                "First say where to, by “!digest mail” and your address at work, and give me the code I send there."
            )
        if row is not None:
            mine = digest_address.c.user_id == user_id
            connection.execute(digest_address.update().where(mine).values(way=way))
        return None

    # --- The address -------------------------------------------------------------------------------------------

    def answer_mail(self, call: Call, context: Context) -> Answer:
        """Sends a code to an address, forgets it, or says how it is."""
        asked = call.arguments.get("address")
        if asked == OFF:
            return Answer((paragraph(words.forgotten(forget(context.database, call.user_id))),))
        if self._post is None:
            return Answer((paragraph(words.no_mail()),))
        if asked is None:
            return Answer(words.how_it_is(self._post, self.row(context.database, call.user_id)))
        if not isinstance(context.digest, DigestFacts):
            return Answer((paragraph(could_not_ask()),))
        refusal = words.outside(str(asked), context.digest.domains) or _too_many(context, call.user_id, str(asked))
        if refusal is not None:
            return Answer((paragraph(refusal),))
        return self._ask(self._post, call.user_id, str(asked), context)

    def _ask(self, post: Post, user_id: str, address: str, context: Context) -> Answer:
        connection, code, handle = context.database, self._code(), secrets.token_hex(16)
        row = {
            "user_id": user_id,
            "address": address,
            "way": BOTH,
            "state": ASKED,
            "asked_at": context.now,
            "code": _hashed(handle, code),
            "guesses": 0,
            "handle": handle,
        }
        put = insert_on(connection, digest_address).values(row)
        connection.execute(put.on_conflict_do_update(index_elements=["user_id"], set_=row))
        sent = {"user_id": user_id, "address": _hashed("", address.casefold()), "at": context.now}
        connection.execute(insert_on(connection, digest_code_mail).values(sent).on_conflict_do_nothing())
        then = {CODE_OF: user_id, "handle": handle}
        subject = _("Your code for digests of {community}").format(community=post.community)
        text = f"{plain(words.of_code(post, code))}\n"
        mail = Mail(address, subject, text, until=context.now + HOLDS_S, then=then)
        told = say(
            _("A code is on its way to {address}. Write {command} with it here within an hour, to confirm it."),
            address=address,
            command=Typed("!digest code 123456"),
        )
        return Answer((told,), (mail,))

    def answer_code(self, call: Call, context: Context) -> Answer:
        """Confirms the address, where the code is the one that was sent there."""
        connection, user_id = context.database, call.user_id
        row = self.row(connection, user_id)
        if row is None or row["state"] == CONFIRMED or row["code"] is None:
            return Answer((say(_("No address waits for a code. To name one, write {mail}."), mail=words.TYPE_MAIL),))
        if context.now >= row["asked_at"] + HOLDS_S:
            return Answer(
                (say(_("That code was good for an hour. For a new one, write {mail}."), mail=words.TYPE_MAIL),)
            )
        if not isinstance(context.digest, DigestFacts):
            return Answer((paragraph(could_not_ask()),))
        # Counted before it is looked at: two guesses at once are two.
        mine = (digest_address.c.user_id == user_id) & (digest_address.c.handle == row["handle"])
        counted = digest_address.update().where(
            mine, digest_address.c.state == ASKED, digest_address.c.guesses < GUESSES
        )
        if not connection.execute(counted.values(guesses=digest_address.c.guesses + 1)).rowcount:
            told = say(
                _("That were too many wrong codes; this one is void. For a new one, write {mail}."),
                mail=words.TYPE_MAIL,
            )
            return Answer((told,))
        if not hmac.compare_digest(row["code"], _hashed(row["handle"], str(call.arguments["code"]))):
            left = GUESSES - 1 - int(row["guesses"])
            return Answer((say(_("That is not the code that I sent. It can be tried {left} times more."), left=left),))
        if (refusal := words.outside(row["address"], context.digest.domains)) is not None:
            return Answer((paragraph(refusal),))
        connection.execute(digest_address.update().where(mine).values(state=CONFIRMED, code=None, guesses=0))
        return Answer(words.how_it_is(self._post, {**row, "state": CONFIRMED}))


def forget(connection: sa.Connection, user_id: str) -> bool:
    """Forgets a member's address; whether there was one."""
    return bool(connection.execute(digest_address.delete().where(digest_address.c.user_id == user_id)).rowcount)


def refused(connection: sa.Connection, user_id: str, handle: str) -> Sequence[Effect]:
    """Sends nothing more to an address for which no mail is taken, and says so once."""
    mine = (digest_address.c.user_id == user_id) & (digest_address.c.handle == handle)
    still = mine & (digest_address.c.state == CONFIRMED)
    change = digest_address.update().where(still).values(state=PAUSED).returning(digest_address.c.address)
    address = connection.execute(change).scalar_one_or_none()
    if address is None:
        return ()
    told = say(
        _("The mail server takes no mail for {address}: your digest comes here alone. To mail it again, write {mail}."),
        address=address,
        mail=words.TYPE_MAIL,
    )
    return in_own_room(connection, user_id, (told,), f"digest mail refused {handle}")


def code_ended(then: dict[str, Any], ended: str, context: Context) -> Sequence[Effect]:
    """What is said where a mail with a code did not go out."""
    user_id, handle = str(then[CODE_OF]), str(then["handle"])
    mine = (digest_address.c.user_id == user_id) & (digest_address.c.handle == handle)
    if ended == "sent":
        return ()
    gone = digest_address.delete().where(mine, digest_address.c.state == ASKED).returning(digest_address.c.address)
    address = context.database.execute(gone).scalar_one_or_none()
    if address is None:
        return ()
    if ended == "refused":
        told = _(
            "The mail server takes no mail for {address}. Please look whether it is written right, and write {mail}."
        )
    else:
        told = _("The mail to {address} could not be sent within an hour. Please ask for it anew: {mail}.")
    return in_own_room(context.database, user_id, (say(told, address=address, mail=words.TYPE_MAIL),), f"code {handle}")


def turn_off(context: Context, handle: str) -> Sequence[Effect]:
    """Forgets the address whose reader followed the link in a mail, and tells the member; nothing where it is gone."""
    connection = context.database
    gone = digest_address.delete().where(digest_address.c.handle == handle).returning(digest_address.c.user_id)
    user_id = connection.execute(gone).scalar_one_or_none()
    if user_id is None:
        return ()
    told = say(
        _("Your digest is mailed no more: somebody followed the link in one. Here it comes as before. See {digest}."),
        digest=Typed("!digest"),
    )
    return in_own_room(connection, user_id, (told,), f"digest mail off {handle}")


def thin(connection: sa.Connection, now: float) -> None:
    """Forgets addresses whose code is dead, and which codes were mailed longer ago than a day."""
    connection.execute(digest_code_mail.delete().where(digest_code_mail.c.at < now - _DAY_S))
    is_dead = (digest_address.c.state == ASKED) & (digest_address.c.asked_at < now - _DAY_S)
    connection.execute(digest_address.delete().where(is_dead))


def in_own_room(connection: sa.Connection, user_id: str, blocks: Sequence[Block], once: str) -> Sequence[Effect]:
    """A message in a member's own room with the bot, once."""
    query = sa.select(directory_member.c.service_room).where(directory_member.c.user_id == user_id)
    room = connection.execute(query).scalar_one_or_none()
    return () if room is None else (Send(notice(blocks), room=room, once=once),)


def _too_many(context: Context, user_id: str, address: str) -> str | None:
    """So that nobody can have others mailed at; what was mailed stays counted where the address is forgotten."""
    codes, since = digest_code_mail.c, context.now - _DAY_S
    for of in (codes.user_id == user_id, codes.address == _hashed("", address.casefold())):
        query = sa.select(sa.func.count()).select_from(digest_code_mail).where(of, codes.at >= since)
        if (context.database.scalar(query) or 0) >= A_DAY:
            return _("Today no more codes are sent: at most three a day, for one member and to one address.")
    return None


def _hashed(handle: str, text: str) -> str:
    return hashlib.sha256(f"{handle}\0{text}".encode(errors="replace")).hexdigest()
