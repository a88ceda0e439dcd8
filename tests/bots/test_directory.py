"""The directory by commands, on a real database: what is written, who finds what of it, and what goes with a right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from belisha.directory.fields import FIELDS, Visibility
from belisha.directory.values import Profile
from belisha.policy.people import Person
from bots.directory import listing, profiles, search, suggestions
from bots.directory.directory import Directory
from bots.directory.index_tables import community
from bots.directory.postings import MOST_SWEPT, merged
from bots.directory.tables import directory_member, directory_registry, profile_field, suggested
from bots.kernel.bot import Asker, Context, Job, Needs, Policy, Unknown
from bots.kernel.effects import Effect, Publish, Schedule, Send
from bots.kernel.events import Event
from bots.kernel.listed import Entered, Listed, RegistryPage, Sight
from bots.kernel.rules import Rule, next_due
from bots.kernel.store import Store
from bots.pads.tables import client as pad_client
from bots.pads.tables import note
from bots.steward import Steward
from tests.bots.support import SERVER, Homeserver, grounded, settled
from tests.support.databases import postgresql
from tests.support.patience import until

ORGANISATIONS = {"harbour": ("Harbour Office", "government"), "reef": ("Reef Trust", "charity")}
OF = {"ana": "harbour", "ben": "harbour", "finn": "reef", "mia": "reef"}


def listed(name: str) -> Listed:
    organisation = OF[name]
    return Listed(f"@{name}:{SERVER}", name.title(), organisation, *ORGANISATIONS[organisation])


def entered(name: str, standing: str = "active") -> Entered:
    return Entered(listed(name), standing, f"!{name}:{SERVER}" if standing == "active" else None)


class Here:
    """The steward with the directory, over a store; members ask it what they like."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.restart()
        self.now = 1_000_000.0
        self.count = 0
        self.shares: dict[str, set[str]] = {}
        self.absent: set[str] = set()
        self.effects: Sequence[Effect] = ()

    def restart(self) -> None:
        directory = Directory("https://portal.x")
        self.bot = Steward(parts=[directory], watches=[directory])

    async def ask(self, name: str, text: str, about: str = "", sight: bool = True, at: float | None = None) -> str:
        """What the steward answers to a member."""
        self.count += 1
        self.now += 1
        own, who = f"!{name}:{SERVER}", listed(name)
        said = {"msgtype": "m.text", "body": text}
        sent_at = int(self.now * 1000) if at is None else int(at * 1000)
        event = Event(f"${self.count}", own, "m.room.message", who.user_id, said, sent_at=sent_at)
        named = listed(about) if about and f"@{about}:{SERVER}" not in self.absent else None
        seen = self.sight(name, named)
        needs = self.bot.needs(event, "@belisha_steward:x")
        assert needs is not None

        def handle(connection: sa.Connection) -> Sequence[Effect]:
            context = Context(
                "@belisha_steward:x",
                Policy("service", "TLP:AMBER", "TLP:AMBER+STRICT"),
                asker=Asker(Person(who.user_id, who.organisation, frozenset({"member"})), 0, own),
                sight=seen if sight and needs.sight is not None else Unknown(),
                now=self.now,
                occasion=event.event_id,
                connection=connection,
            )
            return self.bot.handle(event, context)

        self.effects = await self.store.write(handle)
        return "\n".join(str(one.content["body"]) for one in self.effects if isinstance(one, Send))

    async def silent(self, name: str, text: str) -> bool:
        """Whether the steward answers nothing."""
        return await self.ask(name, text) == ""

    def sight(self, name: str, about: Listed | None = None) -> Sight:
        shares = frozenset(f"@{one}:{SERVER}" for one in self.shares.get(name, ()))
        return Sight(listed(name), shares, frozenset(self.absent), (about,))

    @property
    def published(self) -> list[Publish]:
        return [one for one in self.effects if isinstance(one, Publish)]

    async def job(
        self, name: str, arguments: Any = None, page: RegistryPage | None = None, sight: str | None = None
    ) -> Sequence[Effect]:
        def run(connection: sa.Connection) -> Sequence[Effect]:
            context = Context(
                "@belisha_steward:x",
                registry=page or Unknown(),
                sight=self.sight(sight) if sight else Unknown(),
                now=self.now,
                occasion=f"job {name}",
                connection=connection,
            )
            return self.bot.run(Job(name, self.now, arguments or {}), context)

        return await self.store.write(run)

    async def list_all(self, *people: Entered, revision: str = "1") -> Sequence[Effect]:
        page = RegistryPage(revision, people, None)
        return await self.job(listing.PAGE, {"after": "", "revision": ""}, page)

    async def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        return await self.store.read(lambda one: [dict(row) for row in one.execute(sa.select(table)).mappings()])


