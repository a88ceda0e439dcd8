"""The directory's pages. What each shows is decided by what the module says at that moment (rule P2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from belisha.directory.fields import AVAILABILITY, FIELDS, Visibility
from belisha.directory.values import PAGE, Facets
from belisha.directory.written import LONGEST, plain, split
from belisha.export import Cell, disposition, file_name, table
from belisha.policy.people import CATEGORIES
from belisha.tlp import Label
from bots.directory.profiles import Kept, seen
from bots.directory.words import LABELS, partly
from bots.kernel.listed import Sight
from bots.portal.book import Found
from bots.portal.guard import Refused
from bots.portal.pages import chip, describe, part
from bots.portal.views_profile import sight_of
from bots.portal.visit import Visit, see

_FOR_MEMBERS, _FOR_FEW = Label.GREEN, Label.AMBER
#: Facets that members write themselves, for whom they choose; the others are the registry's.
_WRITTEN: Final = frozenset({"interest", "availability"})
#: So many characters of a question count, and so many pages are turned through.
_QUESTION: Final = 200
_PAGES: Final = 20
_CHALLENGES: Final = 10
#: The facets, in the order in which they are offered, with their names for people.
_FACETS: Final = {
    "category": "Category",
    "organisation": "Organisation",
    "interest": "Interest",
    "availability": "Availability",
}


async def directory(visit: Visit) -> web.Response:
    """Finds members by what their profiles say, narrowed down as wished, a page at a time."""
    asked = _Asked.of(visit)
    sight, found, cards = await _find(visit, asked)
    offered = _offered(asked, found)
    # What is offered to narrow down by is made of what some show to their groups alone, too.
    of_few = found.answer.counts_for_few and any(one["key"] in _WRITTEN for one in offered)
    return visit.page(
        "directory",
        max(_label_of(cards), _FOR_FEW if of_few else _FOR_MEMBERS),
        asked=asked,
        answer=found.answer,
        notes=_notes(found),
        cards=cards,
        facets=offered,
        active=_active(asked, found),
        previous=asked.address(page=asked.page - 1) if asked.page > 1 else None,
        following=asked.address(page=asked.page + 1) if found.answer.total > asked.page * PAGE else None,
        is_manager="manager" in visit.known.member.roles,
        sight=sight,
    )


async def hits(visit: Visit) -> web.Response:
    """The same as JSON, for the page's script to show while somebody types."""
    _sight, found, cards = await _find(visit, _Asked.of(visit))
    label = _label_of(cards)
    content = {
        "label": {"name": str(label), "style": chip(label), "says": describe(label)},
        "said": _said(found),
        "notes": _notes(found),
        "hits": [
            {key: card[key] for key in ("address", "name", "organisation", "role", "expertise", "reasons")}
            for card in cards
        ],
    }
    return web.json_response(content)


async def member(visit: Visit) -> web.Response:
    """One member's profile, as far as I may see it; who is not there and who may not act are the same."""
    asked = visit.request.match_info["user_id"]
    sight = await sight_of(visit, asked)
    listed = sight.about[0] if sight.about else None
    if listed is None or listed.user_id != asked:
        raise Refused(HTTPStatus.NOT_FOUND)
    shown = await visit.parts.book.seen(listed, sight)
    public = (await visit.parts.book.kept(listed.user_id)).shown({Visibility.COMMUNITY})
    label = _FOR_MEMBERS if shown.fields.keys() <= public.keys() else _FOR_FEW
    return visit.page("member", label, shown=shown, labels=LABELS, fields=FIELDS, is_me=listed == sight.asker)


async def challenges(visit: Visit) -> web.Response:
    """For each of my challenges, who could help."""
    matches = await visit.parts.book.matches(await sight_of(visit), _CHALLENGES)
    people = sorted({hit.user_id for found in matches.values() for hit in found})
    sight = await sight_of(visit, *people)
    listed = {one.user_id: one for one in sight.about if one is not None}
    cards = {
        challenge: [
            {
                "address": _address(hit.user_id),
                "listed": listed[hit.user_id],
                "reasons": [str(one) for one in hit.reasons],
            }
            for hit in found
            if hit.user_id in listed
        ]
        for challenge, found in matches.items()
    }
    return visit.page("challenges", _FOR_FEW, cards=cards)


async def introductions(visit: Visit) -> web.Response:
    """The introductions that wait for my answer, which is given in my own chat (rule P3)."""
    found = await visit.parts.homeserver.listed("introductions", visit.known.member.user_id)
    return visit.page("introductions", _FOR_FEW, introductions=found)


async def tags(visit: Visit) -> web.Response:
    """Tags that begin so, for the editor's script; of those that every member may read."""
    field = FIELDS.get(visit.request.query.get("field", ""))
    begins = plain(visit.request.query.get("begins", "")[:_QUESTION])
    if field is None or not field.tags:
        raise Refused(HTTPStatus.NOT_FOUND)
    return web.json_response({"tags": list(await visit.parts.book.suggest(field.id, begins))})


async def profiles_csv(visit: Visit) -> web.Response:
    """What every member may read of everybody, as a table for managers."""
    _managers_only(visit)
    sight = await sight_of(visit)
    rows: list[list[Cell]] = [
        [
            one.listed.user_id,
            one.listed.name,
            one.listed.organisation_name,
            one.listed.category,
            *("; ".join(one.fields.get(key, ())) for key in FIELDS),
        ]
        for one in await visit.parts.book.public(sight)
    ]
    heads = ["Member", "Name", "Organisation", "Category", *(LABELS[key] for key in FIELDS)]
    headers = {"Content-Disposition": disposition(file_name("directory", _FOR_MEMBERS, "csv"))}
    body = table(_FOR_MEMBERS, heads, rows)
    return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)


