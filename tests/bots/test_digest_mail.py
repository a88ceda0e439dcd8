"""Digests by mail: what stands in them, what never does, and that each attempt decides anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.tlp import Label
from bots.digest import choices
from bots.digest.by_mail import LIFE_S, harmless
from bots.directory import profiles
from bots.directory.tables import profile_field
from bots.kernel.listed import Listed
from bots.kernel.store import Store
from tests.bots.mailing import ADDRESS, KEYS, PORTAL, Mailing
from tests.bots.support import Homeserver, Json
from tests.bots.test_digest import BEGUN, BEN, BUOYS, DINA, MIA, MONDAY, PILOTS, group, listed, naming, said, told
from tests.support.smtp import Mailserver, mailserver

pytestmark = pytest.mark.more

__all__ = ["listed"]
WEEK = MONDAY + choices.SPREAD_S


@pytest.fixture
def server() -> Iterator[Mailserver]:
    with mailserver() as one:
        yield one


@pytest.fixture
def here(listed: Store, homeserver: Homeserver, server: Mailserver) -> Mailing:
    return Mailing(listed, homeserver, server)


def facts(here: Mailing, items: Json, *groups: Json, **more: Any) -> None:
    """What the module tells of Mia's digest from now on."""
    facts = {"groups": groups or [group()], "waiting": [], "items": items, "domains": ["reef.test"]}
    here.homeserver.digests[MIA] = {**facts, **more}


async def due(here: Mailing) -> list[str]:
    """Lets the bots run on Monday; what Mia was told in her own room since."""
    before = len(await here.run())
    here.clock.now = WEEK
    return (await here.run())[before:]


def parts(mail: Any) -> tuple[str, str]:
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    return text, html


async def test_a_mail_word_for_word(here: Mailing, server: Mailserver) -> None:
    await here.confirmed()
    facts(here, {"$1": told(), "$2": told("Dina (Coastguard)", "TLP:AMBER")}, group(), group(PILOTS, "Pilots"))
    await here.run(said("$1", **naming(MIA)), said("$2", DINA, room=PILOTS, **naming(MIA)))
    (chat,) = await due(here)
    assert "Dina (Coastguard) named you in Pilots" in chat and "Ben (Harbour) named you in Buoys" in chat
    assert len(server.to(ADDRESS)) == 2, "the code, and one digest"
    mail, raw = server.taken[-1], server.raw[-1].decode("ascii")
    text, html = parts(mail)
    link = re.search(r"https://matrix\.to/#/[^ )]+", text)[0]  # type: ignore[index]
    assert "/$1?via=" in link and "=0D" not in raw
    (row,) = await here.addresses()
    off = f"{PORTAL}/digest-mail/{row['handle']}.{KEYS.mail_off(row['handle'])}"
    assert text == (
        "TLP:GREEN\n\n"
        "What is new for you\n\n"
        "Since 2026-06-03 13:00 (Europe/London):\n\n"
        f"• Ben (Harbour) named you in Buoys ({link}), 2026-06-03 13:01 (Europe/London), and you have not answered.\n\n"
        "Something new in 1 of your groups is above what mail may carry: you find it in Element.\n\n"
        "To have this more or less often, write !digest.\n\n"
        "-- \n"
        "This mail is for you alone. Its label says how far you may pass it on.\n"
        f"To get no more of them: {off}\n\n"
        "TLP:GREEN\n"
    )
    for words in (
        "<strong>What is new for you</strong>",
        f'<a href="{link}">Buoys</a>',
        f'<a href="{off}">',
        "<code>!digest",
    ):
        assert words in html, words
    assert html.count(">TLP:GREEN</strong>") == 2 and "#33FF00" in html
    assert set(re.findall(r'(?:src|href|action)="([^"]*)', html)) == {link, off}, "nothing is loaded, no link tracks"
    assert mail["Subject"] == "[TLP:GREEN] Your digest of The Reef"
    assert f"List-Unsubscribe: <{off}>\r\n" in raw, "in one line, as it stands"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"].endswith("@belisha.localhost>")
    assert server.envelopes[-1] == ("bots@reef.test", [ADDRESS])
    for forbidden in ("Pilots", "Dina", "AMBER", "$2", PILOTS, "lighthouse"):
        assert forbidden not in raw and forbidden not in text + html, forbidden
    assert await here.run(seconds=3600) and len(server.to(ADDRESS)) == 2, "once"


