"""Writing a post: a page to write on, one that shows it as it will be, and inside Element one press that sends it.

Nothing is sent by the portal, and nothing that is written here is kept: the text travels from page to page in its form.
Element sends the message as the member's own (MSC2762), upon which the server decides as about any other; so a session
that may only look is enough.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from belisha.blog.article import Article, article_of, to_send
from belisha.directory.written import plain
from belisha.tlp import Label
from belisha.translation import _, marked
from bots.kernel.posts import BlogGroup
from bots.pads.rules import title
from bots.portal.pad_source import FromPad, from_pad, named_pad
from bots.portal.pages import strictest
from bots.portal.visit import Visit

#: So many characters fit into a message, as text and as HTML beside it; an event has at most 65,536 bytes.
LONGEST: Final = 20_000
_LONGEST_EVENT: Final = 60_000
_LONGEST_TITLE: Final = 200
_TOO_LONG: Final = marked(
    "That is longer than a message can be. Please shorten it; or take the pad away as Markdown, and share that file in "
    "the blog: it is a post as well."
)
_FIELDS: Final = ("room", "title", "text", "label", "pad")


class _NotYet(ValueError):
    """No post can be made of what was written; `str()` is a sentence for who wrote it."""


async def form(visit: Visit) -> web.Response:
    """The empty page, for the blog that is named."""
    groups = await _groups(visit)
    return _form(visit, groups, {**dict.fromkeys(_FIELDS, ""), "room": visit.request.query.get("group", "")})


async def of_pad(visit: Visit) -> web.Response:
    """The page with what stands in a pad, for the blogs that it may go to."""
    match, groups = visit.request.match_info, await _groups(visit)
    pad = await from_pad(visit, match["room_id"], match["event_id"])
    takers = [one for one in groups if pad.problem(one.room_id, one.ceiling) is None]
    chosen = next((one for one in takers if one.room_id == pad.room_id), takers[0] if takers else None)
    heading, text = title(pad.shown.text), pad.shown.text
    if text.lstrip().startswith("# "):  # it becomes the title
        text = text.lstrip().partition("\n")[2]
    given = {"title": heading, "text": text.strip("\n"), "label": str(pad.label), "pad": pad.named}
    too_long = _TOO_LONG if len(text) > LONGEST else ""
    return _form(visit, groups, {**given, "room": "" if chosen is None else chosen.room_id}, _(too_long), pad=pad)


async def step(visit: Visit) -> web.Response:
    """Shows the post as it will be, or goes back to writing."""
    given = {name: visit.form.get(name, "").replace("\r\n", "\n") for name in _FIELDS}
    groups, pad = await _groups(visit), await named_pad(visit, given["pad"])
    if visit.form.get("step") == "change":
        return _form(visit, groups, given, pad=pad)
    try:
        group, label = _place(groups, given)
        if pad is not None:
            label = _label_of(pad, group, label)
        content, article = await asyncio.to_thread(_read, given)
    except _NotYet as problem:
        return _form(visit, groups, given, str(problem), pad=pad)
    if label is not None:
        content["org.belisha.tlp"] = {"label": str(label)}
    marker = "" if label is None else f"{label}\n\n"
    return visit.page(
        "blog_preview",
        strictest([label or group.default, Label.GREEN]),
        group=group,
        given=given,
        post_label=label or group.default,
        article=article,
        body=Markup(article.html),  # noqa: S704 - `article_of` has cleaned it
        content=json.dumps(content),
        to_copy=f"{marker}{content['body']}",
        in_element=visit.known.session.widget,
        element=visit.parts.place.in_element("room", group.room_id),
    )


async def _groups(visit: Visit) -> Sequence[BlogGroup]:
    """The blogs that this member is in now."""
    return (await visit.parts.homeserver.blog.read(visit.known.member.user_id)).groups


def _form(
    visit: Visit,
    groups: Sequence[BlogGroup],
    given: Mapping[str, str],
    problem: str = "",
    *,
    pad: FromPad | None = None,
) -> web.Response:
    least = Label.CLEAR if pad is None else pad.label
    if pad is not None:
        groups = [one for one in groups if pad.problem(one.room_id, one.ceiling) is None]
    # What somebody has written goes back to them alone, under the strictest label that it may get.
    return visit.page(
        "blog_write",
        strictest(
            [Label.GREEN, least, *(one.ceiling for one in groups if given["text"] and one.room_id == given["room"])]
        ),
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        groups=groups,
        labels=[one for one in sorted(Label) if one >= least and any(one <= group.ceiling for group in groups)],
        given=given,
        problem=problem,
        longest=LONGEST,
        longest_title=_LONGEST_TITLE,
        pad=pad,
    )


def _label_of(pad: FromPad, group: BlogGroup, label: Label | None) -> Label:
    """The label of a post that is made of a pad: at least the pad's (rules L2 and L5)."""
    if problem := pad.problem(group.room_id, group.ceiling):
        raise _NotYet(problem)
    if label is not None and label < pad.label:
        sentence = _("The pad is {label}, and so is what is made of it, or stricter. Please choose another label.")
        raise _NotYet(sentence.format(label=pad.label))
    return max(label or group.default, pad.label)


def _place(groups: Sequence[BlogGroup], given: Mapping[str, str]) -> tuple[BlogGroup, Label | None]:
    group = next((one for one in groups if one.room_id == given["room"]), None)
    if group is None:
        raise _NotYet(_("Please choose a blog that you are in."))
    label = Label.parse(given["label"])
    if given["label"] and label is None:
        raise _NotYet(_("Please choose one of the labels."))
    if label is not None and label > group.ceiling:
        sentence = _("That label is stricter than this blog can carry ({ceiling}). Please choose another.")
        raise _NotYet(sentence.format(ceiling=group.ceiling))
    return group, label


def _read(given: Mapping[str, str]) -> tuple[dict[str, Any], Article]:
    """The message that is to be sent, and what it says."""
    title, text = plain(given["title"]), given["text"].strip("\n")
    if not title:
        raise _NotYet(_("Please give your post a title."))
    if not text.strip():
        raise _NotYet(_("Please write something below the title."))
    content = to_send(f"# {title}\n\n{text}")
    too_long = len(title) > _LONGEST_TITLE or len(text) > LONGEST
    if too_long or len(json.dumps(content, ensure_ascii=False).encode()) > _LONGEST_EVENT:
        raise _NotYet(_("That is longer than a message can be. Please shorten it, or make two posts of it."))
    article = article_of(content)
    if article is None:
        raise _NotYet(_("The title cannot be read as a heading. Please write it in plain words."))
    return content, article