@pytest.fixture
async def here(store: Store) -> Here:
    found = Here(store)
    await found.list_all(*(entered(name) for name in OF))
    return found


async def test_a_profile_is_written_bit_by_bit_and_shown_with_who_sees_it(here: Here) -> None:
    first = await here.ask("ana", "!profile")
    assert "Nothing else is in your profile yet" in first and "What do you do?" in first
    assert "https://portal.x/profile/edit" in first
    said = await here.ask("ana", "!profile expertise + image hashing, grooming detection")
    assert "Expertise: image hashing, grooming detection. Seen by the whole community." in said
    assert here.published == [Publish(listed("ana").user_id, {"expertise": ("image hashing", "grooming detection")})]
    assert "image hashing, grooming detection, maps" in await here.ask("ana", "!profile expertise maps, Image Hashing")
    assert "image hashing, maps" in await here.ask("ana", "!profile expertise - grooming detection, nothing")
    assert "Role: Pilot boats & ice" in await here.ask("ana", "!profile role Pilot boats & ice")
    assert "seen by nobody but you" in await here.ask("ana", "!profile visible role nobody")
    assert here.published == [Publish(listed("ana").user_id, {"expertise": ("image hashing", "maps")})]
    mine = await here.ask("ana", "!profile")
    assert "Role: Pilot boats & ice (seen by nobody but you)" in mine and "Next: What should others know" in mine
    assert "says nothing now" in await here.ask("ana", "!profile expertise -")
    assert "What can others ask you about?" in await here.ask("ana", "!profile expertise")
    assert here.published == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("!profile availability always", "It is one of"),
        ("!profile expertise " + "x" * 41, "below 40 characters"),
        ("!profile about [TLP:RED] x", "cannot be TLP:RED"),
        ("!profile name Admiral", "It is one of role, about"),
        ("!profile visible role friends", "It is one of community, my-groups, nobody"),
    ],
)
async def test_what_cannot_be_is_told_and_changes_nothing(here: Here, text: str, words: str) -> None:
    assert words in await here.ask("ana", text)
    assert await here.rows(profile_field) == [] and here.published == []


async def test_where_the_server_does_not_say_nothing_is_shown_or_changed(here: Here) -> None:
    await here.ask("ana", "!profile role Pilot")
    before = await here.rows(profile_field)
    for text in ("!profile", "!profile role x", "!profile preview", "!whois @ana", "!find pilot", "!challenges"):
        said = await here.ask("ben", text, sight=False)
        assert "could not ask the server" in said and "Pilot" not in said, text
    assert await here.rows(profile_field) == before


async def test_who_is_looked_up_is_seen_as_far_as_groups_are_shared(here: Here) -> None:
    await here.ask("finn", "!profile role Diver")
    await here.ask("finn", "!profile contact By radio at noon")
    stranger = await here.ask("ana", "!whois @finn", "finn")
    assert "Finn, Reef Trust" in stranger and "Diver" in stranger and "radio" not in stranger
    here.shares["ana"] = {"finn"}
    assert "By radio at noon" in await here.ask("ana", "!whois @finn", "finn")
    here.absent.add(listed("finn").user_id)
    gone = await here.ask("ana", "!whois @finn", "finn")
    assert gone.strip() == "There is no member of that address. Please look at how it is written."
    assert gone == await here.ask("ana", "!whois @nobody")