async def test_the_ceiling_is_the_communitys(here: Mailing, server: Mailserver) -> None:
    here.ceiling = Label.AMBER
    await here.confirmed("mail")
    facts(here, {"$1": told(), "$2": told("Dina (Coastguard)", "TLP:AMBER"), "$3": told(label="TLP:AMBER+STRICT")})
    await here.run(*(said(f"${number}", **naming(MIA)) for number in (1, 2, 3)))
    assert await due(here) == [], "by mail alone"
    text, _ = parts(server.taken[-1])
    assert server.taken[-1]["Subject"].startswith("[TLP:AMBER] ") and text.startswith("TLP:AMBER\n")
    assert "/$1?" in text and "/$2?" in text and "/$3?" not in text and "in 1 of your groups" in text


HOSTILE = (
    "x\r\nBcc: all@reef.test\u202e\u2066<b onclick=a()>&amp;<img src=https://evil.test/p.png> www.evil.test \x00{{7*7}}"
)


async def test_names_do_no_harm(here: Mailing, server: Mailserver) -> None:
    await here.confirmed("mail")
    facts(here, {"$1": told(HOSTILE)}, group(name=HOSTILE), waiting=[{"sort": "group", "name": HOSTILE, "count": 1}])
    await here.run(said("$1", **naming(MIA)))
    await due(here)
    mail, raw = server.taken[-1], server.raw[-1].decode("ascii")
    text, html = parts(mail)
    assert set(mail.keys()) == {
        "From", "To", "Subject", "Message-ID", "Date", "Auto-Submitted", "MIME-Version", "Content-Type",
        "List-Unsubscribe", "List-Unsubscribe-Post",
    }  # fmt: skip
    assert server.envelopes[-1][1] == [ADDRESS] and not re.search(r"^Bcc:", raw, re.MULTILINE)
    for one in (text, html):
        assert not re.search("[\u202e\u2066\x00]", one) and "evil.test" in one
        assert "https://evil" not in one and " www.evil" not in one, "mail programs make links of such words"
    assert "<img" not in html and "<b " not in html and "&lt;img src=https[://]evil" in html
    assert text.count("named you in") == 1 and len([one for one in text.splitlines() if one.startswith("•")]) == 2


def test_a_text_of_ours_stays_as_it_is() -> None:
    for text in (" named you in ", "Ben (Harbour)", ", 2026-06-03 13:01 (Europe/London).", "Grüße aus Zürich", ""):
        assert harmless(text) == text
    assert harmless("a\nb\u200b\u202ec ") == "a bc " and harmless("HTTPS://x") == "HTTPS[://]x"
    assert len(harmless("x" * 500)) == 200


async def _nobody(here: Mailing) -> None:
    facts(here, {}, domains=[], groups=[])


async def _unknown(here: Mailing) -> None:
    del here.homeserver.digests[MIA]


async def _turned_off(here: Mailing) -> None:
    await here.ask("!digest off")


async def _forgotten(here: Mailing) -> None:
    await here.ask("!digest mail off")


async def _by_chat(here: Mailing) -> None:
    await here.ask("!digest --by chat")


async def _moved(here: Mailing) -> None:
    facts(here, {"$1": told(), "$2": told()}, domains=["other.test"])


@pytest.mark.parametrize("change", [_nobody, _unknown, _turned_off, _forgotten, _by_chat, _moved])
async def test_what_waits_is_not_sent_once_it_may_not_be(here: Mailing, server: Mailserver, change: Any) -> None:
    await here.confirmed("mail")
    facts(here, {"$1": told()})
    await here.run(said("$1", **naming(MIA)))
    server.at_data = "451 later"
    await due(here)
    await change(here)
    server.at_data = "250 taken"
    await here.run(seconds=120)
    assert len(server.taken) == 1, "the code alone"
    assert await here.waiting() == 0


async def test_each_attempt_decides_anew(here: Mailing, server: Mailserver) -> None:
    await here.confirmed("mail")
    facts(here, {f"${number}": told() for number in range(4)}, group(), group(PILOTS, "Pilots"))
    rooms = (BUOYS, BUOYS, PILOTS, BUOYS)
    await here.run(*(said(f"${number}", room=room, **naming(MIA)) for number, room in enumerate(rooms)))
    server.at_data = "451 later"
    await due(here)
    assert server.asked == 2 and len(server.taken) == 1
    kept = await here.kept_of_mails()
    words = [word for word in ("Ben", "Buoys", "Pilots", "TLP:", ADDRESS) if word in kept]
    assert words == [] and "$1" in kept
    facts(here, {"$0": told(), "$1": None, "$2": told(), "$3": told(label="TLP:AMBER")})
    server.at_data = "250 taken"
    await here.run(seconds=120)
    text, html = parts(server.taken[-1])
    assert "/$0?" in text and not any(f"/${number}?" in text + html for number in (1, 2, 3))
    assert "Pilots" not in text + html and "in 1 of your groups" in text
    first = server.taken[-1]["Message-ID"]
    assert await here.kept_of_mails() == str([[(None, None)] * 2, []]) and first
    facts(here, {f"${number}": told() for number in range(4)})
    await here.run(seconds=7 * 86_400)
    assert len(server.taken) == 2, "what was mailed is not new any more"


