"""What of a profile is indexed, for whom: one document for the community, one more for those who share a group.

The second holds what the first does and the fields for groups besides, so either alone says whether a profile is a hit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from belisha.directory.fields import FIELDS, REGISTRY, Visibility
from belisha.directory.text import storable, words
from belisha.directory.values import Profile

#: Between two tags in `interests`; no tag can hold it, since it is taken out.
BETWEEN: Final = "\x1f"
EXPERTISE: Final = FIELDS["expertise"].code


@dataclass(frozen=True, slots=True)
class Document:
    """What may be found of a profile by one audience.

    Attributes:
        availability: what that field says, or "".
        interests: the tags of that field that have words, in the order of `flat`.
        texts: what was indexed, as it was written: code of the field and text.
        flat: the keys, as `|e image hash |i osint |`: each tag or text with its field's code in front.
    """

    availability: str
    interests: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]
    flat: str

    @property
    def segments(self) -> list[tuple[str, list[str]]]:
        """Code and keys of each tag or text."""
        return [(part[0], part[2:].split()) for part in self.flat[1:-1].split("|") if part]


def documents(profile: Profile) -> tuple[Document, Document | None]:
    """The community's document, and the one for those who share a group where that has more."""
    seen = {name: profile.visibility.get(name, field.visibility) for name, field in FIELDS.items()}
    filled = {name for name in FIELDS if profile.fields.get(name)}
    everybody = {name for name in filled if seen[name] is Visibility.COMMUNITY}
    groups = {name for name in filled if seen[name] is Visibility.GROUPS and _found_by(name)}
    return _document(profile, everybody), _document(profile, everybody | groups) if groups else None


def expertise_of(flat: str) -> str:
    """The part of a document's keys that is its expertise, whose tags stand one behind the other; `||` for none."""
    tag = f"|{EXPERTISE} "
    first, last = flat.find(tag), flat.rfind(tag)
    return flat[first : flat.find("|", last + 1) + 1] if first >= 0 else "||"


def _found_by(name: str) -> bool:
    return FIELDS[name].weight > 0 or FIELDS[name].facet


def _document(profile: Profile, names: set[str]) -> Document:
    texts = [("n", _cut(profile.name, 200)), ("o", _cut(f"{profile.organisation_name} {profile.category}", 200))]
    interests = []
    for name, field in FIELDS.items():
        if name in names and field.weight:
            texts += [(field.code, _cut(text, field.length)) for text in profile.fields[name][: field.most]]
    flat, kept = [], []
    for code, text in texts:
        keys = [word.key for word in words(text)]
        if keys:
            flat.append(f"{code} {' '.join(keys)} ")
            kept.append((code, text))
            if code == FIELDS["interests"].code:
                interests.append(text)
    availability = profile.fields["availability"][0] if "availability" in names else ""
    return Document(_cut(availability, 40), tuple(interests), tuple(kept), f"|{'|'.join(flat)}|")


def _cut(text: str, length: int) -> str:
    """What a database takes and one line holds; the field's own limit is held to again, whoever has called."""
    return storable(text).replace(BETWEEN, " ")[:length]


def weight(code: str) -> float:
    """What a match in a field counts."""
    return REGISTRY[code][1] if code in REGISTRY else _WEIGHTS[code]


def name_of(code: str) -> str:
    """The field's id, or what the registry's part is called."""
    return REGISTRY[code][0] if code in REGISTRY else _NAMES[code]


_WEIGHTS: Final = {field.code: field.weight for field in FIELDS.values()}
CODES: Final = (*REGISTRY, *_WEIGHTS)
_NAMES: Final = {field.code: field.id for field in FIELDS.values()}
