"""Every command's form in a real browser, on a phone and by the keyboard alone; the table is the bots' declarations."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Response, expect

from belisha.commands.declaration import Command
from belisha.commands.reading import Asked, read
from belisha.commands.values import DURATION, ORGANISATIONS, Field
from belisha.commands.writing import write
from belisha.policy.rooms import Kind
from bots.portal.views_commands import needs_choice
from bots.roster import every_command
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.support import HOSTILE, Here, join, make_group
from tests.portal.test_moderation import says
from tests.portal.test_reports import report
from tests.support.community import unique
from tests.support.patience import until
from tests.support.sampling import sampled

#: Who belongs to no organisation cannot sign in here, so what is for them alone has no form.
COMMANDS = tuple(command for command in every_command() if not command.for_unbound)
FORMS = tuple(command for command in COMMANDS if command.page is None)
#: A form is made of fields of some kinds, and axe looks at it once for each way in which they come together.
FORMS_LOOKED_AT = {
    (
        frozenset((one.kind.field, one.required, needs_choice(one)) for one in command.arguments),
        command.names_message,
        command.is_answer,
    ): command.slug
    for command in FORMS
}.values()
#: What follows on a form is one page for all that ask first, and one for all others: axe looks at it once each.
LOOKED_AT = {bool(command.confirm): command.slug for command in FORMS}.values()
#: What `make test-full` tries: each kind of field in some form, and each way on. `make test-nightly` tries the others.
TRIED = {
    *{
        (one.kind.field, one.required, needs_choice(one)): command.slug
        for command in FORMS
        for one in command.arguments
    }.values(),
    *{(command.names_message, command.is_answer): command.slug for command in FORMS}.values(),
    *LOOKED_AT,
}
#: What has the focus: its tag, its name, and whether it is what sends the form.
FOCUSED = "(e => [e.tagName, e.name || '', e.matches('form.fields button')])(document.activeElement)"
TOO_MANY_TABS = 60

pytestmark = pytest.mark.full


class Desk(NamedTuple):
    """A page of somebody who may ask for everything, their group, and a message in it."""

    page: Page
    url: str
    room: str
    link: str
    number: int


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def desk(here: Here, browser: Browser) -> AsyncIterator[Desk]:
    # Not of the harbour, which the examples name: nobody off-boards their own organisation.
    for name in ("anna", "fay"):
        await join(here, name, "chandlers")
    here.people["freya"] = await here.server.member("freya", "chandlers", "lead", "steward", "manager")
    _, listed = await here.server.local("GET", "members")
    here.services["freya"] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith("@freya:"))
    invited = [here.people[name].user_id for name in ("anna", "fay")]
    await make_group(here, "freya", "forms", unique("Forms "), "private_chat", invite=invited)
    room = here.groups["forms"]
    for name in ("anna", "fay"):
        await here.people[name].join(room)
    item = await says(here, "anna", room, "Something to ask about")
    visitor = await here.sign_in("freya")

    async def numbers() -> set[int]:
        return {int(one) for one in re.findall(r'href="/reports/(\d+)"', (await visitor.get("/reports")).text)}

    before = await numbers()
    await report(here, "fay", room, item, "to see its page")

    async def new() -> set[int]:
        return await numbers() - before

    (number,) = await until(new)
    async with context(browser, visitor, viewport=PHONE) as profile:
        link = f"https://matrix.to/#/{room}/{item}"
        yield Desk(await profile.new_page(), here.url, room, link, number)


def fields_of(command: Command) -> dict[str, str]:
    """What stands in the fields of a form that asks for a command's example."""
    asked = read(command.example, (command,))
    assert isinstance(asked, Asked), command.example
    fields = {one.name: _field(one.kind, asked.arguments.get(one.name)) for one in command.arguments}
    again = read(write(command, fields), (command,))
    assert isinstance(again, Asked) and again.arguments == asked.arguments, (command.example, fields)
    return {name: value for name, value in fields.items() if value}


def _field(kind: Any, value: Any) -> str:
    if value is None:
        return ""
    if kind is DURATION:
        return f"{value // 60}m"
    if kind.field is Field.YES:
        return "yes"
    if isinstance(value, list):
        return (", " if kind is ORGANISATIONS else " ").join(value)
    return str(value)


def inputs_of(command: Command, desk: Desk) -> dict[str, str]:
    """The same by the names of the form's inputs, with the group and the message that chat would give by itself."""
    fields = fields_of(command)
    inputs = {f"its-{name}": value for name, value in fields.items()}
    if command.is_answer and command.instead not in fields:
        name = f"its-{command.instead}" if command.names_message else "target"
        inputs[name] = desk.link
    elif command.is_about_room and (Kind.SERVICE not in command.where or "group" in command.flags):
        inputs["room"] = desk.room
    # In chat it is the group that the command is written in.
    inputs |= {f"its-{one.name}": desk.room for one in command.places if needs_choice(one) and one.name not in fields}
    if command.act == "leave_community":  # one's own address, which no example can have
        inputs["its-member"] = "@freya"
    return inputs


async def assert_good_page(page: Page) -> None:
    assert await fits(page), await page.title()
    await assert_accessible(page)


async def type_in(page: Page, inputs: Mapping[str, str]) -> None:
    """From the top of the page to the form's button by the keyboard, filling in what is met on the way."""
    left = dict(inputs)
    await page.evaluate("document.activeElement.blur()")
    for _ in range(TOO_MANY_TABS):
        await page.keyboard.press("Tab")
        tag, name, sends = await page.evaluate(FOCUSED)
        if sends:
            assert not left, f"the keyboard does not reach {set(left)}"
            return
        if (value := left.pop(name, None)) is not None:
            await _type(page, page.locator(f'[name="{name}"]'), tag, value)
    pytest.fail("the keyboard does not reach the button")


