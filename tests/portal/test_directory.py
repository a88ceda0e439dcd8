"""The directory on a real portal: profiles written by a form, found and read by others, exported, and ended."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.portal.support import HOSTILE, Here, Visitor, form_of, join, make_group
from tests.portal.test_own_account import newcomer
from tests.support.community import unique
from tests.support.patience import until
from tests.support.server import request

pytestmark = pytest.mark.more

FORMULA = "=HYPERLINK(1)"


@pytest_asyncio.fixture(scope="module")
async def max_(here: Here) -> Visitor:
    """A browser of a manager's."""
    await join(here, "milo", "harbour", "manager")
    return await here.sign_in("milo")


def fields_of(page: str, **values: str) -> dict[str, str]:
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once, page
    return {"form": form_of(page), "once": once[1], **values}


async def write(visitor: Visitor, **values: str) -> None:
    page = await visitor.get("/profile/edit")
    answer = await visitor.post("/profile/edit", fields_of(page.text, **values))
    assert (answer.status, answer.location) == (303, "/profile?done=saved"), answer.text


def member_page(here: Here, name: str) -> str:
    return f"/directory/members/{quote(str(here.people[name].user_id), safe='')}"


async def hits(visitor: Visitor, query: str, **facets: str) -> list[Mapping[str, object]]:
    answer = await visitor.get(f"/directory/hits?q={quote(query)}" + "".join(f"&{k}={v}" for k, v in facets.items()))
    assert answer.status == 200, answer.text
    return list(json.loads(answer.text)["hits"])


async def test_a_profile_is_written_and_seen_as_far_as_it_may_be(here: Here, ana: Visitor, finn: Visitor) -> None:
    await write(
        finn,
        role="Diver",
        expertise="sonar, image hashing",
        contact="By radio",
        availability="limited",
        about="my own notes",
        **{"about-seen-by": "nobody", "contact-seen-by": "groups"},
    )
    mine = await finn.get("/profile")
    assert "my own notes" in mine.text and "seen by nobody but you" in mine.text and "TLP:AMBER" in mine.text
    preview = (await finn.get("/profile/preview")).text
    assert "my own notes" not in preview and preview.index("Diver") < preview.index("By radio")
    page = await ana.get(member_page(here, "finn"))
    assert "Diver" in page.text and "image hashing" in page.text and "TLP:GREEN" in page.text
    assert "By radio" not in page.text and "my own notes" not in page.text
    (hit,) = await hits(ana, "image hashing")
    assert hit["name"] == "finn" or hit["name"] == "Finn"
    assert any("expertise: image hashing" in str(one) for one in hit["reasons"])  # type: ignore[attr-defined]
    found = await ana.get("/directory?q=image+hashing")
    assert "Matched expertise: image hashing" in found.text and member_page(here, "finn") in found.text
    assert not await hits(ana, "radio") and not await hits(ana, "notes")
    key = unique("divers")
    await make_group(here, "finn", key, "Divers", "private_chat", invite=[here.people["ana"].user_id])
    await here.people["ana"].join(here.groups[key])
    page = await ana.get(member_page(here, "finn"))
    assert "By radio" in page.text and "TLP:AMBER" in page.text, "what is for groups is for few"
    path = f"/_matrix/client/v3/rooms/{quote(here.groups[key])}/leave"
    assert (await request(here.people["ana"], "POST", path, {}))[0] == 200
    assert "By radio" not in (await ana.get(member_page(here, "finn"))).text, "decided at that moment (P2)"

    async def shown() -> dict[str, object]:
        path = f"/_matrix/client/v3/profile/{quote(str(here.people['finn'].user_id))}"
        _, body = await request(here.people["ana"], "GET", path)
        return {key: value for key, value in body.items() if key.startswith("org.belisha.")}

    assert await until(shown) == {
        "org.belisha.role": "Diver",
        "org.belisha.expertise": ["sonar", "image hashing"],
        "org.belisha.availability": "limited",
    }, "clients see what everybody may"


