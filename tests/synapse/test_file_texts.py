"""Files are found by what stands in them, by who may read them now, no longer than they are there (P1, P2, E1)."""

from __future__ import annotations

import contextlib
import io
import zipfile
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.community import Community, unique
from tests.support.files import message, upload
from tests.support.patience import until
from tests.support.portal import ask_as_portal
from tests.support.producers import written
from tests.support.server import request

Json = dict[str, Any]
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


async def found(community: Community, by: str, words: str, excerpts: int = 20) -> list[Json]:
    """What the portal is told of files with those words."""
    body = {"user_id": community.id(by), "words": words, "excerpts": excerpts}
    status, answer = await ask_as_portal(community, body, name="documents")
    assert status == 200, answer
    documents: list[Json] = answer["documents"]
    return documents


async def names(community: Community, by: str, words: str) -> list[str]:
    return [one["name"] for one in await found(community, by, words, 0)]


async def shared(community: Community, data: bytes, name: str, kind: str = "closed", media: str = "text/plain") -> str:
    """Ana shares a file whose words are nowhere but in it; its id and its event's."""
    media_id = await upload(community, "ana", data, name, media)
    return f"{media_id} {await community.sent(message(community, media_id, name), kind)}"


async def searched(community: Community, by: str, words: str) -> None:
    """Waits until a file is found."""

    async def is_found() -> bool:
        return bool(await names(community, by, words))

    await until(is_found)


def texts(community: Community, word: str) -> int:
    """How many texts have a word, whoever may find it."""
    return len(community.server.query("SELECT 1 FROM belisha_file_text WHERE text LIKE ?", f"%{word}%"))


def on_disk(community: Community, word: str) -> bool:
    """Whether a word stands in the files of the database, in its log, or in a file."""
    data = community.server.data
    for path in (*(data / "media").rglob("*"), *data.glob("homeserver.db*")):
        with contextlib.suppress(FileNotFoundError):  # gone since it was listed
            if path.is_file() and word.encode() in path.read_bytes():
                return True
    return False


def docx(text: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        made.writestr("word/document.xml", f"<w:document xmlns:w='w'><w:p><w:t>{text}</w:t></w:p></w:document>")
    return stream.getvalue()


async def test_words_inside_are_found_by_who_may_read_the_file(community: Community) -> None:
    word, other = unique("keelson").replace("-", ""), unique("nowhere").replace("-", "")
    line = f"The {word} was surveyed"
    for name, data, media in (
        ("report.txt", f"TLP:AMBER\nNothing here.\n{line} at low water.\n".encode(), "text/plain"),
        ("report.pdf", written(f"BT /F 12 Tf 30 150 Td ({line}) Tj ET".encode()), "application/pdf"),
        ("report.docx", docx(line), _DOCX),
    ):
        media_id = (await shared(community, data, name, media=media)).split()[0]
        await searched(community, "dina", f"{word} {name.partition('.')[2]}")
        (one,) = [each for each in await found(community, "dina", f"SURVEY {word[:-1]}") if each["name"] == name]
        assert line in one["excerpt"] and one["label"] == "TLP:AMBER", one
        # A line of it is content: the source is told who has seen one.
        noted = community.server.query("SELECT user_id, part, label FROM belisha_download WHERE media_id = ?", media_id)
        assert noted == [{"user_id": community.id("dina"), "part": "excerpt", "label": "TLP:AMBER"}], name
    assert sorted(await names(community, "ben", word)) == ["report.docx", "report.pdf", "report.txt"]
    assert await names(community, "ben", f"{word} {other}") == [] == await names(community, "ben", f"#{word}")
    assert len(community.server.query("SELECT 1 FROM belisha_download WHERE user_id = ?", community.id("ben"))) == 0
    mine = await found(community, "ana", word)
    assert len(mine) == 3 and all(line in one["excerpt"] for one in mine)
    noted = community.server.query(
        "SELECT 1 FROM belisha_download WHERE part = 'excerpt' AND user_id = ?", community.id("ana")
    )
    assert noted == [], "who has uploaded it knows it"
    # Who is not in the group is told the same of what is there and of what is nowhere.
    for outsider in ("finn", "emil"):
        answers = [
            await ask_as_portal(
                community, {"user_id": community.id(outsider), "words": asked, "excerpts": 20}, name="documents"
            )
            for asked in (word, other)
        ]
        assert answers[0] == answers[1] == (200, {"documents": [], "more": False, "label": None}), outsider


async def test_of_named_people_there_is_no_text(community: Community) -> None:
    word, later = unique("secretive").replace("-", ""), unique("afterwards").replace("-", "")
    await shared(community, word.encode(), "a.txt", "named")
    await shared(community, later.encode(), "b.txt", "closed")
    await searched(community, "ana", later)
    assert texts(community, later) == 1 and texts(community, word) == 0
    assert await names(community, "ana", word) == []


@pytest.mark.full
async def test_a_group_without_previews_has_no_texts(community: Community) -> None:
    status, made = await community.create("ana", {"preset": "private_chat", "name": "Plans"})
    assert status == 200, made
    community.rooms["plans"] = room = made["room_id"]
    word = unique("blueprint").replace("-", "")
    await shared(community, word.encode(), "plan.txt", "plans")
    await searched(community, "ana", word)
    policy = f"rooms/{quote(room)}/policy"
    assert (await community.server.local("PUT", policy, {"media": "none"}))[0] == 200
    assert await names(community, "ana", word) == [], "at once, whatever is still there"
    assert await names(community, "ana", "plan.txt") != []

    async def is_gone() -> bool:
        return texts(community, word) == 0

    await until(is_gone)
    assert (await community.server.local("PUT", policy, {"media": "documents"}))[0] == 200
    await searched(community, "ana", word)


async def test_what_is_taken_back_is_gone_from_the_database_and_its_log(community: Community) -> None:
    """Withdrawn, or redacted: found no more at once, and no byte of it is left on the disk within a minute."""
    withdrawn, redacted = (unique(word).replace("-", "") for word in ("quenchling", "quenchmere"))
    media_id, _ = (await shared(community, f"{withdrawn} there".encode(), "w.txt")).split()
    _, event_id = (await shared(community, f"{redacted} there".encode(), "r.txt")).split()
    for word in (withdrawn, redacted):
        await searched(community, "dina", word)
        assert texts(community, word) == 1 and on_disk(community, word)
    assert (await community.server.local("POST", f"files/{media_id}/withdraw"))[0] == 200
    assert texts(community, withdrawn) == 0 and await names(community, "dina", withdrawn) == []
    path = f"/_matrix/client/v3/rooms/{quote(community.rooms['closed'])}/redact/{quote(event_id)}/{unique('r')}"
    assert (await request(community["ana"], "PUT", path, {}))[0] == 200
    assert await names(community, "dina", redacted) == []

    async def is_gone() -> bool:
        return not any(on_disk(community, word) or texts(community, word) for word in (withdrawn, redacted))

    await until(is_gone)
