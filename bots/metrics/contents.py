"""Every section of the managers' pages: its part of an address, its name, and its blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bots.metrics import sections
from bots.metrics.journey_sections import journeys
from bots.metrics.organisation_sections import organisations
from bots.metrics.sections import Asked, Block
from bots.metrics.trust_sections import trust

SECTIONS: Final[Mapping[str, tuple[str, Callable[[Asked], Sequence[Block]]]]] = {
    "overview": ("Overview", sections.overview),
    "growth": ("Growth", sections.growth),
    "retention": ("First steps and staying", sections.retention),
    "journeys": ("Journeys", journeys),
    "trust": ("Trust", trust),
    "groups": ("Groups and labels", sections.groups),
    "organisations": ("Organisations", organisations),
}