async def test_an_address_for_which_no_mail_is_taken_is_paused_and_told_of_once(
    here: Mailing, server: Mailserver
) -> None:
    await here.confirmed("mail")
    facts(here, {"$1": told(), "$2": told()})
    await here.run(said("$1", **naming(MIA)))
    server.at_reader = "550 no such user"
    refused, digest = await due(here)
    assert f"takes no mail for {ADDRESS}" in refused and "!digest mail ADDRESS" in refused
    assert "named you in Buoys" in digest, "and is told by chat"
    assert "Nothing is sent to" in await here.ask("!digest mail")
    asked = server.asked
    await here.run(said("$2", when=here.clock.now, **naming(MIA)), seconds=60)
    (digest,) = (await here.run(seconds=7 * 86_400))[-1:]
    assert "/$2?" in digest and server.asked == asked
    assert sum("takes no mail" in one for one in await here.run()) == 1


async def test_a_server_that_is_of_no_use_is_not_the_readers_fault(here: Mailing, server: Mailserver) -> None:
    await here.confirmed("mail")
    facts(here, {"$1": told()})
    await here.run(said("$1", **naming(MIA)))
    server.at_data = "421 busy"
    await due(here)
    assert len(server.taken) == 1
    await here.run(seconds=LIFE_S)  # it is too old, and chosen anew
    server.at_data = "250 taken"
    await here.run(seconds=120)
    assert "named you in Buoys" in parts(server.taken[-1])[0] and len(server.taken) == 2
    assert (await here.addresses())[0]["state"] == "confirmed"


async def test_an_address_of_another_organisation_gets_nothing_more(here: Mailing, server: Mailserver) -> None:
    await here.confirmed()
    facts(here, {"$1": told()}, domains=["other.test"])
    await here.run(said("$1", **naming(MIA)))
    said_of_it, digest = await due(here)
    assert "your organisation has other domains now" in said_of_it and "named you in Buoys" in digest
    assert len(server.taken) == 1 and await here.addresses() == []


async def test_who_matches_is_told_in_both_and_in_none_again(here: Mailing, server: Mailserver) -> None:
    await here.confirmed()
    who = {"name": "x", "organisation": "reef", "organisation_name": "Reef", "category": "charity"}
    here.homeserver.sights[MIA] = {"asker": {"user_id": MIA, **who}, "shares": [], "absent": [], "about": []}
    facts(here, {})

    def write(connection: sa.Connection) -> None:
        ben = Listed(BEN, "Ben", "harbour", "Harbour", "government")
        profiles.change(connection, ben, BEGUN, {"expertise": ("image hashing",)})
        values = {"user_id": MIA, "field": "challenges", "value": '["image hashing"]'}
        connection.execute(profile_field.insert().values(values))

    await here.store.write(write)
    (chat,) = await due(here)
    text, _ = parts(server.taken[-1])
    assert "“image hashing”" in chat and "“image hashing”" in text
    await here.run(seconds=7 * 86_400)
    assert len(server.taken) == 2 and (await here.run())[-1] == chat


async def test_a_digest_that_waits_for_the_morning_is_chosen_then(here: Mailing) -> None:
    facts(here, {"$1": told(), "$2": told()})
    await here.ask("!digest daily --at 02:00")
    await here.ask("!quiet 22:00-07:00")
    await here.run(said("$1", **naming(MIA)), said("$2", DINA, **naming(MIA)))
    before = len(await here.run(seconds=13 * 3600))
    assert await here.store.read(
        lambda one: "Buoys" not in str(one.execute(sa.text("SELECT arguments FROM job")).all())
    )
    facts(here, {"$2": told("Dina (Coastguard)")})
    (digest,) = (await here.run(seconds=8 * 3600))[before:]
    assert "Dina (Coastguard)" in digest and "Ben" not in digest, "taken back in the night"