async def test_a_hidden_field_changes_no_byte_of_a_strangers_answers(here: Here) -> None:
    await here.ask("finn", "!profile expertise + sonar")
    asked = ("!find sonar", "!find wrecks", "!find", "!find wrek", "!find Finn --organisation reef", "!challenges")
    await here.ask("ana", "!profile challenges wrecks")

    async def told() -> list[str]:
        return [await here.ask("ana", text) for text in asked] + [await here.ask("ana", "!whois @finn", "finn")]

    before = await told()
    for field, text in (("challenges", "wrecks"), ("interests", "wrecks, sonar"), ("about", "wrecks all day")):
        await here.ask("finn", f"!profile visible {field} nobody")
        await here.ask("finn", f"!profile {field} {text}")
    assert await told() == before
    await here.ask("finn", "!profile visible about my-groups")
    assert await told() == before
    here.shares["ana"] = {"finn"}
    assert "wrecks all day" in await here.ask("ana", "!whois @finn", "finn")
    assert "Finn" in await here.ask("ana", "!find wrecks")


async def test_members_are_found_with_the_reason_and_narrowed_down(here: Here) -> None:
    await here.ask("finn", "!profile expertise + image hashing")
    await here.ask("ben", "!profile interests image hashing")
    found = await here.ask("ana", "!find image hashing")
    assert (
        "2 members were found" in found and "Expertise: image hashing" in found and "Interests: image hashing" in found
    )
    assert found.index("Finn") < found.index("Ben"), "expertise weighs more"
    only = await here.ask("ana", "!find image hashing --category charity")
    assert "Finn" in only and "Ben" not in only
    assert "Finn" in await here.ask("ana", '!find "image hashing" --organisation reef')
    assert "Nobody was found" in await here.ask("ana", "!find submarine cables")
    assert "https://portal.x/directory?q=image+hashing)" in found
    assert "https://portal.x/directory?q=image+hashing&category=charity)" in only
    assert "https://portal.x/directory)" in await here.ask("ana", "!find")


async def test_for_each_challenge_who_could_help(here: Here) -> None:
    assert "names no challenge yet" in await here.ask("ana", "!challenges")
    await here.ask("ana", "!profile challenges image hashing, ice")
    await here.ask("finn", "!profile expertise image hashing")
    said = await here.ask("ana", "!challenges")
    assert "For the challenge “image hashing”" in said and "Finn, Reef Trust" in said and "Nobody yet" in said


async def test_the_preview_has_both_views(here: Here) -> None:
    await here.ask("ana", "!profile role Pilot")
    assert "Those in a group with you see the same" in await here.ask("ana", "!profile preview")
    await here.ask("ana", "!profile contact By radio")
    await here.ask("ana", "!profile about secret")
    await here.ask("ana", "!profile visible about nobody")
    shown = await here.ask("ana", "!profile preview")
    assert shown.index("Pilot") < shown.index("see besides") < shown.index("By radio") and "secret" not in shown


HOSTILE = "<img src=x onerror=alert(1)>=HYPERLINK(1)\u202e{x}"


async def test_hostile_words_are_only_words_in_every_answer(here: Here) -> None:
    for field in ("about", "expertise", "challenges"):
        assert "Done" in await here.ask("finn", f"!profile {field} {HOSTILE[:38]}")
    await here.ask("ana", "!profile challenges onerror")
    asked = ("!find onerror", "!challenges", "!profile", "!profile preview", "!profile guide", HOSTILE)
    for text, about in (("!whois @finn", "finn"), *((one, "") for one in asked)):
        asker = "finn" if text.startswith("!profile") or text == HOSTILE else "ana"
        await here.ask(asker, text, about)
        (answer,) = [one for one in here.effects if isinstance(one, Send)]
        html = str(answer.content["formatted_body"])
        if text == "!profile guide":
            continue
        assert "<img" not in html and "&lt;img" in html and "\u202e" not in html, text