async def _type(page: Page, field: Locator, tag: str, value: str) -> None:
    if tag == "SELECT":
        for _ in range(await field.evaluate("(e, v) => [...e.options].findIndex(o => o.value === v)", value)):
            await page.keyboard.press("ArrowDown")
        await expect(field).to_have_value(value)
    elif await field.get_attribute("type") == "checkbox":
        await page.keyboard.press("Space")
        await expect(field).to_be_checked()
    else:
        await page.keyboard.insert_text(value)


async def send(page: Page) -> Response:
    """Presses the form's button by the keyboard; the answer."""
    async with page.expect_navigation() as found:
        await page.locator("form.fields button").press("Enter")
    return await found.value


async def assert_says_why(page: Page, response: Response) -> None:
    """A form that is not done is shown again with a sentence."""
    assert response.status == 400
    told = await page.get_by_role("alert").inner_text()
    assert re.fullmatch(r"Not done yet\. [A-Z“][^\n]+[.?]", told.strip()), told


async def test_the_portal_lists_what_the_bots_declare(desk: Desk) -> None:
    await desk.page.goto(f"{desk.url}/commands")
    shown = await desk.page.locator("#command-list h2 a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert set(shown) == {command.page or f"/commands/{command.slug}" for command in COMMANDS}
    await assert_good_page(desk.page)


@pytest.mark.parametrize(
    "command",
    sampled(FORMS, [one for one in FORMS if one.slug in TRIED]),
    ids=lambda command: command.slug,
)
async def test_a_form(desk: Desk, command: Command) -> None:
    page, address = desk.page, f"{desk.url}/commands/{command.slug}"
    await page.goto(address)
    assert await fits(page), await page.title()
    if command.slug in FORMS_LOOKED_AT:
        await assert_accessible(page)
    inputs = inputs_of(command, desk)
    form = page.locator("form.fields")
    if command.names_message:  # a form answers no message
        await expect(page.locator(f'[name="its-{command.instead}"]')).to_have_attribute("required", "")
    if await form.locator(":required").count():
        await form.locator("button").press("Enter")
        assert await page.evaluate("document.activeElement.matches(':invalid')"), "the browser says what is missing"
        await form.evaluate("form => { form.noValidate = true }")
        await assert_says_why(page, await send(page))
        assert await fits(page)
    if texts := await form.locator("input:not([type]), textarea").all():
        for one in texts:
            await one.fill(HOSTILE)
        await form.evaluate("form => { form.noValidate = true }")
        response = await send(page)
        if response.status != 200:
            await assert_says_why(page, response)
        assert await fits(page)
    await page.goto(address)
    await type_in(page, inputs)
    response = await send(page)
    assert response.status == 200, await page.locator("main").inner_text()
    if command.confirm:
        assert command.confirm in await page.get_by_role("status").inner_text()
        assert await fits(page)
        if command.slug in LOOKED_AT:
            await assert_accessible(page)
        async with page.expect_navigation() as found:
            await page.get_by_role("button", name="Yes, ").press("Enter")
        assert (await found.value).status == 200
    answer = await page.get_by_role("status").inner_text()
    if command.act:
        # Nothing is done before a yes in chat, which nobody gives here.
        assert "you are asked in your own chat" in answer
    assert answer.strip()
    assert await fits(page)
    if command.slug in LOOKED_AT:
        await assert_accessible(page)


async def test_a_poll_is_looked_at_before_it_is_asked_for(desk: Desk) -> None:
    page = desk.page
    await page.goto(f"{desk.url}/polls/new")
    await assert_good_page(page)
    inputs = {"room": desk.room, "question": HOSTILE, "answers": f"Monday\nTuesday{HOSTILE}", "closes": "2d"}
    await type_in(page, inputs)
    assert (await send(page)).status == 200, await page.locator("main").inner_text()
    await expect(page.get_by_role("heading", name="Your poll as it will be")).to_be_visible()
    await expect(page.locator("#preview li")).to_have_text(["Monday", f"Tuesday{HOSTILE}"])
    await assert_good_page(page)
    await page.get_by_role("button", name="Change it").press("Enter")
    await expect(page.get_by_label("Question")).to_have_value(HOSTILE)
    await page.get_by_label("Closes by itself").fill("soon")
    await assert_says_why(page, await send(page))
    await page.get_by_label("Closes by itself").fill("")
    await send(page)
    await page.get_by_role("button", name="Ask for it").press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("you are asked in your own chat")
    await assert_good_page(page)


async def test_the_reports_and_one_of_them(desk: Desk) -> None:
    page = desk.page
    await page.goto(f"{desk.url}/reports")
    await assert_good_page(page)
    link = page.get_by_role("link", name=f"Report {desk.number}", exact=True)
    await expect(page.locator("li.card").filter(has=link)).to_contain_text("”. Nobody looks after it yet.")
    await link.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name=f"Report {desk.number}")).to_be_visible()
    await assert_good_page(page)
    button = page.get_by_role("button", name="Show the reported message")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Something to ask about")).to_be_visible()
    await assert_good_page(page)
    await page.get_by_role("link", name="Close it").click()
    await expect(page.locator('[name="its-number"]')).to_have_value(str(desk.number))
    missing = await page.goto(f"{desk.url}/reports/999999999")
    assert missing is not None and missing.status == 404
    await assert_good_page(page)
