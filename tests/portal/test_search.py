"""The portal's one search: people and messages, decided for the member who asks (P1, P2)."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from belisha.tlp import Label
from bots.portal.views_search import Hit, Section, _count
from tests.portal.support import HOSTILE, Here, Visitor, make_group, share
from tests.support.community import unique
from tests.support.patience import until


async def found(visitor: Visitor, words: str) -> str:
    """The page of what is found."""
    answer = await visitor.get(f"/search?q={quote(words)}")
    assert answer.status == 200, answer.text
    return answer.text


def titles(page: str) -> list[str]:
    """The headings of the hits."""
    return [re.sub("<[^>]+>", "", one) for one in re.findall(r"<h3>(.*?)</h3>", page)]


async def test_messages_of_my_groups_are_found_with_their_labels(here: Here, ana: Visitor, finn: Visitor) -> None:
    word = unique("foghorn")
    event = await here.say("ana", f"The {word} is silent, see TLP:AMBER {HOSTILE}", here.groups["closed"])
    await here.say("ana", f"{word} for everybody", here.groups["open"])
    page = await found(ana, word)
    assert len(titles(page)) == 2 and page.count(f"<mark>{word}</mark>") == 2
    assert "TLP:AMBER" in page and "Pilots" in page and "Buoys" in page
    assert "<img src=x" not in page and "&lt;img src=x" in page
    room = quote(here.groups["closed"], safe="!:")
    assert f"/#/room/{room}/{quote(event, safe='$')}" in page
    theirs = await found(finn, word)
    assert "Pilots" not in theirs and "silent" not in theirs


async def test_what_is_not_mine_to_read_is_not_even_counted(here: Here, ana: Visitor, finn: Visitor) -> None:
    word = unique("keelson")
    await here.say("ana", word, here.groups["closed"])
    other = unique("nowhere")
    nothing = await found(finn, other)
    assert titles(await found(ana, word))
    assert (await found(finn, word)).replace(word, "") == nothing.replace(other, ""), "not one byte tells of it"


async def test_people_are_found_by_their_profiles(here: Here, finn: Visitor) -> None:
    skill = unique("ropework")
    await here.asked("ben", f"!profile expertise + {skill}")
    page = await found(finn, skill)
    assert len(titles(page)) == 1 and f"Matched expertise: {skill}" in page, page


async def test_a_file_is_found_by_its_name_by_who_can_open_it(here: Here, ana: Visitor, finn: Visitor) -> None:
    word = unique("soundings")
    event, _ = await share(here, f"{word} 2026.txt", b"TLP:AMBER fathoms", by="ana", group="closed")
    page = await found(ana, word)
    assert f"{word} 2026.txt" in titles(page) and f"/documents/{quote(here.groups['closed'], safe='')}/" in page
    assert quote(event, safe="") in page
    assert f"{word} 2026" not in await found(finn, word)
    # The message that shares it is not told once more; another one with the word is.
    assert len(titles(page)) == 1, titles(page)
    await here.say("ana", f"Look at the {word}", here.groups["closed"])
    assert len(titles(await found(ana, word))) == 2


async def test_a_post_is_found_by_its_words_by_who_reads_that_blog(here: Here, ana: Visitor, finn: Visitor) -> None:
    word = unique("barnacle")
    wish = {"kind": "closed", "organisations": [], "purpose": "blog"}
    state = [{"type": "org.belisha.room", "state_key": "", "content": wish}]
    await make_group(here, "ana", "searched blog", "Keel notes", "private_chat", initial_state=state)
    await here.say("ana", f"# Scraping the hull\n\nEvery {word} counts.", here.groups["searched blog"])

    async def is_listed() -> bool:
        return "Scraping the hull" in titles(await found(ana, word))

    await until(is_listed)
    page = await found(ana, word)
    assert f"/blog/{quote(here.groups['searched blog'], safe='')}/" in page and "Keel notes" in page
    assert len(titles(page)) == 1 and "Messages in my groups" not in page, "a post is no message besides"
    assert "Scraping" not in await found(finn, word)
    # A post that is a file is no document besides; what is looked for with a letter wrong says so.
    await share(here, f"{word} notes.md", b"# Notes\n\nof the hull", by="ana", group="searched blog")

    async def is_post_alone() -> bool:
        page = await found(ana, f"{word} notes")
        return 'id="posts"' in page and 'id="documents"' not in page and len(titles(page)) == 1

    await until(is_post_alone)
    wrong = await found(ana, word.replace("rn", "nr"))
    assert "None has these words" in wrong and "Scraping the hull" in titles(wrong)
    assert "None has these words" not in await found(finn, word.replace("rn", "nr"))


HIT = Hit("Keel", "", Label.GREEN)


@pytest.mark.parametrize(
    ("sections", "counted"),
    [
        ([], []),
        ([Section("people", "People", [HIT]), Section("posts", "Posts", [])], ["searched"]),
        ([Section("people", "People", []), Section("posts", "Posts", [])], ["searched", "found_nothing"]),
        ([Section("people", "People", []), Section("posts", "Posts", [], looked=False)], ["searched"]),
    ],
)
async def test_nothing_is_found_only_where_all_was_looked_through(sections: list[Section], counted: list[str]) -> None:
    told: list[str] = []

    async def count(action: str, _user_id: str) -> None:
        told.append(action)

    visit: Any = SimpleNamespace(counted=count, known=SimpleNamespace(member=SimpleNamespace(user_id="@ana:x")))
    await _count(visit, sections)
    assert told == counted


async def test_odd_questions_are_answered(ana: Visitor) -> None:
    for words in ("", " ", '"', "AND OR", "x" * 500, HOSTILE, "é'"):
        answer = await ana.get(f"/search?q={quote(words)}")
        assert answer.status == 200 and "<h1>Search</h1>" in answer.text, words
        assert "<script>alert" not in answer.text
