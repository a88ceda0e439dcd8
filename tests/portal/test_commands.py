"""Every command as a form: the same command, permission and answer as in chat, in a real browser and without one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import nio
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bots.portal.pages import asked, explained
from bots.portal.server import ROUTES
from bots.roster import every_command
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.support import OWN, STEWARD, Answer, Here, Visitor, form_of
from tests.support.community import unique
from tests.support.patience import until
from tests.support.server import request

pytestmark = pytest.mark.more

#: What is for accounts without an organisation alone has no form: they cannot sign in here.
COMMANDS = tuple(one for one in every_command() if not one.for_unbound)
ONCE = re.compile(r'name="once" value="([^"]+)"')


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def manager(here: Here) -> Visitor:
    """The browser of somebody who may ask for everything."""
    here.people["mona"] = await here.server.member("mona", "harbour", "lead", "steward", "manager")
    _, listed = await here.server.local("GET", "members")
    here.services["mona"] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith("@mona:"))
    return await here.sign_in("mona")


async def fill(visitor: Visitor, slug: str, once: str | None = None, **fields: str) -> Answer:
    """Hands a form in, and says yes where the page asks whether it is meant; `once` as another page gave it."""
    page = await visitor.get(f"/commands/{slug}")
    assert page.status == 200, page.text
    found = ONCE.search(page.text)
    assert found
    sent = {name if name in ("room", "target", "sure") else f"its-{name}": value for name, value in fields.items()}
    handed = {"form": form_of(page.text), "once": once or found[1], **sent}
    answer = await visitor.post(f"/commands/{slug}", handed)
    return await visitor.post(f"/commands/{slug}", handed | {"sure": "yes"}) if asks(answer) else answer


def asks(answer: Answer) -> bool:
    """Whether a page asks if it is meant."""
    return 'name="sure" value="yes"' in answer.text


async def last_of_steward(here: Here, name: str, containing: str) -> str:
    """The id of the steward's newest message to a member that says something."""
    path = f"/_matrix/client/v3/rooms/{here.services[name]}/messages?dir=b&limit=30"

    async def found() -> str | None:
        _, body = await request(here.people[name], "GET", path)
        for event in body["chunk"]:
            if event["sender"] == STEWARD and containing in str(event["content"].get("body")):
                return str(event["event_id"])
        return None

    return await until(found) or ""


async def tap(here: Here, name: str, event: str, key: str = "✅") -> None:
    relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
    await here.people[name].room_send(here.services[name], "m.reaction", {"m.relates_to": relation})


async def test_every_command_has_a_form_or_a_page(here: Here, manager: Visitor) -> None:
    listing = await manager.get("/commands")
    for command in COMMANDS:
        page = command.page or f"/commands/{command.slug}"
        assert f'href="{page}"' in listing.text, command.name
        answer = await manager.get(page)
        assert answer.status == 200, command.name
        for argument in () if command.page else command.arguments:
            assert f'name="its-{argument.name}"' in answer.text, (command.name, argument.name)
    assert len(re.findall(r'<h2><a href="', listing.text)) == len(COMMANDS), "it lists no other"
    assert all(any(route.path == command.page for route in ROUTES) for command in COMMANDS if command.page)


def test_pages_do_not_speak_as_if_they_were_a_chat() -> None:
    chat = re.compile(r"!\w|--\w|\bthis (?:group|room|one)\b|\bthat you answer\b|\bcard\b|\bme\b|\bI\b|Shall I")
    for command in COMMANDS:
        said = [explained(command), *map(asked, command.arguments), command.confirm or ""]
        assert not [text for text in said if chat.search(text)], command.name


async def test_who_may_not_ask_for_it_finds_no_form(here: Here, ana: Visitor) -> None:
    listing = (await ana.get("/commands")).text
    for slug in ("group-freeze", "freeze", "freeze-organisation"):
        assert slug not in listing
        assert (await ana.get(f"/commands/{slug}")).status == 404
        form = form_of((await ana.get("/")).text)
        assert (await ana.post(f"/commands/{slug}", {"form": form, "once": "x" * 30})).status == 404
    assert "/commands/group-policy" in listing, "whoever makes a group may change it"


async def test_what_a_bot_answers_stands_on_the_page(here: Here, ana: Visitor) -> None:
    answer = await fill(ana, "tlp", room=here.groups["open"])
    assert answer.status == 200 and "Who could join and read it:" in answer.text
    assert "In chat you would have written <code>!tlp</code>" in answer.text
    answer = await fill(ana, "tlp", label="TLP:RED")
    assert "only the people named in its private conversation" in answer.text
    foreign = await fill(ana, "tlp", room=here.groups["foreign"])
    assert foreign.status == 400 and "You are not in that group, or there is none." in foreign.text
    nothing = await fill(ana, "tlp", room="!nothing:x")
    gone = re.compile(r'name="(?:once|form)" value="[^"]+"')
    assert gone.sub("", nothing.text) == gone.sub("", foreign.text)


