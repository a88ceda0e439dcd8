"""A module for one benchmark only: Belisha, whose part in sending is swapped while Synapse runs.

Loaded in place of the product's module; it is the product's, and the product knows nothing of it. The server it runs in
lives for one benchmark, on 127.0.0.1, with made-up members.
"""

from __future__ import annotations

import time
from typing import Any, Final

from synapse.events import EventBase
from synapse.http.site import SynapseRequest
from synapse.module_api import DirectServeJsonResource, ModuleApi, StateMap, parse_json_object_from_request

from synapse_modules.module import BelishaModule, Config
from synapse_modules.registry import Member, Organisation

BENCH_API: Final = "/_synapse/org.belisha/bench"
MODULE: Final = "bench.send_switch.SendSwitch"
ORGANISATION: Final = "bench"


async def one_key(event: EventBase, _state: StateMap[EventBase]) -> tuple[bool, dict[str, Any] | None]:
    """The least that a module which labels has to do: replace each message by itself and one key."""
    if event.type != "m.room.message":
        return True, None
    draft = event.get_dict()
    draft["content"] = {**draft["content"], "org.example.label": "green"}
    return True, draft


class SendSwitch(BelishaModule):
    """Belisha's module, with a local API that says who answers `check_event_allowed`."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        callbacks = api._callbacks.third_party_event_rules._check_event_allowed_callbacks
        if callbacks != [self.check_event_allowed]:
            raise RuntimeError("Belisha's is not the one check_event_allowed of this Synapse")
        api.register_web_resource(BENCH_API, _Api(self, api, callbacks))


class _Api(DirectServeJsonResource):
    isLeaf = True

    def __init__(self, module: SendSwitch, api: ModuleApi, callbacks: list[Any]) -> None:
        super().__init__()
        self._module = module
        self._module_api = api
        self._callbacks = callbacks
        self._spent: list[int] = []
        self._choices: dict[str, list[Any]] = {
            "none": [],
            "one_key": [one_key],
            "belisha": [module.check_event_allowed],
            "timed": [self._timed],
        }
        self._acts = {"callback": self._callback, "spent": self._take_spent, "people": self._people, "fill": self._fill}

    async def _async_render_POST(self, request: SynapseRequest) -> tuple[int, dict[str, Any]]:
        act = self._acts[(request.postpath or [b""])[0].decode()]
        return 200, await act(parse_json_object_from_request(request))

    async def _callback(self, body: dict[str, Any]) -> dict[str, Any]:
        """Who answers from now on."""
        self._callbacks[:] = self._choices[body["to"]]
        return {}

    async def _timed(self, event: EventBase, state: StateMap[EventBase]) -> tuple[bool, dict[str, Any] | None]:
        before = time.perf_counter_ns()
        try:
            return await self._module.check_event_allowed(event, state)
        finally:
            self._spent.append(time.perf_counter_ns() - before)

    async def _take_spent(self, _body: dict[str, Any]) -> dict[str, Any]:
        """The nanoseconds that each call of Belisha's callback took while `timed`."""
        spent, self._spent = self._spent, []
        return {"spent_ns": spent}

    async def _people(self, body: dict[str, Any]) -> dict[str, Any]:
        """Makes members without passwords or rooms of their own, which would take minutes, and tokens for some."""
        await self._module.registry.put_organisation(Organisation(ORGANISATION, "Bench", "academia"))
        tokens = {}
        for number in range(body["count"]):
            name = f"member{number:03}"
            await self._module.registry.put_member(Member(name, ORGANISATION, f"Member {number}", ("member",)))
            # As the registry makes accounts; Synapse's own way is for those who were invited.
            user_id = await self._module.hooks._register_user(
                localpart=name, default_display_name=f"Member {number} (Bench)"
            )
            if number < body["senders"]:
                _device, token, *_ = await self._module_api.register_device(user_id)
                tokens[user_id] = token
        return {"tokens": tokens}

    async def _fill(self, body: dict[str, Any]) -> dict[str, Any]:
        """Joins members to a room, with its door held open meanwhile: an invitation each would double the time."""
        room_id, maker = body["room_id"], body["maker"]
        before, self._callbacks[:] = self._callbacks[:], []
        try:
            await self._join_rule(room_id, maker, "public")
            for number in range(1, body["members"]):
                user_id = self._module.registry.user_id(f"member{number:03}")
                await self._module.hooks.set_membership(user_id, user_id, room_id, "join")
            await self._join_rule(room_id, maker, "knock")
        finally:
            self._callbacks[:] = before
        return {"joined": len(await self._module.hooks.joined(room_id))}

    async def _join_rule(self, room_id: str, maker: str, rule: str) -> None:
        await self._module_api.create_and_send_event_into_room(
            {
                "type": "m.room.join_rules",
                "state_key": "",
                "room_id": room_id,
                "sender": maker,
                "content": {"join_rule": rule},
            }
        )
