"""The local API: what the command line on this machine may do, with the secret that only the operator can read."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from synapse.http.site import SynapseRequest
from synapse.module_api import parse_json_object_from_request
from synapse.module_api.errors import SynapseError

from belisha.policy.change import Files
from belisha.policy.people import Standing
from belisha.policy.rooms import ANYBODY, SOURCE, Media, Purpose, kind_of, to_state
from belisha.revocations import Revocation, What, parsed
from synapse_modules.api_registration import RegistrationApi
from synapse_modules.api_resource import Answer, Resource
from synapse_modules.api_resource import one as _one
from synapse_modules.api_resource import text as _text
from synapse_modules.api_resource import texts as _texts
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed
from synapse_modules.registry import Member, Organisation, RegistryError

_ACT_WITHOUT_END = "The act of record {} of the chain {} has no end yet; `belisha audit verify` shows it."


class LocalApi(Resource):
    """What the command line on this machine may do, with the secret that only the operator can read."""

    def __init__(
        self,
        parts: Parts,
        secret: str,
        degraded: Mapping[str, str],
    ) -> None:
        super().__init__()
        self._api = parts.api
        self._hooks = parts.hooks
        self._registry = parts.registry
        self._rooms = parts.rooms
        self._policies = parts.policies
        self._upgrades = parts.upgrades
        self._ledger = parts.ledger
        self._rights = parts.rights
        self._files = parts.files
        self._journal = parts.journal
        self._audit = parts.audit
        self._watch = parts.watch
        self._media = parts.media
        self._open_acts = parts.open_acts
        self._exports = parts.exports
        self._sign_in = parts.sign_in
        self._syslog = parts.syslog
        self._holds = parts.holds
        self._secret = secret.encode()
        self._degraded = degraded
        self.handlers = {
            "GET status": self._status,
            "GET health": self._health,
            "GET organisations": self._organisations,
            "PUT organisations": self._put_organisation,
            "GET members": self._members,
            "PUT members": self._put_member,
            "PUT standing": self._put_standing,
            "POST ledger": self._rebuild_ledger,
            "POST files": self._withdraw,
            "POST revocations": self._replay,
            "GET audit": self._audit_log,
            "POST audit": self._forget,
            "GET rooms": self._room,
            "PUT rooms": self._put_policy,
            "POST rooms": self._upgrade_room,
            "POST exports": self._hand_over,
            "DELETE identities": self._forget_identities,
            "GET holds": self._list_holds,
            "POST holds": self._open_hold,
            **RegistrationApi(parts.api, parts.registry, parts.registrations, parts.rooms.contacts).handlers,
        }

    async def _async_render(self, request: SynapseRequest) -> Answer | None:
        scheme, _, given = (request.getHeader(b"Authorization") or b"").partition(b" ")
        if scheme != b"Bearer" or not self._secret or not hmac.compare_digest(given, self._secret):
            raise SynapseError(
                HTTPStatus.FORBIDDEN, "This address is for the server's own command line.", "M_FORBIDDEN"
            )
        return await super()._async_render(request)

    async def _status(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        return {
            "ready": self._rooms.ready,
            "server_name": self._api.server_name,
            "degraded": list(self._degraded.values()),
            "reviews": len(await self._registry.reviews()),
        }

    async def _health(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """What does not work now, a sentence each, by what it is about; everything is asked for at this moment."""
        checks = {
            "start": [] if self._rooms.ready else ["The community is still starting."],
            "synapse": list(self._degraded.values()),
            "files": [*await self._watch.look(), *await self._watch.left(), *await self._media.problems()],
            "audit": [_ACT_WITHOUT_END.format(one.number, one.writer) for one in await self._open_acts.without_end()],
            "syslog": await self._syslog.problems(),
        }
        return {"checks": checks}

    async def _hand_over(self, _request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """`POST exports/{localpart}`: a link to the copy of what is held about a member who cannot sign in."""
        return await self._exports.hand_over(_one(path))

    async def _list_holds(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        return await self._holds.listed()

    async def _open_hold(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """`POST holds/{id}`: the next of what a hold keeps, sealed, once two have agreed."""
        return await self._holds.take_out(_one(path), parse_json_object_from_request(request))

    async def _forget_identities(self, _request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """`DELETE identities/{localpart}`: lets another identity of the organisation's provider take an account."""
        localpart = _one(path)
        if localpart not in await self._registry.members():
            raise RegistryError(f"There is no member “{localpart}”.")
        user_id = self._registry.user_id(localpart)
        await self._audit.record(user_id, kind="act", what="forget_identities", phase="done", rule="M2")
        forgotten = await self._rights.forget_identities(user_id)
        return {"id": localpart, "created": False, "changed": forgotten > 0}

    async def _organisations(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        organisations = (await self._registry.organisations()).values()
        return {"organisations": [one._asdict() for one in sorted(organisations)]}

    async def _members(self, _request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        return {
            "members": [
                {
                    "user_id": self._registry.user_id(member.localpart),
                    "name": member.name,
                    "organisation": member.organisation,
                    "roles": list(member.roles),
                    "service_room": member.service_room,
                    "standing": member.standing.value,
                    "direct_chats": member.direct_chats.value,
                }
                for member in sorted((await self._registry.members()).values())
            ]
        }

    async def _room(self, _request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        if path[1:] == ["upgrade"]:
            return await self._upgrades.progress(await self._room_id(path, "upgrade"))
        room_id = await self._room_id(path, "policy")
        return {"room_id": room_id, **to_state(await self._policies.read(room_id))}

    async def _put_policy(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Changes what the body names of kind, organisations, purpose, media and originals; the rest stays."""
        room_id = await self._room_id(path, "policy")
        body = parse_json_object_from_request(request)
        try:
            kind = kind_of(body["kind"]) if "kind" in body else None
            purpose = Purpose(body["purpose"]) if "purpose" in body else None
            media = Media(body["media"]) if "media" in body else None
        except ValueError as error:
            raise malformed(f"{error}.") from None
        originals = body.get("originals")
        if originals not in (None, SOURCE, ANYBODY):
            raise malformed(f"`originals` is {SOURCE} or {ANYBODY}.")
        files = Files(media, None if originals is None else originals == SOURCE)
        organisations = _texts(body, "organisations") if "organisations" in body else None
        async with self._policies.alone(room_id):
            # What stays is what it is now that nobody else changes it.
            old = await self._policies.read(room_id)
            if organisations is None:
                organisations = old.organisations
            new = await self._policies.change(
                room_id, kind or old.kind, organisations, purpose or old.purpose, files=files
            )
        return {"room_id": room_id, **to_state(new)}

    async def _upgrade_room(self, _request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        room_id = await self._room_id(path, "upgrade")
        await self._upgrades.upgrade(room_id)
        return await self._upgrades.progress(room_id)

    async def _room_id(self, path: list[str], what: str) -> str:
        if len(path) != 2 or path[1] != what:
            raise malformed(f"The address ends with a room and `{what}`.")
        return await self._rooms.named(path[0])

    async def _put_organisation(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        body = parse_json_object_from_request(request)
        organisation = Organisation(_one(path), _text(body, "name"), _text(body, "category"), _texts(body, "domains"))
        created, changed = await self._registry.put_organisation(organisation)
        if changed:
            await self._rights.carry_out()
        return {"id": organisation.id, "created": created, "changed": changed}

    async def _put_member(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Adds or changes a member; each step can be repeated, so a call that was cut off is simply made again."""
        body = parse_json_object_from_request(request)
        localpart = _one(path)
        roles = _texts(body, "roles") or ("member",)
        member = Member(localpart, _text(body, "organisation"), _text(body, "name"), roles)
        user_id = self._registry.user_id(localpart)
        exists = await self._api.check_user_exists(user_id) is not None
        password = None if exists or self._sign_in.by_organisation else _text(body, "password")
        if not exists:
            await self._sign_in.prepare(localpart, body.get("factor"))
        created, changed = await self._registry.put_member(member)
        member = (await self._registry.members())[localpart]
        if changed and not created:
            await self._rights.carry_out(localpart)
        elif localpart in await self._registry.active_members():
            if not exists:
                await self._hooks.register(localpart, self._registry.display_name(member), password)
            elif created:
                await self._rooms.rename(member)
            service_room = await self._rooms.settle(member)
            return {"user_id": user_id, "created": not exists, "changed": changed, "service_room": service_room}
        return {"user_id": user_id, "created": False, "changed": changed, "service_room": member.service_room}

    async def _put_standing(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """Freezes, thaws or removes a member or an organisation: in force at once, carried out in the background.

        A group is frozen or thawed, and cannot be removed.
        """
        if len(path) != 2 or path[0] not in ("members", "organisations", "rooms"):
            raise malformed("The address ends with `members`, `organisations` or `rooms`, and one name.")
        try:
            standing = Standing(_text(parse_json_object_from_request(request), "standing"))
        except ValueError:
            raise malformed(f"`standing` is one of {', '.join(Standing)}.") from None
        kind, name = path
        if kind == "rooms":
            return await self._put_room_standing(await self._rooms.named(name), standing)
        if kind == "members":
            changed = await self._registry.set_member_standing(name, standing)
        else:
            changed = await self._registry.set_organisation_standing(name, standing)
        await self._rights.carry_out(name if kind == "members" else None)
        return {"id": name, "created": False, "changed": changed}

    async def _put_room_standing(self, room_id: str, standing: Standing) -> dict[str, Any]:
        if standing is Standing.REMOVED:
            raise malformed("A group cannot be removed; freeze it.")
        async with self._policies.alone(room_id):
            changed = await self._policies.set_frozen(room_id, frozen=standing is Standing.FROZEN)
        return {"id": room_id, "created": False, "changed": changed}

    async def _withdraw(self, _request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """`POST files/{id}/withdraw`: closes a file to everybody, for good."""
        if len(path) != 2 or path[1] != "withdraw" or "\0" in path[0]:
            raise malformed("The address ends with a file's id and `withdraw`.")
        return {"id": path[0], "created": False, "changed": await self._files.withdraw_by_operator(path[0])}

    async def _replay(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST revocations` with `revocations`: ends again what a restore brought back; how many there were."""
        given = parse_json_object_from_request(request).get("revocations")
        if not isinstance(given, list):
            raise malformed("`revocations` is a list.")
        try:
            revocations = [parsed(one) for one in given]
        except ValueError as error:
            raise malformed(f"{error}.") from None
        ended = Counter([one.what.value for one in revocations if await self._journal.replay(one)])
        await self._rights.carry_out()
        return {"ended": dict(ended)}

    async def _audit_log(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """`GET audit`: chains, heads, and who is behind the pseudonyms; `GET audit/{writer}?from=`: a page of one."""
        if not path:
            heads, writers = await self._audit.ends()
            names = await self._audit.names()
            return {"heads": [head._asdict() for head in heads], "writers": writers, "names": names}
        given: list[bytes] = (request.args or {}).get(b"from", [b"0"])
        first = given[0].decode("ascii", "replace")
        if not first.isascii() or not first.isdigit():
            raise malformed("`from` is the number of a record.")
        return {"records": [record._asdict() for record in await self._audit.page(_one(path), int(first[:15]))]}

    async def _forget(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """`POST audit/forget` with `user_id`: erases who is behind a pseudonym."""
        if path != ["forget"]:
            raise malformed("The audit log can be asked for `audit/forget` only.")
        user_id = _text(parse_json_object_from_request(request), "user_id")
        behind = [pseudonym for pseudonym, name in (await self._audit.names()).items() if name == user_id]
        try:
            for pseudonym in behind:
                await self._journal.note(Revocation(What.PSEUDONYM, (pseudonym,)))
        except OSError:
            raise SynapseError(
                HTTPStatus.FORBIDDEN,
                "The journal of revocations cannot be written, so a restore would bring this name back. Nobody was "
                "forgotten: mend what backup.revocations names, and try again.",
                "ORG.BELISHA.CANNOT_DECIDE",
            ) from None
        return {"changed": await self._audit.forget(user_id)}

    async def _rebuild_ledger(self, _request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        if path != ["rebuild"]:
            raise malformed("The ledger can be asked for `ledger/rebuild` only.")
        return dict(await self._ledger.rebuild())
