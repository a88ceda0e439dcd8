"""What members can ask of their digest."""

from __future__ import annotations

import re
from datetime import time
from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import Type, Wrong, choice
from belisha.digest import addresses
from belisha.translation import marked

DAILY: Final = "daily"
WEEKLY: Final = "weekly"
OFF: Final = "off"
CHAT: Final = "chat"
MAIL: Final = "mail"
BOTH: Final = "both"
_CODE: Final = re.compile(r"[0-9]{6}")


def _hour(text: str) -> str | Wrong:
    try:
        return time.fromisoformat(text.strip().zfill(5)).strftime("%H:%M")
    except ValueError:
        return Wrong(marked("Please write a time of the day such as 08:00."))


DIGEST: Final = Command(
    ("digest",),
    marked("says how often I tell you what is new for you, when and how: daily, weekly, or off"),
    "!digest daily --at 08:00",
    (
        Argument("every", choice(DAILY, WEEKLY, OFF), marked("how often: daily, weekly or off"), required=False),
        Argument("at", Type(_hour, shown="08:00"), marked("at which time of the day"), required=False, flag=True),
        Argument("by", choice(CHAT, MAIL, BOTH), marked("by chat, by mail or both"), required=False, flag=True),
    ),
    where=ALONE,
    title=marked("My digest"),
    on_page=marked("says how often the steward tells you what is new for you, and when: daily, weekly, or off"),
)


def _address(text: str) -> str | Wrong:
    if text.strip().casefold() == OFF:
        return OFF
    return addresses.read(text) or Wrong(marked("Please write a bare mail address such as ada@harbour.org, or off."))


def _code(text: str) -> str | Wrong:
    code = re.sub(r"[\s-]+", "", text)
    return code if _CODE.fullmatch(code) else Wrong(marked("Please write the six digits that stand in the mail."))


DIGEST_MAIL: Final = Command(
    ("digest", "mail"),
    marked("has your digest mailed to your address at your organisation, once you have shown that it is yours"),
    "!digest mail ada@harbour.org",
    (
        Argument(
            "address",
            Type(_address, shown="ADDRESS"),
            marked("which address, or off to forget it"),
            required=False,
        ),
    ),
    where=ALONE,
    title=marked("My digest by mail"),
)

DIGEST_CODE: Final = Command(
    ("digest", "code"),
    marked("shows that the address is yours, by the code that was mailed there"),
    "!digest code 123456",
    (Argument("code", Type(_code, shown="123456"), marked("the six digits that stand in the mail")),),
    where=ALONE,
    title=marked("The code for my digest by mail"),
)
