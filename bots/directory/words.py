"""What the directory says in chat. Members' own words stand behind a field's name, so none of them begins a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from belisha.directory.fields import FIELDS, Visibility
from belisha.directory.values import PAGE, Answer, Hit
from belisha.translation import _, many, marked
from bots.directory.profiles import Kept, Shown
from bots.kernel.answers import Block, Link, Strong, Typed, Words, paragraph, points, say
from bots.kernel.listed import Listed

LABELS: Final = {
    "role": marked("Role"),
    "about": marked("About"),
    "expertise": marked("Expertise"),
    "interests": marked("Interests"),
    "challenges": marked("Challenges"),
    "languages": marked("Languages"),
    "availability": marked("Availability"),
    "contact": marked("Contact"),
    "name": marked("Name"),
    "organisation": marked("Organisation"),
}
SEEN_BY: Final = {
    Visibility.COMMUNITY: marked("the whole community"),
    Visibility.GROUPS: marked("those in a group with you"),
    Visibility.NOBODY: marked("nobody but you"),
}
#: What is asked for each field that says nothing yet, and how it is written.
ASKED: Final = {
    "role": (marked("What do you do?"), "!profile role Threat analyst"),
    "about": (marked("What should others know of your work?"), "!profile about I run our takedown desk"),
    "expertise": (marked("What can others ask you about?"), "!profile expertise + image hashing, OSINT"),
    "interests": (marked("What are you interested in?"), "!profile interests + age assurance"),
    "challenges": (marked("What could you use help with?"), "!profile challenges + appeals at scale"),
    "languages": (marked("Which languages do you speak?"), "!profile languages + English, Welsh"),
    "availability": (marked("May others ask you for help?"), "!profile availability open to requests"),
    "contact": (marked("How do you like to be reached?"), "!profile contact Matrix, mornings"),
}


def label(field_id: str) -> str:
    """A field's name for people."""
    return _(LABELS[field_id])


def own(kept: Kept, listed: Listed, portal: str) -> Sequence[Block]:
    """One's own profile with who sees what, and what to say next."""
    blocks: list[Block] = [_heading(listed)]
    if kept.fields:
        blocks.append(
            points(
                [
                    (
                        f"{label(key)}: {said(kept.fields[key])} ",
                        _("(seen by {who})").format(who=_(SEEN_BY[kept.visibility(key)])),
                    )
                    for key in FIELDS
                    if key in kept.fields
                ]
            )
        )
        blocks.append(
            say(
                _("To change who sees something, write {visible}; to see what others see, {preview}."),
                visible=Typed("!profile visible contact nobody"),
                preview=Typed("!profile preview"),
            )
        )
    else:
        blocks.append(paragraph(_("Nothing else is in your profile yet, so others find you by your name alone.")))
    following = next((key for key in FIELDS if key not in kept.fields), None)
    if following is not None and kept.fields:
        question, example = ASKED[following]
        blocks.append(
            say(_("Next: {question} Write for example {example}."), question=_(question), example=Typed(example))
        )
        blocks.append(say(_("Or have me ask, one after the other: {guide}."), guide=Typed("!profile guide")))
    if portal:
        blocks.append(paragraph(_("All of it on one page: "), Link(_("edit my profile"), f"{portal}/profile/edit")))
    return blocks


def preview(listed: Listed, strangers: Shown, groups: Shown) -> Sequence[Block]:
    """One's own profile as others see it."""
    blocks: list[Block] = [paragraph(Strong(_("What every member sees:"))), *card(strangers)]
    more = {key: value for key, value in groups.fields.items() if key not in strangers.fields}
    if more:
        blocks.append(paragraph(Strong(_("What those in a group with you see besides:"))))
        blocks.append(points([_line(key, value) for key, value in more.items()]))
    else:
        blocks.append(paragraph(_("Those in a group with you see the same.")))
    return blocks


def card(shown: Shown) -> Sequence[Block]:
    """A profile as somebody may see it."""
    if not shown.fields:
        return (_heading(shown.listed), paragraph(_("There is nothing more in this profile that you may see.")))
    return (_heading(shown.listed), points([_line(key, value) for key, value in shown.fields.items()]))


def changed(field_id: str, kept: Kept) -> Sequence[Block]:
    """What a field says now, and who sees it."""
    who = _(SEEN_BY[kept.visibility(field_id)])
    if field_id not in kept.fields:
        return (say(_("Done: {field} says nothing now."), field=label(field_id)),)
    return (
        say(
            _("Done. {field}: {value}. Seen by {who}."),
            field=label(field_id),
            value=said(kept.fields[field_id]),
            who=who,
        ),
    )


