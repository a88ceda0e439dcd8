"""The private attributes of Synapse by which the server itself writes profile fields; held like those of `hooks.py`.

Checked with Synapse 1.163.2; each has its self-test at start-up.
"""

from __future__ import annotations

from typing import Any

from synapse.module_api import ModuleApi
from synapse.types import ScheduledTask, UserID, create_requester

from synapse_modules.hooks import require


class _OneTask:
    """Synapse's scheduler of tasks, in which one member's rooms are never being changed by more than one."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scheduler, name)

    async def get_tasks(self, **asked: Any) -> list[ScheduledTask]:
        """The oldest of the tasks asked for; those behind it are ended, as the asker is about to end this one."""
        found: list[ScheduledTask] = await self._scheduler.get_tasks(**asked)
        for task in found[1:]:
            await self._scheduler.cancel_task(task.id)
        return found[:1]


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
            (self._profile, "_update_join_states", {"requester", "target_user"}),
            (self._profile._task_scheduler, "get_tasks", {"actions", "resource_id", "statuses"}),
            (self._profile._task_scheduler, "cancel_task", {"id"}),
        )

    def allow_many_changes(self) -> None:
        """Lets a member change name and picture several times in a row.

        Each change ends the task that carries the one before into the member's rooms. On several processes that end
        comes later than the next change, which then finds two tasks and fails with a 500 although it was kept.
        """
        self._profile._task_scheduler = _OneTask(self._profile._task_scheduler)

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
