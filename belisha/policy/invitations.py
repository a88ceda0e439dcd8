"""Decides whether an invitation, a registration token bound to an organisation, still makes a member (rule M2)."""

from __future__ import annotations

from typing import Final, NamedTuple

from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person, Standing


class Invitation(NamedTuple):
    """What the registry keeps of an invitation; of its token only a hash, which is not here.

    `name` is the new member's, where the invitation is for one person; `expires` is in seconds since 1970.
    """

    id: str
    organisation: str
    name: str | None
    uses: int
    used: int
    expires: int
    made_by: str | None = None
    """The localpart of who made it by a command; none where an operator did."""


_FINE: Final = allow("M2", "The invitation holds.")
_NEW_ONE: Final = "Please ask the person who gave it to you for a new one."
_UNKNOWN: Final = refuse(
    "M2",
    "INVITATION",
    f"This token is not one of this community's, or it was withdrawn. Check that you copied all of it. {_NEW_ONE}",
)
_EXPIRED: Final = refuse("M2", "INVITATION", f"This token has expired. {_NEW_ONE}")
_USED_UP: Final = refuse("M2", "INVITATION", f"This token was used as often as it may be. {_NEW_ONE}")
_MAKER_GONE: Final = refuse(
    "M2", "INVITATION", f"Who gave out this token may not invite any more, so it holds no longer. {_NEW_ONE}"
)
_FROZEN: Final = refuse(
    "M2", "INVITATION", "The organisation that invited you is frozen for now, so nobody can join it. Please ask there."
)
NO_TOKEN: Final = refuse(
    "M2",
    "INVITATION_ONLY",
    "Accounts here are made with a registration token. Please ask your organisation for one.",
)


def decide_inviting(asker: Person, organisation: str) -> Decision:
    """Decides whether somebody who may act as a member makes, sees and revokes an organisation's invitations."""
    if "manager" in asker.roles or ("lead" in asker.roles and asker.organisation == organisation):
        return _FINE
    return refuse("M2", "NOT_YOURS", "Managers can do this, and leads for their own organisation.")


def decide_invitation(
    invitation: Invitation | None,
    standing: Standing | None,
    now: int,
    under_way: int = 0,
    *,
    maker: Person | None = None,
) -> Decision:
    """Decides whether an invitation can be used now.

    Args:
        invitation: None where there is none of that token, or it was withdrawn.
        standing: that of its organisation, None where there is none.
        now: seconds since 1970.
        under_way: how many accounts are being made with it at this moment.
        maker: who made it, as they are now; it holds as long as they may invite.
    """
    if invitation is None or standing in (None, Standing.REMOVED):
        return _UNKNOWN
    if invitation.expires <= now:
        return _EXPIRED
    if standing is Standing.FROZEN:
        return _FROZEN
    if invitation.made_by is not None and not (
        maker is not None and maker.belongs and decide_inviting(maker, invitation.organisation).allowed
    ):
        return _MAKER_GONE
    if invitation.used + under_way >= invitation.uses:
        return _USED_UP
    return _FINE