async def test_bad_input_gets_a_sentence_and_keeps_what_was_written(here: Here, manager: Visitor) -> None:
    answer = await fill(manager, "freeze", member="Ben <b>Harbour</b>")
    assert answer.status == 400
    assert 'role="alert"' in answer.text and "Please name one member by the address" in answer.text
    assert "Ben &lt;b&gt;Harbour&lt;/b&gt;" in answer.text and "<b>Harbour" not in answer.text
    answer = await fill(manager, "freeze")
    assert answer.status == 400 and "Please say which member" in answer.text
    form = form_of((await manager.get("/")).text)
    assert (await manager.post("/commands/freeze", {"form": form, "its-member": "@ben"})).status == 400


async def test_an_act_waits_for_a_yes_in_the_members_own_chat(here: Here, manager: Visitor) -> None:
    await here.server.member("dorothy", "chandlers")
    answer = await fill(manager, "freeze", member="@dorothy")
    assert answer.status == 200 and "you are asked in your own chat" in answer.text
    question = await last_of_steward(here, "mona", "On the portal you asked for !freeze @dorothy")

    async def standing() -> str:
        _, body = await here.server.local("GET", "members")
        return next(str(m["standing"]) for m in body["members"] if m["user_id"].startswith("@dorothy:"))

    assert await standing() == "active"
    await tap(here, "mona", question)
    assert await last_of_steward(here, "mona", "Done: Dorothy (@dorothy) is frozen")
    assert await standing() == "frozen"
    await fill(manager, "thaw", member="@dorothy")
    await last_of_steward(here, "mona", "On the portal you asked for !thaw @dorothy")
    await here.say("mona", "No")
    assert await last_of_steward(here, "mona", "Nothing was done.")
    assert await standing() == "frozen"


async def test_a_group_is_made_and_found_by_forms(here: Here, manager: Visitor, ana: Visitor) -> None:
    answer = await fill(manager, "group-create", kind="open", topic="Tides and winds")
    assert answer.status == 200, answer.text
    question = await last_of_steward(here, "mona", "On the portal you asked for !group create open Tides and winds")
    assert "Tides and winds" not in (await fill(ana, "group-list")).text, "nothing is made before the yes"
    await tap(here, "mona", question)
    assert await last_of_steward(here, "mona", "you are its first maintainer")
    listed = await fill(ana, "group-list")
    assert listed.status == 200 and "Tides and winds</a>" in listed.text
    assert "no group that you could join" not in listed.text


async def test_a_form_that_is_sent_twice_is_done_once(here: Here, ana: Visitor) -> None:
    once = "o" * 32
    first = await fill(ana, "direct-chats", once, choice="my-groups")
    second = await fill(ana, "direct-chats", once, choice="my-groups")
    assert "you are asked" in first.text and "was done once" in second.text
    question = await last_of_steward(here, "ana", "!direct-chats my-groups")
    await tap(here, "ana", question)
    assert await last_of_steward(here, "ana", "who may write to you directly is now “my-groups”")


async def test_a_group_is_changed_by_a_form(here: Here, browser: Browser, ana: Visitor) -> None:
    """By hand, on a phone: the list, the form, the yes in chat."""
    async with context(browser, ana, viewport=PHONE) as profile:
        page = await profile.new_page()
        await page.goto(here.url)
        await page.get_by_role("link", name="What I can do").click()
        await assert_accessible(page)
        await page.get_by_role("link", name="Change a group's rules").click()
        await page.get_by_label("Group", exact=True).select_option("Pilots")
        await page.get_by_label("What the group becomes").select_option("closed")
        await page.get_by_label("What it is for").select_option("blog")
        assert await fits(page)
        await page.get_by_role("button", name="Ask for it").click()
        await expect(page.get_by_text("This changes who can read what stands in the group.")).to_be_visible()
        await expect(page.locator(".facts")).to_have_text(
            re.compile(r"The group\s+Pilots\s+What the group becomes\s+Closed")
        )
        assert await fits(page)
        await assert_accessible(page)
        await page.get_by_role("button", name="Yes, ask for it").click()
        await expect(page.get_by_text("you are asked in your own chat")).to_be_visible()
        await assert_accessible(page)
    question = await last_of_steward(here, "ana", f"({here.groups['closed']})")
    await tap(here, "ana", question)
    assert await last_of_steward(here, "ana", "Done: the group has its new rules.")
    _, policy = await here.server.local("GET", f"rooms/{here.groups['closed'].replace('!', '%21')}/policy")
    assert policy["purpose"] == "blog"


async def test_without_a_group_where_one_is_needed(here: Here, ana: Visitor) -> None:
    answer = await fill(ana, "group-policy", kind="open")
    assert answer.status == 400 and "Please choose a group." in answer.text


