"""The blog's command, in one's own room with the steward: its answer is for whoever asks alone (P2)."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import LINE, TEXT, number
from belisha.translation import marked
from bots.blog.listing import MOST_PAGES

POSTS: Final = Command(
    ("posts",),
    marked("lists the newest posts of the blogs that you read, or those with these words"),
    "!posts tide tables --tag hashing",
    (
        Argument("words", TEXT, marked("words of the posts that you look for"), required=False),
        Argument("tag", LINE, marked("a tag"), required=False, flag=True),
        Argument("page", number(1, MOST_PAGES), marked("which page"), required=False, flag=True),
    ),
    where=ALONE,
    aliases=(("blog",),),
    title=marked("Posts"),
    page="/blog",
)
