"""The members' API is what its description says, whatever it is sent."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from synapse_modules.api import MEMBER_API
from tests.support.community import Community, Json
from tests.support.files import upload
from tests.support.patience import until
from tests.support.server import ROOT, request
from tests.synapse.fault_rows import NOTHING, ROWS, a_card, a_poll, a_post
from tests.synapse.samples import text

pytestmark = pytest.mark.more

DESCRIPTION = ROOT / "docs" / "openapi.yaml"
_CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
_METHODS = ("get", "put", "post", "delete")
#: Requests of an operation that fit its description, and as many that do not.
_EXAMPLES = 5


#: Operations whose answer 200 needs what only `test_what_members_are_told_is_as_described` has.
#: What this community does without, so that all of it is refused.
_REFUSED_HERE = ("factor", "spare_codes")
_NEVER_MADE_UP = (
    "media",
    "report",
    "reports",
    "recover",
    "join",
    "factor",
    "spare_codes",
    "poll",
    "ballot",
    "export_link",
    "post",
    "document",
    "composer",
)


def described() -> dict[str, dict[str, object]]:
    return yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))


def operations() -> list[str]:
    """Each described operation as the API's handlers are named: its method and the first part of its address."""
    return sorted(
        f"{method.upper()} {path.split('/')[1]}"
        for path, item in described()["paths"].items()
        for method in item
        if method in _METHODS
    )


def token_of(community: Community, who: str) -> str:
    """What the portal, the bots, or a member shows."""
    if who == "member":
        return str(community["mona"].access_token)
    return (community.server.data / "secrets" / {"portal": "portal_api", "bot": "as_token"}[who]).read_text().strip()


def test_every_handler_is_described_and_nothing_else() -> None:
    """The rows of faults are held to what is registered; see `test_faults.py`."""
    ours = "api MemberApi "
    registered = [entrance.removeprefix(ours) for entrance in (*ROWS, *NOTHING) if entrance.startswith(ours)]
    assert sorted(registered) == operations()
    assert described()["servers"] == [{"url": MEMBER_API}]


@pytest.fixture(scope="module")
def schema() -> schemathesis.BaseSchema:
    """The description, read once."""
    load_all_checks()
    return schemathesis.openapi.from_path(str(DESCRIPTION))


@pytest.mark.full
@pytest.mark.parametrize("operation", operations())
async def test_whatever_it_is_sent_the_answer_is_as_described(
    community: Community, schema: schemathesis.BaseSchema, operation: str
) -> None:
    method, name = operation.split(" ")
    [found] = [
        one.ok()
        for one in schema.get_all_operations()
        if one.ok().method.upper() == method and one.ok().path.split("/")[1] == name
    ]
    # A link is its own proof: what else is shown with it makes no difference.
    ((who, _),) = (found.definition.raw["security"] or [{"member": []}])[0].items()
    token = token_of(community, who)

    def fuzz(mode: GenerationMode) -> set[int]:
        statuses: set[int] = set()

        @settings(
            max_examples=_EXAMPLES,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=found.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            answer = case.call(base_url=community.server.url + MEMBER_API, headers=headers, timeout=120)
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=_CHECKS, headers=headers)

        ask()
        return statuses

    fit = await asyncio.to_thread(fuzz, GenerationMode.POSITIVE)
    assert fit & ({403} if name in _REFUSED_HERE else {200, 400, 404}), fit
    # No id that is made up is a file's, nor is who is made up a steward.
    assert 200 in fit or who != "portal" or name in _NEVER_MADE_UP
    if name != "export":  # any address fits it: its link is a text
        await asyncio.to_thread(fuzz, GenerationMode.NEGATIVE)


