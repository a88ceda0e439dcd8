"""The bots, ended with kill -9 at the next moment of a list around a digest, by mail or by chat; see `killed`."""

from __future__ import annotations

import sys
from typing import Any

from bots.__main__ import main
from bots.digest.digest import Digests
from bots.kernel.mail import Mailer
from bots.kernel.matrix import BotClient
from bots.kernel.outbox import Outbox
from tests.bots.killed import around, reached

MOMENTS = ("amid the writing", "before the mail", "behind the mail", "before the end", "behind the end")
IN_CHAT = tuple(one.replace("mail", "message") for one in MOMENTS)


def _prepare() -> None:
    # All of them are a test's.
    Mailer.send = around(Mailer.send, lambda *_: "mail")  # type: ignore[method-assign,assignment]
    BotClient.send = around(BotClient.send, _of_digest)  # type: ignore[method-assign,assignment]
    Outbox.sent = around(Outbox.sent, _of_mail)  # type: ignore[method-assign,assignment]
    write = Digests.letter

    def written(*arguments: Any) -> Any:
        mail = write(*arguments)
        reached("amid the writing")
        return mail

    Digests.letter = written  # type: ignore[method-assign]


def _of_digest(_client: BotClient, _room: str, _type: str, content: dict[str, Any], _transaction: str) -> str | None:
    return "message" if "What is new for you" in str(content.get("body")) else None


def _of_mail(_outbox: Outbox, _number: int, _result: str | None, job_after: Any = None) -> str | None:
    return "end" if job_after is not None and job_after["name"].startswith("mailed ") else None


if __name__ == "__main__":
    _prepare()
    sys.exit(main())
