"""The private attributes of Synapse by which the server itself writes profile fields; held like those of `hooks.py`.

Checked with Synapse 1.163.2; each has its self-test at start-up.
"""

from __future__ import annotations

from typing import Any

from synapse.module_api import ModuleApi
from synapse.types import UserID, create_requester

from synapse_modules.hooks import require


class ProfileHooks:
    """Extended profile fields (MSC4133) in one running Synapse process; made before changes of members are checked."""

    def __init__(self, api: ModuleApi) -> None:
        self._store: Any = api._store
        self._profile: Any = api._hs.get_profile_handler()
        # Taken before they are wrapped (`Hooks.check_profiles`): what the server writes is asked of nobody.
        self._put: Any = getattr(self._profile, "dispatch_set_profile_field", None)
        self._delete: Any = getattr(self._profile, "dispatch_delete_profile_field", None)

    def self_test(self) -> None:
        """Checks that everything used here is there, and takes what it is given.

        Raises:
            HookMissing: naming what is missing.
        """
        require(
            (self._store, "get_profile_fields", {"user_id"}),
            (
                self._profile,
                "dispatch_set_profile_field",
                {"target_user", "requester", "field_name", "new_value", "by_admin"},
            ),
            (self._profile, "dispatch_delete_profile_field", {"target_user", "requester", "field_name", "by_admin"}),
        )

    async def fields(self, user_id: str) -> dict[str, Any]:
        """The fields of a profile besides name and picture."""
        return dict(await self._store.get_profile_fields(UserID.from_string(user_id)))

    async def put(self, user_id: str, name: str, value: object) -> None:
        """Writes one field."""
        await self._put(
            target_user=UserID.from_string(user_id),
            requester=create_requester(user_id),
            field_name=name,
            new_value=value,
            by_admin=True,
        )

    async def delete(self, user_id: str, name: str) -> None:
        """Takes one field away."""
        await self._delete(
            target_user=UserID.from_string(user_id),
            requester=create_requester(user_id),
            field_name=name,
            by_admin=True,
        )
