"""The library's commands that the bot answers, in one's own room with it: the answer is for whoever asks (rule P2)."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import TEXT
from belisha.translation import marked

_FILE: Final = Argument("file", TEXT, marked("words of the file's name, or a link to its message"))

FIND: Final = Command(
    ("docs", "find"),
    marked("lists the newest files of your groups, or those with these words"),
    "!docs find tide tables #spring",
    (Argument("words", TEXT, marked("words of the file's name or caption, or #tags"), required=False),),
    where=ALONE,
    aliases=(("docs",),),
    title=marked("Find files of my groups"),
    page="/documents",
)
INFO: Final = Command(
    ("docs", "info"),
    marked("tells of one file who shared it where, its label, and what it is"),
    "!docs info tide tables",
    (_FILE,),
    where=ALONE,
    title=marked("Look at a file"),
    page="/documents",
)
VERSIONS: Final = Command(
    ("docs", "versions"),
    marked("lists the versions of one file, and what others share as the same"),
    "!docs versions tide tables",
    (_FILE,),
    where=ALONE,
    title=marked("See the versions of a file"),
    page="/documents",
)
WHO: Final = Command(
    ("docs", "who"),
    marked("tells who has opened or saved a file that you have uploaded"),
    "!docs who tide tables",
    (_FILE,),
    where=ALONE,
    title=marked("See who has a file of mine"),
    page="/documents",
)