async def synonyms(visit: Visit) -> web.Response:
    """Which terms mean the same, for managers."""
    _managers_only(visit)
    return await _synonyms(visit)


async def change_synonyms(visit: Visit) -> web.Response:
    """Adds terms that mean the same, or takes one away."""
    _managers_only(visit)
    written = visit.form.get("terms", "")
    if gone := visit.form.get("gone"):
        await visit.parts.book.remove_synonym(plain(gone))
        return see("/directory/synonyms?done=changed")
    try:
        if len(written) > LONGEST:
            raise ValueError("That is too long. Please write fewer terms.")
        await visit.parts.book.add_synonyms([plain(one) for one in split(written)])
    except ValueError as wrong:
        return await _synonyms(visit, str(wrong), written[:LONGEST])
    return see("/directory/synonyms?done=changed")


async def _synonyms(visit: Visit, problem: str = "", given: str = "") -> web.Response:
    return visit.page(
        "synonyms",
        _FOR_MEMBERS,
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        groups=await visit.parts.book.synonyms(),
        problem=problem,
        given=given,
        done=visit.request.query.get("done") == "changed",
    )


def _managers_only(visit: Visit) -> None:
    if "manager" not in visit.known.member.roles:
        raise Refused(HTTPStatus.NOT_FOUND)


class _Asked:
    """What somebody looks for."""

    def __init__(self, query: str, facets: Mapping[str, str], page: int) -> None:
        self.query = query
        self.facets = facets
        self.page = page

    @classmethod
    def of(cls, visit: Visit) -> _Asked:
        given = visit.request.query
        facets = {key: plain(given[key][:_QUESTION]) for key in _FACETS if given.get(key)}
        page = given.get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 4 else 1
        return cls(plain(given.get("q", "")[:_QUESTION]), facets, min(max(number, 1), _PAGES))

    def address(self, page: int = 1, changed: Mapping[str, str] = MappingProxyType({})) -> str:
        """The address of the same with something changed; an empty facet is left out."""
        values = {"q": self.query, **self.facets, **changed} | ({"page": str(page)} if page > 1 else {})
        query = urlencode({key: value for key, value in values.items() if value})
        return f"/directory?{query}" if query else "/directory"


async def _find(visit: Visit, asked: _Asked) -> tuple[Sight, Found, Sequence[Mapping[str, Any]]]:
    sight = await sight_of(visit)
    found = await visit.parts.book.find(asked.query, sight, Facets(**asked.facets), asked.page)
    # Names are the registry's at this moment, and whoever has lost the right meanwhile is not shown.
    again = await sight_of(visit, *(hit.user_id for hit in found.answer.hits))
    listed = {one.user_id: one for one in again.about if one is not None}
    nothing = Kept()
    cards = []
    for hit in found.answer.hits:
        one, kept = listed.get(hit.user_id), found.kept.get(hit.user_id, nothing)
        if one is None:
            continue
        fields = seen(kept, one, sight).fields
        shown = {"role", "expertise", *(reason.field for reason in hit.reasons)} & fields.keys()
        cards.append(
            {
                "address": _address(one.user_id),
                "name": one.name,
                "organisation": one.organisation_name,
                "role": "".join(fields.get("role", ())),
                "expertise": fields.get("expertise", ())[:5],
                "reasons": [str(reason) for reason in hit.reasons],
                "for_few": any(kept.visibility(key) is not Visibility.COMMUNITY for key in shown),
            }
        )
    return sight, found, cards


def _label_of(cards: Sequence[Mapping[str, Any]]) -> Label:
    """The strictest of what the cards show."""
    return _FOR_FEW if any(card["for_few"] for card in cards) else _FOR_MEMBERS


def _notes(found: Found) -> list[str]:
    """What is to be known of the hits: what was read in place of a word, and that some have less than was asked for."""
    answer = found.answer
    read = [f"Nobody's profile says “{typed}”, so this is for “{meant}”." for typed, meant in answer.corrected.items()]
    return [*read, *filter(None, [partly(answer)])]


def _said(found: Found) -> str:
    answer = found.answer
    if answer.said and not answer.hits:
        return answer.said
    count = f"{answer.total}{' and more' if answer.more else ''}"
    return f"{answer.said} {count} {'member' if answer.total == 1 and not answer.more else 'members'}".strip()


def _address(user_id: str) -> str:
    return f"/directory/members/{part(user_id)}"


def _offered(asked: _Asked, found: Found) -> Sequence[Mapping[str, Any]]:
    """The facets by which hits can be narrowed down further, with how many would be left."""
    offered = []
    for key, name in _FACETS.items():
        counts = found.answer.counts.get(key, {})
        if key in asked.facets or len(counts) < 2:
            continue
        known = {"category": CATEGORIES, "availability": AVAILABILITY}.get(key)
        order = sorted(counts, key=lambda value: (-counts[value], value))
        values = [
            {"address": asked.address(changed={key: value}), "name": _named(key, value, found), "count": counts[value]}
            for value in order[:20]
            if known is None or value in known
        ]
        offered.append({"key": key, "name": name, "values": values})
    return offered


def _active(asked: _Asked, found: Found) -> Sequence[Mapping[str, str]]:
    return [
        {"name": _FACETS[key], "value": _named(key, value, found), "without": asked.address(changed={key: ""})}
        for key, value in asked.facets.items()
    ]


def _named(key: str, value: str, found: Found) -> str:
    return found.organisations.get(value, value) if key == "organisation" else value
