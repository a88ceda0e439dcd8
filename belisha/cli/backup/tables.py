"""What of the databases no backup has: it is a right that is to end with a restore, or a key that is kept apart."""

from typing import Final

#: Tables that are in a backup without their rows, by the database.
EMPTY: Final[dict[str, tuple[str, ...]]] = {
    "synapse": (
        # Sessions: a backup cannot say which of them have ended since, and a client that has read further than the
        # server now knows would wait for ever. So members sign in anew.
        "access_tokens",
        "refresh_tokens",
        "open_id_tokens",
        "login_tokens",
        "ui_auth_sessions_credentials",
        "ui_auth_sessions_ips",
        "ui_auth_sessions",
        "pushers",
        # Invitations and codes for a new password, which may have been used or taken back since.
        "belisha_invitation",
        "belisha_recovery",
        # That a lead lets the organisation be named, which may have been taken back since.
        "belisha_shown_organisation",
        # Who stands behind a pseudonym of the audit log: in the archive of keys.
        "belisha_pseudonym",
    ),
    "bots": ("portal_session", "portal_browser"),
}
#: Where pseudonyms stand in the archive of keys: JSON, pairs of user id and pseudonym.
PSEUDONYMS: Final = "pseudonyms.json"
