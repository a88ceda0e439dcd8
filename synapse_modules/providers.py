"""Sign-in by an organisation's own provider (OpenID Connect): it speaks for its own people, and for nobody else (M2).

Synapse asks the provider, checks what it has signed, and asks this here whose account that is. Which organisation a
provider is of stands in the configuration; who is of that organisation is read from the registry at that moment,
whatever was decided before. What this refuses, Synapse shows on a page (`sso_error.html`).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from synapse.handlers.sso import MappingException
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.policy.people import Person
from belisha.policy.providers import Word, decide_word, provider_of, read_word
from synapse_modules.refusal import Asked, asked, or_no, raise_if_refused
from synapse_modules.registry_tables import Known, read_all

#: Before a sentence of ours, so that the page tells it from Synapse's own words, which are not for people.
OURS: Final = "belisha: "


class Provider(NamedTuple):
    """One provider, as `belisha render` writes it.

    Attributes:
        organisation: whose people it speaks for.
        name: as members see it.
        claim: the claim that holds the user name.
    """

    organisation: str
    name: str
    claim: str


class OwnPeople:
    """Synapse's `user_mapping_provider` of one organisation; it makes no accounts."""

    def __init__(self, config: Provider, api: ModuleApi) -> None:
        self._provider = config
        self._api = api

    @staticmethod
    def parse_config(raw: dict[str, Any]) -> Provider:
        """Reads its part of homeserver.yaml."""
        return Provider(str(raw["organisation"]), str(raw["name"]), str(raw["claim"]))

    @staticmethod
    def get_remote_user_id(userinfo: dict[str, Any]) -> str:
        """By what the provider knows somebody for good.

        Raises:
            MappingException: it says none.
        """
        subject = read_word(userinfo.get("sub"), None).subject
        if subject is None:
            raise MappingException("The provider says no `sub`.")
        return subject

    async def get_extra_attributes(self, userinfo: dict[str, Any], _token: dict[str, Any]) -> dict[str, Any]:
        """Nothing; but Synapse asks it at each sign-in, where it would ask whose account it is only at the first.

        Raises:
            MappingException: with a sentence.
        """
        await self._localpart(userinfo)
        return {}

    async def map_user_attributes(
        self, userinfo: dict[str, Any], _token: dict[str, Any], failures: int
    ) -> dict[str, Any]:
        """The user name of the account that somebody signs in to for the first time; it is there already.

        Raises:
            MappingException: with a sentence.
        """
        if failures:  # Synapse looks for a name that nobody has: to make an account
            raise MappingException("Accounts are made by the registry.")
        return {"localpart": await self._localpart(userinfo), "display_name": None, "emails": []}

    async def _localpart(self, userinfo: dict[str, Any]) -> str:
        word = read_word(userinfo.get("sub"), userinfo.get(self._provider.claim))
        try:
            return await or_no(self._allowed, word)
        except SynapseError as error:
            raise MappingException(OURS + error.msg) from None

    async def _allowed(self, word: Word) -> str:
        person, is_other = await self._api.run_db_interaction("belisha_provider", self._meant, word)
        own, shown = self._provider.organisation, self._provider.name
        if person is not None and person.organisation == own:  # for the audit log; of others a provider says nothing
            asked.set(Asked(person.user_id))
        raise_if_refused(decide_word(own, shown, word, person, is_other=is_other))
        if person is None:
            raise RuntimeError("whoever may sign in is somebody")
        return person.localpart

    def _meant(self, txn: LoggingTransaction, word: Word) -> tuple[Person | None, bool]:
        """Whose account that is now, and whether it belongs to another `sub` of this provider."""
        if word.subject is None:
            return None, False
        known, provider = Known(*read_all(txn)), provider_of(self._provider.organisation)
        txn.execute(
            "SELECT user_id FROM user_external_ids WHERE auth_provider = ? AND external_id = ?",
            (provider, word.subject),
        )
        if row := txn.fetchone():
            return known.person(str(row[0])), False
        user_id = f"@{word.name}:{self._api.server_name}"
        if word.name is None or not self._has_account(txn, user_id):
            return None, False
        txn.execute("SELECT 1 FROM user_external_ids WHERE auth_provider = ? AND user_id = ?", (provider, user_id))
        return known.person(user_id), txn.fetchone() is not None

    @staticmethod
    def _has_account(txn: LoggingTransaction, user_id: str) -> bool:
        txn.execute("SELECT 1 FROM users WHERE name = ? AND deactivated = 0", (user_id,))
        return txn.fetchone() is not None