async def test_what_members_are_told_is_as_described(community: Community) -> None:
    event = await community.sent(text("TLP:AMBER Tide"), "closed")
    room = community.rooms["closed"]
    portal = (community.server.data / "secrets" / "portal_api").read_text().strip()
    media_id = await upload(community, "ana", b"Tides")
    path = f"/_matrix/client/v3/rooms/{quote(room)}/report/{quote(event)}"
    assert (await request(community["ben"], "POST", path, {"reason": "rude"}))[0] == 200

    async def number() -> int | None:
        found = community.server.query("SELECT number FROM belisha_report WHERE number IS NOT NULL")
        return int(found[0]["number"]) if found else None

    poll, card = await a_poll(community), await a_card(community)
    blog, post = await a_post(community)
    named = {"room_id": blog, "event_id": post}
    report = {"user_id": community.id("cora"), "number": await until(number)}
    asked: list[tuple[str, str, Json, str]] = [
        ("GET", "/policy/{room_id}", {"path_parameters": {"room_id": room}}, "ana"),
        ("GET", "/audience", {"query": {"room_id": room, "label": "TLP:RED"}}, "ana"),
        ("GET", "/label/{room_id}/{event_id}", {"path_parameters": {"room_id": room, "event_id": event}}, "ana"),
        ("POST", "/explain", {"body": {"room_id": room, "content": text("TLP:RED x")}}, "ana"),
        ("POST", "/explain", {"body": {"room_id": room, "content": text("x")}}, "ana"),
        (
            "GET",
            "/media/{media_id}",
            {"path_parameters": {"media_id": media_id}, "query": {"user_id": community.id("ana")}},
            "portal",
        ),
        ("GET", "/poll", {"query": {"room_id": room, "event_id": poll}}, "steward"),
        ("POST", "/poll", {"body": {"user_id": community.id("ana"), "room_id": room, "event_id": poll}}, "portal"),
        ("POST", "/ballot", {"body": {"user_id": community.id("ana"), "room_id": room, "event_id": card}}, "portal"),
        (
            "POST",
            "/blog",
            {"body": {"user_id": community.id("ana"), "items": [named, named | {"event_id": "$x"}]}},
            "portal",
        ),
        (
            "POST",
            "/composer",
            {"body": {"user_id": community.id("ana"), "room_id": room, "answers": event, "content": text("x")}},
            "portal",
        ),
        ("POST", "/post", {"body": {"user_id": community.id("ana"), **named}}, "portal"),
        ("GET", "/post", {"query": named}, "steward"),
        (
            "POST",
            "/digest",
            {
                "body": {
                    "room_id": community.rooms["service"],
                    "member": community.id("ana"),
                    "items": [{"room_id": room, "event_id": event}, {"room_id": room, "event_id": "$x"}],
                }
            },
            "steward",
        ),
        ("POST", "/home", {"body": {"user_id": community.id("ana")}}, "portal"),
        ("POST", "/reports", {"body": {"user_id": community.id("cora")}}, "portal"),
        ("POST", "/report", {"body": report}, "portal"),
        ("POST", "/report", {"body": {**report, "look": True}}, "portal"),
        (
            "POST",
            "/sent",
            {"body": {"user_id": community.id("ana"), "room_id": room, "event_id": event}},
            "portal",
        ),
        (
            "POST",
            "/decide_batch",
            {
                "body": {
                    "user_id": community.id("ana"),
                    "items": [{"room_id": room, "event_id": event}, {"room_id": room, "event_id": "$x"}],
                    "rooms": [room, "!x"],
                }
            },
            "portal",
        ),
    ]
    schema = schemathesis.openapi.from_path(str(DESCRIPTION))

    def ask() -> None:
        for method, path, given_, who in asked:
            case = schema[path][method].Case(**given_)
            headers = {"Authorization": f"Bearer {portal if who == 'portal' else community[who].access_token}"}
            answer = case.call(base_url=community.server.url + MEMBER_API, headers=headers, timeout=120)
            assert answer.status_code == 200, (path, answer.text)
            case.validate_response(answer, checks=_CHECKS, headers=headers)

    await asyncio.to_thread(ask)
    assert {f"{method} {path.split('/')[1]}" for method, path, _, _ in asked} <= set(operations())
