"""What Synapse's own tables hold about members, and what of it a member is given (see `belisha.held`).

`tests/synapse/test_mydata.py` finds a table with a column for people about which this says nothing.
"""

from __future__ import annotations

from typing import Final

from belisha.held import Held

_GIVEN: Final = "It follows from what is given under “messages” and “rooms”."
_TO_ACT: Final = "It has secrets: who has them can act as you."
_KEYS: Final = "Keys of your devices; your clients have them, and show them."
_COUNTS: Final = "Counts and marks of what Synapse has still to do, by which nothing more is known of you."
_UNUSED: Final = "This platform does not use it."


def _left(why: str, *tables: str) -> tuple[Held, ...]:
    return tuple(Held(table=table, left=why) for table in tables)


HELD_BY_SYNAPSE: Final = (
    Held(
        table="users",
        section="account",
        mine=("name",),
        give=("name", "creation_ts", "admin", "deactivated", "locked", "suspended"),
        left="The hash of your password.",
    ),
    Held(table="profiles", section="profile", mine=("full_user_id",), give=("displayname", "avatar_url", "fields")),
    Held(
        table="devices",
        section="devices",
        mine=("user_id",),
        give=("device_id", "display_name", "last_seen", "ip", "user_agent"),
    ),
    Held(
        table="user_ips",
        section="addresses",
        mine=("user_id",),
        give=("device_id", "ip", "user_agent", "last_seen"),
        left="Tokens.",
    ),
    Held(
        table="user_daily_visits",
        section="days of activity",
        mine=("user_id",),
        give=("device_id", "timestamp", "user_agent"),
    ),
    Held(
        table="room_memberships",
        section="rooms",
        mine=("user_id",),
        give=("room_id", "membership", "event_id", "display_name"),
        masked=("sender",),
    ),
    Held(
        table="account_data",
        section="settings of your clients",
        mine=("user_id",),
        give=("account_data_type", "content"),
    ),
    Held(
        table="room_account_data",
        section="settings of your clients for rooms",
        mine=("user_id",),
        give=("room_id", "account_data_type", "content"),
    ),
    Held(table="room_tags", section="tags of rooms", mine=("user_id",), give=("room_id", "tag", "content")),
    Held(
        table="pushers",
        section="notifications",
        mine=("user_name",),
        give=("kind", "app_id", "app_display_name", "device_display_name", "lang", "ts"),
        left="The keys by which your device is reached.",
    ),
    Held(
        table="push_rules",
        section="rules of notifications",
        mine=("user_name",),
        give=("rule_id", "conditions", "actions"),
    ),
    Held(
        table="receipts_linearized",
        section="read up to",
        mine=("user_id",),
        give=("room_id", "receipt_type", "event_id", "data"),
    ),
    Held(table="room_aliases", section="addresses of rooms", mine=("creator",), give=("room_alias", "room_id")),
    Held(
        table="user_threepids",
        section="mail addresses",
        mine=("user_id",),
        give=("medium", "address", "validated_at", "added_at"),
    ),
    Held(
        table="event_reports",
        section="reports from your client's menu",
        mine=("user_id",),
        give=("received_ts", "room_id", "event_id", "reason"),
        left="Reports of others.",
    ),
    Held(
        table="user_reports",
        section="reports of members from your client's menu",
        mine=("user_id",),
        give=("received_ts", "reason"),
        masked=("target_user_id",),
        left="Reports of others.",
    ),
    Held(
        table="room_reports",
        section="reports of rooms from your client's menu",
        mine=("user_id",),
        give=("received_ts", "room_id", "reason"),
        left="Reports of others.",
    ),
    Held(
        table="ignored_users",
        section="ignored",
        mine=("ignorer_user_id",),
        give=("ignorer_user_id",),
        masked=("ignored_user_id",),
    ),
    *_left(
        "Given under “messages”.",
        "events",
        "event_search",
        "event_search_content",
        "state_events",
        "current_state_events",
        "current_state_delta_stream",
        "state_groups_state",
        "event_auth_chain_to_calculate",
    ),
    Held(table="local_media_repository", left="Given under “files”."),
    *_left(
        _GIVEN,
        "local_current_membership",
        "sliding_sync_membership_snapshots",
        "user_directory",
        "user_directory_search",
        "user_directory_search_content",
        "users_in_public_rooms",
        "users_who_share_private_rooms",
        "room_stats_current",
        "rooms",
        "receipts_graph",
        "room_ban_redactions",
    ),
    *_left(
        _TO_ACT,
        "access_tokens",
        "refresh_tokens",
        "login_tokens",
        "open_id_tokens",
        "device_auth_providers",
        "ui_auth_sessions_ips",
    ),
    *_left(
        _KEYS,
        "e2e_cross_signing_keys",
        "e2e_cross_signing_signatures",
        "e2e_device_keys_json",
        "e2e_fallback_keys_json",
        "e2e_one_time_keys_json",
        "e2e_room_keys",
        "e2e_room_keys_versions",
        "dehydrated_devices",
        "device_inbox",
        "user_signature_stream",
    ),
    *_left(
        _COUNTS,
        "event_push_actions",
        "event_push_actions_staging",
        "event_push_summary",
        "event_txn_id_device_id",
        "deleted_pushers",
        "device_lists_changes_in_room",
        "device_lists_stream",
        "profile_updates",
        "profile_updates_per_user",
        "push_rules_enable",
        "push_rules_stream",
        "room_tags_revisions",
        "sliding_sync_connection_lazy_members",
        "sliding_sync_connections",
        "user_filters",
        "user_stats_current",
        "users_pending_deactivation",
        "users_to_send_full_presence_to",
        "monthly_active_users",
        "presence_stream",
        "thread_subscriptions",
        "ratelimit_override",
        "erased_users",
        "blocked_rooms",
    ),
    *_left(
        _UNUSED,
        "account_validity",
        "delayed_events",
        "device_lists_outbound_last_success",
        "device_lists_outbound_pokes",
        "device_lists_remote_cache",
        "device_lists_remote_extremeties",
        "device_lists_remote_pending",
        "device_lists_remote_resync",
        "per_user_experimental_features",
        "sticky_events",
        "user_directory_stale_remote_users",
        "user_external_ids",
        "user_threepid_id_server",
    ),
)
