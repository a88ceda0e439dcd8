"""The sample community: the shipped story is whole and keeps the rules, and a broken one says what is wrong."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from belisha.cli.demo import content as demo_content
from belisha.cli.demo import rules as demo_rules
from belisha.cli.demo import story as demo_story
from belisha.cli.demo.rules import problems_of
from belisha.cli.demo.story import File, Message, Poll, PollEnd, Reaction, Story, StoryError, Vote

SHIPPED = demo_story.default_folder()


@pytest.fixture(scope="module")
def story() -> Story:
    return demo_rules.load()


def test_shipped_story_is_valid_and_has_the_people_of_the_issue(story: Story) -> None:
    assert sorted(organisation.category for organisation in story.organisations) == [
        "academia",
        "charity",
        "government",
        "industry",
    ]
    assert len(story.accounts) == 12
    assert Counter(account.roles for account in story.accounts) == {
        ("lead",): 4,
        ("steward",): 2,
        ("manager",): 1,
        (): 5,
    }
    leads = [account.organisation for account in story.accounts if "lead" in account.roles]
    assert sorted(leads) == sorted(organisation.id for organisation in story.organisations)
    assert story.host.category == "charity"


def test_shipped_story_has_the_rooms_of_the_issue(story: Story) -> None:
    kinds = Counter((room.kind, room.purpose, len(room.organisations)) for room in story.rooms)
    assert kinds["open", "discussion", 0] and kinds["closed", "discussion", 0] and kinds["named", "discussion", 0]
    assert kinds["closed", "discussion", 2] == 1
    assert any(room.purpose == "blog" for room in story.rooms)
    assert any(room.purpose == "documents" for room in story.rooms)


def test_shipped_story_talks_enough_and_of_every_kind(story: Story) -> None:
    said = [(room, entry) for room, entry in story.entries() if isinstance(entry, Message | Poll)]
    assert len(said) >= 60
    assert len({room.key for room, _ in said}) >= 5
    assert {type(entry) for _, entry in story.entries()} == set(demo_story._TOLD_BY.values())
    entries = [entry for _, entry in story.entries()]
    assert sum(isinstance(entry, File) for entry in entries) >= 4
    assert sum(isinstance(entry, Poll) for entry in entries) >= 2
    assert sum(isinstance(entry, Vote) for entry in entries) >= 5
    assert sum(isinstance(entry, Reaction) for entry in entries) >= 5
    assert any(isinstance(entry, PollEnd) for entry in entries)
    assert any(isinstance(entry, Message) and entry.thread for entry in entries)
    assert all({room.key for room, entry in said if entry.by == account.localpart} for account in story.accounts)


def test_blog_posts_begin_with_a_heading_and_nothing_is_said_twice(story: Story) -> None:
    for room in story.rooms:
        if room.purpose == "blog":
            posts = [e for e in room.talk if isinstance(e, Message) and not e.relations()]
            assert posts and all(post.says.startswith("# ") for post in posts)
    texts = Counter(text for _, entry in story.entries() for text in entry.texts())
    assert not [text for text, times in texts.items() if times > 1]


def test_files_are_real_and_small() -> None:
    files = sorted((SHIPPED / "files").iterdir())
    assert {file.suffix for file in files} == {".csv", ".md", ".pdf", ".png"}
    assert sum(file.stat().st_size for file in files) < 100_000
    assert (SHIPPED / "files" / "workshop-programme.pdf").read_bytes().startswith(b"%PDF-1.4")
    assert (SHIPPED / "files" / "report-queue-medians.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def _entry(document: dict[str, Any], room: str, number: int) -> dict[str, Any]:
    found = next(one for one in document["rooms"] if one["key"] == room)["talk"][number]
    assert isinstance(found, dict)
    return found


def _room(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = next(one for one in document["rooms"] if one["key"] == key)
    assert isinstance(found, dict)
    return found


BROKEN = {
    "above the ceiling": (lambda d: _entry(d, "square", 0).update(says="TLP:RED psst"), "at most TLP:GREEN"),
    "no label at all": (lambda d: _entry(d, "square", 0).update(says="TLP:PURPLE psst"), "TLP:RED"),
    "unknown author": (lambda d: _entry(d, "square", 0).update(by="nobody"), "nobody is not in this room"),
    "dangling reference": (lambda d: _entry(d, "square", 1).update(thread="gone"), "has the id gone"),
    "missing file": (lambda d: _entry(d, "documents", 0).update(file="gone.csv"), "no file files/gone.csv"),
    "label inside the file": (lambda d: _room(d, "documents").update(kind="open"), "TLP:AMBER"),
    "unknown answer": (lambda d: _entry(d, "square", 18).update(answer="never"), "has no answer never"),
    "other organisation": (
        lambda d: _room(d, "pilot").update(members=["tom"], talk=[]),
        "members of the organisations that it lists",
    ),
    "lists others' organisations": (lambda d: _room(d, "pilot").update(maker="eilidh", members=[], talk=[]), "steward"),
    "marker in a topic": (lambda d: _room(d, "hashes").update(topic="TLP:AMBER figures"), "TLP:AMBER"),
    "unknown key": (lambda d: _entry(d, "square", 0).update(loud=True), "loud: Extra inputs"),
    "neither this nor that": (lambda d: _entry(d, "square", 0).pop("says"), "an entry has one of"),
    "two managers": (lambda d: d["accounts"][1].update(roles=["manager"]), "exactly one account is manager"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_story_says_what_is_wrong(case: str, tmp_path: Path) -> None:
    breaks, expected = BROKEN[case]
    shutil.copytree(SHIPPED / "files", tmp_path / "files")
    document = yaml.safe_load((SHIPPED / "community.yaml").read_text(encoding="utf-8"))
    breaks(document)
    (tmp_path / "community.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(StoryError) as caught:
        demo_rules.load(tmp_path)
    assert any(expected in problem for problem in caught.value.problems), caught.value.problems


def test_a_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    text = (SHIPPED / "community.yaml").read_text(encoding="utf-8")
    lines = text.splitlines()
    number = next(i for i, line in enumerate(lines) if "to: shed" in line) + 1
    lines[number - 1] = lines[number - 1].replace("to: shed", "to: shed, twice: true")
    (tmp_path / "community.yaml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(StoryError, match=f"line {number}: rooms.0.talk.*twice"):
        demo_rules.load(tmp_path)
    (tmp_path / "community.yaml").write_text("name: [", encoding="utf-8")
    with pytest.raises(StoryError, match="line 1"):
        demo_rules.load(tmp_path)
    with pytest.raises(StoryError, match="cannot be read"):
        demo_rules.load(tmp_path / "nowhere")


def test_entries_keep_their_digest_when_others_come_and_go(story: Story) -> None:
    room = story.rooms[0]
    shorter = room.model_copy(update={"talk": room.talk[:1] + room.talk[2:]})
    assert [entry.digest() for entry in shorter.talk[1:]] == [entry.digest() for entry in room.talk[2:]]
    assert not problems_of(story, SHIPPED / "files")


def test_content_is_what_clients_send() -> None:
    events, senders = {"a": "$a", "p": "$p"}, {"a": "@anna:x", "p": "@anna:x"}

    def content(entry: demo_story.Entry, threads: dict[str, str] | None = None) -> dict[str, Any]:
        return demo_content.content_of(entry, events, senders, threads or {}, "mxc://x/y", SHIPPED / "files")

    assert content(Message(by="b", says='plain "text" & so on')) == {
        "msgtype": "m.text",
        "body": 'plain "text" & so on',
        "m.mentions": {},
    }
    assert content(Message(by="b", says="# Head\n\n**bold**"))["formatted_body"] == (
        "<h1>Head</h1>\n<p><strong>bold</strong></p>"
    )
    assert content(Message(by="b", says="so *very* much"))["formatted_body"] == "so <em>very</em> much"
    reply = content(Message(by="b", says="yes", replies="a"))
    assert reply["m.relates_to"] == {"m.in_reply_to": {"event_id": "$a"}}
    assert reply["m.mentions"] == {"user_ids": ["@anna:x"]}
    threaded = content(Message(by="b", says="yes", thread="a"), {"a": "$later"})["m.relates_to"]
    assert threaded == {
        "rel_type": "m.thread",
        "event_id": "$a",
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": "$later"},
    }
    edit = content(demo_story.Edit(by="b", edits="a", says="better"))
    assert edit["body"] == "* better" and edit["m.new_content"]["body"] == "better"
    image = content(File(by="b", file="report-queue-medians.png", says="a chart"))
    assert image["msgtype"] == "m.image" and image["body"] == "a chart" and image["url"] == "mxc://x/y"
    assert (image["info"]["w"], image["info"]["h"], image["info"]["mimetype"]) == (720, 380, "image/png")
    assert content(File(by="b", file="hash-list-hand-over-notes.md", says="n"))["info"]["mimetype"] == "text/markdown"
    poll = content(Poll(by="b", poll="When?", answers={"x": "Now", "y": "Later"}))
    assert [answer["id"] for answer in poll[demo_content.POLL_START]["answers"]] == ["x", "y"]
    assert poll[demo_content.TEXT] == "When?\n1. Now\n2. Later"
    vote = content(Vote(by="b", votes="p", answer="x"))
    assert vote["m.relates_to"] == {"rel_type": "m.reference", "event_id": "$p"}
    assert content(Reaction(by="b", reacts="👍", to="a"))["m.relates_to"]["key"] == "👍"