async def test_an_erased_profile_is_gone_everywhere(here: Here) -> None:
    await here.ask("finn", "!profile expertise sonar")
    assert "is erased" in await here.ask("finn", "!profile erase")
    assert await here.rows(profile_field), "it is asked first"
    assert "your profile is empty" in await here.ask("finn", "yes")
    assert here.published == [Publish(listed("finn").user_id, {})]
    assert await here.rows(profile_field) == [] and "Nobody was found" in await here.ask("ana", "!find sonar")
    assert "Finn" in await here.ask("ana", "!find Finn"), "the name is the registry's"


# --- Suggestions -------------------------------------------------------------------------------------------------


async def test_once_a_week_who_is_new_among_those_who_could_help(here: Here) -> None:
    await here.list_all(*(entered(name) for name in OF), revision="2")
    assert await here.job(suggestions.NAME) == [], "nobody has a challenge"
    await here.ask("ana", "!profile challenges sonar, ice")
    await here.ask("finn", "!profile expertise sonar")
    (planned,) = await here.job(suggestions.NAME)
    assert isinstance(planned, Schedule) and here.now <= planned.at <= here.now + 3600
    job = Job(planned.name, planned.at, planned.arguments)
    assert here.bot.job_needs(job) == Needs(sight_for=(f"!ana:{SERVER}", listed("ana").user_id))
    assert await here.job(planned.name, planned.arguments) == (), "where the module does not say, nobody is named"
    (told,) = await here.job(planned.name, planned.arguments, sight="ana")
    assert isinstance(told, Send) and told.room == f"!ana:{SERVER}" and told.waits
    assert "“sonar”" in told.content["body"] and "Finn, Reef Trust" in told.content["body"]
    assert "“ice”" not in told.content["body"]
    assert await here.job(planned.name, planned.arguments, sight="ana") == (), "of each once"
    await here.ask("mia", "!profile expertise sonar")
    here.absent.add(listed("mia").user_id)
    assert await here.job(planned.name, planned.arguments, sight="ana") == (), "who may not act now is not named"
    here.absent.clear()
    assert "Mia" in str(await here.job(planned.name, planned.arguments, sight="ana"))


async def test_who_wants_no_suggestions_has_none(here: Here) -> None:
    await here.list_all(*(entered(name) for name in OF), revision="2")
    await here.ask("ana", "!profile challenges sonar")
    await here.ask("finn", "!profile expertise sonar")
    (planned,) = await here.job(suggestions.NAME)
    assert isinstance(planned, Schedule)
    assert "On Mondays" in await here.ask("ana", "!suggestions")
    assert "suggest nobody" in await here.ask("ana", "!suggestions off") == await here.ask("ana", "!suggestions")
    assert await here.job(planned.name, planned.arguments, sight="ana") == () == tuple(await here.job(suggestions.NAME))
    assert "On Mondays" in await here.ask("ana", "!suggestions on")
    assert len(await here.job(planned.name, planned.arguments, sight="ana")) == 1
    await here.list_all(entered("finn", "removed"), revision="3")
    assert await here.rows(suggested) == [], "it is erased with whom it names"


# --- The list ----------------------------------------------------------------------------------------------------


async def test_who_is_frozen_is_not_found_and_comes_back(here: Here) -> None:
    await here.ask("finn", "!profile expertise sonar")
    await here.list_all(entered("finn", "frozen"), revision="2")
    assert "Nobody was found" in await here.ask("ana", "!find sonar")
    assert len(await here.rows(profile_field)) == 1, "it is theirs when they come back"
    effects = await here.list_all(entered("finn"), revision="3")
    assert effects == [Publish(listed("finn").user_id, {"expertise": ("sonar",)})], "what clients show comes back too"
    assert "Finn" in await here.ask("ana", "!find sonar")