async def test_the_guide_takes_plain_words_in_ones_own_chat(here: Here) -> None:
    name = await newcomer(here)
    assert "What do you do?" in await here.asked(name, "!profile")
    assert "Role: Lamplighter" in await here.asked(name, "Lamplighter")
    assert "I ask no further" in await here.asked(name, "stop")
    assert "Lamplighter" in (await (await here.sign_in(name)).get("/profile")).text


async def test_chat_and_portal_are_the_same_profile(here: Here, finn: Visitor, ana: Visitor) -> None:
    await write(finn, languages="Welsh", interests="")
    said = await here.asked("finn", "!profile languages + English")
    assert "Languages: Welsh, English" in said
    assert ">Welsh, English</textarea>" in (await finn.get("/profile/edit")).text
    assert "Welsh, English" in await here.asked("ana", "!whois @finn")
    assert "finn" in (await here.asked("ana", "!find Welsh")).casefold()
    for bad in ("@nobody", "@finn:elsewhere.example"):
        assert "There is no member of that address" in await here.asked("ana", f"!whois {bad}")
    assert (await ana.get("/directory/members/%40nobody%3Ax")).status == 404


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("expertise", "x" * 41, "is too long"),
        ("expertise", ",".join(f"t{n}" for n in range(31)), "Here is room for 30 entries"),
        ("expertise", ",".join(f"t{n}" for n in range(2000)), "That is too long"),
        ("about", "[TLP:RED] raid on Monday", "cannot be TLP:RED"),
        ("availability", "always", "It is one of"),
    ],
)
async def test_what_cannot_be_is_said_at_its_field_and_nothing_is_saved(
    here: Here, ana: Visitor, field: str, text: str, words: str
) -> None:
    page = await ana.get("/profile/edit")
    answer = await ana.post("/profile/edit", fields_of(page.text, role="Not to be saved", **{field: text}))
    assert answer.status == 400 and words in answer.text and f'href="#{field}"' in answer.text
    assert 'value="Not to be saved"' in answer.text, "what was written stands there still"
    tags = ",".join(f"t{n}" for n in range(10_000))
    assert (await ana.post("/profile/edit", fields_of(page.text, expertise=tags))).status == 413
    assert "Not to be saved" not in (await ana.get("/profile")).text


