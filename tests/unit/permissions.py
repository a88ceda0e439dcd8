"""Who may ask for what where, written by hand from docs/commands.md, docs/stewards.md and DESIGN, not from the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

#: Where a command counts: in groups, in one's own room with the steward, or both.
GROUP, OWN, BOTH = "group", "own", "group own"


class Row(NamedTuple):
    """One command.

    Attributes:
        where: in which rooms it counts.
        who: who may ask for it; what it is about, the module looks at then.
        act: what the module calls it; empty where the bot itself answers.
    """

    where: str
    who: str
    act: str = ""


#: Whom the words of `Row.who` stand for.
WHO: Final = {
    "anybody": {"account", "frozen", "member", "muted", "maintainer", "lead", "steward", "manager", "operator", "all"},
    "unbound": {"account"},
    "members": {"member", "muted", "maintainer", "lead", "steward", "manager", "operator", "all"},
    "maintainers": {"maintainer", "steward", "manager", "all"},
    "maintainers and leads": {"maintainer", "lead", "steward", "manager", "all"},
    "leads": {"lead", "steward", "manager", "all"},
    "leads of managers": {"lead", "manager", "all"},
    "moderation": {"steward", "manager", "all"},
    "stewards": {"steward", "all"},
    "managers": {"manager", "all"},
    "managers and operators": {"manager", "operator", "all"},
    "leads alone": {"lead", "all"},
}

ROWS: Final = {
    "announce": Row(OWN, "managers", "announce"),
    "announce status": Row(OWN, "managers", "announce_status"),
    "ask-in": Row(OWN, "unbound", "ask_in"),
    "audience": Row(BOTH, "members"),
    "ban": Row(BOTH, "maintainers", "member_ban"),
    "challenges": Row(OWN, "members"),
    "devices": Row(OWN, "members", "devices"),
    "devices end": Row(OWN, "members", "device_end"),
    "digest": Row(OWN, "members"),
    "digest mail": Row(OWN, "members"),
    "digest code": Row(OWN, "members"),
    "direct-chats": Row(OWN, "members", "direct_chats"),
    "docs find": Row(OWN, "members"),
    "docs info": Row(OWN, "members"),
    "docs versions": Row(OWN, "members"),
    "docs who": Row(OWN, "members"),
    # Whose file it is, the module looks at then.
    "docs describe": Row(GROUP, "members", "document_describe"),
    "docs pin": Row(GROUP, "maintainers", "document_pin"),
    "docs withdraw": Row(GROUP, "members", "document_withdraw"),
    "dormant": Row(OWN, "leads", "members_dormant"),
    "find": Row(OWN, "members"),
    "freeze": Row(BOTH, "leads", "member_freeze"),
    "freeze organisation": Row(BOTH, "moderation", "organisation_freeze"),
    "group archive": Row(GROUP, "maintainers", "group_archive"),
    "group composer": Row(GROUP, "maintainers", "group_composer"),
    "group create": Row(BOTH, "members", "group_create"),
    "group freeze": Row(BOTH, "moderation", "room_freeze"),
    "group invite": Row(GROUP, "members", "group_invite"),
    "group join": Row(BOTH, "members", "group_join"),
    "group leave": Row(BOTH, "members", "group_leave"),
    "group list": Row(OWN, "members"),
    "group pads": Row(GROUP, "maintainers", "group_pads"),
    "group policy": Row(GROUP, "maintainers", "room_policy"),
    "group rename": Row(GROUP, "maintainers", "group_rename"),
    "group thaw": Row(BOTH, "moderation", "room_thaw"),
    "group topic": Row(GROUP, "maintainers", "group_topic"),
    "group unarchive": Row(BOTH, "maintainers", "group_unarchive"),
    "group upgrade": Row(GROUP, "maintainers", "room_upgrade"),
    "help": Row(BOTH, "anybody"),
    **{
        f"hold {what}": Row(OWN, "managers and operators", f"hold_{what}")
        for what in ("member", "room", "time", "confirm", "release", "open", "list")
    },
    "invite": Row(OWN, "leads of managers", "invitation_make"),
    "invite list": Row(OWN, "leads of managers", "invitation_list"),
    "invite revoke": Row(OWN, "leads of managers", "invitation_revoke"),
    "kick": Row(BOTH, "maintainers", "member_kick"),
    "leave-community": Row(OWN, "members", "leave_community"),
    "let-in": Row(BOTH, "members", "let_in"),
    "may": Row(BOTH, "members"),
    "metrics mine": Row(OWN, "members"),
    "metrics optin": Row(OWN, "members"),
    "metrics optout": Row(OWN, "members"),
    "mydata": Row(OWN, "members", "export"),
    "profile guide": Row(OWN, "members"),
    "mydata for": Row(OWN, "managers", "export_for"),
    "members": Row(OWN, "leads", "members_list"),
    "members without-factor": Row(OWN, "leads of managers", "members_unfactored"),
    "members confirm": Row(OWN, "leads", "members_confirm"),
    "mod log": Row(OWN, "moderation", "moderation_log"),
    "mute": Row(BOTH, "maintainers and leads", "member_mute"),
    "offboard": Row(OWN, "leads", "member_offboard"),
    "offboard organisation": Row(OWN, "moderation", "organisation_offboard"),
    "pad": Row(GROUP, "members"),
    "poll": Row(GROUP, "members", "poll_open"),
    # Whoever began a poll may be anybody: the module looks at who that is.
    "poll cancel": Row(GROUP, "members", "poll_cancel"),
    "poll close": Row(GROUP, "members", "poll_close"),
    "poll export": Row(GROUP, "members"),
    "poll extend": Row(GROUP, "members", "poll_extend"),
    "poll reminders": Row(OWN, "members"),
    "portal": Row(BOTH, "members"),
    "profile": Row(OWN, "members"),
    "profile erase": Row(OWN, "members"),
    "profile preview": Row(OWN, "members"),
    "pulse": Row(OWN, "members"),
    "profile visible": Row(OWN, "members"),
    "queue": Row(OWN, "members", "queue"),
    "metrics organisation": Row(OWN, "leads alone", "organisation_figures"),
    "quiet": Row(OWN, "members"),
    "raise": Row(BOTH, "stewards", "item_raise"),
    "recover": Row(OWN, "leads", "member_recover"),
    "introduce": Row(OWN, "members", "introduce"),
    "introductions agree": Row(OWN, "members", "introduction_agree"),
    "posts": Row(OWN, "members"),
    "red": Row(OWN, "members", "red"),
    "redact": Row(GROUP, "maintainers", "item_redact"),
    "relabel": Row(BOTH, "members", "item_relabel"),
    "report": Row(BOTH, "members", "report"),
    "report acknowledge": Row(BOTH, "moderation", "report_acknowledge"),
    "report close": Row(BOTH, "moderation", "report_close"),
    "report mute": Row(BOTH, "moderation", "report_mute"),
    "report redact": Row(BOTH, "moderation", "report_redact"),
    "report remove": Row(BOTH, "moderation", "report_remove"),
    "report warn": Row(BOTH, "moderation", "report_warn"),
    "rules": Row(OWN, "members"),
    "rules accept": Row(OWN, "members"),
    "search": Row(OWN, "members"),
    "start": Row(OWN, "members"),
    "suggestions": Row(OWN, "members"),
    "thaw": Row(BOTH, "leads", "member_thaw"),
    "thaw organisation": Row(BOTH, "moderation", "organisation_thaw"),
    "tlp": Row(BOTH, "anybody"),
    "turn-away": Row(BOTH, "members", "turn_away"),
    "unban": Row(BOTH, "maintainers", "member_unban"),
    "unmute": Row(BOTH, "maintainers and leads", "member_unmute"),
    "whois": Row(OWN, "members"),
    "warn": Row(BOTH, "leads", "member_warn"),
}

#: Those of an asker's own organisation and of another, by their roles; `self` is the asker.
ABOUT: Final = (
    "self", "member", "lead", "steward", "manager", "maintainer",
    "other member", "other lead", "other steward", "other manager", "other maintainer",
)  # fmt: skip

#: By act and asker: whom it may be about. What is not here, nobody may.
_THEIRS: Final = ("member", "lead", "maintainer")
_ALL_BUT_SELF: Final = ABOUT[1:]
_NO_MANAGERS: Final = tuple(one for one in _ALL_BUT_SELF if not one.endswith("manager"))
_NOBODY_ABOVE: Final = tuple(one for one in _NO_MANAGERS if not one.endswith("steward"))
_NO_MAINTAINERS: Final = tuple(one for one in _NOBODY_ABOVE if not one.endswith("maintainer"))

_STANDING: Final = {"lead": _THEIRS, "steward": _NO_MANAGERS, "manager": _ALL_BUT_SELF}
_BY_MAINTAINERS: Final = {"maintainer": _NO_MAINTAINERS, "steward": _NO_MANAGERS, "manager": _ALL_BUT_SELF}
_BY_LEADS: Final = {"lead": _THEIRS, "steward": _NO_MANAGERS, "manager": _ALL_BUT_SELF}
_BY_REPORT: Final = {"steward": _NO_MANAGERS, "manager": _ALL_BUT_SELF}

WHOM: Final[dict[str, Mapping[str, tuple[str, ...]]]] = {
    "freeze": _STANDING,
    "thaw": _STANDING,
    "offboard": {"lead": _THEIRS, "steward": _NOBODY_ABOVE, "manager": _ALL_BUT_SELF},
    "warn": _BY_LEADS,
    # Where the organisation has no lead; where it has one, an ordinary member is the lead's alone.
    "recover": {
        "lead": ("member", "maintainer"),
        "steward": ("member", "maintainer", "other member", "other maintainer"),
        "manager": _ALL_BUT_SELF,
    },
    "mute": {**_BY_LEADS, **_BY_MAINTAINERS},
    "unmute": {**_BY_LEADS, **_BY_MAINTAINERS},
    "kick": _BY_MAINTAINERS,
    "ban": _BY_MAINTAINERS,
    "unban": _BY_MAINTAINERS,
    "redact": _BY_MAINTAINERS,
    "report warn": _BY_REPORT,
    "report mute": _BY_REPORT,
    "report redact": _BY_REPORT,
    "report remove": _BY_REPORT,
}

#: The same of acts about a whole organisation, in which nobody moderates: their own, or another.
ORGANISATIONS: Final[dict[str, Mapping[str, tuple[str, ...]]]] = {
    "freeze organisation": {"steward": ("other",), "manager": ("other",)},
    "thaw organisation": {"steward": ("other",), "manager": ("other",)},
    "offboard organisation": {"steward": ("other",), "manager": ("other",)},
    "members": {"lead": ("own",), "steward": ("own", "other"), "manager": ("own", "other")},
    "members confirm": {"lead": ("own",), "steward": ("own", "other"), "manager": ("own", "other")},
    "dormant": {"lead": ("own",), "steward": ("own", "other"), "manager": ("own", "other")},
    "members without-factor": {"lead": ("own",), "manager": ("own", "other")},
    "invite": {"lead": ("own",), "manager": ("own", "other")},
    "invite list": {"lead": ("own",), "manager": ("own", "other")},
    "invite revoke": {"lead": ("own",), "manager": ("own", "other")},
    # Of who asks to belong to an organisation; who is let into it.
    "let-in": {"lead": ("own",), "steward": ("own", "other"), "manager": ("own", "other")},
    "turn-away": {"lead": ("own",), "steward": ("own", "other"), "manager": ("own", "other")},
    "queue": {"lead": ("own",), "steward": ("own", "other"), "manager": ("own", "other")},
}

#: Commands that say in themselves which group they are about: who maintains any may ask for them anywhere, and whether
#: it is theirs is for the module to see. The others of these say it in their own room only, by `--group`.
NAMES_GROUP: Final = {
    "group unarchive": BOTH,
    **dict.fromkeys(("mute", "unmute", "kick", "ban", "unban"), OWN),
}
#: The same of who knocks on a group.
ON_KNOCKS: Final = dict.fromkeys(("let-in", "turn-away", "queue"), ("maintainer", "steward", "manager"))

#: Acts about the group that they are written in, or that they name: the module looks at the power there.
ON_FILES: Final = {"docs pin": ("maintainer", "steward", "manager")}
ON_GROUPS: Final = {
    **dict.fromkeys(
        (
            *("group policy", "group upgrade", "group rename", "group topic", "group archive", "group unarchive"),
            *("group composer", "group pads"),
        ),
        ("maintainer", "steward", "manager"),
    ),
    **dict.fromkeys(("group freeze", "group thaw"), ("steward", "manager")),
}
