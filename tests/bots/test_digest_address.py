"""Where digests are mailed to: an address of one's own organisation that was shown to be one's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from belisha.digest import addresses
from bots.digest.mailbox import A_DAY, GUESSES, HOLDS_S
from bots.kernel.store import Store
from tests.bots.mailing import ADDRESS, CODE, PORTAL, Mailing
from tests.bots.support import SERVER, Homeserver
from tests.bots.test_digest import BEN, listed
from tests.support.smtp import Mailserver, mailserver

__all__ = ["listed"]
BENS = f"!ben:{SERVER}"


@pytest.fixture
def server() -> Iterator[Mailserver]:
    with mailserver() as one:
        yield one


@pytest.fixture
def here(listed: Store, homeserver: Homeserver, server: Mailserver) -> Mailing:
    return Mailing(listed, homeserver, server)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ada@Harbour.ORG", "Ada@harbour.org"),
        (" ada+x.y@a-b.harbour.org ", "ada+x.y@a-b.harbour.org"),
        ("ada@harbour", None),
        ("ada@@harbour.org", None),
        (".ada@harbour.org", None),
        ("ada..b@harbour.org", None),
        ("ada@-harbour.org", None),
        ("Ada <ada@harbour.org>", None),
        ("ada@harbour.org\r\nBcc: x@harbour.org", None),
        ("ada@harbour.org, ben@harbour.org", None),
        ('"ada"@harbour.org', None),
        ("ädä@harbour.org", None),
        ("ada@\u202eharbour.org", None),
        ("a" * 65 + "@harbour.org", None),
        ("ada@" + "a." * 124 + "org", None),
    ],
)
def test_an_address_is_bare_and_of_plain_letters(text: str, address: str | None) -> None:
    assert addresses.read(text) == address


@pytest.mark.parametrize(
    ("address", "is_within"),
    [
        ("ada@harbour.org", True),
        ("ada@students.harbour.org", False),
        ("ada@notharbour.org", False),
        ("ada@harbour.org.evil.test", False),
        ("ada@reef.test", True),
    ],
)
def test_a_domain_is_that_one_and_none_below_it(address: str, is_within: bool) -> None:
    assert addresses.is_within(address, ["Harbour.org", "@reef.test"]) is is_within
    assert not addresses.is_within(address, [])


async def test_a_code_goes_there_and_comes_back(here: Mailing, server: Mailserver) -> None:
    assert "comes in this chat alone" in await here.ask("!digest mail")
    assert "to addresses that end in @reef.test." in await here.ask("!digest mail mia@elsewhere.test")
    assert "bare mail address" in await here.ask("!digest mail 'Mia <mia@reef.test>'")
    assert "by “!digest mail” and your address" in await here.ask("!digest daily --by mail")
    assert server.asked == 0, "nothing was mailed to anybody yet"
    assert f"on its way to {ADDRESS}" in await here.ask(f"!digest mail {ADDRESS}")
    (mail,) = server.to(ADDRESS)
    text = mail.get_content()
    assert mail["Subject"] == "Your code for digests of The Reef" and "mia" not in text.casefold()
    assert f"!digest code {CODE}" in text and f"{PORTAL}/commands/digest-code?its-code={CODE}" in text
    assert CODE not in await here.kept_of_mails() and ADDRESS not in await here.kept_of_mails()
    (row,) = await here.addresses()
    assert row["state"] == "asked" and CODE not in str(row)
    assert "waits for the code" in await here.ask("!digest mail")
    assert "here what is new" in await here.ask("!digest"), "until it is confirmed, digests come by chat alone"
    assert "can be tried 4 times more" in await here.ask("!digest code 654321")
    assert f"goes to {ADDRESS}" in await here.ask(f"!digest code {CODE}")
    assert "here and by mail what is new" in await here.ask("!digest")
    assert "by mail what is new" in await here.ask("!digest --by mail")
    assert "here what is new" in await here.ask("!digest --by chat")
    assert "No address waits" in await here.ask(f"!digest code {CODE}")
    assert "I have forgotten the address" in await here.ask("!digest mail off")
    assert await here.addresses() == [] and "There was no address" in await here.ask("!digest mail off")


async def test_a_code_can_be_guessed_few_times_and_for_an_hour(here: Mailing) -> None:
    await here.ask(f"!digest mail {ADDRESS}")
    for number in range(GUESSES):
        assert "not the code" in await here.ask(f"!digest code 00000{number}")
    assert "too many wrong codes" in await here.ask(f"!digest code {CODE}"), "the right one, too late"
    assert (await here.addresses())[0]["state"] == "asked"
    await here.ask(f"!digest mail {ADDRESS}")
    assert "was good for an hour" in await here.ask(f"!digest code {CODE}", seconds=HOLDS_S)
    await here.ask(f"!digest mail {ADDRESS}")
    here.homeserver.digests["@mia:belisha.localhost"]["domains"] = ["other.test"]
    assert "to addresses that end in @other.test." in await here.ask(f"!digest code {CODE}"), "decided at that moment"
    assert (await here.addresses())[0]["state"] == "asked"
    await here.run(seconds=90_000)
    assert await here.addresses() == [], "what nobody confirmed is forgotten"


async def test_nobody_can_have_others_mailed_at(here: Mailing, server: Mailserver) -> None:
    here.homeserver.digests[BEN] = {"groups": [], "waiting": [], "items": {}, "domains": ["reef.test"]}
    for number in range(A_DAY - 1):
        await here.ask(f"!digest mail other{number}@reef.test")
        await here.ask("!digest mail off")
    assert "on its way" in await here.ask("!digest mail target@reef.test")
    assert "at most three a day" in await here.ask("!digest mail target@reef.test"), "of one member"
    for _ in range(A_DAY - 1):
        assert "on its way" in await here.ask("!digest mail Target@reef.test", BEN, BENS)
    assert "at most three a day" in await here.ask("!digest mail target@reef.test", BEN, BENS), "to one address"
    assert server.asked == 2 * A_DAY - 1
    assert "on its way" in await here.ask("!digest mail target@reef.test", seconds=90_000)


async def test_a_code_that_cannot_be_mailed_is_told_of(here: Mailing, server: Mailserver) -> None:
    server.at_reader = "550 no such user"
    told = await here.ask(f"!digest mail {ADDRESS}")
    assert f"takes no mail for {ADDRESS}" in told and told.count("takes no mail") == 1
    assert await here.addresses() == [] and server.taken == []
    server.at_reader = "451 later"
    assert "takes no mail" not in await here.ask(f"!digest mail {ADDRESS}")
    server.at_reader = "250 yes"
    assert f"The mail to {ADDRESS} could not be sent" in (await here.run(seconds=HOLDS_S))[-1]
    assert server.taken == [], "a code that is dead is not sent"
    assert CODE not in await here.kept_of_mails()


async def test_who_is_no_member_any_more_is_forgotten_with_their_address(here: Mailing) -> None:
    import sqlalchemy as sa

    from bots.digest.tables import digest_code_mail
    from bots.directory.tables import directory_member
    from tests.bots.test_digest import MIA

    await here.confirmed()
    gone = directory_member.delete().where(directory_member.c.user_id == MIA)
    await here.store.write(lambda one: one.execute(gone))
    await here.run(seconds=60)
    codes = await here.store.read(lambda one: one.execute(sa.select(digest_code_mail)).all())
    assert await here.addresses() == [] and codes == []


async def test_where_no_mail_is_sent_that_is_said(listed: Store, homeserver: Homeserver) -> None:
    here = Mailing(listed, homeserver, None)
    assert "sends no mail" in await here.ask(f"!digest mail {ADDRESS}")
    assert "sends no mail" in await here.ask("!digest --by mail")
