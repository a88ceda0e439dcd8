"""A synthetic community with what is true of each member apart from what the profile says of it.

What somebody knows is drawn first; then a profile is written about it in the words that this person uses, with
misspellings, with old interests, and with sentences that name a topic without knowing it. Judgements of relevance
look at what is true, never at the words. Knows nothing of the search.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.community_words import FIRST, LANGUAGES, LAST, ORGANISATIONS, ROLES, TAIL_FIRST, TAIL_LAST, TOPICS

AVAILABILITY: Final = ("open to requests", "limited", "not now")
_MISSPELT: Final = 0.03
_SYLLABLES: Final = tuple(
    "ba be bi bo da de di do ka ke ki ko la le li lo ma me mi mo na ne ni no ra re ri ro sa se si so".split()
)


@dataclass(frozen=True, slots=True)
class Person:
    """A member, and what is true of them.

    Attributes:
        number: from 0; the user id is made of it.
        name: first and last.
        organisation: id, name and category.
        main: the one or two topics that they work on.
        skills: topics that they know well besides.
        interested: topics that they follow.
        struggles: topics in which they look for help.
        languages: spoken.
        availability: one of three.
        age_days: since the profile was written.
        fields: what the profile says, by field: tags, or one text.
    """

    number: int
    name: str
    organisation: tuple[str, str, str]
    main: tuple[str, ...]
    skills: tuple[str, ...]
    interested: tuple[str, ...]
    struggles: tuple[str, ...]
    languages: tuple[str, ...]
    availability: str
    age_days: int
    fields: dict[str, tuple[str, ...]]

    @property
    def user_id(self) -> str:
        """Their Matrix id."""
        return f"@m{self.number}:belisha.localhost"


def people(count: int, seed: int = 11, *, tail: int = 1, names: bool = False) -> Iterator[Person]:
    """So many members, the same for the same seed.

    Args:
        count: how many.
        seed: of the draw.
        tail: how many tags of the long tail each has in expertise and interests.
        names: whether last names are invented too, as a large community has them.
    """
    draw = random.Random(seed)
    topics = sorted(TOPICS)
    # Some topics are much more usual than others.
    weights = [1 / (rank + 3) ** 0.7 for rank in range(len(topics))]
    draw.shuffle(topics)
    for number in range(count):
        drawn = _distinct(draw, topics, weights, draw.randint(7, 10))
        main = tuple(drawn[: draw.choice((1, 1, 2))])
        rest = drawn[len(main) :]
        skills, rest = tuple(rest[: draw.randint(1, 3)]), rest[3:]
        interested = tuple(rest[:2])
        struggles = tuple(rest[2 : 2 + draw.randint(0, 2)])
        organisation = draw.choice(ORGANISATIONS)
        last = draw.choice(LAST) if not names else "".join(draw.choices(_SYLLABLES, k=3)).capitalize()
        languages = tuple(dict.fromkeys(["English", *draw.choices(LANGUAGES, k=draw.randint(0, 2))]))
        person = Person(
            number,
            f"{draw.choice(FIRST)} {last}",
            organisation,
            main,
            skills,
            interested,
            struggles,
            languages,
            draw.choices(AVAILABILITY, (5, 3, 2))[0],
            int(draw.expovariate(1 / 200)),
            {},
        )
        person.fields.update(_written(draw, person, tail))
        yield person


def _distinct(draw: random.Random, topics: list[str], weights: list[float], count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[draw.choices(topics, weights)[0]] = None
    return list(found)


def _written(draw: random.Random, person: Person, tail: int) -> dict[str, tuple[str, ...]]:
    """The profile as this person would write it."""
    expertise = [_say(draw, topic) for topic in (*person.main, *person.skills)]
    interests = [_say(draw, topic) for topic in person.interested]
    for tags in (expertise, interests):
        tags += [f"{draw.choice(TAIL_FIRST)} {draw.choice(TAIL_LAST)}" for _ in range(tail)]
    draw.shuffle(expertise)
    role = draw.choice(ROLES[person.organisation[2]])
    if draw.random() < 0.5:
        role = f"{role}, {_say(draw, person.main[0])}"
    return {
        "role": (role,),
        "about": (_about(draw, person),),
        "expertise": tuple(dict.fromkeys(expertise)),
        "interests": tuple(dict.fromkeys(interests)),
        "challenges": tuple(_say(draw, topic) for topic in person.struggles),
        "languages": person.languages,
        "availability": (person.availability,),
    }


def _about(draw: random.Random, person: Person) -> str:
    """A few sentences: mostly of what they do, sometimes of what they do not."""
    other = draw.choice(sorted(TOPICS))
    sentences = [
        draw.choice(("I work on {}.", "My days are about {}.", "For years I have worked on {}.")).format(
            " and ".join(_say(draw, topic) for topic in person.main)
        ),
        draw.choice(
            (
                f"My colleagues look after {_say(draw, other)}.",
                f"I have nothing to do with {_say(draw, other)}.",
                "Happy to talk over coffee.",
                "I write slowly and read everything.",
            )
        ),
        draw.choice(
            (
                f"I would like to learn about {_say(draw, draw.choice(person.interested))}.",
                "Two children, one bicycle.",
                "Find me in the weekly call.",
            )
        ),
    ]
    return " ".join(sentences[: draw.randint(1, 3)])


def _say(draw: random.Random, topic: str) -> str:
    """The topic in this person's words, now and then misspelt."""
    words = TOPICS[topic].words
    text = draw.choices(words, [4, *([1.5] * (len(words) - 1))])[0]
    if draw.random() < 0.15:
        text = text.lower() if draw.random() < 0.7 else text.title()
    if draw.random() < _MISSPELT and len(text) > 6:
        place = draw.randrange(1, len(text) - 2)
        text = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return text
