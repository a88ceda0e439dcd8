"""Queries as people type them, with what they mean, and how well each member answers them.

The grades follow from what is true of a member (`Person.main`, `skills` …) and never from words or from the search:

- somebody who works on it 3, somebody who knows it well 2, somebody who follows it 1, somebody who works on what is
  near it 1;
- where a language or a kind of organisation is asked for as well: who lacks it has at most 1;
- a person by name 3, another of that last name 1; an organisation's people 2.

Every second query is held out: ranking was tuned on the others alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.community import Person
from bench.community_words import TOPICS


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed, and what is meant by it.

    Attributes:
        text: as typed.
        topic: the topic asked for.
        language: that is asked for as well.
        category: of organisation, that is asked for as well.
        organisation: id of one that is asked for (alone, or as well).
        name: of a person.
        also: a second topic; who has only one of both has at most 1.
    """

    text: str
    topic: str = ""
    language: str = ""
    category: str = ""
    organisation: str = ""
    name: str = ""
    also: str = ""


QUERIES: Final = (
    Query("image hashing", "hashing"),
    Query("perceptual hashing", "hashing"),
    Query("photodna", "hashing"),
    Query("hash matching", "hashing"),
    Query("video hashing", "video"),
    Query("fingerprinting video", "video"),
    Query("grooming", "grooming"),
    Query("online grooming", "grooming"),
    Query("groming detection", "grooming"),
    Query("detecting grooming", "grooming"),
    Query("osint", "osint"),
    Query("open source intelligence", "osint"),
    Query("open-source investigations", "osint"),
    Query("OSNT", "osint"),
    Query("dark web", "darkweb"),
    Query("darknet", "darkweb"),
    Query("blockchain analysis", "crypto"),
    Query("cryptocurrency tracing", "crypto"),
    Query("bitcoin", "crypto"),
    Query("victim identification", "victimid"),
    Query("victim id", "victimid"),
    Query("forensics", "forensics"),
    Query("mobile forensics", "forensics"),
    Query("sextortion", "sextortion"),
    Query("sexual extortion", "sextortion"),
    Query("deepfakes", "genai"),
    Query("deepfake", "genai"),
    Query("synthetic media", "genai"),
    Query('"generative ai"', "genai"),
    Query("nlp", "nlp"),
    Query("natural langauge processing", "nlp"),
    Query("age verification", "ageassurance"),
    Query("age assur", "ageassurance"),
    Query("gdpr", "privacy"),
    Query("data protection", "privacy"),
    Query("end to end encryption", "encryption"),
    Query("e2ee", "encryption"),
    Query("dsa", "regulation"),
    Query("digital services act", "regulation"),
    Query("transparency reports", "transparency"),
    Query("helplines", "helpline"),
    Query("moderator welfare", "wellbeing"),
    Query("moderator wellbeing", "wellbeing"),
    Query("media literacy", "education"),
    Query("vr safety", "vr"),
    Query("mlat", "legal"),
    Query("takedown", "takedown"),
    Query("malware analysis", "malware"),
    Query("reverse engineering", "malware"),
    Query("threat intel", "intel"),
    Query("threat intelligence", "intel"),
    Query("misp", "sharing"),
    Query("incident response", "incident"),
    Query("terrorist content", "extremism"),
    Query("human trafficking", "trafficking"),
    Query("anti trafficking", "trafficking"),
    Query("disinformation", "disinfo"),
    Query("disinformaton", "disinfo"),
    Query("cyberbullying", "harassment"),
    Query("suicide prevention", "selfharm"),
    Query("romance scam", "scams"),
    Query("prevalence measurement", "metrics"),
    Query("who knows about phishing", "phishing"),
    Query("experts in age estimation", "ageassurance"),
    Query("image hashing german", "hashing", language="German"),
    Query("grooming detection french", "grooming", language="French"),
    Query("osint swahili", "osint", language="Swahili"),
    Query("content moderation spanish", "moderation", language="Spanish"),
    Query("forensics police", "forensics", organisation="coastpolice"),
    Query("deepfakes academia", "genai", category="academia"),
    Query("hashing industry", "hashing", category="industry"),
    Query("trafficking charity", "trafficking", category="charity"),
    Query("grooming nlp", "grooming", also="nlp"),
    Query("osint cryptocurrency tracing", "osint", also="crypto"),
    Query("pixelpond", organisation="pixelpond"),
    Query("harbour trust", organisation="harbour"),
    Query("amara okafor", name="Amara Okafor"),
    Query("viktor lindqvist", name="Viktor Lindqvist"),
    Query("lena mwang", name="Lena Mwangi"),
    Query("nadia tanakka", name="Nadia Tanaka"),
)

TUNED, HELD_OUT = QUERIES[::2], QUERIES[1::2]


def grade(query: Query, person: Person) -> int:
    """How well a member answers: from 0, not at all, to 3."""
    if query.name:
        last = query.name.split()[-1]
        return 3 if person.name == query.name else int(person.name.split()[-1] == last)
    if not query.topic:
        return 2 if person.organisation[0] == query.organisation else 0
    found = _knows(query.topic, person)
    lacks = (
        (query.language and query.language not in person.languages)
        or (query.category and query.category != person.organisation[2])
        or (query.organisation and query.organisation != person.organisation[0])
    )
    if query.also:
        other = _knows(query.also, person)
        return max(found, other) if min(found, other) >= 2 else min(1, max(found, other))
    return min(found, 1) if lacks else found


def _knows(topic: str, person: Person) -> int:
    if topic in person.main:
        return 3
    if topic in person.skills:
        return 2
    near = any(other in person.main for other in TOPICS[topic].near)
    return int(topic in person.interested or near)


def grades(query: Query, community: Sequence[Person]) -> dict[str, int]:
    """The members that answer a query at all, by user id."""
    found = {person.user_id: grade(query, person) for person in community}
    return {user_id: value for user_id, value in found.items() if value}