def asks(field_id: str, kept: Kept) -> Sequence[Block]:
    """What the guide asks for, and how to answer it."""
    question, example = ASKED[field_id]
    heading = (Strong(f"{label(field_id)}. "), _(question))
    seen = _("Seen by {who}.").format(who=_(SEEN_BY[kept.visibility(field_id)]))
    if choices := FIELDS[field_id].choices:
        like = _("It is one of {choices}.").format(choices=", ".join(choices))
    else:
        # The same as a command, without what only commands need.
        shown = example.removeprefix(f"!profile {field_id} ").removeprefix("+ ")
        like = _("For example: {example}.").format(example=shown)
    return (
        paragraph(*heading, f" {like} {seen}"),
        say(
            _("Just write it, or {skip} to leave it out, or {stop}."),
            skip=Typed(_("skip")),
            stop=Typed(_("stop")),
        ),
    )


def so_far(kept: Kept) -> Sequence[Block]:
    """What the guide leaves behind."""
    if not kept.fields:
        return (paragraph(_("Your profile says nothing yet.")),)
    lines = [_line(key, kept.fields[key]) for key in FIELDS if key in kept.fields]
    return (paragraph(_("Your profile says:")), points(lines))


def guided(kept: Kept) -> Sequence[Block]:
    """The end of the guide."""
    return (
        paragraph(_("That is all there is to ask.")),
        *so_far(kept),
        say(_("To see it as others do, write {preview}."), preview=Typed("!profile preview")),
    )


def seen_by(field_id: str, kept: Kept) -> Sequence[Block]:
    """Who sees a field from now on."""
    who = _(SEEN_BY[kept.visibility(field_id)])
    return (say(_("Done: {field} is seen by {who}."), field=label(field_id), who=who),)


def found(answer: Answer, listed: Mapping[str, Listed], page: int, link: str) -> Sequence[Block]:
    """A page of hits, each with why it was found."""
    blocks: list[Block] = [paragraph(answer.said)] if answer.said else []
    hits = [(hit, listed[hit.user_id]) for hit in answer.hits if hit.user_id in listed]
    if not hits and answer.said:
        return blocks
    if not hits:
        return (
            paragraph(_("Nobody was found whose profile says that, as far as you may see it.")),
            say(
                _("Fewer words find more; so does the beginning of a word, such as {hash}."), hash=Typed("!find hash*")
            ),
        )
    for typed, meant in answer.corrected.items():
        blocks.append(say(_("Nobody's profile says “{typed}”; I read “{meant}”."), typed=typed, meant=meant))
    if said := partly(answer):
        blocks.append(paragraph(said))
    many_found = many("{count} member was found:", "{count} members were found:", answer.total)
    blocks.append(paragraph(many_found))
    blocks.append(points([(*_name(one), _because(hit)) for hit, one in hits]))
    if answer.total > page * PAGE:
        blocks.append(say(_("For more, add {page}."), page=Typed(f"--page {page + 1}")))
    if link:
        blocks.append(paragraph(Link(_("the same on the portal"), link)))
    return blocks


def partly(answer: Answer) -> str:
    """How many have all that was asked for, where some who were found have less; else empty."""
    if answer.full >= answer.total:
        return ""
    if not answer.full:
        return _("Nobody has all of that; these have some of it.")
    return many(
        "{count} member has all of that; the others have some of it.",
        "{count} members have all of that; the others have some of it.",
        answer.full,
    )


def challenges(matches: Mapping[str, Sequence[Hit]], listed: Mapping[str, Listed], example: str) -> Sequence[Block]:
    """For each challenge, who could help."""
    if not matches:
        return (
            paragraph(_("Your profile names no challenge yet.")),
            say(_("Say what you could use help with: {example}"), example=Typed(example)),
        )
    blocks: list[Block] = []
    for challenge, hits in matches.items():
        blocks.append(say(_("For the challenge “{challenge}”:"), challenge=challenge))
        lines = [(*_name(listed[hit.user_id]), _because(hit)) for hit in hits if hit.user_id in listed]
        blocks.append(points(lines) if lines else paragraph(_("Nobody yet whose expertise fits.")))
    return blocks


def nudge() -> Sequence[Block]:
    """The only words that a member ever hears of an empty profile by themselves."""
    return (
        paragraph(_("Others look for people who know what they need, and your profile is empty.")),
        say(
            _("Two or three words are enough: {example}. I will not bring this up again."),
            example=Typed(ASKED["expertise"][1]),
        ),
    )


def said(value: Sequence[str]) -> str:
    """What a field says, in one line."""
    return ", ".join(value)


def _line(field_id: str, value: Sequence[str]) -> tuple[Words, ...]:
    return (f"{label(field_id)}: {said(value)}",)


def _name(listed: Listed) -> tuple[Words, ...]:
    return (Strong(listed.name), f", {listed.organisation_name} (", Typed(listed.user_id), ")")


def _heading(listed: Listed) -> Block:
    return paragraph(*_name(listed))


def _because(hit: Hit) -> str:
    """Why somebody was found."""
    reasons = [
        {
            "synonym": _("{field}: {text} (means the same as {typed})"),
            "typo": _("{field}: {text} (for {typed})"),
        }.get(one.how, _("{field}: {text}")).format(field=label(one.field), text=one.text, typed=one.typed)
        for one in hit.reasons
    ]
    return f". {'; '.join(reasons)}" if reasons else ""