async def test_from_elsewhere_no_form_is_taken(here: Here, ana: Visitor) -> None:
    page = await ana.get("/commands/tlp")
    once = ONCE.search(page.text)
    assert once
    fields = {"form": form_of(page.text), "once": once[1]}
    answer = await ana.ask("POST", "/commands/tlp", {"Sec-Fetch-Site": "cross-site"}, fields)
    assert answer.status == 403
    assert (await ana.ask("POST", "/commands/tlp", OWN, {"once": once[1]})).status == 403


async def test_who_may_only_look_hands_nothing_in(here: Here) -> None:
    visitor = await here.in_widget("ben")
    page = await visitor.get("/commands/tlp")
    once = ONCE.search(page.text)
    assert page.status == 200 and once
    answer = await visitor.post("/commands/tlp", {"form": form_of(page.text), "once": once[1]})
    assert (answer.status, answer.location) == (303, "/confirm")


async def test_a_closed_group_is_opened_from_within_itself(here: Here) -> None:
    """Neither the question nor its end is labelled by the group, which would keep it closed."""
    made = await here.people["ana"].room_create(name=unique("Moorings"), preset=nio.RoomPreset.private_chat)
    assert isinstance(made, nio.RoomCreateResponse), made
    room = made.room_id

    async def said(containing: str) -> dict[str, Any] | None:
        _, body = await request(here.people["ana"], "GET", f"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=30")
        found = (e for e in body["chunk"] if e["sender"] == STEWARD and containing in str(e["content"].get("body")))
        return next(found, None)

    await until(lambda: said("How this group works"))
    await here.say("ana", "!group policy open", room)
    question = await until(lambda: said("This changes who can read"))
    assert question is not None and question["content"]["org.belisha.tlp"]["label"] == "TLP:GREEN"
    relation = {"rel_type": "m.annotation", "event_id": question["event_id"], "key": "✅"}
    await here.people["ana"].room_send(room, "m.reaction", {"m.relates_to": relation})
    await until(lambda: said("Done: the group has its new rules."))
    _, policy = await here.server.local("GET", f"rooms/{room.replace('!', '%21')}/policy")
    assert policy["kind"] == "open"


async def test_the_page_asks_in_names_what_the_chat_asks_and_no_does_nothing(here: Here, manager: Visitor) -> None:
    await here.server.member("erik", "chandlers")
    form, once = form_of((await manager.get("/")).text), "c" * 32
    handed = {"form": form, "once": once, "its-member": "@erik"}
    answer = await manager.post("/commands/offboard", handed)
    assert answer.status == 200 and asks(answer)
    for said in ("This cannot be undone, and the user name is never given again.", "concerns 1 member, with"):
        assert said in answer.text
    assert re.search(r"<dd>Erik \(Chandlers[^)]*\) <code>@erik</code></dd>", answer.text), answer.text
    assert "Shall I" not in answer.text and "!offboard" not in answer.text
    for _ in range(2):  # asking as often as one likes uses nothing up
        assert asks(await manager.post("/commands/offboard", handed))
    _, body = await request(
        here.people["mona"], "GET", f"/_matrix/client/v3/rooms/{here.services['mona']}/messages?dir=b"
    )
    assert not any("!offboard @erik" in str(event["content"].get("body")) for event in body["chunk"])
    done = await manager.post("/commands/offboard", handed | {"sure": "yes"})
    assert "you are asked in your own chat" in done.text
    question = await last_of_steward(here, "mona", "On the portal you asked for !offboard @erik")
    await tap(here, "mona", question, "❌")
    assert await last_of_steward(here, "mona", "Nothing was done.")
    _, listed = await here.server.local("GET", "members")
    assert next(m["standing"] for m in listed["members"] if m["user_id"].startswith("@erik:")) == "active"


async def test_who_is_named_wrongly_is_seen_before_anything_is_asked(here: Here, manager: Visitor) -> None:
    answer = await fill(manager, "warn", member="@nobody-at-all", reason="x")
    assert "<dd>no member has this address <code>@nobody-at-all</code></dd>" in answer.text
    answer = await fill(manager, "mute", member="@ben", time="1h")
    assert answer.status == 400 and "Please choose a group." in answer.text
    assert "Please choose a group." in (await fill(manager, "group-freeze")).text


async def test_organisations_are_chosen_by_name_by_those_who_may_know_them(here: Here, manager: Visitor) -> None:
    page = await manager.get("/commands/freeze-organisation")
    assert re.search(r'<option value="chandlers">Chandlers[^<]* \(chandlers\)</option>', page.text), page.text
    here.people["leda"] = await here.server.member("leda", "chandlers", "lead")
    _, listed = await here.server.local("GET", "members")
    here.services["leda"] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith("@leda:"))
    page = await (await here.sign_in("leda")).get("/commands/members")
    assert 'value="chandlers"' in page.text and 'value="harbour"' not in page.text
