"""The parts of the module in one Synapse process, made by `module` and handed to those who need several."""

from __future__ import annotations

from typing import NamedTuple

from synapse.module_api import ModuleApi

from belisha.policy.state import Surroundings
from synapse_modules.audit import Audit
from synapse_modules.audit_open import OpenActs
from synapse_modules.copies import Copies
from synapse_modules.exports import Exports
from synapse_modules.files import Files
from synapse_modules.holds import Holds
from synapse_modules.hooks import Hooks
from synapse_modules.introductions import Introductions
from synapse_modules.journal import Journal
from synapse_modules.ledger import Ledger
from synapse_modules.making import Makings
from synapse_modules.media import Media
from synapse_modules.moderation import Moderation
from synapse_modules.own_events import OwnEvents
from synapse_modules.policies import Policies
from synapse_modules.readers import Readers
from synapse_modules.recovery import Recoveries
from synapse_modules.registration import Registrations
from synapse_modules.registry import Registry
from synapse_modules.relabelling import Relabelling
from synapse_modules.reports import Reports
from synapse_modules.rights import Rights
from synapse_modules.rooms import Rooms
from synapse_modules.screening.watch import Watch
from synapse_modules.sign_in import SignIn
from synapse_modules.syslog import Syslog
from synapse_modules.upgrades import Upgrades
from synapse_modules.waiting import Waiting


class Parts(NamedTuple):
    """Each part does one job; `about` is what the community's settings say to decisions."""

    api: ModuleApi
    about: Surroundings
    hooks: Hooks
    own: OwnEvents
    registry: Registry
    ledger: Ledger
    relabelling: Relabelling
    rooms: Rooms
    rights: Rights
    policies: Policies
    upgrades: Upgrades
    registrations: Registrations
    readers: Readers
    files: Files
    media: Media
    copies: Copies
    journal: Journal
    audit: Audit
    moderation: Moderation
    makings: Makings
    reports: Reports
    waiting: Waiting
    recoveries: Recoveries
    watch: Watch
    open_acts: OpenActs
    exports: Exports
    sign_in: SignIn
    syslog: Syslog
    holds: Holds

    @property
    def introductions(self) -> Introductions:
        """What waits for two members to agree; their rooms are made by `makings`."""
        return self.makings.introductions
