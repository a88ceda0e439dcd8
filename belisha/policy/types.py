"""The closed list of event types (rule L1): content carries a label, protocol types carry none, others are refused."""

from typing import Final

CONTENT: Final = frozenset(
    {
        "m.room.message",
        "m.room.encrypted",
        "m.sticker",
        "m.poll.start",
        "org.matrix.msc3381.poll.start",
        "m.poll.end",
        "org.matrix.msc3381.poll.end",
        "m.beacon_info",
        "org.matrix.msc3672.beacon_info",
    }
)

#: The state that group calls keep in a room (MSC3401).
CALL_STATE: Final = frozenset({"m.call", "m.call.member", "org.matrix.msc3401.call", "org.matrix.msc3401.call.member"})

#: Calls and what runs them; accepted only where the community's settings allow calls.
CALLS: Final = CALL_STATE | frozenset(
    {
        "m.call.invite",
        "m.call.candidates",
        "m.call.answer",
        "m.call.select_answer",
        "m.call.negotiate",
        "m.call.reject",
        "m.call.hangup",
        "m.call.asserted_identity",
        "org.matrix.call.asserted_identity",
        "m.call.sdp_stream_metadata_changed",
        "org.matrix.call.sdp_stream_metadata_changed",
        "m.call.notify",
        "org.matrix.msc4075.call.notify",
        "org.matrix.msc4075.rtc.notification",
    }
)

#: The timeline event that changes an item's label (rule L4).
RELABEL: Final = "org.belisha.relabel"

#: Written by the module alone; a client's own is refused whatever its content (rule R1).
MODULE_STATE: Final = frozenset({"org.belisha.room", "org.belisha.named"})

#: State that a room is born with, before its policy is there.
BIRTH_STATE: Final = frozenset(
    {
        "m.room.create",
        "m.room.power_levels",
        "m.room.canonical_alias",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.guest_access",
        "m.room.encryption",
        "m.room.name",
        "m.room.topic",
        "m.room.avatar",
        "m.space.parent",
    }
)

ROOM_STATE: Final = BIRTH_STATE | frozenset(
    {
        "m.room.member",
        "m.room.third_party_invite",
        "m.room.pinned_events",
        "m.room.server_acl",
        "m.room.tombstone",
        "m.space.child",
        "m.widget",
        "im.vector.modular.widgets",
    }
)

PROTOCOL: Final = (
    frozenset(
        {
            "m.reaction",
            "m.poll.response",
            "org.matrix.msc3381.poll.response",
            "m.room.redaction",
            "m.beacon",
            "org.matrix.msc3672.beacon",
            RELABEL,
            "org.matrix.dummy_event",  # Synapse's own, to join forward extremities
        }
    )
    | CALLS
    | MODULE_STATE
    | ROOM_STATE
)

#: Events that are kept whole for good: redacting one would take a policy or a decision back unseen (rule L4). A
#: redaction is among them, since it carries the label that the redacted item had.
NEVER_REDACTED: Final = MODULE_STATE | {RELABEL, "org.belisha.consent", "m.room.redaction"}

#: Messages from device to device: keys, verification and secrets, and nothing that a person writes (Matrix 1.16,
#: "End-to-end encryption"). They are in no room, so no label holds for them.
TO_DEVICE: Final = frozenset(
    {
        "m.dummy",
        "m.forwarded_room_key",
        "m.key.verification.accept",
        "m.key.verification.cancel",
        "m.key.verification.done",
        "m.key.verification.key",
        "m.key.verification.mac",
        "m.key.verification.ready",
        "m.key.verification.request",
        "m.key.verification.start",
        "m.room.encrypted",
        "m.room_key",
        "m.room_key.withheld",
        "m.room_key_request",
        "m.secret.request",
        "m.secret.send",
        "org.matrix.room_key.withheld",
    }
)