async def test_hostile_profiles_are_only_words_on_every_page(here: Here, ana: Visitor, max_: Visitor) -> None:
    hostile = HOSTILE[:38]
    values = {"role": HOSTILE[:78], "about": HOSTILE + "\u202e", "expertise": f"{hostile}, {FORMULA}, buoys"}
    await write(ana, **values, interests=hostile, challenges=f"buoys, {FORMULA}", languages=hostile, contact=HOSTILE)
    await write(max_, expertise=f"{FORMULA}, buoys", interests=FORMULA)
    pages = ["/profile", "/profile/preview", "/profile/edit", "/directory", "/directory?q=buoys", "/challenges"]
    pages += ["/search?q=buoys", "/introductions", "/mydata", member_page(here, "milo")]
    pages += [member_page(here, "ana"), f"/directory?q={quote(HOSTILE)}&interest={quote(HOSTILE)}&category=%22%3E"]
    for visitor in (ana, max_):
        for path in pages:
            page = await visitor.get(path)
            assert page.status == 200, path
            assert "<img src=x" not in page.text and "<script>alert" not in page.text and "\u202e" not in page.text, (
                path
            )
            assert str(9**9) not in page.text, "no template is read"
    answer = await max_.get("/directory/hits?q=buoys")
    assert answer.headers["Content-Type"].startswith("application/json")
    table = await max_.get("/directory/profiles.csv")
    rows = list(csv.reader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert not [cell for row in rows for cell in row if cell[:1] in "=+-@" and cell], "no spreadsheet calculates any"


async def test_the_table_is_for_managers_and_has_what_everybody_may_read(
    here: Here, ana: Visitor, finn: Visitor, max_: Visitor
) -> None:
    await write(finn, role="Diver", contact="By radio", **{"contact-seen-by": "groups"})
    answer = await max_.get("/directory/profiles.csv")
    assert "directory.TLP-GREEN.csv" in answer.headers["Content-Disposition"]
    label, heads, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    (row,) = [row for row in rows if row[0].endswith(str(here.people["finn"].user_id))]
    assert label == ["TLP:GREEN"] and row[heads.index("Role")] == "Diver" and "By radio" not in answer.text
    for path in ("/directory/profiles.csv", "/directory/synonyms"):
        assert (await ana.get(path)).status == 404
    assert "/directory/profiles.csv" not in (await ana.get("/directory")).text
    assert "/directory/profiles.csv" in (await max_.get("/directory")).text


async def test_managers_say_which_words_mean_the_same(ana: Visitor, finn: Visitor, max_: Visitor) -> None:
    await write(finn, expertise="open-source intelligence")
    page = await max_.get("/directory/synonyms")
    sent = {"form": form_of(page.text), "terms": "OSINT, open-source intelligence"}
    assert (await max_.post("/directory/synonyms", sent)).location == "/directory/synonyms?done=changed"
    assert "open-source intelligence" in str(await hits(ana, "OSINT"))
    assert (await max_.post("/directory/synonyms", {**sent, "terms": "alone"})).status == 400
    refused = await ana.post("/directory/synonyms", {**sent, "form": form_of((await ana.get("/directory")).text)})
    assert refused.status == 404
    listed = (await max_.get("/directory/synonyms")).text
    gone = re.findall(r'name="gone" value="([^"]+)"', listed)
    assert len(gone) == 2
    assert (await max_.post("/directory/synonyms", {"form": form_of(listed), "gone": gone[0]})).status == 303
    assert not await hits(ana, "OSINT")


async def test_it_is_narrowed_down_and_suggests_words(here: Here, ana: Visitor, finn: Visitor) -> None:
    await write(finn, interests="tide tables", availability="not now")
    await write(ana, interests="tide tables", availability="limited")
    page = await here.sign_in("ben")
    found = await page.get("/directory?q=tide+tables")
    assert "Narrow it down" in found.text and "availability=limited" in found.text
    narrowed = await page.get("/directory?q=tide+tables&availability=limited")
    assert member_page(here, "ana") in narrowed.text and member_page(here, "finn") not in narrowed.text
    assert 'href="/directory?q=tide+tables"' in narrowed.text, "each facet can be taken away"
    suggested = json.loads((await page.get("/directory/tags?field=interests&begins=tid")).text)
    assert suggested == {"tags": ["tide tables"]}
    assert (await page.get("/directory/tags?field=about&begins=x")).status == 404


async def test_what_was_found_in_place_of_all_that_was_asked_for_is_said(
    here: Here, ana: Visitor, finn: Visitor
) -> None:
    await write(ana, interests="tide tables")
    await write(finn, interests="tide tables, lodestones")
    page = await here.sign_in("ben")
    for asked, said in (
        ("lodestones tide", "1 member has all of that; the others have some of it."),
        ("lodestones quaggas", "Nobody has all of that; these have some of it."),
        ("lodestoens", "Nobody's profile says “lodestoens”, so this is for “lodestones”."),
    ):
        notes = json.loads((await page.get(f"/directory/hits?q={quote(asked)}")).text)["notes"]
        shown = (await page.get(f"/directory?q={quote(asked)}")).text
        assert notes == [said], asked
        assert said in unescape(shown), "with a script and without it is the same"


async def test_who_is_frozen_is_not_there_at_once(here: Here, ana: Visitor) -> None:
    await join(here, "selma", "chandlers")
    selma = await here.sign_in("selma")
    await write(selma, expertise="periscopes")
    assert len(await hits(ana, "periscopes")) == 1
    status, _ = await here.server.local("PUT", "standing/members/selma", {"standing": "frozen"})
    assert status == 200
    assert not await hits(ana, "periscopes") and (await ana.get(member_page(here, "selma"))).status == 404
    assert "periscopes" not in (await ana.get("/directory?q=periscopes")).text.partition('id="hits"')[2]
    assert (await selma.get("/profile")).status == 303, "and sees nothing"