async def test_of_who_is_removed_nothing_is_left(here: Here) -> None:
    await here.ask("finn", "!profile expertise sonar")
    wrote = {"event_id": "$pad", "client": 7, "user_id": listed("finn").user_id}
    await here.store.write(lambda connection: connection.execute(pad_client.insert(), [wrote]))
    written = note.insert().values(
        event_id="$pad", note="note-0001", thread="", kind="comment", state="open",
        user_id=listed("finn").user_id, begins="", ends="", words="Which ones?",
        quoted="", label="TLP:GREEN", made_at=1.0, changed=1,
    )  # fmt: skip
    await here.store.write(lambda connection: connection.execute(written))
    effects = await here.list_all(entered("finn", "removed"), revision="2")
    assert [row["user_id"] for row in await here.rows(note)] == [""], "what they wrote in pads has no name any more"
    assert effects == [Publish(listed("finn").user_id, {})]
    assert await here.rows(profile_field) == [] and "Nobody was found" in await here.ask("ana", "!find sonar")
    assert listed("finn").user_id not in {row["user_id"] for row in await here.rows(directory_member)}
    assert [row["user_id"] for row in await here.rows(pad_client)] == [""], "what they wrote in pads is nobody's"
    assert await here.list_all(entered("finn", "removed"), revision="3") == []


async def test_a_new_name_is_found_by(here: Here) -> None:
    renamed = Listed(listed("finn").user_id, "Fionn", "reef", "Reef Trust", "charity")
    await here.list_all(Entered(renamed, "active", None), revision="2")
    assert "Fionn, Reef Trust" in await here.ask("ana", "!find Fionn")


async def test_pages_follow_each_other_and_a_repeated_one_changes_nothing(here: Here) -> None:
    first = RegistryPage("5", (entered("ana"),), "ana")
    (more,) = await here.job(listing.PAGE, {"after": "", "revision": "1"}, first)
    assert isinstance(more, Schedule) and more.arguments == {"after": "ana", "revision": ""}
    (again,) = await here.job(listing.NAME)
    assert isinstance(again, Schedule) and again.arguments["after"] == "ana", "a reading that was cut short goes on"
    last = RegistryPage("6", (entered("ben"),), None)
    assert await here.job(listing.PAGE, {"after": "elsewhere", "revision": ""}, last) == ()
    await here.job(listing.PAGE, {"after": "ana", "revision": ""}, last)
    (row,) = await here.rows(directory_registry)
    assert (row["revision"], row["after"]) == ("5", ""), "what changed meanwhile is read next"
    assert await here.job(listing.PAGE, {"after": "", "revision": "5"}, RegistryPage("5", (), None)) == ()


async def test_many_changes_are_merged_some_at_a_time(store: Store) -> None:
    """Each step is a job of its own, so that whoever changes a profile meanwhile does not wait for all of them."""
    here = Here(store)

    def write(connection: sa.Connection) -> None:
        for number in range(3 * MOST_SWEPT - 5):
            fields = {"expertise": ("maps",)}
            search.index(connection, Profile(f"@n{number}:x", "N", "reef", "Reef", "charity", fields), here.now)

    await store.write(write)
    page, more = await here.job(listing.NAME)
    assert isinstance(page, Schedule) and page.name == listing.PAGE
    steps = 1
    while isinstance(more, Schedule) and more.name == listing.MERGE:
        more, steps = next(iter(await here.job(listing.MERGE)), None), steps + 1
    assert steps == 3
    newest = max(row["number"] for row in await here.rows(community))
    assert await store.read(merged) == newest, "all of it is merged in the end"


async def test_an_empty_profile_is_mentioned_once(store: Store) -> None:
    here = Here(store)
    planned = await here.list_all(entered("ana"), entered("finn"))
    names = [one.name for one in planned if isinstance(one, Schedule)]
    assert names == [f"{listing.NUDGE}{listed(name).user_id}" for name in ("ana", "finn")]
    assert all(3 * 86_400 <= one.at - here.now <= 5 * 86_400 for one in planned if isinstance(one, Schedule))
    assert await here.list_all(entered("ana"), entered("finn"), revision="2") == [], "never again"
    await here.ask("finn", "!profile role Diver")
    (said,) = await here.job(names[0])
    assert isinstance(said, Send) and "I will not bring this up again" in said.content["body"] and said.waits
    assert said.room == f"!ana:{SERVER}" and said.once
    assert await here.job(names[1]) == (), "it is not empty"
    await here.list_all(entered("ana", "frozen"), revision="3")
    assert await here.job(names[0]) == ()


