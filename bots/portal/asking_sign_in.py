"""Hands the module what somebody typed to get an account, or to get one back; nothing of it is kept or logged here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from bots.portal.unavailable import Unavailable

#: Refusals that speak of what was typed; any other is a fault, which a visitor is told nothing of.
_ABOUT_TYPED: Final = frozenset(
    f"ORG.BELISHA.{code}"
    for code in (
        *("NO_CODE", "INVITATION", "INVITATION_ONLY", "USER_NAME", "UNFINISHED"),
        *("WRONG_PASSWORD", "TOO_OFTEN", "NO_FACTOR_YET"),
    )
)

Answered = tuple[int, Mapping[str, Any]]


class SignInQuestions:
    """The portal's questions about how members sign in."""

    def __init__(self, post: Callable[[str, Mapping[str, Any]], Awaitable[Answered]]) -> None:
        """`post` puts a question to the module; the status and the object of its answer."""
        self._post = post

    async def recover(self, account: str, code: str, password: str, factor: Mapping[str, str]) -> str | None:
        """Sets a new password for whoever has a code for an account; None where it is done, else why not.

        Args:
            account: whose.
            code: what their lead gave them.
            password: the new one.
            factor: `secret` and `digits` of a new second factor; empty where there is none.

        Raises:
            Unavailable: It cannot be asked.
        """
        given = {"account": account, "code": code, "password": password, **factor}
        status, answer = await self._post("recover", given)
        return None if status == HTTPStatus.OK and answer.get("recovered") is True else _why_not(status, answer)

    async def join(self, token: str, username: str, password: str, factor: Mapping[str, str]) -> tuple[str, str | None]:
        """Makes an account with a registration token; its user id, and None, or else why it is not made.

        Raises:
            Unavailable: It cannot be asked.
        """
        given = {"token": token, "username": username, "password": password, **factor}
        status, answer = await self._post("join", given)
        user_id = answer.get("user_id")
        if status == HTTPStatus.OK and isinstance(user_id, str):
            return user_id, None
        return "", _why_not(status, answer)

    async def enrol(self, user_id: str, password: str, factor: Mapping[str, str]) -> str | None:
        """Gives a signed-in member a new second factor; None where it is done, else why not.

        Args:
            user_id: whose session it is.
            password: what opens the account now, with a code of the present factor where there is one.
            factor: `secret` and `digits` of the new one.

        Raises:
            Unavailable: It cannot be asked.
        """
        status, answer = await self._post("factor", {"user_id": user_id, "password": password, **factor})
        return None if status == HTTPStatus.OK and answer.get("enrolled") is True else _why_not(status, answer)

    async def spare_codes(self, user_id: str, password: str) -> tuple[tuple[str, ...], str | None]:
        """Makes a signed-in member's recovery codes anew; the codes, and None, or else why not.

        Args:
            user_id: whose session it is.
            password: what opens the account now, with a code behind it.

        Raises:
            Unavailable: It cannot be asked.
        """
        status, answer = await self._post("spare_codes", {"user_id": user_id, "password": password})
        codes = answer.get("codes")
        if status == HTTPStatus.OK and isinstance(codes, list):
            return tuple(str(code) for code in codes), None
        return (), _why_not(status, answer)


def _why_not(status: int, answer: Mapping[str, Any]) -> str:
    """The module's sentence about what somebody typed.

    Raises:
        Unavailable: it says nothing of that kind.
    """
    sentence, refused = answer.get("error"), str(answer.get("errcode", ""))
    is_told = status == HTTPStatus.BAD_REQUEST or (status == HTTPStatus.FORBIDDEN and refused in _ABOUT_TYPED)
    if not is_told or not isinstance(sentence, str):
        raise Unavailable
    return sentence