@pytest.mark.full
async def test_on_postgresql_two_processes_write_one_profile_at_once() -> None:
    with postgresql() as address:
        stores = [Store(address), Store(address)]
        for store in stores:
            await store.open()
        here = Here(stores[0])
        await here.list_all(*(entered(name) for name in ("ana", "finn")))

        def write(number: int) -> Callable[[sa.Connection], object]:
            written = {"role": (f"Pilot {number}",), "expertise": ("sonar",)}
            return lambda connection: profiles.change(connection, listed("ana"), 1.0, written)

        await asyncio.gather(*(stores[number % 2].write(write(number)) for number in range(8)))
        assert len(await here.rows(profile_field)) == 2
        assert "Ana" in await here.ask("finn", "!find sonar") and "Pilot" in await here.ask(
            "finn", "!whois @ana", "ana"
        )
        for store in stores:
            await store.close()


def test_a_rule_can_come_every_minute() -> None:
    assert next_due(Rule(listing.RULE.at, every=60), 119.0, ZoneInfo("UTC")) == 120.0
    assert next_due(Rule(listing.RULE.at, every=60), 120.0, ZoneInfo("UTC")) == 180.0


async def test_what_everybody_may_read_is_handed_to_the_module(store: Store, homeserver: Homeserver) -> None:
    """Through the outbox, once, and without its content once it is sent."""
    own = f"!ana:{SERVER}"
    homeserver.policies[own] = {"kind": "service", "default": "TLP:AMBER", "ceiling": "TLP:AMBER+STRICT"}
    homeserver.askers[listed("ana").user_id] = {"belongs": True, "organisation": "harbour", "roles": ["member"]}
    homeserver.sights[listed("ana").user_id] = {
        "asker": {key: getattr(listed("ana"), key) for key in Listed.__slots__},
        "shares": [],
        "absent": [],
        "about": [],
    }
    async with grounded(store, homeserver, Steward(parts=[Directory()])) as arrive:
        content = {"msgtype": "m.text", "body": "!profile role Pilot"}
        about = {"event_id": "$1", "room_id": own, "type": "m.room.message", "sender": listed("ana").user_id}
        await arrive({**about, "origin_server_ts": 1, "content": content})

        async def published() -> bool:
            return bool(homeserver.published)

        await until(published)
        await settled(store)
    assert homeserver.published == [{"user_id": listed("ana").user_id, "fields": {"role": ["Pilot"]}}]
    assert any("Role: Pilot" in str(one.get("body")) for _room, one in homeserver.sent.values())


def test_visibility_defaults_are_those_of_the_fields() -> None:
    kept = profiles.Kept()
    assert {key: kept.visibility(key) for key in FIELDS} == {key: field.visibility for key, field in FIELDS.items()}
    assert FIELDS["contact"].visibility is Visibility.GROUPS


async def test_organisations_are_named_by_those_who_may_act(store: Store) -> None:
    def rows(connection: sa.Connection) -> None:
        for number in range(130):
            row = {"user_id": f"@n{number}:x", "name": "N", "category": "charity", "standing": "active"}
            organised = {"organisation": f"o{number}", "organisation_name": f"Office {number}"}
            connection.execute(directory_member.insert().values(row | organised))
        frozen = directory_member.c.organisation == "o7"
        connection.execute(directory_member.update().where(frozen).values(standing="frozen"))

    await store.write(rows)
    asked = [f"o{number}" for number in range(125)]
    found = await store.read(lambda connection: profiles.organisations(connection, [*asked, "nothing"]))
    assert found == {f"o{number}": f"Office {number}" for number in range(125) if number != 7}
    assert await store.read(lambda connection: profiles.organisations(connection, [])) == {}
